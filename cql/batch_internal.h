/* batch_internal.h: a checked BATCH, between the file that makes it and the one that runs it. */
#ifndef STRAIT_CQL_BATCH_INTERNAL_H
#define STRAIT_CQL_BATCH_INTERNAL_H

#include "cql/modify_internal.h"

struct batch_plan {
    enum ast_batch_kind kind;
    struct plan **members; /* arena: the plan's; they share the batch's binds */
    uint32_t count;
    bool has_timestamp;
    struct plan_term timestamp;
};

/* What the members of a batch are, all together. */
struct batch_facts {
    enum ast_batch_kind kind;
    bool has_timestamp;       /* USING TIMESTAMP of the BATCH ... */
    bool members_timestamped; /* ... and of a member */
    bool conditional, counters, others, several_tables;
};

void batch_facts_add(struct batch_facts *facts, const struct plan *first, const struct plan *member);
/* BAT-2, CNT-4, LWT-4: may they stand in one batch? False with *out_message when not. */
bool batch_facts_fit(const struct batch_facts *facts, const struct cql_target *target,
                     enum cql_message *out_message);

/* Distinct tables of the members, in the scratch arena. */
struct table_set {
    const struct cql_table **items;
    uint32_t count;
};

/* batch_limit.c: what a target tells the client about a batch that it accepts. */
bool batch_warn(struct plan_run *run, const struct batch *batch, enum ast_batch_kind kind,
                const struct table_set *tables);

#endif
