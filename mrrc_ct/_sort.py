"""Sorting records, more than fit into memory."""

from __future__ import annotations

import os
import time
from contextlib import ExitStack
from itertools import repeat

from ._dedup import Ranks, Sets, find_sets
from ._passes import MEMORY, Passes, Rows, apart, folder_of, format_to, room
from ._sorter import Sorter
from ._target import open_target
from ._work import Report
from .keys import DEFAULT, Key, SortKey

# The module typing takes longer to import than all of this package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from typing_extensions import Unpack

    from ._passes import Options
    from ._source import Sources
    from ._target import TargetLike
    from .paths import Columns

#: Bytes of a record's number among all, so that records with the same key keep their order; and
#: of its length, which is how it is found behind a key.
_NUMBER, _LENGTH = 6, 4


class SortReport(Report):
    """What was done: a `Report`, and `duplicates`, the records that `keep` left out."""

    def __init__(self) -> None:
        """Begin a report."""
        super().__init__("", "", "", "")
        self.duplicates = 0


def sort(
    source: Sources,
    target: TargetLike,
    to: str | None = None,
    *,
    key: Columns = DEFAULT,
    numeric: bool = False,
    reverse: bool = False,
    keep: str | None = None,
    memory: int = MEMORY,
    temporary: str | os.PathLike[str] | None = None,
    **options: Unpack[Options],
) -> SortReport:
    """Sort the records of a source, or of several together.

        mrrc_ct.sort("books.mrc", "sorted.mrc", key="245$a")

    `key` are paths as `mrrc_ct.keys.SortKey` takes them, and `numeric` and `reverse` are explained
    there. Records with the same key keep their order; with `keep` there is only one of records that
    are the same, as `dedup` has it. Records of ISO 2709 are written as they are.

    The process takes about `memory` bytes, 32 MiB at least; what does not fit goes to a temporary
    file in the folder `temporary`, by default the target's, where there has to be room for all of
    the records once, and twice where they are more than 100 times `memory`. The other options are
    those of `convert`, and so is what is raised, and ValueError for too little memory.
    """
    begin = time.perf_counter()
    reading, writing = apart(options)
    sort_key = SortKey(key, numeric=numeric, reverse=reverse)
    to = format_to(target, to, writing)
    folder = folder_of(temporary, target)
    space = room(memory)
    report = SortReport()
    with ExitStack() as stack:
        passes = stack.enter_context(
            Passes(source, folder, passes=1 if keep is None else 2, **reading)
        )
        passes.check_different(target)
        output = stack.enter_context(open_target(target))
        flags: Iterator[bool] = repeat(True)
        if keep is not None:
            ranks = Ranks(keep)
            sets = stack.enter_context(Sets(ranks, folder))
            find_sets(passes, Key(key), ranks, space, folder, sets)
            flags = sets.flags()
        sorter = stack.enter_context(Sorter(space, folder))
        report.duplicates = _fill(sorter, passes, sort_key, flags)
        out = passes.write(_records(sorter.sorted()), output, to, writing)
        passes.finish(report, out, begin)
    return report


def _fill(sorter: Sorter, passes: Passes, key: SortKey, flags: Iterator[bool]) -> int:
    """Add the records, each behind its key: how many were not, since they are not flagged."""
    rows, number, left_out = Rows(key.columns), 0, 0
    key_of, add = key.of, sorter.add
    for records in passes.records():
        for row, record, is_kept in zip(rows.of(records), records, flags):
            if not is_kept:
                left_out += 1
                continue
            number += 1
            place = number.to_bytes(_NUMBER, "big")
            length = len(record).to_bytes(_LENGTH, "big")
            add(b"".join((key_of(row.values()), place, record, length)))
    return left_out


def _records(entries: Iterator[bytes]) -> Iterator[bytes]:
    for entry in entries:
        length = int.from_bytes(entry[-_LENGTH:], "big")
        yield entry[-_LENGTH - length : -_LENGTH]
