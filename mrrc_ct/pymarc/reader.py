"""pymarc's readers. `MARCReader` reads ahead, a batch of records at a time, by the core."""

from __future__ import annotations

import json
import os
import sys
from _thread import allocate_lock
from io import BytesIO, IOBase, StringIO

from .. import _core, reader
from .._batch import KINDS, Origin, plain_records
from .._bindings import CLOSELY, FINAL, UTF8, Encoding, Kind, Status
from .._source import open_source
from ..errors import MarcError
from .constants import END_OF_RECORD
from .exceptions import (
    EndOfRecordNotFound,
    FatalReaderError,
    PymarcException,
    RecordLengthInvalid,
    TruncatedRecord,
)
from .field import Field, Indicators, Subfield
from .leader import Leader
from .record import Record

# The module typing takes longer to import than all of this package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO, Any, BinaryIO, Callable

    from ..base import BaseRecord

__all__ = ["JSONReader", "MARCMakerReader", "MARCReader", "Reader", "map_records"]

#: A record's length stands in its first bytes.
_LENGTH_LEN = 5


class Reader:
    """The base of the readers."""


class MARCReader(Reader):
    """An iterator over the records of a file in ISO 2709.

        for record in MARCReader(open("records.mrc", "rb")):
            if record is None:
                print(reader.current_exception, reader.current_chunk)

    None stands for a record that cannot be read. Where the next one begins is then told by its
    length; when that is what is wrong, the iteration ends. With a `recovery_mode` it does not.
    """

    file_handle: IO[Any]

    def __init__(
        self,
        marc_target: BinaryIO | bytes,
        to_unicode: bool = True,
        force_utf8: bool = False,
        hide_utf8_warnings: bool = False,
        utf8_handling: str = "strict",
        file_encoding: str = "iso8859-1",
        permissive: bool = False,
        *,
        recovery_mode: str | None = None,
    ) -> None:
        """Read from bytes or a binary file object, which is read ahead.

        The options are those of `Record`; `permissive` changes nothing. pymarc does not have
        `recovery_mode`: with one, records are read and errors are those of `mrrc_ct.MARCReader`,
        and None stands for each that is lost, in the mode `lenient` too; of the other options only
        `force_utf8` counts then. What was wrong with a salvaged record is in `record.errors`.
        """
        self.to_unicode = to_unicode
        self.force_utf8 = force_utf8
        self.hide_utf8_warnings = hide_utf8_warnings
        self.utf8_handling = utf8_handling
        self.file_encoding = file_encoding
        self.permissive = permissive
        self.file_handle = BytesIO(marc_target) if isinstance(marc_target, bytes) else marc_target
        # Reads what pymarc would not, where that is asked for.
        self._recovering: Iterator[tuple[Any, MarcError | None]] | None = None
        self._is_strict = recovery_mode == "strict"
        if recovery_mode is not None:
            encoding = "utf-8" if force_utf8 else None
            native = reader.MARCReader(
                marc_target, from_encoding=encoding, recovery_mode=recovery_mode
            )
            self._recovering = native.iter_with_errors()
        self._window = open_source(b"" if recovery_mode else marc_target)
        self._scanner = _core.Scanner(_core.RECORDS_A_BATCH)
        self._flags = CLOSELY | (UTF8 if force_utf8 else 0)
        self._origin = Origin()
        # What of a batch is still to be handed out, the next one last.
        self._batch: list[Record] = []
        self._lock = allocate_lock()
        self._current_chunk: bytes | None = None
        self._current_exception: Exception | None = None

    @property
    def current_chunk(self) -> bytes | None:
        """The bytes of the record that was read last, as far as they could be read."""
        return self._current_chunk

    @property
    def current_exception(self) -> Exception | None:
        """Why the record that was read last is None."""
        return self._current_exception

    def close(self) -> None:
        """Close the file."""
        self.file_handle.close()

    def __iter__(self) -> MARCReader:
        return self

    def __next__(self) -> Record | None:
        """The next record, None for one that cannot be read."""
        while True:
            try:
                record = self._batch.pop()
            except IndexError:
                pass
            else:
                self._current_chunk = record._data
                self._current_exception = None
                # What the core has not found sound in all its parts is read at its turn.
                return record if not record._kind & KINDS else self._decoded(record._data)
            if self._recovering is not None:
                return self._next_recovered(*next(self._recovering))
            # Threads may share a reader; one of them brings on records.
            with self._lock:
                if self._batch:
                    continue
                if isinstance(self._current_exception, FatalReaderError):
                    raise StopIteration
                if not self._next_batch():
                    return self._next_by_length()

    def _next_recovered(
        self, native: BaseRecord[Any] | None, error: MarcError | None
    ) -> Record | None:
        """The next record as the package's own reader has it."""
        self._current_chunk = None if native is None else native._data
        try:
            if native is not None and self._is_strict:
                _ = native.fields  # pymarc's records have text that can be read
        except MarcError as unreadable:
            error = unreadable
        self._current_exception = error
        if native is None or error is not None:
            return None
        record = Record(to_unicode=True, force_utf8=self.force_utf8)
        record._take_over(native)
        return record

    def _next_batch(self) -> bool:
        """Bring on the records that are sound one behind the other; False if there is none."""
        window = self._window
        while True:
            address, length, flags = window.look()
            status, count = self._scanner.scan(address, length, flags & FINAL | self._flags)
            kinds = bytes(self._scanner.kinds[:count])
            if Kind.GAP in kinds:
                # Line ends between records are not for pymarc.
                count = kinds.index(Kind.GAP)
                kinds = kinds[:count]
            if count:
                bounds = self._scanner.bounds[: count + 1]
                data, start = window.run()
                ends = [start + end for end in bounds[1:]]
                self._batch = self._records(data, start, ends, kinds)
                window.take(bounds[-1])
                return True
            if status != Status.NEED_INPUT:
                return False
            window.fill()

    def _records(self, data: _core.Run, start: int, ends: list[int], kinds: bytes) -> list[Record]:
        """The records of a batch, the last first."""
        former, to_unicode, force_utf8 = self._origin, self.to_unicode, self.force_utf8
        self._origin = origin = former.at(0, 0)
        encoding = Encoding.UTF8 if force_utf8 else Encoding.KEPT
        _, values, answers = origin.prepare(former, data, start, ends[-1], kinds, encoding)
        kind = 0 if to_unicode else Kind.IRREGULAR
        records = plain_records(Record, data, start, ends, kind, origin, values, answers)
        if force_utf8 or not to_unicode:
            for record in records:
                record.force_utf8 = force_utf8
                record.to_unicode = to_unicode
        if kinds.strip(b"\0"):
            for record, odd in zip(reversed(records), kinds):
                # What is not plain is read at its turn, and nothing is known of it.
                if odd & KINDS:
                    record._kind = odd & KINDS
        return records

    def _next_by_length(self) -> Record | None:
        """The next record as its length has it, whatever its other bytes are."""
        self._current_chunk = head = self._head(_LENGTH_LEN)
        self._current_exception = None
        if not head:
            raise StopIteration
        if len(head) < _LENGTH_LEN:
            self._current_exception = TruncatedRecord()
            return None
        try:
            length = int(head)
        except ValueError:
            self._current_exception = RecordLengthInvalid()
            return None
        if length < _LENGTH_LEN:
            self._current_exception = RecordLengthInvalid()
            return None
        self._current_chunk = chunk = self._head(length)
        if len(chunk) < length:
            self._current_exception = TruncatedRecord()
            return None
        self._window.take(length)
        if not chunk.endswith(END_OF_RECORD.encode()):
            self._current_exception = EndOfRecordNotFound()
            return None
        self._current_exception = None
        return self._decoded(chunk)

    def _head(self, count: int) -> bytes:
        """The next `count` bytes, fewer at the end."""
        window = self._window
        while window.look()[1] < count and not window.is_final:
            window.fill()
        return window.head(min(count, window.look()[1]))

    def _decoded(self, chunk: bytes) -> Record | None:
        try:
            return Record(
                chunk,
                to_unicode=self.to_unicode,
                force_utf8=self.force_utf8,
                hide_utf8_warnings=self.hide_utf8_warnings,
                utf8_handling=self.utf8_handling,
                file_encoding=self.file_encoding,
            )
        except Exception as error:
            self._current_exception = error
            return None


def map_records(f: Callable[[Record | None], Any], *files: BinaryIO) -> None:
    """Call a function with each record of each file."""
    for file in files:
        for record in MARCReader(file):
            f(record)


def _opened(target: Any, encoding: str | None = None) -> Any:
    """A file object as it is, a file by its name, or else a text."""
    if isinstance(target, IOBase):
        return target
    if isinstance(target, str) and os.path.exists(target):
        return open(target, encoding=encoding)
    return StringIO(target)


class JSONReader(Reader):
    """An iterator over the records of a file in MARC-in-JSON: an object, or an array of them."""

    file_handle: IOBase

    def __init__(
        self, marc_target: bytes | str | IOBase, encoding: str = "utf-8", stream: bool = False
    ) -> None:
        """Load a file object, a file by its name, or JSON text, all of it.

        `encoding` and `stream` change nothing. Raises json.JSONDecodeError.
        """
        self.encoding = encoding
        self.file_handle = _opened(marc_target)
        if stream:
            sys.stderr.write("JSONReader: all of the data is loaded, there is no streaming\n")
        self.records = json.load(self.file_handle, strict=False)

    def __iter__(self) -> JSONReader:
        is_one = isinstance(self.records, dict) or not hasattr(self.records, "__iter__")
        self.iter = iter([self.records] if is_one else self.records)
        return self

    def __next__(self) -> Record:
        """The next record. Raises KeyError for an object that is no record."""
        found = next(self.iter)
        record = Record()
        record.leader = Leader(found["leader"])
        for item in found["fields"]:
            tag, content = list(item.items())[0]  # noqa: RUF015  IndexError for an empty one
            if "subfields" in content and hasattr(content, "update"):
                subfields = [
                    Subfield(*pair) for one in content["subfields"] for pair in one.items()
                ]
                indicators = Indicators(content["ind1"], content["ind2"])
                record.add_field(Field(tag, indicators, subfields))
            else:
                record.add_field(Field(tag, data=content))
        return record


class MARCMakerReader(Reader):
    r"""An iterator over records as `str(record)` has them, with a blank line between two.

    for record in MARCMakerReader("=LDR  00755cam  22002414a 4500\\n=001  42\\n"):
        print(record)
    """

    def __init__(self, target: bytes | str | IOBase, encoding: str = "utf-8") -> None:
        """Read a text file object, a file by its name, or text, all of it."""
        file_handle = _opened(target, encoding)
        self.records = file_handle.read().split("\n\n")
        file_handle.close()
        self.iter = iter(self.records)

    def _parse_line(self, line: str) -> Leader | Field:
        if line[0] != "=":
            raise ValueError('Line should start with a "=".')
        if line[4:6] != "  ":
            raise ValueError("Tag should be separated from the rest of the field by two spaces.")
        tag, data = line[1:4], line[6:]
        if tag == "LDR":
            return Leader(data)
        if tag < "010":
            return Field(tag, data=data)
        subfields = [Subfield(part[:1], part[1:]) for part in data[3:].split("$")]
        return Field(tag, Indicators(data[0], data[1]), subfields)

    def __iter__(self) -> MARCMakerReader:
        return self

    def __next__(self) -> Record:
        """The next record. Raises PymarcException for a line that is no field."""
        record = Record()
        for line in next(self.iter).splitlines():
            try:
                parsed = self._parse_line(line)
            except Exception as error:
                raise PymarcException(f'Unable to parse line "{line}"') from error
            if isinstance(parsed, Leader):
                record.leader = parsed
            else:
                record.add_field(parsed)
        return record
