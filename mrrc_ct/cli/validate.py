"""`mrrc-ct validate`."""

from __future__ import annotations

import json
from collections import Counter

from .._own_rules import ERROR
from .._target import open_target
from .._validate import validate
from ..conversion import check_different
from ..validation import FAULTS, Validator
from . import LOOK, streams, tables
from . import options as shared
from .progress import Progress

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from .._validate import Checked
    from ..validation import Fault

SUMMARY = "Check records against the MARC 21 bibliographic format."
EXAMPLES = [
    "mrrc-ct validate books.mrc",
    "mrrc-ct validate --format summary *.mrc",
    "mrrc-ct validate --rules ours.json --errors-only new.mrc --format jsonl",
]
_FORMATS = ("text", "jsonl", "summary")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes."""
    shared.add_inputs(parser)
    parser.add_argument(
        "--format",
        choices=_FORMATS,
        default="text",
        metavar="F",
        help="text (default), jsonl: each fault; summary: how many",
    )
    parser.add_argument("--rules", metavar="FILE", help="a library's own, too: .toml, .json")
    parser.add_argument(
        "--ignore", action="append", metavar="CODES", help="not these faults: field-obsolete,…"
    )
    parser.add_argument("--errors-only", action="store_true", help="no warnings")
    parser.add_argument("--codes", action="store_true", help="list the codes of all faults")
    parser.add_argument(
        "-o", "--output", metavar="OUT", default="-", help="a file (default: standard output)"
    )
    shared.add_where(parser)
    shared.add_threads(parser)
    shared.add_quiet(parser)
    shared.add_reading(parser)


def run(options: argparse.Namespace) -> int:
    """Run the command: LOOK where there is a fault."""
    if options.codes:
        width = max(map(len, FAULTS))
        rows = [f"{code:{width}}  {level:7}  {text}\n" for code, (level, text) in FAULTS.items()]
        return streams.write("".join(rows))
    ignored = [code.strip() for codes in options.ignore or () for code in codes.split(",")]
    validator = (
        Validator.from_file(options.rules, ignored) if options.rules else Validator.marc21(ignored)
    )
    inputs, target = shared.inputs(options), shared.target(options)
    for one in inputs:
        check_different(one, target)
    with Progress(options, is_reading=True) as progress:
        found = validate(
            inputs,
            validator,
            where=options.where,
            threads=options.threads,
            on_error=progress.error,
            progress=progress,
            **shared.reading(options),
        )
        summary = _Summary(len(inputs) > 1)
        with open_target(target) as output:
            for checked in found:
                faults = _wanted(checked, options)
                summary.add(checked, faults)
                if options.format != "summary":
                    text = _FORMS[options.format](checked, faults)
                    output.write(text.encode("utf-8", "surrogateescape"))
            if options.format == "summary":
                output.write("".join(f"{line}\n" for line in summary.lines()).encode())
        progress.read += found.records.summary.records_read
        if not options.quiet:
            progress.say(f"mrrc-ct: {found.records_checked:,} records checked, {summary}")
    return LOOK if summary.records else progress.status


def _wanted(checked: Checked, options: argparse.Namespace) -> list[Fault]:
    if not options.errors_only:
        return checked.faults
    return [fault for fault in checked.faults if fault.severity == ERROR]


def _text(checked: Checked, faults: list[Fault]) -> str:
    place = f"{checked.source}:{checked.number} ({checked.control_number or '-'})"
    # What stands in a record may neither begin a line nor move the cursor.
    return "".join([tables._printable(f"{place} {fault}") + "\n" for fault in faults])


def _jsonl(checked: Checked, faults: list[Fault]) -> str:
    place = {
        "source": checked.source,
        "record": checked.number,
        "control_number": checked.control_number,
    }
    return "".join(
        [json.dumps({**place, **fault._asdict()}, ensure_ascii=False) + "\n" for fault in faults]
    )


_FORMS = {"text": _text, "jsonl": _jsonl}


class _Summary:
    """How many faults there are of each kind, by tags, in how many records, and in which first."""

    def __init__(self, has_sources: bool) -> None:
        self.records = 0
        self._has_sources = has_sources
        self._severities = Counter[str]()
        self._faults = Counter[tuple[str, str]]()
        self._records = Counter[tuple[str, str]]()
        self._first: dict[tuple[str, str], str] = {}

    def add(self, checked: Checked, faults: list[Fault]) -> None:
        """Count the faults of a record."""
        self.records += bool(faults)
        self._severities.update(fault.severity for fault in faults)
        keys = [key for fault in faults for key in ((fault.code, ""), (fault.code, fault.tag))]
        self._faults.update(keys)
        for key in dict.fromkeys(keys):
            self._records[key] += 1
            if key not in self._first:
                source = f"{checked.source}:" if self._has_sources else ""
                self._first[key] = f"{source}{checked.number}"

    def lines(self) -> Iterator[str]:
        """A table: the most frequent code first, below each the tags."""
        ranked = [key for key, _ in self._faults.most_common()]
        rows: list[list[tables.Cell]] = []
        for first in ranked:
            # Its own count is no less than that of any of its tags, and came before.
            for code, tag in ranked if not first[1] else ():
                if code == first[0]:
                    key = code, tag
                    name = f"  {tag}" if tag else code
                    counts = self._faults[key], self._records[key]
                    rows.append([name, *counts, self._first[key]])
        return tables.drawn(("fault", "faults", "records", "first record"), rows)

    def __str__(self) -> str:
        counts = ", ".join(
            f"{count:,} {severity}{'s' * (count != 1)}"
            for severity, count in sorted(self._severities.items())
        )
        return f"{self.records:,} with faults{counts and ': '}{counts}"
