/*
 * function_internal.h: what the table of functions and the files that evaluate them share.
 */
#ifndef STRAIT_CQL_FUNCTION_INTERNAL_H
#define STRAIT_CQL_FUNCTION_INTERNAL_H

#include "cql/function.h"
#include "cql/type_internal.h"

extern const struct function function_table[];
extern const size_t function_table_count;

#define EVALUATOR(name)                                                                           \
    bool evaluate_##name(const struct function_call *call, const struct cql_value *arguments,     \
                         const struct function_environment *environment, struct buffer *out_wire, \
                         bool *out_null, struct cql_error *error)
#define UNUSED_HERE \
    (void)call, (void)arguments, (void)environment, (void)out_wire, (void)out_null, (void)error

/* function_time.c */
EVALUATOR(now);
EVALUATOR(uuid);
EVALUATOR(current_timestamp);
EVALUATOR(current_date);
EVALUATOR(current_time);
EVALUATOR(to_ms);
EVALUATOR(to_date);
EVALUATOR(min_timeuuid);
EVALUATOR(max_timeuuid);

/* function_shift.c */
EVALUATOR(floor);
EVALUATOR(shift_time);

/* function_blob.c */
EVALUATOR(as_blob);
EVALUATOR(blob_as);
EVALUATOR(to_json);
EVALUATOR(from_json);

/* function_operation.c: a + b, -a, and the mathematics of one number */
EVALUATOR(operation);
EVALUATOR(concatenate);
EVALUATOR(negate);
EVALUATOR(abs);
EVALUATOR(exp);
EVALUATOR(log);
EVALUATOR(log10);
EVALUATOR(round);
/* The type of a op b; NULL when one is no number. */
const struct type *function_wider(const struct type *a, const struct type *b);

/* The operation 'int / int' failed: `why`. */
bool function_refuse_operation(const struct function_call *call,
                               const struct function_environment *environment, const char *why,
                               struct cql_error *error);

/* function_collection.c */
EVALUATOR(map_keys);
EVALUATOR(map_values);
EVALUATOR(collection_count);
EVALUATOR(collection_min);
EVALUATOR(collection_max);
EVALUATOR(collection_sum);
EVALUATOR(collection_avg);

/* function_vector.c */
EVALUATOR(similarity_cosine);
EVALUATOR(similarity_euclidean);
EVALUATOR(similarity_dot_product);

/* function_time.c: milliseconds since 1970 of a timestamp, a date or a timeuuid; and a date from those. */
int64_t function_ms_of(const struct type *type, struct slice wire);
void function_append_date(struct buffer *out, int64_t ms);

#endif
