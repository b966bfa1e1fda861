#include "cql/catalog_internal.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "cql/table_options.h"

/* ---- lookups ---- */

static struct cql_keyspace *keyspace_find(const struct catalog *catalog, const char *name)
{
    size_t low = 0, high = catalog->keyspace_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strcmp(catalog->keyspaces[middle]->name, name);
        if (order == 0)
            return catalog->keyspaces[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

const struct cql_keyspace *catalog_keyspace(const struct catalog *catalog, const char *name)
{
    return keyspace_find(catalog, name);
}

/* Where the table of that name stands, or where it would. */
static size_t table_position(const struct cql_keyspace *keyspace, const char *name, bool *out_found)
{
    size_t low = 0, high = keyspace->table_count;
    *out_found = false;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strcmp(keyspace->tables[middle]->name, name);
        if (order == 0)
            *out_found = true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct cql_table *catalog_table(const struct catalog *catalog, const char *keyspace, const char *name)
{
    const struct cql_keyspace *space = catalog_keyspace(catalog, keyspace);
    if (!space)
        return NULL;
    bool found;
    size_t at = table_position(space, name, &found);
    return found ? space->tables[at] : NULL;
}

/* Where the type of that name stands, or where it would. */
static uint32_t type_position(const struct cql_keyspace *keyspace, const char *name, bool *out_found)
{
    uint32_t at = 0;
    while (at < keyspace->type_count && strcmp(keyspace->types[at]->name, name) < 0)
        at++;
    *out_found = at < keyspace->type_count && strcmp(keyspace->types[at]->name, name) == 0;
    return at;
}

const struct type *catalog_type(const struct catalog *catalog, const char *keyspace, const char *name)
{
    const struct cql_keyspace *space = catalog_keyspace(catalog, keyspace);
    bool found = false;
    uint32_t at = space ? type_position(space, name, &found) : 0;
    return found ? space->types[at] : NULL;
}

const struct cql_column *table_column(const struct cql_table *table, const char *name)
{
    size_t low = 0, high = table->column_count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        int order = strcmp(table->by_name[middle]->name, name);
        if (order == 0)
            return table->by_name[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

bool table_counts(const struct cql_table *table)
{
    uint32_t keys = table->partition_count + table->clustering_count;
    if (table->column_count > keys)
        return table->columns[keys].type->id == TYPE_COUNTER;
    for (uint32_t i = 0; i < table->dropped_count; i++)
        if (table->dropped[i].type->id == TYPE_COUNTER)
            return true;
    return false;
}

/* ---- catalogs ---- */

struct catalog *catalog_new(void)
{
    struct catalog *catalog = calloc(1, sizeof *catalog);
    if (!catalog)
        return NULL;
    arena_init(&catalog->arena, 4096);
    catalog->references = 1;
    return catalog;
}

struct catalog *catalog_ref(struct catalog *catalog)
{
    catalog->references++;
    return catalog;
}

void catalog_unref(struct catalog *catalog)
{
    if (!catalog || --catalog->references > 0)
        return;
    for (uint32_t i = 0; i < catalog->keyspace_count; i++)
        for (uint32_t j = 0; j < catalog->keyspaces[i]->table_count; j++)
            table_unref(catalog->keyspaces[i]->tables[j]);
    arena_deinit(&catalog->arena);
    free(catalog);
}

status option_map_copy(struct arena *arena, const struct cql_option_map *map, struct cql_option_map *out_map)
{
    struct cql_option_map copy = {.count = map->count};
    if (map->count) {
        copy.items = arena_calloc(arena, map->count, sizeof *copy.items);
        if (!copy.items)
            return STATUS_FAIL(STATUS_NOMEM);
    }
    for (uint32_t i = 0; i < map->count; i++) {
        struct cql_option item = {.key = arena_text(arena, slice_text(map->items[i].key)),
                                  .value = arena_text(arena, slice_text(map->items[i].value))};
        if (!item.key || !item.value)
            return STATUS_FAIL(STATUS_NOMEM);
        uint32_t at = i;
        for (; at > 0 && strcmp(copy.items[at - 1].key, item.key) > 0; at--)
            copy.items[at] = copy.items[at - 1];
        copy.items[at] = item;
    }
    *out_map = copy;
    return STATUS_DONE;
}

const char *option_map_get(const struct cql_option_map *map, const char *key)
{
    for (uint32_t i = 0; i < map->count; i++)
        if (strcmp(map->items[i].key, key) == 0)
            return map->items[i].value;
    return NULL;
}

status catalog_put_keyspace(struct catalog *catalog, const char *name,
                            const struct cql_option_map *replication, bool durable_writes, bool is_virtual)
{
    struct cql_keyspace *keyspace = keyspace_find(catalog, name);
    if (!keyspace) {
        void *grown = arena_grow(&catalog->arena, catalog->keyspaces, catalog->keyspace_count,
                                 &catalog->keyspace_capacity, sizeof(struct cql_keyspace *));
        if (!grown)
            return STATUS_FAIL(STATUS_NOMEM);
        catalog->keyspaces = grown;
        keyspace = arena_calloc(&catalog->arena, 1, sizeof *keyspace);
        if (!keyspace)
            return STATUS_FAIL(STATUS_NOMEM);
        keyspace->name = arena_text(&catalog->arena, slice_text(name));
        if (!keyspace->name)
            return STATUS_FAIL(STATUS_NOMEM);
        uint32_t at = catalog->keyspace_count++;
        for (; at > 0 && strcmp(catalog->keyspaces[at - 1]->name, name) > 0; at--)
            catalog->keyspaces[at] = catalog->keyspaces[at - 1];
        catalog->keyspaces[at] = keyspace;
    }
    keyspace->durable_writes = durable_writes;
    keyspace->virtual_ = is_virtual;
    return option_map_copy(&catalog->arena, replication, &keyspace->replication);
}

struct catalog *catalog_clone(const struct catalog *catalog)
{
    struct catalog *copy = catalog_new();
    if (!copy)
        return NULL;
    copy->generation = catalog->generation + 1;
    for (uint32_t i = 0; i < catalog->keyspace_count; i++) {
        const struct cql_keyspace *from = catalog->keyspaces[i];
        if (failed(catalog_put_keyspace(copy, from->name, &from->replication, from->durable_writes,
                                        from->virtual_)))
            goto fail;
        struct cql_keyspace *to = keyspace_find(copy, from->name);
        for (uint32_t j = 0; j < from->type_count; j++)
            if (failed(catalog_put_type(copy, from->types[j])))
                goto fail;
        /* Room for one more: most changes add a table. */
        to->table_capacity = from->table_count + 1;
        to->tables = arena_calloc(&copy->arena, to->table_capacity, sizeof(struct cql_table *));
        if (!to->tables)
            goto fail;
        for (uint32_t j = 0; j < from->table_count; j++) {
            table_ref(from->tables[j]);
            to->tables[to->table_count++] = from->tables[j];
        }
    }
    return copy;
fail:
    catalog_unref(copy);
    return NULL;
}

void catalog_drop_keyspace(struct catalog *catalog, const char *name)
{
    for (uint32_t i = 0; i < catalog->keyspace_count; i++) {
        struct cql_keyspace *keyspace = catalog->keyspaces[i];
        if (strcmp(keyspace->name, name) != 0)
            continue;
        for (uint32_t j = 0; j < keyspace->table_count; j++)
            table_unref(keyspace->tables[j]);
        for (uint32_t j = i + 1; j < catalog->keyspace_count; j++)
            catalog->keyspaces[j - 1] = catalog->keyspaces[j];
        catalog->keyspace_count--;
        return;
    }
}

status catalog_put_type(struct catalog *catalog, const struct type *udt)
{
    struct cql_keyspace *keyspace = keyspace_find(catalog, udt->keyspace);
    if (!keyspace)
        return STATUS_FAIL(STATUS_NOT_FOUND);
    const struct type *copy = type_copy(&catalog->arena, udt);
    if (!copy)
        return STATUS_FAIL(STATUS_NOMEM);
    bool found;
    uint32_t at = type_position(keyspace, udt->name, &found);
    if (found) {
        keyspace->types[at] = copy;
        return STATUS_DONE;
    }
    void *grown = arena_grow(&catalog->arena, (const void *)keyspace->types, keyspace->type_count,
                             &keyspace->type_capacity, sizeof *keyspace->types);
    if (!grown)
        return STATUS_FAIL(STATUS_NOMEM);
    keyspace->types = grown;
    for (uint32_t i = keyspace->type_count++; i > at; i--)
        keyspace->types[i] = keyspace->types[i - 1];
    keyspace->types[at] = copy;
    return STATUS_DONE;
}

void catalog_drop_type(struct catalog *catalog, const char *keyspace_name, const char *name)
{
    struct cql_keyspace *keyspace = keyspace_find(catalog, keyspace_name);
    bool found = false;
    uint32_t at = keyspace ? type_position(keyspace, name, &found) : 0;
    if (!found)
        return;
    keyspace->type_count--;
    for (uint32_t i = at; i < keyspace->type_count; i++)
        keyspace->types[i] = keyspace->types[i + 1];
}

status catalog_put_table(struct catalog *catalog, struct cql_table *table)
{
    struct cql_keyspace *keyspace = keyspace_find(catalog, table->keyspace);
    if (!keyspace) {
        table_unref(table);
        return STATUS_FAIL(STATUS_NOT_FOUND);
    }
    bool found;
    size_t at = table_position(keyspace, table->name, &found);
    if (found) {
        table_unref(keyspace->tables[at]);
        keyspace->tables[at] = table;
        return STATUS_DONE;
    }
    void *grown = arena_grow(&catalog->arena, keyspace->tables, keyspace->table_count,
                             &keyspace->table_capacity, sizeof(struct cql_table *));
    if (!grown) {
        table_unref(table);
        return STATUS_FAIL(STATUS_NOMEM);
    }
    keyspace->tables = grown;
    for (size_t i = keyspace->table_count++; i > at; i--)
        keyspace->tables[i] = keyspace->tables[i - 1];
    keyspace->tables[at] = table;
    return STATUS_DONE;
}

void catalog_drop_table(struct catalog *catalog, const char *keyspace_name, const char *name)
{
    struct cql_keyspace *keyspace = keyspace_find(catalog, keyspace_name);
    if (!keyspace)
        return;
    bool found;
    size_t at = table_position(keyspace, name, &found);
    if (!found)
        return;
    table_unref(keyspace->tables[at]);
    for (size_t i = at + 1; i < keyspace->table_count; i++)
        keyspace->tables[i - 1] = keyspace->tables[i];
    keyspace->table_count--;
}

status catalog_stamp(struct catalog *catalog)
{
    struct buffer all = {0};
    for (uint32_t i = 0; i < catalog->keyspace_count; i++) {
        const struct cql_keyspace *keyspace = catalog->keyspaces[i];
        if (keyspace->virtual_)
            continue;
        catalog_encode_keyspace(&all, &all, keyspace);
        for (uint32_t j = 0; j < keyspace->table_count; j++)
            buffer_append(&all, keyspace->tables[j]->digest, 16);
    }
    status st = buffer_status(&all);
    unsigned digest_bytes = 16;
    if (ok(st) && !EVP_Digest(all.data ? all.data : (const uint8_t *)"", all.bytes, catalog->version,
                              &digest_bytes, EVP_md5(), NULL))
        st = STATUS_FAIL(STATUS_NOMEM);
    /* Version 3, a uuid made from a name: what both targets show. */
    catalog->version[6] = (uint8_t)((catalog->version[6] & 0x0f) | 0x30);
    catalog->version[8] = (uint8_t)((catalog->version[8] & 0x3f) | 0x80);
    buffer_deinit(&all);
    return st;
}

/* ---- tables ---- */

struct cql_table *table_new(const char *keyspace, const char *name)
{
    struct cql_table *table = calloc(1, sizeof *table);
    if (!table)
        return NULL;
    arena_init(&table->arena, 2048);
    table->references = 1;
    table->keyspace = arena_text(&table->arena, slice_text(keyspace));
    table->name = arena_text(&table->arena, slice_text(name));
    if (!table->keyspace || !table->name) {
        table_unref(table);
        return NULL;
    }
    return table;
}

void table_ref(struct cql_table *table)
{
    table->references++;
}

void table_unref(struct cql_table *table)
{
    if (!table || --table->references > 0)
        return;
    arena_deinit(&table->arena);
    free(table);
}

status table_add_column(struct cql_table *table, const struct cql_column *column)
{
    if (table->column_count == TABLE_COLUMNS_MAX)
        return STATUS_FAIL(STATUS_LIMIT);
    void *grown = arena_grow(&table->arena, table->columns, table->column_count, &table->column_capacity,
                             sizeof *table->columns);
    if (!grown)
        return STATUS_FAIL(STATUS_NOMEM);
    table->columns = grown;
    struct cql_column copy = *column;
    copy.name = arena_text(&table->arena, slice_text(column->name));
    copy.type = type_copy(&table->arena, column->type);
    if (!copy.name || !copy.type)
        return STATUS_FAIL(STATUS_NOMEM);
    table->columns[table->column_count++] = copy;
    return STATUS_DONE;
}

status table_drop_column(struct cql_table *table, const char *name)
{
    for (uint32_t i = 0; i < table->column_count; i++) {
        if (strcmp(table->columns[i].name, name) != 0)
            continue;
        for (uint32_t j = i + 1; j < table->column_count; j++)
            table->columns[j - 1] = table->columns[j];
        table->column_count--;
        return STATUS_DONE;
    }
    return STATUS_FAIL(STATUS_NOT_FOUND);
}

status table_add_dropped(struct cql_table *table, const struct cql_dropped_column *dropped)
{
    struct cql_dropped_column copy = *dropped;
    copy.name = arena_text(&table->arena, slice_text(dropped->name));
    copy.type = type_copy(&table->arena, dropped->type);
    if (!copy.name || !copy.type)
        return STATUS_FAIL(STATUS_NOMEM);
    for (uint32_t i = 0; i < table->dropped_count; i++)
        if (strcmp(table->dropped[i].name, copy.name) == 0) {
            table->dropped[i] = copy;
            return STATUS_DONE;
        }
    void *grown = arena_grow(&table->arena, table->dropped, table->dropped_count, &table->dropped_capacity,
                             sizeof *table->dropped);
    if (!grown)
        return STATUS_FAIL(STATUS_NOMEM);
    table->dropped = grown;
    table->dropped[table->dropped_count++] = copy;
    return STATUS_DONE;
}

struct cql_table *table_clone(const struct cql_table *table)
{
    struct cql_table *copy = table_new(table->keyspace, table->name);
    if (!copy)
        return NULL;
    memcpy(copy->uuid, table->uuid, sizeof copy->uuid);
    copy->store_id = table->store_id;
    copy->virtual_ = table->virtual_;
    copy->next_column_id = table->next_column_id;
    if (failed(table_options_copy(&copy->arena, &table->options, &copy->options)))
        goto fail;
    for (uint32_t i = 0; i < table->column_count; i++)
        if (failed(table_add_column(copy, &table->columns[i])))
            goto fail;
    for (uint32_t i = 0; i < table->dropped_count; i++)
        if (failed(table_add_dropped(copy, &table->dropped[i])))
            goto fail;
    for (uint32_t i = 0; i < table->index_count; i++) {
        const struct cql_index *index = table->indexes[i];
        if (failed(table_add_index(copy, index, index->column->name)))
            goto fail;
    }
    for (uint32_t i = 0; i < table->view_count; i++)
        if (failed(table_add_view(copy, table->views[i])))
            goto fail;
    if (table->view && failed(table_set_view(copy, table->view)))
        goto fail;
    return copy;
fail:
    table_unref(copy);
    return NULL;
}

status table_replace_type(struct cql_table *table, const struct type *udt)
{
    for (uint32_t i = 0; i < table->column_count; i++) {
        const struct type **type = &table->columns[i].type;
        if (type_mentions(*type, udt->keyspace, udt->name) &&
            !(*type = type_replace(&table->arena, *type, udt)))
            return STATUS_FAIL(STATUS_NOMEM);
    }
    for (uint32_t i = 0; i < table->dropped_count; i++) {
        const struct type **type = &table->dropped[i].type;
        if (type_mentions(*type, udt->keyspace, udt->name) &&
            !(*type = type_replace(&table->arena, *type, udt)))
            return STATUS_FAIL(STATUS_NOMEM);
    }
    return STATUS_DONE;
}

status table_move_types(struct cql_table *table, const char *keyspace)
{
    for (uint32_t i = 0; i < table->column_count; i++)
        if (!(table->columns[i].type = type_move(&table->arena, table->columns[i].type, keyspace)))
            return STATUS_FAIL(STATUS_NOMEM);
    for (uint32_t i = 0; i < table->dropped_count; i++)
        if (!(table->dropped[i].type = type_move(&table->arena, table->dropped[i].type, keyspace)))
            return STATUS_FAIL(STATUS_NOMEM);
    return STATUS_DONE;
}

static int column_compare(const void *left, const void *right)
{
    const struct cql_column *a = left, *b = right;
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    if (a->kind <= COLUMN_CLUSTERING)
        return (a->position > b->position) - (a->position < b->position);
    return strcmp(a->name, b->name);
}

static int name_compare(const void *left, const void *right)
{
    const struct cql_column *const *a = left, *const *b = right;
    return strcmp((*a)->name, (*b)->name);
}

/* Numbers for new columns: those with cells first, so that the deltas of a row image stay small. */
static void columns_number(struct cql_table *table)
{
    for (int keys = 0; keys < 2; keys++)
        for (uint32_t i = 0; i < table->column_count; i++) {
            struct cql_column *column = &table->columns[i];
            bool is_key = column->kind <= COLUMN_CLUSTERING;
            if (column->id == COLUMN_ID_NEW && is_key == (keys == 1))
                column->id = table->next_column_id++;
        }
}

static status columns_index(struct cql_table *table)
{
    table->by_name =
        arena_calloc(&table->arena, table->column_count ? table->column_count : 1, sizeof *table->by_name);
    if (!table->by_name)
        return STATUS_FAIL(STATUS_NOMEM);
    for (uint32_t i = 0; i < table->column_count; i++)
        table->by_name[i] = &table->columns[i];
    qsort((void *)table->by_name, table->column_count, sizeof *table->by_name, name_compare);
    for (uint32_t i = 1; i < table->column_count; i++)
        if (strcmp(table->by_name[i - 1]->name, table->by_name[i]->name) == 0)
            return STATUS_FAIL(STATUS_INVALID);
    return STATUS_DONE;
}

static status columns_count(struct cql_table *table)
{
    table->partition_count = table->clustering_count = table->static_count = 0;
    for (uint32_t i = 0; i < table->column_count; i++) {
        const struct cql_column *column = &table->columns[i];
        uint32_t expected = 0;
        switch (column->kind) {
        case COLUMN_PARTITION: expected = table->partition_count++; break;
        case COLUMN_CLUSTERING: expected = table->clustering_count++; break;
        case COLUMN_STATIC: table->static_count++; continue;
        case COLUMN_REGULAR: continue;
        }
        if (column->position != expected)
            return STATUS_FAIL(STATUS_INVALID);
    }
    return table->partition_count ? STATUS_DONE : STATUS_FAIL(STATUS_INVALID);
}

status table_seal(struct cql_table *table)
{
    if (table->column_count)
        qsort(table->columns, table->column_count, sizeof *table->columns, column_compare);
    columns_number(table);
    TRY(columns_count(table));
    TRY(columns_index(table));

    table->clustering = arena_calloc(&table->arena, table->clustering_count ? table->clustering_count : 1,
                                     sizeof *table->clustering);
    if (!table->clustering)
        return STATUS_FAIL(STATUS_NOMEM);
    for (uint32_t i = 0; i < table->clustering_count; i++) {
        const struct cql_column *column = &table->columns[table->partition_count + i];
        if (!type_can_be_key(column->type) && !table->virtual_)
            return STATUS_FAIL(STATUS_INVALID);
        table->clustering[i] = column->type->key;
        table->clustering[i].descending = column->descending;
    }
    TRY(table_resolve_indexes(table));
    if (table->virtual_)
        return STATUS_DONE;

    struct buffer encoded = {0};
    catalog_encode_table(&encoded, table);
    status st = buffer_status(&encoded);
    unsigned digest_bytes = 16;
    if (ok(st) && !EVP_Digest(encoded.data, encoded.bytes, table->digest, &digest_bytes, EVP_md5(), NULL))
        st = STATUS_FAIL(STATUS_NOMEM);
    buffer_deinit(&encoded);
    return st;
}
