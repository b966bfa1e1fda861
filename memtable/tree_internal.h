/*
 * tree_internal.h: the rows of one partition, ordered by clustering key, for one writer and any number
 * of lock-free readers.
 *
 * A B+tree of nodes of at most 15 entries. A node's entries stand in the slots in the order in which
 * they came; their order by key is one 64-bit word, `order`: the low nibble is the count, nibble i + 1 is
 * the slot of the i-th entry. Inserting is filling a free slot and storing a new order.
 *
 * What must always hold:
 *   1. A slot that any published order has named is never filled again, so a reader may keep an order
 *      that it has loaded for as long as it likes. The only change in such a slot is the pointer to a
 *      leaf entry's newest version, which is atomic and whose key never changes.
 *   2. A node that has no slot left is replaced by fresh ones in its parent, with one store; it stays
 *      as it was for the readers that are in it. Replaced nodes stay in the arena.
 *   3. The tree only gains keys, so every root, node and order that a reader has met contains all
 *      that was visible before. What is newer is told by its sequence number.
 *   4. Every entry of an inner node but the first has a `low` that is no greater than any key below it
 *      and greater than every key before it. The first entry takes whatever is less than the second.
 *
 * Readers are pointed at the right state by numbers, not by structure: the writer numbers mutations of a
 * partition, each version of a row carries the number, and a reader skips versions above the number
 * that was visible when it came.
 */
#ifndef STRAIT_MEMTABLE_TREE_INTERNAL_H
#define STRAIT_MEMTABLE_TREE_INTERNAL_H

#include <stdatomic.h>

#include "base/arena.h"
#include "row/key.h"

#define VERSION_WITHDRAWN UINT64_MAX

/*
 * One state of one row. `bytes` is the clustering key, then the image, then of a partial version its base.
 *
 * A partial version holds only what changed since its base, which may be partial itself: the row is all of them merged.
 * So a small change of a large row (a value of megabytes, a collection of thousands) does not copy the row.
 */
struct version {
    _Atomic uint64_t number; /* of its mutation, or VERSION_WITHDRAWN; relaxed: whoever may see this
                                version pairs with the partition's `visible` */
    struct version *older;   /* arena; NULL for the first */
    uint32_t clustering_bytes : 31;
    uint32_t is_partial : 1;
    uint32_t image_bytes;
    uint8_t bytes[];
};

static inline struct slice version_clustering(const struct version *version)
{
    return slice_of(version->bytes, version->clustering_bytes);
}

static inline struct slice version_image(const struct version *version)
{
    return slice_of(version->bytes + version->clustering_bytes, version->image_bytes);
}

/* What the image is to be merged with, and what that has for a base; NULL when the image is the whole row. */
static inline const struct version *version_base(const struct version *version)
{
    const struct version *base = NULL;
    if (version->is_partial)
        memcpy(&base, version->bytes + version->clustering_bytes + version->image_bytes, sizeof base);
    return base;
}

enum {
    TREE_FANOUT = 15,
    TREE_DEPTH_MAX = 24,
};

struct node {
    _Atomic uint64_t order; /* release by the writer, acquire by readers: publishes the slots it names */
    uint8_t level;          /* 0: a leaf */
    uint8_t used;           /* writer: slots filled so far */
    uint8_t capacity;       /* of a leaf; the first leaf of a partition is small */
};

struct leaf_entry {
    uint64_t prefix;                  /* key_prefix() of the row's key */
    _Atomic(struct version *) newest; /* arena; release and acquire: publishes the version */
};

struct leaf {
    struct node node;
    struct leaf_entry entries[];
};

struct inner_entry {
    uint64_t prefix;
    const struct version *low; /* arena; its key is what counts */
    struct node *child;        /* arena */
};

struct inner {
    struct node node;
    struct inner_entry entries[TREE_FANOUT];
};

struct tree {
    _Atomic(struct node *) root; /* release and acquire; NULL when empty */
    struct leaf *front, *back;   /* writer: the leaves at either end */
    bool was_back;               /* writer: the end where the last row went */
};

static inline unsigned order_count(uint64_t order)
{
    return (unsigned)(order & 15);
}

static inline unsigned order_slot(uint64_t order, unsigned at)
{
    return (unsigned)(order >> (4 * (at + 1)) & 15);
}

/* Where a key is, or would be. */
struct tree_place {
    struct leaf *leaf;      /* NULL in an empty tree */
    unsigned at;            /* the first entry whose key is not less */
    bool found;             /* that entry has the key */
    bool is_first, is_last; /* not found, and before, or behind, every key of the tree */
};

/* For the writer. */
void tree_find(struct tree *tree, struct slice clustering, uint64_t prefix, struct tree_place *out_place);
/* Insert a key that tree_find() did not find at `place`. STATUS_NOMEM: nothing changed. */
status tree_insert(struct tree *tree, struct arena *arena, const struct tree_place *place, uint64_t prefix,
                   struct version *version);

/* Where a reader is: a leaf and the inner node above it, in a state that no writer can change under it. */
struct leaf_view {
    const struct leaf *leaf; /* NULL in an empty tree */
    uint64_t order;
    const struct inner *parent; /* NULL when the leaf is the root */
    uint64_t parent_order;
    unsigned parent_at;
    /* The least key of the parent's range and of what follows it; NULL where the tree ends. */
    const struct version *lower, *upper;
};

/* To the leaf that holds the first key >= `clustering`, or with `before`, the last key < it, if that
 * is in the leaf at all. *out_at is the place of the first key >= `clustering`. */
void tree_seek(const struct tree *tree, struct slice clustering, bool before, struct leaf_view *out_view,
               unsigned *out_at);
/* To the next leaf, with *out_at before its first row, or backwards to the one before, behind its last;
 * false when there is none. */
bool tree_step(const struct tree *tree, bool backward, struct leaf_view *view, unsigned *out_at);
/* The leaf that tree_step() will come to, as far as the parent tells; NULL otherwise. */
const struct leaf *leaf_ahead(const struct leaf_view *view, bool backward);

static inline void leaf_prefetch(const struct leaf *leaf)
{
    for (size_t at = 0; at < sizeof *leaf + TREE_FANOUT * sizeof *leaf->entries; at += 64)
        __builtin_prefetch((const uint8_t *)leaf + at);
}

/* For the writer: fetch the leaf that the next row is likely to go to. */
static inline void tree_prefetch(const struct tree *tree)
{
    const struct leaf *leaf = tree->was_back ? tree->back : tree->front;
    if (leaf)
        leaf_prefetch(leaf);
}

/* The rows of a leaf may lie about the arena: a reader asks for each some rows before it comes to it, so that several are
 * on their way at a time. How long a row is stands in it: the first lines are asked for at once, the rest as soon as
 * these are there. */
static inline void row_prefetch(const struct leaf *leaf, uint64_t order, unsigned at)
{
    const struct leaf_entry *entry = &leaf->entries[order_slot(order, at)];
    const uint8_t *version = (const uint8_t *)atomic_load_explicit(&entry->newest, memory_order_relaxed);
    __builtin_prefetch(version);
    __builtin_prefetch(version + 64);
}

static inline void row_prefetch_rest(const struct leaf *leaf, uint64_t order, unsigned at)
{
    enum { LINE = 64, MOST = 512 };
    const struct leaf_entry *entry = &leaf->entries[order_slot(order, at)];
    const struct version *version = atomic_load_explicit(&entry->newest, memory_order_acquire);
    size_t bytes = sizeof *version + version->clustering_bytes + version->image_bytes;
    for (size_t line = 2 * LINE; line < bytes && line < MOST; line += LINE)
        __builtin_prefetch((const uint8_t *)version + line);
}

/* All rows of a leaf at once: one miss instead of fifteen. */
static inline void leaf_prefetch_rows(const struct leaf *leaf, uint64_t order)
{
    for (unsigned i = 0; i < order_count(order); i++)
        row_prefetch(leaf, order, i);
}

#endif
