/*
 * gate.h: keeps statements that write away from a change of schema.
 *
 * A statement goes through the gate to run and out when it is done; a schema change closes the gate, waits until
 * everyone is out, switches the catalog and opens it again. So nobody who planned with the old catalog can write to a
 * table after an index on it was published: inside the gate, the generation of the catalog does not change.
 *
 * Going through costs one atomic addition on a cache line that few share: counts are spread over slots. Pairing: the
 * addition of gate_enter() and the store of gate_close() are both sequentially consistent, so either the closer sees
 * the count or the one who enters sees the gate closed.
 *
 * Threads     Any. The one who closes holds the lock of schema changes, so there is one at a time.
 */
#ifndef STRAIT_CQL_GATE_H
#define STRAIT_CQL_GATE_H

#include <stdatomic.h>

#include "base/lock.h"

enum {
    GATE_SLOTS = 16,
};

struct gate {
    struct gate_slot {
        _Alignas(64) _Atomic uint32_t inside;
    } slots[GATE_SLOTS];
    _Atomic bool closed;
    struct lock lock; /* RANK_CATALOG; guards nothing but the waiting */
    struct lock_condition changed;
};

void gate_init(struct gate *gate);
void gate_deinit(struct gate *gate);
/* `slot` is the caller's own choice, any number; the same one leaves. */
void gate_enter(struct gate *gate, uint32_t slot);
void gate_leave(struct gate *gate, uint32_t slot);
/* Returns when nobody is inside. */
void gate_close(struct gate *gate);
void gate_open(struct gate *gate);

#endif
