/* batch_limit.c: how large a batch may be, and what a target warns of (BAT-4). */
#include "cql/batch_internal.h"

#include <stdlib.h>

static void end_warning(struct plan_run *run)
{
    buffer_append_u8(&run->result->warnings, 0);
}

/* ---- size ---- */

/* Are there mutations of more than one partition? */
static bool spans_partitions(struct plan_run *run, const struct batch *batch, bool *out_spans)
{
    struct reader in = reader_of(buffer_slice(&batch->bytes));
    struct mutation first, mutation;
    bool more;
    *out_spans = false;
    status st = mutation_next(&in, &first, &more);
    while (ok(st) && more && !*out_spans) {
        st = mutation_next(&in, &mutation, &more);
        *out_spans =
            ok(st) && more &&
            (mutation.table_id != first.table_id || !slice_equal(mutation.key.bytes, first.key.bytes));
    }
    return ok(st) ? true : cql_refuse_status(run->error, st);
}

bool batch_check_size(struct plan_run *run, const struct batch *batch, const struct cql_table *table)
{
    const struct cql_target *target = run->context->target;
    size_t bytes = batch->bytes.bytes;
    uint64_t least = target->batch_warn_bytes ? target->batch_warn_bytes : target->batch_fail_bytes;
    bool spans;
    if (bytes <= least)
        return true;
    if (!spans_partitions(run, batch, &spans))
        return false;
    if (!spans)
        return true;
    if (target->batch_fail_bytes && bytes > target->batch_fail_bytes)
        return RUN_REFUSE(run, MSG_BATCH_TOO_LARGE);
    buffer_printf(&run->result->warnings,
                  "Batch for [%s.%s] is of size %zu, exceeding specified threshold of %llu by %llu.",
                  table->keyspace, table->name, bytes, (unsigned long long)target->batch_warn_bytes,
                  (unsigned long long)(bytes - target->batch_warn_bytes));
    end_warning(run);
    return true;
}

/* ---- warnings ---- */

/* "s [k.a, k.b]" or " [k.a]": the tables that `chosen` says yes to, after "table". */
static void print_tables(struct buffer *out, const struct table_set *tables,
                         bool (*chosen)(const struct cql_table *table))
{
    uint32_t count = 0, printed = 0;
    for (uint32_t i = 0; i < tables->count; i++)
        count += chosen(tables->items[i]);
    buffer_printf(out, "%s [", count > 1 ? "s" : "");
    for (uint32_t i = 0; i < tables->count; i++)
        if (chosen(tables->items[i]))
            buffer_printf(out, "%s%s.%s", printed++ ? ", " : "", tables->items[i]->keyspace,
                          tables->items[i]->name);
    buffer_printf(out, "]");
}

static bool forgets_at_once(const struct cql_table *table)
{
    return table->options.gc_grace_seconds == 0;
}

static bool any_table(const struct cql_table *table)
{
    (void)table;
    return true;
}

static void warn_of_grace(struct plan_run *run, const struct table_set *tables)
{
    struct buffer *out = &run->result->warnings;
    bool any = false;
    for (uint32_t i = 0; i < tables->count; i++)
        any |= forgets_at_once(tables->items[i]);
    if (!any)
        return;
    buffer_printf(out, "Executing a LOGGED BATCH on table");
    print_tables(out, tables, forgets_at_once);
    buffer_printf(out, ", configured with a gc_grace_seconds of 0. The gc_grace_seconds is used to TTL "
                       "batchlog entries, so setting gc_grace_seconds too low on tables involved in an "
                       "atomic batch might cause batchlog entries to expire before being replayed.");
    end_warning(run);
}

static int slice_order(const void *left, const void *right)
{
    return slice_compare(*(const struct slice *)left, *(const struct slice *)right);
}

/* Different keys, whatever table they are of. */
static bool count_keys(struct plan_run *run, const struct batch *batch, uint32_t *out_count)
{
    struct slice *keys = arena_alloc(run->scratch, (batch->mutation_count + 1) * sizeof *keys);
    struct reader in = reader_of(buffer_slice(&batch->bytes));
    uint32_t count = 0, different = 0;
    if (!keys)
        return run_nomem(run);
    for (;;) {
        struct mutation mutation;
        bool more;
        status st = mutation_next(&in, &mutation, &more);
        if (failed(st))
            return cql_refuse_status(run->error, st);
        if (!more || count == batch->mutation_count)
            break;
        keys[count++] = mutation.key.bytes;
    }
    if (count > 1)
        qsort(keys, count, sizeof *keys, slice_order);
    for (uint32_t i = 0; i < count; i++)
        different += !i || !slice_equal(keys[i - 1], keys[i]);
    *out_count = different;
    return true;
}

bool batch_warn(struct plan_run *run, const struct batch *batch, enum ast_batch_kind kind,
                const struct table_set *tables)
{
    const struct cql_target *target = run->context->target;
    struct buffer *out = &run->result->warnings;
    uint32_t keys = 0;
    if (kind == BATCH_LOGGED && target->logged_batch_needs_grace)
        warn_of_grace(run, tables);
    if (kind == BATCH_LOGGED || !target->unlogged_batch_keys_warn ||
        batch->mutation_count <= target->unlogged_batch_keys_warn)
        return true;
    if (!count_keys(run, batch, &keys))
        return false;
    if (keys <= target->unlogged_batch_keys_warn)
        return true;
    buffer_printf(out, "Unlogged batch covering %u partitions detected against table", (unsigned)keys);
    print_tables(out, tables, any_table);
    buffer_printf(out,
                  ". You should use a logged batch for atomicity, or asynchronous writes for performance.");
    end_warning(run);
    return true;
}
