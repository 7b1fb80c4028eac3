"""Whole records as rows of Spark's: their schema, and the way there and back by Arrow."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql.types import (
    ArrayType,
    DataType,
    DateType,
    LongType,
    StringType,
    StructField,
    StructType,
    TimestampNTZType,
)

from .field import CONTROL_TAGS, DELIMITER
from .record import Record

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any


def _struct(*names: str, **others: DataType) -> StructType:
    fields = [*((name, StringType()) for name in names), *others.items()]
    return StructType([StructField(name, kind) for name, kind in fields])


_SUBFIELD = _struct("code", "value")
_FIELD = _struct("tag", "data", "ind1", "ind2", subfields=ArrayType(_SUBFIELD))
#: A whole record. A control field has `data`, any other indicators and subfields.
RECORD = _struct("leader", fields=ArrayType(_FIELD))


def arrow_of(kind: DataType) -> pa.DataType:
    """What Arrow calls a type of Spark's, one of those that are used here."""
    if isinstance(kind, StructType):
        return pa.struct([pa.field(one.name, arrow_of(one.dataType), one.nullable) for one in kind])
    if isinstance(kind, ArrayType):
        return pa.list_(pa.field("element", arrow_of(kind.elementType), kind.containsNull))
    known = {LongType: pa.int64(), DateType: pa.date32(), TimestampNTZType: pa.timestamp("us")}
    return known.get(type(kind), pa.string())


class Rows:
    """Whole records on their way to a batch: contents of fields, which Arrow takes apart."""

    def __init__(self) -> None:
        self.texts: list[str | None] = []
        self._leaders: list[str | None] = []
        # Where the fields of each record begin, or None for one that is lost.
        self._starts: list[int | None] = []
        self._tags: list[str] = []
        self._contents: list[str] = []

    def add(self, record: Record | None, text: str | None) -> None:
        """Add a record as it was read, or nothing but what is wrong with one.

        Raises the error of text that cannot be read; then nothing is added.
        """
        if record is None:
            leader, start = None, None
        else:
            flat = record._flat()
            # Subfields without a code are none.
            if b"\x1f\x1f" in flat or b"\x1f\x1e" in flat:
                flat = re.sub(b"\x1f+(?=[\x1f\x1e])", b"", flat)
            head, *contents = record._read(flat).split("\x1e")
            leader, start = head[:24], len(self._tags)
            self._tags += [head[at : at + 3] for at in range(24, len(head), 12)]
            self._contents += contents[:-1]
        self.texts.append(text)
        self._leaders.append(leader)
        self._starts.append(start)

    def batch(self) -> pa.RecordBatch:
        """What has been added."""
        tags = pa.array(self._tags, pa.string())
        contents = pa.array(self._contents, pa.string())
        is_control = pc.is_in(tags, value_set=pa.array(sorted(CONTROL_TAGS)))
        nothing = pa.scalar(None, pa.string())
        parts = pc.split_pattern(pc.if_else(is_control, nothing, contents), DELIMITER)
        indicators = pc.utf8_rpad(pc.list_element(parts, 0), 2)
        pairs = pc.list_slice(parts, 1)
        values = pa.StructArray.from_arrays(
            [pc.utf8_slice_codeunits(pairs.values, 0, 1), pc.utf8_slice_codeunits(pairs.values, 1)],
            fields=list(arrow_of(_SUBFIELD)),
        )
        columns = [
            tags,
            pc.if_else(is_control, contents, nothing),
            pc.utf8_slice_codeunits(indicators, 0, 1),
            pc.utf8_slice_codeunits(indicators, 1, 2),
            _lists(pairs.offsets, values, _SUBFIELD, is_control),
        ]
        fields = pa.StructArray.from_arrays(columns, fields=list(arrow_of(_FIELD)))
        starts = pa.array([*self._starts, len(fields)], pa.int32())
        lists = _lists(starts, fields, _FIELD)
        return pa.record_batch([pa.array(self._leaders, pa.string()), lists], RECORD.names)


def _lists(starts: pa.Array, values: pa.Array, kind: StructType, mask: Any = None) -> pa.Array:
    return pa.ListArray.from_arrays(starts, values, arrow_of(ArrayType(kind)), mask=mask)


def records_in(batch: pa.RecordBatch) -> Iterator[Record]:
    """The records of a batch of rows."""
    leaders = batch.column("leader").to_pylist()
    for leader, fields in zip(leaders, _unlisted(batch.column("fields"), _field_of)):
        if leader is None or fields is None:
            raise ValueError("a row has no record, as one has that was lost: leave it out")
        yield Record.from_fields(fields, leader)


def _field_of(tag: str, data: str | None, ind1: str, ind2: str, subfields: Any) -> Any:
    if data is not None:
        return tag, data
    return tag, (ind1 or " ") + (ind2 or " "), subfields or []


def _unlisted(lists: Any, make: Any) -> list[Any]:
    """What is in lists of structs, made of the values of each: without dictionaries between."""
    values = lists.values
    columns = [
        _unlisted(one, lambda code, value: (code, value or ""))
        if pa.types.is_list(one.type)
        else one.to_pylist()
        for one in (values.field(at) for at in range(values.type.num_fields))
    ]
    made = list(map(make, *columns))
    starts = lists.offsets.to_pylist()
    return [
        made[start:stop] if is_there else None
        for start, stop, is_there in zip(starts, starts[1:], lists.is_valid().to_pylist())
    ]
