/* The rows of bench-peers: the same for a seed, and shaped as the documentation says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <zstd.h>

#include "bench/peers/oracle.h"

enum {
    ROWS = 50000,
    CHANNELS = 200,
};

static struct chat *make(uint64_t seed)
{
    struct chat *chat = chat_new(&(struct chat_options){.seed = seed, .rows = ROWS, .channels = CHANNELS});
    assert_non_null(chat);
    return chat;
}

static void one_seed_gives_the_same_rows_and_another_seed_others(void **state)
{
    (void)state;
    struct chat *first = make(7), *again = make(7), *other = make(8);
    assert_int_equal(oracle_sum(first, ROWS).sum, oracle_sum(again, ROWS).sum);
    assert_int_not_equal(oracle_sum(first, ROWS).sum, oracle_sum(other, ROWS).sum);
    chat_free(first);
    chat_free(again);
    chat_free(other);
}

static void a_row_has_184_bytes_on_average_and_its_text_20_to_400(void **state)
{
    (void)state;
    struct chat *chat = make(1);
    for (uint64_t i = 0; i < ROWS; i++)
        assert_in_range(chat->rows[i].text_bytes, CHAT_TEXT_BYTES_MIN, CHAT_TEXT_BYTES_MAX);
    assert_in_range(chat->bytes / ROWS, 180, 188);
    chat_free(chat);
}

static void text_is_printable_and_does_not_end_in_a_space(void **state)
{
    (void)state;
    struct chat *chat = make(2);
    for (uint64_t i = 0; i < ROWS; i++) {
        const struct chat_row *row = &chat->rows[i];
        for (uint32_t at = 0; at < row->text_bytes; at++)
            assert_in_range(row->text[at], ' ', '~');
        assert_int_not_equal(row->text[row->text_bytes - 1], ' ');
    }
    chat_free(chat);
}

static void arrival_rises_and_one_row_in_twenty_was_created_much_earlier(void **state)
{
    (void)state;
    struct chat *chat = make(3);
    uint64_t late = 0;
    for (uint64_t i = 0; i < ROWS; i++) {
        const struct chat_row *row = &chat->rows[i];
        if (i)
            assert_true(row->arrived_us > row[-1].arrived_us);
        assert_true(row->created_ms <= row->arrived_us / 1000);
        late += row->created_ms < row->arrived_us / 1000 - 100;
    }
    assert_in_range(late, ROWS / 20 * 8 / 10, ROWS / 20 * 12 / 10);
    chat_free(chat);
}

static void the_most_popular_channel_has_the_share_that_zipf_gives_it(void **state)
{
    (void)state;
    struct chat *chat = make(4);
    uint64_t first = 0, second = 0;
    for (uint64_t i = 0; i < ROWS; i++) {
        first += chat->rows[i].channel == chat_channel_id(0);
        second += chat->rows[i].channel == chat_channel_id(1);
    }
    /* 1 / (sum of k^-0.99 up to 200) is 16.6 %, and half of it to the power of 0.99 for the next. */
    assert_in_range(first, ROWS * 155 / 1000, ROWS * 178 / 1000);
    assert_in_range(second, ROWS * 76 / 1000, ROWS * 92 / 1000);
    chat_free(chat);
}

/* 16 KB of a channel's rows, key and value as the peers keep them. */
static size_t fill_block(const struct oracle *oracle, uint64_t *at, char *out, size_t bytes)
{
    size_t used = 0;
    for (; *at < oracle->count; ++*at) {
        const struct chat_row *row = &oracle->chat->rows[oracle->order[*at]];
        if (used + chat_row_bytes(row) > bytes)
            break;
        memcpy(out + used, &row->channel, 8);
        memcpy(out + used + 8, &row->created_ms, 8);
        memcpy(out + used + 16, row->id, 16);
        memcpy(out + used + 32, row->author, 16);
        out[used + 48] = row->has_reply_to;
        used += 49;
        if (row->has_reply_to)
            memcpy(out + used, &row->reply_to, 8);
        used += row->has_reply_to ? 8 : 0;
        memcpy(out + used, row->text, row->text_bytes);
        used += row->text_bytes;
    }
    return used;
}

static void rows_compress_as_chat_does(void **state)
{
    (void)state;
    static char block[16384], out[32768];
    struct chat *chat = make(5);
    struct oracle oracle;
    assert_true(oracle_init(&oracle, chat));
    size_t raw = 0, packed = 0;
    for (uint64_t at = 0; at < oracle.count;) {
        size_t bytes = fill_block(&oracle, &at, block, sizeof block);
        raw += bytes;
        packed += ZSTD_compress(out, sizeof out, block, bytes, 3);
    }
    double ratio = (double)raw / (double)packed;
    assert_true(ratio > 1.65 && ratio < 1.95);
    oracle_deinit(&oracle);
    chat_free(chat);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_seed_gives_the_same_rows_and_another_seed_others),
        cmocka_unit_test(a_row_has_184_bytes_on_average_and_its_text_20_to_400),
        cmocka_unit_test(text_is_printable_and_does_not_end_in_a_space),
        cmocka_unit_test(arrival_rises_and_one_row_in_twenty_was_created_much_earlier),
        cmocka_unit_test(the_most_popular_channel_has_the_share_that_zipf_gives_it),
        cmocka_unit_test(rows_compress_as_chat_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
