"""Pieces of a source, made by threads of the core: what the pipeline and bulk work are built on.

A regular file is read by the threads themselves. Anything else only Python can read: whoever asks
for a piece then reads a little and pushes it, in the time that he would have to wait anyway.
"""

from __future__ import annotations

import os
import sys
import time
from _thread import allocate_lock

from . import _core
from ._bindings import FINAL, FLUSH, Failure, Status
from .errors import EmptySource, MarcError, PipelineClosed, SourceError

# The module typing takes longer to import than all of this package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from . import _bindings as c
    from ._source import Window

#: Bytes of the source that a piece is made of.
PIECE_BYTES = 256 * 1024
#: The largest, of large sources with little to do for each record.
PIECE_BYTES_MAX = 16 * PIECE_BYTES
#: Pieces that may be under way for each thread, and one for whoever uses them.
PIECES_A_WORKER = 3
#: As long as a call of the core may hold back signals.
SLICE_SECONDS = 0.05


def debug(message: str, *arguments: object) -> None:
    """Log to `mrrc_ct`, if anybody logs at all: the module takes longer to import than this one."""
    logging = sys.modules.get("logging")
    if logging is not None:
        logging.getLogger("mrrc_ct").debug(message, *arguments)


def large_piece(total: int | None, threads: int, most: int = PIECE_BYTES_MAX) -> int:
    """Bytes of a piece where threads would wait for each other at small ones.

    Of a source of `total` bytes each gets some pieces all the same.
    """
    return min(most, max(PIECE_BYTES, (total or 0) // (8 * threads)))


class Pieces:
    """The pieces of a source, in its order unless told otherwise. For any number of threads."""

    def __init__(
        self,
        window: Window,
        job: int,
        *,
        workers: int,
        capacity: int | None = None,
        size: int = PIECE_BYTES,
        **options: Any,
    ) -> None:
        """Start the threads. The window is theirs from now on; `options` are `_core.Pipeline`'s."""
        self.window = window
        self.stop_at = options.get("stop")
        self._is_pushed = window.descriptor is None
        start = options.pop("start", window.offset)
        self._core = _core.Pipeline(
            job,
            workers=workers,
            capacity=workers * PIECES_A_WORKER + 1 if capacity is None else capacity,
            size=size,
            start=start,
            file=-1 if window.descriptor is None else window.descriptor,
            **options,
        )
        self._is_closed = False
        self._failure: MarcError | None = None
        # Only one thread reads, and knows whether the last read got all that it asked for.
        self._reading = allocate_lock()
        self._is_short = False
        self._bytes = 0
        if self._is_pushed:
            window.grow(PIECE_BYTES)
        debug("%s: %d threads start, pieces of %d bytes", window.name, workers, size)

    def next(self, timeout: float | None = None) -> c.Piece | None:
        """The next piece, None at the end.

        Raises TimeoutError when there is none within so many seconds, PipelineClosed behind
        `close` and in a forked process, and SourceError when the source cannot be read.
        """
        core = self._core
        core.check()
        deadline = None if timeout is None else time.monotonic() + timeout
        seconds = SLICE_SECONDS
        while True:
            if deadline is not None:
                seconds = min(SLICE_SECONDS, max(0.0, deadline - time.monotonic()))
            # While the source gives all that is asked for, it is read; otherwise what was pushed
            # should come out first.
            is_reading = self._is_pushed and not self._is_short and self._failure is None
            status, piece = core.next(0 if is_reading else max(1, int(seconds * 1000)))
            if status == Status.OUTPUT:
                return self._checked(piece)
            if status == Status.DONE:
                self._end()
                return None
            if status == Status.CLOSED:
                raise PipelineClosed("the pipeline is closed", source=self.window.name)
            if status == Status.NEED_INPUT:
                failure, self._failure = self._failure, None
                if failure is not None:
                    raise failure
                self._pump(seconds)
            elif is_reading:
                status, piece = core.next(max(1, int(seconds * 1000)))
                if status == Status.OUTPUT:
                    return self._checked(piece)
            if deadline is not None and time.monotonic() >= deadline:
                raise TimeoutError(f"nothing has come within {timeout} seconds")

    def _checked(self, piece: c.Piece) -> c.Piece:
        self._bytes += piece.source_length
        if piece.failure == Failure.NONE:
            return piece
        self._core.give_back(piece)
        if piece.failure == Failure.OUT_OF_MEMORY:
            raise MemoryError("the core could not get memory")
        error = SourceError(f"cannot read: {os.strerror(piece.errno)}", source=self.window.name)
        error.errno = piece.errno
        error.byte_offset = piece.offset
        raise error

    def _end(self) -> None:
        """Say once that a whole file held nothing."""
        is_whole = self.stop_at is None and not self._is_pushed
        if is_whole and not self._bytes and not os.fstat(self.window.descriptor or 0).st_size:
            self._bytes = 1  # said once
            raise EmptySource("the file is empty", source=self.window.name, byte_offset=0)

    def _pump(self, seconds: float) -> None:
        """Read a little and push it, waiting no longer than so many seconds where that is known."""
        if not self._reading.acquire(timeout=seconds):
            return
        try:
            window = self.window
            if self._is_closed or not window.is_ready(seconds):
                return
            address, length, flags = window.look()
            if not length and not flags & FINAL:
                try:
                    window.fill()
                except MarcError as error:
                    # What came before it comes out first.
                    self._failure = error
                address, length, flags = window.look()
            self._is_short = window.may_wait and length < PIECE_BYTES
            is_last = bool(flags & FINAL) and length <= PIECE_BYTES and self._failure is None
            length = min(length, PIECE_BYTES)
            is_urgent = self._is_short or self._failure is not None
            if self._core.push(address, length, FINAL if is_last else FLUSH if is_urgent else 0):
                window.take(length)
        finally:
            self._reading.release()

    def give_back(self, piece: c.Piece) -> None:
        """Be done with a piece."""
        self._core.give_back(piece)

    def stats(self) -> c.Stats:
        """What has been done up to now."""
        return self._core.stats()

    def close(self) -> None:
        """Stop the threads, at any time. The window is nobody's then, but for a read that waits."""
        is_first, self._is_closed = not self._is_closed, True
        self._core.close()
        if is_first:
            stats = self.stats()
            debug(
                "%s: threads have stopped, %d records; they waited %.3f s, for them %.3f s",
                self.window.name,
                stats.records,
                stats.worker_wait_time / 1e9,
                stats.consumer_wait_time / 1e9,
            )
        # Whoever reads notices soon.
        if self._reading.acquire(timeout=1):
            self._reading.release()

    def __del__(self) -> None:
        # Before the window closes the file that the threads read.
        core = getattr(self, "_core", None)
        if core is not None:
            core.close()
