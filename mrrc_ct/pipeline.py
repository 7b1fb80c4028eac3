"""Records from one source by several threads, with as little as possible left for Python."""

from __future__ import annotations

import os
import time
from _thread import allocate_lock
from _weakref import ref
from collections.abc import Iterable, Iterator
from types import TracebackType

from . import _core
from ._batch import Origin
from ._bindings import Job, Kind
from ._pieces import PIECE_BYTES, PIECES_A_WORKER, Pieces
from ._source import MAX_EXPANSION, open_source
from .errors import MarcError, PipelineClosed, SeekNotSupported
from .paths import plan_where
from .reader import RecordIterator, gaps_of, records_of_batch, starts_of, wanted_of
from .recovery import MAX_RECORD_BYTES, Recovery, Summary

# The module typing takes longer to import than all of this package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NoReturn

    from . import _bindings as c
    from ._source import SourceLike, Window
    from .paths import Filter
    from .record import Record

#: Pieces that are ready, being made or in use, unless told otherwise.
CAPACITY = 4
#: The least memory that a pipeline can do with, in bytes.
MEMORY_MIN = 256 * 1024
#: What a record may have in ISO 2709.
RECORD_BYTES = 100_000


class PipelineStats:
    """What a pipeline has done up to now.

    Attributes: `records` and `bytes` (of the source) that were handed over, in `pieces`; `ready`,
    pieces that wait for a consumer, and `in_flight`, those under way or in use, too;
    `worker_waits` and `consumer_waits`, how often either side waited for the other, and
    `worker_wait_seconds` and `consumer_wait_seconds`, for how long in all.
    """

    __slots__ = (
        "bytes",
        "consumer_wait_seconds",
        "consumer_waits",
        "in_flight",
        "pieces",
        "ready",
        "records",
        "worker_wait_seconds",
        "worker_waits",
    )

    records: int
    bytes: int
    pieces: int
    ready: int
    in_flight: int
    worker_waits: int
    consumer_waits: int
    worker_wait_seconds: float
    consumer_wait_seconds: float

    def __init__(self, stats: c.Stats | None = None) -> None:
        """Take what the core has counted."""
        for name in self.__slots__:
            count = getattr(stats, name.replace("_seconds", "_time"), 0)
            setattr(self, name, count / 1e9 if name.endswith("_seconds") else count)

    def __add__(self, other: PipelineStats) -> PipelineStats:
        """Both together."""
        total = PipelineStats()
        for name in self.__slots__:
            setattr(total, name, getattr(self, name) + getattr(other, name))
        return total

    def __repr__(self) -> str:
        values = ", ".join([f"{name}={getattr(self, name)!r}" for name in self.__slots__])
        return f"PipelineStats({values})"


class _Open:
    """A piece on its way to be records."""

    __slots__ = ("damages", "entries", "entry", "number", "offset", "piece", "start", "view")

    def __init__(self, piece: c.Piece, number: int | None) -> None:
        self.piece = piece
        self.view = _core.piece_output(piece)
        #: Damaged records, the next one last.
        self.damages = _core.piece_damages(piece)[::-1]
        self.entries = piece.entries
        #: The next entry, where it begins in the piece, and where in the source.
        self.entry = 0
        self.start = 0
        self.offset = piece.offset
        #: The next record's number, None where nobody knows.
        self.number = None if number is None else number + 1


class ProducerConsumerPipeline(RecordIterator):
    """An iterator over the records of a source that threads of the core read and check.

        with ProducerConsumerPipeline.from_file("large.mrc") as pipeline:
            for record in pipeline:
                print(record.title())

    Records come in the source's order, damaged ones as errors in their place, just as from a
    `MARCReader`. Any number of threads may take records from one pipeline: each gets others. No
    more than `channel_capacity` pieces of `buffer_size` bytes are read ahead.
    """

    def __init__(
        self,
        *sources: SourceLike,
        buffer_size: int = PIECE_BYTES,
        channel_capacity: int = CAPACITY,
        workers: int = 1,
        ordered: bool = True,
        from_encoding: str | None = None,
        references: bool = False,
        start: int = 0,
        stop: int | None = None,
        recovery_mode: str = "strict",
        max_errors: int | None = None,
        validation_level: str = "structural",
        max_record_bytes: int = MAX_RECORD_BYTES,
        max_expansion: float | None = MAX_EXPANSION,
    ) -> None:
        """Start reading paths, bytes or binary file objects, one behind the other.

        `buffer_size` is in bytes, `channel_capacity` in pieces, those in use counted; `workers` are
        threads. Without `ordered` pieces come as they are ready, and records have no numbers.
        `start` and `stop`, offsets in bytes, choose the records that begin in `[start, stop)` of a
        regular file. The other options are those of `MARCReader`; `next()` and `try_next()` give
        no None for a record that is lost. Raises SourceError and its kin
        for what cannot be opened, ValueError for a number that is too small or too large.
        """
        self._max_expansion = max_expansion
        self._sources = list(sources)[::-1]
        self._open_none(
            Recovery(recovery_mode, max_errors, validation_level, max_record_bytes),
            (from_encoding, references),
            size=buffer_size,
            capacity=channel_capacity,
            workers=workers,
            ordered=ordered,
        )
        self._begin(start, stop)

    def _open_none(
        self,
        recovery: Recovery,
        reading: tuple[str | None, bool],
        **options: Any,
    ) -> None:
        """Have no source as yet; `options` are those of `Pieces`."""
        self._recovery = recovery
        self._lock = allocate_lock()
        # What of a batch is still to be handed out, the next one last.
        self._batch: list[Record] = []
        # A lost record is to be raised, whatever the mode.
        self._is_told = False
        # All below belongs to whoever has the lock.
        self._reading = reading
        self._options: dict[str, Any] = {"ordered": True, **options, **recovery.options()}
        # Whether windows are closed here.
        self._is_owner = True
        self._error: MarcError | None = None
        self._open: _Open | None = None
        self._number = 0
        self._is_closed = self._is_finished = False
        self._pieces: Pieces | None = None
        # Of the sources that are done with, and the one at hand.
        self._counted: tuple[PipelineStats, Pieces | None] = PipelineStats(), None
        self._origin = Origin(None, *reading)
        _alive.add(ref(self, _alive.discard))

    @classmethod
    def over(
        cls,
        window: Window,
        from_encoding: str | None = None,
        references: bool = False,
        recovery: Recovery | None = None,
        where: Filter | None = None,
        *,
        workers: int = 1,
    ) -> ProducerConsumerPipeline:
        """A pipeline over a window that somebody else has opened, and closes.

        Records that `where` does not want are left out, and have their numbers; it may not ask for
        these, which threads do not know, nor have an encoding beside it.
        """
        assert where is None or not (where.has_number or from_encoding)
        pipeline = cls.__new__(cls)
        pipeline._sources = []
        options: dict[str, Any] = {"workers": workers}
        plan, _ = plan_where(where)
        if plan is not None:
            options |= {"target": "rows", "plan": plan.handle, "references": references}
        pipeline._open_none(recovery or Recovery(), (from_encoding, references), **options)
        pipeline._is_owner = False
        pipeline._start(window)
        return pipeline

    @classmethod
    def from_file(
        cls,
        path: SourceLike,
        buffer_size: int = PIECE_BYTES,
        channel_capacity: int = CAPACITY,
        **options: Any,
    ) -> ProducerConsumerPipeline:
        """A pipeline over one file. The options are the constructor's, and so are the errors."""
        return cls(path, buffer_size=buffer_size, channel_capacity=channel_capacity, **options)

    @classmethod
    def from_files(cls, paths: Iterable[SourceLike], **options: Any) -> ProducerConsumerPipeline:
        """A pipeline over files, one behind the other. Records are numbered in each by itself."""
        return cls(*paths, **options)

    @classmethod
    def for_latency(cls, path: SourceLike, **options: Any) -> ProducerConsumerPipeline:
        """A pipeline whose first records come soon: pieces of 16 KiB."""
        return cls(path, **{"buffer_size": 16 * 1024, "channel_capacity": 8, **options})

    @classmethod
    def for_throughput(cls, path: SourceLike, **options: Any) -> ProducerConsumerPipeline:
        """A pipeline for all the cores there are: a thread for each, pieces of 1 MiB."""
        workers = os.cpu_count() or 1
        return cls(
            path,
            **{
                "buffer_size": 1024 * 1024,
                "workers": workers,
                "channel_capacity": workers * PIECES_A_WORKER + 1,
                **options,
            },
        )

    @classmethod
    def for_memory(cls, path: SourceLike, limit: int, **options: Any) -> ProducerConsumerPipeline:
        """A pipeline that takes about `limit` bytes of memory at most, besides its records.

        Raises ValueError for less than the 256 KiB that a pipeline needs.
        """
        if limit < MEMORY_MIN:
            raise ValueError(f"a pipeline needs {MEMORY_MIN} bytes or more, not {limit}")
        # Each piece may hold a record beside its range, and each worker has a piece's memory more.
        workers = options.get("workers", 1)
        capacity = options.get("channel_capacity", 2)
        size = limit // (capacity + 2 * workers) - RECORD_BYTES // 4
        return cls(
            path, **{"buffer_size": max(4096, size), "channel_capacity": capacity, **options}
        )

    def _begin(self, start: int = 0, stop: int | None = None) -> bool:
        """Start on the next source; False when there is none."""
        if not self._sources:
            return False
        window = open_source(self._sources.pop(), self._max_expansion)
        if window.descriptor is None and (start or stop is not None):
            window.close()
            raise SeekNotSupported(
                "start and stop are for a file by its name that is not packed", source=window.name
            )
        self._start(window, start=start, stop=stop)
        if self._is_closed:  # meanwhile
            self.close()
        return True

    def _start(self, window: Window, **part: Any) -> None:
        """Have threads read what a window is over."""
        self._origin = Origin(window.name, *self._reading, self._recovery.is_lenient)
        self._pieces = Pieces(window, Job.SCAN, **part, **self._options)
        self._counted = self._counted[0], self._pieces
        self._number = 0

    # ---- taking records

    def __next__(self) -> Record:
        while True:
            try:
                return self._batch.pop()
            except IndexError:
                pass
            with self._lock:
                if not self._refill(None):
                    raise StopIteration

    def next(self, timeout: float | None = None) -> Record | None:
        """The next record; None at the end, and only there.

        Raises the error of a damaged record in its place, TimeoutError when nothing has come
        within `timeout` seconds, PipelineClosed behind `close`, and SourceError when the source
        cannot be read.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        while True:
            try:
                record = self._batch.pop()
                if record is not None:  # the place of one that is lost
                    return record
                continue
            except IndexError:
                pass
            left = -1.0 if deadline is None else max(0.0, deadline - time.monotonic())
            is_mine = self._lock.acquire(timeout=left)
            if deadline is not None:
                left = max(0.0, deadline - time.monotonic())
            try:
                if not is_mine:
                    raise TimeoutError
                if not self._refill(None if deadline is None else left):
                    return None
            except TimeoutError:
                raise TimeoutError(f"no record within {timeout} seconds") from None
            finally:
                if is_mine:
                    self._lock.release()

    def try_next(self) -> Record | None:
        """The next record if one is ready, without waiting. `finished` tells the end from a pause.

        Raises the error of a damaged record in its place.
        """
        while True:
            try:
                record = self._batch.pop()
                if record is not None:  # the place of one that is lost
                    return record
                continue
            except IndexError:
                pass
            if not self._lock.acquire(blocking=False):
                return None
            try:
                if not self._refill(0):
                    return None
            except TimeoutError:
                return None
            finally:
                self._lock.release()

    def batches(self) -> Iterator[list[Record]]:
        """Records some at a time, as many as are ready at once (64 at most).

        The error of a damaged record is raised in its place. The generator has ended then; another
        one goes on behind it.
        """
        while True:
            with self._lock:
                if not self._refill(None):
                    return
                waiting = self._batch
            batch: list[Record] = []
            try:
                while True:
                    batch.append(waiting.pop())  # others may be popping, too
            except IndexError:
                if batch:
                    yield batch

    @property
    def finished(self) -> bool:
        """Whether all records have been taken."""
        return self._is_finished and not self._batch

    def _refill(self, timeout: float | None) -> bool:
        """See that there are records to take; False at the end. For whoever has the lock."""
        while not self._batch:
            if self._is_closed:
                raise PipelineClosed("the pipeline is closed", source=self._origin.name)
            if self._is_finished:
                return False
            if self._error is not None:
                self._raise_error()
            if self._open is not None:
                self._take_batch(self._open)
                continue
            pieces = self._pieces
            piece = pieces.next(timeout) if pieces is not None else None
            if piece is not None:
                self._open = _Open(piece, self._number if self._options["ordered"] else None)
                self._number += piece.counts.records_read + piece.damage_count
                continue
            if pieces is not None:
                self._pieces = None
                self._counted = self._counted[0] + PipelineStats(pieces.stats()), None
                self._end(pieces)
            self._is_finished = not self._begin()
        return True

    def _raise_error(self) -> NoReturn:
        error, self._error = self._error, None
        assert error is not None
        try:
            raise error
        finally:
            # Or the error, its traceback and this pipeline would keep each other alive.
            del error

    def _take_batch(self, piece: _Open) -> None:
        """Make some records of a piece, or the next error in it, or be done with it."""
        limit = piece.damages[-1].entry if piece.damages else piece.entries
        if piece.entry < limit:
            last = min(piece.entry + _core.RECORDS_A_BATCH, limit)
            kinds = _core.piece_kinds(piece.piece, piece.entry, last)
            if self._recovery.is_lenient and Kind.DAMAGED in kinds:
                kinds = kinds[: kinds.index(Kind.DAMAGED)]
            if kinds:
                self._batch = self._made(piece, kinds)
            else:
                self._save(piece)
        elif piece.damages:
            damage = piece.damages.pop()
            piece.offset = damage.offset
            error = _core.error_of(damage.problem, self._origin.name)
            error.record_number = piece.number
            if piece.number is not None:
                piece.number += 1
            self._recovery.summary.bytes_skipped += damage.offset - (error.byte_offset or 0)
            self._recovery.note([error])
            self._error = error
        else:
            self._open = None
            if self._pieces is not None:
                self._pieces.give_back(piece.piece)
        if self._pieces is not None and self._pieces.window.descriptor is not None:
            # Threads read it: how far that has come is known here only.
            self._pieces.window.offset = piece.offset

    def _made(self, piece: _Open, kinds: bytes) -> list[Record]:
        """The next records of a piece, with what stands between them of these kinds."""
        last = piece.entry + len(kinds)
        start, offset, number = piece.start, piece.offset, piece.number
        marks = self._marks(piece, last)
        bounds = [end - start for end in _core.piece_ends(piece.piece, piece.entry, last)]
        bounds.insert(0, 0)
        length = bounds[-1]
        count = len(kinds) - kinds.count(Kind.GAP)
        piece.entry = last
        piece.start += length
        piece.offset += length
        if number is not None:
            piece.number = number + count
        if marks is not None and not any(marks):
            self._recovery.summary.pass_by(count, gaps_of(bounds, kinds))
            return []
        former = self._origin
        self._origin = former.at(number or 0, offset, starts_of(bounds, kinds))
        data = bytes(piece.view[start : start + length])
        records = records_of_batch(data, 0, bounds[1:], kinds, self._origin, former)
        self._recovery.summary.add_read(records, len(kinds), length)
        if marks is None:
            return records
        return wanted_of(records, kinds, marks, self._recovery.summary)

    def _marks(self, piece: _Open, last: int) -> bytes | None:
        """Which of the entries from the next to `last` are wanted; None where all are."""
        if "plan" not in self._options:
            return None
        return _core.piece_marks(piece.piece, piece.entry, last)

    def _save(self, piece: _Open) -> None:
        """Bring on what can be told of a damaged record, or the place of one that is lost."""
        start, offset, number = piece.start, piece.offset, piece.number
        (end,) = _core.piece_ends(piece.piece, piece.entry, piece.entry + 1)
        marks = self._marks(piece, piece.entry + 1)
        data = bytes(piece.view[start:end])
        piece.entry += 1
        piece.start = end
        piece.offset += len(data)
        if piece.number is not None:
            piece.number += 1
        recovery = self._recovery
        record = recovery.salvaged(data, self._origin, number, offset)
        if isinstance(record, MarcError):
            recovery.summary.bytes_skipped += len(data)
            recovery.note([record])
            if self._is_told:
                self._error = record
            elif recovery.is_permissive:
                self._batch = [None]  # type: ignore[list-item]
            return
        recovery.note(record.errors)
        recovery.summary.records_read += 1
        if marks is not None and not any(marks):
            recovery.summary.leave_out(1)
        else:
            self._batch = [record]

    # ---- beside the records

    @property
    def summary(self) -> Summary:
        """What has been read, salvaged and lost up to now."""
        return self._recovery.summary

    def iter_with_errors(self) -> Iterator[tuple[Record, None] | tuple[None, MarcError]]:
        """As that of `MARCReader`."""
        self._is_told = True
        yield from super().iter_with_errors()

    @property
    def stats(self) -> PipelineStats:
        """What has been done up to now."""
        past, pieces = self._counted
        return past if pieces is None else past + PipelineStats(pieces.stats())

    def close(self) -> None:
        """Stop the threads and close the source. At any moment, from any thread, more than once.

        Whoever waits for a record gets PipelineClosed.
        """
        self._is_closed = True
        pieces = self._pieces
        if pieces is not None:
            self._end(pieces)
        self._batch = []

    def _end(self, pieces: Pieces) -> None:
        pieces.close()
        if self._is_owner:
            pieces.window.close()

    def __enter__(self) -> ProducerConsumerPipeline:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _forked(self) -> None:
        """Be of no use in a process that was forked off: its records are the other's."""
        self._lock = allocate_lock()
        self._batch = []
        self._open = None
        self._is_finished = False


#: The pipelines that there are, for a process that is forked off.
_alive: set[ref[ProducerConsumerPipeline]] = set()


def _after_fork() -> None:
    for reference in list(_alive):
        pipeline = reference()
        if pipeline is not None:
            pipeline._forked()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
