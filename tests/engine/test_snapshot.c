/* Snapshots, copies and restores: what they hold, what they share and what goes when. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/random.h"
#include "io/sim.h"
#include "oracle.h"

/* ---- on a disk that is simulated ---- */

struct world {
    struct io_env *env;
    struct store *store;
};

static void world_begin(struct world *world)
{
    struct store_options options = {.folder = "store",
                                    .env = world->env,
                                    .shards = 2,
                                    .log_segment_bytes = 64 << 10,
                                    .background = STORE_BACKGROUND_MANUAL};
    assert_ok(store_open(&options, &world->store));
}

static int world_open(void **state)
{
    static struct world world;
    world = (struct world){0};
    assert_ok(io_env_open(IO_BODY_SIM, 3, &world.env));
    world_begin(&world);
    make_table(world.store, 1, 0);
    make_table(world.store, 2, 0);
    *state = &world;
    return 0;
}

static int world_close(void **state)
{
    struct world *world = *state;
    assert_ok(store_close(world->store));
    io_env_close(world->env);
    return 0;
}

static struct store *store_of(void **state)
{
    return ((struct world *)*state)->store;
}

static struct store *restart(void **state)
{
    struct world *world = *state;
    assert_ok(store_close(world->store));
    world_begin(world);
    return world->store;
}

static status change(struct store *store, enum store_change_kind kind, const char *name)
{
    static const uint64_t both[] = {1, 2};
    struct store_change change = {.kind = kind, .name = slice_text(name), .tables = both, .table_count = 2};
    return store_change(store, &change, 1);
}

static status table_change(struct store *store, enum store_change_kind kind, uint64_t table_id)
{
    struct store_change change = {.kind = kind, .table_id = table_id};
    return store_change(store, &change, 1);
}

/* A new table with the content of another. */
static uint64_t clone(struct store *store, uint64_t source_id)
{
    uint64_t id = store_new_table_id(store);
    struct store_change changes[] = {
        {.kind = STORE_CREATE_TABLE, .table_id = id, .options = {.min_threshold = 2}},
        {.kind = STORE_COPY_TABLE, .table_id = id, .source_id = source_id},
    };
    assert_ok(store_change(store, changes, 2));
    return id;
}

static void count_table(void *context, const char *name)
{
    ++*(unsigned *)context;
    (void)name;
}

/* SSTables in the folder, after what was left behind has been put away. */
static unsigned files(struct world *world)
{
    unsigned count = 0;
    bool did = true;
    while (did)
        assert_ok(store_step(world->store, &did));
    assert_ok(io_list(world->env, "store/table", count_table, &count));
    return count;
}

#define write(store, text) assert_ok(apply_text(store, text, DURABILITY_DURABLE))

static void a_restore_brings_back_every_table_as_it_was(void **state)
{
    struct store *store = store_of(state);
    write(store, "k/1 a=x @10; 2:k/1 a=y @10");
    assert_ok(change(store, STORE_CREATE_SNAPSHOT, "s"));
    write(store, "k/1 a=changed @11; k/2 a=new @11; 2:k! @12; foo/1 a=x @11");
    assert_ok(change(store, STORE_RESTORE_SNAPSHOT, "s"));
    assert_contents(store, 1, "k/1 a=x");
    assert_contents(store, 2, "k/1 a=y");
    store = restart(state);
    assert_contents(store, 1, "k/1 a=x");
    assert_contents(store, 2, "k/1 a=y");
}

static void a_snapshot_may_be_restored_again_and_again(void **state)
{
    struct store *store = store_of(state);
    write(store, "k/1 a=x @10");
    assert_ok(change(store, STORE_CREATE_SNAPSHOT, "s"));
    for (int i = 0; i < 50; i++) {
        write(store, "k/1! @20; k/2 a=test @20");
        if (i % 7 == 0)
            assert_ok(store_flush(store, 1));
        assert_ok(change(store, STORE_RESTORE_SNAPSHOT, "s"));
        assert_contents(store, 1, "k/1 a=x");
        if (i % 11 == 0)
            store = restart(state);
    }
    assert_int_equal(1, files(*state));
}

static void a_snapshot_flushes_nothing_and_the_flush_is_shared(void **state)
{
    struct world *world = *state;
    struct store_table_stats stats;
    write(world->store, "k/1 a=x @10");
    assert_ok(change(world->store, STORE_CREATE_SNAPSHOT, "s"));
    uint64_t copy = clone(world->store, 1);
    assert_ok(store_table_stats(world->store, 1, &stats));
    assert_int_equal(0, stats.sstables);
    assert_int_equal(1, stats.memtable_rows);
    assert_int_equal(0, files(world)); /* nothing presses */
    assert_ok(store_flush(world->store, 1));
    assert_int_equal(1, files(world)); /* of the table, its snapshot's copy and its clone */
    assert_ok(store_table_stats(world->store, copy, &stats));
    assert_int_equal(1, stats.sstables);
    assert_int_equal(0, stats.memtable_rows);
    struct store_stats all;
    store_stats(world->store, &all);
    assert_int_equal(0, all.memtable_bytes);
}

/* Every kind of content, in more memtables than a table may have, with a snapshot of each state and no flush. */
static void many_snapshots_of_little_need_no_flush(void **state)
{
    enum { SNAPSHOTS = 40 };
    static const char *const kinds[] = {
        "k/%u a=x b=y @%u",
        "k/%u ~a! @%u",
        "k/%u! @%u",
        "k/s a=%u @%u",
        "k/3-%u! @%u",
        "m%u/1 a=x @%u",
        "m%u! @%u",
        "k/%u a[p]=x a[q]=y @%u",
        "k/%u a[*]! @%u",
        "k/%u a=x +60 @%u",
        "k/%u a[^]! a[x]=y @%u",
    };
    struct world *world = *state;
    struct store_table_stats stats;
    char *expected[SNAPSHOTS], name[16], text[100];
    status st;
    for (unsigned i = 0; i < SNAPSHOTS; i++) {
        snprintf(text, sizeof text, kinds[i % ARRAY_LEN(kinds)], 4 + i / 11 * 3 % 7, 100 + i);
        write(world->store, text);
        snprintf(name, sizeof name, "s%u", i);
        assert_ok(change(world->store, STORE_CREATE_SNAPSHOT, name));
        expected[i] = contents(world->store, 1, &st);
        assert_ok(st);
    }
    assert_ok(store_settle(world->store));
    assert_ok(store_table_stats(world->store, 1, &stats));
    assert_int_equal(0, stats.flushes);
    assert_int_equal(0, files(world));
    assert_true(stats.pending_flushes < 8);
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < SNAPSHOTS; i++) {
            unsigned at = i * 17 % SNAPSHOTS;
            snprintf(name, sizeof name, "s%u", at);
            assert_ok(change(world->store, STORE_RESTORE_SNAPSHOT, name));
            assert_contents(world->store, 1, expected[at]);
        }
        (void)restart(state); /* from the log, then from files */
        assert_ok(store_flush(world->store, 0));
    }
    for (unsigned i = 0; i < SNAPSHOTS; i++)
        free(expected[i]);
}

static void copies_go_their_own_ways(void **state)
{
    struct store *store = store_of(state);
    write(store, "k/1 a=x @10; k/2 a=y @10");
    uint64_t copy = clone(store, 1);
    char text[64];
    snprintf(text, sizeof text, "%llu:k/1! @11; %llu:k/3 a=mine @11", (unsigned long long)copy,
             (unsigned long long)copy);
    write(store, text);
    write(store, "k/2 a=yy @12");
    for (int i = 0; i < 3; i++) {
        assert_contents(store, 1, "k/1 a=x; k/2 a=yy");
        assert_contents(store, copy, "k/2 a=y; k/3 a=mine");
        if (i == 0)
            store = restart(state);
        else
            assert_ok(store_flush(store, 0));
    }
    assert_ok(store_compact(store, 0));
    assert_contents(store, 1, "k/1 a=x; k/2 a=yy");
    assert_contents(store, copy, "k/2 a=y; k/3 a=mine");
}

static void the_clone_of_a_table_outlives_it(void **state)
{
    struct store *store = store_of(state);
    write(store, "k/1 a=x @10");
    uint64_t flushed = clone(store, 1);
    assert_ok(store_flush(store, 0));
    write(store, "k/2 a=y @11");
    uint64_t logged = clone(store, 1);
    assert_ok(table_change(store, STORE_DROP_TABLE, 1));
    for (int i = 0; i < 3; i++) {
        assert_contents(store, flushed, "k/1 a=x");
        assert_contents(store, logged, "k/1 a=x; k/2 a=y");
        store = restart(state);
        if (i == 1)
            assert_ok(store_flush(store, 0));
    }
}

static void files_go_when_no_table_and_no_snapshot_has_them(void **state)
{
    struct world *world = *state;
    write(world->store, "k/1 a=x @10");
    assert_ok(change(world->store, STORE_CREATE_SNAPSHOT, "s"));
    assert_ok(store_flush(world->store, 1));
    assert_int_equal(1, files(world));
    assert_ok(table_change(world->store, STORE_TRUNCATE_TABLE, 1));
    assert_int_equal(1, files(world));
    uint64_t copy = clone(world->store, 1);
    assert_ok(change(world->store, STORE_RESTORE_SNAPSHOT, "s"));
    assert_ok(change(world->store, STORE_DROP_SNAPSHOT, "s"));
    (void)restart(state);
    assert_int_equal(1, files(world));
    assert_contents(world->store, copy, "");
    assert_ok(table_change(world->store, STORE_DROP_TABLE, 1));
    assert_int_equal(0, files(world));
}

static void a_running_cursor_keeps_what_a_restore_replaces(void **state)
{
    struct world *world = *state;
    struct store_read read = {.table_id = 1};
    struct cursor *cursor;
    assert_ok(change(world->store, STORE_CREATE_SNAPSHOT, "s"));
    write(world->store, "k/1 a=x @10; k/2 a=y @10");
    assert_ok(store_flush(world->store, 1));
    assert_ok(store_cursor_open_one(world->store, &read, text_key("k"), NULL, &cursor));
    assert_ok(change(world->store, STORE_RESTORE_SNAPSHOT, "s"));
    assert_int_equal(1, files(world));
    assert_ok(cursor_next(cursor));
    assert_true(cursor->on_row);
    assert_ok(cursor_next(cursor));
    assert_true(cursor->on_row);
    cursor_close(cursor);
    assert_int_equal(0, files(world));
    assert_contents(world->store, 1, "");
}

static void a_dropped_table_returns_with_its_options_and_properties(void **state)
{
    struct store *store = store_of(state);
    struct store_change alter = {.kind = STORE_ALTER_TABLE, .table_id = 2, .properties = slice_text("then")};
    struct store_table table;
    struct buffer properties = {0};
    write(store, "k/1 a=x @10; 2:k/1 a=y @10");
    assert_ok(store_change(store, &alter, 1));
    assert_ok(change(store, STORE_CREATE_SNAPSHOT, "s"));
    alter.properties = slice_text("now");
    alter.table_id = 1;
    assert_ok(store_change(store, &alter, 1));
    assert_ok(table_change(store, STORE_DROP_TABLE, 2));
    assert_ok(change(store, STORE_RESTORE_SNAPSHOT, "s"));
    for (int i = 0; i < 2; i++) {
        assert_contents(store, 1, "k/1 a=x");
        assert_contents(store, 2, "k/1 a=y");
        assert_ok(store_next_table(store, 0, &table, &properties));
        assert_int_equal(0, table.properties.bytes);
        assert_ok(store_next_table(store, 1, &table, &properties));
        assert_int_equal(2, table.id);
        assert_true(slice_equal(table.properties, slice_text("then")));
        store = restart(state);
    }
    write(store, "2:k/2 a=z @10");
    assert_contents(store, 2, "k/1 a=y; k/2 a=z");
    buffer_deinit(&properties);
}

static void snapshots_are_listed_and_their_copies_are_not_tables(void **state)
{
    struct store *store = store_of(state);
    struct store_snapshot snapshot;
    struct store_table table;
    struct buffer name = {0}, properties = {0};
    uint64_t copy;
    struct store_change create = {.kind = STORE_CREATE_SNAPSHOT,
                                  .name = slice_text("b"),
                                  .properties = slice_text("opaque"),
                                  .tables = (uint64_t[]){2},
                                  .table_count = 1};
    write(store, "2:k/1 a=y @10");
    assert_ok(store_change(store, &create, 1));
    assert_code(STATUS_EXISTS, store_change(store, &create, 1));
    assert_ok(change(store, STORE_CREATE_SNAPSHOT, "a"));
    store = restart(state);
    assert_ok(store_next_snapshot(store, (struct slice){0}, &snapshot, &name, &properties));
    assert_true(slice_equal(snapshot.name, slice_text("a")));
    assert_int_equal(2, snapshot.table_count);
    assert_ok(store_next_snapshot(store, snapshot.name, &snapshot, &name, &properties));
    assert_true(slice_equal(snapshot.name, slice_text("b")));
    assert_true(slice_equal(snapshot.properties, slice_text("opaque")));
    assert_ok(store_snapshot_table(store, snapshot.name, 0, &table, &copy, &properties));
    assert_int_equal(2, table.id);
    assert_contents(store, copy, "k/1 a=y");
    assert_code(STATUS_NOT_FOUND,
                store_snapshot_table(store, slice_text("b"), 1, &table, &copy, &properties));
    assert_code(STATUS_NOT_FOUND, store_next_snapshot(store, slice_text("b"), &snapshot, &name, &properties));
    assert_code(STATUS_NOT_FOUND, store_next_table(store, 2, &table, &properties));
    char text[40];
    snprintf(text, sizeof text, "%llu:k/2 a=z @10", (unsigned long long)copy);
    assert_code(STATUS_NOT_FOUND, apply_text(store, text, DURABILITY_DURABLE));
    assert_code(STATUS_NOT_FOUND, table_change(store, STORE_DROP_TABLE, copy));
    buffer_deinit(&name);
    buffer_deinit(&properties);
}

static void what_makes_no_sense_is_refused_and_changes_nothing(void **state)
{
    struct store *store = store_of(state);
    struct store_change twice[] = {
        {.kind = STORE_TRUNCATE_TABLE, .table_id = 1},
        {.kind = STORE_COPY_TABLE, .table_id = 2, .source_id = 1},
    };
    write(store, "k/1 a=x @10; 2:k/1 a=y @10");
    assert_code(STATUS_INVALID, store_change(store, twice, 2));
    twice[1].source_id = 7;
    assert_code(STATUS_NOT_FOUND, store_change(store, twice, 2));
    assert_code(STATUS_INVALID, change(store, STORE_CREATE_SNAPSHOT, ""));
    assert_code(STATUS_NOT_FOUND, change(store, STORE_RESTORE_SNAPSHOT, "none"));
    assert_code(STATUS_NOT_FOUND, change(store, STORE_DROP_SNAPSHOT, "none"));
    assert_contents(store, 1, "k/1 a=x");
    assert_contents(store, 2, "k/1 a=y");
}

static void a_flush_under_way_when_the_table_is_restored_is_the_snapshots(void **state)
{
    struct store *store = store_of(state);
    bool did;
    write(store, "k/1 a=x @10");
    assert_ok(change(store, STORE_CREATE_SNAPSHOT, "s"));
    assert_ok(table_change(store, STORE_TRUNCATE_TABLE, 1));
    write(store, "k/2 a=y @10");
    assert_ok(store_step(store, &did));
    assert_ok(store_flush(store, 0));
    assert_contents(store, 1, "k/2 a=y");
    assert_ok(change(store, STORE_RESTORE_SNAPSHOT, "s"));
    assert_contents(store, 1, "k/1 a=x");
}

/* More copies than memtables may wait: the oldest is flushed to make room. */
static void many_snapshots_with_writes_between_them(void **state)
{
    struct store *store = store_of(state);
    char text[64], name[16], expected[64];
    for (int i = 0; i < 30; i++) {
        snprintf(text, sizeof text, "k/1 a=v%d @%d", i, 10 + i);
        write(store, text);
        snprintf(name, sizeof name, "s%d", i);
        assert_ok(change(store, STORE_CREATE_SNAPSHOT, name));
    }
    store = restart(state);
    for (int i = 29; i >= 0; i -= 3) {
        snprintf(name, sizeof name, "s%d", i);
        snprintf(expected, sizeof expected, "k/1 a=v%d", i);
        assert_ok(change(store, STORE_RESTORE_SNAPSHOT, name));
        assert_contents(store, 1, expected);
    }
}

/* Every table has too many memtables at once: all are flushed, not one at a time. */
static void snapshots_of_many_tables_with_writes_between_them(void **state)
{
    struct store *store = store_of(state);
    uint64_t tables[20];
    char text[64], name[16];
    for (uint64_t i = 0; i < 20; i++) {
        if (i >= 2)
            make_table(store, i + 1, 0);
        tables[i] = i + 1;
    }
    for (int i = 0; i < 20; i++) {
        for (uint64_t j = 0; j < 20; j++) {
            snprintf(text, sizeof text, "%llu:k/1 a=v%d @%d", (unsigned long long)(j + 1), i, 10 + i);
            write(store, text);
        }
        snprintf(name, sizeof name, "s%d", i);
        struct store_change create = {
            .kind = STORE_CREATE_SNAPSHOT, .name = slice_text(name), .tables = tables, .table_count = 20};
        assert_ok(store_change(store, &create, 1));
    }
    assert_ok(change(store, STORE_RESTORE_SNAPSHOT, "s4"));
    for (uint64_t i = 0; i < 20; i++)
        assert_contents(store, i + 1, "k/1 a=v4");
}

/* ---- against a model that copies lists of writes ---- */

enum {
    LIVES = 4, /* tables */
    NAMES = 3, /* snapshots */
    HISTORY_MAX = 1200,
#ifdef STRAIT_LONG_TESTS
    SEEDS = 200,
    OPERATIONS = 1500,
#else
    SEEDS = 6,
    OPERATIONS = 220,
#endif
};

/* Every write that a table ever got, without the table's number: borrowed from the model's texts. */
struct history {
    const char *writes[HISTORY_MAX];
    unsigned count;
};

struct model {
    struct random rng;
    struct io_env *env;
    struct store *store;
    uint64_t ids[LIVES];
    struct history tables[LIVES];
    struct history kept[NAMES][LIVES];
    bool exists[NAMES];
    char *texts[OPERATIONS * 4]; /* owned */
    unsigned text_count;
    uint64_t memtable_bytes;
    int64_t timestamp;
};

static unsigned below(struct model *model, unsigned bound)
{
    return (unsigned)random_below(&model->rng, bound);
}

static void model_open(struct model *model)
{
    struct store_options options = {.folder = "store",
                                    .env = model->env,
                                    .shards = 3,
                                    .memtable_bytes = model->memtable_bytes,
                                    .log_segment_bytes = 64 << 10,
                                    .clock_us = 1000000000,
                                    .background = STORE_BACKGROUND_MANUAL};
    assert_ok(store_open(&options, &model->store));
}

static void do_writes(struct model *model)
{
    struct buffer batch = {0};
    for (unsigned i = 1 + below(model, 3); i > 0; i--) {
        unsigned table = below(model, LIVES), kind = below(model, 12);
        char *text = malloc(64);
        char key[16];
        snprintf(key, sizeof key, "p%u", below(model, ORACLE_PARTITIONS));
        model->timestamp++;
        if (kind == 0)
            snprintf(text, 64, "%s! @%lld", key, (long long)model->timestamp);
        else if (kind < 3)
            snprintf(text, 64, "%s/%u! @%lld", key, below(model, 5), (long long)model->timestamp);
        else
            snprintf(text, 64, "%s/%u a=v%lld @%lld", key, below(model, 5), (long long)model->timestamp,
                     (long long)model->timestamp);
        model->texts[model->text_count++] = text;
        model->tables[table].writes[model->tables[table].count++] = text;
        buffer_printf(&batch, "%s%llu:%s", batch.bytes ? "; " : "", (unsigned long long)model->ids[table],
                      text);
    }
    buffer_append_u8(&batch, 0);
    assert_ok(apply_text(model->store, (char *)batch.data, DURABILITY_PERIODIC));
    buffer_deinit(&batch);
}

static void check(struct model *model, unsigned table, uint64_t id, const struct history *history,
                  const unsigned *order)
{
    struct oracle *oracle = oracle_new();
    struct buffer expected = {0}, text = {0};
    status st;
    for (unsigned i = 0; i < history->count; i++) {
        buffer_clear(&text);
        buffer_printf(&text, "1:%s", history->writes[i]);
        buffer_append_u8(&text, 0);
        oracle_apply(oracle, (char *)text.data, 1000);
    }
    oracle_contents(oracle, 1, order, 1000, &expected);
    buffer_append_u8(&expected, 0);
    char *seen = contents(model->store, id, &st);
    assert_ok(st);
    if (strcmp((char *)expected.data, seen) != 0)
        fail_msg("table %u (%llu)\n  expected %s\n  seen     %s", table, (unsigned long long)id,
                 (char *)expected.data, seen);
    free(seen);
    buffer_deinit(&expected);
    buffer_deinit(&text);
    oracle_free(oracle);
}

static void check_all(struct model *model)
{
    unsigned order[ORACLE_PARTITIONS];
    int64_t tokens[ORACLE_PARTITIONS];
    for (unsigned i = 0; i < ORACLE_PARTITIONS; i++) {
        char key[3] = {'p', (char)('0' + i), 0};
        unsigned at = i;
        tokens[i] = text_key(key).token;
        for (; at > 0 && tokens[order[at - 1]] > tokens[i]; at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
    for (unsigned i = 0; i < LIVES; i++)
        check(model, i, model->ids[i], &model->tables[i], order);
    for (unsigned name = 0; name < NAMES; name++) {
        struct store_table table;
        struct buffer properties = {0};
        uint64_t copy;
        char text[2] = {(char)('a' + name), 0};
        for (unsigned i = 0; model->exists[name] && i < LIVES; i++) {
            assert_ok(store_snapshot_table(model->store, slice_text(text), i, &table, &copy, &properties));
            check(model, 100 * (name + 1) + i, copy, &model->kept[name][i], order);
        }
        buffer_deinit(&properties);
    }
}

static void do_snapshot(struct model *model)
{
    unsigned name = below(model, NAMES);
    char text[2] = {(char)('a' + name), 0};
    struct store_change changes[2] = {{.kind = STORE_DROP_SNAPSHOT, .name = slice_text(text)},
                                      {.kind = STORE_CREATE_SNAPSHOT,
                                       .name = slice_text(text),
                                       .tables = model->ids,
                                       .table_count = LIVES}};
    unsigned first = model->exists[name] ? 0 : 1;
    assert_ok(store_change(model->store, changes + first, 2 - first));
    memcpy(model->kept[name], model->tables, sizeof model->tables);
    model->exists[name] = true;
}

static void do_restore(struct model *model)
{
    unsigned name = below(model, NAMES);
    char text[2] = {(char)('a' + name), 0};
    struct store_change restore = {.kind = STORE_RESTORE_SNAPSHOT, .name = slice_text(text)};
    if (!model->exists[name])
        return;
    assert_ok(store_change(model->store, &restore, 1));
    memcpy(model->tables, model->kept[name], sizeof model->tables);
}

/* The snapshots hold tables under their numbers, so tables stay; what they hold is exchanged. */
static void do_copy(struct model *model)
{
    unsigned to = below(model, LIVES), from = below(model, LIVES);
    struct store_change change = {
        .kind = STORE_COPY_TABLE, .table_id = model->ids[to], .source_id = model->ids[from]};
    if (to == from) {
        change.kind = STORE_TRUNCATE_TABLE;
        model->tables[to].count = 0;
    } else {
        model->tables[to] = model->tables[from];
    }
    assert_ok(store_change(model->store, &change, 1));
}

static void do_any(struct model *model)
{
    unsigned what = below(model, 100);
    bool did;
    if (what < 55) {
        do_writes(model);
    } else if (what < 63) {
        do_snapshot(model);
    } else if (what < 72) {
        do_restore(model);
    } else if (what < 80) {
        do_copy(model);
    } else if (what < 85) {
        assert_ok(store_flush(model->store, below(model, 2) ? 0 : model->ids[below(model, LIVES)]));
    } else if (what < 88) {
        assert_ok(store_compact(model->store, model->ids[below(model, LIVES)]));
    } else if (what < 97) {
        for (unsigned i = below(model, 20); i > 0; i--)
            assert_ok(store_step(model->store, &did));
    } else {
        assert_ok(store_close(model->store));
        model_open(model);
    }
}

static void run_seed(uint64_t seed)
{
    struct model *model = calloc(1, sizeof *model);
    model->rng = (struct random){seed};
    model->memtable_bytes = seed % 3 ? 64 << 10 : 4 << 10; /* too small for a replay in one go */
    print_message("seed %llu\n", (unsigned long long)seed);
    assert_ok(io_env_open(IO_BODY_SIM, seed, &model->env));
    model_open(model);
    for (unsigned i = 0; i < LIVES; i++) {
        model->ids[i] = i + 1;
        make_table(model->store, i + 1, 0);
    }
    for (unsigned i = 0; i < OPERATIONS; i++) {
        do_any(model);
        if (i % 20 == 19)
            check_all(model);
    }
    assert_ok(store_settle(model->store));
    check_all(model);
    assert_ok(store_verify(model->store, 0));
    assert_ok(store_close(model->store));
    io_env_close(model->env);
    for (unsigned i = 0; i < model->text_count; i++)
        free(model->texts[i]);
    free(model);
}

static void tables_and_snapshots_hold_what_a_model_that_copies_lists_holds(void **state)
{
    (void)state;
    const char *seed = getenv("STRAIT_SEED");
    if (seed) {
        run_seed(strtoull(seed, NULL, 10));
        return;
    }
    for (uint64_t i = 1; i <= SEEDS; i++)
        run_seed(i);
}

int main(void)
{
#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, world_open, world_close)
    const struct CMUnitTest tests[] = {
        IN_WORLD(a_restore_brings_back_every_table_as_it_was),
        IN_WORLD(a_snapshot_may_be_restored_again_and_again),
        IN_WORLD(a_snapshot_flushes_nothing_and_the_flush_is_shared),
        IN_WORLD(many_snapshots_of_little_need_no_flush),
        IN_WORLD(copies_go_their_own_ways),
        IN_WORLD(the_clone_of_a_table_outlives_it),
        IN_WORLD(files_go_when_no_table_and_no_snapshot_has_them),
        IN_WORLD(a_running_cursor_keeps_what_a_restore_replaces),
        IN_WORLD(a_dropped_table_returns_with_its_options_and_properties),
        IN_WORLD(snapshots_are_listed_and_their_copies_are_not_tables),
        IN_WORLD(what_makes_no_sense_is_refused_and_changes_nothing),
        IN_WORLD(a_flush_under_way_when_the_table_is_restored_is_the_snapshots),
        IN_WORLD(many_snapshots_with_writes_between_them),
        IN_WORLD(snapshots_of_many_tables_with_writes_between_them),
        cmocka_unit_test(tables_and_snapshots_hold_what_a_model_that_copies_lists_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
