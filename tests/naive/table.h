/* table.h: all live rows by the journal, in the order of a full scan: by token, then by clustering order (TOK-5, ORD-1). */
#ifndef STRAIT_TESTS_NAIVE_TABLE_H
#define STRAIT_TESTS_NAIVE_TABLE_H

#include "journal.h"

struct naive_cell {
    const struct journal_write *write;                  /* of a scalar outside the key; NULL for null */
    const struct journal_write *elements[NAIVE_VALUES]; /* of a collection, by path */
    bool present;
    int value; /* of a key column or a scalar */
};

struct naive_row {
    int64_t token;
    struct naive_key key;
    bool only_static; /* a partition without rows, but with a static value (STA-1) */
    struct naive_cell cells[NAIVE_COLUMNS_MAX];
};

struct naive_table {
    const struct naive_schema *schema;
    struct naive_row *rows; /* owned */
    int count;
};

void table_make(struct naive_table *table, const struct journal *journal, int64_t now_s);
void table_free(struct naive_table *table);
int64_t naive_token(const struct naive_schema *schema, const struct naive_key *key);

#endif
