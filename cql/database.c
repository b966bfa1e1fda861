#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cql/database_internal.h"

enum {
    PLAN_CACHE_BYTES = 16 << 20,
    ADDRESS_PORT = 9042,
};

bool system_keyspace_is(const char *name)
{
    static const char *const names[] = {"system", "system_schema", "system_traces", "system_virtual_schema",
                                        "strait"};
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

struct catalog *database_catalog(struct cql_database *database)
{
    lock_acquire(&database->catalog_lock);
    struct catalog *catalog = catalog_ref(database->catalog);
    lock_release(&database->catalog_lock);
    return catalog;
}

void database_publish(struct cql_database *database, struct catalog *catalog)
{
    lock_acquire(&database->catalog_lock);
    struct catalog *old = database->catalog;
    database->catalog = catalog;
    database->generation = catalog->generation;
    lock_release(&database->catalog_lock);
    catalog_unref(old);
}

static status load(struct cql_database *database)
{
    struct catalog *catalog = catalog_new();
    if (!catalog)
        return STATUS_FAIL(STATUS_NOMEM);
    catalog->generation = 1;
    status st = system_tables_add(catalog, database->target);
    if (ok(st))
        st = catalog_load(catalog, database->store, database->read_only);
    if (ok(st))
        st = catalog_stamp(catalog);
    if (failed(st)) {
        catalog_unref(catalog);
        return st;
    }
    database->catalog = catalog;
    database->generation = catalog->generation;
    return index_versions_open(database);
}

status cql_database_open(const struct cql_database_options *options, struct cql_database **out_database)
{
    struct cql_database *database = aligned_alloc(_Alignof(struct cql_database), sizeof *database);
    if (!database)
        return STATUS_FAIL(STATUS_NOMEM);
    memset(database, 0, sizeof *database);
    database->profile = options->profile;
    database->target = cql_target_of(options->profile);
    database->read_only = options->store.read_only;
    database->last_timestamp = INT64_MIN;
    lock_init(&database->ddl_lock, RANK_DDL);
    lock_init(&database->catalog_lock, RANK_CATALOG);
    gate_init(&database->gate);
    snprintf(database->address, sizeof database->address, "%s",
             options->address ? options->address : "127.0.0.1");
    database->port = options->port ? options->port : ADDRESS_PORT;
    database->cluster_name = strdup(options->cluster_name ? options->cluster_name : "Strait");
    database->data_center = strdup(options->data_center ? options->data_center : "datacenter1");

    /* Texts that come unprepared get a small part, and cannot push out what was prepared. */
    size_t cache_bytes = options->plan_cache_bytes ? options->plan_cache_bytes : PLAN_CACHE_BYTES;
    status st = database->cluster_name && database->data_center ? STATUS_DONE : STATUS_FAIL(STATUS_NOMEM);
    if (ok(st))
        st = plan_cache_init(&database->prepared, cache_bytes);
    if (ok(st))
        st = plan_cache_init(&database->texts, cache_bytes / 4);
    struct store_options store = options->store;
    store.rules.smaller_ttl_wins = database->target->smaller_ttl_wins;
    store.rules.counters_restart = true; /* CNT-5 */
    if (ok(st))
        st = store_open(&store, &database->store);
    if (ok(st)) {
        database->last_timestamp = store_timestamp_floor(database->store);
        st = load(database);
    }
    if (failed(st)) {
        (void)cql_database_close(database);
        return st;
    }
    *out_database = database;
    return STATUS_DONE;
}

status cql_database_close(struct cql_database *database)
{
    if (!database)
        return STATUS_DONE;
    plan_cache_deinit(&database->prepared);
    plan_cache_deinit(&database->texts);
    catalog_unref(database->catalog);
    status st = store_close(database->store);
    gate_deinit(&database->gate);
    lock_deinit(&database->catalog_lock);
    lock_deinit(&database->ddl_lock);
    free(database->cluster_name);
    free(database->data_center);
    free(database);
    return st;
}

struct store *cql_database_store(struct cql_database *database)
{
    return database->store;
}

enum cql_profile cql_database_profile(const struct cql_database *database)
{
    return database->profile;
}

void cql_database_set_address(struct cql_database *database, const char *address, uint16_t port)
{
    lock_acquire(&database->catalog_lock);
    snprintf(database->address, sizeof database->address, "%s", address);
    database->port = port;
    lock_release(&database->catalog_lock);
}
