/* Bytes that grow, and bytes that are read back within bounds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "base/reader.h"

static void what_was_appended_reads_back(void **state)
{
    (void)state;
    static const uint64_t numbers[] = {0, 1, 127, 128, 16383, 16384, UINT32_MAX, UINT64_MAX};
    struct buffer buf = {0};
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        buffer_append_varint(&buf, numbers[i]);
        buffer_append_be64(&buf, numbers[i]);
        buffer_append_le32(&buf, (uint32_t)numbers[i]);
    }
    buffer_append_be16(&buf, 0xabcd);
    buffer_printf(&buf, "%s-%d", "text", 7);
    assert_true(ok(buffer_status(&buf)));

    struct reader in = reader_of(buffer_slice(&buf));
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        assert_true(reader_varint(&in) == numbers[i]);
        assert_true(reader_be64(&in) == numbers[i]);
        assert_true(reader_le32(&in) == (uint32_t)numbers[i]);
    }
    assert_int_equal(reader_be16(&in), 0xabcd);
    assert_true(slice_equal(reader_take(&in, 6), slice_text("text-7")));
    assert_true(ok(reader_status(&in)));
    assert_int_equal(reader_left(&in), 0);
    buffer_deinit(&buf);
}

static void nothing_can_be_appended_to_nothing(void **state)
{
    (void)state;
    struct buffer buf = {0};
    buffer_append(&buf, NULL, 0);
    assert_non_null(buffer_extend(&buf, 0));
    assert_int_equal(buf.bytes, 0);
    assert_true(ok(buffer_status(&buf)));
    buffer_deinit(&buf);
}

static void an_impossible_size_is_remembered_as_a_failure(void **state)
{
    (void)state;
    struct buffer buf = {0};
    buffer_append_u8(&buf, 1);
    assert_null(buffer_extend(&buf, SIZE_MAX / 2 + 1));
    buffer_append_u8(&buf, 2);
    assert_int_equal(buf.bytes, 1);
    assert_int_equal(buffer_status(&buf).code, STATUS_NOMEM);
    buffer_clear(&buf);
    assert_true(ok(buffer_status(&buf)));
    buffer_deinit(&buf);
}

static void a_read_past_the_end_sticks(void **state)
{
    (void)state;
    struct reader in = reader_of(slice_of("\x01\x02", 2));
    assert_int_equal(reader_be32(&in), 0);
    assert_int_equal(reader_u8(&in), 0);
    assert_int_equal(reader_status(&in).code, STATUS_CORRUPT);
}

static void varints_beyond_64_bits_are_refused(void **state)
{
    (void)state;
    static const uint8_t overlong[11] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01};
    static const uint8_t overflow[10] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02};
    struct reader in = reader_of(slice_of(overlong, sizeof overlong));
    reader_varint(&in);
    assert_true(in.failed);
    in = reader_of(slice_of(overflow, sizeof overflow));
    reader_varint(&in);
    assert_true(in.failed);
}

static void zigzag_keeps_small_magnitudes_small(void **state)
{
    (void)state;
    static const int64_t numbers[] = {0, -1, 1, -2, 2, INT64_MAX, INT64_MIN};
    static const uint64_t encoded[] = {0, 1, 2, 3, 4, UINT64_MAX - 1, UINT64_MAX};
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
        assert_true(zigzag_encode(numbers[i]) == encoded[i]);
        assert_true(zigzag_decode(encoded[i]) == numbers[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_appended_reads_back),
        cmocka_unit_test(nothing_can_be_appended_to_nothing),
        cmocka_unit_test(an_impossible_size_is_remembered_as_a_failure),
        cmocka_unit_test(a_read_past_the_end_sticks),
        cmocka_unit_test(varints_beyond_64_bits_are_refused),
        cmocka_unit_test(zigzag_keeps_small_magnitudes_small),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
