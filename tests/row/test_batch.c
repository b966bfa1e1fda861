/* Batches: what a builder puts in, a reader takes out, and nothing else passes for a batch. */
#include "row/mutation.h"
#include "tests/row/row_text.h"

static void build_sample(struct batch *batch)
{
    batch_begin(batch, 7, partition_key_of(slice_text("first")));
    batch_delete_partition(batch, (struct deletion){5, 60});
    batch_delete_range(batch, (struct range_tombstone){slice_text("a"), slice_text("b"), {6, 61}});
    batch_static(batch, slice_text("S"));
    batch_row(batch, slice_text("k1"), slice_text("image one"));
    batch_row(batch, (struct slice){0}, slice_text("image two"));
    batch_end(batch);
    batch_begin(batch, UINT64_MAX, partition_key_of((struct slice){0}));
    batch_end(batch);
    assert_ok(batch_status(batch));
}

static struct mutation_part next_part(struct mutation *mutation, enum mutation_part_kind kind)
{
    struct mutation_part part;
    bool more;
    assert_ok(mutation_next_part(mutation, &part, &more));
    assert_true(more);
    assert_int_equal(part.kind, kind);
    return part;
}

static void assert_no_part(struct mutation *mutation)
{
    struct mutation_part part;
    bool more;
    assert_ok(mutation_next_part(mutation, &part, &more));
    assert_false(more);
}

static void a_batch_gives_back_its_mutations_in_order(void **state)
{
    (void)state;
    struct batch batch = {0};
    struct mutation mutation;
    bool more;
    build_sample(&batch);
    assert_int_equal(batch.mutation_count, 2);

    struct reader in = reader_of(buffer_slice(&batch.bytes));
    assert_ok(mutation_next(&in, &mutation, &more));
    assert_true(more);
    assert_int_equal(mutation.table_id, 7);
    assert_true(slice_equal(mutation.key.bytes, slice_text("first")));
    assert_true(mutation.key.token == partition_key_of(slice_text("first")).token);
    assert_int_equal(next_part(&mutation, MUTATION_PARTITION_DELETION).deletion.timestamp, 5);
    struct mutation_part range = next_part(&mutation, MUTATION_RANGE);
    assert_true(slice_equal(range.range.start, slice_text("a")) &&
                slice_equal(range.range.end, slice_text("b")));
    assert_int_equal(range.range.deletion.time_s, 61);
    assert_true(slice_equal(next_part(&mutation, MUTATION_STATIC).image, slice_text("S")));
    struct mutation_part row = next_part(&mutation, MUTATION_ROW);
    assert_true(slice_equal(row.clustering, slice_text("k1")) &&
                slice_equal(row.image, slice_text("image one")));
    row = next_part(&mutation, MUTATION_ROW);
    assert_true(!row.clustering.bytes && slice_equal(row.image, slice_text("image two")));
    assert_no_part(&mutation);

    assert_ok(mutation_next(&in, &mutation, &more));
    assert_true(more && mutation.table_id == UINT64_MAX && !mutation.key.bytes.bytes);
    assert_no_part(&mutation);
    assert_ok(mutation_next(&in, &mutation, &more));
    assert_false(more);
    batch_deinit(&batch);
}

static void a_cleared_batch_is_an_empty_one(void **state)
{
    (void)state;
    struct batch batch = {0};
    build_sample(&batch);
    batch_clear(&batch);
    assert_int_equal(batch.bytes.bytes, 0);
    assert_int_equal(batch.mutation_count, 0);
    build_sample(&batch);
    assert_int_equal(batch.mutation_count, 2);
    batch_deinit(&batch);
}

static void a_deletion_of_nothing_is_left_out(void **state)
{
    (void)state;
    struct batch batch = {0};
    struct mutation mutation;
    bool more;
    batch_begin(&batch, 1, partition_key_of(slice_text("k")));
    batch_delete_partition(&batch, DELETION_NONE);
    batch_delete_range(&batch, (struct range_tombstone){slice_text("b"), slice_text("a"), {6, 61}});
    batch_delete_range(&batch, (struct range_tombstone){slice_text("a"), slice_text("b"), DELETION_NONE});
    batch_end(&batch);
    struct reader in = reader_of(buffer_slice(&batch.bytes));
    assert_ok(mutation_next(&in, &mutation, &more));
    assert_no_part(&mutation);
    batch_deinit(&batch);
}

/* STATUS_OK when the bytes are a whole batch. */
static status walk(struct slice bytes)
{
    struct reader in = reader_of(bytes);
    struct mutation mutation;
    struct mutation_part part;
    for (bool more;;) {
        TRY(mutation_next(&in, &mutation, &more));
        if (!more)
            return STATUS_DONE;
        for (bool more_parts;;) {
            TRY(mutation_next_part(&mutation, &part, &more_parts));
            if (!more_parts)
                break;
        }
    }
}

static void a_truncated_batch_is_whole_mutations_or_corruption(void **state)
{
    (void)state;
    struct batch batch = {0};
    build_sample(&batch);
    size_t first = 4 + load_le32(batch.bytes.data);
    for (size_t bytes = 0; bytes <= batch.bytes.bytes; bytes++) {
        uint8_t *exact = malloc(bytes ? bytes : 1);
        memcpy(exact, batch.bytes.data, bytes);
        bool whole = bytes == 0 || bytes == first || bytes == batch.bytes.bytes;
        assert_int_equal(walk(slice_of(exact, bytes)).code, whole ? STATUS_OK : STATUS_CORRUPT);
        free(exact);
    }
    batch_deinit(&batch);
}

static void a_row_behind_every_bound_is_corrupt(void **state)
{
    (void)state;
    struct batch batch = {0};
    batch_begin(&batch, 1, partition_key_of(slice_text("k")));
    batch_row(&batch, slice_text("x"), slice_text("i"));
    batch_end(&batch);
    uint8_t *clustering = memchr(batch.bytes.data, 'x', batch.bytes.bytes);
    assert_int_equal(walk(buffer_slice(&batch.bytes)).code, STATUS_OK);
    *clustering = 0xff;
    assert_int_equal(walk(buffer_slice(&batch.bytes)).code, STATUS_CORRUPT);
    batch_deinit(&batch);
}

static void changed_bytes_never_lead_outside(void **state)
{
    (void)state;
    struct random rng = random_for("batches");
    struct batch batch = {0};
    build_sample(&batch);
    for (int round = 0; round < 20000; round++) {
        uint8_t *exact = malloc(batch.bytes.bytes);
        memcpy(exact, batch.bytes.data, batch.bytes.bytes);
        for (uint64_t i = 1 + random_below(&rng, 3); i > 0; i--)
            exact[random_below(&rng, batch.bytes.bytes)] = (uint8_t)random_next(&rng);
        status st = walk(slice_of(exact, batch.bytes.bytes));
        assert_true(ok(st) || st.code == STATUS_CORRUPT);
        free(exact);
    }
    batch_deinit(&batch);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_batch_gives_back_its_mutations_in_order),
        cmocka_unit_test(a_cleared_batch_is_an_empty_one),
        cmocka_unit_test(a_deletion_of_nothing_is_left_out),
        cmocka_unit_test(a_truncated_batch_is_whole_mutations_or_corruption),
        cmocka_unit_test(a_row_behind_every_bound_is_corrupt),
        cmocka_unit_test(changed_bytes_never_lead_outside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
