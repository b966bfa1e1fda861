/*
 * sequence_cursor_internal.h: the rows of one partition from SSTables that mostly follow one another.
 *
 * Where nothing but closed SSTables may have the partition (closed_cursor_internal.h), the rows of the nearest file come
 * alone up to the bound of the next one, and nothing has to be merged: a walk that ends before is spared the set-up of a
 * merge, and its rows pass through without it. Time windows are read so once the memtables are flushed. Where the walk gets
 * to rows that two files may have, a merge takes over.
 */
#ifndef STRAIT_ENGINE_SEQUENCE_CURSOR_INTERNAL_H
#define STRAIT_ENGINE_SEQUENCE_CURSOR_INTERNAL_H

#include "row/merge.h"

/* Takes over `closed`, a closed cursor, on STATUS_OK. `options` are those of the merge, should there be one. */
status sequence_cursor_open(struct cursor *closed, const struct merge_options *options,
                            struct cursor **out_cursor);

#endif
