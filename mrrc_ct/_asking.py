"""Filters and paths asked of a single record, or of a field by itself."""

from __future__ import annotations

import struct
from _thread import _local as thread_local

from ._arrow import Plan
from ._bindings import Encoding
from ._core import Converter, Matcher
from .errors import PathInvalid
from .paths import Column, parse_filter, parse_paths, program_of

# The module typing takes longer to import than all of this package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

    from .base import BaseRecord
    from .field import Field
    from .paths import Filter

#: What stands before a field that is a record by itself, around its tag.
_HEAD, _PLACE = "00000nam a2200000   4500", "000000000\x1e"
#: What a row begins with, a number and an offset, and how many values there are.
_COUNT = struct.Struct("<16xI")
_LENGTH = struct.Struct("<I")


class _Askers(thread_local):
    """What asks records, one for each kind of source, and the thread's own."""

    def __init__(self, make: Callable[..., Any]) -> None:
        self._make = make
        self._made: dict[tuple[object, ...], Any] = {}

    def of(self, source: str, encoding: int | None = None, references: bool = False) -> Any:
        key = source, encoding, references
        asker = self._made.get(key)
        if asker is None:
            asker = self._made[key] = self._make(
                source, source_encoding=encoding or Encoding.KEPT, references=references
            )
        return asker


class Condition:
    """A filter, asked of one record at a time. Threads may share it."""

    def __init__(self, where: str | Filter) -> None:
        """Take a filter. Raises PathInvalid, also for one on where a record begins."""
        wanted = parse_filter(where) if isinstance(where, str) else where
        if wanted.has_offset:
            raise PathInvalid("where a record begins is not known here", text=wanted.text)
        self._plan = plan = Plan(program_of([], wanted), wanted)
        self._askers = _Askers(lambda source, **how: Matcher(source, plan.handle, **how))

    def holds(self, record: BaseRecord[Any]) -> bool:
        """Whether it is true of a record as it is now, as far as its text can be read."""
        data, source = record._source()
        origin = record._origin
        matcher: Matcher = self._askers.of(source, origin.encoding, origin.references)
        return matcher.wants(data, record._number)

    def holds_of(self, field: Field) -> bool:
        """Whether it is true of a field by itself."""
        matcher: Matcher = self._askers.of("flat")
        flat = f"{_HEAD}{field.tag}{_PLACE}{field._text()}\x1e\x1d"
        return matcher.wants(flat.encode(), 0)


class FirstValue:
    """The first value that a path leads to, of one record at a time. Threads may share it."""

    def __init__(self, path: str) -> None:
        """Take a path. Raises PathInvalid."""
        found = parse_paths(path)
        column = Column("", found[0])
        if len(found) > 1 or not column.is_of_values:
            raise PathInvalid("one path into the record should stand here", text=path)
        column.mode = "first"
        self._plan = plan = Plan(program_of([column], None))
        self._askers = _Askers(
            lambda source, **how: Converter(
                source, "rows", plan=plan.handle, is_lenient=True, is_single=True, **how
            )
        )

    def of(self, record: BaseRecord[Any]) -> str | None:
        """The value in a record as it is now, None where there is none."""
        data, source = record._source()
        origin = record._origin
        converter: Converter = self._askers.of(source, origin.encoding, origin.references)
        row = converter.convert_one(data, problems=[])
        if not _COUNT.unpack_from(row)[0]:
            return None
        start = _COUNT.size + _LENGTH.size
        return row[start : start + _LENGTH.unpack_from(row, _COUNT.size)[0]].decode()
