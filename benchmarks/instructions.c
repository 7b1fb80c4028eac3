/* The work whose instructions instructions.py counts: the core's hot paths, through its C interface.
 *
 *     instructions WORK FILE REPETITIONS
 *
 * prints how often the library had bytes copied or set, and how many bytes.
 *
 * memcpy, memmove and memset are here, and the library finds these before those of the C library: those
 * differ from one version and one processor to the next. */
#include "mrrc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BATCH = 64 };

static struct {
    uint64_t calls, bytes;
} copies;

void *memmove(void *target, const void *source, size_t length) {
    unsigned char *to = target;
    const unsigned char *from = source;
    copies.calls++, copies.bytes += length;
    if (to <= from) {
        for (size_t at = 0; at < length; at++) to[at] = from[at];
    } else {
        while (length-- > 0) to[length] = from[length];
    }
    return target;
}

void *memcpy(void *restrict target, const void *restrict source, size_t length) {
    return memmove(target, source, length);
}

void *memset(void *target, int value, size_t length) {
    unsigned char *to = target;
    copies.calls++, copies.bytes += length;
    for (size_t at = 0; at < length; at++) to[at] = (unsigned char)value;
    return target;
}

static void fail(const char *what) {
    fprintf(stderr, "instructions: %s\n", what);
    exit(EXIT_FAILURE);
}

static void *room(size_t length) {
    void *bytes = malloc(length + 1);
    if (bytes == NULL) fail("out of memory");
    return bytes;
}

/* The bytes of a file, and for ISO 2709 where each record of it ends. */
struct input {
    uint8_t *bytes;
    size_t length;
    uint32_t *ends;
    size_t records;
};

static void convert(const struct input *input, const MrrcOptions *options) {
    void *converter;
    if (mrrc_converter_create(options, &converter) < 0) fail("no converter");
    MrrcOutput output;
    MrrcProblem problem;
    size_t at = 0;
    int32_t status;
    do {
        status = mrrc_convert(converter, input->bytes + at, input->length - at, MRRC_FINAL, &output, &problem);
        if (status < 0 || status == MRRC_STATUS_PROBLEM) fail("a record was not converted");
        at += output.consumed;
    } while (status != MRRC_STATUS_DONE);
    mrrc_converter_destroy(converter);
}

static void scan(const struct input *input) {
    MrrcScan found;
    MrrcProblem problem;
    if (mrrc_scan(input->bytes, input->length, MRRC_FINAL, 0, NULL, NULL, SIZE_MAX, &found, &problem) < 0) {
        fail("not scanned");
    }
    if (found.records != input->records) fail("not all records were scanned");
}

/* In batches, as the package does; with the ends and kinds that it asks for. */
static void scan_batches(const struct input *input) {
    uint32_t ends[BATCH];
    uint8_t kinds[BATCH];
    MrrcScan found;
    MrrcProblem problem;
    for (size_t at = 0; at < input->length; at += found.consumed) {
        int32_t status = mrrc_scan(input->bytes + at, input->length - at, MRRC_FINAL, 0, ends, kinds, BATCH, &found,
                                   &problem);
        if (status < 0 || found.consumed == 0) fail("not scanned");
    }
}

/* `work` is done to BATCH records at a time. */
static void in_batches(const struct input *input, void (*work)(const uint8_t *, size_t, uint8_t *)) {
    uint8_t *target = room(4 * input->length);
    size_t start = 0;
    for (size_t record = 0; record < input->records; record += BATCH) {
        size_t last = record + BATCH < input->records ? record + BATCH : input->records;
        work(input->bytes + start, input->ends[last - 1] - start, target);
        start = input->ends[last - 1];
    }
    free(target);
}

static void take_apart(const uint8_t *bytes, size_t length, uint8_t *target) {
    uint8_t tags[1024];
    uint32_t ends[BATCH];
    if (mrrc_take_apart(bytes, length, target, ends, BATCH, tags) < 0) fail("not taken apart");
}

static void ask(const uint8_t *bytes, size_t length, uint8_t *target) {
    static const char queries[] = "001 245ab 650a";
    uint64_t written;
    if (mrrc_ask(bytes, length, (const uint8_t *)queries, sizeof queries - 1, 1, target, &written) < 0) fail("not asked");
}

static void assemble(const struct input *input) {
    uint8_t *target = room(99999);
    size_t start = 0;
    for (size_t record = 0; record < input->records; start = input->ends[record++]) {
        if (mrrc_assemble(input->bytes + start, input->ends[record] - start, target) == NULL) fail("not assembled");
    }
    free(target);
}

static struct input read_input(const char *path) {
    FILE *file = fopen(path, "rb");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0) fail(path);
    struct input input = {.length = (size_t)ftell(file)};
    rewind(file);
    input.bytes = room(input.length);
    if (fread(input.bytes, 1, input.length, file) != input.length) fail(path);
    fclose(file);
    for (size_t at = 0; at < input.length; at++) input.records += input.bytes[at] == 0x1d;
    input.ends = room(input.records * sizeof *input.ends);
    for (size_t at = 0, record = 0; at < input.length; at++) {
        if (input.bytes[at] == 0x1d) input.ends[record++] = (uint32_t)at + 1;
    }
    return input;
}

static const struct {
    const char *name;
    MrrcOptions options;
} conversions[] = {
    {"marc to marc", {.source = MRRC_FORMAT_MARC, .target = MRRC_FORMAT_MARC}},
    {"marc to marcxml", {.source = MRRC_FORMAT_MARC, .target = MRRC_FORMAT_MARCXML}},
    {"marc to jsonl", {.source = MRRC_FORMAT_MARC, .target = MRRC_FORMAT_JSONL}},
    {"marc to mrk", {.source = MRRC_FORMAT_MARC, .target = MRRC_FORMAT_MRK}},
    {"marc to seq", {.source = MRRC_FORMAT_MARC, .target = MRRC_FORMAT_SEQ}},
    {"marc to line", {.source = MRRC_FORMAT_MARC, .target = MRRC_FORMAT_LINE}},
    {"marcxml to marc", {.source = MRRC_FORMAT_MARCXML, .target = MRRC_FORMAT_MARC}},
    {"jsonl to marc", {.source = MRRC_FORMAT_JSONL, .target = MRRC_FORMAT_MARC}},
    {"mrk to marc", {.source = MRRC_FORMAT_MRK, .target = MRRC_FORMAT_MARC}},
    {"seq to marc", {.source = MRRC_FORMAT_SEQ, .target = MRRC_FORMAT_MARC}},
    {"marc to nfd", {.normalization = MRRC_NORMALIZATION_NFD}},
    {"marc-8 to utf-8", {.target_encoding = MRRC_ENCODING_UTF8}},
    {"utf-8 to marc-8", {.target_encoding = MRRC_ENCODING_MARC8, .unmappable = MRRC_UNMAPPABLE_NCR}},
};

static void run(const char *work, const struct input *input) {
    for (size_t index = 0; index < sizeof conversions / sizeof *conversions; index++) {
        if (strcmp(work, conversions[index].name) != 0) continue;
        convert(input, &conversions[index].options);
        return;
    }
    if (strcmp(work, "scan") == 0) {
        scan(input);
    } else if (strcmp(work, "scan in batches") == 0) {
        scan_batches(input);
    } else if (strcmp(work, "take apart") == 0) {
        in_batches(input, take_apart);
    } else if (strcmp(work, "ask") == 0) {
        in_batches(input, ask);
    } else if (strcmp(work, "assemble") == 0) {
        assemble(input);
    } else {
        fail("no such work");
    }
}

int main(int count, char **values) {
    if (count != 4) fail("WORK FILE REPETITIONS");
    if (mrrc_abi_version() != MRRC_ABI_VERSION) fail("the library is of another version");
    struct input input = read_input(values[2]);
    copies.calls = copies.bytes = 0;
    for (long turn = atol(values[3]); turn > 0; turn--) run(values[1], &input);
    printf("%llu %llu\n", (unsigned long long)copies.calls, (unsigned long long)copies.bytes);
    return EXIT_SUCCESS;
}
