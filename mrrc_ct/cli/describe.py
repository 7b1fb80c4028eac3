"""`mrrc-ct describe`."""

from __future__ import annotations

from .._describe import describe
from . import options as shared
from . import tables
from .progress import Progress

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from .._describe import Described
    from .tables import Cell

SUMMARY = "Tell which tags and subfields there are, and how often."
EXAMPLES = [
    "mrrc-ct describe books.mrc | less -S",
    "mrrc-ct describe --where 650 *.mrc -o fields.csv",
]
FORMATS = ("table", "csv", "tsv", "jsonl")
_DRAWN = ("path", "records", "share", "count", "length", "examples")
_COLUMNS = ("tag", "code", "records", "share", "count", "shortest", "longest", "mean", "examples")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    shared.add_inputs(parser)
    shared.add_where(parser)
    tables.add_output(parser, FORMATS)
    shared.add_threads(parser)
    shared.add_quiet(parser)
    shared.add_reading(parser)


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    inputs = shared.inputs(options)
    reading = shared.reading(options)
    if reading.pop("references"):
        raise ValueError("describe reads &#xXXXX; as it stands")
    with Progress(options) as progress:
        found = describe(
            inputs,
            options.where,
            threads=options.threads,
            on_error=progress.error,
            progress=progress,
            **reading,
        )
        progress.add(found.report)
        progress.clear()
        form = tables.form_of(options, "table")
        rows = map(_drawn_row if form == "table" else _row, found)
        tables.write(options, inputs, form, _DRAWN if form == "table" else _COLUMNS, rows)
    return progress.status


def _row(one: Described) -> list[Cell]:
    mean, share = round(one.mean, 2), round(one.share, 4)
    numbers = [one.records, share, one.count, one.shortest, one.longest, mean]
    return [one.tag, one.code, *numbers, one.examples]


def _drawn_row(one: Described) -> list[Cell]:
    length = f"{one.shortest}-{one.longest}" if one.shortest < one.longest else str(one.longest)
    path = f"  ${one.code}" if one.code else one.tag
    share = f"{one.share:.1%}".rjust(6)
    return [path, one.records, share, one.count, length, " | ".join(one.examples)]
