"""Where each record of a file is: random access by number and by control number."""

from __future__ import annotations

import json
import os
import sys
import zlib
from _thread import allocate_lock
from array import array
from collections import deque
from collections.abc import Iterator
from math import inf
from types import TracebackType

from ._core import encoding_number
from ._source import compression_of, raise_os_error
from ._target import open_target
from .conversion import close_own, open_as
from .errors import FormatUnknown, IndexInvalid, MarcError, SeekNotSupported
from .reader import MARCReader
from .tables import select

# The module typing takes longer to import than all of this package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

    from .record import Record

#: What an index is called beside its file.
SUFFIX = ".mrrc-index"
_MAGIC = b"mrrc-ct index 2\n"
#: Between control numbers: no field has it.
_BETWEEN = "\x1e"
_CHUNK = 1 << 20
#: What of a reader's options has nothing to say while an index is built.
_FOR_LATER = ("recovery_mode", "max_errors")


class RecordIndex:
    """The offsets and control numbers of the records of a file.

        with build_index("records.mrc") as index:
            index[20_000]            # the record with this number, from 1
            index.find("5731351")    # all records whose 001 says so

    Control numbers are compared without the blanks around them. Threads may share an index. Numbers
    are those that reading the file counts: a damaged record has one, too, and asking for it is
    reading it, in the `recovery_mode` that was chosen.
    """

    def __init__(
        self,
        path: str,
        state: tuple[int, int],
        offsets: array[int],
        control_numbers: list[str],
        **options: Any,
    ) -> None:
        """Take what `build_index` or `open_index` has found, and options of `MARCReader`.

        Raises SourceError for the file.
        """
        self.path = path
        self._state = state
        self._offsets = offsets
        self._control_numbers = control_numbers
        self._places: dict[str, list[int]] | None = None
        self._reader = MARCReader(path, **options)
        self._lock = allocate_lock()

    def __len__(self) -> int:
        return len(self._offsets)

    def offset(self, number: int) -> int:
        """Where a record begins, in bytes. Raises IndexError for a number that there is not."""
        if not 1 <= number <= len(self._offsets):
            raise IndexError(f"there are records 1 to {len(self._offsets)}, not {number}")
        return self._offsets[number - 1]

    def control_number(self, number: int) -> str | None:
        """The control number of a record, None if it has no 001. Raises IndexError."""
        self.offset(number)
        return self._control_numbers[number - 1] or None

    def numbers(self, control_number: str) -> list[int]:
        """The numbers of all records with a control number, in the file's order."""
        places = self._places
        if places is None:
            places = {}
            for number, key in enumerate(self._control_numbers, 1):
                if key:
                    places.setdefault(key, []).append(number)
            self._places = places
        return list(places.get(control_number.strip(), ()))

    def __getitem__(self, number: int) -> Record:
        """The record with a number, from 1. Raises IndexError, and the error of a damaged one."""
        offset = self.offset(number)
        with self._lock:
            self._reader.seek(offset)
            record, error = next(self._reader.iter_with_errors())
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
        offsets = array("Q", self._offsets)
        if sys.byteorder == "big":
            offsets.byteswap()
        body = offsets.tobytes() + _BETWEEN.join(self._control_numbers).encode()
        size, modified = self._state
        head = {
            "records": len(self),
            "size": size,
            "modified": modified,
            "crc32": _crc32_of(self.path),
            "body_crc32": zlib.crc32(body),
        }
        target = self.path + SUFFIX
        with open_target(target) as output:
            output.write(_MAGIC + json.dumps(head).encode() + b"\n" + body)
        return target

    def close(self) -> None:
        """Close the file."""
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
    offsets, control_numbers = array("Q"), []
    lost: deque[MarcError] = deque()

    def note(error: MarcError) -> None:
        if error.outcome == "lost":
            lost.append(error)
        if on_error is not None:
            on_error(error)

    def put_lost(number: float) -> None:
        """What is lost before the record with a number has its number, too, and a place."""
        while lost and (lost[0].record_number or 0) < number:
            offsets.append(lost.popleft().byte_offset or 0)
            control_numbers.append("")

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
    for row in rows:
        if lost:
            put_lost(row["number"])
        offsets.append(row["offset"])
        control_numbers.append((row["001"] or "").strip())
    put_lost(inf)
    index = RecordIndex(path, state, offsets, control_numbers, **options)
    if save:
        index.save()
    return index


def open_index(path: str | os.PathLike[str], **options: Any) -> RecordIndex:
    """The index that `build_index` has kept beside a file. `options` are those of `MARCReader`.

    Raises IndexInvalid when there is none, and when the file is not what it was then.
    """
    path = os.fspath(path)
    name = path + SUFFIX
    try:
        with open(name, "rb") as file:
            data = file.read()
    except FileNotFoundError:
        raise IndexInvalid("there is no index: build_index makes one", source=name) from None
    except OSError as error:
        raise_os_error(error, name, "open")
    try:
        end = data.index(b"\n", len(_MAGIC))
        head = json.loads(data[len(_MAGIC) : end])
        body = data[end + 1 :]
        count = head["records"]
        if not data.startswith(_MAGIC) or zlib.crc32(body) != head["body_crc32"]:
            raise ValueError
        offsets = array("Q", body[: 8 * count])
        control_numbers = body[8 * count :].decode().split(_BETWEEN) if count else []
        if len(offsets) != count or len(control_numbers) != count:
            raise ValueError
        known = head["size"], head["modified"], head["crc32"]
    except (ValueError, KeyError, TypeError):
        raise IndexInvalid(
            "this is no index, or it is damaged: build it again", source=name
        ) from None
    if sys.byteorder == "big":
        offsets.byteswap()
    state = size, modified = _state_of(path)
    if size != known[0] or (modified != known[1] and _crc32_of(path) != known[2]):
        raise IndexInvalid(
            "the file has changed since the index was built: build it again", source=path
        )
    return RecordIndex(path, state, offsets, control_numbers, **options)


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
