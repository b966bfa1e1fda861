/* strait_snapshot.c: snapshots of keyspaces for strait.h. */
#include "cql/snapshot.h"
#include "cql/strait_internal.h"

enum { SCRATCH_BYTES = 4096 };

struct call {
    struct arena scratch;
    struct cql_result result;
    struct cql_error error;
};

static struct snapshot_request call_begin(struct call *call, struct strait *db)
{
    *call = (struct call){.error = {.code = CQL_OK}};
    arena_init(&call->scratch, SCRATCH_BYTES);
    return (struct snapshot_request){.database = db->store->database,
                                     .scratch = &call->scratch,
                                     .result = &call->result,
                                     .error = &call->error};
}

static int call_end(struct call *call, struct strait *db, bool done)
{
    int result = done ? STRAIT_OK : strait_fail_cql(db, &call->error);
    cql_result_deinit(&call->result);
    arena_deinit(&call->scratch);
    return result;
}

/* The handle is open and the names are there. */
static bool usable(struct strait *db, const char *first, const char *second)
{
    return db && db->store && first && *first && second && *second;
}

static int misused(struct strait *db)
{
    return strait_fail_misuse(db, "an open handle and two names are needed");
}

int strait_snapshot(strait *db, const char *keyspace, const char *name)
{
    struct call call;
    if (!usable(db, keyspace, name))
        return misused(db);
    struct snapshot_request request = call_begin(&call, db);
    return call_end(&call, db, snapshot_create(&request, keyspace, name));
}

int strait_restore(strait *db, const char *keyspace, const char *name)
{
    struct call call;
    if (!usable(db, keyspace, name))
        return misused(db);
    struct snapshot_request request = call_begin(&call, db);
    return call_end(&call, db, snapshot_restore(&request, keyspace, name));
}

int strait_clone(strait *db, const char *clone, const char *keyspace, const char *name)
{
    struct call call;
    if (!usable(db, clone, keyspace))
        return misused(db);
    struct snapshot_request request = call_begin(&call, db);
    return call_end(&call, db, snapshot_clone(&request, clone, keyspace, name));
}

int strait_snapshot_drop(strait *db, const char *keyspace, const char *name)
{
    struct call call;
    if (!usable(db, keyspace, name))
        return misused(db);
    struct snapshot_request request = call_begin(&call, db);
    return call_end(&call, db, snapshot_drop(&request, keyspace, name));
}
