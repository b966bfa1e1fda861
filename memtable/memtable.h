/*
 * memtable.h: the newest writes of one table in one shard, ordered, in memory.
 *
 * A hash of partitions; each partition keeps its rows as chunks of {8-byte key prefix, key, image},
 * sorted by clustering key. Appending at either end is the fast path (created_at rises, its key order
 * is DESC); a late row goes into its chunk by copy. Rows of one key are reconciled when written;
 * small changes of a large row when it is read. The rows of a partition lie together in the arena,
 * several at a time and in the order of a walk, whatever partitions are written in between.
 *
 * Ownership   memtable_new() gives one reference; ref/unref share it; the last unref frees every byte.
 *             Arguments are copied into the memtable's arena.
 * Errors      STATUS_NOMEM: the write did not happen. STATUS_CORRUPT: the mutation's bytes do not parse;
 *             nothing of it happened.
 * Threads     One writer at a time (the shard's lock). Any number of cursors, lock-free, at the same time:
 *             a cursor sees each partition as it was when it came to it, all of a mutation or none.
 */
#ifndef STRAIT_MEMTABLE_MEMTABLE_H
#define STRAIT_MEMTABLE_MEMTABLE_H

#include "row/cursor.h"
#include "row/mutation.h"

struct memtable;

struct memory_reserve;
struct slab_pool;

/* `pool`, which may be NULL, is borrowed for as long as the memtable lives. */
status memtable_new(const struct reconcile_rules *rules, struct memtable **out_memtable);
status memtable_new_pooled(const struct reconcile_rules *rules, struct slab_pool *pool,
                           struct memtable **out_memtable);
/* A row whose image is larger is not merged with every small change at once, but when it is read; a few KiB is the
 * default, SIZE_MAX turns this off, for tests. Before the first write. */
void memtable_merge_above(struct memtable *memtable, size_t image_bytes);
/* A partition's rows take memory one by one, not several at a time: a shortcut off, for tests. Before the first write. */
void memtable_rows_as_they_come(struct memtable *memtable);
struct memtable *memtable_ref(struct memtable *memtable);
void memtable_unref(struct memtable *memtable); /* NULL is welcome */

/*
 * Writes that cannot be refused any more. With a reserve, borrowed until the memtable is frozen, that holds
 * memtable_reserve_bytes() of them, and with room for as many new partitions as they have mutations, memtable_apply() does not
 * run out of memory; save where a partition has many thousands of range tombstones, and one more has no room beside them.
 * Writer only. STATUS_NOMEM.
 */
void memtable_use_reserve(struct memtable *memtable, struct memory_reserve *reserve);
status memtable_reserve_partitions(struct memtable *memtable, uint32_t count);
size_t memtable_reserve_bytes(size_t mutations, size_t parts, size_t payload_bytes);

/* Apply one mutation: visible at once and whole to cursors that come to the partition from now on. */
status memtable_apply(struct memtable *memtable, struct mutation mutation);

/*
 * Have what a coming write to `key` will touch fetched into the processor's caches, one level of it at a time: who has
 * several writes to make calls this for all of them with level 0, then with 1, and so on. Writer only.
 */
enum { MEMTABLE_FETCH_LEVELS = 3 };
void memtable_fetch(struct memtable *memtable, struct partition_key key, unsigned level);

/* The same for a read that will ask several memtables for the partition: all of them with level 0, then with 1, and so on.
 * Any thread. */
enum { MEMTABLE_ASK_LEVELS = 3 };
void memtable_ask(const struct memtable *memtable, struct partition_key key, unsigned level);

/* No write follows. */
void memtable_freeze(struct memtable *memtable);

struct memtable_stats {
    size_t bytes; /* memory held, to the byte */
    uint64_t partitions;
    uint64_t rows;                        /* distinct clustering keys */
    uint64_t writes;                      /* mutations applied */
    uint64_t late_rows;                   /* rows that missed the fast path */
    uint64_t partial_rows;                /* changes that were not merged with the row at once */
    uint64_t rows_together;               /* rows put beside others of their partition */
    int64_t min_timestamp, max_timestamp; /* over everything written */
};
/* As in memtable_stats(). */
size_t memtable_bytes(const struct memtable *memtable);
/* May be called beside a writer: counters are exact after memtable_freeze(). */
void memtable_stats(struct memtable *memtable, struct memtable_stats *out_stats);

/* A cursor over all partitions in (token, key) order. Holds a reference. seek_partition() to a key that is
 * there is one hash probe; the order of partitions is made by the first next_partition() that needs it. */
status memtable_cursor_open(struct memtable *memtable, bool reverse, struct cursor **out_cursor);
/* A cursor that sees no partition but `key`; STATUS_NOT_FOUND when the memtable does not have it. */
status memtable_cursor_open_one(struct memtable *memtable, struct partition_key key, bool reverse,
                                struct cursor **out_cursor);

#endif
