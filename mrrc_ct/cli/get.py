"""`mrrc-ct get`."""

from __future__ import annotations

from contextlib import ExitStack

from ..errors import MarcError
from . import LOOK, streams
from . import options as shared
from .index import FILE, opened, paths
from .progress import Progress
from .records import Input, writer

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from ..index import RecordIndex
    from ..record import Record

SUMMARY = "Write records by number or control number."
EXAMPLES = [
    "mrrc-ct get books.mrc 00001653",
    "mrrc-ct get books.mrc '#17' '#18' --to marcxml",
    "mrrc-ct get books.mrc more.mrc --ids wanted.txt -o wanted.mrc",
]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("file", metavar="FILE", help=f"{FILE}; others may follow")
    parser.add_argument(
        "keys", nargs="*", metavar="KEY", help="#17 for a record's number, or what its 001 says"
    )
    parser.add_argument(
        "--ids", metavar="IDS", help="a file with a KEY a line, or - for standard input"
    )
    shared.add_threads(parser, "for an index that is missing: so many")
    shared.add_quiet(parser)
    shared.add_output(parser)
    shared.add_reading(parser)


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    _part(options)
    keys = [*options.keys, *(streams.lines(options.ids) if options.ids else ())]
    if not keys:
        raise ValueError("say which records: KEY is #17 or what 001 says, or --ids FILE")
    files, missing = paths(options), 0
    name = f"{files[0]} and {len(files) - 1} more" if len(files) > 1 else files[0]
    with Progress(options) as progress, ExitStack() as stack:
        reading = {"threads": options.threads, **shared.reading(options)}
        indexes = [stack.enter_context(opened(path, progress, **reading)) for path in files]
        wanted: dict[tuple[RecordIndex, int], None] = {}
        for key in keys:
            places = [(index, number) for index in indexes for number in _numbers(index, key)]
            wanted.update(dict.fromkeys(places))
            if not places:
                missing += 1
                what = f"record {key}" if key.startswith("#") else f"record with 001 {key}"
                progress.say(f"mrrc-ct: {name}: there is no {what}")
        found = _Found(files, list(wanted), progress)
        with writer(options, progress, found) as output:
            for record in found:
                output.write(record)
    return LOOK if missing else progress.status


def _part(options: argparse.Namespace) -> None:
    """Tell files from keys: the first word is a file, and then what is there or named as one."""
    words, options.inputs, options.keys = options.keys, [options.file], []
    for word in words:
        (options.inputs if shared.names_file(word) else options.keys).append(word)


def _numbers(index: RecordIndex, key: str) -> list[int]:
    """The numbers of the records that a key means. Raises ValueError for one that is none."""
    if not key.startswith("#"):
        return index.numbers(key)
    if not (key[1:].isascii() and key[1:].isdigit()):
        raise ValueError(f"{key}: behind # should be the number of a record")
    number = int(key[1:])
    return [number] if 1 <= number <= len(index) else []


class _Found(Input):
    """Records of indexes as an input."""

    def __init__(
        self, files: list[str], places: list[tuple[RecordIndex, int]], progress: Progress
    ) -> None:
        self._places = places
        self._progress = progress
        self.sources = [*files]
        self.format = "marc"

    def __iter__(self) -> Iterator[Record]:
        for index, number in self._places:
            try:
                record = index[number]
            except MarcError as error:
                self._progress.error(error)
                continue
            for problem in record.errors:
                self._progress.error(problem)
            self._progress.read += 1
            yield record
