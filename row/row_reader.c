/* Reading an image back. Nothing is believed: order, states and lengths are checked cell by cell. */
#include "row/row.h"

/* Timestamps span all of int64, so their difference wraps; adding it back wraps to the same place. */
static int64_t take_timestamp(struct reader *in, int64_t base)
{
    int64_t timestamp = (int64_t)((uint64_t)base + (uint64_t)zigzag_decode(image_varint(in)));
    if (timestamp == TIMESTAMP_NONE)
        in->failed = true;
    return timestamp;
}

static int64_t take_svarint(struct reader *in)
{
    return zigzag_decode(image_varint(in));
}

static int32_t take_ttl(struct reader *in)
{
    uint64_t ttl_s = image_varint(in);
    if (ttl_s == 0 || ttl_s > INT32_MAX)
        in->failed = true;
    return in->failed ? 0 : (int32_t)ttl_s;
}

/* What stands between the base timestamp and the number of cells. */
static void take_head(struct reader *in, unsigned flags, struct row_reader *reader)
{
    if (flags & IMAGE_MARKER_EXPIRES) {
        reader->marker.ttl_s = take_ttl(in);
        reader->marker.expiry_s = take_svarint(in);
        if (!(flags & IMAGE_HAS_MARKER))
            in->failed = true;
    }
    if (flags & IMAGE_HAS_DELETION) {
        reader->deletion.timestamp = take_timestamp(in, reader->base_timestamp);
        reader->deletion.time_s = take_svarint(in);
    }
}

status row_open_any(struct slice image, struct row_reader *out_reader)
{
    if (image.bytes < IMAGE_BYTES_MIN)
        return STATUS_FAIL(STATUS_CORRUPT);
    unsigned flags = image.data[0];
    int64_t base = (int64_t)load_le64(image.data + IMAGE_BASE_AT);
    struct reader in = {.at = image.data + IMAGE_BASE_END, .end = image.data + image.bytes};
    if (flags & ~(unsigned)IMAGE_FLAGS || base == TIMESTAMP_NONE)
        return STATUS_FAIL(STATUS_CORRUPT);
    *out_reader = (struct row_reader){
        .marker.timestamp = flags & IMAGE_HAS_MARKER ? base : TIMESTAMP_NONE,
        .deletion = DELETION_NONE,
        .base_timestamp = base,
    };
    if (flags & (IMAGE_MARKER_EXPIRES | IMAGE_HAS_DELETION))
        take_head(&in, flags, out_reader);
    uint64_t count = image_varint(&in);
    if (in.failed || count > reader_left(&in) / 2 || count > UINT32_MAX)
        return STATUS_FAIL(STATUS_CORRUPT);
    out_reader->cell_count = out_reader->cells_left = (uint32_t)count;
    out_reader->in = in;
    return STATUS_DONE;
}

bool row_is_nothing(struct slice image)
{
    static const uint8_t nothing[IMAGE_BYTES_MIN];
    return slice_equal(image, slice_of(nothing, sizeof nothing));
}

static status past_last_cell(const struct row_reader *reader, bool *out_more)
{
    if (reader->in.failed || reader_left(&reader->in))
        return STATUS_FAIL(STATUS_CORRUPT);
    *out_more = false;
    return STATUS_DONE;
}

/* The kind of a cell, its time and its ttl. */
static void take_state(struct row_reader *reader, unsigned state, struct cell *cell)
{
    struct reader *in = &reader->in;
    switch (state) {
    case CELL_STATE_LIVE: cell->kind = CELL_LIVE; return;
    case CELL_STATE_EXPIRING:
        cell->kind = CELL_EXPIRING;
        cell->ttl_s = take_ttl(in);
        cell->expiry_s = take_svarint(in);
        return;
    case CELL_STATE_DEAD:
        cell->kind = CELL_DEAD;
        cell->expiry_s = take_svarint(in);
        return;
    default: /* CELL_STATE_AS_MARKER */
        cell->kind = CELL_EXPIRING;
        cell->ttl_s = reader->marker.ttl_s;
        cell->expiry_s = reader->marker.expiry_s;
        if (!cell->ttl_s)
            in->failed = true;
        return;
    }
}

/* The path of an element; an empty one makes a live cell a counter and a dead one a complex deletion. Behind a cell
 * of its own column without a path anything may come, behind one with a path only a greater path. */
static void take_path(struct row_reader *reader, struct cell *cell, bool same_column)
{
    struct reader *in = &reader->in;
    cell->path = reader_take(in, image_varint(in));
    if (!cell->path.bytes) {
        if (cell->kind == CELL_LIVE) {
            cell->kind = CELL_COUNTER;
            in->failed |= same_column;
            return;
        }
        if (cell->kind == CELL_EXPIRING)
            in->failed = true;
        cell->kind = CELL_COMPLEX_DELETION;
    }
    if (reader->path_seen && reader->path_column == cell->column &&
        slice_compare(cell->path, reader->path) <= 0)
        in->failed = true;
    reader->path_seen = true;
    reader->path_column = cell->column;
    reader->path = cell->path;
}

static void take_value(struct reader *in, struct cell *cell)
{
    if (cell_is_tombstone(cell))
        return;
    cell->value = reader_take(in, image_varint(in));
    if (cell->kind == CELL_COUNTER && cell->value.bytes != sizeof(int64_t))
        in->failed = true;
}

/* The difference of a timestamp, in at most eight bytes; false when it has more or runs into the end. */
static inline bool short_svarint(const uint8_t **at, const uint8_t *end, int64_t *out_value)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 56 && *at != end; shift += 7) {
        uint8_t byte = *(*at)++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *out_value = zigzag_decode(value);
            return true;
        }
    }
    return false;
}

/* The next cell if it is a live element with short lengths, as thousands of a large collection are. False, with nothing
 * changed, when it is anything else or is not well formed. */
static bool next_short_element(struct row_reader *reader, struct cell *out_cell)
{
    const uint8_t *at = reader->in.at, *end = reader->in.end;
    int64_t difference = 0;
    if (at == end || *at >= 0x80 || (*at & (CELL_HAS_PATH | CELL_STATE)) != CELL_HAS_PATH)
        return false;
    uint8_t tag = *at++;
    if ((tag & CELL_OWN_TIMESTAMP) && !short_svarint(&at, end, &difference))
        return false;
    int64_t timestamp = (int64_t)((uint64_t)reader->base_timestamp + (uint64_t)difference);
    uint32_t column = reader->column + (tag >> CELL_FLAG_BITS);
    if (at == end || *at == 0 || *at >= 0x80 || *at + 2 > end - at)
        return false;
    struct slice path = slice_of(at + 1, *at);
    at += 1 + path.bytes;
    if (*at >= 0x80 || *at + 1 > end - at || column < reader->column || timestamp == TIMESTAMP_NONE)
        return false;
    if (reader->path_seen && reader->path_column == column && slice_compare(path, reader->path) <= 0)
        return false;
    *out_cell = (struct cell){
        .column = column,
        .kind = CELL_LIVE,
        .timestamp = timestamp,
        .path = path,
        .value = slice_of(at + 1, *at),
    };
    reader->in.at = at + 1 + *at;
    reader->column = column;
    reader->cells_left--;
    reader->path_seen = true;
    reader->path_column = column;
    reader->path = path;
    return true;
}

status row_next_any_cell(struct row_reader *reader, struct cell *out_cell, bool *out_more)
{
    struct reader *in = &reader->in;
    if (!reader->cells_left)
        return past_last_cell(reader, out_more);
    if (!in->failed && next_short_element(reader, out_cell)) {
        *out_more = true;
        return STATUS_DONE;
    }

    uint64_t tag = image_varint(in);
    uint64_t delta = tag >> CELL_FLAG_BITS;
    bool same_column = !delta && reader->cells_left != reader->cell_count;
    if (in->failed || delta > UINT32_MAX - reader->column || (same_column && !(tag & CELL_HAS_PATH)))
        return STATUS_FAIL(STATUS_CORRUPT);

    struct cell cell = {.column = reader->column + (uint32_t)delta, .timestamp = reader->base_timestamp};
    if (tag & CELL_OWN_TIMESTAMP)
        cell.timestamp = take_timestamp(in, reader->base_timestamp);
    take_state(reader, (unsigned)tag & CELL_STATE, &cell);
    if (tag & CELL_HAS_PATH)
        take_path(reader, &cell, same_column);
    take_value(in, &cell);
    TRY(reader_status(in));

    reader->column = cell.column;
    reader->cells_left--;
    *out_cell = cell;
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
        if (!cell_lasts(&cell))
            facts_see_expiry(&facts, cell.expiry_s);
        facts.tombstones += cell_is_tombstone(&cell);
    }
    *out_facts = facts;
    return STATUS_DONE;
}
