"""Writing ISO 2709 records to a path or a file object."""

from __future__ import annotations

from _thread import allocate_lock
from types import TracebackType

from ._target import Target
from .base import BaseRecord
from .errors import WriteNeedsRecord, WriterClosed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ._target import TargetLike

#: Records are gathered to about this many bytes before a path is written to.
BUFFER_BYTES = 256 * 1024


class MARCWriter:
    """Writes records in ISO 2709. Threads may share a writer: each record is written as a whole.

    with MARCWriter("out.mrc") as writer:
        writer.write(record)
    """

    def __init__(
        self, target: TargetLike, *, encoding: str | None = None, unmappable: str = "error"
    ) -> None:
        """Open a path (packed if it ends in `.gz`, `.bz2` or `.xz`), or take a binary file object.

        `encoding` and `unmappable` are those of `Record.as_marc`. What is written to a file object
        is passed on record by record; a path is written to a buffer at a time. Raises SourceError
        for a path that cannot be written to.
        """
        self._encoding = encoding
        self._unmappable = unmappable
        self._is_buffered = not hasattr(target, "write")
        self._target: Target | None = Target(target)
        self._name = self._target.name
        self._lock = allocate_lock()
        self._parts: list[bytes] = []
        self._waiting = 0

    def write_record(self, record: BaseRecord[Any]) -> None:
        """Write one record.

        Raises what `Record.as_marc` raises, and then nothing of the record is written; and
        SourceError when the target cannot take it, WriterClosed behind `close`.
        """
        if not isinstance(record, BaseRecord):
            raise WriteNeedsRecord(f"a Record was expected, not {type(record).__name__}")
        data = record._iso2709(self._encoding, self._unmappable)
        with self._lock:
            if self._target is None:
                raise WriterClosed("the writer is closed")
            if not self._is_buffered:
                self._target.write(data)
                return
            self._parts.append(data)
            self._waiting += len(data)
            if self._waiting >= BUFFER_BYTES:
                self._flush(self._target)

    write = write_record

    def flush(self) -> None:
        """Pass on what is waiting in the buffer."""
        with self._lock:
            if self._target is None:
                raise WriterClosed("the writer is closed")
            self._flush(self._target)

    def _flush(self, target: Target) -> None:
        if self._parts:
            data = b"".join(self._parts)
            self._parts.clear()
            self._waiting = 0
            target.write(data)
        target.flush()

    def close(self) -> None:
        """Write what is waiting and close the file; one that was handed in stays open."""
        with self._lock:
            target, self._target = self._target, None
            if target is None:
                return
            try:
                self._flush(target)
            finally:
                target.close()

    def __del__(self) -> None:
        if getattr(self, "_target", None) is not None and self._is_buffered:
            import warnings

            warnings.warn(f"unclosed writer to {self._name}", ResourceWarning, 2, self)
            self.close()

    def __enter__(self) -> MARCWriter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
