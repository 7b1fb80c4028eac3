"""Comparing two files record by record and field by field.

Records are found by their keys, wherever they stand: keys of both sides are sorted together, and
what matches by the records of the first side, which is then read from front to back. The second
side is copied to a temporary file, where a record is found by its number. In memory are keys, and
a bit for each record.
"""

from __future__ import annotations

import json
import os
import time
from array import array
from contextlib import ExitStack
from itertools import groupby, repeat, zip_longest
from unicodedata import normalize as normalized

from . import _core
from ._dedup import Ranks, Sets, find_sets
from ._merge import Bits
from ._passes import MEMORY, Passes, Records, Rows, folder_of, keys_in, room, together
from ._sorter import Sorter, TemporaryFile
from ._work import Report
from .conversion import name_of
from .keys import DEFAULT, Key
from .query import tag_test

# The module typing takes longer to import than all of this package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any, Union

    from typing_extensions import Unpack

    from ._passes import Reading
    from ._source import SourceLike
    from .paths import Columns

    #: A line of MRK, or with it the bytes of its field, where these are no text.
    Token = Union[str, tuple[str, bytes]]
    #: `-` or `+`, and the number of a line.
    Change = tuple[str, int]

#: Bytes of a record's number, behind a key or before one; and with the side before it.
_NUMBER = 8
_PLACE = 1 + _NUMBER
#: Which side a key is of: those of the second come first.
_SECOND, _FIRST = b"\0", b"\1"
#: Set in what stands for one record, and not for a group of them.
_ALONE = 1 << 63
#: Numbers of a group that wait in memory.
_WAITING_MAX = 4096
#: Lines of two records are compared each with each where that makes no more pairs.
_PAIRS_MAX = 1_000_000
#: What stands for bytes that are no text.
_REPLACED = "\ufffd"


class DiffReport(Report):
    """What was found: a `Report`, in which `records_read` are those of both sides.

    Attributes beside those of `Report`: `same`, `changed`, `removed` (only in the first file) and
    `added` (only in the second), in records; `duplicates`, those that `keep` left aside.
    """

    def __init__(self, source: str, target: str) -> None:
        """Begin a report."""
        super().__init__(source, target, "", "diff")
        self.same = self.changed = self.removed = self.added = 0
        self.duplicates = 0

    def __str__(self) -> str:
        parts = [f"{self.same:,} the same", f"{self.changed:,} changed"]
        parts += [
            f"{self.removed:,} only in {self.source}",
            f"{self.added:,} only in {self.target}",
        ]
        if self.duplicates:
            parts.append(f"{self.duplicates:,} duplicates left aside")
        return f"{', '.join(parts)}, {self.seconds:.2f} s"


class _Side:
    """A record of one side."""

    __slots__ = ("_form", "data", "number")

    def __init__(self, data: bytes, number: int, form: Any) -> None:
        self.data = data
        #: From 1.
        self.number = number
        #: That of Unicode in which it is compared and shown, NFC or NFD; None: as it is.
        self._form = form

    def _as(self, format_: str) -> str:
        converter = _core.converter_of("marc", format_, is_lenient=True)
        text = converter.convert_one(self.data, problems=[]).decode()
        return text if self._form is None or text.isascii() else normalized(self._form, text)

    def lines(self) -> list[str]:
        """Its lines of MRK, the leader first, in which lengths count as 0."""
        lines = self._as("mrk").rstrip("\n").split("\n")
        lines[0] = f"{lines[0][:6]}{_leader(lines[0][6:])}"
        return lines

    def tokens(self, lines: list[str]) -> list[Token]:
        """What is compared: bytes that are no text look the same where they are not."""
        if not any(_REPLACED in line for line in lines):
            return list(lines)
        fields = self.data.split(b"\x1e")
        if len(fields) != len(lines) + 1:
            return list(lines)
        return [(line, fields[at]) if _REPLACED in line else line for at, line in enumerate(lines)]

    def parts(self) -> list[dict[str, Any]]:
        """The same as its lines: the leader and each field, as MARC-in-JSON has them."""
        found = json.loads(self._as("json"))
        return [{"leader": _leader(found["leader"])}, *found["fields"]]


def _leader(leader: str) -> str:
    """A leader without the lengths, which change with everything."""
    return f"00000{leader[5:12]}00000{leader[17:]}"


class Difference:
    """A record that is not the same in two files.

    `kind` is `changed`, `removed` (only in the first file) or `added` (only in the second); `key`
    shows its key; `first` and `second` are its numbers in the files, from 1, or None; `lines` are
    those of MRK that are not the same, in the records' order, with `-` before what only the first
    file has, and `+` before what only the second has. Of the leader lengths count as 0.
    """

    __slots__ = ("_changes", "_first", "_second", "first", "key", "kind", "lines", "second")

    def __init__(
        self,
        key: str,
        first: _Side | None,
        second: _Side | None,
        changes: list[Change],
        lines: list[str],
    ) -> None:
        self.kind = "added" if first is None else "removed" if second is None else "changed"
        self.key = key
        self.first = first and first.number
        self.second = second and second.number
        self.lines = lines
        self._first, self._second = first, second
        self._changes = changes

    def as_dict(self) -> dict[str, Any]:
        """The same for JSON, the fields as MARC-in-JSON has them."""
        values: dict[str, Any] = {"kind": self.kind, "key": self.key}
        values |= {"first": self.first, "second": self.second}
        for name, sign, side in (("removed", "-", self._first), ("added", "+", self._second)):
            parts = side.parts() if side is not None else []
            values[name] = [parts[at] for one, at in self._changes if one == sign]
        return values

    def __str__(self) -> str:
        places = [f"-{self.first}"] if self.first else []
        places += [f"+{self.second}"] if self.second else []
        return "\n".join([f"@@ {' '.join(places)} @@ {self.key}".rstrip(), *self.lines]) + "\n"

    def __repr__(self) -> str:
        return f"<Difference {self.kind} {self.key!r}, {len(self.lines)} lines>"


class Diff:
    """What `diff` gives: the differences of two files, found while iterating.

    Each who iterates reads the files anew; `report` is of the last time, and is complete at the end
    of it.
    """

    def __init__(
        self,
        sources: tuple[SourceLike, SourceLike],
        key: Key,
        is_by_position: bool,
        ignore: Iterable[str],
        keep: str | None,
        normalize: str | None,
        memory: int,
        folder: str,
        reading: Reading,
    ) -> None:
        self._sources = sources
        self._key = key
        self._is_by_position = is_by_position
        self._is_ignored = tag_test(*ignore)
        if normalize not in (None, "nfc", "nfd"):
            raise ValueError(f"normalize should be nfc, nfd or None, not {normalize!r}")
        self._form: Any = normalize and normalize.upper()
        self._ranks = Ranks(keep) if keep is not None else None
        self._memory = room(memory)
        self._folder = folder
        self._reading = reading
        self._shown = Rows(key.columns)
        self.report = self._new_report()

    def _new_report(self) -> DiffReport:
        first, second = (name_of(one) for one in self._sources)
        return DiffReport(first, second)

    def __iter__(self) -> Iterator[Difference]:
        begin = time.perf_counter()
        report = self.report = self._new_report()
        # Keys are read first, and before them, where `keep` is said, what is the same.
        before = 0 if self._is_by_position else 1 + (self._ranks is not None)
        with ExitStack() as stack:
            first, second = self._opened(before, stack)
            pairs = (
                zip_longest(self._sides(first), self._sides(second))
                if self._is_by_position
                else self._matched(first, second, stack)
            )
            for one, other in pairs:
                difference = self._compared(one, other)
                if difference is not None:
                    yield difference
            report.add_report(first.report)
            report.add_report(second.report)
            report.seconds = time.perf_counter() - begin

    def _opened(self, before: int, stack: ExitStack) -> list[Passes]:
        """Both sides, of which the first is read once more than the second in all."""
        passes = 1 + before, max(1, before)
        tell = together(self._reading.get("progress"), *zip(self._sources, passes))
        opened = []
        for number, source in enumerate(self._sources):
            reading: Reading = {**self._reading, "progress": tell[number]}
            is_kept = number == 1 and before > 0
            opened.append(
                Passes(source, self._folder, is_kept=is_kept, passes=passes[number], **reading)
            )
            stack.callback(opened[-1].close)
        return opened

    def _compared(self, first: _Side | None, second: _Side | None) -> Difference | None:
        """The difference of two records, or of one and none; it is counted."""
        report = self.report
        if first is None or second is None:
            side, sign = (first, "-") if second is None else (second, "+")
            assert side is not None
            lines = side.lines()
            changes = [(sign, at) for at in range(len(lines))]
            lines = [sign + line for line in lines]
            report.removed += sign == "-"
            report.added += sign == "+"
        else:
            side = first
            if first.data == second.data:
                report.same += 1
                return None
            changes, lines = self._changes(first, second)
            if not changes:
                report.same += 1
                return None
            report.changed += 1
        row = self._shown.of(Records(side.data, [0, len(side.data)]))[0]
        return Difference(self._key.shown(row.values()), first, second, changes, lines)

    def _changes(self, first: _Side, second: _Side) -> tuple[list[Change], list[str]]:
        """The lines of two records that are not the same."""
        lines, other_lines = first.lines(), second.lines()
        places, other_places = self._wanted(lines), self._wanted(other_lines)
        tokens, other_tokens = first.tokens(lines), second.tokens(other_lines)
        changes: list[Change] = []
        shown: list[str] = []
        for one, other in _different(
            [tokens[at] for at in places], [other_tokens[at] for at in other_places]
        ):
            changes += [("-", places[at]) for at in one]
            shown += [f"-{lines[places[at]]}" for at in one]
            changes += [("+", other_places[at]) for at in other]
            shown += [f"+{other_lines[other_places[at]]}" for at in other]
        return changes, shown

    def _wanted(self, lines: list[str]) -> list[int]:
        """The numbers of the lines whose tag is not ignored."""
        return [at for at, line in enumerate(lines) if not self._is_ignored(line[1:4])]

    def _sides(self, passes: Passes) -> Iterator[_Side]:
        """The records of a pass."""
        number = 0
        for records in passes.records():
            for record in records:
                number += 1
                yield _Side(record, number, self._form)

    # ---- what matches what

    def _matched(
        self, first: Passes, second: Passes, stack: ExitStack
    ) -> Iterator[tuple[_Side | None, _Side | None]]:
        """The records of the first side, each with that of the second; then what is left there."""
        sets = [self._sets(side, stack) for side in (first, second)]
        groups = _Groups(self._folder)
        stack.callback(groups.close)
        matches = stack.enter_context(Sorter(self._memory // 2, self._folder))
        with Sorter(self._memory // 2, self._folder) as sorter:
            for passes, side, flags in zip((first, second), (_FIRST, _SECOND), sets):
                for (number, _, _, keys), is_kept in zip(keys_in(passes, self._key), _flags(flags)):
                    for key in keys if is_kept else ():
                        sorter.add(key + side + number.to_bytes(_NUMBER, "big"))
            _match(sorter.sorted(), groups, matches)
        taken = Bits()
        found = matches.sorted()
        match = next(found, b"")
        for record, is_kept in zip(self._sides(first), _flags(sets[0])):
            if not is_kept:
                self.report.duplicates += 1
                continue
            place = (record.number - 1).to_bytes(_NUMBER, "big")
            candidates = []
            while match.startswith(place):
                candidates.append(groups.first(int.from_bytes(match[_NUMBER:], "big"), taken))
                match = next(found, b"")
            chosen = min((one for one in candidates if one is not None), default=None)
            if chosen is None:
                yield record, None
            else:
                taken.set(chosen)
                yield record, _Side(second.record(chosen), chosen + 1, self._form)
        for record, is_kept in zip(self._sides(second), _flags(sets[1])):
            if not is_kept:
                self.report.duplicates += 1
            elif not taken.has(record.number - 1):
                yield None, record

    def _sets(self, passes: Passes, stack: ExitStack) -> Sets | None:
        """What of a side is the same, where of that one record counts."""
        if self._ranks is None:
            return None
        sets = stack.enter_context(Sets(self._ranks, self._folder))
        find_sets(passes, self._key, self._ranks, self._memory, self._folder, sets)
        return sets


def _different(tokens: list[Token], others: list[Token]) -> Iterator[tuple[range, range]]:
    """Where two lists are not the same: runs of each, of which one may be empty."""
    start, end, other_end = 0, len(tokens), len(others)
    while start < min(end, other_end) and tokens[start] == others[start]:
        start += 1
    while start < min(end, other_end) and tokens[end - 1] == others[other_end - 1]:
        end, other_end = end - 1, other_end - 1
    length, other_length = end - start, other_end - start
    if length * other_length > _PAIRS_MAX:
        # Too many to look for what has moved.
        for at in range(start, max(end, other_end)):
            if at >= min(end, other_end) or tokens[at] != others[at]:
                yield range(at, min(at + 1, end)), range(at, min(at + 1, other_end))
    elif length and other_length:
        from difflib import SequenceMatcher

        matcher = SequenceMatcher(None, tokens[start:end], others[start:other_end], False)
        for word, first, last, other_first, other_last in matcher.get_opcodes():
            if word != "equal":
                yield (
                    range(start + first, start + last),
                    range(start + other_first, start + other_last),
                )
    elif length or other_length:
        yield range(start, end), range(start, other_end)


def _flags(sets: Sets | None) -> Iterator[bool]:
    return repeat(True) if sets is None else sets.flags()


def _match(entries: Iterator[bytes], groups: _Groups, matches: Sorter) -> None:
    """Find what has the same key: of each record of the first side a place in `groups`."""
    for _, same in groupby(entries, _key_of):
        groups.begin()
        one: bytes | None = None
        is_alone = True
        for entry in same:
            side, place = entry[-_PLACE:-_NUMBER], entry[-_NUMBER:]
            if side == _SECOND:
                groups.add(int.from_bytes(place, "big"))
            elif not groups.count:
                break
            elif one is None:
                one = place
            else:
                is_alone = False
                matches.add(place + groups.place())
        if one is not None:
            is_alone = is_alone and groups.count == 1
            matches.add(one + (groups.only() if is_alone else groups.place()))


def _key_of(entry: bytes) -> bytes:
    return entry[:-_PLACE]


class _Groups:
    """Records of the second side with the same key, for some of the first to take one each.

    Each group is in a temporary file: which of its numbers comes next, how many there are, and the
    numbers, all in eight bytes. A group of one for one takes no room there.
    """

    def __init__(self, folder: str) -> None:
        self._file = TemporaryFile(folder)
        self._waiting = array("Q")
        self._start = 0
        self._is_placed = True
        #: How many the group has that was begun last.
        self.count = 0

    def begin(self) -> None:
        """Begin a group. The one before is forgotten where nobody asked for its place."""
        if self._is_placed:
            self._start = self._file.size
        self._file.size = self._start
        self._is_placed = False
        del self._waiting[:]
        self.count = 0

    def add(self, number: int) -> None:
        """Add a record to the group."""
        self._waiting.append(number)
        self.count += 1
        if len(self._waiting) == _WAITING_MAX:
            self._write()

    def _write(self) -> None:
        if self._file.size == self._start:
            self._file.append(bytes(2 * _NUMBER))
        self._file.append(self._waiting.tobytes())
        del self._waiting[:]

    def only(self) -> bytes:
        """What stands for the one record of the group."""
        return (_ALONE | self._waiting[0]).to_bytes(_NUMBER, "big")

    def place(self) -> bytes:
        """What stands for the group, which is complete now."""
        if not self._is_placed:
            self._write()
            self._file.write(array("Q", [0, self.count]).tobytes(), self._start)
            self._is_placed = True
        return self._start.to_bytes(_NUMBER, "big")

    def first(self, place: int, taken: Bits) -> int | None:
        """The first record that a place stands for and that is not taken; None without one."""
        if place & _ALONE:
            number = place ^ _ALONE
            return None if taken.has(number) else number
        cursor, count = array("Q", self._file.read(2 * _NUMBER, place))
        for at in range(cursor, count):
            (number,) = array("Q", self._file.read(_NUMBER, place + (2 + at) * _NUMBER))
            if not taken.has(number):
                if at != cursor:
                    self._file.write(array("Q", [at]).tobytes(), place)
                return number
        self._file.write(array("Q", [count]).tobytes(), place)
        return None

    def close(self) -> None:
        """Let go of them."""
        self._file.close()


def diff(
    first: SourceLike,
    second: SourceLike,
    *,
    key: Columns = DEFAULT,
    by_position: bool = False,
    ignore: Iterable[str] = (),
    keep: str | None = None,
    normalize: str | None = None,
    memory: int = MEMORY,
    temporary: str | os.PathLike[str] | None = None,
    **reading: Unpack[Reading],
) -> Diff:
    """Compare two sources record by record and field by field.

        differences = mrrc_ct.diff("old.mrc", "new.mrc", ignore=["005"])
        for difference in differences:
            print(difference)
        print(differences.report)

    `key` is that of `dedup`: a record of the first source is compared with the first one of the
    second that has the same key and is not taken yet, wherever it stands. What is left on either
    side, and what has no key, is only there. With `by_position` the first is compared with the
    first, and so on. Differences come in the order of the first source, and those of records that
    only the second has behind them.

    Text is compared, not how it is encoded; of the leader lengths do not count; the order of fields
    does. Fields whose tags are among `ignore` (as `mrrc_ct.query.tag` has them, and `LDR` for the
    leader) do not count. With `normalize`, `nfc` or `nfd`, text is brought into that form of
    Unicode first. With `keep`, as `dedup` has it, of records of one source that are the same
    only one is compared.

    `memory` and `temporary` are those of `sort`, though temporary files go where the system has
    them unless told otherwise; `where` and the other options are those of `convert`. Raises
    PathInvalid for the key, ValueError for tags that are none, and where it is iterated over as
    `convert` does.
    """
    return Diff(
        (first, second),
        Key(key),
        by_position,
        ignore,
        keep,
        normalize,
        memory,
        folder_of(temporary),
        reading,
    )
