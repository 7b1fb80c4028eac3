"""`mrrc-ct print`."""

from __future__ import annotations

from ..conversion import convert
from . import options as shared
from . import terminal
from .progress import Progress

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

SUMMARY = "Print records as text for reading."
EXAMPLES = [
    "mrrc-ct print books.mrc | less",
    "mrrc-ct print --tag 245,6XX,700-711 --where '650$a =~ \"Botany\"' books.mrc",
]


def add_arguments(parser: shared.Parser) -> None:
    """Say what the command takes."""
    shared.add_inputs(parser)
    shared.add_tags(parser, "only these fields: 245,6XX,700-711 (LDR: the leader)")
    shared.add_number(parser, None, "how many records")
    shared.add_where(parser)
    shared.add_threads(parser)
    shared.add_color(parser)
    shared.add_quiet(parser)
    shared.add_reading(parser)
    parser.set_defaults(output="-")


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    with Progress(options, is_reading=True) as progress:
        report = convert(
            shared.inputs(options),
            terminal.shown(options, "mrk", options.tag),
            "mrk",
            where=options.where,
            limit=options.number,
            threads=options.threads,
            on_error=progress.error,
            progress=progress,
            **shared.reading(options),
        )
        progress.add(report)
    return progress.status
