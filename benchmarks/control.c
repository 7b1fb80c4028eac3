/* What two threads gain on this machine, right now: a spin, and a scan for the record terminator.
 *
 *     control spin THREADS            control scan THREADS FILE
 *
 * prints the seconds that the same total work took on so many threads. */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SPINS = 400000000, THREADS_MAX = 64 };

struct part {
    pthread_t thread;
    const char *start;
    size_t length;
    size_t result;
};

static void *spin(void *argument) {
    struct part *part = argument;
    size_t value = part->length;
    for (size_t turn = 0; turn < part->length; turn++) value = value * 6364136223846793005u + 1;
    part->result = value;
    return NULL;
}

static void *scan(void *argument) {
    struct part *part = argument;
    const char *at = part->start, *end = part->start + part->length;
    while ((at = memchr(at, 0x1d, (size_t)(end - at)))) part->result++, at++;
    return NULL;
}

int main(int count, char **values) {
    if (count < 3) return 2;
    int is_spin = strcmp(values[1], "spin") == 0, threads = atoi(values[2]);
    if (threads < 1 || threads > THREADS_MAX || (!is_spin && count < 4)) return 2;
    char *bytes = NULL;
    size_t length = SPINS;
    if (!is_spin) {
        FILE *file = fopen(values[3], "rb");
        if (!file || fseek(file, 0, SEEK_END)) return 1;
        length = (size_t)ftell(file);
        rewind(file);
        bytes = malloc(length + 1);
        if (!bytes || fread(bytes, 1, length, file) != length) return 1;
    }
    struct part parts[THREADS_MAX] = {0};
    struct timespec begin, end;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    for (int index = 0; index < threads; index++) {
        size_t from = length / threads * index, to = index + 1 < threads ? length / threads * (index + 1) : length;
        parts[index].start = bytes ? bytes + from : NULL;
        parts[index].length = to - from;
        if (pthread_create(&parts[index].thread, NULL, is_spin ? spin : scan, &parts[index])) return 1;
    }
    size_t total = 0;
    for (int index = 0; index < threads; index++) {
        pthread_join(parts[index].thread, NULL);
        total += parts[index].result;
    }
    clock_gettime(CLOCK_MONOTONIC, &end);
    double seconds = (double)(end.tv_sec - begin.tv_sec) + (double)(end.tv_nsec - begin.tv_nsec) / 1e9;
    /* The result is told, or the work might be left out. */
    printf("%.6f %zu\n", seconds, total);
    return 0;
}
