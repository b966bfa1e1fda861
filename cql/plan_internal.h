/*
 * plan_internal.h: what the files that make and run plans share.
 */
#ifndef STRAIT_CQL_PLAN_INTERNAL_H
#define STRAIT_CQL_PLAN_INTERNAL_H

#include "cql/function.h"
#include "cql/plan.h"
#include "cql/term.h"

enum plan_kind {
    PLAN_SELECT,
    PLAN_MODIFY,
    PLAN_BATCH,
    PLAN_TELL, /* a modification of a virtual table */
};

struct virtual_context;
struct json_insert;
struct select_plan;
struct modify_plan;
struct batch_plan;

/* Everything a plan points to lives in the arena it was made in. */
struct plan {
    enum plan_kind kind;
    const struct cql_table *table; /* of a batch: its first statement's */
    const struct cql_target *target;
    enum cql_profile profile;
    uint64_t fingerprint; /* of the statement's text and its table: binds a paging state to them */
    struct cql_column_spec *binds;
    uint32_t bind_count;
    uint16_t *partition_binds;
    uint32_t partition_bind_count;
    struct cql_column_spec *columns;
    uint32_t column_count;
    bool has_timeout; /* USING TIMEOUT */
    struct plan_term timeout;
    union {
        const struct select_plan *select;
        const struct modify_plan *modify;
        const struct batch_plan *batch;
    };
};

/* What plan_make() carries around. */
struct plan_builder {
    const struct plan_context *context;
    const struct ast_statement *statement;
    struct arena *arena;
    struct plan *plan;
    const struct cql_table *table; /* of the statement that is being compiled */
    bool conditional;              /* an UPDATE with IF is being compiled */
    struct cql_error *error;
};

/* What one execution carries around. */
struct plan_run {
    const struct plan *plan;
    const struct plan_context *context;
    const struct cql_params *params;
    const struct cql_value *values; /* one for each of plan->binds */
    struct arena *scratch;
    struct plan_workspace *workspace;
    struct cql_result *result;
    struct cql_error *error;
    int64_t now_us, now_s;
    const struct json_insert *json; /* whose values these are, made from these binds; NULL at first */
    const struct cql_value *json_bound;
    struct cql_value *json_values; /* scratch */
};

/* A clustering interval in key bytes: start included, end not. */
struct key_range {
    struct slice start, end;
};

/* Buffers that live as long as a session. */
struct plan_workspace {
    struct batch batch;                                                 /* what a modification writes */
    struct batch index_batch;                                           /* the same with index entries */
    struct row_builder entry;                                           /* one of those */
    struct buffer old_row, merged_row, new_row, entry_key, entry_image; /* while index entries are made */
    struct row_builder row;                                             /* regular columns */
    struct row_builder static_row;
    struct buffer image, key;
    struct buffer live, static_live;         /* the row a SELECT stands on */
    struct buffer wire;                      /* decoded clustering columns */
    struct buffer elements, static_elements; /* whole collections, made of their elements (row_slots.h) */
    struct buffer head;                      /* what the rows of a partition begin with (row_copy.h) */
    struct buffer value;                     /* what a function returns */
    struct random random;                    /* for uuid(); seeded by the store at first use */
    struct timeuuid_source timeuuids;
    bool seeded;
};

/* Refuse in the builder's or the run's error, for its profile. */
#define BUILD_REFUSE(builder, ...) cql_refuse((builder)->error, (builder)->context->profile, __VA_ARGS__)
#define RUN_REFUSE(run, ...)       cql_refuse((run)->error, (run)->context->profile, __VA_ARGS__)

/* The same, saying where in the statement. */
#define BUILD_REFUSE_AT(builder, at, ...) \
    build_refused_at((builder), (at), BUILD_REFUSE(builder, __VA_ARGS__))

static inline bool build_refused_at(struct plan_builder *builder, size_t at, bool refused)
{
    cql_error_at(builder->error, builder->statement->text, at);
    return refused;
}

static inline bool build_nomem(struct plan_builder *builder)
{
    return cql_refuse_status(builder->error, STATUS_FAIL(STATUS_NOMEM));
}

static inline bool run_nomem(struct plan_run *run)
{
    return cql_refuse_status(run->error, STATUS_FAIL(STATUS_NOMEM));
}

/* plan.c */
/* Find the table a statement names; the session's keyspace when it names none. */
const struct cql_table *plan_find_table(struct plan_builder *builder, const struct ast_table_name *name);
/* A fresh timestamp of the server's clock, never given twice (TS-2). */
int64_t plan_server_timestamp(const struct plan_context *context);
struct plan_run plan_run_of(const struct plan *plan, const struct plan_context *context,
                            const struct cql_params *params, struct arena *scratch, struct cql_result *result,
                            struct cql_error *error);
/* Values for plan->binds from what the request brought. */
bool plan_bind_values(struct plan_run *run, const struct plan *plan, const struct cql_value *values,
                      const struct slice *names, uint32_t count, const struct cql_value **out_values);

/* plan_function.c */
/* May a value of type `result` stand where `wanted` is? */
bool term_type_fits(const struct type *result, const struct type *wanted);
bool term_compile_call(struct plan_builder *builder, const struct ast_term *ast, struct plan_term *out);
bool term_call(const struct plan_term *term, struct plan_run *run, const struct cql_value *arguments,
               struct cql_value *out_value);
/* Evaluate any function or cast into the scratch arena; unset arguments are refused. */
bool plan_call(struct plan_run *run, const struct function_call *call, const struct cql_value *arguments,
               struct cql_value *out_value);
bool plan_cast(struct plan_run *run, const struct type *from, const struct type *to, struct cql_value value,
               struct cql_value *out_value);
/* "frozen<list<int>>" in the arena, for refusals. */
const char *plan_type_text(struct arena *arena, const struct type *type);

/* select_plan.c, modify_plan.c, batch_plan.c */
bool select_plan_make(struct plan_builder *builder, const struct ast_select *select);
bool modify_plan_make(struct plan_builder *builder, const struct ast_statement *statement);
bool batch_plan_make(struct plan_builder *builder, const struct ast_batch *batch);

/* select.c, modify.c, batch.c */
bool select_execute(struct plan_run *run);
bool modify_execute(struct plan_run *run);
bool batch_execute(struct plan_run *run);

/* virtual_write.c */
bool virtual_write_check(struct plan_builder *builder, const struct modify_plan *modify);
bool virtual_write_execute(struct plan_run *run);
/* What the functions of a virtual table may look at. */
struct virtual_context virtual_context_of(const struct plan_run *run);

#endif
