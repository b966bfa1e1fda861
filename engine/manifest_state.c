#include <stdlib.h>

#include "engine/manifest_parts_internal.h"

void manifest_state_init(struct manifest_state *state, uint32_t shards)
{
    *state = (struct manifest_state){.shards = shards, .next_file = 1, .next_table = 1};
    for (uint32_t i = 0; i < MANIFEST_SHARDS_MAX; i++)
        state->next_segments[i] = 1;
}

static void table_free(struct manifest_table *table)
{
    manifest_bytes_free(table->properties);
    free(table->files);
    manifest_sources_free(table);
    free(table);
}

void manifest_snapshot_free(struct manifest_snapshot *snapshot)
{
    manifest_bytes_free(snapshot->name);
    manifest_bytes_free(snapshot->properties);
    free(snapshot->copies);
}

void manifest_state_deinit(struct manifest_state *state)
{
    for (uint32_t i = 0; i < state->table_count; i++)
        table_free(state->tables[i]);
    for (uint32_t i = 0; i < state->property_count; i++) {
        manifest_bytes_free(state->properties[i].name);
        manifest_bytes_free(state->properties[i].value);
    }
    for (uint32_t i = 0; i < state->snapshot_count; i++)
        manifest_snapshot_free(&state->snapshots[i]);
    manifest_files_deinit(&state->files);
    free(state->tables);
    free(state->properties);
    free(state->snapshots);
    *state = (struct manifest_state){0};
}

/* ---- looking up ---- */

uint32_t manifest_table_above(const struct manifest_state *state, uint64_t above)
{
    uint32_t low = 0, high = state->table_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (state->tables[middle]->id > above)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

uint32_t manifest_property_above(const struct manifest_state *state, struct slice above)
{
    uint32_t low = 0, high = state->property_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (slice_compare(state->properties[middle].name, above) > 0)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

uint32_t manifest_snapshot_above(const struct manifest_state *state, struct slice above)
{
    uint32_t low = 0, high = state->snapshot_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (slice_compare(state->snapshots[middle].name, above) > 0)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

struct manifest_table *manifest_find(const struct manifest_state *state, uint64_t table_id)
{
    uint32_t at = manifest_table_above(state, table_id);
    return at > 0 && state->tables[at - 1]->id == table_id ? state->tables[at - 1] : NULL;
}

struct manifest_snapshot *manifest_find_snapshot(const struct manifest_state *state, struct slice name)
{
    uint32_t at = manifest_snapshot_above(state, name);
    return at > 0 && slice_equal(state->snapshots[at - 1].name, name) ? &state->snapshots[at - 1] : NULL;
}

bool manifest_file_named(const struct manifest_state *state, uint64_t file_number)
{
    return manifest_files_find(&state->files, file_number) != NULL;
}

bool manifest_table_wants(const struct manifest_table *table, uint64_t source_id, uint32_t shard,
                          uint32_t stream, struct log_position begin)
{
    if (table->id == source_id && log_position_compare(begin, table->floors[shard][stream]) >= 0)
        return true;
    for (uint32_t i = 0; i < table->source_count; i++) {
        const struct manifest_source *source = &table->sources[i];
        if (source->table_id == source_id && log_position_compare(begin, source->to[stream]) < 0 &&
            log_position_compare(begin, manifest_source_from(source, shard)[stream]) >= 0)
            return true;
    }
    return false;
}

/* ---- changing ---- */

status manifest_bytes_copy(struct slice bytes, struct slice *out_copy)
{
    uint8_t *copy = NULL;
    if (bytes.bytes) {
        copy = malloc(bytes.bytes);
        if (!copy)
            return STATUS_FAIL(STATUS_NOMEM);
        memcpy(copy, bytes.data, bytes.bytes);
    }
    *out_copy = slice_of(copy, bytes.bytes);
    return STATUS_DONE;
}

void manifest_bytes_free(struct slice bytes)
{
    free((void *)(uintptr_t)bytes.data);
}

status manifest_room(void **array, uint32_t count, uint32_t *capacity, size_t item_bytes)
{
    if (count < *capacity)
        return STATUS_DONE;
    uint32_t wanted = *capacity ? *capacity * 2 : 4;
    void *grown = realloc(*array, wanted * item_bytes);
    if (!grown)
        return STATUS_FAIL(STATUS_NOMEM);
    *array = grown;
    *capacity = wanted;
    return STATUS_DONE;
}

status manifest_table_insert(struct manifest_state *state, uint64_t id, struct manifest_table **out_table)
{
    TRY(manifest_room((void **)&state->tables, state->table_count, &state->table_capacity,
                      sizeof *state->tables));
    struct manifest_table *table = calloc(1, sizeof *table);
    if (!table)
        return STATUS_FAIL(STATUS_NOMEM);
    table->id = id;
    uint32_t at = manifest_table_above(state, id);
    memmove(state->tables + at + 1, state->tables + at, (state->table_count - at) * sizeof *state->tables);
    state->tables[at] = table;
    state->table_count++;
    if (id >= state->next_table)
        state->next_table = id + 1;
    *out_table = table;
    return STATUS_DONE;
}

void manifest_table_remove(struct manifest_state *state, struct manifest_table *table)
{
    uint32_t at = manifest_table_above(state, table->id) - 1;
    manifest_table_clear(state, table);
    state->table_count--;
    memmove(state->tables + at, state->tables + at + 1, (state->table_count - at) * sizeof *state->tables);
    table_free(table);
}

status manifest_table_add_file(struct manifest_table *table, struct manifest_file *file)
{
    TRY(manifest_room((void **)&table->files, table->file_count, &table->file_capacity,
                      sizeof *table->files));
    table->files[table->file_count++] = file;
    file->tables++;
    return STATUS_DONE;
}

void manifest_table_clear(struct manifest_state *state, struct manifest_table *table)
{
    for (uint32_t i = 0; i < table->file_count; i++)
        manifest_files_let_go(&state->files, table->files[i]);
    table->file_count = 0;
}
