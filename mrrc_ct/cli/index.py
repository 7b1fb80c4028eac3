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

SUMMARY = "Note where each record of a file is, for get."
EXAMPLES = ["mrrc-ct index books.mrc"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    add_file(parser)
    shared.add_quiet(parser)


def add_file(parser: argparse.ArgumentParser) -> None:
    """The file with the records."""
    parser.add_argument("file", metavar="FILE", help="records in ISO 2709, not packed")


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    with (
        Progress(options) as progress,
        build_index(options.file, save=False, on_error=progress.error, progress=progress) as index,
    ):
        name = index.save()
    streams.write(f"{name}\t{len(index)}\n")
    return progress.status


def opened(path: str, progress: Progress, from_: str | None, **reading: Any) -> RecordIndex:
    """The index of a file; one that is not there or out of date is built.

    Where it cannot be kept beside the file it is of use this time all the same.
    """
    try:
        return open_index(path, **reading)
    except IndexInvalid as error:
        size_of_source(path)  # or there is no such file
        if os.path.exists(path + SUFFIX):
            progress.say(f"mrrc-ct: {error} (this is done now)")
        else:
            progress.say(f"mrrc-ct: building an index, {path + SUFFIX}")
    index = build_index(path, from_, save=False, progress=progress, **reading)
    try:
        index.save()
    except SourceError as error:
        progress.say(f"mrrc-ct: it is not kept: {error}")
    return index
