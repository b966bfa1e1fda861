/* Any bytes as a row image: refused, or a row that every operation can work on and merging settles. */
#include <stdlib.h>

#include "row/image.h"
#include "row/live.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void check(bool truth)
{
    if (!truth)
        abort();
}

/* The walk over what lives agrees with the image of what lives. */
static void walk_live(struct slice image, struct deletion cover, int64_t now_s, bool live)
{
    struct live_reader reader;
    struct cell cell;
    bool more, any = false;
    check(ok(live_open(image, cover, now_s, &reader)));
    for (;;) {
        check(ok(live_next_cell(&reader, &cell, &more)));
        if (!more)
            break;
        any = true;
    }
    check(live == (reader.marker_lives || any));
}

/* Paths and values, found by the grammar alone, are those that the reader gives. */
static void walk_cuts(struct slice image)
{
    struct row_reader reader;
    struct cell cell;
    struct reader in = {.at = image.data + IMAGE_BASE_END, .end = image.data + image.bytes};
    uint64_t place;
    bool more;
    check(ok(row_open(image, &reader)));
    if (image.data[0] & IMAGE_MARKER_EXPIRES) {
        (void)image_varint(&in);
        (void)image_varint(&in);
    }
    struct image_cuts cuts = image_cuts_open(&in, image.data[0]);
    for (check(ok(row_next_cell(&reader, &cell, &more))); more;
         check(ok(row_next_cell(&reader, &cell, &more)))) {
        if (cell.path.bytes || cell.kind == CELL_COUNTER || cell.kind == CELL_COMPLEX_DELETION) {
            check(image_cuts_next(&cuts, &in, &place) && place == ((uint64_t)cell.column << 1 | 1));
            check(slice_equal(reader_take(&in, image_varint(&in)), cell.path));
        }
        if (!cell_is_tombstone(&cell)) {
            check(image_cuts_next(&cuts, &in, &place) && place == (uint64_t)cell.column << 1);
            check(slice_equal(reader_take(&in, image_varint(&in)), cell.value));
        }
    }
    check(!image_cuts_next(&cuts, &in, &place) && !in.failed && !reader_left(&in));
}

static bool same_cell(const struct cell *a, const struct cell *b)
{
    return a->column == b->column && a->kind == b->kind && a->timestamp == b->timestamp &&
           a->ttl_s == b->ttl_s && a->expiry_s == b->expiry_s && slice_equal(a->path, b->path) &&
           slice_equal(a->value, b->value);
}

/* The short ways of opening and walking an image agree with the long ones, on what is refused as well. */
static bool read_both_ways(struct slice image)
{
    struct row_reader reader, other;
    struct cell cell, expected;
    bool more = true, expected_more = true;
    status st = row_open(image, &reader), expected_st = row_open_any(image, &other);
    check(st.code == expected_st.code);
    while (ok(st) && more) {
        st = row_next_cell(&reader, &cell, &more);
        expected_st = row_next_any_cell(&other, &expected, &expected_more);
        check(st.code == expected_st.code);
        check(failed(st) || (more == expected_more && (!more || same_cell(&cell, &expected))));
    }
    return ok(st);
}

/* Work on an image known to be well formed. */
static void operate(struct slice image)
{
    static const struct reconcile_rules rules = {.smaller_ttl_wins = true};
    walk_cuts(image);
    struct buffer canonical = {0}, again = {0}, out = {0};
    check(ok(row_merge(&rules, image, image, &canonical)));
    check(ok(row_merge(&rules, buffer_slice(&canonical), image, &again)));
    check(slice_equal(buffer_slice(&canonical), buffer_slice(&again)));

    bool live, empty;
    uint64_t tombstones = 0;
    int64_t now_s = image.bytes ? image.data[image.bytes - 1] : 0;
    struct deletion cover = {.timestamp = now_s / 2, .time_s = 0};
    struct purge purge = {now_s, now_s / 2, now_s / 3};
    check(ok(row_live(image, cover, now_s, &out, &live, &tombstones)));
    check(live == (out.bytes > 0));
    walk_live(image, cover, now_s, live);
    buffer_clear(&out);
    check(ok(row_purge(image, cover, &purge, &out, &empty)));
    check(empty == (out.bytes == 0));
    buffer_deinit(&canonical);
    buffer_deinit(&again);
    buffer_deinit(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct row_facts facts;
    struct slice image = slice_of(data, bytes);
    bool well_formed = read_both_ways(image);
    check(well_formed == ok(row_facts_of(image, &facts)));
    if (well_formed)
        operate(image);
    return 0;
}
