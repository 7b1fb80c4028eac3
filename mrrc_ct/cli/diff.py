"""`mrrc-ct diff`."""

from __future__ import annotations

import json
import sys

from .._diff import diff
from . import LOOK, streams
from . import options as shared
from .progress import Progress
from .terminal import has_color

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse

    from .._diff import Difference, DiffReport

SUMMARY = "Compare two files record by record and field by field."
EXAMPLES = [
    "mrrc-ct diff old.mrc new.mrc --ignore 005",
    "mrrc-ct diff old.mrc new.xml --key '001' --brief",
    "mrrc-ct diff old.mrc new.mrc --format jsonl >changes.jsonl",
]
#: How lines are shown on a terminal, by what they begin with.
_COLORS = {"-": "\033[31m", "+": "\033[32m", "@": "\033[36m"}
_PLAIN = "\033[0m"
_KINDS = {"changed": "changed", "removed": "only in A", "added": "only in B"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    shared.add_pair(parser)
    shared.add_key(parser)
    parser.add_argument(
        "--by-position", action="store_true", help="the first with the first, and so on"
    )
    parser.add_argument(
        "--ignore", type=shared.tags, default=[], metavar="TAGS", help="fields: 005,9XX, and LDR"
    )
    parser.add_argument(
        "--normalize",
        choices=("nfc", "nfd", "none"),
        default="none",
        metavar="FORM",
        help="of Unicode, to compare in: nfc, nfd, none (default)",
    )
    shared.add_keep(parser, "one of those with the same key")
    parser.add_argument("--brief", action="store_true", help="a line for each record")
    parser.add_argument(
        "--format",
        choices=("text", "jsonl"),
        default="text",
        metavar="F",
        help="text (default), or jsonl: an object for each record",
    )
    shared.add_color(parser)
    shared.add_memory(parser)
    shared.add_where(parser)
    shared.add_threads(parser)
    shared.add_quiet(parser)
    shared.add_reading(parser)


def run(options: argparse.Namespace) -> int:
    """Run the command: LOOK where the files are not the same."""
    first, second = shared.pair(options)
    is_colored = options.format == "text" and has_color(options)
    with Progress(options, is_reading=True) as progress:
        differences = diff(
            first,
            second,
            key=options.key,
            by_position=options.by_position,
            ignore=options.ignore,
            normalize=None if options.normalize == "none" else options.normalize,
            keep=options.keep,
            where=options.where,
            threads=options.threads,
            on_error=progress.error,
            progress=progress,
            **shared.memory(options),
            **shared.reading(options),
        )
        output = streams.standard(sys.stdout, "output").buffer
        is_same = True
        for difference in differences:
            if is_same and options.format == "text" and not options.brief:
                output.write(_shown(_head(differences.report), is_colored))
            is_same = False
            progress.clear()
            output.write(_shown(_text(difference, options), is_colored))
        progress.summary = str(differences.report)
        progress.is_summed = not is_same
    return progress.status if is_same else LOOK


def _head(report: DiffReport) -> str:
    return f"--- {report.source}\n+++ {report.target}\n\n"


def _text(difference: Difference, options: argparse.Namespace) -> str:
    """What is written of a record that is not the same."""
    if options.format == "jsonl":
        return json.dumps(_values(difference, options), ensure_ascii=False) + "\n"
    if not options.brief:
        return f"{difference}\n"
    places = [f"A {difference.first}"] if difference.first else []
    places += [f"B {difference.second}"] if difference.second else []
    return f"{_KINDS[difference.kind]}: {difference.key} ({', '.join(places)})\n"


def _values(difference: Difference, options: argparse.Namespace) -> dict[str, object]:
    values = difference.as_dict()
    if options.brief:
        del values["removed"], values["added"]
    return values


def _shown(text: str, is_colored: bool) -> bytes:
    if is_colored:
        lines = text.split("\n")
        text = "\n".join(
            f"{_COLORS[line[0]]}{line}{_PLAIN}" if line[:1] in _COLORS else line for line in lines
        )
    return text.encode()
