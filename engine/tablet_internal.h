/*
 * tablet_internal.h: one table in one shard: the memtable that is written, those that wait for their flush, and the
 * version that readers take.
 *
 * Ownership   Counted: the shard holds one reference until the table is dropped, every background job holds one.
 * Threads     `writer` and `versions` are the locks of the shard. What changes the sources (active, frozen, version)
 *             holds both; holding either is enough to look.
 */
#ifndef STRAIT_ENGINE_TABLET_INTERNAL_H
#define STRAIT_ENGINE_TABLET_INTERNAL_H

#include "commitlog/commitlog.h"
#include "compaction/compaction.h"
#include "engine/retained_internal.h"
#include "engine/store.h"
#include "engine/version_internal.h"

enum {
    SHARDS_MAX = 16,
    FROZEN_MAX = 8,
};

struct shard;

/* A memtable, and what must happen before the log that fed it may go. Counted. */
struct write_buffer {
    atomic_uint refs;
    uint32_t holders;          /* tablets of the shard that have it among their sources; guard: writer */
    atomic_bool lazy;          /* frozen for a copy, and small: it need not be flushed soon; relaxed */
    struct memtable *memtable; /* counted */
    size_t bytes;              /* as added to the store's memory_bytes; guard: writer */
    uint64_t
        first_segments[SHARDS_MAX]; /* by stream: the least segment that fed it, 0 for none; guard: writer */
    /* By stream: every mutation of this tablet that the log holds before this position is in this memtable or an
     * older one. Set before it is among the frozen ones, constant then. */
    struct log_position floors[SHARDS_MAX];
};

/* What compactions of one reason did; relaxed. */
struct compaction_tally {
    atomic_uint_fast64_t jobs, in_bytes, out_bytes;
};

struct tablet {
    atomic_uint refs;
    uint64_t table_id;
    struct shard *shard;                /* borrowed; outlives every tablet */
    struct store_table_options options; /* guard: versions */

    struct write_buffer *active;             /* counted; NULL until the first write */
    struct write_buffer *frozen[FROZEN_MAX]; /* counted; oldest first */
    uint32_t frozen_count;
    struct retained_set *retained; /* owned; NULL: nothing */
    struct version *version;       /* counted; NULL when empty */
    struct read_tally *tally;      /* counted */
    bool dropped;
    bool sealed; /* a snapshot's copy: no write comes to it */
    uint64_t
        foreign_upto; /* as in the manifest: files up to this number are merged once before they count. Constant
                              once the shard has the tablet */

    /* Guard: the background's lock. */
    bool flushing, compacting; /* claimed by a job */
    bool compaction_idle;      /* nothing to compact until the set of SSTables changes or time passes */
    bool compaction_large; /* what there is to compact is too large for who is busy with something large */

    /* Owned by who has claimed compaction: files up to this number were rewritten for their tombstones already. */
    uint64_t tombstones_tried;
    int64_t expiry_checked_s;           /* when expired tables were last looked for */
    atomic_uint_fast64_t backlog_bytes; /* as added to the store's; written by who has claimed compaction */

    /* `flushes` when the last compaction began that has ended; relaxed, written by who has claimed compaction. */
    atomic_uint_fast64_t flushes_compacted;

    /* Relaxed counters. */
    atomic_uint_fast64_t writes, flushes, compactions, written_bytes, flushed_bytes;
    atomic_uint_fast64_t stalls, stall_us; /* of writers whose batch begins with this table */
    atomic_uint_fast64_t blocks_copied, rows_copied, rows_rewritten, rows_coded, rows_reconciled;
    struct compaction_tally compacted[COMPACTION_REASONS];
    struct sstable_reads gone; /* of files that are not among the sources any more; guard: versions */
};

status tablet_new(struct shard *shard, uint64_t table_id, const struct store_table_options *options,
                  struct tablet **out_tablet);
/* The tablet is a snapshot's copy: not written to, not compacted. */
void tablet_seal(struct tablet *tablet);
struct tablet *tablet_ref(struct tablet *tablet);
void tablet_unref(struct tablet *tablet); /* NULL is welcome */

struct write_buffer *write_buffer_ref(struct write_buffer *buffer);
void write_buffer_unref(struct write_buffer *buffer); /* NULL is welcome */

/* Give the tablet a memtable to write to, when it has none. Caller holds `writer`. */
status tablet_open_active(struct tablet *tablet);
/* The same, with room for `partitions` more beside what others have claimed in the shard. Caller holds `writer`. */
status tablet_open_wide(struct tablet *tablet, uint32_t partitions);
/* Apply one mutation that the log holds in `segment` of `stream` (segment 0: not logged). Caller holds `writer`;
 * the active memtable is there. */
status tablet_apply(struct tablet *tablet, struct mutation mutation, uint32_t stream, uint64_t segment);
/* Move the active memtable, if it was written to, to the frozen ones. Caller holds `writer`. `floors` is an array by
 * stream. While batches have claims in the shard another one takes its place at once. STATUS_BUSY when too many wait
 * already, STATUS_NOMEM: nothing was frozen. *out_frozen (counted for the caller) is NULL when there was
 * nothing to freeze. */
status tablet_freeze(struct tablet *tablet, const struct log_position *floors,
                     struct write_buffer **out_frozen);
/* With no data yet, of one holder. STATUS_NOMEM. */
status write_buffer_new(struct store *store, struct write_buffer **out_buffer);
/* It was frozen for a copy: if it is small, nothing presses to flush it. Caller holds `writer`. */
void write_buffer_set_lazy(struct write_buffer *buffer);
/* Whether frozen memtables are to be written out now. Caller holds `writer` or `versions`. */
bool tablet_flush_is_needed(const struct tablet *tablet);
/* The oldest `count` frozen memtables need a flush, although they are small. Takes `versions`. */
void tablet_flush_soon(struct tablet *tablet, uint32_t count);
/* Copy small frozen memtables that follow one another into one, so that there is room for others. Caller holds `edit`.
 * STATUS_NOMEM: all is as it was. */
status tablet_coalesce(struct tablet *tablet);
/* `one`, whose reference the tablet takes, comes in the place of `count` frozen memtables from `at` on. Takes `writer` and
 * `versions`; caller holds `edit`. */
status tablet_exchange_frozen(struct tablet *tablet, uint32_t at, uint32_t count, struct write_buffer *one);
/* Let go of the memtable that has been retained longest. Takes `writer` and `versions`. STATUS_NOMEM. */
status tablet_forget_oldest(struct tablet *tablet);
/* How often it was read, and how many of its sources the reads looked into. */
void tablet_reads(const struct tablet *tablet, uint64_t *out_reads, uint64_t *out_sources);
/* The oldest frozen memtable, counted, or NULL. Takes `versions`. */
struct write_buffer *tablet_oldest_frozen(struct tablet *tablet);
/* One reference of the current version. Takes `versions`. */
struct version *tablet_version(struct tablet *tablet);

/* Exchange sources: drop `flushed` (may be NULL) and `removed` files, add `added`. Takes `writer` and `versions`.
 * The caller has made the same durable and checked that what goes is there. */
status tablet_exchange(struct tablet *tablet, struct write_buffer *flushed, struct sstable *const *removed,
                       uint32_t removed_count, struct sstable *const *added, uint32_t added_count);
/* Forget every source; files that the manifest names no more unlink themselves when their last reader lets go. Takes
 * `writer` and `versions`; caller holds `edit`. */
void tablet_clear(struct tablet *tablet, bool dropped);
/* Give a fresh tablet, that nobody else knows yet, the sources of `from`, a tablet of the same shard with no active memtable. Takes `writer`. To be
 * undone with tablet_clear(), after a failure too. */
status tablet_copy(struct tablet *tablet, struct tablet *from);

#endif
