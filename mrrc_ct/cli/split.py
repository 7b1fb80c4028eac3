"""`mrrc-ct split`."""

from __future__ import annotations

import os

from .._source import EXTENSIONS, compression_of, format_of_name
from ..splitting import FILES_MAX, PLACE, split
from . import options as shared
from . import streams
from .progress import Progress
from .records import records

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from .records import Input

SUMMARY = "Write records to several files."
EXAMPLES = [
    "mrrc-ct split books.mrc --records 10000",
    "mrrc-ct split books.mrc --bytes 100M -o 'part-{}.xml.gz'",
    "mrrc-ct split books.mrc --by '008[35:38]' -o 'books-{}.mrc'",
]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    shared.add_inputs(parser)
    how = parser.add_mutually_exclusive_group(required=True)
    how.add_argument("--records", dest="count", type=int, metavar="N", help="so many in each file")
    how.add_argument(
        "--bytes", dest="size", type=shared.size, metavar="SIZE", help="so many in each: 100M"
    )
    how.add_argument(
        "--by", metavar="PATH", help="a file for each first value: '008[35:38]', '852$b'"
    )
    parser.add_argument(
        "--max-files",
        type=int,
        default=FILES_MAX,
        metavar="N",
        help=f"rather none than more (default: {FILES_MAX:,})",
    )
    shared.add_where(parser)
    shared.add_threads(parser)
    shared.add_quiet(parser)
    shared.add_output(parser, "PATTERN", "the files, with {} in the name (default: IN-{})")
    shared.add_reading(parser)


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    pattern = None if options.output == "-" else options.output
    with Progress(options) as progress:
        found = records(options, progress)
        to = options.to or (format_of_name(pattern) if pattern else None) or found.format
        parts = split(
            found,
            pattern or _pattern(found, to),
            to,
            count=options.count,
            size=options.size,
            by=options.by,
            files_max=options.max_files,
            sources=found.sources,
            on_error=progress.error,
            **shared.writing(options),
        )
        progress.written = sum(part.records for part in parts)
    lines = [f"{part.path}\t{part.records}" for part in parts]
    if options.by:
        lines = [f"{line}\t{part.value or ''}" for line, part in zip(lines, parts)]
    streams.write("".join(f"{line}\n" for line in lines))
    return progress.status


def _pattern(found: Input, to: str) -> str:
    """What the files are called unless that is said: as the first input, in this folder."""
    source = found.sources[0]
    path = os.path.basename(source) if isinstance(source, str) else "records"
    stem, packed = os.path.splitext(path) if compression_of(path) else (path, "")
    stem, extension = os.path.splitext(stem)
    if EXTENSIONS.get(extension.lower()) != to:
        extension = next(one for one, name in EXTENSIONS.items() if name == to)
    return f"{stem}-{PLACE}{extension}{packed}"
