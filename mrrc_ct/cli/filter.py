"""`mrrc-ct filter`."""

from __future__ import annotations

from ..conversion import convert
from ..paths import Filter, filter_among, filter_of, parse_paths
from . import options as shared
from . import streams, terminal
from .progress import Progress

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

SUMMARY = "Write the records that a filter wants, or a list of numbers."
EXAMPLES = [
    "mrrc-ct filter --where '008[35:38] == \"eng\" and not 856' *.mrc -o english.mrc",
    "mrrc-ct filter --ids wanted.txt books.mrc -o wanted.mrc",
    "mrrc-ct filter -v --ids weeded.txt --key '035$a' books.mrc -o kept.mrc",
]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    shared.add_inputs(parser)
    shared.add_where(parser)
    parser.add_argument(
        "--ids", metavar="FILE", help="only records whose number is a line of this file"
    )
    parser.add_argument(
        "--key", metavar="PATHS", default="001", help="where the number stands (default: 001)"
    )
    parser.add_argument("-v", "--not", dest="invert", action="store_true", help="the other records")
    shared.add_threads(parser)
    shared.add_color(parser)
    shared.add_quiet(parser)
    shared.add_output(parser)
    shared.add_reading(parser)


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    wanted = _wanted(options)
    to = shared.format_to(options)
    with Progress(options) as progress:
        report = convert(
            shared.inputs(options),
            terminal.shown(options, to),
            to,
            where=wanted,
            threads=options.threads,
            on_error=progress.error,
            progress=progress,
            **shared.writing(options),
            **shared.reading(options),
        )
        progress.add(report)
    return progress.status


def _wanted(options: argparse.Namespace) -> Filter:
    parts = []
    if options.where is not None:
        parts.append(filter_of(options.where))
    if options.ids is not None:
        parts.append(filter_among(parse_paths(options.key), set(streams.lines(options.ids))))
    if not parts:
        raise ValueError("say which records: --where FILTER or --ids FILE")
    found = parts[0] if len(parts) == 1 else parts[0].with_all(parts[1])
    return found.inverted() if options.invert else found
