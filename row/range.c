#include "row/range.h"

#include <stdlib.h>

/*
 * range_list_build() sweeps from left to right over pieces sorted by start. A heap holds the pieces
 * that have begun, strongest on top; those that have ended are dropped when they come up. The top is
 * what covers the sweep's position, until it ends or another piece begins. Neighbours with one
 * deletion are joined again, so that a weak piece that begins under a strong one leaves no cut.
 */
struct sweep {
    const struct range_tombstone **waiting; /* by start */
    uint32_t waiting_count, next;
    const struct range_tombstone **heap;
    uint32_t heap_count;
    struct range_tombstone *items; /* what has been emitted */
    uint32_t count;
};

enum {
    SWEEP_INLINE = 16 /* pieces that need no malloc */
};

static int by_start(const void *a, const void *b)
{
    const struct range_tombstone *x = *(const struct range_tombstone *const *)a;
    const struct range_tombstone *y = *(const struct range_tombstone *const *)b;
    return slice_compare(x->start, y->start);
}

static void heap_push(struct sweep *sweep, const struct range_tombstone *piece)
{
    uint32_t at = sweep->heap_count++;
    while (at && deletion_compare(sweep->heap[(at - 1) / 2]->deletion, piece->deletion) < 0) {
        sweep->heap[at] = sweep->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    sweep->heap[at] = piece;
}

static void heap_pop(struct sweep *sweep)
{
    const struct range_tombstone *piece = sweep->heap[--sweep->heap_count];
    uint32_t at = 0;
    for (uint32_t child; (child = 2 * at + 1) < sweep->heap_count; at = child) {
        if (child + 1 < sweep->heap_count &&
            deletion_compare(sweep->heap[child + 1]->deletion, sweep->heap[child]->deletion) > 0)
            child++;
        if (deletion_compare(sweep->heap[child]->deletion, piece->deletion) <= 0)
            break;
        sweep->heap[at] = sweep->heap[child];
    }
    sweep->heap[at] = piece;
}

static void emit(struct sweep *sweep, struct slice start, struct slice end, struct deletion deletion)
{
    struct range_tombstone *last = sweep->count ? &sweep->items[sweep->count - 1] : NULL;
    if (last && slice_equal(last->end, start) && deletion_compare(last->deletion, deletion) == 0)
        last->end = end;
    else
        sweep->items[sweep->count++] = (struct range_tombstone){start, end, deletion};
}

/* Emitting between any two of the 2 n bounds at most, `items` never holds more than 2 n pieces. */
static void sweep_run(struct sweep *sweep)
{
    struct slice at = {0};
    for (;;) {
        while (sweep->heap_count && slice_compare(sweep->heap[0]->end, at) <= 0)
            heap_pop(sweep);
        if (!sweep->heap_count) {
            if (sweep->next == sweep->waiting_count)
                return;
            at = sweep->waiting[sweep->next]->start;
        }
        while (sweep->next < sweep->waiting_count &&
               slice_compare(sweep->waiting[sweep->next]->start, at) <= 0)
            heap_push(sweep, sweep->waiting[sweep->next++]);

        const struct range_tombstone *top = sweep->heap[0];
        struct slice end = top->end;
        if (sweep->next < sweep->waiting_count && slice_compare(sweep->waiting[sweep->next]->start, end) < 0)
            end = sweep->waiting[sweep->next]->start;
        emit(sweep, at, end, top->deletion);
        at = end;
    }
}

static bool is_list(const struct range_tombstone *pieces, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (pieces[i].deletion.timestamp == TIMESTAMP_NONE ||
            slice_compare(pieces[i].start, pieces[i].end) >= 0)
            return false;
        if (i && slice_compare(pieces[i - 1].end, pieces[i].start) >= 0)
            return false;
    }
    return true;
}

status range_list_build(struct arena *arena, const struct range_tombstone *pieces, uint32_t count,
                        struct range_list *out_list)
{
    if (!count) {
        *out_list = (struct range_list){0};
        return STATUS_DONE;
    }
    bool sorted = is_list(pieces, count);
    size_t room = (sorted ? 1 : 2) * (size_t)count;
    struct range_tombstone *items = arena_calloc(arena, room, sizeof *items);
    if (!items)
        return STATUS_FAIL(STATUS_NOMEM);
    if (sorted) {
        memcpy(items, pieces, count * sizeof *items);
        *out_list = (struct range_list){.items = items, .count = count};
        return STATUS_DONE;
    }

    const struct range_tombstone *inline_slots[2 * SWEEP_INLINE];
    const struct range_tombstone **slots = inline_slots;
    if (count > SWEEP_INLINE) {
        slots = malloc(2 * (size_t)count * sizeof *slots);
        if (!slots)
            return STATUS_FAIL(STATUS_NOMEM);
    }
    struct sweep sweep = {.waiting = slots, .heap = slots + count, .items = items};
    for (uint32_t i = 0; i < count; i++)
        if (pieces[i].deletion.timestamp != TIMESTAMP_NONE &&
            slice_compare(pieces[i].start, pieces[i].end) < 0)
            sweep.waiting[sweep.waiting_count++] = &pieces[i];
    qsort(sweep.waiting, sweep.waiting_count, sizeof *sweep.waiting, by_start);
    sweep_run(&sweep);
    *out_list = (struct range_list){.items = items, .count = sweep.count};
    if (slots != inline_slots)
        free(slots);
    return STATUS_DONE;
}

struct deletion range_list_over(const struct range_list *list, struct slice clustering)
{
    uint32_t low = 0, high = list->count; /* pieces before `low` start at or before the key */
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (slice_compare(list->items[middle].start, clustering) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low && slice_compare(clustering, list->items[low - 1].end) < 0)
        return list->items[low - 1].deletion;
    return DELETION_NONE;
}

void range_list_encode(struct buffer *out, const struct range_list *list)
{
    buffer_append_varint(out, list->count);
    for (uint32_t i = 0; i < list->count; i++) {
        const struct range_tombstone *piece = &list->items[i];
        buffer_append_varint(out, piece->start.bytes);
        buffer_append_slice(out, piece->start);
        buffer_append_varint(out, piece->end.bytes);
        buffer_append_slice(out, piece->end);
        buffer_append_varint(out, zigzag_encode(piece->deletion.timestamp));
        buffer_append_varint(out, zigzag_encode(piece->deletion.time_s));
    }
}

status range_list_decode(struct reader *in, struct arena *arena, struct range_list *out_list)
{
    enum { PIECE_BYTES_MIN = 5 }; /* two lengths, an end of one byte, a deletion */
    uint64_t count = reader_varint(in);
    if (in->failed || count > reader_left(in) / PIECE_BYTES_MIN)
        return STATUS_FAIL(STATUS_CORRUPT);
    struct range_tombstone *items = count ? arena_calloc(arena, (size_t)count, sizeof *items) : NULL;
    if (count && !items)
        return STATUS_FAIL(STATUS_NOMEM);
    for (uint64_t i = 0; i < count; i++) {
        struct range_tombstone *piece = &items[i];
        piece->start = reader_take(in, reader_varint(in));
        piece->end = reader_take(in, reader_varint(in));
        piece->deletion.timestamp = zigzag_decode(reader_varint(in));
        piece->deletion.time_s = zigzag_decode(reader_varint(in));
        if (in->failed || piece->deletion.timestamp == TIMESTAMP_NONE ||
            slice_compare(piece->start, piece->end) >= 0 ||
            (i && slice_compare(items[i - 1].end, piece->start) > 0))
            return STATUS_FAIL(STATUS_CORRUPT);
    }
    *out_list = (struct range_list){.items = items, .count = (uint32_t)count};
    return STATUS_DONE;
}
