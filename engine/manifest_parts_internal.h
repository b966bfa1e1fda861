/* manifest_parts_internal.h: what the files of the manifest share: tags, the set of files, growing arrays. */
#ifndef STRAIT_ENGINE_MANIFEST_PARTS_INTERNAL_H
#define STRAIT_ENGINE_MANIFEST_PARTS_INTERNAL_H

#include "engine/manifest_internal.h"

/* Tags of the changes in an edit; numbers are part of the format. */
enum edit_tag {
    EDIT_TABLE = 1,
    EDIT_DROP = 2,
    EDIT_PROPERTY = 3,
    EDIT_ADD_FILE = 4,
    EDIT_REMOVE_FILE = 5,
    EDIT_FLOORS = 6,
    EDIT_NEXT_FILE = 7,
    EDIT_NEXT_TABLE = 8,
    EDIT_NEXT_SEGMENT = 9,
    EDIT_TRUNCATE = 10,
    EDIT_SHARE_FILE = 11,
    EDIT_COPY = 12,
    EDIT_SOURCE = 13,
    EDIT_SNAPSHOT = 14,
    EDIT_SNAPSHOT_DROP = 15,
    EDIT_FOREIGN = 16,
};

enum {
    COPY_WHOLE = 1, /* flag of EDIT_COPY */
};

/* ---- manifest_files.c ---- */

/* NULL when no table names it. */
struct manifest_file *manifest_files_find(const struct manifest_files *files, uint64_t file_number);
/* A file that is not there yet; no table has it so far. */
status manifest_files_add(struct manifest_files *files, uint32_t shard, const struct sstable_info *info,
                          struct manifest_file **out_file);
/* One table less names the file; with the last it is forgotten. */
void manifest_files_let_go(struct manifest_files *files, struct manifest_file *file);
void manifest_files_deinit(struct manifest_files *files);

/* ---- manifest_sources.c ---- */

/* Positions only grow. */
void manifest_raise(struct log_position *position, struct log_position to);
/* One more source with positions at the beginning; *out_source is borrowed until the next. */
status manifest_sources_add(struct manifest_table *table, uint64_t logged_id, uint32_t shards,
                            struct manifest_source **out_source);
/* `table`, which has none, becomes a copy of `from`: the sources that it has, and its own records before the cut, less what
 * is in files already. */
status manifest_sources_copy(struct manifest_table *table, const struct manifest_table *from,
                             uint32_t pending, const struct log_position *cut, uint32_t shards);
/* Forget those that have nothing left. */
void manifest_sources_prune(struct manifest_table *table);
void manifest_sources_free(struct manifest_table *table);

/* ---- manifest_state.c ---- */

/* Room for one more item in a growing array. */
status manifest_room(void **array, uint32_t count, uint32_t *capacity, size_t item_bytes);
/* An owned copy; an empty one is {NULL, 0}. */
status manifest_bytes_copy(struct slice bytes, struct slice *out_copy);
void manifest_bytes_free(struct slice bytes);

status manifest_table_insert(struct manifest_state *state, uint64_t id, struct manifest_table **out_table);
void manifest_table_remove(struct manifest_state *state, struct manifest_table *table);
/* Name one more file. */
status manifest_table_add_file(struct manifest_table *table, struct manifest_file *file);
/* Forget every file. */
void manifest_table_clear(struct manifest_state *state, struct manifest_table *table);
void manifest_snapshot_free(struct manifest_snapshot *snapshot);

#endif
