"""`mrrc-ct filter`."""

from __future__ import annotations

from .._ids import ids_filter
from ..conversion import convert
from ..paths import filter_of
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
        "--key", metavar="PATHS", default="001", help="where it stands: 020$a,035$a (default: 001)"
    )
    parser.add_argument("-v", "--not", dest="invert", action="store_true", help="the other records")
    shared.add_threads(parser)
    shared.add_color(parser)
    shared.add_quiet(parser)
    shared.add_output(parser)
    shared.add_reading(parser)


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    if options.where is None and options.ids is None:
        raise ValueError("say which records: --where FILTER or --ids FILE")
    to = shared.format_to(options)
    sources, wanted = shared.inputs(options), None
    if options.where is not None:
        wanted = filter_of(options.where)
    with Progress(options) as progress:
        if options.ids is not None:
            listed, sources = ids_filter(
                sources,
                streams.lines(options.ids),
                options.key,
                threads=options.threads,
                progress=progress,
                **shared.reading(options),
            )
            wanted = listed if wanted is None else wanted.with_all(listed)
        assert wanted is not None
        report = convert(
            sources,
            terminal.shown(options, to),
            to,
            where=wanted.inverted() if options.invert else wanted,
            threads=options.threads,
            on_error=progress.error,
            progress=progress,
            **shared.writing(options),
            **shared.reading(options),
        )
        progress.add(report)
    return progress.status
