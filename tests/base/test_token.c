/* TOK-1, TOK-2, TOK-3: tokens are those that ScyllaDB and Cassandra compute. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/token.h"

static int64_t token_of_int(int32_t value)
{
    uint8_t wire[4];
    store_be32(wire, (uint32_t)value);
    return token_of(slice_of(wire, sizeof wire));
}

static void ints_have_the_published_tokens(void **state)
{
    (void)state;
    assert_true(token_of_int(1) == -4069959284402364209);
    assert_true(token_of_int(0) == -3485513579396041028);
    assert_true(token_of_int(-1) == 7297452126230313552);
    uint8_t bigint[8];
    store_be64(bigint, 1);
    assert_true(token_of(slice_of(bigint, 8)) == 6292367497774912474);
}

static void texts_have_the_published_tokens(void **state)
{
    (void)state;
    assert_true(token_of(slice_text("a")) == -8839064797231613815);
    assert_true(token_of(slice_text("test")) == -6017608668500074083);
    assert_true(token_of(slice_text("foo")) == -2129773440516405919);
}

static void tail_bytes_above_0x7f_are_sign_extended(void **state)
{
    (void)state;
    assert_true(token_of(slice_of("\x80\xff", 2)) == -1866254034066908819);
    assert_true(token_of(slice_text("\xc3\xa9")) == 5461403030378599040);
}

static void uuids_and_composite_keys_have_the_published_tokens(void **state)
{
    (void)state;
    static const uint8_t uuid[16] = {0x12, 0x3e, 0x45, 0x67, 0xe8, 0x9b, 0x12, 0xd3,
                                     0xa4, 0x56, 0x42, 0x66, 0x14, 0x17, 0x40, 0x00};
    static const uint8_t zero[16];
    static const uint8_t pair[] = {0, 4, 0, 0, 0, 1, 0, 0, 4, 0, 0, 0, 2, 0};
    assert_true(token_of(slice_of(uuid, 16)) == -44119901388393997);
    assert_true(token_of(slice_of(zero, 16)) == 5457549051747178710);
    assert_true(token_of(slice_of(pair, sizeof pair)) == 4881097376275569167);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ints_have_the_published_tokens),
        cmocka_unit_test(texts_have_the_published_tokens),
        cmocka_unit_test(tail_bytes_above_0x7f_are_sign_extended),
        cmocka_unit_test(uuids_and_composite_keys_have_the_published_tokens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
