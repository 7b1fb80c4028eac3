"""`mrrc-ct index`, and the index that `mrrc-ct get` looks into."""

from __future__ import annotations

import os

from ..conversion import size_of_source
from ..errors import IndexInvalid, SourceError
from ..index import SUFFIX, build_index, open_index
from . import options as shared
from . import streams
from .progress import Progress

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any

    from ..index import RecordIndex

SUMMARY = "Note where each record of files is, for get."
EXAMPLES = ["mrrc-ct index books.mrc", "mrrc-ct index --threads 2 *.mrc"]
#: What a file is that has an index.
FILE = "records in ISO 2709, not packed"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("inputs", nargs="+", metavar="FILE", help=FILE)
    shared.add_threads(parser)
    shared.add_quiet(parser)


def paths(options: argparse.Namespace) -> list[str]:
    """The files, each once. Raises SourceError for one that is not there, before any is read."""
    if "-" in options.inputs:
        raise ValueError("standard input cannot be gone back in: name a file")
    found = [str(one) for one in shared.inputs(options)]
    for path in found:
        size_of_source(path)
    return list(dict.fromkeys(found))


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    with Progress(options) as progress:
        for path in paths(options):
            with build_index(
                path,
                save=False,
                threads=options.threads,
                on_error=progress.error,
                progress=progress,
            ) as index:
                name = index.save()
            progress.clear()
            progress.read += len(index)
            streams.write(f"{name}\t{len(index)}\n")
    return progress.status


def opened(
    path: str, progress: Progress, from_: str | None, threads: int, **reading: Any
) -> RecordIndex:
    """The index of a file; one that is not there or out of date is built.

    Where it cannot be kept beside the file it is of use this time all the same.
    """
    try:
        return open_index(path, **reading)
    except IndexInvalid as error:
        if os.path.exists(path + SUFFIX):
            progress.say(f"mrrc-ct: {error} (this is done now)")
        else:
            progress.say(f"mrrc-ct: building an index, {path + SUFFIX}")
    index = build_index(path, from_, save=False, threads=threads, progress=progress, **reading)
    try:
        index.save()
    except SourceError as error:
        progress.say(f"mrrc-ct: it is not kept: {error}")
    return index
