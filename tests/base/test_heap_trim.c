/* Freed memory goes back to the system. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/heap_trim.h"

enum { PIECES = 600, PIECE_BYTES = 100 << 10 };

/* Pages of the process that are in memory; 0 when the system does not tell. */
static long pages(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    long all = 0, resident = 0;
    if (file && fscanf(file, "%ld %ld", &all, &resident) != 2)
        resident = 0;
    if (file)
        fclose(file);
    return resident;
}

static void memory_below_a_piece_in_use_is_given_back(void **state)
{
    (void)state;
    static void *held[PIECES];
    for (unsigned i = 0; i < PIECES; i++) {
        held[i] = malloc(PIECE_BYTES);
        assert_non_null(held[i]);
        memset(held[i], 1, PIECE_BYTES);
    }
    long full = pages();
    for (unsigned i = 0; i + 1 < PIECES; i++)
        free(held[i]);
    heap_trim();
    long trimmed = pages();
#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) && \
    !defined(__clang__)
    if (full)
        assert_true(full - trimmed > PIECES / 2 * (PIECE_BYTES / 4096));
#endif
    (void)full;
    (void)trimmed;
    free(held[PIECES - 1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_below_a_piece_in_use_is_given_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
