/*
 * session.h: the one face of CQL: a database, sessions on it, statements in, results out. The server and the embedded
 * library (strait.h) stand on this and nothing below it.
 *
 * Ownership   cql_database_open() creates a handle that cql_database_close() releases after its sessions are closed.
 *             Prepared statements are counted: a session's handle stays valid until released, also when the cache drops it.
 * Errors      Calls answer true, or false with the refusal in `error`: code and text as the profile has them.
 * Threads     A database may be shared freely. A session belongs to one thread at a time.
 */
#ifndef STRAIT_CQL_SESSION_H
#define STRAIT_CQL_SESSION_H

#include "cql/error.h"
#include "cql/result.h"

struct cql_database;
struct cql_session;
struct cql_prepared;

struct cql_database_options {
    struct store_options store;
    enum cql_profile profile;
    const char *address; /* that clients connect to, as text: system.local's rpc_address; NULL: 127.0.0.1 */
    uint16_t port;       /* rpc_port */
    const char *cluster_name; /* NULL: "Strait" */
    const char *data_center;  /* NULL: "datacenter1" */
    size_t plan_cache_bytes;  /* prepared statements and plans; 0: 16 MiB */
};

status cql_database_open(const struct cql_database_options *options, struct cql_database **out_database);
status cql_database_close(struct cql_database *database); /* NULL is welcome */
struct store *cql_database_store(struct cql_database *database);
enum cql_profile cql_database_profile(const struct cql_database *database);
/* After the listener knows its port. */
void cql_database_set_address(struct cql_database *database, const char *address, uint16_t port);

status cql_session_open(struct cql_database *database, struct cql_session **out_session);
void cql_session_close(struct cql_session *session); /* NULL is welcome */
/* The keyspace that USE chose; NULL when none. */
const char *cql_session_keyspace(const struct cql_session *session);
/* With `deferred`, a durable write returns before its sync; call cql_session_settle() before acknowledging. */
void cql_session_set_deferred(struct cql_session *session, bool deferred);
bool cql_session_settle(struct cql_session *session, struct cql_error *error);
/* Rows, keys and images go the long way everywhere when off: for tests that compare the two. On from the start. */
void cql_session_set_shortcuts(struct cql_session *session, bool on);
void cql_session_set_durability(struct cql_session *session, enum durability durability);

/* Parse, plan and run one statement. */
bool cql_session_query(struct cql_session *session, struct slice text, const struct cql_params *params,
                       struct cql_result *result, struct cql_error *error);

/* Id = MD5 of keyspace and text (PRE-1): the same in every run. */
bool cql_session_prepare(struct cql_session *session, struct slice text, struct cql_prepared **out_prepared,
                         struct cql_error *error);
/* The statement of an id, from this or any session; UNPREPARED when the cache does not have it. */
bool cql_session_find(struct cql_session *session, struct slice id, struct cql_prepared **out_prepared,
                      struct cql_error *error);
void cql_prepared_release(struct cql_prepared *prepared);            /* NULL is welcome */
const uint8_t *cql_prepared_id(const struct cql_prepared *prepared); /* 16 bytes */
struct slice cql_prepared_text(const struct cql_prepared *prepared);
const struct cql_column_spec *cql_prepared_binds(const struct cql_prepared *prepared, uint32_t *out_count);
const uint16_t *cql_prepared_partition_binds(const struct cql_prepared *prepared, uint32_t *out_count);
const struct cql_column_spec *cql_prepared_columns(const struct cql_prepared *prepared, uint32_t *out_count);

/* A statement whose schema has moved on is planned anew; when its metadata changed, or it no longer plans,
 * the answer is UNPREPARED with its id, so that drivers prepare again (PRE-6). */
bool cql_session_execute(struct cql_session *session, struct cql_prepared *prepared,
                         const struct cql_params *params, struct cql_result *result, struct cql_error *error);

/* False when the schema has moved on since the statement was planned. */
bool cql_session_is_current(const struct cql_session *session, const struct cql_prepared *prepared);
/* The same statement as of now, in its own keyspace, whatever the session's is: for a holder who was answered UNPREPARED
 * and has no client to tell. The caller releases both. */
bool cql_session_renew(struct cql_session *session, struct cql_prepared *prepared,
                       struct cql_prepared **out_fresh, struct cql_error *error);

struct cql_batch_item {
    struct cql_prepared *prepared; /* or NULL and a text */
    struct slice text;
    const struct cql_value *values;
    uint32_t value_count;
};
/* `kind`: 0 logged, 1 unlogged, 2 counter, as in the protocol. */
bool cql_session_batch(struct cql_session *session, uint8_t kind, const struct cql_batch_item *items,
                       uint32_t count, const struct cql_params *params, struct cql_result *result,
                       struct cql_error *error);

#endif
