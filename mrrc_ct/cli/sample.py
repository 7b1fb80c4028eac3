"""`mrrc-ct sample`."""

from __future__ import annotations

from .._sample import sample
from . import options as shared
from . import terminal
from .progress import Progress

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

SUMMARY = "Write some records, chosen by chance, in their order."
EXAMPLES = [
    "mrrc-ct sample -n 100 books.mrc -o some.mrc",
    "mrrc-ct sample -n 5 --seed 1 --where 650 books.mrc --to mrk",
]


def add_arguments(parser: shared.Parser) -> None:
    """Say what the command takes."""
    shared.add_inputs(parser)
    shared.add_number(parser, 10, "how many records")
    parser.add_argument("--seed", metavar="S", help="choose the same ones each time")
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
        report = sample(
            shared.inputs(options),
            terminal.shown(options, to),
            options.number,
            to,
            seed=options.seed,
            where=options.where,
            threads=options.threads,
            on_error=progress.error,
            progress=progress,
            **shared.writing(options),
            **shared.reading(options),
        )
        progress.add(report)
    return progress.status
