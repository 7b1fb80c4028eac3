"""`mrrc-ct merge`."""

from __future__ import annotations

from .._merge import merge
from . import options as shared
from . import streams
from .progress import Progress

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

SUMMARY = "Lay the records of one file over those of another."
EXAMPLES = [
    "mrrc-ct merge books.mrc updates.mrc --protect 001,9XX -o merged.mrc",
]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    shared.add_pair(parser)
    shared.add_key(parser)
    parser.add_argument(
        "--protect",
        type=shared.tags,
        default=[],
        metavar="TAGS",
        help="fields of A that stay: 001,9XX,600-655",
    )
    parser.add_argument(
        "--add", type=shared.tags, metavar="TAGS", help="keep A, and add such fields of B"
    )
    parser.add_argument(
        "--new",
        choices=("keep", "drop"),
        default="keep",
        metavar="WHAT",
        help="what is only in B: keep it (default), or drop it",
    )
    shared.add_keep(parser, "of several in B", "last")
    parser.add_argument("--dry-run", action="store_true", help="count only, write nothing")
    shared.add_memory(parser)
    shared.add_where(parser, "only such records of B")
    shared.add_threads(parser)
    shared.add_quiet(parser)
    shared.add_output(parser)
    shared.add_reading(parser)


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    first, second = shared.pair(options)
    with Progress(options) as progress:
        report = merge(
            first,
            second,
            None if options.dry_run else shared.target(options),
            shared.format_to(options),
            key=options.key,
            keep=options.keep,
            add=options.add,
            protect=options.protect,
            new=options.new,
            where=options.where,
            threads=options.threads,
            on_error=progress.error,
            progress=progress,
            **shared.memory(options),
            **shared.writing(options),
            **shared.reading(options),
        )
        if options.dry_run:
            progress.clear()
            streams.write(f"{report}\n")
        else:
            progress.summary = str(report)
    return progress.status
