"""Records as tables: columns of some of their values, for data frames, databases and clusters.

No record is made: the core goes from the bytes to columns in Arrow's memory, which others take over
as they are.
"""

from __future__ import annotations

import json
import os
import stat
import time
from itertools import chain

from . import _core
from ._arrow import Plan, Table, schema_capsule, stream_capsule
from ._bindings import Job, Status, TextForm
from ._pieces import PIECE_BYTES, Pieces, large_piece
from ._source import MAX_EXPANSION
from ._target import open_target
from ._work import Report
from .conversion import (
    Inputs,
    check_different,
    check_limit,
    check_threads,
    name_of,
    sources_of,
)
from .errors import MarcError, SourceError, ValueRepeated
from .paths import SEPARATOR, filter_of, parse_columns, program_of
from .ranges import limit as cut_off
from .recovery import MAX_RECORD_BYTES, Recovery

# The module typing takes longer to import than all of this package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from typing import Any, Callable

    from ._source import Sources
    from ._target import TargetLike
    from ._work import Work
    from .paths import Columns, Filter

#: Rows of a batch, unless told otherwise: as many as DuckDB and Polars like at once.
BATCH_ROWS = 65_536
#: Bytes of a piece where threads read, at most. With a quarter of that who puts the pieces' rows
#: together waits, and is woken, so often that two threads gain a quarter less.
_PIECE_BYTES = 4 * PIECE_BYTES


class Selection:
    """Columns of the records of a source: what `select` gives.

    It is a table to whatever takes Arrow's streams (`__arrow_c_stream__`): `polars.DataFrame(it)`,
    `pyarrow.table(it)`, `duckdb.sql("select … from it")`, `pandas.DataFrame.from_arrow(it)`. Each
    of them reads the source anew, and no more of it at a time than a batch. Iterating gives rows,
    as dictionaries. A source that can be read only once raises SourceError the second time.

    `columns` are the names of the columns, `report` is the Report of the last reading: beside the
    records that were lost it has `repeated` (by column, the records with more than one value where
    MARC 21 has one) and `unread` (by column, the values that are no number, date or time).
    """

    def __init__(
        self,
        source: Sources,
        columns: Columns,
        where: str | Filter | None,
        options: dict[str, Any],
    ) -> None:
        self._sources = sources_of(source)
        parsed = parse_columns(columns)
        for column in parsed:
            # In a list that becomes one text, this stands between the values.
            if column.mode == "list":
                column.separator = options["list_separator"]
        wanted = None if where is None else filter_of(where)
        self._plan = Plan(program_of(parsed, wanted), wanted)
        self._columns = parsed
        self._options = options
        # The number of a record is not known where somebody else reads what is before it.
        self._is_counted = wanted is not None and wanted.has_number
        self._is_spent = False
        self.columns = [column.name for column in parsed]
        self.report: SelectReport | None = None

    def __arrow_c_schema__(self) -> object:
        """The columns' types, a capsule of Arrow's PyCapsule interface."""
        return schema_capsule(self._plan)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """A new reading of the source, a capsule of Arrow's PyCapsule interface.

        `requested_schema` may be left aside, says the interface, and is. Raises SourceError and its
        kin for a source that cannot be opened, or has been read, NotImplementedError where Python
        has no capsules (PyPy) and in a subinterpreter.
        """
        return stream_capsule(self._plan, lambda: _Batches(self._reading(), self._options))

    def _reading(self) -> _Reading:
        if self._is_spent:
            raise SourceError(
                "it can be read once, and has been: read it into a file or a data frame first",
                source=name_of(self._sources[0]),
            )
        self._is_spent = not all(map(is_lasting, self._sources))
        options = self._options
        if self._is_counted and options["threads"] > 1:
            options = {**options, "threads": 1}
        reading = _Reading(self._sources, self._plan, self.columns, options)
        self.report = reading.report
        return reading

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """The rows, as dictionaries. Dates and times are texts, as in ISO 8601."""
        for piece in self._texts(TextForm.JSON):
            yield from json.loads(b"[%b]" % b",".join(bytes(piece).splitlines()))

    def _texts(self, form: int, separator: str = ",") -> Iterator[memoryview]:
        reading = self._reading()
        pieces = reading.rows()
        try:
            for rows in pieces:
                yield from reading.text(form, rows, separator)
        finally:
            pieces.close()
            reading.close()

    def to_csv(
        self, target: TargetLike, *, separator: str = ",", header: bool = True
    ) -> SelectReport:
        r"""Write CSV (RFC 4180) in UTF-8 to a path or a binary file object.

        `separator` is one ASCII character, `"\t"` for TSV, whose lines end in `\n`. The values of a
        list stand in one place, with `; ` between, or what `join` names. Raises SourceError.
        """
        if len(separator) != 1 or not separator.isascii() or separator in '\0"\r\n':
            raise ValueError(f"separator should be one ASCII character, not {separator!r}")
        head = separator.join(_quoted(name, separator) for name in self.columns)
        head += "\n" if separator == "\t" else "\r\n"
        return self._write(target, TextForm.CSV, separator, head.encode() if header else b"")

    def to_jsonl(self, target: TargetLike) -> SelectReport:
        """Write a JSON object for each record, on a line of its own, to a path or a file object."""
        return self._write(target, TextForm.JSON, ",", b"")

    def _write(self, target: TargetLike, form: int, separator: str, head: bytes) -> SelectReport:
        for source in self._sources:
            check_different(source, target)
        texts = self._texts(form, separator)
        first = next(texts, memoryview(b""))
        report = self.report
        assert report is not None
        with open_target(target) as output:
            output.write(head)
            output.write(first)
            report.bytes_written = len(head) + len(first)
            for piece in texts:
                output.write(piece)
                report.bytes_written += len(piece)
        report.target = name_of(target)
        return report

    def to_parquet(self, path: str | os.PathLike[str], **options: Any) -> SelectReport:
        """Write a Parquet file with pyarrow; `options` are those of its `ParquetWriter`.

        Raises ImportError where pyarrow is not installed.
        """
        try:
            import pyarrow
            from pyarrow import parquet
        except ImportError as error:
            what = "a Parquet file is written by pyarrow: pip install pyarrow"
            raise ImportError(f"{error}: {what}", name=error.name) from None

        for source in self._sources:
            check_different(source, path)
        reader = pyarrow.RecordBatchReader.from_stream(self)
        with open_target(path) as output:
            sink = pyarrow.PythonFile(_Sink(output), mode="w")
            with parquet.ParquetWriter(sink, reader.schema, **options) as writer:
                for batch in reader:
                    writer.write_batch(batch)
        assert self.report is not None
        self.report.target = os.fspath(path)
        return self.report


class SelectReport(Report):
    """The Report of a selection."""

    def __init__(self, columns: list[str]) -> None:
        super().__init__("", "", "", "rows")
        self.repeated: dict[str, int] = dict.fromkeys(columns, 0)
        self.unread: dict[str, int] = dict.fromkeys(columns, 0)


class _Sink:
    """A Target as pyarrow wants a file."""

    closed = False

    def __init__(self, target: Any) -> None:
        self._target = target
        self._length = 0

    def write(self, data: Any) -> int:
        self._target.write(memoryview(data))
        self._length += len(data)
        return len(data)

    def tell(self) -> int:
        return self._length

    def flush(self) -> None:
        self._target.flush()

    def close(self) -> None:
        self.closed = True


class _Reading:
    """One pass over the sources: rows, and what they become."""

    def __init__(
        self, source: Sources, plan: Plan, columns: list[str], options: dict[str, Any]
    ) -> None:
        self._columns = columns
        self._options = options
        self._table = Table(plan)
        self._failure: MarcError | None = None
        self._begin = time.perf_counter()
        self.report = SelectReport(columns)
        inputs = Inputs(
            source,
            options["from_"],
            "rows",
            options["max_expansion"],
            self._lose,
            options["progress"],
            self.report,
        )
        self._core: dict[str, Any] = {
            "source_encoding": options["encoding"],
            "references": options["references"],
            "plan": plan.handle,
            **options["recovery"].options(),
        }
        self._works = inputs.works()
        self._first = next(self._works)
        self._source = self._first.window.name
        if self._is_part():
            if len(inputs.sources) > 1:
                raise SourceError("several sources cannot be read in parts")
            if self._first.report.from_ != "marc":
                raise SourceError("only ISO 2709 can be read in parts", source=self._source)

    def _is_part(self) -> bool:
        return bool(self._options["start"]) or self._options["stop"] is not None

    def _rows_of(self, work: Work, limit: int) -> Generator[tuple[memoryview, int], None, None]:
        """The rows of a source, up to `limit` of them where that is not 0."""
        window, from_ = work.window, work.report.from_
        start, stop, threads = (self._options[name] for name in ("start", "stop", "threads"))
        is_parallel = threads > 1 and from_ == "marc" and not limit
        if self._is_part() and not (is_parallel and window.descriptor is not None):
            # What the core's threads do not read themselves comes to them cut off already.
            cut_off(window, start, stop)
            start, stop = 0, None
        if is_parallel:
            pieces = Pieces(
                window,
                Job.CONVERT,
                workers=threads,
                target="rows",
                start=start or window.offset,
                stop=stop,
                size=large_piece(window.total, threads, _PIECE_BYTES),
                **self._core,
            )
            return work.rows_by_threads(pieces)
        return work.rows_by_core(
            _core.Converter(from_, "rows", position=window.offset, limit=limit, **self._core)
        )

    def _lose(self, error: MarcError) -> None:
        if self._options["on_error"] is not None:
            self._options["on_error"](error)
        elif not self._options["recovery"].is_lenient and self._failure is None:
            self._failure = error

    def rows(self) -> Generator[tuple[memoryview, int], None, None]:
        """Pieces of rows, each good until the next, and how many records were before."""
        most = self._options["limit"]
        for work in chain((self._first,), self._works):
            left = 0 if most is None else most - self.report.records_written
            if most is not None and not left:
                break
            self._source = work.window.name
            found = self._rows_of(work, left)
            try:
                for rows in found:
                    if len(rows[0]) and (self._failure is None or self._options["threads"] == 1):
                        yield rows
                    if self._failure is not None:
                        raise self._failure
            finally:
                found.close()
        self.tell()

    def text(
        self, form: int, pending: tuple[memoryview, int], separator: str
    ) -> Iterator[memoryview]:
        """Rows as text. Raises ValueRepeated behind those that are sound."""
        is_strict = self._options["strict"]
        status, text = self._table.text(form, *pending, separator, is_strict)
        yield text
        self._check(status)

    def batch(
        self, pending: tuple[memoryview, int], limit: int
    ) -> tuple[bool, tuple[memoryview, int]]:
        """Add rows to the batch: whether it is full, and what is left of them."""
        rows, before = pending
        status = self._table.add(rows, before, limit, self._options["strict"])
        self._check(status)
        return status == Status.OUTPUT, (rows[self._table.consumed :], before)

    def _check(self, status: int) -> None:
        if status == Status.PROBLEM:
            column, number, offset = self._table.repeated
            raise ValueRepeated(
                f"column {self._columns[column]!r} has more than one value",
                source=self._source,
                record_number=number,
                byte_offset=offset,
            )

    def take(self, array: int) -> bool:
        """Move the batch, if it has rows, to a struct ArrowArray."""
        has_rows = self._table.rows > 0
        if has_rows:
            self._table.take(array)
        return has_rows

    def tell(self) -> None:
        """Put down what the columns do not tell."""
        self.report.seconds = time.perf_counter() - self._begin
        for index, name in enumerate(self._columns):
            self.report.repeated[name], self.report.unread[name] = self._table.tally(index)

    def close(self) -> None:
        """Be done with the sources."""
        self._works.close()


class _Batches:
    """The batches of one pass."""

    def __init__(self, reading: _Reading, options: dict[str, Any]) -> None:
        self._reading = reading
        self._limit = options["batch_size"]
        self._rows = reading.rows()
        self._pending: tuple[memoryview, int] = (memoryview(b""), 0)
        self._failure: BaseException | None = None

    def next_to(self, array: int) -> None:
        """Move the next batch to a struct ArrowArray; nothing at the end.

        What came before an error comes out first, and then the error, each time.
        """
        if self._failure is None:
            try:
                self._fill()
            except BaseException as error:
                self._failure = error
        if not self._reading.take(array) and self._failure is not None:
            raise self._failure

    def _fill(self) -> None:
        is_full = False
        while not is_full:
            if not len(self._pending[0]):
                following = next(self._rows, None)
                if following is None:
                    return
                self._pending = following
            is_full, self._pending = self._reading.batch(self._pending, self._limit)

    def close(self) -> None:
        """Be done, at the end or before."""
        self._rows.close()
        self._reading.close()


def is_lasting(source: Any) -> bool:
    """Whether a source can be read again from its beginning."""
    if isinstance(source, (str, os.PathLike)):
        try:
            return stat.S_ISREG(os.stat(source).st_mode)
        except OSError:
            return True  # opening it says what is wrong
    return isinstance(source, (bytes, bytearray, memoryview))


def _quoted(name: str, separator: str) -> str:
    if not any(one in name for one in (separator, '"', "\r", "\n")):
        return name
    return '"' + name.replace('"', '""') + '"'


def select(
    source: Sources,
    columns: Columns,
    where: str | Filter | None = None,
    from_: str | None = None,
    *,
    limit: int | None = None,
    threads: int = 1,
    batch_size: int = BATCH_ROWS,
    list_separator: str = SEPARATOR,
    strict: bool = False,
    start: int = 0,
    stop: int | None = None,
    from_encoding: str | None = None,
    references: bool = False,
    recovery_mode: str = "lenient",
    validation_level: str = "structural",
    max_record_bytes: int = MAX_RECORD_BYTES,
    max_expansion: float | None = MAX_EXPANSION,
    on_error: Callable[[MarcError], None] | None = None,
    progress: Callable[[int, int | None, int], None] | None = None,
) -> Selection:
    """Columns of the records of a source in any of READABLE, or of several.

        books = select("books.mrc", {"id": "001", "title": "245$a", "subjects": "650$a"})
        polars.DataFrame(books)

    `columns` are paths by the names of the columns, paths alone, or one text (`id=001, 650$a`);
    `where` is a filter (`leader[6] == "a" and not 856`). Their language is that of the module
    `mrrc_ct.paths` and docs/tables.md. A path that can repeat by the rules of MARC 21 is a list of
    texts, and so is one that they do not know; any other has one text or none. Where a record
    repeats it all the same, the first is taken and the report counts it; with `strict` reading
    raises ValueRepeated.

    There are `limit` rows at most, `batch_size` in a batch; `threads` are for ISO 2709.
    `list_separator` stands between the values of a list in CSV. `start` and `stop` are those of
    MARCReader. `recovery_mode`: with `strict` a damaged record raises its error, unless there is
    `on_error`; otherwise what can be told of it is a row, and the report has the rest. The other
    options are those of `convert`. Nothing is read before somebody asks for rows. Raises
    PathInvalid for a path or filter that is not written as it should be, ValueError for an option.
    """
    check_threads(threads)
    check_limit(limit)
    if not isinstance(batch_size, int):
        raise TypeError(f"batch_size should be a number of rows, not {batch_size!r}")
    if not 1 <= batch_size < 1 << 31:
        raise ValueError(f"batch_size should be 1 to {(1 << 31) - 1}, not {batch_size}")
    if start < 0 or (stop is not None and stop < 0):
        raise ValueError(f"an offset is not negative: {min(start, stop or 0)}")
    options: dict[str, Any] = {
        "from_": from_,
        "limit": limit,
        "list_separator": list_separator,
        "threads": threads,
        "batch_size": batch_size,
        "strict": strict,
        "start": start,
        "stop": stop,
        "encoding": _core.needed_encoding(from_encoding),
        "references": references,
        "recovery": Recovery(recovery_mode, None, validation_level, max_record_bytes),
        "max_expansion": max_expansion,
        "on_error": on_error,
        "progress": progress,
    }
    return Selection(source, columns, where, options)
