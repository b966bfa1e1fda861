/* manifest_sources.c: log records that a table took over unflushed. docs/formats/manifest.md */
#include <stdlib.h>

#include "engine/manifest_parts_internal.h"

void manifest_raise(struct log_position *position, struct log_position to)
{
    if (log_position_compare(to, *position) > 0)
        *position = to;
}

status manifest_sources_add(struct manifest_table *table, uint64_t logged_id, uint32_t shards,
                            struct manifest_source **out_source)
{
    struct manifest_source *grown =
        realloc(table->sources, (table->source_count + (size_t)1) * sizeof *grown);
    if (!grown)
        return STATUS_FAIL(STATUS_NOMEM);
    table->sources = grown;
    struct manifest_source source = {.table_id = logged_id, .shards = shards};
    source.to = calloc((size_t)shards * (1 + (size_t)shards), sizeof *source.to);
    if (!source.to)
        return STATUS_FAIL(STATUS_NOMEM);
    grown[table->source_count] = source;
    *out_source = &grown[table->source_count++];
    return STATUS_DONE;
}

static bool is_empty(const struct manifest_source *source)
{
    for (uint32_t i = 0; i < source->shards; i++)
        for (uint32_t j = 0; j < source->shards; j++)
            if (log_position_compare(manifest_source_from(source, i)[j], source->to[j]) < 0)
                return false;
    return true;
}

void manifest_sources_prune(struct manifest_table *table)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < table->source_count; i++) {
        if (is_empty(&table->sources[i]))
            free(table->sources[i].to);
        else
            table->sources[kept++] = table->sources[i];
    }
    table->source_count = kept;
}

void manifest_sources_free(struct manifest_table *table)
{
    for (uint32_t i = 0; i < table->source_count; i++)
        free(table->sources[i].to);
    free(table->sources);
    table->sources = NULL;
    table->source_count = 0;
}

/* A source ends at the cut at the latest; shards that are not pending have all of it in files. */
static void source_cut(struct manifest_source *source, uint32_t pending, const struct log_position *cut)
{
    for (uint32_t i = 0; i < source->shards; i++)
        if (log_position_compare(cut[i], source->to[i]) < 0)
            source->to[i] = cut[i];
    for (uint32_t i = 0; i < source->shards; i++)
        if (!(pending >> i & 1))
            memcpy(manifest_source_from(source, i), source->to, source->shards * sizeof *source->to);
}

status manifest_sources_copy(struct manifest_table *table, const struct manifest_table *from,
                             uint32_t pending, const struct log_position *cut, uint32_t shards)
{
    struct manifest_source *source;
    if (!pending)
        return STATUS_DONE;
    for (uint32_t i = 0; i < from->source_count; i++) {
        TRY(manifest_sources_add(table, from->sources[i].table_id, shards, &source));
        memcpy(source->to, from->sources[i].to, (size_t)shards * (1 + (size_t)shards) * sizeof *source->to);
        source_cut(source, pending, cut);
    }
    if (!from->sealed) {
        TRY(manifest_sources_add(table, from->id, shards, &source));
        memcpy(source->to, cut, shards * sizeof *cut);
        for (uint32_t i = 0; i < shards; i++)
            memcpy(manifest_source_from(source, i), from->floors[i], shards * sizeof *cut);
        source_cut(source, pending, cut);
    }
    manifest_sources_prune(table);
    return STATUS_DONE;
}
