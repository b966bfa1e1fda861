/*
 * standin_cursor_internal.h: one partition of an SSTable that is perhaps never opened.
 *
 * Of a file whose partitions hold nothing but rows its statistics say enough for a lazy merge: no row lies outside the
 * file's clustering bounds. The stand-in shows a partition with these bounds, whether or not the file has it, and
 * gives way to a cursor of the file when the merge gets there. A newest-first read of a table with many time windows so
 * looks into one file and not into the directory of each.
 */
#ifndef STRAIT_ENGINE_STANDIN_CURSOR_INTERNAL_H
#define STRAIT_ENGINE_STANDIN_CURSOR_INTERNAL_H

#include "engine/store.h"
#include "engine/version_internal.h"

/* The pin, which holds the table, is borrowed; `counters` too, and may be NULL. */
status standin_cursor_open(struct version_stripe *pin, struct sstable *table, struct partition_key key,
                           bool reverse, struct store_read_counters *counters, struct cursor **out_cursor);

#endif
