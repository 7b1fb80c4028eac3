"""Whole files from one format to another, counting, and records from text.

The work is the core's, a piece of the file at a time; here are the files and the report.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

from . import _core
from ._bindings import FINAL, Encoding, Status
from ._source import (
    Window,
    decoded_xml,
    first_bytes,
    format_of_data,
    format_of_name,
    open_source,
)
from ._target import Target
from .errors import FormatUnknown, MarcError
from .reader import MARCReader
from .record import Origin, Record, check_codec, check_invalid_xml, flat_record

# The module typing takes longer to import than all of this package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable

    from ._source import SourceLike
    from ._target import TargetLike

    #: Told the bytes read, the size of the source in bytes or None, and the records read.
    Progress = Callable[[int, "int | None", int], None]


#: The formats by name. ISO 2709 is `marc`.
FORMATS = ("marc", "marcxml", "json", "jsonl", "marcjson", "mrk")

#: Errors kept in a report; more are only counted.
ERRORS_MAX = 1000


class Report:
    """What a conversion or a count did.

    Attributes: `source` and `target` (their names), `from_` and `to` (formats), `records_read`,
    `records_written`, `records_lost`, `errors` (the first thousand, in the source's order),
    `characters_replaced`, `bytes_read`, `bytes_written`, `seconds`.
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
        self.errors: list[MarcError] = []
        self.characters_replaced = 0
        self.bytes_read = 0
        self.bytes_written = 0
        self.seconds = 0.0

    @property
    def ok(self) -> bool:
        """Whether nothing was lost."""
        return self.records_lost == 0

    def add(self, error: MarcError) -> None:
        """Note the loss of a record."""
        self.records_lost += 1
        if len(self.errors) < ERRORS_MAX:
            self.errors.append(error)

    def __str__(self) -> str:
        lost = f", {self.records_lost:,} lost" if self.records_lost else ""
        replaced = (
            f", {self.characters_replaced:,} characters replaced"
            if self.characters_replaced
            else ""
        )
        return (
            f"{self.records_written:,} records{lost}{replaced}: {self.from_} -> {self.to}, "
            f"{self.bytes_read:,} bytes -> {self.bytes_written:,} bytes, {self.seconds:.2f} s"
        )

    def __repr__(self) -> str:
        return f"<Report {self}>"


def convert(
    source: SourceLike,
    target: TargetLike,
    to: str | None = None,
    from_: str | None = None,
    *,
    threads: int = 1,
    from_encoding: str | None = None,
    encoding: str | None = None,
    unmappable: str = "error",
    references: bool = False,
    invalid_xml: str = "error",
    on_error: Callable[[MarcError], None] | None = None,
    progress: Progress | None = None,
) -> Report:
    """Convert a file of records from one format to another, in constant memory.

    `source` and `target` are paths (packed ones are unpacked and packed), binary file objects, or
    for the source bytes. `from_` and `to` are of FORMATS; without them the names of the files tell,
    for the source also its first bytes. `from_encoding` overrides leader/09 of ISO 2709 input;
    `encoding` and `unmappable` are those of `Record.as_marc` for ISO 2709 output; `references`
    reads `&#xXXXX;` in MARC-8; `invalid_xml="replace"` writes U+FFFD where XML forbids a character.

    A record that cannot be read or written is left out: `on_error` is called with the error, and
    the report lists it. `progress` is called now and then with the bytes read, the size of the
    source or None, and the records read. Raises FormatUnknown, SourceError and its kin, and
    ValueError for an option that there is not.
    """
    if threads < 1:
        raise ValueError(f"threads should be 1 or more, not {threads}")
    to = _format_of_target(target, to)
    replace_forbidden = check_invalid_xml(invalid_xml)
    source_encoding = _core.encoding_number(from_encoding)
    if source_encoding is None:
        check_codec(from_encoding or "")
    target_encoding = _core.encoding_number(encoding)
    if target_encoding is None:
        check_codec(encoding or "")
    window, from_ = _open(source, from_)
    try:
        report = Report(window.name, _name_of(target), from_, to)
        work = _Work(window, report, on_error, progress)
        is_foreign = (from_ == "marc" and source_encoding is None) or (
            to == "marc" and target_encoding is None
        )
        if is_foreign:
            pieces = work.by_record(
                from_encoding, encoding, unmappable, references, replace_forbidden
            )
        else:
            pieces = work.by_core(
                _core.Converter(
                    from_,
                    to,
                    source_encoding=source_encoding or Encoding.KEPT,
                    target_encoding=target_encoding or Encoding.KEPT,
                    unmappable=unmappable,
                    references=references,
                    replace_forbidden=replace_forbidden,
                )
            )
        begin = time.perf_counter()
        # A source that cannot even be begun leaves the target as it is.
        first_bytes(window, 1)
        output = Target(target)
        try:
            for piece in pieces:
                output.write(piece)
                report.bytes_written += len(piece)
                if work.is_waiting:
                    output.flush()
            output.flush()
        finally:
            output.close()
        report.seconds = time.perf_counter() - begin
        return report
    finally:
        _close_own(window, source)


class _Work:
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

    def lose(self, error: MarcError) -> None:
        self.report.add(error)
        if self.on_error is not None:
            self.on_error(error)

    def tell_progress(self) -> None:
        self.report.bytes_read = self.window.offset
        if self.progress is not None:
            self.progress(self.window.offset, self.window.total, self.report.records_read)

    def by_core(self, converter: _core.Converter) -> Iterator[memoryview]:
        """Pieces of output, each good until the next is asked for."""
        window, report = self.window, self.report
        base = window.offset
        status = Status.OUTPUT
        while status != Status.DONE:
            address, length, flags = window.look()
            status = converter.feed(address, length, flags)
            counts = converter.counts
            report.records_read = counts.records_read
            report.records_written = counts.records_written
            report.characters_replaced = counts.characters_replaced
            window.take(converter.consumed)
            if status == Status.PROBLEM:
                error = _core.error_of(converter.problem, window.name)
                error.byte_offset = (error.byte_offset or 0) + base
                self.lose(error)
            self.is_waiting = status == Status.NEED_INPUT or window.look()[1] == 0
            piece = converter.output()
            if len(piece):
                yield piece
            self.tell_progress()
            if status == Status.NEED_INPUT:
                window.fill()

    def by_record(
        self,
        from_encoding: str | None,
        encoding: str | None,
        unmappable: str,
        references: bool,
        replace_forbidden: bool,
    ) -> Iterator[bytes | memoryview]:
        """The same by way of Record objects, for the encodings that only Python knows."""
        report = self.report
        if report.from_ == "marc":
            records = _read_lenient(MARCReader.over(self.window, from_encoding, references), self)
        else:
            records = _records(self)
        converter = _core.Converter("flat", report.to, replace_forbidden=replace_forbidden)
        if report.to != "marc":
            converter.feed(b"", 0, 0)
            yield bytes(converter.output())
        for record in records:
            report.records_read += 1
            try:
                if report.to == "marc":
                    piece: bytes | memoryview = record.as_marc(encoding, unmappable=unmappable)
                else:
                    flat = record._encoded()
                    if converter.feed(flat, len(flat), 0) == Status.PROBLEM:
                        raise record._placed(_core.error_of(converter.problem))
                    piece = converter.output()
            except MarcError as error:
                self.lose(error)
                continue
            report.records_written += 1
            yield piece
            self.tell_progress()
        report.characters_replaced = converter.counts.characters_replaced
        if report.to != "marc":
            converter.feed(b"", 0, FINAL)
            yield bytes(converter.output())
        self.tell_progress()


def _read_lenient(reader: MARCReader, work: _Work) -> Iterator[Record]:
    while True:
        try:
            record = reader.read_record()
        except MarcError as error:
            work.lose(error)
            continue
        if record is None:
            return
        yield record


def _records(work: _Work) -> Iterator[Record]:
    """The records of a text format."""
    converter = _core.Converter(work.report.from_, "flat")
    origin = Origin(work.window.name)
    number = 0
    # The core's counts are of its own pass; the caller counts what it does with the records.
    inner = _Work(work.window, Report("", "", "", ""), work.lose)
    for piece in inner.by_core(converter):
        for data in bytes(piece).split(b"\x1d")[:-1]:
            number += 1
            yield flat_record(data + b"\x1d", origin, number)


class Count(int):
    """A number of records, with the `report` of how they were counted."""

    report: Report


def count(
    source: SourceLike,
    from_: str | None = None,
    *,
    on_error: Callable[[MarcError], None] | None = None,
    progress: Progress | None = None,
) -> Count:
    """How many sound records a source holds, in any of FORMATS.

    Their structure is checked, their text is not. A record that cannot be read is not counted:
    `on_error` is called with the error, and the result's `report` lists it. Raises as `convert`.
    """
    window, from_ = _open(source, from_)
    try:
        work = _Work(window, Report(window.name, "", from_, "count"), on_error, progress)
        begin = time.perf_counter()
        if from_ == "marc":
            _count_marc(work)
        else:
            for _ in _records(work):
                work.report.records_read += 1
        work.tell_progress()
        work.report.seconds = time.perf_counter() - begin
        result = Count(work.report.records_read)
        result.report = work.report
        return result
    finally:
        _close_own(window, source)


def _count_marc(work: _Work) -> None:
    window, report, scanner = work.window, work.report, _core.Scanner()
    while True:
        address, length, flags = window.look()
        status, found, consumed = scanner.count(address, length, flags)
        report.records_read += found
        window.take(consumed)
        work.tell_progress()
        if status == Status.DONE:
            return
        if status == Status.NEED_INPUT:
            window.fill()
        if status == Status.PROBLEM:
            error = _core.error_of(scanner.problem, window.name)
            error.record_number = report.records_read + report.records_lost + 1
            error.byte_offset = window.offset
            work.lose(error)
            found_next = False
            while not found_next:
                address, length, flags = window.look()
                skip, found_next = _core.resync(address, length, bool(flags & FINAL))
                window.take(skip)
                if not found_next:
                    window.fill()


def _open(source: SourceLike, from_: str | None) -> tuple[Window, str]:
    """The window over a source, and its format; XML is decoded there."""
    if from_ is not None:
        _check_format(from_)
    window = open_source(source)
    try:
        if from_ is None and isinstance(source, (str, os.PathLike)):
            from_ = format_of_name(os.fspath(source))
        if from_ is None:
            head = first_bytes(window, 8)
            from_ = format_of_data(head)
            if from_ is None and head:
                raise FormatUnknown(
                    f"the format cannot be told from the name or the first bytes: say which of "
                    f"{', '.join(FORMATS)} it is",
                    source=window.name,
                    byte_offset=0,
                    found=head[:12],
                )
            from_ = from_ or "marc"
        return decoded_xml(window) if from_ == "marcxml" else window, from_
    except BaseException:
        _close_own(window, source)
        raise


def _close_own(window: Window, source: Any) -> None:
    if isinstance(source, (str, os.PathLike)):
        window.close()


def _check_format(name: str) -> str:
    if name not in FORMATS:
        raise FormatUnknown(f"there is no format {name!r}: it is one of {', '.join(FORMATS)}")
    return name


def _format_of_target(target: TargetLike, to: str | None) -> str:
    if to is not None:
        return _check_format(to)
    found = format_of_name(_name_of(target))
    if found is None:
        raise FormatUnknown(
            f"the name {_name_of(target)} tells no format: say what to write, "
            f"one of {', '.join(FORMATS)}"
        )
    return found


def _name_of(target: TargetLike) -> str:
    if isinstance(target, (str, os.PathLike)):
        return os.fspath(target)
    return str(getattr(target, "name", f"<{type(target).__name__}>"))


# ---- records from text


def _to_records(source: Any, from_: str) -> list[Record]:
    """All records of a text, or of a path or binary file object. Raises the first error met."""
    if isinstance(source, str):
        source = source.encode("utf-8")
        window: Window = open_source(source)
    else:
        window, _ = _open(source, from_)
    try:
        return list(_records(_Work(window, Report(window.name, "", from_, ""), _raise)))
    finally:
        _close_own(window, source)


def _raise(error: MarcError) -> None:
    raise error


def _to_record(source: Any, from_: str) -> Record:
    records = _to_records(source, from_)
    if len(records) != 1:
        raise ValueError(f"one record was expected, there are {len(records)}")
    return records[0]


def json_to_records(source: str | SourceLike) -> list[Record]:
    """Records from JSON: text or bytes, a `Path`, or a binary file object.

    MARC-in-JSON and MARCJSON are read, in an array or one after the other. Raises
    JsonSyntaxInvalid, JsonStructureInvalid and other errors of MarcError.
    """
    return _to_records(source, "json")


def json_to_record(source: str | SourceLike) -> Record:
    """The one record in JSON. Raises as `json_to_records`, ValueError if there is not just one."""
    return _to_record(source, "json")


def marcjson_to_records(source: str | SourceLike) -> list[Record]:
    """Records from MARCJSON, mrrc's flat form. As `json_to_records`."""
    return _to_records(source, "marcjson")


def marcjson_to_record(source: str | SourceLike) -> Record:
    """The one record in MARCJSON. As `json_to_record`."""
    return _to_record(source, "marcjson")


def xml_to_records(source: str | SourceLike) -> list[Record]:
    """Records from MARCXML: text or bytes, a `Path`, or a binary file object.

    `record` elements are found anywhere in the document. Raises XmlSyntaxInvalid and other errors
    of MarcError.
    """
    return _to_records(source, "marcxml")


def xml_to_record(source: str | SourceLike) -> Record:
    """The one record in MARCXML. Raises as `xml_to_records`, ValueError if it is not just one."""
    return _to_record(source, "marcxml")


def mrk_to_records(source: str | SourceLike) -> list[Record]:
    """Records from MRK: text or bytes, a `Path`, or a binary file object.

    Raises MrkSyntaxInvalid and other errors of MarcError.
    """
    return _to_records(source, "mrk")


def mrk_to_record(source: str | SourceLike) -> Record:
    """The one record in MRK. Raises as `mrk_to_records`, ValueError if there is not just one."""
    return _to_record(source, "mrk")
