#include "engine/manifest_internal.h"

#include <stdlib.h>

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
};

/* ---- encoding ---- */

static void append_bytes(struct buffer *edit, struct slice bytes)
{
    buffer_append_varint(edit, bytes.bytes);
    buffer_append_slice(edit, bytes);
}

void edit_table(struct buffer *edit, uint64_t id, const struct store_table_options *options,
                struct slice properties)
{
    uint64_t fp_chance;
    memcpy(&fp_chance, &options->filter_fp_chance, sizeof fp_chance);
    buffer_append_u8(edit, EDIT_TABLE);
    buffer_append_varint(edit, id);
    buffer_append_varint(edit, zigzag_encode(options->gc_grace_s));
    buffer_append_varint(edit, (uint64_t)options->compaction);
    buffer_append_varint(edit, options->min_threshold);
    buffer_append_varint(edit, options->max_threshold);
    buffer_append_varint(edit, zigzag_encode(options->window_s));
    buffer_append_varint(edit, zigzag_encode(options->compression_level));
    buffer_append_varint(edit, options->block_bytes);
    buffer_append_le64(edit, fp_chance);
    append_bytes(edit, properties);
}

void edit_drop(struct buffer *edit, uint64_t id)
{
    buffer_append_u8(edit, EDIT_DROP);
    buffer_append_varint(edit, id);
}

void edit_property(struct buffer *edit, struct slice name, struct slice value)
{
    buffer_append_u8(edit, EDIT_PROPERTY);
    append_bytes(edit, name);
    append_bytes(edit, value);
}

void edit_add_file(struct buffer *edit, uint64_t id, uint32_t shard, const struct sstable_info *info)
{
    buffer_append_u8(edit, EDIT_ADD_FILE);
    buffer_append_varint(edit, id);
    buffer_append_varint(edit, shard);
    sstable_info_encode(edit, info);
}

void edit_remove_file(struct buffer *edit, uint64_t id, uint64_t file_number)
{
    buffer_append_u8(edit, EDIT_REMOVE_FILE);
    buffer_append_varint(edit, id);
    buffer_append_varint(edit, file_number);
}

void edit_truncate(struct buffer *edit, uint64_t id)
{
    buffer_append_u8(edit, EDIT_TRUNCATE);
    buffer_append_varint(edit, id);
}

void edit_floors(struct buffer *edit, uint64_t id, uint32_t shard, const struct log_position *floors,
                 uint32_t streams)
{
    buffer_append_u8(edit, EDIT_FLOORS);
    buffer_append_varint(edit, id);
    buffer_append_varint(edit, shard);
    buffer_append_varint(edit, streams);
    for (uint32_t i = 0; i < streams; i++) {
        buffer_append_varint(edit, floors[i].segment);
        buffer_append_varint(edit, floors[i].offset);
    }
}

static void edit_number(struct buffer *edit, enum edit_tag tag, uint64_t number)
{
    buffer_append_u8(edit, (uint8_t)tag);
    buffer_append_varint(edit, number);
}

void edit_next_file(struct buffer *edit, uint64_t next_file)
{
    edit_number(edit, EDIT_NEXT_FILE, next_file);
}

void edit_next_table(struct buffer *edit, uint64_t next_table)
{
    edit_number(edit, EDIT_NEXT_TABLE, next_table);
}

void edit_next_segment(struct buffer *edit, uint32_t stream, uint64_t next_segment)
{
    edit_number(edit, EDIT_NEXT_SEGMENT, stream);
    buffer_append_varint(edit, next_segment);
}

static bool floors_any(const struct log_position *floors, uint32_t streams)
{
    for (uint32_t i = 0; i < streams; i++)
        if (floors[i].segment)
            return true;
    return false;
}

void manifest_state_encode(const struct manifest_state *state, struct buffer *out_edit)
{
    edit_next_file(out_edit, state->next_file);
    edit_next_table(out_edit, state->next_table);
    for (uint32_t i = 0; i < state->shards; i++)
        edit_next_segment(out_edit, i, state->next_segments[i]);
    for (uint32_t i = 0; i < state->property_count; i++)
        edit_property(out_edit, state->properties[i].name, state->properties[i].value);
    for (uint32_t i = 0; i < state->table_count; i++) {
        const struct manifest_table *table = state->tables[i];
        edit_table(out_edit, table->id, &table->options, table->properties);
        for (uint32_t j = 0; j < table->file_count; j++)
            edit_add_file(out_edit, table->id, table->files[j].shard, &table->files[j].info);
        for (uint32_t j = 0; j < state->shards; j++)
            if (floors_any(table->floors[j], state->shards))
                edit_floors(out_edit, table->id, j, table->floors[j], state->shards);
    }
}

/* ---- the state ---- */

void manifest_state_init(struct manifest_state *state, uint32_t shards)
{
    *state = (struct manifest_state){.shards = shards, .next_file = 1, .next_table = 1};
    for (uint32_t i = 0; i < MANIFEST_SHARDS_MAX; i++)
        state->next_segments[i] = 1;
}

static void table_free(struct manifest_table *table)
{
    if (!table)
        return;
    free((void *)(uintptr_t)table->properties.data);
    free(table->files);
    free(table);
}

void manifest_state_deinit(struct manifest_state *state)
{
    for (uint32_t i = 0; i < state->table_count; i++)
        table_free(state->tables[i]);
    for (uint32_t i = 0; i < state->property_count; i++) {
        free((void *)(uintptr_t)state->properties[i].name.data);
        free((void *)(uintptr_t)state->properties[i].value.data);
    }
    free(state->tables);
    free(state->properties);
    *state = (struct manifest_state){0};
}

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

struct manifest_table *manifest_find(const struct manifest_state *state, uint64_t table_id)
{
    uint32_t at = manifest_table_above(state, table_id);
    return at > 0 && state->tables[at - 1]->id == table_id ? state->tables[at - 1] : NULL;
}

/* An owned copy; an empty one is {NULL, 0}. */
static status copy_of(struct slice bytes, struct slice *out_copy)
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

/* Room for one more item in a growing array. */
static status room_for_one(void **array, uint32_t count, uint32_t *capacity, size_t item_bytes)
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

/* ---- carrying out ---- */

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
    if (compaction > STORE_COMPACTION_NONE || level < -100 || level > 100)
        return STATUS_FAIL(STATUS_CORRUPT);
    return reader_status(in);
}

static status table_insert(struct manifest_state *state, uint64_t id, struct manifest_table **out_table)
{
    TRY(room_for_one((void **)&state->tables, state->table_count, &state->table_capacity,
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

static status apply_table(struct manifest_state *state, struct reader *in)
{
    uint64_t id = reader_varint(in);
    struct store_table_options options = {0};
    TRY(options_take(in, &options));
    struct slice properties = take_bytes(in);
    TRY(reader_status(in));
    if (id == 0 || id == UINT64_MAX)
        return STATUS_FAIL(STATUS_CORRUPT);
    struct slice copy;
    TRY(copy_of(properties, &copy));
    struct manifest_table *table = manifest_find(state, id);
    if (!table) {
        status st = table_insert(state, id, &table);
        if (failed(st)) {
            free((void *)(uintptr_t)copy.data);
            return st;
        }
    }
    free((void *)(uintptr_t)table->properties.data);
    table->properties = copy;
    table->options = options;
    return STATUS_DONE;
}

static status apply_drop(struct manifest_state *state, struct reader *in)
{
    uint64_t id = reader_varint(in);
    TRY(reader_status(in));
    struct manifest_table *table = manifest_find(state, id);
    if (!table)
        return STATUS_FAIL(STATUS_CORRUPT);
    uint32_t at = manifest_table_above(state, id) - 1;
    state->table_count--;
    memmove(state->tables + at, state->tables + at + 1, (state->table_count - at) * sizeof *state->tables);
    table_free(table);
    return STATUS_DONE;
}

static void property_remove(struct manifest_state *state, uint32_t at)
{
    free((void *)(uintptr_t)state->properties[at].name.data);
    free((void *)(uintptr_t)state->properties[at].value.data);
    state->property_count--;
    memmove(state->properties + at, state->properties + at + 1,
            (state->property_count - at) * sizeof *state->properties);
}

static status property_insert(struct manifest_state *state, uint32_t at, struct slice name,
                              struct slice value)
{
    TRY(room_for_one((void **)&state->properties, state->property_count, &state->property_capacity,
                     sizeof *state->properties));
    struct manifest_property fresh;
    TRY(copy_of(name, &fresh.name));
    status st = copy_of(value, &fresh.value);
    if (failed(st)) {
        free((void *)(uintptr_t)fresh.name.data);
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

static bool file_known(const struct manifest_state *state, uint64_t file_number)
{
    for (uint32_t i = 0; i < state->table_count; i++)
        for (uint32_t j = 0; j < state->tables[i]->file_count; j++)
            if (state->tables[i]->files[j].info.file_number == file_number)
                return true;
    return false;
}

static status apply_add_file(struct manifest_state *state, struct reader *in)
{
    struct manifest_file file = {0};
    uint64_t id = reader_varint(in);
    file.shard = take_u32(in);
    TRY(reader_status(in));
    TRY(sstable_info_decode(in, &file.info));
    struct manifest_table *table = manifest_find(state, id);
    if (!table || file.shard >= state->shards || file_known(state, file.info.file_number))
        return STATUS_FAIL(STATUS_CORRUPT);
    TRY(room_for_one((void **)&table->files, table->file_count, &table->file_capacity, sizeof *table->files));
    table->files[table->file_count++] = file;
    return STATUS_DONE;
}

static status apply_remove_file(struct manifest_state *state, struct reader *in)
{
    uint64_t id = reader_varint(in), number = reader_varint(in);
    TRY(reader_status(in));
    struct manifest_table *table = manifest_find(state, id);
    for (uint32_t i = 0; table && i < table->file_count; i++) {
        if (table->files[i].info.file_number != number)
            continue;
        table->file_count--;
        memmove(table->files + i, table->files + i + 1, (table->file_count - i) * sizeof *table->files);
        return STATUS_DONE;
    }
    return STATUS_FAIL(STATUS_CORRUPT);
}

static status apply_truncate(struct manifest_state *state, struct reader *in)
{
    uint64_t id = reader_varint(in);
    TRY(reader_status(in));
    struct manifest_table *table = manifest_find(state, id);
    if (!table)
        return STATUS_FAIL(STATUS_CORRUPT);
    table->file_count = 0;
    return STATUS_DONE;
}

static status apply_floors(struct manifest_state *state, struct reader *in)
{
    uint64_t id = reader_varint(in);
    uint32_t shard = take_u32(in), streams = take_u32(in);
    TRY(reader_status(in));
    struct manifest_table *table = manifest_find(state, id);
    if (!table || shard >= state->shards || streams != state->shards)
        return STATUS_FAIL(STATUS_CORRUPT);
    for (uint32_t i = 0; i < streams; i++) {
        struct log_position at = {.segment = reader_varint(in)};
        at.offset = reader_varint(in);
        TRY(reader_status(in));
        if (at.segment == UINT64_MAX)
            return STATUS_FAIL(STATUS_CORRUPT);
        if (log_position_compare(at, table->floors[shard][i]) > 0)
            table->floors[shard][i] = at;
        if (at.segment >= state->next_segments[i])
            state->next_segments[i] = at.segment + 1;
    }
    return STATUS_DONE;
}

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
