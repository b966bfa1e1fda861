/*
 * How inputs of compaction go. A merge of runs of fragments hands finished outputs over, and lets go of drained inputs, while
 * it goes on; whatever fails then, the next open finds every file that the manifest may name. What has expired goes unread.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "io/sim.h"
#include "notation.h"

enum {
    TABLE = 1,
    PARTITIONS = 320,
    ROWS = 4, /* of a partition in a file: a run has twice as many, more than a job walks in a step */
    FILES_MAX = 400,
    OPERATIONS_MAX = 2000,
    SEED = 1,
};

struct files {
    uint64_t numbers[FILES_MAX];
    unsigned count;
};

static struct store *open_over(struct io_env *env)
{
    struct store *store;
    struct store_options options = {.folder = "store",
                                    .env = env,
                                    .shards = 1,
                                    .memtable_bytes = 4 << 20,
                                    .log_segment_bytes = 1 << 20,
                                    .background = STORE_BACKGROUND_MANUAL};
    assert_ok(store_open(&options, &store));
    return store;
}

static void file_write(struct store *store, unsigned round)
{
    struct buffer text = {0};
    for (unsigned i = 0; i < PARTITIONS; i++)
        for (unsigned j = 0; j < ROWS; j++)
            buffer_printf(&text, "%sp%u/%u a=value%u @%u", i || j ? "; " : "", i, round * ROWS + j,
                          (round * 7919 + i * 31 + j) * 2654435761U, 1 + round);
    buffer_append_u8(&text, 0);
    assert_ok(apply_text(store, (const char *)text.data, DURABILITY_DURABLE));
    assert_ok(store_flush(store, TABLE));
    buffer_deinit(&text);
}

static struct files files_of(struct store *store)
{
    struct files files = {.count = 0};
    struct store_file file = {0};
    while (ok(store_next_file(store, file.number, &file))) {
        assert_true(files.count < FILES_MAX);
        files.numbers[files.count++] = file.number;
    }
    return files;
}

/* Two runs of like size, of many fragments each, which the strategy is about to merge. */
static struct store *two_runs(struct io_env *env)
{
    struct store *store = open_over(env);
    struct store_change change = {.kind = STORE_CREATE_TABLE,
                                  .table_id = store_new_table_id(store),
                                  .options = {.compaction = STORE_COMPACTION_INCREMENTAL,
                                              .min_threshold = 2,
                                              .tuning = {.sstable_bytes = 8 << 10, .min_sstable_bytes = 1}}};
    assert_ok(store_change(store, &change, 1));
    for (unsigned run = 0; run < 2; run++) {
        struct files before = files_of(store), both;
        file_write(store, 2 * run);
        file_write(store, 2 * run + 1);
        both = files_of(store);
        assert_int_equal(both.count, before.count + 2);
        assert_ok(store_compact_files(store, TABLE, &both.numbers[before.count], 2));
    }
    assert_true(files_of(store).count > 10);
    return store;
}

static char *all_of(struct store *store)
{
    status st;
    char *text = contents(store, TABLE, &st);
    assert_ok(st);
    return text;
}

static void assert_same(struct store *store, const char *expected)
{
    char *seen = all_of(store);
    assert_string_equal(expected, seen);
    free(seen);
}

static unsigned still_there(const struct files *files, const struct files *now)
{
    unsigned count = 0;
    for (unsigned i = 0; i < files->count; i++)
        for (unsigned j = 0; j < now->count; j++)
            count += files->numbers[i] == now->numbers[j];
    return count;
}

static void fragments_are_let_go_of_while_the_merge_goes_on(void **state)
{
    (void)state;
    struct io_env *env;
    assert_ok(io_env_open(IO_BODY_SIM, SEED, &env));
    struct store *store = two_runs(env);
    struct files inputs = files_of(store);
    char *before = all_of(store);
    unsigned handed_over = 0;
    for (bool did = true; did;) {
        assert_ok(store_step(store, &did));
        struct files now = files_of(store);
        unsigned left = still_there(&inputs, &now);
        if (!store_jobs(store, NULL, 0) || left == inputs.count)
            continue;
        /* In the middle of the job, some inputs are gone already, and the table is what it was. */
        assert_true(left > 0);
        handed_over++;
        assert_same(store, before);
    }
    assert_true(handed_over > 0);
    struct files now = files_of(store);
    assert_int_equal(still_there(&inputs, &now), 0);
    struct store_table_stats stats;
    assert_ok(store_table_stats(store, TABLE, &stats));
    assert_int_equal(stats.sstable_runs, 1);
    assert_same(store, before);
    assert_ok(store_verify(store, TABLE));
    free(before);
    assert_ok(store_close(store));
    io_env_close(env);
}

/* What befalls one operation of the job, and how the process ends after it. */
struct mishap {
    enum sim_fault fault; /* NONE: the power is cut */
    bool killed;          /* what was not synced is still read by the next open; else the power is cut */
    unsigned stride;      /* which of the syncs are hit, and of the operations between them */
    unsigned between;     /* 0: none of these */
};

/* The syncs of the job, counted from its first operation. */
struct syncs {
    uint64_t begun, at[OPERATIONS_MAX];
    unsigned count;
    uint64_t last;
};

static void sync_note(void *context, const char *line)
{
    struct syncs *syncs = context;
    char kind[32];
    unsigned long long number;
    assert_int_equal(sscanf(line, "%llu %31s", &number, kind), 2);
    syncs->last = number - syncs->begun;
    if (strncmp(kind, "sync", 4) != 0 && strcmp(kind, "write-sync") != 0)
        return;
    assert_true(syncs->count < OPERATIONS_MAX);
    syncs->at[syncs->count++] = syncs->last;
}

static void syncs_of_job(struct syncs *syncs)
{
    struct io_env *env;
    bool did = true;
    assert_ok(io_env_open(IO_BODY_SIM, SEED, &env));
    struct store *store = two_runs(env);
    *syncs = (struct syncs){.begun = sim_operation_count(env)};
    sim_observe(env, sync_note, syncs);
    while (did)
        assert_ok(store_step(store, &did));
    sim_observe(env, NULL, NULL);
    assert_ok(store_close(store));
    io_env_close(env);
}

static void assert_all_there_anew(struct io_env *env, const char *before)
{
    struct store *store = open_over(env);
    assert_same(store, before);
    assert_ok(store_verify(store, TABLE));
    assert_ok(store_settle(store));
    assert_same(store, before);
    assert_ok(store_close(store));
}

static void hit(const struct mishap *mishap, uint64_t nth)
{
    struct io_env *env;
    bool did = true;
    status st = STATUS_DONE;
    assert_ok(io_env_open(IO_BODY_SIM, SEED, &env));
    struct store *store = two_runs(env);
    char *before = all_of(store);
    uint64_t at = sim_operation_count(env) + nth;
    if (mishap->fault == SIM_FAULT_NONE)
        sim_cut_power_at(env, at);
    else
        sim_fail_at(env, at, mishap->fault, false);
    while (ok(st) && did)
        st = store_step(store, &did);
    sim_fail_at(env, UINT64_MAX, SIM_FAULT_NONE, false);
    if (mishap->fault != SIM_FAULT_NONE)
        assert_same(store, before);
    (void)store_close(store);
    if (mishap->killed)
        sim_kill(env);
    else
        sim_restart(env, (enum sim_policy)(nth % SIM_POLICIES));
    sim_cut_power_at(env, UINT64_MAX);
    assert_all_there_anew(env, before);
    free(before);
    io_env_close(env);
}

static void wherever_a_merge_of_fragments_fails_nothing_is_lost(void **state)
{
    (void)state;
    static const struct mishap mishaps[] = {
        {SIM_FAULT_SYNC, .killed = true, .stride = 1},
        {SIM_FAULT_EIO, .killed = true, .stride = 2, .between = 61},
        {SIM_FAULT_ENOSPC, .killed = false, .stride = 3, .between = 67},
        {SIM_FAULT_NONE, .killed = false, .stride = 2, .between = 53},
    };
    static struct syncs syncs;
    syncs_of_job(&syncs);
    print_message("%u syncs of %llu operations\n", syncs.count, (unsigned long long)syncs.last + 1);
    for (unsigned i = 0; i < ARRAY_LEN(mishaps); i++) {
        for (unsigned j = 0; j < syncs.count; j += mishaps[i].stride)
            hit(&mishaps[i], syncs.at[j]);
        for (uint64_t nth = 0; mishaps[i].between && nth <= syncs.last; nth += mishaps[i].between)
            hit(&mishaps[i], nth);
    }
}

/* ---- files of which everything has expired ---- */

static void read_count(void *context, const char *line)
{
    *(unsigned *)context += strstr(line, " read ") != NULL;
}

static void a_file_of_which_all_has_expired_goes_without_being_read(void **state)
{
    (void)state;
    struct io_env *env;
    struct store_table_stats stats;
    unsigned reads = 0;
    bool did = true;
    assert_ok(io_env_open(IO_BODY_SIM, SEED, &env));
    struct store *store = open_over(env);
    struct store_change change = {.kind = STORE_CREATE_TABLE,
                                  .table_id = store_new_table_id(store),
                                  .options = {.compaction = STORE_COMPACTION_TIME_WINDOW}};
    assert_ok(store_change(store, &change, 1));
    assert_ok(apply_text(store, "k/1 a=x +60 @1; k/2 a=x +60 @2; m/1 a=x +60 @3", DURABILITY_DURABLE));
    assert_ok(store_flush(store, TABLE));
    assert_int_equal(files_of(store).count, 1);
    /* Opened anew, so that nothing of it is in memory. */
    int64_t now_us = store_now_us(store);
    assert_ok(store_close(store));
    store = open_over(env);
    store_clock_set(store, now_us + INT64_C(86400000000));
    sim_observe(env, read_count, &reads);
    while (did)
        assert_ok(store_step(store, &did));
    sim_observe(env, NULL, NULL);
    assert_int_equal(files_of(store).count, 0);
    assert_int_equal(reads, 0);
    assert_ok(store_table_stats(store, TABLE, &stats));
    for (uint32_t i = 0; i < STORE_COMPACTION_REASONS; i++)
        assert_int_equal(stats.compacted[i].jobs, strcmp(store_compaction_reason(i), "expired") == 0);
    assert_ok(store_close(store));
    io_env_close(env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_of_which_all_has_expired_goes_without_being_read),
        cmocka_unit_test(fragments_are_let_go_of_while_the_merge_goes_on),
        cmocka_unit_test(wherever_a_merge_of_fragments_fails_nothing_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
