/* Peers that are slow, greedy, many, rude or broken: everybody else is still served, and memory stays bounded. */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/random.h"
#include "notation.h"

static void sleep_ms(long ms)
{
    struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&time, NULL);
}

static void put_query_frame(struct buffer *out, int16_t stream, const char *text)
{
    struct buffer body = {0};
    put_query(&body, text, 0);
    put_frame(out, 4, 0, OPCODE_QUERY, stream, buffer_slice(&body));
    buffer_deinit(&body);
}

/* A header that claims `body_bytes`, without a body. */
static void client_send_header(struct client *client, uint8_t opcode, uint32_t body_bytes)
{
    struct buffer header = {0};
    put_frame(&header, client->version, 0, opcode, 1, (struct slice){0});
    store_be32(header.data + 5, body_bytes);
    client_send_bytes(client, header.data, header.bytes);
    buffer_deinit(&header);
}

static void client_send_zeros(struct client *client, size_t bytes)
{
    static const uint8_t zeros[65536];
    for (size_t at = 0; at < bytes;) {
        size_t piece = bytes - at < sizeof zeros ? bytes - at : sizeof zeros;
        client_send_bytes(client, zeros, piece);
        at += piece;
    }
}

/* ---- how bytes arrive ---- */

static void a_thousand_requests_in_one_piece_are_each_answered_once(void **state)
{
    enum { COUNT = 1000 };
    struct client client = client_ready(*state, 4);
    struct buffer requests = {0};
    for (int16_t stream = 0; stream < COUNT; stream++)
        put_query_frame(&requests, stream, stream % 3 ? "SELECT key FROM system.local" : "nonsense");
    client_send_bytes(&client, requests.data, requests.bytes);
    bool answered[COUNT] = {0};
    for (int i = 0; i < COUNT; i++) {
        assert_true(client_receive(&client));
        int16_t stream = client.answer.stream;
        assert_true(stream >= 0 && stream < COUNT && !answered[stream]);
        answered[stream] = true;
        assert_int_equal(client.answer.opcode, stream % 3 ? OPCODE_RESULT : OPCODE_ERROR);
    }
    buffer_deinit(&requests);
    client_close(&client);
}

static void a_request_may_come_byte_by_byte(void **state)
{
    struct client client = client_ready(*state, 4);
    struct buffer requests = {0};
    for (int16_t stream = 0; stream < 3; stream++)
        put_query_frame(&requests, stream, "SELECT key FROM system.local");
    int yes = 1;
    setsockopt(client.fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    for (size_t i = 0; i < requests.bytes; i++)
        client_send_bytes(&client, requests.data + i, 1);
    for (int16_t stream = 0; stream < 3; stream++) {
        assert_true(client_receive(&client));
        assert_int_equal(client.answer.stream, stream);
        assert_int_equal(client.answer.opcode, OPCODE_RESULT);
    }
    buffer_deinit(&requests);
    client_close(&client);
}

static void frames_may_be_cut_anywhere(void **state)
{
    struct client client = client_ready(*state, 4);
    struct buffer requests = {0};
    for (int16_t stream = 0; stream < 200; stream++)
        put_query_frame(&requests, stream, "SELECT key FROM system.local");
    struct random rng = {.state = 7};
    for (size_t at = 0; at < requests.bytes;) {
        size_t piece = 1 + random_below(&rng, 500);
        if (piece > requests.bytes - at)
            piece = requests.bytes - at;
        client_send_bytes(&client, requests.data + at, piece);
        at += piece;
    }
    for (int16_t stream = 0; stream < 200; stream++) {
        assert_true(client_receive(&client));
        assert_int_equal(client.answer.stream, stream);
    }
    buffer_deinit(&requests);
    client_close(&client);
}

static void a_peer_that_has_said_all_is_still_answered(void **state)
{
    struct client client = client_ready(*state, 4);
    struct buffer request = {0};
    put_query_frame(&request, 5, "SELECT key FROM system.local");
    client_send_bytes(&client, request.data, request.bytes);
    shutdown(client.fd, SHUT_WR);
    assert_true(client_receive(&client));
    assert_int_equal(client.answer.opcode, OPCODE_RESULT);
    assert_ended(&client);
    buffer_deinit(&request);
    client_close(&client);
}

static void a_peer_that_resets_in_the_middle_of_a_frame_harms_nobody(void **state)
{
    for (int i = 0; i < 20; i++) {
        struct client client = client_ready(*state, 4);
        client_send_header(&client, OPCODE_QUERY, 1000);
        client_send_zeros(&client, (size_t)i * 10);
        struct linger reset = {.l_onoff = 1, .l_linger = 0};
        setsockopt(client.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        client_close(&client);
    }
}

static void the_last_answer_arrives_although_more_was_being_sent(void **state)
{
    struct client client = client_open(*state, 0x42);
    struct buffer request = {0};
    put_frame(&request, 0x42, 0, OPCODE_STARTUP, 9, (struct slice){0});
    client_send_bytes(&client, request.data, request.bytes);
    client_send_zeros(&client, 1 << 20);
    assert_true(client_receive(&client));
    assert_int_equal(client.answer.stream, 9);
    assert_answer_error(&client, CQL_PROTOCOL_ERROR, "unsupported protocol version");
    buffer_deinit(&request);
    client_close(&client);
}

/* ---- bodies ---- */

static void a_body_cut_short_is_refused_at_every_length(void **state)
{
    struct client maker = client_with_table(*state, 4);
    uint8_t id_bytes[16];
    struct slice id = client_prepare(&maker, "INSERT INTO t (p, c) VALUES (?, ?)", id_bytes);
    struct {
        uint8_t opcode;
        struct buffer body;
    } requests[] = {{.opcode = OPCODE_QUERY},
                    {.opcode = OPCODE_EXECUTE},
                    {.opcode = OPCODE_BATCH},
                    {.opcode = OPCODE_PREPARE},
                    {.opcode = OPCODE_REGISTER}};
    put_query(&requests[0].body, "SELECT * FROM k.t WHERE p = ?", FLAG_VALUES | FLAG_PAGE_SIZE | 0x30);
    buffer_append_be16(&requests[0].body, 1);
    put_int(&requests[0].body, 1);
    buffer_append_be32(&requests[0].body, 100);
    buffer_append_be16(&requests[0].body, 8);
    buffer_append_be64(&requests[0].body, 1000);
    put_execute(&requests[1].body, id, 0, 2);
    put_int(&requests[1].body, 1);
    put_int(&requests[1].body, 2);
    buffer_append_u8(&requests[2].body, 0);
    buffer_append_be16(&requests[2].body, 1);
    buffer_append_u8(&requests[2].body, 1);
    wire_put_short_bytes(&requests[2].body, id);
    buffer_append_be16(&requests[2].body, 2);
    put_int(&requests[2].body, 1);
    put_int(&requests[2].body, 2);
    buffer_append_be16(&requests[2].body, 1);
    buffer_append_u8(&requests[2].body, 0);
    wire_put_long_string(&requests[3].body, slice_text("SELECT key FROM system.local"));
    buffer_append_be16(&requests[4].body, 1);
    wire_put_string(&requests[4].body, "SCHEMA_CHANGE");

    for (unsigned i = 0; i < ARRAY_LEN(requests); i++) {
        for (size_t bytes = 0; bytes < requests[i].body.bytes; bytes++) {
            struct client client = client_ready(*state, 4);
            client_ask(&client, requests[i].opcode, slice_of(requests[i].body.data, bytes));
            assert_answer_error(&client, CQL_PROTOCOL_ERROR, "");
            assert_ended(&client);
            client_close(&client);
        }
        struct client client = client_ready(*state, 4);
        client_ask(&client, requests[i].opcode, buffer_slice(&requests[i].body));
        assert_int_not_equal(client.answer.opcode, OPCODE_ERROR);
        client_close(&client);
        buffer_deinit(&requests[i].body);
    }
    client_close(&maker);
}

static void a_negative_length_is_refused(void **state)
{
    static const uint8_t long_string[] = {0xff, 0xff, 0xff, 0xff, 0, 1, 0};
    static const uint8_t opcodes[] = {OPCODE_QUERY, OPCODE_PREPARE};
    for (unsigned i = 0; i < ARRAY_LEN(opcodes); i++) {
        struct client client = client_ready(*state, 4);
        client_ask(&client, opcodes[i], slice_of(long_string, sizeof long_string));
        assert_answer_error(&client, CQL_PROTOCOL_ERROR, "truncated");
        assert_ended(&client);
        client_close(&client);
    }
}

static void a_body_over_the_limit_is_refused_and_the_connection_stays_usable(void **state)
{
    const struct server_options options = {.request_bytes_max = 100000};
    struct fixture *fixture = fixture_start(&options);
    struct client client = client_ready(fixture, 4);
    for (int i = 0; i < 3; i++) {
        client_send_header(&client, OPCODE_QUERY, 3000000);
        client_send_zeros(&client, 1500000);
        assert_true(client_receive(&client)); /* before the body is there */
        assert_answer_error(&client, CQL_INVALID, "limit 100000 bytes");
        client_send_zeros(&client, 1500000);
        assert_usable(&client);
    }
    struct server_stats stats;
    server_stats(fixture->server, &stats);
    assert_int_equal(stats.refused_bytes, 9000000);
    client_close(&client);
    fixture_stop(fixture);
    (void)state;
}

static void a_claimed_length_takes_no_memory(void **state)
{
    struct rusage before, after;
    getrusage(RUSAGE_SELF, &before);
    struct client clients[64];
    for (unsigned i = 0; i < ARRAY_LEN(clients); i++) {
        clients[i] = client_ready(*state, 4);
        client_send_header(&clients[i], OPCODE_QUERY, i % 2 ? UINT32_MAX : 3 << 20);
        client_send_zeros(&clients[i], 100);
    }
    struct client other = client_ready(*state, 4);
    assert_usable(&other);
    getrusage(RUSAGE_SELF, &after);
    assert_true(after.ru_maxrss - before.ru_maxrss < 64 << 10);
    for (unsigned i = 0; i < ARRAY_LEN(clients); i++)
        client_close(&clients[i]);
    client_close(&other);
}

static void before_startup_a_large_body_ends_the_connection(void **state)
{
    struct client client = client_open(*state, 4);
    client_send_header(&client, OPCODE_STARTUP, 1 << 20);
    assert_true(client_receive(&client));
    assert_answer_error(&client, CQL_PROTOCOL_ERROR, "before STARTUP");
    assert_ended(&client);
    client_close(&client);
}

/* A request of 800,000 bytes that lacks its last one. */
static void client_claim(struct client *client)
{
    client_send_header(client, OPCODE_QUERY, 800000);
    client_send_zeros(client, 799999);
}

static bool answer_waits(const struct client *client)
{
    struct pollfd ready = {.fd = client->fd, .events = POLLIN};
    return poll(&ready, 1, 0) == 1;
}

static void bodies_beyond_the_budget_are_told_to_come_later(void **state)
{
    const struct server_options options = {.memory_bytes = 1 << 20};
    struct fixture *fixture = fixture_start(&options);
    struct client first = client_ready(fixture, 4), second = client_ready(fixture, 4);
    client_claim(&first);
    /* Bytes are reserved when a header is read, so either may come first: the second may be served once or twice, and
       when it is, it may be the first that is told. */
    do {
        if (answer_waits(&first)) {
            assert_true(client_receive(&first));
            assert_answer_error(&first, CQL_OVERLOADED, "in flight");
            client_send_zeros(&first, 1);
            client_claim(&first);
        }
        struct buffer body = {0};
        wire_put_long_string(&body, slice_text("nonsense"));
        buffer_append_be16(&body, 1);
        buffer_append_u8(&body, 0);
        while (body.bytes < 400000)
            buffer_append_be64(&body, 0);
        client_ask_buffer(&second, OPCODE_QUERY, &body);
        assert_int_equal(second.answer.opcode, OPCODE_ERROR);
    } while (reader_be32(&second.in) == CQL_SYNTAX_ERROR);
    second.in = reader_of(buffer_slice(&second.body));
    assert_answer_error(&second, CQL_OVERLOADED, "in flight");
    assert_usable(&second);
    client_close(&second);
    client_close(&first);
    fixture_stop(fixture);
    (void)state;
}

static void random_bytes_are_survived(void **state)
{
    uint64_t seed = (uint64_t)time(NULL);
    print_message("seed %llu\n", (unsigned long long)seed);
    struct random rng = {.state = seed};
    for (int round = 0; round < 200; round++) {
        struct client client = round % 2 ? client_ready(*state, 4) : client_open(*state, 4);
        uint8_t bytes[512];
        for (unsigned i = 0; i < sizeof bytes; i++)
            bytes[i] = (uint8_t)random_next(&rng);
        if (round % 4 > 1) { /* a good header before the garbage */
            bytes[0] = 4;
            bytes[1] = 0;
            bytes[4] = (uint8_t)random_below(&rng, 17);
            store_be32(bytes + 5, 100);
        }
        client_send_bytes(&client, bytes, sizeof bytes);
        shutdown(client.fd, SHUT_WR);
        while (client_receive(&client))
            ;
        client_close(&client);
    }
}

/* ---- time ---- */

static const struct server_options impatient = {.patience_ms = 60};

static void half_a_frame_is_not_waited_for_for_ever(void **state)
{
    struct fixture *fixture = fixture_start(&impatient);
    struct client silent = client_open(fixture, 4), header = client_ready(fixture, 4),
                  body = client_ready(fixture, 4), burst = client_ready(fixture, 4),
                  refused = client_ready(fixture, 4);
    client_send_bytes(&header, "\4\0", 2);
    client_send_header(&body, OPCODE_QUERY, 1000);
    client_send_zeros(&body, 20);
    client_send_header(&burst, OPCODE_QUERY, 2000000);
    client_send_zeros(&burst, 1500000);
    client_send_header(&refused, OPCODE_QUERY, UINT32_MAX);
    assert_true(client_receive(&refused));
    assert_ended(&silent);
    assert_ended(&header);
    assert_ended(&body);
    assert_ended(&burst);
    assert_ended(&refused);
    client_close(&silent);
    client_close(&header);
    client_close(&body);
    client_close(&burst);
    client_close(&refused);
    fixture_stop(fixture);
    (void)state;
}

static void a_trickle_is_not_progress(void **state)
{
    struct fixture *fixture = fixture_start(&impatient);
    struct client client = client_ready(fixture, 4);
    client_send_header(&client, OPCODE_QUERY, 100000);
    int sent = 0;
    for (char byte; sent < 2000; sent++) {
        client_send_zeros(&client, 1);
        sleep_ms(5);
        if (recv(client.fd, &byte, 1, MSG_DONTWAIT) >= 0 || errno != EAGAIN)
            break;
    }
    assert_true(sent < 2000);
    client_close(&client);
    fixture_stop(fixture);
    (void)state;
}

static void an_idle_connection_may_stay(void **state)
{
    struct fixture *fixture = fixture_start(&impatient);
    struct client client = client_ready(fixture, 4);
    for (int i = 0; i < 3; i++) {
        sleep_ms(150);
        assert_usable(&client);
    }
    client_close(&client);
    fixture_stop(fixture);
    (void)state;
}

/* ---- answers that are not read ---- */

enum { ROWS = 10, ROW_BYTES = 10000 };

/* Each `SELECT v FROM k.t WHERE p = 1` answers with 100 kB. */
static void fill_large_rows(const struct fixture *fixture)
{
    struct client client = client_with_table(fixture, 4);
    static char value[ROW_BYTES + 1], text[ROW_BYTES + 100];
    memset(value, 'x', ROW_BYTES);
    for (int c = 0; c < ROWS; c++) {
        snprintf(text, sizeof text, "INSERT INTO t (p, c, v) VALUES (1, %d, '%s')", c, value);
        client_query(&client, text);
    }
    client_close(&client);
}

/* The number of requests handled once it no longer rises. */
static uint64_t requests_at_rest(const struct fixture *fixture)
{
    struct server_stats stats;
    uint64_t last;
    server_stats(fixture->server, &stats);
    do {
        last = stats.requests;
        sleep_ms(100);
        server_stats(fixture->server, &stats);
    } while (stats.requests != last);
    return last;
}

static void a_peer_that_does_not_read_is_no_longer_listened_to_until_it_does(void **state)
{
    enum { COUNT = 400 };
    struct fixture *fixture = *state;
    fill_large_rows(fixture);
    struct client client = client_ready(fixture, 4);
    struct buffer requests = {0};
    for (int16_t stream = 0; stream < COUNT; stream++)
        put_query_frame(&requests, stream, "SELECT v FROM k.t WHERE p = 1");
    client_send_bytes(&client, requests.data, requests.bytes);
    buffer_deinit(&requests);

    /* 4 MiB of answers in our memory and what the kernel takes, of 40 MB that were asked for. */
    assert_true(requests_at_rest(fixture) < 250);
    struct client other = client_ready(fixture, 4);
    assert_usable(&other);
    client_close(&other);

    for (int16_t stream = 0; stream < COUNT; stream++) {
        assert_true(client_receive(&client));
        assert_int_equal(client.answer.stream, stream);
        assert_true(client.answer.body_bytes > ROWS * ROW_BYTES);
    }
    assert_usable(&client);
    client_close(&client);
}

static void a_peer_that_never_reads_is_dropped(void **state)
{
    struct fixture *fixture = fixture_start(&impatient);
    fill_large_rows(fixture);
    struct client client = client_ready(fixture, 4);
    struct buffer requests = {0};
    for (int16_t stream = 0; stream < 400; stream++)
        put_query_frame(&requests, stream, "SELECT v FROM k.t WHERE p = 1");
    client_send_bytes(&client, requests.data, requests.bytes);
    buffer_deinit(&requests);
    struct server_stats stats;
    do {
        sleep_ms(10);
        server_stats(fixture->server, &stats);
    } while (stats.connections > 0);
    client_close(&client);
    fixture_stop(fixture);
    (void)state;
}

static void unread_answers_use_up_the_budget_of_everybody(void **state)
{
    const struct server_options options = {.memory_bytes = 1 << 20};
    struct fixture *fixture = fixture_start(&options);
    fill_large_rows(fixture);
    struct client greedy = client_ready(fixture, 4), modest = client_ready(fixture, 4);
    struct buffer requests = {0};
    for (int16_t stream = 0; stream < 200; stream++)
        put_query_frame(&requests, stream, "SELECT v FROM k.t WHERE p = 1");
    client_send_bytes(&greedy, requests.data, requests.bytes);
    buffer_deinit(&requests);
    requests_at_rest(fixture);

    struct buffer body = {0};
    put_query(&body, "SELECT key FROM system.local", 0);
    client_ask(&modest, OPCODE_QUERY, buffer_slice(&body));
    assert_answer_error(&modest, CQL_OVERLOADED, "in flight");
    assert_usable(&modest); /* a heartbeat needs no memory */
    for (int i = 0; i < 200; i++)
        assert_true(client_receive(&greedy));
    /* Memory is given back just after the last byte has left. */
    do
        client_ask(&modest, OPCODE_QUERY, buffer_slice(&body));
    while (modest.answer.opcode == OPCODE_ERROR);
    assert_int_equal(modest.answer.opcode, OPCODE_RESULT);
    buffer_deinit(&body);
    client_close(&greedy);
    client_close(&modest);
    fixture_stop(fixture);
    (void)state;
}

/* ---- many ---- */

static void three_hundred_connections_are_served_at_once(void **state)
{
    enum { COUNT = 300 };
    static struct client clients[COUNT];
    for (int i = 0; i < COUNT; i++)
        clients[i] = client_ready(*state, i % 2 ? 3 : 4);
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < COUNT; i++)
            client_send(&clients[i], OPCODE_OPTIONS, (int16_t)i, (struct slice){0});
        for (int i = 0; i < COUNT; i++) {
            assert_true(client_receive(&clients[i]));
            assert_int_equal(clients[i].answer.stream, i);
        }
    }
    struct server_stats stats;
    server_stats(((struct fixture *)*state)->server, &stats);
    assert_int_equal(stats.connections, COUNT);
    for (int i = 0; i < COUNT; i++)
        client_close(&clients[i]);
}

static void connections_beyond_the_limit_are_turned_away(void **state)
{
    const struct server_options options = {.connections_max = 3};
    struct fixture *fixture = fixture_start(&options);
    struct client clients[3];
    for (int i = 0; i < 3; i++)
        clients[i] = client_ready(fixture, 4);
    struct client fourth = client_open(fixture, 4);
    assert_ended(&fourth);
    client_close(&fourth);
    for (int i = 0; i < 3; i++) {
        assert_usable(&clients[i]);
        client_close(&clients[i]);
    }
    struct server_stats stats;
    do {
        sleep_ms(1);
        server_stats(fixture->server, &stats);
    } while (stats.connections == 3);
    fixture_stop(fixture);
    (void)state;
}

static void without_descriptors_peers_are_turned_away_and_later_served(void **state)
{
    /* Every loop may hear of the same peer: many of them, so that the loops meet. */
    enum { COUNT = 200 };
    static struct client refused[COUNT];
    struct fixture *fixture = *state;
    struct rlimit before, none;
    struct client served = client_ready(fixture, 4);
    for (int i = 0; i < COUNT; i++)
        refused[i] = client_new(4);
    int next = dup(0);
    assert_true(next >= 0);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = (rlim_t)next;
    close(next);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    for (int i = 0; i < COUNT; i++) {
        client_connect(&refused[i], fixture);
        assert_ended(&refused[i]);
    }
    assert_usable(&served);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    for (int i = 0; i < COUNT; i++)
        client_close(&refused[i]);
    struct client later = client_ready(fixture, 4);
    assert_usable(&later);
    client_close(&later);
    client_close(&served);
}

static void connections_come_and_go(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 0; i < 500; i++) {
        struct client client = client_open(fixture, 4);
        if (i % 3)
            client_send(&client, OPCODE_OPTIONS, 1, (struct slice){0});
        client_close(&client);
    }
    struct server_stats stats;
    do {
        sleep_ms(1);
        server_stats(fixture->server, &stats);
    } while (stats.connections > 0 || stats.connections_total < 500);
    assert_int_equal(stats.connections_total, 500);
}

int main(void)
{
#define CLAIM(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        CLAIM(a_thousand_requests_in_one_piece_are_each_answered_once),
        CLAIM(a_request_may_come_byte_by_byte),
        CLAIM(frames_may_be_cut_anywhere),
        CLAIM(a_peer_that_has_said_all_is_still_answered),
        CLAIM(a_peer_that_resets_in_the_middle_of_a_frame_harms_nobody),
        CLAIM(the_last_answer_arrives_although_more_was_being_sent),
        CLAIM(a_body_cut_short_is_refused_at_every_length),
        CLAIM(a_negative_length_is_refused),
        cmocka_unit_test(a_body_over_the_limit_is_refused_and_the_connection_stays_usable),
        CLAIM(a_claimed_length_takes_no_memory),
        CLAIM(before_startup_a_large_body_ends_the_connection),
        cmocka_unit_test(bodies_beyond_the_budget_are_told_to_come_later),
        CLAIM(random_bytes_are_survived),
        cmocka_unit_test(half_a_frame_is_not_waited_for_for_ever),
        cmocka_unit_test(a_trickle_is_not_progress),
        cmocka_unit_test(an_idle_connection_may_stay),
        CLAIM(a_peer_that_does_not_read_is_no_longer_listened_to_until_it_does),
        cmocka_unit_test(a_peer_that_never_reads_is_dropped),
        cmocka_unit_test(unread_answers_use_up_the_budget_of_everybody),
        CLAIM(three_hundred_connections_are_served_at_once),
        cmocka_unit_test(connections_beyond_the_limit_are_turned_away),
        CLAIM(without_descriptors_peers_are_turned_away_and_later_served),
        CLAIM(connections_come_and_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
