/*
 * resident_internal.h: what every read of one partition asks a table first, kept by the table itself: directory pages,
 * and of large partitions the entries, taken apart, with the pages of their block indexes.
 *
 * In the cache each of them would cost a search, a lock and two changes of a counter. Here they are found by number, and
 * are borrowed: what is resident stays until the table goes. Pages become resident as reads of single partitions ask for
 * them, while they take less than a quarter of the cache's budget in all tables together; later ones go through the cache.
 * A table of many small partitions has many pages, so a page is as it was read, and only entries that take long to read
 * are kept taken apart.
 *
 * Threads     Any. Whoever is first publishes; the others take what is there.
 */
#ifndef STRAIT_SSTABLE_RESIDENT_INTERNAL_H
#define STRAIT_SSTABLE_RESIDENT_INTERNAL_H

#include "sstable/directory_internal.h"

#include <stdatomic.h>

/*
 * Where a block of rows was in memory when somebody found it last. Who looks for it again has that memory brought near
 * while the cache is still asked where the block is; nobody looks at what lies there, which may be another block by now.
 * NULL: nobody has found it yet.
 */
struct block_seen {
    _Atomic(const struct block *) block; /* relaxed; never followed */
};

/* A page of a block index. */
struct resident_node {
    struct block *home;  /* counted; what this lies in */
    struct block *block; /* counted; the page */
    uint32_t pages;      /* below; 0 where blocks are */
    uint32_t blocks;     /* below; 0 where pages are */
    union {
        _Atomic(struct resident_node *) node; /* owned; NULL: not resident */
        struct block_seen seen;
    } below[];
};

struct resident_entry {
    struct block *home; /* counted; what this lies in */
    struct directory_entry entry;
    _Atomic(struct resident_node *) root; /* owned; NULL: not resident */
    struct block_seen heads[DIRECTORY_NEAR], tails[DIRECTORY_NEAR];
};

struct resident_page {
    struct block *home;  /* counted; what this lies in */
    struct block *block; /* counted; slices of the entries are of it */
    uint32_t items;
    _Atomic(struct resident_entry *) entries[]; /* each in a home of its own; NULL: not taken apart */
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
static inline struct resident_page *resident_page_get(const struct resident *resident, uint32_t page_at)
{
    /* Pairs with the release of resident_page_keep(). */
    return resident->pages ? atomic_load_explicit(&resident->pages[page_at], memory_order_acquire) : NULL;
}

/* The page of a pinned block, which becomes resident if it may; NULL when not. */
struct resident_page *resident_page_keep(struct resident *resident, uint32_t page_at, struct block *block);
/* Whether a page of about so many bytes would become resident. */
bool resident_has_room(const struct resident *resident, size_t bytes);

static inline struct resident_entry *resident_entry_get(struct resident_page *page, uint32_t item)
{
    /* Pairs with the release of resident_entry_keep(). */
    return atomic_load_explicit(&page->entries[item], memory_order_acquire);
}

/* An entry of the page, read from its block, which becomes resident if it may; NULL when not. */
struct resident_entry *resident_entry_keep(struct resident *resident, struct resident_page *page,
                                           uint32_t item, const struct directory_entry *entry);

static inline const struct resident_node *resident_node_get(_Atomic(struct resident_node *) *place)
{
    /* Pairs with the release of resident_node_keep(). */
    return atomic_load_explicit(place, memory_order_acquire);
}

/* The page of a pinned block, which becomes resident at its place if it may; NULL when not. */
const struct resident_node *resident_node_keep(struct resident *resident,
                                               _Atomic(struct resident_node *) *place, struct block *block);

/* What a read of the partition will ask for if it begins in the middle. */
static inline void resident_root_touch(struct resident_entry *entry)
{
    enum { LINE = 64, LINES = 3 };
    const struct resident_node *root = resident_node_get(&entry->root);
    if (root)
        for (size_t at = 0; at < LINES * LINE; at += LINE)
            __builtin_prefetch((const uint8_t *)root->block + at);
}

#endif
