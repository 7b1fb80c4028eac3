"""Reading ISO 2709 records from a path, bytes or a file object, a batch at a time."""

from __future__ import annotations

from _thread import allocate_lock
from bisect import bisect_right
from collections.abc import Iterator
from types import TracebackType

from . import _core
from ._batch import ANSWERS, DECODED, KINDS, VALUES, Origin, plain_records
from ._bindings import SEARCHING, Encoding, Kind, Status
from ._source import MAX_EXPANSION, Window, open_source
from .errors import MarcError, PipelineClosed, ReaderClosed, SourceError
from .paths import plan_where
from .ranges import find_boundary
from .record import AuthorityRecord, HoldingsRecord, Record
from .recovery import MAX_RECORD_BYTES, Recovery, Summary

# The module typing takes longer to import than all of this package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from ._core import Run
    from ._source import SourceLike
    from .paths import Filter


def starts_of(bounds: memoryview | list[int], kinds: bytes) -> bytes:
    """Where each record of a batch begins, for `Origin.at`.

    `bounds` tell where each entry does, and where the last one ends.
    """
    if isinstance(bounds, memoryview) and Kind.GAP not in kinds:
        return bounds.tobytes()
    return _core.packed([at for at, kind in zip(bounds, kinds) if kind != Kind.GAP])


def gaps_of(bounds: memoryview | list[int], kinds: bytes) -> int:
    """The bytes between the records of a batch."""
    return sum([end - at for at, end, kind in zip(bounds, bounds[1:], kinds) if kind == Kind.GAP])


def wanted_of(records: list[Record], kinds: bytes, marks: bytes, summary: Summary) -> list[Record]:
    """The records of a batch that are wanted, the last first: of its entries `marks` tell."""
    marks = bytes([mark for mark, kind in zip(marks, kinds) if kind != Kind.GAP])
    wanted = [record for record, mark in zip(records, reversed(marks)) if mark]
    summary.leave_out(len(records) - len(wanted))
    return wanted


def records_of_batch(
    data: Run, start: int, ends: list[int], kinds: bytes, origin: Origin, former: Origin
) -> list[Record]:
    """The records of a batch, which begin in `data` at `start` and end at `ends`, the last first.

    `origin` is theirs, `former` that of the batch before.
    """
    # Text whose encoding is said to be another than leader/09 has it is not plain.
    encoded = 0 if origin.encoding == Encoding.KEPT else Kind.OTHER
    flats, values, answers = origin.prepare(former, data, start, ends[-1], kinds, origin.encoding)
    if flats is None and not kinds.strip(b"\0"):
        return plain_records(Record, data, start, ends, encoded, origin, values, answers)
    records: list[Record] = []
    number = 0  # of those that are no gaps
    for end, kind in zip(ends, kinds):
        if kind == Kind.GAP:
            start = end
            continue
        classes = AuthorityRecord if kind & Kind.AUTHORITY else HoldingsRecord
        record = Record.__new__(Record if kind <= Kind.OTHER else classes)
        kind = kind & KINDS | encoded
        if flats is not None and flats[number] is not None and kind & Kind.OTHER:
            kind |= DECODED
            record._fields = flats[number]  # type: ignore[assignment]
        if values is not None:
            kind |= VALUES
            record._values = values[number]
        if answers is not None:
            kind |= ANSWERS
            record._told = answers[number]
        record._data = data[start:end]
        record._kind = kind
        record._origin = origin
        record._turn = number
        records.append(record)
        number += 1
        start = end
    records.reverse()
    return records


def matcher_of(
    where: str | Filter,
    from_encoding: str | None,
    references: bool,
    recovery: Recovery,
    source: str = "marc",
) -> _core.Matcher:
    """What tells which records a filter wants. Raises PathInvalid, and ValueError for a codec."""
    encoding = _core.encoding_number(from_encoding)
    if encoding is None:
        raise ValueError("only UTF-8 and MARC-8 can be filtered: convert first")
    plan, _ = plan_where(where)
    return _core.Matcher(
        source,
        plan.handle if plan else None,
        source_encoding=encoding,
        references=references,
        record_max=recovery.max_record_bytes,
    )


class RecordIterator:
    """What is behind `next(reader)`, for readers of every kind."""

    def __iter__(self) -> Iterator[Record]:
        return self

    def __next__(self) -> Record:
        raise NotImplementedError

    def iter_with_errors(self) -> Iterator[tuple[Record, None] | tuple[None, MarcError]]:
        """Records and errors in the order of the source: `(record, None)` or `(None, error)`.

        Never raises for a damaged record. A source that cannot be read still raises SourceError.
        """
        while True:
            try:
                yield self.__next__(), None
            except StopIteration:
                return
            except (SourceError, PipelineClosed):
                raise
            except MarcError as error:
                yield None, error


def _checked(offset: int) -> int:
    if offset < 0:
        raise ValueError(f"an offset is not negative: {offset}")
    return offset


class MARCReader(RecordIterator):
    """An iterator over the records of a file in ISO 2709.

        for record in MARCReader("records.mrc"):
            print(record.title())

    A damaged record raises the error that says what is wrong with it and where; the next read goes
    on with the record behind it. Threads may share a reader: each record goes to one of them.
    """

    _stop: int | None

    def __init__(
        self,
        source: SourceLike,
        *,
        from_encoding: str | None = None,
        references: bool = False,
        start: int = 0,
        stop: int | None = None,
        where: str | Filter | None = None,
        recovery_mode: str = "strict",
        max_errors: int | None = None,
        validation_level: str = "structural",
        max_record_bytes: int = MAX_RECORD_BYTES,
        max_expansion: float | None = MAX_EXPANSION,
    ) -> None:
        """Open a path (`.gz`, `.bz2` and `.xz` are unpacked), bytes or a binary file object.

        `from_encoding` (`utf-8`, `marc-8` or a codec of Python's) overrides leader/09.
        `references` reads `&#xXXXX;` in MARC-8 text as the character it names. `start` and `stop`
        are offsets in bytes: the records that begin in `[start, stop)` are read, numbered from the
        first of them. Whatever offsets a source is cut at, its ranges have each record once.
        `where` is a filter as `select` has it: other records are left out, and have their numbers.
        Raises SourceError and its kin for what cannot be opened, SeekNotSupported where `start` or
        `stop` is given for a stream, LookupError for an unknown encoding, PathInvalid for a filter,
        ValueError for a negative offset, and for a filter on what only a codec of Python's reads.

        `recovery_mode`: `strict` raises the error of a damaged record, and the next read goes on
        behind it. `lenient` salvages: every field that can still be told is kept, what was wrong is
        in `record.errors`, and what is beyond saving is left out; `permissive` gives None in its
        place when iterating. `summary` tells what was lost. More than `max_errors` damaged records
        raise TooManyErrors. With `validation_level="strict_marc"` the values of the leader, tags,
        indicators, subfield codes and UTF-8 are checked, too: `strict` takes a record with a fault
        there for a damaged one, `lenient` gives it, with warnings among its errors.

        A record of more than `max_record_bytes` raises RecordTooLong; packed data that becomes more
        than `max_expansion` times as large, beyond 64 MiB, raises ExpansionTooLarge.
        """
        recovery = Recovery(recovery_mode, max_errors, validation_level, max_record_bytes)
        matcher = None if where is None else matcher_of(where, from_encoding, references, recovery)
        window = open_source(source, max_expansion)
        self._open(window, from_encoding, references, recovery, matcher)
        if stop is not None:
            first = window.offset
            self._stop = find_boundary(window, _checked(stop))
            window.seek(first)
        if start:
            find_boundary(window, _checked(start))

    def _open(
        self,
        window: Window,
        from_encoding: str | None,
        references: bool,
        recovery: Recovery,
        matcher: _core.Matcher | None,
    ) -> None:
        self._window: Window | None = window
        # Tells which records are wanted, and of each entry of a scan whether it is: 1 or 0.
        self._matcher = matcher
        self._marks = b""
        self._recovery = recovery
        self._is_lenient = recovery.is_lenient
        self._origin = Origin(window.name, from_encoding, references, recovery.is_lenient)
        self._scanner = _core.Scanner(record_max=recovery.max_record_bytes)
        # What of a batch is still to be handed out, the next one last: a record that is handed out
        # belongs to the caller alone, and its memory is free again as soon as he drops it.
        self._batch: list[Record] = []
        self._number = 0
        # A lost record is to be raised, whatever the mode.
        self._is_told = False
        # Found behind that: entries of the scanner's, from `_entry` to `_entries`. They count from
        # `_taken` bytes before the window's front.
        self._entry = self._entries = 0
        self._taken = 0
        # A damaged record behind these waits for its turn.
        self._problem: MarcError | None = None
        self._is_lost = False
        # SEARCHING once bytes of it have been left behind.
        self._searching = 0
        # The boundary at which the reading ends.
        self._stop = None
        # Whoever has it may bring on records, and nobody else.
        self._lock = allocate_lock()

    @classmethod
    def over(
        cls,
        window: Window,
        from_encoding: str | None = None,
        references: bool = False,
        recovery: Recovery | None = None,
        matcher: _core.Matcher | None = None,
    ) -> MARCReader:
        """A reader over a window that somebody else has opened."""
        reader = cls.__new__(cls)
        reader._open(window, from_encoding, references, recovery or Recovery(), matcher)
        return reader

    def __next__(self) -> Record:
        while True:
            try:
                return self._batch.pop()
            except IndexError:
                pass
            with self._lock:
                if not self._batch and not self._next_batch():
                    raise StopIteration

    def read_record(self) -> Record | None:
        """The next record; None at the end, and only there. Raises what iterating would."""
        try:
            record: Record | None = None
            while record is None:  # the place of one that is lost
                record = self.__next__()
            return record
        except StopIteration:
            return None

    @property
    def summary(self) -> Summary:
        """What has been read, salvaged and lost up to now."""
        return self._recovery.summary

    def iter_with_errors(self) -> Iterator[tuple[Record, None] | tuple[None, MarcError]]:
        """Records and errors in the order of the source: `(record, None)` or `(None, error)`.

        Never raises for a damaged record. One that was salvaged has its errors with it. A source
        that cannot be read still raises SourceError.
        """
        self._is_told = True
        yield from super().iter_with_errors()

    def tell(self) -> int:
        """Where the next record begins, in bytes from the start of the source."""
        with self._lock:
            while self._is_lost:
                self._find_next(self._opened())
            return self._batch[-1]._offset if self._batch else self._opened().offset

    def seek(self, offset: int, align: bool = False) -> int:
        """Go on with the record that begins at `offset`, in bytes from the start of the source.

        With `align` that may be anywhere: the next record is the first that begins there or behind
        it. Returns the offset that was gone to. Records are numbered from there on. Raises
        SeekNotSupported for a compressed file or a stream, ValueError for a negative offset.
        """
        _checked(offset)
        with self._lock:
            window = self._opened()
            if align:
                offset = find_boundary(window, offset)
            else:
                window.seek(offset)
            self._number = 0
            self._batch.clear()
            self._entry = self._entries = 0
            self._problem = None
            self._is_lost = False
            self._searching = 0
        return offset

    def _opened(self) -> Window:
        if self._window is None:
            raise ReaderClosed("the reader is closed")
        return self._window

    def _next_batch(self) -> bool:
        """Bring on the next records; False at the end. Raises the error of a damaged one."""
        window = self._opened()
        while True:
            if self._entry < self._entries:
                if self._is_lenient and self._scanner.kinds[self._entry] == Kind.DAMAGED:
                    if self._save(window):
                        return True
                    continue
                self._batch = self._made(window)
                return True
            if self._problem is not None:
                self._raise_problem(window)
            if self._is_lost:
                self._find_next(window)
                continue
            if self._stop is not None and window.offset >= self._stop:
                return False
            address, length, flags = window.look()
            flags |= self._recovery.flags
            status, self._entries = self._scanner.scan(address, length, flags)
            self._entry = self._taken = 0
            if self._matcher is not None:
                self._marks = self._matcher.entries(
                    self._scanner, self._entries, address, self._number + 1, window.offset
                )
            if status == Status.PROBLEM:
                self._problem = _core.error_of(self._scanner.problem, window.name)
            if self._stop is not None:
                self._leave_out(self._stop - window.offset)
            if self._entries:
                continue
            if status == Status.DONE:
                return False
            if status == Status.NEED_INPUT:
                window.fill()

    def _made(self, window: Window) -> list[Record]:
        """The next of the records that were found, a batch of them at most, the first one last."""
        first, taken = self._entry, self._taken
        last = min(first + _core.RECORDS_A_BATCH, self._entries)
        kinds = bytes(self._scanner.kinds[first:last])
        if self._is_lenient and Kind.DAMAGED in kinds:
            kinds = kinds[: kinds.index(Kind.DAMAGED)]
            last = first + len(kinds)
        bounds = self._scanner.bounds[first : last + 1]
        data, start = window.run()
        base = start - taken
        ends = bounds[1:].tolist()
        if base:
            ends = [base + end for end in ends]
        length = bounds[-1] - taken
        if self._matcher is not None and not any(self._marks[first:last]):
            count = len(kinds) - kinds.count(Kind.GAP)
            self._recovery.summary.pass_by(count, gaps_of(bounds, kinds))
            self._number += count
            self._entry, self._taken = last, bounds[-1]
            window.take(length)
            return []
        former = self._origin
        self._origin = former.at(self._number + 1, window.offset - taken, starts_of(bounds, kinds))
        records = records_of_batch(data, start, ends, kinds, self._origin, former)
        self._entry, self._taken = last, bounds[-1]
        window.take(length)
        self._number += len(records)
        summary = self._recovery.summary
        summary.add_read(records, len(kinds), length)
        if self._matcher is None:
            return records
        return wanted_of(records, kinds, self._marks[first:last], summary)

    def _save(self, window: Window) -> bool:
        """Bring on what can be told of a damaged record, or the place of one that is lost."""
        self._entry += 1
        length = self._scanner.bounds[self._entry] - self._taken
        self._taken += length
        self._number += 1
        recovery = self._recovery
        record = recovery.salvaged(window.head(length), self._origin, self._number, window.offset)
        window.take(length)
        if isinstance(record, MarcError):
            recovery.summary.bytes_skipped += length
            recovery.note([record])
            if self._is_told:
                try:
                    raise record
                finally:
                    del record  # see `_raise_problem`
            if recovery.is_permissive:
                self._batch = [None]  # type: ignore[list-item]
            return recovery.is_permissive
        recovery.note(record.errors)
        recovery.summary.records_read += 1
        if self._matcher is not None and not self._marks[self._entry - 1]:
            recovery.summary.leave_out(1)
            return False
        self._batch = [record]
        return True

    def _leave_out(self, stop: int) -> None:
        """Leave out what begins at the boundary where the reading stops, one of the bounds."""
        bounds = self._scanner.bounds
        if bounds[self._entries] >= stop:
            self._problem = None
            self._entries = bisect_right(bounds, stop, 1, self._entries + 1) - 1

    def _raise_problem(self, window: Window) -> NoReturn:
        """Raise the error of the record that the window's front stands at."""
        error, self._problem = self._problem, None
        assert error is not None
        self._is_lost = True
        self._number += 1
        error.record_number = self._number
        error.byte_offset = window.offset
        try:
            self._recovery.note([error])
            raise error
        finally:
            # Or the error, its traceback and this reader would keep each other alive.
            del error

    def _find_next(self, window: Window) -> None:
        """Leave bytes of a damaged record behind, all of them once `_is_lost` is unset."""
        address, length, flags = window.look()
        skip, found = _core.resync(address, length, flags | self._searching)
        window.take(skip)
        self._recovery.summary.bytes_skipped += skip
        self._is_lost = not found
        if found:
            self._searching = 0
        elif skip:
            self._searching = SEARCHING
        if not found:
            window.fill()

    def close(self) -> None:
        """Close the source. A reader that is not closed takes the file it opened with it."""
        with self._lock:
            if self._window is not None:
                self._window.close()
                self._window = None
                self._batch.clear()

    def __enter__(self) -> MARCReader:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
