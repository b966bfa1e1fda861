/* Pages of a result over the wire. */
#include "notation.h"

#include <stdio.h>

/* A page of the 25 rows of partition 1, from `from` on; returns its rows. */
static uint32_t client_page(struct client *client, struct slice from, struct slice *out_next)
{
    struct buffer body = {0};
    put_query(&body, "SELECT c FROM t WHERE p = 1",
              (uint8_t)(FLAG_PAGE_SIZE | (from.bytes ? FLAG_PAGING_STATE : 0)));
    buffer_append_be32(&body, 10);
    if (from.bytes)
        wire_put_bytes(&body, from);
    client_ask_buffer(client, OPCODE_QUERY, &body);
    assert_kind(client, KIND_ROWS);
    return skip_metadata(client, out_next);
}

static void pages_follow_each_other_over_any_connection(void **state)
{
    struct client client = client_with_table(*state, 4);
    for (int c = 0; c < 25; c++) {
        char text[64];
        snprintf(text, sizeof text, "INSERT INTO t (p, c) VALUES (1, %d)", c);
        client_query(&client, text);
    }
    struct buffer from = {0};
    int expected = 0;
    for (int page = 0; page < 10; page++) {
        struct client other = client_in_k(*state, page % 2 ? 3 : 4);
        struct slice next;
        for (uint32_t rows = client_page(&other, buffer_slice(&from), &next); rows; rows--) {
            struct slice cell = wire_bytes(&other.in).bytes;
            assert_int_equal(cell.bytes, 4);
            assert_int_equal(load_be32(cell.data), expected++);
        }
        buffer_clear(&from);
        buffer_append_slice(&from, next);
        client_close(&other);
        if (!from.bytes)
            break;
    }
    assert_int_equal(expected, 25);
    buffer_deinit(&from);
    client_close(&client);
}

static void a_paging_state_of_garbage_is_refused(void **state)
{
    struct client client = client_with_table(*state, 4);
    struct buffer body = {0};
    put_query(&body, "SELECT c FROM t WHERE p = 1", FLAG_PAGE_SIZE | FLAG_PAGING_STATE);
    buffer_append_be32(&body, 10);
    wire_put_bytes(&body, slice_text("garbage"));
    client_ask_buffer(&client, OPCODE_QUERY, &body);
    assert_int_equal(client.answer.opcode, OPCODE_ERROR);
    uint32_t code = reader_be32(&client.in);
    assert_true(code == CQL_PROTOCOL_ERROR || code == CQL_INVALID); /* PAG-3 */
    assert_usable(&client);
    client_close(&client);
}

int main(void)
{
#define CLAIM(test) cmocka_unit_test_setup_teardown(test, fixture_setup, fixture_teardown)
    const struct CMUnitTest tests[] = {
        CLAIM(pages_follow_each_other_over_any_connection),
        CLAIM(a_paging_state_of_garbage_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
