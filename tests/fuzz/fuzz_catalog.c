/* The schema's bytes in the store: a table's properties and a keyspace's. Whatever decodes must encode to itself. */
#include <stdlib.h>

#include "cql/catalog.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void as_table(struct slice input)
{
    struct cql_table *table = NULL, *again = NULL;
    uint64_t base_id;
    if (failed(catalog_decode_table(input, 1, &table, &base_id)) || !table)
        return;
    struct buffer encoded = {0}, twice = {0};
    catalog_encode_table(&encoded, table);
    if (failed(catalog_decode_table(buffer_slice(&encoded), 1, &again, &base_id)) || !again)
        abort();
    catalog_encode_table(&twice, again);
    if (!slice_equal(buffer_slice(&encoded), buffer_slice(&twice)))
        abort();
    buffer_deinit(&encoded);
    buffer_deinit(&twice);
    table_unref(again);
    table_unref(table);
}

static void as_keyspace(struct slice input)
{
    struct arena arena = {0};
    struct cql_keyspace keyspace;
    if (ok(catalog_decode_keyspace(slice_text("keyspace/k"), input, &arena, &keyspace)))
        (void)option_map_get(&keyspace.replication, "class");
    (void)catalog_decode_keyspace(input, slice_text(""), &arena, &keyspace);
    arena_deinit(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    as_table(slice_of(data, bytes));
    as_keyspace(slice_of(data, bytes));
    return 0;
}
