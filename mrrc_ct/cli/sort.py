"""`mrrc-ct sort`."""

from __future__ import annotations

from .._sort import sort
from . import options as shared
from .progress import Progress

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

SUMMARY = "Sort records, more than fit into memory."
EXAMPLES = [
    "mrrc-ct sort books.mrc -o sorted.mrc",
    "mrrc-ct sort --key '100|110|111$a, 245$a' books.mrc -o by-author.mrc",
    "mrrc-ct sort --key '008[7:11]:int' --reverse part*.mrc -o newest-first.xml",
]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    shared.add_inputs(parser)
    shared.add_key(parser, "what to sort by")
    parser.add_argument("--numeric", action="store_true", help="compare as numbers, not as text")
    parser.add_argument("--reverse", action="store_true", help="the last first")
    shared.add_keep(parser, "one of those with the same key")
    shared.add_memory(parser)
    shared.add_where(parser)
    shared.add_threads(parser)
    shared.add_quiet(parser)
    shared.add_output(parser)
    shared.add_reading(parser)


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    with Progress(options) as progress:
        report = sort(
            shared.inputs(options),
            shared.target(options),
            shared.format_to(options),
            key=options.key,
            numeric=options.numeric,
            reverse=options.reverse,
            keep=options.keep,
            where=options.where,
            threads=options.threads,
            on_error=progress.error,
            progress=progress,
            **shared.memory(options),
            **shared.writing(options),
            **shared.reading(options),
        )
        progress.add(report)
        progress.left_out += report.duplicates
    return progress.status
