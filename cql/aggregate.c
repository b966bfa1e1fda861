#include "cql/aggregate.h"

#include <string.h>

#include "cql/number.h"
#include "cql/type_internal.h"

/* How many bytes a whole number of the type has; 0 when it is none. */
static size_t whole_bytes(const struct type *type)
{
    switch (type->id) {
    case TYPE_TINYINT: return 1;
    case TYPE_SMALLINT: return 2;
    case TYPE_INT: return 4;
    case TYPE_BIGINT:
    case TYPE_COUNTER: return 8;
    default: return 0;
    }
}

static bool is_floating(const struct type *type)
{
    return type->id == TYPE_FLOAT || type->id == TYPE_DOUBLE;
}

/* Numbers of any size: their sum is kept in `best`, as bytes of the type. */
static bool is_big(const struct type *type)
{
    return type->id == TYPE_VARINT || type->id == TYPE_DECIMAL;
}

const struct type *aggregate_type(enum aggregate_kind kind, const struct type *type, bool all)
{
    switch (kind) {
    case AGGREGATE_COUNT_ALL:
    case AGGREGATE_COUNT: return type_scalar(TYPE_BIGINT);
    case AGGREGATE_MIN:
    case AGGREGATE_MAX: return type->id == TYPE_DURATION && !all ? NULL : type;
    case AGGREGATE_SUM:
    case AGGREGATE_AVG:
        if (type->id == TYPE_COUNTER && !all)
            return type_scalar(TYPE_BIGINT);
        return whole_bytes(type) || is_floating(type) || is_big(type) ? type : NULL;
    }
    return NULL;
}

void aggregate_init(struct aggregate *aggregate, enum aggregate_kind kind, const struct type *type,
                    struct arena *arena, bool runs)
{
    *aggregate = (struct aggregate){.kind = kind, .type = type, .arena = arena};
    aggregate->runs = runs && kind == AGGREGATE_AVG && type->id == TYPE_DECIMAL;
}

static void keep(struct aggregate *aggregate, struct slice value)
{
    if (value.bytes > aggregate->best_capacity_bytes || !aggregate->best.data) {
        size_t capacity = value.bytes < 16 ? 16 : value.bytes * 2;
        uint8_t *room = arena_bytes(aggregate->arena, capacity);
        if (!room) {
            aggregate->failed = true;
            return;
        }
        aggregate->best.data = room;
        aggregate->best_capacity_bytes = capacity;
    }
    if (value.bytes)
        memcpy((uint8_t *)(uintptr_t)aggregate->best.data, value.data, value.bytes);
    aggregate->best.bytes = value.bytes;
}

/* average + (value - average) / count, each step with the scale it comes to. */
static void move_average(struct aggregate *aggregate, struct slice value, struct buffer *out)
{
    struct buffer apart = {0}, share = {0};
    aggregate->overflows |= !decimal_operate(&apart, '-', value, aggregate->best);
    if (!aggregate->overflows && !apart.failed) {
        decimal_divide(&share, buffer_slice(&apart), aggregate->count);
        aggregate->overflows |= share.failed || !decimal_add(out, aggregate->best, buffer_slice(&share));
    }
    aggregate->failed |= apart.failed || share.failed;
    buffer_deinit(&apart);
    buffer_deinit(&share);
}

static void add_big(struct aggregate *aggregate, struct slice value)
{
    bool decimal = aggregate->type->id == TYPE_DECIMAL;
    if (!value.bytes || (decimal && value.bytes < 5))
        return;
    if (!aggregate->best.data) {
        keep(aggregate, value);
        return;
    }
    struct buffer sum = {0};
    if (aggregate->runs)
        move_average(aggregate, value, &sum);
    else if (decimal)
        aggregate->overflows |= !decimal_add(&sum, aggregate->best, value);
    else
        varint_add(&sum, aggregate->best, value);
    if (sum.failed)
        aggregate->failed = true;
    else if (sum.bytes)
        keep(aggregate, buffer_slice(&sum));
    buffer_deinit(&sum);
}

void aggregate_add(struct aggregate *aggregate, struct cql_value value)
{
    if (aggregate->kind == AGGREGATE_COUNT_ALL) {
        aggregate->count++;
        return;
    }
    if (value.kind != CQL_VALUE)
        return;
    bool first = !aggregate->count++;
    switch (aggregate->kind) {
    case AGGREGATE_COUNT_ALL:
    case AGGREGATE_COUNT: break;
    case AGGREGATE_MIN:
        if (first || type_compare(aggregate->type, value.bytes, aggregate->best) < 0)
            keep(aggregate, value.bytes);
        break;
    case AGGREGATE_MAX:
        if (first || type_compare(aggregate->type, value.bytes, aggregate->best) > 0)
            keep(aggregate, value.bytes);
        break;
    case AGGREGATE_SUM:
    case AGGREGATE_AVG:
        if (is_big(aggregate->type))
            add_big(aggregate, value.bytes);
        else if (is_floating(aggregate->type))
            aggregate->floating += floating_read(value.bytes);
        else
            aggregate->whole += type_integer(value.bytes);
        break;
    }
}

static bool put_whole(const struct aggregate *aggregate, aggregate_whole number, size_t bytes, bool wrap,
                      struct cql_value *out)
{
    aggregate_whole limit = (aggregate_whole)1 << (8 * bytes - 1);
    if ((number >= limit || number < -limit) && !wrap)
        return false;
    uint8_t wire[8];
    store_be64(wire, (uint64_t)number);
    *out = (struct cql_value){.kind = CQL_VALUE,
                              .bytes = arena_copy(aggregate->arena, slice_of(wire + 8 - bytes, bytes))};
    return true;
}

static bool put_floating(const struct aggregate *aggregate, double number, struct cql_value *out)
{
    uint8_t wire[8];
    size_t bytes = 8;
    if (aggregate->type->id == TYPE_FLOAT) {
        float narrow = (float)number;
        uint32_t bits;
        memcpy(&bits, &narrow, sizeof bits);
        store_be32(wire, bits);
        bytes = 4;
    } else {
        uint64_t bits;
        memcpy(&bits, &number, sizeof bits);
        store_be64(wire, bits);
    }
    *out =
        (struct cql_value){.kind = CQL_VALUE, .bytes = arena_copy(aggregate->arena, slice_of(wire, bytes))};
    return true;
}

/* Nothing added is 0: a zero byte, behind a scale of zero for a decimal. */
static bool put_big(const struct aggregate *aggregate, int64_t divisor, struct cql_value *out)
{
    static const uint8_t zeroes[5] = {0};
    bool decimal = aggregate->type->id == TYPE_DECIMAL;
    struct slice sum = aggregate->best;
    if (aggregate->overflows)
        return false;
    if (!sum.data)
        sum = slice_of(zeroes, decimal ? 5 : 1);
    struct buffer wire = {0};
    if (divisor == 1)
        buffer_append_slice(&wire, sum);
    else if (decimal)
        decimal_divide(&wire, sum, divisor);
    else
        varint_divide(&wire, sum, divisor);
    *out = (struct cql_value){.kind = CQL_VALUE, .bytes = arena_copy(aggregate->arena, buffer_slice(&wire))};
    bool made = !wire.failed && out->bytes.data;
    buffer_deinit(&wire);
    return made;
}

bool aggregate_result(const struct aggregate *aggregate, bool wrap, struct cql_value *out_value)
{
    int64_t count = aggregate->count;
    bool average = aggregate->kind == AGGREGATE_AVG;
    switch (aggregate->kind) {
    case AGGREGATE_COUNT_ALL:
    case AGGREGATE_COUNT: return put_whole(aggregate, count, 8, false, out_value);
    case AGGREGATE_MIN:
    case AGGREGATE_MAX:
        *out_value = (struct cql_value){.kind = count ? CQL_VALUE : CQL_NULL, .bytes = aggregate->best};
        return true;
    case AGGREGATE_SUM:
    case AGGREGATE_AVG: break;
    }
    int64_t divisor = average && count && !aggregate->runs ? count : 1; /* over nothing both are 0 */
    if (is_big(aggregate->type))
        return put_big(aggregate, divisor, out_value);
    if (is_floating(aggregate->type))
        return put_floating(aggregate, aggregate->floating / (double)divisor, out_value);
    return put_whole(aggregate, aggregate->whole / divisor, whole_bytes(aggregate->type), wrap, out_value);
}
