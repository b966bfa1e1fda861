/* describe_rows.c: DESCRIBE: which parts of the schema a statement asks for, one a row (SCH-12). */
#include <string.h>

#include "base/bytes.h"
#include "cql/describe.h"
#include "cql/parse.h"

/* ---- rows ---- */

struct description {
    const struct describe_request *request;
    bool with_statement; /* the fourth column */
    struct buffer statement;
    uint64_t passed;     /* rows so far, those of earlier pages included */
    uint64_t first, end; /* rows of this page */
};

static bool set_columns(const struct describe_request *request, const char *const *names, uint32_t count)
{
    struct cql_result *result = request->result;
    struct cql_column_spec *specs = arena_calloc(&result->arena, count, sizeof *specs);
    if (!specs)
        return cql_refuse(request->error, request->profile, MSG_NOMEM);
    for (uint32_t i = 0; i < count; i++)
        specs[i] = (struct cql_column_spec){
            .keyspace = "system", .table = "describe", .name = names[i], .type = type_scalar(TYPE_TEXT)};
    result->kind = CQL_RESULT_ROWS;
    result->columns = specs;
    result->column_count = count;
    return true;
}

/* As it would be written in a statement. */
static void add_name(struct cql_result *result, const char *name)
{
    struct buffer quoted = {0};
    parse_put_name(&quoted, name);
    result->rows.failed |= quoted.failed;
    cql_result_cell(result, buffer_slice(&quoted));
    buffer_deinit(&quoted);
}

static void add_row(struct description *description, const char *keyspace, const char *type, const char *name)
{
    struct cql_result *result = description->request->result;
    uint64_t number = description->passed++;
    if (number < description->first || number >= description->end) {
        buffer_clear(&description->statement);
        return;
    }
    add_name(result, keyspace);
    cql_result_cell(result, slice_text(type));
    add_name(result, name);
    if (description->with_statement)
        cql_result_cell(result, buffer_slice(&description->statement));
    result->rows.failed |= description->statement.failed;
    buffer_clear(&description->statement);
    result->row_count++;
}

static void add_index(struct description *description, const struct cql_index *index)
{
    describe_index(&description->statement, index, description->request->target);
    add_row(description, index->table->keyspace, "index", index->name);
}

static void add_view(struct description *description, const struct cql_table *view)
{
    const struct cql_target *target = description->request->target;
    describe_view(&description->statement, view, target);
    add_row(description, view->keyspace, target->is_scylla ? "view" : "materialized_view", view->name);
}

/* A table with what is derived from it. A view comes with its table. */
static void add_table(struct description *description, const struct cql_table *table)
{
    describe_table(&description->statement, table, description->request->target,
                   description->request->describe->internals);
    add_row(description, table->keyspace, "table", table->name);
    for (uint32_t i = 0; i < table->index_count; i++)
        add_index(description, table->indexes[i]);
    for (uint32_t i = 0; i < table->view_count; i++) {
        const struct cql_table *view = catalog_view(description->request->catalog, table, i);
        if (view)
            add_view(description, view);
    }
}

/* How many types of the keyspace stand within one another below this one. */
static uint32_t type_depth(const struct cql_keyspace *keyspace, const struct type *type)
{
    uint32_t depth = 0;
    for (uint32_t i = 0; i < keyspace->type_count; i++) {
        const struct type *other = keyspace->types[i];
        if (other == type || !type_mentions(type, other->keyspace, other->name))
            continue;
        uint32_t below = type_depth(keyspace, other) + 1;
        depth = below > depth ? below : depth;
    }
    return depth;
}

static void add_type(struct description *description, const struct type *type)
{
    describe_type(&description->statement, type);
    add_row(description, type->keyspace, "type", type->name);
}

/* A type after those it is made of, so that the output replays. */
static void add_types(struct description *description, const struct cql_keyspace *keyspace)
{
    for (uint32_t depth = 0, added = 0; added < keyspace->type_count; depth++)
        for (uint32_t i = 0; i < keyspace->type_count; i++) {
            if (type_depth(keyspace, keyspace->types[i]) != depth)
                continue;
            add_type(description, keyspace->types[i]);
            added++;
        }
}

static void add_keyspace(struct description *description, const struct cql_keyspace *keyspace,
                         bool with_contents)
{
    describe_keyspace(&description->statement, keyspace, description->request->target);
    add_row(description, keyspace->name, "keyspace", keyspace->name);
    if (with_contents)
        add_types(description, keyspace);
    for (uint32_t i = 0; with_contents && i < keyspace->table_count; i++)
        if (!keyspace->tables[i]->view)
            add_table(description, keyspace->tables[i]);
}

/* ---- what was asked for ---- */

static bool list(struct description *description)
{
    const struct describe_request *request = description->request;
    const struct catalog *catalog = request->catalog;
    description->with_statement = false;
    for (uint32_t i = 0; i < catalog->keyspace_count; i++) {
        const struct cql_keyspace *keyspace = catalog->keyspaces[i];
        if (request->describe->kind == DESCRIBE_KEYSPACES) {
            add_row(description, keyspace->name, "keyspace", keyspace->name);
            continue;
        }
        if (request->keyspace && strcmp(request->keyspace, keyspace->name) != 0)
            continue;
        for (uint32_t j = 0; request->describe->kind == DESCRIBE_TYPES && j < keyspace->type_count; j++)
            add_row(description, keyspace->name, "type", keyspace->types[j]->name);
        for (uint32_t j = 0; request->describe->kind == DESCRIBE_TABLES && j < keyspace->table_count; j++)
            if (!keyspace->tables[j]->view)
                add_row(description, keyspace->name, "table", keyspace->tables[j]->name);
    }
    return true;
}

static bool schema(struct description *description)
{
    const struct catalog *catalog = description->request->catalog;
    for (uint32_t i = 0; i < catalog->keyspace_count; i++)
        if (description->request->describe->full || !catalog->keyspaces[i]->virtual_)
            add_keyspace(description, catalog->keyspaces[i], true);
    return true;
}

static bool one_keyspace(struct description *description, const char *name)
{
    const struct describe_request *request = description->request;
    if (!name)
        return cql_refuse(request->error, request->profile, MSG_DESCRIBE_NO_KEYSPACE);
    const struct cql_keyspace *keyspace = catalog_keyspace(request->catalog, name);
    if (!keyspace)
        return cql_refuse(request->error, request->profile, MSG_DESCRIBE_MISSING, name);
    add_keyspace(description, keyspace, !request->describe->only);
    return true;
}

static enum cql_message missing(enum ast_describe_kind kind)
{
    switch (kind) {
    case DESCRIBE_TABLE: return MSG_DESCRIBE_NO_TABLE;
    case DESCRIBE_INDEX: return MSG_DESCRIBE_NO_INDEX;
    case DESCRIBE_VIEW: return MSG_DESCRIBE_NO_VIEW;
    case DESCRIBE_TYPE: return MSG_DESCRIBE_NO_TYPE;
    case DESCRIBE_FUNCTION: return MSG_DESCRIBE_NO_FUNCTION;
    case DESCRIBE_AGGREGATE: return MSG_DESCRIBE_NO_AGGREGATE;
    default: return MSG_DESCRIBE_NO_OBJECT;
    }
}

/* A table, an index or a type, of the keyspace in the name or of the session's. A bare name is no type's in Cassandra. */
static bool one_object(struct description *description)
{
    const struct describe_request *request = description->request;
    const struct ast_describe *describe = request->describe;
    const char *keyspace = describe->name.keyspace.text ? describe->name.keyspace.text : request->keyspace;
    const char *name = describe->name.name.text;
    if (describe->kind == DESCRIBE_NAME && !describe->name.keyspace.text &&
        catalog_keyspace(request->catalog, name))
        return one_keyspace(description, name);
    if (!keyspace && describe->kind == DESCRIBE_NAME) /* then it was to be a keyspace's */
        return cql_refuse(request->error, request->profile, MSG_DESCRIBE_MISSING, name);
    if (!keyspace)
        return cql_refuse(request->error, request->profile, MSG_DESCRIBE_NO_KEYSPACE);
    if (!catalog_keyspace(request->catalog, keyspace))
        return cql_refuse(request->error, request->profile, MSG_DESCRIBE_MISSING, keyspace);
    const struct cql_table *table = catalog_table(request->catalog, keyspace, name);
    const struct cql_index *index = catalog_index(request->catalog, keyspace, name);
    const struct type *type = catalog_type(request->catalog, keyspace, name);
    bool any = describe->kind == DESCRIBE_NAME;
    if (table && table->view && describe->kind == DESCRIBE_TABLE && request->target->is_scylla)
        return cql_refuse(request->error, request->profile, MSG_DESCRIBE_TABLE_IS_VIEW);
    if (table && table->view && (any || describe->kind == DESCRIBE_VIEW || describe->kind == DESCRIBE_TABLE))
        add_view(description, table);
    else if (table && !table->view && (any || describe->kind == DESCRIBE_TABLE))
        add_table(description, table);
    else if (index && (any || describe->kind == DESCRIBE_INDEX))
        add_index(description, index);
    else if (type && ((any && request->target->is_scylla) || describe->kind == DESCRIBE_TYPE))
        add_type(description, type);
    else
        return cql_refuse(request->error, request->profile, missing(describe->kind), name, keyspace);
    return true;
}

static bool cluster(const struct describe_request *request)
{
    static const char *const names[] = {"cluster", "partitioner", "snitch"};
    if (!set_columns(request, names, ARRAY_LEN(names)))
        return false;
    cql_result_cell(request->result, slice_text(request->cluster_name));
    bool is_scylla = request->target->is_scylla;
    cql_result_cell(request->result, slice_text(is_scylla ? "org.apache.cassandra.dht.Murmur3Partitioner"
                                                          : "Murmur3Partitioner"));
    cql_result_cell(request->result, slice_text(is_scylla ? "org.apache.cassandra.locator.SimpleSnitch"
                                                          : "DynamicEndpointSnitch"));
    request->result->row_count = 1;
    return true;
}

static bool fill(struct description *description)
{
    const struct ast_describe *describe = description->request->describe;
    const char *name = describe->name.name.text;
    switch (describe->kind) {
    case DESCRIBE_CLUSTER: return cluster(description->request);
    case DESCRIBE_KEYSPACES:
    case DESCRIBE_TABLES:
    case DESCRIBE_TYPES:
    case DESCRIBE_NOTHING: return list(description);
    case DESCRIBE_SCHEMA: return schema(description);
    case DESCRIBE_KEYSPACE: return one_keyspace(description, name ? name : description->request->keyspace);
    case DESCRIBE_TABLE:
    case DESCRIBE_INDEX:
    case DESCRIBE_VIEW:
    case DESCRIBE_TYPE:
    case DESCRIBE_FUNCTION:
    case DESCRIBE_AGGREGATE:
    case DESCRIBE_NAME: return one_object(description);
    }
    return true;
}

/* ---- pages ---- */

/*
 * Where the next page begins: u8 'D' | 16 bytes schema version | be64 rows passed. With another schema the rows would be
 * others, so that a page of a changed schema is refused.
 */
enum { STATE_BYTES = 1 + 16 + 8 };

static bool read_state(struct description *description)
{
    const struct describe_request *request = description->request;
    description->end = UINT64_MAX;
    if (!request->target->describe_is_paged)
        return true;
    struct slice state = request->paging_state;
    if (state.bytes) {
        if (state.bytes != STATE_BYTES || state.data[0] != 'D')
            return cql_refuse(request->error, request->profile, MSG_DESCRIBE_STATE);
        if (memcmp(state.data + 1, request->catalog->version, 16) != 0)
            return cql_refuse(request->error, request->profile, MSG_DESCRIBE_SCHEMA_CHANGED);
        description->first = load_be64(state.data + 17);
    }
    if (request->page_size > 0 && description->first < UINT64_MAX / 2)
        description->end = description->first + (uint64_t)request->page_size;
    return true;
}

/* Cassandra says that there is more whenever a page is full. */
static void write_state(const struct description *description)
{
    struct cql_result *result = description->request->result;
    if (description->passed < description->end)
        return;
    buffer_append_u8(&result->paging_state, 'D');
    buffer_append(&result->paging_state, description->request->catalog->version, 16);
    buffer_append_be64(&result->paging_state, description->end);
    result->rows.failed |= result->paging_state.failed;
}

bool describe_execute(const struct describe_request *request)
{
    static const char *const names[] = {"keyspace_name", "type", "name", "create_statement"};
    struct description description = {.request = request, .with_statement = true};
    bool done = read_state(&description) && fill(&description);
    if (done && request->describe->kind != DESCRIBE_CLUSTER) {
        done = set_columns(request, names, description.with_statement ? 4 : 3);
        write_state(&description);
    }
    if (done && request->result->rows.failed)
        done = cql_refuse(request->error, request->profile, MSG_NOMEM);
    buffer_deinit(&description.statement);
    return done;
}
