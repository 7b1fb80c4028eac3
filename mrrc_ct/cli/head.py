"""`mrrc-ct head`."""

from __future__ import annotations

from ..conversion import convert
from . import options as shared
from . import terminal
from .progress import Progress

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

SUMMARY = "Write the first records."
EXAMPLES = [
    "mrrc-ct head -n 3 books.mrc",
    "mrrc-ct head -n 100 --where 'not 650' books.mrc -o some.xml",
]


def add_arguments(parser: shared.Parser) -> None:
    """Say what the command takes."""
    shared.add_inputs(parser)
    shared.add_number(parser, 10, "how many records")
    shared.add_where(parser)
    shared.add_threads(parser)
    shared.add_color(parser)
    shared.add_quiet(parser)
    shared.add_output(parser)
    shared.add_reading(parser)


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    to = shared.format_to(options)
    with Progress(options) as progress:
        report = convert(
            shared.inputs(options),
            terminal.shown(options, to),
            to,
            where=options.where,
            limit=options.number,
            threads=options.threads,
            on_error=progress.error,
            progress=progress,
            **shared.writing(options),
            **shared.reading(options),
        )
        progress.add(report)
    return progress.status
