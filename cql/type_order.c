#include "cql/number.h"
#include "cql/type_internal.h"
#include "cql/uuid.h"

int type_compare_bytes(struct slice a, struct slice b)
{
    return slice_compare(a, b);
}

int type_compare_integer(struct slice a, struct slice b)
{
    int64_t left = type_integer(a), right = type_integer(b);
    return (left > right) - (left < right);
}

int type_compare_boolean(struct slice a, struct slice b)
{
    return (a.data[0] != 0) - (b.data[0] != 0);
}

/* IEEE bits as an integer that orders as TYP-3 wants: every NaN alike and last, -0 before +0. */
static uint64_t double_rank(struct slice wire)
{
    uint64_t bits = load_be64(wire.data);
    uint64_t exponent = UINT64_C(0x7ff) << 52;
    if ((bits & exponent) == exponent && bits << 12)
        return UINT64_MAX;
    return bits >> 63 ? ~bits : bits | UINT64_C(1) << 63;
}

static uint32_t float_rank(struct slice wire)
{
    uint32_t bits = load_be32(wire.data);
    uint32_t exponent = UINT32_C(0xff) << 23;
    if ((bits & exponent) == exponent && bits << 9)
        return UINT32_MAX;
    return bits >> 31 ? ~bits : bits | UINT32_C(1) << 31;
}

int type_compare_double(struct slice a, struct slice b)
{
    uint64_t left = double_rank(a), right = double_rank(b);
    return (left > right) - (left < right);
}

int type_compare_float(struct slice a, struct slice b)
{
    uint32_t left = float_rank(a), right = float_rank(b);
    return (left > right) - (left < right);
}

static int compare_ticks(const uint8_t *a, const uint8_t *b)
{
    uint64_t left = timeuuid_ticks(a), right = timeuuid_ticks(b);
    return (left > right) - (left < right);
}

int type_compare_uuid(struct slice a, struct slice b)
{
    uint32_t left = uuid_version(a.data), right = uuid_version(b.data);
    if (left != right)
        return left > right ? 1 : -1;
    int order = left == 1 ? compare_ticks(a.data, b.data) : 0;
    return order ? order : memcmp(a.data, b.data, UUID_BYTES);
}

int type_compare_timeuuid(struct slice a, struct slice b)
{
    int order = compare_ticks(a.data, b.data);
    for (size_t i = 8; i < UUID_BYTES && !order; i++)
        order = (int8_t)a.data[i] - (int8_t)b.data[i];
    return order;
}

/* Null before every value. */
static int compare_one(const struct type *type, struct slice a, bool a_null, struct slice b, bool b_null)
{
    if (a_null || b_null)
        return (int)b_null - (int)a_null;
    return type_compare(type, a, b);
}

/* Members that are not there are null. */
static int compare_members(const struct type *type, struct slice a, struct slice b)
{
    struct type_items left = type_items_of(type, a), right = type_items_of(type, b);
    int order = 0;
    for (uint32_t i = 0; i < type->member_count && !order; i++) {
        struct slice left_item = {0}, right_item = {0};
        bool left_null = true, right_null = true;
        type_items_next(&left, &left_item, &left_null);
        type_items_next(&right, &right_item, &right_null);
        order = compare_one(type->members[i], left_item, left_null, right_item, right_null);
    }
    return order;
}

static int compare_items(const struct type *type, struct slice a, struct slice b)
{
    struct type_items left = type_items_of(type, a), right = type_items_of(type, b);
    for (uint32_t i = 0;; i++) {
        struct slice left_item = {0}, right_item = {0};
        bool left_null = true, right_null = true;
        bool has_left = type_items_next(&left, &left_item, &left_null);
        bool has_right = type_items_next(&right, &right_item, &right_null);
        if (!has_left || !has_right)
            return has_left - has_right;
        int order = compare_one(type_item(type, i), left_item, left_null, right_item, right_null);
        if (order)
            return order;
    }
}

int type_compare(const struct type *type, struct slice a, struct slice b)
{
    if (!a.bytes || !b.bytes)
        return (a.bytes > 0) - (b.bytes > 0);
    const struct type_row *row = type_row(type->id);
    if (!row)
        return type_has_members(type) ? compare_members(type, a, b) : compare_items(type, a, b);
    /* Bytes that are no value of the type still need an order. */
    if (row->wire_bytes && (a.bytes != row->wire_bytes || b.bytes != row->wire_bytes))
        return slice_compare(a, b);
    return row->compare(a, b);
}
