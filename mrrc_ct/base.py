"""What every class of record is built on.

A record that was read keeps its bytes and nothing else until something is asked of it; then its
fields come to life and from there on they are the truth. Bytes that nobody has looked into are
written as they came.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from . import _core
from ._bindings import FINAL, Encoding, Kind
from .errors import (
    DelimiterInData,
    IndicatorsInvalid,
    MarcError,
    RecordLeaderInvalid,
    RecordLengthInvalid,
    SubfieldCodeInvalid,
    TagInvalid,
    TextError,
    UnmappableCharacter,
)
from .field import CONTROL_TAGS, DELIMITER, Field, copied
from .leader import LEADER_LEN, Leader

# The module typing takes longer to import than all of this package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Generic, TypeVar

    #: The class of a record's fields.
    F = TypeVar("F", bound=Field)
    R = TypeVar("R", bound="BaseRecord[Any]")
else:

    class Generic:
        """What typing's is for at run time: nothing."""

        __slots__ = ()
        __class_getitem__ = classmethod(lambda cls, _: cls)

    F = None


#: The core's search of a directory: called often, so called straight.
find_tag = _core.find_tag

_FIELD_END = "\x1e"
_RECORD_END = "\x1d"

# What a record is, and how far it is taken apart, in the bits of `_kind` above those of the core's
# kinds. FLAT: its bytes are the flat form. CUT: some fields may be handed out, which `_order` and
# `_given` say. OUT: a field is handed out, or the list changed; that is the truth now, not the
# bytes. ADDED: fields were added at the end, nothing else changed place. LISTED: `_tags` is there,
# and any field may have changed place. LOADED: the list itself is handed out, in `_fields`, and
# nothing of CUT, ADDED and LISTED any more. LEADER_OUT: the leader is handed out.
FLAT = 1 << 8
CUT = 1 << 9
OUT = 1 << 10
ADDED = 1 << 11
LISTED = 1 << 12
LOADED = 1 << 13
LEADER_OUT = 1 << 14

#: What of the core's kinds says how to read the bytes; the others name the class of the record.
KINDS = Kind.OTHER | Kind.IRREGULAR
#: Without any of these the bytes, decoded and cut at 1E, are the fields.
_NOT_PLAIN = KINDS | FLAT
#: Without any of these the directory of the bytes tells where a field stands.
_NOT_BY_DIRECTORY = _NOT_PLAIN | ADDED | LISTED | LOADED

#: Bytes of an entry in the directory. Entries begin at multiples of it, since the leader is two.
_ENTRY_LEN = 12
#: Bytes of a tag and the blank behind it in `_tags`.
_TAG_LEN = 4
#: Tags that are remembered, so that no program fills the memory with them.
_TAG_NUMBERS_MAX = 4096
#: Field numbers, from 1, a byte each. A record with more fields is loaded as a whole.
_NUMBERS = bytes(range(1, 256))


def tag_set(text: str) -> tuple[frozenset[str], bytes]:
    """Tags as `BaseRecord._with_tags` takes them."""
    tags = text.split()
    return frozenset(tags), "".join(tags).encode()


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


class BaseRecord(Generic[F]):
    """A leader and fields: what `Record` and pymarc's `Record` have in common.

    `leader` is a `Leader`, `fields` the list of `Field`; both can be changed in place.
    """

    # Empty until they are needed, as `_kind` tells: `_leader`, `_fields` and what CUT needs.
    __slots__ = (
        "_data",
        "_fields",
        "_given",
        "_kind",
        "_leader",
        "_order",
        "_origin",
        "_tags",
    )

    # Where a record stands in what it was read from: its number, from 1, and its first byte.
    _number: int = 0
    _offset: int = 0
    _leader: Leader
    # LOADED: the fields. CUT and not plain: the text at each number, the head at 0.
    _fields: list[Any]
    # The number that each field had when it was read, from 1; 0 once it is handed out.
    _order: bytearray
    # The fields that are handed out, in their order, with the tags that they then had.
    _given: list[tuple[F, str]]
    # The tag of each field, with a blank behind it.
    _tags: bytearray
    _field_class: type[F]
    _leader_class: type[Leader] = Leader

    def _take(self, data: bytes, kind: int, origin: Origin) -> None:
        """Be the record with these bytes."""
        self._data = data
        self._kind = kind if origin.encoding == Encoding.KEPT else kind | Kind.OTHER
        self._origin = origin

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
        self._kind = self._kind & ~(CUT | ADDED | LISTED) | OUT | LOADED

    def __copy__(self: R) -> R:
        """A record with the same list of fields, the same leader."""
        if not self._kind & LOADED:
            self._load()
        _ = self.leader
        return copied(self)

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
        data, origin = self._data, self._origin
        if self._kind & FLAT:
            return data.decode()
        try:
            if self._is_plain():
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
        return not self._kind & _NOT_PLAIN

    def _is_current(self) -> bool:
        """Whether nobody has changed the tag of a field; if somebody has, load the record."""
        if self._kind & CUT:
            for field, tag in self._given:
                if field.tag is not tag:
                    self._given = [(field, field.tag) for field, _ in self._given]
                    self._load()
                    return False
        return True

    def _cut(self, count: int) -> bool:
        """Get ready to hand out fields; False when there are so many that all had to be loaded."""
        self._given = []
        self._order = bytearray(_NUMBERS[:count])
        self._kind |= CUT
        if count <= len(_NUMBERS):
            return True
        self._load()
        return False

    def _is_listed(self) -> bool:
        """Bring `_tags`, `_order` and `_given` up to date, unless the record is loaded."""
        if self._kind & LOADED or not self._is_current():
            return False
        if self._kind & LISTED:
            return True
        if self._is_plain():
            head, step = self._data[LEADER_LEN : int(self._data[12:17]) - 1], _ENTRY_LEN
        else:
            self._fields = self._text().split(_FIELD_END)
            head, step = self._fields[0][LEADER_LEN:].encode(), 3
        count = len(head) // step
        if not self._kind & CUT and not self._cut(count):
            return False
        self._tags = tags = _tags_of(head, step)
        if self._kind & ADDED:
            added = self._given[count - len(self._order) :]
            tags += "".join([f"{tag} " for _, tag in added]).encode()
        self._kind = self._kind & ~ADDED | LISTED
        return True

    def _make(self, tag: str, content: str) -> F:
        field = self._field_class.__new__(self._field_class)
        field.tag = tag
        field.control_field = tag in CONTROL_TAGS
        field._content = content
        return field

    def _content(self, place: int) -> str:
        """The content of a field of plain bytes, from its place as the core gives it."""
        start = place >> 15 & 0x1FFFF
        try:
            return self._data[start : start + (place & 0x7FFF)].decode()
        except UnicodeDecodeError:
            self._text()  # which says where
            raise

    def _hand_out(self, place: int, tag: str) -> F:
        """The field with this tag at a place, where the directory tells it.

        Nothing is done more often with a record, so it is all written out here.
        """
        index = (place >> 48) - 1
        if not self._kind & CUT and not self._cut(place >> 32 & 0xFFFF):
            return self._fields[index]  # type: ignore[no-any-return]
        order = self._order
        given = order.count(0, 0, index) if self._given else 0
        if not order[index]:
            return self._given[given][0]
        start = place >> 15 & 0x1FFFF
        try:
            content = self._data[start : start + (place & 0x7FFF)].decode()
        except UnicodeDecodeError:
            self._text()  # which says where
            raise
        field = self._field_class.__new__(self._field_class)
        field.tag = tag
        field.control_field = tag in CONTROL_TAGS
        field._content = content
        self._given.insert(given, (field, tag))
        order[index] = 0
        self._kind |= OUT
        return field

    def _field_at(self, index: int) -> F:
        """The field at an index, once the tags are listed."""
        number = self._order[index]
        given = self._order.count(0, 0, index)
        if not number:
            return self._given[given][0]
        if self._is_plain():
            content = self._content(_core.find_number(self._data, len(self._data), number))
        else:
            content = self._fields[number]
        tag = self._tags[index * _TAG_LEN : index * _TAG_LEN + 3].decode()
        field = self._make(tag, content)
        self._given.insert(given, (field, tag))
        self._order[index] = 0
        self._kind |= OUT
        return field

    def _find(self, tag: str, index: int = 0) -> int:
        """Where from `index` on a tag comes next, once the tags are listed; -1: nowhere."""
        if not isinstance(tag, str) or len(tag) != 3:
            return -1
        # Tags have no blank in them, so this cannot find the middle of one.
        return self._tags.find(f"{tag} ".encode(), index * _TAG_LEN) // _TAG_LEN

    def _parts(self) -> tuple[list[str], list[Any]]:
        """The tags, and the fields; those that are not handed out as their content."""
        if not self._kind & OUT:
            head, *contents = self._text().split(_FIELD_END)
            tags = _tags_of(head[LEADER_LEN:].encode(), _ENTRY_LEN if self._is_plain() else 3)
            return tags.decode().split(), contents[:-1]
        if not self._is_listed():
            return [field.tag for field in self._fields], self._fields
        contents = self._text().split(_FIELD_END) if self._is_plain() else self._fields
        given = iter(self._given)
        parts = [contents[number] if number else next(given)[0] for number in self._order]
        return self._tags.decode().split(), parts

    def _load(self) -> None:
        field_class = self._field_class
        new = field_class.__new__
        fields = []
        for tag, part in zip(*self._parts()):
            if part.__class__ is str:
                field = new(field_class)
                field.tag = tag
                field.control_field = tag in CONTROL_TAGS
                field._content = part
                fields.append(field)
            else:
                fields.append(part)
        self._fields = fields
        self._kind = self._kind & ~(CUT | ADDED | LISTED) | OUT | LOADED

    def _peek(self, tag: str) -> F | None:
        """The first field with a tag, to be read only: where none is handed out it is a copy."""
        if self._kind & (OUT | _NOT_BY_DIRECTORY):
            return self.get(tag)
        place = find_tag(self._data, len(self._data), _number_of(tag))
        return self._make(tag, self._content(place)) if place else None

    def _flat_text(self) -> str:
        """The record as it is now, in the flat form, before it is encoded."""
        tags, parts = self._parts()
        contents = [part if part.__class__ is str else part._text() for part in parts]
        head = f"{self._leader if self._kind & LEADER_OUT else self._head()}{''.join(tags)}"
        if not head.isascii() or not {3}.issuperset(map(len, tags)):
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
        """See that what was handed out still has the shape that its tag says.

        A delimiter that somebody put into a value or a code would make subfields of its own.
        """
        if not self._kind & OUT:
            return
        if not self._kind & LOADED and self._is_current():
            handed_out = [field for field, _ in self._given]
        else:
            handed_out = self._fields
        for field in handed_out:
            if field.control_field != (field.tag in CONTROL_TAGS):
                what = "a control field" if field.control_field else "a field with subfields"
                raise TagInvalid(f"{field.tag!r} is no tag for {what}", tag=field.tag)
            if field.control_field or field._content is not None:
                continue
            for code, value in field._subfields:
                if len(code) != 1 or code == DELIMITER:
                    raise SubfieldCodeInvalid(
                        f"a subfield code is one character, not {code!r}", tag=field.tag
                    )
                if DELIMITER in value:
                    raise DelimiterInData(
                        f"subfield {code!r} has a delimiter 1F in its value", tag=field.tag
                    )
            if [len(one) for one in field._indicators] != [1, 1] or DELIMITER in field._indicators:
                raise IndicatorsInvalid(
                    f"the indicators are two characters, not {tuple(field._indicators)}",
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

    def _assembled(self, leader: str) -> bytes | None:
        """The record in ISO 2709 with this leader: of its own bytes and what was handed out.

        None where the bytes are not plain, and where no record can be made so.
        """
        if self._kind & (CUT | LOADED | _NOT_PLAIN) != CUT or leader[9:10] != "a":
            return None
        fresh = leader
        for field, tag in self._given:
            if field.tag is not tag:
                return None
            content = field._content
            if content.__class__ is not str:
                content = field._text()
            fresh += f"{tag}{content}{_FIELD_END}"
        # A terminator in a value would be taken for one of these.
        if _RECORD_END in fresh or fresh.count(_FIELD_END) != len(self._given):
            return None
        return _core.assemble(self._data + f"{fresh}{_RECORD_END}".encode() + self._order)

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
        if self._kind & (OUT | LOADED) == OUT:
            self._check_values()
            try:
                made = self._assembled(str(self.leader))
            except UnicodeEncodeError:
                made = None  # the other way says what is wrong
            if made is not None:
                return made
        is_read = self._kind & (Kind.OTHER | FLAT) == Kind.OTHER
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
        if not self._kind & _NOT_BY_DIRECTORY and self._is_current():
            return find_tag(self._data, len(self._data), _number_of(tag)) > 0
        if self._is_listed():
            return self._find(tag) >= 0
        return any(field.tag == tag for field in self._fields)

    def __getitem__(self, tag: str) -> F:
        """The first field with this tag. Raises KeyError if there is none."""
        field = self.get(tag)
        if field is None:
            raise KeyError(tag)
        return field

    def get(self, tag: str, default: F | None = None) -> F | None:
        """The first field with this tag, or `default`."""
        kind = self._kind
        if not kind & _NOT_BY_DIRECTORY and (not kind & CUT or self._is_current()):
            data = self._data
            place = find_tag(data, len(data), _tag_numbers.get(tag) or _number_of(tag))
            return self._hand_out(place, tag) if place else default
        if self._is_listed():
            index = self._find(tag)
            return self._field_at(index) if index >= 0 else default
        for field in self._fields:
            if field.tag == tag:
                return field  # type: ignore[no-any-return]
        return default

    def get_fields(self, *tags: str) -> list[F]:
        """All fields with any of these tags, in the record's order; without tags all there are."""
        if not tags:
            return list(self.fields)
        return self._with_tags(tags, _joined(tags))

    def _with_tags(self, wanted: Collection[str], joined: bytes) -> list[F]:
        """The fields with any of these tags, which `joined` has one behind the other."""
        if not self._kind & _NOT_BY_DIRECTORY and self._is_current():
            data, found = self._data, []
            places = _core.find_fields(data, joined)
            if len(places) < _core.FIELDS_MAX:
                for place in places:
                    at = _ENTRY_LEN + _ENTRY_LEN * (place >> 48)
                    found.append(self._hand_out(place, data[at : at + 3].decode()))
                return found
        if not self._is_listed():
            return [field for field in self._fields if field.tag in wanted]
        indexes = [index for index, tag in enumerate(self._tags.decode().split()) if tag in wanted]
        return [self._field_at(index) for index in indexes]

    def add_field(self, *fields: F) -> None:
        """Add fields at the end."""
        for field in fields:
            self._put(None, field)

    def add_ordered_field(self, *fields: F) -> None:
        """Add each field before the first with a higher tag. A tag that is no number goes last."""
        for field in fields:
            self._put(self._place(field.tag, 3), field)

    def add_grouped_field(self, *fields: F) -> None:
        """Add each field behind those of its block (1XX, 2XX, …) and before higher ones."""
        for field in fields:
            self._put(self._place(field.tag, 1), field)

    def _place(self, new: str, digits: int) -> int | None:
        """The index to insert a field at, by its tag; None for the end."""
        if not new.isdigit():
            return None
        if self._is_listed():
            tags = self._tags.decode().split()
        else:
            tags = [field.tag for field in self._fields]
        for index, tag in enumerate(tags):
            if not tag.isdigit() or tag[:digits] > new[:digits]:
                return index
        return None

    def _put(self, index: int | None, field: F) -> None:
        """Insert a field, or with None add it at the end."""
        tag = field.tag
        # Only a tag that is one has a place in `_tags`.
        is_tag = len(tag) == 3 and tag.isascii() and tag.isalnum()
        if index is None and is_tag and not self._kind & (_NOT_PLAIN | LISTED | LOADED):
            if self._kind & CUT or self._cut((int(self._data[12:17]) - 1) // _ENTRY_LEN - 2):
                self._order.append(0)
                self._given.append((field, tag))
                self._kind |= OUT | ADDED
                return
        elif is_tag and self._is_listed():
            order = self._order
            index = len(order) if index is None else index
            self._given.insert(order.count(0, 0, index), (field, tag))
            order.insert(index, 0)
            self._tags[index * _TAG_LEN : index * _TAG_LEN] = f"{tag} ".encode()
            self._kind |= OUT
            return
        fields = self.fields
        fields.insert(len(fields) if index is None else index, field)

    def _drop(self, index: int) -> None:
        """Remove the field at an index, once the tags are listed."""
        if not self._order[index]:
            del self._given[self._order.count(0, 0, index)]
        del self._order[index]
        del self._tags[index * _TAG_LEN : (index + 1) * _TAG_LEN]
        self._kind |= OUT

    def _remove(self, field: F) -> None:
        """Remove this very field. Raises ValueError if the record does not have it."""
        if not self._is_listed():
            del self._fields[self._index(field)]
            return
        # What was not handed out nobody can have.
        found = [other is field for other, _ in self._given].index(True)
        index = -1
        for _ in range(found + 1):
            index = self._order.index(0, index + 1)
        self._drop(index)

    def _index(self, field: F) -> int:
        """Where this very field stands in `fields`. Raises ValueError if it does not."""
        for index, other in enumerate(self.fields):
            if other is field:
                return index
        raise ValueError

    def remove_fields(self, *tags: str) -> None:
        """Remove all fields with any of these tags."""
        is_untouched = not self._kind & (OUT | _NOT_BY_DIRECTORY)
        if is_untouched and not _core.find_fields(self._data, _joined(tags)):
            return
        if not self._is_listed():
            self._fields[:] = [field for field in self._fields if field.tag not in tags]
            return
        for tag in tags:
            index = self._find(tag)
            while index >= 0:
                self._drop(index)
                index = self._find(tag, index)

    def _linked(self, field: Field) -> list[F]:
        """The fields 880 that a field's $6 is linked to."""
        number = field.linkage_occurrence_num()
        return [
            other for other in self.get_fields("880") if other.linkage_occurrence_num() == number
        ]


def _encoded_tag(tag: str) -> bytes:
    try:
        return tag.encode("ascii")
    except (AttributeError, UnicodeEncodeError):
        return b""  # no record has that


#: Tags that were asked for, as the core's `find_tag` takes them.
_tag_numbers: dict[str, int] = {}


def _number_of(tag: str) -> int:
    number = _tag_numbers.get(tag)
    if number is None:
        number = int.from_bytes(_joined([tag]), "little")
        if len(_tag_numbers) < _TAG_NUMBERS_MAX:
            _tag_numbers[tag] = number
    return number


def _joined(tags: Iterable[str]) -> bytes:
    """Tags as the core takes them, without those that no directory can have."""
    return b"".join([wanted for wanted in map(_encoded_tag, tags) if len(wanted) == 3])


def _tags_of(head: bytes, step: int) -> bytearray:
    """The tags that stand at every `step` bytes of a head, each with a blank behind it."""
    tags = bytearray(b" " * (len(head) // step * _TAG_LEN))
    for place in range(3):
        tags[place::_TAG_LEN] = head[place::step]
    return tags


def check_invalid_xml(invalid_xml: str) -> bool:
    """Whether characters that XML forbids are to be replaced. Raises ValueError for other words."""
    if invalid_xml not in ("error", "replace"):
        raise ValueError(f"invalid_xml should be error or replace, not {invalid_xml!r}")
    return invalid_xml == "replace"


def _is_sound(leader: str) -> bool:
    """Whether these are 24 printable ASCII characters."""
    return len(leader) == LEADER_LEN and leader.isascii() and leader.isprintable()


def check_one(data: bytes) -> int:
    """The kind (of KINDS) of one whole ISO 2709 record. Raises the MarcError of a damaged one."""
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
    return kinds[0] & KINDS
