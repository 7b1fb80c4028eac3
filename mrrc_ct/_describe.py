"""What a file holds: its tags and subfields, counted in one pass."""

from __future__ import annotations

import json
import struct

from . import _core
from ._arrow import Plan, Table, schema_capsule, stream_capsule
from ._bindings import Job
from ._pieces import Pieces
from ._source import MAX_EXPANSION
from .conversion import Inputs, check_threads
from .paths import Column, Place, plan_where, program_of
from .recovery import MAX_RECORD_BYTES, Recovery

# The module typing takes longer to import than all of this package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, Callable

    from ._source import Sources
    from ._work import Report, Work
    from .errors import MarcError
    from .paths import Filter

#: Bytes of a piece where threads describe: what they give is put together here.
_PIECE_BYTES = 16 * 1024 * 1024
_EXAMPLES_MAX = 3


class Described:
    """A tag or subfield of a file.

    `tag`; `code`, empty for the field as a whole; `records` that have it and `share`, of all;
    `count`, how often it occurs; `shortest`, `longest` and `mean` length of its values, in
    characters (of a field with subfields those of its indicators, delimiters and codes, too); up to
    three different `examples`, cut to 60 characters, a delimiter shown as `$`.
    """

    __slots__ = (
        "code",
        "count",
        "examples",
        "length",
        "longest",
        "records",
        "share",
        "shortest",
        "tag",
    )

    def __init__(self, tag: str, code: str) -> None:
        self.tag = tag
        self.code = code
        self.records = self.count = self.longest = self.length = 0
        self.share = 0.0
        self.shortest = 1 << 62
        self.examples: list[str] = []

    @property
    def mean(self) -> float:
        """The mean length."""
        return self.length / self.count

    @property
    def path(self) -> str:
        """The path of its values."""
        return f"{self.tag}${self.code}" if self.code else self.tag

    def _add(self, other: dict[str, Any]) -> None:
        self.records += other["records"]
        self.count += other["count"]
        self.length += other["length"]
        self.shortest = min(self.shortest, other["shortest"])
        self.longest = max(self.longest, other["longest"])
        for example in other["examples"]:
            shown = example.replace("\x1f", "$")
            if len(self.examples) < _EXAMPLES_MAX and shown not in self.examples:
                self.examples.append(shown)

    def __repr__(self) -> str:
        return f"<{self.path} in {self.records:,} records, {self.count:,} times>"


class Description:
    """What `describe` gives: a sequence of Described, by tag and code.

    `records` is how many there are, `report` the Report. `str()` of it is a table for people; it is
    one for data frames and databases, too (`__arrow_c_stream__`, as Selection has it).
    """

    def __init__(self, parts: dict[tuple[str, str], Described], report: Report) -> None:
        self._rows = [parts[key] for key in sorted(parts)]
        self.report = report
        self.records = report.records_read
        for row in self._rows:
            row.share = row.records / self.records

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Described]:
        return iter(self._rows)

    def __getitem__(self, path: str) -> Described:
        """What there is of a tag (`650`) or a subfield (`650$a`). Raises KeyError."""
        for row in self._rows:
            if row.path == path:
                return row
        raise KeyError(path)

    def __str__(self) -> str:
        head = ("path", "records", "share", "count", "length", "examples")
        lines = [
            (
                f"  ${row.code}" if row.code else row.tag,
                f"{row.records:,}",
                f"{row.share:.1%}",
                f"{row.count:,}",
                f"{row.shortest}-{row.longest}" if row.shortest < row.longest else f"{row.longest}",
                " | ".join(row.examples),
            )
            for row in self._rows
        ]
        widths = [max(map(len, column)) for column in zip(head, *lines)]
        return "\n".join(
            f"{path:<{widths[0]}}  {records:>{widths[1]}}  {share:>{widths[2]}}  "
            f"{count:>{widths[3]}}  {length:>{widths[4]}}  {examples}".rstrip()
            for path, records, share, count, length, examples in [head, *lines]
        )

    def __repr__(self) -> str:
        return f"<Description of {self.records:,} records, {len(self)} tags and subfields>"

    # ---- as a table

    def __arrow_c_schema__(self) -> object:
        """The columns' types, a capsule of Arrow's PyCapsule interface."""
        return schema_capsule(_plan())

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Its rows, a capsule of Arrow's PyCapsule interface."""
        plan = _plan()
        rows = b"".join(map(_row, self._rows))
        return stream_capsule(plan, lambda: _Once(plan, rows, len(self)))


_NUMBERS = ("records", "count", "shortest", "longest", "length")


def _plan() -> Plan:
    columns = []
    for name in ("tag", "code", *_NUMBERS, "examples"):
        column = Column(name, [Place("leader")])
        column.mode = "list" if name == "examples" else "first"
        column.type = "int" if name in _NUMBERS else "text"
        columns.append(column)
    return Plan(program_of(columns, None))


def _row(row: Described) -> bytes:
    """A row as the core writes them (`Plan.writeRow` in zig/plan.zig)."""
    numbers = [str(getattr(row, name)) for name in _NUMBERS]
    cells = [[row.tag], [row.code], *([number] for number in numbers), row.examples]
    parts = [bytes(16)]
    for values in cells:
        parts.append(struct.pack("<I", len(values)))
        for value in values:
            data = value.encode()
            parts.append(struct.pack("<I", len(data)) + data)
    return b"".join(parts)


class _Once:
    """One batch of rows."""

    def __init__(self, plan: Plan, rows: bytes, count: int) -> None:
        self._table = Table(plan)
        # The core is told where they are.
        self._table.add(memoryview(bytearray(rows)), 0, max(1, count), False)

    def next_to(self, array: int) -> None:
        """Move it to a struct ArrowArray; the second time nothing."""
        if self._table.rows:
            self._table.take(array)

    def close(self) -> None:
        """Be done."""


def describe(
    source: Sources,
    where: str | Filter | None = None,
    from_: str | None = None,
    *,
    threads: int = 1,
    from_encoding: str | None = None,
    recovery_mode: str = "lenient",
    max_record_bytes: int = MAX_RECORD_BYTES,
    max_expansion: float | None = MAX_EXPANSION,
    on_error: Callable[[MarcError], None] | None = None,
    progress: Callable[[int, int | None, int], None] | None = None,
) -> Description:
    """Which tags and subfields a source holds, in how many records, how often, and examples.

        print(describe("books.mrc"))

    Of a list of sources it is what they hold together. `where` is a filter as `select` has it; the
    other options are those of `convert`. Raises as `convert` does for the source, PathInvalid for
    the filter.
    """
    check_threads(threads)
    recovery = Recovery(recovery_mode, None, "structural", max_record_bytes)
    encoding = _core.needed_encoding(from_encoding)
    plan, is_ordered = plan_where(where)
    options: dict[str, Any] = {
        "source_encoding": encoding,
        "plan": plan.handle if plan else None,
        **recovery.options(),
    }
    inputs = Inputs(source, from_, "description", max_expansion, on_error, progress)
    parts: dict[tuple[str, str], Described] = {}
    for work in inputs.works():
        is_parallel = threads > 1 and work.report.from_ == "marc" and not is_ordered
        # Where a call gives out what it has, a line may go on in the next.
        for line in b"".join(_texts(work, threads if is_parallel else 1, options)).splitlines():
            one = json.loads(line)
            key = one["tag"], one["code"]
            if key not in parts:
                parts[key] = Described(*key)
            parts[key]._add(one)
    return Description(parts, inputs.report)


def _texts(work: Work, threads: int, options: dict[str, Any]) -> Iterator[bytes]:
    """What the core says of a source, or of each piece of it."""
    window = work.window
    if threads > 1:
        pieces = Pieces(
            window,
            Job.CONVERT,
            workers=threads,
            size=_PIECE_BYTES,
            target="description",
            **options,
        )
        texts = work.rows_by_threads(pieces)
    else:
        converter = _core.Converter(
            work.report.from_, "description", position=window.offset, **options
        )
        texts = work.rows_by_core(converter)
    for rows, _ in texts:
        yield bytes(rows)
