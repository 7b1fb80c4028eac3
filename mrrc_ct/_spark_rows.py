"""Whole records as rows of Spark's: their schema, and the way there and back by Arrow."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
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
    """Whole records on their way to a batch: a list for each kind of value, whatever it is in."""

    def __init__(self) -> None:
        self.texts: list[str | None] = []
        self._leaders: list[str | None] = []
        # Where the fields of each record begin, and the subfields of each field; None without.
        self._fields: list[int | None] = []
        self._subfields: list[int | None] = []
        self._parts: dict[str, list[str | None]] = {
            name: [] for name in ("tag", "data", "ind1", "ind2")
        }
        self._codes: list[str] = []
        self._values: list[str] = []

    def add(self, record: Record | None, text: str | None) -> None:
        """Add a record, or nothing but what is wrong with one."""
        self.texts.append(text)
        self._leaders.append(None if record is None else str(record.leader))
        tags, datas, firsts, seconds = self._parts.values()
        self._fields.append(None if record is None else len(tags))
        for field in () if record is None else record.fields:
            tags.append(field.tag)
            indicators = field.indicators
            datas.append(field.data if indicators is None else None)
            first, second = indicators or (None, None)
            firsts.append(first)
            seconds.append(second)
            self._subfields.append(None if indicators is None else len(self._codes))
            for code, value in field.subfields if indicators is not None else ():
                self._codes.append(code)
                self._values.append(value)

    def batch(self) -> pa.RecordBatch:
        """What has been added."""
        parts = [pa.array(texts, pa.string()) for texts in self._parts.values()]
        pairs = [pa.array(texts, pa.string()) for texts in (self._codes, self._values)]
        subfields = _lists(self._subfields, pairs, _SUBFIELD)
        fields = _lists(self._fields, [*parts, subfields], _FIELD)
        return pa.record_batch([pa.array(self._leaders, pa.string()), fields], RECORD.names)


def _lists(starts: list[int | None], arrays: list[pa.Array], kind: StructType) -> pa.Array:
    values = pa.StructArray.from_arrays(arrays, fields=list(arrow_of(kind)))
    return pa.ListArray.from_arrays(
        pa.array([*starts, len(values)], pa.int32()), values, arrow_of(ArrayType(kind))
    )


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
