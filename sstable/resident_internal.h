/*
 * resident_internal.h: what every read of one partition asks a table first, kept by the table itself: directory pages
 * with their entries taken apart, and the root pages of block indexes.
 *
 * In the cache each of them would cost a search, a lock and two changes of a counter. Here they are found by number, and
 * are borrowed: what is resident stays until the table goes. Pages become resident as reads of single partitions ask for
 * them, while they take less than an eighth of the cache's budget in all tables together; later ones go through the cache.
 *
 * Threads     Any. Whoever is first publishes; the others take what is there.
 */
#ifndef STRAIT_SSTABLE_RESIDENT_INTERNAL_H
#define STRAIT_SSTABLE_RESIDENT_INTERNAL_H

#include "sstable/directory_internal.h"

#include <stdatomic.h>

struct resident_page {
    struct block *home;  /* counted; what this and the arrays lie in */
    struct block *block; /* counted; slices of the entries are of it */
    struct directory_page page;
    struct directory_entry *entries; /* in `home` */
    _Atomic(struct block *) *roots;  /* likewise; by entry, counted; NULL: not resident */
};

struct resident {
    struct block_cache *cache; /* borrowed; NULL: nothing becomes resident */
    uint32_t page_count;
    _Atomic(struct resident_page *) *pages; /* owned */
    _Atomic size_t bytes;                   /* taken from the cache's budget */
};

status resident_init(struct resident *resident, struct block_cache *cache, uint32_t page_count);
void resident_deinit(struct resident *resident);

/* Borrowed until resident_deinit(); NULL when it is not resident. */
static inline const struct resident_page *resident_page_get(const struct resident *resident, uint32_t page_at)
{
    /* Pairs with the release of resident_page_keep(). */
    return resident->pages ? atomic_load_explicit(&resident->pages[page_at], memory_order_acquire) : NULL;
}

/* The page of a pinned block, which becomes resident if it may; NULL when not. */
const struct resident_page *resident_page_keep(struct resident *resident, uint32_t page_at,
                                               struct block *block);

static inline struct block *resident_root_get(const struct resident_page *page, uint32_t item)
{
    /* Pairs with the release of resident_root_keep(). */
    return atomic_load_explicit(&page->roots[item], memory_order_acquire);
}

/* Whether the root of an entry's block index, a pinned block, is resident now: then it may be borrowed. */
bool resident_root_keep(struct resident *resident, const struct resident_page *page, uint32_t item,
                        struct block *root);

#endif
