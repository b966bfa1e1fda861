/*
 * The layout is in docs/formats/row.md. What must hold: an image is canonical (equal contents, equal
 * bytes), so the base timestamp and the short forms are functions of the contents alone.
 */
#include "row/row.h"

#include <assert.h>
#include <stdlib.h>

#include "row/reconcile.h"
#include "row/row_internal.h"

enum {
    VARINT_BYTES_MAX = 10,
    HEAD_BYTES_MAX = IMAGE_BASE_END + 5 * VARINT_BYTES_MAX,
    CELL_BYTES_MAX = 6 * VARINT_BYTES_MAX, /* without path and value */
};

static uint8_t *put_varint(uint8_t *at, uint64_t value)
{
    while (value >= 0x80) {
        *at++ = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    *at++ = (uint8_t)value;
    return at;
}

static uint8_t *put_svarint(uint8_t *at, int64_t value)
{
    return put_varint(at, zigzag_encode(value));
}

/* Timestamps span all of int64, so their difference wraps; adding it back wraps to the same place. */
static int64_t timestamp_minus(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a - (uint64_t)b);
}

static int64_t base_of(struct marker marker, struct deletion deletion, const struct cell *cells,
                       uint32_t count)
{
    if (marker.timestamp != TIMESTAMP_NONE)
        return marker.timestamp;
    if (!count)
        return deletion.timestamp != TIMESTAMP_NONE ? deletion.timestamp : 0;
    int64_t base = cells[0].timestamp;
    for (uint32_t i = 1; i < count; i++)
        base = cells[i].timestamp > base ? cells[i].timestamp : base;
    return base;
}

static unsigned cell_state(struct marker marker, const struct cell *cell)
{
    if (cell_lasts(cell))
        return CELL_STATE_LIVE;
    if (cell_is_tombstone(cell))
        return CELL_STATE_DEAD;
    bool as_marker = marker.timestamp != TIMESTAMP_NONE && marker.ttl_s == cell->ttl_s &&
                     marker.expiry_s == cell->expiry_s;
    return as_marker ? CELL_STATE_AS_MARKER : CELL_STATE_EXPIRING;
}

static uint8_t *put_bytes(uint8_t *at, struct slice bytes)
{
    at = put_varint(at, bytes.bytes);
    if (bytes.bytes)
        memcpy(at, bytes.data, bytes.bytes);
    return at + bytes.bytes;
}

/* Counters and complex deletions are told by an empty path. */
static bool has_path(const struct cell *cell)
{
    return cell->path.bytes || cell->kind >= CELL_COUNTER;
}

static void cell_check(const struct cell *cell)
{
    (void)cell; /* a build without asserts */
    assert(cell->timestamp != TIMESTAMP_NONE);
    assert(cell->kind != CELL_EXPIRING || cell->ttl_s > 0);
    assert(cell->kind < CELL_COUNTER || !cell->path.bytes);
    assert(cell->kind != CELL_COUNTER || cell->value.bytes == sizeof(int64_t));
}

static uint8_t *put_cell(uint8_t *at, struct marker marker, int64_t base, uint32_t delta,
                         const struct cell *cell)
{
    cell_check(cell);
    if (cell->kind == CELL_LIVE && cell->timestamp == base && !cell->path.bytes)
        return put_bytes(put_varint(at, (uint64_t)delta << CELL_FLAG_BITS), cell->value);
    unsigned state = cell_state(marker, cell);
    unsigned own = cell->timestamp != base ? CELL_OWN_TIMESTAMP : 0;
    unsigned path = has_path(cell) ? CELL_HAS_PATH : 0;

    at = put_varint(at, (uint64_t)delta << CELL_FLAG_BITS | state | own | path);
    if (own)
        at = put_svarint(at, timestamp_minus(cell->timestamp, base));
    if (state == CELL_STATE_EXPIRING)
        at = put_varint(at, (uint64_t)cell->ttl_s);
    if (state == CELL_STATE_EXPIRING || state == CELL_STATE_DEAD)
        at = put_svarint(at, cell->expiry_s);
    if (path)
        at = put_bytes(at, cell->path);
    return state == CELL_STATE_DEAD ? at : put_bytes(at, cell->value);
}

static uint8_t *put_head(uint8_t *at, struct marker marker, struct deletion deletion, int64_t base)
{
    bool has_marker = marker.timestamp != TIMESTAMP_NONE;
    bool expires = has_marker && marker.ttl_s > 0;
    bool has_deletion = deletion.timestamp != TIMESTAMP_NONE;

    *at = (uint8_t)((has_marker ? IMAGE_HAS_MARKER : 0) | (expires ? IMAGE_MARKER_EXPIRES : 0) |
                    (has_deletion ? IMAGE_HAS_DELETION : 0));
    store_le64(at + IMAGE_BASE_AT, (uint64_t)base);
    at += IMAGE_BASE_END;
    if (expires) {
        at = put_varint(at, (uint64_t)marker.ttl_s);
        at = put_svarint(at, marker.expiry_s);
    }
    if (has_deletion) {
        at = put_svarint(at, timestamp_minus(deletion.timestamp, base));
        at = put_svarint(at, deletion.time_s);
    }
    return at;
}

status row_encode(struct marker marker, struct deletion deletion, const struct cell *cells, uint32_t count,
                  struct buffer *out)
{
    size_t room = HEAD_BYTES_MAX + (size_t)count * CELL_BYTES_MAX;
    for (uint32_t i = 0; i < count; i++)
        room += cells[i].path.bytes + cells[i].value.bytes;
    if (!buffer_reserve(out, room))
        return buffer_status(out);

    int64_t base = base_of(marker, deletion, cells, count);
    uint8_t *at = put_head(out->data + out->bytes, marker, deletion, base);
    at = put_varint(at, count);
    uint32_t column = 0;
    for (uint32_t i = 0; i < count; i++) {
        assert(!i || cell_order(&cells[i - 1], &cells[i]) < 0);
        at = put_cell(at, marker, base, cells[i].column - column, &cells[i]);
        column = cells[i].column;
    }
    out->bytes = (size_t)(at - out->data);
    return STATUS_DONE;
}

void row_parts_init(struct row_parts *parts)
{
    parts->marker = MARKER_NONE;
    parts->deletion = DELETION_NONE;
    parts->cells = parts->inline_cells;
    parts->cell_count = 0;
    parts->cell_capacity = ROW_INLINE_CELLS;
}

void row_parts_deinit(struct row_parts *parts)
{
    if (parts->cells != parts->inline_cells)
        free(parts->cells);
}

status row_parts_add(struct row_parts *parts, const struct cell *cell)
{
    if (parts->cell_count == parts->cell_capacity) {
        bool is_inline = parts->cells == parts->inline_cells;
        size_t capacity = (size_t)parts->cell_capacity * 2;
        struct cell *grown = realloc(is_inline ? NULL : parts->cells, capacity * sizeof *grown);
        if (!grown)
            return STATUS_FAIL(STATUS_NOMEM);
        if (is_inline)
            memcpy(grown, parts->inline_cells, sizeof parts->inline_cells);
        parts->cells = grown;
        parts->cell_capacity = (uint32_t)capacity;
    }
    parts->cells[parts->cell_count++] = *cell;
    return STATUS_DONE;
}

void row_builder_reset(struct row_builder *builder)
{
    builder->marker = MARKER_NONE;
    builder->deletion = DELETION_NONE;
    builder->cell_count = 0;
    builder->failed = false;
}

void row_builder_deinit(struct row_builder *builder)
{
    free(builder->cells);
    *builder = (struct row_builder){.marker = MARKER_NONE, .deletion = DELETION_NONE};
}

void row_builder_add(struct row_builder *builder, struct cell cell)
{
    if (builder->failed)
        return;
    if (builder->cell_count == builder->cell_capacity) {
        size_t capacity = builder->cell_capacity ? (size_t)builder->cell_capacity * 2 : 8;
        struct cell *grown = realloc(builder->cells, capacity * sizeof *grown);
        if (!grown) {
            builder->failed = true;
            return;
        }
        builder->cells = grown;
        builder->cell_capacity = (uint32_t)capacity;
    }
    builder->cells[builder->cell_count++] = cell;
}

static int cells_by_order(const void *a, const void *b)
{
    return cell_order(a, b);
}

/* Insertion sort is one pass over what is almost in order; the elements of a large collection may come in any. */
static void cells_sort(struct cell *cells, uint32_t count)
{
    uint64_t moves_left = 4 * (uint64_t)count;
    for (uint32_t i = 1; i < count; i++) {
        if (cell_order(&cells[i - 1], &cells[i]) <= 0)
            continue;
        struct cell cell = cells[i];
        uint32_t at = i;
        for (; at > 0 && cell_order(&cells[at - 1], &cell) > 0; at--)
            cells[at] = cells[at - 1];
        cells[at] = cell;
        if (i - at > moves_left) {
            qsort(cells, count, sizeof *cells, cells_by_order);
            return;
        }
        moves_left -= i - at;
    }
}

/* Statements name columns in order more often than not, and then there is nothing to do: different columns, without
 * complex deletions. */
static bool cells_are_settled(const struct cell *cells, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (cells[i].kind == CELL_COMPLEX_DELETION || (i && cells[i].column <= cells[i - 1].column))
            return false;
    return true;
}

/* One cell for each place, none that the row's own deletion or the column's covers. Cells of one statement share
 * timestamp and TTL, so the points where targets differ (TS-8, CNT-5) cannot decide here. */
static uint32_t cells_settle(struct cell *cells, uint32_t count, struct deletion deletion)
{
    static const struct reconcile_rules rules = {.smaller_ttl_wins = true};
    struct element_cover elements = ELEMENT_COVER_NONE;
    uint32_t kept = 0;

    if (deletion.timestamp == TIMESTAMP_NONE && cells_are_settled(cells, count))
        return count;
    cells_sort(cells, count);
    for (uint32_t i = 0; i < count; i++) {
        if (row_covered(cells[i].timestamp, deletion))
            continue;
        if (kept && cell_order(&cells[kept - 1], &cells[i]) == 0) {
            if (cell_compare(&rules, &cells[i], &cells[kept - 1]) > 0)
                cells[kept - 1] = cells[i];
        } else {
            cells[kept++] = cells[i];
        }
        /* Of several complex deletions the strongest stands last here, before the first element. */
        if (element_covered(&elements, &cells[kept - 1]))
            kept--;
    }
    return kept;
}

status row_builder_finish(struct row_builder *builder, struct buffer *out)
{
    if (builder->failed)
        return STATUS_FAIL(STATUS_NOMEM);
    if (row_covered(builder->marker.timestamp, builder->deletion))
        builder->marker = MARKER_NONE;
    builder->cell_count = cells_settle(builder->cells, builder->cell_count, builder->deletion);
    return row_encode(builder->marker, builder->deletion, builder->cells, builder->cell_count, out);
}
