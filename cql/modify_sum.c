/*
 * modify_sum.c: SET n = n + 1 on a column that is no counter, which only a conditional statement may say (LWT-10). Its
 * partition is locked from the reading to the writing, so that no sum is lost. Null stays null.
 */
#include "cql/modify_internal.h"
#include "cql/number.h"

/* ---- what may be added up ---- */

static bool is_text(const struct type *type)
{
    return type->id == TYPE_TEXT || type->id == TYPE_ASCII;
}

static unsigned whole_bytes(const struct type *type)
{
    switch (type->id) {
    case TYPE_TINYINT: return 1;
    case TYPE_SMALLINT: return 2;
    case TYPE_INT: return 4;
    case TYPE_BIGINT: return 8;
    default: return 0;
    }
}

bool modify_may_sum(const struct plan_builder *builder, const struct ast_assignment *ast)
{
    const struct cql_target *target = builder->context->target;
    return builder->conditional && ((ast->kind == ASSIGN_ADD && target->conditional_addition) ||
                                    (ast->kind == ASSIGN_SUBTRACT && target->conditional_subtraction));
}

bool modify_compile_sum(struct plan_builder *builder, const struct ast_assignment *ast,
                        const struct cql_column *column, const char *operation, struct modify_cell *cell)
{
    const struct type *type = column->type;
    bool texts = !builder->context->target->is_scylla;
    if (!type_is_number(type) && !(texts && is_text(type)))
        return texts
                   ? BUILD_REFUSE_AT(builder, ast->column.at, MSG_ASSIGN_NON_NUMERIC, operation, column->name)
                   : BUILD_REFUSE_AT(builder, ast->column.at, MSG_ASSIGN_OPERATION, operation, column->name);
    cell->operation = ast->kind == ASSIGN_ADD ? MODIFY_SUM : MODIFY_DIFFERENCE;
    return term_compile(builder, ast->value, column->name, type, &cell->value);
}

/* ---- sums ---- */

static int64_t whole_of(struct slice wire)
{
    uint64_t value = wire.data[0] & 0x80 ? UINT64_MAX : 0;
    for (size_t i = 0; i < wire.bytes; i++)
        value = value << 8 | wire.data[i];
    return (int64_t)value;
}

/* False when the sum does not fit; *out wraps around then. */
static bool sum_whole(unsigned bytes, bool subtract, int64_t a, int64_t b, int64_t *out)
{
    bool fits = subtract ? !__builtin_sub_overflow(a, b, out) : !__builtin_add_overflow(a, b, out);
    if (bytes == 8)
        return fits;
    int64_t limit = INT64_C(1) << (8 * bytes - 1);
    return *out >= -limit && *out < limit;
}

static bool put_sum(struct plan_run *run, const struct modify_cell *cell, struct slice a, struct slice b,
                    struct buffer *out)
{
    const struct type *type = cell->column->type;
    bool subtract = cell->operation == MODIFY_DIFFERENCE, fits = true;
    unsigned bytes = whole_bytes(type);
    if (is_text(type)) {
        buffer_append_slice(out, a);
        buffer_append_slice(out, b);
    } else if (type->id == TYPE_VARINT) {
        fits = varint_operate(out, subtract ? '-' : '+', a, b);
    } else if (type->id == TYPE_DECIMAL) {
        fits = decimal_operate(out, subtract ? '-' : '+', a, b);
    } else if (!bytes) {
        floating_append(out, floating_read(a) + (subtract ? -floating_read(b) : floating_read(b)),
                        type->id == TYPE_FLOAT);
    } else {
        int64_t sum;
        fits = sum_whole(bytes, subtract, whole_of(a), whole_of(b), &sum) ||
               !run->context->target->conditional_overflow_refused;
        for (unsigned i = bytes; i-- > 0;)
            buffer_append_u8(out, (uint8_t)((uint64_t)sum >> (8 * i)));
    }
    return fits || RUN_REFUSE(run, MSG_SUM_OUT_OF_RANGE, cell->column->name);
}

/* Bytes of a value that can be added up; an empty one counts as null, but for texts. */
static bool has_value(const struct modify_cell *cell, struct slice wire)
{
    return wire.bytes || is_text(cell->column->type);
}

bool modify_sum(struct plan_run *run, const struct modify_cell *cell, const struct row_slot *old,
                struct cql_value *out_value)
{
    struct cql_value added;
    struct buffer *sum = &run->workspace->value;
    if (!term_value(&cell->value, run, &added))
        return false;
    *out_value = (struct cql_value){.kind = CQL_UNSET};
    if (added.kind == CQL_UNSET || !old || !has_value(cell, old->value))
        return true;
    if (added.kind == CQL_NULL || !has_value(cell, added.bytes)) {
        out_value->kind = CQL_NULL;
        return true;
    }
    buffer_clear(sum);
    if (!put_sum(run, cell, old->value, added.bytes, sum))
        return false;
    *out_value = (struct cql_value){.kind = CQL_VALUE, .bytes = arena_copy(run->scratch, buffer_slice(sum))};
    return sum->failed || (sum->bytes && !out_value->bytes.data) ? run_nomem(run) : true;
}
