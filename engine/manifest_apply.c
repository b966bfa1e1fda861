/* manifest_apply.c: carry out an edit on a state. Bytes come from disk: nothing in them is believed. */
#include <stdlib.h>

#include "engine/manifest_parts_internal.h"
#include "engine/tuning_internal.h"

static struct slice take_bytes(struct reader *in)
{
    uint64_t bytes = reader_varint(in);
    if (bytes > reader_left(in)) {
        in->failed = true;
        return (struct slice){0};
    }
    return reader_take(in, (size_t)bytes);
}

static uint32_t take_u32(struct reader *in)
{
    uint64_t value = reader_varint(in);
    if (value > UINT32_MAX)
        in->failed = true;
    return (uint32_t)value;
}

/* A position of each stream. Its segment was given out by then. */
static status take_positions(struct manifest_state *state, struct reader *in, struct log_position *out)
{
    for (uint32_t i = 0; i < state->shards; i++) {
        out[i].segment = reader_varint(in);
        out[i].offset = reader_varint(in);
        TRY(reader_status(in));
        if (out[i].segment == UINT64_MAX)
            return STATUS_FAIL(STATUS_CORRUPT);
        if (out[i].segment >= state->next_segments[i])
            state->next_segments[i] = out[i].segment + 1;
    }
    return STATUS_DONE;
}

static status options_take(struct reader *in, struct store_table_options *out)
{
    out->gc_grace_s = zigzag_decode(reader_varint(in));
    uint32_t compaction = take_u32(in);
    out->compaction = (enum store_compaction)compaction;
    out->min_threshold = take_u32(in);
    out->max_threshold = take_u32(in);
    out->window_s = zigzag_decode(reader_varint(in));
    int64_t level = zigzag_decode(reader_varint(in));
    out->compression_level = (int)level;
    out->block_bytes = take_u32(in);
    uint64_t fp_chance = reader_le64(in);
    memcpy(&out->filter_fp_chance, &fp_chance, sizeof fp_chance);
    TRY(tuning_decode(in, &out->tuning));
    if (compaction > STORE_COMPACTION_UNIFIED || level < -100 || level > 100)
        return STATUS_FAIL(STATUS_CORRUPT);
    return reader_status(in);
}

/* ---- tables and properties ---- */

static status apply_table(struct manifest_state *state, struct reader *in)
{
    uint64_t id = reader_varint(in);
    struct store_table_options options = {0};
    TRY(options_take(in, &options));
    struct slice properties = take_bytes(in), copy;
    TRY(reader_status(in));
    if (id == 0 || id == UINT64_MAX)
        return STATUS_FAIL(STATUS_CORRUPT);
    struct manifest_table *table = manifest_find(state, id);
    TRY(manifest_bytes_copy(properties, &copy));
    status st = table ? STATUS_DONE : manifest_table_insert(state, id, &table);
    if (failed(st)) {
        manifest_bytes_free(copy);
        return st;
    }
    manifest_bytes_free(table->properties);
    table->properties = copy;
    table->options = options;
    return STATUS_DONE;
}

static status apply_drop(struct manifest_state *state, struct reader *in)
{
    uint64_t id = reader_varint(in);
    TRY(reader_status(in));
    struct manifest_table *table = manifest_find(state, id);
    if (!table || table->sealed)
        return STATUS_FAIL(STATUS_CORRUPT);
    manifest_table_remove(state, table);
    return STATUS_DONE;
}

static void property_remove(struct manifest_state *state, uint32_t at)
{
    manifest_bytes_free(state->properties[at].name);
    manifest_bytes_free(state->properties[at].value);
    state->property_count--;
    memmove(state->properties + at, state->properties + at + 1,
            (state->property_count - at) * sizeof *state->properties);
}

static status property_insert(struct manifest_state *state, uint32_t at, struct slice name,
                              struct slice value)
{
    TRY(manifest_room((void **)&state->properties, state->property_count, &state->property_capacity,
                      sizeof *state->properties));
    struct manifest_property fresh;
    TRY(manifest_bytes_copy(name, &fresh.name));
    status st = manifest_bytes_copy(value, &fresh.value);
    if (failed(st)) {
        manifest_bytes_free(fresh.name);
        return st;
    }
    memmove(state->properties + at + 1, state->properties + at,
            (state->property_count - at) * sizeof *state->properties);
    state->properties[at] = fresh;
    state->property_count++;
    return STATUS_DONE;
}

static status apply_property(struct manifest_state *state, struct reader *in)
{
    struct slice name = take_bytes(in);
    struct slice value = take_bytes(in);
    TRY(reader_status(in));
    if (name.bytes == 0)
        return STATUS_FAIL(STATUS_CORRUPT);
    uint32_t above = manifest_property_above(state, name);
    bool found = above > 0 && slice_equal(state->properties[above - 1].name, name);
    if (found) {
        above--;
        property_remove(state, above);
    }
    return value.bytes ? property_insert(state, above, name, value) : STATUS_DONE;
}

/* ---- files ---- */

static status apply_add_file(struct manifest_state *state, struct reader *in)
{
    uint64_t id = reader_varint(in);
    uint32_t shard = take_u32(in);
    struct sstable_info info = {0};
    struct manifest_file *file;
    TRY(reader_status(in));
    TRY(sstable_info_decode(in, &info));
    struct manifest_table *table = manifest_find(state, id);
    if (!table || shard >= state->shards || manifest_file_named(state, info.file_number))
        return STATUS_FAIL(STATUS_CORRUPT);
    TRY(manifest_room((void **)&table->files, table->file_count, &table->file_capacity,
                      sizeof *table->files));
    TRY(manifest_files_add(&state->files, shard, &info, &file));
    return manifest_table_add_file(table, file);
}

static uint32_t file_index(const struct manifest_table *table, uint64_t number)
{
    uint32_t at = 0;
    while (at < table->file_count && table->files[at]->info.file_number != number)
        at++;
    return at;
}

static status apply_share_file(struct manifest_state *state, struct reader *in)
{
    uint64_t id = reader_varint(in), number = reader_varint(in);
    TRY(reader_status(in));
    struct manifest_table *table = manifest_find(state, id);
    struct manifest_file *file = manifest_files_find(&state->files, number);
    if (!table || !file || file_index(table, number) < table->file_count)
        return STATUS_FAIL(STATUS_CORRUPT);
    return manifest_table_add_file(table, file);
}

static status apply_remove_file(struct manifest_state *state, struct reader *in)
{
    uint64_t id = reader_varint(in), number = reader_varint(in);
    TRY(reader_status(in));
    struct manifest_table *table = manifest_find(state, id);
    uint32_t at = table ? file_index(table, number) : 0;
    if (!table || at == table->file_count)
        return STATUS_FAIL(STATUS_CORRUPT);
    manifest_files_let_go(&state->files, table->files[at]);
    table->file_count--;
    memmove(table->files + at, table->files + at + 1, (table->file_count - at) * sizeof *table->files);
    return STATUS_DONE;
}

static status apply_truncate(struct manifest_state *state, struct reader *in)
{
    uint64_t id = reader_varint(in);
    TRY(reader_status(in));
    struct manifest_table *table = manifest_find(state, id);
    if (!table || table->sealed)
        return STATUS_FAIL(STATUS_CORRUPT);
    manifest_table_clear(state, table);
    manifest_sources_free(table);
    table->foreign_upto = 0;
    return STATUS_DONE;
}

/* ---- log records ---- */

/* What the table has of records before these positions is in its files, whoever they were logged for. */
static status apply_floors(struct manifest_state *state, struct reader *in)
{
    struct log_position floors[MANIFEST_SHARDS_MAX];
    uint64_t id = reader_varint(in);
    uint32_t shard = take_u32(in), streams = take_u32(in);
    TRY(reader_status(in));
    struct manifest_table *table = manifest_find(state, id);
    if (!table || shard >= state->shards || streams != state->shards)
        return STATUS_FAIL(STATUS_CORRUPT);
    TRY(take_positions(state, in, floors));
    for (uint32_t i = 0; i < streams; i++) {
        manifest_raise(&table->floors[shard][i], floors[i]);
        for (uint32_t j = 0; j < table->source_count; j++)
            manifest_raise(&manifest_source_from(&table->sources[j], shard)[i], floors[i]);
    }
    manifest_sources_prune(table);
    return STATUS_DONE;
}

static status source_read(struct manifest_state *state, struct reader *in, struct manifest_source *source)
{
    TRY(take_positions(state, in, source->to));
    for (uint32_t i = 0; i < state->shards; i++)
        TRY(take_positions(state, in, manifest_source_from(source, i)));
    return STATUS_DONE;
}

static status apply_source(struct manifest_state *state, struct reader *in)
{
    uint64_t id = reader_varint(in), logged_id = reader_varint(in);
    uint32_t streams = take_u32(in);
    TRY(reader_status(in));
    struct manifest_table *table = manifest_find(state, id);
    struct manifest_source *source;
    if (!table || streams != state->shards)
        return STATUS_FAIL(STATUS_CORRUPT);
    TRY(manifest_sources_add(table, logged_id, state->shards, &source));
    return source_read(state, in, source);
}

/* ---- copies ---- */

static status apply_foreign(struct manifest_state *state, struct reader *in)
{
    uint64_t id = reader_varint(in), upto = reader_varint(in);
    TRY(reader_status(in));
    struct manifest_table *table = manifest_find(state, id);
    if (!table)
        return STATUS_FAIL(STATUS_CORRUPT);
    table->foreign_upto = upto;
    return STATUS_DONE;
}

static bool is_compacted_alike(const struct store_table_options *a, const struct store_table_options *b)
{
    return a->compaction == b->compaction && a->window_s == b->window_s &&
           a->tuning.sstable_bytes == b->tuning.sstable_bytes && a->tuning.fanout == b->tuning.fanout;
}

/* Files that stand where another strategy has put them stay foreign; under another one, all do. */
static uint64_t foreign_of_copy(const struct manifest_table *table, const struct manifest_table *from)
{
    if (is_compacted_alike(&table->options, &from->options))
        return from->foreign_upto;
    uint64_t greatest = 0;
    for (uint32_t i = 0; i < from->file_count; i++)
        if (from->files[i]->info.file_number > greatest)
            greatest = from->files[i]->info.file_number;
    return greatest;
}

static status take_over_whole(struct manifest_table *table, const struct manifest_table *from)
{
    struct slice properties;
    TRY(manifest_bytes_copy(from->properties, &properties));
    manifest_bytes_free(table->properties);
    table->properties = properties;
    table->options = from->options;
    return STATUS_DONE;
}

static status take_over(struct manifest_state *state, struct manifest_table *table,
                        const struct manifest_table *from, uint32_t pending, const struct log_position *cut)
{
    /* Files that both have must not be forgotten in between. */
    struct manifest_table old = *table;
    table->files = NULL;
    table->file_count = table->file_capacity = 0;
    table->sources = NULL;
    table->source_count = 0;
    status st = manifest_sources_copy(table, from, pending, cut, state->shards);
    for (uint32_t i = 0; ok(st) && i < from->file_count; i++)
        st = manifest_table_add_file(table, from->files[i]);
    table->foreign_upto = foreign_of_copy(table, from);
    manifest_table_clear(state, &old);
    free(old.files);
    manifest_sources_free(&old);
    for (uint32_t i = 0; i < state->shards; i++)
        for (uint32_t j = 0; j < state->shards; j++)
            manifest_raise(&table->floors[i][j], cut[j]);
    return st;
}

static status apply_copy(struct manifest_state *state, struct reader *in)
{
    struct log_position cut[MANIFEST_SHARDS_MAX] = {{0}};
    uint64_t id = reader_varint(in), source_id = reader_varint(in), flags = reader_varint(in);
    uint32_t pending = take_u32(in), streams = take_u32(in);
    TRY(reader_status(in));
    const struct manifest_table *from = manifest_find(state, source_id);
    struct manifest_table *table = manifest_find(state, id);
    if (!from || from == table || flags > COPY_WHOLE || streams != state->shards || id == 0 ||
        id == UINT64_MAX || (!table && !(flags & COPY_WHOLE)) || (table && table->sealed))
        return STATUS_FAIL(STATUS_CORRUPT);
    TRY(take_positions(state, in, cut));
    if (!table)
        TRY(manifest_table_insert(state, id, &table));
    if (flags & COPY_WHOLE)
        TRY(take_over_whole(table, from));
    return take_over(state, table, from, pending, cut);
}

/* ---- snapshots ---- */

static status copies_take(struct manifest_state *state, struct reader *in, struct manifest_snapshot *snapshot)
{
    uint64_t count = reader_varint(in);
    TRY(reader_status(in));
    if (count > reader_left(in) / 2)
        return STATUS_FAIL(STATUS_CORRUPT);
    snapshot->copies = calloc(count ? (size_t)count : 1, sizeof *snapshot->copies);
    if (!snapshot->copies)
        return STATUS_FAIL(STATUS_NOMEM);
    for (; snapshot->copy_count < count; snapshot->copy_count++) {
        struct manifest_copy *copy = &snapshot->copies[snapshot->copy_count];
        copy->table_id = reader_varint(in);
        copy->copy_id = reader_varint(in);
        struct manifest_table *table = manifest_find(state, copy->copy_id);
        if (in->failed || !table || table->sealed)
            return STATUS_FAIL(STATUS_CORRUPT);
        table->sealed = true;
    }
    return STATUS_DONE;
}

static status snapshot_insert(struct manifest_state *state, const struct manifest_snapshot *snapshot)
{
    TRY(manifest_room((void **)&state->snapshots, state->snapshot_count, &state->snapshot_capacity,
                      sizeof *state->snapshots));
    uint32_t at = manifest_snapshot_above(state, snapshot->name);
    memmove(state->snapshots + at + 1, state->snapshots + at,
            (state->snapshot_count - at) * sizeof *state->snapshots);
    state->snapshots[at] = *snapshot;
    state->snapshot_count++;
    return STATUS_DONE;
}

static status apply_snapshot(struct manifest_state *state, struct reader *in)
{
    struct manifest_snapshot snapshot = {0};
    struct slice name = take_bytes(in);
    snapshot.created_us = zigzag_decode(reader_varint(in));
    struct slice properties = take_bytes(in);
    TRY(reader_status(in));
    if (name.bytes == 0 || manifest_find_snapshot(state, name))
        return STATUS_FAIL(STATUS_CORRUPT);
    status st = manifest_bytes_copy(name, &snapshot.name);
    if (ok(st))
        st = manifest_bytes_copy(properties, &snapshot.properties);
    if (ok(st))
        st = copies_take(state, in, &snapshot);
    if (ok(st))
        st = snapshot_insert(state, &snapshot);
    if (failed(st))
        manifest_snapshot_free(&snapshot);
    return st;
}

static status apply_snapshot_drop(struct manifest_state *state, struct reader *in)
{
    struct slice name = take_bytes(in);
    TRY(reader_status(in));
    struct manifest_snapshot *snapshot = manifest_find_snapshot(state, name);
    if (!snapshot)
        return STATUS_FAIL(STATUS_CORRUPT);
    for (uint32_t i = 0; i < snapshot->copy_count; i++)
        manifest_table_remove(state, manifest_find(state, snapshot->copies[i].copy_id));
    manifest_snapshot_free(snapshot);
    state->snapshot_count--;
    size_t behind = state->snapshot_count - (size_t)(snapshot - state->snapshots);
    memmove(snapshot, snapshot + 1, behind * sizeof *snapshot);
    return STATUS_DONE;
}

/* ---- numbers ---- */

/* Numbers only grow. */
static status apply_number(struct reader *in, uint64_t *number)
{
    uint64_t value = reader_varint(in);
    TRY(reader_status(in));
    if (value > *number)
        *number = value;
    return STATUS_DONE;
}

static status apply_next_file(struct manifest_state *state, struct reader *in)
{
    return apply_number(in, &state->next_file);
}

static status apply_next_table(struct manifest_state *state, struct reader *in)
{
    return apply_number(in, &state->next_table);
}

static status apply_next_segment(struct manifest_state *state, struct reader *in)
{
    uint32_t stream = take_u32(in);
    if (in->failed || stream >= state->shards)
        return STATUS_FAIL(STATUS_CORRUPT);
    return apply_number(in, &state->next_segments[stream]);
}

static status (*const appliers[])(struct manifest_state *state, struct reader *in) = {
    [EDIT_TABLE] = apply_table,
    [EDIT_DROP] = apply_drop,
    [EDIT_PROPERTY] = apply_property,
    [EDIT_ADD_FILE] = apply_add_file,
    [EDIT_REMOVE_FILE] = apply_remove_file,
    [EDIT_FLOORS] = apply_floors,
    [EDIT_NEXT_FILE] = apply_next_file,
    [EDIT_NEXT_TABLE] = apply_next_table,
    [EDIT_NEXT_SEGMENT] = apply_next_segment,
    [EDIT_TRUNCATE] = apply_truncate,
    [EDIT_SHARE_FILE] = apply_share_file,
    [EDIT_COPY] = apply_copy,
    [EDIT_SOURCE] = apply_source,
    [EDIT_SNAPSHOT] = apply_snapshot,
    [EDIT_SNAPSHOT_DROP] = apply_snapshot_drop,
    [EDIT_FOREIGN] = apply_foreign,
};

status manifest_state_apply(struct manifest_state *state, struct slice edit)
{
    struct reader in = reader_of(edit);
    while (reader_left(&in)) {
        uint8_t tag = reader_u8(&in);
        if (tag >= ARRAY_LEN(appliers) || !appliers[tag])
            return STATUS_FAIL(STATUS_CORRUPT);
        TRY(appliers[tag](state, &in));
    }
    return STATUS_DONE;
}
