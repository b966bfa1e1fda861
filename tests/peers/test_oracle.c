/* The answers that bench-peers holds engines to, against the naive way to find them; and what tells answers apart. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bench/peers/oracle.h"

enum {
    ROWS = 3000,
    CHANNELS = 20,
    LIMIT = 50,
};

static struct chat *chat;

static int make(void **state)
{
    (void)state;
    chat = chat_new(&(struct chat_options){.seed = 11, .rows = ROWS, .channels = CHANNELS});
    return chat ? 0 : -1;
}

static int drop(void **state)
{
    (void)state;
    chat_free(chat);
    return 0;
}

static bool newer(const struct chat_row *a, const struct chat_row *b)
{
    return a->created_ms != b->created_ms ? a->created_ms > b->created_ms : memcmp(a->id, b->id, 16) < 0;
}

/* Picks the newest row that is left, again and again. */
static struct answer naive(uint64_t channel, int64_t before_ms, uint32_t limit)
{
    struct answer answer = ANSWER_EMPTY;
    const struct chat_row *last = NULL;
    for (; limit; limit--) {
        const struct chat_row *best = NULL;
        for (uint32_t i = 0; i < ROWS; i++) {
            const struct chat_row *row = &chat->rows[i];
            if (row->channel == channel && row->created_ms < before_ms && (!last || newer(last, row)) &&
                (!best || newer(row, best)))
                best = row;
        }
        if (!best)
            break;
        answer_add(&answer, best);
        last = best;
    }
    answer_end(&answer);
    return answer;
}

static void the_oracle_finds_what_a_search_of_all_rows_finds(void **state)
{
    (void)state;
    struct oracle oracle;
    struct random rng = {99};
    assert_true(oracle_init(&oracle, chat));
    for (int i = 0; i < 100; i++) {
        uint64_t span_ms = (uint64_t)(chat->last_ms - chat->first_ms);
        struct question question = {
            .channel = chat_pick_channel(chat, &rng),
            .before_ms = i % 2 ? INT64_MAX : chat->first_ms + (int64_t)random_below(&rng, span_ms)};
        struct answer got = ANSWER_EMPTY, wanted = naive(question.channel, question.before_ms, LIMIT);
        oracle_newest(&oracle, &question, LIMIT, &got);
        assert_int_equal(got.rows, wanted.rows);
        assert_int_equal(got.total, wanted.total);
        assert_int_equal(got.disorder, 0);
    }
    oracle_deinit(&oracle);
}

static void every_field_and_every_byte_of_text_changes_the_answer(void **state)
{
    (void)state;
    char text[CHAT_TEXT_BYTES_MAX];
    struct chat_row row = chat->rows[0], changed;
    memcpy(text, row.text, row.text_bytes);
    row.text = text;
    row.has_reply_to = true;
    uint64_t was = answer_of_row(&row);
    for (uint32_t i = 0; i < row.text_bytes; i++) {
        text[i] ^= 1;
        assert_int_not_equal(answer_of_row(&row), was);
        text[i] ^= 1;
    }
    for (uint32_t i = 0; i < 16; i++) {
        changed = row;
        changed.id[i] ^= 1;
        assert_int_not_equal(answer_of_row(&changed), was);
        changed = row;
        changed.author[i] ^= 1;
        assert_int_not_equal(answer_of_row(&changed), was);
    }
    changed = row;
    changed.channel++;
    assert_int_not_equal(answer_of_row(&changed), was);
    changed = row;
    changed.created_ms++;
    assert_int_not_equal(answer_of_row(&changed), was);
    changed = row;
    changed.reply_to++;
    assert_int_not_equal(answer_of_row(&changed), was);
    changed = row;
    changed.has_reply_to = false;
    assert_int_not_equal(answer_of_row(&changed), was);
    changed = row;
    changed.text_bytes--;
    assert_int_not_equal(answer_of_row(&changed), was);
}

static struct answer of_two(const struct chat_row *first, const struct chat_row *second)
{
    struct answer answer = ANSWER_EMPTY;
    answer_add(&answer, first);
    answer_add(&answer, second);
    answer_end(&answer);
    return answer;
}

static void rows_in_another_order_are_another_answer_with_the_same_sum(void **state)
{
    (void)state;
    struct answer forth = of_two(&chat->rows[0], &chat->rows[1]),
                  back = of_two(&chat->rows[1], &chat->rows[0]);
    assert_int_equal(forth.sum, back.sum);
    assert_int_not_equal(forth.total, back.total);
    assert_int_equal(forth.disorder + back.disorder, 1);
}

static void queries_may_be_answered_in_any_order_and_by_several_readers(void **state)
{
    (void)state;
    struct answer a = of_two(&chat->rows[0], &chat->rows[1]), b = of_two(&chat->rows[2], &chat->rows[3]);
    struct answer one = ANSWER_EMPTY, other = ANSWER_EMPTY;
    answer_merge(&one, &a);
    answer_merge(&one, &b);
    answer_merge(&other, &b);
    answer_merge(&other, &a);
    assert_int_equal(one.total, other.total);
    assert_int_equal(one.rows, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_oracle_finds_what_a_search_of_all_rows_finds),
        cmocka_unit_test(every_field_and_every_byte_of_text_changes_the_answer),
        cmocka_unit_test(rows_in_another_order_are_another_answer_with_the_same_sum),
        cmocka_unit_test(queries_may_be_answered_in_any_order_and_by_several_readers),
    };
    return cmocka_run_group_tests(tests, make, drop);
}
