/*
 * store_internal.h: the parts of a store and the lines between them.
 *
 * Every part owns its state: a shard its memtables and log, the manifest what is durable, the background its jobs,
 * the pressure gauge the memory count. This struct only holds them together; files reach for the part they need.
 */
#ifndef STRAIT_ENGINE_STORE_INTERNAL_H
#define STRAIT_ENGINE_STORE_INTERNAL_H

#include <stdatomic.h>

#include "base/slab_pool.h"
#include "engine/background_internal.h"
#include "engine/discard_internal.h"
#include "engine/folder_internal.h"
#include "engine/manifest_internal.h"
#include "engine/read_queues_internal.h"
#include "engine/shard_internal.h"
#include "engine/store.h"
#include "io/io.h"
#include "sstable/block_cache.h"
#include "sstable/dictionary_shelf.h"

enum {
    PARTITION_STRIPES = 256,
    /* File numbers are reserved in the manifest this many at a time (F5). */
    FILE_NUMBERS_RESERVED = 256,
};

struct store {
    struct io_env *env; /* owned when owns_env */
    bool owns_env;
    char *folder;              /* owned; NULL: nothing outlives the store */
    char *table_folder;        /* owned; where SSTables are made */
    struct io_file *lock_file; /* owned; held while open */
    struct identity identity;
    uint64_t store_id;

    /* Constant once open. */
    struct reconcile_rules rules;
    enum durability durability;
    int64_t period_us;
    uint64_t memtable_budget_bytes;
    uint64_t log_segment_bytes;
    bool read_only;
    bool no_block_copy, no_code_copy, no_yielding, no_warmth, no_row_rooms;
    bool recovering; /* what is flushed now was not written through this handle */

    uint32_t shard_count;
    struct shard *shards;      /* owned */
    struct block_cache *cache; /* owned */
    struct read_queues read_queues;
    struct dictionary_shelf *shelf; /* owned */
    struct slab_pool slabs;         /* memory of memtables that were, for those to come */

    uint64_t retained_budget_bytes; /* constant once open */
    atomic_size_t retained_bytes;   /* of memtables that stay readable after their flush */
    uint64_t retained_stamp;        /* guard: edit */

    struct lock edit; /* RANK_EDIT: guards the four below; held over manifest I/O */
    struct manifest_state state;
    struct manifest *manifest; /* owned; NULL when read_only */
    uint64_t next_table;       /* the next number store_new_table_id() gives */
    uint64_t next_file;        /* the next file number; numbers below state.next_file are reserved */
    atomic_int_fast64_t timestamp_bound; /* no server timestamp beyond it is in use; written under `edit` */
    int64_t timestamp_floor;             /* constant once open: store_timestamp_floor() */

    bool opened;                             /* recovery is complete; constant from then on */
    atomic_bool refusing;                    /* a log or manifest write failed: no write any more (F2) */
    atomic_bool no_space;                    /* the disk is too full to flush what memory holds; passes */
    atomic_int_fast64_t memory_bytes;        /* in all memtables */
    atomic_int_fast64_t frozen_memory_bytes; /* of it, waiting for a flush */
    atomic_uint_fast64_t brake_ns;           /* delay owed by writers */
    atomic_uint_fast64_t backlog_bytes;      /* that compaction is behind */
    struct store_file *set_aside;            /* owned; files that it was opened without; constant once open */
    uint32_t set_aside_count;
    uint32_t logs_damaged; /* streams; constant once open */

    struct background background;
    struct discards discards;
    struct lock stripes[PARTITION_STRIPES]; /* RANK_PARTITION */

    /* Relaxed counters. */
    atomic_uint_fast64_t stalls, stall_us;
    atomic_uint_fast64_t compaction_yields;      /* looks at a compaction that gave way to flushes */
    uint64_t recovered_batches, recovered_bytes; /* constant once open */
    bool log_tail_torn;
};

/* ---- recovery.c ---- */

/* Bring the folder's store into `store`, or make a new one; the environment, folder name and options are set. */
status store_recover(struct store *store, const struct store_options *options);

/* ---- timestamps.c ---- */

/* Everything is there again: what server timestamps may have been given out before? */
void timestamps_recovered(struct store *store);
/* Whether the store has it for itself: the bound of the server's timestamps. */
bool timestamps_is_property(struct slice name);

/* ---- write.c, job.c ---- */

/* A log or manifest write failed: refuse writes from now on. Gives STATUS_CLOSED in place of what it was, and passes
 * the failures that leave the store whole (NOSPACE, NOMEM, BUSY). */
status store_refuse(struct store *store, status st);
/* A batch of several shards has reached some of them. While one is under way a part of it may be flushed and yet be
 * replayed with its record: nothing may be forgotten then. */
bool store_batches_under_way(struct store *store);
/* Everything that was appended to any stream so far is durable on return. */
status store_sync_logs(struct store *store);

/* ---- pressure.c ---- */

/* Hold the caller back when memory is over its budget. STATUS_BUSY after 5 s, STATUS_NOSPACE when the disk is full; a
 * batch that only deletes may use a reserve. */
status store_admit(struct store *store, struct slice payload);
/* How long a batch is to be held back when memtables take `memory_bytes`: a pure function. */
uint64_t pressure_delay_ns(uint64_t memory_bytes, uint64_t budget_bytes, size_t batch_bytes);
/* Count memory of memtables. Never waits. */
void store_memory_add(struct store *store, int64_t bytes, int64_t frozen_bytes);
/* Memtables hold more than the budget. */
bool store_memory_over(const struct store *store);
/* Touch some memory that the memtables will soon want; false when enough lies ready. */
bool store_memory_prepare(struct store *store);
/* Active memtables hold more than they should: something is to be frozen. */
bool store_memory_high(const struct store *store);
/* Writers are held back by memtables that wait for their flush. */
bool store_flush_is_urgent(const struct store *store);
/* Compare the free space of the disk with what memory holds. */
void store_space_check(struct store *store);

/* ---- store.c ---- */

/* Append an edit to the manifest. Caller holds `edit`. */
status store_edit(struct store *store, const struct buffer *edit);
/* `count` consecutive file numbers that were never given out. Takes `edit`. */
status store_file_numbers(struct store *store, uint32_t count, uint64_t *out_first);
/* Open the SSTable of that number. */
status store_open_sstable(struct store *store, uint64_t file_number, struct sstable **out_table);

#endif
