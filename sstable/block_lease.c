#include "sstable/block_lease_internal.h"

#include "base/stripe.h"

void block_leases_init(struct block_leases *leases)
{
    memset(leases, 0, sizeof *leases);
    lock_init(&leases->lock, RANK_CACHE);
}

static void unref_all(struct block *list)
{
    while (list) {
        struct block *next = list->hash_next;
        block_unref(list);
        list = next;
    }
}

void block_leases_deinit(struct block_leases *leases, void (*spare_free)(void *spare))
{
    for (uint32_t i = 0; i < BLOCK_LEASES; i++) {
        void *spare = atomic_load(&leases->leases[i].spare);
        if (spare)
            spare_free(spare);
    }
    unref_all(leases->aside);
    lock_deinit(&leases->lock);
}

/* False when somebody has it. */
static bool take_one(struct block_lease *lease, void **out_spare)
{
    if (atomic_load_explicit(&lease->spare, memory_order_relaxed) == lease)
        return false;
    /* Pairs with the release of block_lease_give(). */
    void *spare = atomic_exchange_explicit(&lease->spare, lease, memory_order_acquire);
    if (spare == lease)
        return false;
    if (spare)
        block_lease_count(&lease->spares);
    *out_spare = spare;
    return true;
}

struct block_lease *block_lease_take(struct block_leases *leases, void **out_spare)
{
    uint32_t first = thread_stripe(BLOCK_LEASE_STRIPES) * BLOCK_LEASES_EACH;
    *out_spare = NULL;
    for (uint32_t i = first; i < first + BLOCK_LEASES_EACH && !leases->is_off; i++)
        if (take_one(&leases->leases[i], out_spare))
            return &leases->leases[i];
    return NULL;
}

void block_lease_give(struct block_lease *lease, void *spare)
{
    block_lease_let_go(lease);
    atomic_store_explicit(&lease->spare, spare, memory_order_release);
}

static bool is_looked_at(struct block_leases *leases, const struct block *block)
{
    for (uint32_t i = 0; i < BLOCK_LEASES; i++)
        if (atomic_load(&leases->leases[i].block) == block)
            return true;
    return false;
}

/* Split off what nobody looks at. */
static struct block *free_of(struct block_leases *leases, struct block *list, struct block **looked_at)
{
    struct block *unused = NULL;
    while (list) {
        struct block *block = list;
        struct block **to = is_looked_at(leases, block) ? looked_at : &unused;
        list = block->hash_next;
        block->hash_next = *to;
        *to = block;
    }
    return unused;
}

void block_leases_drop(struct block_leases *leases, struct block *taken_out)
{
    struct block *looked_at = NULL;
    if (!taken_out)
        return;
    /* What was taken out of the middle of a bucket was put there by an ordinary store. */
    atomic_thread_fence(memory_order_seq_cst);
    unref_all(free_of(leases, taken_out, &looked_at));
    if (!looked_at && !atomic_load_explicit(&leases->has_aside, memory_order_relaxed))
        return;
    lock_acquire(&leases->lock);
    struct block *before = leases->aside;
    leases->aside = looked_at;
    struct block *unused = before ? free_of(leases, before, &leases->aside) : NULL;
    atomic_store_explicit(&leases->has_aside, leases->aside != NULL, memory_order_relaxed);
    lock_release(&leases->lock);
    unref_all(unused);
}
