#include "notation.h"

const char create_keyspace[] =
    "CREATE KEYSPACE k WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}";

struct client client_with_table(const struct fixture *fixture, uint8_t version)
{
    struct client client = client_ready(fixture, version);
    client_query(&client, create_keyspace);
    client_query(&client, "USE k");
    client_query(&client, "CREATE TABLE t (p int, c int, v text, PRIMARY KEY (p, c))");
    return client;
}

struct client client_in_k(const struct fixture *fixture, uint8_t version)
{
    struct client client = client_ready(fixture, version);
    client_query(&client, "USE k");
    return client;
}

void put_int(struct buffer *body, int32_t value)
{
    buffer_append_be32(body, 4);
    buffer_append_be32(body, (uint32_t)value);
}

void put_null(struct buffer *body, int32_t kind)
{
    buffer_append_be32(body, (uint32_t)kind);
}

void put_execute(struct buffer *body, struct slice id, uint8_t flags, uint16_t count)
{
    wire_put_short_bytes(body, id);
    buffer_append_be16(body, 1);
    buffer_append_u8(body, (uint8_t)(FLAG_VALUES | flags));
    buffer_append_be16(body, count);
}

void client_ask_buffer(struct client *client, uint8_t opcode, struct buffer *body)
{
    client_ask(client, opcode, buffer_slice(body));
    buffer_deinit(body);
}

void assert_kind(struct client *client, uint32_t kind)
{
    if (client->answer.opcode != OPCODE_RESULT)
        assert_answer_error(client, CQL_OK, "");
    assert_int_equal(reader_be32(&client->in), kind);
}

uint32_t skip_metadata(struct client *client, struct slice *out_paging_state)
{
    uint32_t flags = reader_be32(&client->in), columns = reader_be32(&client->in);
    *out_paging_state = (struct slice){0};
    if (flags & METADATA_MORE)
        *out_paging_state = wire_bytes(&client->in).bytes;
    if (flags & METADATA_GLOBAL) {
        wire_string(&client->in);
        wire_string(&client->in);
        for (; columns; columns--) {
            wire_string(&client->in);
            reader_be16(&client->in);
        }
    }
    return reader_be32(&client->in);
}

uint32_t row_count(struct client *client, const char *text)
{
    struct slice state;
    assert_int_equal(client_query(client, text), KIND_ROWS);
    return skip_metadata(client, &state);
}
