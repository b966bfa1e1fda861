/* The request protocol on one screen: which opcode, in which state, by whom. */
#include <stdio.h>

#include "server/connection_internal.h"
#include "server/request.h"

#define IN(state) (1u << (state))

typedef void handler(struct connection *connection, struct response_head head, struct reader *body);

static handler on_startup, on_options, on_query, on_prepare, on_execute, on_batch, on_register,
    on_auth_response;

static const struct rule {
    unsigned allowed; /* set of IN(connection_state) */
    handler *handle;
} rules[] = {
    [OPCODE_STARTUP] = {IN(CONNECTION_NEW), on_startup},
    [OPCODE_OPTIONS] = {IN(CONNECTION_NEW) | IN(CONNECTION_READY), on_options},
    [OPCODE_QUERY] = {IN(CONNECTION_READY), on_query},
    [OPCODE_PREPARE] = {IN(CONNECTION_READY), on_prepare},
    [OPCODE_EXECUTE] = {IN(CONNECTION_READY), on_execute},
    [OPCODE_BATCH] = {IN(CONNECTION_READY), on_batch},
    [OPCODE_REGISTER] = {IN(CONNECTION_READY), on_register},
    [OPCODE_AUTH_RESPONSE] = {0, on_auth_response},
};

/* A body that does not parse leaves no common ground: answer and close. */
static void fail_protocol(struct connection *connection, struct response_head head, const char *text)
{
    response_protocol_error(&connection->out, head, text);
    connection->closing = true;
    atomic_fetch_add(&connection->loop->server->errors, 1);
}

static void refuse(struct connection *connection, struct response_head head, const struct cql_error *error)
{
    response_error(&connection->out, head, error);
    atomic_fetch_add(&connection->loop->server->errors, 1);
}

void connection_dispatch(struct connection *connection, const struct frame_header *header, struct slice body)
{
    struct response_head head = {.version = header->version, .stream = header->stream};
    const struct rule *rule = header->opcode < ARRAY_LEN(rules) ? &rules[header->opcode] : NULL;
    struct reader in = reader_of(body);
    char text[128];

    atomic_fetch_add_explicit(&connection->loop->server->requests, 1, memory_order_relaxed);
    if (!rule || !rule->handle) {
        snprintf(text, sizeof text, "Unknown opcode 0x%02x", header->opcode);
        fail_protocol(connection, head, text);
        return;
    }
    if (!(rule->allowed & IN(connection->state))) {
        snprintf(text, sizeof text, "Unexpected message with opcode 0x%02x in state %s", header->opcode,
                 connection->state == CONNECTION_NEW ? "UNINITIALIZED, expecting STARTUP or OPTIONS"
                                                     : "READY");
        fail_protocol(connection, head, text);
        return;
    }
    if (header->flags & FRAME_COMPRESSED) {
        fail_protocol(connection, head, "Compressed frame, but no compression was negotiated");
        return;
    }
    if (header->flags & FRAME_CUSTOM_PAYLOAD) {
        for (unsigned left = reader_be16(&in); left && !in.failed; left--) {
            wire_string(&in);
            wire_bytes(&in);
        }
        if (in.failed) {
            fail_protocol(connection, head, "truncated custom payload");
            return;
        }
    }
    rule->handle(connection, head, &in);
}

static void on_startup(struct connection *connection, struct response_head head, struct reader *body)
{
    bool have_version = false;
    struct slice compression = {0};
    for (unsigned left = reader_be16(body); left && !body->failed; left--) {
        struct slice name = wire_string(body), value = wire_string(body);
        if (slice_equal(name, slice_text("CQL_VERSION")))
            have_version = true;
        else if (slice_equal(name, slice_text("COMPRESSION")))
            compression = value;
    }
    if (body->failed) {
        fail_protocol(connection, head, "truncated STARTUP");
    } else if (!have_version) {
        fail_protocol(connection, head, "Missing value CQL_VERSION in STARTUP message");
    } else if (compression.bytes) {
        char text[128];
        snprintf(text, sizeof text, "Unknown compression algorithm: %.*s",
                 (int)(compression.bytes < 40 ? compression.bytes : 40), (const char *)compression.data);
        fail_protocol(connection, head, text);
    } else if (failed(cql_session_open(connection->loop->server->options.database, &connection->session))) {
        connection->broken = true;
    } else {
        cql_session_set_deferred(connection->session, true);
        cql_session_set_durability(connection->session, connection->loop->server->options.durability);
        connection->state = CONNECTION_READY;
        response_ready(&connection->out, head);
    }
}

static void on_options(struct connection *connection, struct response_head head, struct reader *body)
{
    (void)body;
    response_supported(&connection->out, head, connection->loop->server->cql_version);
}

/* Answer with what the loop's result holds, and tell everybody of a schema change. */
static void answer(struct connection *connection, struct response_head head, bool skip_metadata)
{
    const struct cql_result *result = &connection->loop->result;
    response_result(&connection->out, head, result, skip_metadata);
    for (uint32_t i = 0; i < result->more_change_count; i++)
        server_publish(connection->loop->server, &result->more_changes[i]);
    if (result->kind == CQL_RESULT_SCHEMA_CHANGE)
        server_publish(connection->loop->server, &result->change);
}

static void on_query(struct connection *connection, struct response_head head, struct reader *body)
{
    struct loop *loop = connection->loop;
    struct request_params params;
    struct cql_error error = {.code = CQL_OK};
    const char *reason = NULL;
    struct slice text = wire_long_string(body);
    if (body->failed || !request_params_read(body, head.version, &loop->arena, &params, &reason)) {
        fail_protocol(connection, head, reason ? reason : "truncated QUERY");
        return;
    }
    if (cql_session_query(connection->session, text, &params.cql, &loop->result, &error))
        answer(connection, head, false);
    else
        refuse(connection, head, &error);
}

static void on_prepare(struct connection *connection, struct response_head head, struct reader *body)
{
    struct cql_prepared *prepared;
    struct cql_error error = {.code = CQL_OK};
    struct slice text = wire_long_string(body);
    if (body->failed) {
        fail_protocol(connection, head, "truncated PREPARE");
        return;
    }
    if (!cql_session_prepare(connection->session, text, &prepared, &error)) {
        refuse(connection, head, &error);
        return;
    }
    response_prepared(&connection->out, head, prepared);
    cql_prepared_release(prepared);
}

static void on_execute(struct connection *connection, struct response_head head, struct reader *body)
{
    struct loop *loop = connection->loop;
    struct request_params params;
    struct cql_error error = {.code = CQL_OK};
    struct cql_prepared *prepared = NULL;
    const char *reason = NULL;
    struct slice id = wire_short_bytes(body);
    if (body->failed || !request_params_read(body, head.version, &loop->arena, &params, &reason)) {
        fail_protocol(connection, head, reason ? reason : "truncated EXECUTE");
        return;
    }
    if (cql_session_find(connection->session, id, &prepared, &error) &&
        cql_session_execute(connection->session, prepared, &params.cql, &loop->result, &error))
        answer(connection, head, params.skip_metadata);
    else
        refuse(connection, head, &error);
    cql_prepared_release(prepared);
}

static void batch_release(struct cql_batch_item *items, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        cql_prepared_release(items[i].prepared);
}

static bool batch_resolve(struct connection *connection, const struct request_batch *batch,
                          struct cql_batch_item *items, struct cql_error *error)
{
    for (uint32_t i = 0; i < batch->item_count; i++) {
        const struct request_batch_item *from = &batch->items[i];
        items[i] = (struct cql_batch_item){.values = from->values, .value_count = from->value_count};
        if (!from->prepared)
            items[i].text = from->text_or_id;
        else if (!cql_session_find(connection->session, from->text_or_id, &items[i].prepared, error))
            return false;
    }
    return true;
}

static void on_batch(struct connection *connection, struct response_head head, struct reader *body)
{
    struct loop *loop = connection->loop;
    struct request_batch batch;
    struct cql_error error = {.code = CQL_OK};
    const char *reason = NULL;
    if (!request_batch_read(body, head.version, &loop->arena, &batch, &reason)) {
        fail_protocol(connection, head, reason ? reason : "truncated BATCH");
        return;
    }
    struct cql_batch_item *items = arena_calloc(&loop->arena, batch.item_count + 1, sizeof *items);
    if (!items) {
        connection->broken = true;
        return;
    }
    if (batch_resolve(connection, &batch, items, &error) &&
        cql_session_batch(connection->session, batch.kind, items, batch.item_count, &batch.params.cql,
                          &loop->result, &error))
        answer(connection, head, false);
    else
        refuse(connection, head, &error);
    batch_release(items, batch.item_count);
}

static void on_register(struct connection *connection, struct response_head head, struct reader *body)
{
    static const char *const known[] = {"TOPOLOGY_CHANGE", "STATUS_CHANGE", "SCHEMA_CHANGE"};
    bool schema = false;
    for (unsigned left = reader_be16(body); left && !body->failed; left--) {
        struct slice name = wire_string(body);
        bool found = false;
        for (unsigned i = 0; i < ARRAY_LEN(known); i++)
            found |= slice_equal(name, slice_text(known[i]));
        if (!found && !body->failed) {
            char text[128];
            snprintf(text, sizeof text, "Invalid value '%.*s' for Event.Type",
                     (int)(name.bytes < 40 ? name.bytes : 40), (const char *)name.data);
            fail_protocol(connection, head, text);
            return;
        }
        schema |= slice_equal(name, slice_text("SCHEMA_CHANGE"));
    }
    if (body->failed) {
        fail_protocol(connection, head, "truncated REGISTER");
        return;
    }
    connection->registered |= schema;
    response_ready(&connection->out, head);
}

/* No authenticator is configured, so no state allows this; the rule table answers first. */
static void on_auth_response(struct connection *connection, struct response_head head, struct reader *body)
{
    (void)body;
    fail_protocol(connection, head, "No authentication is in progress");
}
