/*
 * index_build.c: fill a new index from the rows its table has (IDX-3).
 */
#include "cql/index_internal.h"

enum {
    BUILD_BATCH_BYTES = 1 << 20,
};

static bool build_flush(struct plan_run *run, struct batch *batch)
{
    bool applied = index_apply_batch(run, batch);
    batch_clear(batch);
    return applied;
}

static bool build_row(struct plan_run *run, const struct cql_index *index, const struct cursor *cursor,
                      struct batch *batch)
{
    struct buffer *live = &run->workspace->new_row;
    struct index_row row = {.table = index->table,
                            .key = cursor->partition.key,
                            .clustering = cursor->row.clustering,
                            .cover = DELETION_NONE};
    bool lives;
    uint64_t tombstones = 0;
    buffer_clear(live);
    status st = row_live(cursor->row.image, DELETION_NONE, run->now_s, live, &lives, &tombstones);
    if (ok(st))
        st = buffer_status(live);
    if (failed(st))
        return cql_refuse_status(run->error, st);
    if (!lives)
        return true;
    row.after = buffer_slice(live);
    if (!index_row_changed(run, &row, index, batch))
        return false;
    return batch->bytes.bytes < BUILD_BATCH_BYTES || build_flush(run, batch);
}

static bool build_all(struct plan_run *run, const struct cql_index *index, struct cursor *cursor,
                      struct batch *batch)
{
    status st = cursor_next_partition(cursor);
    while (ok(st) && cursor->on_partition) {
        st = cursor_seek_row(cursor, (struct slice){0});
        while (ok(st) && cursor->on_row) {
            if (!build_row(run, index, cursor, batch))
                return false;
            st = cursor_next(cursor);
        }
        arena_reset(run->scratch);
        if (ok(st))
            st = cursor_next_partition(cursor);
    }
    return ok(st) ? build_flush(run, batch) : cql_refuse_status(run->error, st);
}

bool index_build(const struct plan_context *context, const struct cql_table *table,
                 const struct cql_index *index, struct cql_error *error)
{
    struct plan_context own = *context;
    struct plan_workspace *temporary = own.workspace ? NULL : plan_workspace_new();
    struct cql_result result = {0};
    struct cql_params params = {0};
    struct arena scratch = {0};
    struct cursor *cursor = NULL;
    if (temporary)
        own.workspace = temporary;
    if (!own.workspace)
        return cql_refuse_status(error, STATUS_FAIL(STATUS_NOMEM));
    own.deferred = false;
    struct plan_run run = plan_run_of(NULL, &own, &params, &scratch, &result, error);
    struct store_read read = {.table_id = table->store_id};
    status st = store_cursor_open(own.store, &read, NULL, &cursor);
    batch_clear(&own.workspace->index_batch);
    bool built =
        ok(st) ? build_all(&run, index, cursor, &own.workspace->index_batch) : cql_refuse_status(error, st);
    cursor_close(cursor);
    cql_result_deinit(&result);
    arena_deinit(&scratch);
    plan_workspace_free(temporary);
    return built;
}
