/*
 * database_internal.h: what the session layer's files share: the database behind its sessions.
 */
#ifndef STRAIT_CQL_DATABASE_INTERNAL_H
#define STRAIT_CQL_DATABASE_INTERNAL_H

#include "cql/catalog.h"
#include "cql/gate.h"
#include "cql/prepared_internal.h"
#include "cql/session.h"

struct cql_database {
    struct store *store; /* owned */
    const struct cql_target *target;
    enum cql_profile profile;
    char *cluster_name, *data_center; /* owned */
    bool read_only;

    struct lock ddl_lock; /* RANK_DDL: one schema change at a time */
    struct gate gate;     /* closed for the moment of a change */

    struct lock catalog_lock;    /* RANK_CATALOG: guards `catalog`, `address`, `port` */
    struct catalog *catalog;     /* counted */
    _Atomic uint64_t generation; /* of `catalog`; stable while inside the gate */
    char address[64];
    uint16_t port;

    struct plan_cache prepared; /* by MD5 id (PRE-1) */
    struct plan_cache texts;    /* statements that come unprepared and with values */

    _Atomic int64_t last_timestamp; /* TS-2 */
    /* The next version of an index or view entry (index.h). Versions below the property of the store are perhaps used:
     * it is moved on before the first is given out, once each time the store is open. */
    _Atomic int64_t entry_version;
    bool entries_reserved;      /* ddl_lock */
    _Atomic uint32_t next_slot; /* hands gate slots to sessions */
};

/* The current catalog with one reference more. */
struct catalog *database_catalog(struct cql_database *database);
/* Make `catalog` the current one; takes the reference over. The gate is closed by the caller. */
void database_publish(struct cql_database *database, struct catalog *catalog);

/* index_version.c. Where the versions of entries go on, and the change that keeps them from being given again. */
status index_versions_open(struct cql_database *database);
bool index_versions_wanted(const struct cql_database *database, const struct catalog *catalog);
void index_versions_reserve(const struct cql_database *database, struct buffer *out_value,
                            struct store_change *out_change);

/* The keyspaces that no statement may change: system, system_schema, system_traces, system_virtual_schema, strait. */
status system_tables_add(struct catalog *catalog, const struct cql_target *target);
bool system_keyspace_is(const char *name);

#endif
