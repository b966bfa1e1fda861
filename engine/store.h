/*
 * store.h: open a store, apply batches, walk rows. The only face of storage that cql/ sees.
 *
 * Shapes      Tables are numbered; a number is never given twice. Keys and clustering keys are byte strings
 *             (row/key.h), rows are images (row/row.h). Timestamps are microseconds, *_s seconds, *_bytes bytes.
 * Ownership   store_open() creates a handle that store_close() releases after every cursor and guard of it is gone.
 *             Arguments are borrowed for the call.
 * Errors      out_ parameters are written on STATUS_OK only. After a failed log or manifest write the store refuses
 *             writes with STATUS_CLOSED and goes on reading; only opening it anew clears that (F2).
 * Threads     A store may be shared freely. A cursor belongs to one thread at a time.
 */
#ifndef STRAIT_ENGINE_STORE_H
#define STRAIT_ENGINE_STORE_H

#include "base/histogram.h"
#include "row/cursor.h"
#include "row/merge.h"
#include "row/mutation.h"

struct io_env;
struct store;

enum durability {
    DURABILITY_DEFAULT,  /* what the store was opened with */
    DURABILITY_DURABLE,  /* acknowledged after the sync */
    DURABILITY_PERIODIC, /* in the log's buffer; synced within period_us */
    DURABILITY_NONE,     /* not logged at all: lost unless flushed */
};

enum store_background {
    STORE_BACKGROUND_THREADS, /* flush, compaction and periodic sync run by themselves */
    STORE_BACKGROUND_MANUAL,  /* they run inside store_step(): simulation and tests */
};

struct store_options {
    const char *folder; /* NULL with the memory body */
    const char *io; /* "auto", "uring", "threads", "memory"; NULL is "auto", or "memory" without a folder */
    struct io_env *env;     /* use this environment instead, borrowed; tests with the sim body */
    bool must_exist;        /* STATUS_NOT_FOUND when the folder holds no store */
    bool read_only;         /* recover in memory, modify nothing on disk; writes answer STATUS_CLOSED */
    bool accept_log_damage; /* open although synced log bytes are damaged; else STATUS_CORRUPT (I6) */
    uint32_t
        shards; /* of a new store; 0: one per core, at most 16. A store keeps the number it was made with. */
    uint64_t memtable_bytes;    /* all memtables of the store together; 0: 64 MiB */
    uint64_t cache_bytes;       /* of blocks, and up to half of it of memtables that are flushed; 0: 64 MiB */
    bool no_retained;           /* a shortcut off, for tests: a memtable is forgotten once it is flushed */
    uint64_t log_segment_bytes; /* 0: the default of commitlog.h */
    enum durability durability; /* DEFAULT here means PERIODIC */
    int64_t period_us;          /* 0: 10000 */
    int64_t clock_us; /* hold the clock here from the start, before any background work; 0: let it run */
    enum store_background background;
    uint32_t workers;   /* threads for flush and compaction; 0: one per core, at most 8 */
    bool no_code_copy;  /* a shortcut off, for tests: compaction compresses every value anew */
    bool no_warmth;     /* a shortcut off, for tests: of a new file nothing is in the cache */
    bool no_block_copy; /* a shortcut off, for tests: compaction decodes every block */
    bool no_row_rooms;  /* a shortcut off, for tests: rows lie in a memtable as they came */
    bool no_yielding;   /* a shortcut off, for tests: compaction goes on while writers wait for flushes */
    /* A table file that cannot be opened, or is not the one that the manifest names, goes to lost/ and the store opens
     * without it; else STATUS_CORRUPT (I6). What it held is missing then, deletions too. */
    bool set_aside_damaged_tables;
    struct reconcile_rules rules;
};

status store_open(const struct store_options *options, struct store **out_store);
/* Flush nothing, sync the log, stop the background. NULL is welcome. The failure, if any, is of the last sync. */
status store_close(struct store *store);

/* "uring", "threads", "memory", "sim". */
const char *store_io_name(const struct store *store);
const char *store_io_note(const struct store *store);
/* Shards, and whether the folder was new. */
uint32_t store_shard_count(const struct store *store);
/* 128 random bits that name the store for ever. */
void store_uuid(const struct store *store, uint8_t out_uuid[16]);

/* The store's clock and randomness: the one source for timestamps, TTL, now() and uuid() (TTL-9). */
int64_t store_now_us(struct store *store);
void store_clock_set(struct store *store, int64_t now_us); /* INT64_MIN: run again */
/* Write timestamps that are made of the clock must not repeat, even when it goes back while the store is closed (TS-2). Those
 * of this opening have to be greater than the floor (INT64_MIN: no matter), and each is told before it is used; what that
 * costs, a sync once in so many seconds, it costs whoever is first. */
int64_t store_timestamp_floor(const struct store *store);
void store_timestamp_given(struct store *store, int64_t timestamp);
int64_t store_monotonic_ns(struct store *store);
uint64_t store_random(struct store *store);

/* ---- tables ---- */

enum store_compaction {
    STORE_COMPACTION_SIZE_TIERED,
    STORE_COMPACTION_TIME_WINDOW,
    STORE_COMPACTION_NONE,
    STORE_COMPACTION_LEVELED,
    STORE_COMPACTION_INCREMENTAL,
    STORE_COMPACTION_UNIFIED,
};

enum { STORE_SCALING_MAX = 8 };

/* How a strategy is tuned, under the names of compaction.h. 0 and false are the strategy's defaults; what can be set to
 * zero says how. */
struct store_compaction_tuning {
    double bucket_low, bucket_high;
    uint64_t min_sstable_bytes;   /* 1 for none */
    double tombstone_threshold;   /* tiny for 0 */
    int64_t tombstone_interval_s; /* negative for 0 */
    bool tombstones_unchecked;
    bool tombstones_alone; /* time windows: an option of such rewriting was given, so it is done */
    bool expiry_unchecked;
    bool timestamps_in_ms;  /* time windows: write timestamps count milliseconds */
    int64_t expiry_check_s; /* 600: time windows look for expired tables so often; negative: always */
    uint64_t sstable_bytes;
    uint32_t fanout;
    double space_amplification_goal;
    uint32_t scaling_count;
    int32_t scaling[STORE_SCALING_MAX];
    uint32_t base_shards;
    double growth; /* negative for 0 */
    uint64_t flush_bytes;
};

/* What the engine must know of a table; everything else is in `properties`, which is opaque to it. */
struct store_table_options {
    int64_t gc_grace_s;
    enum store_compaction compaction;
    uint32_t min_threshold, max_threshold; /* 0: the strategy's defaults */
    int64_t window_s;                      /* 0: the strategy's default */
    int compression_level;                 /* zstd; 0: none */
    uint32_t block_bytes;                  /* 0: default */
    double filter_fp_chance;               /* 0: default */
    struct store_compaction_tuning tuning;
};

struct store_table {
    uint64_t id;
    struct store_table_options options;
    struct slice properties; /* borrowed until the next change of tables */
};

enum store_change_kind {
    STORE_CREATE_TABLE,
    STORE_ALTER_TABLE, /* options and properties */
    STORE_DROP_TABLE,
    STORE_TRUNCATE_TABLE,
    STORE_SET_PROPERTY, /* of the store itself: a name and a value; an empty value removes it */
    /* These take a time that does not depend on how much data there is: files are shared, nothing is flushed. */
    STORE_COPY_TABLE, /* the content of `source_id`, a table or a snapshot's copy, replaces that of `table_id` */
    STORE_CREATE_SNAPSHOT, /* of `tables`, under `name` */
    STORE_RESTORE_SNAPSHOT, /* its tables get their content, options and properties back; those dropped return */
    STORE_DROP_SNAPSHOT,
};

struct store_change {
    enum store_change_kind kind;
    /* CREATE: a number from store_new_table_id(), above that of every table created before this call. */
    uint64_t table_id;
    struct store_table_options options;
    struct slice
        properties;     /* CREATE, ALTER; the value for SET_PROPERTY; of the snapshot for CREATE_SNAPSHOT */
    struct slice name;  /* SET_PROPERTY, *_SNAPSHOT */
    uint64_t source_id; /* COPY: not changed by an earlier change of the same call */
    const uint64_t *tables; /* CREATE_SNAPSHOT */
    uint32_t table_count;
};

uint64_t store_new_table_id(struct store *store);
/*
 * All of the changes, durably and in one manifest record, or none. Writes that were applied before a TRUNCATE or DROP,
 * or to a table before another's content was copied over it, never come back (DEL-10). A copy has every write that was
 * acknowledged before the call and none that began after it, batches whole. Tables dropped while cursors are open live
 * until those close; a cursor goes on in the content it was opened on.
 *
 * STATUS_NOT_FOUND  a table or snapshot is not there.   STATUS_EXISTS  it is there already.
 */
status store_change(struct store *store, const struct store_change *changes, uint32_t count);
/* The table with the least id above `above`; STATUS_NOT_FOUND past the last. The caller owns `out_properties`' bytes. */
status store_next_table(struct store *store, uint64_t above, struct store_table *out_table,
                        struct buffer *out_properties);

/* Files and memtables that a snapshot shares with its table cost nothing; what the table has replaced since is kept. */
struct store_snapshot {
    struct slice name, properties; /* borrowed from the buffers */
    int64_t created_us;
    uint64_t bytes; /* of its files */
    uint32_t table_count;
};
/* The snapshot with the least name above `above` (empty: the first); STATUS_NOT_FOUND past the last. `above` may be the
 * bytes of `out_name`. */
status store_next_snapshot(struct store *store, struct slice above, struct store_snapshot *out_snapshot,
                           struct buffer *out_name, struct buffer *out_properties);
/* Table `index` of a snapshot: its number then, and the number of the copy, which can be read like a table. The
 * properties are those of then. STATUS_NOT_FOUND past the last. */
status store_snapshot_table(struct store *store, struct slice name, uint32_t index,
                            struct store_table *out_table, uint64_t *out_copy_id,
                            struct buffer *out_properties);

/* The property with the least name above `above` (empty: the first). */
status store_next_property(struct store *store, struct slice above, struct buffer *out_name,
                           struct buffer *out_value);

/* ---- writing ---- */

/*
 * Make every mutation of `batch` visible, or none.
 *
 * STATUS_OK         visible to every cursor that comes to its partitions from now on; durable as the mode says.
 * STATUS_BUSY       memory is full and flushing cannot keep up within 5 s; nothing was written.
 * STATUS_NOSPACE    the disk is full; nothing was written; later calls may succeed. A batch that only deletes may still
 *                   be accepted, so that room can be made.
 * STATUS_NOMEM      memory ran out; nothing was written; later calls may succeed.
 * STATUS_NOT_FOUND  a mutation names a table that is not there; nothing was written.
 * STATUS_LIMIT      larger than STORE_BATCH_BYTES_MAX; nothing was written.
 * STATUS_CLOSED     an earlier failure stopped writing, or this one did: whether the batch survives is decided by
 *                   the next open, never half of it.
 */
enum { STORE_BATCH_BYTES_MAX = 32 << 20 };
status store_apply(struct store *store, const struct batch *batch, enum durability durability);

/* Apply now, wait for the sync later: for a caller with several writes in flight. With DURABLE, *out_ticket is to be
 * passed to store_wait() before the write is acknowledged; it is zero when there is nothing to wait for. */
struct store_ticket {
    uint32_t shard;
    uint64_t segment, offset;
};
status store_apply_deferred(struct store *store, const struct batch *batch, enum durability durability,
                            struct store_ticket *out_ticket);
status store_wait(struct store *store, struct store_ticket ticket);
/* Everything acknowledged so far is durable on return. */
status store_sync(struct store *store);

/* Read-then-apply: keep other such sections off these partitions. Plain store_apply() is not kept off, so every
 * writer of a table that needs this must use it. Guards do not nest on one thread. */
struct store_guard {
    uint64_t stripes[4]; /* set of locked stripes, one bit each */
};
struct store_partition {
    uint64_t table_id;
    struct slice key;
};
void store_lock_partitions(struct store *store, const struct store_partition *partitions, uint32_t count,
                           struct store_guard *out_guard);
void store_unlock_partitions(struct store *store, const struct store_guard *guard);

/* ---- reading ---- */

struct store_read {
    uint64_t table_id;
    bool reverse;
    /* Of one partition, only rows of [from, to) will be asked for; an empty `to` is the end. What lies outside may be
     * there or not, and the walk may end where the slice does. Borrowed as long as the cursor lives. */
    struct slice from, to;
    /* How many rows the reader is going to take, as far as it knows; 0: it does not. Files that these cannot all come from are
     * then asked at a time with the next ones, so that the disk is waited for once. Only a hint, and of use where the slice
     * begins at the partition's end. */
    uint32_t rows;
    /* Shortcuts off, for tests. */
    bool no_lazy;     /* the merge enters every source at once */
    bool no_gallop;   /* it searches for every row anew */
    bool no_filter;   /* SSTables are looked into although their filter says no */
    bool no_skip;     /* sources are opened although their bounds lie outside the slice */
    bool no_closed;   /* SSTables are opened at once, not when the merge gets to their bounds */
    bool no_unfold;   /* blocks are decoded as a whole, not as far as the walk gets */
    bool no_sequence; /* SSTables that do not overlap are merged */
    bool no_runs;     /* rows that stand side by side are asked for one by one */
    bool no_together; /* pages and blocks are read without those beside them */
    bool no_retained; /* SSTables are read although the memtable they came from is still there */
    /* Memory that will be needed is asked for ahead in row/cursor.h, memtable/ (partition_table.c, tree_internal.h,
     * memtable_cursor.c) and sstable/ (directory_internal.h, resident_internal.h, bucket_touch() of block_cache.c,
     * stored_touch() of frame_reader.c). That has no switch: a prefetch changes no answer, not even when it guesses wrong. */
};

/* What a read cost; zeroed by the caller, added to as the cursor moves and closes. */
struct store_read_counters {
    struct merge_counters merge;
    uint64_t memtables, sstables; /* sources that had the partition */
    uint64_t sstables_filtered;   /* ruled out without I/O */
    uint64_t sources_skipped;     /* ruled out by bounds: nothing of the slice */
    uint64_t left_closed;         /* SSTables that the walk never came near; counted when the cursor closes */
    uint64_t read_together;       /* SSTables whose first block came from the disk beside another one's */
    uint64_t retained;            /* flushed memtables that had the partition; counted in `memtables` too */
};

/* A merged cursor over all partitions of a table in (token, key) order across shards. Partition tombstones, shadowed
 * cells and rows are already applied; expiry is the reader's (row_live()). `counters` is borrowed or NULL. */
status store_cursor_open(struct store *store, const struct store_read *read,
                         struct store_read_counters *counters, struct cursor **out_cursor);
/* The same for one partition, of which a slice may be named: the cursor stands on it, or *out_cursor is NULL when no
 * source has anything of it. Whether there is a row is known only when one is asked for. */
status store_cursor_open_one(struct store *store, const struct store_read *read, struct partition_key key,
                             struct store_read_counters *counters, struct cursor **out_cursor);

/* ---- background, by hand ---- */

/* Write the memtables of a table (0: of all tables) to SSTables; returns when the manifest names them. */
status store_flush(struct store *store, uint64_t table_id);
/* Merge all SSTables of a table per shard into one run (major compaction). */
status store_compact(struct store *store, uint64_t table_id);
/* One step of background work with STORE_BACKGROUND_MANUAL; *out_did is false when there is none. */
status store_step(struct store *store, bool *out_did);
/* Wait until no flush is needed and no compaction is due. */
status store_settle(struct store *store);
/* Merge those SSTables of a table that are named by their numbers; one that is not there any more is left out. */
status store_compact_files(struct store *store, uint64_t table_id, const uint64_t *file_numbers,
                           uint32_t count);
/* Read every block of every SSTable of a table (0: all) and check it. */
status store_verify(struct store *store, uint64_t table_id);

/* An SSTable that the manifest names. */
struct store_file {
    uint64_t number, bytes, partitions, rows;
    uint64_t
        table_id; /* of the tables that have it the one with the least number; copies of snapshots only without others */
    uint32_t shard;
    bool in_table, in_snapshot;
    status opened; /* why the store was opened without it; STATUS_OK: it was not */
};
/* The SSTable with the least number above `above`; STATUS_NOT_FOUND past the last. */
status store_next_file(struct store *store, uint64_t above, struct store_file *out_file);

/* What checking a file came to. */
enum { STORE_LOSSES_MAX = 64 };
struct store_file_check {
    status
        found; /* STATUS_OK: whole; else which check failed first, and what is below says what of it is lost */
    uint64_t rows_read; /* that can be read, of a damaged one */
    uint64_t rows_lost; /* that should be there beside these */
    /* Damaged pages of its directory: made anew by every reader, with nothing lost; or lost with so many partitions. */
    uint64_t pages_restored, pages_lost, partitions_lost;
    uint64_t partitions_hurt; /* that lost some of their rows, or all */
    /* The first of the places where something is lost: a lost page with its partitions, whose rows are not known; a partition
     * with rows. */
    struct store_loss {
        int64_t first_token, last_token;
        uint64_t partitions, rows;
    } losses[STORE_LOSSES_MAX];
    uint32_t loss_count;
    bool made_anew; /* by scrub, for every table that has it; a copy of what it was is in lost/ */
};
/* Read and check everything in one file. STATUS_NOT_FOUND: it is not there any more. */
status store_check_file(struct store *store, uint64_t file_number, struct store_file_check *out_check);
/* The same, and make a damaged one anew as store_scrub() does. */
status store_scrub_file(struct store *store, uint64_t file_number, struct store_file_check *out_check);

/* Verify, and make a damaged SSTable anew of the rows that can be read; a copy of the damaged file stays in lost/ (I5).
 * Copies of snapshots stay as they are. */
struct store_scrub {
    uint64_t tables, damaged;       /* files */
    uint64_t rows_saved, rows_lost; /* of the damaged ones */
    /* Damaged pages of directories: made anew, with nothing lost; or lost with these partitions, whose tokens the log says. */
    uint64_t pages_restored, pages_lost, partitions_lost;
};
status store_scrub(struct store *store, uint64_t table_id, struct store_scrub *out_scrub);

/* A flush or compaction that is under way. */
struct store_job {
    const char *what; /* "flush", or why it compacts: "tier", "window", "level", "major", ... static */
    uint64_t table_id;
    uint32_t shard;
    uint64_t input_bytes;
    uint64_t rows_done, rows_total; /* about */
};
/* How many there are; the first `capacity` of them are described. */
uint32_t store_jobs(struct store *store, struct store_job *out_jobs, uint32_t capacity);

/* ---- statistics ---- */

enum {
    STORE_COMPACTION_REASONS = 11,
    STORE_SIZE_BUCKETS = 40, /* bucket n counts sizes of 2^(n-1) up to 2^n - 1, bucket 0 those of nothing */
};
/* "tier", "window", ...: of a number below STORE_COMPACTION_REASONS. */
const char *store_compaction_reason(uint32_t reason);

struct store_table_stats {
    uint64_t memtable_bytes, memtable_rows, memtable_partitions;
    uint64_t sstables, sstable_bytes, sstable_raw_bytes;
    uint64_t sstable_rows, sstable_partitions,
        sstable_tombstones; /* sums over files: a row in two counts twice */
    uint64_t largest_partition_bytes;
    uint64_t writes, reads;
    uint64_t sources_read; /* memtables and SSTables that held a partition asked for */
    uint64_t flushes, compactions;
    uint64_t written_bytes; /* by flush and compaction */
    uint64_t flushed_bytes; /* by flush alone */
    /* What compaction did since the store was opened, by reason (store_compaction_reason()). */
    struct store_compaction_stats {
        uint64_t jobs, in_bytes, out_bytes;
    } compacted[STORE_COMPACTION_REASONS];
    uint64_t blocks_copied;   /* by compaction, without decoding them ... */
    uint64_t rows_copied;     /* ... with so many rows */
    uint64_t rows_rewritten;  /* rows that it decoded and encoded ... */
    uint64_t rows_coded;      /* ... of these, whose values stayed compressed as they were */
    uint64_t rows_reconciled; /* of several tables */
    uint64_t backlog_bytes;   /* still to be rewritten before the strategy is at rest, by its reckoning */
    uint64_t sstable_runs;    /* sets of tables that were made together */
    uint64_t pending_flushes; /* memtables that wait for theirs */
    uint64_t largest_sstable_bytes; /* of each shard, added up */
    /* What reads of its partitions asked of its SSTables: struct sstable_reads. Those of a file that another was made of
     * stay counted; what a clone shares counts for both. */
    uint64_t blocks_asked, blocks_cached, blocks_decoded, blocks_read, blocks_beside;
    uint64_t rows_made, rows_spared;
    uint64_t pages_restored;
    uint64_t stalls, stall_us; /* writers held back with a batch that begins with this table */
    /* How large partitions and rows of SSTables are; what stands in several files counts in each. */
    struct store_sizes {
        uint64_t partition_bytes[STORE_SIZE_BUCKETS];
        uint64_t partition_rows[STORE_SIZE_BUCKETS];
        uint64_t row_bytes[STORE_SIZE_BUCKETS];
    } sizes;
    /* Of these: at most so large are a half of them, and 99 of 100; the end of a bucket. */
    uint64_t partition_bytes_p50, partition_bytes_p99, partition_rows_p50, partition_rows_p99;
    uint64_t row_bytes_p50, row_bytes_p99;
};
status store_table_stats(struct store *store, uint64_t table_id, struct store_table_stats *out_stats);

struct store_stats {
    uint64_t batch_bytes; /* given to store_apply() */
    uint64_t log_bytes;   /* written to the commit log */
    uint64_t log_syncs;
    uint64_t manifest_bytes;
    uint64_t memtable_bytes, memtable_budget_bytes;
    uint64_t cache_bytes, cache_budget_bytes, cache_hits, cache_misses;
    uint64_t cache_warmed;     /* blocks of new files that were cached before anybody asked for them */
    uint64_t retained_bytes;   /* of the cache's budget, in memtables that are flushed */
    uint64_t stalls, stall_us; /* writers held back */
    uint64_t recovered_batches, recovered_bytes; /* replayed at open */
    bool log_tail_torn;        /* the log ended in an incomplete write, as after a power cut */
    uint64_t tables_set_aside; /* damaged files that the store was opened without */
    uint64_t logs_damaged;     /* streams of the log of which synced bytes were damaged, which was accepted */
    uint64_t backlog_bytes;    /* that compaction is behind, of all tables */
    uint64_t compaction_yields; /* how often compaction left the cores to flushes that writers waited for */
    bool failed;                /* refuses writes after an I/O failure */
};
void store_stats(struct store *store, struct store_stats *out_stats);

/* Every statistic by name, to be shown: the fields above and ratios of them. `unit` and `meaning` are static. */
struct store_statistic {
    char name[48];
    const char *unit, *meaning;
    bool is_ratio;
    uint64_t value;
    double ratio; /* 0 while there is nothing to divide by */
};
enum { STORE_STATISTICS_MAX = 128 };
status store_table_statistics(struct store *store, uint64_t table_id,
                              struct store_statistic out_statistics[STORE_STATISTICS_MAX],
                              uint32_t *out_count);
/* Of the store as a whole; gives their number. */
uint32_t store_statistics(struct store *store, struct store_statistic out_statistics[STORE_STATISTICS_MAX]);

/* Sizes of every partition of a table in rows and in bytes of rows, from the directories of its SSTables and from its
 * memtables: what stands in several of them, or is covered by a deletion, counts until they are compacted. No row on disk
 * is read. */
status store_partition_sizes(struct store *store, uint64_t table_id, struct histogram *out_rows,
                             struct histogram *out_bytes);

#endif
