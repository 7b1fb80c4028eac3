"""`mrrc-ct get`."""

from __future__ import annotations

from ..errors import MarcError
from . import LOOK, streams
from . import options as shared
from .index import add_file, opened
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
    "mrrc-ct get books.mrc --ids wanted.txt -o wanted.mrc",
]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    add_file(parser)
    parser.add_argument(
        "keys", nargs="*", metavar="KEY", help="#17 for a record's number, or what its 001 says"
    )
    parser.add_argument(
        "--ids", metavar="IDS", help="a file with a KEY a line, or - for standard input"
    )
    shared.add_quiet(parser)
    shared.add_output(parser)
    shared.add_reading(parser)


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    keys = [*options.keys, *(streams.lines(options.ids) if options.ids else ())]
    if not keys:
        raise ValueError("say which records: KEY is #17 or what 001 says, or --ids FILE")
    missing = 0
    with (
        Progress(options) as progress,
        opened(options.file, progress, **shared.reading(options)) as index,
    ):
        wanted: dict[int, None] = {}
        for key in keys:
            numbers = _numbers(index, key)
            wanted.update(dict.fromkeys(numbers))
            if not numbers:
                missing += 1
                what = f"record {key}" if key.startswith("#") else f"record with 001 {key}"
                progress.say(f"mrrc-ct: {index.path}: there is no {what}")
        found = _Found(index, list(wanted), progress)
        with writer(options, progress, found) as output:
            for record in found:
                output.write(record)
    return LOOK if missing else progress.status


def _numbers(index: RecordIndex, key: str) -> list[int]:
    """The numbers of the records that a key means. Raises ValueError for one that is none."""
    if not key.startswith("#"):
        return index.numbers(key)
    if not (key[1:].isascii() and key[1:].isdigit()):
        raise ValueError(f"{key}: behind # should be the number of a record")
    number = int(key[1:])
    return [number] if 1 <= number <= len(index) else []


class _Found(Input):
    """Records of an index as an input."""

    def __init__(self, index: RecordIndex, numbers: list[int], progress: Progress) -> None:
        self._index = index
        self._numbers = numbers
        self._progress = progress
        self.sources = [index.path]
        self.format = "marc"

    def __iter__(self) -> Iterator[Record]:
        for number in self._numbers:
            try:
                record = self._index[number]
            except MarcError as error:
                self._progress.error(error)
                continue
            for problem in record.errors:
                self._progress.error(problem)
            self._progress.read += 1
            yield record
