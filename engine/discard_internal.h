/*
 * discard_internal.h: what a TRUNCATE, a DROP or a restore leaves behind is put away later: memory, files, segments of
 * the log. So such a change costs the same whatever it throws away. Nothing durable depends on it: the next opening
 * finds the same files unnamed.
 */
#ifndef STRAIT_ENGINE_DISCARD_INTERNAL_H
#define STRAIT_ENGINE_DISCARD_INTERNAL_H

#include <stdatomic.h>

#include "engine/tablet_internal.h"

struct store;
struct discard;

struct discards {
    struct discard *first; /* owned; guard: the background's lock */
    uint32_t count;
    atomic_bool release_logs; /* segments may have become free */
};

/* Take over one reference of each, at once when too much waits already. Caller holds no lock of a shard. */
void store_discard(struct store *store, struct version *version, struct write_buffer *const *buffers,
                   uint32_t count);
/* Put away one thing; false when there was none. Caller holds no lock. */
bool store_discard_step(struct store *store);
/* Put away all of it, logs left out. */
void store_discard_all(struct store *store);

#endif
