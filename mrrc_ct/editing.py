"""Changing many records by rules, one after the other.

    from mrrc_ct.editing import Rules

    rules = Rules.load("rules.toml")  # or .yaml, or .json
    for record in reader:
        rules.apply(record)
        writer.write(record)

A rule is a verb with what it works on, and says for which records it is meant. In TOML:

    [[rules]]
    replace = "245$a"
    pattern = " :$"
    with = " /"
    where = 'leader[6] == "a"'

docs/editing.md has the verbs.
"""

from __future__ import annotations

import os

from ._asking import Condition
from ._drafts import Draft
from ._edits import VERBS, Stamp
from ._rule_files import read_rule_file
from .errors import MarcError, RuleFailed, RulesInvalid
from .paths import filter_any

# The module typing takes longer to import than all of this package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from .record import Record

#: What any rule may have beside its verb.
_WHERE = "where"


class Rule:
    """One rule; `name` is how it is shown."""

    def __init__(self, number: int, values: Mapping[str, Any]) -> None:
        """Read rule `number`. Raises RulesInvalid."""
        if not isinstance(values, dict) or not all(isinstance(key, str) for key in values):
            raise RulesInvalid(f"rule {number}: a rule is keys with values", rule=number)
        draft = Draft(number, _verb_of(number, values), values)
        kind = VERBS[draft.verb]
        known = [draft.verb, *kind.keys, _WHERE]
        for key in values:
            if key not in known:
                draft.fail(key, f"{draft.verb} has no such key, only {_listed(known)}")
        where = draft.condition(_WHERE)
        self.verb = kind(draft)
        self.condition = Condition(where) if where else None
        self.name = _name_of(draft.verb, values)
        exists = self.verb.target.exists if self.verb.target else None
        #: Whether it does something only where another rule has.
        self.is_follower = isinstance(self.verb, Stamp)
        #: The records that it may change; None for all.
        self.concerns = where.with_all(exists) if where and exists else where or exists

    def apply(self, record: Record, is_changed: bool) -> bool:
        """Change a record that rules before have changed or not; whether there was a change."""
        if self.condition is not None and not self.condition.holds(record):
            return False
        return self.verb.apply(record, is_changed)


def _verb_of(number: int, values: Mapping[str, Any]) -> str:
    found = [key for key in values if key in VERBS]
    if len(found) == 1:
        return found[0]
    if found:
        what = f"a rule does one thing, this one has {_listed(found)}"
    else:
        import difflib

        near = [one for key in values for one in difflib.get_close_matches(key, VERBS, 1)]
        what = f"there should be one of {_listed(VERBS)}"
        what += f"; did you mean {near[0]}?" if near else ""
    raise RulesInvalid(f"rule {number}: {what}", rule=number)


def _listed(words: Iterable[str]) -> str:
    *most, last = words
    return f"{', '.join(most)} and {last}" if most else last


def _name_of(verb: str, values: Mapping[str, Any]) -> str:
    name = verb if verb == "sort" else f"{verb} {values[verb]}"
    return f"{name} to {values['to']}" if "to" in values else name


class Rules:
    """Rules for changing records, in their order: `rules`, each with its `name`.

    Threads may share them.
    """

    def __init__(self, rules: Iterable[Mapping[str, Any]] = ()) -> None:
        """Take rules as a file has them. Raises RulesInvalid, which names the rule and the key.

        Rules([{"delete": "9XX"}, {"set": "008[35:38]", "to": "eng"}])
        """
        self._take([Rule(number, values) for number, values in enumerate(rules, 1)])

    def _take(self, rules: list[Rule]) -> None:
        self.rules = rules
        # All other records stay as they are: the first rule that changes one sees it as it came.
        concerns = [
            rule.concerns for index, rule in enumerate(rules) if not (index and rule.is_follower)
        ]
        filters = [one for one in concerns if one is not None]
        is_known = filters and len(filters) == len(concerns)
        self._concerned = Condition(filter_any(filters)) if is_known else None

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Rules:
        """The rules of a TOML, YAML or JSON file, which its name tells apart.

        YAML needs PyYAML, and TOML before Python 3.11 tomli: both come with `mrrc-ct[cli]`. Raises
        RulesInvalid, and SourceError for a file that cannot be read.
        """
        try:
            return cls(read_rules(path))
        except RulesInvalid as error:
            error.source = os.fspath(path)
            raise

    def __add__(self, other: Rules) -> Rules:
        """These rules, and then the others."""
        both = Rules()
        both._take(self.rules + other.rules)
        return both

    def apply(self, record: Record) -> tuple[int, ...]:
        """Change a record; the numbers of the rules that did, from 1, none for an untouched one.

        A record that came from a reader and that no rule changes is written as it came. Raises
        RuleFailed for a rule that cannot be applied, and the MarcError of text that cannot be
        read; the record is what it was then.
        """
        if self._concerned is not None and not self._concerned.holds(record):
            return ()
        is_as_read = record._is_as_read()
        before = b"" if is_as_read else record._checked()
        changed: list[int] = []
        number = 0
        try:
            for number, rule in enumerate(self.rules, 1):
                if rule.apply(record, number == 1 or bool(changed)):
                    changed.append(number)
        except MarcError as error:
            if is_as_read:
                record._forget()
            else:
                record._become(before)
            if isinstance(error, RuleFailed):
                error.rule = number
                error.message = f"rule {number}, {self.rules[number - 1].name}: {error.message}"
                record._placed(error)
            raise
        if is_as_read and not changed:
            record._forget()
        return tuple(changed)

    def preview(self, record: Record) -> list[str]:
        """What `apply` would change, as `changes` has it; the record stays as it is.

        Raises as `apply`.
        """
        twin = record._twin()
        return changes(record, twin) if self.apply(twin) else []


def changes(before: Record, after: Record) -> list[str]:
    """The lines of MRK that one record has and the other has not, behind `-` and `+`."""
    from difflib import SequenceMatcher

    old, new = before.to_mrk().splitlines(), after.to_mrk().splitlines()
    lines = []
    for kind, start, end, new_start, new_end in SequenceMatcher(
        None, old, new, autojunk=False
    ).get_opcodes():
        if kind != "equal":
            lines += [f"-{line}" for line in old[start:end]]
            lines += [f"+{line}" for line in new[new_start:new_end]]
    return lines


# ---- files


def read_rules(path: str | os.PathLike[str]) -> list[dict[str, Any]]:
    """The rules of a file as dictionaries, not yet looked at. Raises as `Rules.load`."""
    found = read_rule_file(path)
    if not isinstance(found, dict) or not isinstance(found.get("rules"), list) or len(found) > 1:
        raise RulesInvalid(
            "the file should have one key, rules, with a list", source=os.fspath(path)
        )
    return list(found["rules"])
