#include "cql/modify_internal.h"

static bool is_slice(enum ast_operator op)
{
    return op == OP_LT || op == OP_LE || op == OP_GT || op == OP_GE;
}

static const char *statement_name(const struct modify_plan *modify)
{
    return modify->kind == STATEMENT_UPDATE   ? "UPDATE"
           : modify->kind == STATEMENT_DELETE ? "DELETE"
                                              : "INSERT";
}

static bool fixed(const struct restrictions *keys, const struct cql_column *column)
{
    for (uint32_t i = 0; i < keys->count; i++) {
        const struct restriction *r = &keys->items[i];
        if (r->op != OP_EQ && r->op != OP_IN)
            continue;
        for (uint32_t k = 0; k < r->column_count; k++)
            if (r->columns[k] == column)
                return true;
    }
    return false;
}

/* The columns of the kind that nothing fixes: the first in ScyllaDB's words, all of them in Cassandra's (DEL-8). */
bool modify_refuse_missing(struct plan_builder *builder, const struct restrictions *keys,
                           enum column_kind kind, enum cql_message message)
{
    const struct cql_table *table = keys->table;
    char *names = NULL;
    for (uint32_t i = 0; i < table->partition_count + table->clustering_count; i++) {
        const struct cql_column *column = &table->columns[i];
        if (column->kind != kind || fixed(keys, column))
            continue;
        names = names ? arena_printf(builder->arena, "%s, %s", names, column->name)
                      : arena_printf(builder->arena, "%s", column->name);
        if (!names)
            return build_nomem(builder);
        if (builder->context->target->is_scylla)
            break;
    }
    return BUILD_REFUSE(builder, message, names ? names : "");
}

static bool check_columns(struct plan_builder *builder, const struct modify_plan *modify)
{
    const struct restrictions *keys = &modify->keys;
    char *others = NULL;
    for (uint32_t i = 0; i < keys->count; i++) {
        const struct restriction *r = &keys->items[i];
        if (r->token)
            return BUILD_REFUSE_AT(builder, r->at, MSG_WHERE_TOKEN, statement_name(modify));
        if (r->columns[0]->kind == COLUMN_PARTITION || r->columns[0]->kind == COLUMN_CLUSTERING)
            continue;
        others = others ? arena_printf(builder->arena, "%s, %s", others, r->columns[0]->name)
                        : arena_printf(builder->arena, "%s", r->columns[0]->name);
        if (!others)
            return build_nomem(builder);
    }
    return others ? BUILD_REFUSE(builder, MSG_WHERE_NON_KEY, others) : true;
}

static bool check_partition(struct plan_builder *builder, const struct modify_plan *modify)
{
    const struct restrictions *keys = &modify->keys;
    if (keys->partition_other)
        return BUILD_REFUSE(builder, MSG_PARTITION_SLICE_IN_MODIFICATION, statement_name(modify));
    if (keys->partition_complete)
        return true;
    return modify_refuse_missing(builder, keys, COLUMN_PARTITION, MSG_KEY_PART_MISSING);
}

/* LWT-6: a conditional DELETE says what needs the full key, a column or a condition. */
static bool refuse_deleted_columns(struct plan_builder *builder, const struct modify_plan *modify)
{
    bool regular = false;
    if (!modify->condition)
        return BUILD_REFUSE(builder, MSG_RANGE_DELETE_COLUMNS);
    for (uint32_t i = 0; i < modify->cell_count; i++)
        regular |= modify->cells[i].column->kind == COLUMN_REGULAR;
    return BUILD_REFUSE(builder, regular ? MSG_IF_DELETE_FULL_KEY : MSG_IF_DELETE_STATIC);
}

static bool check_full_key(struct plan_builder *builder, const struct modify_plan *modify)
{
    const struct restrictions *keys = &modify->keys;
    bool slice = keys->clustering_slice;
    for (uint32_t i = 0; i < keys->count; i++)
        slice |= keys->items[i].columns[0]->kind == COLUMN_CLUSTERING && is_slice(keys->items[i].op);
    if (modify->kind == STATEMENT_DELETE) {
        if (slice || keys->clustering_prefix < keys->table->clustering_count)
            return refuse_deleted_columns(builder, modify);
        return true;
    }
    if (slice)
        return BUILD_REFUSE(builder, MSG_SLICE_IN_UPDATE, statement_name(modify));
    if (keys->clustering_prefix < keys->table->clustering_count)
        return modify_refuse_missing(builder, keys, COLUMN_CLUSTERING, MSG_CLUSTERING_MISSING);
    return true;
}

static bool settle_extent(struct plan_builder *builder, struct modify_plan *modify, bool only_static)
{
    const struct restrictions *keys = &modify->keys;
    bool full = keys->clustering_prefix == keys->table->clustering_count && !keys->clustering_slice;
    if (only_static) {
        if (keys->clustering)
            return BUILD_REFUSE(builder, MSG_STATIC_WITH_CLUSTERING, statement_name(modify));
        modify->extent = MODIFY_STATIC;
        return true;
    }
    modify->extent = MODIFY_ROWS;
    if (modify->kind == STATEMENT_DELETE && !modify->cell_count) {
        modify->deletes_rows = full && keys->clustering;
        if (!modify->deletes_rows)
            modify->extent = keys->clustering ? MODIFY_RANGES : MODIFY_PARTITION;
        return true;
    }
    return check_full_key(builder, modify);
}

bool modify_check_keys(struct plan_builder *builder, struct modify_plan *modify, bool only_static)
{
    if (!check_columns(builder, modify))
        return false;
    /* DEL-8: which of the two complaints comes first. */
    bool prefix_first = builder->context->target->is_scylla;
    if (prefix_first && !restrictions_check_prefix(builder, &modify->keys))
        return false;
    if (!check_partition(builder, modify))
        return false;
    if (!prefix_first && !restrictions_check_prefix(builder, &modify->keys))
        return false;
    return settle_extent(builder, modify, only_static);
}
