/*
 * Clustering keys: the bytes order as the values do. The judge is a comparison that is written for each
 * kind from the rules alone and shares nothing with the encoder.
 */
#include <float.h>
#include <math.h>

#include <gmp.h>

#include "row/key.h"
#include "tests/row/row_text.h"

static struct slice be_value(uint64_t bits, size_t bytes, uint8_t *image)
{
    for (size_t i = 0; i < bytes; i++)
        image[i] = (uint8_t)(bits >> 8 * (bytes - 1 - i));
    return slice_of(image, bytes);
}

static uint64_t be_bits(struct slice wire)
{
    uint64_t bits = 0;
    for (size_t i = 0; i < wire.bytes; i++)
        bits = bits << 8 | wire.data[i];
    return bits;
}

static double as_double(enum key_kind kind, struct slice wire)
{
    uint64_t bits = be_bits(wire);
    if (kind == KEY_DOUBLE) {
        double value;
        memcpy(&value, &bits, sizeof value);
        return value;
    }
    uint32_t low = (uint32_t)bits;
    float value;
    memcpy(&value, &low, sizeof value);
    return (double)value;
}

static int sign_of(int64_t value)
{
    return (value > 0) - (value < 0);
}

/* TYP-3 */
static int compare_floating(double a, double b)
{
    if (isnan(a) || isnan(b))
        return !!isnan(a) - !!isnan(b);
    if (a != b)
        return a > b ? 1 : -1;
    return !!signbit(b) - !!signbit(a);
}

static int64_t signed_of(struct slice wire)
{
    unsigned shift = (unsigned)(64 - 8 * wire.bytes);
    return (int64_t)(be_bits(wire) << shift) >> shift;
}

static uint64_t time_of(struct slice uuid)
{
    uint64_t high = be_bits(slice_of(uuid.data, 8));
    return (high & 0xfff) << 48 | (high >> 16 & 0xffff) << 32 | high >> 32;
}

/* TYP-1 */
static int compare_uuid(struct slice a, struct slice b)
{
    int version = (a.data[6] >> 4) - (b.data[6] >> 4);
    if (version)
        return version;
    if (a.data[6] >> 4 == 1 && time_of(a) != time_of(b))
        return time_of(a) > time_of(b) ? 1 : -1;
    if (a.data[6] >> 4 == 1)
        return memcmp(a.data + 8, b.data + 8, 8);
    return memcmp(a.data, b.data, 16);
}

/* TYP-2 */
static int compare_timeuuid(struct slice a, struct slice b)
{
    if (time_of(a) != time_of(b))
        return time_of(a) > time_of(b) ? 1 : -1;
    for (int i = 8; i < 16; i++)
        if (a.data[i] != b.data[i])
            return (int8_t)a.data[i] > (int8_t)b.data[i] ? 1 : -1;
    return 0;
}

static void integer_of(mpz_t out, struct slice wire)
{
    mpz_set_si(out, wire.data[0] & 0x80 ? -1 : 0);
    for (size_t i = 0; i < wire.bytes; i++) {
        mpz_mul_ui(out, out, 256);
        mpz_add_ui(out, out, wire.data[i]);
    }
}

/* Both scaled to the larger scale; the test keeps scales small enough for that. */
static int compare_decimal(struct slice a, struct slice b)
{
    int64_t a_scale = (int32_t)be_bits(slice_of(a.data, 4)), b_scale = (int32_t)be_bits(slice_of(b.data, 4));
    mpz_t x, y, power;
    mpz_inits(x, y, power, NULL);
    integer_of(x, slice_of(a.data + 4, a.bytes - 4));
    integer_of(y, slice_of(b.data + 4, b.bytes - 4));
    mpz_ui_pow_ui(power, 10, (unsigned long)llabs(a_scale - b_scale));
    if (a_scale < b_scale)
        mpz_mul(x, x, power);
    else
        mpz_mul(y, y, power);
    int order = mpz_cmp(x, y);
    mpz_clears(x, y, power, NULL);
    return order;
}

static int compare_varint(struct slice a, struct slice b)
{
    mpz_t x, y;
    mpz_inits(x, y, NULL);
    integer_of(x, a);
    integer_of(y, b);
    int order = mpz_cmp(x, y);
    mpz_clears(x, y, NULL);
    return order;
}

static int compare_values(enum key_kind kind, struct slice a, struct slice b)
{
    if (!a.bytes || !b.bytes) /* NUL-7 */
        return (a.bytes > 0) - (b.bytes > 0);
    switch (kind) {
    case KEY_FLOAT:
    case KEY_DOUBLE: return compare_floating(as_double(kind, a), as_double(kind, b));
    case KEY_UINT32:
    case KEY_BOOLEAN: return sign_of((int64_t)be_bits(a) - (int64_t)be_bits(b));
    case KEY_BYTES: return slice_compare(a, b);
    case KEY_UUID: return compare_uuid(a, b);
    case KEY_TIMEUUID: return compare_timeuuid(a, b);
    case KEY_VARINT: return compare_varint(a, b);
    case KEY_DECIMAL: return compare_decimal(a, b);
    default: return (signed_of(a) > signed_of(b)) - (signed_of(a) < signed_of(b));
    }
}

static const size_t fixed_bytes[KEY_KINDS] = {1, 1, 2, 4, 8, 4, 4, 8, 0, 16, 16, 0, 0};

static uint64_t interesting_bits(struct random *rng)
{
    static const uint64_t special[] = {
        0, 1, UINT64_MAX, 1ULL << 63, INT64_MAX, 0x7ff0000000000000, 0xfff0000000000000, 0x7ff8000000000001,
    };
    uint64_t bits = random_next(rng);
    switch (random_below(rng, 4)) {
    case 0: return special[random_below(rng, ARRAY_LEN(special))];
    case 1: return bits & 0xff;
    case 2: return bits | 0x7f80000000000000;
    default: return bits;
    }
}

/* A value of `kind` as the protocol carries it; at most 64 bytes at `image`. */
static struct slice random_value(struct random *rng, enum key_kind kind, uint8_t *image)
{
    if (random_below(rng, 12) == 0)
        return slice_of(image, 0);
    size_t bytes = fixed_bytes[kind];
    if (bytes && bytes <= 8) {
        uint64_t bits =
            kind == KEY_BOOLEAN ? random_below(rng, 2) : interesting_bits(rng) >> (64 - 8 * bytes);
        return be_value(bits, bytes, image);
    }
    if (!bytes)
        bytes = 1 + (random_below(rng, 4) ? random_below(rng, 4) : random_below(rng, 50));
    size_t head = kind == KEY_DECIMAL ? 4 : 0;
    for (size_t i = 0; i < bytes; i++)
        image[head + i] = (uint8_t)(random_below(rng, 2) ? random_next(rng) : random_below(rng, 2) * 0xff);
    if (kind == KEY_DECIMAL)
        be_value(random_below(rng, 21) - 10, 4, image);
    if (kind == KEY_TIMEUUID)
        image[6] = (uint8_t)(0x10 | (image[6] & 0xf));
    if (kind == KEY_UUID)
        image[6] = (uint8_t)(random_below(rng, 4) << 4 | (image[6] & 0xf));
    return slice_of(image, bytes + head);
}

static void assert_same_order(int expected, int actual)
{
    assert_int_equal(sign_of(expected), sign_of(actual));
}

static void every_kind_orders_as_its_values_and_descending_reversed(void **state)
{
    (void)state;
    struct random rng = random_for("orders");
    struct buffer a = {0}, b = {0};
    for (enum key_kind kind = 0; kind < KEY_KINDS; kind++)
        for (int round = 0; round < 6000; round++) {
            uint8_t x_image[64], y_image[64];
            struct slice x = random_value(&rng, kind, x_image), y = random_value(&rng, kind, y_image);
            struct key_column column = {.kind = kind, .descending = round % 2};
            buffer_clear(&a);
            buffer_clear(&b);
            assert_ok(key_append(&a, column, x));
            assert_ok(key_append(&b, column, y));
            int expected = compare_values(kind, x, y);
            int actual = slice_compare(buffer_slice(&a), buffer_slice(&b));
            assert_same_order(column.descending ? -expected : expected, actual);
            if (key_prefix(buffer_slice(&a)) != key_prefix(buffer_slice(&b)))
                assert_same_order(key_prefix(buffer_slice(&a)) > key_prefix(buffer_slice(&b)) ? 1 : -1,
                                  actual);
        }
    buffer_deinit(&a);
    buffer_deinit(&b);
}

static void taking_a_column_gives_its_value_back(void **state)
{
    (void)state;
    struct random rng = random_for("round trips");
    struct buffer key = {0}, wire = {0}, again = {0};
    for (enum key_kind kind = 0; kind < KEY_KINDS; kind++)
        for (int round = 0; round < 4000; round++) {
            uint8_t image[64];
            struct slice value = random_value(&rng, kind, image);
            struct key_column column = {.kind = kind, .descending = round % 2};
            buffer_clear(&key);
            buffer_clear(&wire);
            buffer_clear(&again);
            assert_ok(key_append(&key, column, value));
            buffer_append_u8(&key, 0x77); /* the next column is not touched */
            struct reader reader = reader_of(buffer_slice(&key));
            assert_ok(key_take(&reader, column, &wire));
            assert_int_equal(reader_left(&reader), 1);
            assert_int_equal(compare_values(kind, value, buffer_slice(&wire)), 0);
            bool is_exact =
                kind != KEY_VARINT && kind != KEY_DECIMAL && kind != KEY_FLOAT && kind != KEY_DOUBLE;
            if (is_exact)
                assert_true(slice_equal(value, buffer_slice(&wire)));
            assert_ok(key_append(&again, column, buffer_slice(&wire)));
            assert_memory_equal(again.data, key.data, again.bytes);
        }
    buffer_deinit(&key);
    buffer_deinit(&wire);
    buffer_deinit(&again);
}

static void several_columns_order_by_the_first_that_differs(void **state)
{
    (void)state;
    struct random rng = random_for("columns");
    struct buffer a = {0}, b = {0};
    for (int round = 0; round < 30000; round++) {
        int expected = 0;
        buffer_clear(&a);
        buffer_clear(&b);
        for (int i = 0; i < 3; i++) {
            struct key_column column = {.kind = (enum key_kind)random_below(&rng, KEY_KINDS),
                                        .descending = random_below(&rng, 2)};
            uint8_t x_image[64], y_image[64];
            struct slice x = random_value(&rng, column.kind, x_image);
            struct slice y = random_below(&rng, 2) ? x : random_value(&rng, column.kind, y_image);
            assert_ok(key_append(&a, column, x));
            assert_ok(key_append(&b, column, y));
            if (!expected)
                expected = compare_values(column.kind, x, y) * (column.descending ? -1 : 1);
        }
        int actual = slice_compare(buffer_slice(&a), buffer_slice(&b));
        assert_same_order(expected, actual);
        if (key_prefix(buffer_slice(&a)) > key_prefix(buffer_slice(&b)))
            assert_true(actual > 0);
    }
    buffer_deinit(&a);
    buffer_deinit(&b);
}

static void a_bound_stands_before_and_its_after_behind_all_that_it_begins(void **state)
{
    (void)state;
    struct random rng = random_for("bounds");
    struct buffer bound = {0}, key = {0};
    for (int round = 0; round < 20000; round++) {
        struct key_column column = {.kind = (enum key_kind)random_below(&rng, KEY_KINDS),
                                    .descending = random_below(&rng, 2)};
        struct key_column next = {.kind = (enum key_kind)random_below(&rng, KEY_KINDS),
                                  .descending = random_below(&rng, 2)};
        uint8_t image[64];
        buffer_clear(&bound);
        buffer_clear(&key);
        assert_ok(key_append(&bound, column, random_value(&rng, column.kind, image)));
        buffer_append_slice(&key, buffer_slice(&bound));
        assert_ok(key_append(&key, next, random_value(&rng, next.kind, image)));
        assert_true(slice_compare(buffer_slice(&bound), buffer_slice(&key)) < 0);
        assert_true(key_prefix(buffer_slice(&bound)) <= key_prefix(buffer_slice(&key)));
        buffer_append_u8(&bound, KEY_AFTER);
        assert_true(slice_compare(buffer_slice(&bound), buffer_slice(&key)) > 0);
        assert_true(key_prefix(buffer_slice(&bound)) >= key_prefix(buffer_slice(&key)));
    }
    buffer_deinit(&bound);
    buffer_deinit(&key);
}

static void prefixes_order_weakly_whatever_the_bytes(void **state)
{
    (void)state;
    static const uint8_t headers[] = {0x00, 0x3f, 0x40, 0x41, 0x42, 0x61, 0xbd, 0xbe, 0xbf, 0xc0, 0xff};
    struct random rng = random_for("prefixes");
    for (int round = 0; round < 100000; round++) {
        uint8_t images[2][12];
        struct slice keys[2];
        for (int i = 0; i < 2; i++) {
            keys[i] = slice_of(images[i], random_below(&rng, 12));
            for (size_t j = 0; j < keys[i].bytes; j++)
                images[i][j] =
                    (uint8_t)(random_below(&rng, 3) ? random_below(&rng, 2) * 0xff : random_next(&rng));
            images[i][0] = headers[random_below(&rng, ARRAY_LEN(headers))];
        }
        if (key_prefix(keys[0]) > key_prefix(keys[1]))
            assert_true(slice_compare(keys[0], keys[1]) > 0);
    }
}

static void assert_key(struct key_column column, struct slice wire, const char *expected_hex)
{
    struct buffer key = {0}, hex = {0};
    assert_ok(key_append(&key, column, wire));
    for (size_t i = 0; i < key.bytes; i++)
        buffer_printf(&hex, "%02x", key.data[i]);
    buffer_append_u8(&hex, 0);
    assert_string_equal((const char *)hex.data, expected_hex);
    buffer_deinit(&key);
    buffer_deinit(&hex);
}

/* What is on disk must not change by accident. */
static void the_bytes_are_as_documented(void **state)
{
    (void)state;
    uint8_t wire[16];
    assert_key((struct key_column){.kind = KEY_INT32, .descending = false}, be_value(1, 4, wire),
               "4180000001");
    assert_key((struct key_column){.kind = KEY_INT32, .descending = true}, be_value(1, 4, wire),
               "be7ffffffe");
    assert_key((struct key_column){.kind = KEY_INT32, .descending = false}, slice_of(wire, 0), "40");
    assert_key((struct key_column){.kind = KEY_INT32, .descending = true}, slice_of(wire, 0), "bf");
    assert_key((struct key_column){.kind = KEY_UINT32, .descending = false}, be_value(1, 4, wire),
               "4100000001");
    assert_key((struct key_column){.kind = KEY_DOUBLE, .descending = false}, be_value(0, 8, wire),
               "418000000000000000");
    assert_key((struct key_column){.kind = KEY_BYTES, .descending = false}, slice_of("a\0b", 3),
               "416100ff620000");
    assert_key((struct key_column){.kind = KEY_UUID, .descending = false},
               slice_of("\x01\x23\x45\x67\x89\xab\x4c\xde\xf0\x12\x34\x56\x78\x9a\xbc\xde", 16),
               "41401234567"
               "89abcdef0123456789abcde");
    assert_key((struct key_column){.kind = KEY_TIMEUUID, .descending = false},
               slice_of("\x01\x23\x45\x67\x89\xab\x1c\xde\xf0\x12\x34\x56\x78\x9a\xbc\xde", 16),
               "410cde89ab01234567"
               "7092b4d6f81a3c5e");
    assert_key((struct key_column){.kind = KEY_VARINT, .descending = false}, slice_of("\x00", 1), "4180");
    assert_key((struct key_column){.kind = KEY_VARINT, .descending = false}, slice_of("\x01\x00", 2),
               "41820100");
    assert_key((struct key_column){.kind = KEY_VARINT, .descending = false}, slice_of("\xff", 1), "417efe");
    /* 1.0 and 1.00 are 0.1 * 10^1 (TYP-5) */
    assert_key((struct key_column){.kind = KEY_DECIMAL, .descending = false}, slice_of("\0\0\0\1\x0a", 5),
               "418180000000010b00");
    assert_key((struct key_column){.kind = KEY_DECIMAL, .descending = false}, slice_of("\0\0\0\2\x64", 5),
               "418180000000010b00");
}

static void wrong_sizes_are_invalid_and_leave_the_key_as_it_was(void **state)
{
    (void)state;
    uint8_t wire[40] = {0};
    struct buffer key = {0};
    buffer_append_u8(&key, 0x12);
    for (enum key_kind kind = 0; kind < KEY_KINDS; kind++)
        for (size_t bytes = 1; bytes < 20; bytes++) {
            if (!fixed_bytes[kind] || fixed_bytes[kind] == bytes)
                continue;
            status st = key_append(&key, (struct key_column){.kind = kind}, slice_of(wire, bytes));
            assert_int_equal(st.code, STATUS_INVALID);
            assert_int_equal(key.bytes, 1);
        }
    struct key_column decimal = {.kind = KEY_DECIMAL, .descending = false},
                      timeuuid = {.kind = KEY_TIMEUUID, .descending = false};
    assert_int_equal(key_append(&key, decimal, slice_of(wire, 4)).code, STATUS_INVALID);
    wire[6] = 0x40; /* a random uuid is no timeuuid */
    assert_int_equal(key_append(&key, timeuuid, slice_of(wire, 16)).code, STATUS_INVALID);
    assert_int_equal(key.bytes, 1);
    buffer_deinit(&key);
}

static void huge_numbers_survive(void **state)
{
    (void)state;
    struct buffer wire = {0}, key = {0}, back = {0};
    static const size_t sizes[] = {119, 120, 121, 255, 256, 257, 60000};
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++)
        for (int sign = 0; sign < 2; sign++)
            for (int descending = 0; descending < 2; descending++) {
                buffer_clear(&wire);
                buffer_clear(&key);
                buffer_clear(&back);
                memset(buffer_extend(&wire, sizes[i]), sign ? 0x91 : 0x61, sizes[i]);
                struct key_column column = {.kind = KEY_VARINT, .descending = descending};
                assert_ok(key_append(&key, column, buffer_slice(&wire)));
                struct reader reader = reader_of(buffer_slice(&key));
                assert_ok(key_take(&reader, column, &back));
                assert_true(slice_equal(buffer_slice(&wire), buffer_slice(&back)));
            }
    /* 1 * 10^(2^31): the digits cannot be written out, and are not */
    struct key_column decimal = {.kind = KEY_DECIMAL, .descending = false};
    struct slice big = slice_of("\x80\0\0\0\x01", 5);
    buffer_clear(&key);
    buffer_clear(&back);
    assert_ok(key_append(&key, decimal, big));
    struct reader reader = reader_of(buffer_slice(&key));
    assert_ok(key_take(&reader, decimal, &back));
    assert_true(slice_equal(big, buffer_slice(&back)));
    buffer_deinit(&wire);
    buffer_deinit(&key);
    buffer_deinit(&back);
}

static void arbitrary_bytes_are_taken_or_refused(void **state)
{
    (void)state;
    struct random rng = random_for("arbitrary keys");
    struct buffer wire = {0}, again = {0};
    for (int round = 0; round < 100000; round++) {
        struct key_column column = {.kind = (enum key_kind)random_below(&rng, KEY_KINDS),
                                    .descending = random_below(&rng, 2)};
        size_t bytes = random_below(&rng, 24);
        uint8_t *image = malloc(bytes ? bytes : 1);
        for (size_t i = 0; i < bytes; i++)
            image[i] = (uint8_t)random_next(&rng);
        if (bytes)
            image[0] = column.descending ? 0xbe : 0x41;
        if (bytes > 1 && random_below(&rng, 2))
            image[1] = (uint8_t)(0x7c + random_below(&rng, 10));
        struct reader reader = reader_of(slice_of(image, bytes));
        buffer_clear(&wire);
        status st = key_take(&reader, column, &wire);
        assert_true(ok(st) || st.code == STATUS_CORRUPT);
        if (ok(st)) { /* what is taken is what key_append() would have written */
            buffer_clear(&again);
            assert_ok(key_append(&again, column, buffer_slice(&wire)));
            assert_true(slice_equal(buffer_slice(&again), slice_of(image, bytes - reader_left(&reader))));
        } else {
            assert_int_equal(wire.bytes, 0);
        }
        free(image);
    }
    buffer_deinit(&wire);
    buffer_deinit(&again);
}

/* A few bytes must not ask for a number of a hundred thousand digits that no writer could have sent. */
static void a_decimal_with_an_absurd_exponent_is_corrupt(void **state)
{
    (void)state;
    static const uint8_t keys[][9] = {
        {0x41, 0x81, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 0x00},
        {0x41, 0x81, 0x80, 0x80, 0x03, 0xff, 0xff, 0x02, 0x00}, /* 2^31 + 2^18 zeros at the end */
        {0x41, 0x81, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x00},
    };
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        struct buffer wire = {0};
        struct reader reader = reader_of(slice_of(keys[i], sizeof keys[i]));
        assert_int_equal(
            key_take(&reader, (struct key_column){.kind = KEY_DECIMAL, .descending = false}, &wire).code,
            STATUS_CORRUPT);
        buffer_deinit(&wire);
    }
}

static void partitions_order_by_signed_token_then_bytes(void **state)
{
    (void)state;
    struct partition_key a = {.token = -1, .bytes = slice_text("z")},
                         b = {.token = 1, .bytes = slice_text("a")};
    assert_true(partition_key_compare(a, b) < 0);
    b.token = -1;
    assert_true(partition_key_compare(a, b) > 0);
    b.bytes = a.bytes;
    assert_int_equal(partition_key_compare(a, b), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_orders_as_its_values_and_descending_reversed),
        cmocka_unit_test(taking_a_column_gives_its_value_back),
        cmocka_unit_test(several_columns_order_by_the_first_that_differs),
        cmocka_unit_test(a_bound_stands_before_and_its_after_behind_all_that_it_begins),
        cmocka_unit_test(prefixes_order_weakly_whatever_the_bytes),
        cmocka_unit_test(the_bytes_are_as_documented),
        cmocka_unit_test(wrong_sizes_are_invalid_and_leave_the_key_as_it_was),
        cmocka_unit_test(huge_numbers_survive),
        cmocka_unit_test(arbitrary_bytes_are_taken_or_refused),
        cmocka_unit_test(a_decimal_with_an_absurd_exponent_is_corrupt),
        cmocka_unit_test(partitions_order_by_signed_token_then_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
