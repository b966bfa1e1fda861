/*
 * snapshot.h: keyspaces that are kept under a name, brought back and cloned, for tests that begin anew thousands of times.
 *
 * A snapshot has every table and index of its keyspace with its schema, as of one moment. Taking, restoring, cloning and
 * dropping one takes a time that does not depend on how much data there is (engine/store.h, STORE_CREATE_SNAPSHOT). A snapshot
 * outlives its keyspace: restoring brings back what was dropped.
 *
 * Errors      False with the refusal, in the words of the profile.
 * Threads     Any: they take their turn with other schema changes.
 */
#ifndef STRAIT_CQL_SNAPSHOT_H
#define STRAIT_CQL_SNAPSHOT_H

#include "cql/error.h"
#include "cql/result.h"

struct cql_database;

struct snapshot_request {
    struct cql_database *database;
    struct arena *scratch;
    struct cql_result *result; /* SCHEMA_CHANGE when the schema is another afterwards, else VOID */
    struct cql_error *error;
};

/* Take a snapshot; one of the same name of that keyspace is replaced. */
bool snapshot_create(const struct snapshot_request *request, const char *keyspace, const char *name);
/* Tables, indexes, data and schema become what they were; tables made since are dropped. */
bool snapshot_restore(const struct snapshot_request *request, const char *keyspace, const char *name);
/* A keyspace `clone` that is like `keyspace` now or, unless `name` is NULL, like its snapshot. It must not exist. */
bool snapshot_clone(const struct snapshot_request *request, const char *clone, const char *keyspace,
                    const char *name);
bool snapshot_drop(const struct snapshot_request *request, const char *keyspace, const char *name);

/* One of the store's snapshots, as taken apart from its name. */
struct snapshot_listed {
    const char *keyspace, *name; /* in the arena */
    int64_t created_us;
    uint64_t bytes;
    uint32_t table_count; /* with indexes */
};
/* Those after `*above`, which is the caller's, zeroed to begin with; false past the last or when reading fails. */
bool snapshot_next(struct store *store, struct buffer *above, struct arena *arena,
                   struct snapshot_listed *out_listed);

#endif
