/*
 * The store against the oracle under random operations, the same list under several configurations: writes of every
 * kind with equal and past timestamps, elements of collections and counters, TTL and a clock that moves, batches over partitions, tables and shards,
 * flush, compaction, restart, TRUNCATE and DROP; scans, slices and both directions.
 *
 * A failure prints its seed; STRAIT_SEED=n runs that one alone, STRAIT_TRACE=1 prints every operation.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/random.h"
#include "io/sim.h"
#include "oracle.h"

#ifdef STRAIT_LONG_TESTS
enum { SEEDS = 300, OPERATIONS = 3000 };
#else
enum { SEEDS = 2, OPERATIONS = 500 };
#endif

enum {
    TABLES = 2,
    BATCH_WRITES_MAX = 4,
};

struct configuration {
    const char *name;
    const char *io; /* "sim", or an io of store.h */
    uint32_t shards;
    uint64_t memtable_bytes, cache_bytes, segment_bytes;
    enum durability durability;
    bool by_hand; /* background */
    bool shortcuts_off;
    bool tiered;
    enum store_compaction strategy; /* of every table, where `tiered` is not set and it is not SIZE_TIERED */
    bool counters_restart;
};

static const struct configuration configurations[] = {
    {.name = "memory", .io = "memory", .shards = 2, .counters_restart = true},
    {.name = "memory, tiny",
     .io = "memory",
     .shards = 3,
     .memtable_bytes = 8 << 10,
     .cache_bytes = 1,
     .tiered = true},
    {.name = "sim, tiny, by hand",
     .io = "sim",
     .shards = 3,
     .memtable_bytes = 8 << 10,
     .cache_bytes = 1,
     .segment_bytes = 64 << 10,
     .durability = DURABILITY_DURABLE,
     .by_hand = true,
     .tiered = true,
     .counters_restart = true},
    {.name = "sim, no shortcuts",
     .io = "sim",
     .shards = 1,
     .memtable_bytes = 32 << 10,
     .segment_bytes = 64 << 10,
     .by_hand = true,
     .shortcuts_off = true,
     .tiered = true},
    {.name = "threads",
     .io = "threads",
     .shards = 2,
     .memtable_bytes = 16 << 10,
     .segment_bytes = 64 << 10,
     .tiered = true},
    {.name = "auto", .io = "auto", .shards = 2, .memtable_bytes = 256 << 10, .segment_bytes = 1 << 20},
    {.name = "windows of 5 s",
     .io = "sim",
     .shards = 2,
     .memtable_bytes = 8 << 10,
     .segment_bytes = 64 << 10,
     .by_hand = true,
     .strategy = STORE_COMPACTION_TIME_WINDOW},
    {.name = "leveled",
     .io = "sim",
     .shards = 2,
     .memtable_bytes = 8 << 10,
     .segment_bytes = 64 << 10,
     .by_hand = true,
     .strategy = STORE_COMPACTION_LEVELED},
    {.name = "incremental",
     .io = "sim",
     .shards = 2,
     .memtable_bytes = 8 << 10,
     .segment_bytes = 64 << 10,
     .by_hand = true,
     .strategy = STORE_COMPACTION_INCREMENTAL},
    {.name = "unified",
     .io = "sim",
     .shards = 2,
     .memtable_bytes = 8 << 10,
     .segment_bytes = 64 << 10,
     .by_hand = true,
     .strategy = STORE_COMPACTION_UNIFIED},
    {.name = "leveled, threads",
     .io = "memory",
     .shards = 2,
     .memtable_bytes = 8 << 10,
     .strategy = STORE_COMPACTION_LEVELED},
};

struct run {
    const struct configuration *configuration;
    struct random rng;
    struct io_env *env; /* sim only */
    char folder[64];
    struct store *store;
    struct oracle *oracle;
    uint64_t tables[TABLES]; /* their ids now */
    unsigned order[ORACLE_PARTITIONS];
    int64_t now_s;
    /* Timestamps only rise and tombstones may be forgotten at once; else timestamps come in any order and
     * tombstones are kept, because a purged tombstone cannot hide what arrives after it. */
    bool rising;
    int64_t next_timestamp;
    bool trace;
};

static unsigned below(struct run *run, unsigned bound)
{
    return (unsigned)random_below(&run->rng, bound);
}

/* ---- the store under test ---- */

static void run_open(struct run *run)
{
    const struct configuration *c = run->configuration;
    bool sim = strcmp(c->io, "sim") == 0;
    struct store_options options = {
        .folder = strcmp(c->io, "memory") == 0 ? NULL : run->folder,
        .io = sim ? NULL : c->io,
        .env = run->env,
        .shards = c->shards,
        .memtable_bytes = c->memtable_bytes,
        .cache_bytes = c->cache_bytes,
        .log_segment_bytes = c->segment_bytes,
        .durability = c->durability,
        .rules = {.counters_restart = c->counters_restart},
        .clock_us = run->now_s * 1000000,
        .no_block_copy = c->shortcuts_off,
        .no_code_copy = c->shortcuts_off,
        .no_yielding = c->shortcuts_off,
        .no_row_rooms = c->shortcuts_off,
        .background = c->by_hand ? STORE_BACKGROUND_MANUAL : STORE_BACKGROUND_THREADS,
    };
    assert_ok(store_open(&options, &run->store));
}

static enum store_compaction strategy_of(const struct run *run, unsigned table)
{
    const struct configuration *c = run->configuration;
    if (c->tiered || c->strategy)
        return c->tiered ? STORE_COMPACTION_SIZE_TIERED : c->strategy;
    return table ? STORE_COMPACTION_TIME_WINDOW : STORE_COMPACTION_NONE;
}

static void table_make(struct run *run, unsigned table)
{
    struct store_change change = {
        .kind = STORE_CREATE_TABLE,
        .table_id = store_new_table_id(run->store),
        .options = {.gc_grace_s = run->rising ? 0 : 1000000000,
                    .compaction = strategy_of(run, table),
                    .min_threshold = 2,
                    .window_s = run->configuration->strategy ? 5 : 100,
                    .tuning = {.sstable_bytes = 4 << 10,
                               .fanout = 3,
                               .min_sstable_bytes = 1 << 10,
                               .flush_bytes = 4 << 10,
                               .space_amplification_goal = 1.5,
                               .tombstone_interval_s = -1,
                               .tombstones_unchecked = table != 0},
                    .compression_level = 1,
                    .block_bytes = 512},
    };
    assert_ok(store_change(run->store, &change, 1));
    run->tables[table] = change.table_id;
}

static void order_make(struct run *run)
{
    int64_t tokens[ORACLE_PARTITIONS];
    for (unsigned i = 0; i < ORACLE_PARTITIONS; i++) {
        char key[3] = {'p', (char)('0' + i), 0};
        tokens[i] = text_key(key).token;
        unsigned at = i;
        for (; at > 0 && tokens[run->order[at - 1]] > tokens[i]; at--)
            run->order[at] = run->order[at - 1];
        run->order[at] = i;
    }
}

/* ---- operations ---- */

static void value_text(struct run *run, struct buffer *text)
{
    unsigned bytes = below(run, 20) == 0 ? 500 + below(run, 1500) : 1 + below(run, 6);
    char letter = (char)('a' + below(run, 3));
    for (unsigned i = 0; i < bytes; i++)
        buffer_append_u8(text, (uint8_t)letter);
}

/* Columns by what they hold. */
enum {
    FIRST_COLLECTION = 4,
    FIRST_COUNTER = 6,
};

static void cell_name(struct buffer *text, bool update, unsigned column)
{
    buffer_printf(text, " %s%c", update ? "~" : "", 'a' + (int)column);
}

static void plain_text(struct run *run, struct buffer *text, bool update, unsigned column)
{
    cell_name(text, update, column);
    if (below(run, 3) == 0) {
        buffer_append_u8(text, '!');
        return;
    }
    buffer_append_u8(text, '=');
    value_text(run, text);
}

/* Assign, delete, or change some elements. */
static void collection_text(struct run *run, struct buffer *text, bool update, unsigned column)
{
    unsigned what = below(run, 8);
    if (what < 3) {
        cell_name(text, update, column);
        buffer_printf(text, what < 2 ? "[^]!" : "[*]!");
    }
    for (unsigned left = below(run, 5); left > 0; left--) {
        cell_name(text, update, column);
        buffer_printf(text, "[%s]", oracle_paths[below(run, below(run, 2) ? 3 : ORACLE_PATHS)]);
        if (below(run, 5) == 0) {
            buffer_append_u8(text, '!');
            continue;
        }
        buffer_append_u8(text, '=');
        if (below(run, 4)) /* the elements of a set have no values */
            value_text(run, text);
    }
}

/* Where a DELETE is final, see counter_delete_text(). */
static void counter_text(struct run *run, struct buffer *text, bool update, unsigned column)
{
    cell_name(text, update, column);
    if (run->configuration->counters_restart && below(run, 3) == 0)
        buffer_append_u8(text, '!');
    else
        buffer_printf(text, "#%u", below(run, 4));
}

static void cells_text(struct run *run, struct buffer *text)
{
    bool update = below(run, 2);
    for (unsigned column = 0; column < ORACLE_COLUMNS; column++) {
        if (below(run, column < FIRST_COLLECTION ? 2 : 3))
            continue;
        if (column < FIRST_COLLECTION)
            plain_text(run, text, update, column);
        else if (column < FIRST_COUNTER)
            collection_text(run, text, update, column);
        else
            counter_text(run, text, update, column);
    }
    if (update && text->data[text->bytes - 1] == '/')
        buffer_printf(text, " ~a=only");
}

/* Half of the writes go to a few rows, so that they meet. */
static unsigned row_number(struct run *run)
{
    return below(run, below(run, 2) ? 2 : ORACLE_ROWS);
}

/* A final DELETE of a counter, above all other timestamps: what remains of one that a row deletion covers depends on
 * what meets first, and forgetting one brings the counter back. */
static void counter_delete_text(struct run *run, struct buffer *text)
{
    buffer_printf(text, "/%u ~%c! @%lld", row_number(run), 'a' + FIRST_COUNTER,
                  1000000000000000LL + run->next_timestamp);
}

/* Writes with a TTL have timestamps of their own: when two of equal timestamps expire at different times, what wins
 * depends on when they meet. */
static void timestamp_text(struct run *run, struct buffer *text, bool expiring)
{
    run->next_timestamp++;
    if (run->rising)
        buffer_printf(text, " @%lld", (long long)run->next_timestamp);
    else if (expiring)
        buffer_printf(text, " @%lld", (long long)(below(run, 30) * 1000000 + run->next_timestamp));
    else
        buffer_printf(text, " @%lld", (long long)below(run, below(run, 2) ? 2 : 30) * 1000000 - 3000000);
}

static void write_append(struct run *run, struct buffer *text)
{
    unsigned what = below(run, 40);
    bool expiring = false;
    if (text->bytes)
        buffer_printf(text, "; ");
    buffer_printf(text, "%llu:p%u", (unsigned long long)run->tables[below(run, TABLES)],
                  below(run, below(run, 2) ? 2 : ORACLE_PARTITIONS));
    if (what == 39 && !run->configuration->counters_restart && !run->rising) {
        counter_delete_text(run, text);
        return;
    }
    if (what == 0) {
        buffer_printf(text, "!");
    } else if (what < 3) {
        unsigned from = below(run, ORACLE_ROWS - 1);
        buffer_printf(text, "/%u-%u!", from, from + 1 + below(run, ORACLE_ROWS - from - 1));
    } else if (what < 6) {
        buffer_printf(text, "/%u!", row_number(run));
    } else if (what < 8) {
        buffer_printf(text, "/s");
        cells_text(run, text);
    } else {
        buffer_printf(text, "/%u", row_number(run));
        cells_text(run, text);
        expiring = below(run, 6) == 0;
        if (expiring)
            buffer_printf(text, " +%u", 1 + below(run, 200));
    }
    timestamp_text(run, text, expiring);
}

/* A random batch as text, freed by the caller. */
static char *batch_text(struct run *run)
{
    struct buffer text = {0};
    unsigned writes = below(run, 3) ? 1 : 1 + below(run, BATCH_WRITES_MAX);
    for (unsigned i = 0; i < writes; i++)
        write_append(run, &text);
    buffer_append_u8(&text, 0);
    if (run->trace)
        fprintf(stderr, "%s\n", (char *)text.data);
    return (char *)text.data;
}

static void do_write(struct run *run)
{
    char *text = batch_text(run);
    assert_ok(apply_text(run->store, text, DURABILITY_DEFAULT));
    oracle_apply(run->oracle, text, run->now_s);
    free(text);
}

static void same(struct run *run, const char *what, struct buffer *expected, char *seen, status st)
{
    assert_ok(st);
    buffer_append_u8(expected, 0);
    if (strcmp((char *)expected->data, seen) != 0)
        fail_msg("%s under \"%s\"\n  expected %.2000s\n  seen     %.2000s", what, run->configuration->name,
                 (char *)expected->data, seen);
    free(seen);
    buffer_deinit(expected);
}

static void do_scan(struct run *run)
{
    struct buffer expected = {0};
    status st;
    uint64_t table = run->tables[below(run, TABLES)];
    oracle_contents(run->oracle, table, run->order, run->now_s, &expected);
    char *seen = contents(run->store, table, &st);
    same(run, "scan", &expected, seen, st);
}

static void do_slice(struct run *run)
{
    struct buffer expected = {0};
    status st;
    bool off = run->configuration->shortcuts_off || below(run, 4) == 0;
    struct store_read read = {.table_id = run->tables[below(run, TABLES)],
                              .reverse = below(run, 2),
                              .no_lazy = off,
                              .no_filter = off};
    unsigned partition = below(run, ORACLE_PARTITIONS), limit = 1 + below(run, ORACLE_ROWS);
    int64_t from = below(run, 3) ? (int64_t)below(run, ORACLE_ROWS) : NO_ROW;
    char key[3] = {'p', (char)('0' + partition), 0};
    oracle_slice(run->oracle, read.table_id, partition, read.reverse, from, limit, run->now_s, &expected);
    char *seen = slice_contents(run->store, &read, key, from, limit, &st);
    same(run, "slice", &expected, seen, st);
}

static void do_change(struct run *run)
{
    unsigned table = below(run, TABLES);
    struct store_change change = {.kind = below(run, 2) ? STORE_TRUNCATE_TABLE : STORE_DROP_TABLE,
                                  .table_id = run->tables[table]};
    assert_ok(store_change(run->store, &change, 1));
    oracle_clear(run->oracle, change.table_id);
    if (change.kind == STORE_DROP_TABLE) {
        table_make(run, table);
        oracle_clear(run->oracle, run->tables[table]);
    }
}

static void do_restart(struct run *run)
{
    if (strcmp(run->configuration->io, "memory") == 0)
        return;
    assert_ok(store_close(run->store));
    run_open(run);
}

static bool tables_agree(struct run *run)
{
    bool agree = true;
    for (unsigned i = 0; i < TABLES; i++) {
        struct buffer expected = {0};
        status st;
        oracle_contents(run->oracle, run->tables[i], run->order, run->now_s, &expected);
        buffer_append_u8(&expected, 0);
        char *seen = contents(run->store, run->tables[i], &st);
        assert_ok(st);
        agree = agree && strcmp((char *)expected.data, seen) == 0;
        free(seen);
        buffer_deinit(&expected);
    }
    return agree;
}

/* Write, flush and compact until the power goes. The text of the batch that met it, or NULL. */
static char *work_until_cut(struct run *run)
{
    for (unsigned left = 60; left > 0 && !sim_power_is_cut(run->env); left--) {
        unsigned what = below(run, 20);
        bool did;
        if (what < 15) {
            char *text = batch_text(run);
            if (failed(apply_text(run->store, text, DURABILITY_DURABLE)))
                return text;
            oracle_apply(run->oracle, text, run->now_s);
            free(text);
        } else if (what < 18) {
            (void)store_step(run->store, &did);
        } else if (what < 19) {
            (void)store_flush(run->store, run->tables[below(run, TABLES)]);
        } else {
            (void)store_compact(run->store, run->tables[below(run, TABLES)]);
        }
    }
    return NULL;
}

/* Cut the power while durable writes go on: all that was acknowledged is there, the last one whole or not at all. */
static void do_power_cut(struct run *run)
{
    if (!run->env)
        return;
    assert_ok(store_sync(run->store));
    sim_cut_power_at(run->env, sim_operation_count(run->env) + 1 + below(run, 120));
    char *pending = work_until_cut(run);
    (void)store_close(run->store);
    sim_restart(run->env, (enum sim_policy)below(run, SIM_POLICIES));
    sim_cut_power_at(run->env, UINT64_MAX);
    run_open(run);
    if (pending && !tables_agree(run))
        oracle_apply(run->oracle, pending, run->now_s);
    free(pending);
    if (!tables_agree(run))
        fail_msg("after a power cut, under \"%s\"", run->configuration->name);
}

static void do_steps(struct run *run)
{
    bool did = true;
    if (!run->configuration->by_hand)
        return;
    for (unsigned left = below(run, 10); did && left > 0; left--)
        assert_ok(store_step(run->store, &did));
}

static void do_anything(struct run *run)
{
    unsigned what = below(run, 1000);
    if (run->trace)
        fprintf(stderr, "-- %u, now %lld\n", what, (long long)run->now_s);
    if (what < 600)
        do_write(run);
    else if (what < 850)
        do_slice(run);
    else if (what < 890)
        do_scan(run);
    else if (what < 930)
        do_steps(run);
    else if (what < 955)
        assert_ok(store_flush(run->store, below(run, 2) ? 0 : run->tables[below(run, TABLES)]));
    else if (what < 965)
        assert_ok(store_compact(run->store, run->tables[below(run, TABLES)]));
    else if (what < 972)
        do_restart(run);
    else if (what < 974)
        do_power_cut(run);
    else if (what < 977)
        do_change(run);
    else if (what < 982)
        assert_ok(store_settle(run->store));
    else {
        run->now_s += below(run, 60);
        store_clock_set(run->store, run->now_s * 1000000);
    }
}

/* A generator that never made the interesting cases proves nothing. */
static struct oracle_counts counts;

static void count_what_happened(struct run *run)
{
    oracle_counts_add(run->oracle, &counts);
    struct store_table_stats stats, sum = {0};
    for (unsigned i = 0; i < TABLES; i++) {
        assert_ok(store_table_stats(run->store, run->tables[i], &stats));
        sum.flushes += stats.flushes;
        sum.compactions += stats.compactions;
        sum.sstables += stats.sstables;
        sum.sstable_tombstones += stats.sstable_tombstones;
    }
    if (run->trace)
        print_message("  %llu flushes, %llu compactions, %llu tables with %llu tombstones\n",
                      (unsigned long long)sum.flushes, (unsigned long long)sum.compactions,
                      (unsigned long long)sum.sstables, (unsigned long long)sum.sstable_tombstones);
}

static void run_one(const struct configuration *configuration, uint64_t seed)
{
    struct run run = {.configuration = configuration,
                      .rng = {seed},
                      .oracle = oracle_new(),
                      .now_s = 1700000000,
                      .next_timestamp = 1,
                      .trace = getenv("STRAIT_TRACE")};
    run.rising = seed % 2;
    if (configuration->counters_restart)
        oracle_counters_restart(run.oracle);
    print_message("seed %llu, %s, timestamps %s\n", (unsigned long long)seed, configuration->name,
                  run.rising ? "rising" : "in any order");
    snprintf(run.folder, sizeof run.folder, "/tmp/strait-model-XXXXXX");
    bool sim = strcmp(configuration->io, "sim") == 0, disk = !sim && strcmp(configuration->io, "memory") != 0;
    if (sim) {
        assert_ok(io_env_open(IO_BODY_SIM, seed, &run.env));
        snprintf(run.folder, sizeof run.folder, "store");
    }
    if (disk)
        assert_non_null(mkdtemp(run.folder));
    order_make(&run);
    run_open(&run);
    for (unsigned i = 0; i < TABLES; i++)
        table_make(&run, i);
    for (unsigned i = 0; i < OPERATIONS; i++)
        do_anything(&run);
    assert_ok(store_verify(run.store, 0));
    for (unsigned i = 0; i < 4; i++)
        do_scan(&run);
    count_what_happened(&run);
    assert_ok(store_close(run.store));
    oracle_free(run.oracle);
    if (sim)
        io_env_close(run.env);
    if (disk) {
        char command[100];
        snprintf(command, sizeof command, "rm -r %s", run.folder);
        assert_int_equal(0, system(command));
    }
}

static void run_configuration(size_t which)
{
    const char *seed = getenv("STRAIT_SEED");
    if (seed) {
        run_one(&configurations[which], strtoull(seed, NULL, 10));
        return;
    }
    for (uint64_t i = 1; i <= SEEDS; i++)
        run_one(&configurations[which], i);
}

#define CONFIGURATION(number, claim) \
    static void claim(void **state)  \
    {                                \
        (void)state;                 \
        run_configuration(number);   \
    }
CONFIGURATION(0, a_store_in_memory_agrees_with_the_oracle)
CONFIGURATION(1, a_tiny_store_in_memory_agrees_with_the_oracle)
CONFIGURATION(2, a_tiny_store_on_a_simulated_disk_agrees_with_the_oracle)
CONFIGURATION(3, a_store_without_shortcuts_agrees_with_the_oracle)
CONFIGURATION(4, a_store_on_threads_agrees_with_the_oracle)
CONFIGURATION(5, a_store_as_users_have_it_agrees_with_the_oracle)
CONFIGURATION(6, time_windows_agree_with_the_oracle)
CONFIGURATION(7, levels_agree_with_the_oracle)
CONFIGURATION(8, fragments_agree_with_the_oracle)
CONFIGURATION(9, density_levels_agree_with_the_oracle)
CONFIGURATION(10, levels_on_threads_agree_with_the_oracle)

static void all_kinds_of_conflicts_were_met(void **state)
{
    (void)state;
    oracle_counts_print(&counts);
    if (!getenv("STRAIT_SEED"))
        oracle_counts_check(&counts);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_store_in_memory_agrees_with_the_oracle),
        cmocka_unit_test(a_tiny_store_in_memory_agrees_with_the_oracle),
        cmocka_unit_test(a_tiny_store_on_a_simulated_disk_agrees_with_the_oracle),
        cmocka_unit_test(a_store_without_shortcuts_agrees_with_the_oracle),
        cmocka_unit_test(a_store_on_threads_agrees_with_the_oracle),
        cmocka_unit_test(a_store_as_users_have_it_agrees_with_the_oracle),
        cmocka_unit_test(time_windows_agree_with_the_oracle),
        cmocka_unit_test(levels_agree_with_the_oracle),
        cmocka_unit_test(fragments_agree_with_the_oracle),
        cmocka_unit_test(density_levels_agree_with_the_oracle),
        cmocka_unit_test(levels_on_threads_agree_with_the_oracle),
        cmocka_unit_test(all_kinds_of_conflicts_were_met),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
