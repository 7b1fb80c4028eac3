"""The core's library, loaded, and its calls as Python has them. The only module that uses ctypes.

A call of the core drops the GIL. What it returns lies in memory of the core's that is good until
the next call with the same converter.
"""

from __future__ import annotations

import codecs
import mmap
import os
import sys
from _thread import _local as thread_local
from itertools import accumulate
from types import MethodType

try:
    import ctypes
except ImportError as error:
    raise ImportError(
        f"mrrc_ct needs ctypes, which cannot be loaded here: {error}. Subinterpreters of CPython "
        "3.12 have it only where they share the main interpreter's GIL; since 3.13 all have it"
    ) from error

from . import _bindings as c
from . import errors
from ._library import load

# The module typing takes longer to import than all of this package.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, NoReturn, Union

    #: Bytes that slices are taken of, as `bytes`.
    Run = Union[bytes, mmap.mmap]


#: Where processes fork, each has memory of its own.
_OWN = {"flags": mmap.MAP_PRIVATE} if hasattr(mmap, "MAP_PRIVATE") else {}
#: Records that a Scanner finds in one call. Each call is a place where threads meet at the GIL.
RECORDS_A_CALL = 2048
#: Records that are made at once, and of which the next ask for the same. More would keep what was
#: made of them in memory for nothing where a loop ends early.
RECORDS_A_BATCH = 128

#: An array type as large as can be, to look at memory of the core's without copying it.
_Memory = ctypes.c_uint8 * min(sys.maxsize, 1 << 40)

FORMATS = {
    "marc": c.Format.MARC,
    "marcxml": c.Format.MARCXML,
    "json": c.Format.JSON,
    "jsonl": c.Format.JSONL,
    "marcjson": c.Format.MARCJSON,
    "mrk": c.Format.MRK,
    "seq": c.Format.SEQ,
    "line": c.Format.LINE,
    "flat": c.Format.FLAT,
    "pymarc_xml": c.Format.PYMARC_XML,
    "pymarc_json": c.Format.PYMARC_JSON,
    "pymarc_json_compact": c.Format.PYMARC_JSON_COMPACT,
    "rows": c.Format.ROWS,
    "description": c.Format.DESCRIPTION,
}
UNMAPPABLE = {
    "error": c.Unmappable.ERROR,
    "ncr": c.Unmappable.NCR,
    "fill": c.Unmappable.FILL,
}
NORMALIZATIONS = {
    "none": c.Normalization.NONE,
    "nfc": c.Normalization.NFC,
    "nfd": c.Normalization.NFD,
}
_CLASSES: dict[int, type[errors.MarcError]] = {
    c.Code.RECORD_LENGTH_INVALID: errors.RecordLengthInvalid,
    c.Code.TRUNCATED_RECORD: errors.TruncatedRecord,
    c.Code.END_OF_RECORD_NOT_FOUND: errors.EndOfRecordNotFound,
    c.Code.LEADER_INVALID: errors.RecordLeaderInvalid,
    c.Code.BASE_ADDRESS_NOT_FOUND: errors.BaseAddressNotFound,
    c.Code.BASE_ADDRESS_INVALID: errors.BaseAddressInvalid,
    c.Code.DIRECTORY_INVALID: errors.RecordDirectoryInvalid,
    c.Code.FIELD_INVALID: errors.FieldInvalid,
    c.Code.NO_FIELDS_FOUND: errors.NoFieldsFound,
    c.Code.INDICATORS_INVALID: errors.IndicatorsInvalid,
    c.Code.SUBFIELD_CODE_INVALID: errors.SubfieldCodeInvalid,
    c.Code.TAG_INVALID: errors.TagInvalid,
    c.Code.DELIMITER_IN_DATA: errors.DelimiterInData,
    c.Code.BAD_LEADER_VALUE: errors.BadLeaderValue,
    c.Code.UTF8_INVALID: errors.Utf8Invalid,
    c.Code.MARC8_INVALID: errors.Marc8Invalid,
    c.Code.UNMAPPABLE_CHARACTER: errors.UnmappableCharacter,
    c.Code.FIELD_TOO_LONG: errors.FieldTooLong,
    c.Code.RECORD_TOO_LONG: errors.RecordTooLong,
    c.Code.XML_SYNTAX: errors.XmlSyntaxInvalid,
    c.Code.XML_CHARACTER_FORBIDDEN: errors.XmlCharacterForbidden,
    c.Code.JSON_SYNTAX: errors.JsonSyntaxInvalid,
    c.Code.JSON_STRUCTURE: errors.JsonStructureInvalid,
    c.Code.MRK_SYNTAX: errors.MrkSyntaxInvalid,
    c.Code.SEQ_SYNTAX: errors.SeqSyntaxInvalid,
    c.Code.SEQ_TEXT_FORBIDDEN: errors.SeqTextForbidden,
}
_OUTCOMES = {
    c.Outcome.LOST: "lost",
    c.Outcome.SALVAGED: "salvaged",
    c.Outcome.WARNING: "warning",
}


#: Whether a call can keep the GIL: PyPy's cannot.
_CAN_HOLD = hasattr(ctypes, "PyDLL")


def _load(path: str) -> tuple[ctypes.CDLL, ctypes.CDLL]:
    library = ctypes.CDLL(path)
    library.mrrc_abi_version.argtypes = []
    library.mrrc_abi_version.restype = ctypes.c_uint32
    version = library.mrrc_abi_version()
    if version != c.ABI_VERSION:
        raise ImportError(
            f"mrrc_ct: {path} has interface version {version}, {c.ABI_VERSION} is needed: "
            "build the package again"
        )
    holding = ctypes.PyDLL(path) if _CAN_HOLD else ctypes.CDLL(path)
    c.declare(library)
    c.declare(holding)
    return library, holding


#: The core, with calls that drop the GIL; and for a single record with calls that keep it: these
#: take as long as waking another thread does.
_library: ctypes.CDLL
_holding: ctypes.CDLL
_library, _holding = load(_load)
#: What a call that keeps the GIL may be given, in bytes.
_HELD_MAX = 100_000

_assemble = _holding.mrrc_assemble
#: How many queries `ask` takes.
QUERIES_MAX = 16
#: The most that a record has in ISO 2709.
RECORD_BYTES_MAX = 99_999
#: The most that a record that is read may be allowed to have.
RECORD_MAX_MOST = 1 << 30


def error_of(problem: c.Problem, source: str | None = None) -> errors.MarcError:
    """The exception for a problem of the core's, with its record's place in a stream."""

    def text(data: ctypes.Array[ctypes.c_uint8], length: int) -> str:
        return bytes(data[:length]).decode("utf-8", "replace")

    return _CLASSES[problem.code](
        text(problem.detail, problem.detail_length),
        source=source,
        record_number=problem.records_before + 1,
        line_number=problem.line or None,
        byte_offset=problem.byte_offset,
        offset_in_record=problem.offset_in_record,
        tag=bytes(problem.tag[:3]).decode("latin-1") if problem.has_tag else None,
        found=bytes(problem.found[: problem.found_length]),
        expected=text(problem.expected, problem.expected_length) or None,
        control_number=text(problem.control_number, problem.control_number_length) or None,
        around=bytes(problem.around[: problem.around_length]),
        around_at=problem.around_at,
        outcome=_OUTCOMES[problem.outcome],
    )


def _fail(status: int) -> NoReturn:
    if status == c.Status.OUT_OF_MEMORY:
        raise MemoryError("the core could not get memory")
    if status == c.Status.BUSY:
        raise RuntimeError("a converter is being used by two threads at the same time")
    raise ValueError("an invalid argument for the core")


def encoding_number(name: str | None) -> int | None:
    """The core's number of an encoding, or None for one that Python has to decode.

    None keeps the encoding that leader/09 names. Raises LookupError for a name that nobody knows.
    """
    if name is None:
        return c.Encoding.KEPT
    if name.lower().replace("-", "").replace("_", "") == "marc8":
        return c.Encoding.MARC8
    return c.Encoding.UTF8 if codecs.lookup(name).name == "utf-8" else None


def normalization_number(name: str | None) -> int:
    """The core's number of a form of Unicode text, by its name. Raises ValueError for others."""
    if name is None:
        return c.Normalization.NONE
    if name not in NORMALIZATIONS:
        raise ValueError(
            f"normalize should be one of {', '.join(NORMALIZATIONS)}, or None, not {name!r}"
        )
    return NORMALIZATIONS[name]


def needed_encoding(name: str | None) -> int:
    """The same where Python cannot help: ValueError for an encoding that the core does not know."""
    number = encoding_number(name)
    if number is None:
        raise ValueError(f"tables are read in UTF-8 and MARC-8, not {name}: convert first")
    return number


def check_unmappable(unmappable: str) -> None:
    """Raise ValueError for what there is not."""
    if unmappable not in UNMAPPABLE:
        raise ValueError(f"unmappable should be one of {', '.join(UNMAPPABLE)}, not {unmappable!r}")


class Buffer:
    """A run of bytes whose address the core is given: one that Python can change.

    It is memory of the system's own, whose slices are `bytes`: those of a bytearray are not. A
    process that is forked off has a copy.
    """

    __slots__ = ("_pin", "address", "data", "view")

    def __init__(self, size: int) -> None:
        """Make one of `size` bytes."""
        self.data: Run = mmap.mmap(-1, size, **_OWN)
        self.view = memoryview(self.data)
        self._pin = ctypes.c_uint8.from_buffer(self.data)
        self.address = ctypes.addressof(self._pin)


class FixedBuffer:
    """The same over `bytes` that are there already."""

    __slots__ = ("_pin", "address", "data", "view")

    def __init__(self, data: bytes) -> None:
        """Pin `data`."""
        self.data: Run = data
        self.view = memoryview(data)
        self._pin, self.address = pinned(data)


def pinned(data: bytes) -> tuple[object, int]:
    """The address of bytes, and what keeps them there."""
    pin = ctypes.c_char_p(data)
    return pin, ctypes.cast(pin, ctypes.c_void_p).value or 0


class Scanner:
    """Finds where the ISO 2709 records in a run of bytes end."""

    __slots__ = (
        "_ends",
        "_is_full",
        "_kinds",
        "_most",
        "_record_max",
        "_result",
        "bounds",
        "capacity",
        "kinds",
        "problem",
    )

    def __init__(self, most: int = RECORDS_A_CALL, record_max: int = 0) -> None:
        """Make one that gives a few records in the first call, and then up to `most`.

        A record may have `record_max` bytes; 0 is the core's own limit.
        """
        self._most = most
        self._record_max = record_max
        self._result = c.Scan()
        self.problem = c.Problem()
        self._is_full = False
        self._grow(16)

    def _grow(self, capacity: int) -> None:
        self.capacity = capacity
        bounds = (ctypes.c_uint32 * (capacity + 1))()
        kinds = (ctypes.c_uint8 * capacity)()
        #: Where each entry of the last scan begins, in bytes, and where the last one ends.
        self.bounds = memoryview(bounds).cast("B").cast("I")
        #: Their kinds.
        self.kinds = memoryview(kinds).cast("B")
        self._ends = ctypes.addressof(bounds) + ctypes.sizeof(ctypes.c_uint32)
        self._kinds = ctypes.addressof(kinds)

    def scan(self, address: int, length: int, flags: int) -> tuple[int, int]:
        """Check `length` bytes: a status, and how many entries were found there."""
        if self._is_full and self.capacity < self._most:
            self._grow(self._most)
        status = _library.mrrc_scan(
            address,
            length,
            flags,
            self._record_max,
            self._ends,
            self._kinds,
            self.capacity,
            self._result,
            self.problem,
        )
        if status < 0:
            _fail(status)
        self._is_full = status == c.Status.OUTPUT
        return status, self._result.count

    def count(self, address: int, length: int, flags: int) -> tuple[int, int, int, int]:
        """Check `length` bytes: a status, how many records they hold, the bytes between and all."""
        limit = 1 << 62
        status = _library.mrrc_scan(
            address, length, flags, self._record_max, None, None, limit, self._result, self.problem
        )
        if status < 0:
            _fail(status)
        result = self._result
        return status, result.records, result.between, result.consumed


def packed(numbers: list[int]) -> bytes:
    """Numbers in 32 bits each."""
    return memoryview((ctypes.c_uint32 * len(numbers))(*numbers)).tobytes()


def resync(address: int, length: int, flags: int) -> tuple[int, bool]:
    """Bytes to leave out behind a damaged record, and whether the next one begins there.

    FINAL and SEARCHING of `flags` count. See mrrc_resync.
    """
    skip = ctypes.c_uint64()
    status = _library.mrrc_resync(address, length, flags, skip)
    return skip.value, bool(status == c.Status.DONE)


def memory_of(address: int | None, length: int) -> memoryview:
    """So many bytes of the core's memory."""
    if not length or not address:
        return memoryview(b"")
    return memoryview(_Memory.from_address(address)).cast("B")[:length]


class Converter:
    """One stream of records on its way from a format to another."""

    __slots__ = ("_handle", "_output", "consumed", "problem")

    def __init__(
        self,
        source: str,
        target: str,
        *,
        source_encoding: int = c.Encoding.KEPT,
        target_encoding: int = c.Encoding.KEPT,
        unmappable: str = "error",
        references: bool = False,
        replace_forbidden: bool = False,
        replacement: str = "",
        is_lenient: bool = False,
        level: int = c.Level.STRUCTURAL,
        normalization: int = c.Normalization.NONE,
        is_single: bool = False,
        is_part: bool = False,
        record_max: int = 0,
        plan: int | None = None,
        position: int = 0,
        limit: int = 0,
        records_before: int = 0,
    ) -> None:
        """Make a converter between two of FORMATS. ValueError for an option that there is not."""
        self._handle: int | None = None
        check_unmappable(unmappable)
        options = c.Options(
            source=FORMATS[source],
            target=FORMATS[target],
            source_encoding=source_encoding,
            target_encoding=target_encoding,
            unmappable=UNMAPPABLE[unmappable],
            references=references,
            replace_forbidden=replace_forbidden,
            replacement=ord(replacement) if replacement else 0,
            is_lenient=is_lenient,
            level=level,
            normalization=normalization,
            is_single=is_single,
            is_part=is_part,
            # What has been read is not too long to be written.
            record_max=RECORD_MAX_MOST if source == "flat" else record_max,
            plan=plan,
            position=position,
            written_max=limit,
            records_before=records_before,
        )
        handle = ctypes.c_void_p()
        status = _library.mrrc_converter_create(options, handle)
        if status < 0:
            _fail(status)
        self._handle = handle.value
        self._output = c.Output()
        self.problem = c.Problem()
        self.consumed = 0

    # At the interpreter's end the module's names are gone before the last converter is.
    def __del__(self, destroy: Callable[..., None] = _library.mrrc_converter_destroy) -> None:
        if getattr(self, "_handle", None):
            destroy(self._handle)
            self._handle = None

    def feed(self, data: int | bytes, length: int, flags: int) -> int:
        """Convert what can be converted: a Status. `consumed` and `output()` have the rest."""
        return self._feed(_library.mrrc_convert, data, length, flags)

    def _feed(self, call: Callable[..., int], data: int | bytes, length: int, flags: int) -> int:
        status = call(self._handle, data, length, flags, self._output, self.problem)
        if status < 0:
            _fail(status)
        self.consumed = self._output.consumed
        return status

    def output(self) -> memoryview:
        """What the last call gave, in the core's memory: good until the next call."""
        return memory_of(self._output.bytes, self._output.length)

    @property
    def counts(self) -> c.Counts:
        """What has been counted up to now."""
        return self._output.counts

    def convert_one(
        self,
        data: bytes,
        source: str | None = None,
        problems: list[errors.MarcError] | None = None,
    ) -> bytes:
        """Convert one record that is all there. Raises the MarcError that the core reports.

        With `problems` what was wrong with a record that was saved is added to these.
        """
        length = len(data)
        call = (_holding if length < _HELD_MAX else _library).mrrc_convert
        status = self._feed(call, data, length, c.FINAL | c.RESTART)
        if status == c.Status.DONE:
            return ctypes.string_at(self._output.bytes or 0, self._output.length)
        self._note(status, source, problems)
        # More than one call's output: gather it.
        parts = [bytes(self.output())]
        at = self.consumed
        while status != c.Status.DONE:
            status = self.feed(data[at:], len(data) - at, c.FINAL)
            self._note(status, source, problems)
            at += self.consumed
            parts.append(bytes(self.output()))
        return b"".join(parts)

    def _note(
        self, status: int, source: str | None, problems: list[errors.MarcError] | None
    ) -> None:
        if status == c.Status.PROBLEM:
            error = error_of(self.problem, source)
            if problems is None or error.outcome == "lost":
                raise error
            problems.append(error)


class Matcher:
    """Tells which records a plan wants."""

    __slots__ = ("_converter", "_marks")

    def __init__(self, source: str, plan: int | None, **options: Any) -> None:
        """Match records of a format. What can be told of damaged ones is what counts."""
        self._converter = Converter(source, "rows", plan=plan, is_lenient=True, **options)
        self._marks = ctypes.create_string_buffer(RECORDS_A_CALL)

    def entries(
        self, scanner: Scanner, count: int, address: int, number: int, offset: int
    ) -> bytes:
        """1 for each entry of a scan that is wanted, otherwise 0.

        `number` and `offset` are those of the first.
        """
        return self._match(address, scanner._ends, scanner._kinds, count, number, offset)

    def wants(self, record: bytes, number: int) -> bool:
        """Whether a record with this number is wanted."""
        end = ctypes.c_uint32(len(record))
        return self._match(record, ctypes.addressof(end), None, 1, number, 0) == b"\1"

    def among(self, records: list[bytes]) -> bytes:
        """1 for each of some records that is wanted, otherwise 0."""
        ends = (ctypes.c_uint32 * len(records))(*accumulate(map(len, records)))
        return self._match(b"".join(records), ctypes.addressof(ends), None, len(records), 1, 0)

    def _match(
        self,
        data: int | bytes,
        ends: int,
        kinds: int | None,
        count: int,
        number: int,
        offset: int,
    ) -> bytes:
        if not count:
            return b""
        if count > len(self._marks):
            self._marks = ctypes.create_string_buffer(count)
        marks = self._marks
        handle = self._converter._handle
        status = _library.mrrc_match(handle, data, ends, kinds, count, number, offset, marks)
        if status < 0:
            _fail(status)
        return ctypes.string_at(marks, count)


class Pipeline:
    """Threads of the core at work on the ISO 2709 records of a source, a piece of it at a time.

    Any number of threads may use it. Nobody waits in it for longer than he said, so signals act.
    """

    __slots__ = ("_handle", "_process")

    def __init__(
        self,
        job: int,
        *,
        workers: int,
        capacity: int,
        size: int,
        ordered: bool = True,
        start: int = 0,
        stop: int | None = None,
        file: int = -1,
        target: str = "flat",
        source_encoding: int = c.Encoding.KEPT,
        target_encoding: int = c.Encoding.KEPT,
        unmappable: str = "error",
        references: bool = False,
        replace_forbidden: bool = False,
        is_lenient: bool = False,
        level: int = c.Level.STRUCTURAL,
        normalization: int = c.Normalization.NONE,
        record_max: int = 0,
        plan: int | None = None,
    ) -> None:
        """Start `workers` threads on pieces of about `size` bytes, up to `capacity` of them.

        The records that begin in `[start, stop)` are read, by the threads themselves from a file
        descriptor, or else from what is pushed. ValueError for an option that means nothing.
        """
        self._handle: int | None = None
        pipeline_options = c.PipelineOptions(
            job=job,
            workers=workers,
            capacity=capacity,
            ordered=ordered,
            range=size,
            start=start,
            stop=(1 << 64) - 1 if stop is None else stop,
            file=file,
        )
        options = c.Options(
            source=c.Format.MARC,
            target=FORMATS[target],
            source_encoding=source_encoding,
            target_encoding=target_encoding,
            unmappable=UNMAPPABLE[unmappable],
            references=references,
            replace_forbidden=replace_forbidden,
            is_lenient=is_lenient,
            level=level,
            normalization=normalization,
            is_part=True,
            record_max=record_max,
            plan=plan,
        )
        handle = ctypes.c_void_p()
        status = _library.mrrc_pipeline_create(pipeline_options, options, handle)
        if status < 0:
            _fail(status)
        self._handle = handle.value
        self._process = os.getpid()

    def _is_mine(self) -> bool:
        """Whether the threads are there; in a process that was forked off the locks may be held."""
        return self._process == os.getpid()

    def check(self) -> None:
        """Raise PipelineClosed in a process that was forked off."""
        if not self._is_mine():
            raise errors.PipelineClosed(
                "a pipeline does not outlive a fork: each process has to make its own"
            )

    def next(self, milliseconds: int) -> tuple[int, c.Piece]:
        """A Status, and with OUTPUT a piece, to be given back when it is done with."""
        piece = c.Piece()
        status = _library.mrrc_pipeline_next(self._handle, milliseconds, piece)
        if status < 0:
            _fail(status)
        return status, piece

    def give_back(self, piece: c.Piece) -> None:
        """Be done with a piece."""
        if self._is_mine():
            _library.mrrc_pipeline_give_back(self._handle, piece.piece)

    def push(self, address: int, length: int, flags: int) -> bool:
        """Add bytes to the source; False when there is no room for them now."""
        status = _library.mrrc_pipeline_push(self._handle, address, length, flags)
        if status < 0:
            _fail(status)
        return bool(status == c.Status.DONE)

    def stats(self) -> c.Stats:
        """What has been done up to now."""
        stats = c.Stats()
        if self._is_mine():
            _library.mrrc_pipeline_stats(self._handle, stats)
        return stats

    def close(self) -> None:
        """Stop the threads; each ends its piece first."""
        if self._is_mine():
            _library.mrrc_pipeline_close(self._handle)

    def __del__(
        self,
        destroy: Callable[..., None] = _library.mrrc_pipeline_destroy,
        process: Callable[[], int] = os.getpid,
    ) -> None:
        if getattr(self, "_handle", None):
            if self._process == process():
                destroy(self._handle)
            self._handle = None


def piece_output(piece: c.Piece) -> memoryview:
    """The bytes of a piece, in the core's memory: good until it is given back."""
    return memory_of(piece.bytes, piece.length)


def piece_ends(piece: c.Piece, first: int, last: int) -> list[int]:
    """Where entries `[first, last)` of a piece end."""
    # A type of array for each length would take longer to make than all the rest.
    return memory_of((piece.ends or 0) + 4 * first, 4 * (last - first)).cast("I").tolist()


def piece_kinds(piece: c.Piece, first: int, last: int) -> bytes:
    """The kinds of entries `[first, last)` of a piece."""
    return ctypes.string_at((piece.kinds or 0) + first, last - first)


def piece_marks(piece: c.Piece, first: int, last: int) -> bytes:
    """1 for each of the entries `[first, last)` of a piece that is wanted, otherwise 0."""
    return ctypes.string_at((piece.marks or 0) + first, last - first)


def piece_damages(piece: c.Piece) -> list[c.Damage]:
    """The damaged records of a piece, copied."""
    if not piece.damage_count:
        return []
    found = (c.Damage * piece.damage_count).from_address(piece.damages or 0)
    return [c.Damage.from_buffer_copy(one) for one in found]


def find_boundary(address: int, length: int, start: int, flags: int) -> tuple[bool, int]:
    """Whether that is certain, and where the first boundary is, or what can be left out till then.

    See mrrc_find_boundary.
    """
    found = ctypes.c_uint64()
    status = _library.mrrc_find_boundary(address, length, start, flags, found)
    if status < 0:
        _fail(status)
    return status == c.Status.DONE, found.value


def salvaged(
    data: bytes,
    encoding: int | None,
    codec: str | None,
    references: bool,
    problems: list[errors.MarcError],
    source: str | None,
    level: int = c.Level.STRUCTURAL,
    record_max: int = 0,
) -> bytes:
    """The flat form of what can be told of a record. Raises the error of one that is lost."""
    converter = converter_of(
        "marc",
        "flat",
        c.Encoding.BYTES if encoding is None else encoding,
        references=references,
        is_lenient=True,
        level=level,
        record_max=record_max,
    )
    flat = converter.convert_one(data, source, problems)
    return flat if codec is None else flat.decode(codec, "replace").encode()


class Marc8Decoder:
    """MARC-8 text to Unicode, a value at a time."""

    __slots__ = ("_converter", "_sets")

    def __init__(self, replacement: str = "") -> None:
        """Make one that writes `replacement` for what means nothing, or without it reports that."""
        self._converter = Converter("marc", "flat", replacement=replacement)
        self._sets = c.Sets()

    def decode(self, value: bytes, g0: int, g1: int) -> tuple[str, int, int, int]:
        """The text, the sets that are designated behind it, and how many characters were replaced.

        `g0` and `g1` are the sets at the beginning, each by the final byte of the escape sequence
        that designates it. Raises Marc8Invalid, and ValueError for a set that there is not.
        """
        self._sets.g0 = g0
        self._sets.g1 = g1
        converter = self._converter
        status = _library.mrrc_decode_marc8(
            converter._handle,
            value,
            len(value),
            self._sets,
            converter._output,
            converter.problem,
        )
        if status < 0:
            _fail(status)
        if status == c.Status.PROBLEM:
            raise error_of(converter.problem)
        text = str(converter.output(), "utf-8")
        return text, self._sets.g0, self._sets.g1, converter.counts.characters_replaced


class _PerThread(thread_local):
    def __init__(self) -> None:
        self.converters: dict[tuple[object, ...], Converter] = {}
        #: Room for a record.
        self.target = Buffer(RECORD_BYTES_MAX + 1)
        self._room = Buffer(0x10000)
        #: Room for tags, and for the ends of a batch's records.
        self.tags = ctypes.create_string_buffer(4 * 256)
        self.ends = (ctypes.c_uint32 * RECORDS_A_BATCH)()

    def room(self, size: int) -> tuple[Run, int]:
        """Room for so many bytes, and its address."""
        if len(self._room.view) < size:
            self._room = Buffer(2 * size)
        return self._room.data, self._room.address


_per_thread = _PerThread()
#: Room for a record that a call gives as bytes. Who keeps the GIL meanwhile is alone with it.
_room = Buffer(RECORD_BYTES_MAX + 1)
_target = _room.address if getattr(sys, "_is_gil_enabled", lambda: True)() else 0


def assemble(flat: bytes) -> bytes | None:
    """A record in the flat form as ISO 2709; None where it has no such form."""
    length = len(flat)
    if length > RECORD_BYTES_MAX:
        return None
    written: bytes | None = _assemble(flat, length, _target or _per_thread.target.address)
    return written


#: A record in ISO 2709 with other contents of some fields, see `mrrc_replace`; or None.
replace: Callable[[bytes, bytes], bytes | None]
#: A record from its parts, see `mrrc_join`; or None.
join: Callable[[bytes, int, int, int], bytes | None]
if _target:
    # Methods: what is called for each record should be one call.
    replace = MethodType(_holding.mrrc_replace, _target)
    join = MethodType(_holding.mrrc_join, _target)
else:

    def replace(record: bytes, changes: bytes) -> bytes | None:
        written: bytes | None = _holding.mrrc_replace(_per_thread.target.address, record, changes)
        return written

    def join(parts: bytes, fields: int, delimiters: int, is_flat: int) -> bytes | None:
        room = _per_thread.target.address
        written: bytes | None = _holding.mrrc_join(room, parts, fields, delimiters, is_flat)
        return written


def converter_of(
    source: str,
    target: str,
    source_encoding: int = c.Encoding.KEPT,
    target_encoding: int = c.Encoding.KEPT,
    unmappable: str = "error",
    references: bool = False,
    replace_forbidden: bool = False,
    is_lenient: bool = False,
    level: int = c.Level.STRUCTURAL,
    record_max: int = 0,
    normalization: int = c.Normalization.NONE,
) -> Converter:
    """The thread's own converter of single records, made once for each set of options."""
    key = (
        source,
        target,
        source_encoding,
        target_encoding,
        unmappable,
        references,
        replace_forbidden,
        is_lenient,
        level,
        record_max,
        normalization,
    )
    converter = _per_thread.converters.get(key)
    if converter is None:
        converter = _per_thread.converters[key] = Converter(
            source,
            target,
            source_encoding=source_encoding,
            target_encoding=target_encoding,
            unmappable=unmappable,
            references=references,
            replace_forbidden=replace_forbidden,
            is_lenient=is_lenient,
            level=level,
            normalization=normalization,
            is_single=True,
            record_max=record_max,
        )
    return converter


def take_apart(flat: bytes, records: int, known: list[str]) -> list[bytes] | None:
    """What `mrrc_take_apart` writes of each of a batch of so many records in the flat form.

    `known` becomes the tags by their numbers. None where that cannot be told.
    """
    length = len(flat)
    room, address = _per_thread.room(length)
    tags, ends = _per_thread.tags, _per_thread.ends
    count = _library.mrrc_take_apart(flat, length, address, ends, RECORDS_A_BATCH, tags)
    if count < 0:
        return None
    # Each has 1E behind it.
    known[:] = map(sys.intern, tags.raw[: 4 * count - 1].decode("latin-1").split("\x1e"))
    apart, start = [], 0
    for end in ends[:records]:
        apart.append(room[start:end])
        start = end + 1
    return apart


def ask(flat: bytes, are_sound: bool, queries: list[str]) -> list[str] | None:
    """What each of a run of records in the flat form answers; None where that cannot be told.

    `are_sound`: they are plain ones in ISO 2709. A query is a tag and codes of subfields; see
    `mrrc_ask`.
    """
    length = len(flat)
    room, address = _per_thread.room(length * len(queries))
    written = ctypes.c_uint64()
    asked = " ".join(queries).encode()
    call = _library.mrrc_ask
    if call(flat, length, asked, len(asked), are_sound, address, written) != c.Status.DONE:
        return None
    try:
        return room[: written.value].decode().split("\x1d")[:-1]
    except UnicodeDecodeError:
        return None


def shape(flat: bytes) -> bytes | None:
    """What a record in the flat form is made of, see `mrrc_shapes`; None where it has another form.

    Without the 1E and 1D at its end.
    """
    length = len(flat)
    room, address = _per_thread.room(length)
    call = (_holding if length < _HELD_MAX else _library).mrrc_shapes
    written = call(flat, length, address)
    return room[: max(0, written - 2)] if written > 0 else None


def flat_forms(
    data: bytes, encoding: int | None, references: bool
) -> tuple[list[bytes | None], bytes]:
    """The flat form, without its 1D, of each of a run of sound records; None where it has none.

    And those that there are, one behind the other.
    """
    converter = converter_of("marc", "flat", encoding or c.Encoding.KEPT, references=references)
    forms: list[bytes | None] = []
    parts = []
    buffer = FixedBuffer(data)
    at, flags = 0, c.FINAL | c.RESTART
    while True:
        status = converter.feed(buffer.address + at, len(data) - at, flags)
        at, flags = at + converter.consumed, c.FINAL
        part, start = converter.output().tobytes(), 0
        # Not `split`, which looks at the bytes one by one.
        while (end := part.find(b"\x1d", start)) >= 0:
            forms.append(part[start:end])
            start = end + 1
        parts.append(part)
        if status == c.Status.PROBLEM:
            forms.append(None)
        elif status == c.Status.DONE:
            return forms, b"".join(parts)


if not _CAN_HOLD:
    from ._pypy import assemble, join, memory_of, pinned, replace, take_apart  # noqa: F401
