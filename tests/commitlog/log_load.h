/*
 * log_load.h: a small life of a stream on a simulated disk that may fail at any point, and the check of what is left.
 */
#ifndef STRAIT_TESTS_COMMITLOG_LOG_LOAD_H
#define STRAIT_TESTS_COMMITLOG_LOG_LOAD_H

#include "log_fixture.h"

#include "io/sim.h"

/* What the test knows of a stream, beside the disk. */
struct log_memory {
    uint32_t appended; /* payloads 0..appended-1 were handed over, successfully or not */
    uint32_t synced;   /* payloads below were acknowledged, or believed by a recovery */
    uint32_t released; /* payloads below may be gone */
    struct log_position recovered;
    uint64_t next_segment;
};

/* A simulated disk with the folder "/s". */
struct io_env *sim_env(uint64_t seed);

/* One opening of the stream, until something fails: small and large payloads, synced and not, segments begun, made ready
 * and recycled. How the first failing call failed. */
status log_load_run(struct io_env *env, struct log_memory *memory);

/* Read the stream back and check it against what is known of it. False when the power went during that. */
bool log_load_recover(struct io_env *env, struct log_memory *memory);

#endif
