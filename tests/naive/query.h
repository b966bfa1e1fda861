/*
 * query.h: random SELECTs, and what they answer when every row of the table is looked at.
 *
 * Only what is legal is asked, in the words of ScyllaDB; refusals are proven elsewhere.
 */
#ifndef STRAIT_TESTS_NAIVE_QUERY_H
#define STRAIT_TESTS_NAIVE_QUERY_H

#include "table.h"

enum {
    QUERY_RELATIONS_MAX = 8,
    QUERY_IN_MAX = 3,
};

enum query_operator {
    QUERY_EQ,
    QUERY_LT,
    QUERY_LE,
    QUERY_GT,
    QUERY_GE,
    QUERY_IN,
    QUERY_CONTAINS,
    QUERY_CONTAINS_KEY,
    QUERY_ENTRY, /* m[k] = v */
};

struct query_relation {
    int column;
    enum query_operator op;
    int values[QUERY_IN_MAX], count; /* ENTRY: key, value */
};

enum query_shape {
    QUERY_ROWS,
    QUERY_DISTINCT,
    QUERY_AGGREGATES, /* count(*), and of `column` count, min, max and, of whole numbers, sum */
};

struct query {
    enum query_shape shape;
    struct query_relation relations[QUERY_RELATIONS_MAX];
    int relation_count;
    bool has_token; /* token(...) > `token` */
    int64_t token;
    bool reverse, filtering, with_writetime;
    int limit, per_partition_limit; /* 0: none */
    bool selected[NAIVE_COLUMNS_MAX];
    int column;      /* AGGREGATES */
    int group_count; /* so many columns of the primary key */
};

void query_random(struct query *query, const struct naive_schema *schema, struct random *rng);
void query_text(struct buffer *out, const struct query *query, const struct naive_schema *schema);
/* A line for each row: cells joined by " | ". */
void query_answer(struct buffer *out, const struct query *query, const struct naive_table *table,
                  int64_t now_s);

#endif
