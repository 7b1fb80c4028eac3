"""Laying the records of one file over those of another.

Keys of both sides are sorted together, and so are, in the end, what matches are found, by the
records of the first side: that is read from front to back, twice. The other side is copied to a
temporary file, where a record is found by its number.
"""

from __future__ import annotations

import os
import time
from contextlib import ExitStack

from ._dedup import Ranks, Sets
from ._passes import MEMORY, Passes, apart, folder_of, format_to, keys_in, room, together
from ._sorter import Sorter
from ._target import open_target
from ._work import Report
from .conversion import check_different
from .errors import MarcError
from .keys import DEFAULT, Key
from .paths import may_repeat
from .query import tag_test
from .record import Record

# The module typing takes longer to import than all of this package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Callable

    from typing_extensions import Unpack

    from ._passes import Options, Reading
    from ._source import SourceLike
    from ._target import TargetLike
    from .paths import Columns

    Test = Callable[[str], bool]

#: Bytes of a record's number or rank behind a key, or before one.
_NUMBER = 8
#: Which side a key is of: those of the updates come first.
_UPDATE, _RECORD = b"\0", b"\1"
_PLACE = 1 + _NUMBER


class MergeReport(Report):
    """What was done: a `Report`, in which `records_read` are those of both sides.

    Attributes beside those of `Report`: `matched`, the records that there is an update for, and of
    these `changed`, which became others by it; `new`, the updates that there was no record for, and
    `appended`, those of them that were written; `duplicates`, the updates that were left aside for
    another with the same key; `not_added`, fields that were not, since the record had one and there
    cannot be two.
    """

    def __init__(self) -> None:
        """Begin a report."""
        super().__init__("", "", "", "")
        self.matched = self.changed = 0
        self.new = self.appended = 0
        self.duplicates = 0
        self.not_added = 0

    def __str__(self) -> str:
        parts = [f"{self.records_read:,} records read, {self.matched:,} matched"]
        for count, what in (
            (self.changed, "changed"),
            (self.new, "new"),
            (self.new - self.appended, "of them left out"),
            (self.duplicates, "duplicate updates left out"),
            (self.not_added, "fields not added"),
            (self.records_lost, "lost"),
            (self.records_written, "written"),
        ):
            if count:
                parts.append(f"{count:,} {what}")
        return f"{', '.join(parts)}, {self.seconds:.2f} s"


def merge(
    source: SourceLike,
    updates: SourceLike,
    target: TargetLike | None,
    to: str | None = None,
    *,
    key: Columns = DEFAULT,
    keep: str = "last",
    add: Iterable[str] | None = None,
    protect: Iterable[str] = (),
    new: str = "keep",
    memory: int = MEMORY,
    temporary: str | os.PathLike[str] | None = None,
    **options: Unpack[Options],
) -> MergeReport:
    """Lay updates over the records of a source that have the same key.

        mrrc_ct.merge("books.mrc", "updates.mrc", "merged.mrc", protect=["001", "9XX"])

    Where there is an update for a record it takes its place, but for fields with tags of `protect`:
    these stay, and the update's fields with such a tag come only where the record has none. With
    `add` the record stays, and fields of the update with these tags are added, each behind those
    with the same tag or a lower one; what the record has already is not added, nor what cannot
    repeat by MARC 21 and is there. Tags are those of `mrrc_ct.query.tag`: `650`, `9XX`, `600-655`.

    `key` is that of `dedup`. Of updates that are the same `keep` tells which counts, and where a
    record has several values, and updates for each, too. The others of the updates are appended, or
    left out with `new="drop"`. Records keep their order, and as they are what they are. Without a
    target (None) nothing is written: the report tells what would be.

    An update that cannot be laid over its record, since that becomes too long for ISO 2709, is
    lost, and the record stays. What has fields of both is in UTF-8 if either is. `where` is for
    the updates; `memory`, `temporary` and the other options are those of `sort`. Raises as
    `sort`, and ValueError for tags that are none.
    """
    begin = time.perf_counter()
    reading, writing = apart(options)
    if new not in ("keep", "drop"):
        raise ValueError(f"new should be keep or drop, not {new!r}")
    tell = together(reading.get("progress"), (source, 2), (updates, 1))
    reading_updates: Reading = {**reading, "progress": tell[1]}
    reading = {**reading, "progress": tell[0], "where": None}
    parsed, ranks = Key(key), Ranks(keep)
    overlay = Overlay(add, protect)
    to = "" if target is None else format_to(target, to, writing)
    folder = folder_of(temporary, target)
    for one in (source, updates):
        check_different(one, target)
    report = MergeReport()
    with ExitStack() as stack:
        records = stack.enter_context(Passes(source, folder, passes=2, **reading))
        others = stack.enter_context(Passes(updates, folder, is_kept=True, **reading_updates))
        output = None if target is None else stack.enter_context(open_target(target))
        sets = stack.enter_context(Sets(ranks, folder))
        matches = stack.enter_context(Sorter(room(memory) // 2, folder))
        _match(records, others, parsed, ranks, sets, matches, room(memory) // 2, folder)
        merging = _Merging(records, others, ranks, sets, overlay, report, new == "keep")
        merged = merging.records(matches.sorted())
        if output is None:
            for _ in merged:
                pass
            out = Report("", "", "", "")
        else:
            out = records.write(merged, output, to, writing)
        records.report.add_report(others.report)
        records.finish(report, out, begin)
    return report


def _match(
    records: Passes,
    updates: Passes,
    key: Key,
    ranks: Ranks,
    sets: Sets,
    matches: Sorter,
    memory: int,
    folder: str,
) -> None:
    """Find the updates of each record: of those with the same key the best one.

    A match is a record's number and an update's rank.
    """
    with Sorter(memory, folder) as sorter:
        for number, _, _, keys in keys_in(records, key):
            for one in keys:
                sorter.add(one + _RECORD + number.to_bytes(_NUMBER, "big"))
        for number, _, length, keys in keys_in(updates, key):
            for one in keys:
                sorter.add(one + _UPDATE + ranks.of(number, length).to_bytes(_NUMBER, "big"))
        former, best = b"", b""
        for entry in sorter.sorted():
            one, side, place = (
                entry[: -_NUMBER - 1],
                entry[-_NUMBER - 1 : -_NUMBER],
                entry[-_NUMBER:],
            )
            if one != former:
                former, best = one, b""
            if side == _RECORD:
                if best:
                    matches.add(place + best)
            elif best:
                sets.join(int.from_bytes(best, "big"), int.from_bytes(place, "big"))
            else:
                best = place


class _Merging:
    """A merge under way, once it is known what matches what."""

    def __init__(
        self,
        source: Passes,
        updates: Passes,
        ranks: Ranks,
        sets: Sets,
        overlay: Overlay,
        report: MergeReport,
        is_appended: bool,
    ) -> None:
        self._source, self._updates = source, updates
        self._ranks, self._sets = ranks, sets
        self._overlay = overlay
        self._report = report
        self._is_appended = is_appended
        #: A bit for each update: whether it has a record.
        self._matched = Bits()

    def records(self, matches: Iterator[bytes]) -> Iterator[bytes]:
        """All that is to be written: the records, and behind them what is new."""
        yield from self._overlaid(matches)
        yield from self._new()

    def _overlaid(self, matches: Iterator[bytes]) -> Iterator[bytes]:
        number, match = 0, next(matches, b"")
        report = self._report
        for records in self._source.records():
            for record in records:
                place = number.to_bytes(_NUMBER, "big")
                ranks = []
                while match.startswith(place):
                    ranks.append(self._sets.best(int.from_bytes(match[_NUMBER:], "big")))
                    match = next(matches, b"")
                number += 1
                if not ranks:
                    yield record
                    continue
                report.matched += 1
                for rank in ranks:
                    self._matched.set(self._ranks.number(rank))
                merged = self._merged(record, self._ranks.number(min(ranks)))
                report.changed += merged != record
                yield merged

    def _merged(self, record: bytes, number: int) -> bytes:
        """A record with its update; as it is where that cannot be, which is reported."""
        try:
            return self._overlay.of(record, self._updates.record(number))
        except MarcError as error:
            error.source, error.record_number = self._updates.report.source, number + 1
            error.byte_offset = None
            self._source.note(error)
            return record

    def _new(self) -> Iterator[bytes]:
        """The updates that have no record."""
        report, number = self._report, 0
        flags = self._sets.flags()
        for records in self._updates.records():
            for record, is_best in zip(records, flags):
                if not is_best:
                    report.duplicates += 1
                elif not self._matched.has(number):
                    report.new += 1
                    if self._is_appended:
                        report.appended += 1
                        yield record
                number += 1
        report.not_added = self._overlay.not_added


class Overlay:
    """How a record and its update become one."""

    def __init__(self, add: Iterable[str] | None, protect: Iterable[str]) -> None:
        """Raises ValueError for tags that are none."""
        self._is_added: Test | None = None if add is None else tag_test(*add)
        protect = tuple(protect)
        self._is_protected: Test = tag_test(*protect)
        self._is_plain = add is None and not protect
        #: Fields that could not be added.
        self.not_added = 0

    def of(self, record: bytes, update: bytes) -> bytes:
        """Both in ISO 2709. Raises the MarcError of what cannot be read or written."""
        if self._is_plain or record == update:
            return update
        old, new = Record(record), Record(update)
        # In UTF-8 there is room for the text of either.
        encoding = None if record[9] == update[9] else "utf-8"
        if self._is_added is None:
            changed = self._replaced(old, new)
        else:
            changed = self._added(old, new, self._is_added)
        if changed is None:
            return record if self._is_added else update
        return changed.as_marc(encoding)

    def _replaced(self, old: Record, new: Record) -> Record | None:
        """The update with what is protected of the record; None where nothing is."""
        kept = [field for field in old.fields if self._is_protected(field.tag)]
        if not kept:
            return None
        tags = {field.tag for field in kept}
        fields = [field for field in new.fields if field.tag not in tags]
        at = 0
        for field in kept:
            # By their tags, and among themselves in the order that they have.
            while at < len(fields) and fields[at].tag <= field.tag:
                at += 1
            fields.insert(at, field)
            at += 1
        new.fields = fields
        return new

    def _added(self, old: Record, new: Record, is_added: Test) -> Record | None:
        """The record with fields of the update; None where there is nothing to add."""
        fields, added = old.fields, []
        protected = {field.tag for field in fields if self._is_protected(field.tag)}
        single = {field.tag for field in fields if not may_repeat(field.tag)}
        for field in new.fields:
            tag = field.tag
            if not is_added(tag) or tag in protected or field in fields or field in added:
                continue
            if tag in single:
                self.not_added += 1
                continue
            added.append(field)
            if not may_repeat(tag):
                single.add(tag)
        if not added:
            return None
        old.add_ordered_field(*added)
        return old


class Bits:
    """A bit for each of many numbers."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def set(self, number: int) -> None:
        """Set the bit of a number."""
        at = number >> 3
        if at >= len(self._bytes):
            self._bytes += bytes(at + 1 - len(self._bytes) + (len(self._bytes) >> 2))
        self._bytes[at] |= 1 << (number & 7)

    def has(self, number: int) -> bool:
        """Whether the bit of a number is set."""
        at = number >> 3
        return at < len(self._bytes) and bool(self._bytes[at] >> (number & 7) & 1)
