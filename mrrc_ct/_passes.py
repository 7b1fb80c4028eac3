"""Several passes over the records of sources, for work that has to see all of them first.

Whatever the sources are in, their records come as sound ISO 2709, and those that were sound ISO
2709 as they stand there. What can be read only once is copied to a temporary file on the way.
"""

from __future__ import annotations

import copy
import json
import os
import stat
import tempfile
import time
from array import array
from itertools import count as numbers

from . import _core
from ._arrow import Plan, Table
from ._bindings import FINAL, Job, TextForm
from ._pieces import Pieces
from ._sorter import BLOCK_BYTES, TemporaryFile
from ._source import MAX_EXPANSION, StreamWindow
from ._work import ERRORS_MAX, Report, Work
from .conversion import (
    Inputs,
    check_threads,
    check_writing,
    convert,
    name_of,
    size_of_source,
    sources_of,
)
from .errors import LimitError, SourceError
from .paths import plan_where, program_of
from .recovery import MAX_RECORD_BYTES, Recovery
from .tables import is_lasting

# The module typing takes longer to import than all of this package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator
    from typing import Any, Callable, TypedDict

    from ._source import SourceLike, Sources
    from ._target import Target, TargetLike
    from ._work import Progress
    from .errors import MarcError
    from .keys import Key
    from .paths import Column, Filter

    class Reading(TypedDict, total=False):
        """How sources are read: options of `convert`."""

        from_: str | None
        where: str | Filter | None
        threads: int
        from_encoding: str | None
        references: bool
        recovery_mode: str
        validation_level: str
        max_record_bytes: int
        max_expansion: float | None
        on_error: Callable[[MarcError], None] | None
        progress: Progress | None

    class Writing(TypedDict, total=False):
        """How records are written: options of `convert`."""

        encoding: str | None
        unmappable: str
        invalid_xml: str
        normalize: str | None

    class Options(Reading, Writing, total=False):
        """Both."""


_WRITING = ("encoding", "unmappable", "invalid_xml", "normalize")
#: The memory that sorting and its kin take, in bytes, unless told otherwise; and the least.
MEMORY = 200 * 1024 * 1024
MEMORY_MIN = 32 * 1024 * 1024
#: What the process takes beside what is sorted: Python, the package, a piece of each file.
_OVERHEAD = 28 * 1024 * 1024


def apart(options: Options) -> tuple[Reading, Writing]:
    """What of options is for reading, and what for writing."""
    reading: Any = dict(options)
    writing: Any = {name: reading.pop(name) for name in _WRITING if name in reading}
    return reading, writing


def format_to(target: TargetLike, to: str | None, writing: Writing) -> str:
    """The format to write, `same` for that of the first source. Raises for what is no option."""
    return check_writing(target, to, **writing)


def room(memory: int) -> int:
    """What of the memory of the process is for sorting. Raises ValueError for less than 32M."""
    if memory < MEMORY_MIN:
        least = MEMORY_MIN // 1024 // 1024
        raise ValueError(f"memory should be {least}M at least, not {memory:,} bytes")
    return memory - _OVERHEAD


def folder_of(temporary: str | os.PathLike[str] | None, target: Any = None) -> str:
    """Where temporary files go: where it is said, beside a target, or where the system has them."""
    if temporary is not None:
        return os.fspath(temporary)
    if isinstance(target, (str, os.PathLike)):
        path = os.path.realpath(target)
        try:
            is_regular = stat.S_ISREG(os.stat(path).st_mode)
        except OSError:
            is_regular = True  # there will be one
        if is_regular:
            return os.path.dirname(path)
    return tempfile.gettempdir()


def together(tell: Progress | None, *sources: tuple[SourceLike, int]) -> list[Progress | None]:
    """The progress of each of some sources, read so many times, as that of all of them."""
    if tell is None:
        return [None] * len(sources)
    sizes = [size_of_source(source) for source, _ in sources]
    total = None
    if None not in sizes:
        total = sum((size or 0) * passes for size, (_, passes) in zip(sizes, sources))
    state = [(0, 0)] * len(sources)

    def of(index: int) -> Progress:
        def told(done: int, _: int | None, records: int) -> None:
            state[index] = done, records
            tell(sum(one for one, _ in state), total, sum(one for _, one in state))

        return told

    return [of(index) for index in range(len(sources))]


class Records:
    """Sound records one behind the other, and where each begins, and the last one ends."""

    __slots__ = ("bounds", "data")

    def __init__(self, data: bytes, bounds: list[int]) -> None:
        self.data = data
        self.bounds = bounds

    def __iter__(self) -> Iterator[bytes]:
        """Each record."""
        data, bounds = self.data, self.bounds
        return (data[start:end] for start, end in zip(bounds, bounds[1:]))


class Passes:
    """Sources, whose records can be read again and again.

    `report` is that of the first pass; `format` is the first source's.
    """

    def __init__(
        self,
        source: Sources,
        folder: str,
        *,
        is_kept: bool = False,
        passes: int = 1,
        from_: str | None = None,
        where: str | Filter | None = None,
        threads: int = 1,
        from_encoding: str | None = None,
        references: bool = False,
        recovery_mode: str = "lenient",
        validation_level: str = "structural",
        max_record_bytes: int = MAX_RECORD_BYTES,
        max_expansion: float | None = MAX_EXPANSION,
        on_error: Callable[[MarcError], None] | None = None,
        progress: Progress | None = None,
    ) -> None:
        """Take sources, and look whether they are there.

        `is_kept`: all records go to a temporary file, so that `record` finds them. `passes` is how
        many there will be, for the progress. The other options are those of `convert`, and so is
        what is raised.
        """
        check_threads(threads)
        recovery = Recovery(recovery_mode, None, validation_level, max_record_bytes)
        plan, is_counted = plan_where(where)
        self._plan = plan
        # One record after the other has to be counted where a filter asks for its number.
        self._threads = 1 if is_counted else threads
        self._core: dict[str, Any] = {
            "source_encoding": _core.needed_encoding(from_encoding),
            "references": references,
            "plan": plan.handle if plan else None,
            **recovery.options(),
        }
        self._from, self._max_expansion = from_, max_expansion
        self._on_error, self._progress = on_error, progress
        self._passes, self._pass = passes, 0
        self.sources = sources_of(source)
        is_again = passes > 1 and not all(map(is_lasting, self.sources))
        self._spool = TemporaryFile(folder) if is_kept or is_again else None
        self._places = _Places(folder) if is_kept else None
        #: How many records and bytes the first pass gave.
        self._found: tuple[int, int] | None = None
        self._inputs = self._opened(on_error)
        self.format = "marc"

    @property
    def report(self) -> Report:
        """What the first pass has read."""
        return self._inputs.report

    def check_different(self, *targets: Any) -> None:
        """Refuse to write to a file that is being read."""
        self._inputs.check_different(*targets)

    def _opened(self, on_error: Callable[[MarcError], None] | None) -> Inputs:
        return Inputs(self.sources, self._from, "marc", self._max_expansion, on_error, self._told())

    def _told(self) -> Progress | None:
        """How the progress of one pass is told as that of all of them."""
        tell, before, passes = self._progress, self._pass, self._passes
        if tell is None:
            return None
        known = before * self._found[0] if self._found else 0

        def told(done: int, total: int | None, records: int) -> None:
            tell(before * (total or 0) + done, total and passes * total, known + records)

        return told

    def records(self) -> Generator[Records, None, None]:
        """All records, some at a time. Raises SourceError, also where a source has changed."""
        scanner = _core.Scanner()
        records = length = 0
        for piece in self._pieces():
            found = _records_in(bytes(piece), scanner)
            records += len(found.bounds) - 1
            if self._places is not None and self._pass == 0:
                self._places.add(length, found.bounds)
            length += len(found.data)
            yield found
        self._pass += 1
        if self._found is None:
            self._found = records, length
        elif self._found != (records, length):
            raise SourceError("it has changed while it was read", source=self.report.source)

    def _pieces(self) -> Iterator[bytes | memoryview]:
        if self._pass == 0:
            for piece in self._pieces_of(self._inputs):
                if self._spool is not None:
                    self._spool.append(piece)
                yield piece
        elif self._spool is None:
            yield from self._pieces_of(self._opened(None))
        else:
            yield from _clean(self._spooled(), {}, 1)

    def _pieces_of(self, inputs: Inputs) -> Iterator[bytes | memoryview]:
        works = inputs.works()
        try:
            for number, work in enumerate(works):
                if number == 0:
                    self.format = work.report.from_
                yield from _clean(work, self._core, self._threads)
        finally:
            works.close()

    def _spooled(self) -> Work:
        """The work on what the first pass has put down."""
        spool = self._spool
        assert spool is not None
        at = 0

        def read(view: memoryview) -> int:
            nonlocal at
            data = spool.read(len(view), at)
            view[: len(data)] = data
            at += len(data)
            return len(data)

        name = self.report.source
        return Work(StreamWindow(name, read), Report(name, "", "marc", "marc"))

    def record(self, number: int) -> bytes:
        """A record that is kept, by its number from 0, once the first pass is over."""
        assert self._spool is not None and self._places is not None
        start, end = self._places.of(number)
        return self._spool.read(end - start, start)

    def write(
        self,
        records: Iterable[bytes],
        target: TargetLike | Target,
        to: str,
        writing: Writing,
    ) -> Report:
        """Write records in ISO 2709 as `convert` does: the report of that.

        What is lost there is in the report of what was read, too.
        """
        out = convert(
            _Chunks(f"<records for {name_of(target)}>", records),  # type: ignore[arg-type]
            target,  # type: ignore[arg-type]
            self.format if to == "same" else to,
            "marc",
            on_error=self._on_error,
            **writing,
        )
        report = self.report
        report.records_lost += out.records_lost
        report.records_salvaged += out.records_salvaged
        report.errors += out.errors[: ERRORS_MAX - len(report.errors)]
        return out

    def finish(self, report: Report, out: Report, begin: float) -> None:
        """Complete a report with what was read, and with what was written in the end."""
        vars(report).update(vars(self.report))
        report.target, report.to = out.target, out.to
        report.records_written, report.bytes_written = out.records_written, out.bytes_written
        report.characters_replaced = out.characters_replaced
        report.seconds = time.perf_counter() - begin

    def note(self, error: MarcError) -> None:
        """Report what is wrong with a record."""
        self.report.add(error)
        if self._on_error is not None:
            self._on_error(error)

    def close(self) -> None:
        """Let go of what is kept."""
        for one in (self._spool, self._places):
            if one is not None:
                one.close()

    def __enter__(self) -> Passes:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _clean(work: Work, core: dict[str, Any], threads: int) -> Iterator[bytes | memoryview]:
    """The records of a source in ISO 2709, some at a time: each piece is good until the next."""
    from_, window = work.report.from_, work.window
    if threads > 1 and from_ == "marc":
        pieces = work.by_threads(
            Pieces(window, Job.CONVERT, workers=threads, target="marc", **core)
        )
    else:
        pieces = work.by_core(_core.Converter(from_, "marc", position=window.offset, **core))
    try:
        for piece in pieces:
            if len(piece):
                yield piece
    finally:
        pieces.close()


def _records_in(data: bytes, scanner: _core.Scanner) -> Records:
    """The records of a piece."""
    buffer, bounds, length = _core.FixedBuffer(data), [0], len(data)
    while bounds[-1] < length:
        at = bounds[-1]
        _, found = scanner.scan(buffer.address + at, length - at, FINAL)
        bounds += [at + end for end in scanner.bounds[1 : found + 1]]
    return Records(data, bounds)


class _Places:
    """Where each of many records begins: eight bytes a record, in a temporary file."""

    _BLOCK = 1024

    def __init__(self, folder: str) -> None:
        self._file = TemporaryFile(folder)
        self._first = -1
        self._block = array("Q")

    def add(self, before: int, bounds: list[int]) -> None:
        """Add records that begin at these bounds, of which the last is where they end."""
        starts = array("Q", [before + start for start in bounds])
        # The end is in the place of the next start.
        self._file.write(starts.tobytes(), max(0, self._file.size - starts.itemsize))

    def of(self, number: int) -> tuple[int, int]:
        """Where a record begins and ends, by its number from 0."""
        at = number - self._first
        if not 0 <= at < len(self._block) - 1:
            # The next ones are those that are asked for next, most often.
            self._first, at = number, 0
            size = self._block.itemsize
            self._block = array("Q", self._file.read(self._BLOCK * size, number * size))
        return self._block[at], self._block[at + 1]

    def close(self) -> None:
        """Let go of it."""
        self._file.close()


class Rows:
    """What records have in some columns."""

    def __init__(self, columns: list[Column]) -> None:
        """Take columns, whose names do not matter."""
        named = [copy.copy(column) for column in columns]
        for number, column in zip(numbers(), named):
            column.name = str(number)
        self._plan = Plan(program_of(named, None))
        self._table = Table(self._plan)
        self._converter = _core.Converter("marc", "rows", is_lenient=True, plan=self._plan.handle)

    def of(self, records: Records) -> list[dict[str, Any]]:
        """A row for each record, its values in the order of the columns."""
        buffer, length, at = _core.FixedBuffer(records.data), len(records.data), 0
        lines: list[bytes] = []
        while at < length:
            self._converter.feed(buffer.address + at, length - at, 0)
            at += self._converter.consumed
            rows = self._converter.output()
            if len(rows):
                _, text = self._table.text(TextForm.JSON, rows, 0, ",", False)
                lines += bytes(text).splitlines()
        assert len(lines) == len(records.bounds) - 1
        found: list[dict[str, Any]] = json.loads(b"[%b]" % b",".join(lines))
        return found


def keys_in(passes: Passes, key: Key) -> Iterator[tuple[int, int, int, list[bytes]]]:
    """Of each record its number from 0, where it begins among all, its length, and its keys."""
    rows, number, before = Rows(key.columns), 0, 0
    for records in passes.records():
        bounds = records.bounds
        for row, start, end in zip(rows.of(records), bounds, bounds[1:]):
            try:
                keys = key.of(row.values())
            except LimitError as error:
                error.source, error.record_number = passes.report.source, number + 1
                error.outcome = "warning"
                passes.note(error)
                keys = []
            yield number, before + start, end - start, keys
            number += 1
        before += bounds[-1]


class _Chunks:
    """Records to be read by `convert`, which asks for as many bytes as it has room for."""

    def __init__(self, name: str, records: Iterable[bytes]) -> None:
        self.name = name
        self._blocks = _blocks(records)
        self._rest = memoryview(b"")

    def readinto(self, view: memoryview) -> int:
        """Fill what can be filled of a buffer."""
        if not self._rest:
            self._rest = memoryview(next(self._blocks, b""))
        count = min(len(view), len(self._rest))
        view[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count


def _blocks(records: Iterable[bytes]) -> Iterator[bytes]:
    """Records put together."""
    parts: list[bytes] = []
    waiting = 0
    for record in records:
        parts.append(record)
        waiting += len(record)
        if waiting >= BLOCK_BYTES:
            yield b"".join(parts)
            parts, waiting = [], 0
    if parts:
        yield b"".join(parts)
