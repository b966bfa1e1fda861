/* condition_internal.h: conditional statements of one partition while they run. Everything lives in the scratch arena. */
#ifndef STRAIT_CQL_CONDITION_INTERNAL_H
#define STRAIT_CQL_CONDITION_INTERNAL_H

#include "cql/condition.h"

/* A row as it was before: one slot for each column of the table. */
struct cas_row {
    struct slice clustering;
    bool lives;
    struct row_slot *items;
};

struct cas_member {
    struct plan_run run;                    /* the statement with its values */
    const struct condition_plan *condition; /* NULL without IF */
    bool about_static;                      /* it names no row */
    struct slice clustering;                /* of the first row it names */
};

struct cas {
    struct plan_run *run; /* of the statement or the batch */
    const struct cql_table *table;
    const struct slot_map *map; /* of the table */
    struct partition_key key;
    struct cas_member *members;
    uint32_t member_count;
    bool is_batch;

    /* cas_read() */
    struct row_slot *statics; /* the static row with its partition key */
    bool static_lives;
    struct cas_row *rows; /* those that were read, rising */
    uint32_t row_count;
};

/* condition_read.c: the rows that the target reads for these conditions; the partition is locked. */
bool cas_read(struct cas *cas);
/* Of the rows read, the living one that the member is about; NULL when there is none. */
const struct cas_row *cas_row_of(const struct cas *cas, const struct cas_member *member);
/* Did anything of the partition come to light? */
bool cas_partition_lives(const struct cas *cas);

/* condition_part.c: set the part that the relation is about, its name and type. */
bool condition_compile_part(struct plan_builder *builder, const struct ast_relation *relation,
                            struct condition *condition);
/* What the condition looks at, null when it is not there. */
bool condition_part_value(struct plan_run *run, const struct condition *condition,
                          const struct row_slot *slot, struct cql_value *out_value);

/* condition_judge.c */
bool cas_judge(const struct cas *cas, bool *out_applied);
/* Conditions that cannot stand together (LWT-5). */
bool cas_check_mixed(const struct cas *cas);

/* condition_answer.c: fill in the result. */
bool cas_answer(const struct cas *cas, bool applied);
/* What a ScyllaDB sees of the row before; NULL: nothing, all is null. */
const struct row_slot *cas_old_row(const struct cas *cas, const struct cas_member *member);

#endif
