#include "engine/discard_internal.h"

#include <stdlib.h>

#include "engine/job_internal.h"
#include "engine/store_internal.h"

enum { DISCARDS_MAX = 256 };

struct discard {
    struct discard *next;
    struct version *version; /* counted */
    uint32_t buffer_count;
    struct write_buffer *buffers[FROZEN_MAX + 1 + RETAINED_MAX]; /* counted */
};

static void let_go(struct version *version, struct write_buffer *const *buffers, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        write_buffer_unref(buffers[i]);
    version_unref(version);
}

void store_discard(struct store *store, struct version *version, struct write_buffer *const *buffers,
                   uint32_t count)
{
    if (!version && count == 0)
        return;
    struct discard *discard = malloc(sizeof *discard);
    lock_acquire(&store->background.lock);
    bool later = discard && store->discards.count < DISCARDS_MAX;
    if (later) {
        *discard = (struct discard){.next = store->discards.first, .version = version, .buffer_count = count};
        memcpy(discard->buffers, buffers, count * sizeof(struct write_buffer *));
        store->discards.first = discard;
        store->discards.count++;
    }
    lock_release(&store->background.lock);
    if (later)
        return;
    free(discard);
    let_go(version, buffers, count);
}

static bool put_away_one(struct store *store)
{
    lock_acquire(&store->background.lock);
    struct discard *discard = store->discards.first;
    if (discard) {
        store->discards.first = discard->next;
        store->discards.count--;
    }
    lock_release(&store->background.lock);
    if (!discard)
        return false;
    let_go(discard->version, discard->buffers, discard->buffer_count);
    free(discard);
    return true;
}

bool store_discard_step(struct store *store)
{
    if (put_away_one(store))
        return true;
    if (!atomic_exchange(&store->discards.release_logs, false))
        return false;
    (void)flush_release_logs(store); /* what could not be released is tried again with the next flush */
    return true;
}

void store_discard_all(struct store *store)
{
    while (put_away_one(store))
        ;
}
