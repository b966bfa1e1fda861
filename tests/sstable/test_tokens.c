/* Values are cut into tokens and come back as they were, whatever the values and the table. */
#include "model.h"

#include <stdlib.h>
#include <string.h>

#include "sstable/token_encoder_internal.h"

enum { VALUES = 60 };

static void expect_round_trip(const struct tokens *tokens, const struct slice *values, uint32_t count,
                              size_t *out_coded)
{
    struct token_encoder *encoder = token_encoder_new(tokens);
    struct buffer codes = {0}, narrow = {0};
    assert_non_null(encoder);
    token_encoder_encode(encoder, values, count, &codes);
    assert_ok(buffer_status(&codes));
    /* The search that goes many ways at once finds what the plain one does. */
    token_encoder_narrow(encoder);
    token_encoder_encode(encoder, values, count, &narrow);
    assert_true(slice_equal(buffer_slice(&narrow), buffer_slice(&codes)));
    buffer_deinit(&narrow);
    struct reader in = reader_of(buffer_slice(&codes));
    for (uint32_t i = 0; i < count; i++) {
        uint8_t *back = malloc(values[i].bytes + TOKENS_DECODE_SLACK);
        assert_non_null(back);
        assert_true(tokens_decode(tokens, &in, back, values[i].bytes));
        if (values[i].bytes)
            assert_memory_equal(back, values[i].data, values[i].bytes);
        free(back);
    }
    assert_true(in.at == in.end);
    *out_coded = codes.bytes;
    buffer_deinit(&codes);
    token_encoder_free(encoder);
}

/* Few letters, zeros among them, so that tokens begin alike and end like the padding behind a value. */
static void fill(struct random *rng, uint8_t *at, size_t bytes, uint32_t letters)
{
    for (size_t i = 0; i < bytes; i++)
        at[i] = (uint8_t)random_below(rng, letters);
}

static void random_values_come_back(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct random rng = {seed};
        uint32_t letters = 2 + (uint32_t)random_below(&rng, 6);
        static uint8_t bytes[VALUES][300];
        uint8_t sample[20000];
        uint32_t lengths[100];
        struct slice values[VALUES];
        struct tokens tokens;
        size_t coded;
        for (uint32_t i = 0; i < ARRAY_LEN(lengths); i++)
            lengths[i] = 200;
        fill(&rng, sample, sizeof sample, letters);
        assert_ok(tokens_train(slice_of(sample, sizeof sample), lengths, ARRAY_LEN(lengths), 4096, &tokens));
        for (uint32_t i = 0; i < VALUES; i++) {
            values[i] = slice_of(bytes[i], random_below(&rng, sizeof bytes[i]));
            fill(&rng, bytes[i], values[i].bytes, letters + i % 2);
        }
        print_message("seed %llu, %u tokens\n", (unsigned long long)seed, tokens.count);
        expect_round_trip(&tokens, values, VALUES, &coded);
        tokens_deinit(&tokens);
    }
}

static void make(struct tokens *out_tokens, const char *const *texts, uint32_t count)
{
    *out_tokens = (struct tokens){
        .count = count,
        .short_count = count,
        .bytes = calloc(count, TOKEN_BYTES_MAX),
        .lengths = malloc(count),
    };
    assert_non_null(out_tokens->bytes);
    assert_non_null(out_tokens->lengths);
    for (uint32_t i = 0; i < count; i++) {
        out_tokens->lengths[i] = (uint8_t)strlen(texts[i]);
        memcpy(out_tokens->bytes[i], texts[i], strlen(texts[i]));
    }
}

static void the_longest_token_is_taken(void **state)
{
    (void)state;
    static const char text[] = "abcdefghijklmnopq";
    for (uint32_t length = 1; length <= TOKEN_BYTES_MAX; length++) {
        char token[TOKEN_BYTES_MAX + 1] = {0};
        const char *texts[] = {"a", "abc", "abcde", "abcdefghij", token};
        struct slice value = slice_of((const uint8_t *)text, length);
        struct tokens tokens;
        size_t coded;
        memcpy(token, text, length);
        make(&tokens, texts, ARRAY_LEN(texts));
        expect_round_trip(&tokens, &value, 1, &coded);
        assert_int_equal(coded, 1);
        tokens_deinit(&tokens);
    }
}

static void a_value_longer_than_what_is_cut_at_once_comes_back(void **state)
{
    (void)state;
    static const char *const texts[] = {"to", "token ", "tokens and "};
    enum { BYTES = 200003 };
    uint8_t *text = malloc(BYTES);
    struct tokens tokens;
    size_t coded;
    assert_non_null(text);
    for (uint32_t i = 0; i < BYTES; i++)
        text[i] = (uint8_t) "tokens and token "[i % 17];
    make(&tokens, texts, ARRAY_LEN(texts));
    struct slice values[] = {slice_of(text, 5), slice_of(text, BYTES), slice_of(text, 0),
                             slice_of(text, 33000)};
    expect_round_trip(&tokens, values, ARRAY_LEN(values), &coded);
    assert_true(coded < BYTES / 7);
    tokens_deinit(&tokens);
    free(text);
}

static void tokens_of_one_length_are_found_whole(void **state)
{
    (void)state;
    static const char *const texts[] = {"0123456789abcdef", "0123456789abcdeF"};
    static const char text[] = "0123456789abcdef0123456789abcdeF-0123456789abcde";
    struct slice values[] = {slice_of((const uint8_t *)text, 16), slice_of((const uint8_t *)text + 16, 16),
                             slice_of((const uint8_t *)text, sizeof text - 1)};
    struct tokens tokens;
    size_t coded;
    make(&tokens, texts, ARRAY_LEN(texts));
    expect_round_trip(&tokens, values, ARRAY_LEN(values), &coded);
    assert_int_equal(coded, 1 + 1 + (1 + 1 + 2 + 16));
    tokens_deinit(&tokens);
}

static void a_table_of_nothing_writes_literals(void **state)
{
    (void)state;
    uint8_t zeros[1000] = {0};
    struct slice value = slice_of(zeros, sizeof zeros);
    struct tokens tokens;
    size_t coded;
    make(&tokens, NULL, 0);
    expect_round_trip(&tokens, &value, 1, &coded);
    assert_int_equal(coded, 1000 + 2 * 4);
    tokens_deinit(&tokens);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_values_come_back),
        cmocka_unit_test(the_longest_token_is_taken),
        cmocka_unit_test(a_value_longer_than_what_is_cut_at_once_comes_back),
        cmocka_unit_test(tokens_of_one_length_are_found_whole),
        cmocka_unit_test(a_table_of_nothing_writes_literals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
