"""Writing ISO 2709 records to a path or a file object."""

from __future__ import annotations

import atexit
import sys
from _thread import allocate_lock
from _weakref import ref
from types import TracebackType

from ._core import normalization_number
from ._target import PathTarget, open_target
from .base import BaseRecord
from .errors import WriteNeedsRecord, WriterClosed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ._target import Target, TargetLike

#: Records are gathered to about this many bytes before a path is written to.
BUFFER_BYTES = 256 * 1024

#: Those that write to paths and are not closed yet, for the end of the program.
_unclosed: set[ref[MARCWriter]] = set()


class MARCWriter:
    """Writes records in ISO 2709.

        with MARCWriter("out.mrc") as writer:
            writer.write(record)

    Threads may share a writer: each record is written as a whole.
    """

    def __init__(
        self,
        target: TargetLike,
        *,
        encoding: str | None = None,
        unmappable: str = "error",
        normalize: str | None = None,
    ) -> None:
        """Open a path (packed if it ends in `.gz`, `.bz2` or `.xz`), or take a binary file object.

        A path is written to a buffer at a time, and a file there is replaced by `close`, as a
        whole: until then, and for good where an exception leaves the `with`, it is what it was.
        Devices and FIFOs are written to in place, and so is a file object, record by record.
        `encoding` and `unmappable` are those of `Record.as_marc`. `normalize` is the form of
        Unicode that text is brought into, `nfc` or `nfd`, but in MARC-8, which has its own; `none`
        and None leave it as it is. Raises SourceError for a path that cannot be written to, and
        ValueError for another form.
        """
        self._encoding = encoding
        self._unmappable = unmappable
        self._normalization = normalization_number(normalize)
        opened = open_target(target)
        self._target: Target | None = opened
        self._lock = allocate_lock()
        #: What waits to be written to a path; None for a file object, for which nothing waits.
        self._parts: list[bytes] | None = None
        self._waiting = 0
        if isinstance(opened, PathTarget):
            self._parts = opened.parts
            opened.is_completed_unclosed = True
            self._reference = ref(self, _unclosed.discard)
            _unclosed.add(self._reference)

    def write_record(self, record: BaseRecord[Any]) -> None:
        """Write one record.

        Raises what `Record.as_marc` raises, and where text is normalized Utf8Invalid for what is
        none; then nothing of the record is written. Raises
        SourceError when the target cannot take it, WriterClosed behind `close`.
        """
        if not isinstance(record, BaseRecord):
            raise WriteNeedsRecord(f"a Record was expected, not {type(record).__name__}")
        data = record._written_in(self._normalization, self._encoding, self._unmappable)
        with self._lock:
            if self._target is None:
                raise WriterClosed("the writer is closed")
            if self._parts is None:
                self._target.write(data)
                return
            self._parts.append(data)
            self._waiting += len(data)
            if self._waiting >= BUFFER_BYTES:
                self._waiting = 0
                self._target.flush()

    write = write_record

    def flush(self) -> None:
        """Pass on what is waiting: to the temporary file, where a path is being replaced."""
        with self._lock:
            if self._target is None:
                raise WriterClosed("the writer is closed")
            self._waiting = 0
            self._target.flush()

    def close(self) -> None:
        """Write what is waiting and put the file in its place; one that was handed in stays open.

        Raises SourceError when that fails, or a write before has failed: what was there before is
        there still. WriterClosed in a process that was forked off.
        """
        with self._lock:
            target, self._target = self._target, None
            if target is not None:
                target.close()

    def __enter__(self) -> MARCWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None or self._parts is None:
            self.close()
            return
        with self._lock:
            if self._target is not None:
                self._target.discard()
                self._target = None

    def _complete_at_exit(self) -> None:
        target = self._target
        # In a process that was forked off, the lock may be that of a thread that is not there.
        if not isinstance(target, PathTarget) or target.is_foreign():
            return
        with self._lock:
            if self._target is not None:
                self._target = None
                target.complete_unclosed()


def _complete_unclosed() -> None:
    for reference in list(_unclosed):
        writer = reference()
        if writer is not None:
            try:
                writer._complete_at_exit()
            except Exception:
                sys.excepthook(*sys.exc_info())  # the others are completed all the same


# When objects are collected at the end of a program, some never are, and modules may be gone.
atexit.register(_complete_unclosed)
