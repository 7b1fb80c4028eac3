"""An index in a file: what is looked up is read from where it stands, a block at a time.

There are two lists of numbers, each with a text: the offsets of the records with their control
numbers, in the order of the records; and the numbers of the records that have a control number, in
the order of these. A block is a CRC-32, 512 numbers of 64 bits or what is left, the lowest byte
first, and the texts with 1E between them. Behind the blocks of both lists stands where each begins.
"""

from __future__ import annotations

import json
import sys
import zlib
from array import array
from bisect import bisect_left

from ._sorter import DiskFile, Sorter, TemporaryFile
from .errors import IndexInvalid

# The module typing takes longer to import than all of this package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ._target import Target

_MAGIC = b"mrrc-ct index 3\n"
#: Magic and head, a line of JSON, have no more.
_HEAD_BYTES = 1024
_BLOCK_ENTRIES = 512
_NUMBER_BYTES = 8
_CRC_BYTES = 4
#: Between texts: no field has it.
_BETWEEN = "\x1e"
#: Bytes that sorting may take while an index is built.
_MEMORY = 16 * 1024 * 1024
#: Blocks whose last text is remembered.
_LASTS_MAX = 4096
_COPIED_BYTES = 256 * 1024


class _Blocks:
    """A list of numbers, each with a text."""

    def __init__(self, file: DiskFile, start: int, places: array[int], count: int) -> None:
        """Read blocks that begin at `places`, the last of which is the end, behind `start`."""
        self._file = file
        self._start = start
        self._places = places
        self._count = count
        #: The block that was read last.
        self._index, self._block = -1, (array("Q"), [""])
        self._lasts: dict[int, str] = {}

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, at: int) -> tuple[int, str]:
        """A number and its text, from 0. Raises IndexInvalid where the file is damaged."""
        numbers, texts = self._read(at // _BLOCK_ENTRIES)
        return numbers[at % _BLOCK_ENTRIES], texts[at % _BLOCK_ENTRIES]

    def _read(self, index: int) -> tuple[array[int], list[str]]:
        if index == self._index:
            return self._block
        place = self._places[index]
        block = self._file.read(self._places[index + 1] - place, self._start + place)
        count = min(_BLOCK_ENTRIES, self._count - index * _BLOCK_ENTRIES)
        texts_at = _CRC_BYTES + count * _NUMBER_BYTES
        try:
            if zlib.crc32(block[_CRC_BYTES:]) != int.from_bytes(block[:_CRC_BYTES], "little"):
                raise ValueError
            numbers = _numbers(block[_CRC_BYTES:texts_at])
            texts = block[texts_at:].decode().split(_BETWEEN)
            if len(numbers) != count or len(texts) != count:
                raise ValueError
        except ValueError:
            raise damaged(self._file.name) from None
        self._index, self._block = index, (numbers, texts)
        return self._block

    def _last(self, index: int) -> str:
        """The last text of a block."""
        last = self._lasts.get(index)
        if last is None:
            if len(self._lasts) == _LASTS_MAX:
                self._lasts.clear()
            last = self._lasts[index] = self._read(index)[1][-1]
        return last

    def find(self, text: str) -> list[int]:
        """All numbers with a text, where the list is in the order of the texts."""
        # They are sorted with what stands behind them there.
        wanted = text + _BETWEEN
        low, high = 0, len(self._places) - 1
        while low < high:
            middle = (low + high) // 2
            if self._last(middle) + _BETWEEN < wanted:
                low = middle + 1
            else:
                high = middle
        found: list[int] = []
        for index in range(low, len(self._places) - 1):
            numbers, texts = self._read(index)
            at = bisect_left([one + _BETWEEN for one in texts], wanted)
            while at < len(texts) and texts[at] == text:
                found.append(numbers[at])
                at += 1
            if at < len(texts):
                break
        return found


class _Writer:
    """Writes such a list to the end of a file."""

    def __init__(self, file: TemporaryFile) -> None:
        self._file = file
        self.places = array("Q", [file.size])
        self._numbers, self._texts = array("Q"), list[str]()
        self.count = 0

    def add(self, number: int, text: str) -> None:
        """Add an entry. Raises SourceError where there is no room on the disk."""
        self._numbers.append(number)
        self._texts.append(text)
        self.count += 1
        if len(self._texts) == _BLOCK_ENTRIES:
            self.end()

    def end(self) -> None:
        """Write what is left of it."""
        if not self._texts:
            return
        block = _bytes_of(self._numbers) + _BETWEEN.join(self._texts).encode()
        self._file.append(zlib.crc32(block).to_bytes(_CRC_BYTES, "little") + block)
        self.places.append(self._file.size)
        self._numbers, self._texts = array("Q"), []


class IndexFile:
    """The offsets and control numbers of records, in a file."""

    def __init__(
        self, file: DiskFile, start: int, size: int, places: list[array[int]], counts: list[int]
    ) -> None:
        """Look into the blocks of a file: they have `size` bytes behind `start`."""
        self._file = file
        self._start = start
        self._size = size
        self._places = places
        self._offsets, self._numbers = (_Blocks(file, start, *pair) for pair in zip(places, counts))

    def __len__(self) -> int:
        return len(self._offsets)

    def record(self, number: int) -> tuple[int, str]:
        """The offset of the record with a number, from 1, and its control number."""
        return self._offsets[number - 1]

    def find(self, control_number: str) -> list[int]:
        """The numbers of the records with a control number."""
        return self._numbers.find(control_number)

    def write(self, target: Target, about: dict[str, Any]) -> None:
        """Write the index to keep it, with a head that also says what `about` does."""
        places = b"".join(map(_bytes_of, self._places))
        head = {
            "records": len(self._offsets),
            "with_control_number": len(self._numbers),
            "bytes": self._size,
            "places_crc32": zlib.crc32(places),
            **about,
        }
        target.write(_MAGIC + json.dumps(head).encode() + b"\n")
        for at in range(0, self._size, _COPIED_BYTES):
            size = min(_COPIED_BYTES, self._size - at)
            target.write(self._file.read(size, self._start + at))
        target.write(places)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class IndexWriter:
    """Makes an index of a file in a temporary one."""

    def __init__(self, folder: str) -> None:
        """Begin one. Raises SourceError."""
        self._file = TemporaryFile(folder)
        self._offsets = _Writer(self._file)
        self._sorter = Sorter(_MEMORY, folder)

    def add(self, offset: int, control_number: str) -> None:
        """Add the next record; without a control number that is empty. Raises SourceError."""
        self._offsets.add(offset, control_number)
        if control_number:
            number = self._offsets.count.to_bytes(_NUMBER_BYTES, "big")
            self._sorter.add(f"{control_number}{_BETWEEN}".encode() + number)

    def end(self) -> IndexFile:
        """The index. Raises SourceError."""
        self._offsets.end()
        numbers = _Writer(self._file)
        for entry in self._sorter.sorted():
            number = int.from_bytes(entry[-_NUMBER_BYTES:], "big")
            numbers.add(number, entry[: -_NUMBER_BYTES - 1].decode())
        numbers.end()
        self._sorter.close()
        return IndexFile(
            self._file,
            0,
            self._file.size,
            [self._offsets.places, numbers.places],
            [self._offsets.count, numbers.count],
        )

    def discard(self) -> None:
        """Let go of it."""
        self._sorter.close()
        self._file.close()


def open_index_file(path: str) -> tuple[IndexFile, dict[str, Any]]:
    """The index that was kept in a file, and its head. Raises OSError, and IndexInvalid."""
    file = DiskFile(open(path, "rb", buffering=0), path)  # noqa: SIM115
    try:
        first = file.read(_HEAD_BYTES, 0)
        if not first.startswith(_MAGIC):
            raise damaged(path)
        start = first.index(b"\n", len(_MAGIC)) + 1
        head = json.loads(first[len(_MAGIC) : start])
        *counts, size = told = [head[name] for name in ("records", "with_control_number", "bytes")]
        if not all(type(one) is int and one >= 0 for one in told) or counts[1] > counts[0]:
            raise damaged(path)
        ends = [-(-count // _BLOCK_ENTRIES) + 1 for count in counts]
        length = sum(ends) * _NUMBER_BYTES
        if start + size + length != file.length():
            raise damaged(path)
        found = file.read(length, start + size)
        if zlib.crc32(found) != head["places_crc32"]:
            raise damaged(path)
        both = _numbers(found)
        places = [both[: ends[0]], both[ends[0] :]]
        if any(list(one) != sorted(one) or one[-1] > size for one in places):
            raise damaged(path)
        return IndexFile(file, start, size, places, counts), head
    except BaseException as error:
        file.close()
        # A head that is nested too deeply is a RecursionError.
        if isinstance(error, (ValueError, KeyError, TypeError, RecursionError)):
            raise damaged(path) from None
        raise


def damaged(path: str) -> IndexInvalid:
    """The error of what is no index."""
    return IndexInvalid("this is no index, or it is damaged: build it again", source=path)


def _numbers(data: bytes) -> array[int]:
    numbers = array("Q", data)
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def _bytes_of(numbers: array[int]) -> bytes:
    if sys.byteorder == "big":
        numbers = numbers[:]
        numbers.byteswap()
    return numbers.tobytes()
