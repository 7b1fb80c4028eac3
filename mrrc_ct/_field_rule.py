"""What fields with a tag have to be like, and what is wrong with one that is not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from . import marc21
from .field import DELIMITER

# The module typing takes longer to import than all of this package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Optional

    from ._own_rules import OwnField
    from .marc21 import FieldFacts

    #: A fault but for its place: a code of validation.FAULTS, a subfield, a position, what stands
    #: there, a message.
    Verdict = tuple[str, Optional[str], Optional[int], str, str]

#: The digit that the format leaves to everybody's own tags and subfields.
_LOCAL = "9"
#: Longer values are cut in a message, in characters.
_SHOWN_MAX = 60


def shortened(text: str) -> str:
    """A value as messages have it."""
    return text if len(text) <= _SHOWN_MAX else f"{text[:_SHOWN_MAX]}…"


class FieldRule:
    """What fields with a tag have to be like: what the format says, and a library on top of it."""

    __slots__ = (
        "_forbidden",
        "_forbidden_subfields",
        "_indicators",
        "_obsolete",
        "_required_subfields",
        "repeatable",
        "status",
        "subfields",
    )

    def __init__(self, tag: str, facts: FieldFacts | None, own: Iterable[OwnField]) -> None:
        """Put it together."""
        self.repeatable, self._obsolete = True, ""
        self._indicators: list[str | None] = [None, None]
        self.status = _LOCAL if _LOCAL in tag else None
        self.subfields: dict[str, bool] | None = None
        if facts is not None:
            self.repeatable, self.status = facts.repeatable, facts.status
            self._indicators, self._obsolete = list(facts.indicators), facts.obsolete
            self.subfields = facts.subfields
        self._forbidden = False
        self._forbidden_subfields: list[str] = []
        self._required_subfields: list[str] = []
        for one in own:
            self._add(one)

    def _add(self, own: OwnField) -> None:
        if own.is_exact:
            self.status = marc21.CURRENT
        if own.repeatable is not None:
            self.repeatable = own.repeatable
        if own.forbidden is not None:
            self._forbidden = own.forbidden
        self._indicators = [
            old if new is None else new for old, new in zip(self._indicators, own.indicators)
        ]
        if own.subfields is not None:
            self.subfields = {**(self.subfields or {}), **own.subfields}
        self._required_subfields += own.required_subfields
        self._forbidden_subfields += own.forbidden_subfields

    def of_tag(self, tag: str) -> Iterator[Verdict]:
        """What is wrong with there being such a field."""
        if self._forbidden:
            yield "field-forbidden", None, None, tag, "may not be used"
        elif self.status is None:
            yield "field-unknown", None, None, tag, "is not defined"
        elif self.status == marc21.OBSOLETE:
            yield "field-obsolete", None, None, tag, "is obsolete"

    def of_content(self, indicators: str, codes: str) -> Iterator[Verdict]:
        """What is wrong with its indicators, and with its subfields' codes, in their order."""
        if len(indicators) != 2:
            message = f'the indicators are "{shortened(indicators)}", should be two characters'
            yield "indicator-invalid", None, None, indicators, message
        else:
            yield from self._of_indicators(indicators)
        for code in dict.fromkeys(codes):
            yield from self._of_code(code, codes.count(code))
        if not codes:
            yield "subfield-missing", None, None, "", "has no subfields"
        for code in self._required_subfields:
            if code not in codes:
                yield "subfield-missing", code, None, "", f"${code} is missing"

    def _of_indicators(self, indicators: str) -> Iterator[Verdict]:
        for position, (found, values) in enumerate(zip(indicators, self._indicators)):
            if values is not None and found not in values:
                message = f'indicator {position + 1} is "{found}", should be one of "{values}"'
                yield "indicator-invalid", None, position, found, message

    def _of_code(self, code: str, count: int) -> Iterator[Verdict]:
        shown, subfields = f"${code}", self.subfields
        if code == DELIMITER:
            yield "subfield-unknown", None, None, "", "a subfield has no code"
        elif code in self._forbidden_subfields:
            yield "subfield-forbidden", code, None, shown, f"{shown} may not be used"
        elif subfields is None:
            return
        elif code in subfields:
            if count > 1 and not subfields[code]:
                message = f"{shown} stands {count} times, should stand once"
                yield "subfield-repeated", code, None, shown, message
        elif code in self._obsolete:
            yield "subfield-obsolete", code, None, shown, f"{shown} is obsolete"
        elif code != _LOCAL:
            yield "subfield-unknown", code, None, shown, f"{shown} is not defined"
