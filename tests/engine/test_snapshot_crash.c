/*
 * Power cuts anywhere (power_cut.h) around snapshots, restores, copies and truncates: no half of a restore, no write on the
 * wrong side of a cut, no file too many.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "notation.h"
#include "power_cut.h"

enum {
#ifdef STRAIT_LONG_TESTS
    STRIDE = 1,
    NESTED = 6,
#else
    STRIDE = 17,
    NESTED = 1,
#endif
};

enum step_kind {
    WRITE,
    SYNCED, /* a write that is durable when acknowledged */
    FLUSH,
    COMPACT,
    STEP,
    SETTLE,
    CREATE,
    TRUNCATE,
    DROP,
    SNAPSHOT,
    REPLACE, /* a snapshot, by one of now */
    RESTORE,
    FORGET, /* a snapshot */
    CLONE,
    RESTART,
};

struct step {
    enum step_kind kind;
    const char *text; /* writes, or the snapshot's name */
    uint64_t table_id, source_id;
};

/* Numbers are given in turn: a snapshot takes one for each of its tables, so the comments say which. */
static const struct step one_shard[] = {
    {CREATE, NULL, 1, 0},
    {WRITE, "1:k/1 a=one @1", 0, 0},
    {CREATE, NULL, 2, 0},
    {WRITE, "1:k/2 a=two @2; 2:k/2 a=two @2", 0, 0},
    {SNAPSHOT, "s", 0, 0}, /* 3, 4 */
    {WRITE, "1:k/1! @3; 2:k/3 a=three @3", 0, 0},
    {WRITE, "1:k/4 a=four @4", 0, 0},
    {RESTORE, "s", 0, 0},
    {WRITE, "1:k/5 a=five @5; 2:k/5 a=five @5", 0, 0},
    {FLUSH, NULL, 1, 0},
    {SNAPSHOT, "t", 0, 0}, /* 5, 6 */
    {WRITE, "2:k! @6", 0, 0},
    {CLONE, NULL, 7, 1},
    {WRITE, "7:k/7 a=seven @7; 1:k/7 a=other @7", 0, 0},
    {STEP, NULL, 0, 0},
    {RESTORE, "t", 0, 0},
    {WRITE, "2:k/8 a=eight @8; 7:k/1! @8", 0, 0},
    {DROP, NULL, 2, 0},
    {FLUSH, NULL, 0, 0},
    {RESTORE, "s", 0, 0},
    {RESTART, NULL, 0, 0},
    {WRITE, "2:k/9 a=nine @9; 1:k/9 a=nine @9; 7:k/9 a=nine @9", 0, 0},
    {REPLACE, "s", 0, 0}, /* 8, 9, 10 */
    {COMPACT, NULL, 7, 0},
    {TRUNCATE, NULL, 7, 0},
    {WRITE, "7:k/10 a=ten @10", 0, 0},
    {FORGET, "t", 0, 0},
    {SETTLE, NULL, 0, 0},
    {RESTORE, "s", 0, 0},
    {SYNCED, "7:k/11 a=eleven @11; 1:k/11 a=eleven @11", 0, 0},
    {FORGET, "s", 0, 0},
    {FLUSH, NULL, 0, 0},
    {WRITE, "1:k/12 a=twelve @12", 0, 0},
    {COMPACT, NULL, 1, 0},
};

/* Batches reach over shards: each is in a snapshot whole or not at all. */
static const struct step three_shards[] = {
    {CREATE, NULL, 1, 0},
    {SYNCED, "1:a/1 a=one @1; 1:k/1 a=one @1; 1:foo/1 a=one @1; 1:test/1 a=one @1", 0, 0},
    {CREATE, NULL, 2, 0},
    {SNAPSHOT, "s", 0, 0}, /* 3, 4 */
    {SYNCED, "1:foo/2 a=two @2; 2:a/2 a=two @2; 1:a! @2", 0, 0},
    {SNAPSHOT, "t", 0, 0}, /* 5, 6 */
    {FLUSH, NULL, 1, 0},
    {SYNCED, "1:foo/3 a=three @3; 2:k/3 a=three @3; 1:a/3 a=three @3", 0, 0},
    {RESTORE, "s", 0, 0},
    {SYNCED, "2:foo/4 a=four @4; 1:k! @4", 0, 0},
    {CLONE, NULL, 7, 1},
    {RESTORE, "t", 0, 0},
    {SYNCED, "7:test/5 a=five @5; 1:a/5 a=five @5; 2:foo/5 a=five @5", 0, 0},
    {RESTART, NULL, 0, 0},
    {FLUSH, NULL, 0, 0},
    {RESTORE, "s", 0, 0},
    {SYNCED, "1:k/6 a=six @6; 2:foo/6 a=six @6", 0, 0},
    {SETTLE, NULL, 0, 0},
    {RESTORE, "t", 0, 0},
    {FORGET, "s", 0, 0},
    {SYNCED, "2:test/7 a=seven @7; 1:a/7 a=seven @7; 7:k/7 a=seven @7", 0, 0},
};

/* ---- running ---- */

static status create(struct store *store)
{
    struct store_change change = {
        .kind = STORE_CREATE_TABLE, .table_id = store_new_table_id(store), .options = {.min_threshold = 2}};
    return store_change(store, &change, 1);
}

static status clone(struct store *store, const struct step *step)
{
    struct store_change changes[] = {
        {.kind = STORE_CREATE_TABLE, .table_id = store_new_table_id(store), .options = {.min_threshold = 2}},
        {.kind = STORE_COPY_TABLE, .table_id = step->table_id, .source_id = step->source_id},
    };
    return store_change(store, changes, 2);
}

/* A snapshot of every table. */
static status snapshot(struct store *store, const char *name, bool replace)
{
    uint64_t tables[16];
    uint32_t count = 0;
    struct store_table table = {0};
    struct buffer properties = {0};
    while (ok(store_next_table(store, table.id, &table, &properties)))
        tables[count++] = table.id;
    buffer_deinit(&properties);
    struct store_change changes[] = {
        {.kind = STORE_DROP_SNAPSHOT, .name = slice_text(name)},
        {.kind = STORE_CREATE_SNAPSHOT, .name = slice_text(name), .tables = tables, .table_count = count},
    };
    return replace ? store_change(store, changes, 2) : store_change(store, changes + 1, 1);
}

static status one_change(struct store *store, enum store_change_kind kind, const struct step *step)
{
    struct store_change change = {.kind = kind, .table_id = step->table_id};
    if (step->text)
        change.name = slice_text(step->text);
    return store_change(store, &change, 1);
}

static status step_run(struct store **store, const struct power_cut_script *script, unsigned at,
                       struct io_env *env)
{
    const struct step *step = (const struct step *)script->steps + at;
    struct store_options options = power_cut_options(script, env);
    status st;
    bool did;
    switch (step->kind) {
    case WRITE: return apply_text(*store, step->text, DURABILITY_PERIODIC);
    case SYNCED: return apply_text(*store, step->text, DURABILITY_DURABLE);
    case FLUSH: return store_flush(*store, step->table_id);
    case COMPACT: return store_compact(*store, step->table_id);
    case STEP: return store_step(*store, &did);
    case SETTLE: return store_settle(*store);
    case CREATE: return create(*store);
    case TRUNCATE: return one_change(*store, STORE_TRUNCATE_TABLE, step);
    case DROP: return one_change(*store, STORE_DROP_TABLE, step);
    case SNAPSHOT: return snapshot(*store, step->text, false);
    case REPLACE: return snapshot(*store, step->text, true);
    case RESTORE: return one_change(*store, STORE_RESTORE_SNAPSHOT, step);
    case FORGET: return one_change(*store, STORE_DROP_SNAPSHOT, step);
    case CLONE: return clone(*store, step);
    case RESTART:
        st = store_close(*store);
        *store = NULL;
        return ok(st) ? store_open(&options, store) : st;
    }
    return STATUS_FAIL(STATUS_INVALID);
}

static bool is_durable(const struct power_cut_script *script, unsigned at)
{
    const struct step *step = (const struct step *)script->steps + at;
    return step->kind != WRITE && step->kind != COMPACT && step->kind != SETTLE && step->kind != STEP;
}

static void table_print(struct store *store, uint64_t id, uint64_t printed_id, struct buffer *out)
{
    status st;
    char *seen = contents(store, id, &st);
    assert_ok(st);
    buffer_printf(out, "%llu: %s\n", (unsigned long long)printed_id, seen);
    free(seen);
}

/* Tables and what snapshots hold as one text, freed by the caller. */
static char *state_of(struct store *store)
{
    struct buffer out = {0}, name = {0}, properties = {0};
    struct store_table table = {0};
    struct store_snapshot found = {0};
    while (ok(store_next_table(store, table.id, &table, &properties)))
        table_print(store, table.id, table.id, &out);
    while (ok(store_next_snapshot(store, found.name, &found, &name, &properties))) {
        uint64_t copy;
        buffer_printf(&out, "snapshot %.*s\n", (int)found.name.bytes, (const char *)found.name.data);
        for (uint32_t i = 0; ok(store_snapshot_table(store, found.name, i, &table, &copy, &properties)); i++)
            table_print(store, copy, table.id, &out);
    }
    buffer_append_u8(&out, 0);
    buffer_deinit(&name);
    buffer_deinit(&properties);
    return (char *)out.data;
}

static void count_name(void *context, const char *name)
{
    (void)name;
    ++*(unsigned *)context;
}

/* Everything dropped, nothing is left of it. */
static void assert_nothing_left(struct store *store, struct io_env *env)
{
    struct buffer name = {0}, properties = {0};
    struct store_table table = {0};
    struct store_snapshot found;
    unsigned files = 0;
    while (ok(store_next_snapshot(store, (struct slice){0}, &found, &name, &properties))) {
        struct store_change change = {.kind = STORE_DROP_SNAPSHOT, .name = found.name};
        assert_ok(store_change(store, &change, 1));
    }
    while (ok(store_next_table(store, 0, &table, &properties))) {
        struct store_change change = {.kind = STORE_DROP_TABLE, .table_id = table.id};
        assert_ok(store_change(store, &change, 1));
    }
    assert_ok(store_settle(store));
    assert_ok(io_list(env, "store/table", count_name, &files));
    assert_int_equal(0, files);
    buffer_deinit(&name);
    buffer_deinit(&properties);
}

/* Open again, with everything in files. */
static void go_on(struct store *store, const struct power_cut_script *script, struct io_env *env,
                  uint64_t cut_at, const char *seen)
{
    struct store_options options = power_cut_options(script, env);
    if (cut_at % 2)
        assert_ok(store_flush(store, 0));
    assert_ok(store_close(store));
    assert_ok(store_open(&options, &store));
    char *after = state_of(store);
    assert_string_equal(seen, after);
    assert_ok(store_verify(store, 0));
    assert_nothing_left(store, env);
    assert_ok(store_close(store));
    free(after);
}

static const struct power_cut_subject subject = {
    .stride = STRIDE,
    .nested = NESTED,
    .step_run = step_run,
    .is_durable = is_durable,
    .state_of = state_of,
    .go_on = go_on,
};
static const struct power_cut_script scripts[] = {
    {"one shard", &subject, 1, one_shard, ARRAY_LEN(one_shard)},
    {"three shards", &subject, 3, three_shards, ARRAY_LEN(three_shards)},
};

static void a_power_cut_anywhere_leaves_tables_and_snapshots_of_one_moment(void **state)
{
    (void)state;
    power_cut_everywhere(&scripts[0]);
}

static void a_power_cut_anywhere_leaves_batches_over_shards_on_one_side_of_each_cut(void **state)
{
    (void)state;
    power_cut_everywhere(&scripts[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_power_cut_anywhere_leaves_tables_and_snapshots_of_one_moment),
        cmocka_unit_test(a_power_cut_anywhere_leaves_batches_over_shards_on_one_side_of_each_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
