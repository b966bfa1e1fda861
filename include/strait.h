/*
 * strait.h: Strait as a library: a CQL database inside your program.
 *
 *     strait *db;
 *     strait_statement *stmt;
 *     if (strait_open(":memory:", NULL, &db) != STRAIT_OK)
 *         ...
 *     strait_exec(db, "CREATE KEYSPACE k WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1};"
 *                     "USE k; CREATE TABLE t (id int PRIMARY KEY, v text)");
 *     strait_prepare(db, "INSERT INTO t (id, v) VALUES (?, ?)", -1, &stmt, NULL);
 *     strait_bind_int64(stmt, 0, 1);
 *     strait_bind_text(stmt, 1, "hello", -1);
 *     strait_step(stmt);
 *     strait_finalize(stmt);
 *     strait_close(db);
 *
 * Shapes      Columns and parameters are counted from 0. Text is UTF-8. Timestamps are milliseconds since
 *             1970-01-01 UTC, as in CQL; write timestamps and durations are microseconds. A *_bytes or
 *             `length` of -1 means "up to the terminator" where a text is taken.
 * Ownership   strait_open() gives a store that strait_close() releases; strait_connect() gives further
 *             handles on the same store, each with its own keyspace, error and statements.
 *             strait_prepare() gives a statement that strait_finalize() releases. Text and blobs that are
 *             bound are copied. What a column call returns belongs to the statement and is valid until its
 *             next step, reset or finalize.
 * Errors      Calls return STRAIT_OK or a code below. strait_error_code() has the CQL error code (0x2200,
 *             ...) and strait_error_message() the text that a driver would show,
 *             strait_error_line/column() the place in the statement. They describe the last failed call on
 *             the handle.
 * Threads     A handle and its statements belong to one thread at a time. Any number of handles on one
 *             store may be used at once, from any threads. Several stores may be open in one process.
 */
#ifndef STRAIT_H
#define STRAIT_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define STRAIT_API __attribute__((visibility("default")))
#else
#define STRAIT_API
#endif

#define STRAIT_VERSION "0.1.0"

typedef struct strait strait;
typedef struct strait_statement strait_statement;

enum strait_result {
    STRAIT_OK = 0,
    STRAIT_ROW = 1,     /* strait_step(): a row is there */
    STRAIT_DONE = 2,    /* strait_step(): no more rows */
    STRAIT_REFUSED = 3, /* the statement was refused or failed: strait_error_code() has CQL's code */
    STRAIT_MISUSE = 4,  /* an argument can never work: no such column, a NULL handle, a closed store */
    STRAIT_NOMEM = 5,
    STRAIT_IO = 6,        /* the disk or the kernel refused */
    STRAIT_CORRUPT = 7,   /* the files are damaged, or are not a Strait store */
    STRAIT_BUSY = 8,      /* another process has the folder, or memory is full for now */
    STRAIT_NOT_FOUND = 9, /* no store where one had to be */
    STRAIT_NOSPACE = 10,
};

enum strait_durability {
    STRAIT_DURABLE = 1,  /* a write returns when it is on disk; the default of the library */
    STRAIT_PERIODIC = 2, /* ... within period_us: what a crash of the machine may lose */
    STRAIT_UNLOGGED = 3, /* ... when its memtable is flushed */
};

/* Zeroed fields are defaults. Set struct_bytes to sizeof(strait_options). */
typedef struct strait_options {
    size_t struct_bytes;
    const char *profile;     /* "scylla-2025.1" (default) or another of docs/manual.md */
    const char *io;          /* "auto" (default), "uring", "threads", "workers" */
    int durability;          /* enum strait_durability */
    int64_t period_us;       /* PERIODIC: default 10000 */
    uint64_t memtable_bytes; /* default 64 MiB */
    uint64_t cache_bytes;    /* default 64 MiB */
    uint32_t shards;         /* of a new store; default: one per core */
    int must_exist;          /* nonzero: do not create */
    int read_only;           /* nonzero: modify nothing */
    int accept_log_damage;   /* nonzero: open although the commit log lost synced bytes */
    int64_t clock_us;        /* nonzero: as strait_set_clock(), from before recovery and background work */
    /* Nonzero: a damaged table file goes to lost/ and the store opens without what it held, deletions too. */
    int set_aside_damaged_tables;
} strait_options;

/* `path` is a folder, created when absent, or ":memory:". `options` may be NULL. On failure *out_db is NULL or a handle
 * that only strait_error_message() and strait_close() may be called on. */
STRAIT_API int strait_open(const char *path, const strait_options *options, strait **out_db);
/* Another handle on the same store. */
STRAIT_API int strait_connect(strait *db, strait **out_db);
/* Releases the handle, and the store with its last one. Statements must be finalized before. NULL is
 * welcome. */
STRAIT_API int strait_close(strait *db);

/* Run every statement of a script, in order; stops at the first that fails. Rows are discarded. */
STRAIT_API int strait_exec(strait *db, const char *script);

/* Compile the first statement of `text`. *out_tail, when not NULL, points past it. *out_statement is NULL when `text` has nothing but space
 * and comments. */
STRAIT_API int strait_prepare(strait *db, const char *text, int64_t length, strait_statement **out_statement,
                              const char **out_tail);
STRAIT_API void strait_finalize(strait_statement *statement); /* NULL is welcome */
/* Back to before the first step; bindings stay. */
STRAIT_API int strait_reset(strait_statement *statement);
/* Every parameter unset. */
STRAIT_API int strait_clear_bindings(strait_statement *statement);

STRAIT_API int strait_parameter_count(const strait_statement *statement);
STRAIT_API const char *strait_parameter_name(const strait_statement *statement, int index);
STRAIT_API const char *strait_parameter_type(const strait_statement *statement, int index);

/* The wire form of the parameter's type is made from what is given; STRAIT_MISUSE when it does not fit. */
STRAIT_API int strait_bind_null(strait_statement *statement, int index);
STRAIT_API int strait_bind_unset(strait_statement *statement, int index);
STRAIT_API int strait_bind_bool(strait_statement *statement, int index, int value);
/* Every integer type, timestamp, time, and date as days since 1970. */
STRAIT_API int strait_bind_int64(strait_statement *statement, int index, int64_t value);
STRAIT_API int strait_bind_double(strait_statement *statement, int index, double value); /* float, double */
/* Texts as they are; any other type but collections and tuples from its text form. */
STRAIT_API int strait_bind_text(strait_statement *statement, int index, const char *text, int64_t length);
STRAIT_API int strait_bind_blob(strait_statement *statement, int index, const void *data, size_t bytes);
STRAIT_API int strait_bind_uuid(strait_statement *statement, int index, const uint8_t uuid[16]);
/* The protocol's bytes as they are, for any type; checked when the statement runs, as a driver's would be. */
STRAIT_API int strait_bind_wire(strait_statement *statement, int index, const void *data, size_t bytes);

/* STRAIT_ROW, STRAIT_DONE or an error. Large results are fetched in pages of strait_set_page_rows() rows. */
STRAIT_API int strait_step(strait_statement *statement);
STRAIT_API int strait_set_page_rows(strait_statement *statement, int rows); /* default 5000 */
/* The write timestamp for this statement in microseconds (a driver's client-side timestamp); INT64_MIN:
 * the server's clock. */
STRAIT_API int strait_set_timestamp(strait_statement *statement, int64_t timestamp_us);

STRAIT_API int strait_column_count(const strait_statement *statement);
STRAIT_API const char *strait_column_name(const strait_statement *statement, int column);
STRAIT_API const char *strait_column_type(const strait_statement *statement,
                                          int column); /* "int", "frozen<map<text, text>>" */
STRAIT_API int strait_column_is_null(const strait_statement *statement, int column);
STRAIT_API int strait_column_bool(const strait_statement *statement, int column);
STRAIT_API int64_t strait_column_int64(const strait_statement *statement, int column);
STRAIT_API double strait_column_double(const strait_statement *statement, int column);
/* Any type in its text form; NULL for null. */
STRAIT_API const char *strait_column_text(strait_statement *statement, int column);
/* Any type as JSON; "null" for null. */
STRAIT_API const char *strait_column_json(strait_statement *statement, int column);
/* The protocol's bytes; NULL for null (and *out_bytes 0). */
STRAIT_API const void *strait_column_wire(const strait_statement *statement, int column, size_t *out_bytes);

/* What a step that did not return rows did: "rows", "void", "use", "schema". */
STRAIT_API const char *strait_statement_kind(const strait_statement *statement);
/* Warnings of the last step, one a line; "" when none. */
STRAIT_API const char *strait_warnings(strait_statement *statement);

STRAIT_API const char *strait_error_message(const strait *db);
STRAIT_API int strait_error_code(const strait *db);   /* CQL's code, -1 when the failure was not CQL's */
STRAIT_API int strait_error_line(const strait *db);   /* from 1; 0: no place */
STRAIT_API int strait_error_column(const strait *db); /* from 0 */
/* "corrupt", "busy", ...: what a result means. */
STRAIT_API const char *strait_result_text(int result);

/* The keyspace that USE chose, NULL when none. */
STRAIT_API const char *strait_keyspace(const strait *db);
/* "uring", "threads", "memory": what carries the store's I/O. */
STRAIT_API const char *strait_io(const strait *db);
/* Freeze the store's wall clock (timestamps, TTL, now()) at microseconds since 1970; INT64_MIN lets it
 * run. */
STRAIT_API void strait_set_clock(strait *db, int64_t now_us);

/* Length of the first statement of `text` with its semicolon; *out_complete is 0 when it is unfinished.
 * For prompts. */
STRAIT_API size_t strait_cut(const char *text, size_t length, int *out_complete, int *out_empty);

/* ---- snapshots: a keyspace with its schema and indexes, kept under a name to go back to ----
 *
 * Each call takes well under a millisecond in memory and a few on disk, however much data there is, so a test can go back
 * before every case. They are atomic and durable. From a driver: INSERT INTO strait.snapshots, .restores and .clones.
 */

/* Keep the keyspace as it is now; a snapshot of that name is replaced. */
STRAIT_API int strait_snapshot(strait *db, const char *keyspace, const char *name);
/* Go back: data and schema are what they were, also of a keyspace that was dropped since. Statements stay prepared. */
STRAIT_API int strait_restore(strait *db, const char *keyspace, const char *name);
/* Make keyspace `clone`, like `keyspace` now or, unless `name` is NULL, like that snapshot of it. */
STRAIT_API int strait_clone(strait *db, const char *clone, const char *keyspace, const char *name);
/* Forget a snapshot; it need not be there. */
STRAIT_API int strait_snapshot_drop(strait *db, const char *keyspace, const char *name);

/* ---- maintenance; table NULL: all tables of the keyspace; keyspace NULL: everything ---- */

STRAIT_API int strait_flush(strait *db, const char *keyspace, const char *table);
STRAIT_API int strait_compact(strait *db, const char *keyspace, const char *table);
STRAIT_API int strait_verify(strait *db, const char *keyspace, const char *table);
/* Wait until background flushes and compactions have nothing to do. */
STRAIT_API int strait_settle(strait *db);
/* Everything written so far is durable on return. */
STRAIT_API int strait_sync(strait *db);

#ifdef __cplusplus
}
#endif

#endif
