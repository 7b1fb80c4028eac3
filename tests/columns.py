"""What columns of records should hold, by pymarc and Python's own library alone.

The rules, each of which one function here is:

- A place leads to the values of every field whose tag and indicators fit, in the record's order.
- Without codes a field has one value, pymarc's `field.value()`.
- With one code every subfield that has it is a value.
- With several codes a field that has any of them has one value, theirs in the field's order with
  blanks between: `" ".join(field.get_subfields(*codes))`.
- Of each value a slice is taken; one that begins at the value's end or behind it gives no value.
- The first of several places that gives any value gives all of them.
- A test is true when any value satisfies it; `!=` and `!~` are "not ==" and "not =~".
"""

from __future__ import annotations

import datetime
import operator
import re
from dataclasses import dataclass, field
from typing import Any

try:
    import pymarc
except ImportError:
    # Compared with pymarc in test_expected.py, where pymarc does not run, too.
    from mrrc_ct import pymarc

EPOCH = datetime.datetime(1970, 1, 1)
COMPARISONS = {
    "==": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True)
class Place:
    """A place in a record; `word` is `leader` or a tag."""

    word: str
    indicators: str = ""
    codes: str = ""
    #: As it is written: nothing, `[3]`, `[3:]`, `[:5]`, `[3:5]`.
    slice: str = ""

    def __str__(self) -> str:
        indicators = f"[{self.indicators}]" if self.indicators else ""
        codes = f"${self.codes}" if self.codes else ""
        return f"{self.word}{indicators}{codes}{self.slice}"

    def _fits(self, field: Any) -> bool:
        if not re.fullmatch(self.word, field.tag):
            return False
        if not self.indicators:
            return True
        found = "".join(field.indicators or "")
        return bool(re.fullmatch(self.indicators.replace("_", " ").replace("*", "."), found))

    def _values_of(self, field: Any) -> list[str]:
        if not self.codes:
            return [field.value()]
        if field.control_field:
            return []
        found = field.get_subfields(*self.codes)
        return found if len(self.codes) == 1 or not found else [" ".join(found)]

    def _sliced(self, value: str) -> list[str]:
        if not self.slice:
            return [value]
        first, colon, last = self.slice[1:-1].partition(":")
        start = int(first or 0)
        if colon and not start and not last:
            return [value]
        if start >= len(value):
            return []
        return [value[start : int(last) if last else None]] if colon else [value[start]]

    def values(self, record: Any) -> list[str]:
        """All its values."""
        if self.word == "leader":
            found = [str(record.leader)]
        else:
            fields = [one for one in record.fields if self._fits(one)]
            found = [value for one in fields for value in self._values_of(one)]
        return [part for value in found for part in self._sliced(value)]


@dataclass(frozen=True)
class Path:
    """Places, of which the first that has a value counts. Each has its own codes, or none has."""

    places: tuple[Place, ...]

    def __str__(self) -> str:
        return "|".join(map(str, self.places))

    def values(self, record: Any) -> list[str]:
        """The values of the first place that has some."""
        return next((found for one in self.places if (found := one.values(record))), [])


@dataclass(frozen=True)
class Column:
    """A path and what becomes of its values."""

    path: Path
    #: list, first, last, join, count; `only` where it is not written and there is one value.
    mode: str = "list"
    #: text, int, date, time.
    type: str = "text"
    separator: str = "; "
    #: Whether the mode is written, or what it is by the rules of MARC 21.
    is_written: bool = True

    def __str__(self) -> str:
        quoted = self.separator.replace("\\", "\\\\").replace("'", "\\'")
        mode = f":join('{quoted}')" if self.mode == "join" else f":{self.mode}"
        kind = "" if self.type == "text" else f":{self.type}"
        return f"{self.path}{mode if self.is_written else ''}{kind}"

    def value(self, record: Any) -> Any:
        """What the column has of a record; dates and times are Python's."""
        values = self.path.values(record)
        if self.mode == "count":
            return len(values)
        if self.mode == "list":
            return values
        if not values:
            return None
        if self.mode == "join":
            return self.separator.join(values)
        value = values[-1 if self.mode == "last" else 0]
        return {"text": str, "int": integer_of, "date": date_of, "time": time_of}[self.type](value)


def integer_of(text: str) -> int | None:
    """A whole number of 64 bits, with blanks around it."""
    found = re.fullmatch(" *([+-]?[0-9]+) *", text)
    number = int(found[1]) if found else None
    return number if number is not None and -(1 << 63) <= number < 1 << 63 else None


def date_of(text: str) -> datetime.date | None:
    """YYYYMMDD, or YYMMDD of the years 1968 to 2067."""
    if not re.fullmatch("[0-9]{6}|[0-9]{8}", text):
        return None
    if len(text) == 6:
        text = ("20" if text < "68" else "19") + text
    try:
        return datetime.date(int(text[:4]), int(text[4:6]), int(text[6:]))
    except ValueError:
        return None


def time_of(text: str) -> datetime.datetime | None:
    """YYYYMMDDHHMMSS, and tenths of a second that are left out."""
    if not re.fullmatch(r"[0-9]{14}(\..*)?", text, re.DOTALL):
        return None
    date = date_of(text[:8])
    try:
        time = datetime.time(int(text[8:10]), int(text[10:12]), int(text[12:14]))
    except ValueError:
        return None
    return datetime.datetime.combine(date, time) if date else None


def plain(value: Any) -> Any:
    """A value as rows of a Selection and JSON have it."""
    return value.isoformat() if isinstance(value, datetime.date) else value


@dataclass(frozen=True)
class Test:
    """A term of a filter."""

    __test__ = False

    path: Path
    operator: str = ""
    than: Any = None
    is_count: bool = False

    def __str__(self) -> str:
        path = f"{self.path}{':count' if self.is_count else ''}"
        if not self.operator:
            return path
        if self.operator == "in":
            return f"{path} in ({', '.join(map(quoted, self.than))})"
        if self.operator in ("=~", "!~"):
            return f"{path} {self.operator} " + "'" + self.than.replace("'", "\\'") + "'"
        than = quoted(self.than) if isinstance(self.than, str) else str(self.than)
        return f"{path} {self.operator} {than}"

    def holds(self, record: Any) -> bool:
        """Whether any value of a record satisfies it."""
        values: list[Any] = self.path.values(record)
        if not self.operator:
            return bool(values)
        if self.operator[0] == "!":
            positive = "=" + self.operator[1]
            return not Test(self.path, positive, self.than, self.is_count).holds(record)
        if self.is_count:
            values = [len(values)]
        elif isinstance(self.than, int):
            values = [one for one in map(integer_of, values) if one is not None]
        if self.operator == "in":
            return any(value in self.than for value in values)
        if self.operator == "=~":
            return any(re.search(self.than, value) for value in values)
        return any(COMPARISONS[self.operator](value, self.than) for value in values)


@dataclass(frozen=True)
class Logic:
    """Terms that are put together: `and`, `or`, `not`."""

    word: str
    parts: tuple[Any, ...] = field(default=())

    def __str__(self) -> str:
        if self.word == "not":
            return f"not ({self.parts[0]})"
        return f" {self.word} ".join(f"({one})" for one in self.parts)

    def holds(self, record: Any) -> bool:
        """Whether it is true of a record."""
        found = (one.holds(record) for one in self.parts)
        return {"and": all, "or": any, "not": lambda one: not next(one)}[self.word](found)


def quoted(text: str) -> str:
    """A text as filters have it."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def path(text: str) -> Path:
    """A path of fields and leaders, taken apart with one expression. Codes are all written."""
    one = re.compile(r"(leader|[\w.]{3})(?:\[([\w*]{2})\](?![\d]))?(?:\$(\w+))?(\[.*\])?")
    places = []
    for part in text.split("|"):
        found = one.fullmatch(part)
        assert found, part
        word, indicators, codes, cut = found.groups("")
        if indicators and (word == "leader" or re.fullmatch("00[0-9.]", word)):
            indicators, cut = "", f"[{indicators}]"
        places.append(Place(word, indicators, codes, cut))
    return Path(tuple(places))


def records(data: bytes) -> list[Any]:
    """pymarc's records."""
    found = list(pymarc.MARCReader(data, to_unicode=True))
    assert None not in found
    return found
