"""The rules of `mrrc_ct.editing` as they were written, and what they work on."""

from __future__ import annotations

import re

from ._asking import Condition
from .conversion import mrk_to_record
from .errors import MarcError, PathInvalid, RulesInvalid
from .field import CONTROL_TAGS, Field
from .paths import filter_existing, parse_filter, parse_target

# The module typing takes longer to import than all of this package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, NoReturn

    from .paths import Filter, Place
    from .record import Record

#: In indicators: any, or as it is.
ANY = "\0"
#: How a blank is written where indicators stand.
_BLANKS = str.maketrans("_#\\", "   ")
_LEADER = "=LDR  00000nam a2200000   4500\n"


class Draft:
    """A rule as it was written."""

    def __init__(self, number: int, verb: str, values: Mapping[str, Any]) -> None:
        self.number = number
        self.verb = verb
        self.values = values

    def fail(self, key: str, what: str) -> NoReturn:
        """Say what is wrong with the value of a key."""
        raise RulesInvalid(f"rule {self.number}, {key}: {what}", rule=self.number, key=key)

    def text(self, key: str) -> str:
        """The text of a key, one that can stand in a record."""
        text = self.values.get(key)
        if text is None:
            self.fail(key, f"{self.verb} needs it")
        if not isinstance(text, str):
            self.fail(key, f"this should be a text, in quotation marks, not {text!r}")
        if any(one < " " or "\ud800" <= one <= "\udfff" for one in text):
            self.fail(key, f"a control character has no place in a record: {text!r}")
        return text

    def target(self, key: str) -> Target:
        """What the path of a key leads to."""
        text = self.text(key)
        try:
            places, wanted = parse_target(text)
            return Target(text, places, wanted)
        except PathInvalid as error:
            self.fail(key, str(error))

    def condition(self, key: str) -> Filter | None:
        """The filter of a key, None if it is not there."""
        if key not in self.values:
            return None
        try:
            wanted = parse_filter(self.text(key))
            Condition(wanted)
            return wanted
        except PathInvalid as error:
            self.fail(key, str(error))

    def indicators(self, key: str) -> str:
        """Two indicators, a `ANY` for each that stays."""
        text = self.text(key)
        if len(text) != 2 or not all(one.isalnum() or one in "_#\\ *" for one in text):
            self.fail(key, f"two indicators are needed, _ for a blank and * for any, not {text!r}")
        return text.translate(_BLANKS).replace("*", ANY)

    def field(self, key: str, text: str) -> Field:
        """A field as people write it: `500 ## $aNote`, or a line of MRK."""
        found = re.fullmatch("=?([0-9A-Za-z]{3})(.*)", text)
        if not found or found[1] in ("000", "LDR"):
            self.fail(key, f"a field begins with its tag, as in 500 __ $aNote: {text!r}")
        tag, rest = found.groups()
        if tag in CONTROL_TAGS:
            if not rest.startswith(" ") or not rest.strip():
                self.fail(key, f"a blank and the data should stand behind {tag}: {text!r}")
            return self._from_mrk(key, f"={tag}  {rest.lstrip()}")
        head, mark, rest = rest.partition("$")
        if not mark:
            self.fail(
                key, f"field {tag} has no subfield, as $aNote (is # a comment here?): {text!r}"
            )
        indicators = head.strip() or "__"
        if len(indicators) != 2 or not all(one.isalnum() or one in "_#\\" for one in indicators):
            self.fail(key, f"two indicators should stand before $, _ for a blank: {text!r}")
        for piece in rest.split("$"):
            if not (piece[:1].isascii() and piece[:1].isalnum()):
                self.fail(key, f"${piece[:1]} begins no subfield; a dollar is {{dollar}}: {text!r}")
        indicators = indicators.translate(_BLANKS).replace(" ", "\\")
        return self._from_mrk(key, f"={tag}  {indicators}${rest}")

    def _from_mrk(self, key: str, line: str) -> Field:
        try:
            return mrk_to_record(f"{_LEADER}{line}\n").fields[0]
        except MarcError as error:
            self.fail(key, error.message)


class Target:
    """What a rule works on: places in a record, and a condition on the field."""

    def __init__(self, text: str, places: list[Place], wanted: Filter | None) -> None:
        """Take what was parsed. Raises PathInvalid for a regular expression in the condition."""
        self.text = text
        self.leader = [place for place in places if place.is_leader]
        self.places = [place for place in places if not place.is_leader]
        self.exists = filter_existing(places)
        self.has_condition = wanted is not None
        self._condition = None if wanted is None else Condition(wanted)
        #: Whether a tag is wanted, of those that have been seen.
        self._known: dict[str, bool] = {}

    def __contains__(self, tag: str) -> bool:
        """Whether fields with this tag may be wanted."""
        is_wanted = self._known.get(tag)
        if is_wanted is None:
            is_wanted = any(_is_like(tag, place.tag) for place in self.places)
            self._known[tag] = is_wanted
        return is_wanted

    def fields(self, record: Record) -> list[tuple[Field, list[Place]]]:
        """The fields that are wanted, each with the places that lead to it."""
        found = []
        for field in record._with_tags(self):  # type: ignore[arg-type]
            places = [place for place in self.places if _leads_to(place, field)]
            if places and (self._condition is None or self._condition.holds_of(field)):
                found.append((field, places))
        return found


def _is_like(tag: str, pattern: str) -> bool:
    return len(tag) == 3 and all(one in (given, ".") for one, given in zip(pattern, tag))


def _leads_to(place: Place, field: Field) -> bool:
    if not _is_like(field.tag, place.tag):
        return False
    first, second = place.indicators[0], place.indicators[1]
    if field.control_field:
        return not place.codes and first == second == ANY
    return first in (ANY, field.indicator1) and second in (ANY, field.indicator2)
