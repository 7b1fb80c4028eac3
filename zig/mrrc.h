/* Written by zig/bindings.zig from the Zig types. Do not edit: change them and run it again.
 *
 * The C interface of mrrc-ct: bytes in, bytes out. Only a
 * pipeline reads a file, one that is open already. Offsets and lengths are in bytes.
 * No function prints, aborts or keeps a pointer that it was given. A converter is used by one
 * thread at a time; another one gets MRRC_STATUS_BUSY. A pipeline is for any number of them. */
#ifndef MRRC_H
#define MRRC_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MRRC_ABI_VERSION 14

/* Flags of a call. */
#define MRRC_FINAL 1 /* No input comes behind these bytes. */
#define MRRC_RESTART 2 /* Begin another stream with the same converter. */
#define MRRC_START 4 /* The bytes are the start of a source. */
#define MRRC_CLOSELY 8 /* Look at the text and the parts of fields, too, and tell what is irregular. */
#define MRRC_UTF8 16 /* The records are in UTF-8 whatever leader/09 says. */
#define MRRC_LENIENT 64 /* A damaged record is an entry of its own kind, whole, and no problem. */
#define MRRC_FLUSH 32 /* More input may be long in coming. */
#define MRRC_STRICT_MARC 256 /* Records have to keep to MARC 21, too: see Level. */
#define MRRC_STRICT 512 /* Stop at a value that is repeated where there should be one. */
#define MRRC_SEARCHING 128 /* The search goes on: the bytes do not begin with the damaged record. */

/* What a call comes back with. Negative numbers are failures of the call itself. */
enum {
    MRRC_STATUS_NEED_INPUT = 0,
    MRRC_STATUS_OUTPUT = 1,
    MRRC_STATUS_PROBLEM = 2,
    MRRC_STATUS_DONE = 3,
    MRRC_STATUS_OUT_OF_MEMORY = -1,
    MRRC_STATUS_INVALID_ARGUMENT = -2,
    MRRC_STATUS_BUSY = -3,
    MRRC_STATUS_NOTHING_YET = 4,
    MRRC_STATUS_CLOSED = 5,
};

/* The formats. */
enum {
    MRRC_FORMAT_MARC = 0,
    MRRC_FORMAT_MARCXML = 1,
    MRRC_FORMAT_JSON = 2,
    MRRC_FORMAT_JSONL = 3,
    MRRC_FORMAT_MARCJSON = 4,
    MRRC_FORMAT_MRK = 5,
    MRRC_FORMAT_FLAT = 6,
    MRRC_FORMAT_PYMARC_XML = 7,
    MRRC_FORMAT_PYMARC_JSON = 8,
    MRRC_FORMAT_PYMARC_JSON_COMPACT = 9,
    MRRC_FORMAT_ROWS = 10,
    MRRC_FORMAT_DESCRIPTION = 11,
    MRRC_FORMAT_SEQ = 12,
    MRRC_FORMAT_LINE = 13,
};

/* How the text of an ISO 2709 record is encoded. */
enum {
    MRRC_ENCODING_KEPT = 0,
    MRRC_ENCODING_UTF8 = 1,
    MRRC_ENCODING_MARC8 = 2,
    MRRC_ENCODING_BYTES = 3,
};

/* What records are held to. */
enum {
    MRRC_LEVEL_STRUCTURAL = 0,
    MRRC_LEVEL_STRICT_MARC = 1,
};

/* The form of Unicode text that is written, but in MARC-8. */
enum {
    MRRC_NORMALIZATION_NONE = 0,
    MRRC_NORMALIZATION_NFC = 1,
    MRRC_NORMALIZATION_NFD = 2,
};

/* What to do with a character that MARC-8 does not have. */
enum {
    MRRC_UNMAPPABLE_ERROR = 0,
    MRRC_UNMAPPABLE_NCR = 1,
    MRRC_UNMAPPABLE_FILL = 2,
};

/* Processors that code is made for. */
enum {
    MRRC_CPU_BASELINE = 0,
    MRRC_CPU_X86_64_V3 = 1,
};

/* What mrrc_scan found before an end. */
enum {
    MRRC_KIND_PLAIN = 0,
    MRRC_KIND_OTHER = 1,
    MRRC_KIND_GAP = 2,
    MRRC_KIND_IRREGULAR = 4,
    MRRC_KIND_AUTHORITY = 16,
    MRRC_KIND_HOLDINGS = 32,
    MRRC_KIND_DAMAGED = 8,
};

/* What mrrc_table_text makes of rows. */
enum {
    MRRC_TEXTFORM_CSV = 0,
    MRRC_TEXTFORM_JSON = 1,
    MRRC_TEXTFORM_VALUES = 2,
};

/* What a pipeline makes of the records. */
enum {
    MRRC_JOB_COUNT = 0,
    MRRC_JOB_SCAN = 1,
    MRRC_JOB_CONVERT = 2,
};

/* Why a pipeline could not work on a range. */
enum {
    MRRC_FAILURE_NONE = 0,
    MRRC_FAILURE_OUT_OF_MEMORY = 1,
    MRRC_FAILURE_READ = 2,
};

/* What became of a record that something is wrong with: Problem.outcome. */
enum {
    MRRC_OUTCOME_LOST = 0,
    MRRC_OUTCOME_SALVAGED = 1,
    MRRC_OUTCOME_WARNING = 2,
};

/* What is wrong: Problem.code. */
enum {
    MRRC_CODE_NONE = 0,
    MRRC_CODE_RECORD_LENGTH_INVALID = 1,
    MRRC_CODE_TRUNCATED_RECORD = 2,
    MRRC_CODE_END_OF_RECORD_NOT_FOUND = 3,
    MRRC_CODE_LEADER_INVALID = 4,
    MRRC_CODE_BASE_ADDRESS_NOT_FOUND = 5,
    MRRC_CODE_BASE_ADDRESS_INVALID = 6,
    MRRC_CODE_DIRECTORY_INVALID = 7,
    MRRC_CODE_FIELD_INVALID = 8,
    MRRC_CODE_NO_FIELDS_FOUND = 9,
    MRRC_CODE_INDICATORS_INVALID = 10,
    MRRC_CODE_SUBFIELD_CODE_INVALID = 11,
    MRRC_CODE_TAG_INVALID = 12,
    MRRC_CODE_DELIMITER_IN_DATA = 13,
    MRRC_CODE_BAD_LEADER_VALUE = 14,
    MRRC_CODE_UTF8_INVALID = 20,
    MRRC_CODE_MARC8_INVALID = 21,
    MRRC_CODE_UNMAPPABLE_CHARACTER = 22,
    MRRC_CODE_FIELD_TOO_LONG = 30,
    MRRC_CODE_RECORD_TOO_LONG = 31,
    MRRC_CODE_XML_SYNTAX = 40,
    MRRC_CODE_XML_CHARACTER_FORBIDDEN = 41,
    MRRC_CODE_JSON_SYNTAX = 50,
    MRRC_CODE_JSON_STRUCTURE = 51,
    MRRC_CODE_MRK_SYNTAX = 60,
    MRRC_CODE_SEQ_SYNTAX = 61,
    MRRC_CODE_SEQ_TEXT_FORBIDDEN = 62,
};

typedef struct MrrcProblem {
    uint32_t code;
    uint32_t detail_length;
    uint32_t found_length;
    uint32_t has_tag;
    uint32_t expected_length;
    uint32_t control_number_length;
    uint32_t around_length;
    uint32_t around_at;
    uint32_t outcome;
    uint8_t tag[4];
    uint64_t records_before;
    uint64_t byte_offset;
    uint64_t offset_in_record;
    uint64_t line;
    uint8_t detail[160];
    uint8_t found[40];
    uint8_t expected[40];
    uint8_t control_number[40];
    uint8_t around[48];
} MrrcProblem;

typedef struct MrrcOptions {
    uint32_t source;
    uint32_t target;
    uint32_t source_encoding;
    uint32_t target_encoding;
    uint32_t unmappable;
    uint32_t references;
    uint32_t replace_forbidden;
    uint32_t replacement;
    uint32_t is_lenient;
    uint32_t is_single;
    uint32_t is_part;
    uint32_t level;
    uint32_t normalization;
    uint32_t reserved;
    uint64_t record_max;
    void *plan;
    uint64_t position;
    uint64_t written_max;
    uint64_t records_before;
} MrrcOptions;

typedef struct MrrcCounts {
    uint64_t records_read;
    uint64_t records_written;
    uint64_t characters_replaced;
    uint64_t bytes_skipped;
    uint64_t bytes_between;
    uint64_t records_left_out;
} MrrcCounts;

typedef struct MrrcOutput {
    uint64_t consumed;
    const uint8_t *bytes;
    uint64_t length;
    MrrcCounts counts;
} MrrcOutput;

typedef struct MrrcScan {
    uint64_t count;
    uint64_t records;
    uint64_t between;
    uint64_t consumed;
} MrrcScan;

typedef struct MrrcSets {
    uint32_t g0;
    uint32_t g1;
} MrrcSets;

typedef struct MrrcPipelineOptions {
    uint32_t job;
    uint32_t workers;
    uint32_t capacity;
    uint32_t ordered;
    uint64_t range;
    uint64_t start;
    uint64_t stop;
    int32_t file;
    uint32_t reserved;
} MrrcPipelineOptions;

typedef struct MrrcDamage {
    MrrcProblem problem;
    uint64_t entry;
    uint64_t byte;
    uint64_t offset;
} MrrcDamage;

typedef struct MrrcPiece {
    void *piece;
    uint64_t sequence;
    uint64_t offset;
    uint64_t source_length;
    const uint8_t *bytes;
    uint64_t length;
    const uint32_t *ends;
    const uint8_t *kinds;
    const uint8_t *marks;
    uint64_t entries;
    const MrrcDamage *damages;
    uint64_t damage_count;
    MrrcCounts counts;
    uint32_t failure;
    uint32_t errno;
} MrrcPiece;

typedef struct MrrcStats {
    uint64_t worker_waits;
    uint64_t worker_wait_time;
    uint64_t consumer_waits;
    uint64_t consumer_wait_time;
    uint64_t ready;
    uint64_t in_flight;
    uint64_t pieces;
    uint64_t records;
    uint64_t bytes;
} MrrcStats;

typedef struct MrrcPlanFailure {
    uint64_t expression;
    uint64_t offset;
    const uint8_t *message;
    uint64_t length;
} MrrcPlanFailure;

typedef struct MrrcAdded {
    uint64_t consumed;
    uint64_t rows;
    uint64_t column;
    uint64_t number;
    uint64_t offset;
} MrrcAdded;

typedef struct MrrcTally {
    uint64_t repeated;
    uint64_t unread;
} MrrcTally;

/* The version of this interface; compare it with MRRC_ABI_VERSION. */
uint32_t mrrc_abi_version(void);

/* The processors that the code in use is made for (MRRC_CPU_BASELINE, ...): as much as this one can, unless MRRC_CT_CPU is `baseline` in the environment when the library is used first. */
uint32_t mrrc_cpu(void);

/* Check the ISO 2709 records in `bytes` and give where each ends and its kind. Stops at the first record that is damaged (MRRC_PROBLEM), incomplete (MRRC_NEED_INPUT; with MRRC_FINAL a problem) or when `capacity` entries are written (MRRC_OUTPUT). `ends` and `kinds` may be null, `record_max` is that of MrrcOptions. */
int32_t mrrc_scan(const uint8_t *bytes, uint64_t length, uint32_t flags, uint64_t record_max, uint32_t *ends, uint8_t *kinds, uint64_t capacity, MrrcScan *result, MrrcProblem *problem);

/* How many bytes to leave out to come behind the damaged record that `bytes` begins with. MRRC_NEED_INPUT: leave out `skip` bytes and call again with more, and with MRRC_SEARCHING. */
int32_t mrrc_resync(const uint8_t *bytes, uint64_t length, uint32_t flags, uint64_t *skip);

/* Make a converter of one format into another. Free it with mrrc_converter_destroy. */
int32_t mrrc_converter_create(const MrrcOptions *options, void **result);

/* Free a converter and its output. A null pointer is left alone. */
void mrrc_converter_destroy(void *converter);

/* Convert what can be converted of `bytes`, which go on where `output.consumed` of the last call left off. Call until MRRC_DONE; MRRC_NEED_INPUT asks for more bytes, MRRC_PROBLEM reports one lost record. */
int32_t mrrc_convert(void *converter, const uint8_t *bytes, uint64_t length, uint32_t flags, MrrcOutput *output, MrrcProblem *problem);

/* Which of so many records, one behind the other, the plan of the converter wants: 1 or 0 in `wanted`. `ends` and `kinds` are those of mrrc_scan, for bytes that begin at `offset` of the source with the record of this number; `kinds` may be null. The converter begins another stream; damaged records are read as it is told to. */
int32_t mrrc_match(void *converter, const uint8_t *bytes, const uint32_t *ends, const uint8_t *kinds, uint64_t count, uint64_t number, uint64_t offset, uint8_t *wanted);

/* Write a record in the flat form (MRRC_FORMAT_FLAT) as ISO 2709, with its numbers in leader and directory, without looking at its text. `target`, which does not overlap `bytes`, has room for 100,000. Gives `target`, where a NUL is behind the record, or null when `bytes` is no such record, when there is a NUL in it, or ISO 2709 has no room for it. */
const uint8_t * mrrc_assemble(const uint8_t *bytes, uint32_t length, uint8_t *target);

/* Write a record from its parts as ISO 2709, or with `is_flat` in the flat form with the leader as it is. The parts are UTF-8 with 1F between them: the leader; of each of so many `fields` the tag, the two indicators, and the code and value of each subfield, or `=` and the tag, or `-` and that of a control field, and the content; and 1E as a part of its own. So many `delimiters` 1F are in all of it, and a NUL behind it. `target`, which does not overlap `parts`, has room for 100,000. Gives `target`, where a NUL is behind the record, or null when a part is not as it should be or there is no room for it. */
const uint8_t * mrrc_join(uint8_t *target, const uint8_t *parts, uint32_t fields, uint32_t delimiters, uint32_t is_flat);

/* Write a sound ISO 2709 record again with other contents of up to 16 fields, without looking at its text. A NUL ends `record` and `changes`; these hold for each the tag, what the first field with it is to hold, and 1E. `target`, which does not overlap the others, has room for 100,000. Gives `target`, where a NUL is behind the record, or null when the record is not sound or its fields do not stand in the order of its directory, when it has no such field, when there would be a NUL in it, or ISO 2709 has no room for it. */
const uint8_t * mrrc_replace(uint8_t *target, const uint8_t *record, const uint8_t *changes);

/* Take apart records in the flat form, one behind the other, as sound ISO 2709 records of MRRC_KIND_PLAIN are, too. For each go to `target` a byte for each field, the number of its tag, and 1E; each field's value, its subfields' values stripped and joined by blanks, with 1E behind it; 1D, and nothing before that where the record is not UTF-8. `target` has room for `length`, `ends` for `capacity` numbers: where in `target` each 1D stands. `tags` has room for 1024: a tag and 1E for each number, 0 to 9 for 000 to 009, others from 32 on. Gives the number behind the last, or MRRC_INVALID_ARGUMENT when the bytes are no such records, or there are too many of them or of their tags. */
int32_t mrrc_take_apart(const uint8_t *bytes, uint64_t length, uint8_t *target, uint32_t *ends, uint64_t capacity, uint8_t *tags);

/* What records in the flat form, one behind the other, say to up to 16 queries: a tag and the codes of subfields, or no codes for all of its content, with blanks between queries. With `are_sound` they are sound ISO 2709 records of MRRC_KIND_PLAIN, and looked into by their directories. For each record go to `target` the answers, with 1E between them, and 1D. An answer is the first subfield with the first code in the first field with that tag, and those with the other codes, joined by blanks; 1F when there is none. `target` has room for `length` times the queries. */
int32_t mrrc_ask(const uint8_t *bytes, uint64_t length, const uint8_t *queries, uint64_t queries_length, uint32_t are_sound, uint8_t *target, uint64_t *written);

/* What records in the flat form, one behind the other, are made of, but for their text. For each go to `target`: of each field the tag; its indicators; 1F where it has subfields, and the code of each, 1F for one without a code; 1E; and 1D behind the fields. Of a control field there is the tag, and 1F where it has subfields all the same. `target` has room for `length`. Gives the length of what was written, or MRRC_INVALID_ARGUMENT when the bytes are no such records. */
int32_t mrrc_shapes(const uint8_t *bytes, uint64_t length, uint8_t *target);

/* Start threads that work on the ISO 2709 records of a source. `options` says how to convert; it is needed for the other jobs, too, and its source is MRRC_FORMAT_MARC. The file stays open until mrrc_pipeline_close is through. Any number of threads may use the pipeline. */
int32_t mrrc_pipeline_create(const MrrcPipelineOptions *pipeline_options, const MrrcOptions *options, void **result);

/* The next piece (MRRC_OUTPUT), waiting for no longer than so many milliseconds (MRRC_NOTHING_YET). MRRC_NEED_INPUT: there is room to push more, and with `milliseconds` above 0 nothing else to wait for. MRRC_DONE at the end, MRRC_CLOSED behind mrrc_pipeline_close. */
int32_t mrrc_pipeline_next(void *pipeline, uint32_t milliseconds, MrrcPiece *result);

/* Be done with a piece: `piece` of the result of mrrc_pipeline_next. */
void mrrc_pipeline_give_back(void *pipeline, void *piece);

/* Add to the source of a pipeline without a file; the bytes are copied. MRRC_FLUSH: what is whole of it should be worked on now. MRRC_FINAL: nothing comes behind it. MRRC_OUTPUT: there is no room, nothing was taken; MRRC_DONE: it was. */
int32_t mrrc_pipeline_push(void *pipeline, const uint8_t *bytes, uint64_t length, uint32_t flags);

/* What a pipeline has done up to now. */
void mrrc_pipeline_stats(void *pipeline, MrrcStats *result);

/* Stop the threads and wait until they have ended; each ends its range first. Whoever waits for a piece gets MRRC_CLOSED. May be called at any time, from any thread, and again. */
void mrrc_pipeline_close(void *pipeline);

/* Close and free a pipeline with all its pieces, when nobody uses it any more. A null pointer is left alone. */
void mrrc_pipeline_destroy(void *pipeline);

/* The first place at or behind `from` where a record begins whatever stands before it. `bytes` should reach back to one that is no line end, by more than 4,096, or to the source's start (MRRC_START). MRRC_NEED_INPUT: more bytes are needed, those before `found` are not; MRRC_DONE: `found` is the place, or `length` when there is none. */
int32_t mrrc_find_boundary(const uint8_t *bytes, uint64_t length, uint64_t from, uint32_t flags, uint64_t *found);

/* Make a plan of what is wanted of records: columns and a filter. `program` is written in docs/c.md, under "Columns". Free it with mrrc_plan_destroy; what uses it keeps it as long as that needs it. */
int32_t mrrc_plan_create(const uint8_t *program, uint64_t length, MrrcPlanFailure *failure, void **result);

/* Be done with a plan. A null pointer is left alone. */
void mrrc_plan_destroy(void *plan);

/* Make a table of the rows (MRRC_FORMAT_ROWS) that a plan gives. Free it with mrrc_table_destroy. */
int32_t mrrc_table_create(void *plan, void **result);

/* Free a table and the rows in it. A null pointer is left alone. */
void mrrc_table_destroy(void *table);

/* Add rows to the batch at hand, up to `limit` in it. `before` is added to the number of each record. MRRC_NEED_INPUT: all are added; MRRC_OUTPUT: the batch is full, take it and call again with what was not consumed; MRRC_PROBLEM: with MRRC_STRICT, a value is repeated. */
int32_t mrrc_table_add(void *table, const uint8_t *rows, uint64_t length, uint64_t before, uint64_t limit, uint32_t flags, MrrcAdded *added);

/* Move the batch at hand to `array`, a struct ArrowArray of Arrow's C data interface, and begin another. */
int32_t mrrc_table_take(void *table, void *array);

/* Rows as text, good until the next call: `form` is a MRRC_TEXTFORM, `separator` stands between the values of CSV. MRRC_TEXTFORM_VALUES has no lines, but 1E behind each value and 1D behind those of a column. MRRC_PROBLEM: with MRRC_STRICT, a value is repeated; the text is that of the rows before. */
int32_t mrrc_table_text(void *table, uint32_t form, const uint8_t *rows, uint64_t length, uint64_t before, uint32_t separator, uint32_t flags, MrrcAdded *added, MrrcOutput *output);

/* What the rows added up to now had in a column that it does not tell. */
void mrrc_table_tally(void *table, uint64_t column, MrrcTally *tally);

/* The schema of a plan's batches, a struct ArrowSchema. Free it with mrrc_arrow_free_schema. */
int32_t mrrc_arrow_schema(void *plan, void **result);

/* Make a struct ArrowArrayStream. `int pull(uint64_t number, struct ArrowArray *, char message[1024])` brings on each batch, or an errno and a message; `void drop(uint64_t number)` is called when the stream is released. Free it with mrrc_arrow_free_stream. */
int32_t mrrc_arrow_stream(void *plan, uint64_t number, void *pull, void *drop, void **result);

/* Release what was not moved elsewhere, and free the structure. */
void mrrc_arrow_free_schema(void *schema);

/* Release what was not moved elsewhere, and free the structure. */
void mrrc_arrow_free_stream(void *stream);

/* Where Python is the host: its PyGILState_Ensure, PyGILState_Release, PyCapsule_GetPointer, PyErr_Fetch and PyErr_Restore, for streams and for the next two. */
void mrrc_arrow_python(void *ensure, void *leave, void *get_pointer, void *fetch, void *restore);

/* The destructor of a Python capsule with a schema of mrrc_arrow_schema. */
void mrrc_arrow_destroy_schema(void *capsule);

/* The destructor of a Python capsule with a stream of mrrc_arrow_stream. */
void mrrc_arrow_destroy_stream(void *capsule);

/* From now on no stream calls `pull` or `drop` any more: whoever has them is gone. */
void mrrc_arrow_end(void);

/* Decode one value of MARC-8 text to UTF-8 in NFC, with the options of the converter and beginning with `sets`, which come back as they were left. */
int32_t mrrc_decode_marc8(void *converter, const uint8_t *bytes, uint64_t length, MrrcSets *sets, MrrcOutput *output, MrrcProblem *problem);

#ifdef __cplusplus
}
#endif

#endif
