/*
 * schema.h: a random table for the naive executor, and the few values its columns can have.
 *
 * A value is a small number, its place in the order of its type; what it is written like and how its bytes compare is
 * said here and nowhere else. NAIVE_NULL is null.
 */
#ifndef STRAIT_TESTS_NAIVE_SCHEMA_H
#define STRAIT_TESTS_NAIVE_SCHEMA_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/random.h"

enum {
    NAIVE_VALUES = 5, /* of each type: 0 to 4 */
    NAIVE_NULL = -1,
    NAIVE_PARTITION_MAX = 2,
    NAIVE_CLUSTERING_MAX = 3,
    NAIVE_COLUMNS_MAX = 12,
};

enum naive_type {
    NAIVE_INT,
    NAIVE_BIGINT,
    NAIVE_TEXT,
    NAIVE_DOUBLE,
    NAIVE_TIMESTAMP,
    NAIVE_SCALARS,
    NAIVE_SET = NAIVE_SCALARS, /* set<text> */
    NAIVE_MAP,                 /* map<int, text> */
    NAIVE_ELEMENT = NAIVE_TEXT,
};

enum naive_kind {
    NAIVE_PARTITION,
    NAIVE_CLUSTERING,
    NAIVE_STATIC,
    NAIVE_REGULAR,
};

struct naive_column {
    char name[16];
    enum naive_kind kind;
    enum naive_type type;
    bool descending, indexed;
};

/* Columns in the order of SELECT *: partition key, clustering key, static, regular. */
struct naive_schema {
    struct naive_column columns[NAIVE_COLUMNS_MAX];
    int column_count, partition_count, clustering_count;
};

void schema_random(struct naive_schema *schema, struct random *rng);
/* CREATE TABLE t, and CREATE INDEX for what is indexed; statements end with semicolons. */
void schema_create(struct buffer *out, const struct naive_schema *schema);

bool naive_is_collection(enum naive_type type);
/* A CQL literal, and what a reader is shown. */
void naive_literal(struct buffer *out, enum naive_type type, int value);
void naive_text(struct buffer *out, enum naive_type type, int value);
/* The value's bytes as a component of a partition key. */
void naive_bytes(struct buffer *out, enum naive_type type, int value);
/* What a value of an int or a bigint counts in a sum. */
int64_t naive_whole_number(enum naive_type type, int value);
/* By unsigned bytes, as ties of timestamps are decided (TS-9). */
int naive_compare_bytes(enum naive_type type, int a, int b);

/* The type of a collection's paths; a map's values are texts, and a set has paths only. */
enum naive_type naive_path_type(enum naive_type type);

#endif
