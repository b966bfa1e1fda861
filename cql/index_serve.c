/* index_serve.c: what an index is good for. */
#include "cql/index.h"
#include "cql/parse.h"
#include "cql/restriction.h"

bool index_finds(const struct cql_index *index, const struct restriction *restriction)
{
    if (restriction->tuple || restriction->token || restriction->columns[0] != index->column)
        return false;
    switch (index->target) {
    case INDEX_ON_VALUE: return restriction->op == OP_EQ && !restriction->entry;
    case INDEX_ON_KEYS: return restriction->op == OP_CONTAINS_KEY;
    case INDEX_ON_VALUES: return restriction->op == OP_CONTAINS;
    case INDEX_ON_ENTRIES: return restriction->op == OP_EQ && restriction->entry;
    }
    return false;
}

/* Types whose ranges a StorageAttachedIndex can look up: all but texts, uuids and the like. */
static bool has_ranges(const struct type *type)
{
    switch (type->id) {
    case TYPE_BIGINT:
    case TYPE_DATE:
    case TYPE_DECIMAL:
    case TYPE_DOUBLE:
    case TYPE_FLOAT:
    case TYPE_INET:
    case TYPE_INT:
    case TYPE_SMALLINT:
    case TYPE_TIME:
    case TYPE_TIMESTAMP:
    case TYPE_TIMEUUID:
    case TYPE_TINYINT:
    case TYPE_UUID:
    case TYPE_VARINT: return true;
    default: return false;
    }
}

bool index_serves(const struct cql_index *index, const struct restriction *restriction)
{
    if (index_finds(index, restriction))
        return true;
    enum ast_operator op = restriction->op;
    bool is_range = op == OP_LT || op == OP_LE || op == OP_GT || op == OP_GE;
    return index->is_sai && index->target == INDEX_ON_VALUE && is_range && !restriction->tuple &&
           !restriction->token && restriction->columns[0] == index->column && has_ranges(index->column->type);
}

/* Key and value with their lengths, as index_entries() has them. */
static bool entry_value(struct plan_run *run, struct slice key, struct slice value, struct slice *out_value)
{
    uint8_t *bytes = arena_bytes(run->scratch, key.bytes + value.bytes + 8);
    if (!bytes)
        return run_nomem(run);
    store_be32(bytes, (uint32_t)key.bytes);
    if (key.bytes)
        memcpy(bytes + 4, key.data, key.bytes);
    store_be32(bytes + 4 + key.bytes, (uint32_t)value.bytes);
    if (value.bytes)
        memcpy(bytes + 8 + key.bytes, value.data, value.bytes);
    *out_value = slice_of(bytes, key.bytes + value.bytes + 8);
    return true;
}

bool index_wanted_value(struct plan_run *run, const struct restriction *restriction, struct slice *out_value,
                        bool *out_some)
{
    struct cql_value value, key;
    if (!term_value(&restriction->value, run, &value))
        return false;
    *out_some = value.kind == CQL_VALUE;
    *out_value = value.bytes;
    if (!restriction->entry)
        return true;
    if (!term_value(&restriction->key, run, &key))
        return false;
    *out_some &= key.kind == CQL_VALUE;
    return !*out_some || entry_value(run, key.bytes, value.bytes, out_value);
}

void index_target_text(struct buffer *out, const struct cql_index *index, const struct cql_target *target,
                       bool quoted)
{
    const char *function = NULL;
    bool is_set = index->column->type->id == TYPE_SET;
    switch (index->target) {
    case INDEX_ON_VALUE: function = type_is_collection(index->column->type) ? "full" : NULL; break;
    case INDEX_ON_KEYS: function = "keys"; break;
    case INDEX_ON_VALUES: function = is_set && target->set_index_on_keys ? "keys" : "values"; break;
    case INDEX_ON_ENTRIES: function = "entries"; break;
    }
    if (function)
        buffer_printf(out, "%s(", function);
    if (quoted)
        parse_put_name(out, index->column->name);
    else
        buffer_printf(out, "%s", index->column->name);
    buffer_printf(out, "%s", function ? ")" : "");
}
