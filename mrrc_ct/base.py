"""What every class of record is built on.

A record that was read keeps its bytes and nothing else until something is asked of it; then its
fields come to life and from there on they are the truth. Bytes that nobody has looked into are
written as they came.
"""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator, Sequence

from . import _core
from ._batch import (
    ANSWERS,
    CUT,
    DECODED,
    FLAT,
    KINDS,
    LEADER_OUT,
    LOADED,
    MADE,
    OUT,
    READY,
    VALUES,
    Origin,
    check_codec,
    new,
)
from ._bindings import FINAL, Encoding, Kind, Normalization
from ._locks import lock_of, other_threads
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
from .field import CONTROL_TAGS, DELIMITER, FIELD_END, MARKED, Common, Field, copied
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


FIELD_MARK = FIELD_END.decode()
_RECORD_END = b"\x1d"

#: Without any of these the bytes are those of ISO 2709 and, cut at 1E, the fields.
_NOT_PLAIN = KINDS | FLAT
#: Without any of these it is plain and whole: its bytes are the truth, but for first fields that
#: are handed out; without any of the second not even these; without the third the leader neither.
_NOT_WHOLE = _NOT_PLAIN | CUT | LOADED
_NOT_PURE = _NOT_WHOLE | OUT
_NOT_KEPT = _NOT_WHOLE | LEADER_OUT
_NOT_KEPT_PURE = _NOT_PURE | LEADER_OUT
#: What it says to queries is known, and may not have changed.
_ANSWERS_OUT = ANSWERS | OUT
_CUT_LOADED = CUT | LOADED
_OUT_LOADED = OUT | LOADED
_READY_OUT = READY | OUT
_NOT_MADE = ~MADE

#: Bytes of an entry in the directory. Entries begin at multiples of it, since the leader is two.
_ENTRY_LEN = 12
#: What stands behind the tag in an entry of the flat form.
_NO_PLACE = b"000000000"
_NO_NUMBERS = _NO_PLACE.decode()
#: What stands before the tag of a field with its content as it is: a data field, a control field.
AS_IT_IS = "=-"
#: What an indicator is, but for those beyond ASCII.
_CHARACTERS = {character: character for character in MARKED}
#: What comes of taking other things for these, or for text.
NOT_AS_IT_SHOULD_BE = (AttributeError, KeyError, TypeError, ValueError)
#: Tags that were asked for, as they stand in a directory.
_tags: dict[str, bytes] = {}
#: How many are remembered, so that no program fills the memory with them.
_TAGS_MAX = 4096
#: No directory has this.
_NO_TAG = b"\0\0\0"


class BaseRecord(Generic[F]):
    """A leader and fields: what `Record` and pymarc's `Record` have in common.

    `leader` is a `Leader`, `fields` the list of `Field`; both can be changed in place.
    """

    # Empty until they are needed, as `_kind` tells: `_leader`, `_fields`, `_firsts`, `_given`,
    # `_values` and `_told`.
    __slots__ = (
        "_data",
        "_errors",
        "_fields",
        "_firsts",
        "_given",
        "_kind",
        "_leader",
        "_origin",
        "_told",
        "_turn",
        "_values",
    )

    # Which of those with the same origin it is, from 0.
    _turn: int
    _leader: Leader
    # LOADED: the fields. CUT: leader and directory, and behind it the bytes of each field.
    _fields: list[Any]
    # CUT: by their index in that list, the fields that are handed out, which are the truth instead
    # of the bytes, and the tags that they then had.
    _given: dict[int, tuple[F, str]]
    # OUT, neither CUT nor LOADED: the fields that are handed out, each the first with its tag.
    _firsts: tuple[tuple[str, F], ...]
    # VALUES: the numbers of the fields' tags, and their values, all with 1E behind; nothing where
    # the record cannot be read, or a value is so short that Python has just one text that says it.
    _values: bytes
    # ANSWERS: the answers, with 1E between them.
    _told: str
    # What was wrong with the record when it was read; nothing unless it is set.
    _errors: list[MarcError]
    _field_class: type[F]
    _leader_class: type[Leader] = Leader

    def _take(self, data: bytes, kind: int, origin: Origin) -> None:
        """Be the record with these bytes."""
        self._data = data
        self._kind = kind if origin.encoding == Encoding.KEPT else kind | Kind.OTHER
        self._origin = origin
        self._turn = 0

    def _take_over(self, other: BaseRecord[Any]) -> None:
        """Be what another record was read as."""
        self._data, self._origin, self._turn = other._data, other._origin, other._turn
        self._kind = other._kind & (KINDS | FLAT)
        self._errors = other.errors

    def _take_fields(self, leader: Leader, fields: list[F], origin: Origin) -> None:
        """Be the record with this leader and these fields."""
        self._take(b"", FLAT | OUT | LOADED | LEADER_OUT, origin)
        self._leader = leader
        self._fields = fields

    def _is_as_read(self) -> bool:
        """Whether nothing of it is handed out."""
        return not self._kind & (OUT | LOADED | LEADER_OUT)

    def _forget(self) -> None:
        """Be what was read again: what was handed out since is not of this record any more."""
        self._kind &= KINDS | FLAT

    def _become(self, flat: bytes) -> None:
        """Be what a flat form says, at the same place as before."""
        self._data, self._kind = flat, FLAT

    def _twin(self: R) -> R:
        """Another record that says the same, and shares nothing that can be changed."""
        twin: R = new(type(self))
        twin._take_over(self)
        if not self._is_as_read():
            twin._become(self._checked())
        return twin

    @property
    def _number(self) -> int:
        """The record's number in what it was read from, from 1; 0 where it has none."""
        number = self._origin.number
        return number and number + self._turn

    @property
    def _offset(self) -> int:
        """Where its first byte is there."""
        origin, at = self._origin, 4 * self._turn
        return origin.offset + int.from_bytes(origin.starts[at : at + 4], sys.byteorder)

    @property
    def leader(self) -> Leader:
        """The leader. It can be changed in place, or set from a Leader or its 24 characters."""
        if not self._kind & LEADER_OUT:
            with lock_of(self):
                if not self._kind & LEADER_OUT:
                    self._leader = self._leader_class(self._head())
                    self._kind |= LEADER_OUT
        return self._leader

    @leader.setter
    def leader(self, value: Leader | str) -> None:
        with lock_of(self):
            self._leader = self._as_leader(value)
            self._kind |= LEADER_OUT

    @property
    def errors(self) -> list[MarcError]:
        """What was wrong with the record when it was read.

        Only readers with a `recovery_mode` give records with errors. Those of its text are found
        when it is first looked into.
        """
        if self._origin.is_lenient:
            self._peek("001")
        return getattr(self, "_errors", [])

    def _as_leader(self, value: Leader | str) -> Leader:
        return value if isinstance(value, Leader) else Leader(value)

    @property
    def fields(self) -> list[F]:
        """The fields, a list that can be changed. Raises the error of text that cannot be read."""
        if not self._kind & LOADED:
            if other_threads():
                with lock_of(self):
                    self._load()
            elif not self._make_from_values():
                self._load()
        return self._fields

    @fields.setter
    def fields(self, value: list[F]) -> None:
        with lock_of(self):
            self._fields = value
            self._kind = self._kind & ~(CUT | MADE) | OUT | LOADED

    def __copy__(self: R) -> R:
        """A record with the same list of fields, the same leader."""
        _ = self.fields, self.leader
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

    def _flat(self) -> bytes:
        """The record as it was read, in the flat form. Raises the error of what has none."""
        data, origin = self._data, self._origin
        if not self._kind & KINDS:
            return data
        origin.asked += 1
        if self._kind & DECODED:
            decoded: Any = self._fields
            return decoded + _RECORD_END  # type: ignore[no-any-return]
        if origin.codec is not None:
            flat = _core.converter_of("marc", "flat", Encoding.BYTES).convert_one(data)
            try:
                how = "replace" if origin.is_lenient else "strict"
                return flat.decode(origin.codec, how).encode()
            except UnicodeDecodeError as error:
                raise self._placed(
                    TextError(
                        f"the text is not {origin.codec}",
                        found=error.object[error.start : error.end],
                    )
                ) from None
        return self._decoded()

    def _decoded(self) -> bytes:
        """The bytes that were read, as the core makes UTF-8 of them."""
        origin = self._origin
        converter = _core.converter_of(
            "marc",
            "flat",
            origin.encoding or Encoding.KEPT,
            references=origin.references,
            is_lenient=origin.is_lenient,
        )
        problems: list[MarcError] | None = [] if origin.is_lenient else None
        try:
            flat = converter.convert_one(self._data, problems=problems)
            if problems:
                self._errors = [self._placed(problem) for problem in problems]
            return flat
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
        return not self._kind & _NOT_PLAIN

    def _has_tags(self) -> bool:
        """Whether the first fields that are handed out still have their tags."""
        return all(field.tag is tag for tag, field in self._firsts)

    def _is_cut(self) -> bool:
        """See that the record is cut, and its directory has the fields' tags; or else is loaded."""
        kind = self._kind
        if kind & LOADED:
            return False
        if not kind & CUT:
            self._fields = parts = (self._flat() if kind & KINDS else self._data).split(FIELD_END)
            parts.pop()  # 1D
            self._given = given = {}
            if kind & OUT:
                for tag, field in self._firsts:
                    given[self._find(tag)] = field, tag
            self._kind = kind & ~MADE | CUT
        if not kind & OUT:
            return True
        for field, tag in self._given.values():
            if field.tag is not tag:
                self._make_all()
                return False
        return True

    def _find(self, tag: str, index: int = 1) -> int:
        """The index, from `index` on, of the first part with a tag, once cut; 0: there is none."""
        head: bytes = self._fields[0]
        wanted = _tags.get(tag) or _tag_bytes(tag)
        at = head.find(wanted, _ENTRY_LEN * (index + 1))
        while at % _ENTRY_LEN:
            if at < 0:
                return 0
            at = head.find(wanted, at + 1)
        return at // _ENTRY_LEN - 1

    def _hand_out_first(self, tag: str) -> F | None:
        """The first field with a tag, of a plain record that is not cut; None where there is none.

        Nor is it cut by that: most records that one field is asked of are asked nothing else.
        """
        origin, kind, content = self._origin, self._kind, None
        for first, field in self._firsts if kind & OUT else ():
            if first == tag:
                return field
        if kind & ANSWERS and tag in origin.places:
            content = self._told
            origin.told += 1
            if origin.has_more:
                content = content.split(FIELD_MARK)[origin.places[tag]]
        elif tag in _tags:
            origin.note(tag)
        # A lone delimiter is no answer, or a field that holds just that.
        if not content or content == DELIMITER:
            content = self._first_content(tag)
            if content is None:
                return None
        field = new(self._field_class)
        field.tag = tag
        field._indicators = None if tag in CONTROL_TAGS else ()
        field._kept = content
        field._value = None
        # The handler of a signal may have asked for another meanwhile.
        self._firsts = (*(self._firsts if self._kind & OUT else ()), (tag, field))
        self._kind = self._kind & ~READY | OUT
        return field

    def _first_content(self, tag: str) -> str | None:
        """What the first field with a tag holds, of a plain record, in its bytes."""
        data = self._data
        base = data.find(FIELD_END) + 1
        wanted = _tags.get(tag) or _tag_bytes(tag)
        at = data.find(wanted, LEADER_LEN, base)
        while at % _ENTRY_LEN:
            if at < 0:
                return None
            at = data.find(wanted, at + 1, base)
        start = base + int(data[at + 7 : at + 12])
        return self._read(data[start : data.find(FIELD_END, start)])

    def _hand_out(self, index: int, tag: str) -> F:
        """The field at an index, once cut."""
        given = self._given
        if index in given:
            return given[index][0]
        field = self._made(tag, self._read(self._fields[index]))
        given[index] = field, tag
        self._kind |= OUT
        return field

    def _made(self, tag: str, content: str) -> F:
        field = new(self._field_class)
        field.tag = tag
        field._indicators = None if tag in CONTROL_TAGS else ()
        field._kept = content
        field._value = None
        return field  # type: ignore[no-any-return]

    def _part_tags(self) -> list[str]:
        """The tags, once cut."""
        head = self._fields[0].decode()
        return [head[at : at + 3] for at in range(2 * _ENTRY_LEN, len(head), _ENTRY_LEN)]

    def _load(self) -> None:
        if not self._kind & _CUT_LOADED:
            if self._make_from_values():
                return
            self._origin.loaded += 1
        if self._is_cut():
            self._make_all()

    def _make_from_values(self) -> bool:
        """Make all fields of what `_values` tells; False where that is not known, or not true."""
        kind = self._kind
        if not kind & VALUES or not self._values:
            return False
        is_out = kind & OUT
        if is_out and not self._has_tags():
            return False
        origin = self._origin
        origin.loaded += 1
        numbers, _, rest = self._values.partition(FIELD_END)
        flat: Any = self._fields if kind & DECODED else self._data
        tags = origin.tags
        field: F
        values = rest.decode().split(FIELD_MARK)
        fields = origin.spares.take(self._field_class, flat, values)
        for field, number, field._value in zip(fields, numbers, values):
            field.tag = tags[number]
        if is_out:
            for tag, field in self._firsts:
                fields[numbers.index(tags.index(tag))] = field
        self._fields = fields
        self._kind = kind & _NOT_MADE | _OUT_LOADED
        return True

    def _make_all(self) -> None:
        given = self._given
        self._fields = [
            given[index][0] if index in given else self._made(tag, self._read(self._fields[index]))
            for index, tag in enumerate(self._part_tags(), 1)
        ]
        self._kind = self._kind & ~CUT | OUT | LOADED

    def _peek(self, tag: str) -> F | str | None:
        """The first field with a tag, to be read only; its content where it is not handed out."""
        if not self._kind & _NOT_PURE:
            # Straight from the bytes: nothing changes, so no other thread matters.
            return self._first_content(tag)
        with lock_of(self):
            if not self._is_cut():
                return self._get(tag, None)
            index = self._find(tag)
            if not index or index in self._given:
                return self._given[index][0] if index else None
            return self._read(self._fields[index])

    def _answer(self, query: str) -> str | None:
        """What the first field with a tag says: to its tag and codes, as `_core.ask` has them."""
        if self._kind & _ANSWERS_OUT == ANSWERS:
            origin, told = self._origin, self._told
            if told and query in origin.places:
                origin.told += 1
                if origin.has_more:
                    told = told.split(FIELD_MARK)[origin.places[query]]
                return None if told == DELIMITER else told
        if not self._kind & LOADED:
            self._origin.note(query)
        found: Any = self._peek(query[:3])
        if found is None:
            return None
        if len(query) == 3:
            return found if found.__class__ is str else found.data
        answer = _subfield(found, query[3])
        if answer:
            for code in query[4:]:
                value = _subfield(found, code)
                if value:
                    answer += f" {value}"
        return answer

    def _read(self, content: bytes) -> str:
        try:
            return content.decode()
        except UnicodeDecodeError:
            self._decoded()  # which says where
            raise

    # ---- the record as it is now

    def _encoded(self) -> bytes:
        """The record as it is now, in the flat form. Raises the error of what has none."""
        if not self._kind & (OUT | LEADER_OUT | _NOT_PLAIN):
            return self._data
        try:
            if other_threads():
                with lock_of(self):
                    parts = self._encoded_parts()
            else:
                parts = self._encoded_parts()
            parts.append(_RECORD_END)
            return FIELD_END.join(parts)
        except UnicodeEncodeError as error:
            self._refuse()
            raise UnmappableCharacter(
                f"half of a surrogate pair, {error.object[error.start]!r}, is no character"
            ) from None

    def _checked(self) -> bytes:
        """The same, once all that was handed out is seen to have the shape that its tag says."""
        flat = self._joined(True) if self._kind & LOADED and not other_threads() else None
        if flat is None:
            self._check_values()
            flat = self._encoded()
        return flat

    def _joined(self, is_flat: bool) -> bytes | None:
        """The record of fields that are as they should be; None to look at each closely.

        It is in the flat form, or ISO 2709.
        """
        parts, delimiters = [str(self.leader)], 0
        append = parts.append
        try:
            for field in self._fields:
                text = field._kept
                if text is None:
                    if field._odd is not None:
                        return None
                    append(field.tag)
                    parts += field._indicators
                    for code, value in field._subfields:
                        append(code)
                        append(value)
                else:
                    if text.__class__ is Common:
                        text = field._found(text)
                    append(f"{AS_IT_IS[field._indicators is None]}{field.tag}")
                    append(text)
                    delimiters += text.count(DELIMITER)
                append(FIELD_MARK)
            return joined(parts, len(self._fields), delimiters, is_flat)
        except NOT_AS_IT_SHOULD_BE:
            return None

    def _encoded_parts(self) -> list[bytes]:
        """Leader and directory, and behind it each field."""
        if not self._is_cut():
            fields = self._fields[:]  # another thread may add to it
            leader, tags = str(self.leader), [field.tag for field in fields]
            if not leader.isascii() or not {3}.issuperset(map(len, tags)):
                self._refuse()
            contents = "\x1e".join([field._text() for field in fields])
            head = leader + _NO_NUMBERS.join([*tags, ""])
            return [head.encode(), contents.encode()] if fields else [head.encode()]
        parts = self._fields[:]
        for index, (field, _) in self._given.items():
            content = field._kept
            if content.__class__ is not str:
                content = field._text()
            parts[index] = content.encode()
        if self._kind & (LEADER_OUT | _NOT_PLAIN):
            parts[0] = str(self.leader).encode("ascii") + parts[0][LEADER_LEN:]
        return parts

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
            if "\x1e" in text or "\x1d" in text:
                raise DelimiterInData(
                    "a value holds a terminator of ISO 2709, 1D or 1E", tag=field.tag
                )

    def _patched(self) -> bytes | None:
        """The bytes of a plain record that is not cut, the fields that are handed out in them.

        None where these have to be looked at closely.
        """
        changes = ""
        for tag, field in self._firsts:
            text: Any = field._kept
            if text.__class__ is not str and (text := _simple_text(field)) is None:
                return None
            if field.tag is not tag or FIELD_MARK in text:
                return None
            changes += f"{tag}{text}\x1e"
        try:
            return _core.replace(self._data, changes.encode())
        except UnicodeEncodeError:
            return None

    def _check_values(self) -> None:
        """See that what was handed out still has the shape that its tag says.

        A delimiter that somebody put into a value or a code would make subfields of its own.
        """
        if not self._kind & OUT:
            return
        with lock_of(self):
            is_cut = self._is_cut()
            handed_out = [pair[0] for pair in self._given.values()] if is_cut else self._fields[:]
        for field in handed_out:
            if field.control_field != (field.tag in CONTROL_TAGS):
                what = "a control field" if field.control_field else "a field with subfields"
                raise TagInvalid(f"{field.tag!r} is no tag for {what}", tag=field.tag)
            if field.control_field or field._content is not None:
                continue
            for code, value in field._subfields:
                if not isinstance(value, str):
                    raise TypeError(
                        f"subfield {code!r} of field {field.tag} holds text, "
                        f"not {type(value).__name__}"
                    )
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

    def _source(self) -> tuple[bytes, str]:
        """The record as it is now, for the core, and the format of that: marc or flat."""
        if self._kind & OUT or self._origin.encoding is None or self._leader_changed():
            return self._checked(), "flat"
        return self._data, "flat" if self._kind & FLAT else "marc"

    def _convert(
        self,
        target: str,
        target_encoding: int = Encoding.KEPT,
        unmappable: str = "error",
        replace_forbidden: bool = False,
    ) -> bytes:
        """The record as the core writes it in another format."""
        data, source = self._source()
        converter = _core.converter_of(
            source,
            target,
            self._origin.encoding or Encoding.KEPT,
            target_encoding,
            unmappable,
            self._origin.references,
            replace_forbidden,
            self._origin.is_lenient,
        )
        # What is wrong with a record that is read all the same is in its `errors`.
        problems: list[MarcError] | None = [] if self._origin.is_lenient else None
        try:
            return converter.convert_one(data, problems=problems)
        except MarcError as problem:
            if source == "flat":
                self._refuse()
            raise self._placed(problem) from None

    def _leader_changed(self) -> bool:
        return bool(self._kind & LEADER_OUT) and str(self.leader) != self._head()

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
        if encoding is None:
            kind = self._kind
            if not kind & _NOT_KEPT_PURE:
                return self._data
            if not other_threads():
                made = self._written_soon() if kind & _NOT_KEPT else self._patched()
                if made is not None:
                    return made
        if other_threads():
            with lock_of(self):
                return self._written(encoding, unmappable)
        return self._written(encoding, unmappable)

    def _written_soon(self) -> bytes | None:
        """The record in UTF-8, if it is that and there is nothing to be looked at closely."""
        kind = self._kind
        if kind & LOADED and self._origin.codec is None:
            return self._joined(False) if str(self.leader)[9] == "a" else None
        if kind != FLAT or self._data[9:10] != b"a":
            return None
        return _core.assemble(self._data)

    def _written(self, encoding: str | None, unmappable: str) -> bytes:
        origin = self._origin
        if encoding is None:
            is_changed = self._kind & OUT or self._leader_changed()
            if origin.codec is None:
                if self._is_plain() and not is_changed:
                    return self._data
                return self._as_kept(unmappable)
            if not is_changed and not self._kind & FLAT:
                return self._data
            encoding = origin.codec
        number = _core.encoding_number(encoding)
        if number is not None:
            return self._convert("marc", number, unmappable)
        return self._in_codec(check_codec(encoding))

    def _written_in(self, normalization: int, encoding: str | None, unmappable: str) -> bytes:
        """The same as `as_marc`, with text in a form of Unicode, but in MARC-8."""
        if normalization == Normalization.NONE:
            return BaseRecord.as_marc(self, encoding, unmappable=unmappable)
        origin = self._origin
        codec = origin.codec if encoding is None else encoding
        number = _core.encoding_number(codec)
        if number is None:
            return self._in_codec(check_codec(codec or ""), normalization)
        data = BaseRecord.as_marc(self, encoding, unmappable=unmappable)
        number = number or origin.encoding or (Encoding.UTF8 if data[9:10] == b"a" else 0)
        if number != Encoding.UTF8 or data.isascii():
            return data
        converter = _core.converter_of("marc", "marc", number, normalization=normalization)
        try:
            return converter.convert_one(data)
        except MarcError as problem:
            raise self._placed(problem) from None

    def _in_codec(self, codec: str, normalization: int = Normalization.NONE) -> bytes:
        """In an encoding that only Python knows."""
        flat = self._checked()
        if normalization:
            converter = _core.converter_of("flat", "flat", normalization=normalization)
            flat = converter.convert_one(flat)
        text = flat.decode()
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
        if self._kind & OUT:
            flat = self._checked()
            made = _core.assemble(flat) if flat[9:10] == b"a" else None
            if made is not None:
                return made
        is_read = self._kind & (Kind.OTHER | FLAT) == Kind.OTHER
        if is_read and self._kind & OUT and self._flat() == self._encoded():
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

    def __iter__(self) -> Iterator[F]:
        return iter(self.fields)

    def __contains__(self, tag: str) -> bool:
        """Whether there is a field with this tag."""
        with lock_of(self):
            if self._is_cut():
                return bool(self._find(tag))
            return any(field.tag == tag for field in self._fields)

    def __getitem__(self, tag: str) -> F:
        """The first field with this tag. Raises KeyError if there is none."""
        kind = self._kind
        if kind & READY and not other_threads():
            ((first, field),) = self._firsts
            if first == tag:
                self._origin.told += 1
                self._kind = kind ^ _READY_OUT
                return field
        is_shared = kind & _NOT_PURE or other_threads()
        found = self.get(tag) if is_shared else self._hand_out_first(tag)
        if found is None:
            raise KeyError(tag)
        return found

    def get(self, tag: str, default: F | None = None) -> F | None:
        """The first field with this tag, or `default`."""
        if other_threads():
            with lock_of(self):
                return self._get(tag, default)
        return self._get(tag, default)

    def _get(self, tag: str, default: F | None) -> F | None:
        kind = self._kind
        if not kind & _NOT_WHOLE and (not kind & OUT or self._has_tags()):
            field = self._hand_out_first(tag)
            return default if field is None else field
        if self._is_cut():
            index = self._find(tag)
            return self._hand_out(index, tag) if index else default
        for field in self._fields:
            if field.tag == tag:
                return field  # type: ignore[no-any-return]
        return default

    def get_fields(self, *tags: str) -> list[F]:
        """All fields with any of these tags, in the record's order; without tags all there are."""
        return self._with_tags(tags) if tags else list(self.fields)

    def _with_tags(self, wanted: Collection[str]) -> list[F]:
        with lock_of(self):
            if not self._is_cut():
                return [field for field in self._fields if field.tag in wanted]
            return [
                self._hand_out(index, tag)
                for index, tag in enumerate(self._part_tags(), 1)
                if tag in wanted
            ]

    def add_field(self, *fields: F) -> None:
        """Add fields at the end."""
        if self._kind & LOADED:
            for field in fields:
                _ = field.tag  # what is no field has none
            self._fields.extend(fields)
            return
        if other_threads():
            with lock_of(self):
                for field in fields:
                    self._put(None, field)
            return
        for field in fields:
            self._put(None, field)

    def add_ordered_field(self, *fields: F) -> None:
        """Add each field before the first with a higher tag. A tag that is no number goes last."""
        with lock_of(self):
            for field in fields:
                self._put(self._place(field.tag, 3), field)

    def add_grouped_field(self, *fields: F) -> None:
        """Add each field behind those of its block (1XX, 2XX, …) and before higher ones."""
        with lock_of(self):
            for field in fields:
                self._put(self._place(field.tag, 1), field)

    def _tag_list(self) -> list[str]:
        """The tags of all fields."""
        return self._part_tags() if self._is_cut() else [field.tag for field in self._fields]

    def _place(self, new: str, digits: int) -> int | None:
        """The index to insert a field at, by its tag; None for the end."""
        if not new.isdigit():
            return None
        for index, tag in enumerate(self._tag_list()):
            if not tag.isdigit() or tag[:digits] > new[:digits]:
                return index
        return None

    def _put(self, index: int | None, field: F) -> None:
        """Insert a field, or with None add it at the end."""
        tag = field.tag
        entry = _tags.get(tag) or _tag_bytes(tag)
        if entry is _NO_TAG or not self._is_cut():
            fields = self.fields
            fields.insert(len(fields) if index is None else index, field)
            return
        parts = self._fields
        if index is None:
            index = len(parts)
            parts.append(b"")
            parts[0] += entry + _NO_PLACE
        else:
            index += 1
            self._given = {at + (at >= index): pair for at, pair in self._given.items()}
            parts.insert(index, b"")
            at = _ENTRY_LEN * (index + 1)
            parts[0] = parts[0][:at] + entry + _NO_PLACE + parts[0][at:]
        self._given[index] = field, tag
        self._kind |= OUT

    def _drop(self, index: int) -> None:
        """Remove the part at an index, once cut."""
        self._given.pop(index, None)
        self._given = {at - (at > index): pair for at, pair in self._given.items()}
        parts = self._fields
        del parts[index]
        at = _ENTRY_LEN * (index + 1)
        parts[0] = parts[0][:at] + parts[0][at + _ENTRY_LEN :]
        self._kind |= OUT

    def _remove(self, field: F) -> None:
        """Remove this very field. Raises ValueError if the record does not have it."""
        with lock_of(self):
            if not self._is_cut():
                del self._fields[self._index(field)]
                return
            # What was not handed out nobody can have.
            found = [index for index, (other, _) in self._given.items() if other is field]
            self._drop(min(found))  # ValueError

    def _index(self, field: F) -> int:
        """Where this very field stands in `fields`. Raises ValueError if it does not."""
        for index, other in enumerate(self.fields):
            if other is field:
                return index
        raise ValueError

    def remove_fields(self, *tags: str) -> None:
        """Remove all fields with any of these tags."""
        with lock_of(self):
            if not self._is_cut():
                self._fields[:] = [field for field in self._fields if field.tag not in tags]
                return
            for tag in tags:
                index = self._find(tag)
                while index:
                    self._drop(index)
                    index = self._find(tag, index)

    def _linked(self, field: Field) -> list[F]:
        """The fields 880 that a field's $6 is linked to."""
        number = field.linkage_occurrence_num()
        return [
            other for other in self.get_fields("880") if other.linkage_occurrence_num() == number
        ]


def _subfield(found: Field | str, code: str) -> str | None:
    """The first subfield with a code, of what `_peek` finds for the tag of a data field."""
    content: Any = found
    if content.__class__ is not str:
        return content.get(code)  # type: ignore[no-any-return]
    start = content.find(DELIMITER + code)
    if start < 0:
        return None
    end = content.find(DELIMITER, start + 1)
    return content[start + 2 : end if end >= 0 else None]


def _simple_text(field: Field) -> str | None:
    """The content of a field that is as it should be; None where it has to be looked at closely."""
    kept = field._kept
    if kept is not None:
        return kept if kept.__class__ is str else field._content
    if field.control_field or field._odd is not None:
        return None
    text = content_of(field._indicators, field._subfields)
    # A delimiter in a value would make a subfield of its own.
    return text if text and text.count(DELIMITER) == len(field._subfields) else None


def content_of(indicators: Sequence[str], subfields: Sequence[tuple[str, str]]) -> str | None:
    """The content of a data field; None where one of its parts is not as it should be.

    That no value holds a delimiter has still to be seen.
    """
    first, second = indicators
    try:
        text = _CHARACTERS[first] + _CHARACTERS[second]
        for code, value in subfields:
            text = f"{text}{MARKED[code]}{value}"
    except (KeyError, TypeError):
        return None
    return text


def joined(parts: list[str], fields: int, delimiters: int, is_flat: bool) -> bytes | None:
    """A record from the parts of so many fields, see `mrrc_join`; None where one is not sound.

    `delimiters` are those in contents. TypeError for a part that is no text, UnicodeEncodeError for
    half of a surrogate pair.
    """
    text = DELIMITER.join(parts).encode()
    return _core.join(text, fields, len(parts) - 1 + delimiters, is_flat)


def _tag_bytes(tag: str) -> bytes:
    """A tag as it stands in a directory, `_NO_TAG` for what cannot stand there."""
    is_tag = isinstance(tag, str) and len(tag) == 3 and tag.isascii() and tag.isprintable()
    if not is_tag or " " in tag:
        return _NO_TAG
    entry = tag.encode()
    if len(_tags) < _TAGS_MAX:
        _tags[tag] = entry
    return entry


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
    _, count = scanner.scan(buffer.address, len(data), FINAL)
    if not count:
        raise _core.error_of(scanner.problem)
    kind: int = scanner.kinds[0]
    if kind == Kind.GAP or scanner.bounds[1] != len(data):
        raise RecordLengthInvalid(
            f"one record was expected, the data of {len(data)} bytes is not just that",
            found=data[:12],
        )
    return kind & KINDS
