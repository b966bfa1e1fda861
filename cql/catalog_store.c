/*
 * catalog_store.c: how the schema is kept in the store.
 *
 * A keyspace is a property of the store named "keyspace/NAME":
 *     u8 version | u8 durable writes | map replication | varint count, user-defined types: text type
 * A table is the properties of its store table, an index's store table carries a note of whose it is:
 *     u8 version | 'T' | text keyspace | text name | 16 bytes uuid | varint next column id
 *         | varint count, columns: text name | text type | u8 kind | varint position | u8 descending | varint id
 *         | options (table_options.c)
 *         | varint count, indexes: text name | text column | varint store table | 16 bytes uuid
 *         | varint count, dropped: text name | text type | u8 kind | le64 microseconds
 *         | of each index: u8 target | u8 flags | text class, empty when none | map options
 *         | varint count, views: text name
 *         | u8 is view: text base | u8 all columns
 *               | varint count, filters: text column | text rest | u8 operator | varint count, values: varint bytes, bytes
 *     u8 version | 'I' | varint store table of the base table | text index name
 * A type is the text of type_definition(): a table needs nothing beside itself to be read, so an ALTER TYPE writes the keyspace and
 * every table that uses the type. A text is a varint length and bytes; a map a varint count and pairs of texts. The store table's number is not in the bytes:
 * the store knows it.
 */
#include <string.h>

#include "cql/catalog.h"
#include "cql/table_options.h"

enum {
    CATALOG_VERSION = 1,
    TABLE_VERSION = 2, /* 1: without what stands behind the dropped columns */
    CATALOG_TABLE = 'T',
    CATALOG_INDEX = 'I',
    INDEX_LOCAL_FLAG = 1,
    INDEX_SAI_FLAG = 2,
};

static const char keyspace_prefix[] = "keyspace/";

/* ---- writing ---- */

static void encode_text(struct buffer *out, const char *text)
{
    size_t bytes = strlen(text);
    buffer_append_varint(out, bytes);
    buffer_append(out, text, bytes);
}

static void encode_type(struct buffer *out, const struct type *type)
{
    struct buffer text = {0};
    type_definition(&text, type);
    out->failed |= text.failed;
    buffer_append_varint(out, text.bytes);
    buffer_append_slice(out, buffer_slice(&text));
    buffer_deinit(&text);
}

static void encode_columns(struct buffer *out, const struct cql_table *table)
{
    buffer_append_varint(out, table->column_count);
    for (uint32_t i = 0; i < table->column_count; i++) {
        const struct cql_column *column = &table->columns[i];
        encode_text(out, column->name);
        encode_type(out, column->type);
        buffer_append_u8(out, (uint8_t)column->kind);
        buffer_append_varint(out, column->position);
        buffer_append_u8(out, column->descending);
        buffer_append_varint(out, column->id);
    }
}

/* What an index is besides its column: kept behind the rest, where tables of an earlier version have nothing. */
static void encode_indexes(struct buffer *out, const struct cql_table *table)
{
    for (uint32_t i = 0; i < table->index_count; i++) {
        const struct cql_index *index = table->indexes[i];
        buffer_append_u8(out, (uint8_t)index->target);
        buffer_append_u8(
            out, (uint8_t)((index->is_local ? INDEX_LOCAL_FLAG : 0) | (index->is_sai ? INDEX_SAI_FLAG : 0)));
        encode_text(out, index->custom_class ? index->custom_class : "");
        option_map_encode(out, &index->options);
    }
}

static void encode_view(struct buffer *out, const struct cql_view *view)
{
    encode_text(out, view->base);
    buffer_append_u8(out, view->all_columns);
    buffer_append_varint(out, view->filter_count);
    for (uint32_t i = 0; i < view->filter_count; i++) {
        const struct cql_view_filter *filter = &view->filters[i];
        encode_text(out, filter->column);
        encode_text(out, filter->text);
        buffer_append_u8(out, filter->op);
        buffer_append_varint(out, filter->value_count);
        for (uint32_t j = 0; j < filter->value_count; j++) {
            buffer_append_varint(out, filter->values[j].bytes);
            buffer_append_slice(out, filter->values[j]);
        }
    }
}

void catalog_encode_table(struct buffer *out, const struct cql_table *table)
{
    buffer_append_u8(out, TABLE_VERSION);
    buffer_append_u8(out, CATALOG_TABLE);
    encode_text(out, table->keyspace);
    encode_text(out, table->name);
    buffer_append(out, table->uuid, sizeof table->uuid);
    buffer_append_varint(out, table->next_column_id);
    encode_columns(out, table);
    table_options_encode(out, &table->options);
    buffer_append_varint(out, table->index_count);
    for (uint32_t i = 0; i < table->index_count; i++) {
        const struct cql_index *index = table->indexes[i];
        encode_text(out, index->name);
        encode_text(out, index->column->name);
        buffer_append_varint(out, index->store_id);
        buffer_append(out, index->uuid, sizeof index->uuid);
    }
    buffer_append_varint(out, table->dropped_count);
    for (uint32_t i = 0; i < table->dropped_count; i++) {
        const struct cql_dropped_column *dropped = &table->dropped[i];
        encode_text(out, dropped->name);
        encode_type(out, dropped->type);
        buffer_append_u8(out, (uint8_t)dropped->kind);
        buffer_append_le64(out, (uint64_t)dropped->dropped_us);
    }
    encode_indexes(out, table);
    buffer_append_varint(out, table->view_count);
    for (uint32_t i = 0; i < table->view_count; i++)
        encode_text(out, table->views[i]);
    buffer_append_u8(out, table->view != NULL);
    if (table->view)
        encode_view(out, table->view);
}

void catalog_encode_index(struct buffer *out, const struct cql_table *table, const char *index_name)
{
    buffer_append_u8(out, CATALOG_VERSION);
    buffer_append_u8(out, CATALOG_INDEX);
    buffer_append_varint(out, table->store_id);
    encode_text(out, index_name);
}

void catalog_encode_keyspace(struct buffer *out_name, struct buffer *out_value,
                             const struct cql_keyspace *keyspace)
{
    buffer_append(out_name, keyspace_prefix, sizeof keyspace_prefix - 1);
    buffer_append(out_name, keyspace->name, strlen(keyspace->name));
    buffer_append_u8(out_value, CATALOG_VERSION);
    buffer_append_u8(out_value, keyspace->durable_writes);
    option_map_encode(out_value, &keyspace->replication);
    if (!keyspace->type_count)
        return; /* nothing, as before there were types */
    buffer_append_varint(out_value, keyspace->type_count);
    for (uint32_t i = 0; i < keyspace->type_count; i++)
        encode_type(out_value, keyspace->types[i]);
}

/* ---- reading ---- */

/* A name or a text: no zero bytes inside, since it becomes a C string. NULL when the reader failed or memory ran out, and
 * then *out_status says which. */
static char *decode_text(struct reader *in, struct arena *arena, status *out_status)
{
    uint64_t bytes = reader_varint(in);
    struct slice text = reader_take(in, bytes > SIZE_MAX ? SIZE_MAX : (size_t)bytes);
    if (in->failed || (text.bytes && memchr(text.data, 0, text.bytes))) {
        *out_status = STATUS_FAIL(STATUS_CORRUPT);
        return NULL;
    }
    char *copy = arena_text(arena, text);
    if (!copy)
        *out_status = STATUS_FAIL(STATUS_NOMEM);
    return copy;
}

static const struct type *decode_type(struct reader *in, struct arena *arena, status *out_status)
{
    uint64_t bytes = reader_varint(in);
    struct slice text = reader_take(in, bytes > SIZE_MAX ? SIZE_MAX : (size_t)bytes);
    const struct type *type = in->failed ? NULL : type_parse(arena, text);
    if (!type)
        *out_status = STATUS_FAIL(STATUS_CORRUPT);
    return type;
}

static status decode_kind(struct reader *in, enum column_kind *out_kind)
{
    uint8_t kind = reader_u8(in);
    if (in->failed || kind > COLUMN_REGULAR)
        return STATUS_FAIL(STATUS_CORRUPT);
    *out_kind = (enum column_kind)kind;
    return STATUS_DONE;
}

static status decode_number(struct reader *in, uint32_t *out_number)
{
    uint64_t number = reader_varint(in);
    if (in->failed || number >= UINT32_MAX)
        return STATUS_FAIL(STATUS_CORRUPT);
    *out_number = (uint32_t)number;
    return STATUS_DONE;
}

static status decode_column(struct reader *in, struct arena *scratch, struct cql_table *table)
{
    status st = STATUS_DONE;
    struct cql_column column = {0};
    column.name = decode_text(in, scratch, &st);
    TRY(st);
    column.type = decode_type(in, scratch, &st);
    TRY(st);
    TRY(decode_kind(in, &column.kind));
    TRY(decode_number(in, &column.position));
    column.descending = reader_u8(in) != 0;
    TRY(decode_number(in, &column.id));
    if (column.id >= table->next_column_id)
        return STATUS_FAIL(STATUS_CORRUPT);
    return table_add_column(table, &column);
}

static status decode_index(struct reader *in, struct arena *scratch, struct cql_table *table)
{
    status st = STATUS_DONE;
    char *name = decode_text(in, scratch, &st);
    TRY(st);
    char *column = decode_text(in, scratch, &st);
    TRY(st);
    struct cql_index index = {.name = name, .store_id = reader_varint(in)};
    struct slice uuid = reader_take(in, 16);
    TRY(reader_status(in));
    memcpy(index.uuid, uuid.data, sizeof index.uuid);
    return table_add_index(table, &index, column);
}

static status decode_index_facts(struct reader *in, struct arena *scratch, struct cql_table *table)
{
    for (uint32_t i = 0; i < table->index_count; i++) {
        struct cql_index *index = (struct cql_index *)(uintptr_t)table->indexes[i]; /* not sealed yet */
        status st = STATUS_DONE;
        uint8_t target = reader_u8(in), flags = reader_u8(in);
        char *custom_class = decode_text(in, scratch, &st);
        TRY(st);
        if (target > INDEX_ON_ENTRIES || flags > (INDEX_LOCAL_FLAG | INDEX_SAI_FLAG))
            return STATUS_FAIL(STATUS_CORRUPT);
        index->target = (enum index_target)target;
        index->is_local = flags & INDEX_LOCAL_FLAG;
        index->is_sai = flags & INDEX_SAI_FLAG;
        if (*custom_class) {
            index->custom_class = arena_text(&table->arena, slice_text(custom_class));
            if (!index->custom_class)
                return STATUS_FAIL(STATUS_NOMEM);
        }
        TRY(option_map_decode(in, &table->arena, &index->options));
    }
    return STATUS_DONE;
}

static status decode_view_name(struct reader *in, struct arena *scratch, struct cql_table *table)
{
    status st = STATUS_DONE;
    char *name = decode_text(in, scratch, &st);
    TRY(st);
    return table_add_view(table, name);
}

static status decode_filter(struct reader *in, struct arena *scratch, struct cql_view_filter *out)
{
    status st = STATUS_DONE;
    out->column = decode_text(in, scratch, &st);
    TRY(st);
    out->text = decode_text(in, scratch, &st);
    TRY(st);
    out->op = reader_u8(in);
    TRY(decode_number(in, &out->value_count));
    /* Each value takes a byte at least. */
    if (in->failed || out->value_count > reader_left(in))
        return STATUS_FAIL(STATUS_CORRUPT);
    struct slice *values = arena_calloc(scratch, out->value_count + 1, sizeof *values);
    if (!values)
        return STATUS_FAIL(STATUS_NOMEM);
    for (uint32_t i = 0; i < out->value_count; i++) {
        uint64_t bytes = reader_varint(in);
        values[i] = reader_take(in, bytes > SIZE_MAX ? SIZE_MAX : (size_t)bytes);
    }
    out->values = values;
    return reader_status(in);
}

static status decode_view(struct reader *in, struct arena *scratch, struct cql_table *table)
{
    status st = STATUS_DONE;
    struct cql_view view = {0};
    uint8_t is_view = reader_u8(in);
    if (in->failed || is_view > 1)
        return STATUS_FAIL(STATUS_CORRUPT);
    if (!is_view)
        return STATUS_DONE;
    view.base = decode_text(in, scratch, &st);
    TRY(st);
    view.all_columns = reader_u8(in) != 0;
    TRY(decode_number(in, &view.filter_count));
    if (view.filter_count > reader_left(in))
        return STATUS_FAIL(STATUS_CORRUPT);
    view.filters = arena_calloc(scratch, view.filter_count + 1, sizeof *view.filters);
    if (!view.filters)
        return STATUS_FAIL(STATUS_NOMEM);
    for (uint32_t i = 0; i < view.filter_count; i++)
        TRY(decode_filter(in, scratch, &view.filters[i]));
    return table_set_view(table, &view);
}

static status decode_dropped(struct reader *in, struct arena *scratch, struct cql_table *table)
{
    status st = STATUS_DONE;
    struct cql_dropped_column dropped = {0};
    dropped.name = decode_text(in, scratch, &st);
    TRY(st);
    dropped.type = decode_type(in, scratch, &st);
    TRY(st);
    TRY(decode_kind(in, &dropped.kind));
    dropped.dropped_us = (int64_t)reader_le64(in);
    TRY(reader_status(in));
    return table_add_dropped(table, &dropped);
}

static status decode_list(struct reader *in, struct arena *scratch, struct cql_table *table,
                          status (*decode)(struct reader *in, struct arena *scratch, struct cql_table *table))
{
    uint64_t count = reader_varint(in);
    TRY(reader_status(in));
    for (uint64_t i = 0; i < count;
         i++) /* each item takes bytes, so a wild count ends at the end of the input */
        TRY(decode(in, scratch, table));
    return STATUS_DONE;
}

/* What a table of an earlier version ends without. */
static status decode_derived(struct reader *in, struct arena *scratch, struct cql_table *table)
{
    TRY(decode_index_facts(in, scratch, table));
    TRY(decode_list(in, scratch, table, decode_view_name));
    return decode_view(in, scratch, table);
}

static status decode_table_body(struct reader *in, uint8_t version, struct arena *scratch, uint64_t store_id,
                                struct cql_table **out_table)
{
    status st = STATUS_DONE;
    struct cql_table *table = NULL;
    char *keyspace = decode_text(in, scratch, &st);
    TRY(st);
    char *name = decode_text(in, scratch, &st);
    TRY(st);
    table = table_new(keyspace, name);
    if (!table)
        return STATUS_FAIL(STATUS_NOMEM);
    table->store_id = store_id;
    struct slice uuid = reader_take(in, 16);
    if (uuid.bytes == 16)
        memcpy(table->uuid, uuid.data, 16);
    st = decode_number(in, &table->next_column_id);
    if (ok(st))
        st = decode_list(in, scratch, table, decode_column);
    if (ok(st))
        st = table_options_decode(in, &table->arena, &table->options);
    if (ok(st))
        st = decode_list(in, scratch, table, decode_index);
    if (ok(st))
        st = decode_list(in, scratch, table, decode_dropped);
    if (ok(st) && version > 1)
        st = decode_derived(in, scratch, table);
    if (ok(st) && reader_left(in))
        st = STATUS_FAIL(STATUS_CORRUPT);
    if (ok(st)) {
        st = table_seal(table);
        if (st.code == STATUS_INVALID)
            st.code = STATUS_CORRUPT;
    }
    if (failed(st)) {
        table_unref(table);
        return st;
    }
    *out_table = table;
    return STATUS_DONE;
}

status catalog_decode_table(struct slice properties, uint64_t store_id, struct cql_table **out_table,
                            uint64_t *out_base_id)
{
    struct reader in = reader_of(properties);
    uint8_t version = reader_u8(&in), kind = reader_u8(&in);
    TRY(reader_status(&in));
    if (!version || version > TABLE_VERSION)
        return STATUS_FAIL(version ? STATUS_UNSUPPORTED : STATUS_CORRUPT);
    if (kind == CATALOG_INDEX) {
        uint64_t base_id = reader_varint(&in);
        TRY(reader_status(&in));
        *out_base_id = base_id;
        *out_table = NULL;
        return STATUS_DONE;
    }
    if (kind != CATALOG_TABLE)
        return STATUS_FAIL(STATUS_CORRUPT);
    struct arena scratch = {0};
    status st = decode_table_body(&in, version, &scratch, store_id, out_table);
    arena_deinit(&scratch);
    return st;
}

static status decode_types(struct reader *in, struct arena *arena, struct cql_keyspace *keyspace)
{
    uint64_t count = reader_varint(in);
    TRY(reader_status(in));
    if (count > reader_left(in))
        return STATUS_FAIL(STATUS_CORRUPT);
    keyspace->types = arena_calloc(arena, (size_t)count + 1, sizeof *keyspace->types);
    if (!keyspace->types)
        return STATUS_FAIL(STATUS_NOMEM);
    for (uint64_t i = 0; i < count; i++) {
        status st = STATUS_DONE;
        const struct type *type = decode_type(in, arena, &st);
        TRY(st);
        if (type->id != TYPE_UDT || type->frozen || strcmp(type->keyspace, keyspace->name) != 0)
            return STATUS_FAIL(STATUS_CORRUPT);
        keyspace->types[keyspace->type_count++] = type;
    }
    return STATUS_DONE;
}

status catalog_decode_keyspace(struct slice name, struct slice value, struct arena *arena,
                               struct cql_keyspace *out_keyspace)
{
    struct slice prefix = slice_of(keyspace_prefix, sizeof keyspace_prefix - 1);
    if (!slice_has_prefix(name, prefix) || memchr(name.data, 0, name.bytes))
        return STATUS_FAIL(STATUS_CORRUPT);
    struct reader in = reader_of(value);
    uint8_t version = reader_u8(&in);
    TRY(reader_status(&in));
    if (version != CATALOG_VERSION)
        return STATUS_FAIL(version > CATALOG_VERSION ? STATUS_UNSUPPORTED : STATUS_CORRUPT);
    struct cql_keyspace keyspace = {.durable_writes = reader_u8(&in) != 0};
    keyspace.name = arena_text(arena, slice_of(name.data + prefix.bytes, name.bytes - prefix.bytes));
    if (!keyspace.name)
        return STATUS_FAIL(STATUS_NOMEM);
    TRY(option_map_decode(&in, arena, &keyspace.replication));
    if (reader_left(&in))
        TRY(decode_types(&in, arena, &keyspace));
    if (reader_left(&in))
        return STATUS_FAIL(STATUS_CORRUPT);
    *out_keyspace = keyspace;
    return STATUS_DONE;
}

/* ---- loading ---- */

static status load_keyspaces(struct catalog *catalog, struct store *store)
{
    struct buffer above = {0}, name = {0}, value = {0};
    struct arena scratch = {0};
    status st;
    for (;;) {
        buffer_clear(&name);
        buffer_clear(&value);
        st = store_next_property(store, buffer_slice(&above), &name, &value);
        if (failed(st))
            break;
        if (slice_has_prefix(buffer_slice(&name), slice_text(keyspace_prefix))) {
            struct cql_keyspace keyspace;
            arena_reset(&scratch);
            st = catalog_decode_keyspace(buffer_slice(&name), buffer_slice(&value), &scratch, &keyspace);
            if (ok(st))
                st = catalog_put_keyspace(catalog, keyspace.name, &keyspace.replication,
                                          keyspace.durable_writes, false);
            for (uint32_t i = 0; ok(st) && i < keyspace.type_count; i++)
                st = catalog_put_type(catalog, keyspace.types[i]);
            if (failed(st))
                break;
        }
        buffer_clear(&above);
        buffer_append_slice(&above, buffer_slice(&name));
        st = buffer_status(&above);
        if (failed(st))
            break;
    }
    if (st.code == STATUS_NOT_FOUND)
        st = STATUS_DONE;
    arena_deinit(&scratch);
    buffer_deinit(&above);
    buffer_deinit(&name);
    buffer_deinit(&value);
    return st;
}

/* An index, or a view under the properties that CREATE MATERIALIZED VIEW begins with. */
static bool index_is_listed(const struct catalog *catalog, uint64_t store_id)
{
    for (uint32_t i = 0; i < catalog->keyspace_count; i++)
        for (uint32_t j = 0; j < catalog->keyspaces[i]->table_count; j++) {
            const struct cql_table *table = catalog->keyspaces[i]->tables[j];
            for (uint32_t k = 0; k < table->index_count; k++)
                if (table->indexes[k]->store_id == store_id)
                    return true;
        }
    return false;
}

static status drop_orphans(const struct catalog *catalog, struct store *store, struct reader indexes)
{
    while (reader_left(&indexes)) {
        uint64_t store_id = reader_le64(&indexes);
        if (index_is_listed(catalog, store_id))
            continue;
        struct store_change change = {.kind = STORE_DROP_TABLE, .table_id = store_id};
        TRY(store_change(store, &change, 1));
    }
    return STATUS_DONE;
}

status catalog_load(struct catalog *catalog, struct store *store, bool read_only)
{
    TRY(load_keyspaces(catalog, store));
    struct buffer properties = {0}, indexes = {0};
    struct store_table found = {0};
    status st;
    for (;;) {
        buffer_clear(&properties);
        st = store_next_table(store, found.id, &found, &properties);
        if (failed(st))
            break;
        struct cql_table *table = NULL;
        uint64_t base_id;
        st = catalog_decode_table(buffer_slice(&properties), found.id, &table, &base_id);
        if (failed(st))
            break;
        if (!table)
            buffer_append_le64(&indexes, found.id);
        else
            st = catalog_put_table(catalog, table);
        if (ok(st))
            st = buffer_status(&indexes);
        if (failed(st)) {
            if (st.code ==
                STATUS_NOT_FOUND) /* a table without its keyspace: one record makes and drops both */
                st.code = STATUS_CORRUPT;
            break;
        }
    }
    if (st.code == STATUS_NOT_FOUND)
        st = STATUS_DONE;
    if (ok(st) && !read_only)
        st = drop_orphans(catalog, store, reader_of(buffer_slice(&indexes)));
    buffer_deinit(&properties);
    buffer_deinit(&indexes);
    return st;
}
