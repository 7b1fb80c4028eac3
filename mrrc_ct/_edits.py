"""What the rules of `mrrc_ct.editing` do to a record, a class for each verb."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from itertools import chain

from ._drafts import ANY
from .errors import RuleFailed
from .field import BLANKS, CONTROL_TAGS, Field, Subfield

# The module typing takes longer to import than all of this package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from ._drafts import Draft, Target
    from .paths import Place
    from .record import Record

    Pairs = list[tuple[str, str]]

#: Positions of the leader that are computed when a record is written.
_COMPUTED = frozenset(chain(range(5), range(12, 17)))
#: Control fields that may be there more than once.
_REPEATABLE = ("006", "007")


def _put(record: Record, field: Field, pairs: Pairs) -> bool:
    """Give a field these subfields, if it has others; one that gets none is removed."""
    if pairs == [(code, value) for code, value in field._pairs()]:
        return False
    field.subfields = _subfields(pairs)
    if not pairs:
        record.remove_field(field)
    return True


def _subfields(pairs: Pairs) -> list[Subfield]:
    return [Subfield(code, value) for code, value in pairs]


def _set_data(record: Record, field: Field, data: str) -> bool:
    """Give a control field this data, if it has other; one that gets none is removed."""
    if data == field.data:
        return False
    field.data = data
    if not data:
        record.remove_field(field)
    return True


class Verb:
    """What a rule does."""

    #: What it needs beside its own key.
    keys: tuple[str, ...] = ()
    #: What it looks for in a record; without that in it a record stays as it is.
    target: Target | None = None

    def __init__(self, draft: Draft) -> None:
        """Read a rule. Raises RulesInvalid."""

    def apply(self, record: Record, is_changed: bool) -> bool:
        """Change a record; whether there was a change.

        `is_changed` tells whether a rule before has changed it, or this is the first rule.
        """
        raise NotImplementedError


class Add(Verb):
    """Add a field, behind those with the same tag."""

    def __init__(self, draft: Draft) -> None:
        self._field = draft.field("add", draft.text("add"))

    def apply(self, record: Record, is_changed: bool) -> bool:
        field = self._field
        if field.control_field:
            record.add_ordered_field(Field(field.tag, data=field.data))
        else:
            record.add_ordered_field(Field(field.tag, field.indicators, list(field.subfields)))
        return True


class AddSubfield(Verb):
    """Add subfields at the end of fields."""

    keys = ("to",)

    def __init__(self, draft: Draft) -> None:
        text = draft.text("add-subfield")
        if not text.startswith("$"):
            draft.fail("add-subfield", f"a subfield begins with $ and its code: {text!r}")
        self._subfields = draft.field("add-subfield", f"999 __ {text}").subfields
        self.target = _of_whole_fields(draft, "to")

    def apply(self, record: Record, is_changed: bool) -> bool:
        assert self.target is not None
        found = [field for field, _ in self.target.fields(record) if not field.control_field]
        for field in found:
            for code, value in self._subfields:
                field.add_subfield(code, value)
        return bool(found)


def _of_whole_fields(draft: Draft, key: str) -> Target:
    """A target that is fields with indicators and subfields."""
    target = draft.target(key)
    if any(
        place.is_control or place.codes or place.is_sliced
        for place in chain(target.leader, target.places)
    ):
        draft.fail(key, f"fields with indicators should stand here, without $: {target.text!r}")
    return target


class Delete(Verb):
    """Delete fields or subfields."""

    def __init__(self, draft: Draft) -> None:
        self.target = target = draft.target("delete")
        if target.leader or any(place.is_sliced for place in target.places):
            draft.fail("delete", f"only fields and subfields can be deleted: {target.text!r}")

    def apply(self, record: Record, is_changed: bool) -> bool:
        assert self.target is not None
        has_deleted = False
        for field, places in self.target.fields(record):
            if any(not place.codes for place in places):
                record.remove_field(field)
                has_deleted = True
                continue
            codes = "".join([place.codes for place in places])
            has_deleted |= _put(record, field, _without(field, codes))
        return has_deleted


def _without(field: Field, codes: str) -> Pairs:
    """The subfields but those with these codes."""
    return [(code, value) for code, value in field._pairs() if code not in codes]


class _Rewrite(Verb):
    """Give texts that are there another value."""

    def _new(self, text: str) -> str:
        raise NotImplementedError

    def _take(self, draft: Draft) -> None:
        self.target = target = draft.target(draft.verb)
        for place in target.leader:
            if not place.is_sliced or place.end > 24:
                draft.fail(draft.verb, "say which of the leader's 24 characters, as leader[5]")
            if not _COMPUTED.isdisjoint(range(place.start, place.end)):
                draft.fail(draft.verb, "leader[0:5] and leader[12:17] are computed")

    def apply(self, record: Record, is_changed: bool) -> bool:
        assert self.target is not None
        has_changed = False
        for place in self.target.leader:
            old = str(record.leader)
            new = self._within(old, place, "leader")
            if new != old:
                record.leader = new
                has_changed = True
        for field, places in self.target.fields(record):
            if field.control_field:
                has_changed |= self._rewrite_data(record, field, places)
            else:
                has_changed |= self._rewrite_subfields(record, field, places)
        return has_changed

    def _rewrite_data(self, record: Record, field: Field, places: list[Place]) -> bool:
        text = field.data or ""
        for place in places:
            text = self._within(text, place, field.tag)
        return _set_data(record, field, text)

    def _rewrite_subfields(self, record: Record, field: Field, places: list[Place]) -> bool:
        pairs = []
        for code, before in field._pairs():
            value = before
            for place in places:
                if not place.codes or code in place.codes:
                    value = self._within(value, place)
            if value or not before:
                pairs.append((code, value))
        return _put(record, field, pairs)

    def _within(self, text: str, place: Place, fixed: str | None = None) -> str:
        """The text, a part of it rewritten; in what is `fixed` all characters keep their places."""
        if not place.is_sliced:
            return self._new(text)
        end = min(place.end, len(text)) if place.is_open else place.end
        if not place.start < end <= len(text):
            return text  # there is no such part
        old = text[place.start : end]
        new = self._new(old)
        if fixed is not None and len(new) != len(old):
            raise RuleFailed(f"{old!r} would become {new!r}, of another length", tag=fixed)
        return text[: place.start] + new + text[end:]


class Replace(_Rewrite):
    """Replace what a regular expression matches."""

    keys = ("pattern", "with")

    def __init__(self, draft: Draft) -> None:
        self._take(draft)
        pattern, self._with = draft.text("pattern"), draft.text("with")
        try:
            self._pattern = re.compile(pattern)
        except (re.error, OverflowError, RecursionError) as error:
            draft.fail("pattern", f"this is no regular expression: {error}: {pattern!r}")
        try:
            self._pattern.sub(self._with, "")
        except (re.error, IndexError) as error:
            draft.fail("with", f"this cannot be put in place: {error}: {self._with!r}")

    def _new(self, text: str) -> str:
        return self._pattern.sub(self._with, text)


class Set(_Rewrite):
    """Give every text that is there one value."""

    keys = ("to",)

    def __init__(self, draft: Draft) -> None:
        self._take(draft)
        self._to = draft.text("to")
        assert self.target is not None
        for place in chain(self.target.leader, self.target.places):
            if not place.is_control and not place.codes:
                draft.fail("set", f"say which subfield, as {place.tag}$a")
            is_fixed = place.is_control and place.is_sliced and not place.is_open
            if is_fixed and len(self._to) != place.end - place.start:
                draft.fail("to", f"this has not as many characters as the place: {self._to!r}")

    def _new(self, text: str) -> str:
        return self._to


class Copy(Verb):
    """Copy fields, subfields or characters to another field or code."""

    keys = ("to",)
    is_move = False

    def __init__(self, draft: Draft) -> None:
        self.target = target = draft.target(draft.verb)
        self._to = to = _destination(draft)
        for place in chain(target.leader, target.places):
            if place.is_leader and not place.is_sliced:
                draft.fail(draft.verb, "say which characters of the leader, as leader[6]")
            if self.is_move and (place.is_leader or place.is_sliced):
                draft.fail(draft.verb, "characters cannot be moved: copy them")
            if (place.is_control or place.is_sliced) and not (to.is_control or to.codes):
                draft.fail("to", f"a text needs a code to go to, as {draft.text('to')}$a")
            if place.is_leader and "." in to.tag:
                draft.fail("to", "the leader has no tag that an X could stand for")

    def apply(self, record: Record, is_changed: bool) -> bool:
        assert self.target is not None
        has_changed = False
        for place in self.target.leader:
            text = str(record.leader)[place.start : place.end]
            has_changed |= self._add_texts(record, self._to.tag, BLANKS, [text])
        for field, places in self.target.fields(record):
            for place in places:
                has_changed |= self._carry(record, field, place)
                if self.is_move and not place.codes:
                    break  # nothing of it is left
        return has_changed

    def _carry(self, record: Record, field: Field, place: Place) -> bool:
        to = self._to
        tag = "".join([here if one == "." else one for one, here in zip(to.tag, field.tag)])
        if to.codes or tag in CONTROL_TAGS:
            return self._carry_texts(record, field, place, tag)
        if field.control_field:
            raise RuleFailed(f"a text needs a code to go to, as {tag}$a", tag=field.tag)
        pairs = [pair for pair in field._pairs() if not place.codes or pair[0] in place.codes]
        if not pairs:
            return False
        if self.is_move:
            _relink(record, field, tag)
            _take_away(record, field, place)
        record.add_ordered_field(Field(tag, self._indicators(field), _subfields(pairs)))
        return True

    def _carry_texts(self, record: Record, field: Field, place: Place, tag: str) -> bool:
        values = _values(field, place)
        if not values:
            return False
        if self.is_move and len(values) > 1 and tag in CONTROL_TAGS:
            raise RuleFailed(f"{len(values)} values cannot be moved to one field", tag=tag)
        if tag == field.tag and self._to.indicators == ANY * 2 and not field.control_field:
            return _put(record, field, self._within(field, place, values))
        indicators = self._indicators(field)
        if self.is_move:
            _take_away(record, field, place)
        return self._add_texts(record, tag, indicators, values)

    def _within(self, field: Field, place: Place, values: list[str]) -> Pairs:
        """The subfields with these values among them."""
        code = self._to.codes
        if self.is_move and len(place.codes) == 1:
            # It stays where it is.
            return [(code if one == place.codes else one, value) for one, value in field._pairs()]
        left = _without(field, "")
        if self.is_move:
            left = _without(field, place.codes) if place.codes else []
        return left + [(code, value) for value in values]

    def _add_texts(
        self, record: Record, tag: str, indicators: Sequence[str], values: list[str]
    ) -> bool:
        code = self._to.codes
        if tag not in CONTROL_TAGS:
            pairs = [(code, value) for value in values]
            record.add_ordered_field(Field(tag, indicators, _subfields(pairs)))
            return True
        if code:
            raise RuleFailed("a control field has no subfields", tag=tag)
        there = None if tag in _REPEATABLE else record.get(tag)
        if there is not None:
            return _set_data(record, there, values[0])
        for value in values if tag in _REPEATABLE else values[:1]:
            record.add_ordered_field(Field(tag, data=value))
        return True

    def _indicators(self, field: Field) -> tuple[str, str]:
        """The indicators of what is made of a field."""
        own = BLANKS if field.control_field else (field.indicator1, field.indicator2)
        first, second = (
            given if one == ANY else one for one, given in zip(self._to.indicators, own)
        )
        return first, second


class Move(Copy):
    """The same, and what was copied is not left behind."""

    is_move = True


def _destination(draft: Draft) -> Place:
    """Where copies go to."""
    target = draft.target("to")
    places = target.places
    if len(places) != 1 or target.leader or target.has_condition:
        draft.fail("to", f"one field or subfield should stand here, not {target.text!r}")
    (place,) = places
    if place.is_sliced or len(place.codes) > 1:
        draft.fail("to", f"one field or one code should stand here, not {target.text!r}")
    return place


def _values(field: Field, place: Place) -> list[str]:
    """The values that a path leads to in a field."""
    if field.control_field:
        found = [field.data or ""]
    elif len(place.codes) == 1:
        found = field.get_subfields(place.codes)
    elif place.codes:
        found = [" ".join([value for code, value in field._pairs() if code in place.codes])]
    else:
        found = [field.value()]
    return [part for part in [text[place.start : place.end] for text in found] if part]


def _take_away(record: Record, field: Field, place: Place) -> None:
    """Remove what a place leads to in a field."""
    if place.codes:
        _put(record, field, _without(field, place.codes))
    else:
        record.remove_field(field)


def _relink(record: Record, field: Field, tag: str) -> None:
    """Let the fields 880 that are linked to a field name its new tag."""
    if field.tag == "880" or field.linkage_occurrence_num() in (None, "00"):
        return
    old = f"{field.tag}-"
    for other in record._linked(field):
        pairs = [
            (code, tag + value[3:] if code == "6" and value.startswith(old) else value)
            for code, value in other._pairs()
        ]
        _put(record, other, pairs)


class SetIndicators(Verb):
    """Set the indicators of fields."""

    keys = ("to",)

    def __init__(self, draft: Draft) -> None:
        self.target = _of_whole_fields(draft, "indicators")
        self._to = draft.indicators("to")

    def apply(self, record: Record, is_changed: bool) -> bool:
        assert self.target is not None
        has_changed = False
        for field, _ in self.target.fields(record):
            if field.control_field:
                continue
            old = field.indicator1, field.indicator2
            new = tuple(given if one == ANY else one for one, given in zip(self._to, old))
            if new != old:
                field.indicators = new
                has_changed = True
        return has_changed


class Sort(Verb):
    """Sort the fields by tag; those with the same tag stay in their order."""

    def __init__(self, draft: Draft) -> None:
        if draft.values["sort"] not in (True, "true"):
            draft.fail("sort", "only true can stand here")

    def apply(self, record: Record, is_changed: bool) -> bool:
        tags = record._tag_list()
        if tags == sorted(tags):
            return False
        record.fields = sorted(record.fields, key=lambda field: field.tag)
        return True


class Stamp(Verb):
    """Put the date and time into field 005 of records that rules before have changed."""

    def __init__(self, draft: Draft) -> None:
        self._time = draft.text("stamp")
        if self._time != "now" and not _is_time(self._time):
            draft.fail("stamp", f"now or yyyymmddhhmmss.f should stand here, not {self._time!r}")

    def apply(self, record: Record, is_changed: bool) -> bool:
        if not is_changed:
            return False
        time = _now() if self._time == "now" else self._time
        there = record.get("005")
        if there is not None:
            return _set_data(record, there, time)
        record.add_ordered_field(Field("005", data=time))
        return True


def _now() -> str:
    now = datetime.now(timezone.utc)
    return f"{now:%Y%m%d%H%M%S}.{now.microsecond // 100_000}"


def _is_time(text: str) -> bool:
    found = re.fullmatch(r"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)\.\d", text, re.ASCII)
    if not found:
        return False
    year, month, day, hour, minute, second = map(int, found.groups())
    try:
        datetime(year, month, day, hour, minute, second)
        return True
    except ValueError:
        return False


VERBS: dict[str, type[Verb]] = {
    "add": Add,
    "add-subfield": AddSubfield,
    "delete": Delete,
    "replace": Replace,
    "set": Set,
    "copy": Copy,
    "move": Move,
    "indicators": SetIndicators,
    "sort": Sort,
    "stamp": Stamp,
}
