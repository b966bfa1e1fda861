/*
 * index_build.c: fill a new index or view from the rows its table has (IDX-3).
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

static bool build_image(struct plan_run *run, const struct derived *derived, struct index_row *row,
                        struct slice image, struct batch *batch)
{
    struct buffer *live = &run->workspace->new_row;
    bool lives;
    uint64_t tombstones = 0;
    buffer_clear(live);
    status st = row_live(image, DELETION_NONE, run->now_s, live, &lives, &tombstones);
    if (ok(st))
        st = buffer_status(live);
    if (failed(st))
        return cql_refuse_status(run->error, st);
    if (!lives)
        return true;
    row->after = buffer_slice(live);
    if (!index_row_changed(run, row, derived, batch))
        return false;
    return batch->bytes.bytes < BUILD_BATCH_BYTES || build_flush(run, batch);
}

static bool build_partition(struct plan_run *run, const struct cql_table *table,
                            const struct derived *derived, struct cursor *cursor, struct batch *batch)
{
    struct index_row row = {.table = table, .key = cursor->partition.key, .is_static = true};
    if (cursor->partition.static_image.bytes &&
        !build_image(run, derived, &row, cursor->partition.static_image, batch))
        return false;
    row.is_static = false;
    status st = cursor_seek_row(cursor, (struct slice){0});
    while (ok(st) && cursor->on_row) {
        row.clustering = cursor->row.clustering;
        if (!build_image(run, derived, &row, cursor->row.image, batch))
            return false;
        st = cursor_next(cursor);
    }
    return ok(st) ? true : cql_refuse_status(run->error, st);
}

static bool build_all(struct plan_run *run, const struct cql_table *table, const struct derived *derived,
                      struct cursor *cursor, struct batch *batch)
{
    status st = cursor_next_partition(cursor);
    while (ok(st) && cursor->on_partition) {
        if (!build_partition(run, table, derived, cursor, batch))
            return false;
        arena_reset(run->scratch);
        st = cursor_next_partition(cursor);
    }
    return ok(st) ? build_flush(run, batch) : cql_refuse_status(run->error, st);
}

static bool build(const struct plan_context *context, const struct cql_table *table,
                  const struct derived *derived, struct cql_error *error)
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
    bool built = ok(st) ? build_all(&run, table, derived, cursor, &own.workspace->index_batch)
                        : cql_refuse_status(error, st);
    cursor_close(cursor);
    cql_result_deinit(&result);
    arena_deinit(&scratch);
    plan_workspace_free(temporary);
    return built;
}

bool index_build(const struct plan_context *context, const struct cql_table *table,
                 const struct cql_index *index, struct cql_error *error)
{
    return build(context, table, &(struct derived){.index = index}, error);
}

bool view_build(const struct plan_context *context, const struct cql_table *base,
                const struct cql_table *view, struct cql_error *error)
{
    return build(context, base, &(struct derived){.view = view}, error);
}
