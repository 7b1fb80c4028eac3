"""The C interface of the core, for ctypes.

Written by zig/bindings.zig from the Zig types. Do not edit: change them and run it again.
"""

# fmt: off
# ruff: noqa
# What ctypes takes as a type is more than typeshed says.
# mypy: disable-error-code=list-item
from __future__ import annotations

from _operator import index
from ctypes import CDLL, POINTER, Array, Structure, c_char_p, c_int32, c_uint8, c_uint32, c_uint64, c_void_p

ABI_VERSION = 14


class Int:
    """A number of 32 bits as an argument. That of ctypes would take several times as long."""

    from_param = index


class Bytes:
    """The same for `bytes` with a NUL behind them, as all have."""

    from_param = getattr(bytes, "__bytes__", c_char_p.from_param)  # new in Python 3.11

#: No input comes behind these bytes.
FINAL = 1
#: Begin another stream with the same converter.
RESTART = 2
#: The bytes are the start of a source.
START = 4
#: Look at the text and the parts of fields, too, and tell what is irregular.
CLOSELY = 8
#: The records are in UTF-8 whatever leader/09 says.
UTF8 = 16
#: A damaged record is an entry of its own kind, whole, and no problem.
LENIENT = 64
#: More input may be long in coming.
FLUSH = 32
#: Records have to keep to MARC 21, too: see Level.
STRICT_MARC = 256
#: Stop at a value that is repeated where there should be one.
STRICT = 512
#: The search goes on: the bytes do not begin with the damaged record.
SEARCHING = 128


class Status:
    """What a call comes back with. Negative numbers are failures of the call itself."""

    NEED_INPUT = 0
    OUTPUT = 1
    PROBLEM = 2
    DONE = 3
    OUT_OF_MEMORY = -1
    INVALID_ARGUMENT = -2
    BUSY = -3
    NOTHING_YET = 4
    CLOSED = 5


class Format:
    """The formats."""

    MARC = 0
    MARCXML = 1
    JSON = 2
    JSONL = 3
    MARCJSON = 4
    MRK = 5
    FLAT = 6
    PYMARC_XML = 7
    PYMARC_JSON = 8
    PYMARC_JSON_COMPACT = 9
    ROWS = 10
    DESCRIPTION = 11
    SEQ = 12
    LINE = 13


class Encoding:
    """How the text of an ISO 2709 record is encoded."""

    KEPT = 0
    UTF8 = 1
    MARC8 = 2
    BYTES = 3


class Level:
    """What records are held to."""

    STRUCTURAL = 0
    STRICT_MARC = 1


class Normalization:
    """The form of Unicode text that is written, but in MARC-8."""

    NONE = 0
    NFC = 1
    NFD = 2


class Unmappable:
    """What to do with a character that MARC-8 does not have."""

    ERROR = 0
    NCR = 1
    FILL = 2


class Cpu:
    """Processors that code is made for."""

    BASELINE = 0
    X86_64_V3 = 1


class Kind:
    """What mrrc_scan found before an end."""

    PLAIN = 0
    OTHER = 1
    GAP = 2
    IRREGULAR = 4
    AUTHORITY = 16
    HOLDINGS = 32
    DAMAGED = 8


class TextForm:
    """What mrrc_table_text makes of rows."""

    CSV = 0
    JSON = 1
    VALUES = 2


class Job:
    """What a pipeline makes of the records."""

    COUNT = 0
    SCAN = 1
    CONVERT = 2


class Failure:
    """Why a pipeline could not work on a range."""

    NONE = 0
    OUT_OF_MEMORY = 1
    READ = 2


class Outcome:
    """What became of a record that something is wrong with: Problem.outcome."""

    LOST = 0
    SALVAGED = 1
    WARNING = 2


class Code:
    """What is wrong: Problem.code."""

    NONE = 0
    RECORD_LENGTH_INVALID = 1
    TRUNCATED_RECORD = 2
    END_OF_RECORD_NOT_FOUND = 3
    LEADER_INVALID = 4
    BASE_ADDRESS_NOT_FOUND = 5
    BASE_ADDRESS_INVALID = 6
    DIRECTORY_INVALID = 7
    FIELD_INVALID = 8
    NO_FIELDS_FOUND = 9
    INDICATORS_INVALID = 10
    SUBFIELD_CODE_INVALID = 11
    TAG_INVALID = 12
    DELIMITER_IN_DATA = 13
    BAD_LEADER_VALUE = 14
    UTF8_INVALID = 20
    MARC8_INVALID = 21
    UNMAPPABLE_CHARACTER = 22
    FIELD_TOO_LONG = 30
    RECORD_TOO_LONG = 31
    XML_SYNTAX = 40
    XML_CHARACTER_FORBIDDEN = 41
    JSON_SYNTAX = 50
    JSON_STRUCTURE = 51
    MRK_SYNTAX = 60
    SEQ_SYNTAX = 61
    SEQ_TEXT_FORBIDDEN = 62


class Problem(Structure):
    code: int
    detail_length: int
    found_length: int
    has_tag: int
    expected_length: int
    control_number_length: int
    around_length: int
    around_at: int
    outcome: int
    tag: Array[c_uint8]
    records_before: int
    byte_offset: int
    offset_in_record: int
    line: int
    detail: Array[c_uint8]
    found: Array[c_uint8]
    expected: Array[c_uint8]
    control_number: Array[c_uint8]
    around: Array[c_uint8]
    _fields_ = [
        ("code", c_uint32),
        ("detail_length", c_uint32),
        ("found_length", c_uint32),
        ("has_tag", c_uint32),
        ("expected_length", c_uint32),
        ("control_number_length", c_uint32),
        ("around_length", c_uint32),
        ("around_at", c_uint32),
        ("outcome", c_uint32),
        ("tag", c_uint8 * 4),
        ("records_before", c_uint64),
        ("byte_offset", c_uint64),
        ("offset_in_record", c_uint64),
        ("line", c_uint64),
        ("detail", c_uint8 * 160),
        ("found", c_uint8 * 40),
        ("expected", c_uint8 * 40),
        ("control_number", c_uint8 * 40),
        ("around", c_uint8 * 48),
    ]


class Options(Structure):
    source: int
    target: int
    source_encoding: int
    target_encoding: int
    unmappable: int
    references: int
    replace_forbidden: int
    replacement: int
    is_lenient: int
    is_single: int
    is_part: int
    level: int
    normalization: int
    reserved: int
    record_max: int
    plan: int | None
    position: int
    written_max: int
    records_before: int
    _fields_ = [
        ("source", c_uint32),
        ("target", c_uint32),
        ("source_encoding", c_uint32),
        ("target_encoding", c_uint32),
        ("unmappable", c_uint32),
        ("references", c_uint32),
        ("replace_forbidden", c_uint32),
        ("replacement", c_uint32),
        ("is_lenient", c_uint32),
        ("is_single", c_uint32),
        ("is_part", c_uint32),
        ("level", c_uint32),
        ("normalization", c_uint32),
        ("reserved", c_uint32),
        ("record_max", c_uint64),
        ("plan", c_void_p),
        ("position", c_uint64),
        ("written_max", c_uint64),
        ("records_before", c_uint64),
    ]


class Counts(Structure):
    records_read: int
    records_written: int
    characters_replaced: int
    bytes_skipped: int
    bytes_between: int
    records_left_out: int
    _fields_ = [
        ("records_read", c_uint64),
        ("records_written", c_uint64),
        ("characters_replaced", c_uint64),
        ("bytes_skipped", c_uint64),
        ("bytes_between", c_uint64),
        ("records_left_out", c_uint64),
    ]


class Output(Structure):
    consumed: int
    bytes: int | None
    length: int
    counts: Counts
    _fields_ = [
        ("consumed", c_uint64),
        ("bytes", c_void_p),
        ("length", c_uint64),
        ("counts", Counts),
    ]


class Scan(Structure):
    count: int
    records: int
    between: int
    consumed: int
    _fields_ = [
        ("count", c_uint64),
        ("records", c_uint64),
        ("between", c_uint64),
        ("consumed", c_uint64),
    ]


class Sets(Structure):
    g0: int
    g1: int
    _fields_ = [
        ("g0", c_uint32),
        ("g1", c_uint32),
    ]


class PipelineOptions(Structure):
    job: int
    workers: int
    capacity: int
    ordered: int
    range: int
    start: int
    stop: int
    file: int
    reserved: int
    _fields_ = [
        ("job", c_uint32),
        ("workers", c_uint32),
        ("capacity", c_uint32),
        ("ordered", c_uint32),
        ("range", c_uint64),
        ("start", c_uint64),
        ("stop", c_uint64),
        ("file", c_int32),
        ("reserved", c_uint32),
    ]


class Damage(Structure):
    problem: Problem
    entry: int
    byte: int
    offset: int
    _fields_ = [
        ("problem", Problem),
        ("entry", c_uint64),
        ("byte", c_uint64),
        ("offset", c_uint64),
    ]


class Piece(Structure):
    piece: int | None
    sequence: int
    offset: int
    source_length: int
    bytes: int | None
    length: int
    ends: int | None
    kinds: int | None
    marks: int | None
    entries: int
    damages: int | None
    damage_count: int
    counts: Counts
    failure: int
    errno: int
    _fields_ = [
        ("piece", c_void_p),
        ("sequence", c_uint64),
        ("offset", c_uint64),
        ("source_length", c_uint64),
        ("bytes", c_void_p),
        ("length", c_uint64),
        ("ends", c_void_p),
        ("kinds", c_void_p),
        ("marks", c_void_p),
        ("entries", c_uint64),
        ("damages", c_void_p),
        ("damage_count", c_uint64),
        ("counts", Counts),
        ("failure", c_uint32),
        ("errno", c_uint32),
    ]


class Stats(Structure):
    worker_waits: int
    worker_wait_time: int
    consumer_waits: int
    consumer_wait_time: int
    ready: int
    in_flight: int
    pieces: int
    records: int
    bytes: int
    _fields_ = [
        ("worker_waits", c_uint64),
        ("worker_wait_time", c_uint64),
        ("consumer_waits", c_uint64),
        ("consumer_wait_time", c_uint64),
        ("ready", c_uint64),
        ("in_flight", c_uint64),
        ("pieces", c_uint64),
        ("records", c_uint64),
        ("bytes", c_uint64),
    ]


class PlanFailure(Structure):
    expression: int
    offset: int
    message: int | None
    length: int
    _fields_ = [
        ("expression", c_uint64),
        ("offset", c_uint64),
        ("message", c_void_p),
        ("length", c_uint64),
    ]


class Added(Structure):
    consumed: int
    rows: int
    column: int
    number: int
    offset: int
    _fields_ = [
        ("consumed", c_uint64),
        ("rows", c_uint64),
        ("column", c_uint64),
        ("number", c_uint64),
        ("offset", c_uint64),
    ]


class Tally(Structure):
    repeated: int
    unread: int
    _fields_ = [
        ("repeated", c_uint64),
        ("unread", c_uint64),
    ]


def declare(library: CDLL) -> None:
    """Give each function of the library its types."""
    # mrrc_abi_version()
    library.mrrc_abi_version.argtypes = []
    library.mrrc_abi_version.restype = c_uint32
    # mrrc_cpu()
    library.mrrc_cpu.argtypes = []
    library.mrrc_cpu.restype = c_uint32
    # mrrc_scan(bytes, length, flags, record_max, ends, kinds, capacity, result, problem)
    library.mrrc_scan.argtypes = [c_void_p, c_uint64, Int, c_uint64, c_void_p, c_void_p, c_uint64, POINTER(Scan), POINTER(Problem)]
    library.mrrc_scan.restype = c_int32
    # mrrc_resync(bytes, length, flags, skip)
    library.mrrc_resync.argtypes = [c_void_p, c_uint64, Int, POINTER(c_uint64)]
    library.mrrc_resync.restype = c_int32
    # mrrc_converter_create(options, result)
    library.mrrc_converter_create.argtypes = [POINTER(Options), POINTER(c_void_p)]
    library.mrrc_converter_create.restype = c_int32
    # mrrc_converter_destroy(converter)
    library.mrrc_converter_destroy.argtypes = [c_void_p]
    library.mrrc_converter_destroy.restype = None
    # mrrc_convert(converter, bytes, length, flags, output, problem)
    library.mrrc_convert.argtypes = [c_void_p, c_void_p, c_uint64, Int, POINTER(Output), POINTER(Problem)]
    library.mrrc_convert.restype = c_int32
    # mrrc_match(converter, bytes, ends, kinds, count, number, offset, wanted)
    library.mrrc_match.argtypes = [c_void_p, c_void_p, c_void_p, c_void_p, c_uint64, c_uint64, c_uint64, c_void_p]
    library.mrrc_match.restype = c_int32
    # mrrc_assemble(bytes, length, target)
    library.mrrc_assemble.argtypes = [c_void_p, Int, c_void_p]
    library.mrrc_assemble.restype = c_char_p
    # mrrc_join(target, parts, fields, delimiters, is_flat)
    library.mrrc_join.argtypes = [c_void_p, Bytes, Int, Int, Int]
    library.mrrc_join.restype = c_char_p
    # mrrc_replace(target, record, changes)
    library.mrrc_replace.argtypes = [c_void_p, Bytes, Bytes]
    library.mrrc_replace.restype = c_char_p
    # mrrc_take_apart(bytes, length, target, ends, capacity, tags)
    library.mrrc_take_apart.argtypes = [c_void_p, c_uint64, c_void_p, c_void_p, c_uint64, c_void_p]
    library.mrrc_take_apart.restype = c_int32
    # mrrc_ask(bytes, length, queries, queries_length, are_sound, target, written)
    library.mrrc_ask.argtypes = [c_void_p, c_uint64, c_void_p, c_uint64, Int, c_void_p, POINTER(c_uint64)]
    library.mrrc_ask.restype = c_int32
    # mrrc_shapes(bytes, length, target)
    library.mrrc_shapes.argtypes = [c_void_p, c_uint64, c_void_p]
    library.mrrc_shapes.restype = c_int32
    # mrrc_pipeline_create(pipeline_options, options, result)
    library.mrrc_pipeline_create.argtypes = [POINTER(PipelineOptions), POINTER(Options), POINTER(c_void_p)]
    library.mrrc_pipeline_create.restype = c_int32
    # mrrc_pipeline_next(pipeline, milliseconds, result)
    library.mrrc_pipeline_next.argtypes = [c_void_p, Int, POINTER(Piece)]
    library.mrrc_pipeline_next.restype = c_int32
    # mrrc_pipeline_give_back(pipeline, piece)
    library.mrrc_pipeline_give_back.argtypes = [c_void_p, c_void_p]
    library.mrrc_pipeline_give_back.restype = None
    # mrrc_pipeline_push(pipeline, bytes, length, flags)
    library.mrrc_pipeline_push.argtypes = [c_void_p, c_void_p, c_uint64, Int]
    library.mrrc_pipeline_push.restype = c_int32
    # mrrc_pipeline_stats(pipeline, result)
    library.mrrc_pipeline_stats.argtypes = [c_void_p, POINTER(Stats)]
    library.mrrc_pipeline_stats.restype = None
    # mrrc_pipeline_close(pipeline)
    library.mrrc_pipeline_close.argtypes = [c_void_p]
    library.mrrc_pipeline_close.restype = None
    # mrrc_pipeline_destroy(pipeline)
    library.mrrc_pipeline_destroy.argtypes = [c_void_p]
    library.mrrc_pipeline_destroy.restype = None
    # mrrc_find_boundary(bytes, length, from, flags, found)
    library.mrrc_find_boundary.argtypes = [c_void_p, c_uint64, c_uint64, Int, POINTER(c_uint64)]
    library.mrrc_find_boundary.restype = c_int32
    # mrrc_plan_create(program, length, failure, result)
    library.mrrc_plan_create.argtypes = [c_void_p, c_uint64, POINTER(PlanFailure), POINTER(c_void_p)]
    library.mrrc_plan_create.restype = c_int32
    # mrrc_plan_destroy(plan)
    library.mrrc_plan_destroy.argtypes = [c_void_p]
    library.mrrc_plan_destroy.restype = None
    # mrrc_table_create(plan, result)
    library.mrrc_table_create.argtypes = [c_void_p, POINTER(c_void_p)]
    library.mrrc_table_create.restype = c_int32
    # mrrc_table_destroy(table)
    library.mrrc_table_destroy.argtypes = [c_void_p]
    library.mrrc_table_destroy.restype = None
    # mrrc_table_add(table, rows, length, before, limit, flags, added)
    library.mrrc_table_add.argtypes = [c_void_p, c_void_p, c_uint64, c_uint64, c_uint64, Int, POINTER(Added)]
    library.mrrc_table_add.restype = c_int32
    # mrrc_table_take(table, array)
    library.mrrc_table_take.argtypes = [c_void_p, c_void_p]
    library.mrrc_table_take.restype = c_int32
    # mrrc_table_text(table, form, rows, length, before, separator, flags, added, output)
    library.mrrc_table_text.argtypes = [c_void_p, Int, c_void_p, c_uint64, c_uint64, Int, Int, POINTER(Added), POINTER(Output)]
    library.mrrc_table_text.restype = c_int32
    # mrrc_table_tally(table, column, tally)
    library.mrrc_table_tally.argtypes = [c_void_p, c_uint64, POINTER(Tally)]
    library.mrrc_table_tally.restype = None
    # mrrc_arrow_schema(plan, result)
    library.mrrc_arrow_schema.argtypes = [c_void_p, POINTER(c_void_p)]
    library.mrrc_arrow_schema.restype = c_int32
    # mrrc_arrow_stream(plan, number, pull, drop, result)
    library.mrrc_arrow_stream.argtypes = [c_void_p, c_uint64, c_void_p, c_void_p, POINTER(c_void_p)]
    library.mrrc_arrow_stream.restype = c_int32
    # mrrc_arrow_free_schema(schema)
    library.mrrc_arrow_free_schema.argtypes = [c_void_p]
    library.mrrc_arrow_free_schema.restype = None
    # mrrc_arrow_free_stream(stream)
    library.mrrc_arrow_free_stream.argtypes = [c_void_p]
    library.mrrc_arrow_free_stream.restype = None
    # mrrc_arrow_python(ensure, leave, get_pointer, fetch, restore)
    library.mrrc_arrow_python.argtypes = [c_void_p, c_void_p, c_void_p, c_void_p, c_void_p]
    library.mrrc_arrow_python.restype = None
    # mrrc_arrow_destroy_schema(capsule)
    library.mrrc_arrow_destroy_schema.argtypes = [c_void_p]
    library.mrrc_arrow_destroy_schema.restype = None
    # mrrc_arrow_destroy_stream(capsule)
    library.mrrc_arrow_destroy_stream.argtypes = [c_void_p]
    library.mrrc_arrow_destroy_stream.restype = None
    # mrrc_arrow_end()
    library.mrrc_arrow_end.argtypes = []
    library.mrrc_arrow_end.restype = None
    # mrrc_decode_marc8(converter, bytes, length, sets, output, problem)
    library.mrrc_decode_marc8.argtypes = [c_void_p, c_void_p, c_uint64, POINTER(Sets), POINTER(Output), POINTER(Problem)]
    library.mrrc_decode_marc8.restype = c_int32
