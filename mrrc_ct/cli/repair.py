"""`mrrc-ct repair`."""

from __future__ import annotations

from .._repair import repair
from . import options as shared
from .progress import Progress

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

SUMMARY = "Write all that can be saved of damaged files, clean."
EXAMPLES = [
    "mrrc-ct repair damaged.mrc -o clean.mrc --report report.jsonl",
    "mrrc-ct repair damaged-*.mrc -o clean.mrc",
]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    shared.add_inputs(parser)
    parser.add_argument(
        "-o", "--output", metavar="OUT", required=True, help="a file, or - for standard output"
    )
    parser.add_argument(
        "--report",
        metavar="FILE",
        help="a line of JSON for each record that was damaged, and one with the result",
    )
    parser.add_argument(
        "--originals",
        metavar="FILE",
        help="the damaged records as they were (default: beside OUT, OUT.damaged.mrc)",
    )
    shared.add_threads(parser)
    shared.add_quiet(parser)
    shared.add_source(parser)


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    if options.output == "-" and options.originals is None:
        raise ValueError("with -o - say where the damaged originals go: --originals FILE")
    with Progress(options) as progress:
        report = repair(
            shared.inputs(options),
            shared.target(options),
            options.report,
            options.originals,
            threads=options.threads,
            on_error=progress.error,
            progress=progress,
            **shared.source(options),
        )
        progress.summary = str(report)
    return progress.status
