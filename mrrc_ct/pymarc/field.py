"""pymarc's `Field`: the package's own, as lenient as pymarc."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence

from .. import field as native
from ..field import Indicators, Subfield
from .constants import END_OF_FIELD, SUBFIELD_INDICATOR
from .marc8 import marc8_to_unicode

# The module typing takes longer to import than all of this package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

__all__ = ["Field", "Indicators", "RawField", "Subfield", "logger", "map_marc8_field"]

logger = logging.getLogger("pymarc")


def _full_tag(tag: Any) -> str:
    if not isinstance(tag, str):
        try:
            tag = int(tag)
        except (TypeError, ValueError):
            return str(tag)
    return native.full_tag(tag)


class Field(native.Field):
    """A field: a control field with `data`, or one with indicators and subfields.

        Field("001", data="fol05731351")
        Field("245", Indicators("1", "0"), [Subfield("a", "Odes /"), Subfield("c", "Pindar.")])

    What does not suit the tag is left out. Two fields are equal when they are the same object.
    """

    __slots__ = ("_position",)

    _position: int

    def __init__(
        self,
        tag: str,
        indicators: Sequence[str] | None = None,
        subfields: list[Subfield] | None = None,
        data: str | None = None,
    ) -> None:
        """Make a field. `tag` of fewer than three digits gets its zeros.

        Raises ValueError for indicators that are not two, and for subfields as a list of strings.
        """
        self.tag = tag = tag if isinstance(tag, str) and len(tag) == 3 else _full_tag(tag)
        if subfields and isinstance(subfields[0], str):
            raise ValueError(native.NO_PAIRS)
        self._odd = self._value = None
        if tag in native.CONTROL_TAGS:
            self._indicators = None
            self._kept = data
            self._subfields = []
            return
        self._kept = None
        self._subfields = subfields or []
        if isinstance(indicators, Indicators):
            self._indicators = indicators
        else:
            self._indicators = native.BLANKS
            if indicators:
                self.indicators = indicators

    def _renew(self, common: native.Common) -> None:
        super()._renew(common)
        self._position = 0

    @property
    def subfields(self) -> list[Subfield]:
        """The subfields, a list that can be changed; an empty one for a control field."""
        has_content = self._content is not None
        if self.control_field:
            try:
                return self._subfields
            except AttributeError:
                self._subfields = []
        elif has_content:
            self._split()
        return self._subfields

    @subfields.setter
    def subfields(self, value: list[Subfield]) -> None:
        if self._content is not None and not self.control_field:
            self._split()
        self._subfields = value

    @property
    def data(self) -> str | None:
        """The text of a control field; None for any other, whose data cannot be set."""
        return self._content if self.control_field else None

    @data.setter
    def data(self, value: str | None) -> None:
        if self.control_field:
            native.Field.data.__set__(self, value)  # type: ignore[attr-defined]

    @property
    def indicators(self) -> Indicators | None:
        """The indicators; None for a control field, whose indicators cannot be set.

        Setting raises ValueError for a list or tuple of another length than two.
        """
        found: Indicators | None = native.Field.indicators.__get__(self)
        return found

    @indicators.setter
    def indicators(self, value: Sequence[str] | None) -> None:
        if value is None or self.control_field:
            return
        if isinstance(value, (list, tuple)) and value and len(value) != 2:
            raise ValueError(f"a field has two indicators, not {len(value)}: {value!r}")
        self._set_indicators(value if isinstance(value, Indicators) else Indicators(*value))

    @classmethod
    def convert_legacy_subfields(cls, subfields: list[str]) -> list[Subfield]:
        """A list of codes and values in turn, as pymarc had before version 5, as Subfields.

        Raises ValueError when a code has no value.
        """
        if len(subfields) % 2:
            raise ValueError("the last code has no value")
        return [Subfield(*pair) for pair in zip(subfields[::2], subfields[1::2])]

    def __iter__(self) -> Iterator[Subfield]:
        """The subfields, none for a control field."""
        self._position = 0
        return iter(() if self.control_field else self.subfields)

    def __next__(self) -> Subfield:
        """The subfield behind the one that was last asked for so."""
        position = getattr(self, "_position", 0)
        if self.control_field or position >= len(self.subfields):
            raise StopIteration
        self._position = position + 1
        return self.subfields[position]

    def linkage_occurrence_num(self) -> str | None:
        """The occurrence number in subfield $6, None without one.

        Raises IndexError when $6 has no hyphen.
        """
        linkage = self.get("6")
        return linkage.split("-")[1].split("/")[0] if linkage else None

    def as_marc(self, encoding: str) -> bytes:
        """The field in ISO 2709: content and terminator. `encoding` is a codec of Python's."""
        text = "" if self.control_field and self._content is None else self._text()
        return f"{text}{END_OF_FIELD}".encode(encoding)

    def _no_data(self) -> str:
        raise TypeError(f"control field {self.tag} has no data")

    as_marc21 = as_marc

    __eq__ = object.__eq__
    __hash__ = object.__hash__  # type: ignore[assignment]


class RawField(Field):
    """A field whose data and values are bytes, as they stand in the record."""

    __slots__ = ()

    def _text(self) -> str:
        raise TypeError(f"field {self.tag} holds bytes that have not been decoded")

    def as_marc(self, encoding: str | None = None) -> bytes:
        """The field in ISO 2709: its bytes and a terminator. It has no other encoding."""
        if encoding is not None:
            logger.warning("Attempt to force a RawField into encoding %s", encoding)
        end = END_OF_FIELD.encode()
        content: Any = self._content
        if self.control_field:
            return bytes(content or b"") + end
        parts = [f"{self.indicator1}{self.indicator2}".encode("ascii")]
        values: Any = self.subfields
        for code, value in values:
            parts.append(f"{SUBFIELD_INDICATOR}{code}".encode("ascii") + value)
        return b"".join(parts) + end


def map_marc8_field(f: Field) -> Field:
    """Decode a field of MARC-8 bytes in place."""
    if f.control_field:
        f.data = marc8_to_unicode(f.data or "")
    else:
        f.subfields = [Subfield(code, marc8_to_unicode(value)) for code, value in f.subfields]
    return f
