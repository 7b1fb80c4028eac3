"""pymarc's `Record` over the package's own."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator

from .. import _core, accessors
from .. import leader as native
from .._batch import CUT, FLAT, KINDS, LEADER_OUT, LOADED, NOWHERE, OUT
from .._bindings import CLOSELY, FINAL, UTF8, Kind, Status
from .._locks import lock_of, other_threads
from ..base import BaseRecord
from ..errors import FieldTooLong, MarcError, RecordTooLong
from ..field import CONTROL_TAGS
from . import _lax
from ._lax import normalize_subfield_code
from .constants import DIRECTORY_ENTRY_LEN, LEADER_LEN
from .exceptions import FieldNotFound, MissingLinkedFields
from .field import Field, map_marc8_field
from .leader import Leader

# The module typing takes longer to import than all of this package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, Generic, TypeVar

    T = TypeVar("T")

    class _Says(Generic[T]):
        """A property that is a function of the record. As a property it would have no type."""

        def __init__(self, what: Callable[[Any], T]) -> None: ...

        def __get__(self, record: Record, owner: type | None = None) -> T: ...

    class _Default(Generic[T]):
        """An attribute that is this until it is set: nothing has to be set in each record."""

        def __init__(self, value: T) -> None: ...

        def __get__(self, record: Record, owner: type | None = None) -> T: ...

        def __set__(self, record: Record, value: T) -> None: ...

else:
    _Says = property

    class _Default:
        def __init__(self, value):
            self._value = value

        def __set_name__(self, owner, name):
            self._slot = f"_{name}"

        def __get__(self, record, owner=None):
            return getattr(record, self._slot, self._value)

        def __set__(self, record, value):
            setattr(record, self._slot, value)


__all__ = ["Record", "isbn_regex", "logger", "map_marc8_record", "normalize_subfield_code"]

#: Leader/09 of a record in Unicode.
_CODING_UNICODE = ord("a")

isbn_regex = re.compile(r"([0-9\-xX]+)")
logger = logging.getLogger("pymarc")


class Record(BaseRecord[Field]):
    """A MARC record: a leader and fields.

        record = Record()
        record.add_field(Field("245", Indicators("1", "0"), [Subfield("a", "Odes")]))
        record.title

    Two records are equal when they are the same object.
    """

    __slots__ = ("_force_utf8", "_pos", "_position", "_to_unicode")

    _field_class = Field
    _leader_class = Leader
    _position: int
    force_utf8 = _Default(False)
    pos = _Default(0)
    to_unicode = _Default(True)

    def __init__(
        self,
        data: bytes = b"",
        fields: list[Field] | None = None,
        to_unicode: bool = True,
        force_utf8: bool = False,
        hide_utf8_warnings: bool = False,
        utf8_handling: str = "strict",
        leader: str = " " * LEADER_LEN,
        file_encoding: str = "iso8859-1",
    ) -> None:
        """Make a record of these fields, or one from its ISO 2709 bytes, or an empty one.

        `to_unicode=False` leaves the fields of `data` as bytes; `force_utf8` takes it for UTF-8
        whatever leader/09 says; `utf8_handling` is what Python's codecs call errors;
        `file_encoding` is a codec for `data` that is neither UTF-8 nor MARC-8. Raises the
        exceptions of `decode_marc`.
        """
        start = Leader(f"{leader[0:10]}22{leader[12:20]}4500")
        self._take_fields(start, fields or [], NOWHERE)
        if force_utf8:
            self.force_utf8 = True
        if not to_unicode:
            self.to_unicode = False
        if fields:
            return
        if len(data) > 0:
            self.decode_marc(
                data, to_unicode, force_utf8, hide_utf8_warnings, utf8_handling, file_encoding
            )
        elif force_utf8:
            start.coding_scheme = "a"

    if TYPE_CHECKING:

        @property
        def leader(self) -> Leader:
            """The leader. It can be changed in place or set."""

        @leader.setter
        def leader(self, value: native.Leader | str) -> None: ...

    def _as_leader(self, value: Any) -> Any:
        return value  # a string stays one

    def __iter__(self) -> Iterator[Field]:
        """The fields."""
        self._position = 0
        return iter(self.fields)

    def __next__(self) -> Field:
        """The field behind the one that was last asked for so."""
        position = getattr(self, "_position", 0)
        if position >= len(self.fields):
            raise StopIteration
        self._position = position + 1
        return self.fields[position]

    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def get_fields(self, *args: str) -> list[Field]:
        """The fields with any of these tags; without tags `fields` itself."""
        return super().get_fields(*args) if args else self.fields

    def remove_field(self, *fields: Field) -> None:
        """Remove fields. Raises FieldNotFound for one that is not in the record."""
        for field in fields:
            try:
                self._remove(field)
            except ValueError:
                raise FieldNotFound from None

    def get_linked_fields(self, field: Field) -> list[Field]:
        """The fields 880 that a field's $6 is linked to.

        Raises MissingLinkedFields when it has a $6 and nothing goes with it.
        """
        linked = self._linked(field)
        if not linked and field.linkage_occurrence_num() is not None:
            raise MissingLinkedFields(field)
        return linked

    # ---- reading

    def decode_marc(
        self,
        marc: bytes,
        to_unicode: bool = True,
        force_utf8: bool = False,
        hide_utf8_warnings: bool = False,
        utf8_handling: str = "strict",
        encoding: str = "iso8859-1",
    ) -> None:
        """Take leader and fields from the ISO 2709 bytes of a record.

        Raises RecordLeaderInvalid, BaseAddressNotFound, BaseAddressInvalid, TruncatedRecord,
        RecordDirectoryInvalid, NoFieldsFound, UnicodeDecodeError for text that is not in its
        encoding, and ValueError for a number that is none.
        """
        force_utf8 = force_utf8 or self.force_utf8
        if to_unicode and self._kind & LOADED and not self._fields:
            kind = _kind_of(marc, UTF8 if force_utf8 else 0)
            if kind is not None and self._decode_soundly(marc, kind, force_utf8, encoding):
                return
        self.leader = leader = _lax.leader_of(marc)
        found = _lax.fields_of(
            marc, leader, to_unicode, force_utf8, hide_utf8_warnings, utf8_handling, encoding
        )
        for field in found:
            self.add_field(field)

    def _decode_soundly(self, marc: bytes, kind: int, force_utf8: bool, encoding: str) -> bool:
        """Be a record that the core can read; False when it cannot read it as pymarc would."""
        if kind == Kind.PLAIN:
            self._take(marc, kind, NOWHERE)
            return True
        if kind != Kind.OTHER:
            return False
        is_marc8 = marc[9:10] != b"a"
        if is_marc8 and (force_utf8 or encoding != "iso8859-1" or not _is_plain_control(marc)):
            return False
        try:
            flat = _core.converter_of("marc", "flat").convert_one(marc)
        except MarcError:
            return False
        self._take(flat, FLAT, NOWHERE)
        return True

    # ---- writing

    def as_marc(self) -> bytes:  # type: ignore[override]
        """The record in ISO 2709. Leader/09 is set to `a`, unless `to_unicode` is false.

        Raises FieldTooLong and RecordTooLong (of `mrrc_ct.errors`) for more than 9,999 and 99,999
        bytes, TagInvalid for a tag that is not three bytes.
        """
        if other_threads():
            with lock_of(self):
                return self._written_so()
        return self._written_so()

    as_marc21 = as_marc

    def _written_so(self) -> bytes:
        kind = self._kind
        is_unicode = not kind & LEADER_OUT and self._data[9] == _CODING_UNICODE
        if is_unicode and not kind & (OUT | FLAT):
            return self._data
        if not is_unicode:
            if self.to_unicode:
                self._set_coding()
            is_unicode = str(self.leader)[9] == "a"
        if is_unicode:
            try:
                if not kind & OUT:
                    patched = self._with_leader()
                elif not kind & (FLAT | CUT | LOADED | LEADER_OUT):
                    patched = self._patched()
                else:
                    patched = None
                if patched is not None:
                    return patched
                flat = self._encoded()
                made = _core.assemble(flat)
                if made is None:
                    made = _core.converter_of("flat", "marc").convert_one(flat)
                return made
            except (FieldTooLong, RecordTooLong) as error:
                raise self._placed(error) from None
            except (MarcError, TypeError, AttributeError):
                pass  # pymarc's own steps may do
        encoding = "utf-8" if is_unicode or self.force_utf8 else "iso8859-1"
        return _lax.marc_of(str(self.leader), self.fields, encoding)

    def _set_coding(self) -> None:
        """Set leader/09 to say Unicode."""
        leader: Any = self.leader
        if isinstance(leader, Leader):
            leader.leader = f"{leader.leader[:9]}a{leader.leader[10:]}"
        else:
            self.leader = f"{leader[:9]}a{leader[10:]}"

    def as_dict(self) -> dict[str, Any]:
        """The record as MARC-in-JSON has it, in dictionaries and lists."""
        fields: list[dict[str, Any]] = []
        for field in self.fields:
            if field.control_field:
                fields.append({field.tag: field.data})
                continue
            first, second = field.indicators or ("", "")
            subfields = [{code: value} for code, value in field.subfields]
            fields.append({field.tag: {"ind1": first, "ind2": second, "subfields": subfields}})
        return {"leader": str(self.leader), "fields": fields}

    def as_json(self, **kwargs: Any) -> str:
        """The record as MARC-in-JSON. Options are those of `json.dumps`."""
        if not kwargs:
            written = self._as_pymarc("pymarc_json")
            if written is not None:
                return written.decode()
        return json.dumps(self.as_dict(), **kwargs)

    def _as_pymarc(self, target: str) -> bytes | None:
        """The record as the core writes it in pymarc's style; None when it cannot."""
        if self.force_utf8 and not self._kind & OUT:
            self._load()  # its bytes might be taken for MARC-8
        try:
            return self._convert(target)
        except (MarcError, TypeError, AttributeError):
            return None

    # ---- what the record says

    title = _Says(accessors.title)
    issn_title = _Says(accessors.issn_title)
    isbn = _Says(accessors.isbn)
    issn = _Says(accessors.issn)
    issnl = _Says(accessors.issnl)
    sudoc = _Says(accessors.sudoc)
    author = _Says(accessors.author)
    uniformtitle = _Says(accessors.uniform_title)
    series: _Says[list[Field]] = _Says(accessors.series)
    subjects: _Says[list[Field]] = _Says(accessors.subjects)
    addedentries: _Says[list[Field]] = _Says(accessors.added_entries)
    location: _Says[list[Field]] = _Says(accessors.location)
    notes: _Says[list[Field]] = _Says(accessors.notes)
    physicaldescription: _Says[list[Field]] = _Says(accessors.physical_description)
    publisher = _Says(accessors.publisher)
    pubyear = _Says(accessors.pubyear)


def _kind_of(marc: bytes, flags: int) -> int | None:
    """What the core's scan says of bytes that are one whole sound record, None of others."""
    if not isinstance(marc, bytes):
        return None
    scanner = _core.Scanner()
    status, count = scanner.scan(
        _core.FixedBuffer(marc).address, len(marc), FINAL | CLOSELY | flags
    )
    if status != Status.DONE or count != 1 or scanner.bounds[1] != len(marc):
        return None
    return int(scanner.kinds[0] & KINDS)


def _is_plain_control(marc: bytes) -> bool:
    """Whether control fields are ASCII: else pymarc takes them for ISO 8859-1, not for MARC-8.

    `marc` is a sound record.
    """
    base = int(marc[12:17])
    for at in range(LEADER_LEN, base - 1, DIRECTORY_ENTRY_LEN):
        if marc[at : at + 3].decode() in CONTROL_TAGS:
            start = base + int(marc[at + 7 : at + 12])
            data = marc[start : start + int(marc[at + 3 : at + 7])]
            if not data.isascii() or b"\x1b" in data:
                return False
    return True


def map_marc8_record(record: Record) -> Record:
    """Decode a record of MARC-8 bytes in place, and set leader/09."""
    record.fields = [map_marc8_field(field) for field in record.fields]
    leader = str(record.leader)
    record.leader = Leader(f"{leader[:9]}a{leader[10:]}")
    return record
