/* Any bytes as a batch: what can be walked can be put into a memtable, all of a mutation or nothing, and
 * be read back both ways. */
#include <stdlib.h>

#include "memtable/memtable.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static const struct reconcile_rules rules = {.smaller_ttl_wins = true};

static void check(bool truth)
{
    if (!truth)
        abort();
}

static uint64_t count_rows(struct memtable *memtable, bool reverse)
{
    struct cursor *cursor;
    uint64_t rows = 0;
    check(ok(memtable_cursor_open(memtable, reverse, &cursor)));
    for (check(ok(cursor_next_partition(cursor))); cursor->on_partition;
         check(ok(cursor_next_partition(cursor))))
        for (check(ok(cursor_next(cursor))); cursor->on_row; check(ok(cursor_next(cursor))))
            rows++;
    cursor_close(cursor);
    return rows;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct memtable *memtable;
    struct mutation mutation;
    struct reader in = reader_of(slice_of(data, bytes));
    struct memtable_stats before, after;
    check(ok(memtable_new(&rules, &memtable)));
    for (bool more; ok(mutation_next(&in, &mutation, &more)) && more;) {
        memtable_stats(memtable, &before);
        bool applied = ok(memtable_apply(memtable, mutation));
        memtable_stats(memtable, &after);
        check(applied || (after.rows == before.rows && after.partitions == before.partitions));
    }
    memtable_freeze(memtable);
    memtable_stats(memtable, &after);
    check(count_rows(memtable, false) == after.rows);
    check(count_rows(memtable, true) == after.rows);
    memtable_unref(memtable);
    return 0;
}
