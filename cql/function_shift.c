/*
 * function_shift.c: times and durations: t + d, t - d, and floor(t, d[, start]).
 *
 * Months move by the calendar, the day being cut to what the month has; days and the rest follow.
 */
#include "cql/calendar.h"
#include "cql/duration.h"
#include "cql/function_internal.h"

enum {
    DAY_MS = 86400000,
    MS_NS = 1000000,
    SHORTEST_MONTH_DAYS = 28,
};

#define DAY_NS ((int64_t)DAY_MS * MS_NS)

static int64_t floor_divide(int64_t value, int64_t by)
{
    return value / by - (value % by < 0);
}

/* Days after `days`, `months` later. */
static int64_t add_months(int64_t days, int64_t months)
{
    struct civil_date date = calendar_date(days);
    int64_t month = date.year * 12 + (date.month - 1) + months;
    date.year = floor_divide(month, 12);
    date.month = (uint32_t)(month - date.year * 12) + 1;
    while (!calendar_date_exists(date))
        date.day--;
    return calendar_days(date);
}

/* `times` durations after `ms`. */
static int64_t shift(int64_t ms, struct duration duration, int64_t times)
{
    int64_t days = floor_divide(ms, DAY_MS), rest = ms - days * DAY_MS;
    days = add_months(days, times * duration.months) + times * duration.days;
    return (int64_t)((uint64_t)days * DAY_MS + (uint64_t)rest + (uint64_t)(times * (duration.ns / MS_NS)));
}

static void append_time(struct buffer *out, const struct type *type, int64_t ms)
{
    if (type->id == TYPE_DATE)
        function_append_date(out, ms);
    else
        buffer_append_be64(out, (uint64_t)ms);
}

/* `format` takes the duration. */
static void say_duration(struct buffer *out, const char *before, struct duration duration, const char *after)
{
    buffer_printf(out, "%s", before);
    duration_print(out, duration);
    buffer_printf(out, "%s", after);
    buffer_append_u8(out, 0);
}

/* Can the type of time express the duration at all? */
static bool fits(const struct type *type, struct duration duration)
{
    return type->id == TYPE_DATE ? duration.ns == 0 : duration.ns % MS_NS == 0;
}

/* ---- t + d ---- */

EVALUATOR(shift_time)
{
    UNUSED_HERE;
    struct duration duration;
    if (duration_decode(arguments[1].bytes, &duration) != DURATION_FINE)
        return function_refuse_operation(call, environment, "malformed duration", error);
    if (!fits(call->returns, duration)) {
        struct buffer why = {0};
        say_duration(&why,
                     call->returns->id == TYPE_DATE ? "The duration must have a day precision. Was: "
                                                    : "The duration must have a millisecond precision. Was: ",
                     duration, "");
        function_refuse_operation(call, environment, why.failed ? "" : (const char *)why.data, error);
        buffer_deinit(&why);
        return false;
    }
    int64_t ms = function_ms_of(call->arguments[0], arguments[0].bytes);
    append_time(out_wire, call->returns, shift(ms, duration, call->function->op == '-' ? -1 : 1));
    return true;
}

/* ---- floor ---- */

static bool refuse_floor(const struct function_environment *environment, const char *why,
                         struct cql_error *error)
{
    return cql_refuse(error, environment->profile, MSG_FLOOR, why);
}

static bool refuse_precision(const struct function_environment *environment, const struct type *type,
                             struct duration duration, struct cql_error *error)
{
    struct buffer why = {0};
    bool date = type->id == TYPE_DATE;
    say_duration(&why,
                 date ? "The floor on date values cannot be computed for the "
                      : "The floor cannot be computed for the ",
                 duration,
                 date ? " duration as precision is below 1 day"
                      : " duration as precision is below 1 millisecond");
    refuse_floor(environment, why.failed ? "" : (const char *)why.data, error);
    buffer_deinit(&why);
    return false;
}

/* The last of start, start + d, start + 2 d, ... that is not after `ms`. */
static int64_t floor_ms(int64_t ms, struct duration duration, int64_t start)
{
    int64_t step = duration.days * (int64_t)DAY_MS + duration.ns / MS_NS;
    if (!duration.months)
        return step ? ms - (ms - start) % step : ms;
    int64_t low = 0;
    int64_t high = (ms - start) / (duration.months * (int64_t)SHORTEST_MONTH_DAYS * DAY_MS + step) + 1;
    while (low < high) {
        int64_t middle = low + (high - low + 1) / 2;
        if (shift(start, duration, middle) <= ms)
            low = middle;
        else
            high = middle - 1;
    }
    return shift(start, duration, low);
}

static bool floor_of_day(int64_t ns, struct duration duration, const struct function_environment *environment,
                         struct buffer *out_wire, struct cql_error *error)
{
    if (duration.months || duration.days || duration.ns > DAY_NS)
        return refuse_floor(
            environment, "For time values, the floor can only be computed for durations smaller that a day",
            error);
    buffer_append_be64(out_wire, (uint64_t)(duration.ns ? ns - ns % duration.ns : ns));
    return true;
}

EVALUATOR(floor)
{
    UNUSED_HERE;
    struct duration duration;
    const struct type *type = call->arguments[0];
    if (duration_decode(arguments[1].bytes, &duration) != DURATION_FINE)
        return refuse_floor(environment, "malformed duration", error);
    if (duration.months < 0 || duration.days < 0 || duration.ns < 0)
        return refuse_floor(environment, "Negative durations are not supported by the floor function", error);
    if (type->id == TYPE_TIME)
        return floor_of_day(type_integer(arguments[0].bytes), duration, environment, out_wire, error);
    if (!fits(type, duration))
        return refuse_precision(environment, type, duration, error);
    bool started = call->function->argument_count == 3;
    int64_t ms = function_ms_of(type, arguments[0].bytes);
    int64_t start = started ? function_ms_of(call->arguments[2], arguments[2].bytes) : 0;
    if (start > ms)
        return refuse_floor(environment, "The floor function starting time is greater than the provided time",
                            error);
    append_time(out_wire, call->returns, floor_ms(ms, duration, start));
    return true;
}
