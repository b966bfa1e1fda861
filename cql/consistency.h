/*
 * consistency.h: which consistency levels a statement takes. One node answers whatever the level is, but those that can
 * never be right are refused as by the real ones.
 */
#ifndef STRAIT_CQL_CONSISTENCY_H
#define STRAIT_CQL_CONSISTENCY_H

#include "cql/plan_internal.h"

/* The protocol's codes that mean something of their own. */
enum consistency {
    CONSISTENCY_ANY = 0x0000,
    CONSISTENCY_SERIAL = 0x0008,
    CONSISTENCY_LOCAL_SERIAL = 0x0009,
};

/* Serial reads are of one partition (LWT-11), and ANY is for writes. */
bool consistency_check_read(struct plan_run *run, bool one_partition);
/* Serial writes are conditional, and conditions are serial. */
bool consistency_check_write(struct plan_run *run, bool conditional);
/* Counting needs an answer, and is never serial. */
bool consistency_check_counter(struct plan_run *run, const struct cql_table *table);

#endif
