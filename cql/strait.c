/* strait.c: handles of strait.h: open, connect, scripts, errors, maintenance. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cql/parse.h"
#include "cql/strait_internal.h"

/* ---- errors ---- */

int strait_fail_misuse(struct strait *db, const char *format, ...)
{
    if (!db)
        return STRAIT_MISUSE;
    cql_error_clear(&db->error);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(db->error.message, sizeof db->error.message, format, arguments);
    va_end(arguments);
    return STRAIT_MISUSE;
}

int strait_fail_nomem(struct strait *db)
{
    strait_fail_misuse(db, "out of memory");
    return STRAIT_NOMEM;
}

int strait_fail_status(struct strait *db, status st)
{
    static const int results[STATUS_CODES] = {
        [STATUS_OK] = STRAIT_OK,
        [STATUS_INVALID] = STRAIT_MISUSE,
        [STATUS_NOT_FOUND] = STRAIT_NOT_FOUND,
        [STATUS_EXISTS] = STRAIT_BUSY,
        [STATUS_BUSY] = STRAIT_BUSY,
        [STATUS_LIMIT] = STRAIT_MISUSE,
        [STATUS_NOMEM] = STRAIT_NOMEM,
        [STATUS_IO] = STRAIT_IO,
        [STATUS_NOSPACE] = STRAIT_NOSPACE,
        [STATUS_CORRUPT] = STRAIT_CORRUPT,
        [STATUS_UNSUPPORTED] = STRAIT_CORRUPT,
        [STATUS_CLOSED] = STRAIT_IO,
    };
    cql_error_clear(&db->error);
    status_print(st, db->error.message, sizeof db->error.message);
    return st.code < STATUS_CODES ? results[st.code] : STRAIT_IO;
}

int strait_fail_cql(struct strait *db, const struct cql_error *error)
{
    if (error != &db->error)
        db->error = *error;
    return STRAIT_REFUSED;
}

const char *strait_error_message(const strait *db)
{
    return db ? db->error.message : "no handle";
}

int strait_error_code(const strait *db)
{
    return db ? (int)db->error.code : -1;
}

int strait_error_line(const strait *db)
{
    return db ? (int)db->error.line : 0;
}

int strait_error_column(const strait *db)
{
    return db ? (int)db->error.column : 0;
}

const char *strait_result_text(int result)
{
    static const char *const texts[] = {
        [STRAIT_OK] = "ok",
        [STRAIT_ROW] = "a row",
        [STRAIT_DONE] = "done",
        [STRAIT_REFUSED] = "the statement was refused",
        [STRAIT_MISUSE] = "a call that can never work",
        [STRAIT_NOMEM] = "out of memory",
        [STRAIT_IO] = "the disk or the kernel refused",
        [STRAIT_CORRUPT] = "corrupt",
        [STRAIT_BUSY] = "busy",
        [STRAIT_NOT_FOUND] = "not found",
        [STRAIT_NOSPACE] = "the disk is full",
    };
    return result >= 0 && (size_t)result < ARRAY_LEN(texts) ? texts[result] : "unknown result";
}

/* ---- opening ---- */

static int durability_of(struct strait *db, int given, enum durability *out_durability)
{
    switch (given) {
    case 0:
    case STRAIT_DURABLE: *out_durability = DURABILITY_DURABLE; return STRAIT_OK;
    case STRAIT_PERIODIC: *out_durability = DURABILITY_PERIODIC; return STRAIT_OK;
    case STRAIT_UNLOGGED: *out_durability = DURABILITY_NONE; return STRAIT_OK;
    default: return strait_fail_misuse(db, "no such durability: %d", given);
    }
}

static int read_options(struct strait *db, const char *path, const strait_options *given,
                        struct cql_database_options *out_options)
{
    strait_options defaults = {.struct_bytes = sizeof defaults};
    strait_options options = defaults;
    if (given) {
        /* A program compiled against a shorter struct gives defaults for what it does not know. */
        if (given->struct_bytes < sizeof(size_t) || given->struct_bytes > sizeof options)
            return strait_fail_misuse(db, "strait_options.struct_bytes is not set to sizeof(strait_options)");
        memcpy(&options, given, given->struct_bytes);
    }
    struct cql_database_options database = {.profile = PROFILE_SCYLLA_2025_1};
    if (options.profile && !cql_profile_parse(options.profile, &database.profile))
        return strait_fail_misuse(db, "no such profile: %s", options.profile);
    bool in_memory = strcmp(path, ":memory:") == 0;
    database.store = (struct store_options){
        .folder = in_memory ? NULL : path,
        .io = in_memory ? "memory" : options.io,
        .must_exist = options.must_exist != 0,
        .read_only = options.read_only != 0,
        .accept_log_damage = options.accept_log_damage != 0,
        .set_aside_damaged_tables = options.set_aside_damaged_tables != 0,
        .shards = options.shards,
        .memtable_bytes = options.memtable_bytes,
        .cache_bytes = options.cache_bytes,
        .period_us = options.period_us,
        .clock_us = options.clock_us,
    };
    *out_options = database;
    return durability_of(db, options.durability, &out_options->store.durability);
}

static struct strait *handle_new(void)
{
    struct strait *db = calloc(1, sizeof *db);
    if (db)
        cql_error_clear(&db->error);
    return db;
}

/* What a failure to open means, with where it was noticed. */
static int fail_open(struct strait *db, status st)
{
    char where[200];
    int result = strait_fail_status(db, st);
    const char *meaning =
        st.code == STATUS_UNSUPPORTED
            ? "it was written by another version of Strait, in a form that this one does not know"
        : st.code == STATUS_CORRUPT
            ? "the store is damaged; 'strait verify' tells which files, 'strait inspect' shows them"
            : NULL;
    if (!meaning)
        return result;
    status_print(st, where, sizeof where);
    snprintf(db->error.message, sizeof db->error.message, "%s (%s)", meaning, where);
    return result;
}

static int open_store(struct strait *db, const char *path, const strait_options *options)
{
    struct cql_database_options database_options;
    int result = read_options(db, path, options, &database_options);
    if (result != STRAIT_OK)
        return result;
    struct strait_store *store = calloc(1, sizeof *store);
    if (!store)
        return strait_fail_nomem(db);
    store->references = 1;
    status st = cql_database_open(&database_options, &store->database);
    if (failed(st)) {
        free(store);
        return fail_open(db, st);
    }
    st = cql_session_open(store->database, &db->session);
    if (failed(st)) {
        (void)cql_database_close(store->database);
        free(store);
        return strait_fail_status(db, st);
    }
    db->store = store;
    return STRAIT_OK;
}

int strait_open(const char *path, const strait_options *options, strait **out_db)
{
    if (!out_db)
        return STRAIT_MISUSE;
    *out_db = NULL;
    if (!path || !*path)
        return STRAIT_MISUSE;
    struct strait *db = handle_new();
    if (!db)
        return STRAIT_NOMEM;
    *out_db = db;
    return open_store(db, path, options);
}

int strait_connect(strait *db, strait **out_db)
{
    if (!out_db)
        return STRAIT_MISUSE;
    *out_db = NULL;
    if (!db || !db->store)
        return strait_fail_misuse(db, "the handle is not open");
    struct strait *other = handle_new();
    if (!other)
        return strait_fail_nomem(db);
    status st = cql_session_open(db->store->database, &other->session);
    if (failed(st)) {
        free(other);
        return strait_fail_status(db, st);
    }
    db->store->references++;
    other->store = db->store;
    *out_db = other;
    return STRAIT_OK;
}

int strait_close(strait *db)
{
    if (!db)
        return STRAIT_OK;
    if (db->statement_count)
        return strait_fail_misuse(db, "%u statements are not finalized", (unsigned)db->statement_count);
    int result = STRAIT_OK;
    cql_session_close(db->session);
    if (db->store && --db->store->references == 0) {
        status st = cql_database_close(db->store->database);
        if (failed(st))
            result = strait_fail_status(db, st);
        free(db->store);
    }
    free(db);
    return result;
}

/* ---- scripts ---- */

int strait_exec(strait *db, const char *script)
{
    if (!db || !db->store || !script)
        return strait_fail_misuse(db, "no handle or no script");
    struct slice whole = slice_text(script), rest = whole;
    struct cql_result result = {0};
    const struct cql_params params = {.consistency = 1};
    int code = STRAIT_OK;
    while (rest.bytes && code == STRAIT_OK) {
        bool complete, empty;
        size_t bytes = parse_cut(rest, &complete, &empty);
        size_t start = (size_t)(rest.data - whole.data);
        if (!empty &&
            !cql_session_query(db->session, slice_of(rest.data, bytes), &params, &result, &db->error)) {
            if (db->error.line) /* the place in the script, not in the statement */
                cql_error_at(&db->error, whole, start + db->error.offset);
            code = STRAIT_REFUSED;
        }
        rest = slice_of(rest.data + bytes, rest.bytes - bytes);
    }
    cql_result_deinit(&result);
    return code;
}

size_t strait_cut(const char *text, size_t length, int *out_complete, int *out_empty)
{
    bool complete = false, empty = true;
    size_t bytes = text ? parse_cut(slice_of(text, length), &complete, &empty) : 0;
    if (out_complete)
        *out_complete = complete;
    if (out_empty)
        *out_empty = empty;
    return bytes;
}

/* ---- facts ---- */

const char *strait_keyspace(const strait *db)
{
    return db && db->session ? cql_session_keyspace(db->session) : NULL;
}

const char *strait_io(const strait *db)
{
    return db && db->store ? store_io_name(db->store->database->store) : "";
}

void strait_set_clock(strait *db, int64_t now_us)
{
    if (db && db->store)
        store_clock_set(db->store->database->store, now_us);
}

/* ---- maintenance ---- */

typedef status maintain(struct store *store, uint64_t table_id);

static status maintain_table(struct store *store, const struct cql_table *table, maintain *act)
{
    status st = act(store, table->store_id);
    for (uint32_t i = 0; ok(st) && i < table->index_count; i++)
        st = act(store, table->indexes[i]->store_id);
    return st;
}

static status maintain_keyspace(struct store *store, const struct cql_keyspace *keyspace, maintain *act)
{
    status st = STATUS_DONE;
    for (uint32_t i = 0; ok(st) && !keyspace->virtual_ && i < keyspace->table_count; i++)
        st = maintain_table(store, keyspace->tables[i], act);
    return st;
}

static int maintain_names(struct strait *db, const struct catalog *catalog, const char *keyspace_name,
                          const char *table_name, maintain *act)
{
    struct store *store = db->store->database->store;
    status st = STATUS_DONE;
    if (!keyspace_name) {
        for (uint32_t i = 0; ok(st) && i < catalog->keyspace_count; i++)
            st = maintain_keyspace(store, catalog->keyspaces[i], act);
        return ok(st) ? STRAIT_OK : strait_fail_status(db, st);
    }
    const struct cql_keyspace *keyspace = catalog_keyspace(catalog, keyspace_name);
    if (!keyspace)
        return strait_fail_misuse(db, "no keyspace %s", keyspace_name);
    if (!table_name) {
        st = maintain_keyspace(store, keyspace, act);
        return ok(st) ? STRAIT_OK : strait_fail_status(db, st);
    }
    const struct cql_table *table = catalog_table(catalog, keyspace_name, table_name);
    if (!table || table->virtual_)
        return strait_fail_misuse(db, "no stored table %s.%s", keyspace_name, table_name);
    st = maintain_table(store, table, act);
    return ok(st) ? STRAIT_OK : strait_fail_status(db, st);
}

static int maintain_all(struct strait *db, const char *keyspace, const char *table, maintain *act)
{
    if (!db || !db->store)
        return strait_fail_misuse(db, "the handle is not open");
    if (!keyspace && table)
        return strait_fail_misuse(db, "a table without its keyspace");
    struct catalog *catalog = database_catalog(db->store->database);
    int result = maintain_names(db, catalog, keyspace, table, act);
    catalog_unref(catalog);
    return result;
}

int strait_flush(strait *db, const char *keyspace, const char *table)
{
    return maintain_all(db, keyspace, table, store_flush);
}

int strait_compact(strait *db, const char *keyspace, const char *table)
{
    return maintain_all(db, keyspace, table, store_compact);
}

int strait_verify(strait *db, const char *keyspace, const char *table)
{
    return maintain_all(db, keyspace, table, store_verify);
}

static int store_call(struct strait *db, status (*call)(struct store *store))
{
    if (!db || !db->store)
        return strait_fail_misuse(db, "the handle is not open");
    status st = call(db->store->database->store);
    return ok(st) ? STRAIT_OK : strait_fail_status(db, st);
}

int strait_settle(strait *db)
{
    return store_call(db, store_settle);
}

int strait_sync(strait *db)
{
    return store_call(db, store_sync);
}
