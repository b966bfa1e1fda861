#include "cql/gate.h"

void gate_init(struct gate *gate)
{
    for (uint32_t i = 0; i < GATE_SLOTS; i++)
        atomic_init(&gate->slots[i].inside, 0);
    atomic_init(&gate->closed, false);
    lock_init(&gate->lock, RANK_CATALOG);
    lock_condition_init(&gate->changed);
}

void gate_deinit(struct gate *gate)
{
    lock_condition_deinit(&gate->changed);
    lock_deinit(&gate->lock);
}

static void wake_all(struct gate *gate)
{
    lock_acquire(&gate->lock);
    lock_wake_all(&gate->changed);
    lock_release(&gate->lock);
}

void gate_enter(struct gate *gate, uint32_t slot)
{
    _Atomic uint32_t *inside = &gate->slots[slot % GATE_SLOTS].inside;
    for (;;) {
        atomic_fetch_add(inside, 1);
        if (!atomic_load(&gate->closed))
            return;
        atomic_fetch_sub(inside, 1);
        lock_acquire(&gate->lock);
        lock_wake_all(&gate->changed); /* the closer may be waiting for the count that we took for a moment */
        while (atomic_load(&gate->closed))
            lock_wait(&gate->changed, &gate->lock);
        lock_release(&gate->lock);
    }
}

void gate_leave(struct gate *gate, uint32_t slot)
{
    atomic_fetch_sub(&gate->slots[slot % GATE_SLOTS].inside, 1);
    if (atomic_load(&gate->closed))
        wake_all(gate);
}

static bool is_empty(struct gate *gate)
{
    for (uint32_t i = 0; i < GATE_SLOTS; i++)
        if (atomic_load(&gate->slots[i].inside))
            return false;
    return true;
}

void gate_close(struct gate *gate)
{
    atomic_store(&gate->closed, true);
    lock_acquire(&gate->lock);
    while (!is_empty(gate))
        lock_wait(&gate->changed, &gate->lock);
    lock_release(&gate->lock);
}

void gate_open(struct gate *gate)
{
    lock_acquire(&gate->lock);
    atomic_store(&gate->closed, false);
    lock_wake_all(&gate->changed);
    lock_release(&gate->lock);
}
