/* describe_index.c: indexes as the statements that would make them again. */
#include "cql/describe.h"
#include "cql/index.h"
#include "cql/parse.h"
#include "cql/table_options.h"

/* "(k), " of a local index */
static void put_partition(struct buffer *out, const struct cql_table *table)
{
    for (uint32_t i = 0; i < table->partition_count; i++) {
        buffer_printf(out, i ? ", " : "(");
        parse_put_name(out, table->columns[i].name);
    }
    buffer_printf(out, "), ");
}

void describe_index(struct buffer *out, const struct cql_index *index, const struct cql_target *target)
{
    buffer_printf(out, "CREATE %sINDEX ", index->custom_class ? "CUSTOM " : "");
    parse_put_name(out, index->name);
    buffer_printf(out, " ON ");
    parse_put_name(out, index->table->keyspace);
    buffer_append_u8(out, '.');
    parse_put_name(out, index->table->name);
    buffer_printf(out, " (");
    if (index->is_local)
        put_partition(out, index->table);
    index_target_text(out, index, target, true);
    buffer_append_u8(out, ')');
    if (index->custom_class)
        buffer_printf(out, " USING '%s'", index->custom_class);
    if (index->options.count) {
        buffer_printf(out, " WITH OPTIONS = ");
        option_map_print(out, &index->options);
    }
    buffer_append_u8(out, ';');
}
