/*
 * The layout is in docs/formats/row.md. What must hold: an image is canonical (equal contents, equal
 * bytes), so the base timestamp and the short forms are functions of the contents alone.
 */
#include "row/row.h"

#include <assert.h>
#include <stdlib.h>

#include "row/reconcile.h"
#include "row/row_internal.h"

enum row_flag {
    ROW_HAS_MARKER = 0x01,
    ROW_MARKER_EXPIRES = 0x02,
    ROW_HAS_DELETION = 0x04,
    ROW_FLAGS = 0x07,
};

enum cell_flag {
    CELL_OWN_TIMESTAMP = 0x1,
    CELL_STATE = 0x6, /* mask of the four states below */
    CELL_IS_LIVE = 0x0,
    CELL_IS_EXPIRING = 0x2,
    CELL_IS_DEAD = 0x4,
    CELL_EXPIRES_AS_MARKER = 0x6,
    CELL_HAS_PATH = 0x8,
    CELL_FLAG_BITS = 4,
};

enum {
    VARINT_BYTES_MAX = 10,
    HEAD_BYTES_MAX = 1 + 6 * VARINT_BYTES_MAX,
    CELL_BYTES_MAX = 5 * VARINT_BYTES_MAX, /* without the value */
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

static int64_t timestamp_plus(int64_t base, int64_t difference)
{
    return (int64_t)((uint64_t)base + (uint64_t)difference);
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
    if (cell->kind == CELL_LIVE)
        return CELL_IS_LIVE;
    if (cell->kind == CELL_DEAD)
        return CELL_IS_DEAD;
    bool as_marker = marker.timestamp != TIMESTAMP_NONE && marker.ttl_s == cell->ttl_s &&
                     marker.expiry_s == cell->expiry_s;
    return as_marker ? CELL_EXPIRES_AS_MARKER : CELL_IS_EXPIRING;
}

static uint8_t *put_cell(uint8_t *at, struct marker marker, int64_t base, uint32_t delta,
                         const struct cell *cell)
{
    assert(cell->timestamp != TIMESTAMP_NONE);
    assert(cell->kind != CELL_EXPIRING || cell->ttl_s > 0);
    unsigned state = cell_state(marker, cell);
    unsigned own = cell->timestamp != base ? CELL_OWN_TIMESTAMP : 0;

    at = put_varint(at, (uint64_t)delta << CELL_FLAG_BITS | state | own);
    if (own)
        at = put_svarint(at, timestamp_minus(cell->timestamp, base));
    if (state == CELL_IS_EXPIRING)
        at = put_varint(at, (uint64_t)cell->ttl_s);
    if (state == CELL_IS_EXPIRING || state == CELL_IS_DEAD)
        at = put_svarint(at, cell->expiry_s);
    if (state == CELL_IS_DEAD)
        return at;
    at = put_varint(at, cell->value.bytes);
    if (cell->value.bytes)
        memcpy(at, cell->value.data, cell->value.bytes);
    return at + cell->value.bytes;
}

static uint8_t *put_head(uint8_t *at, struct marker marker, struct deletion deletion, int64_t base)
{
    bool has_marker = marker.timestamp != TIMESTAMP_NONE;
    bool expires = has_marker && marker.ttl_s > 0;
    bool has_deletion = deletion.timestamp != TIMESTAMP_NONE;

    *at++ = (uint8_t)((has_marker ? ROW_HAS_MARKER : 0) | (expires ? ROW_MARKER_EXPIRES : 0) |
                      (has_deletion ? ROW_HAS_DELETION : 0));
    at = put_svarint(at, base);
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
        room += cells[i].value.bytes;
    if (!buffer_reserve(out, room))
        return buffer_status(out);

    int64_t base = base_of(marker, deletion, cells, count);
    uint8_t *at = put_head(out->data + out->bytes, marker, deletion, base);
    at = put_varint(at, count);
    uint32_t column = 0;
    for (uint32_t i = 0; i < count; i++) {
        assert(!i || cells[i].column > column);
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

/* Statements name columns almost in order, so insertion sort is nearly always one pass. */
static void cells_sort(struct cell *cells, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        struct cell cell = cells[i];
        uint32_t at = i;
        for (; at > 0 && cells[at - 1].column > cell.column; at--)
            cells[at] = cells[at - 1];
        cells[at] = cell;
    }
}

/* One cell for each column, none that the row's own deletion covers. Cells of one statement share
 * timestamp and TTL, so the point where targets differ (TS-8) cannot decide here. */
static uint32_t cells_settle(struct cell *cells, uint32_t count, struct deletion deletion)
{
    static const struct reconcile_rules rules = {.smaller_ttl_wins = true};
    uint32_t kept = 0;

    cells_sort(cells, count);
    for (uint32_t i = 0; i < count; i++) {
        if (row_covered(cells[i].timestamp, deletion))
            continue;
        if (kept && cells[kept - 1].column == cells[i].column) {
            if (cell_compare(&rules, &cells[i], &cells[kept - 1]) > 0)
                cells[kept - 1] = cells[i];
        } else {
            cells[kept++] = cells[i];
        }
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

static inline uint64_t take_varint(struct reader *in)
{
    if (!in->failed && in->at != in->end && *in->at < 0x80)
        return *in->at++;
    return reader_varint(in);
}

static inline int64_t take_svarint(struct reader *in)
{
    return zigzag_decode(take_varint(in));
}

static int64_t take_timestamp(struct reader *in, int64_t base)
{
    int64_t timestamp = timestamp_plus(base, take_svarint(in));
    if (timestamp == TIMESTAMP_NONE)
        in->failed = true;
    return timestamp;
}

static int32_t take_ttl(struct reader *in)
{
    uint64_t ttl_s = take_varint(in);
    if (ttl_s == 0 || ttl_s > INT32_MAX)
        in->failed = true;
    return in->failed ? 0 : (int32_t)ttl_s;
}

status row_open(struct slice image, struct row_reader *out_reader)
{
    struct reader in = reader_of(image);
    struct marker marker = MARKER_NONE;
    struct deletion deletion = DELETION_NONE;

    unsigned flags = reader_u8(&in);
    int64_t base = take_timestamp(&in, 0);
    if ((flags & ~(unsigned)ROW_FLAGS) ||
        (flags & (ROW_HAS_MARKER | ROW_MARKER_EXPIRES)) == ROW_MARKER_EXPIRES)
        in.failed = true;
    if (flags & ROW_HAS_MARKER)
        marker.timestamp = base;
    if (flags & ROW_MARKER_EXPIRES) {
        marker.ttl_s = take_ttl(&in);
        marker.expiry_s = take_svarint(&in);
    }
    if (flags & ROW_HAS_DELETION) {
        deletion.timestamp = take_timestamp(&in, base);
        deletion.time_s = take_svarint(&in);
    }
    uint64_t count = take_varint(&in);
    if (in.failed || count > reader_left(&in) / 2 || count > UINT32_MAX)
        return STATUS_FAIL(STATUS_CORRUPT);

    *out_reader = (struct row_reader){
        .marker = marker,
        .deletion = deletion,
        .cell_count = (uint32_t)count,
        .cells_left = (uint32_t)count,
        .base_timestamp = base,
        .in = in,
    };
    return STATUS_DONE;
}

/* An expiring cell with its own ttl and expiry, or the marker's. */
static void take_expiry(struct row_reader *reader, unsigned state, int32_t *out_ttl_s, int64_t *out_expiry_s)
{
    if (state == CELL_IS_EXPIRING) {
        *out_ttl_s = take_ttl(&reader->in);
        *out_expiry_s = take_svarint(&reader->in);
        return;
    }
    *out_ttl_s = reader->marker.ttl_s;
    *out_expiry_s = reader->marker.expiry_s;
    if (!reader->marker.ttl_s)
        reader->in.failed = true;
}

static status past_last_cell(const struct row_reader *reader, bool *out_more)
{
    if (reader->in.failed || reader_left(&reader->in))
        return STATUS_FAIL(STATUS_CORRUPT);
    *out_more = false;
    return STATUS_DONE;
}

status row_next_cell(struct row_reader *reader, struct cell *out_cell, bool *out_more)
{
    struct reader *in = &reader->in;
    if (!reader->cells_left)
        return past_last_cell(reader, out_more);

    uint64_t tag = take_varint(in);
    uint64_t delta = tag >> CELL_FLAG_BITS;
    bool is_first = reader->cells_left == reader->cell_count;
    if (in->failed || delta > UINT32_MAX - reader->column || (!delta && !is_first))
        return STATUS_FAIL(STATUS_CORRUPT);
    if (tag & CELL_HAS_PATH)
        return STATUS_FAIL(STATUS_UNSUPPORTED);

    unsigned state = (unsigned)(tag & CELL_STATE);
    enum cell_kind kind = CELL_LIVE;
    int64_t timestamp = reader->base_timestamp, expiry_s = 0;
    int32_t ttl_s = 0;
    struct slice value = {0};
    if (tag & CELL_OWN_TIMESTAMP)
        timestamp = take_timestamp(in, timestamp);
    if (state == CELL_IS_DEAD) {
        kind = CELL_DEAD;
        expiry_s = take_svarint(in);
    } else {
        if (state != CELL_IS_LIVE) {
            kind = CELL_EXPIRING;
            take_expiry(reader, state, &ttl_s, &expiry_s);
        }
        value = reader_take(in, take_varint(in));
    }
    TRY(reader_status(in));

    reader->column += (uint32_t)delta;
    reader->cells_left--;
    *out_cell = (struct cell){
        .column = reader->column,
        .kind = kind,
        .timestamp = timestamp,
        .ttl_s = ttl_s,
        .expiry_s = expiry_s,
        .value = value,
    };
    *out_more = true;
    return STATUS_DONE;
}

static void facts_see(struct row_facts *facts, int64_t timestamp)
{
    if (timestamp < facts->min_timestamp)
        facts->min_timestamp = timestamp;
    if (timestamp > facts->max_timestamp)
        facts->max_timestamp = timestamp;
}

static void facts_see_expiry(struct row_facts *facts, int64_t expiry_s)
{
    if (expiry_s < facts->min_expiry_s)
        facts->min_expiry_s = expiry_s;
    if (expiry_s > facts->max_expiry_s)
        facts->max_expiry_s = expiry_s;
}

status row_facts_of(struct slice image, struct row_facts *out_facts)
{
    struct row_reader reader;
    struct row_facts facts = {INT64_MAX, INT64_MIN, INT64_MAX, INT64_MIN, 0};
    TRY(row_open(image, &reader));

    if (reader.marker.timestamp != TIMESTAMP_NONE) {
        facts_see(&facts, reader.marker.timestamp);
        if (reader.marker.ttl_s)
            facts_see_expiry(&facts, reader.marker.expiry_s);
    }
    if (reader.deletion.timestamp != TIMESTAMP_NONE) {
        facts_see(&facts, reader.deletion.timestamp);
        facts_see_expiry(&facts, reader.deletion.time_s);
        facts.tombstones++;
    }
    struct cell cell;
    for (bool more;;) {
        TRY(row_next_cell(&reader, &cell, &more));
        if (!more)
            break;
        facts_see(&facts, cell.timestamp);
        if (cell.kind != CELL_LIVE)
            facts_see_expiry(&facts, cell.expiry_s);
        facts.tombstones += cell.kind == CELL_DEAD;
    }
    *out_facts = facts;
    return STATUS_DONE;
}
