"""`mrrc-ct dedup`."""

from __future__ import annotations

from .._dedup import dedup
from . import options as shared
from .progress import Progress

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

SUMMARY = "Keep one of all records that are the same."
EXAMPLES = [
    "mrrc-ct dedup books.mrc -o unique.mrc",
    "mrrc-ct dedup --key '020$a' --duplicates others.mrc books.mrc -o one.mrc",
    "mrrc-ct dedup --key '010$a,leader[6]' --keep last *.mrc -o all.mrc",
]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    shared.add_inputs(parser)
    shared.add_key(parser)
    shared.add_keep(parser, "which of them", "first")
    parser.add_argument("--duplicates", metavar="FILE", help="where the others go")
    shared.add_memory(parser)
    shared.add_where(parser)
    shared.add_threads(parser)
    shared.add_quiet(parser)
    shared.add_output(parser)
    shared.add_reading(parser)


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    with Progress(options) as progress:
        report = dedup(
            shared.inputs(options),
            shared.target(options),
            shared.format_to(options),
            key=options.key,
            keep=options.keep,
            duplicates=options.duplicates,
            where=options.where,
            threads=options.threads,
            on_error=progress.error,
            progress=progress,
            **shared.memory(options),
            **shared.writing(options),
            **shared.reading(options),
        )
        progress.summary = str(report)
    return progress.status
