"""`mrrc-ct count`."""

from __future__ import annotations

from ..conversion import count, name_of
from . import options as shared
from . import streams
from .progress import Progress

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

SUMMARY = "Count the records of files."
EXAMPLES = [
    "mrrc-ct count books.mrc",
    "mrrc-ct count *.mrc.gz --where 'not 650'",
]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    shared.add_inputs(parser)
    shared.add_where(parser)
    shared.add_threads(parser)
    shared.add_validation(parser)
    shared.add_quiet(parser)
    shared.add_reading(parser, recovery="strict")


def run(options: argparse.Namespace) -> int:
    """Run the command: a line for each of several files, and one for all of them."""
    inputs = shared.inputs(options)
    total = 0
    with Progress(options, is_reading=True) as progress:
        for one in inputs:
            result = count(
                one,
                where=options.where,
                threads=options.threads,
                validation_level=options.validation,
                on_error=progress.error,
                progress=progress,
                **shared.reading(options),
            )
            progress.add(result.report)
            total += result
            progress.clear()
            name = f" {name_of(one)}" if len(inputs) > 1 else ""
            streams.write(f"{result}{name}\n")
        if len(inputs) > 1:
            streams.write(f"{total} together\n")
    return progress.status
