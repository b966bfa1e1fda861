/*
 * virtual.h: tables whose rows are made when they are read: system, system_schema, strait.
 *
 * A virtual table is described by one struct virtual_table; the catalog carries a cql_table made from it, with `virtual_`
 * set and store_id 0. SELECT calls generate(), sorts what it made by (token, partition key, clustering key) and goes on as
 * with stored rows: same restrictions, filters, selectors and pages. To a few an INSERT or a DELETE of a row means that
 * something is to be done; to the others nothing can be written.
 *
 * Ownership   Rows and their bytes live in the arena of the request. Descriptions are static or as old as their catalog.
 * Errors      Running out of memory is remembered in `failed` and reported by the reader; a generator that is refused
 *             sets `error` and answers false.
 * Threads     generate() may run on several threads at once.
 */
#ifndef STRAIT_CQL_VIRTUAL_H
#define STRAIT_CQL_VIRTUAL_H

#include "cql/catalog.h"
#include "cql/result.h"

/* What a generator may look at. */
struct virtual_context {
    const struct catalog *catalog;
    struct store *store;
    const struct cql_target *target;
    enum cql_profile profile;
    void *database; /* struct plan_context's `database`: the session layer's own */
};

/* Rows as they are generated: each has one value per column, in the order of table->columns. */
struct virtual_rows {
    struct arena *arena;           /* borrowed: the request's */
    const struct cql_table *table; /* borrowed */
    struct cql_value **rows;       /* arena; of row_count, each of table->column_count */
    uint32_t row_count, row_capacity;
    bool failed;
};

/* What an INSERT or DELETE of one row tells a virtual table that can be told something. */
struct virtual_write {
    bool deletes;
    const struct cql_table *table;  /* borrowed */
    const struct cql_value *values; /* borrowed: one per column of the table; null where none was given */
    struct arena *scratch;
    struct cql_result *result;
};

struct virtual_column {
    const char *name;
    const char *type; /* "text", "frozen<map<text, text>>": for type_parse() */
    enum column_kind kind;
    bool descending;
};

struct virtual_table {
    const char *keyspace, *name, *comment;
    const struct virtual_column *columns; /* key columns in key order; the others in any */
    uint32_t column_count;
    /* Append every row, in any order, keys set. False with `error` set when refused. */
    bool (*generate)(const struct virtual_context *context, struct virtual_rows *rows,
                     struct cql_error *error);
    /* Carry out a write; NULL when the table cannot be written. Runs outside of the gate, so it may change the schema. */
    bool (*write)(const struct virtual_context *context, const struct virtual_write *write,
                  struct cql_error *error);
};

/* The text that a write gives a column, in its scratch arena; NULL when it gives none. False when it is no plain text. */
bool virtual_write_text(const struct virtual_write *write, const char *column, const char **out_text);

/* Begin a row whose columns are all null. */
void virtual_row_begin(struct virtual_rows *rows);
/* Set a column of the row begun last, by name; the bytes are copied. A name that the table does not have is ignored, so
 * that one generator can serve tables that differ between targets. */
void virtual_row_set(struct virtual_rows *rows, const char *column, struct slice wire);
/* The same for common types; a NULL text is null. */
void virtual_row_text(struct virtual_rows *rows, const char *column, const char *text);
void virtual_row_int(struct virtual_rows *rows, const char *column, int32_t value);
void virtual_row_bigint(struct virtual_rows *rows, const char *column, int64_t value); /* timestamp too */
void virtual_row_double(struct virtual_rows *rows, const char *column, double value);
void virtual_row_boolean(struct virtual_rows *rows, const char *column, bool value);
void virtual_row_uuid(struct virtual_rows *rows, const char *column, const uint8_t uuid[16]);

#endif
