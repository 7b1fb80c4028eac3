"""Sorting more than fits into memory: runs on disk, merged.

What is sorted are strings of bytes. As many as memory holds are put in order and written to a
temporary file, one run behind the other; in the end the runs are merged. All of it is read and
written from front to back. The file has no name (or loses it when it is closed, on Windows), so
that nothing of it stays, however the process ends.
"""

from __future__ import annotations

import heapq
import os
import tempfile

from ._source import raise_os_error
from .errors import SourceError

# The module typing takes longer to import than all of this package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import TracebackType
    from typing import Any

#: What an entry takes beside its bytes: the object's head, places in lists, what malloc rounds up.
ENTRY_BYTES = 72
#: Runs that are merged at once. More are merged to fewer first.
RUNS_MAX = 128
#: Of each run so much is in memory while they are merged, or less; and so much is written at once.
BLOCK_BYTES = 256 * 1024
BLOCK_BYTES_MIN = 4 * 1024
_LENGTH_BYTES = 4


class DiskFile:
    """A file that is read anywhere."""

    #: What reading it is called in an error.
    _reading = "read"

    def __init__(self, file: Any, name: str) -> None:
        """Take a file that is open without a buffer."""
        self._file = file
        self._descriptor: int = file.fileno()
        self.name = name

    def length(self) -> int:
        """How many bytes it has now."""
        return os.fstat(self._descriptor).st_size

    def read(self, size: int, offset: int) -> bytes:
        """So many bytes at an offset, or as many as there are. Raises SourceError."""
        try:
            return self._get(size, offset)
        except OSError as error:
            raise_os_error(error, self.name, self._reading)

    if hasattr(os, "pread"):

        def _get(self, size: int, offset: int) -> bytes:
            return os.pread(self._descriptor, size, offset)

    else:

        def _get(self, size: int, offset: int) -> bytes:
            self._file.seek(offset)
            return bytes(self._file.read(size))

    def close(self) -> None:
        """Let go of it, and of what is in it where it has no name."""
        self._file.close()

    def __del__(self) -> None:
        # As a reader does. A file that is left to itself would warn.
        file = getattr(self, "_file", None)
        if file is not None:
            file.close()


class TemporaryFile(DiskFile):
    """A file without a name, in a folder. It is gone when it is closed, or the process ends."""

    _reading = "read a temporary file in"

    def __init__(self, folder: str) -> None:
        """Make one. Raises SourceError."""
        try:
            file = tempfile.TemporaryFile(buffering=0, dir=folder)  # noqa: SIM115
        except OSError as error:
            raise_os_error(error, folder, "make a temporary file in")
        super().__init__(file, folder)
        #: How many bytes it has: where `append` writes.
        self.size = 0

    def append(self, data: bytes | memoryview) -> None:
        """Write at the end. Raises SourceError."""
        self.write(data, self.size)

    def write(self, data: bytes | memoryview, offset: int) -> None:
        """Write all of it at an offset. Raises SourceError."""
        written = 0
        try:
            while written < len(data):
                written += self._put(data[written:], offset + written)
        except OSError as error:
            raise_os_error(error, self.name, "write to a temporary file in")
        self.size = max(self.size, offset + written)

    if hasattr(os, "pwrite"):

        def _put(self, data: bytes | memoryview, offset: int) -> int:
            return os.pwrite(self._descriptor, data, offset)

    else:

        def _put(self, data: bytes | memoryview, offset: int) -> int:
            self._file.seek(offset)
            return int(self._file.write(data))


class Sorter:
    """Strings of bytes, put in order.

    with Sorter(memory, folder) as sorter:
        sorter.add(entry)
        for entry in sorter.sorted():
            ...
    """

    def __init__(self, memory: int, folder: str) -> None:
        """Keep about `memory` bytes in memory, and the rest in a temporary file in `folder`."""
        self._memory = memory
        self._folder = folder
        self._entries: list[bytes] = []
        self._used = 0
        #: How many bytes the longest entry has, of those that were written.
        self._longest = 0
        self._file: TemporaryFile | None = None
        #: Where each run begins and ends in the file.
        self._runs: list[tuple[int, int]] = []

    @property
    def runs(self) -> int:
        """How many runs have been written up to now."""
        return len(self._runs)

    def add(self, entry: bytes) -> None:
        """Add an entry. Raises SourceError where there is no room on the disk."""
        self._entries.append(entry)
        self._used += len(entry) + ENTRY_BYTES
        if self._used > self._memory:
            self._write_run()

    def _write_run(self) -> None:
        self._entries.sort()
        self._longest = max(self._longest, max(map(len, self._entries)))
        if self._file is None:
            self._file = TemporaryFile(self._folder)
        self._runs.append(_written(self._entries, self._file))
        self._entries = []
        self._used = 0

    def sorted(self) -> Iterator[bytes]:
        """All entries, in order; once. Raises SourceError."""
        if self._file is None:
            self._entries.sort()
            entries, self._entries = self._entries, []
            return iter(entries)
        if self._entries:
            self._write_run()
        # Of each run there is an entry in memory, and what of its block is left beside the next.
        least = 2 * max(BLOCK_BYTES_MIN, self._longest)
        most = max(2, min(RUNS_MAX, self._memory // least))
        while len(self._runs) > most:
            self._merge_to_fewer(most)
        return self._merged(self._file, self._runs)

    def _merge_to_fewer(self, most: int) -> None:
        """Merge as many runs at a time as can be, to another file."""
        old, new = self._file, TemporaryFile(self._folder)
        assert old is not None
        try:
            groups = [self._runs[at : at + most] for at in range(0, len(self._runs), most)]
            self._runs = [_written(self._merged(old, group), new) for group in groups]
        except BaseException:
            new.close()
            raise
        self._file = new
        old.close()

    def _merged(self, file: TemporaryFile, runs: list[tuple[int, int]]) -> Iterator[bytes]:
        # Half of the memory, since a block that is read stands beside the rest of the one before.
        size = self._memory // (2 * len(runs))
        size = max(BLOCK_BYTES_MIN, min(size, BLOCK_BYTES))
        return heapq.merge(*[_read(file, start, end, size) for start, end in runs])

    def close(self) -> None:
        """Let go of all of it."""
        self._entries = []
        if self._file is not None:
            self._file.close()

    def __enter__(self) -> Sorter:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def _written(entries: Iterable[bytes], file: TemporaryFile) -> tuple[int, int]:
    """Write a run: each entry behind its length. Where the run begins, and where it ends."""
    start = file.size
    parts: list[bytes] = []
    waiting = 0
    for entry in entries:
        parts.append(len(entry).to_bytes(_LENGTH_BYTES, "big"))
        parts.append(entry)
        waiting += len(entry)
        if waiting >= BLOCK_BYTES:
            file.append(b"".join(parts))
            parts, waiting = [], 0
    file.append(b"".join(parts))
    return start, file.size


def _read(file: TemporaryFile, start: int, end: int, size: int) -> Iterator[bytes]:
    """The entries of a run, `size` bytes of it at a time, or one entry where that is longer."""
    block, at = b"", 0
    while True:
        behind = at + _LENGTH_BYTES
        stop = behind + int.from_bytes(block[at:behind], "big")
        if behind > len(block) or stop > len(block):
            if start == end and at == len(block):
                return
            wanted = max(size, stop - len(block)) if behind <= len(block) else size
            more = file.read(min(wanted, end - start), start)
            if not more:
                raise SourceError("a temporary file has been cut short")
            start += len(more)
            block, at = block[at:] + more, 0
            continue
        yield block[behind:stop]
        at = stop
