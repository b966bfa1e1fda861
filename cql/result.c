#include "cql/result.h"

void cql_result_clear(struct cql_result *result)
{
    buffer_clear(&result->rows);
    buffer_clear(&result->paging_state);
    buffer_clear(&result->warnings);
    arena_reset(&result->arena);
    result->kind = CQL_RESULT_VOID;
    result->columns = NULL;
    result->column_count = 0;
    result->row_count = 0;
    result->keyspace[0] = '\0';
    memset(&result->change, 0, sizeof result->change);
    result->more_changes = NULL;
    result->more_change_count = result->more_change_capacity = 0;
    memset(&result->ticket, 0, sizeof result->ticket);
    memset(&result->counters, 0, sizeof result->counters);
    result->tombstones = 0;
    result->rows_examined = 0;
    result->rows_copied = 0;
}

void cql_result_deinit(struct cql_result *result)
{
    buffer_deinit(&result->rows);
    buffer_deinit(&result->paging_state);
    buffer_deinit(&result->warnings);
    arena_deinit(&result->arena);
    memset(result, 0, sizeof *result);
}

struct cql_schema_change *cql_result_add_change(struct cql_result *result)
{
    struct cql_schema_change *grown =
        arena_grow(&result->arena, result->more_changes, result->more_change_count,
                   &result->more_change_capacity, sizeof *grown);
    if (!grown)
        return NULL;
    result->more_changes = grown;
    memset(&grown[result->more_change_count], 0, sizeof *grown);
    return &result->more_changes[result->more_change_count++];
}
