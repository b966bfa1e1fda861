/* Values are cut into tokens and come back as they were, whatever the values and the table. */
#include "model.h"

#include <stdlib.h>
#include <string.h>

#include "plain_tokens.h"
#include "sstable/token_codes_internal.h"
#include "sstable/token_cut_internal.h"

enum { VALUES = 60 };

static void expect_values(const struct tokens *tokens, struct slice lane, const struct slice *values,
                          uint32_t count, bool narrowed)
{
    static struct token_codes codes;
    token_codes_open(&codes, tokens, lane);
    if (narrowed)
        token_codes_narrow(&codes);
    for (uint32_t i = 0; i < count; i++) {
        uint8_t *back = malloc(values[i].bytes + TOKENS_DECODE_SLACK);
        assert_non_null(back);
        assert_true(token_codes_take(&codes, back, values[i].bytes));
        if (values[i].bytes)
            assert_memory_equal(back, values[i].data, values[i].bytes);
        free(back);
    }
    assert_true(token_codes_at_end(&codes));
}

static void expect_round_trip(const struct tokens *tokens, const struct slice *values, uint32_t count,
                              size_t *out_coded)
{
    struct token_encoder *encoder = token_encoder_new(tokens);
    struct token_scratch scratch = {0};
    struct buffer codes = {0}, narrow = {0};
    assert_non_null(encoder);
    token_encoder_encode(encoder, &scratch, values, count, &codes);
    assert_ok(buffer_status(&codes));
    /* The search that goes many ways at once finds what the plain one does. */
    token_encoder_narrow(encoder);
    token_encoder_encode(encoder, &scratch, values, count, &narrow);
    assert_true(slice_equal(buffer_slice(&narrow), buffer_slice(&codes)));
    buffer_deinit(&narrow);
    token_scratch_deinit(&scratch);
    for (uint32_t narrowed = 0; narrowed < 2; narrowed++)
        expect_values(tokens, buffer_slice(&codes), values, count, narrowed);
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

/* ---- streams of codes, as a file might hold them, against the plain way of going through them ---- */

enum { STREAM_BYTES = 700 };

/* A table of any size, with any share of short codes. */
static void make_any(struct random *rng, struct tokens *out_tokens)
{
    static const uint32_t counts[] = {0, 1, 100, 255, 256, 300, 5000, TOKENS_MAX};
    struct tokens tokens = {.count = counts[random_below(rng, ARRAY_LEN(counts))]};
    tokens.short_count = (uint32_t)random_below(rng, 256);
    if (random_below(rng, 4) == 0)
        tokens.short_count = tokens.short_count % 2 ? TOKENS_LITERAL : 0;
    tokens.bytes = calloc(tokens.count + 1, TOKEN_BYTES_MAX);
    tokens.lengths = malloc(tokens.count + 1);
    assert_non_null(tokens.bytes);
    assert_non_null(tokens.lengths);
    for (uint32_t i = 0; i < tokens.count; i++) {
        tokens.lengths[i] = (uint8_t)(1 + random_below(rng, TOKEN_BYTES_MAX));
        for (uint32_t b = 0; b < tokens.lengths[i]; b++)
            tokens.bytes[i][b] = (uint8_t)random_next(rng);
    }
    *out_tokens = tokens;
}

static uint32_t put_code(const struct tokens *tokens, uint8_t *at, uint32_t code)
{
    if (code < tokens->short_count) {
        *at = (uint8_t)code;
        return 1;
    }
    at[0] = (uint8_t)(tokens->short_count + (code - tokens->short_count) / 256);
    at[1] = (uint8_t)((code - tokens->short_count) % 256);
    return at[0] == TOKENS_LITERAL ? 0 : 2;
}

/* Codes of the table with a literal in so many, from none at all to every other; one in `bad_in` bytes is anything. */
static uint32_t stream_fill(struct random *rng, const struct tokens *tokens, uint8_t *stream)
{
    uint32_t bytes = 0, wanted = (uint32_t)random_below(rng, STREAM_BYTES - 300);
    uint64_t literal_in = 1ULL << (1 + random_below(rng, 10)), bad_in = 1ULL << (4 + random_below(rng, 12));
    bool lean = random_below(rng, 2); /* codes of one length mostly */
    while (bytes < wanted) {
        if (!tokens->count || random_below(rng, literal_in) == 0) {
            uint32_t literal = (uint32_t)random_below(rng, 8) ? (uint32_t)random_below(rng, 20) : 255;
            stream[bytes++] = TOKENS_LITERAL;
            stream[bytes++] = (uint8_t)literal;
            for (; literal && bytes < STREAM_BYTES - 2; literal--)
                stream[bytes++] = (uint8_t)random_next(rng);
        } else {
            uint32_t most = lean && tokens->short_count && tokens->short_count < tokens->count
                                ? tokens->short_count
                                : tokens->count;
            bytes += put_code(tokens, stream + bytes, (uint32_t)random_below(rng, most));
        }
        if (random_below(rng, bad_in) == 0)
            stream[bytes++] = (uint8_t)random_next(rng);
    }
    return bytes;
}

/* Values as the plain way cuts them: some codes each. Behind what is none, a few bytes more. */
static size_t value_bytes(struct random *rng, const struct tokens *tokens, struct reader in)
{
    uint8_t unused[TOKENS_LITERAL + TOKENS_DECODE_SLACK];
    size_t bytes = 0, step;
    for (uint64_t codes = random_below(rng, 1 + random_below(rng, 60)); codes; codes--) {
        if (!plain_token(tokens, &in, unused, TOKENS_LITERAL, &step))
            return bytes + random_below(rng, 2);
        bytes += step;
    }
    return random_below(rng, 50) ? bytes : bytes + 1;
}

/* Both ways through the stream, value by value, until one is refused; some are passed over. */
static void expect_same(struct random *rng, const struct tokens *tokens, struct slice stream, bool narrowed)
{
    enum { VALUE_MOST = 60 * 256 };
    static uint8_t plain[VALUE_MOST + TOKENS_DECODE_SLACK], many[VALUE_MOST + TOKENS_DECODE_SLACK];
    struct token_codes codes;
    struct reader in = reader_of(stream);
    memset(&codes, 0xa5, sizeof codes);
    token_codes_open(&codes, tokens, stream);
    if (narrowed)
        token_codes_narrow(&codes);
    for (uint32_t value = 0; value < 1000; value++) {
        size_t bytes = value_bytes(rng, tokens, in);
        bool good = plain_tokens(tokens, &in, plain, bytes);
        if (random_below(rng, 8) == 0) {
            assert_int_equal(token_codes_pass(&codes, bytes), good);
        } else {
            assert_int_equal(token_codes_take(&codes, many, bytes), good);
            if (good && bytes)
                assert_memory_equal(many, plain, bytes);
        }
        if (!good)
            return;
        assert_ptr_equal(token_codes_place(&codes), in.at);
        assert_int_equal(token_codes_at_end(&codes), in.at == in.end);
    }
}

static void streams_are_read_as_code_by_code(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 4000; seed++) {
        struct random rng = {seed}, again;
        static uint8_t stream[STREAM_BYTES + 2];
        struct tokens tokens;
        make_any(&rng, &tokens);
        uint32_t bytes = stream_fill(&rng, &tokens, stream);
        again = rng;
        /* At the end of what can be read, so that nobody looks behind it unseen. */
        uint8_t *exact = malloc(bytes ? bytes : 1);
        assert_non_null(exact);
        memcpy(exact, stream, bytes);
        expect_same(&rng, &tokens, slice_of(exact, bytes), false);
        expect_same(&again, &tokens, slice_of(exact, bytes), true);
        free(exact);
        tokens_deinit(&tokens);
    }
}

/* A stream of codes with a literal, or its end, at every place. */
static void literals_and_ends_stand_anywhere(void **state)
{
    (void)state;
    struct random rng = {1};
    struct tokens tokens;
    static uint8_t stream[STREAM_BYTES];
    do {
        make_any(&rng, &tokens);
        if (tokens.count < 300 || tokens.short_count < 50 || tokens.short_count > 200)
            tokens_deinit(&tokens);
    } while (!tokens.lengths);
    for (uint32_t place = 0; place < 420; place++) {
        for (uint32_t literal = 0; literal < 3; literal++) {
            uint32_t bytes = 0;
            while (bytes < place)
                bytes += put_code(&tokens, stream + bytes, (uint32_t)random_below(&rng, 300));
            if (literal) {
                stream[bytes++] = TOKENS_LITERAL;
                stream[bytes++] = (uint8_t)literal;
                memset(stream + bytes, 0xff, literal);
                bytes += literal;
                for (uint32_t i = 0; i < place % 130; i++)
                    bytes += put_code(&tokens, stream + bytes, (uint32_t)random_below(&rng, 300));
            }
            for (uint32_t cut = 0; cut < 3 && cut <= bytes; cut++) {
                uint8_t *exact = malloc(bytes - cut + 1);
                assert_non_null(exact);
                memcpy(exact, stream, bytes - cut);
                struct random same = rng;
                expect_same(&same, &tokens, slice_of(exact, bytes - cut), false);
                expect_same(&rng, &tokens, slice_of(exact, bytes - cut), true);
                free(exact);
            }
        }
    }
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
        cmocka_unit_test(streams_are_read_as_code_by_code),
        cmocka_unit_test(literals_and_ends_stand_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
