/* describe_view.c: materialized views as the statements that would make them again. */
#include "cql/ast.h"
#include "cql/describe.h"
#include "cql/parse.h"
#include "cql/table_options.h"

static void put_names(struct buffer *out, const struct cql_column *columns, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        buffer_printf(out, "%s", i ? ", " : "");
        parse_put_name(out, columns[i].name);
    }
}

void view_print_where(struct buffer *out, const struct cql_view *view)
{
    for (uint32_t i = 0; i < view->filter_count; i++) {
        buffer_printf(out, "%s", i ? " AND " : "");
        parse_put_name(out, view->filters[i].column);
        buffer_printf(out, " %s", view->filters[i].text);
    }
}

static void put_key(struct buffer *out, const struct cql_table *view)
{
    buffer_printf(out, "PRIMARY KEY (%s", view->partition_count > 1 ? "(" : "");
    put_names(out, view->columns, view->partition_count);
    buffer_printf(out, "%s%s", view->partition_count > 1 ? ")" : "", view->clustering_count ? ", " : "");
    put_names(out, view->columns + view->partition_count, view->clustering_count);
    buffer_printf(out, ")\n");
}

void describe_view(struct buffer *out, const struct cql_table *view, const struct cql_target *target)
{
    buffer_printf(out, "CREATE MATERIALIZED VIEW ");
    parse_put_name(out, view->keyspace);
    buffer_printf(out, ".");
    parse_put_name(out, view->name);
    buffer_printf(out, " AS\n    SELECT ");
    if (view->view->all_columns)
        buffer_printf(out, "*");
    else
        put_names(out, view->columns, view->column_count);
    buffer_printf(out, "\n    FROM ");
    parse_put_name(out, view->keyspace);
    buffer_printf(out, ".");
    parse_put_name(out, view->view->base);
    buffer_printf(out, "\n    WHERE ");
    view_print_where(out, view->view);
    buffer_printf(out, "\n    ");
    put_key(out, view);
    /* Cassandra has gone back to the margin here. */
    buffer_printf(out, target->is_scylla ? "    WITH " : " WITH ");
    for (uint32_t i = 0; i < view->clustering_count; i++) {
        const struct cql_column *column = &view->columns[view->partition_count + i];
        buffer_printf(out, "%s", i ? ", " : "CLUSTERING ORDER BY (");
        parse_put_name(out, column->name);
        buffer_printf(out, "%s", column->descending ? " DESC" : " ASC");
    }
    if (view->clustering_count)
        buffer_printf(out, ")\n    AND ");
    table_options_print(out, &view->options, target);
    buffer_append_u8(out, ';');
}
