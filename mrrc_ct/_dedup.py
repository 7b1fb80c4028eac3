"""Taking out duplicates: of records that are the same one is kept.

What is the same as the same is the same, too: with `020$a`, where a record may have several values,
records that have nothing in common belong together by way of one that shares a value with each. So
of what is kept no two are the same, and in whatever order the records come, the sets are these.

In memory are entries to be sorted, a key and a place, and the rest is on disk: which records belong
together is a forest in a file, eight bytes a record.
"""

from __future__ import annotations

import os
import time
from contextlib import ExitStack

from ._passes import MEMORY, Passes, apart, folder_of, format_to, keys_in, room
from ._sorter import BLOCK_BYTES, Sorter, TemporaryFile
from ._source import format_of_name
from ._target import open_target
from ._work import Report
from .conversion import check_different, name_of
from .keys import DEFAULT, Key

# The module typing takes longer to import than all of this package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Unpack

    from ._passes import Options
    from ._source import Sources
    from ._target import TargetLike
    from .paths import Columns

#: Which of several is kept.
KEEP = ("first", "last", "longest")
#: A rank is a number in so many bytes; the lowest of these bits are a record's number.
_RANK = 8
_NUMBER_BITS = 40
_NUMBERS = (1 << _NUMBER_BITS) - 1
_LONGEST = (1 << 20) - 1
#: What stands for a record that is alone, and for the best of a set.
_NONE, _BEST = bytes(_RANK), b"\xff" * _RANK


class Ranks:
    """How records come before each other, by what is to be kept: the lowest rank is."""

    def __init__(self, keep: str) -> None:
        """Raises ValueError for what is not of KEEP."""
        if keep not in KEEP:
            raise ValueError(f"keep should be one of {', '.join(KEEP)}, not {keep!r}")
        self._is_last = keep == "last"
        self._is_longest = keep == "longest"

    def of(self, number: int, length: int) -> int:
        """The rank of a record, by its number and its length in bytes."""
        if self._is_last:
            return _NUMBERS - number
        return (_LONGEST - length << _NUMBER_BITS) + number if self._is_longest else number

    def number(self, rank: int) -> int:
        """The number of a record with a rank."""
        number = rank & _NUMBERS
        return _NUMBERS - number if self._is_last else number


class Sets:
    """Records that belong together, by their ranks: a forest, whose roots are the best of each."""

    def __init__(self, ranks: Ranks, folder: str) -> None:
        """Keep it in a temporary file in `folder`."""
        self._ranks = ranks
        # For each number the rank of a better one and 1, or _BEST, or nothing.
        self._file = TemporaryFile(folder)

    def _better(self, rank: int) -> int:
        """The rank of a better one, less than 0 where there is none."""
        data = self._file.read(_RANK, _RANK * self._ranks.number(rank))
        return -1 if data == _BEST else int.from_bytes(data, "big") - 1

    def _put(self, rank: int, data: bytes) -> None:
        self._file.write(data, _RANK * self._ranks.number(rank))

    def best(self, rank: int) -> int:
        """The rank of the best of those that belong together with a record."""
        better = self._better(rank)
        while better >= 0:
            over = self._better(better)
            if over >= 0:
                self._put(rank, (over + 1).to_bytes(_RANK, "big"))  # shorter for the next
            rank, better = better, over
        return rank

    def join(self, one: int, other: int) -> None:
        """Put two records together, with all that belongs to either."""
        one, other = self.best(one), self.best(other)
        if one != other:
            self._put(max(one, other), (min(one, other) + 1).to_bytes(_RANK, "big"))
            self._put(min(one, other), _BEST)

    def flags(self, report: DedupReport | None = None) -> Iterator[bool]:
        """Of each record by its number whether it is to be kept; without end.

        In a report those that are not are counted, and the sets.
        """
        at = 0
        while True:
            block = self._file.read(BLOCK_BYTES, at) or bytes(BLOCK_BYTES)
            at += len(block)
            for start in range(0, len(block), _RANK):
                slot = block[start : start + _RANK]
                if report is not None and slot != _NONE:
                    report.sets += slot == _BEST
                    report.duplicates += slot != _BEST
                yield slot in (_NONE, _BEST)

    def close(self) -> None:
        """Let go of it."""
        self._file.close()

    def __enter__(self) -> Sets:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def find_sets(passes: Passes, key: Key, ranks: Ranks, memory: int, folder: str, sets: Sets) -> int:
    """Put together the records that are the same, in one pass: how many have no key."""
    without_key = 0
    with Sorter(memory, folder) as sorter:
        for number, _, length, keys in keys_in(passes, key):
            without_key += not keys
            place = ranks.of(number, length).to_bytes(_RANK, "big")
            for one in keys:
                sorter.add(one + place)
        join_same(sorter.sorted(), sets)
    return without_key


def join_same(entries: Iterator[bytes], sets: Sets) -> None:
    """Put together the records of entries, sorted, that have the same key before their rank."""
    former, best = b"", 0
    for entry in entries:
        key, rank = entry[:-_RANK], int.from_bytes(entry[-_RANK:], "big")
        if key == former:
            sets.join(best, rank)
        else:
            former, best = key, rank


class DedupReport(Report):
    """What was done: a `Report`, in which `records_left_out` are those that `where` left out.

    Attributes beside those of `Report`: `duplicates`, the records that were taken out; `sets`, how
    many of those that were kept had any; `without_key`, the records that have no key.
    """

    def __init__(self) -> None:
        """Begin a report."""
        super().__init__("", "", "", "")
        self.duplicates = 0
        self.sets = 0
        self.without_key = 0

    def __str__(self) -> str:
        without = f", {self.without_key:,} without a key" if self.without_key else ""
        return (
            f"{self.records_read:,} records read, {self.duplicates:,} duplicates of "
            f"{self.sets:,} taken out{without}, {self.records_written:,} written, "
            f"{self.seconds:.2f} s"
        )


def dedup(
    source: Sources,
    target: TargetLike,
    to: str | None = None,
    *,
    key: Columns = DEFAULT,
    keep: str = "first",
    duplicates: TargetLike | None = None,
    memory: int = MEMORY,
    temporary: str | os.PathLike[str] | None = None,
    **options: Unpack[Options],
) -> DedupReport:
    """Keep one of all records that are the same, of a source, or of several together.

        mrrc_ct.dedup("books.mrc", "unique.mrc", key="020$a", duplicates="duplicates.mrc")

    `key` are paths as `mrrc_ct.keys.Key` takes them, where it says what is the same. `keep` tells
    which is kept: the `first`, the `last`, or the `longest` in bytes of ISO 2709, of equal ones the
    first. What is kept stays in its order, and as it is; what is taken out goes to `duplicates`, in
    the format that its name tells, or else that of the target.

    Sources are read twice, and with `duplicates` three times; what can be read only once is copied
    to a temporary file on the way. `memory`, `temporary` and the other options are those of `sort`;
    in memory are keys, and not records. Raises as `sort`.
    """
    begin = time.perf_counter()
    reading, writing = apart(options)
    parsed, ranks = Key(key), Ranks(keep)
    to = format_to(target, to, writing)
    folder = folder_of(temporary, target)
    room_for_keys = room(memory)
    check_different(target, duplicates)
    report = DedupReport()
    with ExitStack() as stack:
        passes = stack.enter_context(
            Passes(source, folder, passes=2 if duplicates is None else 3, **reading)
        )
        passes.check_different(target, duplicates)
        output = stack.enter_context(open_target(target))
        aside = None if duplicates is None else stack.enter_context(open_target(duplicates))
        others = to if duplicates is None else format_of_name(name_of(duplicates)) or to
        sets = stack.enter_context(Sets(ranks, folder))
        report.without_key = find_sets(passes, parsed, ranks, room_for_keys, folder, sets)
        if aside is not None:
            passes.write(_chosen(passes, sets.flags(), False), aside, others, writing)
        kept = _chosen(passes, sets.flags(report), True)
        out = passes.write(kept, output, to, writing)
        passes.finish(report, out, begin)
    return report


def _chosen(passes: Passes, flags: Iterator[bool], wanted: bool) -> Iterator[bytes]:
    """The records whose flags are what is wanted."""
    for records in passes.records():
        for record, flag in zip(records, flags):
            if flag is wanted:
                yield record
