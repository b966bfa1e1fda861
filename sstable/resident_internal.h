/*
 * resident_internal.h: what every read of one partition asks a table first, kept by the table itself: directory pages
 * with their entries taken apart, and the pages of block indexes.
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

/* A page of a block index. */
struct resident_node {
    struct block *home;                      /* counted; what this lies in */
    struct block *block;                     /* counted; the page */
    uint32_t count;                          /* of pages below; 0 where blocks are */
    _Atomic(struct resident_node *) below[]; /* owned; NULL: not resident */
};

struct resident_page {
    struct block *home;  /* counted; what this and the arrays lie in */
    struct block *block; /* counted; slices of the entries are of it */
    struct directory_page page;
    struct directory_entry *entries;        /* in `home` */
    _Atomic(struct resident_node *) *roots; /* likewise; by entry, owned; NULL: not resident */
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

static inline const struct resident_node *resident_node_get(_Atomic(struct resident_node *) *place)
{
    /* Pairs with the release of resident_node_keep(). */
    return atomic_load_explicit(place, memory_order_acquire);
}

/* The page of a pinned block, which becomes resident at its place if it may; NULL when not. */
const struct resident_node *resident_node_keep(struct resident *resident,
                                               _Atomic(struct resident_node *) *place, struct block *block);

/* What a read of the partition will ask for if it begins in the middle. */
static inline void resident_root_touch(const struct resident_page *page, uint32_t item)
{
    enum { LINE = 64, LINES = 3 };
    const struct resident_node *root = resident_node_get(&page->roots[item]);
    if (root)
        for (size_t at = 0; at < LINES * LINE; at += LINE)
            __builtin_prefetch((const uint8_t *)root->block + at);
}

#endif
