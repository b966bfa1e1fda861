#include "cql/using.h"

#include "cql/duration.h"

#define NS_PER_MS INT64_C(1000000)

bool using_compile_timeout(struct plan_builder *builder, const struct ast_using *ast)
{
    struct plan *plan = builder->plan;
    if (!ast->timeout)
        return true;
    if (!builder->context->target->using_timeout) {
        struct cql_error place;
        cql_error_at(&place, builder->statement->text, ast->timeout_at);
        return BUILD_REFUSE_AT(builder, ast->timeout_at, MSG_WORD_UNKNOWN, place.line, place.column,
                               "TIMEOUT");
    }
    plan->has_timeout = true;
    return term_compile(builder, ast->timeout, "[timeout]", type_scalar(TYPE_DURATION), &plan->timeout);
}

bool using_check_timeout(struct plan_run *run)
{
    struct cql_value value;
    struct duration duration;
    if (!run->plan->has_timeout)
        return true;
    if (!term_value(&run->plan->timeout, run, &value))
        return false;
    if (value.kind != CQL_VALUE || duration_decode(value.bytes, &duration) != DURATION_FINE)
        return RUN_REFUSE(run, MSG_TIMEOUT_NULL);
    if (duration.months || duration.days)
        return RUN_REFUSE(run, MSG_TIMEOUT_DAYS);
    if (duration.ns % NS_PER_MS)
        return RUN_REFUSE(run, MSG_TIMEOUT_FINE);
    return duration.ns >= 0 || RUN_REFUSE(run, MSG_TIMEOUT_NEGATIVE);
}
