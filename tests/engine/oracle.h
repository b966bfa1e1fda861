/*
 * oracle.h: what a store must answer, worked out the naive way.
 *
 * Every cell keeps the write that wins by the rules TS-1 to TS-14; TTL-6 and DEL-4 are applied when reading. Written
 * from the rules alone: nothing of row/ is used, and nothing is ever forgotten.
 */
#ifndef STRAIT_TESTS_ENGINE_ORACLE_H
#define STRAIT_TESTS_ENGINE_ORACLE_H

#include "base/buffer.h"
#include "notation.h"

enum {
    ORACLE_TABLES = 64, /* ids below; a table that was dropped never comes back */
    ORACLE_PARTITIONS = 8,
    ORACLE_ROWS = 48,
    ORACLE_COLUMNS = 4,
};

struct oracle;

struct oracle *oracle_new(void);
void oracle_free(struct oracle *oracle);
/* Carry out a batch of notation.h as of `now_s`. Partitions are named p0, p1, ... */
void oracle_apply(struct oracle *oracle, const char *text, int64_t now_s);
void oracle_clear(struct oracle *oracle, uint64_t table_id);

/* As contents() and slice_contents(), which they are compared with. `order` is how partitions are ordered. */
void oracle_contents(const struct oracle *oracle, uint64_t table_id, const unsigned order[ORACLE_PARTITIONS],
                     int64_t now_s, struct buffer *out);
void oracle_slice(const struct oracle *oracle, uint64_t table_id, unsigned partition, bool reverse,
                  int64_t from, unsigned limit, int64_t now_s, struct buffer *out);

#endif
