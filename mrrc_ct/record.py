"""The record, and the kinds of it that leader/06 tells apart."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from . import accessors
from ._batch import FLAT, LEADER_OUT, NOWHERE, Origin
from ._locks import lock_of
from .base import AS_IT_IS, FIELD_MARK, NOT_AS_IT_SHOULD_BE, BaseRecord, check_one, joined
from .errors import FieldNotFound, MarcError, MissingLinkedFields
from .field import BLANKS, CONTROL_TAGS, DELIMITER, Field, Subfield, full_tag
from .leader import Leader

# The module typing takes longer to import than all of this package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Union

    from .query import Query

    #: A field as plain data: `("001", "42")`, or `("245", "10", [("a", "Odes /")])`.
    FieldTuple = Union[tuple[str, str], tuple[str, Sequence[str], Iterable[tuple[str, str]]]]


class Record(BaseRecord[Field]):
    """A MARC record: a leader and fields.

        record = Record()
        record.add_field(Field("245", ("1", "0"), [Subfield("a", "Odes")]))
        record["245"]["a"]

    `leader` is a `Leader`, `fields` the list of `Field`; both can be changed in place. Records are
    equal when leader and fields are; since they can be changed they have no hash.
    """

    __slots__ = ()

    _field_class = Field

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
        origin = Origin(None, from_encoding) if from_encoding else NOWHERE
        if data:
            if fields is not None or leader is not None:
                raise TypeError("a record is made from data or from fields and a leader")
            data = bytes(data)
            self._take(data, check_one(data), origin)
            return
        # A leader that was handed in stays its owner's.
        leader = Leader() if leader is None else Leader(str(leader))
        self._take_fields(leader, list(fields) if fields is not None else [], origin)

    @classmethod
    def from_fields(
        cls, fields: Iterable[FieldTuple], leader: Leader | str | None = None
    ) -> Record:
        """A record from plain tuples: tag and data, or tag, indicators and (code, value) pairs.

            Record.from_fields([
                ("001", "42"),
                ("245", "10", [("a", "Odes /"), ("c", "Pindar.")]),
            ])

        Raises ValueError for a tuple of another shape.
        """
        fields = list(fields)
        leader = Leader() if leader is None else Leader(str(leader))
        flat = _flat_of(leader.leader, fields)
        if flat is None:
            # Something is not as it should be, and is told when the record is written.
            return cls(fields=[_field_of(item) for item in fields], leader=leader)
        record = cls.__new__(cls)
        record._take(flat, FLAT, NOWHERE)
        return record

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Record):
            return NotImplemented
        return str(self.leader) == str(other.leader) and self.fields == other.fields

    __hash__ = None  # type: ignore[assignment]  # it can be changed in place

    def __repr__(self) -> str:
        name = type(self).__name__
        try:
            number, title, count = self.get("001"), self._heading(), len(self.fields)
        except MarcError as error:
            return f"<{name} that cannot be read: {error}>"
        head = f"<{name} {number.value().strip()!r}" if number else f"<{name}"
        return f"{head} {title!r}, {count} fields>" if title else f"{head}, {count} fields>"

    def _heading(self) -> str | None:
        """What people would call the record."""
        return self.title()

    # ---- control fields, occurrences

    def control_field(self, tag: str) -> str | None:
        """The data of the first control field with this tag, None without one."""
        return self._answer(tag) if tag in CONTROL_TAGS else None

    def control_field_values(self, tag: str) -> list[str]:
        """The data of all control fields with this tag: 006 and 007 may repeat."""
        return [field.value() for field in self.get_fields(tag) if field.control_field]

    def control_fields(self) -> list[tuple[str, str]]:
        """Tag and data of every control field."""
        return [(field.tag, field.value()) for field in self.fields if field.control_field]

    def field_at(self, tag: str, occurrence: int) -> Field | None:
        """The field with this tag that `occurrence` others come before, None if there is none."""
        found = self.get_fields(tag)
        return found[occurrence] if 0 <= occurrence < len(found) else None

    def remove_field(self, *fields: Field) -> None:
        """Remove these very fields. Raises FieldNotFound for one that is not in the record."""
        for field in fields:
            try:
                self._remove(field)
            except ValueError:
                raise _not_found(field) from None

    def replace_field(self, old: Field, new: Field) -> None:
        """Put a field in the place of another. Raises FieldNotFound if that is not there."""
        with lock_of(self):
            try:
                index = self._index(old)
            except ValueError:
                raise _not_found(old) from None
            self.fields[index] = new

    # ---- queries

    def fields_matching(self, query: Query) -> list[Field]:
        """The fields that a query is true of, in the record's order.

            record.fields_matching(tag("650", "651") & indicator2("0") & has_subfield("a"))

        Queries are made with the words of `mrrc_ct.query`.
        """
        return [field for field in self.fields if query.matches(field)]

    # ---- links between fields (MARC 21 Format, Appendix A, subfield $6)

    def get_linked_fields(self, field: Field) -> list[Field]:
        """The fields 880 that are linked to a field by its $6.

        None for a field without $6, and for occurrence number 00, which means that there is no
        link. Raises MissingLinkedFields when there should be one.
        """
        if field.linkage_occurrence_num() in (None, "00"):
            return []
        linked = self._linked(field)
        if not linked:
            raise MissingLinkedFields(field)
        return linked

    def get_linked_field(self, field: Field) -> Field | None:
        """The first field 880 that a field is linked to, None without one."""
        number = field.linkage_occurrence_num()
        linked = self._linked(field) if number not in (None, "00") else []
        return linked[0] if linked else None

    def get_original_field(self, field: Field) -> Field | None:
        """The field that a field 880 is linked to by its $6, None without one."""
        linkage, number = field.get("6"), field.linkage_occurrence_num()
        if not linkage or number in (None, "00"):
            return None
        for other in self.get_fields(linkage[:3]):
            if other.linkage_occurrence_num() == number:
                return other
        return None

    def get_field_pairs(self, tag: str) -> list[tuple[Field, Field | None]]:
        """Each field with this tag, and beside it the field 880 that it is linked to, or None."""
        linked = {
            other.linkage_occurrence_num(): other for other in reversed(self.get_fields("880"))
        }
        for unlinked in (None, "00"):
            linked.pop(unlinked, None)
        return [
            (field, linked.get(field.linkage_occurrence_num())) for field in self.get_fields(tag)
        ]

    # ---- what the leader says

    def record_type(self) -> str:
        """Leader/06, the type of record; `leader.describe("type_of_record")` has it in words."""
        return self._leader_byte(6)

    def _leader_byte(self, position: int) -> str:
        if self._kind & LEADER_OUT:
            return self.leader[position]
        return chr(self._data[position])

    def is_book(self) -> bool:
        """Books: leader/06 a or t, leader/07 a, c, d or m."""
        return self._leader_byte(6) in "at" and self._leader_byte(7) in "acdm"

    def is_serial(self) -> bool:
        """Serials and their parts: leader/07 s or b."""
        return self._leader_byte(7) in "sb"

    def is_continuing_resource(self) -> bool:
        """Continuing resources, as field 008 takes them: leader/06 a, leader/07 b, i or s."""
        return self._leader_byte(6) == "a" and self._leader_byte(7) in "bis"

    def is_music(self) -> bool:
        """Music, notated, manuscript or recorded: leader/06 c, d or j."""
        return self._leader_byte(6) in "cdj"

    def is_sound_recording(self) -> bool:
        """Sound recordings, musical or not: leader/06 i or j."""
        return self._leader_byte(6) in "ij"

    def is_map(self) -> bool:
        """Cartographic material: leader/06 e or f."""
        return self._leader_byte(6) in "ef"

    def is_audiovisual(self) -> bool:
        """Projected media, films and videos: leader/06 g."""
        return self._leader_byte(6) == "g"

    def is_visual_material(self) -> bool:
        """Visual materials, as field 008 takes them: leader/06 g, k, o or r."""
        return self._leader_byte(6) in "gkor"

    def is_computer_file(self) -> bool:
        """Computer files: leader/06 m."""
        return self._leader_byte(6) == "m"

    def is_mixed_material(self) -> bool:
        """Mixed materials: leader/06 p."""
        return self._leader_byte(6) == "p"

    def is_manuscript(self) -> bool:
        """Manuscripts: leader/06 d, f or t."""
        return self._leader_byte(6) in "dft"

    def is_bibliographic(self) -> bool:
        """Whether leader/06 is one of the bibliographic format's values."""
        return self._leader_byte(6) in "acdefgijkmoprt"

    def is_authority(self) -> bool:
        """Authority records: leader/06 z."""
        return self._leader_byte(6) == "z"

    def is_holdings(self) -> bool:
        """Holdings records: leader/06 u, v, x or y."""
        return self._leader_byte(6) in "uvxy"

    # ---- what the record says

    title = accessors.title
    issn_title = accessors.issn_title
    author = accessors.author
    uniform_title = accessors.uniform_title
    isbn = accessors.isbn
    issn = accessors.issn
    issnl = accessors.issnl
    sudoc = accessors.sudoc
    series = accessors.series
    subjects = accessors.subjects
    added_entries = accessors.added_entries
    notes = accessors.notes
    location = accessors.location
    physical_description = accessors.physical_description
    publisher = accessors.publisher
    pubyear = accessors.pubyear


def _flat_of(leader: str, fields: list[FieldTuple]) -> bytes | None:
    """The flat form of fields as plain tuples; None where one is not as it should be."""
    parts, delimiters = [leader], 0
    append = parts.append
    item: Any
    try:
        for item in fields:
            tag = item[0]
            if tag in CONTROL_TAGS:
                _, text = item
                append(AS_IT_IS[True] + tag)
                append(text)
                delimiters += text.count(DELIMITER)
            else:
                _, indicators, subfields = item
                len(subfields)  # TypeError for what can be gone through only once
                first, second = indicators or BLANKS
                parts += tag, first, second
                for code, value in subfields:
                    append(code)
                    append(value)
            append(FIELD_MARK)
        return joined(parts, len(fields), delimiters, True)
    except NOT_AS_IT_SHOULD_BE:
        return None


def _field_of(item: Any) -> Field:
    """A field as a plain tuple. Raises ValueError for one of another shape."""
    tag = item[0]
    if len(item) != (2 if full_tag(tag) in CONTROL_TAGS else 3):
        raise ValueError(
            f"a control field is (tag, data), any other (tag, indicators, pairs): {item!r}"
        )
    if len(item) == 2:
        return Field(tag, data=item[1])
    first, second = item[1] or BLANKS
    return Field(tag, (first, second), [Subfield(code, value) for code, value in item[2]])


def _not_found(field: Field) -> FieldNotFound:
    return FieldNotFound(f"the record does not have this field {field.tag}", tag=field.tag)


class AuthorityRecord(Record):
    """A record of the authority format, leader/06 z. A reader yields it where the leader says so.

    A name or subject as it is established (the heading), and the forms it is not entered under.
    """

    __slots__ = ()

    def heading(self) -> Field | None:
        """The heading: the first field of 1XX."""
        found = self._of_block("1")
        return found[0] if found else None

    def heading_text(self) -> str | None:
        """The heading, formatted, with `--` before each subdivision ($v, $x, $y, $z)."""
        heading = self.heading()
        return heading._formatted(True) if heading else None

    def see_from_tracings(self) -> list[Field]:
        """Tracings of forms that are not used: 4XX."""
        return self._of_block("4")

    def see_also_tracings(self) -> list[Field]:
        """Tracings of related headings: 5XX."""
        return self._of_block("5")

    def notes(self) -> list[Field]:
        """Notes: the fields of 66X, 67X and 68X."""
        return [field for field in self.fields if field.tag[:2] in ("66", "67", "68")]

    def linking_entries(self) -> list[Field]:
        """Headings of other systems for the same: 7XX."""
        return self._of_block("7")

    def _of_block(self, digit: str) -> list[Field]:
        return [field for field in self.fields if field.tag.startswith(digit)]

    def _heading(self) -> str | None:
        return self.heading_text()


class HoldingsRecord(Record):
    """A record of the holdings format, leader/06 u, v, x or y.

    A reader yields it where the leader says so. Captions (85X) and enumeration (86X) go together
    by their $8; `basic` is the main run, beside which there may be supplements and indexes.
    """

    __slots__ = ()

    def locations(self) -> list[Field]:
        """Locations: 852."""
        return self.get_fields("852")

    def captions_basic(self) -> list[Field]:
        """Captions and patterns of the basic unit: 853."""
        return self.get_fields("853")

    def captions_supplements(self) -> list[Field]:
        """Captions and patterns of supplements: 854."""
        return self.get_fields("854")

    def captions_indexes(self) -> list[Field]:
        """Captions and patterns of indexes: 855."""
        return self.get_fields("855")

    def enumeration_basic(self) -> list[Field]:
        """Enumeration and chronology of the basic unit: 863."""
        return self.get_fields("863")

    def enumeration_supplements(self) -> list[Field]:
        """Enumeration and chronology of supplements: 864."""
        return self.get_fields("864")

    def enumeration_indexes(self) -> list[Field]:
        """Enumeration and chronology of indexes: 865."""
        return self.get_fields("865")

    def textual_holdings_basic(self) -> list[Field]:
        """Holdings of the basic unit as text: 866."""
        return self.get_fields("866")

    def textual_holdings_supplements(self) -> list[Field]:
        """Holdings of supplements as text: 867."""
        return self.get_fields("867")

    def textual_holdings_indexes(self) -> list[Field]:
        """Holdings of indexes as text: 868."""
        return self.get_fields("868")

    def captioned_enumeration(self) -> list[tuple[Field, Field | None]]:
        """Each enumeration (863 to 865), and beside it the caption that its $8 names, or None.

        $8 is a link number, a point and a sequence number; the caption (853 to 855, ten less) has
        the same link number.
        """
        captions = {
            (field.tag, (field.get("8") or "").partition(".")[0]): field
            for field in reversed(self.get_fields("853", "854", "855"))
        }
        pairs = []
        for field in self.get_fields("863", "864", "865"):
            link = (field.get("8") or "").partition(".")[0]
            pairs.append((field, captions.get((f"85{int(field.tag[2])}", link))))
        return pairs

    def _heading(self) -> str | None:
        found = self.get_fields("852")
        return found[0].format_field() if found else None


_CLASSES = {"z": AuthorityRecord, **dict.fromkeys("uvxy", HoldingsRecord)}


def record_class(leader_06: str) -> type[Record]:
    """The class for a type of record, leader/06."""
    return _CLASSES.get(leader_06, Record)


def flat_record(data: bytes, origin: Origin = NOWHERE, index: int = 0) -> Record:
    """A record from the flat form that the core's readers of text formats give."""
    record_type = record_class(chr(data[6]))
    record = record_type.__new__(record_type)
    record._take(data, FLAT, origin)
    record._turn = index
    return record
