/*
 * restriction.h: a WHERE clause, resolved and sorted by what it restricts.
 *
 * restrictions_compile() checks what holds for every statement: columns exist, operators fit their types, nothing is
 * restricted twice where the target refuses that, clustering columns are not restricted in two ways. What a statement makes
 * of the result (keys, ranges, an index, a filter, a refusal) is decided by its plan.
 */
#ifndef STRAIT_CQL_RESTRICTION_H
#define STRAIT_CQL_RESTRICTION_H

#include "cql/plan_internal.h"

struct restriction {
    enum ast_operator op; /* EQ, LT, LE, GT, GE, IN, LIKE, CONTAINS, CONTAINS_KEY */
    const struct cql_column **columns;
    uint32_t column_count;
    bool tuple, token;
    bool entry;              /* m[key] = value */
    bool whole_list;         /* IN ?: `value` is a list */
    struct plan_term key;    /* of an entry */
    struct plan_term value;  /* every other operator */
    struct plan_term *items; /* IN (a, b) */
    uint32_t item_count;
    uint32_t at;
};

struct restrictions {
    const struct cql_table *table;
    struct restriction *items;
    uint32_t count;
    uint32_t partition_restricted; /* how many components, by EQ or IN */
    bool partition_complete;       /* all of them, and nothing but EQ and IN */
    bool partition_in;             /* one of them by IN */
    bool partition_other;          /* some component by another operator */
    bool token;
    bool clustering;            /* any clustering column */
    bool clustering_tuple;      /* by tuples */
    uint32_t clustering_prefix; /* columns that make a contiguous range: EQ or IN, the last may be a slice */
    bool clustering_slice;      /* the last of the prefix is a slice */
    uint32_t clustering_slice_at; /* the column that it begins with */
    bool clustering_in;
    bool clustering_beyond; /* something is restricted outside the prefix */
    bool others;            /* static or regular columns */
    /* One for each column of the key, when each is restricted by = and by nothing else; else NULL. */
    const struct restriction *const *partition_points, *const *clustering_points; /* arena */
};

bool restrictions_compile(struct plan_builder *builder, const struct ast_relation *relations, uint32_t count,
                          enum cql_message unknown_column, struct restrictions *out);
/* An EQ restriction that no relation wrote: the key columns of an INSERT. */
void restrictions_add_equal(struct restrictions *restrictions, uint32_t at, const struct cql_column **column,
                            struct plan_term value);
/* Fill in the facts above from `items`. */
void restrictions_classify(struct restrictions *restrictions);

/* Is the clustering key a gapless prefix? Refuses as WHR-2 when not. */
bool restrictions_check_prefix(struct plan_builder *builder, const struct restrictions *restrictions);
/* Restricts `column` alone by EQ; NULL when nothing does. */
const struct restriction *restrictions_equal(const struct restrictions *restrictions,
                                             const struct cql_column *column);
/* Does the restriction only shape the key ranges, given that ranges are made of the whole prefix? */
bool restriction_in_key(const struct restrictions *restrictions, const struct restriction *restriction);

/* PRE-3: which binds make up the partition key, into builder->plan. */
void restrictions_note_binds(struct plan_builder *builder, const struct restrictions *restrictions);

/* ---- with values ---- */

/* The values of an EQ (one) or IN restriction; null and unset are refused (NUL-2, NUL-5). In the scratch arena. */
bool restriction_values(struct plan_run *run, const struct restriction *restriction,
                        struct slice **out_values, uint32_t *out_count);
/* Is null what the restriction compares with? */
bool restriction_is_null(struct plan_run *run, const struct restriction *restriction, bool *out_null);
/* The value of any other restriction of one column, with the same refusals. */
bool restriction_value(struct plan_run *run, const struct restriction *restriction, struct slice *out_value);
/* Values that every EQ and IN restriction of `column` allows. */
bool restrictions_column_values(struct plan_run *run, const struct restrictions *restrictions,
                                const struct cql_column *column, struct slice **out_values,
                                uint32_t *out_count);

/* Every partition key that a complete set of EQ and IN names, without duplicates, in the order the target returns
 * them (WHR-10). In the scratch arena. */
bool restrictions_partitions(struct plan_run *run, const struct restrictions *restrictions,
                             struct partition_key **out_keys, uint32_t *out_count);
/* Clustering ranges of the prefix, rising, without overlap; one for the whole partition when there is none. */
bool restrictions_ranges(struct plan_run *run, const struct restrictions *restrictions,
                         struct key_range **out_ranges, uint32_t *out_count);
/* Tokens from *out_first to *out_last, both included; *out_empty when none. */
bool restrictions_tokens(struct plan_run *run, const struct restrictions *restrictions, int64_t *out_first,
                         int64_t *out_last, bool *out_empty);

/* restriction_point.c: the same with nothing but =. Which keys are named so is noted once, when the statement is planned. */
bool restrictions_note_points(struct plan_builder *builder, struct restrictions *restrictions);
bool restrictions_point_partition(struct plan_run *run, const struct restrictions *restrictions,
                                  struct partition_key **out_key);
bool restrictions_point_range(struct plan_run *run, const struct restrictions *restrictions,
                              struct key_range **out_range);

/* Compose a partition key from its components' wire bytes (TOK-2), with NUL-6 and NUL-13. */
bool partition_key_compose(struct plan_run *run, const struct cql_table *table,
                           const struct slice *components, struct partition_key *out_key);
/* Split one again; `out` has room for table->partition_count. STATUS_CORRUPT. */
status partition_key_split(const struct cql_table *table, struct slice key, struct slice *out_components);

/* restriction_collection.c: one relation about what is in a collection; may the column stand in this relation at all? */
bool restriction_check_collection(struct plan_builder *builder, const struct ast_relation *relation,
                                  const struct cql_column *column);
bool restriction_compile_contains(struct plan_builder *builder, const struct ast_relation *relation,
                                  struct restriction *restriction);
bool restriction_compile_entry(struct plan_builder *builder, const struct ast_relation *relation,
                               struct restriction *restriction);

/* restriction_text.c: ">=" */
const char *operator_text(enum ast_operator op);
/* As the target's grammar refuses a relation that it does not know. */
bool relation_refuse_word(struct plan_builder *builder, uint32_t at, const char *word);
/* "c >= 1" for refusals, in the arena. */
const char *relation_text(struct arena *arena, const struct ast_relation *relation);
/* "(1, ?)" */
const char *term_text(struct arena *arena, const struct ast_term *term);

#endif
