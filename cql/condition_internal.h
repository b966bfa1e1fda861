/* condition_internal.h: one conditional statement while it runs, alone or in a batch. */
#ifndef STRAIT_CQL_CONDITION_INTERNAL_H
#define STRAIT_CQL_CONDITION_INTERNAL_H

#include "cql/condition.h"

/* Borrows `run`. From attempt_find() on it knows its row; the partition is locked around everything after that. */
struct attempt {
    struct plan_run *run;
    const struct condition_plan *plan;
    struct partition_key key;
    struct slice clustering, clustering_end; /* of the row, and behind it */
    struct cursor *cursor;                   /* owned; NULL when the partition is not there */
    struct row_slots slots;                  /* the old row; valid until attempt_close() or a write */
    bool row_lives, static_lives;
};

/* Which row it is about; exactly one (LWT-6). */
bool attempt_find(struct attempt *it);
/* Read the row and judge every condition. attempt_close() must follow, also a failure. */
bool attempt_judge(struct attempt *it, bool *out_holds);
/* Are there old values to show? */
bool attempt_shows(const struct attempt *it);
/* Append a row of the answer: [applied] and, when `values`, the columns of these ordinals. */
bool attempt_answer(const struct attempt *it, bool applied, bool values, const uint32_t *shown,
                    uint32_t count);
void attempt_close(struct attempt *it);

/* Write the workspace's batch, with what it does to the indexes of `table`, under locks that the caller holds. */
bool condition_apply(struct plan_run *run, const struct cql_table *table);

#endif
