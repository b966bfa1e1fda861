/* partition_lock.c: 256 striped locks over partitions, for read-then-apply sections. */
#include "base/hash.h"
#include "engine/store_internal.h"

void store_lock_partitions(struct store *store, const struct store_partition *partitions, uint32_t count,
                           struct store_guard *out_guard)
{
    struct store_guard guard = {0};
    for (uint32_t i = 0; i < count; i++) {
        uint64_t stripe = hash64(partitions[i].key, partitions[i].table_id) % PARTITION_STRIPES;
        guard.stripes[stripe / 64] |= UINT64_C(1) << stripe % 64;
    }
    /* In rising order, so that two sections never wait for each other. */
    for (uint32_t i = 0; i < PARTITION_STRIPES; i++)
        if (guard.stripes[i / 64] & UINT64_C(1) << i % 64)
            lock_acquire(&store->stripes[i]);
    *out_guard = guard;
}

void store_unlock_partitions(struct store *store, const struct store_guard *guard)
{
    for (uint32_t word = 0; word < ARRAY_LEN(guard->stripes); word++)
        for (uint64_t left = guard->stripes[word]; left; left &= left - 1)
            lock_release(&store->stripes[word * 64 + (uint32_t)__builtin_ctzll(left)]);
}
