/*
 * Power cuts anywhere (power_cut.h) while rows are written, flushed and compacted and tables come and go: durable states are
 * kept (I1, I2), with batches whole, and the store goes on from there (I7, F8).
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
    NESTED = 12,
#else
    STRIDE = 13,
    NESTED = 1,
#endif
};

enum step_kind {
    WRITE,
    FLUSH,
    COMPACT,
    SYNC,
    SETTLE,
    CREATE,
    TRUNCATE,
    DROP,
    PROPERTY,
    RESTART,
};

struct step {
    enum step_kind kind;
    const char *text; /* WRITE; value of PROPERTY */
    enum durability durability;
    uint64_t table_id;
};

#define PERIODIC(writes)                                                 \
    {                                                                    \
        .kind = WRITE, .text = writes, .durability = DURABILITY_PERIODIC \
    }
#define DURABLE(writes)                                                 \
    {                                                                   \
        .kind = WRITE, .text = writes, .durability = DURABILITY_DURABLE \
    }
#define TABLE(what, number)              \
    {                                    \
        .kind = what, .table_id = number \
    }

/* One stream of the log, so that what survives of unsynced writes is a prefix of them all. */
static const struct step one_shard[] = {
    TABLE(CREATE, 1),
    PERIODIC("k/1 a=one @1"),
    PERIODIC("k/2 a=two @2"),
    DURABLE("k/3 a=three @3; l/3 a=three @3"),
    PERIODIC("k/1 ~a=four @4; m/1 a=four @4"),
    TABLE(FLUSH, 1),
    TABLE(CREATE, 2),
    PERIODIC("2:k/1 a=five @5; k/5 a=five @5"),
    PERIODIC("k/2! @6"),
    TABLE(SYNC, 0),
    {.kind = PROPERTY, .text = "seven"},
    PERIODIC("l! @8; 2:l/1 a=eight @8"),
    TABLE(FLUSH, 1),
    PERIODIC("k/9 a=nine @9; m/9 a=nine @9; 2:m/9 a=nine @9"),
    TABLE(COMPACT, 1),
    PERIODIC("k/10 a=ten @10"),
    TABLE(RESTART, 0),
    PERIODIC("k/11 a=eleven @11"),
    TABLE(FLUSH, 0),
    PERIODIC("k/12 a=twelve @12; 2:m/12 a=twelve @12"),
    TABLE(TRUNCATE, 1),
    DURABLE("k/13 a=thirteen @13; 2:k/13 a=thirteen @13"),
    TABLE(DROP, 2),
    PERIODIC("k/14 a=fourteen @14"),
    TABLE(SETTLE, 0),
    DURABLE("k/15 a=fifteen @15"),
};

/* Several streams: each write is acknowledged before the next, and batches reach over shards. */
static const struct step three_shards[] = {
    TABLE(CREATE, 1),
    DURABLE("a/1 a=one @1; k/1 a=one @1; foo/1 a=one @1; test/1 a=one @1"),
    DURABLE("foo/2 a=two @2; a/2 a=two @2"),
    TABLE(FLUSH, 1),
    TABLE(CREATE, 2),
    DURABLE("2:a/3 a=three @3; k/3 a=three @3; 2:foo/3 a=three @3"),
    DURABLE("a! @4; 2:k/4 a=four @4"),
    TABLE(FLUSH, 2),
    DURABLE("test/5 a=five @5; a/5 a=five @5; 2:foo/5 a=five @5"),
    TABLE(RESTART, 0),
    TABLE(COMPACT, 1),
    DURABLE("k/6 a=six @6; foo/6 a=six @6"),
    TABLE(FLUSH, 0),
    TABLE(COMPACT, 1),
    TABLE(TRUNCATE, 2),
    DURABLE("2:test/7 a=seven @7; a/7 a=seven @7; 2:k/7 a=seven @7"),
    TABLE(SETTLE, 0),
};

/* ---- running ---- */

static status change_of(struct store *store, enum store_change_kind kind, const struct step *step)
{
    struct store_change change = {.kind = kind, .table_id = step->table_id};
    if (kind == STORE_CREATE_TABLE) {
        change.table_id = store_new_table_id(store);
        change.options = (struct store_table_options){.gc_grace_s = 0, .min_threshold = 2};
    }
    if (kind == STORE_SET_PROPERTY) {
        change.name = slice_text("p");
        change.properties = slice_text(step->text);
    }
    return store_change(store, &change, 1);
}

static status step_run(struct store **store, const struct power_cut_script *script, unsigned at,
                       struct io_env *env)
{
    const struct step *step = (const struct step *)script->steps + at;
    struct store_options options = power_cut_options(script, env);
    status st;
    switch (step->kind) {
    case WRITE: return apply_text(*store, step->text, step->durability);
    case FLUSH: return store_flush(*store, step->table_id);
    case COMPACT: return store_compact(*store, step->table_id);
    case SYNC: return store_sync(*store);
    case SETTLE: return store_settle(*store);
    case CREATE: return change_of(*store, STORE_CREATE_TABLE, step);
    case TRUNCATE: return change_of(*store, STORE_TRUNCATE_TABLE, step);
    case DROP: return change_of(*store, STORE_DROP_TABLE, step);
    case PROPERTY: return change_of(*store, STORE_SET_PROPERTY, step);
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
    if (step->kind == WRITE)
        return step->durability == DURABILITY_DURABLE;
    return step->kind != COMPACT && step->kind != SETTLE;
}

/* Tables and property as one text, freed by the caller. */
static char *state_of(struct store *store)
{
    struct buffer out = {0}, name = {0}, value = {0};
    for (uint64_t table = 1; table <= 2; table++) {
        status st;
        char *seen = contents(store, table, &st);
        if (st.code != STATUS_NOT_FOUND)
            assert_ok(st);
        buffer_printf(&out, "%llu: %s\n", (unsigned long long)table, seen ? seen : "no table");
        free(seen);
    }
    if (ok(store_next_property(store, (struct slice){0}, &name, &value)))
        buffer_printf(&out, "%.*s", (int)value.bytes, (const char *)value.data);
    buffer_append_u8(&out, 0);
    buffer_deinit(&name);
    buffer_deinit(&value);
    return (char *)out.data;
}

/* Write on, open again. */
static void go_on(struct store *store, const struct power_cut_script *script, struct io_env *env,
                  uint64_t cut_at, const char *seen)
{
    (void)cut_at;
    (void)seen;
    struct store_options options = power_cut_options(script, env);
    struct step create = {.kind = CREATE};
    struct store_table table;
    struct buffer properties = {0};
    if (store_next_table(store, 0, &table, &properties).code == STATUS_NOT_FOUND)
        assert_ok(change_of(store, STORE_CREATE_TABLE, &create));
    buffer_deinit(&properties);
    assert_ok(apply_text(store, "z/1 a=after @1000", DURABILITY_DURABLE));
    char *before = state_of(store);
    assert_ok(store_close(store));
    assert_ok(store_open(&options, &store));
    char *after = state_of(store);
    assert_string_equal(before, after);
    assert_ok(store_verify(store, 0));
    assert_ok(store_close(store));
    free(before);
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

static void a_power_cut_anywhere_leaves_a_prefix_with_all_that_was_durable(void **state)
{
    (void)state;
    power_cut_everywhere(&scripts[0]);
}

static void a_power_cut_anywhere_leaves_batches_over_shards_whole(void **state)
{
    (void)state;
    power_cut_everywhere(&scripts[1]);
}

static void one_seed_gives_one_trace(void **state)
{
    (void)state;
    uint64_t hashes[2];
    for (unsigned i = 0; i < 2; i++) {
        struct io_env *env;
        assert_ok(io_env_open(IO_BODY_SIM, 5, &env));
        power_cut_run(&scripts[1], 150, env);
        hashes[i] = sim_trace_hash(env);
        io_env_close(env);
    }
    assert_int_equal(hashes[0], hashes[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_power_cut_anywhere_leaves_a_prefix_with_all_that_was_durable),
        cmocka_unit_test(a_power_cut_anywhere_leaves_batches_over_shards_whole),
        cmocka_unit_test(one_seed_gives_one_trace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
