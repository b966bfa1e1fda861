/*
 * A type's name, a zero byte, and the bytes of a value: what validates prints in every style, compares equal to itself, and
 * its literal reads back to the same value; its JSON is JSON; in order it is the same value still; and as a key it comes
 * back. What does not validate still prints and compares. The value is read as JSON, too.
 */
#include <stdlib.h>

#include "cql/function.h"
#include "cql/json.h"
#include "cql/type.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

enum { VALUE_BYTES_MAX = 4096 };

static void require(bool truth)
{
    if (!truth)
        abort();
}

static enum literal_kind literal_kind_of(const struct type *type, struct slice literal)
{
    for (int kind = LITERAL_STRING; kind <= LITERAL_DURATION; kind++) {
        if (!type_accepts_literal(type, (enum literal_kind)kind))
            continue;
        bool quoted = literal.bytes && literal.data[0] == '\'';
        if (quoted == (kind == LITERAL_STRING))
            return (enum literal_kind)kind;
    }
    return LITERAL_INTEGER;
}

/* 'it''s' as the parser would hand it on. */
static struct slice unquoted(struct buffer *literal)
{
    if (!literal->bytes || literal->data[0] != '\'')
        return buffer_slice(literal);
    size_t to = 0;
    for (size_t from = 1; from + 1 < literal->bytes; from++) {
        literal->data[to++] = literal->data[from];
        from += literal->data[from] == '\'';
    }
    return slice_of(literal->data, to);
}

static void read_back(const struct type *type, struct slice value, struct buffer *literal)
{
    if (!type_scalar_name(type->id) || (!value.bytes && literal->bytes > 2))
        return;
    struct buffer wire = {0};
    struct cql_error error;
    enum literal_kind kind = literal_kind_of(type, buffer_slice(literal));
    bool read = type_from_literal(type, kind, unquoted(literal), "c", PROFILE_SCYLLA_2025_1, &wire, &error);
    /* A time past midnight is valid on the wire and has no literal. */
    require(read || type->id == TYPE_TIME);
    if (read)
        require(type_validate(type, buffer_slice(&wire)));
    /* The bytes of a duration may be longer than they need to be, and durations are compared as bytes. */
    if (read && type->id != TYPE_DURATION)
        require(type_compare(type, buffer_slice(&wire), value) == 0);
    buffer_deinit(&wire);
}

static void cast_to_all(const struct type *type, struct slice value)
{
    for (int id = TYPE_ASCII; id <= TYPE_DURATION; id++) {
        const struct type *to = type_scalar((enum type_id)id);
        if (!to || !function_can_cast(type, to))
            continue;
        struct buffer wire = {0};
        struct cql_error error;
        bool null;
        if (function_cast(type, to, value, PROFILE_SCYLLA_2025_1, &wire, &null, &error) && !null &&
            type != to)
            require(type_validate(to, buffer_slice(&wire)));
        buffer_deinit(&wire);
    }
}

/* What is read of JSON is a value. */
static void try_json(const struct type *type, struct slice text, bool is_json)
{
    struct json_value json;
    size_t at;
    const char *why;
    bool parsed = json_parse(text, &json, &at, &why);
    require(parsed || (!is_json && at <= text.bytes));
    for (int profile = 0; parsed && profile < CQL_PROFILES; profile++) {
        struct arena scratch = {0};
        struct buffer wire = {0};
        char refusal[TYPE_WHY_BYTES];
        const struct cql_target *target = cql_target_of((enum cql_profile)profile);
        if (json.kind != JSON_NULL && type_from_json(type, json, target, &scratch, &wire, refusal))
            /* Cassandra reads "" as an empty duration, which it refuses when it is bound. */
            require(type_validate(type, buffer_slice(&wire)) || (!wire.bytes && !target->is_scylla));
        else
            require(!wire.bytes);
        buffer_deinit(&wire);
        arena_deinit(&scratch);
    }
}

static void try_order(const struct type *type, struct slice value)
{
    struct arena arena = {0};
    struct slice sorted = value;
    require(type_normalize(&arena, type, &sorted));
    require(type_validate(type, sorted));
    struct slice again = sorted;
    require(type_normalize(&arena, type, &again) && slice_equal(again, sorted));
    if (type_can_be_key(type)) {
        struct buffer key = {0}, back = {0};
        require(ok(key_append(&key, type->key, sorted)));
        struct reader in = reader_of(buffer_slice(&key));
        require(ok(key_take(&in, type->key, &back)) && !reader_left(&in));
        require(type_compare(type, sorted, buffer_slice(&back)) == 0);
        buffer_deinit(&key);
        buffer_deinit(&back);
    }
    arena_deinit(&arena);
}

static void try_value(const struct type *type, struct slice value)
{
    struct buffer out = {0};
    struct cql_error error;
    type_check_bound(type, value, "c", PROFILE_CASSANDRA_4_1, &error);
    type_text(&out, type, value);
    buffer_clear(&out);
    type_json(&out, type, value);
    try_json(type, buffer_slice(&out), type_validate(type, value));
    try_json(type, value, false);
    buffer_clear(&out);
    type_literal(&out, type, value);
    require(type_compare(type, value, value) == 0);
    if (type_validate(type, value)) {
        read_back(type, value, &out);
        try_order(type, value);
        cast_to_all(type, value);
    }
    buffer_deinit(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    const uint8_t *end = bytes ? memchr(data, 0, bytes) : NULL;
    if (!end || bytes > VALUE_BYTES_MAX)
        return 0;
    struct arena arena = {0};
    size_t name_bytes = (size_t)(end - data);
    const struct type *type = type_parse(&arena, slice_of(data, name_bytes));
    if (type) {
        struct slice rest = slice_of(end + 1, bytes - name_bytes - 1);
        try_value(type, rest);
        try_value(type, slice_of(rest.data, rest.bytes / 2));
        struct slice half = slice_of(rest.data, rest.bytes / 2);
        require((type_compare(type, rest, half) > 0) == (type_compare(type, half, rest) < 0));
    }
    arena_deinit(&arena);
    return 0;
}
