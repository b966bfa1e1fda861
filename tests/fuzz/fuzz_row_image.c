/* Any bytes as a row image: refused, or a row that every operation can work on and merging settles. */
#include <stdlib.h>

#include "row/reconcile.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void check(bool truth)
{
    if (!truth)
        abort();
}

/* Work on an image known to be well formed. */
static void operate(struct slice image)
{
    static const struct reconcile_rules rules = {.smaller_ttl_wins = true};
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
    if (ok(row_facts_of(image, &facts)))
        operate(image);
    return 0;
}
