"""`mrrc-ct concat`."""

from __future__ import annotations

from ..conversion import convert
from . import options as shared
from .progress import Progress

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

SUMMARY = "Put the records of many files into one."
EXAMPLES = [
    "mrrc-ct concat 2024-*.mrc -o 2024.mrc",
    "mrrc-ct concat old.mrc.gz new.xml more.jsonl -o all.mrc.gz",
]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    shared.add_inputs(parser)
    shared.add_where(parser)
    shared.add_threads(parser)
    shared.add_quiet(parser)
    shared.add_output(parser)
    shared.add_reading(parser)


def run(options: argparse.Namespace) -> int:
    """Run the command: in the format of the first file, unless told."""
    with Progress(options) as progress:
        report = convert(
            shared.inputs(options),
            shared.target(options),
            shared.format_to(options),
            where=options.where,
            threads=options.threads,
            on_error=progress.error,
            progress=progress,
            **shared.writing(options),
            **shared.reading(options),
        )
        progress.add(report)
    return progress.status
