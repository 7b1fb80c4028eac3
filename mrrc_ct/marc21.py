"""The MARC 21 Format for Bibliographic Data as facts: what marc21.tsv beside this module says."""

from __future__ import annotations

from ._library import package_data

# The module typing takes longer to import than all of this package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, Optional

    #: The values that the two indicators may have, as one text each; None where that is not told.
    Indicators = tuple[Optional[str], Optional[str]]

CURRENT = "current"
OBSOLETE = "obsolete"
#: What stands where nobody tries to give a value, in fields that may have it (from a position on).
FILL = "|"
_FILL_FROM = {"006": 1, "007": 1, "008": 6}


class FieldFacts:
    """What the format says of the fields with a tag.

    `tag`; `status`, `current`, `obsolete` or `holdings` (of the holdings format, embedded);
    `repeatable`; `indicators`; `subfields`, whether each code is repeatable, None where nothing is
    told; `obsolete`, the codes that are not used any more.
    """

    __slots__ = ("indicators", "obsolete", "repeatable", "status", "subfields", "tag")

    def __init__(self, row: list[str]) -> None:
        """Take a row of the table."""
        self.tag, self.status, repeatable, first, second, subfields, obsolete = row
        self.repeatable = repeatable == "R"
        self.indicators: Indicators = _indicator(first), _indicator(second)
        self.subfields = None if subfields == "-" else codes_of(subfields)
        self.obsolete = "" if obsolete == "-" else obsolete.replace(" ", "")


class Element:
    """A data element of a fixed-length field: what stands at some positions.

    `tag`, LDR for the leader; `material`, which records or categories have it, `*` for all;
    `start` and `end`, positions from 0, `end` not included; `name`; `each`, whether `values` and
    `obsolete` are characters, of which one stands at each position, or else texts of this length.
    """

    __slots__ = ("each", "end", "material", "name", "obsolete", "start", "tag", "values")

    def __init__(self, row: list[str], lists: dict[str, tuple[str, str]]) -> None:
        """Take a row of the table, and the lists of codes that it may name."""
        self.tag, self.material, positions, self.name, values, obsolete = row
        start, _, last = positions.partition("-")
        self.start, self.end = int(start), int(last or start) + 1
        self.each = values.startswith("[")
        width = 1 if self.each else self.end - self.start
        self.values = frozenset(_values(values, width, lists, 0))
        self.obsolete = frozenset(_values(obsolete, width, lists, 1))
        if self.start >= _FILL_FROM.get(self.tag, self.end):
            self.values |= {FILL * width}

    def moved(self, tag: str, count: int) -> Element:
        """The same element of another field, so many positions before."""
        other = Element.__new__(Element)
        for name in self.__slots__:
            setattr(other, name, getattr(self, name))
        other.tag, other.start, other.end = tag, self.start - count, self.end - count
        return other


def codes_of(text: str) -> dict[str, bool]:
    """Whether each of some codes is repeatable, from how the table has them: `a b+ 6 8+`."""
    return {one[0]: one.endswith("+") for one in text.split()}


def fields() -> dict[str, FieldFacts]:
    """What the format says, by tag."""
    if "fields" not in _kept:
        _kept["fields"] = {row[0]: FieldFacts(row) for row in _table("tag")}
    found: dict[str, FieldFacts] = _kept["fields"]
    return found


def elements() -> list[Element]:
    """The data elements of the leader and of fields 005 to 008, in their order."""
    lists = {name: (codes, obsolete) for name, codes, obsolete in _table("list")}
    return [Element(row, lists) for row in _table("field")]


_kept: dict[str, Any] = {}


def _table(name: str) -> Iterator[list[str]]:
    """The rows of the table whose first column has this name."""
    data = package_data("marc21.tsv").decode()
    rows = data[data.index(f"\n{name}\t") + 1 :].split("\n\n", 1)[0]
    for line in rows.splitlines()[1:]:
        yield line.split("\t")


def _indicator(values: str) -> str | None:
    return None if values == "-" else values.replace("#", " ")


def _values(text: str, width: int, lists: dict[str, tuple[str, str]], which: int) -> Iterator[str]:
    """The values that the table has as `[#a-c2]`, or as `aa b# 001-999 @list`."""
    if text.startswith("["):
        import re

        for first, last in re.findall(r"(.)(?:-(.))?", text[1:-1].replace("#", " ")):
            yield from map(chr, range(ord(first), ord(last or first) + 1))
        return
    for one in text.split():
        first, _, last = one.partition("-")
        if one.startswith("@"):
            yield from [code.ljust(width) for code in lists[one[1:]][which].split()]
        elif last.isdigit():
            yield from [f"{number:0{width}}" for number in range(int(first), int(last) + 1)]
        elif one != "-":
            yield one.replace("#", " ")
