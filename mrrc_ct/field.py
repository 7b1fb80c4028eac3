"""Fields and what they are made of.

A field that comes from a record keeps its content as one string, as in ISO 2709 but decoded, and
takes it apart when its subfields are first asked for: most fields of most records never are.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Iterable, Iterator, Sequence

from ._locks import lock_of, other_threads

# The module typing takes longer to import than all of this package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NamedTuple, TypeVar

    T = TypeVar("T")
    F = TypeVar("F", bound="Field")


DELIMITER = "\x1f"
FIELD_END = b"\x1e"


if TYPE_CHECKING:

    class Subfield(NamedTuple):
        """A subfield: a code of one character and a value."""

        code: str
        value: str

    class Indicators(NamedTuple):
        """The two indicators of a data field."""

        first: str
        second: str

else:
    Subfield = namedtuple("Subfield", "code value")
    Subfield.__doc__ = "A subfield: a code of one character and a value."
    Indicators = namedtuple("Indicators", "first second")
    Indicators.__doc__ = "The two indicators of a data field."

BLANKS = Indicators(" ", " ")

#: What begins a subfield with a code, but for codes beyond ASCII.
MARKED = {code: DELIMITER + code for code in map(chr, range(0x20, 0x7F))}

NO_PAIRS = "subfields are a list of Subfield(code, value), not of strings"

#: What no value is.
_MISSING: Any = object()

#: The flat form that was cut last, and its parts.
_cut: tuple[bytes, list[bytes]] = (b"", [])


#: The tags of control fields (000 is none of the standard's, but pymarc's rule).
CONTROL_TAGS = frozenset([f"00{digit}" for digit in range(10)])
_CONTROL_TAGS = frozenset([tag.encode() for tag in CONTROL_TAGS])


def full_tag(tag: str | int) -> str:
    """The tag, a number of fewer than three digits with its zeros."""
    tag = str(tag)
    return tag if len(tag) == 3 or not tag.isdigit() else f"{int(tag):03}"


def _is_simple(text: object) -> bool:
    """Whether this can stand in a content as it is."""
    return isinstance(text, str) and DELIMITER not in text


def copied(original: T) -> T:
    """Another object with the same attributes, in slots or not."""
    state = original.__reduce_ex__(2)[2]
    new = original.__class__.__new__(original.__class__)
    for attributes in state if isinstance(state, tuple) else (state,):
        for name, value in (attributes or {}).items():
            setattr(new, name, value)
    return new


class Common:
    """What fields have in common that were made together: the flat form of a record, all values."""

    __slots__ = ("flat", "looked_into", "values")

    def __init__(self, flat: bytes, values: list[str]) -> None:
        self.flat = flat
        self.values = values
        #: Those of the fields that have found their content in it, and have nothing in common now;
        #: None where that is not to be known: no field of these is to be used again.
        self.looked_into: list[Field] | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return Common, (self.flat, self.values)


class Field:
    """A field of a record: a control field with `data`, or one with indicators and subfields.

        Field("001", data="12883376")
        Field("245", Indicators("1", "0"), [Subfield("a", "Odes /"), Subfield("c", "Pindar.")])

    Tags 001 to 009 are control fields, every other tag has indicators and subfields. `tag` is a
    plain attribute; `control_field` is to be read only: a field stays what it was made as. Fields
    are equal when they say the same; since they can be changed they have no hash.
    """

    # `_kept` is the content, or what this field has in common with those of its record, where
    # `_value` is the one value that is its own; None once the subfields have been handed out: then
    # they are the truth.
    # `_indicators`, unless `_kept` is a Common, are None for a control field, and empty until they
    # are taken from the content. `_odd` is a content that the subfields do not tell the whole of,
    # with what they were when it was taken apart. `_value` is what `value()` gives, where that was
    # made beforehand.
    __slots__ = (
        "_indicators",
        "_kept",
        "_odd",
        "_subfields",
        "_value",
        "tag",
    )

    tag: str
    _kept: str | Common | None
    _indicators: Any
    _odd: tuple[str, str] | None
    _subfields: list[Subfield]
    _value: str | None

    def __init__(
        self,
        tag: str,
        indicators: Sequence[str] | None = None,
        subfields: Iterable[Subfield] | None = None,
        data: str | None = None,
    ) -> None:
        """Make a field. `tag` of fewer than three digits gets its zeros.

        Raises ValueError for indicators that are not two, for data of a field with subfields, for
        subfields of a control field, and for a list of strings.
        """
        if tag.__class__ is not str or len(tag) != 3:
            tag = full_tag(tag)
        self.tag = tag
        if tag in CONTROL_TAGS:
            if subfields or indicators:
                raise ValueError(f"control field {tag} has data, no indicators or subfields")
            self._kept = data or ""
            self._value = self._indicators = None
            return
        if data:
            raise ValueError(f"field {tag} has indicators and subfields, no data")
        self._kept = self._value = self._odd = None
        given: Any = subfields
        if given.__class__ is not list and not isinstance(given, list):
            given = list(given or ())
        if given and given[0].__class__ is str:
            raise ValueError(NO_PAIRS)
        self._subfields = given
        if indicators.__class__ is tuple and len(indicators) == 2:
            self._indicators = indicators
        else:
            self._indicators = BLANKS
            if indicators:
                self.indicators = indicators  # which says what is wrong, too

    @property
    def control_field(self) -> bool:
        """Whether this is a control field, with data instead of indicators and subfields."""
        kept: Any = self._kept
        if kept.__class__ is Common:
            at = 12 + 12 * self._place(kept.values)
            return kept.flat[at : at + 3] in _CONTROL_TAGS
        return self._indicators is None

    @property
    def _content(self) -> str | None:
        """The content as it stands between two terminators; None where the subfields are it."""
        kept = self._kept
        return kept if kept.__class__ is not Common else self._found(kept)  # type: ignore

    def _place(self, values: list[str]) -> int:
        """The number of the field, from 1, in the record that it was read with."""
        value: Any = self._value
        index = values.index(value)
        # Another may say the same, but this very text is in one place: the core sees to that.
        while values[index] is not value:
            index = values.index(value, index + 1)
        return index + 1

    def _renew(self, common: Common) -> None:
        """Be a field of a record again whose values are told."""
        self._kept = common
        self._indicators, self._odd = (), None
        if hasattr(self, "_subfields"):
            del self._subfields

    def _found(self, kept: Common) -> str:
        """The content, from the record that the field was read with; then `_indicators` is set."""
        global _cut
        flat, parts = _cut
        if flat is not kept.flat:
            flat = kept.flat
            parts = flat.split(FIELD_END)
            _cut = flat, parts
        content = parts[self._place(kept.values)].decode()
        indicators = None if self.control_field else ()
        if not other_threads():
            # Before it is so: whatever breaks in between, nobody is to take it for what it was.
            if kept.looked_into is not None:
                kept.looked_into.append(self)
            self._indicators = indicators
            self._kept = content
            return content
        # One of them may be changing it.
        kept.looked_into = None
        with lock_of(self):
            if self._kept.__class__ is Common:
                self._indicators = indicators
        return content

    @property
    def subfields(self) -> list[Subfield]:
        """The subfields, a list that can be changed. AttributeError for a control field.

        Setting raises ValueError for strings in the place of Subfields.
        """
        if self._content is not None or self._indicators is None:
            self._split()
        return self._subfields

    @subfields.setter
    def subfields(self, value: list[Subfield]) -> None:
        if self._content is not None:
            self._split()
        # What can be gone through only once would be gone after that.
        given: list[Any] = value if isinstance(value, list) else list(value)
        if given and given[0].__class__ is str:
            raise ValueError(NO_PAIRS)
        self._subfields = given

    def __copy__(self: F) -> F:
        """A field with the same list of subfields."""
        if self._content is not None and not self.control_field:
            self._split()
        return copied(self)

    def _split(self) -> None:
        if self.control_field:
            raise AttributeError(f"control field {self.tag} has no subfields")
        if not other_threads():
            self._take_apart(self._content or "")
            return
        with lock_of(self):
            content = self._content
            if content is not None:  # or another thread was here
                self._take_apart(content)

    def _take_apart(self, content: str) -> None:
        head, *parts = content.split(DELIMITER)
        # Two indicators is the rule; blanks stand for missing ones, more than two are left out.
        self._indicators = Indicators(*(head if len(head) == 2 else f"{head:2.2}"))
        self._subfields = [Subfield(part[0], part[1:]) for part in parts if part]
        self._odd = None
        if len(head) != 2 or len(self._subfields) != len(parts):
            self._odd = content, self._joined()
        # From here on the subfields are the truth.
        self._kept = self._value = None

    def _text(self) -> str:
        """The content as it stands between two field terminators."""
        content = self._content
        if content is not None:
            return content
        if self.control_field:
            return self._no_data()
        text, odd = self._joined(), self._odd
        # What was only looked at stays what it was.
        return odd[0] if odd and odd[1] == text else text

    def _joined(self) -> str:
        first, second = self._indicators
        text = f"{first}{second}"
        for code, value in self._subfields:
            text += f"{DELIMITER}{code}{value}"
        return text

    def _no_data(self) -> str:
        """The text of a control field that has none."""
        return ""

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Field):
            return NotImplemented
        return self.tag == other.tag and self._text() == other._text()

    __hash__ = None  # type: ignore[assignment]  # it can be changed in place

    def is_control_field(self) -> bool:
        """Whether this is a control field."""
        return self.control_field

    @property
    def data(self) -> str | None:
        """The text of a control field; None for any other."""
        return self._content if self.control_field else None

    @data.setter
    def data(self, value: str) -> None:
        if not self.control_field:
            raise AttributeError(f"field {self.tag} has subfields, not data")
        _ = self._content  # what it has in common is told of it
        self._indicators = None
        self._kept = value
        self._value = None

    @property
    def indicators(self) -> Indicators | None:
        """The indicators; None for a control field. Set from any two strings.

        Setting raises ValueError for a sequence of another length.
        """
        if self.control_field:
            return None
        if self._content is not None:
            self._split()
        found = self._indicators
        if found.__class__ is not Indicators:
            self._indicators = found = Indicators(*found)
        return found

    @indicators.setter
    def indicators(self, value: Sequence[str]) -> None:
        self._check_has_indicators()
        if len(value) != 2:
            raise ValueError(f"a field has two indicators, not {len(value)}: {value!r}")
        self._set_indicators(Indicators(*value))

    def _check_has_indicators(self) -> None:
        if self.control_field:
            raise AttributeError(f"control field {self.tag} has no indicators")

    def _set_indicators(self, value: Indicators) -> None:
        content = self._content
        if content is not None:
            # Where two stand and two take their place, the rest can stay as it is.
            is_simple = all(_is_simple(one) and len(one) == 1 for one in value)
            if is_simple and content.find(DELIMITER) == 2:
                self._kept = f"{value[0]}{value[1]}{content[2:]}"
                return
            self._split()
        self._indicators = value

    def _pairs(self) -> list[Any]:
        """Code and value of each subfield, to be read only."""
        content = self._content
        if content is None or self.control_field:
            return [] if self.control_field else self._subfields
        parts = content.split(DELIMITER)
        return [(part[0], part[1:]) for part in parts[1:] if part]

    @property
    def indicator1(self) -> str:
        """The first indicator; empty for a control field."""
        content = self._content
        if not self.control_field and content and content.find(DELIMITER) == 2:
            return content[0]
        indicators = self.indicators
        return indicators.first if indicators else ""

    @indicator1.setter
    def indicator1(self, value: str) -> None:
        self._check_has_indicators()
        self._set_indicators(Indicators(value, self.indicator2))

    @property
    def indicator2(self) -> str:
        """The second indicator; empty for a control field."""
        content = self._content
        if not self.control_field and content and content.find(DELIMITER) == 2:
            return content[1]
        indicators = self.indicators
        return indicators.second if indicators else ""

    @indicator2.setter
    def indicator2(self, value: str) -> None:
        self._check_has_indicators()
        self._set_indicators(Indicators(self.indicator1, value))

    def __iter__(self) -> Iterator[Subfield]:
        """The subfields, none for a control field."""
        return iter(() if self.control_field else self.subfields)

    def get(self, code: str, default: str | None = None) -> str | None:
        """The value of the first subfield with this code, or `default`."""
        content: Any = self._kept
        if content.__class__ is Common:
            content = self._found(content)
        if self._indicators is None:
            return default
        if content is None:
            for subfield in self._subfields:
                if subfield.code == code:
                    return subfield.value
            return default
        if not isinstance(code, str) or len(code) != 1:
            return default
        start = content.find(DELIMITER + code)
        if start < 0:
            return default
        end = content.find(DELIMITER, start + 1)
        return content[start + 2 : end if end >= 0 else None]  # type: ignore[no-any-return]

    def __getitem__(self, code: str) -> str:
        """The value of the first subfield with this code. Raises KeyError if there is none."""
        value: Any = self.get(code, _MISSING)
        if value is _MISSING:
            raise KeyError(code)
        return value  # type: ignore[no-any-return]

    def __setitem__(self, code: str, value: str) -> None:
        """Change the one subfield with this code.

        Raises KeyError if there is none or more than one, or if this is a control field.
        """
        content: Any = self._kept
        if content.__class__ is Common:
            content = self._found(content)
        if self._indicators is None:
            raise KeyError(f"{code}: field {self.tag} is a control field")
        if content and code in MARKED and value.__class__ is str and DELIMITER not in value:
            mark = MARKED[code]
            before, found_mark, behind = content.partition(mark)
            if found_mark and mark not in behind:
                _, end, rest = behind.partition(DELIMITER)
                self._kept = f"{before}{mark}{value}{end}{rest}"
                self._value = None
                return
        found = [index for index, subfield in enumerate(self.subfields) if subfield.code == code]
        if len(found) != 1:
            number = "no" if not found else "more than one"
            raise KeyError(f"{code}: field {self.tag} has {number} subfield with this code")
        self.subfields[found[0]] = Subfield(code, value)

    @staticmethod
    def _has_only(content: str, code: str) -> bool:
        """Whether a content has one subfield with this code."""
        return len(code) == 1 and content.count(DELIMITER + code) == 1

    def __contains__(self, code: str) -> bool:
        """Whether there is a subfield with this code."""
        content = self._content
        if content and not self.control_field and isinstance(code, str) and len(code) == 1:
            return DELIMITER + code in content
        return self.get(code, _MISSING) is not _MISSING

    def get_subfields(self, *codes: str) -> list[str]:
        """The values of all subfields with any of these codes, in the field's order."""
        if self.control_field:
            return []
        return [value for code, value in self._pairs() if code in codes]

    def add_subfield(self, code: str, value: str, pos: int | None = None) -> None:
        """Add a subfield at the end, or before the one at index `pos`.

        A control field is left as it is.
        """
        if self.control_field:
            return
        is_simple = _is_simple(value) and _is_simple(code) and len(code) == 1
        if pos is None and self._content and is_simple:
            self._kept = f"{self._content}{DELIMITER}{code}{value}"
            self._value = None
        elif pos is None:
            self.subfields.append(Subfield(code, value))
        else:
            self.subfields.insert(pos, Subfield(code, value))

    def delete_subfield(self, code: str) -> str | None:
        """Remove the first subfield with this code and return its value, None if there is none."""
        if self.control_field or code not in self:
            return None
        content = self._content
        if content and self._has_only(content, code):
            start = content.find(DELIMITER + code)
            end = content.find(DELIMITER, start + 1)
            self._kept = content[:start] + (content[end:] if end >= 0 else "")
            self._value = None
            return content[start + 2 : end if end >= 0 else None]
        for index, subfield in enumerate(self.subfields):
            if subfield.code == code:
                return self.subfields.pop(index).value
        return None

    def subfields_as_dict(self) -> dict[str, list[str]]:
        """The values by code, each code's in a list. Empty for a control field."""
        values: dict[str, list[str]] = {}
        for code, value in self._pairs():
            values.setdefault(code, []).append(value)
        return values

    def value(self) -> str:
        """The data of a control field, or the stripped values with blanks between them."""
        return self._value or self._made_value()

    def _made_value(self) -> str:
        content = self._content
        if self.control_field:
            return content or ""
        if content is None:
            return " ".join([subfield.value.strip() for subfield in self._subfields])
        if content.rfind(DELIMITER) == 2 == content.find(DELIMITER):
            return content[4:].strip()  # one subfield, as most fields have
        return " ".join([part[1:].strip() for part in content.split(DELIMITER)[1:] if part])

    def format_field(self) -> str:
        """The field as text for people: without $6; in subjects `--` before each subdivision."""
        return self._formatted(self.is_subject_field())

    def _formatted(self, has_divisions: bool) -> str:
        if self.control_field:
            return self._content or ""
        divisions = ("v", "x", "y", "z") if has_divisions else ()
        content = self._content
        if content is None:
            pieces = [
                f" -- {value}" if code in divisions else f" {value}"
                for code, value in self._subfields
                if code != "6"
            ]
        else:
            pieces = [
                f" -- {part[1:]}" if part[0] in divisions else f" {part[1:]}"
                for part in content.split(DELIMITER)[1:]
                if part and part[0] != "6"
            ]
        return "".join(pieces).strip()

    def is_subject_field(self) -> bool:
        """Whether the tag is in the range of subject headings, 6XX."""
        return self.tag.startswith("6")

    def linkage_occurrence_num(self) -> str | None:
        """The occurrence number in subfield $6 (MARC 21 Format, Appendix A), None without one."""
        linkage = self.get("6")
        if not linkage:
            return None
        return linkage.partition("-")[2].partition("/")[0]

    def __str__(self) -> str:
        """The field as a line in MARCMaker's style. `Record.to_mrk` writes the lossless form."""
        if self.control_field:
            return f"={self.tag}  {(self._content or '').replace(' ', chr(92))}"
        indicators = "".join(self.indicators or ()).replace(" ", "\\")
        return f"={self.tag}  {indicators}" + "".join([f"${c}{v}" for c, v in self._pairs()])

    def __repr__(self) -> str:
        if self.control_field:
            return f"Field({self.tag!r}, data={self._content!r})"
        subfields = ", ".join([f"Subfield({code!r}, {value!r})" for code, value in self.subfields])
        return f"Field({self.tag!r}, {tuple(self.indicators or ())!r}, [{subfields}])"
