/*
 * A cursor that fails is of no further use, so each piece of good ground is walked with one of its own.
 *
 * Rows        When reading forward fails, the partition is read backward from its end as far as that goes; where it stops,
 *             the rows behind the damage begin.
 * Partitions  Readers make a damaged directory page anew where they can. When the directory fails behind a token all the
 *             same, the walk goes on with the first of its pages that can be read again.
 */
#include "compaction/salvage.h"

#include <stdlib.h>

struct salvage {
    struct cursor base;
    struct sstable *table; /* counted */
    struct cursor *walk;   /* owned; NULL before the first partition */
    bool walk_failed;      /* it is kept for what was borrowed from it */
    struct cursor
        *rows;      /* owned; over the rows of the partition behind its damage; NULL: `walk` gives them */
    bool rows_over; /* of the partition no further row can be read */
    struct salvage_report *report; /* borrowed */
    uint64_t rows_left; /* of the partition, that its directory entry promises beyond those given */
    int64_t token;      /* of the partition that the cursor stands on */
    struct buffer key;  /* and its key: the walk may have to begin anew there */
    struct buffer reached, resume;
    bool begun;
};

static struct salvage *of(struct cursor *cursor)
{
    return (struct salvage *)cursor;
}

static bool is_damage(status st)
{
    return st.code == STATUS_CORRUPT || st.code == STATUS_IO;
}

/* ---- partitions ---- */

/* A new walk at the first partition at or after `key`; failing for the damage that lies there. */
static status walk_at(struct salvage *salvage, struct partition_key key)
{
    cursor_close(salvage->walk);
    salvage->walk = NULL;
    salvage->walk_failed = false;
    TRY(sstable_cursor_open(salvage->table, false, &salvage->walk));
    return cursor_seek_partition(salvage->walk, key);
}

static bool readable_from(struct salvage *salvage, int64_t token)
{
    return ok(walk_at(salvage, (struct partition_key){.token = token}));
}

/* The directory cannot be read behind `token`: go on with the next of its pages that can. */
static status walk_past_damage(struct salvage *salvage, int64_t token)
{
    while (sstable_page_behind(salvage->table, token, &token))
        if (readable_from(salvage, token))
            return STATUS_DONE;
    /* Nothing more can be read. */
    cursor_close(salvage->walk);
    salvage->walk = NULL;
    return STATUS_DONE;
}

/* Of the partition that is left something may not have come through. */
static void loss_note(struct salvage *salvage)
{
    struct salvage_report *report = salvage->report;
    if (!salvage->base.on_partition || !salvage->rows_left)
        return;
    if (report->partitions_hurt < SALVAGE_LOSSES_MAX)
        report->losses[report->partitions_hurt] =
            (struct salvage_loss){.token = salvage->token, .rows = salvage->rows_left};
    report->partitions_hurt++;
    salvage->rows_left = 0;
}

static status partition_show(struct salvage *salvage)
{
    struct cursor *cursor = &salvage->base;
    cursor->on_row = false;
    cursor->on_partition = salvage->walk && salvage->walk->on_partition;
    if (!cursor->on_partition)
        return STATUS_DONE;
    cursor->partition = salvage->walk->partition;
    salvage->token = cursor->partition.key.token;
    uint64_t bytes;
    sstable_cursor_partition_size(salvage->walk, &salvage->rows_left, &bytes);
    buffer_clear(&salvage->key);
    buffer_append_slice(&salvage->key, cursor->partition.key.bytes);
    buffer_clear(&salvage->reached);
    return buffer_status(&salvage->key);
}

/* Stand on the first partition behind the current one, with a walk that may have failed in its rows. */
static status walk_on(struct salvage *salvage)
{
    struct partition_key key = {.token = salvage->token, .bytes = buffer_slice(&salvage->key)};
    if (!salvage->begun)
        return walk_at(salvage, (struct partition_key){.token = INT64_MIN});
    if (salvage->walk && !salvage->walk_failed)
        return cursor_next_partition(salvage->walk);
    TRY(walk_at(salvage, key));
    if (salvage->walk->on_partition && partition_key_compare(salvage->walk->partition.key, key) == 0)
        return cursor_next_partition(salvage->walk);
    return STATUS_DONE;
}

static status salvage_next_partition(struct cursor *cursor)
{
    struct salvage *salvage = of(cursor);
    bool over = salvage->begun && !cursor->on_partition;
    if (over)
        return STATUS_DONE;
    /* Who passes on before the end of the rows has asked for no more. */
    if (salvage->walk_failed || salvage->rows_over)
        loss_note(salvage);
    cursor_close(salvage->rows);
    salvage->rows = NULL;
    salvage->rows_over = false;
    status st = walk_on(salvage);
    int64_t token = salvage->begun ? salvage->token : INT64_MIN;
    salvage->begun = true;
    if (is_damage(st))
        st = walk_past_damage(salvage, token);
    TRY(st);
    return partition_show(salvage);
}

/* ---- rows ---- */

/* Read backward from the end: `resume` is the least key that can be read so, empty when none can. */
static status resume_find(struct salvage *salvage)
{
    struct partition_key key = {.token = salvage->token, .bytes = buffer_slice(&salvage->key)};
    static const uint8_t after[] = {KEY_AFTER};
    struct cursor *back = NULL;
    buffer_clear(&salvage->resume);
    status st = sstable_cursor_open_one(salvage->table, key, true, &back);
    if (ok(st))
        st = cursor_next_partition(back);
    if (ok(st) && back->on_partition)
        st = cursor_seek_row(back, slice_of(after, sizeof after));
    while (ok(st) && back->on_row &&
           slice_compare(back->row.clustering, buffer_slice(&salvage->reached)) > 0) {
        buffer_clear(&salvage->resume);
        buffer_append_slice(&salvage->resume, back->row.clustering);
        st = cursor_next(back);
    }
    cursor_close(back);
    TRY(buffer_status(&salvage->resume));
    return is_damage(st) || st.code == STATUS_NOT_FOUND ? STATUS_DONE : st;
}

/* Reading forward failed: go on behind the damage, with a cursor of the partition alone. */
static status rows_resume(struct salvage *salvage)
{
    struct partition_key key = {.token = salvage->token, .bytes = buffer_slice(&salvage->key)};
    bool again = salvage->rows != NULL;
    cursor_close(salvage->rows);
    salvage->rows = NULL;
    salvage->walk_failed = true;
    salvage->rows_over = true;
    if (again)
        return STATUS_DONE; /* what could be read backward cannot be read forward: the disk itself is failing */
    TRY(resume_find(salvage));
    if (!salvage->resume.bytes)
        return STATUS_DONE;
    status st = sstable_cursor_open_one(salvage->table, key, false, &salvage->rows);
    if (ok(st))
        st = cursor_next_partition(salvage->rows);
    if (ok(st))
        st = cursor_seek_row(salvage->rows, buffer_slice(&salvage->resume));
    salvage->rows_over = failed(st);
    return is_damage(st) ? STATUS_DONE : st;
}

static status row_show(struct salvage *salvage, struct cursor *from)
{
    struct cursor *cursor = &salvage->base;
    cursor->on_row = from->on_row;
    cursor->row = from->row;
    if (!from->on_row)
        return STATUS_DONE;
    salvage->report->rows_read++;
    salvage->rows_left -= salvage->rows_left > 0;
    buffer_clear(&salvage->reached);
    buffer_append_slice(&salvage->reached, from->row.clustering);
    return buffer_status(&salvage->reached);
}

static status salvage_next(struct cursor *cursor)
{
    struct salvage *salvage = of(cursor);
    struct cursor *from = salvage->rows ? salvage->rows : salvage->walk;
    cursor->on_row = false;
    if (salvage->rows_over || !cursor->on_partition)
        return STATUS_DONE;
    status st = cursor_next(from);
    if (!is_damage(st)) {
        TRY(st);
        return row_show(salvage, from);
    }
    TRY(rows_resume(salvage));
    return salvage->rows_over ? STATUS_DONE : row_show(salvage, salvage->rows);
}

static status salvage_refuse_partition(struct cursor *cursor, struct partition_key key)
{
    (void)cursor;
    (void)key;
    return STATUS_FAIL(STATUS_INVALID);
}

static status salvage_refuse_row(struct cursor *cursor, struct slice clustering)
{
    (void)cursor;
    (void)clustering;
    return STATUS_FAIL(STATUS_INVALID);
}

static void salvage_close(struct cursor *cursor)
{
    struct salvage *salvage = of(cursor);
    cursor_close(salvage->walk);
    cursor_close(salvage->rows);
    sstable_unref(salvage->table);
    buffer_deinit(&salvage->key);
    buffer_deinit(&salvage->reached);
    buffer_deinit(&salvage->resume);
    free(salvage);
}

static const struct cursor_ops salvage_ops = {
    .kind = "salvage",
    .seek_partition = salvage_refuse_partition,
    .next_partition = salvage_next_partition,
    .seek_row = salvage_refuse_row,
    .next = salvage_next,
    .close = salvage_close,
};

status salvage_cursor_open(struct sstable *table, struct salvage_report *report, struct cursor **out_cursor)
{
    struct salvage *salvage = calloc(1, sizeof *salvage);
    if (!salvage)
        return STATUS_FAIL(STATUS_NOMEM);
    salvage->base.ops = &salvage_ops;
    salvage->table = sstable_ref(table);
    salvage->report = report;
    *out_cursor = &salvage->base;
    return STATUS_DONE;
}

status salvage_survey(struct sstable *table, struct salvage_report *out_report)
{
    struct salvage_report report = {0};
    struct cursor *cursor;
    TRY(salvage_cursor_open(table, &report, &cursor));
    status st = cursor_next_partition(cursor);
    while (ok(st) && cursor->on_partition) {
        do
            st = cursor_next(cursor);
        while (ok(st) && cursor->on_row);
        if (ok(st))
            st = cursor_next_partition(cursor);
    }
    cursor_close(cursor);
    if (ok(st))
        *out_report = report;
    return st;
}
