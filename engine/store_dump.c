#include "engine/store_dump.h"

#include "engine/folder_internal.h"
#include "engine/manifest_internal.h"

static void dump_identity(struct buffer *out, const struct identity *identity)
{
    buffer_printf(out, "store ");
    for (int i = 0; i < 16; i++)
        buffer_printf(out, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", identity->uuid[i]);
    buffer_printf(out, "\n  shards        %u\n  created_us    %lld\n  checksum seed %016llx\n",
                  identity->shards, (long long)identity->created_us,
                  (unsigned long long)identity_store_id(identity));
}

static void dump_file(struct buffer *out, const struct manifest_file *file)
{
    const struct sstable_info *info = &file->info;
    buffer_printf(
        out,
        "    file %llu, shard %u: %llu bytes (%llu raw), %llu partitions, %llu rows, %llu tombstones, "
        "tokens %lld..%lld, timestamps %lld..%lld\n",
        (unsigned long long)info->file_number, file->shard, (unsigned long long)info->file_bytes,
        (unsigned long long)info->raw_bytes, (unsigned long long)info->partitions,
        (unsigned long long)info->rows, (unsigned long long)info->tombstones, (long long)info->min_token,
        (long long)info->max_token, (long long)info->min_timestamp, (long long)info->max_timestamp);
}

static void dump_floors(struct buffer *out, const struct manifest_table *table, uint32_t shards)
{
    for (uint32_t shard = 0; shard < shards; shard++) {
        for (uint32_t stream = 0; stream < shards; stream++) {
            struct log_position floor = table->floors[shard][stream];
            if (floor.segment)
                buffer_printf(out, "    shard %u: log stream %u is replayed from segment %llu, offset %llu\n",
                              shard, stream, (unsigned long long)floor.segment,
                              (unsigned long long)floor.offset);
        }
    }
}

static void dump_sources(struct buffer *out, const struct manifest_table *table, uint32_t shards)
{
    for (uint32_t i = 0; i < table->source_count; i++) {
        const struct manifest_source *source = &table->sources[i];
        for (uint32_t shard = 0; shard < shards; shard++)
            for (uint32_t stream = 0; stream < shards; stream++)
                if (log_position_compare(manifest_source_from(source, shard)[stream], source->to[stream]) < 0)
                    buffer_printf(
                        out,
                        "    shard %u: log stream %u is replayed for it as for table %llu, from segment "
                        "%llu, offset %llu to segment %llu, offset %llu\n",
                        shard, stream, (unsigned long long)source->table_id,
                        (unsigned long long)manifest_source_from(source, shard)[stream].segment,
                        (unsigned long long)manifest_source_from(source, shard)[stream].offset,
                        (unsigned long long)source->to[stream].segment,
                        (unsigned long long)source->to[stream].offset);
    }
}

static void dump_snapshot(struct buffer *out, const struct manifest_snapshot *snapshot)
{
    buffer_printf(out, "  snapshot \"%.*s\": %zu bytes of properties\n", (int)snapshot->name.bytes,
                  (const char *)snapshot->name.data, snapshot->properties.bytes);
    for (uint32_t i = 0; i < snapshot->copy_count; i++)
        buffer_printf(out, "    table %llu as table %llu\n", (unsigned long long)snapshot->copies[i].table_id,
                      (unsigned long long)snapshot->copies[i].copy_id);
}

static void dump_state(struct buffer *out, const struct manifest_state *state)
{
    buffer_printf(out, "  next file %llu, next table %llu\n", (unsigned long long)state->next_file,
                  (unsigned long long)state->next_table);
    for (uint32_t i = 0; i < state->property_count; i++)
        buffer_printf(out, "  property \"%.*s\": %zu bytes\n", (int)state->properties[i].name.bytes,
                      (const char *)state->properties[i].name.data, state->properties[i].value.bytes);
    for (uint32_t i = 0; i < state->table_count; i++) {
        const struct manifest_table *table = state->tables[i];
        buffer_printf(
            out, "  table %llu%s: %u files, %zu bytes of properties, gc_grace %lld s, zstd level %d\n",
            (unsigned long long)table->id, table->sealed ? ", a snapshot's copy" : "", table->file_count,
            table->properties.bytes, (long long)table->options.gc_grace_s, table->options.compression_level);
        if (table->foreign_upto)
            buffer_printf(out, "    files up to %llu came from another strategy\n",
                          (unsigned long long)table->foreign_upto);
        dump_floors(out, table, state->shards);
        dump_sources(out, table, state->shards);
        for (uint32_t f = 0; f < table->file_count; f++)
            dump_file(out, table->files[f]);
    }
    for (uint32_t i = 0; i < state->snapshot_count; i++)
        dump_snapshot(out, &state->snapshots[i]);
}

status store_dump(struct io_env *env, const char *folder, struct buffer *out_text)
{
    struct identity identity;
    struct manifest_state state;
    uint64_t number = 0;
    enum manifest_end end = MANIFEST_END_CLEAN;
    TRY(folder_identity(env, folder, &identity));
    dump_identity(out_text, &identity);
    manifest_state_init(&state, identity.shards);
    status st = manifest_load(env, folder, identity_store_id(&identity), &state, &number, &end);
    if (ok(st)) {
        buffer_printf(out_text, "manifest %llu%s\n", (unsigned long long)number,
                      end == MANIFEST_END_TORN ? ", its last record is torn" : "");
        dump_state(out_text, &state);
    }
    manifest_state_deinit(&state);
    return ok(st) ? buffer_status(out_text) : st;
}
