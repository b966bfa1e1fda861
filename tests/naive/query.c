#include "query.h"

static bool chance(struct random *rng, unsigned one_in)
{
    return random_below(rng, one_in) == 0;
}

/* ---- WHERE ---- */

static struct query_relation *add_relation(struct query *query, int column, enum query_operator op, int value)
{
    struct query_relation *relation = &query->relations[query->relation_count++];
    *relation = (struct query_relation){.column = column, .op = op, .values = {value}, .count = 1};
    return relation;
}

static int any_value(struct random *rng)
{
    return (int)random_below(rng, NAIVE_VALUES);
}

/* Those that change.c writes, mostly. */
static int likely_key(struct random *rng, bool partition)
{
    return chance(rng, 6) ? any_value(rng)
           : partition    ? (int)random_below(rng, 2) * 3
                          : (int)random_below(rng, 3);
}

static void add_in(struct query *query, struct random *rng, int column)
{
    struct query_relation *relation = add_relation(query, column, QUERY_IN, any_value(rng));
    while (relation->count < QUERY_IN_MAX && !chance(rng, 3))
        relation->values[relation->count++] = any_value(rng);
}

/* One bound, or one on each side. */
static void add_slice(struct query *query, struct random *rng, int column)
{
    uint64_t bounds = 1 + random_below(rng, 3);
    if (bounds & 1)
        add_relation(query, column, chance(rng, 2) ? QUERY_GT : QUERY_GE, any_value(rng));
    if (bounds & 2)
        add_relation(query, column, chance(rng, 2) ? QUERY_LT : QUERY_LE, any_value(rng));
}

static void add_filter(struct query *query, const struct naive_schema *schema, struct random *rng, int column)
{
    query->filtering = true;
    if (schema->columns[column].type == NAIVE_MAP && chance(rng, 2)) {
        struct query_relation *relation = add_relation(query, column, QUERY_ENTRY, any_value(rng));
        relation->values[relation->count++] = any_value(rng);
    } else if (schema->columns[column].type == NAIVE_MAP) {
        add_relation(query, column, chance(rng, 2) ? QUERY_CONTAINS : QUERY_CONTAINS_KEY, any_value(rng));
    } else if (schema->columns[column].type == NAIVE_SET) {
        add_relation(query, column, QUERY_CONTAINS, any_value(rng));
    } else if (chance(rng, 2)) {
        add_relation(query, column, QUERY_EQ, any_value(rng));
    } else {
        add_slice(query, rng, column);
    }
}

static void add_filters(struct query *query, const struct naive_schema *schema, struct random *rng, int from)
{
    for (int i = from; i < schema->column_count; i++)
        if (query->relation_count + 2 < QUERY_RELATIONS_MAX && chance(rng, 5))
            add_filter(query, schema, rng, i);
}

/* One partition, or a few; rows by a prefix of the clustering key and perhaps a slice or IN. */
static void restrict_partition(struct query *query, const struct naive_schema *schema, struct random *rng)
{
    bool several = schema->partition_count == 1 && chance(rng, 5);
    for (int i = 0; i < schema->partition_count; i++)
        if (several)
            add_in(query, rng, i);
        else
            add_relation(query, i, QUERY_EQ, likely_key(rng, true));
    int key_columns = schema->partition_count + schema->clustering_count, at = schema->partition_count;
    while (at < key_columns && chance(rng, 2))
        add_relation(query, at++, QUERY_EQ, likely_key(rng, false));
    if (at < key_columns && chance(rng, 2)) {
        if (chance(rng, 3) && !several)
            add_in(query, rng, at);
        else
            add_slice(query, rng, at);
    }
    if (!several && schema->clustering_count)
        query->reverse = chance(rng, 3);
    if (chance(rng, 4))
        add_filters(query, schema, rng, key_columns);
    /* ORD-2: such a filter would go through the index. */
    for (int i = 0; i < query->relation_count; i++)
        if (schema->columns[query->relations[i].column].indexed && query->relations[i].op == QUERY_EQ)
            query->reverse = false;
}

static void restrict_scan(struct query *query, const struct naive_schema *schema, struct random *rng)
{
    for (int i = 0; i < schema->column_count; i++)
        if (schema->columns[i].indexed && chance(rng, 2)) {
            add_relation(query, i, QUERY_EQ, any_value(rng));
            if (chance(rng, 3))
                add_filters(query, schema, rng, i + 1);
            return;
        }
    if (chance(rng, 4)) {
        struct naive_key key = {{likely_key(rng, true), likely_key(rng, true)}, {0}};
        query->has_token = true;
        query->token = naive_token(schema, &key);
    } else if (!chance(rng, 3)) {
        add_filters(query, schema, rng, schema->partition_count);
    }
}

/* ---- the rest ---- */

static void choose_columns(struct query *query, const struct naive_schema *schema, struct random *rng)
{
    for (int i = 0; i < schema->column_count; i++)
        query->selected[i] = !chance(rng, 4);
    /* Clustering columns may not be restricted where only static ones are selected: the last column is a regular one. */
    query->selected[schema->column_count - 1] = true;
    query->with_writetime = chance(rng, 4);
}

static void choose_distinct(struct query *query, const struct naive_schema *schema, struct random *rng)
{
    query->shape = QUERY_DISTINCT;
    for (int i = 0; i < schema->column_count; i++) {
        enum naive_kind kind = schema->columns[i].kind;
        query->selected[i] = kind == NAIVE_PARTITION || (kind == NAIVE_STATIC && chance(rng, 2));
    }
    if (chance(rng, 3))
        query->limit = 1 + (int)random_below(rng, 3);
}

static void choose_aggregates(struct query *query, const struct naive_schema *schema, struct random *rng)
{
    query->shape = QUERY_AGGREGATES;
    do
        query->column = (int)random_below(rng, (uint64_t)schema->column_count);
    while (naive_is_collection(schema->columns[query->column].type) ||
           schema->columns[query->column].kind == NAIVE_STATIC);
    query->reverse = false;
    if (chance(rng, 2))
        query->group_count =
            schema->partition_count + (int)random_below(rng, (uint64_t)schema->clustering_count + 1);
}

void query_random(struct query *query, const struct naive_schema *schema, struct random *rng)
{
    *query = (struct query){0};
    if (chance(rng, 8)) {
        choose_distinct(query, schema, rng);
        return;
    }
    if (chance(rng, 2))
        restrict_partition(query, schema, rng);
    else
        restrict_scan(query, schema, rng);
    if (chance(rng, 5)) {
        choose_aggregates(query, schema, rng);
        return;
    }
    choose_columns(query, schema, rng);
    if (chance(rng, 4))
        query->limit = 1 + (int)random_below(rng, 6);
    if (chance(rng, 5))
        query->per_partition_limit = 1 + (int)random_below(rng, 3);
}

static bool is_whole_number(enum naive_type type)
{
    return type == NAIVE_INT || type == NAIVE_BIGINT;
}

static bool has_writetime(const struct query *query, const struct naive_column *column)
{
    return query->with_writetime && (column->kind == NAIVE_REGULAR || column->kind == NAIVE_STATIC) &&
           !naive_is_collection(column->type);
}

/* ---- as text ---- */

static void put_selection(struct buffer *out, const struct query *query, const struct naive_schema *schema)
{
    if (query->shape == QUERY_AGGREGATES) {
        const struct naive_column *column = &schema->columns[query->column];
        for (int i = 0; i < query->group_count; i++)
            buffer_printf(out, "%s, ", schema->columns[i].name);
        buffer_printf(out, "count(*), count(%s), min(%s), max(%s)", column->name, column->name, column->name);
        if (is_whole_number(column->type))
            buffer_printf(out, ", sum(%s)", column->name);
        return;
    }
    const char *separator = query->shape == QUERY_DISTINCT ? "DISTINCT " : "";
    for (int i = 0; i < schema->column_count; i++) {
        const struct naive_column *column = &schema->columns[i];
        if (!query->selected[i])
            continue;
        buffer_printf(out, "%s%s", separator, column->name);
        separator = ", ";
        if (has_writetime(query, column))
            buffer_printf(out, ", writetime(%s), ttl(%s)", column->name, column->name);
    }
}

static void put_relation(struct buffer *out, const struct query_relation *relation,
                         const struct naive_schema *schema)
{
    static const char *const operators[] = {"=", "<", "<=", ">", ">=", "IN", "CONTAINS", "CONTAINS KEY", "="};
    const struct naive_column *column = &schema->columns[relation->column];
    enum naive_type type = column->type;
    buffer_printf(out, "%s", column->name);
    if (relation->op == QUERY_ENTRY) {
        buffer_printf(out, "[");
        naive_literal(out, naive_path_type(type), relation->values[0]);
        buffer_printf(out, "]");
    }
    buffer_printf(out, " %s ", operators[relation->op]);
    if (relation->op == QUERY_ENTRY || (relation->op == QUERY_CONTAINS && type == NAIVE_MAP)) {
        naive_literal(out, NAIVE_ELEMENT, relation->values[relation->count - 1]);
    } else if (naive_is_collection(type)) {
        naive_literal(out, naive_path_type(type), relation->values[0]);
    } else if (relation->op == QUERY_IN) {
        for (int i = 0; i < relation->count; i++) {
            buffer_printf(out, "%s", i ? ", " : "(");
            naive_literal(out, type, relation->values[i]);
        }
        buffer_printf(out, ")");
    } else {
        naive_literal(out, type, relation->values[0]);
    }
}

static void put_names(struct buffer *out, const struct naive_schema *schema, int count)
{
    for (int i = 0; i < count; i++)
        buffer_printf(out, "%s%s", i ? ", " : "", schema->columns[i].name);
}

void query_text(struct buffer *out, const struct query *query, const struct naive_schema *schema)
{
    buffer_printf(out, "SELECT ");
    put_selection(out, query, schema);
    buffer_printf(out, " FROM t");
    for (int i = 0; i < query->relation_count; i++) {
        buffer_printf(out, "%s", i ? " AND " : " WHERE ");
        put_relation(out, &query->relations[i], schema);
    }
    if (query->has_token) {
        buffer_printf(out, " WHERE token(");
        put_names(out, schema, schema->partition_count);
        buffer_printf(out, ") > %lld", (long long)query->token);
    }
    if (query->group_count) {
        buffer_printf(out, " GROUP BY ");
        put_names(out, schema, query->group_count);
    }
    if (query->reverse) {
        const struct naive_column *first = &schema->columns[schema->partition_count];
        buffer_printf(out, " ORDER BY %s %s", first->name, first->descending ? "ASC" : "DESC");
    }
    if (query->per_partition_limit)
        buffer_printf(out, " PER PARTITION LIMIT %d", query->per_partition_limit);
    if (query->limit)
        buffer_printf(out, " LIMIT %d", query->limit);
    if (query->filtering)
        buffer_printf(out, " ALLOW FILTERING");
}

/* ---- the answer ---- */

static bool contains(const struct naive_cell *cell, enum naive_type type,
                     const struct query_relation *relation)
{
    if (relation->op == QUERY_CONTAINS_KEY || type == NAIVE_SET)
        return cell->elements[relation->values[0]] != NULL;
    if (relation->op == QUERY_ENTRY)
        return cell->elements[relation->values[0]] &&
               cell->elements[relation->values[0]]->value == relation->values[1];
    for (int path = 0; path < NAIVE_VALUES; path++)
        if (cell->elements[path] && cell->elements[path]->value == relation->values[0])
            return true;
    return false;
}

static bool holds(const struct query_relation *relation, const struct naive_schema *schema,
                  const struct naive_row *row)
{
    const struct naive_cell *cell = &row->cells[relation->column];
    int value = relation->values[0];
    if (!cell->present)
        return false;
    switch (relation->op) {
    case QUERY_EQ: return cell->value == value;
    case QUERY_LT: return cell->value < value;
    case QUERY_LE: return cell->value <= value;
    case QUERY_GT: return cell->value > value;
    case QUERY_GE: return cell->value >= value;
    case QUERY_IN:
        for (int i = 0; i < relation->count; i++)
            if (cell->value == relation->values[i])
                return true;
        return false;
    default: return contains(cell, schema->columns[relation->column].type, relation);
    }
}

static bool matches(const struct query *query, const struct naive_schema *schema, const struct naive_row *row)
{
    for (int i = 0; i < query->relation_count; i++)
        if (!holds(&query->relations[i], schema, row))
            return false;
    return !query->has_token || row->token > query->token;
}

static void put_elements(struct buffer *out, const struct naive_cell *cell, enum naive_type type)
{
    const char *separator = "{";
    for (int path = 0; path < NAIVE_VALUES; path++) {
        if (!cell->elements[path])
            continue;
        buffer_printf(out, "%s", separator);
        separator = ", ";
        naive_literal(out, naive_path_type(type), path);
        if (type == NAIVE_MAP) {
            buffer_printf(out, ": ");
            naive_literal(out, NAIVE_ELEMENT, cell->elements[path]->value);
        }
    }
    buffer_printf(out, "}");
}

static void put_cell(struct buffer *out, const struct naive_cell *cell, enum naive_type type)
{
    if (!cell->present)
        buffer_printf(out, "null");
    else if (naive_is_collection(type))
        put_elements(out, cell, type);
    else
        naive_text(out, type, cell->value);
}

static void put_writetime(struct buffer *out, const struct naive_cell *cell, int64_t now_s)
{
    if (!cell->write)
        buffer_printf(out, " | null");
    else
        buffer_printf(out, " | %lld", (long long)cell->write->timestamp);
    if (!cell->write || !cell->write->ttl_s)
        buffer_printf(out, " | null");
    else
        buffer_printf(out, " | %lld", (long long)(cell->write->expiry_s - now_s));
}

static void put_row(struct buffer *out, const struct query *query, const struct naive_schema *schema,
                    const struct naive_row *row, int64_t now_s)
{
    const char *separator = "";
    for (int i = 0; i < schema->column_count; i++) {
        if (!query->selected[i])
            continue;
        buffer_printf(out, "%s", separator);
        separator = " | ";
        put_cell(out, &row->cells[i], schema->columns[i].type);
        if (has_writetime(query, &schema->columns[i]))
            put_writetime(out, &row->cells[i], now_s);
    }
    buffer_printf(out, "\n");
}

/* The rows in the order in which the query goes through them: the partitions of IN by value (WHR-10). */
static int rows_in_order(const struct query *query, const struct naive_table *table,
                         const struct naive_row **out)
{
    const struct naive_schema *schema = table->schema;
    bool by_value =
        query->relation_count && query->relations[0].column == 0 && query->relations[0].op == QUERY_IN;
    int count = 0;
    for (int value = 0; value < (by_value ? NAIVE_VALUES : 1); value++)
        for (int i = 0; i < table->count; i++) {
            const struct naive_row *row = &table->rows[query->reverse ? table->count - 1 - i : i];
            if ((!by_value || row->key.partition[0] == value) && matches(query, schema, row))
                out[count++] = row;
        }
    return count;
}

static void answer_rows(struct buffer *out, const struct query *query, const struct naive_table *table,
                        const struct naive_row *const *rows, int count, int64_t now_s)
{
    int given = 0, of_partition = 0;
    for (int i = 0; i < count; i++) {
        bool same = i && naive_same_partition(table->schema, &rows[i]->key, &rows[i - 1]->key);
        of_partition = same ? of_partition + 1 : 1;
        if ((query->shape == QUERY_DISTINCT && same) ||
            (query->per_partition_limit && of_partition > query->per_partition_limit))
            continue;
        if (query->limit && given++ == query->limit)
            return;
        put_row(out, query, table->schema, rows[i], now_s);
    }
}

static void put_group(struct buffer *out, const struct query *query, const struct naive_schema *schema,
                      const struct naive_row *const *rows, int count)
{
    struct naive_cell least = {.value = NAIVE_NULL}, most = least;
    enum naive_type type = schema->columns[query->column].type;
    int present = 0;
    for (int i = 0; i < count; i++) {
        const struct naive_cell *cell = &rows[i]->cells[query->column];
        if (!cell->present)
            continue;
        if (!present++ || cell->value < least.value)
            least = *cell;
        if (!most.present || cell->value > most.value)
            most = *cell;
    }
    for (int i = 0; i < query->group_count; i++) {
        put_cell(out, &rows[0]->cells[i], schema->columns[i].type);
        buffer_printf(out, " | ");
    }
    buffer_printf(out, "%d | %d | ", count, present);
    put_cell(out, &least, type);
    buffer_printf(out, " | ");
    put_cell(out, &most, type);
    if (is_whole_number(type)) {
        int64_t sum = 0;
        for (int i = 0; i < count; i++)
            if (rows[i]->cells[query->column].present)
                sum += naive_whole_number(type, rows[i]->cells[query->column].value);
        buffer_printf(out, " | %lld", (long long)sum);
    }
    buffer_printf(out, "\n");
}

static bool same_group(const struct query *query, const struct naive_row *a, const struct naive_row *b)
{
    for (int i = 0; i < query->group_count; i++)
        if (a->cells[i].present != b->cells[i].present || a->cells[i].value != b->cells[i].value)
            return false;
    return true;
}

static void answer_aggregates(struct buffer *out, const struct query *query, const struct naive_table *table,
                              const struct naive_row *const *rows, int count)
{
    int begin = 0;
    for (int i = 1; i <= count; i++)
        if (query->group_count && (i == count || !same_group(query, rows[i], rows[begin]))) {
            put_group(out, query, table->schema, rows + begin, i - begin);
            begin = i;
        }
    if (!query->group_count)
        put_group(out, query, table->schema, rows, count);
}

void query_answer(struct buffer *out, const struct query *query, const struct naive_table *table,
                  int64_t now_s)
{
    static const struct naive_row *rows[JOURNAL_MAX];
    int count = rows_in_order(query, table, rows);
    if (query->shape == QUERY_AGGREGATES)
        answer_aggregates(out, query, table, rows, count);
    else
        answer_rows(out, query, table, rows, count, now_s);
}
