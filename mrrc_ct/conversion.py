"""Whole files from one format to another, counting, and records from text.

The work is the core's, a piece of the file at a time; here are the files and the report.
"""

from __future__ import annotations

import errno
import os
import stat
import time
from itertools import chain

from . import _core
from ._batch import check_codec
from ._bindings import Encoding, Job
from ._pieces import Pieces, large_piece
from ._source import (
    MAX_EXPANSION,
    Window,
    decoded_xml,
    first_bytes,
    format_of_data,
    format_of_name,
    open_source,
    raise_os_error,
)
from ._target import open_target
from ._work import FORMAT_BYTES, Formatter, Frame, Report, Work, records_and_errors, records_of_text
from .base import check_invalid_xml
from .errors import FormatUnknown, MarcError, NotOneRecord, SourceError, TextError
from .paths import filter_of, plan_of_all, plan_where
from .pipeline import ProducerConsumerPipeline
from .reader import MARCReader, matcher_of
from .record import Record
from .recovery import MAX_RECORD_BYTES, Recovery, Summary
from .writer import MARCWriter

# The module typing takes longer to import than all of this package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator
    from typing import Any, Callable

    from ._source import SourceLike, Sources
    from ._target import TargetLike
    from ._work import Progress
    from .base import BaseRecord
    from .paths import Filter
    from .reader import RecordIterator

#: The core starts no more threads than this.
THREADS_MAX = 256

#: The formats that are read and written, by name. ISO 2709 is `marc`.
READABLE = ("marc", "marcxml", "json", "jsonl", "marcjson", "mrk", "seq")
#: All of them: `line` is only written.
FORMATS = (*READABLE, "line")

#: With so many bytes the format can be told from them, if at all.
_HEAD_BYTES = 16


def convert(
    source: Sources,
    target: TargetLike,
    to: str | None = None,
    from_: str | None = None,
    *,
    where: str | Filter | None = None,
    limit: int | None = None,
    threads: int = 1,
    from_encoding: str | None = None,
    encoding: str | None = None,
    unmappable: str = "error",
    references: bool = False,
    invalid_xml: str = "error",
    normalize: str | None = None,
    recovery_mode: str = "lenient",
    validation_level: str = "structural",
    max_record_bytes: int = MAX_RECORD_BYTES,
    max_expansion: float | None = MAX_EXPANSION,
    on_error: Callable[[MarcError], None] | None = None,
    progress: Progress | None = None,
) -> Report:
    """Convert a file of records from one format to another, in constant memory.

    `source` and `target` are paths (packed ones are unpacked and packed), binary file objects, or
    for the source bytes. Of a list of sources all records go to the one target, whatever format
    each is in. `from_` and `to` are of FORMATS; without them the names of the files tell,
    for the source also its first bytes; with `to="same"` it is the first source's. `where` is a
    filter as `select` has it: other records are left out. The work ends behind `limit` records.
    `from_encoding` overrides leader/09 of ISO 2709 input; `encoding` and `unmappable` are those of
    `Record.as_marc` for ISO 2709 output; `references` reads `&#xXXXX;` in MARC-8;
    `invalid_xml="replace"` writes U+FFFD where XML forbids a character. `normalize` is that of
    MARCWriter, for all formats.

    Of a damaged record what can be told is written; with `recovery_mode="strict"` nothing. One that
    cannot be read or written at all is left out. `validation_level` is that of MARCReader; what it
    finds is a warning, and with `recovery_mode="strict"` a loss. `on_error` is called with each
    error, whose `outcome` tells which of these it is, and the report lists it. A file at the
    target's path is replaced when all is done; where an exception ends the work it is what it was.
    `progress` is called now and then with the bytes read, those there are or None (of packed files
    their own), and the records read. `threads` work on ISO 2709 at the same time; output and report
    are those of one. From other formats, to Aleph sequential, with encodings that only Python
    knows, and with a limit from anything but a file that is not packed, one does.

    A record of more than `max_record_bytes` is lost. Packed data is given up, and the errors have
    ExpansionTooLarge, where it has become more than `max_expansion` times as large, beyond 64 MiB;
    None is no limit. Raises FormatUnknown, SourceError and its kin, PathInvalid for a filter, and
    ValueError for an option that there is not.
    """
    check_threads(threads)
    check_limit(limit)
    recovery = Recovery(recovery_mode, None, validation_level, max_record_bytes)
    to = check_writing(target, to, encoding, unmappable, invalid_xml, normalize)
    source_encoding, target_encoding = _encoding(from_encoding), _encoding(encoding)
    plan, is_ordered = plan_where(where)
    if plan and (source_encoding is None or target_encoding is None):
        raise ValueError("only UTF-8 and MARC-8 can be filtered: convert first")
    replace_forbidden = check_invalid_xml(invalid_xml)
    normalization = _core.normalization_number(normalize)
    core = {
        "source_encoding": source_encoding or Encoding.KEPT,
        "target_encoding": target_encoding or Encoding.KEPT,
        "unmappable": unmappable,
        "references": references,
        "replace_forbidden": replace_forbidden,
        "normalization": normalization,
        "plan": plan.handle if plan else None,
        **recovery.options(),
    }

    def pieces_of(work: Work, limit: int) -> Generator[bytes | memoryview, None, None]:
        from_, to = work.report.from_, work.report.to
        is_foreign = (from_ == "marc" and source_encoding is None) or (
            to == "marc" and target_encoding is None
        )
        if is_foreign:
            return work.by_record(
                from_encoding,
                encoding,
                unmappable,
                references,
                replace_forbidden,
                normalization,
                recovery,
                limit,
            )

        def converter_of(limit: int) -> _core.Converter:
            before = inputs.report.records_read + inputs.report.records_lost
            return _core.Converter(
                from_,
                to,
                position=work.window.offset,
                is_part=True,
                limit=limit,
                records_before=before,
                **core,
            )

        # A system number of Aleph's may be the record's in the source. What is no regular file
        # cannot be gone back in, to where the last record begins.
        can_end = not limit or work.window.descriptor is not None
        if threads > 1 and from_ == "marc" and to != "seq" and not is_ordered and can_end:
            pieces = Pieces(work.window, Job.CONVERT, workers=threads, target=to, **core)
            return work.by_threads(pieces, limit, converter_of)
        return work.by_core(converter_of(limit))

    inputs = Inputs(source, from_, to, max_expansion, on_error, progress)
    inputs.check_different(target)
    begin = time.perf_counter()
    works = inputs.works()
    try:
        first = next(works)
        # A source that cannot even be begun leaves the target as it is.
        first_bytes(first.window, 1)
        report = inputs.report
        report.target = name_of(target)
        frame = Frame(report.to)
        with open_target(target) as output:
            for work in chain((first,), works):
                left = 0 if limit is None else limit - report.records_written
                if limit is not None and not left:
                    break
                pieces = pieces_of(work, left)
                try:
                    for piece in pieces:
                        report.bytes_written += frame.write(piece, output)
                        if work.is_waiting:
                            output.flush()
                finally:
                    pieces.close()
            report.bytes_written += frame.end(output)
    finally:
        works.close()
    report.seconds = time.perf_counter() - begin
    return report


def check_writing(
    target: TargetLike,
    to: str | None,
    encoding: str | None = None,
    unmappable: str = "error",
    invalid_xml: str = "error",
    normalize: str | None = None,
) -> str:
    """The format to write, `same` for that of the source. Raises as `convert` for its options."""
    _encoding(encoding)
    check_invalid_xml(invalid_xml)
    _core.normalization_number(normalize)
    _core.check_unmappable(unmappable)
    return to if to == "same" else _format_of_target(target, to)


def _encoding(name: str | None) -> int | None:
    """The core's number of an encoding, None for a codec of Python's. Raises LookupError."""
    number = _core.encoding_number(name)
    if number is None:
        check_codec(name or "")
    return number


def sources_of(source: Sources) -> list[SourceLike]:
    """The sources of one work. Raises ValueError for a list without any."""
    sources = list(source) if isinstance(source, (list, tuple)) else [source]
    if not sources:
        raise ValueError("there is no source to read")
    return sources


class Inputs:
    """The sources of one work, read one behind the other, and the report over all of them.

    `report.to` is the first one's format where that is `same`.
    """

    def __init__(
        self,
        source: Sources,
        from_: str | None,
        to: str,
        max_expansion: float | None,
        on_error: Callable[[MarcError], None] | None,
        progress: Progress | None,
        report: Report | None = None,
    ) -> None:
        """Raises SourceNotFound or SourceIsDirectory, before any of several is opened.

        The whole goes to `report`, if there is one already.
        """
        self.sources = sources_of(source)
        self._from = from_
        self._max_expansion = max_expansion
        self._on_error = on_error
        self._progress = progress
        #: Bytes of all sources, and of those that have been read.
        self._total: int | None = None
        self._done = 0
        if len(self.sources) > 1:
            sizes = [size_of_source(one) for one in self.sources]
            self._total = None if None in sizes else sum(size or 0 for size in sizes)
        self.report = report or Report("", "", "", to)

    def check_different(self, *targets: Any) -> None:
        """Refuse to write to a file that is being read."""
        for source in self.sources:
            check_different(source, *targets)

    def works(self) -> Generator[Work, None, None]:
        """The work on each source, which is open until the next is asked for."""
        whole, more = self.report, len(self.sources) - 1
        for source in self.sources:
            window, from_ = open_as(source, self._from, self._max_expansion)
            try:
                whole.to = from_ if whole.to == "same" else whole.to
                if not whole.source:
                    whole.source = f"{window.name} and {more} more" if more else window.name
                    whole.from_ = from_
                part = Report(window.name, "", from_, whole.to) if more else whole
                work = Work(window, part, self._on_error, self._progress_of())
                try:
                    yield work
                finally:
                    self._done += work.done
                    if more:
                        whole.add_report(part)
            finally:
                close_own(window, source)

    def _progress_of(self) -> Progress | None:
        tell = self._progress
        if tell is None:
            return None
        if len(self.sources) == 1:
            return tell
        before, records = self._done, self.report.records_read
        return lambda done, _, read: tell(before + done, self._total, records + read)


def size_of_source(source: SourceLike) -> int | None:
    """The bytes of a source, packed or not, where that is known. Raises as opening it would."""
    if isinstance(source, (bytes, bytearray, memoryview)):
        return len(source)
    if not isinstance(source, (str, os.PathLike)):
        return None
    path = os.fspath(source)
    try:
        status = os.stat(path)
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
    except OSError as error:
        raise_os_error(error, path, "open")
    return status.st_size if stat.S_ISREG(status.st_mode) else None


class Records:
    """What `read` gives: an iterator that raises an error in its place and goes on behind it.

    `summary` tells what has been read, salvaged and lost up to now.
    """

    def __init__(
        self,
        items: Iterator[Record | MarcError],
        recovery: Recovery,
        close: Callable[[], None],
        on_error: Callable[[MarcError], None] | None,
        format_: str,
    ) -> None:
        """Give these, and close what they come from at the end."""
        self._items = items
        self._recovery = recovery
        self._close = close
        self._on_error = on_error
        #: The format of the first source.
        self.format = format_

    @property
    def summary(self) -> Summary:
        """What has been read, salvaged and lost up to now."""
        return self._recovery.summary

    def __iter__(self) -> Records:
        return self

    def __next__(self) -> Record:
        for item in self._items:
            if isinstance(item, MarcError):
                if self._on_error is not None:
                    self._on_error(item)
                    continue
                try:
                    raise item
                finally:
                    # Or the error, its traceback and this call would keep each other alive.
                    del item
            return item
        self._close()
        raise StopIteration


def _items(
    reader: RecordIterator, recovery: Recovery, is_told: bool
) -> Iterator[Record | MarcError]:
    """What a reader gives, an error that it would raise in its place.

    `is_told`: that of a record that is left out, too.
    """
    if recovery.is_lenient and not is_told:
        yield from reader
        return
    for record, error in reader.iter_with_errors():
        yield record if error is None else error  # type: ignore[misc]


def _items_ahead(
    pipeline: ProducerConsumerPipeline, recovery: Recovery, is_told: bool
) -> Iterator[Record | MarcError]:
    """The same of a pipeline, whose threads stop before the file that they read is closed."""
    with pipeline:
        yield from _items(pipeline, recovery, is_told)


def _recovered(
    items: Iterator[Record | MarcError],
    recovery: Recovery,
    is_told: bool,
    matcher: _core.Matcher | None,
) -> Iterator[Record | MarcError]:
    """The same of a text format, where there is nothing to salvage."""
    for number, item in enumerate(items, 1):
        if isinstance(item, MarcError):
            recovery.note([item])
            if is_told or not recovery.is_lenient:
                yield item
            elif recovery.is_permissive:
                yield None  # type: ignore[misc]
        else:
            recovery.note(item.errors)
            recovery.summary.records_read += 1
            if matcher is not None and not matcher.wants(item._data, number):
                recovery.summary.leave_out(1)
                continue
            yield item


#: Progress is told every so many records.
_TOLD_EVERY = 256


def _watched(
    items: Iterator[Record | MarcError], work: Work, on_error: Callable[[MarcError], None] | None
) -> Iterator[Record | MarcError]:
    """The same, with what is told on the way."""
    report = work.report
    for item in items:
        if not isinstance(item, MarcError):
            report.records_read += 1
            if on_error is not None:
                for error in item.errors:
                    on_error(error)
        yield item
        if report.records_read % _TOLD_EVERY == 0:
            work.tell_progress()


def read(
    source: Sources,
    from_: str | None = None,
    *,
    where: str | Filter | None = None,
    threads: int = 1,
    from_encoding: str | None = None,
    references: bool = False,
    recovery_mode: str = "strict",
    max_errors: int | None = None,
    validation_level: str = "structural",
    max_record_bytes: int = MAX_RECORD_BYTES,
    max_expansion: float | None = MAX_EXPANSION,
    on_error: Callable[[MarcError], None] | None = None,
    progress: Progress | None = None,
) -> Records:
    """The records of a source in any of READABLE, one after the other, or of several.

        for record in mrrc_ct.read("records.xml"):
            print(record.title())

    `from_` is one of READABLE; without it the name or the first bytes tell. `where` is a filter as
    `select` has it. With `threads`, one of which is the caller's, ISO 2709 is read, checked and
    filtered ahead, unless the filter asks for numbers or stands beside `from_encoding`. The other
    options are those of MARCReader and of `convert`. A record that cannot be read raises the
    MarcError that says why, and the next read goes on behind it; with `on_error` that is called
    instead, and with what is wrong with records that are salvaged. Raises as `convert` for the
    source.
    """
    check_threads(threads)
    recovery = Recovery(recovery_mode, max_errors, validation_level, max_record_bytes)
    wanted = None if where is None else filter_of(where)
    is_alone = wanted is not None and (wanted.has_number or from_encoding is not None)
    is_ahead = threads > 1 and not is_alone
    inputs = Inputs(source, from_, "records", max_expansion, None, progress)
    works = inputs.works()
    first = next(works)
    is_told = on_error is not None
    is_watched = is_told or progress is not None

    def items() -> Iterator[Record | MarcError]:
        for work in chain((first,), works):
            window, from_ = work.window, work.report.from_
            if from_ == "marc":
                how = window, from_encoding, references, recovery
                if is_ahead:
                    pipeline = ProducerConsumerPipeline.over(*how, wanted, workers=threads - 1)
                    found = _items_ahead(pipeline, recovery, is_told)
                else:
                    matcher = matcher_of(wanted, *how[1:]) if wanted else None
                    found = _items(MARCReader.over(*how, matcher), recovery, is_told)
            else:
                matcher = matcher_of(wanted, None, False, recovery, "flat") if wanted else None
                if wanted and wanted.has_offset:
                    raise ValueError(f"where a record of {from_} begins is not known here")
                found = records_and_errors(window, from_, recovery)
                found = _recovered(found, recovery, is_told, matcher)
            yield from _watched(found, work, on_error) if is_watched else found

    return Records(items(), recovery, works.close, on_error, first.report.from_)


def write(
    records: Iterable[BaseRecord[Any]],
    target: TargetLike,
    to: str | None = None,
    *,
    encoding: str | None = None,
    unmappable: str = "error",
    invalid_xml: str = "error",
    normalize: str | None = None,
) -> int:
    """Write records in any of FORMATS; how many that were.

        mrrc_ct.write(records, "records.jsonl")

    `to` is one of FORMATS; without it the target's name tells. The other options are those of
    `convert`. Raises what `MARCWriter` raises, XmlCharacterForbidden and its kin for a record that
    has no such form: a file object has the records before it then, a file at a path is what it was.
    """
    to = _format_of_target(target, to)
    replace_forbidden = check_invalid_xml(invalid_xml)
    count = 0
    if to == "marc":
        with MARCWriter(
            target, encoding=encoding, unmappable=unmappable, normalize=normalize
        ) as writer:
            for record in records:
                writer.write_record(record)
                count += 1
        return count
    formatter = Formatter(to, replace_forbidden, _core.normalization_number(normalize))
    with open_target(target) as output:
        output.write(formatter.begin())
        # Whoever reads at the other end of a file object gets each record at once.
        for piece in formatter.formatted(records, 0 if hasattr(target, "write") else FORMAT_BYTES):
            output.write(piece)
        output.write(formatter.end())
    return formatter.records_written


class Count(int):
    """A number of records, with the `report` of how they were counted."""

    report: Report


def count(
    source: Sources,
    from_: str | None = None,
    *,
    where: str | Filter | None = None,
    threads: int = 1,
    from_encoding: str | None = None,
    references: bool = False,
    recovery_mode: str = "strict",
    validation_level: str = "structural",
    max_record_bytes: int = MAX_RECORD_BYTES,
    max_expansion: float | None = MAX_EXPANSION,
    on_error: Callable[[MarcError], None] | None = None,
    progress: Progress | None = None,
) -> Count:
    """How many sound records a source holds, or several together, in any of READABLE.

    Their structure is checked, their text is not, unless `validation_level` is `strict_marc` (see
    MARCReader). A record that cannot be read is not counted: `on_error` is called with the error,
    and the result's `report` lists it; with `recovery_mode="lenient"` one of which something can be
    told is. With `where`, a filter as `select` has it, only such records are counted. `threads` are
    for ISO 2709. The other options are those of `convert`. Raises as that.
    """
    check_threads(threads)
    recovery = Recovery(recovery_mode, None, validation_level, max_record_bytes)
    encoding = _encoding(from_encoding)
    plan, is_ordered = plan_where(where)
    if plan is not None and encoding is None:
        raise ValueError("only UTF-8 and MARC-8 can be filtered: convert first")
    if plan is None and recovery.is_lenient:
        plan = plan_of_all()
    core = {
        "source_encoding": encoding or Encoding.KEPT,
        "references": references,
        "plan": plan.handle if plan else None,
        **recovery.options(),
    }
    inputs = Inputs(source, from_, "count", max_expansion, on_error, progress)
    begin = time.perf_counter()
    for work in inputs.works():
        # Whether a record is wanted may depend on its number.
        _count(work, core, 1 if is_ordered else threads, recovery)
    report = inputs.report
    report.seconds = time.perf_counter() - begin
    result = Count(report.records_read - report.records_left_out)
    result.report = report
    return result


def _count(work: Work, core: dict[str, Any], threads: int, recovery: Recovery) -> None:
    """Count the records of one source in its report."""
    window, report = work.window, work.report
    is_parallel = report.from_ == "marc" and threads > 1
    # There is little to do for each, so pieces are large.
    size = large_piece(window.total, threads)
    if core["plan"] is not None:
        # Of a plan that asks for no columns a row is a few bytes.
        if is_parallel:
            pieces = Pieces(window, Job.CONVERT, workers=threads, size=size, target="rows", **core)
            rows = work.rows_by_threads(pieces)
        else:
            position = window.offset
            rows = work.rows_by_core(
                _core.Converter(report.from_, "rows", position=position, **core)
            )
        for _ in rows:
            pass
    elif is_parallel:
        work.counted_by_threads(
            Pieces(window, Job.COUNT, workers=threads, size=size, **recovery.options())
        )
    elif report.from_ == "marc":
        for records in work.counted(recovery):
            report.records_read += records
    else:
        for _ in records_of_text(work, recovery):
            report.records_read += 1
        work.tell_progress()


def open_as(
    source: SourceLike, from_: str | None, max_expansion: float | None = MAX_EXPANSION
) -> tuple[Window, str]:
    """The window over a source, and its format; XML is decoded there."""
    if from_ is None and isinstance(source, (str, os.PathLike)):
        from_ = format_of_name(os.fspath(source))
    if from_ is not None and _check_format(from_) not in READABLE:
        raise FormatUnknown(
            f"the format {from_!r} is only written: nothing in it tells where a subfield begins",
            source=name_of(source),
        )
    window = open_source(source, max_expansion)
    try:
        if from_ is None:
            head = first_bytes(window, _HEAD_BYTES)
            from_ = format_of_data(head)
            if from_ is None and head:
                raise FormatUnknown(
                    f"the format cannot be told from the name or the first bytes: say which of "
                    f"{', '.join(READABLE)} it is, with from_ or --from",
                    source=window.name,
                    byte_offset=0,
                    found=head[:12],
                )
            from_ = from_ or "marc"
        return decoded_xml(window) if from_ == "marcxml" else window, from_
    except BaseException:
        close_own(window, source)
        raise


def check_different(*files: Any) -> None:
    """Refuse to write to the file that is being read, or twice to the same."""
    paths = [os.fspath(one) for one in files if isinstance(one, (str, os.PathLike))]
    for index, path in enumerate(paths):
        for other in paths[index + 1 :]:
            if _is_same(path, other):
                raise SourceError(f"this and {other} are the same file", source=path)


def _is_same(one: str, other: str) -> bool:
    try:
        return os.path.samefile(one, other) and os.path.isfile(one)
    except OSError:  # one of them is not there, or neither
        return os.path.realpath(one) == os.path.realpath(other)


def close_own(window: Window, source: Any) -> None:
    """Close what was opened here: a path, and not the file object of a user."""
    if isinstance(source, (str, os.PathLike)):
        window.close()


def check_threads(threads: int) -> None:
    """Raise ValueError for a number of threads that cannot be started."""
    if not 1 <= threads <= THREADS_MAX:
        raise ValueError(f"threads should be 1 to {THREADS_MAX}, not {threads}")


def check_limit(limit: int | None) -> None:
    """Raise ValueError for a number of records that there cannot be."""
    if limit is not None and not 0 <= limit < 1 << 63:
        raise ValueError(f"limit should be a number of records, not {limit}")


def _check_format(name: str) -> str:
    if name not in FORMATS:
        raise FormatUnknown(f"there is no format {name!r}: it is one of {', '.join(FORMATS)}")
    return name


def _format_of_target(target: TargetLike, to: str | None) -> str:
    if to is not None:
        return _check_format(to)
    found = format_of_name(name_of(target))
    if found is None:
        raise FormatUnknown(
            f"the name {name_of(target)} tells no format: say what to write, with to or --to: "
            f"one of {', '.join(FORMATS)}"
        )
    return found


def name_of(target: TargetLike | SourceLike) -> str:
    """The path, or what a file object calls itself."""
    if isinstance(target, (str, os.PathLike)):
        return os.fspath(target)
    return str(getattr(target, "name", f"<{type(target).__name__}>"))


# ---- records from text


def _to_records(source: Any, from_: str) -> list[Record]:
    """All records of a text, or of a path or binary file object. Raises the first error met."""
    if isinstance(source, str):
        try:
            window: Window = open_source(source.encode("utf-8"))
        except UnicodeEncodeError as error:
            raise TextError(f"half of a surrogate pair is no character: {error}") from None
    else:
        window, _ = open_as(source, from_)
    try:
        return list(
            records_of_text(Work(window, Report(window.name, "", from_, ""), _raise), Recovery())
        )
    finally:
        close_own(window, source)


def _raise(error: MarcError) -> None:
    raise error


def _to_record(source: Any, from_: str) -> Record:
    records = _to_records(source, from_)
    if len(records) != 1:
        raise NotOneRecord(f"one record was expected, there are {len(records)}")
    return records[0]


def json_to_records(source: str | SourceLike) -> list[Record]:
    """Records from JSON: text or bytes, a `Path`, or a binary file object.

    MARC-in-JSON and MARCJSON are read, in an array or one after the other. Raises
    JsonSyntaxInvalid, JsonStructureInvalid and other errors of MarcError.
    """
    return _to_records(source, "json")


def json_to_record(source: str | SourceLike) -> Record:
    """The one record in JSON. Raises as `json_to_records`, NotOneRecord if it is not just one."""
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
    """The one record in MARCXML. Raises as `xml_to_records`, NotOneRecord if it is not just one."""
    return _to_record(source, "marcxml")


def mrk_to_records(source: str | SourceLike) -> list[Record]:
    """Records from MRK: text or bytes, a `Path`, or a binary file object.

    Raises MrkSyntaxInvalid and other errors of MarcError.
    """
    return _to_records(source, "mrk")


def mrk_to_record(source: str | SourceLike) -> Record:
    """The one record in MRK. Raises as `mrk_to_records`, NotOneRecord if it is not just one."""
    return _to_record(source, "mrk")
