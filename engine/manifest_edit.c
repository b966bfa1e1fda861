/* manifest_edit.c: edits as bytes. docs/formats/manifest.md */
#include "engine/manifest_parts_internal.h"
#include "engine/tuning_internal.h"

static void append_bytes(struct buffer *edit, struct slice bytes)
{
    buffer_append_varint(edit, bytes.bytes);
    buffer_append_slice(edit, bytes);
}

static void append_positions(struct buffer *edit, const struct log_position *positions, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        buffer_append_varint(edit, positions[i].segment);
        buffer_append_varint(edit, positions[i].offset);
    }
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
    tuning_encode(edit, &options->tuning);
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

void edit_share_file(struct buffer *edit, uint64_t id, uint64_t file_number)
{
    buffer_append_u8(edit, EDIT_SHARE_FILE);
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
    append_positions(edit, floors, streams);
}

void edit_copy(struct buffer *edit, uint64_t id, uint64_t source_id, bool whole, uint32_t pending,
               const struct log_position *cut, uint32_t streams)
{
    buffer_append_u8(edit, EDIT_COPY);
    buffer_append_varint(edit, id);
    buffer_append_varint(edit, source_id);
    buffer_append_varint(edit, whole ? COPY_WHOLE : 0);
    buffer_append_varint(edit, pending);
    buffer_append_varint(edit, streams);
    append_positions(edit, cut, streams);
}

static void edit_foreign(struct buffer *edit, uint64_t id, uint64_t upto)
{
    buffer_append_u8(edit, EDIT_FOREIGN);
    buffer_append_varint(edit, id);
    buffer_append_varint(edit, upto);
}

static void edit_source(struct buffer *edit, uint64_t id, const struct manifest_source *source,
                        uint32_t streams)
{
    buffer_append_u8(edit, EDIT_SOURCE);
    buffer_append_varint(edit, id);
    buffer_append_varint(edit, source->table_id);
    buffer_append_varint(edit, streams);
    append_positions(edit, source->to, streams);
    for (uint32_t i = 0; i < streams; i++)
        append_positions(edit, manifest_source_from(source, i), streams);
}

void edit_snapshot(struct buffer *edit, const struct manifest_snapshot *snapshot)
{
    buffer_append_u8(edit, EDIT_SNAPSHOT);
    append_bytes(edit, snapshot->name);
    buffer_append_varint(edit, zigzag_encode(snapshot->created_us));
    append_bytes(edit, snapshot->properties);
    buffer_append_varint(edit, snapshot->copy_count);
    for (uint32_t i = 0; i < snapshot->copy_count; i++) {
        buffer_append_varint(edit, snapshot->copies[i].table_id);
        buffer_append_varint(edit, snapshot->copies[i].copy_id);
    }
}

void edit_snapshot_drop(struct buffer *edit, struct slice name)
{
    buffer_append_u8(edit, EDIT_SNAPSHOT_DROP);
    append_bytes(edit, name);
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

static void encode_files(const struct manifest_table *table, struct buffer *out_edit)
{
    for (uint32_t i = 0; i < table->file_count; i++) {
        struct manifest_file *file = table->files[i];
        if (file->encoded)
            edit_share_file(out_edit, table->id, file->info.file_number);
        else
            edit_add_file(out_edit, table->id, file->shard, &file->info);
        file->encoded = true;
    }
}

/* The mark of foreign files goes with the last of them. */
static bool has_foreign(const struct manifest_table *table)
{
    for (uint32_t i = 0; i < table->file_count; i++)
        if (table->files[i]->info.file_number <= table->foreign_upto)
            return true;
    return false;
}

uint32_t manifest_state_features(const struct manifest_state *state)
{
    for (uint32_t i = 0; i < state->table_count; i++)
        if (has_foreign(state->tables[i]))
            return MANIFEST_FEATURE_FOREIGN;
    return 0;
}

static void encode_table(const struct manifest_table *table, uint32_t shards, struct buffer *out_edit)
{
    edit_table(out_edit, table->id, &table->options, table->properties);
    encode_files(table, out_edit);
    if (has_foreign(table))
        edit_foreign(out_edit, table->id, table->foreign_upto);
    /* Floors come first: they would be floors for the sources as well. */
    for (uint32_t i = 0; i < shards; i++)
        if (floors_any(table->floors[i], shards))
            edit_floors(out_edit, table->id, i, table->floors[i], shards);
    for (uint32_t i = 0; i < table->source_count; i++)
        edit_source(out_edit, table->id, &table->sources[i], shards);
}

void manifest_state_encode(const struct manifest_state *state, struct buffer *out_edit)
{
    edit_next_file(out_edit, state->next_file);
    edit_next_table(out_edit, state->next_table);
    for (uint32_t i = 0; i < state->shards; i++)
        edit_next_segment(out_edit, i, state->next_segments[i]);
    for (uint32_t i = 0; i < state->property_count; i++)
        edit_property(out_edit, state->properties[i].name, state->properties[i].value);
    for (uint32_t i = 0; i < state->files.slot_count; i++)
        if (state->files.slots[i])
            state->files.slots[i]->encoded = false;
    for (uint32_t i = 0; i < state->table_count; i++)
        encode_table(state->tables[i], state->shards, out_edit);
    for (uint32_t i = 0; i < state->snapshot_count; i++)
        edit_snapshot(out_edit, &state->snapshots[i]);
}
