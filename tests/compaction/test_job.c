/* What a merge of tables makes of them, and what it leaves behind when it fails. */
#include "notation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "io/sim.h"
#include "row/row.h"

static const struct reconcile_rules rules = {.smaller_ttl_wins = true};

enum { FIRST_OUTPUT = 100 };

static int setup(void **state)
{
    struct io_env *env;
    if (failed(io_env_open(IO_BODY_MEMORY, 1, &env)) || failed(io_mkdir(env, "/t")))
        return 1;
    *state = env;
    return 0;
}

static int teardown(void **state)
{
    io_env_close(*state);
    return 0;
}

static struct compaction_job_options job_options(struct io_env *env)
{
    return (struct compaction_job_options){
        .build = {.env = env, .store_id = NOTATION_STORE_ID, .compression_level = 1},
        .folder = "/t",
        .first_file_number = FIRST_OUTPUT,
        .file_number_count = 4,
        .rules = &rules,
    };
}

static struct compaction_job *job_over(const struct compaction_job_options *options,
                                       const char *const *tables, uint32_t count)
{
    struct cursor *children[8];
    struct compaction_job *job;
    for (uint32_t i = 0; i < count; i++)
        children[i] = table_of(options->build.env, "/t", i + 1, tables[i]);
    assert_ok(compaction_job_new(options, children, count, &job));
    return job;
}

static void count_name(void *context, const char *name)
{
    (void)name;
    ++*(uint32_t *)context;
}

static void inputs_unlink(struct io_env *env, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        char path[80] = "/t/";
        compaction_table_name(i + 1, path + 3);
        assert_ok(io_unlink(env, path));
    }
}

/* Merge the tables in steps of one row, compare the words of all outputs, leave the folder empty. */
static void expect_merged(const struct compaction_job_options *options, const char *expected,
                          uint32_t expected_outputs, const char *const *tables, uint32_t count)
{
    struct io_env *env = options->build.env;
    struct compaction_job *job = job_over(options, tables, count);
    struct buffer words = {0};
    uint32_t outputs = 0, names = 0;
    bool done = false;
    while (!done)
        assert_ok(compaction_job_step(job, 1, &done));
    const struct sstable_info *infos = compaction_job_outputs(job, &outputs);
    assert_int_equal(outputs, expected_outputs);
    for (uint32_t i = 0; i < outputs; i++) {
        char path[80] = "/t/";
        assert_int_equal(infos[i].file_number, FIRST_OUTPUT + i);
        table_show(env, "/t", infos[i].file_number, &words);
        compaction_table_name(infos[i].file_number, path + 3);
        assert_ok(io_unlink(env, path));
    }
    if (words.bytes)
        words.bytes--; /* the last blank */
    buffer_append_u8(&words, 0);
    assert_string_equal((const char *)words.data, expected);
    compaction_job_free(job);
    buffer_deinit(&words);
    inputs_unlink(env, count);
    assert_ok(io_list(env, "/t", count_name, &names));
    assert_int_equal(names, 0);
}

#define EXPECT_MERGED(options, expected, outputs, ...)                          \
    do {                                                                        \
        const char *const tables_[] = {__VA_ARGS__};                            \
        expect_merged(options, expected, outputs, tables_, ARRAY_LEN(tables_)); \
    } while (0)

static void a_flush_forgets_nothing_but_what_is_covered(void **state)
{
    struct compaction_job_options options = job_options(*state);
    EXPECT_MERGED(&options, "p/a@5=x p/b@3=y", 1, "p/a@5=x p/b@3=y");
    EXPECT_MERGED(&options, "p@5!", 1, "p@5! p/a@5=x p/b@3=y");
    EXPECT_MERGED(&options, "p/#@9=s p/[a,b)@5! p/b@3=y", 1, "p/#@9=s p/[a,b)@5! p/a@5=x p/b@3=y");
    EXPECT_MERGED(&options, "p/a@5!", 1, "p/a@5!");
}

static void the_newest_write_of_several_tables_wins(void **state)
{
    struct compaction_job_options options = job_options(*state);
    EXPECT_MERGED(&options, "p/a@5=new p/b@1=b p/c@2=c", 1, "p/a@4=old p/b@1=b", "p/a@5=new", "p/c@2=c");
    EXPECT_MERGED(&options, "p@5! p/a@6=kept", 1, "p/a@4=old p/b@5=old", "p@5!", "p/a@6=kept");
}

static void DEL_5_old_tombstones_go_when_nothing_older_is_outside(void **state)
{
    struct compaction_job_options options = job_options(*state);
    options.purging = true;
    options.purge = (struct purge){.now_s = 100, .gc_before_s = 50, .max_purgeable_timestamp = INT64_MAX};
    EXPECT_MERGED(&options, "p/b@3=y", 1, "p/a@5! p/b@3=y p/[c,d)@7!", "p/a@4=gone p/c@6=gone");
    EXPECT_MERGED(&options, "p@60! p/[c,d)@70! p/a@80!", 1, "p@60! p/a@80! p/[c,d)@70!");

    options.purge.max_purgeable_timestamp = 6;
    EXPECT_MERGED(&options, "q@6! p/[c,d)@7!", 1, "p/a@5! p/[c,d)@7! q@6!");
}

static void a_merge_of_which_nothing_stays_makes_no_table(void **state)
{
    struct compaction_job_options options = job_options(*state);
    options.purging = true;
    options.purge = (struct purge){.now_s = 100, .gc_before_s = 50, .max_purgeable_timestamp = INT64_MAX};
    EXPECT_MERGED(&options, "", 0, "p@5! q/a@5! q/[a,b)@4! r/#@1!");
    EXPECT_MERGED(&options, "", 0, "p@5!", "p/a@4=x");
    EXPECT_MERGED(&options, "", 0, "");
}

static void outputs_are_cut_between_partitions_and_the_last_number_takes_the_rest(void **state)
{
    struct compaction_job_options options = job_options(*state);
    options.output_bytes_max = 1;
    EXPECT_MERGED(&options, "a/x@1=1 c/x@1=1 f/x@1=1 e/x@1=1 d/x@1=1 b/x@1=1 b/y@1=1", 4,
                  "a/x@1=1 b/x@1=1 b/y@1=1 c/x@1=1 d/x@1=1 e/x@1=1 f/x@1=1");
}

static void a_job_that_is_given_up_leaves_no_file(void **state)
{
    struct compaction_job_options options = job_options(*state);
    const char *const tables[] = {"a/x@1=1 b/x@1=1 c/x@1=1", "a/y@1=1"};
    for (uint64_t steps = 0; steps < 8; steps++) {
        struct compaction_job *job = job_over(&options, tables, 2);
        bool done = false;
        uint32_t names = 0;
        options.output_bytes_max = 1;
        assert_ok(compaction_job_step(job, steps, &done));
        assert_false(done);
        compaction_job_free(job);
        inputs_unlink(*state, 2);
        assert_ok(io_list(*state, "/t", count_name, &names));
        assert_int_equal(names, 0);
    }
}

/* Fail every operation in turn: the job fails for good, and no output is left when it is freed. Only the directory page of
 * each input may fail to be read: it is made anew of its parity. */
static void a_job_that_fails_leaves_no_file(void **state)
{
    (void)state;
    bool faulted = true;
    uint64_t nth = 0;
    unsigned mended = 0;
    for (; faulted; nth++) {
        struct io_env *env;
        assert_ok(io_env_open(IO_BODY_SIM, 7, &env));
        assert_ok(io_mkdir(env, "/t"));
        struct compaction_job_options options = job_options(env);
        options.output_bytes_max = 1;
        const char *const tables[] = {"a/x@1=1 b/x@1=1", "a/y@1=1"};
        struct compaction_job *job = job_over(&options, tables, 2);
        bool done = false;
        uint32_t names = 0;
        uint64_t at = sim_operation_count(env) + nth;
        sim_fail_at(env, at, SIM_FAULT_EIO, false);
        status st = compaction_job_step(job, 1000, &done);
        bool completed = ok(st);
        faulted = sim_operation_count(env) > at;
        mended += faulted && completed;
        assert_int_equal(done, completed);
        if (failed(st)) {
            assert_int_equal(compaction_job_step(job, 1, &done).code, st.code);
            sim_fail_at(env, UINT64_MAX, SIM_FAULT_NONE, false);
        }
        compaction_job_free(job);
        assert_ok(io_list(env, "/t", count_name, &names));
        assert_int_equal(names, completed ? 4 : 2);
        io_env_close(env);
    }
    assert_true(nth > 20);
    assert_int_equal(mended, 2);
}

/* ---- over tables ---- */

enum {
    ROWS_A_TABLE = 400,
    ROW_KEY_BYTES = 8,
};

/* A table of one large partition "c" with rows [first, first + ROWS_A_TABLE) in steps of `step`, and of small ones. Values
 * carry `stamp`, which is the timestamp too. */
static struct sstable *rows_table(struct io_env *env, uint64_t number, unsigned first, unsigned step,
                                  int64_t stamp, bool expiring)
{
    char path[80] = "/t/";
    struct sstable_builder *builder;
    struct sstable_info info;
    struct sstable *table;
    struct row_builder row = {0};
    struct buffer image = {0};
    compaction_table_name(number, path + 3);
    struct sstable_build_options build = {.env = env,
                                          .path = path,
                                          .store_id = NOTATION_STORE_ID,
                                          .file_number = number,
                                          .compression_level = 1,
                                          .dictionary_after_bytes = UINT32_MAX,
                                          .block_bytes = 512};
    static const char *const keys[] = {"a", "b", "c", "d"};
    struct partition_key sorted[ARRAY_LEN(keys)];
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        size_t at = i;
        sorted[i] = partition_key_of(slice_text(keys[i]));
        for (; at > 0 && partition_key_compare(sorted[at - 1], sorted[at]) > 0; at--) {
            struct partition_key swap = sorted[at];
            sorted[at] = sorted[at - 1];
            sorted[at - 1] = swap;
        }
    }
    assert_ok(sstable_builder_open(&build, &builder));
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        struct partition_view view = {.key = sorted[i], .deletion = DELETION_NONE};
        unsigned rows = slice_equal(sorted[i].bytes, slice_text("c")) ? ROWS_A_TABLE : 2;
        assert_ok(sstable_builder_begin_partition(builder, &view));
        for (unsigned j = 0; j < rows; j++) {
            char key[ROW_KEY_BYTES + 1], value[40];
            snprintf(key, sizeof key, "%08u", first + j * step);
            snprintf(value, sizeof value, "value %u of %lld", first + j * step, (long long)stamp);
            row_builder_reset(&row);
            row.marker = (struct marker){.timestamp = stamp,
                                         .ttl_s = expiring && j % 50 == 7 ? 10 : 0,
                                         .expiry_s = expiring && j % 50 == 7 ? 20 : 0};
            row_builder_add(&row, (struct cell){.column = 1, .timestamp = stamp, .value = slice_text(value)});
            buffer_clear(&image);
            assert_ok(row_builder_finish(&row, &image));
            assert_ok(sstable_builder_add_row(builder, slice_of(key, ROW_KEY_BYTES), buffer_slice(&image)));
        }
        assert_ok(sstable_builder_end_partition(builder));
    }
    assert_ok(sstable_builder_finish(builder, &info));
    assert_ok(sstable_open(env, path, NOTATION_STORE_ID, NULL, &table));
    row_builder_deinit(&row);
    buffer_deinit(&image);
    return table;
}

/* Whether cursors of tables offer their blocks at all. */
static bool blocks_are_offered(struct sstable *table)
{
    struct cursor *cursor;
    struct sstable_block block;
    bool found = false, any = false;
    assert_ok(sstable_cursor_open(table, false, &cursor));
    for (;;) {
        assert_ok(cursor_next_partition(cursor));
        if (!cursor->on_partition)
            break;
        do {
            assert_ok(sstable_cursor_next_block(cursor, &block, &found));
            any = any || found;
            assert_ok(cursor_next(cursor));
        } while (cursor->on_row);
    }
    cursor_close(cursor);
    return any;
}

/* Merge, and give all words of the outputs, which are removed; freed by the caller. */
static char *merged_words(const struct compaction_job_options *options, struct sstable *const *tables,
                          uint32_t count, struct compaction_counters *out_counters)
{
    struct io_env *env = options->build.env;
    struct compaction_job *job;
    struct buffer words = {0};
    uint32_t outputs;
    bool done = false;
    assert_ok(compaction_job_new_over(options, tables, count, &job));
    while (!done)
        assert_ok(compaction_job_step(job, 3, &done));
    compaction_job_counters(job, out_counters);
    const struct sstable_info *infos = compaction_job_outputs(job, &outputs);
    for (uint32_t i = 0; i < outputs; i++) {
        char path[80] = "/t/";
        struct sstable *table;
        compaction_table_name(infos[i].file_number, path + 3);
        assert_ok(sstable_open(env, path, NOTATION_STORE_ID, NULL, &table));
        assert_ok(sstable_verify(table));
        sstable_unref(table);
        table_show(env, "/t", infos[i].file_number, &words);
        assert_ok(io_unlink(env, path));
    }
    compaction_job_free(job);
    buffer_append_u8(&words, 0);
    return (char *)words.data;
}

struct copy_case {
    const char *name;
    struct {
        unsigned first, step;
        int64_t stamp;
        bool expiring;
    } tables[3];
    bool copies; /* some blocks may pass as they are */
};

static void blocks_that_pass_as_they_are_make_the_same_table(void **state)
{
    static const struct copy_case cases[] = {
        {"one behind another", {{1000, 1, 5, false}, {5000, 1, 6, false}, {9000, 1, 7, false}}, true},
        {"with an overlap", {{1000, 1, 5, false}, {1350, 1, 6, false}, {1700, 1, 7, false}}, true},
        {"a few late rows among many",
         {{1000, 2, 5, false}, {1000, 100, 6, false}, {90000, 1, 7, false}},
         true},
        {"the same keys", {{1000, 1, 5, false}, {1000, 1, 6, false}, {1000, 1, 7, false}}, false},
        {"some rows expire", {{1000, 1, 5, true}, {5000, 1, 6, true}, {9000, 1, 7, true}}, true},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct sstable *tables[3];
        for (unsigned j = 0; j < 3; j++)
            tables[j] = rows_table(*state, j + 1, cases[i].tables[j].first, cases[i].tables[j].step,
                                   cases[i].tables[j].stamp, cases[i].tables[j].expiring);
        bool offered = blocks_are_offered(tables[0]);
        for (unsigned purging = 0; purging < 2; purging++) {
            struct compaction_job_options options = job_options(*state);
            struct compaction_counters decoded, copied;
            options.build.block_bytes = 512;
            options.build.dictionary_after_bytes = UINT32_MAX;
            options.purging = purging;
            options.purge =
                (struct purge){.now_s = 100, .gc_before_s = 50, .max_purgeable_timestamp = INT64_MAX};
            options.no_block_copy = true;
            char *expected = merged_words(&options, tables, 3, &decoded);
            options.no_block_copy = false;
            char *seen = merged_words(&options, tables, 3, &copied);
            assert_string_equal(seen, expected);
            assert_int_equal(decoded.blocks_copied, 0);
            assert_int_equal(copied.rows + copied.rows_copied, decoded.rows);
            assert_int_equal(copied.blocks_copied > 0, offered && cases[i].copies);
            free(expected);
            free(seen);
        }
        for (unsigned j = 0; j < 3; j++)
            sstable_unref(tables[j]);
        inputs_unlink(*state, 3);
    }
}

static void outputs_end_at_the_borders_of_equal_parts_and_may_replace_drained_inputs(void **state)
{
    struct compaction_job_options options = job_options(*state);
    const char *const words[] = {"a/x@1=1 b/x@1=1 c/x@1=1 d/x@1=1 e/x@1=1 f/x@1=1", "a/y@1=1 f/y@1=1"};
    struct sstable *tables[2];
    for (uint32_t i = 0; i < 2; i++) {
        char path[80] = "/t/";
        cursor_close(table_of(*state, "/t", i + 1, words[i]));
        compaction_table_name(i + 1, path + 3);
        assert_ok(sstable_open(*state, path, NOTATION_STORE_ID, NULL, &tables[i]));
    }
    options.output_shards = 4;
    options.file_number_count = 10;
    struct compaction_job *job;
    uint32_t outputs = 0, released = 0;
    int64_t max_token;
    bool done = false;
    assert_ok(compaction_job_new_over(&options, tables, 2, &job));
    while (!done) {
        assert_ok(compaction_job_step(job, 1, &done));
        if (!compaction_job_may_release(job, &max_token))
            continue;
        const struct sstable_info *infos = compaction_job_outputs(job, &outputs);
        assert_int_equal(max_token, infos[outputs - 1].max_token);
        compaction_job_adopt(job, outputs);
        released++;
    }
    const struct sstable_info *infos = compaction_job_outputs(job, &outputs);
    assert_true(outputs >= 2 && released >= 1);
    for (uint32_t i = 0; i < outputs; i++) {
        assert_int_equal((uint64_t)infos[i].min_token >> 62, (uint64_t)infos[i].max_token >> 62);
        assert_true(i == 0 || infos[i].min_token > infos[i - 1].max_token);
    }
    compaction_job_free(job);
    for (uint32_t i = 0; i < 2; i++)
        sstable_unref(tables[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_flush_forgets_nothing_but_what_is_covered, setup, teardown),
        cmocka_unit_test_setup_teardown(the_newest_write_of_several_tables_wins, setup, teardown),
        cmocka_unit_test_setup_teardown(DEL_5_old_tombstones_go_when_nothing_older_is_outside, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_merge_of_which_nothing_stays_makes_no_table, setup, teardown),
        cmocka_unit_test_setup_teardown(outputs_are_cut_between_partitions_and_the_last_number_takes_the_rest,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_job_that_is_given_up_leaves_no_file, setup, teardown),
        cmocka_unit_test(a_job_that_fails_leaves_no_file),
        cmocka_unit_test_setup_teardown(blocks_that_pass_as_they_are_make_the_same_table, setup, teardown),
        cmocka_unit_test_setup_teardown(
            outputs_end_at_the_borders_of_equal_parts_and_may_replace_drained_inputs, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
