"""`mrrc-ct grep`."""

from __future__ import annotations

import re

from .._grep import ANYWHERE, grep, grep_filter
from ..conversion import convert
from ..errors import MarcError
from . import LOOK, streams, terminal
from . import options as shared
from .progress import Progress

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable
    from typing import Any, Callable

    from .._grep import Match

    Finder = Callable[[str], Iterable[re.Match[str]]]

SUMMARY = "Find records with a field that a regular expression matches."
EXAMPLES = [
    "mrrc-ct grep -i 'geolog' --tag 245,6XX books.mrc",
    "mrrc-ct grep --only-matching '^Verne, Jules' --tag '100,700$a' *.mrc",
    "mrrc-ct grep 'http:' --tag 856 books.mrc -o links.mrc",
]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    parser.add_argument("pattern", metavar="PATTERN", help="a regular expression")
    shared.add_inputs(parser)
    shared.add_tags(parser, "where to look: 245,6XX,700-711,856$u (default: all)")
    parser.add_argument("-i", "--ignore-case", action="store_true", help="A is a, too")
    parser.add_argument(
        "-v", "--invert-match", action="store_true", help="the records where it is nowhere"
    )
    parser.add_argument("-c", "--count", action="store_true", help="only how many records")
    parser.add_argument(
        "--only-matching", action="store_true", help="the fields: record, 001 and field a line"
    )
    shared.add_where(parser)
    shared.add_threads(parser, "with -c, -o, --to: so many")
    shared.add_color(parser)
    shared.add_quiet(parser)
    shared.add_output(parser)
    shared.add_reading(parser)


def run(options: argparse.Namespace) -> int:
    """Run the command: for reading, unless OUT or its format is named."""
    is_reading = options.output == "-" and options.to is None
    if options.only_matching and (options.invert_match or not is_reading):
        raise ValueError("--only-matching shows fields: it goes without -v, -o and --to")
    wanted: dict[str, Any] = {
        "pattern": options.pattern,
        "paths": options.tag or ANYWHERE,
        "ignore_case": options.ignore_case,
        "invert": options.invert_match,
        "where": options.where,
    }
    with Progress(options, is_reading=is_reading) as progress:
        if is_reading and not options.count:
            found = _show(options, wanted, progress)
        else:
            found = _write(options, wanted, progress)
    return progress.status if found else LOOK


def _write(options: argparse.Namespace, wanted: dict[str, Any], progress: Progress) -> int:
    """Write the records, or only say how many: that many."""
    report = convert(
        shared.inputs(options),
        _Nowhere() if options.count else shared.target(options),  # type: ignore[arg-type]
        "same" if options.count else shared.format_to(options),
        where=grep_filter(**wanted),
        threads=options.threads,
        on_error=progress.error,
        progress=progress,
        **shared.writing(options),
        **shared.reading(options),
    )
    progress.add(report)
    if options.count:
        progress.clear()
        streams.write(f"{report.records_written}\n")
    return report.records_written


class _Nowhere:
    """Takes what nobody wants."""

    def write(self, data: bytes) -> int:
        return len(data)


def _show(options: argparse.Namespace, wanted: dict[str, Any], progress: Progress) -> int:
    """Show records as text, or fields: how many records."""
    inputs = shared.inputs(options)
    is_colored = terminal.has_color(options)
    find = _finder(options) if is_colored else None
    found = 0
    matches = grep(
        inputs, on_error=progress.error, progress=progress, **wanted, **shared.reading(options)
    )
    for match in matches:
        found += 1
        try:
            text = match.record.to_mrk()
            places = set() if options.invert_match else set(match.places)
        except MarcError as error:
            progress.error(error)
            continue
        source = match.source if len(inputs) > 1 else None
        progress.clear()
        # The first line is the leader.
        lines = text.rstrip("\n").split("\n")[1:]
        if options.only_matching:
            head = _head(match, source, "\t")
            shown = [f"{head}\t{_line(lines[at], find, is_colored)}" for at in sorted(places)]
        else:
            head = f"record {_head(match, source, ', 001 ')}"
            shown = [terminal.dim(head) if is_colored else head]
            shown += [
                _line(one, find if at in places else None, is_colored)
                for at, one in enumerate(lines)
            ]
            shown.append("")
        streams.write("\n".join(shown) + "\n", is_urgent=False)
    summary = matches.records.summary
    progress.read += summary.records_read
    progress.left_out += summary.records_left_out
    return found


def _head(match: Match, source: str | None, between: str) -> str:
    number = match.record.get("001")
    control_number = (number.data or "").strip() if number is not None else ""
    where = f"{source}:" if source else ""
    return f"{where}{match.number}{between}{control_number}"


def _line(line: str, find: Finder | None, is_colored: bool) -> str:
    """A field's line, what was found marked."""
    if find is None:
        return terminal.colored(line) if is_colored else line
    return terminal.colored(line[:6]) + terminal.marked(line[6:], find)


def _finder(options: argparse.Namespace) -> Finder | None:
    """What finds in a text what is to be marked: expressions that Python reads are marked."""
    try:
        return re.compile(options.pattern, re.IGNORECASE * options.ignore_case).finditer
    except re.error:
        return None
