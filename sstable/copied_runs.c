#include "sstable/copied_runs_internal.h"

#include <stdlib.h>

void copied_runs_deinit(struct copied_runs *runs)
{
    free(runs->runs);
    *runs = (struct copied_runs){0};
}

status copied_runs_add(struct copied_runs *runs, const struct frame_ref *frame)
{
    if (runs->count && runs->runs[runs->count - 1].end == frame->offset) {
        runs->runs[runs->count - 1].end += frame->bytes;
        return STATUS_DONE;
    }
    if (runs->count == runs->capacity) {
        size_t wanted = runs->capacity ? runs->capacity * 2 : 16;
        struct copied_run *grown = realloc(runs->runs, wanted * sizeof *grown);
        if (!grown)
            return STATUS_FAIL(STATUS_NOMEM);
        runs->runs = grown;
        runs->capacity = wanted;
    }
    runs->runs[runs->count++] =
        (struct copied_run){.begin = frame->offset, .end = frame->offset + frame->bytes};
    return STATUS_DONE;
}

bool copied_runs_has(const struct copied_runs *runs, uint64_t offset)
{
    size_t low = 0, high = runs->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (runs->runs[middle].end <= offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low < runs->count && runs->runs[low].begin <= offset;
}
