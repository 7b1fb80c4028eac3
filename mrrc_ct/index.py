"""Where each record of a file is: random access by number and by control number."""

from __future__ import annotations

import os
import tempfile
import zlib
from _thread import allocate_lock
from collections import deque
from collections.abc import Iterator
from math import inf
from types import TracebackType

from ._core import encoding_number
from ._index_file import IndexWriter, damaged, open_index_file
from ._source import compression_of, raise_os_error
from ._target import open_target
from .conversion import close_own, open_as
from .errors import FormatUnknown, IndexInvalid, MarcError, ReaderClosed, SeekNotSupported
from .reader import MARCReader
from .tables import select

# The module typing takes longer to import than all of this package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

    from ._index_file import IndexFile
    from .record import Record

#: What an index is called beside its file.
SUFFIX = ".mrrc-index"
_CHUNK = 1 << 20
_CHANGED = "the file has changed since the index was built: build it again"
#: What of a reader's options has nothing to say while an index is built.
_FOR_LATER = ("recovery_mode", "max_errors")


class RecordIndex:
    """The offsets and control numbers of the records of a file.

        with build_index("records.mrc") as index:
            index[20_000]            # the record with this number, from 1
            index.find("5731351")    # all records whose 001 says so

    Control numbers are compared without the blanks around them. Threads may share an index. Numbers
    are those that reading the file counts: a damaged record has one, too, and asking for it is
    reading it, in the `recovery_mode` that was chosen. It takes little memory however many there
    are: what is asked for is read from where it stands. Asking raises IndexInvalid where an index
    that was kept is damaged, ReaderClosed behind `close`.
    """

    def __init__(
        self, path: str, state: tuple[int, int], content: IndexFile, **options: Any
    ) -> None:
        """Take what `build_index` or `open_index` has found, and options of `MARCReader`.

        Raises SourceError for the file.
        """
        self.path = path
        self._state = state
        self._length = len(content)
        self._content: IndexFile | None = content
        self._reader = MARCReader(path, **options)
        self._lock = allocate_lock()

    def __len__(self) -> int:
        return self._length

    def _opened(self) -> IndexFile:
        if self._content is None:
            raise ReaderClosed("the index is closed")
        return self._content

    def _entry(self, number: int) -> tuple[int, str]:
        if not 1 <= number <= len(self):
            raise IndexError(f"there are records 1 to {len(self)}, not {number}")
        with self._lock:
            offset, control_number = self._opened().record(number)
        if offset >= self._state[0]:
            raise damaged(self.path + SUFFIX)
        return offset, control_number

    def offset(self, number: int) -> int:
        """Where a record begins, in bytes. Raises IndexError for a number that there is not."""
        return self._entry(number)[0]

    def control_number(self, number: int) -> str | None:
        """The control number of a record, None if it has no 001. Raises IndexError."""
        return self._entry(number)[1] or None

    def numbers(self, control_number: str) -> list[int]:
        """The numbers of all records with a control number, in the file's order."""
        wanted = control_number.strip()
        with self._lock:
            found = self._opened().find(wanted) if wanted else []
        if not all(1 <= number <= len(self) for number in found):
            raise damaged(self.path + SUFFIX)
        return found

    def __getitem__(self, number: int) -> Record:
        """The record with a number, from 1. Raises IndexError, and the error of a damaged one.

        Raises IndexInvalid where the file does not reach that far any more.
        """
        offset = self.offset(number)
        with self._lock:
            self._reader.seek(offset)
            found = next(self._reader.iter_with_errors(), None)
        if found is None:
            raise IndexInvalid(_CHANGED, source=self.path)
        record, error = found
        if record is None:
            assert error is not None
            error.record_number = number
            raise error
        record._origin = record._origin.at(number, offset)
        for error in record.errors:
            error.record_number = number
        return record

    def __iter__(self) -> Iterator[Record]:
        """All records, in the file's order, but for those that cannot be read."""
        for number in range(1, len(self) + 1):
            try:
                record = self[number]
            except MarcError:
                continue
            yield record

    def __contains__(self, control_number: str) -> bool:
        """Whether a record has this control number."""
        return bool(self.numbers(control_number))

    def find(self, control_number: str) -> list[Record]:
        """All records with a control number, in the file's order."""
        return [self[number] for number in self.numbers(control_number)]

    def save(self) -> str:
        """Keep the index beside its file, and say where.

        Raises SourceError when that fails, IndexInvalid where the file has changed meanwhile.
        """
        if _state_of(self.path) != self._state:
            raise IndexInvalid("the file has changed while it was indexed", source=self.path)
        size, modified = self._state
        about = {"size": size, "modified": modified, "crc32": _crc32_of(self.path)}
        target = self.path + SUFFIX
        with self._lock, open_target(target) as output:
            self._opened().write(output, about)
        return target

    def close(self) -> None:
        """Close the file, and the index."""
        with self._lock:
            content, self._content = self._content, None
            if content is not None:
                content.close()
        self._reader.close()

    def __enter__(self) -> RecordIndex:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()


def build_index(
    path: str | os.PathLike[str],
    from_: str | None = None,
    *,
    save: bool = True,
    threads: int = 1,
    on_error: Callable[[MarcError], None] | None = None,
    progress: Callable[[int, int | None, int], None] | None = None,
    **options: Any,
) -> RecordIndex:
    """Read a file of ISO 2709 through and index it; with `save` keep the index beside it.

    `from_="marc"` is for a file whose name and first bytes do not tell. `on_error` is called with
    what is wrong with damaged records (of their text only 001 is looked at), `progress` as
    `convert` has it. `threads` read at the same time; the index is that of one. The other options
    are those of `MARCReader`, for reading records later. Raises SourceError and its kin for what
    cannot be read, SeekNotSupported for a packed file, FormatUnknown for another format.
    """
    path = os.fspath(path)
    if compression_of(path):
        raise SeekNotSupported("a packed file has no index: unpack it first", source=path)
    window, format_ = open_as(path, from_)
    close_own(window, path)
    if format_ != "marc":
        raise FormatUnknown(f"only ISO 2709 can be indexed, and this is {format_}", source=path)
    state = _state_of(path)
    lost: deque[MarcError] = deque()

    def note(error: MarcError) -> None:
        if error.outcome == "lost":
            lost.append(error)
        if on_error is not None:
            on_error(error)

    def put_lost(number: float) -> None:
        """What is lost before the record with a number has its number, too, and a place."""
        while lost and (lost[0].record_number or 0) < number:
            index.add(lost.popleft().byte_offset or 0, "")

    reading = {name: value for name, value in options.items() if name not in _FOR_LATER}
    if encoding_number(reading.get("from_encoding")) is None:
        # What only Python decodes is left as it is: of 001 digits and Latin letters are read.
        reading["from_encoding"] = None
    columns = {"number": "number", "offset": "offset", "001": "001"}
    rows = select(
        path,
        columns,
        from_="marc",
        threads=threads,
        on_error=note,
        progress=progress,
        **reading,
    )
    index = IndexWriter(tempfile.gettempdir())
    try:
        for row in rows:
            if lost:
                put_lost(row["number"])
            index.add(row["offset"], (row["001"] or "").strip())
        put_lost(inf)
        built = RecordIndex(path, state, index.end(), **options)
        if save:
            built.save()
    except BaseException:
        index.discard()
        raise
    return built


def open_index(path: str | os.PathLike[str], **options: Any) -> RecordIndex:
    """The index that `build_index` has kept beside a file. `options` are those of `MARCReader`.

    Raises IndexInvalid when there is none, and when the file is not what it was then.
    """
    path = os.fspath(path)
    name = path + SUFFIX
    try:
        content, head = open_index_file(name)
    except FileNotFoundError:
        raise IndexInvalid("there is no index: build_index makes one", source=name) from None
    except OSError as error:
        raise_os_error(error, name, "open")
    try:
        state = size, modified = _state_of(path)
        known = [head.get(about) for about in ("size", "modified", "crc32")]
        if not all(isinstance(one, int) for one in known):
            raise damaged(name)
        if size != known[0] or (modified != known[1] and _crc32_of(path) != known[2]):
            raise IndexInvalid(_CHANGED, source=path)
        return RecordIndex(path, state, content, **options)
    except BaseException:
        content.close()
        raise


def _state_of(path: str) -> tuple[int, int]:
    """Size, and time of the last change in nanoseconds."""
    try:
        status = os.stat(path)
    except OSError as error:
        raise_os_error(error, path, "open")
    return status.st_size, status.st_mtime_ns


def _crc32_of(path: str) -> int:
    crc = 0
    try:
        with open(path, "rb") as file:
            while chunk := file.read(_CHUNK):
                crc = zlib.crc32(chunk, crc)
    except OSError as error:
        raise_os_error(error, path, "read")
    return crc
