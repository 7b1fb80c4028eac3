"""`mrrc-ct frequency`."""

from __future__ import annotations

from .._frequency import frequency
from . import options as shared
from . import tables
from .progress import Progress

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

SUMMARY = "Count how often each value occurs at some places."
EXAMPLES = [
    "mrrc-ct frequency '650$a' -n 20 books.mrc",
    "mrrc-ct frequency '008[35:38]' 'leader[6]' *.mrc -o used.tsv",
    "mrrc-ct frequency 650:count --where 'leader[6] == \"a\"' books.mrc",
]
FORMATS = ("table", "tsv", "csv", "jsonl")


def add_arguments(parser: shared.Parser) -> None:
    """Say what the command takes."""
    shared.add_paths_and_inputs(parser, "PATH", "650$a, 008[35:38], leader[6], 650:count …")
    shared.add_number(parser, None, "the most frequent ones of each path")
    parser.add_argument("--by-record", action="store_true", help="a value counts once in a record")
    shared.add_where(parser)
    tables.add_output(parser, FORMATS)
    shared.add_threads(parser)
    shared.add_quiet(parser)
    shared.add_reading(parser)


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    shared.part(options)
    if not options.paths:
        raise ValueError("say what to count: PATH is 650$a, 008[35:38] or the like")
    inputs = shared.inputs(options)
    with Progress(options) as progress:
        found = frequency(
            inputs,
            ", ".join(options.paths),
            options.where,
            by_record=options.by_record,
            threads=options.threads,
            on_error=progress.error,
            progress=progress,
            **shared.reading(options),
        )
        progress.add(found.report)
        progress.clear()
        # One path goes without saying.
        first = 1 if len(found.counts) == 1 else 0
        rows = (row[first:] for row in found.most_common(options.number))
        form = tables.form_of(options, "tsv")
        tables.write(options, inputs, form, ("path", "value", "count")[first:], rows)
    return progress.status
