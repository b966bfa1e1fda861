/*
 * row_walk_index.c: walk the entries of one indexed value and look every base row up.
 *
 * Entries come in the order (token, partition key, clustering), which is the order a scan returns rows in (TOK-5), so
 * neighbours share the cursor on their base partition. An entry whose row is gone is passed over; whether the row
 * still has the value is for the filter to say, which tests the indexed restriction like every other.
 */
#include "cql/index.h"
#include "cql/row_walk.h"

static bool index_fail(struct row_walk *walk, status st)
{
    return cql_refuse_status(walk->run->error, st);
}

/* The entries of an index on a static column stand for whole partitions. */
static bool of_static(const struct row_walk *walk)
{
    return walk->request.index->column->kind == COLUMN_STATIC;
}

/* Byte bounds of range number `at` among the entries. */
static bool entry_bounds(struct row_walk *walk, uint32_t at, struct key_range *out)
{
    const struct walk_request *request = &walk->request;
    static const struct key_column token_column = {.kind = KEY_INT64};
    struct buffer *key = &walk->run->workspace->key;
    for (int end = 0; end <= 1; end++) {
        buffer_clear(key);
        if (request->by_key) {
            index_entry_key(key, request->keys[0], (struct slice){0});
            if (!of_static(walk))
                buffer_append_slice(key, end ? request->ranges[at].end : request->ranges[at].start);
            else if (end)
                buffer_append_u8(key, KEY_AFTER);
        } else {
            uint8_t wire[8];
            store_be64(wire, (uint64_t)(end ? request->last_token : request->first_token));
            status st = key_append(key, token_column, slice_of(wire, sizeof wire));
            if (failed(st))
                return index_fail(walk, st);
            if (end)
                buffer_append_u8(key, KEY_AFTER);
        }
        struct slice copy = arena_copy(walk->run->scratch, buffer_slice(key));
        if (key->failed || (key->bytes && !copy.data))
            return run_nomem(walk->run);
        if (end)
            out->end = copy;
        else
            out->start = copy;
    }
    return true;
}

/* Where a later page goes on: after the entry of the last row, or of the last partition. */
static bool resume_entry(struct row_walk *walk)
{
    const struct walk_position *from = &walk->request.from;
    struct buffer *key = &walk->run->workspace->key;
    if (!from->partition.bytes)
        return true;
    buffer_clear(key);
    index_entry_key(key, partition_key_of(from->partition),
                    from->partition_done || of_static(walk) ? (struct slice){0} : from->clustering);
    if (from->partition_done)
        buffer_append_u8(key, KEY_AFTER);
    walk->resume = arena_copy(walk->run->scratch, buffer_slice(key));
    return walk->resume.data ? true : run_nomem(walk->run);
}

bool walk_open_index(struct row_walk *walk)
{
    struct walk_request *request = &walk->request;
    uint32_t count = request->by_key && !of_static(walk) ? request->range_count : 1;
    if (request->by_key && (!request->key_count || !request->range_count))
        count = 0;
    struct key_range *bounds = arena_alloc(walk->run->scratch, (count + 1) * sizeof *bounds);
    if (!bounds)
        return run_nomem(walk->run);
    for (uint32_t i = 0; i < count; i++)
        if (!entry_bounds(walk, i, &bounds[i]))
            return false;
    if (!resume_entry(walk))
        return false;
    request->ranges = bounds;
    request->range_count = count;
    walk->must_seek_entry = true;

    struct store_read read = {.table_id = request->index->store_id};
    status st = store_cursor_open_one(walk->run->context->store, &read,
                                      partition_key_of(index_partition_bytes(request->index_value)),
                                      &walk->run->result->counters, &walk->index_cursor);
    return ok(st) ? true : index_fail(walk, st);
}

static status seek_entry(struct row_walk *walk, const struct key_range *range)
{
    struct cursor *cursor = walk->index_cursor;
    struct slice resume = walk->resume;
    bool within = resume.bytes && slice_compare(resume, range->start) >= 0;
    walk->must_seek_entry = false;
    TRY(cursor_seek_row(cursor, within ? resume : range->start));
    /* The last entry was left behind; of a static column it may have been given in part. */
    if (within && cursor->on_row && slice_equal(cursor->row.clustering, resume) && !of_static(walk))
        return cursor_next(cursor);
    return STATUS_DONE;
}

static bool entry_alive(struct row_walk *walk, bool *out_live)
{
    struct buffer *live = &walk->run->workspace->image;
    buffer_clear(live);
    status st = row_live(walk->index_cursor->row.image, DELETION_NONE, walk->run->now_s, live, out_live,
                         &walk->run->result->tombstones);
    return ok(st) ? true : index_fail(walk, st);
}

/* To the next live entry. */
static bool next_entry(struct row_walk *walk, bool *out_found)
{
    struct cursor *cursor = walk->index_cursor;
    *out_found = false;
    while (cursor && walk->entry_range_at < walk->request.range_count) {
        const struct key_range *range = &walk->request.ranges[walk->entry_range_at];
        status st = walk->must_seek_entry ? seek_entry(walk, range) : cursor_next(cursor);
        if (failed(st))
            return index_fail(walk, st);
        if (!cursor->on_row || slice_compare(cursor->row.clustering, range->end) >= 0) {
            walk->entry_range_at++;
            walk->must_seek_entry = true;
            continue;
        }
        if (!entry_alive(walk, out_found))
            return false;
        if (*out_found)
            return true;
    }
    return true;
}

/* Bring the base cursor to the partition of an entry. */
static bool enter_base(struct row_walk *walk, struct slice partition, bool *out_found)
{
    if (walk->cursor && slice_equal(walk->cursor->partition.key.bytes, partition)) {
        *out_found = true;
        return true;
    }
    cursor_close(walk->cursor);
    walk->cursor = NULL;
    walk->skip = false;
    struct store_read read = {.table_id = walk->request.table->store_id};
    status st = store_cursor_open_one(walk->run->context->store, &read, partition_key_of(partition),
                                      &walk->run->result->counters, &walk->cursor);
    if (failed(st))
        return index_fail(walk, st);
    *out_found = walk->cursor != NULL;
    return *out_found ? walk_enter_partition(walk) : true;
}

/* The base row of the entry that the index cursor stands on. */
static bool base_row(struct row_walk *walk, bool *out_live)
{
    struct slice clustering;
    struct buffer *partition = &walk->run->workspace->key;
    *out_live = false;
    buffer_clear(partition);
    status st = index_entry_split(walk->index_cursor->row.clustering, partition, &clustering);
    if (failed(st))
        return index_fail(walk, st);
    bool found;
    if (!enter_base(walk, buffer_slice(partition), &found))
        return false;
    if (!found || walk->skip)
        return true;
    st = cursor_seek_row(walk->cursor, clustering);
    if (failed(st))
        return index_fail(walk, st);
    if (!walk->cursor->on_row || !slice_equal(walk->cursor->row.clustering, clustering))
        return true;
    walk->clustering = walk->cursor->row.clustering;
    return walk_live_row(walk, out_live);
}

/* ---- whole partitions ---- */

/* Enter the partition of the next entry, after the rows that earlier pages have given out; false in *out_found at the end. */
static bool next_whole_partition(struct row_walk *walk, bool *out_found)
{
    const struct walk_position *from = &walk->request.from;
    struct buffer *partition = &walk->run->workspace->key;
    struct slice clustering;
    for (;;) {
        if (!next_entry(walk, out_found))
            return false;
        if (!*out_found)
            return true;
        buffer_clear(partition);
        status st = index_entry_split(walk->index_cursor->row.clustering, partition, &clustering);
        if (failed(st))
            return index_fail(walk, st);
        bool there;
        if (!enter_base(walk, buffer_slice(partition), &there))
            return false;
        if (!there)
            continue;
        bool again = from->partition.bytes && !from->partition_done &&
                     slice_equal(walk->partition.bytes, from->partition);
        struct slice start = again ? from->clustering : (struct slice){0};
        walk->gave_row = again && from->gave_row;
        st = cursor_seek_row(walk->cursor, start);
        /* The row that the last page ended with. */
        walk->moved =
            !(again && ok(st) && walk->cursor->on_row && slice_equal(walk->cursor->row.clustering, start));
        return ok(st) ? true : index_fail(walk, st);
    }
}

/* The next live row of the partition that the walk is in. */
static bool next_whole_row(struct row_walk *walk, bool *out_found)
{
    *out_found = false;
    for (;;) {
        status st = walk->moved ? STATUS_DONE : cursor_next(walk->cursor);
        walk->moved = false;
        if (failed(st))
            return index_fail(walk, st);
        if (!walk->cursor->on_row || walk->skip)
            return true;
        walk->clustering = walk->cursor->row.clustering;
        if (!walk_live_row(walk, out_found))
            return false;
        if (*out_found)
            return true;
    }
}

static bool next_static(struct row_walk *walk, enum walk_event *out_event)
{
    for (;;) {
        bool found;
        if (!walk->in_partition) {
            if (!next_whole_partition(walk, &found))
                return false;
            if (!found) {
                *out_event = WALK_END;
                return true;
            }
        }
        if (!next_whole_row(walk, &found))
            return false;
        if (found) {
            walk->gave_row = true;
            *out_event = WALK_ROW;
            return true;
        }
        walk->in_partition = false;
        if (walk->gave_row || !walk->static_lives || walk->skip || !walk->request.statics)
            continue;
        walk->clustering = (struct slice){0};
        slots_no_row(walk->slots);
        *out_event = WALK_PARTITION;
        return true;
    }
}

bool walk_next_index(struct row_walk *walk, enum walk_event *out_event)
{
    walk->new_partition = false;
    if (of_static(walk))
        return next_static(walk, out_event);
    for (;;) {
        bool found, live;
        if (!next_entry(walk, &found))
            return false;
        if (!found) {
            *out_event = WALK_END;
            return true;
        }
        if (!base_row(walk, &live))
            return false;
        if (live) {
            *out_event = WALK_ROW;
            return true;
        }
    }
}

void walk_skip_partition_index(struct row_walk *walk)
{
    walk->skip = true;
}
