/*
 * A script of statements run against a database in memory, as a client would: the first byte is the target. Whatever
 * it says, each statement answers or is refused with a code and a text, a page follows another only so often, and
 * DESCRIBE never fails afterwards.
 */
#include <stdlib.h>
#include <string.h>

#include "cql/parse.h"
#include "cql/session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

enum {
    STATEMENTS_MAX = 24,
    PAGES_MAX = 8,
    PAGE_ROWS = 3,
    VALUES_MAX = 4,
};

static void require(bool truth)
{
    if (!truth)
        abort();
}

struct client {
    struct cql_database *database;
    struct cql_session *session;
    struct cql_result result;
    struct cql_error error;
};

static void client_open(struct client *client, enum cql_profile profile)
{
    struct cql_database_options options = {.profile = profile, .store = {.shards = 1}};
    require(ok(cql_database_open(&options, &client->database)));
    require(ok(cql_session_open(client->database, &client->session)));
}

static void client_close(struct client *client)
{
    cql_session_close(client->session);
    cql_result_deinit(&client->result);
    require(ok(cql_database_close(client->database)));
}

static bool run(struct client *client, struct slice text, const struct cql_params *params)
{
    bool done = cql_session_query(client->session, text, params, &client->result, &client->error);
    require(done || (client->error.code != CQL_OK && client->error.message[0]));
    require(done || client->error.code != CQL_SERVER_ERROR || strstr(client->error.message, "Strait"));
    return done;
}

/* With values made of the text's own bytes, once when it wants none of them. */
static void run_with_values(struct client *client, struct slice text)
{
    struct cql_value values[VALUES_MAX];
    for (size_t i = 0; i < VALUES_MAX; i++)
        values[i] = (struct cql_value){
            .kind = i == 3 ? CQL_NULL : CQL_VALUE,
            .bytes = slice_of(text.data, text.bytes < 4 * i ? text.bytes : 4 * i),
        };
    for (uint32_t count = 0; count <= VALUES_MAX; count++) {
        struct cql_params params = {
            .consistency = 1, .page_size = PAGE_ROWS, .values = values, .value_count = count};
        if (run(client, text, &params))
            break;
    }
}

static void run_pages(struct client *client, struct slice text)
{
    struct buffer state = {0};
    run_with_values(client, text);
    for (int page = 0; page < PAGES_MAX && client->result.paging_state.bytes; page++) {
        buffer_clear(&state);
        buffer_append_slice(&state, buffer_slice(&client->result.paging_state));
        require(!state.failed);
        struct cql_params params = {
            .consistency = 1, .page_size = PAGE_ROWS, .paging_state = buffer_slice(&state)};
        if (!run(client, text, &params))
            break;
    }
    buffer_deinit(&state);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static const char *const first[] = {
        "CREATE KEYSPACE k WITH replication = {'class': 'NetworkTopologyStrategy', 'replication_factor': 1}",
        "USE k",
        "CREATE TABLE t (k int, c int, v text, s int static, m map<text, int>, PRIMARY KEY (k, c))",
        "INSERT INTO t (k, c, v, s, m) VALUES (1, 2, 'a', 3, {'x': 1})",
        "INSERT INTO t (k, c, v) VALUES (1, 3, 'b')",
    };
    if (bytes == 0 || bytes > 4096)
        return 0;
    struct client client = {0};
    client_open(&client, (enum cql_profile)(data[0] % CQL_PROFILES));
    struct cql_params plain = {.consistency = 1};
    for (size_t i = 0; i < ARRAY_LEN(first); i++)
        require(run(&client, slice_text(first[i]), &plain));
    struct slice rest = slice_of(data + 1, bytes - 1);
    for (int i = 0; i < STATEMENTS_MAX && rest.bytes; i++) {
        bool complete, empty;
        size_t cut = parse_cut(rest, &complete, &empty);
        if (!empty)
            run_pages(&client, slice_of(rest.data, cut));
        rest = slice_of(rest.data + cut, rest.bytes - cut);
    }
    require(run(&client, slice_text("DESCRIBE SCHEMA"), &plain));
    client_close(&client);
    return 0;
}
