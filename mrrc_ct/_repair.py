"""Damaged files in ISO 2709 made clean.

Nothing of the source is unaccounted for: each byte of it is of a good record, of one that was
salvaged or set aside, or stands between two.
"""

from __future__ import annotations

import json
import os
import time
from contextlib import ExitStack
from itertools import chain

from . import _core
from ._bindings import Job, Kind, Status
from ._pieces import Pieces
from ._source import MAX_EXPANSION
from ._target import open_target
from ._work import Report
from .conversion import Inputs, check_different, check_threads, name_of
from .errors import CompressedDataInvalid, FormatUnknown, MarcError
from .recovery import MAX_RECORD_BYTES, Recovery

# The module typing takes longer to import than all of this package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, Callable

    from ._source import Sources
    from ._target import Target, TargetLike
    from ._work import Progress, Work

    #: What stands one behind the other in a source: the bytes of it all, where in them each entry
    #: ends, its kind, and where the first begins in the source.
    Stretch = tuple[bytes, list[int], bytes, int]

#: Kinds of records whose bytes are known to be good.
_GOOD = (Kind.PLAIN, Kind.PLAIN | Kind.AUTHORITY, Kind.PLAIN | Kind.HOLDINGS)


class RepairReport(Report):
    """What a repair did: a `Report`, and where the bytes of the source are.

    Attributes beside those of `Report`: `originals`, the name of the file with what was damaged;
    `bytes_good`, of records that were copied as they are; `bytes_salvaged`, of those that were
    written anew; `bytes_set_aside`, of those that are only among the originals. With
    `bytes_between` these make `bytes_read`.
    """

    def __init__(self, target: str, originals: str) -> None:
        """Begin a report."""
        super().__init__("", target, "marc", "marc")
        self.originals = originals
        self.bytes_good = 0
        self.bytes_salvaged = 0
        self.bytes_set_aside = 0

    def as_dict(self) -> dict[str, Any]:
        """The names and numbers, as the last line of the file of reports has them."""
        return {
            name: value for name, value in vars(self).items() if name[0] != "_" and name != "errors"
        }

    def __str__(self) -> str:
        return (
            f"{self.records_written:,} records, {self.records_salvaged:,} of them salvaged, "
            f"{self.records_lost:,} set aside; bytes: {self.bytes_good:,} good, "
            f"{self.bytes_salvaged:,} salvaged, {self.bytes_set_aside:,} set aside, "
            f"{self.bytes_between:,} between records, {self.bytes_read:,} in all"
        )


def repair(
    source: Sources,
    target: TargetLike,
    report: TargetLike | None = None,
    originals: TargetLike | None = None,
    *,
    from_: str | None = None,
    threads: int = 1,
    max_record_bytes: int = MAX_RECORD_BYTES,
    max_expansion: float | None = MAX_EXPANSION,
    on_error: Callable[[MarcError], None] | None = None,
    progress: Progress | None = None,
) -> RepairReport:
    """Write clean ISO 2709 of all that can be saved of a source in ISO 2709, or of several.

        mrrc_ct.repair("books.mrc", "clean.mrc", "report.jsonl")

    Records with nothing wrong are copied byte for byte. Of any other the original goes to
    `originals`, by default a file beside the target, `clean.damaged.mrc` for `clean.mrc`, which is
    empty when there are none; what can be told of it is written to the target. `report` gets a
    line of JSON for each of them (docs/damaged.md), and a last one with the result. Files at paths
    are replaced when all is done. `from_="marc"` is for a source whose beginning is so damaged that
    it does not tell. With `threads`, one of which is the caller's, sources are read and checked
    ahead. The other options are those of `convert`. Raises as `convert`, and
    ValueError where the target is no path and `originals` is not named.
    """
    if originals is None:
        originals = _beside(target)
    check_threads(threads)
    recovery = Recovery("lenient", max_record_bytes=max_record_bytes)
    result = RepairReport(name_of(target), name_of(originals))
    inputs = Inputs(source, from_, "marc", max_expansion, on_error, progress, result)
    check_different(target, report, originals)
    inputs.check_different(target, report, originals)
    begin = time.perf_counter()
    works = inputs.works()
    try:
        # A source that cannot even be begun leaves the targets as they are.
        first = _checked(next(works))
        with ExitStack() as stack:
            outputs = [
                None if one is None else stack.enter_context(open_target(one))
                for one in (target, originals, report)
            ]
            assert outputs[0] is not None
            assert outputs[1] is not None
            repairing = _Repair(result, outputs[0], outputs[1], outputs[2], recovery)
            for work in chain((first,), works):
                repairing.run(_checked(work), threads)
            result.seconds = time.perf_counter() - begin
            repairing.end()
    finally:
        works.close()
    return result


def _checked(work: Work) -> Work:
    """A work on a source that can be repaired. Raises FormatUnknown."""
    if work.report.from_ != "marc":
        raise FormatUnknown(
            f"only ISO 2709 can be repaired, and this is {work.report.from_}",
            source=work.window.name,
        )
    return work


class _Repair:
    """A repair under way."""

    def __init__(
        self,
        result: RepairReport,
        target: Target,
        originals: Target,
        report: Target | None,
        recovery: Recovery,
    ) -> None:
        self.result = result
        self.target = target
        self.originals = originals
        self.report = report
        self._recovery = recovery
        self._original_offset = 0
        # Two steps, so that the text is looked at even where leader and text need no change.
        self._reader = _core.converter_of("marc", "flat", **recovery.options())
        self._writer = _core.converter_of("flat", "marc", is_lenient=True)

    def run(self, work: Work, threads: int) -> None:
        """Go through all of a source."""
        stretches = (
            self._stretches_by_threads(work, threads - 1) if threads > 1 else self._stretches(work)
        )
        for stretch in stretches:
            self._entries(work, *stretch)
            work.tell_progress()

    def _stretches(self, work: Work) -> Iterator[Stretch]:
        """What stands in a source."""
        window = work.window
        scanner = _core.Scanner(record_max=self._recovery.max_record_bytes)
        status = Status.OUTPUT
        while status != Status.DONE:
            address, length, flags = window.look()
            status, count = scanner.scan(address, length, flags | self._recovery.flags)
            if count:
                ends, kinds = scanner.bounds[1 : count + 1].tolist(), bytes(scanner.kinds[:count])
                data, offset = window.head(ends[-1]), window.offset
                window.take(ends[-1])
                yield data, ends, kinds, offset
            if status == Status.NEED_INPUT:
                try:
                    window.fill()
                except CompressedDataInvalid as error:
                    self._lose(work, error)

    def _stretches_by_threads(self, work: Work, workers: int) -> Iterator[Stretch]:
        """The same, found by threads of the core."""
        window = work.window
        pieces = Pieces(window, Job.SCAN, workers=workers, **self._recovery.options())
        try:
            while True:
                try:
                    piece = pieces.next()
                except CompressedDataInvalid as error:
                    self._lose(work, error)
                    continue
                if piece is None:
                    return
                data, count, offset = bytes(_core.piece_output(piece)), piece.entries, piece.offset
                ends, kinds = _core.piece_ends(piece, 0, count), _core.piece_kinds(piece, 0, count)
                pieces.give_back(piece)
                if window.descriptor is not None:
                    # Threads read it: how far that has come is known here only.
                    window.offset = offset + len(data)
                if count:
                    yield data, ends, kinds, offset
        finally:
            pieces.close()

    def _lose(self, work: Work, error: MarcError) -> None:
        """Put down that packed data ends in damage, which belongs to no record."""
        work.lose(error)
        self._line({"source": error.source, "outcome": "lost", "errors": [_as_dict(error)]})

    def end(self) -> None:
        """Put down what has become of it all."""
        self._line({"summary": self.result.as_dict()})

    def _entries(self, work: Work, data: bytes, ends: list[int], kinds: bytes, offset: int) -> None:
        """Deal with a run of records and of what stands between; `offset` is where it begins."""
        report, result = work.report, self.result
        parts: list[bytes] = []
        start = 0
        for end, kind in zip(ends, kinds):
            entry = data[start:end]
            if kind == Kind.GAP:
                report.bytes_between += len(entry)
            else:
                report.records_read += 1
                problems: list[MarcError] = []
                name = work.window.name
                clean = None if kind in _GOOD else self._saved(entry, name, problems)
                if problems:
                    self._damaged(work, entry, clean is None, problems, offset + start)
                else:
                    clean = entry
                    result.bytes_good += len(entry)
                if clean is not None:
                    report.records_written += 1
                    parts.append(clean)
            start = end
        written = b"".join(parts)
        self.target.write(written)
        result.bytes_written += len(written)

    def _saved(self, data: bytes, name: str, problems: list[MarcError]) -> bytes | None:
        """What can be told of a record with problems; None of a lost one, or without problems."""
        try:
            flat = self._reader.convert_one(data, name, problems)
            return self._writer.convert_one(flat, name, problems) if problems else None
        except MarcError as error:
            problems.append(error)
            return None

    def _damaged(
        self, work: Work, data: bytes, is_lost: bool, problems: list[MarcError], offset: int
    ) -> None:
        """Put down a damaged record, and its original aside."""
        report, result = work.report, self.result
        if is_lost:
            result.bytes_set_aside += len(data)
            # One word for all of it: the last problem is why.
            for error in problems:
                error.outcome = "lost"
        else:
            result.bytes_salvaged += len(data)
        for error in problems:
            error.record_number, error.byte_offset = report.records_read, offset
        for error in problems[-1:] if is_lost else problems:
            work.lose(error)
        self.originals.write(data)
        self._line(
            {
                "source": work.window.name,
                # The worst of them: so they stand in the alphabet.
                "outcome": min(one.outcome for one in problems),
                "record_number": report.records_read,
                "control_number": problems[-1].control_number,
                "byte_offset": offset,
                "length": len(data),
                "original_offset": self._original_offset,
                "errors": [_as_dict(error) for error in problems],
            }
        )
        self._original_offset += len(data)

    def _line(self, values: dict[str, Any]) -> None:
        if self.report is not None:
            self.report.write(json.dumps(values, ensure_ascii=False).encode() + b"\n")


def _as_dict(error: MarcError) -> dict[str, Any]:
    """An error as a line of the report has it; what is not known is left out."""
    values: dict[str, Any] = {"code": error.code, "outcome": error.outcome}
    values |= {"message": error.message, "tag": error.tag}
    values["offset_in_record"] = error.offset_in_record
    values["found"] = error.found.decode("latin-1") if error.found else None
    values["expected"] = error.expected
    return {name: value for name, value in values.items() if value is not None}


def _beside(target: TargetLike) -> str:
    """Where the originals go when nobody says."""
    if not isinstance(target, (str, os.PathLike)):
        raise ValueError("say where the damaged originals go: originals=")
    stem, extension = os.path.splitext(os.fspath(target))
    return f"{stem}.damaged{extension}"
