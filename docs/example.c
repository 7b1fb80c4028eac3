/* Converts ISO 2709 on standard input to MARCXML on standard output. */
#include "mrrc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(void) {
    MrrcOptions options = {.source = MRRC_FORMAT_MARC, .target = MRRC_FORMAT_MARCXML};
    void *converter;
    if (mrrc_abi_version() != MRRC_ABI_VERSION || mrrc_converter_create(&options, &converter) < 0) {
        return EXIT_FAILURE;
    }
    size_t capacity = 1 << 16, length = 0;
    uint8_t *bytes = malloc(capacity);
    int32_t status = MRRC_STATUS_NEED_INPUT;
    uint32_t flags = 0;
    int lost = 0;
    while (bytes != NULL && status >= 0 && status != MRRC_STATUS_DONE) {
        if (status == MRRC_STATUS_NEED_INPUT) {
            /* What is left of the last call stays in front; a record may be longer than the room. */
            if (length * 2 > capacity) {
                uint8_t *larger = realloc(bytes, capacity *= 2);
                if (larger == NULL) break;
                bytes = larger;
            }
            size_t count = fread(bytes + length, 1, capacity - length, stdin);
            length += count;
            if (count == 0) flags = MRRC_FINAL;
        }
        MrrcOutput output;
        MrrcProblem problem;
        status = mrrc_convert(converter, bytes, length, flags, &output, &problem);
        if (status < 0) break;
        fwrite(output.bytes, 1, output.length, stdout);
        length -= output.consumed;
        memmove(bytes, bytes + output.consumed, length);
        if (status == MRRC_STATUS_PROBLEM) {
            lost = 1;
            fprintf(stderr, "record %llu, byte %llu: %.*s\n",
                    (unsigned long long)problem.records_before + 1,
                    (unsigned long long)(problem.byte_offset + problem.offset_in_record),
                    (int)problem.detail_length, (const char *)problem.detail);
        }
    }
    mrrc_converter_destroy(converter);
    free(bytes);
    return status == MRRC_STATUS_DONE && !lost ? EXIT_SUCCESS : EXIT_FAILURE;
}
