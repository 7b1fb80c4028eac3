"""`mrrc-ct edit`."""

from __future__ import annotations

import argparse

from .._asking import Condition
from ..editing import Rules, changes
from ..errors import MarcError
from . import LOOK, streams
from . import options as shared
from .progress import Progress
from .records import records, writer
from .terminal import has_color

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ..record import Record
    from .records import Input

SUMMARY = "Change records by rules."
EXAMPLES = [
    "mrrc-ct edit books.mrc --delete 9XX --copy 020 920 --stamp now --dry-run",
    "mrrc-ct edit books.mrc --rules rules.json -o new.mrc",
]

#: The verbs: by which keys of a rule the values behind the first are known, what stands for them
#: all in the help, and what it says.
_VERBS: dict[str, tuple[tuple[str, ...], str, str]] = {
    "add": ((), "FIELD", "a field: '500 __ $aNote'"),
    "add-subfield": (("to",), "S TO", "at the end of fields: '$5DLC' 500"),
    "delete": ((), "PATH", "fields or subfields: 9XX, '650[_7]$0'"),
    "replace": (
        ("pattern", "with"),
        "PATH RE TO",
        "what an expression matches: '245$a' ' :$' ' /'",
    ),
    "set": (("to",), "PATH TEXT", "texts that are there: '008[35:38]' eng"),
    "copy": (("to",), "PATH PATH", "to another place: 020 920, 001 '035$a'"),
    "move": (("to",), "PATH PATH", "the same, or rename: 440 490"),
    "indicators": (("to",), "PATH XY", "of fields: 245 '1_'"),
    "sort": ((), "", "the fields by tag"),
    "stamp": ((), "TIME", "005 of changed records: now, yyyymmddhhmmss.f"),
}


def add_arguments(parser: shared.Parser) -> None:
    """Say what the command takes."""
    shared.add_inputs(parser)
    group = parser.add_argument_group("rules, applied in this order (docs/editing.md)")
    group.add_argument(
        "--rules", action=_Add, metavar="FILE", help="of a TOML, YAML or JSON file", default=[]
    )
    for verb, (_, metavar, text) in _VERBS.items():
        count = len(metavar.split())
        group.add_argument(
            f"--{verb}", action=_Add, nargs=count, metavar=metavar, dest="rules", help=text
        )
    parser.add_argument(
        "--where",
        dest="changed",
        metavar="FILTER",
        help="change only such records; all are written",
    )
    parser.add_argument(
        "-n", "--dry-run", action="store_true", help="show the changes, and write nothing"
    )
    shared.add_threads(parser)
    shared.add_color(parser)
    shared.add_quiet(parser)
    shared.add_output(parser)
    shared.add_reading(parser)
    parser.unshown.add("reading")
    parser.epilog = f"Options for reading are those of mrrc-ct convert.\n{parser.epilog}"


class _Add(argparse.Action):
    """Put a rule behind those that were given before it."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option_string: str | None = None,
    ) -> None:
        verb = (option_string or "").lstrip("-")
        namespace.rules = [*namespace.rules, (verb, values)]


def _rules_of(options: argparse.Namespace) -> Rules:
    """The rules of files and of the command line, in their order. Raises RulesInvalid."""
    rules = Rules()
    inline: list[dict[str, Any]] = []
    for verb, values in options.rules:
        if verb == "rules":
            rules += Rules(inline) + Rules.load(values)
            inline = []
        else:
            first, *others = values or [True]
            inline.append({verb: first, **dict(zip(_VERBS[verb][0], others))})
    rules += Rules(inline)
    if not rules.rules:
        raise ValueError("say what to change: --rules FILE, --delete PATH, … (--help lists them)")
    return rules


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    rules = _rules_of(options)
    where = Condition(options.changed) if options.changed else None
    with Progress(options, is_reading=options.dry_run) as progress:
        found = records(options, progress)
        work = _Editing(rules, where, options, found, progress)
        if options.dry_run:
            work.show()
        else:
            work.write()
        if not options.quiet and (options.dry_run or options.output != "-"):
            work.tell()
    return LOOK if work.failed else progress.status


class _Editing:
    """Rules at work."""

    def __init__(
        self,
        rules: Rules,
        where: Condition | None,
        options: argparse.Namespace,
        found: Input,
        progress: Progress,
    ) -> None:
        self._rules = rules
        self._where = where
        self._options = options
        self._found = found
        self._progress = progress
        to = shared.format_to(options)
        self._is_marc = to == "marc" or (to == "same" and found.format == "marc")
        #: How many records have changed, and by each rule, and how many could not be changed.
        self.changed = self.failed = 0
        self._counts = [0] * len(rules.rules)

    def write(self) -> None:
        """Write all records, changed or not."""
        with writer(self._options, self._progress, self._found) as output:
            for record in self._found:
                self._change(record)
                output.write(record)

    def show(self) -> None:
        """Show what would change."""
        is_colored = has_color(self._options)
        for record in self._found:
            twin = record._twin()
            if self._change(twin):
                self._progress.clear()
                streams.write(_difference(record, twin, is_colored), is_urgent=False)

    def _change(self, record: Record) -> bool:
        """Apply the rules. A record that they cannot be applied to stays as it was."""
        try:
            if self._where is not None and not self._where.holds(record):
                return False
            numbers = self._rules.apply(record)
            if numbers and self._is_marc:
                record.as_marc(self._options.encoding, unmappable=self._options.unmappable)
        except MarcError as error:
            record._forget()
            error.outcome = "warning"
            error.message += "; the record stays as it was"
            self._progress.error(error)
            self.failed += 1
            return False
        for number in numbers:
            self._counts[number - 1] += 1
        self.changed += bool(numbers)
        return bool(numbers)

    def tell(self) -> None:
        """Say what each rule did."""
        for number, (rule, count) in enumerate(zip(self._rules.rules, self._counts), 1):
            self._progress.say(f"rule {number}, {rule.name}: {count:,} records")
        not_changed = f", {self.failed:,} could not be" if self.failed else ""
        self._progress.say(f"{self.changed:,} records changed{not_changed}")


#: What stands before a line that begins with this.
_COLORS = {"-": "\x1b[31m", "+": "\x1b[32m", "r": "\x1b[1m"}


def _difference(before: Record, after: Record, is_colored: bool) -> str:
    number = before.control_field("001")
    head = f"record {before._number}" + (f", 001 {number.strip()}" if number else "")
    lines = [head, *changes(before, after)]
    if is_colored:
        lines = [f"{_COLORS[line[0]]}{line}\x1b[0m" for line in lines]
    return "\n".join([*lines, "", ""])
