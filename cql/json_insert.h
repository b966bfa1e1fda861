/*
 * json_insert.h: the values of INSERT JSON: one text that holds a value for each column (FUN-8).
 *
 * Members of the object are columns: their names are folded unless they are in quotes within the string. What the object does
 * not mention is null, or unset with DEFAULT UNSET. What it mentions and the table does not have is refused.
 */
#ifndef STRAIT_CQL_JSON_INSERT_H
#define STRAIT_CQL_JSON_INSERT_H

#include "cql/plan_internal.h"

struct json_insert {
    struct plan_term text;
    const struct cql_table *table;
    bool default_unset;
};

/* A value for each column of the table, in the scratch arena. */
bool json_insert_values(const struct json_insert *insert, struct plan_run *run,
                        struct cql_value **out_values);
/* Refuse at once what a text that is known will be refused for. */
bool json_insert_check(struct plan_builder *builder, const struct json_insert *insert);

#endif
