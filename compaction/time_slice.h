/*
 * time_slice.h: of what a source has, the part that was written in some time windows: a flush makes a table for each, so
 * that what comes late does not widen the window of everything else.
 *
 * A row belongs to the window of its newest write, as a whole; so do a static row, each range tombstone and the deletion
 * of a partition.
 */
#ifndef STRAIT_COMPACTION_TIME_SLICE_H
#define STRAIT_COMPACTION_TIME_SLICE_H

#include "compaction/compaction.h"

/* The windows that the source reaches into, rising, at most `capacity` >= 2: of more, the oldest are left out, and belong
 * to the first. Walks the whole cursor, which only close may follow. */
status time_slice_survey(struct cursor *cursor, const struct compaction_options *options, uint32_t capacity,
                         int64_t *out_windows, uint32_t *out_count);

/* What of `child` lies in windows [first, last]; forward, without seeks. Takes over the child on STATUS_OK. A partition of
 * which nothing does has no rows. */
status time_slice_open(struct cursor *child, const struct compaction_options *options, int64_t first,
                       int64_t last, struct cursor **out_cursor);

#endif
