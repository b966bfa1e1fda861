#include "cql/row_walk.h"

#include "cql/view.h"

static bool walk_fail(struct row_walk *walk, status st)
{
    return cql_refuse_status(walk->run->error, st);
}

bool walk_must_cut(const struct row_walk *walk)
{
    return walk->request.tombstones_max &&
           walk->run->result->tombstones - walk->tombstones_at_start >= walk->request.tombstones_max;
}

bool walk_live_row(struct row_walk *walk, bool *out_live)
{
    struct plan_run *run = walk->run;
    struct row_slots *slots = walk->slots;
    struct row_copier *copier = walk->request.copier;
    if (walk->view)
        return walk_view_row(walk, out_live);
    if (copier) {
        status copied = copier_row(copier, &walk->cursor->row, out_live, &run->result->tombstones);
        return ok(copied) ? true : walk_fail(walk, copied);
    }
    status st = slots_row(slots, walk->cursor->row.image, run->now_s, out_live, &run->result->tombstones);
    if (ok(st) && *out_live && slots->map->clustering)
        st = slots_clustering(slots, &run->workspace->wire, walk->cursor->row.clustering);
    return ok(st) ? true : walk_fail(walk, st);
}

bool walk_enter_partition(struct row_walk *walk)
{
    struct plan_run *run = walk->run;
    struct slice static_image = walk->cursor->partition.static_image;
    walk->partition = walk->cursor->partition.key;
    walk->static_lives = false;
    walk->in_partition = true;
    walk->must_seek = true;
    walk->moved = false;
    walk->gave_row = false;
    walk->new_partition = true;
    walk->range_at = walk->request.reverse && walk->request.range_count ? walk->request.range_count - 1 : 0;
    status st = slots_partition(walk->slots, walk->partition.bytes);
    if (ok(st) && static_image.bytes)
        st = slots_static_row(walk->slots, static_image, run->now_s, &walk->static_lives,
                              &run->result->tombstones);
    if (ok(st) && walk->request.copier)
        st = copier_partition(walk->request.copier, walk->slots);
    return ok(st) ? true : walk_fail(walk, st);
}

/* ---- partitions ---- */

static bool next_named_partition(struct row_walk *walk, bool *out_found)
{
    const struct walk_request *request = &walk->request;
    struct store_read read = {
        .table_id = request->table->store_id, .reverse = request->reverse, .rows = request->rows};
    if (request->range_count) { /* rising, so these two enclose all */
        read.from = request->ranges[0].start;
        read.to = request->ranges[request->range_count - 1].end;
    }
    *out_found = false;
    cursor_close(walk->cursor);
    walk->cursor = NULL;
    while (walk->key_at < request->key_count) {
        struct partition_key key = request->keys[walk->key_at++];
        status st = store_cursor_open_one(walk->run->context->store, &read, key, &walk->run->result->counters,
                                          &walk->cursor);
        if (failed(st))
            return walk_fail(walk, st);
        if (!walk->cursor)
            continue;
        *out_found = true;
        return true;
    }
    return true;
}

static bool next_scanned_partition(struct row_walk *walk, bool *out_found)
{
    const struct walk_request *request = &walk->request;
    const struct walk_position *from = &request->from;
    struct cursor *cursor = walk->cursor;
    status st;
    if (walk->started) {
        st = cursor_next_partition(cursor);
    } else {
        struct partition_key target = {.token = request->first_token};
        if (from->partition.bytes)
            target = partition_key_of(from->partition);
        st = cursor_seek_partition(cursor, target);
        bool done = ok(st) && from->partition_done && cursor->on_partition &&
                    slice_equal(cursor->partition.key.bytes, from->partition);
        if (done)
            st = cursor_next_partition(cursor);
    }
    walk->started = true;
    if (failed(st))
        return walk_fail(walk, st);
    *out_found = cursor->on_partition && cursor->partition.key.token <= request->last_token;
    return true;
}

/* Where to go on inside the first partition of a later page. */
static void apply_resume(struct row_walk *walk)
{
    const struct walk_position *from = &walk->request.from;
    walk->resume = (struct slice){0};
    if (from->partition.bytes && !from->partition_done &&
        slice_equal(walk->partition.bytes, from->partition)) {
        walk->resume = from->clustering;
        walk->gave_row = from->gave_row;
    }
}

static bool next_partition(struct row_walk *walk, bool *out_found)
{
    bool moved = walk->request.kind == WALK_KEYS ? next_named_partition(walk, out_found)
                                                 : next_scanned_partition(walk, out_found);
    if (!moved)
        return false;
    if (!*out_found)
        return true;
    if (!walk_enter_partition(walk))
        return false;
    apply_resume(walk);
    return true;
}

/* ---- rows of a partition ---- */

static bool no_ranges_left(const struct row_walk *walk)
{
    return walk->range_at >= walk->request.range_count; /* below zero wraps around */
}

static void next_range(struct row_walk *walk)
{
    walk->range_at += walk->request.reverse ? UINT32_MAX : 1;
    walk->must_seek = true;
    walk->moved = false;
}

static status seek_range(struct row_walk *walk, const struct key_range *range)
{
    struct cursor *cursor = walk->cursor;
    struct slice resume = walk->resume;
    walk->must_seek = false;
    if (walk->request.reverse) {
        bool within = resume.bytes && slice_compare(resume, range->end) < 0;
        return cursor_seek_row(cursor, within ? resume : range->end);
    }
    bool within = resume.bytes && slice_compare(resume, range->start) >= 0;
    TRY(cursor_seek_row(cursor, within ? resume : range->start));
    if (within && cursor->on_row && slice_equal(cursor->row.clustering, resume))
        return cursor_next(cursor);
    return STATUS_DONE;
}

/* Is a row beyond the end of a range, in the walk's direction? */
static bool is_past(const struct row_walk *walk, const struct key_range *range, struct slice clustering)
{
    return walk->request.reverse ? slice_compare(clustering, range->start) < 0
                                 : slice_compare(clustering, range->end) >= 0;
}

/* No row is beyond the end of such a range. */
static bool is_open_ended(const struct row_walk *walk, const struct key_range *range)
{
    return walk->request.reverse ? !range->start.bytes
                                 : range->end.bytes == 1 && range->end.data[0] == KEY_AFTER;
}

/* To the next row, dead or alive, within the ranges. */
static bool next_row(struct row_walk *walk, bool *out_found)
{
    struct cursor *cursor = walk->cursor;
    *out_found = false;
    while (!no_ranges_left(walk)) {
        const struct key_range *range = &walk->request.ranges[walk->range_at];
        status st = STATUS_DONE;
        if (!walk->moved)
            st = walk->must_seek ? seek_range(walk, range) : cursor_next(cursor);
        if (failed(st))
            return walk_fail(walk, st);
        walk->moved = false;
        if (!cursor->on_row || is_past(walk, range, cursor->row.clustering)) {
            next_range(walk);
            continue;
        }
        walk->clustering = cursor->row.clustering;
        *out_found = true;
        return true;
    }
    return true;
}

bool walk_copy_rows(struct row_walk *walk, uint32_t most, size_t bytes_max, uint32_t *out_copied)
{
    *out_copied = 0;
    if (!walk->in_partition || walk->must_seek || walk->moved)
        return true;
    const struct key_range *range = &walk->request.ranges[walk->range_at];
    const struct slice *bound = walk->request.reverse ? &range->start : &range->end;
    status st = copier_rows(walk->request.copier, walk->cursor, is_open_ended(walk, range) ? NULL : bound,
                            most, bytes_max, out_copied, &walk->moved);
    if (ok(st) && !walk->moved)
        walk->clustering = walk->cursor->row.clustering;
    return ok(st) ? true : walk_fail(walk, st);
}

static void give_partition(struct row_walk *walk, enum walk_event *out_event)
{
    walk->in_partition = false;
    walk->clustering = (struct slice){0};
    slots_no_row(walk->slots);
    *out_event = WALK_PARTITION;
}

/* The partition has no more rows: it may still count itself. */
static bool leave_partition(struct row_walk *walk, enum walk_event *out_event, bool *out_done)
{
    walk->in_partition = false;
    *out_done = !walk->gave_row && walk->static_lives && (walk->request.statics || walk->request.distinct);
    if (*out_done)
        give_partition(walk, out_event);
    return true;
}

/* One step inside a partition; *out_done when there is an event to give out. */
static bool step(struct row_walk *walk, enum walk_event *out_event, bool *out_done)
{
    bool found, live;
    *out_done = false;
    if (walk->request.distinct && walk->static_lives)
        return leave_partition(walk, out_event, out_done);
    if (!next_row(walk, &found))
        return false;
    if (!found)
        return leave_partition(walk, out_event, out_done);
    if (!walk_live_row(walk, &live))
        return false;
    if (live) {
        walk->gave_row = true;
        *out_event = WALK_ROW;
        *out_done = true;
        if (walk->request.distinct)
            give_partition(walk, out_event);
    } else if (walk_must_cut(walk)) {
        *out_event = WALK_CUT;
        *out_done = true;
    }
    return true;
}

bool walk_next(struct row_walk *walk, enum walk_event *out_event)
{
    if (walk->request.kind == WALK_INDEX)
        return walk_next_index(walk, out_event);
    if (walk->request.kind == WALK_VIRTUAL)
        return walk_next_virtual(walk, out_event);
    walk->new_partition = false;
    for (bool done = false; !done;) {
        if (!walk->in_partition) {
            bool found = false;
            if (!next_partition(walk, &found))
                return false;
            if (!found) {
                *out_event = WALK_END;
                return true;
            }
        }
        if (!step(walk, out_event, &done))
            return false;
    }
    return true;
}

void walk_skip_partition(struct row_walk *walk)
{
    if (walk->request.kind == WALK_INDEX)
        walk_skip_partition_index(walk);
    else if (walk->request.kind == WALK_VIRTUAL)
        walk_skip_partition_virtual(walk);
    else
        walk->in_partition = false;
}

/* ---- open and close ---- */

static bool open_keys(struct row_walk *walk)
{
    const struct walk_request *request = &walk->request;
    if (!request->from.partition.bytes)
        return true;
    while (walk->key_at < request->key_count &&
           !slice_equal(request->keys[walk->key_at].bytes, request->from.partition))
        walk->key_at++;
    if (walk->key_at == request->key_count)
        return RUN_REFUSE(walk->run, MSG_PAGING_STATE);
    walk->key_at += request->from.partition_done;
    return true;
}

static bool open_scan(struct row_walk *walk)
{
    struct store_read read = {.table_id = walk->request.table->store_id, .reverse = walk->request.reverse};
    status st =
        store_cursor_open(walk->run->context->store, &read, &walk->run->result->counters, &walk->cursor);
    return ok(st) ? true : walk_fail(walk, st);
}

bool walk_open(struct plan_run *run, const struct walk_request *request, struct row_slots *slots,
               struct row_walk *out_walk)
{
    *out_walk = (struct row_walk){
        .run = run, .slots = slots, .request = *request, .tombstones_at_start = run->result->tombstones};
    if (request->table->view && !walk_open_view(out_walk))
        return false;
    switch (request->kind) {
    case WALK_KEYS: return open_keys(out_walk);
    case WALK_SCAN: return open_scan(out_walk);
    case WALK_INDEX: return walk_open_index(out_walk);
    case WALK_VIRTUAL: return walk_open_virtual(out_walk);
    }
    return RUN_REFUSE(run, MSG_INTERNAL, "unknown kind of walk");
}

void walk_close(struct row_walk *walk)
{
    cursor_close(walk->cursor);
    cursor_close(walk->index_cursor);
    walk->cursor = walk->index_cursor = NULL;
}
