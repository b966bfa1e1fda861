/* What reads of single partitions brought into memory stays there while others walk over everything. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/random.h"
#include "notation.h"

enum {
    TABLE = 1,
    PARTITIONS = 3000,
    ROWS = 4, /* of each, of a kilobyte: twelve times the cache */
    WARM = 40,
    CACHE_BYTES = 1 << 20,
};

static void rows_write(struct store *store)
{
    struct random rng = {1};
    char text[1200], value[1001];
    for (unsigned p = 0; p < PARTITIONS; p++)
        for (unsigned row = 0; row < ROWS; row++) {
            for (unsigned i = 0; i < sizeof value - 1; i++)
                value[i] = (char)('a' + random_below(&rng, 26));
            value[sizeof value - 1] = 0;
            snprintf(text, sizeof text, "p%u/%u a=%s @%u", p, row, value, 1 + row);
            assert_ok(apply_text(store, text, DURABILITY_NONE));
        }
    assert_ok(store_flush(store, TABLE));
}

static uint64_t blocks_read(struct store *store)
{
    struct store_table_stats stats;
    assert_ok(store_table_stats(store, TABLE, &stats));
    return stats.blocks_read;
}

/* How many blocks it took from the disk to read some partitions. */
static uint64_t warm_read(struct store *store)
{
    uint64_t before = blocks_read(store);
    for (unsigned i = 0; i < WARM; i++) {
        char key[16];
        status st;
        snprintf(key, sizeof key, "p%u", i * (PARTITIONS / WARM));
        char *seen = partition_contents(store, TABLE, key, true, &st);
        assert_ok(st);
        assert_non_null(strstr(seen, "/3 a="));
        free(seen);
    }
    return blocks_read(store) - before;
}

static void a_scan_and_verification_leave_the_cache_to_others(void **state)
{
    (void)state;
    struct store *store;
    struct store_options options = {.shards = 1,
                                    .cache_bytes = CACHE_BYTES,
                                    .memtable_bytes = 64 << 20,
                                    .no_retained = true,
                                    .no_warmth = true,
                                    .background = STORE_BACKGROUND_MANUAL};
    struct store_change create = {
        .kind = STORE_CREATE_TABLE,
        .table_id = TABLE,
        .options = {.gc_grace_s = 1000000, .compaction = STORE_COMPACTION_NONE, .block_bytes = 4096}};
    assert_ok(store_open(&options, &store));
    assert_int_equal(TABLE, store_new_table_id(store));
    assert_ok(store_change(store, &create, 1));
    rows_write(store);
    assert_in_range(warm_read(store), WARM, WARM * 4);
    (void)warm_read(store); /* what is asked for twice is worth keeping */
    assert_int_equal(warm_read(store), 0);
    for (unsigned i = 0; i < 3; i++) {
        status st;
        free(contents(store, TABLE, &st));
        assert_ok(st);
        assert_int_equal(warm_read(store), 0);
    }
    assert_ok(store_verify(store, TABLE));
    assert_int_equal(warm_read(store), 0);
    assert_ok(store_close(store));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_scan_and_verification_leave_the_cache_to_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
