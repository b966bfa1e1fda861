/*
 * power_cut.h: power cuts, exhaustively. A script runs on the simulated disk, the power goes before operation n, for every n
 * and under every policy of what survives; then the store is opened again, sometimes with a second cut inside the
 * recovery. What is found must be the state after some step of the script, not before the last one that was
 * acknowledged as durable, and the store must go on from there.
 */
#ifndef STRAIT_TESTS_ENGINE_POWER_CUT_H
#define STRAIT_TESTS_ENGINE_POWER_CUT_H

#include "engine/store.h"
#include "io/sim.h"

enum { POWER_CUT_STEPS_MAX = 63 };

struct power_cut_script;

/* What the scripts of one test have in common. */
struct power_cut_subject {
    unsigned stride; /* every so many operations are cut at */
    unsigned nested; /* second cuts for each first one */
    /* Run step `at`; it may close and open the store. */
    status (*step_run)(struct store **store, const struct power_cut_script *script, unsigned at,
                       struct io_env *env);
    /* Whether what step `at` leaves, and what was before it, is durable when it is acknowledged. */
    bool (*is_durable)(const struct power_cut_script *script, unsigned at);
    /* Everything that readers see, as one text, freed by the caller. */
    char *(*state_of)(struct store *store);
    /* The recovered store, in the state `seen`, goes on as it should; closes it. */
    void (*go_on)(struct store *store, const struct power_cut_script *script, struct io_env *env,
                  uint64_t cut_at, const char *seen);
};

struct power_cut_script {
    const char *name;
    const struct power_cut_subject *subject;
    uint32_t shards;
    const void *steps; /* of the test's own kind */
    unsigned count;
};

struct store_options power_cut_options(const struct power_cut_script *script, struct io_env *env);
/* Run until the power goes before operation `cut_at`. */
void power_cut_run(const struct power_cut_script *script, uint64_t cut_at, struct io_env *env);
/* Cut everywhere; prints how often. */
void power_cut_everywhere(const struct power_cut_script *script);

#endif
