/* Types: names, which can be keys, what their bytes may be, and how values are ordered (TYP, NUL-7, NUL-8, NUL-12). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/random.h"
#include "cql/type.h"

static const enum type_id all_scalars[] = {
    TYPE_ASCII, TYPE_BIGINT, TYPE_BLOB,     TYPE_BOOLEAN, TYPE_COUNTER,  TYPE_DECIMAL,   TYPE_DOUBLE,
    TYPE_FLOAT, TYPE_INT,    TYPE_TEXT,     TYPE_UUID,    TYPE_VARINT,   TYPE_TIMEUUID,  TYPE_INET,
    TYPE_DATE,  TYPE_TIME,   TYPE_SMALLINT, TYPE_TINYINT, TYPE_DURATION, TYPE_TIMESTAMP,
};

static void assert_text(struct buffer *buffer, const char *wanted)
{
    buffer_append_u8(buffer, 0);
    assert_string_equal((const char *)buffer->data, wanted);
    buffer_clear(buffer);
}

static void names_read_back_to_the_same_type(void **state)
{
    (void)state;
    static const char *const names[] = {
        "int",
        "text",
        "timeuuid",
        "list<int>",
        "frozen<map<text, text>>",
        "map<text, frozen<list<int>>>",
        "frozen<map<text, frozen<set<uuid>>>>",
        "frozen<tuple<int, text>>",
        "set<frozen<list<frozen<set<inet>>>>>",
        "frozen<map<text, blob>>",
        "list<frozen<tuple<int, frozen<list<text>>>>>",
        "vector<float, 3>",
        "frozen<list<vector<text, 1536>>>",
        "udt<\"k\", \"address\", \"street\" text, \"Zip \"\"x\"\"\" frozen<list<int>>>",
        "frozen<udt<\"k\", \"t\", \"a\" frozen<udt<\"k\", \"u\", \"b\" int>>>>",
    };
    struct arena arena = {0};
    struct buffer name = {0};
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        const struct type *type = type_parse(&arena, slice_text(names[i]));
        assert_non_null(type);
        type_definition(&name, type);
        assert_text(&name, names[i]);
        assert_true(type_equal(type, type_copy(&arena, type)));
        assert_true(type_equal(type, type_parse(&arena, slice_text(names[i]))));
    }
    assert_ptr_equal(type_parse(&arena, slice_text("varchar")), type_scalar(TYPE_TEXT));
    static const char *const none[] = {"",
                                       "in",
                                       "ints",
                                       "list",
                                       "list<",
                                       "list<int",
                                       "list<int>>",
                                       "map<int>",
                                       "frozen<int>",
                                       "tuple<>",
                                       "int int",
                                       "list<list<",
                                       "vector<int>",
                                       "vector<int, 0>",
                                       "vector<int, 9999999999>",
                                       "udt<>",
                                       "udt<\"k\", \"t\">",
                                       "udt<\"k",
                                       "t"};
    for (size_t i = 0; i < ARRAY_LEN(none); i++)
        assert_null(type_parse(&arena, slice_text(none[i])));
    buffer_deinit(&name);
    arena_deinit(&arena);
}

static void java_names_are_the_class_names_that_drivers_know(void **state)
{
    (void)state;
    struct arena arena = {0};
    struct buffer name = {0};
    type_java_name(&name, type_scalar(TYPE_INT));
    assert_text(&name, "org.apache.cassandra.db.marshal.Int32Type");
    type_java_name(&name, type_parse(&arena, slice_text("frozen<map<text, bigint>>")));
    assert_text(&name, "org.apache.cassandra.db.marshal.FrozenType(org.apache.cassandra.db.marshal.MapType("
                       "org.apache.cassandra.db.marshal.UTF8Type,org.apache.cassandra.db.marshal.LongType))");
    buffer_deinit(&name);
    arena_deinit(&arena);
}

static void what_has_no_order_is_no_key(void **state)
{
    (void)state;
    struct arena arena = {0};
    for (size_t i = 0; i < ARRAY_LEN(all_scalars); i++) {
        const struct type *type = type_scalar(all_scalars[i]);
        bool is_key = all_scalars[i] != TYPE_DURATION && all_scalars[i] != TYPE_COUNTER; /* TYP-7, CNT-1 */
        assert_int_equal(type_can_be_key(type), is_key);
    }
    assert_false(type_can_be_key(type_parse(&arena, slice_text("list<int>"))));
    assert_true(type_can_be_key(type_parse(&arena, slice_text("frozen<list<int>>"))));
    assert_false(type_can_be_key(type_parse(&arena, slice_text("frozen<list<duration>>"))));
    arena_deinit(&arena);
}

static void an_empty_value_is_one_of_every_type_but_duration(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(all_scalars); i++) /* NUL-7 */
        assert_int_equal(type_validate(type_scalar(all_scalars[i]), slice_of("", 0)),
                         all_scalars[i] != TYPE_DURATION);
}

static void assert_bound(const char *type_text, const void *bytes, size_t count, const char *scylla,
                         const char *cassandra)
{
    struct arena arena = {0};
    struct cql_error error;
    const struct type *type = type_parse(&arena, slice_text(type_text));
    const struct {
        enum cql_profile profile;
        const char *wanted;
    } targets[] = {{PROFILE_SCYLLA_2025_1, scylla}, {PROFILE_CASSANDRA_4_1, cassandra}};
    for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
        cql_error_clear(&error);
        bool taken = type_check_bound(type, slice_of(bytes, count), "position", targets[i].profile, &error);
        assert_int_equal(taken, targets[i].wanted == NULL);
        if (taken)
            continue;
        assert_int_equal(error.code, CQL_INVALID);
        assert_string_equal(error.message, targets[i].wanted);
    }
    arena_deinit(&arena);
}

#define HINT                                                                                              \
    " (Strait: 8 bytes for int look like a JavaScript number, which drivers send as a double unless the " \
    "statement is "                                                                                       \
    "prepared or a type hint is given)"
#define BINDING "Exception while binding column position: marshaling error: "

static void a_bound_value_of_wrong_size_is_refused_in_the_targets_words(void **state)
{
    (void)state;
    /* NUL-12, CRYSTAL-5, CRYSTAL-7 */
    assert_bound("int", "12345678", 8,
                 BINDING
                 "Validation failed for type org.apache.cassandra.db.marshal.Int32Type: got 8 bytes" HINT,
                 "Expected 4 or 0 byte int (8)" HINT);
    assert_bound("int", "1", 1,
                 BINDING "Validation failed for type org.apache.cassandra.db.marshal.Int32Type: got 1 bytes",
                 "Expected 4 or 0 byte int (1)");
    assert_bound("bigint", "1234", 4,
                 BINDING "Validation failed for type org.apache.cassandra.db.marshal.LongType: got 4 bytes",
                 "Expected 8 or 0 byte long (4)");
    assert_bound("uuid", "1234", 4, BINDING "Validation failed for uuid - got 4 bytes",
                 "UUID should be 16 or 0 bytes (4)");
    assert_bound("timestamp", "1234", 4, BINDING "Validation failed for timestamp - got 4 bytes",
                 "Expected 8 or 0 byte long for date (4)");
    assert_bound("boolean", "12", 2, BINDING "Validation failed for boolean, got 2 bytes",
                 "Expected 1 or 0 byte value (2)");
    assert_bound("smallint", "1", 1, BINDING "Expected 2 bytes for a smallint (1)",
                 "Expected 2 bytes for a smallint (1)");
    assert_bound("inet", "12345", 5, BINDING "Validation failed for inet_addr - got 5 bytes",
                 "Expected 4 or 16 byte inetaddress; got 3132333435");
    assert_bound("int", "1234", 4, NULL, NULL);
    assert_bound("int", "", 0, NULL, NULL);
    assert_bound("tinyint", "", 0, NULL, "Expected 1 byte for a tinyint (0)");
}

static void text_must_be_what_it_says(void **state)
{
    (void)state;
    assert_bound("text", "caf\xc3\xa9 \xf0\x9f\x98\x80 and more ascii text", 31, NULL, NULL);
    assert_bound("text", "abcdefghij\xff", 11,
                 BINDING "Validation failed - non-UTF8 character in a UTF8 string, at byte offset 10",
                 "String didn't validate.");
    static const char *const bad[] = {"\xc0\x80", "\xe0\x80\x80",     "\xed\xa0\x80", "\xf4\x90\x80\x80",
                                      "\xc3",     "\xf8\x88\x80\x80", "\x80"};
    for (size_t i = 0; i < ARRAY_LEN(bad); i++)
        assert_false(type_validate(type_scalar(TYPE_TEXT), slice_text(bad[i])));
    assert_bound("ascii", "caf\xc3\xa9", 5,
                 BINDING "Validation failed - non-ASCII character in an ASCII string",
                 "Invalid byte for ascii: -61");
}

static void a_timeuuid_has_version_one(void **state)
{
    (void)state;
    static const uint8_t random_uuid[16] = {1, 2, 3, 4, 5, 6, 0x40, 8, 0x80};
    assert_bound("uuid", random_uuid, 16, NULL, NULL);
    assert_bound("timeuuid", random_uuid, 16, BINDING "Unsupported UUID version (4)",
                 "Invalid version for TimeUUID type: 0x4"); /* TYP-2 */
}

static void a_duration_has_one_sign(void **state)
{
    (void)state;
    assert_bound("duration", "\x02\x04\x06", 3, NULL, NULL);
    assert_bound(
        "duration", "\x02\x03\x06", 3,
        BINDING "The duration months, days, and nanoseconds must be all of the same sign (1, -2, 3)",
        "The duration months, days and nanoseconds must be all of the same sign (1, -2, 3)"); /* TYP-7 */
    assert_bound("duration", "\x02", 1, BINDING "Expected at least 3 bytes for a duration, got 1",
                 "Expected at least 3 bytes for a duration (1)");
    assert_bound("duration", "\x02\x04\x06\x00", 4, BINDING "Cannot deserialize duration",
                 "Cannot deserialize duration");
}

static void collections_are_checked_item_by_item(void **state)
{
    (void)state;
    static const uint8_t two[] = {0, 0, 0, 2, 0, 0, 0, 4, 0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0, 2};
    static const uint8_t with_null[] = {0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff};
    static const uint8_t huge_count[] = {0x7f, 0xff, 0xff, 0xff, 0, 0, 0, 1, 7};
    static const uint8_t negative_count[] = {0xff, 0xff, 0xff, 0xff};
    assert_bound("list<int>", two, sizeof two, NULL, NULL);
    assert_bound("list<int>", two, sizeof two - 1, BINDING "Not enough bytes to read a list",
                 "Not enough bytes to read a list");
    assert_bound("set<bigint>", two, sizeof two,
                 BINDING "Validation failed for type org.apache.cassandra.db.marshal.LongType: got 4 bytes",
                 "Expected 8 or 0 byte long (4)");
    assert_bound("list<int>", with_null, sizeof with_null, BINDING "null is not supported inside collections",
                 "null is not supported inside collections"); /* NUL-8 */
    assert_bound("tuple<int, text>", with_null + 4, 4, NULL, NULL);
    struct arena arena = {0};
    assert_false(type_validate(type_parse(&arena, slice_text("list<tinyint>")),
                               slice_of(huge_count, sizeof huge_count)));
    assert_false(type_validate(type_parse(&arena, slice_text("map<int, int>")), slice_of(negative_count, 4)));
    assert_false(type_validate(type_parse(&arena, slice_text("map<int, int>")), slice_of("", 0)));
    arena_deinit(&arena);
}

/* Literals in strictly rising order. */
static void assert_rising(enum type_id id, enum literal_kind kind, const char *const *literals, size_t count)
{
    const struct type *type = type_scalar(id);
    struct cql_error error;
    struct buffer wires[16] = {0};
    for (size_t i = 0; i < count; i++)
        assert_true(type_from_literal(type, kind, slice_text(literals[i]), "c", PROFILE_SCYLLA_2025_1,
                                      &wires[i], &error));
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < count; j++) {
            int order = type_compare(type, buffer_slice(&wires[i]), buffer_slice(&wires[j]));
            assert_int_equal((order > 0) - (order < 0), (i > j) - (i < j));
        }
        assert_true(type_compare(type, slice_of("", 0), buffer_slice(&wires[i])) < 0); /* NUL-7 */
    }
    for (size_t i = 0; i < count; i++)
        buffer_deinit(&wires[i]);
}

#define RISING(id, kind, ...)                                     \
    do {                                                          \
        static const char *const literals_[] = {__VA_ARGS__};     \
        assert_rising(id, kind, literals_, ARRAY_LEN(literals_)); \
    } while (0)

static void values_order_as_their_types_say(void **state)
{
    (void)state;
    RISING(TYPE_INT, LITERAL_INTEGER, "-2147483648", "-1", "0", "1", "2147483647");
    RISING(TYPE_TINYINT, LITERAL_INTEGER, "-128", "-1", "0", "127");
    RISING(TYPE_DOUBLE, LITERAL_FLOAT, "-Infinity", "-1.5", "-0.0", "0.0", "1e-300", "1.5", "Infinity",
           "NaN"); /* TYP-3 */
    RISING(TYPE_FLOAT, LITERAL_FLOAT, "-Infinity", "-1.5", "-0.0", "0.0", "1.5", "Infinity", "NaN");
    RISING(TYPE_TEXT, LITERAL_STRING, "A", "a", "aa", "b", "\xc3\xa9"); /* TYP-4 */
    RISING(TYPE_DATE, LITERAL_STRING, "-0001-01-01", "1969-12-31", "1970-01-01", "2024-02-29");
    RISING(TYPE_TIMESTAMP, LITERAL_STRING, "1969-12-31", "1970-01-01", "2024-02-29 10:00:00+0200",
           "2024-02-29 09:00:00Z");
    RISING(TYPE_VARINT, LITERAL_INTEGER, "-100000000000000000000", "-256", "-129", "-128", "-1", "0", "127",
           "128", "255", "100000000000000000000");
    RISING(TYPE_DECIMAL, LITERAL_FLOAT, "-1e20", "-1.5", "-1.05", "-1e-20", "0.0", "1e-20", "1.05", "1.5",
           "1e20", "1e2000000000");
    RISING(TYPE_INET, LITERAL_STRING, "1.2.3.4", "127.0.0.1", "200.0.0.1");
}

static void uuids_order_by_version_then_time_then_bytes(void **state)
{
    (void)state;
    /* TYP-1: time beats the bytes, and every version 1 comes before every version 4. */
    RISING(TYPE_UUID, LITERAL_UUID, "ffffffff-0000-1000-8000-000000000000",
           "00000000-0001-1000-8000-000000000000", "00000000-0001-1000-8000-000000000001",
           "00000000-0000-4000-8000-000000000000", "00000000-0000-4000-8000-0000000000ff");
    /* TYP-2: equal times go by signed low bytes. */
    RISING(TYPE_TIMEUUID, LITERAL_UUID, "00000000-0000-1000-8080-808080808080",
           "00000000-0000-1000-ff80-808080808080", "00000000-0000-1000-0080-808080808080",
           "00000000-0000-1000-7f7f-7f7f7f7f7f7f", "00000001-0000-1000-8080-808080808080",
           "00000000-0001-1000-8080-808080808080");
}

static void equal_numbers_of_other_scale_compare_equal(void **state)
{
    (void)state;
    struct cql_error error;
    struct buffer a = {0}, b = {0};
    const struct type *type = type_scalar(TYPE_DECIMAL);
    assert_true(
        type_from_literal(type, LITERAL_FLOAT, slice_text("1.0"), "c", PROFILE_SCYLLA_2025_1, &a, &error));
    assert_true(
        type_from_literal(type, LITERAL_FLOAT, slice_text("1.000"), "c", PROFILE_SCYLLA_2025_1, &b, &error));
    assert_false(slice_equal(buffer_slice(&a), buffer_slice(&b))); /* TYP-5 */
    assert_int_equal(type_compare(type, buffer_slice(&a), buffer_slice(&b)), 0);
    buffer_deinit(&a);
    buffer_deinit(&b);
}

static void collections_order_item_by_item(void **state)
{
    (void)state;
    struct arena arena = {0};
    const struct type *type = type_parse(&arena, slice_text("frozen<list<tinyint>>"));
    static const uint8_t one[] = {0, 0, 0, 1, 0, 0, 0, 1, 0xff},
                         two[] = {0, 0, 0, 2, 0, 0, 0, 1, 0xff, 0, 0, 0, 1, 5},
                         other[] = {0, 0, 0, 1, 0, 0, 0, 1, 1};
    assert_true(type_compare(type, slice_of(one, sizeof one), slice_of(two, sizeof two)) < 0);
    assert_true(type_compare(type, slice_of(two, sizeof two), slice_of(other, sizeof other)) <
                0); /* -1 < 1 */
    assert_int_equal(type_compare(type, slice_of(two, sizeof two), slice_of(two, sizeof two)), 0);
    arena_deinit(&arena);
}

/* A random value of a fixed or variable size that is valid. */
static struct slice random_value(const struct type *type, struct random *rng, uint8_t *room)
{
    static const uint8_t sizes[] = {
        [TYPE_BIGINT] = 8,    [TYPE_BOOLEAN] = 1, [TYPE_DOUBLE] = 8,    [TYPE_FLOAT] = 4, [TYPE_INT] = 4,
        [TYPE_TIMESTAMP] = 8, [TYPE_UUID] = 16,   [TYPE_TIMEUUID] = 16, [TYPE_DATE] = 4,  [TYPE_TIME] = 8,
        [TYPE_SMALLINT] = 2,  [TYPE_TINYINT] = 1, [TYPE_DURATION] = 0};
    for (;;) {
        size_t bytes = sizes[type->id] ? sizes[type->id] : random_below(rng, 12);
        /* Few distinct bytes, so that prefixes are often equal. */
        static const uint8_t choice[] = {0, 1, 0x10, 0x40, 0x7f, 0x80, 0xff, 'a'};
        for (size_t i = 0; i < bytes; i++)
            room[i] = choice[random_below(rng, sizeof choice)];
        if (type->id == TYPE_BOOLEAN)
            room[0] &= 1;
        if (type->id == TYPE_DECIMAL && bytes > 4)
            room[0] = room[1] = room[2] = 0;
        if (type_validate(type, slice_of(room, bytes)))
            return slice_of(room, bytes);
    }
}

static void encoded_keys_order_as_the_values_do(void **state)
{
    (void)state;
    struct random rng = {.state = 20240229};
    for (size_t t = 0; t < ARRAY_LEN(all_scalars); t++) {
        const struct type *type = type_scalar(all_scalars[t]);
        if (!type_can_be_key(type))
            continue;
        for (int i = 0; i < 2000; i++) {
            uint8_t rooms[2][16];
            struct slice a = random_value(type, &rng, rooms[0]), b = random_value(type, &rng, rooms[1]);
            struct buffer keys[2] = {0};
            for (int descending = 0; descending < 2; descending++) {
                struct key_column column = type->key;
                column.descending = descending;
                assert_true(ok(key_append(&keys[0], column, a)) && ok(key_append(&keys[1], column, b)));
                int by_key = slice_compare(buffer_slice(&keys[0]), buffer_slice(&keys[1]));
                int by_value = type_compare(type, a, b);
                by_value = descending ? -by_value : by_value; /* TYP-6 */
                if ((by_key > 0) - (by_key < 0) != (by_value > 0) - (by_value < 0))
                    fail_msg("type %s, pair %d: keys %d, values %d", type_scalar_name(type->id), i, by_key,
                             by_value);
                buffer_clear(&keys[0]);
                buffer_clear(&keys[1]);
            }
            buffer_deinit(&keys[0]);
            buffer_deinit(&keys[1]);
        }
    }
}

/* Few items of few values, so that one is often the beginning of another. */
static struct slice random_composite(struct arena *arena, const struct type *type, struct random *rng)
{
    if (type_scalar(type->id)) {
        uint8_t *room = arena_bytes(arena, 16);
        assert_non_null(room);
        return random_value(type, rng, room);
    }
    bool members = type_has_members(type);
    uint32_t count = type->id == TYPE_VECTOR ? type->dimension
                     : members               ? (uint32_t)random_below(rng, type->member_count + 1)
                               : (uint32_t)random_below(rng, 4) * (type->id == TYPE_MAP ? 2 : 1);
    struct type_value values[16] = {0};
    for (uint32_t i = 0; i < count; i++) {
        values[i].is_null = members && random_below(rng, 3) == 0;
        if (!values[i].is_null)
            values[i].bytes = random_composite(arena, type_item(type, i), rng);
    }
    struct buffer wire = {0};
    assert_true(type_compose(&wire, arena, type, values, count));
    struct slice copy = arena_copy(arena, buffer_slice(&wire));
    buffer_deinit(&wire);
    return copy;
}

static void composite_keys_order_and_come_back_as_the_values_do(void **state)
{
    (void)state;
    static const char *const types[] = {
        "frozen<list<int>>",
        "frozen<set<text>>",
        "frozen<map<tinyint, varint>>",
        "frozen<tuple<int, text, double>>",
        "frozen<list<frozen<set<frozen<list<tinyint>>>>>>",
        "frozen<udt<\"k\", \"t\", \"a\" tinyint, \"b\" frozen<list<decimal>>, \"c\" text>>",
        "frozen<map<frozen<tuple<tinyint, tinyint>>, frozen<set<tinyint>>>>",
        "vector<int, 3>",
        "vector<text, 2>",
        "vector<tinyint, 2>",
        "frozen<list<vector<float, 2>>>",
    };
    struct random rng = {.state = 7};
    struct arena arena = {0};
    for (size_t t = 0; t < ARRAY_LEN(types); t++)
        for (int i = 0; i < 1000; i++) {
            arena_reset(&arena);
            const struct type *type = type_parse(&arena, slice_text(types[t]));
            assert_non_null(type);
            assert_true(type_can_be_key(type));
            struct slice a = random_composite(&arena, type, &rng), b = random_composite(&arena, type, &rng);
            assert_true(!a.bytes || type_validate(type, a));
            struct buffer keys[2] = {0}, back = {0};
            struct key_column column = type->key;
            column.descending = i % 2;
            if (!a.bytes || !b.bytes)
                continue; /* the empty value has an order of its own */
            assert_true(ok(key_append(&keys[0], column, a)) && ok(key_append(&keys[1], column, b)));
            int by_key = slice_compare(buffer_slice(&keys[0]), buffer_slice(&keys[1]));
            int by_value = i % 2 ? type_compare(type, b, a) : type_compare(type, a, b);
            if ((by_key > 0) - (by_key < 0) != (by_value > 0) - (by_value < 0))
                fail_msg("%s, pair %d: keys %d, values %d", types[t], i, by_key, by_value);
            struct reader in = reader_of(buffer_slice(&keys[0]));
            assert_true(ok(key_take(&in, column, &back)) && !reader_left(&in));
            assert_true(type_validate(type, buffer_slice(&back)));
            assert_int_equal(type_compare(type, a, buffer_slice(&back)), 0);
            buffer_deinit(&keys[0]);
            buffer_deinit(&keys[1]);
            buffer_deinit(&back);
        }
    arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_read_back_to_the_same_type),
        cmocka_unit_test(java_names_are_the_class_names_that_drivers_know),
        cmocka_unit_test(what_has_no_order_is_no_key),
        cmocka_unit_test(an_empty_value_is_one_of_every_type_but_duration),
        cmocka_unit_test(a_bound_value_of_wrong_size_is_refused_in_the_targets_words),
        cmocka_unit_test(text_must_be_what_it_says),
        cmocka_unit_test(a_timeuuid_has_version_one),
        cmocka_unit_test(a_duration_has_one_sign),
        cmocka_unit_test(collections_are_checked_item_by_item),
        cmocka_unit_test(values_order_as_their_types_say),
        cmocka_unit_test(uuids_order_by_version_then_time_then_bytes),
        cmocka_unit_test(equal_numbers_of_other_scale_compare_equal),
        cmocka_unit_test(collections_order_item_by_item),
        cmocka_unit_test(encoded_keys_order_as_the_values_do),
        cmocka_unit_test(composite_keys_order_and_come_back_as_the_values_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
