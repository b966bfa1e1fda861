/*
 * Which write wins. Every comparison below is a total order on what it compares, so merging is
 * commutative, associative and idempotent whatever the order in which sources are met; where a rule
 * of the target ends in "either", we add a last step that decides.
 */
#include "row/reconcile.h"

#include "row/row_internal.h"

#define ORDER(a, b) (((a) > (b)) - ((a) < (b)))

/* TS-6 to TS-8 for two writes of which neither is a tombstone; ttl 0 never expires. */
static int expiry_compare(int32_t a_ttl_s, int64_t a_expiry_s, int32_t b_ttl_s, int64_t b_expiry_s)
{
    int order = ORDER(a_ttl_s > 0, b_ttl_s > 0);
    if (order || !a_ttl_s)
        return order;
    return ORDER(a_expiry_s, b_expiry_s);
}

/* CNT-5: whatever is not a counter is final over one, or only where it is not older. */
static int counter_compare(const struct reconcile_rules *rules, const struct cell *a, const struct cell *b)
{
    int by_kind = ORDER(b->kind == CELL_COUNTER, a->kind == CELL_COUNTER);
    int order = ORDER(a->timestamp, b->timestamp);
    if (by_kind && (!rules->counters_restart || !order))
        return by_kind;
    return order ? order : slice_compare(a->value, b->value);
}

int cell_compare(const struct reconcile_rules *rules, const struct cell *a, const struct cell *b)
{
    if (a->kind == CELL_COUNTER || b->kind == CELL_COUNTER)
        return counter_compare(rules, a, b);
    int order = ORDER(a->timestamp, b->timestamp);
    if (order)
        return order;
    bool a_dead = cell_is_tombstone(a), b_dead = cell_is_tombstone(b);
    if (a_dead || b_dead) {
        order = ORDER(a_dead, b_dead);
        return order ? order : ORDER((uint64_t)a->expiry_s, (uint64_t)b->expiry_s);
    }
    int32_t a_ttl_s = a->kind == CELL_EXPIRING ? a->ttl_s : 0;
    int32_t b_ttl_s = b->kind == CELL_EXPIRING ? b->ttl_s : 0;
    order = expiry_compare(a_ttl_s, a->expiry_s, b_ttl_s, b->expiry_s);
    if (order)
        return order;
    int by_ttl = ORDER(b_ttl_s, a_ttl_s);
    if (rules->smaller_ttl_wins && by_ttl)
        return by_ttl;
    order = slice_compare(a->value, b->value);
    return order ? (order > 0) - (order < 0) : by_ttl;
}

int marker_compare(const struct reconcile_rules *rules, const struct marker *a, const struct marker *b)
{
    (void)rules; /* the value step of TS-9 does not exist here, so TS-8 decides either way */
    int order = ORDER(a->timestamp, b->timestamp);
    if (order || a->timestamp == TIMESTAMP_NONE)
        return order;
    order = expiry_compare(a->ttl_s, a->expiry_s, b->ttl_s, b->expiry_s);
    return order ? order : ORDER(b->ttl_s, a->ttl_s);
}

int deletion_compare(struct deletion a, struct deletion b)
{
    int order = ORDER(a.timestamp, b.timestamp);
    if (order || a.timestamp == TIMESTAMP_NONE)
        return order;
    return ORDER(a.time_s, b.time_s);
}

/* One image under a merge: its reader and the cell it stands on. */
struct merge_side {
    struct row_reader reader;
    struct cell cell;
    bool more;
};

static status side_open(struct merge_side *side, struct slice image)
{
    TRY(row_open(image, &side->reader));
    return row_next_cell(&side->reader, &side->cell, &side->more);
}

static status side_next(struct merge_side *side)
{
    return row_next_cell(&side->reader, &side->cell, &side->more);
}

static status merge_cells(const struct reconcile_rules *rules, struct merge_side *a, struct merge_side *b,
                          struct row_parts *parts)
{
    struct element_cover elements = ELEMENT_COVER_NONE;
    while (a->more || b->more) {
        int order = !a->more ? 1 : !b->more ? -1 : cell_order(&a->cell, &b->cell);
        bool a_wins = order ? order < 0 : cell_compare(rules, &a->cell, &b->cell) >= 0;
        const struct cell *winner = a_wins ? &a->cell : &b->cell;
        if (!row_covered(winner->timestamp, parts->deletion) && !element_covered(&elements, winner))
            TRY(row_parts_add(parts, winner));
        if (order <= 0)
            TRY(side_next(a));
        if (order >= 0)
            TRY(side_next(b));
    }
    return STATUS_DONE;
}

status row_merge(const struct reconcile_rules *rules, struct slice a, struct slice b, struct buffer *out)
{
    struct merge_side left, right;
    TRY(side_open(&left, a));
    TRY(side_open(&right, b));

    struct row_parts parts;
    row_parts_init(&parts);
    parts.deletion = deletion_max(left.reader.deletion, right.reader.deletion);
    parts.marker = marker_compare(rules, &left.reader.marker, &right.reader.marker) >= 0
                       ? left.reader.marker
                       : right.reader.marker;
    if (row_covered(parts.marker.timestamp, parts.deletion))
        parts.marker = MARKER_NONE;

    status st = merge_cells(rules, &left, &right, &parts);
    if (ok(st))
        st = row_encode(parts.marker, parts.deletion, parts.cells, parts.cell_count, out);
    row_parts_deinit(&parts);
    return st;
}

/* Append what became of the row in `image`: the image itself when that is all of it, which is what
 * reading and compaction meet nearly always. `reader` has walked it to its end. */
static status parts_append(const struct row_parts *parts, const struct row_reader *reader, bool changed,
                           struct slice image, struct buffer *out)
{
    bool whole = !changed && parts->cell_count == reader->cell_count &&
                 parts->marker.timestamp == reader->marker.timestamp &&
                 parts->deletion.timestamp == reader->deletion.timestamp;
    if (!whole)
        return row_encode(parts->marker, parts->deletion, parts->cells, parts->cell_count, out);
    buffer_append_slice(out, image);
    return buffer_status(out);
}

/* Whether nothing in the row is dead, may expire, or is covered: one walk that keeps nothing, and nearly all rows. */
static status row_untouched(struct slice image, struct deletion cover, bool *out_untouched)
{
    struct row_reader reader;
    struct cell cell;
    bool more;
    *out_untouched = false;
    TRY(row_open(image, &reader));
    bool has_marker = reader.marker.timestamp != TIMESTAMP_NONE;
    if (reader.deletion.timestamp != TIMESTAMP_NONE || reader.marker.ttl_s ||
        !(has_marker || reader.cell_count) || (has_marker && reader.marker.timestamp <= cover.timestamp))
        return STATUS_DONE;
    do {
        TRY(row_next_cell(&reader, &cell, &more));
        if (more && (!cell_lasts(&cell) || cell.timestamp <= cover.timestamp))
            return STATUS_DONE;
    } while (more);
    *out_untouched = true;
    return STATUS_DONE;
}

/* TTL-6: gone at the expiry second itself. */
static bool has_expired(int32_t ttl_s, int64_t expiry_s, int64_t now_s)
{
    return ttl_s > 0 && expiry_s <= now_s;
}

static status live_cells(struct row_reader *reader, struct deletion cover, int64_t now_s,
                         struct row_parts *parts, uint64_t *dead)
{
    struct element_cover elements = ELEMENT_COVER_NONE;
    struct cell cell;
    for (bool more;;) {
        TRY(row_next_cell(reader, &cell, &more));
        if (!more)
            return STATUS_DONE;
        if (row_covered(cell.timestamp, cover) || element_covered(&elements, &cell))
            continue;
        if (cell_is_tombstone(&cell) || (cell.kind == CELL_EXPIRING && cell.expiry_s <= now_s))
            ++*dead;
        else
            TRY(row_parts_add(parts, &cell));
    }
}

status row_live(struct slice image, struct deletion cover, int64_t now_s, struct buffer *out, bool *out_live,
                uint64_t *tombstones)
{
    struct row_reader reader;
    bool untouched;
    TRY(row_untouched(image, cover, &untouched));
    if (untouched) {
        buffer_append_slice(out, image);
        *out_live = true;
        return buffer_status(out);
    }
    TRY(row_open(image, &reader));

    struct row_parts parts;
    row_parts_init(&parts);
    uint64_t dead = reader.deletion.timestamp != TIMESTAMP_NONE;
    cover = deletion_max(cover, reader.deletion);
    if (!row_covered(reader.marker.timestamp, cover)) {
        if (has_expired(reader.marker.ttl_s, reader.marker.expiry_s, now_s))
            dead++;
        else
            parts.marker = reader.marker;
    }

    status st = live_cells(&reader, cover, now_s, &parts, &dead);
    bool live = parts.marker.timestamp != TIMESTAMP_NONE || parts.cell_count;
    if (ok(st) && live)
        st = parts_append(&parts, &reader, false, image, out);
    if (ok(st)) {
        *out_live = live;
        *tombstones += dead;
    }
    row_parts_deinit(&parts);
    return st;
}

bool deletion_purgeable(const struct purge *purge, struct deletion deletion)
{
    return deletion.timestamp != TIMESTAMP_NONE && deletion.time_s < purge->gc_before_s &&
           deletion.timestamp < purge->max_purgeable_timestamp;
}

/* TTL-7: what expired was, in effect, deleted when it was written. */
static struct deletion expired_as_deletion(int64_t timestamp, int32_t ttl_s, int64_t expiry_s)
{
    int64_t written_s = expiry_s < INT64_MIN + ttl_s ? INT64_MIN : expiry_s - ttl_s;
    return (struct deletion){.timestamp = timestamp, .time_s = written_s};
}

static status purge_cells(struct row_reader *reader, struct deletion cover, const struct purge *purge,
                          struct row_parts *parts, bool *out_changed)
{
    struct element_cover elements = ELEMENT_COVER_NONE;
    struct cell cell;
    *out_changed = false;
    for (bool more;;) {
        TRY(row_next_cell(reader, &cell, &more));
        if (!more)
            return STATUS_DONE;
        if (row_covered(cell.timestamp, cover) || element_covered(&elements, &cell))
            continue;
        if (cell.kind == CELL_EXPIRING && cell.expiry_s <= purge->now_s) {
            *out_changed = true;
            struct deletion as = expired_as_deletion(cell.timestamp, cell.ttl_s, cell.expiry_s);
            cell = (struct cell){
                .column = cell.column,
                .kind = CELL_DEAD,
                .timestamp = cell.timestamp,
                .expiry_s = as.time_s,
                .path = cell.path,
            };
        }
        if (cell_is_tombstone(&cell) &&
            deletion_purgeable(purge, (struct deletion){cell.timestamp, cell.expiry_s}))
            continue;
        TRY(row_parts_add(parts, &cell));
    }
}

/* An expired marker has no dead form in an image: it stays as it is, hiding older markers elsewhere,
 * until it may be forgotten. */
static struct marker purge_marker(struct marker marker, struct deletion cover, const struct purge *purge)
{
    if (row_covered(marker.timestamp, cover))
        return MARKER_NONE;
    if (has_expired(marker.ttl_s, marker.expiry_s, purge->now_s) &&
        deletion_purgeable(purge, expired_as_deletion(marker.timestamp, marker.ttl_s, marker.expiry_s)))
        return MARKER_NONE;
    return marker;
}

status row_purge(struct slice image, struct deletion cover, const struct purge *purge, struct buffer *out,
                 bool *out_empty)
{
    struct row_reader reader;
    bool untouched;
    TRY(row_untouched(image, cover, &untouched));
    if (untouched) {
        buffer_append_slice(out, image);
        *out_empty = false;
        return buffer_status(out);
    }
    TRY(row_open(image, &reader));

    struct row_parts parts;
    row_parts_init(&parts);
    if (deletion_compare(reader.deletion, cover) > 0 && !deletion_purgeable(purge, reader.deletion))
        parts.deletion = reader.deletion;
    cover = deletion_max(cover, reader.deletion);
    parts.marker = purge_marker(reader.marker, cover, purge);

    bool changed;
    status st = purge_cells(&reader, cover, purge, &parts, &changed);
    bool empty = parts.marker.timestamp == TIMESTAMP_NONE && parts.deletion.timestamp == TIMESTAMP_NONE &&
                 !parts.cell_count;
    if (ok(st) && !empty)
        st = parts_append(&parts, &reader, changed, image, out);
    if (ok(st))
        *out_empty = empty;
    row_parts_deinit(&parts);
    return st;
}
