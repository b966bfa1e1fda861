/*
 * manifest_internal.h: what the store consists of, durably: tables with their options, the SSTables of each, the log
 * records that belong to each, snapshots, properties of the store, and the numbers that were given out.
 *
 * An edit is a run of tagged changes that take effect together; a manifest file is a checkpoint (the edits that make
 * the whole state) followed by edits. docs/formats/manifest.md.
 *
 * A file may belong to several tables: to a table, to its copies in snapshots and to its clones. It is named as long
 * as one of them has it. In the same way a log record may belong to several tables: every table has its own records
 * from its floors on, and those of its *sources*, which are what it took over unflushed when it was made a copy.
 *
 * Ownership   A state owns all its bytes. An edit is a buffer of the caller.
 * Errors      STATUS_CORRUPT for bytes that no encoder wrote; the state is then good for nothing but deinit.
 * Threads     One at a time: the store's edit lock.
 */
#ifndef STRAIT_ENGINE_MANIFEST_INTERNAL_H
#define STRAIT_ENGINE_MANIFEST_INTERNAL_H

#include "commitlog/commitlog.h"
#include "engine/store.h"
#include "sstable/sstable.h"

enum {
    MANIFEST_SHARDS_MAX = 16,
    MANIFEST_FEATURE_FOREIGN = 1, /* the checkpoint has marks of foreign files */
    MANIFEST_FEATURES = MANIFEST_FEATURE_FOREIGN,
    /* Written anew when edits outgrow the checkpoint by this much. */
    MANIFEST_GROWTH_BYTES = 1 << 20,
};

struct manifest_file {
    uint32_t tables; /* that name it */
    uint32_t shard;
    bool encoded;           /* while a state is being encoded: written already */
    struct sstable *opened; /* counted; while a store is being opened, then NULL */
    struct sstable_info info;
};

/* Every file that a table names, by number: open addressing. */
struct manifest_files {
    struct manifest_file **slots; /* owned, the files too */
    uint32_t slot_count, count;
};

/* Log records of another table, or of an earlier life of the same one, that belong to a table. There may be many: no larger
 * than the store's shards need. */
struct manifest_source {
    uint64_t table_id; /* under which they were logged */
    uint32_t shards;
    struct log_position
        *to; /* owned; by stream: records from here on do not belong; behind them from[shard][stream] */
};

/* By stream: records before this are in the table's files, as far as `shard` is concerned. */
static inline struct log_position *manifest_source_from(const struct manifest_source *source, uint32_t shard)
{
    return source->to + (size_t)source->shards * (1 + shard);
}

struct manifest_table {
    uint64_t id;
    bool sealed; /* the copy that a snapshot holds: never written to, never compacted, not listed */
    /* Files up to this number came with the content of a table that is compacted otherwise: they are merged once before
     * they count in this one's strategy. */
    uint64_t foreign_upto;
    struct store_table_options options;
    struct slice properties;      /* owned */
    struct manifest_file **files; /* owned array of files of the state; in the order they were added */
    uint32_t file_count, file_capacity;
    /* By shard and stream: log records of this table that begin earlier need no replay. */
    struct log_position floors[MANIFEST_SHARDS_MAX][MANIFEST_SHARDS_MAX];
    struct manifest_source *sources; /* owned; oldest first; mostly none */
    uint32_t source_count;
};

/* A table as a snapshot holds it. */
struct manifest_copy {
    uint64_t table_id, copy_id;
};

struct manifest_snapshot {
    struct slice name, properties; /* owned */
    int64_t created_us;
    struct manifest_copy *copies; /* owned */
    uint32_t copy_count;
};

struct manifest_property {
    struct slice name, value; /* owned */
};

struct manifest_state {
    uint32_t shards;
    uint64_t next_file;  /* file numbers below may have been given out */
    uint64_t next_table; /* table numbers below have been given out */
    uint64_t
        next_segments[MANIFEST_SHARDS_MAX]; /* by stream: segment numbers below may have been given out */
    struct manifest_table **tables;         /* owned; rising id */
    uint32_t table_count, table_capacity;
    struct manifest_property *properties; /* owned; rising name */
    uint32_t property_count, property_capacity;
    struct manifest_snapshot *snapshots; /* owned; rising name */
    uint32_t snapshot_count, snapshot_capacity;
    struct manifest_files files;
};

void manifest_state_init(struct manifest_state *state, uint32_t shards);
void manifest_state_deinit(struct manifest_state *state);
/* NULL when there is none. */
struct manifest_table *manifest_find(const struct manifest_state *state, uint64_t table_id);
struct manifest_snapshot *manifest_find_snapshot(const struct manifest_state *state, struct slice name);
/* Index of the first table with an id above `above`; the same for properties and snapshots. */
uint32_t manifest_table_above(const struct manifest_state *state, uint64_t above);
uint32_t manifest_property_above(const struct manifest_state *state, struct slice above);
uint32_t manifest_snapshot_above(const struct manifest_state *state, struct slice above);
/* Whether any table has the file. */
bool manifest_file_named(const struct manifest_state *state, uint64_t file_number);
/* Let go of what was `opened`. */
void manifest_files_close(struct manifest_files *files);
/* Whether a log record of `source_id` that begins at `begin` in `stream` belongs to the table and may not be in its
 * files, as far as `shard` is concerned. */
bool manifest_table_wants(const struct manifest_table *table, uint64_t source_id, uint32_t shard,
                          uint32_t stream, struct log_position begin);

/* Append one change to an edit. */
void edit_table(struct buffer *edit, uint64_t id, const struct store_table_options *options,
                struct slice properties);
void edit_drop(struct buffer *edit, uint64_t id);
void edit_property(struct buffer *edit, struct slice name, struct slice value);
void edit_add_file(struct buffer *edit, uint64_t id, uint32_t shard, const struct sstable_info *info);
/* A file that another table has already, or that was added to one earlier in this edit. */
void edit_share_file(struct buffer *edit, uint64_t id, uint64_t file_number);
void edit_remove_file(struct buffer *edit, uint64_t id, uint64_t file_number);
/* Forget every file of the table. */
void edit_truncate(struct buffer *edit, uint64_t id);
void edit_floors(struct buffer *edit, uint64_t id, uint32_t shard, const struct log_position *floors,
                 uint32_t streams);
/*
 * The content of table `id` becomes that of `source_id`: its files, and the records that the log holds before `cut`.
 * With `whole` options and properties as well, and the table is made if it is not there. `pending` is the set of shards
 * (bits) where the source has data that is in no file yet.
 */
void edit_copy(struct buffer *edit, uint64_t id, uint64_t source_id, bool whole, uint32_t pending,
               const struct log_position *cut, uint32_t streams);
/* The copies are there already; they belong to the snapshot from now on. */
void edit_snapshot(struct buffer *edit, const struct manifest_snapshot *snapshot);
/* Forget the snapshot and its copies. */
void edit_snapshot_drop(struct buffer *edit, struct slice name);
void edit_next_file(struct buffer *edit, uint64_t next_file);
void edit_next_table(struct buffer *edit, uint64_t next_table);
void edit_next_segment(struct buffer *edit, uint32_t stream, uint64_t next_segment);

/* Carry out an edit. */
status manifest_state_apply(struct manifest_state *state, struct slice edit);
/* Incompatible features of the changes that manifest_state_encode() writes: MANIFEST_FEATURE_. */
uint32_t manifest_state_features(const struct manifest_state *state);
/* The edit that makes this state out of an empty one. */
void manifest_state_encode(const struct manifest_state *state, struct buffer *out_edit);

/* ---- the file ---- */

enum manifest_end {
    MANIFEST_END_CLEAN,
    MANIFEST_END_TORN, /* the last record is incomplete: its edit was never acknowledged */
};

/* Decode a whole manifest file. STATUS_NOT_FOUND when it has no complete checkpoint, so that an older manifest still
 * holds; STATUS_CORRUPT when a record that was durable does not check out. */
status manifest_decode(struct slice file, uint64_t store_id, uint64_t number, struct manifest_state *state,
                       enum manifest_end *out_end);

struct manifest;

/* Find and read the manifest that holds, into `state` (initialised by the caller). *out_number is 0 when the folder
 * has none. Nothing is modified. */
status manifest_load(struct io_env *env, const char *folder, uint64_t store_id, struct manifest_state *state,
                     uint64_t *out_number, enum manifest_end *out_end);

/* Begin manifest `number` with a checkpoint of `state`, durable on return; `replaces` (0: none) is then unlinked, before
 * the first edit. `env` NULL: a store without files; edits only change the state. `state` is borrowed for life. */
status manifest_open(struct io_env *env, const char *folder, uint64_t store_id, uint64_t number,
                     uint64_t replaces, struct manifest_state *state, struct manifest **out_manifest);
/* NULL is welcome. */
void manifest_close(struct manifest *manifest);

/* Make one edit durable, then carry it out on the state. After a failure nothing is ever appended to the same file:
 * STATUS_NOSPACE and STATUS_NOMEM let the next call begin a new one; anything else is final (STATUS_CLOSED from then
 * on) (F2, F7). An edit that is durable but could not be carried out, for want of memory too, is STATUS_CLOSED at
 * once. */
status manifest_append(struct manifest *manifest, const struct buffer *edit);
/* Bytes written over the life of this handle. */
uint64_t manifest_written_bytes(const struct manifest *manifest);

/* The number in "manifest-00000012"; false when the name is not a manifest's. */
bool manifest_name_parse(const char *name, uint64_t *out_number);
void manifest_name(uint64_t number, char out[32]);

#endif
