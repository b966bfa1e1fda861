/* strait_internal.h: handles and statements behind strait.h. */
#ifndef STRAIT_CQL_STRAIT_INTERNAL_H
#define STRAIT_CQL_STRAIT_INTERNAL_H

#include <strait.h>

#include "cql/database_internal.h"
#include "cql/session.h"

/* What several handles share. */
struct strait_store {
    struct cql_database *database; /* owned */
    _Atomic uint32_t references;
};

struct strait {
    struct strait_store *store;  /* counted; NULL after a failed open */
    struct cql_session *session; /* owned */
    struct cql_error error;      /* of the last failed call; its code is -1 when it was not CQL's */
    uint32_t statement_count;    /* not finalized */
};

struct strait_parameter {
    enum cql_value_kind kind;
    struct buffer wire; /* owned */
};

/* The row that a statement stands on. It is cut into cells when the first one is asked for. */
struct strait_row {
    struct reader in;    /* at the row, or behind it once it is cut; of the page */
    struct slice *cells; /* owned; data NULL for null */
    uint32_t count, capacity;
    bool is_cut;
};

/* in.failed when it is no row. */
void strait_row_cut(struct strait_row *row);

struct strait_statement {
    struct strait *db;                   /* borrowed: closed after its statements */
    struct cql_prepared *prepared;       /* counted */
    struct strait_parameter *parameters; /* owned */
    struct cql_value *values;            /* owned: what is handed to execution */
    uint32_t parameter_count;
    int32_t page_rows;
    bool has_timestamp;
    int64_t timestamp_us;

    enum statement_state {
        STATEMENT_READY,   /* before the first step */
        STATEMENT_RUNNING, /* a page is there */
        STATEMENT_ENDED,
    } state;
    struct cql_result result;   /* the current page */
    struct buffer paging_state; /* of the page after it */
    uint32_t rows_left;         /* of the page */
    bool on_row;
    struct strait_row *row; /* owned */
    struct arena *texts;    /* owned: what column calls gave out; dies with the row */
};

/* Remember a failure on the handle; each returns the code to hand to the caller. */
int strait_fail_misuse(struct strait *db, const char *format, ...) __attribute__((format(printf, 2, 3)));
int strait_fail_status(struct strait *db, status st);
int strait_fail_cql(struct strait *db, const struct cql_error *error);
int strait_fail_nomem(struct strait *db);

#endif
