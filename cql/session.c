#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "cql/database_internal.h"
#include "cql/ddl.h"
#include "cql/describe.h"
#include "cql/plan.h"

enum {
    SCRATCH_FIRST_BYTES = 16 << 10,
    SESSION_KEPT_BYTES = 64 << 10, /* of each buffer, from one turn of a server to the next */
};

struct cql_session {
    struct cql_database *database; /* borrowed: outlives its sessions */
    char keyspace[CQL_NAME_BYTES];
    bool has_keyspace;
    bool deferred;
    bool no_shortcuts;
    enum durability durability;
    uint32_t gate_slot;
    struct plan_workspace *workspace; /* owned */
    struct arena scratch;             /* of one request */
    struct store_ticket *tickets;     /* owned: per shard, the newest that was not waited for */
    uint32_t shard_count;
    bool has_tickets;
};

status cql_session_open(struct cql_database *database, struct cql_session **out_session)
{
    struct cql_session *session = calloc(1, sizeof *session);
    if (!session)
        return STATUS_FAIL(STATUS_NOMEM);
    session->database = database;
    session->durability = DURABILITY_DEFAULT;
    session->gate_slot = database->next_slot++;
    session->shard_count = store_shard_count(database->store);
    session->workspace = plan_workspace_new();
    session->tickets = calloc(session->shard_count ? session->shard_count : 1, sizeof *session->tickets);
    arena_init(&session->scratch, SCRATCH_FIRST_BYTES);
    if (!session->workspace || !session->tickets) {
        cql_session_close(session);
        return STATUS_FAIL(STATUS_NOMEM);
    }
    *out_session = session;
    return STATUS_DONE;
}

void cql_session_close(struct cql_session *session)
{
    if (!session)
        return;
    plan_workspace_free(session->workspace);
    arena_deinit(&session->scratch);
    free(session->tickets);
    free(session);
}

const char *cql_session_keyspace(const struct cql_session *session)
{
    return session->has_keyspace ? session->keyspace : NULL;
}

void cql_session_set_deferred(struct cql_session *session, bool deferred)
{
    session->deferred = deferred;
}

void cql_session_set_shortcuts(struct cql_session *session, bool on)
{
    session->no_shortcuts = !on;
}

void cql_session_set_durability(struct cql_session *session, enum durability durability)
{
    session->durability = durability;
}

/* ---- deferred durability ---- */

static void keep_ticket(struct cql_session *session, struct store_ticket ticket)
{
    if ((!ticket.segment && !ticket.offset) || ticket.shard >= session->shard_count)
        return;
    struct store_ticket *newest = &session->tickets[ticket.shard];
    if (ticket.segment > newest->segment ||
        (ticket.segment == newest->segment && ticket.offset > newest->offset))
        *newest = ticket;
    session->has_tickets = true;
}

/* A server has many sessions, most of them idle: what an unusual request needed is not kept. */
static void give_back(struct cql_session *session)
{
    if (session->scratch.reserved_bytes > SESSION_KEPT_BYTES) {
        arena_deinit(&session->scratch);
        arena_init(&session->scratch, SCRATCH_FIRST_BYTES);
    }
    plan_workspace_trim(session->workspace, SESSION_KEPT_BYTES);
}

bool cql_session_settle(struct cql_session *session, struct cql_error *error)
{
    give_back(session);
    if (!session->has_tickets)
        return true;
    bool settled = true;
    for (uint32_t i = 0; i < session->shard_count; i++) {
        struct store_ticket *ticket = &session->tickets[i];
        if (!ticket->segment && !ticket->offset)
            continue;
        status st = store_wait(session->database->store, *ticket);
        *ticket = (struct store_ticket){0};
        if (failed(st))
            settled = cql_refuse_status(error, st);
    }
    session->has_tickets = false;
    return settled;
}

/* ---- contexts and plans ---- */

static struct plan_context context_of(struct cql_session *session, const struct catalog *catalog,
                                      const char *keyspace)
{
    struct cql_database *database = session->database;
    return (struct plan_context){
        .store = database->store,
        .target = database->target,
        .profile = database->profile,
        .catalog = catalog,
        .keyspace = keyspace,
        .workspace = session->workspace,
        .last_timestamp = &database->last_timestamp,
        .entry_version = &database->entry_version,
        .durability = session->durability,
        .no_shortcuts = session->no_shortcuts,
        .deferred = session->deferred,
        .database = database,
    };
}

/* Parse and plan with the current catalog. */
static bool make_statement(struct cql_session *session, struct slice text, const char *keyspace,
                           const uint8_t id[PREPARED_ID_BYTES], struct cql_prepared **out_prepared,
                           struct cql_error *error)
{
    struct catalog *catalog = database_catalog(session->database);
    struct plan_context context = context_of(session, catalog, keyspace);
    bool made = prepared_make(&context, catalog, text, id, out_prepared, error);
    catalog_unref(catalog);
    return made;
}

static bool is_current(const struct cql_session *session, const struct cql_prepared *prepared)
{
    return !prepared->plan || prepared->generation == session->database->generation;
}

/* What a statement is run from: a cache, and whether a client holds its metadata, so that a change of that must be told. */
struct source {
    struct plan_cache *cache;
    bool client_has_metadata;
};

/* The same statement planned with the current schema. The new one counts once for the caller. It takes the old one's place in the
 * cache unless clients would then be given rows that they cannot read. */
static bool renew(struct cql_session *session, const struct source *source, struct cql_prepared *old,
                  struct cql_prepared **out_fresh, struct cql_error *error)
{
    struct cql_prepared *fresh = plan_cache_successor(source->cache, old);
    if (fresh && is_current(session, fresh)) {
        *out_fresh = fresh;
        return true;
    }
    cql_prepared_release(fresh);
    if (!make_statement(session, old->text, old->keyspace, old->id, &fresh, error))
        return false;
    plan_cache_set_successor(source->cache, old, fresh);
    if (!source->client_has_metadata || prepared_same_metadata(old, fresh))
        plan_cache_put(source->cache, fresh);
    *out_fresh = fresh;
    return true;
}

static bool refuse_unprepared(const struct cql_session *session, const uint8_t id[PREPARED_ID_BYTES],
                              struct cql_error *error)
{
    char hex[2 * PREPARED_ID_BYTES + 1];
    for (size_t i = 0; i < PREPARED_ID_BYTES; i++)
        snprintf(hex + 2 * i, 3, "%02x", id[i]);
    cql_refuse(error, session->database->profile, MSG_UNPREPARED, hex);
    memcpy(error->prepared_id, id, PREPARED_ID_BYTES);
    return false;
}

/* Replace *held, a counted reference, by the statement as of now. */
static bool bring_up_to_date(struct cql_session *session, const struct source *source,
                             struct cql_prepared **held, struct cql_error *error)
{
    struct cql_prepared *fresh;
    if (!renew(session, source, *held, &fresh, error))
        return source->client_has_metadata ? refuse_unprepared(session, (*held)->id, error) : false;
    if (source->client_has_metadata && !prepared_same_metadata(*held, fresh)) {
        cql_prepared_release(fresh);
        return refuse_unprepared(session, (*held)->id, error);
    }
    cql_prepared_release(*held);
    *held = fresh;
    return true;
}

/* ---- running ---- */

static bool use_keyspace(struct cql_session *session, const struct ast_name *name, struct cql_result *result,
                         struct cql_error *error)
{
    struct cql_database *database = session->database;
    struct catalog *catalog = database_catalog(database);
    bool exists = catalog_keyspace(catalog, name->text) != NULL;
    catalog_unref(catalog);
    if (!exists)
        return cql_refuse(error, database->profile, MSG_NO_KEYSPACE_USE, name->text);
    snprintf(session->keyspace, sizeof session->keyspace, "%s", name->text);
    session->has_keyspace = true;
    result->kind = CQL_RESULT_SET_KEYSPACE;
    snprintf(result->keyspace, sizeof result->keyspace, "%s", name->text);
    return true;
}

/* A read needs no gate: its catalog and tables live as long as it does. When it fails because they are gone meanwhile, it
 * runs once more with the new ones. */
static bool run_read(struct cql_session *session, const struct source *source, struct cql_prepared **held,
                     const struct cql_params *params, struct cql_result *result, struct cql_error *error)
{
    for (int attempt = 0;; attempt++) {
        if (!is_current(session, *held) && !bring_up_to_date(session, source, held, error))
            return false;
        struct plan_context context = context_of(session, (*held)->catalog, (*held)->keyspace);
        if (plan_execute((*held)->plan, &context, params, &session->scratch, result, error))
            return true;
        if (attempt > 0 || is_current(session, *held))
            return false;
        cql_result_clear(result);
    }
}

/* What is told to a virtual table may change the schema, for which the gate is closed: it must not be inside. */
static bool run_tell(struct cql_session *session, const struct source *source, struct cql_prepared **held,
                     const struct cql_params *params, struct cql_result *result, struct cql_error *error)
{
    if (!is_current(session, *held) && !bring_up_to_date(session, source, held, error))
        return false;
    struct plan_context context = context_of(session, (*held)->catalog, (*held)->keyspace);
    return plan_execute((*held)->plan, &context, params, &session->scratch, result, error);
}

static bool run_write(struct cql_session *session, const struct source *source, struct cql_prepared **held,
                      const struct cql_params *params, struct cql_result *result, struct cql_error *error)
{
    struct gate *gate = &session->database->gate;
    gate_enter(gate, session->gate_slot);
    while (!is_current(session, *held)) {
        gate_leave(gate, session->gate_slot);
        if (!bring_up_to_date(session, source, held, error))
            return false;
        gate_enter(gate, session->gate_slot);
    }
    struct plan_context context = context_of(session, (*held)->catalog, (*held)->keyspace);
    bool done = plan_execute((*held)->plan, &context, params, &session->scratch, result, error);
    gate_leave(gate, session->gate_slot);
    keep_ticket(session, result->ticket);
    return done;
}

/* Names and types of the columns live with the plan, which may go before the result is used: give the result its own. */
static bool own_columns(struct cql_result *result, enum cql_profile profile, struct cql_error *error)
{
    if (!result->column_count)
        return true;
    struct cql_column_spec *copy = arena_calloc(&result->arena, result->column_count, sizeof *copy);
    bool whole = copy != NULL;
    for (uint32_t i = 0; whole && i < result->column_count; i++) {
        const struct cql_column_spec *from = &result->columns[i];
        copy[i].keyspace = arena_text(&result->arena, slice_text(from->keyspace));
        copy[i].table = arena_text(&result->arena, slice_text(from->table));
        copy[i].name = arena_text(&result->arena, slice_text(from->name));
        copy[i].type = type_copy(&result->arena, from->type);
        whole = copy[i].keyspace && copy[i].table && copy[i].name && copy[i].type;
    }
    if (!whole)
        return cql_refuse(error, profile, MSG_NOMEM);
    result->columns = copy;
    return true;
}

static bool check_value_count(const struct cql_session *session, const struct cql_prepared *prepared,
                              const struct cql_params *params, struct cql_error *error)
{
    uint32_t expected = prepared->statement->bind_count;
    if (prepared->plan)
        (void)plan_binds(prepared->plan, &expected);
    if (params->names || params->value_count == expected)
        return true;
    return cql_refuse(error, session->database->profile, MSG_BIND_COUNT, (unsigned)expected,
                      (unsigned)params->value_count);
}

static bool describe(struct cql_session *session, const struct ast_describe *ast,
                     const struct cql_params *params, struct cql_result *result, struct cql_error *error)
{
    struct cql_database *database = session->database;
    struct catalog *catalog = database_catalog(database);
    struct describe_request request = {
        .catalog = catalog,
        .target = database->target,
        .profile = database->profile,
        .keyspace = cql_session_keyspace(session),
        .cluster_name = database->cluster_name,
        .describe = ast,
        .page_size = params->page_size,
        .paging_state = params->paging_state,
        .result = result,
        .error = error,
    };
    bool done = describe_execute(&request);
    catalog_unref(catalog);
    return done;
}

/* `held` is a counted reference, which may be exchanged for a newer one. */
static bool run(struct cql_session *session, const struct source *source, struct cql_prepared **held,
                const struct cql_params *params, struct cql_result *result, struct cql_error *error)
{
    const struct ast_statement *statement = (*held)->statement;
    if (!check_value_count(session, *held, params, error))
        return false;
    switch (statement->kind) {
    case STATEMENT_USE: return use_keyspace(session, &statement->use, result, error);
    case STATEMENT_DESCRIBE: return describe(session, &statement->describe, params, result, error);
    case STATEMENT_SELECT: return run_read(session, source, held, params, result, error);
    case STATEMENT_INSERT:
    case STATEMENT_UPDATE:
    case STATEMENT_DELETE:
    case STATEMENT_BATCH:
        if (plan_tells_virtual((*held)->plan))
            return run_tell(session, source, held, params, result, error);
        return run_write(session, source, held, params, result, error);
    default: break;
    }
    struct ddl_request request = {
        .database = session->database,
        .keyspace = (*held)->keyspace,
        .statement = statement,
        .workspace = session->workspace,
        .scratch = &session->scratch,
        .result = result,
        .error = error,
    };
    return ddl_execute(&request);
}

static void begin(struct cql_session *session, struct cql_result *result, struct cql_error *error)
{
    arena_reset(&session->scratch);
    if (result) {
        cql_result_clear(result);
        result->kind = CQL_RESULT_VOID;
    }
    cql_error_clear(error);
}

/* ---- unprepared ---- */

/* Where a text that comes unprepared is kept: a hash of it and of the keyspace. Hits are compared in full. */
static void text_id(const char *keyspace, struct slice text, uint8_t out_id[PREPARED_ID_BYTES])
{
    uint64_t seed = keyspace ? hash64(slice_text(keyspace), 1) : 0;
    store_le64(out_id, hash64(text, seed));
    store_le64(out_id + 8, hash64(text, ~seed));
}

static bool same_statement(const struct cql_prepared *prepared, const char *keyspace, struct slice text)
{
    if (!slice_equal(prepared->text, text) || !prepared->keyspace != !keyspace)
        return false;
    return !keyspace || strcmp(prepared->keyspace, keyspace) == 0;
}

bool cql_session_query(struct cql_session *session, struct slice text, const struct cql_params *params,
                       struct cql_result *result, struct cql_error *error)
{
    struct cql_database *database = session->database;
    const struct source source = {.cache = &database->texts};
    const char *keyspace = cql_session_keyspace(session);
    struct cql_prepared *held = NULL;
    uint8_t id[PREPARED_ID_BYTES] = {0};
    begin(session, result, error);

    /* With literals in it a text seldom comes again; with values to bind it does, so that is what is kept. */
    bool keep = params->value_count > 0;
    if (keep) {
        text_id(keyspace, text, id);
        held = plan_cache_find(&database->texts, id);
        if (held && !same_statement(held, keyspace, text)) {
            cql_prepared_release(held);
            held = NULL;
        }
    }
    if (!held) {
        if (!make_statement(session, text, keyspace, id, &held, error))
            return false;
        if (keep && held->plan)
            plan_cache_put(&database->texts, held);
    }
    bool done =
        run(session, &source, &held, params, result, error) && own_columns(result, database->profile, error);
    cql_prepared_release(held);
    return done;
}

/* ---- prepared ---- */

static bool prepared_id(const struct cql_session *session, const char *keyspace, struct slice text,
                        uint8_t out_id[PREPARED_ID_BYTES], struct cql_error *error)
{
    unsigned bytes = PREPARED_ID_BYTES;
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    bool done = digest && EVP_DigestInit_ex(digest, EVP_md5(), NULL) &&
                (!keyspace || EVP_DigestUpdate(digest, keyspace, strlen(keyspace))) &&
                EVP_DigestUpdate(digest, text.data, text.bytes) && EVP_DigestFinal_ex(digest, out_id, &bytes);
    EVP_MD_CTX_free(digest);
    return done || cql_refuse(error, session->database->profile, MSG_NOMEM);
}

bool cql_session_prepare(struct cql_session *session, struct slice text, struct cql_prepared **out_prepared,
                         struct cql_error *error)
{
    struct plan_cache *cache = &session->database->prepared;
    const char *keyspace = cql_session_keyspace(session);
    uint8_t id[PREPARED_ID_BYTES];
    begin(session, NULL, error);
    if (!prepared_id(session, keyspace, text, id, error))
        return false;
    struct cql_prepared *held = plan_cache_find(cache, id);
    if (held && is_current(session, held) && same_statement(held, keyspace, text)) {
        *out_prepared = held;
        return true;
    }
    cql_prepared_release(held);
    if (!make_statement(session, text, keyspace, id, &held, error))
        return false;
    plan_cache_put(cache, held);
    *out_prepared = held;
    return true;
}

bool cql_session_find(struct cql_session *session, struct slice id, struct cql_prepared **out_prepared,
                      struct cql_error *error)
{
    struct cql_prepared *found = NULL;
    uint8_t padded[PREPARED_ID_BYTES] = {0};
    if (id.bytes)
        memcpy(padded, id.data, id.bytes < sizeof padded ? id.bytes : sizeof padded);
    if (id.bytes == PREPARED_ID_BYTES)
        found = plan_cache_find(&session->database->prepared, id.data);
    if (!found)
        return refuse_unprepared(session, padded, error);
    *out_prepared = found;
    return true;
}

bool cql_session_execute(struct cql_session *session, struct cql_prepared *prepared,
                         const struct cql_params *params, struct cql_result *result, struct cql_error *error)
{
    const struct source source = {.cache = &session->database->prepared, .client_has_metadata = true};
    struct cql_prepared *held = prepared_ref(prepared);
    begin(session, result, error);
    bool done = run(session, &source, &held, params, result, error);
    /* The caller's handle keeps the columns of its own plan alive; those of a newer plan are copied. */
    if (done && held != prepared)
        done = own_columns(result, session->database->profile, error);
    cql_prepared_release(held);
    return done;
}

bool cql_session_is_current(const struct cql_session *session, const struct cql_prepared *prepared)
{
    return is_current(session, prepared);
}

bool cql_session_renew(struct cql_session *session, struct cql_prepared *prepared,
                       struct cql_prepared **out_fresh, struct cql_error *error)
{
    const struct source source = {.cache = &session->database->prepared};
    begin(session, NULL, error);
    return renew(session, &source, prepared, out_fresh, error);
}

/* ---- batches ---- */

/* The statement of an item, counted: its handle or its text (BAT-5). */
static bool batch_statement(struct cql_session *session, const struct cql_batch_item *item,
                            struct cql_prepared **out_held, struct cql_error *error)
{
    struct cql_database *database = session->database;
    if (item->prepared) {
        *out_held = prepared_ref(item->prepared);
        return true;
    }
    const char *keyspace = cql_session_keyspace(session);
    uint8_t id[PREPARED_ID_BYTES];
    text_id(keyspace, item->text, id);
    struct cql_prepared *held = item->value_count ? plan_cache_find(&database->texts, id) : NULL;
    if (held && same_statement(held, keyspace, item->text)) {
        *out_held = held;
        return true;
    }
    cql_prepared_release(held);
    if (!make_statement(session, item->text, keyspace, id, &held, error))
        return false;
    if (item->value_count && held->plan)
        plan_cache_put(&database->texts, held);
    *out_held = held;
    return true;
}

static bool batch_bring_up_to_date(struct cql_session *session, const struct cql_batch_item *items,
                                   struct cql_prepared **held, uint32_t count, struct cql_error *error)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct source source = {
            .cache = items[i].prepared ? &session->database->prepared : &session->database->texts,
            .client_has_metadata = items[i].prepared != NULL,
        };
        if (!is_current(session, held[i]) && !bring_up_to_date(session, &source, &held[i], error))
            return false;
    }
    return true;
}

static bool batch_is_current(const struct cql_session *session, struct cql_prepared *const *held,
                             uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (!is_current(session, held[i]))
            return false;
    return true;
}

static bool batch_run(struct cql_session *session, enum ast_batch_kind kind,
                      const struct cql_batch_item *items, struct cql_prepared **held, uint32_t count,
                      const struct cql_params *params, struct cql_result *result, struct cql_error *error)
{
    struct gate *gate = &session->database->gate;
    struct plan_batch_item *plans = arena_calloc(&session->scratch, count, sizeof *plans);
    if (!plans)
        return cql_refuse(error, session->database->profile, MSG_NOMEM);
    gate_enter(gate, session->gate_slot);
    while (!batch_is_current(session, held, count)) {
        gate_leave(gate, session->gate_slot);
        if (!batch_bring_up_to_date(session, items, held, count, error))
            return false;
        gate_enter(gate, session->gate_slot);
    }
    for (uint32_t i = 0; i < count; i++)
        plans[i] = (struct plan_batch_item){
            .plan = held[i]->plan, .values = items[i].values, .value_count = items[i].value_count};
    struct plan_context context = context_of(session, held[0]->catalog, cql_session_keyspace(session));
    bool done = plan_execute_batch(plans, count, kind, &context, params, &session->scratch, result, error);
    gate_leave(gate, session->gate_slot);
    keep_ticket(session, result->ticket);
    return done && own_columns(result, session->database->profile, error);
}

static bool batch_check(const struct cql_session *session, const struct cql_batch_item *item,
                        const struct cql_prepared *held, struct cql_error *error)
{
    enum ast_statement_kind kind = held->statement->kind;
    if (kind != STATEMENT_INSERT && kind != STATEMENT_UPDATE && kind != STATEMENT_DELETE)
        return cql_refuse(error, session->database->profile, MSG_BATCH_STATEMENT);
    struct cql_params params = {.value_count = item->value_count};
    return check_value_count(session, held, &params, error);
}

bool cql_session_batch(struct cql_session *session, uint8_t kind, const struct cql_batch_item *items,
                       uint32_t count, const struct cql_params *params, struct cql_result *result,
                       struct cql_error *error)
{
    static const enum ast_batch_kind kinds[] = {BATCH_LOGGED, BATCH_UNLOGGED, BATCH_COUNTER};
    enum cql_profile profile = session->database->profile;
    begin(session, result, error);
    if (kind >= ARRAY_LEN(kinds)) {
        cql_error_clear(error);
        error->code = CQL_PROTOCOL_ERROR;
        snprintf(error->message, sizeof error->message, "Invalid BATCH message type %u", (unsigned)kind);
        return false;
    }
    if (count == 0) /* BAT-6 */
        return true;
    struct cql_prepared **held = arena_calloc(&session->scratch, count, sizeof *held);
    if (!held)
        return cql_refuse(error, profile, MSG_NOMEM);
    bool done = true;
    uint32_t held_count = 0;
    while (done && held_count < count) {
        done = batch_statement(session, &items[held_count], &held[held_count], error);
        if (!done)
            break;
        done = batch_check(session, &items[held_count], held[held_count], error);
        held_count++;
    }
    if (done)
        done = batch_run(session, kinds[kind], items, held, count, params, result, error);
    for (uint32_t i = 0; i < held_count; i++)
        cql_prepared_release(held[i]);
    return done;
}
