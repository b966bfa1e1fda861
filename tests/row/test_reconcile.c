/* Which write wins, what a reader sees of it, and what compaction may forget. */
#include "tests/row/row_text.h"

static const struct reconcile_rules scylla = {.smaller_ttl_wins = true};
static const struct reconcile_rules cassandra = {.smaller_ttl_wins = false};
static const struct reconcile_rules restarting[] = {{.smaller_ttl_wins = true, .counters_restart = true},
                                                    {.smaller_ttl_wins = false, .counters_restart = true}};

static void merge_texts(const struct reconcile_rules *rules, const char *a, const char *b, struct buffer *out)
{
    struct buffer left = {0}, right = {0};
    row_text_encode(a, &left);
    row_text_encode(b, &right);
    assert_ok(row_merge(rules, buffer_slice(&left), buffer_slice(&right), out));
    buffer_deinit(&left);
    buffer_deinit(&right);
}

/* In either order, and under both targets' rules unless said otherwise. */
static void assert_merges_by(const struct reconcile_rules *rules, const char *a, const char *b,
                             const char *expected)
{
    struct buffer ab = {0}, ba = {0};
    merge_texts(rules, a, b, &ab);
    merge_texts(rules, b, a, &ba);
    assert_image_is(buffer_slice(&ab), expected);
    assert_image_is(buffer_slice(&ba), expected);
    buffer_deinit(&ab);
    buffer_deinit(&ba);
}

static void assert_merges(const char *a, const char *b, const char *expected)
{
    assert_merges_by(&scylla, a, b, expected);
    assert_merges_by(&cassandra, a, b, expected);
}

static void highest_timestamp_wins_cell_by_cell_TS_1(void **state)
{
    (void)state;
    assert_merges("1@5=old 2@9=new", "1@7=new 2@3=old", "1@7=new 2@9=new");
    assert_merges("m@1 1@1=a", "2@2=b", "m@1 1@1=a 2@2=b");
    assert_merges("1@-5=old", "1@-4=new", "1@-4=new"); /* TS-3 */
}

static void on_a_tie_a_tombstone_beats_a_value_TS_5(void **state)
{
    (void)state;
    assert_merges("1@5=x", "1@5!60", "1@5!60");
    assert_merges("1@5~10:900=x", "1@5!60", "1@5!60");
}

static void on_a_tie_expiring_beats_lasting_TS_6(void **state)
{
    (void)state;
    assert_merges("1@5=z", "1@5~10:70=a", "1@5~10:70=a");
}

static void on_a_tie_the_later_expiry_wins_TS_7(void **state)
{
    (void)state;
    assert_merges("1@5~10:70=z", "1@5~10:71=a", "1@5~10:71=a");
}

static void on_equal_expiry_only_scylla_prefers_the_smaller_ttl_TS_8(void **state)
{
    (void)state;
    assert_merges_by(&scylla, "1@5~10:70=a", "1@5~20:70=z", "1@5~10:70=a");
    assert_merges_by(&cassandra, "1@5~10:70=a", "1@5~20:70=z", "1@5~20:70=z");
}

static void last_of_all_the_larger_value_wins_as_unsigned_bytes_TS_9(void **state)
{
    (void)state;
    assert_merges("1@5=a", "1@5=b", "1@5=b");
    assert_merges("1@5=a", "1@5=aa", "1@5=aa");
    assert_merges("1@5=z", "1@5=\xc3\xa9", "1@5=\xc3\xa9");
}

static void of_two_tombstones_the_later_deletion_wins_TS_10(void **state)
{
    (void)state;
    assert_merges("1@5!60", "1@5!61", "1@5!61");
    assert_merges("1@5!60", "1@5!-1", "1@5!-1"); /* compared unsigned */
}

static void markers_follow_the_same_rules_without_values_TS_12(void **state)
{
    (void)state;
    assert_merges("m@5", "m@6", "m@6");
    assert_merges("m@5", "m@5~10:70", "m@5~10:70");
    assert_merges("m@5~10:70", "m@5~10:71", "m@5~10:71");
    assert_merges("m@5~10:70", "m@5~20:70", "m@5~10:70");
    assert_merges("", "m@-7", "m@-7");
}

static void a_deletion_covers_up_to_its_own_timestamp_TS_13(void **state)
{
    (void)state;
    assert_merges("m@5 1@5=x 2@6=y", "d@5:60", "d@5:60 2@6=y");
    assert_merges("d@5:60", "m@5 1@5=x", "d@5:60");
    assert_merges("d@4:60", "m@5 1@5=x", "m@5 d@4:60 1@5=x");
    assert_merges("d@5:60", "1@5!60", "d@5:60");
}

static void of_two_deletions_the_higher_then_the_later_stays_TS_14(void **state)
{
    (void)state;
    assert_merges("d@5:60", "d@6:50", "d@6:50");
    assert_merges("d@5:60", "d@5:61", "d@5:61");
    assert_int_equal(deletion_compare(DELETION_NONE, DELETION_NONE), 0);
    assert_true(deletion_compare((struct deletion){INT64_MIN + 1, 0}, DELETION_NONE) > 0);
}

static void assert_same_bytes(const struct buffer *a, const struct buffer *b)
{
    assert_int_equal(a->bytes, b->bytes);
    assert_memory_equal(a->data, b->data, a->bytes);
}

static void merge_into(const struct reconcile_rules *rules, const struct buffer *a, const struct buffer *b,
                       struct buffer *out)
{
    buffer_clear(out);
    assert_ok(row_merge(rules, buffer_slice(a), buffer_slice(b), out));
}

static void elements_are_reconciled_one_by_one_TTL_8(void **state)
{
    (void)state;
    assert_merges("1[a]@5=x 1[b]@5=y", "1[b]@6=z 1[c]@1=w", "1[a]@5=x 1[b]@6=z 1[c]@1=w");
    assert_merges("1[a]@5=x", "1[a]@5!60", "1[a]@5!60");
    assert_merges("1[a]@5=x 2@5=p", "1[b]@5~10:70=y", "1[a]@5=x 1[b]@5~10:70=y 2@5=p");
    assert_merges("1[a]@5~10:70=x", "1[a]@5~10:71=a", "1[a]@5~10:71=a");
    assert_merges("1[\x7f]@5=x", "1[\x80]@5=y", "1[\x7f]@5=x 1[\x80]@5=y"); /* unsigned bytes */
    assert_merges("1[ab]@5=x", "1[a]@5=y", "1[a]@5=y 1[ab]@5=x");
}

static void a_complex_deletion_covers_elements_of_its_column_up_to_its_timestamp_DEL_3(void **state)
{
    (void)state;
    assert_merges("1[*]@4!60 1[a]@5=x", "1[a]@4=y 1[b]@4=z 2[b]@4=w", "1[*]@4!60 1[a]@5=x 2[b]@4=w");
    assert_merges("1[*]@5!60", "1[a]@5=x 1[b]@6=y", "1[*]@5!60 1[b]@6=y");
    assert_merges("1[*]@5!60", "1[*]@6!50 1[a]@6=x 1[b]@7=y", "1[*]@6!50 1[b]@7=y");
    assert_merges("1[*]@5!60", "1[*]@5!70", "1[*]@5!70");   /* TS-14 */
    assert_merges("1[*]@5!60", "1[a]@4!50", "1[*]@5!60");   /* element tombstones as well */
    assert_merges("1[*]@5!60", "1@4=x", "1@4=x 1[*]@5!60"); /* a cell that is its column is no element */
}

static void a_row_deletion_covers_elements_and_complex_deletions(void **state)
{
    (void)state;
    assert_merges("d@5:60", "1[*]@5!50 1[a]@5=x 1[b]@6=y", "d@5:60 1[b]@6=y");
    assert_merges("d@5:60", "1[*]@6!50 1[a]@6=x 1[b]@7=y", "d@5:60 1[*]@6!50 1[b]@7=y");
}

static void the_higher_clock_of_a_counter_wins(void **state)
{
    (void)state;
    assert_merges("1@5#7", "1@6#3", "1@6#3");
    assert_merges("1@5#-7", "1@5#-7", "1@5#-7");
    assert_merges("1@5#7", "d@5:60", "d@5:60");
    assert_merges("1@6#7", "d@5:60", "d@5:60 1@6#7");
}

static void the_delete_of_a_counter_is_final_or_lets_it_restart_CNT_5(void **state)
{
    (void)state;
    assert_merges("1@9#7", "1@5!60", "1@5!60");
    assert_merges("1@5#7", "1@9!60", "1@9!60");
    assert_merges_by(&restarting[0], "1@9#7", "1@5!60", "1@9#7");
    assert_merges_by(&restarting[0], "1@5#7", "1@5!60", "1@5!60");
    assert_merges_by(&restarting[0], "1@5#7", "1@9!60", "1@9!60");
}

static void merging_is_commutative_associative_and_idempotent(void **state)
{
    (void)state;
    struct random rng = random_for("merging");
    struct buffer a = {0}, b = {0}, c = {0}, ab = {0}, ba = {0}, bc = {0}, left = {0}, right = {0};
    for (int round = 0; round < 30000; round++) {
        const struct reconcile_rules *rules = &restarting[round % 2];
        buffer_clear(&a);
        buffer_clear(&b);
        buffer_clear(&c);
        row_random(&rng, &a);
        row_random(&rng, &b);
        row_random(&rng, &c);
        merge_into(rules, &a, &a, &ab);
        assert_same_bytes(&ab, &a);
        merge_into(rules, &a, &b, &ab);
        merge_into(rules, &b, &a, &ba);
        assert_same_bytes(&ab, &ba);
        merge_into(rules, &ab, &b, &ba);
        assert_same_bytes(&ab, &ba);
        merge_into(rules, &b, &c, &bc);
        merge_into(rules, &ab, &c, &left);
        merge_into(rules, &a, &bc, &right);
        assert_same_bytes(&left, &right);
    }
    buffer_deinit(&a);
    buffer_deinit(&b);
    buffer_deinit(&c);
    buffer_deinit(&ab);
    buffer_deinit(&ba);
    buffer_deinit(&bc);
    buffer_deinit(&left);
    buffer_deinit(&right);
}

/* `expected` NULL: no row. */
static void assert_live(const char *text, struct deletion cover, int64_t now_s, const char *expected,
                        uint64_t expected_tombstones)
{
    struct buffer image = {0}, out = {0};
    bool live = false;
    uint64_t tombstones = 100;
    row_text_encode(text, &image);
    assert_ok(row_live(buffer_slice(&image), cover, now_s, &out, &live, &tombstones));
    assert_int_equal(live, expected != NULL);
    if (expected)
        assert_image_is(buffer_slice(&out), expected);
    else
        assert_int_equal(out.bytes, 0);
    assert_int_equal(tombstones, 100 + expected_tombstones);
    buffer_deinit(&image);
    buffer_deinit(&out);
}

static void a_row_lives_by_its_marker_or_any_cell_DEL_4(void **state)
{
    (void)state;
    assert_live("m@5", DELETION_NONE, 0, "m@5", 0);
    assert_live("1@5=x", DELETION_NONE, 0, "1@5=x", 0);
    assert_live("m@5 1@5!3 2@5!3", DELETION_NONE, 0, "m@5", 2); /* INSERT stays with nulls */
    assert_live("1@5!3 2@5!3", DELETION_NONE, 0, NULL, 2);      /* UPDATE to nulls vanishes */
    assert_live("d@5:3", DELETION_NONE, 0, NULL, 1);
    assert_live("", DELETION_NONE, 0, NULL, 0);
}

static void what_expires_is_gone_at_the_expiry_second_TTL_6(void **state)
{
    (void)state;
    assert_live("m@5~10:70 1@5~10:70=x", DELETION_NONE, 69, "m@5~10:70 1@5~10:70=x", 0);
    assert_live("m@5~10:70 1@5~10:70=x", DELETION_NONE, 70, NULL, 2);
    assert_live("1@5~10:70=x 2@5=y", DELETION_NONE, 71, "2@5=y", 1); /* TTL-5 */
}

static void a_reader_is_spared_what_deletions_cover(void **state)
{
    (void)state;
    assert_live("m@5 1@5=x 2@6=y 3@5!3", (struct deletion){5, 60}, 0, "2@6=y", 0);
    assert_live("m@5 1@5=x", (struct deletion){5, 60}, 0, NULL, 0);
    assert_live("d@6:1 1@7=x", (struct deletion){5, 60}, 0, "1@7=x", 1);
}

static void assert_purges(const char *text, struct deletion cover, struct purge purge, const char *expected)
{
    struct buffer image = {0}, out = {0};
    bool empty = false;
    row_text_encode(text, &image);
    assert_ok(row_purge(buffer_slice(&image), cover, &purge, &out, &empty));
    assert_int_equal(empty, expected == NULL);
    if (expected)
        assert_image_is(buffer_slice(&out), expected);
    buffer_deinit(&image);
    buffer_deinit(&out);
}

static void tombstones_are_forgotten_only_when_old_and_alone_DEL_5(void **state)
{
    (void)state;
    /* DEL-5 */
    struct purge purge = {.now_s = 1000, .gc_before_s = 100, .max_purgeable_timestamp = 50};
    assert_purges("1@49!99", DELETION_NONE, purge, NULL);
    assert_purges("1@49!100", DELETION_NONE, purge, "1@49!100"); /* within gc_grace */
    assert_purges("1@50!99", DELETION_NONE, purge, "1@50!99");   /* something older may be elsewhere */
    assert_purges("d@49:99", DELETION_NONE, purge, NULL);
    assert_purges("d@49:100", DELETION_NONE, purge, "d@49:100");
    assert_purges("m@60 d@49:99 1@60=x", DELETION_NONE, purge, "m@60 1@60=x");
}

static void an_expired_cell_is_a_tombstone_of_the_time_it_was_written_TTL_7(void **state)
{
    (void)state;
    struct purge purge = {.now_s = 1000, .gc_before_s = 100, .max_purgeable_timestamp = 50};
    assert_purges("1@5~500:999=x", DELETION_NONE, purge, "1@5!499");
    assert_purges("1@5~500:1001=x", DELETION_NONE, purge, "1@5~500:1001=x");
    assert_purges("1@5~950:1000=x", DELETION_NONE, purge,
                  NULL); /* ttl beyond gc_grace: no tombstone at all */
    assert_purges("1@55~950:1000=x", DELETION_NONE, purge, "1@55!50");
}

static void an_expired_marker_goes_only_when_it_may_be_forgotten(void **state)
{
    (void)state;
    struct purge purge = {.now_s = 1000, .gc_before_s = 100, .max_purgeable_timestamp = 50};
    assert_purges("m@5~500:999", DELETION_NONE, purge, "m@5~500:999");
    assert_purges("m@5~950:999", DELETION_NONE, purge, NULL);
    assert_purges("m@55~950:999", DELETION_NONE, purge, "m@55~950:999");
}

static void a_reader_sees_the_elements_that_live(void **state)
{
    (void)state;
    assert_live("1[*]@4!60 1[a]@5=x 1[b]@5~10:70=y 1[c]@5!60", DELETION_NONE, 69, "1[a]@5=x 1[b]@5~10:70=y",
                2);
    assert_live("1[*]@4!60 1[b]@5~10:70=y", DELETION_NONE, 70, NULL, 2); /* DEL-4, TTL-8 */
    assert_live("1[*]@4!60 1[a]@5=x", (struct deletion){4, 0}, 0, "1[a]@5=x", 0);
    assert_live("m@4 1[*]@4!60", DELETION_NONE, 0, "m@4", 1); /* NUL-9: emptied reads as null */
    assert_live("1@4#5", (struct deletion){3, 0}, 0, "1@4#5", 0);
    assert_live("1@4#5", (struct deletion){4, 0}, 0, NULL, 0);
}

static void complex_deletions_and_elements_are_forgotten_as_others_are_DEL_5(void **state)
{
    (void)state;
    struct purge purge = {.now_s = 1000, .gc_before_s = 100, .max_purgeable_timestamp = 50};
    assert_purges("1[*]@5!99 1[a]@6=x", DELETION_NONE, purge, "1[a]@6=x");
    assert_purges("1[*]@5!100 1[a]@6=x", DELETION_NONE, purge, "1[*]@5!100 1[a]@6=x");
    assert_purges("1[*]@50!99", DELETION_NONE, purge, "1[*]@50!99");
    assert_purges("1[*]@5!99", DELETION_NONE, purge, NULL);
    assert_purges("1[a]@5!99 1[b]@5!100", DELETION_NONE, purge, "1[b]@5!100");
    assert_purges("1[a]@5~500:999=x", DELETION_NONE, purge, "1[a]@5!499"); /* TTL-7 */
    assert_purges("1[a]@5~950:999=x", DELETION_NONE, purge, NULL);
    assert_purges("1[*]@5!100 1[a]@6=x", (struct deletion){5, 1}, purge, "1[a]@6=x");
    assert_purges("1@5#7 2@60!1", (struct deletion){4, 1}, purge, "1@5#7 2@60!1");
}

static void purging_drops_what_is_covered_by_a_stronger_deletion(void **state)
{
    (void)state;
    struct purge keep = {INT64_MIN, INT64_MIN, INT64_MIN};
    assert_purges("m@5 1@5=x 2@6=y", (struct deletion){5, 1}, keep, "2@6=y");
    assert_purges("d@4:9 1@6=x", (struct deletion){5, 1}, keep, "1@6=x");
    assert_purges("d@6:9", (struct deletion){5, 1}, keep, "d@6:9");
    assert_purges("d@4:9 1@5!9", (struct deletion){5, 1}, keep, NULL);
}

/* Whoever reads after a purge sees what he would have seen before it. */
static void purging_changes_nothing_that_a_reader_sees(void **state)
{
    (void)state;
    struct random rng = random_for("purging");
    struct buffer image = {0}, purged = {0}, before = {0}, after = {0};
    for (int round = 0; round < 20000; round++) {
        struct deletion cover = DELETION_NONE;
        if (random_below(&rng, 2))
            cover = (struct deletion){(int64_t)random_below(&rng, 4), 0};
        int64_t now_s = (int64_t)random_below(&rng, 5);
        struct purge purge = {now_s, (int64_t)random_below(&rng, 5), (int64_t)random_below(&rng, 5)};
        buffer_clear(&image);
        buffer_clear(&purged);
        buffer_clear(&before);
        buffer_clear(&after);
        row_random(&rng, &image);
        bool live_before, live_after = false, empty;
        uint64_t tombstones = 0;
        assert_ok(row_live(buffer_slice(&image), cover, now_s, &before, &live_before, &tombstones));
        assert_ok(row_purge(buffer_slice(&image), cover, &purge, &purged, &empty));
        if (!empty)
            assert_ok(
                row_live(buffer_slice(&purged), DELETION_NONE, now_s, &after, &live_after, &tombstones));
        assert_int_equal(live_before, live_after);
        assert_same_bytes(&before, &after);
    }
    buffer_deinit(&image);
    buffer_deinit(&purged);
    buffer_deinit(&before);
    buffer_deinit(&after);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(highest_timestamp_wins_cell_by_cell_TS_1),
        cmocka_unit_test(on_a_tie_a_tombstone_beats_a_value_TS_5),
        cmocka_unit_test(on_a_tie_expiring_beats_lasting_TS_6),
        cmocka_unit_test(on_a_tie_the_later_expiry_wins_TS_7),
        cmocka_unit_test(on_equal_expiry_only_scylla_prefers_the_smaller_ttl_TS_8),
        cmocka_unit_test(last_of_all_the_larger_value_wins_as_unsigned_bytes_TS_9),
        cmocka_unit_test(of_two_tombstones_the_later_deletion_wins_TS_10),
        cmocka_unit_test(markers_follow_the_same_rules_without_values_TS_12),
        cmocka_unit_test(a_deletion_covers_up_to_its_own_timestamp_TS_13),
        cmocka_unit_test(of_two_deletions_the_higher_then_the_later_stays_TS_14),
        cmocka_unit_test(elements_are_reconciled_one_by_one_TTL_8),
        cmocka_unit_test(a_complex_deletion_covers_elements_of_its_column_up_to_its_timestamp_DEL_3),
        cmocka_unit_test(a_row_deletion_covers_elements_and_complex_deletions),
        cmocka_unit_test(the_higher_clock_of_a_counter_wins),
        cmocka_unit_test(the_delete_of_a_counter_is_final_or_lets_it_restart_CNT_5),
        cmocka_unit_test(merging_is_commutative_associative_and_idempotent),
        cmocka_unit_test(a_row_lives_by_its_marker_or_any_cell_DEL_4),
        cmocka_unit_test(what_expires_is_gone_at_the_expiry_second_TTL_6),
        cmocka_unit_test(a_reader_is_spared_what_deletions_cover),
        cmocka_unit_test(tombstones_are_forgotten_only_when_old_and_alone_DEL_5),
        cmocka_unit_test(an_expired_cell_is_a_tombstone_of_the_time_it_was_written_TTL_7),
        cmocka_unit_test(an_expired_marker_goes_only_when_it_may_be_forgotten),
        cmocka_unit_test(a_reader_sees_the_elements_that_live),
        cmocka_unit_test(complex_deletions_and_elements_are_forgotten_as_others_are_DEL_5),
        cmocka_unit_test(purging_drops_what_is_covered_by_a_stronger_deletion),
        cmocka_unit_test(purging_changes_nothing_that_a_reader_sees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
