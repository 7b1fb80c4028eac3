"""Whether the leader and fields 005 to 008 hold values that the format defines."""

from __future__ import annotations

import re

from .marc21 import Element, elements

# The module typing takes longer to import than all of this package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Optional

    #: A code of validation.FAULTS, a position, what stands there, and all of it in words.
    Found = tuple[str, Optional[int], str, str]

_SERIAL = "s"
#: What a record is of, by leader/06, or 006/00: whose elements 008/18-34 has, or 006/01-17.
_MATERIALS = {
    kind: material
    for material, kinds in {
        "books": "at",
        "computer files": "m",
        "continuing resources": _SERIAL,
        "maps": "ef",
        "mixed materials": "bp",
        "music": "cdij",
        "visual materials": "gkor",
    }.items()
    for kind in kinds
}
#: The lengths in characters; that of 007 is told by its first one.
_LENGTHS = {"LDR": 24, "005": 16, "006": 18, "008": 40}
#: How many positions 006/01 stands before the same element in 008.
_FROM_008 = 17
#: More values than these are not listed in a message.
_LISTED_MAX = 20

FIXED_TAGS = frozenset(["005", "006", "007", "008"])


def material_of(leader: str) -> str:
    """What of field 008 a record with this leader has; empty where leader/06 does not tell."""
    kind = leader[6]
    if kind == "a" and leader[7] in "bis":
        kind = _SERIAL
    elif kind == _SERIAL:  # which 006/00 has, and leader/06 has not
        return ""
    return _MATERIALS.get(kind, "")


class FixedFields:
    """All that the format has of fixed-length fields."""

    def __init__(self) -> None:
        self._elements = elements()
        self._kinds: dict[tuple[str, str], FixedField] = {}

    def kind(self, tag: str, text: str, material: str) -> FixedField:
        """What a field has to be. `material` is what the record is of."""
        if tag in ("006", "007"):
            material = text[:1]
        key = tag, material
        if key not in self._kinds:
            self._kinds[key] = FixedField(self._parts(tag, material), _LENGTHS.get(tag, 0))
        return self._kinds[key]

    def _parts(self, tag: str, material: str) -> list[Element]:
        parts = [
            part for part in self._elements if part.tag == tag and part.material in ("*", material)
        ]
        if tag == "006":
            material = _MATERIALS.get(material, "")
            parts += [
                part.moved(tag, _FROM_008)
                for part in self._elements
                if part.tag == "008" and part.material == material
            ]
        return parts


class FixedField:
    """One kind of fixed-length field, and its elements."""

    def __init__(self, parts: list[Element], length: int) -> None:
        """Take its elements; without a length, in characters, they reach to its end."""
        self._parts = parts
        # Of an unknown category there is but one element, and the length is not told.
        has_length = bool(length) or len(parts) > 1
        self._length = length or max(part.end for part in parts) if has_length else None
        # All of it as one expression: nearly all fields are sound, and need no other look.
        places = ["."] * (self._length or 0)
        for part in parts if has_length else ():
            shape = _expression(part.values)
            blanks = [""] * (part.end - part.start - 1)
            places[part.start : part.end] = (
                [shape] * (part.end - part.start) if part.each else [shape, *blanks]
            )
        self._is_sound = re.compile("".join(places) if has_length else "(?!)").fullmatch

    def is_sound(self, text: str) -> bool:
        """Whether it has its length, and values that the format defines."""
        return self._is_sound(text) is not None

    def faults(self, text: str) -> Iterator[Found]:
        """What is wrong."""
        if self._length is None:
            if not text:
                yield "fixed-length", None, text, "is empty"
        elif len(text) != self._length:
            what = f"has {len(text)} characters, should have {self._length}"
            yield "fixed-length", None, text, what
        for part in self._parts:
            width = 1 if part.each else part.end - part.start
            for at in range(part.start, min(part.end, len(text)), width):
                found = text[at : at + width]
                if found not in part.values and len(found) == width:
                    yield _fault(part, at, found)


def _expression(values: Iterable[str]) -> str:
    """A regular expression for any of some texts of one length: a tree, so that it is quick."""
    behind: dict[str, set[str]] = {}
    for value in values:
        behind.setdefault(value[0], set()).add(value[1:])
    firsts: dict[str, str] = {}
    for first, rest in sorted(behind.items()):
        expression = "" if rest == {""} else _expression(rest)
        firsts[expression] = firsts.get(expression, "") + re.escape(first)
    parts = [f"[{some}]{expression}" for expression, some in firsts.items()]
    return parts[0] if len(parts) == 1 else f"(?:{'|'.join(parts)})"


def _fault(part: Element, at: int, found: str) -> Found:
    place = f"/{at:02}" if len(found) == 1 else f"/{at:02}-{at + len(found) - 1:02}"
    what = f'{place}, {part.name}, is "{found}"'
    if found in part.obsolete:
        return "fixed-obsolete", at, found, f"{what}, which is obsolete"
    values = sorted(part.values)
    if part.each:
        what += f', should be one of "{"".join(values)}"'
    elif len(values) <= _LISTED_MAX:
        what += f", should be one of {', '.join(values)}"
    else:
        what += ", which is not defined"
    return "fixed-value", at, found, what
