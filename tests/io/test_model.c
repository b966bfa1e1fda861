/*
 * Random operations: every body gives the same answers, and the simulated disk never invents bytes.
 * A failure prints its seed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "base/random.h"
#include "tests/io/place.h"

#ifdef STRAIT_LONG_TESTS
enum { SEEDS = 300 };
#else
enum { SEEDS = 30 };
#endif

/* ---- one list of operations over every body ---- */

enum { STEPS = 150, TRANSFER_BYTES_MAX = 9000 };

static const char *const names[] = {"a", "b", "d", "d/a", "d/b", "e", "e/a", "d/e", "d/e/a", "d-"};

static const char *name_drawn(const struct place *place, struct random *rng)
{
    return place_path(place, names[random_below(rng, ARRAY_LEN(names))]);
}

struct answers {
    uint64_t hash;
    unsigned codes[STATUS_CODES]; /* how often each was heard */
};

static void answer(struct answers *answers, status st, const void *data, size_t bytes)
{
    answers->codes[st.code]++;
    answers->hash = hash64(slice_of(data, bytes), answers->hash ^ (uint64_t)st.code << 48);
}

static void name_listed(void *context, const char *name)
{
    *(uint64_t *)context += hash64(slice_text(name), 3); /* the order is undefined */
}

static void file_step(const struct place *place, struct random *rng, struct answers *answers)
{
    static uint8_t bytes[TRANSFER_BYTES_MAX];
    struct io_file *file = NULL;
    unsigned flags = IO_READ | IO_WRITE | (random_below(rng, 2) ? IO_CREATE : 0u);
    if ((flags & IO_CREATE) && random_below(rng, 8) == 0)
        flags |= IO_EXCLUSIVE;
    status st = io_open(place->env, name_drawn(place, rng), flags, &file);
    answer(answers, st, NULL, 0);
    uint64_t offset = random_below(rng, 3 * TRANSFER_BYTES_MAX), choice = random_below(rng, 6);
    size_t wanted = (size_t)random_below(rng, TRANSFER_BYTES_MAX), done = 0;
    memset(bytes, (int)random_below(rng, 256), sizeof bytes);
    if (failed(st))
        return;
    if (choice == 0)
        answer(answers, io_truncate(file, offset), NULL, 0);
    else if (choice == 1)
        answer(answers, io_zero_fill(file, wanted), NULL, 0);
    else if (choice < 4)
        answer(answers, io_write(file, offset, bytes, wanted, random_below(rng, 16) == 0), NULL, 0);
    st = io_read(file, offset / 2, bytes, wanted, &done);
    answer(answers, st, bytes, done);
    uint64_t size = 0;
    st = io_size(file, &size);
    answer(answers, st, &size, sizeof size);
    io_close(file);
}

static void name_step(const struct place *place, struct random *rng, struct answers *answers)
{
    const char *name = name_drawn(place, rng), *other = name_drawn(place, rng);
    uint64_t listed = 0;
    status st = STATUS_DONE;
    switch (random_below(rng, 5)) {
    case 0: st = io_rename(place->env, name, other); break;
    case 1: st = io_unlink(place->env, name); break;
    case 2: st = io_mkdir(place->env, name); break;
    case 3: st = io_rmdir(place->env, name); break;
    default: st = io_list(place->env, name, name_listed, &listed); break;
    }
    answer(answers, st, &listed, sizeof listed);
}

static struct answers run_over(enum io_body body, uint64_t seed)
{
    struct place place;
    struct random rng = {.state = seed};
    struct answers answers = {0};
    assert_true(place_open(&place, body, seed));
    for (int i = 0; i < STEPS; i++) {
        if (random_below(&rng, 2))
            file_step(&place, &rng, &answers);
        else
            name_step(&place, &rng, &answers);
    }
    place_close(&place);
    return answers;
}

static void every_body_gives_the_same_answers(void **state)
{
    (void)state;
    unsigned heard[STATUS_CODES] = {0};
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct answers kernel = run_over(IO_BODY_THREADS, seed);
        struct answers memory = run_over(IO_BODY_MEMORY, seed), sim = run_over(IO_BODY_SIM, seed);
        if (kernel.hash != memory.hash || kernel.hash != sim.hash)
            fail_msg("seed %llu: the kernel, memory and sim disagree", (unsigned long long)seed);
        for (size_t i = 0; i < STATUS_CODES; i++)
            heard[i] += kernel.codes[i];
    }
    /* The generator reaches what it is for: success, absence, presence, wrong kinds. */
    assert_true(heard[STATUS_OK] && heard[STATUS_NOT_FOUND] && heard[STATUS_EXISTS] && heard[STATUS_IO]);
}

/* ---- what a cut may leave of one file ---- */

enum { SECTORS = 12, ROUNDS = 40 };

/* For each sector the byte that is durable, the byte seen now, and every byte still pending. */
struct oracle {
    uint8_t durable[SECTORS], now[SECTORS];
    bool pending[SECTORS][256];
};

static void oracle_settle(struct oracle *oracle, size_t first, size_t count)
{
    for (size_t i = first; i < first + count; i++) {
        oracle->durable[i] = oracle->now[i];
        memset(oracle->pending[i], 0, sizeof oracle->pending[i]);
    }
}

static void random_step(struct io_file *file, struct random *rng, struct oracle *oracle, uint8_t value)
{
    static uint8_t bytes[SECTORS * SIM_SECTOR_BYTES];
    if (random_below(rng, 8) == 0) {
        assert_ok(io_sync(file));
        oracle_settle(oracle, 0, SECTORS);
        return;
    }
    size_t first = (size_t)random_below(rng, SECTORS), count = 1 + (size_t)random_below(rng, SECTORS - first);
    bool sync = random_below(rng, 4) == 0;
    memset(bytes, value, count * SIM_SECTOR_BYTES);
    assert_ok(io_write(file, first * SIM_SECTOR_BYTES, bytes, count * SIM_SECTOR_BYTES, sync));
    for (size_t i = first; i < first + count; i++) {
        oracle->now[i] = value;
        oracle->pending[i][value] = true;
    }
    if (sync)
        oracle_settle(oracle, first, count);
}

static void assert_possible(struct place *place, const struct oracle *oracle, enum sim_policy policy,
                            uint64_t seed)
{
    struct io_file *file = place_file(place, "f", IO_READ);
    uint8_t bytes[SECTORS * SIM_SECTOR_BYTES];
    size_t done = 0;
    assert_ok(io_read(file, 0, bytes, sizeof bytes, &done));
    io_close(file);
    assert_int_equal(done, sizeof bytes);
    for (size_t i = 0; i < SECTORS; i++) {
        uint8_t found = bytes[i * SIM_SECTOR_BYTES];
        bool is_whole =
            memcmp(bytes + i * SIM_SECTOR_BYTES, bytes + i * SIM_SECTOR_BYTES + 1, SIM_SECTOR_BYTES - 1) == 0;
        bool is_possible = found == oracle->durable[i] || oracle->pending[i][found];
        if (policy == SIM_EVERYTHING)
            is_possible = found == oracle->now[i];
        if (!is_whole || !is_possible)
            fail_msg("seed %llu policy %d: sector %zu holds what nobody could have left there",
                     (unsigned long long)seed, (int)policy, i);
    }
}

static void cuts_leave_durable_or_pending_bytes_and_no_others(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEEDS * 10; seed++) {
        struct place place;
        struct random rng = {.state = seed};
        struct oracle oracle = {0};
        enum sim_policy policy = (enum sim_policy)(seed % SIM_POLICIES);
        assert_true(place_open(&place, IO_BODY_SIM, seed));
        struct io_file *file = place_file(&place, "f", IO_READ | IO_WRITE | IO_CREATE);
        assert_ok(io_zero_fill(file, SECTORS * SIM_SECTOR_BYTES));
        assert_ok(io_sync_dir(place.env, place.folder));
        for (uint8_t value = 1; value <= ROUNDS; value++)
            random_step(file, &rng, &oracle, value);
        sim_restart(place.env, policy);
        io_close(file);
        assert_possible(&place, &oracle, policy, seed);
        place_close(&place);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_body_gives_the_same_answers),
        cmocka_unit_test(cuts_leave_durable_or_pending_bytes_and_no_others),
    };
    return cmocka_run_group_tests_name("model", tests, NULL, NULL);
}
