#include "cql/consistency.h"

static bool is_serial(uint16_t level)
{
    return level == CONSISTENCY_SERIAL || level == CONSISTENCY_LOCAL_SERIAL;
}

bool consistency_check_read(struct plan_run *run, bool one_partition)
{
    uint16_t level = run->params->consistency;
    if (level == CONSISTENCY_ANY)
        return RUN_REFUSE(run, MSG_CONSISTENCY_ANY_READ);
    return !is_serial(level) || one_partition || RUN_REFUSE(run, MSG_SERIAL_PARTITION);
}

bool consistency_check_write(struct plan_run *run, bool conditional)
{
    /* A request that names no serial consistency has 0 there. */
    uint16_t serial = run->params->serial_consistency;
    if (!conditional)
        return !is_serial(run->params->consistency) || RUN_REFUSE(run, MSG_SERIAL_WRITE);
    return !serial || is_serial(serial) || RUN_REFUSE(run, MSG_SERIAL_CONSISTENCY);
}

bool consistency_check_counter(struct plan_run *run, const struct cql_table *table)
{
    uint16_t level = run->params->consistency;
    if (level == CONSISTENCY_ANY)
        return RUN_REFUSE(run, MSG_COUNTER_ANY, table->name);
    return !is_serial(level) || RUN_REFUSE(run, MSG_COUNTER_SERIAL);
}
