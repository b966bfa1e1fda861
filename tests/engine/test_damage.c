/*
 * Reads of a store whose disk is damaged or fails: whatever the way of a read, it gives the right rows or an error, never fewer
 * rows and never others; and what failed once is right again when the disk is.
 *
 * A failure prints its seed; STRAIT_SEED=n runs that one alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/random.h"
#include "io/sim.h"
#include "notation.h"

enum {
    TABLE = 1,
    LARGE = 3,  /* partitions a, b, c, over all files */
    SMALL = 30, /* partitions of one row or two */
    FLUSHES = 6,
    WINDOW = 60, /* rows of each large partition that one flush brings */
    READS = 40,
    FILES_MAX = 2 * FLUSHES,
#ifdef STRAIT_LONG_TESTS
    SEEDS = 1000,
#else
    SEEDS = 5,
#endif
};

struct file {
    char path[100];
    uint64_t bytes;
};

struct world {
    struct random rng;
    struct io_env *env;
    struct store *good, *bad; /* the same rows; one of them on the disk that suffers */
    bool in_memory;           /* some of the newest rows, too: they are replayed when it is opened */
    struct file files[FILES_MAX];
    uint32_t file_count;
};

/* ---- the same rows twice ---- */

static struct store *open_bad(struct world *world, bool fresh)
{
    struct store *store;
    struct store_options options = {.folder = "store",
                                    .env = world->env,
                                    .shards = 1,
                                    .must_exist = !fresh,
                                    .no_retained = true,
                                    .no_warmth = true,
                                    .clock_us = INT64_C(1700000000000000),
                                    .cache_bytes = 1 << 20,
                                    .log_segment_bytes = 64 << 10,
                                    .background = STORE_BACKGROUND_MANUAL};
    assert_ok(store_open(&options, &store));
    return store;
}

static struct store *open_good(void)
{
    struct store *store;
    struct store_options options = {
        .shards = 1, .clock_us = INT64_C(1700000000000000), .background = STORE_BACKGROUND_MANUAL};
    assert_ok(store_open(&options, &store));
    return store;
}

static void table_make(struct store *store)
{
    struct store_change create = {
        .kind = STORE_CREATE_TABLE,
        .table_id = store_new_table_id(store),
        .options = {.gc_grace_s = 1000000, .compaction = STORE_COMPACTION_NONE, .block_bytes = 700}};
    assert_int_equal(create.table_id, TABLE);
    assert_ok(store_change(store, &create, 1));
}

static void put(struct world *world, const char *text)
{
    assert_ok(apply_text(world->good, text, DURABILITY_NONE));
    assert_ok(apply_text(world->bad, text, DURABILITY_PERIODIC));
}

static void value_append(struct buffer *text, struct random *rng)
{
    buffer_printf(text, " b=");
    for (uint64_t n = 1 + random_below(rng, 40); n; n--)
        buffer_append_u8(text, (uint8_t)('a' + random_below(rng, 26)));
}

/* Rows of one window, some of them late; and a deletion now and then. */
static void window_write(struct world *world, unsigned window, bool deletes)
{
    struct random *rng = &world->rng;
    for (unsigned p = 0; p < LARGE; p++) {
        struct buffer text = {0};
        for (unsigned row = window * WINDOW; row < (window + 1) * WINDOW; row++) {
            unsigned late = random_below(rng, 40) == 0 ? (unsigned)random_below(rng, row + 1) : row;
            buffer_printf(&text, "%s%c/%u a=v%u", text.bytes ? "; " : "", 'a' + (int)p, late, row);
            value_append(&text, rng);
            buffer_printf(&text, " @%u", 10 + window * WINDOW + row % WINDOW);
        }
        if (deletes && random_below(rng, 3) == 0)
            buffer_printf(&text, "; %c/%u-%u! @%u", 'a' + (int)p, window * 20, window * 20 + 9,
                          15 + window * WINDOW);
        buffer_append_u8(&text, 0);
        put(world, (const char *)text.data);
        buffer_deinit(&text);
    }
    for (unsigned p = 0; p < SMALL; p++) {
        char text[100];
        snprintf(text, sizeof text, "s%u/%u a=w%u @%u", p, window, p, 10 + window);
        if (random_below(rng, 2))
            put(world, text);
    }
}

static void take_file(void *context, const char *name)
{
    struct world *world = context;
    assert_true(world->file_count < FILES_MAX);
    snprintf(world->files[world->file_count++].path, sizeof world->files[0].path, "store/table/%s", name);
}

static void files_find(struct world *world)
{
    world->file_count = 0;
    assert_ok(io_list(world->env, "store/table", take_file, world));
    for (uint32_t i = 0; i < world->file_count; i++) {
        struct io_file *file;
        assert_ok(io_open(world->env, world->files[i].path, IO_READ, &file));
        assert_ok(io_size(file, &world->files[i].bytes));
        io_close(file);
    }
}

static void world_open(struct world *world, uint64_t seed)
{
    *world = (struct world){.rng = {seed + 1}};
    assert_ok(io_env_open(IO_BODY_SIM, seed, &world->env));
    world->good = open_good();
    world->bad = open_bad(world, true);
    table_make(world->good);
    table_make(world->bad);
    bool deletes = random_below(&world->rng, 3) == 0;
    world->in_memory = random_below(&world->rng, 2);
    for (unsigned window = 0; window < FLUSHES; window++) {
        window_write(world, window, deletes);
        if (!world->in_memory || window + 1 < FLUSHES)
            assert_ok(store_flush(world->bad, TABLE));
    }
    if (random_below(&world->rng, 3) == 0)
        assert_ok(store_compact(world->bad, TABLE));
    assert_ok(store_close(world->bad));
    files_find(world);
    world->bad = open_bad(world, false); /* with nothing in its cache */
}

static void world_close(struct world *world)
{
    sim_fail_at(world->env, 0, SIM_FAULT_NONE, false);
    assert_ok(store_close(world->bad));
    assert_ok(store_close(world->good));
    io_env_close(world->env);
}

/* ---- one read ---- */

struct query {
    char key[8]; /* empty: all partitions */
    uint32_t from, to;
    unsigned limit; /* rows of the whole answer */
    unsigned page;  /* rows that one cursor gives; the next begins where it ended */
    bool reverse;
    struct store_read read;  /* with its shortcuts */
    struct store *compacted; /* while it is read, in the middle of each page; NULL: nothing is */
};

/* The files of the cursor go from under it, or stay when the disk does not let them go. */
static void disturb(const struct query *query, const struct store *store, unsigned rows)
{
    enum { ROWS_BEFORE = 7 };
    bool did = true;
    if (query->compacted != store || rows != ROWS_BEFORE)
        return;
    (void)store_compact(query->compacted, TABLE);
    for (unsigned i = 0; did && i < 100; i++)
        if (failed(store_step(query->compacted, &did)))
            return;
}

static void query_make(struct random *rng, struct query *query)
{
    *query = (struct query){.to = FLUSHES * WINDOW, .limit = UINT32_MAX, .page = UINT32_MAX};
    query->reverse = random_below(rng, 2);
    switch (random_below(rng, 6)) {
    case 0: return; /* scan */
    case 1: snprintf(query->key, sizeof query->key, "s%u", (unsigned)random_below(rng, SMALL + 3)); break;
    default: snprintf(query->key, sizeof query->key, "%c", 'a' + (int)random_below(rng, LARGE)); break;
    }
    if (random_below(rng, 2)) {
        query->from = (uint32_t)random_below(rng, FLUSHES * WINDOW);
        query->to = query->from + 1;
        query->to += random_below(rng, 3) ? (uint32_t)random_below(rng, FLUSHES * WINDOW - query->from) : 0;
    }
    if (random_below(rng, 2))
        query->limit = 1 + (unsigned)random_below(rng, 80);
    if (random_below(rng, 2))
        query->page = 1 + (unsigned)random_below(rng, 30);
    uint64_t switches = random_below(rng, 2) ? 0 : random_next(rng);
    query->read = (struct store_read){.no_lazy = switches & 1,
                                      .no_gallop = switches & 2,
                                      .no_filter = switches & 4,
                                      .no_skip = switches & 8,
                                      .no_closed = switches & 16,
                                      .no_unfold = switches & 32,
                                      .no_sequence = switches & 64,
                                      .no_runs = switches & 128};
    if (random_below(rng, 2))
        query->read.rows = query->limit < query->page ? query->limit : query->page;
}

static void append_hex(struct buffer *out, struct slice bytes)
{
    for (size_t i = 0; i < bytes.bytes; i++)
        buffer_printf(out, "%02x", bytes.data[i]);
}

/* *out_rows is raised by rows that are there: those of deletions are not. */
static void append_row(struct buffer *out, const struct cursor *cursor, unsigned *io_rows)
{
    struct buffer live = {0};
    uint64_t tombstones = 0;
    bool is_live;
    struct deletion cover = deletion_max(cursor->partition.deletion,
                                         range_list_over(&cursor->partition.ranges, cursor->row.clustering));
    assert_ok(row_live(cursor->row.image, cover, 1700000000, &live, &is_live, &tombstones));
    if (is_live) {
        append_hex(out, cursor->row.clustering);
        buffer_append_u8(out, '=');
        append_hex(out, buffer_slice(&live));
        buffer_append_u8(out, '\n');
        ++*io_rows;
    }
    buffer_deinit(&live);
}

/* The rows of [from, to), or as many as the page takes; the last one's key stays in `last`. */
static status page_read(struct store *store, const struct query *query, const struct store_read *read,
                        unsigned wanted, struct buffer *last, unsigned *out_rows, struct buffer *out)
{
    struct cursor *cursor = NULL;
    unsigned rows = 0;
    status st = store_cursor_open_one(store, read, text_key(query->key), NULL, &cursor);
    if (ok(st) && cursor)
        st = cursor_seek_row(cursor, read->reverse ? read->to : read->from);
    while (ok(st) && cursor && cursor->on_row && rows < wanted &&
           slice_compare(cursor->row.clustering, read->from) >= 0 &&
           slice_compare(cursor->row.clustering, read->to) < 0) {
        append_row(out, cursor, &rows);
        disturb(query, store, rows);
        buffer_clear(last);
        buffer_append_slice(last, cursor->row.clustering);
        st = cursor_next(cursor);
    }
    cursor_close(cursor);
    *out_rows = rows;
    return st;
}

static status slice_read(struct store *store, const struct query *query, struct buffer *out)
{
    struct buffer from = {0}, to = {0}, last = {0};
    struct store_read read = query->read;
    status st;
    row_key(&from, query->from);
    row_key(&to, query->to);
    read.table_id = TABLE;
    read.reverse = query->reverse;
    for (unsigned left = query->limit;;) {
        unsigned wanted = query->page < left ? query->page : left, rows;
        read.from = buffer_slice(&from);
        read.to = buffer_slice(&to);
        st = page_read(store, query, &read, wanted, &last, &rows, out);
        left -= rows;
        if (failed(st) || rows < wanted || !left)
            break;
        /* The next page begins behind the last row, or ends before it. */
        struct buffer *bound = query->reverse ? &to : &from;
        buffer_clear(bound);
        buffer_append_slice(bound, buffer_slice(&last));
        if (!query->reverse)
            buffer_append_u8(bound, 0);
    }
    buffer_deinit(&from);
    buffer_deinit(&to);
    buffer_deinit(&last);
    return st;
}

static status scan_read(struct store *store, const struct query *query, struct buffer *out)
{
    struct store_read read = query->read;
    struct cursor *cursor = NULL;
    unsigned rows = 0;
    read.table_id = TABLE;
    read.reverse = query->reverse;
    status st = store_cursor_open(store, &read, NULL, &cursor);
    if (ok(st))
        st = cursor_next_partition(cursor);
    while (ok(st) && cursor->on_partition) {
        unsigned before = rows;
        size_t begin = out->bytes;
        buffer_printf(out, "%.*s\n", (int)cursor->partition.key.bytes.bytes,
                      (const char *)cursor->partition.key.bytes.data);
        st = cursor_next(cursor);
        while (ok(st) && cursor->on_row) {
            append_row(out, cursor, &rows);
            st = cursor_next(cursor);
        }
        if (rows == before)
            out->bytes = begin; /* of what is deleted nothing needs to be there */
        if (ok(st))
            st = cursor_next_partition(cursor);
    }
    cursor_close(cursor);
    return st;
}

static status answer(struct store *store, const struct query *query, struct buffer *out)
{
    buffer_clear(out);
    status st = query->key[0] ? slice_read(store, query, out) : scan_read(store, query, out);
    assert_ok(buffer_status(out));
    return st;
}

struct outcome {
    unsigned right, refused;
};

/* The bad store answers right, or says that it cannot: then what it gave before is the beginning of it. */
static void assert_right_or_refused(struct world *world, uint64_t seed, const struct query *query,
                                    bool may_refuse, struct outcome *outcome)
{
    struct buffer expected = {0}, seen = {0};
    struct query plain = *query;
    plain.read = (struct store_read){0};
    assert_ok(answer(world->good, &plain, &expected));
    status st = answer(world->bad, query, &seen);
    bool refused = may_refuse && (st.code == STATUS_CORRUPT || st.code == STATUS_IO);
    if (failed(st) && !refused) {
        char text[200];
        status_print(st, text, sizeof text);
        fail_msg("seed %llu: \"%s\" %u-%u%s fails: %s", (unsigned long long)seed, query->key, query->from,
                 query->to, query->reverse ? " reverse" : "", text);
    }
    bool right = seen.bytes <= expected.bytes &&
                 (!seen.bytes || memcmp(seen.data, expected.data, seen.bytes) == 0) &&
                 (refused || seen.bytes == expected.bytes);
    if (!right)
        fail_msg("seed %llu: \"%s\" %u-%u%s limit %u page %u, %s:\n%.*s-- expected\n%.*s",
                 (unsigned long long)seed, query->key, query->from, query->to,
                 query->reverse ? " reverse" : "", query->limit, query->page,
                 refused ? "refused" : "answered", (int)seen.bytes, (const char *)seen.data,
                 (int)expected.bytes, (const char *)expected.data);
    outcome->refused += refused;
    outcome->right += !refused;
    buffer_deinit(&expected);
    buffer_deinit(&seen);
}

/* ---- claims ---- */

static void each_seed(void (*run)(uint64_t seed, struct outcome *outcome), struct outcome *outcome)
{
    const char *one = getenv("STRAIT_SEED");
    for (uint64_t seed = 0; seed < SEEDS && !one; seed++)
        run(seed, outcome);
    if (one)
        run(strtoull(one, NULL, 10), outcome);
}

/* Over all seeds enough is refused, and enough is not, for either to mean something. */
static void both_happen(void (*run)(uint64_t seed, struct outcome *outcome))
{
    struct outcome outcome = {0};
    each_seed(run, &outcome);
    if (!getenv("STRAIT_SEED")) {
        assert_true(outcome.refused > SEEDS);
        assert_true(outcome.right > SEEDS);
    }
}

/* Between the roots: those are in memory while the store is open. */
static void damage_once(struct world *world)
{
    struct file *file = &world->files[random_below(&world->rng, world->file_count)];
    uint64_t offset = 4096 + random_below(&world->rng, file->bytes - 8192);
    assert_ok(sim_damage(world->env, file->path, offset, (uint8_t)(1 + random_below(&world->rng, 255))));
}

static void damage_run(uint64_t seed, struct outcome *outcome)
{
    struct world world;
    struct query query;
    world_open(&world, seed);
    for (uint64_t n = 1 + random_below(&world.rng, 6); n; n--)
        damage_once(&world);
    for (unsigned i = 0; i < READS; i++) {
        query_make(&world.rng, &query);
        assert_right_or_refused(&world, seed, &query, true, outcome);
    }
    world_close(&world);
}

static void of_damaged_files_every_read_is_right_or_refused(void **state)
{
    (void)state;
    both_happen(damage_run);
}

/* One read in the middle of which the disk fails or lies, and the same read when it does not any more. */
static void fault_run(uint64_t seed, struct outcome *outcome)
{
    struct world world;
    struct query query;
    struct outcome healed = {0};
    world_open(&world, seed);
    for (unsigned i = 0; i < READS; i++) {
        enum sim_fault fault = random_below(&world.rng, 2) ? SIM_FAULT_EIO : SIM_FAULT_READ_FLIP;
        bool forever = random_below(&world.rng, 2);
        query_make(&world.rng, &query);
        if (i % 8 == 0) { /* what is cached needs no disk */
            assert_ok(store_close(world.bad));
            world.bad = open_bad(&world, false);
        }
        sim_fail_at(world.env, sim_operation_count(world.env) + random_below(&world.rng, 6), fault, forever);
        assert_right_or_refused(&world, seed, &query, true, outcome);
        sim_fail_at(world.env, 0, SIM_FAULT_NONE, false);
        assert_right_or_refused(&world, seed, &query, false, &healed);
    }
    world_close(&world);
}

static void a_disk_that_fails_under_a_cursor_is_told_and_leaves_nothing_wrong_behind(void **state)
{
    (void)state;
    both_happen(fault_run);
}

/* The files that a cursor walks over are compacted meanwhile, and the disk fails somewhere in all that. */
static void moving_run(uint64_t seed, struct outcome *outcome)
{
    struct world world;
    struct query query;
    struct outcome healed = {0};
    world_open(&world, seed);
    for (unsigned i = 0; i < READS / 4; i++) {
        do
            query_make(&world.rng, &query);
        while (!query.key[0]);
        char more[60];
        snprintf(more, sizeof more, "%s/%u a=late @%u", query.key, (unsigned)random_below(&world.rng, 300),
                 10000 + i);
        put(&world, more);
        assert_ok(store_flush(world.bad, TABLE));
        query.compacted = world.bad;
        enum sim_fault fault = random_below(&world.rng, 2) ? SIM_FAULT_EIO : SIM_FAULT_READ_FLIP;
        sim_fail_at(world.env, sim_operation_count(world.env) + random_below(&world.rng, 90), fault, false);
        assert_right_or_refused(&world, seed, &query, true, outcome);
        sim_fail_at(world.env, 0, SIM_FAULT_NONE, false);
        query.compacted = NULL;
        assert_right_or_refused(&world, seed, &query, false, &healed);
        /* A write that failed may have ended all writing. */
        assert_ok(store_close(world.bad));
        world.bad = open_bad(&world, false);
    }
    world_close(&world);
}

static void a_cursor_goes_on_in_files_that_are_compacted_on_a_failing_disk(void **state)
{
    (void)state;
    struct outcome outcome = {0};
    each_seed(moving_run, &outcome);
    if (!getenv("STRAIT_SEED"))
        assert_true(outcome.right > SEEDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(of_damaged_files_every_read_is_right_or_refused),
        cmocka_unit_test(a_disk_that_fails_under_a_cursor_is_told_and_leaves_nothing_wrong_behind),
        cmocka_unit_test(a_cursor_goes_on_in_files_that_are_compacted_on_a_failing_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
