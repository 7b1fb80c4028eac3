"""`mrrc-ct convert`."""

from __future__ import annotations

from ..conversion import convert
from . import options as shared
from .progress import Progress

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

SUMMARY = "Convert records from any format to another."
EXAMPLES = [
    "mrrc-ct convert books.mrc -o books.xml",
    "mrrc-ct convert part1.mrc part2.xml.gz -o all.jsonl",
    "mrrc-ct convert - --to marc --encoding marc-8 <books.xml >books.mrc",
]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    shared.add_inputs(parser)
    shared.add_where(parser)
    shared.add_threads(parser)
    shared.add_validation(parser)
    shared.add_quiet(parser)
    shared.add_output(parser)
    shared.add_reading(parser)


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    with Progress(options) as progress:
        report = convert(
            shared.inputs(options),
            shared.target(options),
            options.to,
            where=options.where,
            threads=options.threads,
            validation_level=options.validation,
            on_error=progress.error,
            progress=progress,
            **shared.writing(options),
            **shared.reading(options),
        )
        progress.add(report)
    return progress.status
