"""The record.

A record that was read keeps its bytes and nothing else until something is asked of it; then its
fields come to life and from there on they are the truth. Bytes that nobody has looked into are
written as they came.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from . import _core
from ._bindings import FINAL, Encoding, Kind
from .errors import (
    DelimiterInData,
    FieldNotFound,
    MarcError,
    MissingLinkedFields,
    RecordLeaderInvalid,
    RecordLengthInvalid,
    TagInvalid,
    TextError,
    UnmappableCharacter,
)
from .field import DELIMITER, Field
from .leader import LEADER_LEN, Leader

# The module typing takes longer to import than all of this package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


_FIELD_END = "\x1e"
_RECORD_END = "\x1d"

# What a record's bytes are, beside the kinds that the core's scan knows: the flat form.
_FLAT = 8
# Added to the kind once the fields, or the leader alone, have been handed out.
_LOADED = 16
_LEADER_OUT = 32

_ISBN = frozenset("0123456789-xX")


def _tags(text: str) -> frozenset[str]:
    return frozenset(text.split())


_SERIES = _tags("440 490 800 810 811 830")
_SUBJECTS = _tags("600 610 611 630 648 650 651 653 654 655 656 657 658 662 690 691 696 697 698 699")
_ADDED_ENTRIES = _tags("700 710 711 720 730 740 752 753 754 790 791 792 793 796 797 798 799")
_NOTES = _tags(
    "500 501 502 504 505 506 507 508 510 511 513 514 515 516 518 520 521 522 524 525 526 530 533 "
    "534 535 536 538 540 541 544 545 546 547 550 552 555 556 561 562 563 565 567 580 581 583 584 "
    "585 586 590 591 592 593 594 595 596 597 598 599"
)


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


_NOWHERE = Origin()


class Record:
    """A MARC record: a leader and fields.

        record = Record()
        record.add_field(Field("245", ("1", "0"), [Subfield("a", "Odes")]))
        record["245"]["a"]

    `leader` is a `Leader`, `fields` the list of `Field`; both can be changed in place.
    """

    # `_leader` and `_fields` are empty until they are asked for; `_kind` tells.
    __slots__ = ("_data", "_fields", "_kind", "_leader", "_number", "_offset", "_origin")

    _leader: Leader
    _fields: list[Field]

    def __init__(
        self,
        data: bytes = b"",
        fields: Iterable[Field] | None = None,
        *,
        leader: Leader | str | None = None,
        from_encoding: str | None = None,
    ) -> None:
        """Make an empty record, one with these fields, or one from its ISO 2709 bytes.

        `data` is one whole record; `from_encoding` says how its text is encoded where leader/09
        is wrong. Without `leader` a new record is a language-material record in Unicode. Raises a
        MarcError when `data` is damaged.
        """
        self._origin = Origin(None, from_encoding) if from_encoding else _NOWHERE
        self._number = 0
        self._offset = 0
        if data:
            if fields is not None or leader is not None:
                raise TypeError("a record is made from data or from fields and a leader")
            self._data = bytes(data)
            self._kind = _check(self._data)
            return
        self._data = b""
        self._kind = _FLAT | _LOADED
        self._leader = Leader("00000nam a2200000   4500" if leader is None else str(leader))
        self._fields = list(fields) if fields is not None else []

    @property
    def leader(self) -> Leader:
        """The leader. It can be changed in place, or set from a Leader or its 24 characters."""
        if not self._kind & (_LOADED | _LEADER_OUT):
            self._leader = Leader(self._head())
            self._kind |= _LEADER_OUT
        return self._leader

    @leader.setter
    def leader(self, value: Leader | str) -> None:
        self._leader = value if isinstance(value, Leader) else Leader(value)
        self._kind |= _LEADER_OUT

    @property
    def fields(self) -> list[Field]:
        """The fields, a list that can be changed. Raises the error of text that cannot be read."""
        if not self._kind & _LOADED:
            self._load()
        return self._fields

    @fields.setter
    def fields(self, value: list[Field]) -> None:
        if not self._kind & _LOADED:
            self._load()
        self._fields = value

    # Copying must not ask for the empty slots: that would fill them.
    def __getstate__(self) -> tuple[Any, ...]:
        return (
            self._data,
            self._kind,
            self._origin,
            self._number,
            self._offset,
            self._leader if self._kind & (_LOADED | _LEADER_OUT) else None,
            self._fields if self._kind & _LOADED else None,
        )

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        self._data, self._kind, self._origin, self._number, self._offset, leader, fields = state
        if leader is not None:
            self._leader = leader
        if fields is not None:
            self._fields = fields

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
        if kind == _FLAT:
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
        is_raw = bool(self._data) and not self._kind & _FLAT
        error.source = self._origin.name
        error.record_number = self._number or None
        error.byte_offset = self._offset if is_raw else None
        if not is_raw:
            error.offset_in_record = None
        return error

    def _load(self) -> None:
        text = self._text()
        parts = text.split(_FIELD_END)
        head = parts[0]
        # A directory has twelve characters for each field, the flat form only its tag.
        is_directory = self._kind & 15 == Kind.PLAIN and self._origin.encoding == Encoding.KEPT
        width = 12 if is_directory else 3
        new = Field.__new__
        fields = []
        for at, content in zip(range(LEADER_LEN, len(head), width), parts[1:]):
            field = new(Field)
            field.tag = head[at : at + 3]
            field._content = content
            fields.append(field)
        if not self._kind & _LEADER_OUT:
            self._leader = Leader(self._head())
        self._fields = fields
        self._kind |= _LOADED

    def _flat_text(self) -> str:
        """The record as it is now, in the flat form, before it is encoded."""
        fields = self.fields
        tags = [field.tag for field in fields]
        leader = str(self.leader)
        contents = [field._text() for field in fields]
        body = _FIELD_END.join(contents)
        if (
            not {3}.issuperset(map(len, tags))
            or not (leader + "".join(tags)).isascii()
            or body.count(_FIELD_END) != max(len(fields) - 1, 0)
            or _RECORD_END in body
        ):
            self._refuse()
        end = _FIELD_END if fields else ""
        return f"{leader}{''.join(tags)}{_FIELD_END}{body}{end}{_RECORD_END}"

    def _refuse(self) -> None:
        """Say what cannot be written."""
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
        for field in self.fields:
            if field._content is not None:
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

    def _convert(
        self,
        target: str,
        target_encoding: int = Encoding.KEPT,
        unmappable: str = "error",
        replace_forbidden: bool = False,
    ) -> bytes:
        """The record as the core writes it in another format."""
        kind, encoding = self._kind, self._origin.encoding
        if kind & _LOADED or encoding is None or self._leader_changed():
            self._check_values()
            data, source = self._encoded(), "flat"
        else:
            data, source = self._data, "flat" if kind & _FLAT else "marc"
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
            raise self._placed(problem) from None

    def _leader_changed(self) -> bool:
        return bool(self._kind & _LEADER_OUT) and str(self.leader) != self._head()

    def _encoded(self) -> bytes:
        try:
            return self._flat_text().encode()
        except UnicodeEncodeError as error:
            raise UnmappableCharacter(
                f"half of a surrogate pair, {error.object[error.start]!r}, is no character"
            ) from None

    # ---- writing

    def as_marc(self, encoding: str | None = None, *, unmappable: str = "error") -> bytes:
        """The record in ISO 2709 (MARC 21 Specifications, Record Structure).

        `encoding` is `utf-8`, `marc-8`, or a codec of Python's; without it the text is encoded as
        leader/09 says, or as it was read. Leader/09 and field 066 are set to match. `unmappable`
        says what becomes of a character that MARC-8 does not have: `error` raises
        UnmappableCharacter, `ncr` writes `&#xXXXX;`, `fill` writes `|`. Raises FieldTooLong and
        RecordTooLong for more than 9,999 and 99,999 bytes. A record that nobody has looked into
        gives the bytes that it was read from.
        """
        origin = self._origin
        if encoding is None:
            if origin.codec is None:
                if self._kind == Kind.PLAIN and origin.encoding == Encoding.KEPT:
                    return self._data
                return self._as_kept(unmappable)
            if not self._kind & _LOADED and not self._leader_changed():
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
        is_read = self._kind & 15 == Kind.OTHER
        if is_read and self._kind & _LOADED and self._text() == self._flat_text():
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

    def __repr__(self) -> str:
        try:
            number, title, count = self.get("001"), self.title(), len(self.fields)
        except MarcError as error:
            return f"<Record that cannot be read: {error}>"
        head = f"<Record {number.value().strip()!r}" if number else "<Record"
        return f"{head} {title!r}, {count} fields>" if title else f"{head}, {count} fields>"

    # ---- fields

    def __bool__(self) -> bool:
        """Always true, so that `while record := reader.read_record()` ends only at the end."""
        return True

    def __iter__(self) -> Iterator[Field]:
        return iter(self.fields)

    def __contains__(self, tag: str) -> bool:
        """Whether there is a field with this tag."""
        return self.get(tag) is not None

    def __getitem__(self, tag: str) -> Field:
        """The first field with this tag. Raises KeyError if there is none."""
        field = self.get(tag)
        if field is None:
            raise KeyError(tag)
        return field

    def get(self, tag: str, default: Field | None = None) -> Field | None:
        """The first field with this tag, or `default`."""
        for field in self.fields:
            if field.tag == tag:
                return field
        return default

    def get_fields(self, *tags: str) -> list[Field]:
        """All fields with any of these tags, in the record's order; without tags all there are."""
        if not tags:
            return list(self.fields)
        return [field for field in self.fields if field.tag in tags]

    def add_field(self, *fields: Field) -> None:
        """Add fields at the end."""
        self.fields.extend(fields)

    def add_ordered_field(self, *fields: Field) -> None:
        """Add each field before the first with a higher tag. A tag that is no number goes last."""
        for field in fields:
            self._insert(field, 3)

    def add_grouped_field(self, *fields: Field) -> None:
        """Add each field behind those of its block (1XX, 2XX, …) and before higher ones."""
        for field in fields:
            self._insert(field, 1)

    def _insert(self, field: Field, digits: int) -> None:
        index = len(self.fields)
        if field.tag.isdigit():
            for at, other in enumerate(self.fields):
                if not other.tag.isdigit() or other.tag[:digits] > field.tag[:digits]:
                    index = at
                    break
        self.fields.insert(index, field)

    def remove_field(self, *fields: Field) -> None:
        """Remove these very fields. Raises FieldNotFound for one that is not in the record."""
        for field in fields:
            for index, other in enumerate(self.fields):
                if other is field:
                    del self.fields[index]
                    break
            else:
                raise FieldNotFound(
                    f"the record does not have this field {field.tag}", tag=field.tag
                )

    def remove_fields(self, *tags: str) -> None:
        """Remove all fields with any of these tags."""
        self.fields[:] = [field for field in self.fields if field.tag not in tags]

    def get_linked_fields(self, field: Field) -> list[Field]:
        """The fields 880 that are linked to a field by its $6 (MARC 21 Format, Appendix A).

        Raises MissingLinkedFields when it has a $6 and nothing goes with it.
        """
        number = field.linkage_occurrence_num()
        if number is None:
            return []
        linked = [
            other for other in self.get_fields("880") if other.linkage_occurrence_num() == number
        ]
        if not linked:
            raise MissingLinkedFields(field)
        return linked

    # ---- what the record says

    def _first(self, *tags: str) -> Field | None:
        """The first field with the first of these tags that is there."""
        for tag in tags:
            field = self.get(tag)
            if field is not None:
                return field
        return None

    def _title_of(self, tag: str) -> str | None:
        field = self.get(tag)
        title = field.get("a") if field else None
        if not field or not title:
            return title
        subtitle = field.get("b")
        return f"{title} {subtitle}" if subtitle else title

    def title(self) -> str | None:
        """The title with its remainder, 245 $a and $b."""
        return self._title_of("245")

    def issn_title(self) -> str | None:
        """The key title, 222 $a and $b."""
        return self._title_of("222")

    def author(self) -> str | None:
        """The main entry: the first of 100, 110 and 111, formatted."""
        field = self._first("100", "110", "111")
        return field.format_field() if field else None

    def uniform_title(self) -> str | None:
        """The uniform title: 130 or else 240, formatted."""
        field = self._first("130", "240")
        return field.format_field() if field else None

    def isbn(self) -> str | None:
        """The ISBN in the first 020 $a, without hyphens and what follows it."""
        text = self._value("020", "a") or ""
        start = next((at for at, letter in enumerate(text) if letter in _ISBN), len(text))
        end = next((at for at in range(start, len(text)) if text[at] not in _ISBN), len(text))
        return text[start:end].replace("-", "") if end > start else None

    def _value(self, tag: str, code: str) -> str | None:
        field = self.get(tag)
        return field.get(code) if field else None

    def issn(self) -> str | None:
        """The ISSN, 022 $a."""
        return self._value("022", "a")

    def issnl(self) -> str | None:
        """The linking ISSN, 022 $l."""
        return self._value("022", "l")

    def sudoc(self) -> str | None:
        """The Superintendent of Documents number, 086, formatted."""
        field = self.get("086")
        return field.format_field() if field else None

    def series(self) -> list[Field]:
        """Series statements and added entries: 440, 490, 800, 810, 811, 830."""
        return self.get_fields(*_SERIES)

    def subjects(self) -> list[Field]:
        """Subject fields: those of 6XX, local ones (69X) with them."""
        return self.get_fields(*_SUBJECTS)

    def added_entries(self) -> list[Field]:
        """Added entries: those of 70X to 75X, local ones (79X) with them."""
        return self.get_fields(*_ADDED_ENTRIES)

    def notes(self) -> list[Field]:
        """Notes: the fields of 5XX."""
        return self.get_fields(*_NOTES)

    def location(self) -> list[Field]:
        """Locations: the fields 852."""
        return self.get_fields("852")

    def physical_description(self) -> list[Field]:
        """Physical descriptions: the fields 300."""
        return self.get_fields("300")

    def _imprint(self, code: str) -> str | None:
        for field in self.get_fields("260", "264"):
            if field.tag == "260" or field.indicator2 == "1":
                return field.get(code)
        return None

    def publisher(self) -> str | None:
        """The publisher: $b of the first 260, or 264 with second indicator 1."""
        return self._imprint("b")

    def pubyear(self) -> str | None:
        """The date of publication as written, $c of the field that `publisher` looks at."""
        return self._imprint("c")


def check_invalid_xml(invalid_xml: str) -> bool:
    """Whether characters that XML forbids are to be replaced. Raises ValueError for other words."""
    if invalid_xml not in ("error", "replace"):
        raise ValueError(f"invalid_xml should be error or replace, not {invalid_xml!r}")
    return invalid_xml == "replace"


def _check(data: bytes) -> int:
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


def flat_record(data: bytes, origin: Origin = _NOWHERE, number: int = 0) -> Record:
    """A record from the flat form that the core's readers of text formats give."""
    record = Record.__new__(Record)
    record._data = data
    record._kind = _FLAT
    record._origin = origin
    record._number = number
    record._offset = 0
    return record
