/*
 * index_version.c: versions of index and view entries, which rise for ever.
 *
 * A property of the store has the first version that no earlier opening can have used. Before one is given out the property
 * is moved on by more than any opening gives out, so that a crash loses versions and never repeats one.
 */
#include <string.h>

#include "cql/database_internal.h"

static const char property_name[] = "entry-versions";

/* Above every timestamp of this century, in microseconds: entries that were written with timestamps of their cells lose. */
#define VERSION_FIRST ((int64_t)1 << 61)
#define VERSION_BLOCK ((int64_t)1 << 40)

static status read_first(struct store *store, int64_t *out_first)
{
    struct buffer name = {0}, value = {0};
    /* The property is the next above its name less the last byte, unless there is none. */
    struct slice above = slice_of(property_name, sizeof property_name - 2);
    status st = store_next_property(store, above, &name, &value);
    bool found = ok(st) && slice_equal(buffer_slice(&name), slice_text(property_name));
    *out_first = VERSION_FIRST;
    if (found && value.bytes == 8)
        *out_first = (int64_t)load_le64(value.data);
    bool damaged = found && (value.bytes != 8 || *out_first < VERSION_FIRST);
    buffer_deinit(&name);
    buffer_deinit(&value);
    if (damaged)
        return STATUS_FAIL(STATUS_CORRUPT);
    return st.code == STATUS_NOT_FOUND ? STATUS_DONE : st;
}

bool index_versions_wanted(const struct cql_database *database, const struct catalog *catalog)
{
    if (database->entries_reserved || database->read_only)
        return false;
    for (uint32_t i = 0; i < catalog->keyspace_count; i++)
        for (uint32_t j = 0; j < catalog->keyspaces[i]->table_count; j++)
            if (table_has_derived(catalog->keyspaces[i]->tables[j]))
                return true;
    return false;
}

void index_versions_reserve(const struct cql_database *database, struct buffer *out_value,
                            struct store_change *out_change)
{
    /* What a build has given out already, before the table that it is for was named, is far less than a block. */
    int64_t first = database->entry_version & ~(VERSION_BLOCK - 1);
    buffer_append_le64(out_value, (uint64_t)(first + VERSION_BLOCK));
    *out_change = (struct store_change){
        .kind = STORE_SET_PROPERTY, .name = slice_text(property_name), .properties = buffer_slice(out_value)};
}

status index_versions_open(struct cql_database *database)
{
    struct buffer value = {0};
    struct store_change change;
    int64_t first;
    TRY(read_first(database->store, &first));
    database->entry_version = first;
    if (!index_versions_wanted(database, database->catalog))
        return STATUS_DONE;
    index_versions_reserve(database, &value, &change);
    status st = buffer_status(&value);
    if (ok(st))
        st = store_change(database->store, &change, 1);
    buffer_deinit(&value);
    database->entries_reserved = ok(st);
    return st;
}
