/*
 * Readers beside a writer. Every mutation writes one value to a random set of rows and to the static
 * row, so a reader that sees a mutation half done sees two rows that should agree and do not. Run under
 * the thread sanitizer this also proves the orderings.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "memtable/memtable.h"
#include "tests/row/model.h"

enum {
    READERS = 3,
    PARTITIONS = 4,
    GROUPS = 400, /* of rows that are always written together: one near the start, one near the end */
    WRITES = 6000,
    FREEZES = 1000,
};

struct scene {
    struct memtable *memtable;
    _Atomic bool done;
    _Atomic uint64_t rows_seen;
};

static void group_key(uint64_t group, bool second, struct buffer *out)
{
    static const struct model_space space = {.integers = true};
    model_clustering(&space, second ? 1000000 - group : group, false, out);
}

static void write_group(struct memtable *memtable, uint64_t partition, uint64_t group, int64_t timestamp,
                        struct batch *batch)
{
    struct buffer image = {0}, key = {0};
    char text[64];
    batch_clear(batch);
    sprintf(text, "1@%lld=%lld", (long long)timestamp, (long long)timestamp);
    row_text_encode(text, &image);
    batch_begin(batch, 1, model_partition_key(partition, text));
    batch_static(batch, buffer_slice(&image));
    for (int second = 0; second < 2; second++) {
        group_key(group, second, &key);
        batch_row(batch, buffer_slice(&key), buffer_slice(&image));
    }
    if (timestamp % 16 == 0) {
        group_key(group, false, &key);
        batch_delete_range(batch, (struct range_tombstone){{0}, buffer_slice(&key), {timestamp, 60}});
    }
    batch_end(batch);
    struct reader in = reader_of(buffer_slice(&batch->bytes));
    struct mutation mutation;
    bool more;
    assert_ok(mutation_next(&in, &mutation, &more));
    assert_ok(memtable_apply(memtable, mutation));
    buffer_deinit(&image);
    buffer_deinit(&key);
}

static int64_t written_at(struct slice image)
{
    struct row_reader reader;
    struct cell cell;
    bool more;
    assert_ok(row_open(image, &reader));
    assert_ok(row_next_cell(&reader, &cell, &more));
    assert_true(more);
    return cell.timestamp;
}

/* All rows of the partition, by group: both of a group or neither, of one mutation, none newer than the
 * static row, which every mutation writes. */
static uint64_t check_partition(struct cursor *cursor)
{
    int64_t first[GROUPS], second[GROUPS], newest = 0;
    uint64_t count = 0;
    struct buffer key = {0};
    for (int i = 0; i < GROUPS; i++)
        first[i] = second[i] = -1;
    int64_t at_static = written_at(cursor->partition.static_image);
    for (;;) {
        assert_ok(cursor_next(cursor));
        if (!cursor->on_row)
            break;
        struct reader in = reader_of(cursor->row.clustering);
        buffer_clear(&key);
        assert_ok(key_take(&in, (struct key_column){.kind = KEY_INT32, .descending = true}, &key));
        uint32_t number = load_be32(key.data);
        int64_t timestamp = written_at(cursor->row.image);
        if (number < GROUPS)
            first[number] = timestamp;
        else
            second[1000000 - number] = timestamp;
        newest = timestamp > newest ? timestamp : newest;
        count++;
    }
    for (int i = 0; i < GROUPS; i++)
        assert_true(first[i] == second[i]);
    assert_true(newest == at_static);
    buffer_deinit(&key);
    return count;
}

static void *read_until_done(void *argument)
{
    struct scene *scene = argument;
    struct random rng = {(uint64_t)(uintptr_t)&rng};
    char text[32];
    while (!atomic_load_explicit(&scene->done, memory_order_acquire)) {
        struct cursor *cursor;
        bool reverse = random_below(&rng, 2);
        uint64_t seen = 0;
        if (random_below(&rng, 4) == 0) {
            assert_ok(memtable_cursor_open(scene->memtable, reverse, &cursor));
            for (assert_ok(cursor_next_partition(cursor)); cursor->on_partition;
                 assert_ok(cursor_next_partition(cursor)))
                seen += check_partition(cursor);
        } else {
            struct partition_key key = model_partition_key(random_below(&rng, PARTITIONS), text);
            if (failed(memtable_cursor_open_one(scene->memtable, key, reverse, &cursor)))
                continue;
            assert_ok(cursor_next_partition(cursor));
            seen += check_partition(cursor);
        }
        cursor_close(cursor);
        atomic_fetch_add_explicit(&scene->rows_seen, seen, memory_order_relaxed);
    }
    return NULL;
}

static void write_beside_readers(size_t merge_above)
{
    struct random rng = random_for("threads");
    struct scene scene = {0};
    struct batch batch = {0};
    pthread_t readers[READERS];
    assert_ok(memtable_new(&model_rules, &scene.memtable));
    memtable_merge_above(scene.memtable, merge_above);
    for (int i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&readers[i], NULL, read_until_done, &scene), 0);
    for (int64_t i = 1; i <= WRITES; i++)
        write_group(scene.memtable, random_below(&rng, PARTITIONS), random_below(&rng, GROUPS), i, &batch);
    memtable_freeze(scene.memtable);
    while (atomic_load_explicit(&scene.rows_seen, memory_order_relaxed) == 0)
        sched_yield();
    atomic_store_explicit(&scene.done, true, memory_order_release);
    for (int i = 0; i < READERS; i++)
        pthread_join(readers[i], NULL);
    batch_deinit(&batch);
    memtable_unref(scene.memtable);
}

static void readers_see_all_of_a_mutation_or_none(void **state)
{
    (void)state;
    write_beside_readers(SIZE_MAX);
}

static void readers_merge_partial_rows_beside_their_writer(void **state)
{
    (void)state;
    write_beside_readers(0);
}

struct freezing {
    struct memtable *tables[FREEZES];
    _Atomic int at; /* the one that is read, and frozen meanwhile */
};

static void *walk_each(void *argument)
{
    struct freezing *freezing = argument;
    for (int at = 0; at < FREEZES; at = atomic_load(&freezing->at)) {
        struct cursor *cursor;
        int partitions = 0;
        assert_ok(memtable_cursor_open(freezing->tables[at], false, &cursor));
        for (assert_ok(cursor_next_partition(cursor)); cursor->on_partition;
             assert_ok(cursor_next_partition(cursor)))
            partitions++;
        assert_int_equal(partitions, PARTITIONS);
        cursor_close(cursor);
    }
    return NULL;
}

/* The order of partitions is the cursor's own before, and the memtable's afterwards: it is freed once. */
static void a_memtable_is_frozen_while_others_begin_to_walk_it(void **state)
{
    (void)state;
    static struct freezing freezing;
    struct batch batch = {0};
    pthread_t readers[READERS];
    for (int i = 0; i < FREEZES; i++) {
        assert_ok(memtable_new(&model_rules, &freezing.tables[i]));
        for (int j = 0; j < PARTITIONS; j++)
            write_group(freezing.tables[i], (uint64_t)j, 0, j + 1, &batch);
    }
    for (int i = 0; i < READERS; i++)
        assert_int_equal(pthread_create(&readers[i], NULL, walk_each, &freezing), 0);
    for (int i = 0; i < FREEZES; i++) {
        sched_yield();
        memtable_freeze(freezing.tables[i]);
        sched_yield();
        atomic_store(&freezing.at, i + 1);
    }
    for (int i = 0; i < READERS; i++)
        pthread_join(readers[i], NULL);
    for (int i = 0; i < FREEZES; i++)
        memtable_unref(freezing.tables[i]);
    batch_deinit(&batch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readers_see_all_of_a_mutation_or_none),
        cmocka_unit_test(readers_merge_partial_rows_beside_their_writer),
        cmocka_unit_test(a_memtable_is_frozen_while_others_begin_to_walk_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
