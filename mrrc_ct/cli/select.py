"""`mrrc-ct select`."""

from __future__ import annotations

from ..paths import SEPARATOR
from ..tables import select
from . import options as shared
from . import tables
from .progress import Progress

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from ..tables import Selection, SelectReport

SUMMARY = "Write a table: values of each record in columns."
EXAMPLES = [
    "mrrc-ct select id=001 title='245$a' subjects='650$a' books.mrc",
    "mrrc-ct select 001 'year=008[7:11]:int' '100|110|111$a' *.mrc -o books.csv",
    "mrrc-ct select 001 650:count --where 'not 856' books.mrc -o books.parquet",
]
FORMATS = ("table", "csv", "tsv", "jsonl", "parquet")


def add_arguments(parser: shared.Parser) -> None:
    """Say what the command takes."""
    shared.add_paths_and_inputs(parser, "COLUMN", "001, title=245$a, 650$a:first, 008[7:11]:int …")
    shared.add_where(parser)
    shared.add_number(parser, None, "how many records")
    tables.add_output(parser, FORMATS)
    parser.add_argument(
        "--delimiter",
        default=SEPARATOR,
        metavar="S",
        help="between values in one place of CSV (default: '; ')",
    )
    shared.add_threads(parser)
    shared.add_quiet(parser)
    shared.add_reading(parser)


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    shared.part(options)
    if not options.paths:
        raise ValueError("say which columns: COLUMN is 001, title=245$a or the like")
    form = tables.form_of(options, "csv")
    if form == "parquet" and options.output == "-":
        raise ValueError("Parquet goes to a file: -o FILE")
    with Progress(options) as progress:
        selection = select(
            shared.inputs(options),
            ", ".join(options.paths),
            options.where,
            limit=options.number,
            threads=options.threads,
            list_separator=options.delimiter,
            on_error=progress.error,
            progress=progress,
            **shared.reading(options),
        )
        report = _write(selection, options, form)
        progress.add(report)
    return progress.status


def _write(selection: Selection, options: argparse.Namespace, form: str) -> SelectReport:
    target = shared.target(options)
    if form == "jsonl":
        return selection.to_jsonl(target)
    if form == "parquet":
        return selection.to_parquet(options.output)
    if form in ("csv", "tsv"):
        return selection.to_csv(target, separator="," if form == "csv" else "\t")
    rows = (list(row.values()) for row in selection)
    tables.write(options, shared.inputs(options), form, selection.columns, rows)
    assert selection.report is not None
    return selection.report
