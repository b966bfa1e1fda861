#include "compaction/time_slice.h"

#include <stdlib.h>

#include "row/row.h"

struct time_slice {
    struct cursor base;
    struct cursor *child;              /* owned */
    struct compaction_options options; /* for its windows */
    int64_t first, last;
    struct arena arena; /* ranges of the partition */
};

static status image_newest(struct slice image, int64_t *out_timestamp)
{
    struct row_reader row;
    struct cell cell;
    bool more;
    TRY(row_open(image, &row));
    int64_t newest = row.marker.timestamp;
    if (row.deletion.timestamp > newest)
        newest = row.deletion.timestamp;
    for (;;) {
        TRY(row_next_cell(&row, &cell, &more));
        if (!more)
            break;
        if (cell.timestamp > newest)
            newest = cell.timestamp;
    }
    *out_timestamp = newest;
    return STATUS_DONE;
}

/* ---- survey ---- */

struct survey {
    const struct compaction_options *options;
    int64_t *windows;
    uint32_t capacity, count;
};

static void survey_add(struct survey *survey, int64_t timestamp)
{
    int64_t window = compaction_window_of(survey->options, timestamp);
    uint32_t at = survey->count;
    /* Nearly everything is in the newest window known. */
    while (at > 0 && survey->windows[at - 1] > window)
        at--;
    if (at > 0 && survey->windows[at - 1] == window)
        return;
    if (survey->count == survey->capacity) {
        if (at == 0)
            return;
        memmove(survey->windows, survey->windows + 1, (at - 1) * sizeof *survey->windows);
        survey->windows[at - 1] = window;
        return;
    }
    memmove(survey->windows + at + 1, survey->windows + at, (survey->count - at) * sizeof *survey->windows);
    survey->windows[at] = window;
    survey->count++;
}

static status survey_image(struct survey *survey, struct slice image)
{
    int64_t newest;
    TRY(image_newest(image, &newest));
    survey_add(survey, newest);
    return STATUS_DONE;
}

static status survey_partition(struct survey *survey, struct cursor *cursor)
{
    const struct partition_view *view = &cursor->partition;
    if (view->deletion.timestamp != TIMESTAMP_NONE)
        survey_add(survey, view->deletion.timestamp);
    for (uint32_t i = 0; i < view->ranges.count; i++)
        survey_add(survey, view->ranges.items[i].deletion.timestamp);
    if (view->static_image.bytes)
        TRY(survey_image(survey, view->static_image));
    for (;;) {
        TRY(cursor_next(cursor));
        if (!cursor->on_row)
            return STATUS_DONE;
        TRY(survey_image(survey, cursor->row.image));
    }
}

status time_slice_survey(struct cursor *cursor, const struct compaction_options *options, uint32_t capacity,
                         int64_t *out_windows, uint32_t *out_count)
{
    struct survey survey = {.options = options, .windows = out_windows, .capacity = capacity};
    for (;;) {
        TRY(cursor_next_partition(cursor));
        if (!cursor->on_partition)
            break;
        TRY(survey_partition(&survey, cursor));
    }
    *out_count = survey.count;
    return STATUS_DONE;
}

/* ---- the cursor ---- */

static struct time_slice *of(struct cursor *cursor)
{
    return (struct time_slice *)cursor;
}

static bool within(const struct time_slice *slice, int64_t timestamp)
{
    int64_t window = compaction_window_of(&slice->options, timestamp);
    return window >= slice->first && window <= slice->last;
}

static status image_within(const struct time_slice *slice, struct slice image, bool *out_within)
{
    int64_t newest;
    TRY(image_newest(image, &newest));
    *out_within = within(slice, newest);
    return STATUS_DONE;
}

static status partition_show(struct time_slice *slice)
{
    struct cursor *cursor = &slice->base;
    const struct partition_view *view = &slice->child->partition;
    cursor->on_partition = slice->child->on_partition;
    cursor->on_row = false;
    if (!cursor->on_partition)
        return STATUS_DONE;
    arena_reset(&slice->arena);
    cursor->partition = *view;
    if (view->deletion.timestamp != TIMESTAMP_NONE && !within(slice, view->deletion.timestamp))
        cursor->partition.deletion = DELETION_NONE;
    if (view->static_image.bytes) {
        bool kept;
        TRY(image_within(slice, view->static_image, &kept));
        if (!kept)
            cursor->partition.static_image = (struct slice){0};
    }
    if (!view->ranges.count)
        return STATUS_DONE;
    struct range_tombstone *items = arena_calloc(&slice->arena, view->ranges.count, sizeof *items);
    if (!items)
        return STATUS_FAIL(STATUS_NOMEM);
    uint32_t count = 0;
    for (uint32_t i = 0; i < view->ranges.count; i++)
        if (within(slice, view->ranges.items[i].deletion.timestamp))
            items[count++] = view->ranges.items[i];
    cursor->partition.ranges = (struct range_list){.items = items, .count = count};
    return STATUS_DONE;
}

static status slice_next_partition(struct cursor *cursor)
{
    struct time_slice *slice = of(cursor);
    TRY(cursor_next_partition(slice->child));
    return partition_show(slice);
}

static status slice_seek_partition(struct cursor *cursor, struct partition_key key)
{
    struct time_slice *slice = of(cursor);
    TRY(cursor_seek_partition(slice->child, key));
    return partition_show(slice);
}

/* Stand on the child's row, or on the next that is within. */
static status row_settle(struct time_slice *slice)
{
    bool kept = false;
    while (slice->child->on_row) {
        TRY(image_within(slice, slice->child->row.image, &kept));
        if (kept)
            break;
        TRY(cursor_next(slice->child));
    }
    slice->base.on_row = slice->child->on_row;
    slice->base.row = slice->child->row;
    return STATUS_DONE;
}

static status slice_seek_row(struct cursor *cursor, struct slice clustering)
{
    TRY(cursor_seek_row(of(cursor)->child, clustering));
    return row_settle(of(cursor));
}

static status slice_next(struct cursor *cursor)
{
    TRY(cursor_next(of(cursor)->child));
    return row_settle(of(cursor));
}

static void slice_close(struct cursor *cursor)
{
    cursor_close(of(cursor)->child);
    arena_deinit(&of(cursor)->arena);
    free(cursor);
}

static const struct cursor_ops slice_ops = {
    .kind = "time slice",
    .seek_partition = slice_seek_partition,
    .next_partition = slice_next_partition,
    .seek_row = slice_seek_row,
    .next = slice_next,
    .close = slice_close,
};

status time_slice_open(struct cursor *child, const struct compaction_options *options, int64_t first,
                       int64_t last, struct cursor **out_cursor)
{
    struct time_slice *slice = calloc(1, sizeof *slice);
    if (!slice)
        return STATUS_FAIL(STATUS_NOMEM);
    *slice = (struct time_slice){.base = {.ops = &slice_ops, .reverse = child->reverse},
                                 .child = child,
                                 .options = *options,
                                 .first = first,
                                 .last = last};
    *out_cursor = &slice->base;
    return STATUS_DONE;
}
