/*
 * closed_cursor_internal.h: SSTables that a read of one partition has not opened, and perhaps never will.
 *
 * Of a file whose partitions hold nothing but rows its statistics say enough for a lazy merge: no row lies outside the
 * file's clustering bounds. The version keeps such files sorted by these bounds, so that all of them stand in the merge
 * as one child, whose bound is that of the next file. Only when the merge gets there is that file's filter asked, and the
 * file opened. A newest-first read of a table with many time windows so looks into one file, and pays nothing for the
 * others.
 */
#ifndef STRAIT_ENGINE_CLOSED_CURSOR_INTERNAL_H
#define STRAIT_ENGINE_CLOSED_CURSOR_INTERNAL_H

#include "engine/read_queues_internal.h"
#include "engine/store.h"
#include "engine/version_internal.h"

/* Whether the slice leaves out the end of the partition where the read begins. */
static inline bool store_read_begins_within(const struct store_read *read)
{
    return read->reverse ? read->to.bytes != 0 : read->from.bytes != 0;
}

/* On the partition, as if it were there; off it when no file can have anything of the slice. The pin, which holds the
 * files, is borrowed; `counters` too, and may be NULL. The key is copied. */
status closed_cursor_open(struct version_stripe *pin, const struct store_read *read, struct partition_key key,
                          struct store_read_counters *counters, struct cursor **out_cursor);
/* From now on files that store_read.rows says will be needed one after the other are read at a time, by these queues,
 * which are borrowed. */
void closed_cursor_read_together(struct cursor *cursor, struct read_queues *queues, struct io_env *env);
/* Whether there is exactly one file left that may have something. */
bool closed_cursor_is_one(struct cursor *cursor);
/* Before the first file again: those that were opened may be opened once more, but for the last of them if it still is. */
void closed_cursor_reopen(struct cursor *cursor, bool but_last);
/* The key of the last seek is borrowed no more: nobody goes back without another seek. */
void closed_cursor_forget(struct cursor *cursor);

#endif
