/* What a merge of tables makes of them, and what it leaves behind when it fails. */
#include "notation.h"

#include <stdio.h>
#include <string.h>

#include "io/sim.h"

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

/* Fail every operation in turn: the job fails for good, and no output is left when it is freed. */
static void a_job_that_fails_leaves_no_file(void **state)
{
    (void)state;
    bool completed = false;
    uint64_t nth = 0;
    for (; !completed; nth++) {
        struct io_env *env;
        assert_ok(io_env_open(IO_BODY_SIM, 7, &env));
        assert_ok(io_mkdir(env, "/t"));
        struct compaction_job_options options = job_options(env);
        options.output_bytes_max = 1;
        const char *const tables[] = {"a/x@1=1 b/x@1=1", "a/y@1=1"};
        struct compaction_job *job = job_over(&options, tables, 2);
        bool done = false;
        uint32_t names = 0;
        sim_fail_at(env, sim_operation_count(env) + nth, SIM_FAULT_EIO, false);
        status st = compaction_job_step(job, 1000, &done);
        completed = ok(st);
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
