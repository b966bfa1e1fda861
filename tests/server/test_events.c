/* Who is told of a change of the schema. */
#include "notation.h"

static void client_register(struct client *client)
{
    struct buffer body = {0};
    buffer_append_be16(&body, 3);
    wire_put_string(&body, "TOPOLOGY_CHANGE");
    wire_put_string(&body, "STATUS_CHANGE");
    wire_put_string(&body, "SCHEMA_CHANGE");
    client_ask_buffer(client, OPCODE_REGISTER, &body);
    assert_int_equal(client->answer.opcode, OPCODE_READY);
}

static void assert_event(struct client *client, const char *change, const char *target)
{
    assert_true(client_receive(client));
    assert_int_equal(client->answer.opcode, OPCODE_EVENT);
    assert_int_equal(client->answer.stream, -1);
    assert_int_equal(client->answer.version, client->version);
    assert_string(client, "SCHEMA_CHANGE");
    assert_string(client, change);
    assert_string(client, target);
    assert_string(client, "k");
}

static void registered_connections_are_told_of_changes_others_not(void **state)
{
    struct client registered[4], silent = client_ready(*state, 4), author = client_ready(*state, 4);
    for (unsigned i = 0; i < ARRAY_LEN(registered); i++) {
        registered[i] = client_ready(*state, i % 2 ? 3 : 4);
        client_register(&registered[i]);
    }
    client_query(&author, create_keyspace);
    client_query(&author, "CREATE TABLE k.t (p int PRIMARY KEY)");
    client_query(&author, "DROP TABLE k.t");
    for (unsigned i = 0; i < ARRAY_LEN(registered); i++) {
        assert_event(&registered[i], "CREATED", "KEYSPACE");
        assert_event(&registered[i], "CREATED", "TABLE");
        assert_string(&registered[i], "t");
        assert_event(&registered[i], "DROPPED", "TABLE");
        client_close(&registered[i]);
    }
    assert_usable(&silent);
    client_close(&silent);
    client_close(&author);
}

static void the_author_of_a_change_is_told_too_when_registered(void **state)
{
    struct client client = client_ready(*state, 4);
    client_register(&client);
    client_query(&client, create_keyspace);
    assert_event(&client, "CREATED", "KEYSPACE");
    client_close(&client);
}

static void an_event_that_does_not_exist_is_refused(void **state)
{
    struct client client = client_ready(*state, 4);
    struct buffer body = {0};
    buffer_append_be16(&body, 1);
    wire_put_string(&body, "WEATHER_CHANGE");
    client_ask_buffer(&client, OPCODE_REGISTER, &body);
    assert_answer_error(&client, CQL_PROTOCOL_ERROR, "WEATHER_CHANGE");
    assert_ended(&client);
    client_close(&client);
}

int main(void)
{
#define CLAIM(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        CLAIM(registered_connections_are_told_of_changes_others_not),
        CLAIM(the_author_of_a_change_is_told_too_when_registered),
        CLAIM(an_event_that_does_not_exist_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
