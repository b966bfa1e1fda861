#include "engine/sequence_cursor_internal.h"

#include <stdlib.h>

#include "engine/closed_cursor_internal.h"

struct sequence_cursor {
    struct cursor base;
    struct cursor *closed; /* owned; the files that are still to come; NULL once a merge has them */
    struct cursor
        *child; /* owned; the file that is walked, or the merge; NULL before the first and past the last */
    bool moved; /* rows were asked for */
    bool has_limit; /* the file that is walked reaches the bound of the next one */
    struct merge_options options;
    struct buffer from; /* where the merge begins */
};

static struct sequence_cursor *sequence_of(struct cursor *cursor)
{
    return (struct sequence_cursor *)cursor;
}

/* Before the child is asked for anything. */
static void run_return(struct sequence_cursor *sequence)
{
    if (sequence->base.run.key_start)
        (void)cursor_run_return(sequence->child, &sequence->base);
}

static void child_close(struct sequence_cursor *sequence)
{
    cursor_close(sequence->child);
    sequence->child = NULL;
    sequence->base.on_row = false;
}

static status fail(struct sequence_cursor *sequence, status st)
{
    sequence->base.on_partition = sequence->base.on_row = false;
    sequence->base.run = (struct row_run){0};
    return st;
}

/* Whether the next file may have that key, or something before it. */
static bool is_shared(const struct sequence_cursor *sequence, struct slice key)
{
    const struct partition_view *next = &sequence->closed->partition;
    return sequence->base.reverse ? slice_compare(key, next->last) <= 0
                                  : slice_compare(key, next->first) >= 0;
}

/* How many rows of the child's run are its own. */
static uint32_t run_rows(const struct sequence_cursor *sequence)
{
    const struct row_run *run = &sequence->child->run;
    uint32_t count = 0;
    if (!sequence->has_limit)
        return run->left;
    for (uint32_t step = 1; count + step <= run->left; step *= 2) {
        const uint32_t *start = run->key_start + (ptrdiff_t)(count + step) * run->step;
        if (is_shared(sequence, slice_of(run->bytes + start[0], start[1] - start[0])))
            break;
        count += step;
    }
    return count;
}

static void show(struct sequence_cursor *sequence)
{
    struct cursor *child = sequence->child;
    sequence->base.on_row = child->on_row;
    if (!child->on_row)
        return;
    sequence->base.row = child->row;
    if (child->run.left)
        cursor_run_lend(child, &sequence->base, run_rows(sequence));
}

/* From the bound of the next file on, or from `target` when that lies behind it. */
static status merge_begin(struct sequence_cursor *sequence, const struct slice *target)
{
    const struct partition_view *next = &sequence->closed->partition;
    bool reverse = sequence->base.reverse;
    buffer_clear(&sequence->from);
    buffer_append_slice(&sequence->from, reverse ? next->last : next->first);
    if (reverse)
        buffer_append_u8(&sequence->from, KEY_AFTER);
    TRY(buffer_status(&sequence->from));
    int order = target ? slice_compare(*target, buffer_slice(&sequence->from)) : 0;
    if (reverse ? order < 0 : order > 0) {
        buffer_clear(&sequence->from);
        buffer_append_slice(&sequence->from, *target);
    }
    return buffer_status(&sequence->from);
}

static status merge_enter(struct sequence_cursor *sequence, const struct slice *target)
{
    struct cursor *children[] = {sequence->child, sequence->closed};
    struct cursor *merge;
    TRY(merge_begin(sequence, target));
    closed_cursor_reopen(sequence->closed, true);
    TRY(merge_cursor_open(children, ARRAY_LEN(children), &sequence->options, &merge));
    sequence->child = merge;
    sequence->closed = NULL;
    sequence->has_limit = false;
    TRY(cursor_next_partition(merge));
    if (merge->on_partition)
        TRY(cursor_seek_row(merge, buffer_slice(&sequence->from)));
    show(sequence);
    return STATUS_DONE;
}

/* The child has moved to a row, the first at `target` or behind it; NULL: the one behind the last. */
static status row_enter(struct sequence_cursor *sequence, const struct slice *target)
{
    if (sequence->has_limit && is_shared(sequence, sequence->child->row.clustering))
        return merge_enter(sequence, target);
    show(sequence);
    return STATUS_DONE;
}

/* Into the files that are still to come, until one has a row; NULL `target`: from their beginning. */
static status files_enter(struct sequence_cursor *sequence, const struct slice *target)
{
    struct cursor *closed = sequence->closed, *child;
    while (closed->on_partition) {
        TRY(closed->ops->enter(closed, &child));
        if (!child)
            continue;
        sequence->child = child;
        sequence->has_limit =
            closed->on_partition &&
            is_shared(sequence, sequence->base.reverse ? child->partition.first : child->partition.last);
        TRY(target ? cursor_seek_row(child, *target) : cursor_next(child));
        if (child->on_row)
            return row_enter(sequence, target);
        /* What it does not have, the next may: from the same place on. */
        child_close(sequence);
    }
    return STATUS_DONE;
}

static status step(struct sequence_cursor *sequence)
{
    if (sequence->child) {
        TRY(cursor_next(sequence->child));
        if (!sequence->closed) {
            show(sequence);
            return STATUS_DONE;
        }
        if (sequence->child->on_row)
            return row_enter(sequence, NULL);
        child_close(sequence);
    }
    sequence->moved = true;
    return files_enter(sequence, NULL);
}

static status sequence_next(struct cursor *base)
{
    struct sequence_cursor *sequence = sequence_of(base);
    if (!base->on_partition)
        return STATUS_DONE;
    run_return(sequence);
    status st = step(sequence);
    return ok(st) ? st : fail(sequence, st);
}

/* Before the first row again, unless they are merged. */
static void files_rewind(struct sequence_cursor *sequence)
{
    child_close(sequence);
    if (sequence->moved)
        closed_cursor_reopen(sequence->closed, false);
    sequence->moved = false;
}

static status seek(struct sequence_cursor *sequence, struct slice target)
{
    if (!sequence->closed) {
        TRY(cursor_seek_row(sequence->child, target));
        show(sequence);
        return STATUS_DONE;
    }
    files_rewind(sequence);
    sequence->moved = true;
    TRY(cursor_seek_row(sequence->closed, target));
    TRY(files_enter(sequence, &target));
    if (sequence->closed)
        closed_cursor_forget(sequence->closed);
    return STATUS_DONE;
}

static status sequence_seek_row(struct cursor *base, struct slice target)
{
    struct sequence_cursor *sequence = sequence_of(base);
    if (!base->on_partition)
        return STATUS_DONE;
    run_return(sequence);
    status st = seek(sequence, target);
    return ok(st) ? st : fail(sequence, st);
}

static status sequence_seek_partition(struct cursor *base, struct partition_key key)
{
    struct sequence_cursor *sequence = sequence_of(base);
    run_return(sequence);
    base->on_row = false;
    base->on_partition = partition_key_compare(base->partition.key, key) >= 0;
    if (!sequence->closed)
        return cursor_seek_partition(sequence->child, key);
    files_rewind(sequence);
    return STATUS_DONE;
}

static status sequence_next_partition(struct cursor *base)
{
    run_return(sequence_of(base));
    base->on_partition = base->on_row = false;
    return STATUS_DONE;
}

static void sequence_close(struct cursor *base)
{
    struct sequence_cursor *sequence = sequence_of(base);
    cursor_close(sequence->child);
    cursor_close(sequence->closed);
    buffer_deinit(&sequence->from);
    free(sequence);
}

static const struct cursor_ops sequence_ops = {
    .kind = "sequence",
    .seek_partition = sequence_seek_partition,
    .next_partition = sequence_next_partition,
    .seek_row = sequence_seek_row,
    .next = sequence_next,
    .close = sequence_close,
};

status sequence_cursor_open(struct cursor *closed, const struct merge_options *options,
                            struct cursor **out_cursor)
{
    static const uint8_t after[] = {KEY_AFTER};
    struct sequence_cursor *sequence = malloc(sizeof *sequence);
    if (!sequence)
        return STATUS_FAIL(STATUS_NOMEM);
    *sequence = (struct sequence_cursor){
        .base = {.ops = &sequence_ops, .reverse = closed->reverse, .on_partition = true},
        .closed = closed,
        .options = *options,
    };
    sequence->base.partition = closed->partition;
    sequence->base.partition.first = (struct slice){0};
    sequence->base.partition.last = slice_of(after, 1);
    *out_cursor = &sequence->base;
    return STATUS_DONE;
}
