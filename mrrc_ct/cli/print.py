"""`mrrc-ct print`."""

from __future__ import annotations

import sys

from ..conversion import convert
from . import options as shared
from . import streams
from .progress import Progress

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

SUMMARY = "Print records as text for reading."
EXAMPLES = ["mrrc-ct print books.mrc | less"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    shared.add_inputs(parser)
    shared.add_where(parser)
    shared.add_quiet(parser)
    shared.add_reading(parser)


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    with Progress(options, is_reading=True) as progress:
        report = convert(
            shared.inputs(options),
            streams.standard(sys.stdout, "output").buffer,
            "mrk",
            where=options.where,
            on_error=progress.error,
            progress=progress,
            **shared.reading(options),
        )
        progress.add(report)
    return progress.status
