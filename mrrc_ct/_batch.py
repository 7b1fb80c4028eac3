"""Records of one batch: where they come from, and what is made of all of them at once.

A reader makes what most records of the batch before were asked for, and that for the whole batch.
"""

from __future__ import annotations

import sys
from itertools import repeat, starmap

from . import _core
from ._bindings import Encoding, Kind
from ._locks import other_threads
from .field import CONTROL_TAGS, DELIMITER, Common, Field

# The module typing takes longer to import than all of this package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Optional, TypeVar

    from .base import BaseRecord

    F = TypeVar("F", bound=Field)
    R = TypeVar("R", bound=BaseRecord[Any])
    T = TypeVar("T")

    #: What a batch of records was made into.
    Made = Optional[list[T]]

# What a record is, and how far it is taken apart, in the bits of `_kind` above those of the core's
# kinds. FLAT: its bytes are the flat form. CUT: `_fields` holds its parts, `_given` some fields.
# OUT: a field is handed out, or the list changed; that is the truth now, not the bytes. As long as
# it is neither CUT nor LOADED, `_firsts` has these fields. LOADED: the list itself is handed out,
# in `_fields`, and CUT no more. LEADER_OUT: the leader is.
# What was made of the bytes beforehand, with those of other records: DECODED, `_fields` holds the
# flat form, without its 1D; VALUES, `_values` tells tag and value of each field; ANSWERS, `_told`
# tells what it says to some queries; READY, `_firsts` has a field that is not handed out yet.
FLAT = 1 << 8
CUT = 1 << 9
OUT = 1 << 10
LOADED = 1 << 11
LEADER_OUT = 1 << 12
DECODED = 1 << 13
VALUES = 1 << 14
ANSWERS = 1 << 15
READY = 1 << 16
MADE = DECODED | VALUES | ANSWERS | READY

#: What of the core's kinds says how to read the bytes; the others name the class of the record.
KINDS = Kind.OTHER | Kind.IRREGULAR
_PLAIN_KINDS = bytes([Kind.PLAIN, Kind.AUTHORITY, Kind.HOLDINGS])

#: An object of a class, without what its `__init__` does.
new: Any = object.__new__


def blank(a_class: type[T], count: int) -> list[T]:
    """So many objects of a class, without any of their attributes."""
    return list(starmap(new, repeat((a_class,), count)))


def made_together(a_class: type[F], count: int, common: Common) -> list[F]:
    """So many fields, whose tags and values are still to be set."""
    fields = blank(a_class, count)
    for field in fields:
        field._kept = common
    return fields


def _unused_count() -> int:
    """How often what no field has in common is counted, by who has it in a variable."""
    common = Common(b"", [])
    return sys.getrefcount(common)


class Spares:
    """Fields that a record had and nobody has any more, to be those of another one.

    To make and free an object is a fifth of what a field costs that is asked for its value only.
    """

    __slots__ = ("_slots", "_tries")

    #: A record with more has fields of its own.
    FIELDS_MAX = 100
    #: In so many records of a batch somebody may have kept a field; then all have their own.
    TRIES = 8 if hasattr(sys, "getrefcount") else 0
    if TRIES:
        #: How often a field is counted that only two lists have, one of which is gone through; and
        #: what no field has in common, but who asks.
        ALONE = 1 + sum(map(sys.getrefcount, [object()]))
        UNUSED = _unused_count()

    def __init__(self) -> None:
        # What fields have in common, the fields, and how many of them the record had whose they
        # were. Two of these: a loop's variable still has the last field of the record before. Who
        # works with one has it to himself.
        self._slots: list[tuple[Common, list[Any], int]] = []
        self._tries = self.TRIES

    def __reduce__(self) -> tuple[Any, ...]:
        return Spares, ()  # what a copied record is from has none

    def clear(self) -> None:
        """Forget what fields the last records had."""
        self._slots.clear()

    def take(self, a_class: type[F], flat: bytes, values: list[str]) -> list[F]:
        """Fields for these values and one that ends them, of the record with this flat form."""
        count = len(values) - 1
        if count > self.FIELDS_MAX or not self._tries or other_threads():
            return made_together(a_class, count, Common(flat, values))
        common, fields = self._freed()
        common.flat, common.values = flat, values
        if count > len(fields):
            fields += made_together(a_class, count - len(fields), common)
        self._slots.append((common, fields, count))
        return fields[:count]

    def _freed(self) -> tuple[Common, list[Any]]:
        """What was of the record before the last, where nobody has it any more."""
        if len(self._slots) >= 2:
            common, fields, count = self._slots.pop(0)
            had, looked_into = fields[:count], common.looked_into
            if (
                looked_into is not None
                and sum(map(sys.getrefcount, had)) == self.ALONE * count + len(looked_into)
                # No field has become another, and not said so.
                and sys.getrefcount(common) == self.UNUSED + len(fields) - len(looked_into)
            ):
                for field in looked_into:
                    field._renew(common)
                looked_into.clear()
                return common, fields
            # Who has a field of these is not to have all that are looked into.
            common.looked_into = None
            self._tries -= 1
        common = Common(b"", [])
        common.looked_into = []
        return common, []


class Origin:
    """Where records come from and how they are to be read: one for each batch of a reader."""

    __slots__ = (
        "asked",
        "codec",
        "count",
        "encoding",
        "has_more",
        "is_lenient",
        "loaded",
        "name",
        "number",
        "offset",
        "places",
        "queried",
        "references",
        "spares",
        "starts",
        "tags",
        "told",
    )

    def __init__(
        self,
        name: str | None = None,
        from_encoding: str | None = None,
        references: bool = False,
        is_lenient: bool = False,
    ) -> None:
        """Raises LookupError for an encoding that nobody knows, ValueError for an unfit one."""
        #: The core's number of the encoding, or None when Python's `codec` has to decode.
        encoding = _core.encoding_number(from_encoding)
        codec = None if encoding is not None else check_codec(from_encoding or "")
        self._set(name, encoding, codec, references, is_lenient)

    def _set(
        self,
        name: str | None,
        encoding: int | None,
        codec: str | None,
        references: bool,
        is_lenient: bool,
    ) -> None:
        self.name = name
        self.encoding = encoding
        self.codec = codec
        self.references = references
        #: Whether text that is not what it should be is read as far as it can be.
        self.is_lenient = is_lenient
        self.spares = Spares()
        #: How many records a batch has; how many of them had to be decoded, of how many all
        #: fields were made, and how many queries `_told` answered.
        self.count = self.asked = self.loaded = self.told = 0
        #: Where the answers to these stand among them; and other queries, and how often they came.
        self.places: dict[str, int] = {}
        #: Whether there are more of these than one.
        self.has_more = False
        self.queried: dict[str, int] = {}
        #: The tags by the numbers that `_values` has.
        self.tags: list[str] = []
        self.number, self.offset, self.starts = 0, 0, b""

    def at(self, number: int, offset: int, starts: bytes = b"") -> Origin:
        """The same for other records: the number of the first, 0 where they have none, its offset.

        `starts` are offsets from there, 32-bit numbers of the machine's: where each begins.
        """
        other = new(Origin)
        other._set(self.name, self.encoding, self.codec, self.references, self.is_lenient)
        other.number, other.offset, other.starts = number, offset, starts
        return other  # type: ignore[no-any-return]

    def prepare(
        self,
        former: Origin,
        data: _core.Run,
        start: int,
        end: int,
        kinds: bytes,
        encoding: int | None,
    ) -> tuple[Made[bytes | None], Made[bytes], Made[str]]:
        """Make of the records of a batch at once what most of the batch before had to be made into.

        They stand in `data` from `start` to `end`. For each its flat form, where they are not in
        that already, and None where it has none; what `_values` is to be; and what `_told` is.
        """
        self.count = count = len(kinds) - kinds.count(Kind.GAP)
        former.spares.clear()
        half = former.count // 2
        wants_flat, wants_values = former.asked > half, former.loaded > half
        queries = former._often(half)
        if self.codec is not None or self.is_lenient or not (wants_flat or wants_values or queries):
            return None, None, None
        records = data[start:end]
        flats = values = answers = None
        if encoding == Encoding.MARC8 or kinds.translate(None, _PLAIN_KINDS):
            flats, records = _core.flat_forms(records, encoding, self.references)
            count = len(flats) - flats.count(None)
        if wants_values:
            values = _core.take_apart(records, count, self.tags)
        if queries:
            answers = _core.ask(records, flats is None, queries)
            self.places = {query: place for place, query in enumerate(queries)}
            self.has_more = len(queries) > 1
        if flats is None:
            return None, values, answers
        return flats, _beside(flats, values, b""), _beside(flats, answers, "")

    def _often(self, half: int) -> list[str]:
        """The queries that most of the records were asked, some of them."""
        former = list(self.places) if self.told > half else []
        queried = [
            query
            for query, count in self.queried.items()
            if count > half and query not in self.places
        ]
        return (former + queried)[: _core.QUERIES_MAX]

    def field_wanted(self) -> str | None:
        """The tag of a data field, where the records were asked for the first with it only."""
        if len(self.places) != 1:
            return None
        (query,) = self.places
        return query if len(query) == 3 and query not in CONTROL_TAGS else None

    def note(self, query: str) -> None:
        """Count a query that a record was asked and not prepared for."""
        queried = self.queried
        if query in queried:
            queried[query] += 1
        elif len(queried) < 100:
            queried[query] = 1


def _beside(flats: list[bytes | None], made: Made[T], nothing: T) -> Made[T]:
    """What was made of records, with nothing for those that have no flat form."""
    if made is None:
        return None
    each = iter(made)
    return [nothing if one is None else next(each) for one in flats]


def plain_records(
    a_class: type[R],
    data: _core.Run,
    start: int,
    ends: list[int],
    kind: int,
    origin: Origin,
    values: Made[bytes],
    answers: Made[str],
) -> list[R]:
    """Records that stand in `data` from `start` on and end at `ends`, the last first."""
    record: R
    records = blank(a_class, len(ends))
    if values is None and answers is None:
        for record, end, record._turn in zip(reversed(records), ends, range(len(ends))):
            record._data = data[start:end]
            record._kind = kind
            record._origin = origin
            start = end
        return records
    turns = range(len(ends))
    tag = origin.field_wanted() if answers and not values and not kind else None
    if answers and tag and "" not in answers and DELIMITER not in answers:
        kind = ANSWERS | READY
        fields = blank(a_class._field_class, len(ends))
        made = zip(reversed(records), ends, turns, answers, fields)
        for record, end, record._turn, record._told, field in made:
            record._data = data[start:end]
            record._kind = kind
            record._origin = origin
            field.tag = tag
            field._indicators = ()
            field._kept = record._told
            field._value = None
            record._firsts = ((tag, field),)
            start = end
        return records
    kind |= (VALUES if values else 0) | (ANSWERS if answers else 0)
    known = zip(reversed(records), ends, turns, values or repeat(b""), answers or repeat(""))
    for record, end, record._turn, record._values, record._told in known:
        record._data = data[start:end]
        record._kind = kind
        record._origin = origin
        start = end
    return records


def check_codec(name: str) -> str:
    """A codec of Python's that keeps MARC's delimiters where they are. LookupError, ValueError."""
    marks = "\x1d\x1e\x1f245 10"
    if marks.encode(name) != marks.encode("ascii"):
        raise ValueError(f"records cannot be encoded in {name}: it is not a superset of ASCII")
    return name


NOWHERE = Origin()
