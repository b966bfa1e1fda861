/*
 * copied_runs_internal.h: where the raw copies of blocks stand in a file that is being built.
 *
 * Copies that follow one another are one run, so that a file made of nothing but copies has one.
 */
#ifndef STRAIT_SSTABLE_COPIED_RUNS_INTERNAL_H
#define STRAIT_SSTABLE_COPIED_RUNS_INTERNAL_H

#include "sstable/frame_internal.h"

struct copied_run {
    uint64_t begin, end; /* offsets */
};

/* A zeroed struct is ready. */
struct copied_runs {
    struct copied_run *runs; /* owned, rising */
    size_t count, capacity;
};

void copied_runs_deinit(struct copied_runs *runs);
/* Frames in the order of their offsets. */
status copied_runs_add(struct copied_runs *runs, const struct frame_ref *frame);
bool copied_runs_has(const struct copied_runs *runs, uint64_t offset);

#endif
