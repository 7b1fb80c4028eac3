"""The work behind `convert` and `count`: pieces of a source go in, pieces of output come out.

A `Work` knows what it reads from and whom it reports to; it never sees the target.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from itertools import chain

from . import _core
from ._batch import Origin
from ._bindings import FINAL, SEARCHING, Normalization, Status
from ._source import Window
from .errors import CompressedDataInvalid, MarcError, Utf8Invalid
from .reader import MARCReader
from .record import Record, flat_record

# The module typing takes longer to import than all of this package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

    from . import _bindings as c
    from ._pieces import Pieces
    from ._target import Target
    from .base import BaseRecord
    from .recovery import Recovery

    #: Told the bytes read of the file, packed or not, its size or None, and the records read.
    Progress = Callable[[int, "int | None", int], None]

#: Bytes that are counted in one call, so that none takes long.
PIECE_MAX = 16 * 1024 * 1024

#: Errors kept in a report; more are only counted.
ERRORS_MAX = 1000

#: With less than this in sight of a regular file, more is read without asking the core.
REST_MAX = 4096


#: What of a Report the core counts.
_CORE_COUNTS = (
    "records_read",
    "records_written",
    "records_left_out",
    "characters_replaced",
    "bytes_between",
)
#: What of a Report is added up over several sources.
_COUNTS = (*_CORE_COUNTS, "records_lost", "records_salvaged", "warnings", "bytes_read")


class Report:
    """What a conversion or a count did.

    Attributes: `source` and `target` (their names), `from_` and `to` (formats), `records_read`,
    `records_written`, `records_lost`, `records_salvaged` (written, but something of them may be
    missing or another than it was), `records_left_out` (read and not wanted), `warnings` (of
    records that are whole), `errors` (the first thousand of all these, in the source's order),
    `characters_replaced`, `bytes_read`, `bytes_between` (line ends and byte order marks between
    records of ISO 2709), `bytes_written`, `seconds`.
    """

    def __init__(self, source: str, target: str, from_: str, to: str) -> None:
        """Begin a report."""
        self.source = source
        self.target = target
        self.from_ = from_
        self.to = to
        self.records_read = 0
        self.records_written = 0
        self.records_lost = 0
        self.records_salvaged = 0
        self.records_left_out = 0
        self.warnings = 0
        self._salvaged: int | None = None
        self.errors: list[MarcError] = []
        self.characters_replaced = 0
        self.bytes_read = 0
        self.bytes_between = 0
        self.bytes_written = 0
        self.seconds = 0.0

    @property
    def ok(self) -> bool:
        """Whether nothing was lost, and nothing had to be salvaged."""
        return self.records_lost == 0 and self.records_salvaged == 0

    def add(self, error: MarcError) -> None:
        """Note what is wrong with a record."""
        if error.outcome == "lost":
            self.records_lost += 1
        elif error.outcome == "warning":
            self.warnings += 1
        elif self._salvaged != error.record_number:
            self.records_salvaged += 1
            self._salvaged = error.record_number
        if len(self.errors) < ERRORS_MAX:
            self.errors.append(error)

    def add_report(self, part: Report) -> None:
        """Add what was done with one of several sources."""
        for name in _COUNTS:
            setattr(self, name, getattr(self, name) + getattr(part, name))
        self.errors += part.errors[: ERRORS_MAX - len(self.errors)]
        if part.from_ not in self.from_.split(", "):
            self.from_ = f"{self.from_}, {part.from_}" if self.from_ else part.from_

    def __str__(self) -> str:
        lost = f", {self.records_left_out:,} left out" if self.records_left_out else ""
        if self.records_lost:
            lost += f", {self.records_lost:,} lost"
        if self.records_salvaged:
            lost = f", {self.records_salvaged:,} of them salvaged{lost}"
        between = f", {self.bytes_between:,} bytes between records" if self.bytes_between else ""
        number = self.records_read if self.to == "count" else self.records_written
        replaced = (
            f", {self.characters_replaced:,} characters replaced"
            if self.characters_replaced
            else ""
        )
        return (
            f"{number:,} records{lost}{replaced}{between}: {self.from_} -> {self.to}, "
            f"{self.bytes_read:,} bytes -> {self.bytes_written:,} bytes, {self.seconds:.2f} s"
        )

    def __repr__(self) -> str:
        return f"<Report {self}>"


class Work:
    """A conversion under way: what it reads from and what it reports to."""

    def __init__(
        self,
        window: Window,
        report: Report,
        on_error: Callable[[MarcError], None] | None = None,
        progress: Progress | None = None,
    ) -> None:
        self.window = window
        self.report = report
        self.on_error = on_error
        self.progress = progress
        #: The source has nothing more for the moment: what was made of it should go out now.
        self.is_waiting = False
        #: Records that were begun before those of the piece at hand, made by threads.
        self.before = 0
        #: Threads have stopped before the piece that the last record wanted is in.
        self._is_cut = False
        #: Bytes of the file that have been read.
        self.done = 0

    def lose(self, error: MarcError) -> None:
        self.report.add(error)
        if self.on_error is not None:
            self.on_error(error)

    def tell_progress(self) -> None:
        self.report.bytes_read = self.window.offset
        self._tell(*self.window.progress())

    def _tell(self, done: int, total: int | None) -> None:
        self.done = done
        if self.progress is not None:
            self.progress(done, total, self.report.records_read)

    def by_core(self, converter: _core.Converter) -> Generator[memoryview, None, None]:
        """Pieces of output, each good until the next is asked for."""
        window, report = self.window, self.report
        # What threads have made of the records before these.
        before = [getattr(report, name) for name in _CORE_COUNTS]
        status = Status.OUTPUT
        while status != Status.DONE:
            address, length, flags = window.look()
            status = converter.feed(address, length, flags)
            counts = converter.counts
            for name, begun in zip(_CORE_COUNTS, before):
                setattr(report, name, begun + getattr(counts, name))
            window.take(converter.consumed)
            if status == Status.PROBLEM:
                error = _core.error_of(converter.problem, window.name)
                if error.record_number is not None:
                    error.record_number += self.before
                self.lose(error)
            self.is_waiting = status == Status.NEED_INPUT or window.look()[1] == 0
            piece = converter.output()
            if len(piece) or status == Status.PROBLEM:
                yield piece
            self.tell_progress()
            if status == Status.NEED_INPUT:
                yield memoryview(b"")  # so that what was made goes out before the wait
                self.fill()
            elif window.descriptor is not None and window.look()[1] < REST_MAX:
                # That is no whole record most often, and a file has no wait: a call saved.
                self.fill()

    def fill(self) -> None:
        """Bring more of the source in sight."""
        try:
            self.window.fill()
        except CompressedDataInvalid as error:
            # What could be unpacked is converted; the loss is listed like any other.
            self.lose(error)

    def by_threads(
        self,
        pieces: Pieces,
        limit: int = 0,
        converter_of: Callable[[int], _core.Converter] | None = None,
    ) -> Generator[memoryview, None, None]:
        """The same, made by threads of the core.

        Up to `limit` records of a regular file, 0 for all: of the piece that they end in a
        converter with what is left of the limit makes only these.
        """
        report = self.report
        for piece in self._taken(pieces, limit):
            if piece is None:
                yield memoryview(b"")
                continue
            report.records_written += piece.counts.records_written
            report.characters_replaced += piece.counts.characters_replaced
            yield _core.piece_output(piece)
        if self._is_cut:
            assert converter_of is not None
            yield from self.by_core(converter_of(limit - report.records_written))

    def rows_by_core(
        self, converter: _core.Converter
    ) -> Generator[tuple[memoryview, int], None, None]:
        """Pieces of rows, each good until the next, and how many records come before theirs."""
        for piece in self.by_core(converter):
            yield piece, 0

    def rows_by_threads(self, pieces: Pieces) -> Generator[tuple[memoryview, int], None, None]:
        """The same, made by threads of the core, which number the records of each piece from 1."""
        report = self.report
        try:
            for piece in self._taken(pieces):
                if piece is None:
                    continue
                report.records_written += piece.counts.records_written
                if piece.length:
                    yield _core.piece_output(piece), self.before
        finally:
            pieces.close()

    def counted_by_threads(self, pieces: Pieces) -> None:
        """Count sound ISO 2709 records with threads of the core."""
        for _ in self._taken(pieces):
            pass

    def _taken(self, pieces: Pieces, limit: int = 0) -> Iterator[c.Piece | None]:
        """Each piece, good until the next, and None where one will be long in coming.

        What was lost in a piece is reported. In the end the pieces are closed. Where a piece would
        bring what is written to `limit` they end, and the window is where it begins.
        """
        report = self.report
        begun = 0
        try:
            while True:
                self.is_waiting = False
                try:
                    piece = pieces.next(0 if self.window.may_wait else None)
                except TimeoutError:
                    self.is_waiting = True
                    yield None
                    piece = pieces.next()
                except CompressedDataInvalid as error:
                    self.lose(error)
                    continue
                if piece is None:
                    return
                self.before = begun
                if 0 < limit <= report.records_written + piece.counts.records_written:
                    self._is_cut = True
                    self.window.seek(piece.offset)
                    return
                lost = 0
                for damage in _core.piece_damages(piece):
                    loss = _core.error_of(damage.problem, self.window.name)
                    loss.record_number = begun + (loss.record_number or 0)
                    lost += loss.outcome == "lost"
                    self.lose(loss)
                counts = piece.counts
                is_counted = report.to == "count"
                begun += counts.records_read if is_counted else counts.records_written
                begun += lost + counts.records_left_out
                report.records_read += counts.records_read
                report.records_left_out += counts.records_left_out
                report.bytes_read += piece.source_length
                report.bytes_between += counts.bytes_between
                yield piece
                pieces.give_back(piece)
                done, total = self.window.progress()
                # What threads read by themselves is known only by what they gave out.
                self._tell(done if self.window.descriptor is None else report.bytes_read, total)
        finally:
            pieces.close()

    def counted(self, recovery: Recovery) -> Iterator[int]:
        """Numbers of sound ISO 2709 records, one for each piece of the source."""
        window, before = self.window, 0
        scanner = _core.Scanner(record_max=recovery.max_record_bytes)
        while True:
            address, length, flags = window.look()
            if length > PIECE_MAX:
                length, flags = PIECE_MAX, flags & ~FINAL
            status, records, between, consumed = scanner.count(
                address, length, flags | recovery.flags
            )
            self.report.bytes_between += between
            window.take(consumed)
            before += records
            yield records
            self.tell_progress()
            if status == Status.DONE:
                return
            if status == Status.PROBLEM:
                error = _core.error_of(scanner.problem, window.name)
                before += 1
                error.record_number = before
                error.byte_offset = window.offset
                self.lose(error)
                self._skip_damage()
            elif status == Status.NEED_INPUT:
                self.fill()

    def _skip_damage(self) -> None:
        found = False
        searching = 0
        while not found:
            address, length, flags = self.window.look()
            skip, found = _core.resync(address, length, flags | searching)
            searching = SEARCHING if skip else searching
            self.window.take(skip)
            if not found:
                self.fill()

    def by_record(
        self,
        from_encoding: str | None,
        encoding: str | None,
        unmappable: str,
        references: bool,
        replace_forbidden: bool,
        normalization: int,
        recovery: Recovery,
        limit: int,
    ) -> Generator[bytes | memoryview, None, None]:
        """The same by way of Record objects, for the encodings that only Python knows.

        Up to `limit` of them; 0 is no limit.
        """
        report = self.report
        if report.from_ == "marc":
            reader = MARCReader.over(self.window, from_encoding, references, recovery)
            records = _read_lenient(reader, self)
        else:
            records = records_of_text(self, recovery)
        formatter = Formatter(report.to, replace_forbidden, normalization, is_part=True)
        between = recovery.summary.bytes_between
        for record in records:
            report.records_read += 1
            try:
                if report.to == "marc":
                    piece: bytes | memoryview = record._written_in(
                        normalization, encoding, unmappable
                    )
                else:
                    piece = b"".join(formatter.formatted([record]))
            except MarcError as error:
                self.lose(error)
                continue
            report.records_written += 1
            yield piece
            self.tell_progress()
            if report.records_written == limit:
                break
        report.characters_replaced = formatter.characters_replaced
        report.bytes_between = recovery.summary.bytes_between - between
        self.tell_progress()


#: Bytes of records that are formatted in one call.
FORMAT_BYTES = 64 * 1024


class Formatter:
    """Records to a text format: `begin()`, `formatted(records)`, `end()`.

    As a part of a whole they have nothing around them, and a comma before each where it is JSON.
    """

    def __init__(
        self,
        to: str,
        replace_forbidden: bool = False,
        normalization: int = Normalization.NONE,
        *,
        is_part: bool = False,
    ) -> None:
        self._converter = _core.Converter(
            "flat",
            to,
            replace_forbidden=replace_forbidden,
            normalization=normalization,
            is_part=is_part,
        )
        self._begun = 0

    @property
    def records_written(self) -> int:
        """How many records have been formatted."""
        return int(self._converter.counts.records_written)

    @property
    def characters_replaced(self) -> int:
        """Characters that XML forbids and that became U+FFFD."""
        return int(self._converter.counts.characters_replaced)

    def begin(self) -> bytes:
        """What stands before the first record."""
        self._converter.feed(b"", 0, 0)
        return bytes(self._converter.output())

    def formatted(
        self,
        records: Iterable[BaseRecord[Any]],
        size: int = FORMAT_BYTES,
        on_error: Callable[[MarcError], None] | None = None,
    ) -> Iterator[memoryview]:
        """The records' text, `size` bytes of records or more at a time; good until the next.

        Raises the MarcError of one that has no such form, when all before it have been given out;
        some behind it may have been taken. With `on_error` that is called instead, and the others
        go on.
        """
        batch: list[BaseRecord[Any]] = []
        flats: list[bytes] = []
        length = 0
        for record in records:
            try:
                flat = record._checked()
            except MarcError as error:
                if on_error is not None:
                    on_error(error)
                    continue
                yield from self._format(batch, b"".join(flats), None)
                raise
            batch.append(record)
            flats.append(flat)
            length += len(flat)
            if length >= size:
                yield from self._format(batch, b"".join(flats), on_error)
                batch, flats, length = [], [], 0
        yield from self._format(batch, b"".join(flats), on_error)

    def _format(
        self,
        batch: list[BaseRecord[Any]],
        data: bytes,
        on_error: Callable[[MarcError], None] | None,
    ) -> Iterator[memoryview]:
        converter = self._converter
        while data:
            status = converter.feed(data, len(data), 0)
            yield converter.output()
            data = data[converter.consumed :]
            if status != Status.PROBLEM:
                continue
            record = batch[converter.problem.records_before - self._begun]
            error = _core.error_of(converter.problem)
            if on_error is not None:
                # What could not be read is left behind when it is shown again.
                on_error(record._placed(error))
                continue
            converter.feed(data, len(data), 0)
            self._begun += len(batch)
            if isinstance(error, Utf8Invalid) and record._is_plain():
                record._decoded()  # which says in what field
            raise record._placed(error)
        self._begun += len(batch)

    def end(self) -> bytes:
        """What stands behind the last record."""
        self._converter.feed(b"", 0, FINAL)
        return bytes(self._converter.output())


class Frame:
    """What stands around the parts of an output, whichever sources they come from."""

    def __init__(self, to: str) -> None:
        self._formatter = None if to == "marc" else Formatter(to)
        self._has_begun = False

    def write(self, piece: bytes | memoryview, output: Target) -> int:
        """Write a part, with what stands before the first one: how many bytes that is."""
        if self._has_begun or not len(piece):
            output.write(piece)
            return len(piece)
        # A live source's first record comes with it, not behind it.
        self._has_begun = True
        head = self._formatter.begin() if self._formatter else b""
        # What is between two records begins with a comma.
        data = head + bytes(piece[1:] if bytes(piece[:1]) == b"," else piece)
        output.write(data)
        return len(data)

    def end(self, output: Target) -> int:
        """Write what stands behind the last record: how many bytes that is."""
        if self._formatter is None:
            return 0
        data = b"" if self._has_begun else self._formatter.begin()
        data += self._formatter.end()
        output.write(data)
        return len(data)


def _read_lenient(reader: MARCReader, work: Work) -> Iterator[Record]:
    pairs = reader.iter_with_errors()
    while True:
        try:
            for record, error in pairs:
                if error is not None:
                    work.lose(error)
                if record is None:
                    continue
                for problem in record.errors:
                    work.lose(problem)
                yield record
            return
        except CompressedDataInvalid as problem:
            work.lose(problem)
            pairs = reader.iter_with_errors()


def records_of_text(work: Work, recovery: Recovery) -> Iterator[Record]:
    """The records of a text format; the others are lost to the work."""
    for item in records_and_errors(work.window, work.report.from_, recovery):
        if isinstance(item, MarcError):
            work.lose(item)
            continue
        for problem in item.errors:
            work.lose(problem)
        yield item


def records_and_errors(
    window: Window, from_: str, recovery: Recovery
) -> Iterator[Record | MarcError]:
    """What stands in a text format, in its order."""
    converter = _core.Converter(from_, "flat", position=window.offset, **recovery.options())
    origin = Origin(window.name).at(1, 0)
    errors: list[MarcError] = []
    number = 0
    # What is wrong with a record that is read all the same comes behind it, before any wait.
    last: list[Record] = []
    work = Work(window, Report(window.name, "", from_, "flat"), errors.append)
    for piece in chain(work.by_core(converter), (b"",)):
        flats = bytes(piece).split(b"\x1d")[-2::-1]
        is_wait = not flats and not errors
        while errors or flats:
            error = errors[0] if errors else None
            if last and error and error.record_number == number:
                last[0]._errors = [*last[0].errors, errors.pop(0)]
                continue
            yield from last
            last.clear()
            is_next = error and error.outcome == "lost" and error.record_number == number + 1
            if error and (is_next or not flats):
                number = error.record_number or number
                yield errors.pop(0)
            else:
                last.append(flat_record(flats.pop() + b"\x1d", origin, number))
                number += 1
        if is_wait:
            yield from last
            last.clear()
