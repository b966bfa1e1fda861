#include "schema.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static const int64_t ints[NAIVE_VALUES] = {-70000, -1, 0, 1, 300};
static const int64_t bigints[NAIVE_VALUES] = {INT64_C(-5000000000), -1, 0, 7, INT64_C(9000000000)};
static const char *const texts[NAIVE_VALUES] = {"a", "aa", "b", "ba", "z"};
static const double doubles[NAIVE_VALUES] = {-2.5, -0.5, 0.25, 1.5, 1000.5};
static const int64_t timestamps[NAIVE_VALUES] = {-86400000, 0, 1000, 86400000, INT64_C(1767225600000)};
static const char *const timestamp_texts[NAIVE_VALUES] = {
    "1969-12-31 00:00:00.000000+0000", "1970-01-01 00:00:00.000000+0000", "1970-01-01 00:00:01.000000+0000",
    "1970-01-02 00:00:00.000000+0000", "2026-01-01 00:00:00.000000+0000"};
static const char *const type_names[] = {"int",       "bigint",    "text",          "double",
                                         "timestamp", "set<text>", "map<int, text>"};

/* ---- the table ---- */

static void add_column(struct naive_schema *schema, struct random *rng, enum naive_kind kind, char letter,
                       int number, bool collections)
{
    struct naive_column *column = &schema->columns[schema->column_count++];
    *column = (struct naive_column){.kind = kind};
    snprintf(column->name, sizeof column->name, "%c%d", letter, number);
    column->type = (enum naive_type)random_below(rng, NAIVE_SCALARS);
    if (collections && random_below(rng, 3) == 0)
        column->type = random_below(rng, 2) ? NAIVE_SET : NAIVE_MAP;
    column->descending = kind == NAIVE_CLUSTERING && random_below(rng, 2);
    column->indexed =
        kind == NAIVE_REGULAR && !naive_is_collection(column->type) && random_below(rng, 4) == 0;
}

void schema_random(struct naive_schema *schema, struct random *rng)
{
    *schema = (struct naive_schema){0};
    schema->partition_count = 1 + (int)random_below(rng, NAIVE_PARTITION_MAX);
    schema->clustering_count = (int)random_below(rng, NAIVE_CLUSTERING_MAX + 1);
    for (int i = 0; i < schema->partition_count; i++)
        add_column(schema, rng, NAIVE_PARTITION, 'p', i, false);
    for (int i = 0; i < schema->clustering_count; i++)
        add_column(schema, rng, NAIVE_CLUSTERING, 'c', i, false);
    int statics = schema->clustering_count ? (int)random_below(rng, 3) : 0;
    for (int i = 0; i < statics; i++)
        add_column(schema, rng, NAIVE_STATIC, 's', i, true);
    int regulars = 1 + (int)random_below(rng, 4);
    for (int i = 0; i < regulars; i++)
        add_column(schema, rng, NAIVE_REGULAR, 'v', i, true);
}

void schema_create(struct buffer *out, const struct naive_schema *schema)
{
    buffer_printf(out, "CREATE TABLE t (");
    for (int i = 0; i < schema->column_count; i++)
        buffer_printf(out, "%s %s%s, ", schema->columns[i].name, type_names[schema->columns[i].type],
                      schema->columns[i].kind == NAIVE_STATIC ? " STATIC" : "");
    buffer_printf(out, "PRIMARY KEY ((");
    for (int i = 0; i < schema->partition_count; i++)
        buffer_printf(out, "%s%s", i ? ", " : "", schema->columns[i].name);
    buffer_printf(out, ")");
    const struct naive_column *clustering = schema->columns + schema->partition_count;
    for (int i = 0; i < schema->clustering_count; i++)
        buffer_printf(out, ", %s", clustering[i].name);
    buffer_printf(out, "))");
    for (int i = 0; i < schema->clustering_count; i++)
        buffer_printf(out, "%s%s %s%s", i ? ", " : " WITH CLUSTERING ORDER BY (", clustering[i].name,
                      clustering[i].descending ? "DESC" : "ASC",
                      i + 1 == schema->clustering_count ? ")" : "");
    buffer_printf(out, ";");
    for (int i = 0; i < schema->column_count; i++)
        if (schema->columns[i].indexed)
            buffer_printf(out, " CREATE INDEX ON t (%s);", schema->columns[i].name);
}

/* ---- values ---- */

bool naive_is_collection(enum naive_type type)
{
    return type == NAIVE_SET || type == NAIVE_MAP;
}

enum naive_type naive_path_type(enum naive_type type)
{
    return type == NAIVE_SET ? NAIVE_TEXT : NAIVE_INT;
}

void naive_text(struct buffer *out, enum naive_type type, int value)
{
    assert(value < NAIVE_VALUES);
    if (value == NAIVE_NULL)
        buffer_printf(out, "null");
    else if (type == NAIVE_INT)
        buffer_printf(out, "%lld", (long long)ints[value]);
    else if (type == NAIVE_BIGINT)
        buffer_printf(out, "%lld", (long long)bigints[value]);
    else if (type == NAIVE_TEXT)
        buffer_printf(out, "%s", texts[value]);
    else if (type == NAIVE_DOUBLE)
        buffer_printf(out, "%g", doubles[value]);
    else
        buffer_printf(out, "%s", timestamp_texts[value]);
}

void naive_literal(struct buffer *out, enum naive_type type, int value)
{
    bool quoted = type == NAIVE_TEXT && value != NAIVE_NULL;
    if (type == NAIVE_TIMESTAMP && value != NAIVE_NULL) {
        buffer_printf(out, "%lld", (long long)timestamps[value]);
        return;
    }
    buffer_printf(out, "%s", quoted ? "'" : "");
    naive_text(out, type, value);
    buffer_printf(out, "%s", quoted ? "'" : "");
}

void naive_bytes(struct buffer *out, enum naive_type type, int value)
{
    uint64_t bits;
    switch (type) {
    case NAIVE_INT: buffer_append_be32(out, (uint32_t)ints[value]); break;
    case NAIVE_TEXT: buffer_append(out, texts[value], strlen(texts[value])); break;
    case NAIVE_DOUBLE:
        memcpy(&bits, &doubles[value], sizeof bits);
        buffer_append_be64(out, bits);
        break;
    default:
        buffer_append_be64(out, (uint64_t)(type == NAIVE_BIGINT ? bigints[value] : timestamps[value]));
        break;
    }
}

int64_t naive_whole_number(enum naive_type type, int value)
{
    return type == NAIVE_INT ? ints[value] : bigints[value];
}

int naive_compare_bytes(enum naive_type type, int a, int b)
{
    struct buffer left = {0}, right = {0};
    naive_bytes(&left, type, a);
    naive_bytes(&right, type, b);
    size_t both = left.bytes < right.bytes ? left.bytes : right.bytes;
    int order = memcmp(left.data, right.data, both);
    if (order == 0)
        order = (left.bytes > right.bytes) - (left.bytes < right.bytes);
    buffer_deinit(&left);
    buffer_deinit(&right);
    return order;
}
