"""`mrrc-ct head`."""

from __future__ import annotations

from itertools import islice

from . import options as shared
from .progress import Progress
from .records import records, writer

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

SUMMARY = "Write the first records."
EXAMPLES = ["mrrc-ct head -n 3 books.mrc", "mrrc-ct head -n 1000 books.mrc -o some.xml"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    shared.add_inputs(parser)
    shared.add_number(parser, 10, "how many records")
    shared.add_quiet(parser)
    shared.add_output(parser)
    shared.add_reading(parser)


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    with Progress(options) as progress:
        found = records(options, progress)
        with writer(options, progress, found) as output:
            for record in islice(found, options.number):
                output.write(record)
    return progress.status
