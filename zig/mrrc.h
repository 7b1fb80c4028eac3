/* Written by zig/bindings.zig from the Zig types. Do not edit: change them and run it again.
 *
 * The C interface of mrrc-ct: bytes in, bytes out, no I/O. Offsets and lengths are in bytes.
 * No function prints, aborts or keeps a pointer that it was given. A converter is used by one
 * thread at a time; another one gets MRRC_STATUS_BUSY. */
#ifndef MRRC_H
#define MRRC_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MRRC_ABI_VERSION 3

/* Flags of a call. */
#define MRRC_FINAL 1 /* No input comes behind these bytes. */
#define MRRC_RESTART 2 /* Begin another stream with the same converter. */
#define MRRC_START 4 /* The bytes are the start of a stream: a byte order mark may stand there. */
#define MRRC_CLOSELY 8 /* Look at the text and the parts of fields, too, and tell what is irregular. */
#define MRRC_UTF8 16 /* The records are in UTF-8 whatever leader/09 says. */

/* What a call comes back with. Negative numbers are failures of the call itself. */
enum {
    MRRC_STATUS_NEED_INPUT = 0,
    MRRC_STATUS_OUTPUT = 1,
    MRRC_STATUS_PROBLEM = 2,
    MRRC_STATUS_DONE = 3,
    MRRC_STATUS_OUT_OF_MEMORY = -1,
    MRRC_STATUS_INVALID_ARGUMENT = -2,
    MRRC_STATUS_BUSY = -3,
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
};

/* How the text of an ISO 2709 record is encoded. */
enum {
    MRRC_ENCODING_KEPT = 0,
    MRRC_ENCODING_UTF8 = 1,
    MRRC_ENCODING_MARC8 = 2,
    MRRC_ENCODING_BYTES = 3,
};

/* What to do with a character that MARC-8 does not have. */
enum {
    MRRC_UNMAPPABLE_ERROR = 0,
    MRRC_UNMAPPABLE_NCR = 1,
    MRRC_UNMAPPABLE_FILL = 2,
};

/* What mrrc_scan found before an end. */
enum {
    MRRC_KIND_PLAIN = 0,
    MRRC_KIND_OTHER = 1,
    MRRC_KIND_GAP = 2,
    MRRC_KIND_IRREGULAR = 4,
    MRRC_KIND_AUTHORITY = 16,
    MRRC_KIND_HOLDINGS = 32,
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
};

typedef struct MrrcProblem {
    uint32_t code;
    uint32_t detail_length;
    uint32_t found_length;
    uint32_t has_tag;
    uint64_t records_before;
    uint64_t byte_offset;
    uint64_t offset_in_record;
    uint8_t tag[4];
    uint8_t detail[160];
    uint8_t found[40];
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
    uint32_t is_single;
} MrrcOptions;

typedef struct MrrcCounts {
    uint64_t records_read;
    uint64_t records_written;
    uint64_t characters_replaced;
    uint64_t bytes_skipped;
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
    uint64_t consumed;
} MrrcScan;

typedef struct MrrcSets {
    uint32_t g0;
    uint32_t g1;
} MrrcSets;

/* The version of this interface; compare it with MRRC_ABI_VERSION. */
uint32_t mrrc_abi_version(void);

/* Check the ISO 2709 records in `bytes` and give where each ends and its kind. Stops at the first record that is damaged (MRRC_PROBLEM), incomplete (MRRC_NEED_INPUT; with MRRC_FINAL a problem) or when `capacity` entries are written (MRRC_OUTPUT). `ends` and `kinds` may be null. */
int32_t mrrc_scan(const uint8_t *bytes, uint64_t length, uint32_t flags, uint32_t *ends, uint8_t *kinds, uint64_t capacity, MrrcScan *result, MrrcProblem *problem);

/* How many bytes to leave out to come behind the damaged record that `bytes` begins with. MRRC_NEED_INPUT: leave out `skip` bytes and call again with more. */
int32_t mrrc_resync(const uint8_t *bytes, uint64_t length, uint32_t flags, uint64_t *skip);

/* Make a converter of one format into another. Free it with mrrc_converter_destroy. */
int32_t mrrc_converter_create(const MrrcOptions *options, void **result);

/* Free a converter and its output. A null pointer is left alone. */
void mrrc_converter_destroy(void *converter);

/* Convert what can be converted of `bytes`, which go on where `output.consumed` of the last call left off. Call until MRRC_DONE; MRRC_NEED_INPUT asks for more bytes, MRRC_PROBLEM reports one lost record. */
int32_t mrrc_convert(void *converter, const uint8_t *bytes, uint64_t length, uint32_t flags, MrrcOutput *output, MrrcProblem *problem);

/* Write a record in the flat form (MRRC_FORMAT_FLAT) as ISO 2709, with its numbers in leader and directory, without looking at its text. `target`, which does not overlap `bytes`, has room for 99,999. Gives the length, or MRRC_INVALID_ARGUMENT when `bytes` is no such record or ISO 2709 has no room for it. */
int32_t mrrc_assemble(const uint8_t *bytes, uint64_t length, uint8_t *target);

/* Decode one value of MARC-8 text to UTF-8 in NFC, with the options of the converter and beginning with `sets`, which come back as they were left. */
int32_t mrrc_decode_marc8(void *converter, const uint8_t *bytes, uint64_t length, MrrcSets *sets, MrrcOutput *output, MrrcProblem *problem);

#ifdef __cplusplus
}
#endif

#endif
