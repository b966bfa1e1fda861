/* catalog_index.c: the indexes of a table, as the schema has them. */
#include <string.h>

#include "cql/catalog_internal.h"

const struct cql_index *table_index_on(const struct cql_table *table, const struct cql_column *column)
{
    for (uint32_t i = 0; i < table->index_count; i++)
        if (table->indexes[i]->column == column)
            return table->indexes[i];
    return NULL;
}

const struct cql_index *catalog_index(const struct catalog *catalog, const char *keyspace, const char *name)
{
    const struct cql_keyspace *space = catalog_keyspace(catalog, keyspace);
    if (!space)
        return NULL;
    for (uint32_t i = 0; i < space->table_count; i++) {
        const struct cql_table *table = space->tables[i];
        for (uint32_t j = 0; j < table->index_count; j++)
            if (strcmp(table->indexes[j]->name, name) == 0)
                return table->indexes[j];
    }
    return NULL;
}

/* Until the table is sealed an index knows its column by name only: `target` is kept beside it. */
struct named_index {
    struct cql_index index;
    const char *target;
};

static struct named_index *index_at(const struct cql_table *table, uint32_t i)
{
    return (struct named_index *)(uintptr_t)table->indexes[i];
}

status table_add_index(struct cql_table *table, const struct cql_index *index, const char *column)
{
    void *grown = arena_grow(&table->arena, (const void *)table->indexes, table->index_count,
                             &table->index_capacity, sizeof *table->indexes);
    if (!grown)
        return STATUS_FAIL(STATUS_NOMEM);
    table->indexes = grown;
    struct named_index *added = arena_calloc(&table->arena, 1, sizeof *added);
    if (!added)
        return STATUS_FAIL(STATUS_NOMEM);
    added->index = *index;
    added->index.name = arena_text(&table->arena, slice_text(index->name));
    added->index.table = table;
    added->index.column = NULL;
    if (index->custom_class)
        added->index.custom_class = arena_text(&table->arena, slice_text(index->custom_class));
    TRY(option_map_copy(&table->arena, &index->options, &added->index.options));
    added->target = arena_text(&table->arena, slice_text(column));
    if (!added->index.name || !added->target || (index->custom_class && !added->index.custom_class))
        return STATUS_FAIL(STATUS_NOMEM);
    uint32_t at = table->index_count++;
    for (; at > 0 && strcmp(table->indexes[at - 1]->name, index->name) > 0; at--)
        table->indexes[at] = table->indexes[at - 1];
    table->indexes[at] = &added->index;
    return STATUS_DONE;
}

void table_drop_index(struct cql_table *table, const char *name)
{
    for (uint32_t i = 0; i < table->index_count; i++) {
        if (strcmp(table->indexes[i]->name, name) != 0)
            continue;
        for (uint32_t j = i + 1; j < table->index_count; j++)
            table->indexes[j - 1] = table->indexes[j];
        table->index_count--;
        return;
    }
}

status table_resolve_indexes(struct cql_table *table)
{
    for (uint32_t i = 0; i < table->index_count; i++) {
        struct named_index *index = index_at(table, i);
        index->index.column = table_column(table, index->target);
        if (!index->index.column)
            return STATUS_FAIL(STATUS_INVALID);
    }
    return STATUS_DONE;
}
