"""What every class of record is built on.

A record that was read keeps its bytes and nothing else until something is asked of it; then its
fields come to life and from there on they are the truth. Bytes that nobody has looked into are
written as they came.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from . import _core
from ._bindings import FINAL, Encoding, Kind
from .errors import (
    DelimiterInData,
    MarcError,
    RecordLeaderInvalid,
    RecordLengthInvalid,
    TagInvalid,
    TextError,
    UnmappableCharacter,
)
from .field import CONTROL_TAGS, DELIMITER, Field
from .leader import LEADER_LEN, Leader

# The module typing takes longer to import than all of this package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Generic, TypeVar

    #: The class of a record's fields.
    F = TypeVar("F", bound=Field)
    _Generic = Generic[F]
else:
    _Generic = object


_FIELD_END = "\x1e"
_RECORD_END = "\x1d"

#: What a record's bytes are, beside the kinds that the core's scan knows: the flat form.
FLAT = 8
#: Added to the kind as a record is taken apart. CUT: `_fields` and `_tags` are there, and a field
#: that nobody has asked for is still a string, its content. OUT: a field has been handed out, or
#: the list changed; they are the truth now, not the bytes. LOADED: the list itself is handed out,
#: all in it are fields, and `_tags` is not kept. LEADER_OUT: the leader is handed out.
CUT = 16
OUT = 32
LOADED = 64
LEADER_OUT = 128

#: Bytes of an entry in the directory. Entries begin at multiples of it, since the leader is two.
_ENTRY_LEN = 12


class _TagPlaces:
    """Where the tags stand in a head: slices, made once for all records."""

    def __init__(self, distance: int) -> None:
        self._distance = distance
        self._slices: list[slice] = []

    def tags(self, head: str, count: int) -> list[str]:
        """The tags of the first `count` fields."""
        while len(self._slices) < count:
            start = LEADER_LEN + len(self._slices) * self._distance
            self._slices.append(slice(start, start + 3))
        return list(map(head.__getitem__, self._slices[:count]))


_DIRECTORY = _TagPlaces(_ENTRY_LEN)
_FLAT_HEAD = _TagPlaces(3)

class Origin:
    """Where records come from and how they are to be read: one for all records of a reader."""

    __slots__ = ("codec", "encoding", "name", "references")

    def __init__(
        self, name: str | None = None, from_encoding: str | None = None, references: bool = False
    ) -> None:
        """Raises LookupError for an encoding that nobody knows, ValueError for an unfit one."""
        self.name = name
        self.references = references
        #: The core's number of the encoding, or None when Python's `codec` has to decode.
        self.encoding = _core.encoding_number(from_encoding)
        self.codec = None if self.encoding is not None else check_codec(from_encoding or "")


def check_codec(name: str) -> str:
    """A codec of Python's that keeps MARC's delimiters where they are. LookupError, ValueError."""
    marks = DELIMITER + _FIELD_END + _RECORD_END + "245 10"
    if marks.encode(name) != marks.encode("ascii"):
        raise ValueError(f"records cannot be encoded in {name}: it is not a superset of ASCII")
    return name


NOWHERE = Origin()


class BaseRecord(_Generic):
    """A leader and fields: what `Record` and pymarc's `Record` have in common.

    `leader` is a `Leader`, `fields` the list of `Field`; both can be changed in place.
    """

    # `_leader`, `_fields` and `_tags` are empty until they are needed; `_kind` tells.
    __slots__ = (
        "_data",
        "_fields",
        "_given",
        "_kind",
        "_leader",
        "_number",
        "_offset",
        "_origin",
        "_tags",
    )

    _leader: Leader
    _fields: list[Any]
    _tags: list[str]
    # The fields that were handed out while the others are strings, with the tags they then had.
    _given: list[tuple[F, str]]
    _field_class: type[F]
    _leader_class: type[Leader] = Leader

    # Typing's Generic would have to be imported for it.
    __class_getitem__ = classmethod(lambda cls, _: cls)

    def _take(self, data: bytes, kind: int, origin: Origin, number: int = 0) -> None:
        """Be the record with these bytes."""
        self._data = data
        self._kind = kind
        self._origin = origin
        self._number = number
        self._offset = 0

    def _take_fields(self, leader: Leader, fields: list[F], origin: Origin) -> None:
        """Be the record with this leader and these fields."""
        self._take(b"", FLAT | OUT | LOADED | LEADER_OUT, origin)
        self._leader = leader
        self._fields = fields

    @property
    def leader(self) -> Leader:
        """The leader. It can be changed in place, or set from a Leader or its 24 characters."""
        if not self._kind & LEADER_OUT:
            self._leader = self._leader_class(self._head())
            self._kind |= LEADER_OUT
        return self._leader

    @leader.setter
    def leader(self, value: Leader | str) -> None:
        self._leader = self._as_leader(value)
        self._kind |= LEADER_OUT

    def _as_leader(self, value: Leader | str) -> Leader:
        return value if isinstance(value, Leader) else Leader(value)

    @property
    def fields(self) -> list[F]:
        """The fields, a list that can be changed. Raises the error of text that cannot be read."""
        if not self._kind & LOADED:
            self._load()
        return self._fields

    @fields.setter
    def fields(self, value: list[F]) -> None:
        self._fields = value
        self._kind |= OUT | LOADED

    # Copying must not ask for the empty slots: that would fill them.
    def __getstate__(self) -> tuple[Any, ...]:
        return (
            self._data,
            self._kind,
            self._origin,
            self._number,
            self._offset,
            self._leader if self._kind & LEADER_OUT else None,
            self._fields if self._kind & (CUT | LOADED) else None,
            self._tags if self._kind & CUT else None,
            self._given if self._kind & CUT else None,
        )

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self._data, self._kind, self._origin, self._number, self._offset, *parts = state
        leader, fields, tags, given = parts
        if leader is not None:
            self._leader = leader
        if fields is not None:
            self._fields = fields
        if tags is not None:
            self._tags = tags
            self._given = given

    def _head(self) -> str:
        leader = self._data[:LEADER_LEN].decode("latin-1")
        encoding = self._origin.encoding
        # The caller knows better than leader/09.
        if encoding == Encoding.UTF8:
            return f"{leader[:9]}a{leader[10:]}"
        if encoding == Encoding.MARC8 and leader[9] == "a":
            return f"{leader[:9]} {leader[10:]}"
        return leader

    def _text(self) -> str:
        """The record as it was read, decoded: head and fields, each with a terminator behind it."""
        data, kind, origin = self._data, self._kind & 15, self._origin
        if kind == FLAT:
            return data.decode()
        try:
            if kind == Kind.PLAIN and origin.encoding == Encoding.KEPT:
                return data.decode()
            if origin.codec is not None:
                converter = _core.converter_of("marc", "flat", Encoding.BYTES)
                return converter.convert_one(data).decode(origin.codec)
        except UnicodeDecodeError as error:
            if origin.codec is not None:
                raise self._placed(
                    TextError(
                        f"the text is not {origin.codec}",
                        found=error.object[error.start : error.end],
                    )
                ) from None
            # The core says which field it is.
        converter = _core.converter_of(
            "marc", "flat", origin.encoding or Encoding.KEPT, references=origin.references
        )
        try:
            return converter.convert_one(data).decode()
        except MarcError as problem:
            raise self._placed(problem) from None

    def _placed(self, error: MarcError) -> MarcError:
        """Say in the error where this record stands, as far as it stands anywhere."""
        is_raw = bool(self._data) and not self._kind & FLAT
        error.source = self._origin.name
        error.record_number = self._number or None
        error.byte_offset = self._offset if is_raw else None
        if not is_raw:
            error.offset_in_record = None
        return error

    def _is_plain(self) -> bool:
        """Whether the bytes, decoded and cut at 1E, are what the fields were before any change."""
        return self._kind & 15 == Kind.PLAIN and self._origin.encoding == Encoding.KEPT

    def _cut(self) -> None:
        contents = self._text().split(_FIELD_END)
        head = contents.pop(0)
        contents.pop()  # what stands behind the last terminator
        # A directory has twelve characters for each field, the flat form only its tag.
        places = _DIRECTORY if self._is_plain() else _FLAT_HEAD
        self._tags = places.tags(head, len(contents))
        self._fields = contents
        self._given = []
        self._kind |= CUT

    def _tag_list(self) -> list[str]:
        """The tags of the fields, in their order."""
        if self._kind & LOADED:
            return [field.tag for field in self._fields]
        if not self._kind & CUT:
            self._cut()
        for field, tag in self._given:
            if field.tag is not tag:
                self._read_tags_again()
                break
        return self._tags

    def _read_tags_again(self) -> None:
        """Somebody has changed the tag of a field that was handed out."""
        self._given = []
        for index, part in enumerate(self._fields):
            if part.__class__ is not str:
                self._tags[index] = part.tag
                self._given.append((part, part.tag))

    def _make(self, tag: str, content: str) -> F:
        field = self._field_class.__new__(self._field_class)
        field.tag = tag
        field.control_field = tag in CONTROL_TAGS
        field._content = content
        return field

    def _field_at(self, index: int) -> F:
        """The field at an index of the tag list."""
        field: F | str = self._fields[index]
        if isinstance(field, str):
            tag = self._tags[index]
            field = self._fields[index] = self._make(tag, field)
            self._given.append((field, tag))
            self._kind |= OUT
        return field

    def _load(self) -> None:
        tags, fields = self._tag_list(), []
        field_class = self._field_class
        new = field_class.__new__
        for tag, part in zip(tags, self._fields):
            if part.__class__ is str:
                field = new(field_class)
                field.tag = tag
                field.control_field = tag in CONTROL_TAGS
                field._content = part
                fields.append(field)
            else:
                fields.append(part)
        self._fields = fields
        self._kind = self._kind & ~CUT | OUT | LOADED

    def _find(self, tag: str) -> int:
        """Where the directory's first entry for a tag stands in plain bytes; -1: nowhere."""
        data = self._data
        end = int(data[12:17])
        wanted = tag.encode()
        at = data.find(wanted, LEADER_LEN, end)
        while at % _ENTRY_LEN and at >= 0:
            at = data.find(wanted, at + 1, end)
        return at if len(wanted) == 3 else -1

    def _peek(self, tag: str) -> F | None:
        """The first field with a tag, to be read only: where none is handed out it is a copy."""
        if self._kind & OUT or not self._is_plain():
            return self.get(tag)
        at = self._find(tag)
        if at < 0:
            return None
        data = self._data
        start = int(data[12:17]) + int(data[at + 7 : at + 12])
        try:
            return self._make(tag, data[start : start + int(data[at + 3 : at + 7]) - 1].decode())
        except UnicodeDecodeError:
            return self.get(tag)  # which says where

    def _flat_text(self) -> str:
        """The record as it is now, in the flat form, before it is encoded."""
        tags = self._tag_list()
        contents = [part if part.__class__ is str else part._text() for part in self._fields]
        head = f"{self._leader if self._kind & LEADER_OUT else self._head()}{''.join(tags)}"
        # Tags that nobody has handled are what they were.
        suspects = tags if self._kind & LOADED else [tag for _, tag in self._given]
        if not head.isascii() or not {3}.issuperset(map(len, suspects)):
            self._refuse()
        contents.append(_RECORD_END)
        return f"{head}{_FIELD_END}{_FIELD_END.join(contents)}"

    def _refuse(self) -> None:
        """Say what of leader, tags and values cannot be written, if anything cannot."""
        if not str(self.leader).isascii():
            raise RecordLeaderInvalid(f"the leader is not ASCII: {str(self.leader)!r}")
        for field in self.fields:
            if len(field.tag) != 3 or not field.tag.isascii():
                raise TagInvalid(
                    f"a tag is three ASCII characters, not {field.tag!r}", tag=field.tag
                )
            text = field._text()
            if _FIELD_END in text or _RECORD_END in text:
                raise DelimiterInData(
                    "a value holds a terminator of ISO 2709, 1D or 1E", tag=field.tag
                )

    def _check_values(self) -> None:
        """A delimiter that somebody put into a value or a code would make subfields of its own."""
        for field in self._fields:
            if field.__class__ is str or field.control_field or field._content is not None:
                continue
            for code, value in field._subfields:
                if len(code) != 1 or DELIMITER in code or DELIMITER in value:
                    raise DelimiterInData(
                        f"subfield {code!r} has a code that is not one character, or a delimiter "
                        "1F in its value",
                        tag=field.tag,
                    )
            if [len(indicator) for indicator in field._indicators] != [1, 1] or (
                DELIMITER in field._indicators
            ):
                raise DelimiterInData(
                    f"the indicators are not two characters: {tuple(field._indicators)}",
                    tag=field.tag,
                )

    def _with_leader(self) -> bytes | None:
        """Plain bytes of which only the leader is another, with that; None where more is."""
        if self._kind & (OUT | LEADER_OUT) != LEADER_OUT or not self._is_plain():
            return None
        leader = str(self._leader)
        if not _is_sound(leader):
            return None
        data = self._data
        head = f"{leader[5:12]}".encode()
        return data[:5] + head + data[12:17] + leader[17:].encode() + data[LEADER_LEN:]

    def _convert(
        self,
        target: str,
        target_encoding: int = Encoding.KEPT,
        unmappable: str = "error",
        replace_forbidden: bool = False,
    ) -> bytes:
        """The record as the core writes it in another format."""
        kind, encoding = self._kind, self._origin.encoding
        if kind & OUT or encoding is None or self._leader_changed():
            self._tag_list()
            self._check_values()
            data, source = self._encoded(), "flat"
        else:
            data, source = self._data, "flat" if kind & FLAT else "marc"
        converter = _core.converter_of(
            source,
            target,
            encoding or Encoding.KEPT,
            target_encoding,
            unmappable,
            self._origin.references,
            replace_forbidden,
        )
        try:
            return converter.convert_one(data)
        except MarcError as problem:
            if source == "flat":
                self._refuse()
            raise self._placed(problem) from None

    def _leader_changed(self) -> bool:
        return bool(self._kind & LEADER_OUT) and str(self.leader) != self._head()

    def _encoded(self) -> bytes:
        try:
            return self._flat_text().encode()
        except UnicodeEncodeError as error:
            raise UnmappableCharacter(
                f"half of a surrogate pair, {error.object[error.start]!r}, is no character"
            ) from None

    # ---- writing

    def _iso2709(self, encoding: str | None = None, unmappable: str = "error") -> bytes:
        """What `Record.as_marc` gives."""
        origin = self._origin
        if encoding is None:
            is_changed = self._kind & OUT or self._leader_changed()
            if origin.codec is None:
                if self._is_plain() and not is_changed:
                    return self._data
                return self._as_kept(unmappable)
            if not is_changed:
                return self._data
            encoding = origin.codec
        number = _core.encoding_number(encoding)
        if number is not None:
            return self._convert("marc", number, unmappable)
        codec = check_codec(encoding)
        self._tag_list()
        self._check_values()
        text = self._flat_text()
        # Leader/09 a would say Unicode.
        if text[9] == "a":
            text = f"{text[:9]} {text[10:]}"
        try:
            flat = text.encode(codec)
        except UnicodeEncodeError as error:
            raise self._placed(
                UnmappableCharacter(
                    f"{codec} does not have the character {error.object[error.start]!r}"
                )
            ) from None
        return _core.converter_of("flat", "marc", target_encoding=Encoding.BYTES).convert_one(flat)

    def _as_kept(self, unmappable: str) -> bytes:
        """In the encoding it has; the bytes it was read from where no change was made."""
        patched = self._with_leader()
        if patched is not None and patched[9] == self._data[9]:
            return patched
        is_read = self._kind & 15 == Kind.OTHER
        if is_read and self._kind & OUT and self._text() == self._flat_text():
            encoding = self._origin.encoding or Encoding.KEPT
            return _core.converter_of("marc", "marc", encoding).convert_one(self._data)
        return self._convert("marc", Encoding.KEPT, unmappable)

    def to_xml(self, *, invalid_xml: str = "error") -> str:
        """The record as a MARCXML `record` element.

        Raises XmlCharacterForbidden for a character that XML 1.0 does not have; with
        `invalid_xml="replace"` U+FFFD is written for it.
        """
        replace = check_invalid_xml(invalid_xml)
        return self._convert("marcxml", replace_forbidden=replace).decode()

    def to_json(self) -> str:
        """The record as MARC-in-JSON, on one line."""
        return self._convert("json").decode()

    def to_marcjson(self) -> str:
        """The record as mrrc's flat JSON, on one line."""
        return self._convert("marcjson").decode()

    def to_mrk(self) -> str:
        """The record as MRK text, a line for each field and a blank line behind them."""
        return self._convert("mrk").decode()

    def __str__(self) -> str:
        """The record as text in MARCMaker's style. `to_mrk` writes the lossless form."""
        return "\n".join([f"=LDR  {self.leader}", *map(str, self.fields)]) + "\n"

    # ---- fields

    def __bool__(self) -> bool:
        """Always true, so that `while record := reader.read_record()` ends only at the end."""
        return True

    def __iter__(self) -> Iterator[F]:
        return iter(self.fields)

    def __contains__(self, tag: str) -> bool:
        """Whether there is a field with this tag."""
        if self._kind & OUT or not self._is_plain():
            return tag in self._tag_list()
        return self._find(tag) >= 0

    def __getitem__(self, tag: str) -> F:
        """The first field with this tag. Raises KeyError if there is none."""
        field = self.get(tag)
        if field is None:
            raise KeyError(tag)
        return field

    def get(self, tag: str, default: F | None = None) -> F | None:
        """The first field with this tag, or `default`."""
        tags = self._tag_list()
        return self._field_at(tags.index(tag)) if tag in tags else default

    def get_fields(self, *tags: str) -> list[F]:
        """All fields with any of these tags, in the record's order; without tags all there are."""
        return self._with_tags(tags) if tags else list(self.fields)

    def _with_tags(self, wanted: Collection[str]) -> list[F]:
        tags = self._tag_list()
        if isinstance(wanted, tuple) and len(wanted) == 1:
            found, index = [], -1
            for _ in range(tags.count(wanted[0])):
                index = tags.index(wanted[0], index + 1)
                found.append(index)
        else:
            found = [index for index, tag in enumerate(tags) if tag in wanted]
        return [self._field_at(index) for index in found]

    def add_field(self, *fields: F) -> None:
        """Add fields at the end."""
        for field in fields:
            self._put(len(self._tag_list()), field)

    def add_ordered_field(self, *fields: F) -> None:
        """Add each field before the first with a higher tag. A tag that is no number goes last."""
        for field in fields:
            self._put(self._place(field.tag, 3), field)

    def add_grouped_field(self, *fields: F) -> None:
        """Add each field behind those of its block (1XX, 2XX, …) and before higher ones."""
        for field in fields:
            self._put(self._place(field.tag, 1), field)

    def _place(self, new: str, digits: int) -> int:
        tags = self._tag_list()
        if new.isdigit():
            for index, tag in enumerate(tags):
                if not tag.isdigit() or tag[:digits] > new[:digits]:
                    return index
        return len(tags)

    def _put(self, index: int, field: F) -> None:
        self._fields.insert(index, field)
        if not self._kind & LOADED:
            self._tags.insert(index, field.tag)
            self._given.append((field, field.tag))
            self._kind |= OUT

    def _index(self, field: F) -> int:
        """Where this very field stands. Raises ValueError if it does not."""
        self._tag_list()
        for index, other in enumerate(self._fields):
            if other is field:
                return index
        raise ValueError

    def _remove(self, field: F) -> None:
        """Remove this very field. Raises ValueError if it is not there."""
        index = self._index(field)
        del self._fields[index]
        if not self._kind & LOADED:
            del self._tags[index]

    def remove_fields(self, *tags: str) -> None:
        """Remove all fields with any of these tags."""
        own = self._tag_list()
        if frozenset(tags).isdisjoint(own):
            return
        kept = [index for index, tag in enumerate(own) if tag not in tags]
        self._fields[:] = [self._fields[index] for index in kept]
        if not self._kind & LOADED:
            self._tags = [own[index] for index in kept]
            self._kind |= OUT

    def _linked(self, field: Field) -> list[F]:
        """The fields 880 that a field's $6 is linked to."""
        number = field.linkage_occurrence_num()
        return [other for other in self.get_fields("880") if other.linkage_occurrence_num() == number]


def check_invalid_xml(invalid_xml: str) -> bool:
    """Whether characters that XML forbids are to be replaced. Raises ValueError for other words."""
    if invalid_xml not in ("error", "replace"):
        raise ValueError(f"invalid_xml should be error or replace, not {invalid_xml!r}")
    return invalid_xml == "replace"


def _is_sound(leader: str) -> bool:
    """Whether these are 24 printable ASCII characters."""
    return len(leader) == LEADER_LEN and leader.isascii() and leader.isprintable()


def check_one(data: bytes) -> int:
    """The kind of one whole ISO 2709 record. Raises the MarcError that says what is wrong."""
    scanner = _core.Scanner()
    buffer = _core.FixedBuffer(data)
    _, ends, kinds = scanner.scan(buffer.address, len(data), FINAL)
    if not ends:
        raise _core.error_of(scanner.problem)
    if kinds[0] == Kind.GAP or ends[0] != len(data):
        raise RecordLengthInvalid(
            f"one record was expected, the data of {len(data)} bytes is not just that",
            found=data[:12],
        )
    return kinds[0]
