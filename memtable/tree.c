#include "memtable/tree_internal.h"

#include <assert.h>

enum {
    FIRST_LEAF_CAPACITY = 1,
    SECOND_LEAF_CAPACITY = 4,
    INNER_REFILL_MAX = 10, /* live entries that are worth one fresh node rather than two */
};

/* The way from the root to a leaf: inner nodes and the position taken in each. */
struct path {
    struct inner *nodes[TREE_DEPTH_MAX];
    unsigned at[TREE_DEPTH_MAX];
    unsigned depth;
};

/* One or two entries that take the place of one in its parent. */
struct replacement {
    struct inner_entry parts[2];
    unsigned count;
    int kept; /* the part that is the replaced entry itself and needs no new slot; -1 for none */
};

static uint64_t order_insert(uint64_t order, unsigned at, unsigned slot)
{
    uint64_t below = (1ULL << (4 * (at + 1))) - 1;
    return ((order & ~below) << 4 | (uint64_t)slot << (4 * (at + 1)) | (order & below)) + 1;
}

/* The order 0, 1, 2, ... of a fresh node. */
static uint64_t order_fresh(unsigned count)
{
    uint64_t order = 0;
    for (unsigned i = 0; i < count; i++)
        order = order_insert(order, i, i);
    return order;
}

static uint64_t order_load(const struct node *node)
{
    return atomic_load_explicit(&node->order, memory_order_acquire);
}

static void order_publish(struct node *node, uint64_t order)
{
    atomic_store_explicit(&node->order, order, memory_order_release);
}

static struct version *newest_of(const struct leaf_entry *entry)
{
    return atomic_load_explicit(&entry->newest, memory_order_acquire);
}

static int key_compare(uint64_t a_prefix, struct slice a, uint64_t b_prefix, const struct version *b)
{
    if (a_prefix != b_prefix)
        return a_prefix > b_prefix ? 1 : -1;
    return slice_compare(a, version_clustering(b));
}

static int entry_compare(uint64_t prefix, struct slice key, const struct leaf_entry *entry)
{
    if (prefix != entry->prefix)
        return prefix > entry->prefix ? 1 : -1;
    return slice_compare(key, version_clustering(newest_of(entry)));
}

/* Position of the first entry whose key is >= `key`. */
static unsigned leaf_lower_bound(const struct leaf *leaf, uint64_t order, uint64_t prefix, struct slice key)
{
    unsigned low = 0, high = order_count(order);
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (entry_compare(prefix, key, &leaf->entries[order_slot(order, middle)]) > 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Position of the last entry whose low is <= `key`, or < it with `before`; the first takes the rest. */
static unsigned inner_choose(const struct inner *inner, uint64_t order, uint64_t prefix, struct slice key,
                             bool before)
{
    unsigned low = 1, high = order_count(order);
    while (low < high) {
        unsigned middle = (low + high) / 2;
        const struct inner_entry *entry = &inner->entries[order_slot(order, middle)];
        if (key_compare(prefix, key, entry->prefix, entry->low) >= (before ? 1 : 0))
            low = middle + 1;
        else
            high = middle;
    }
    return low - 1;
}

void tree_seek(const struct tree *tree, struct slice clustering, bool before, struct leaf_view *out_view,
               unsigned *out_at)
{
    const struct node *node = atomic_load_explicit(&tree->root, memory_order_acquire);
    uint64_t prefix = key_prefix(clustering);
    struct leaf_view view = {0};
    *out_at = 0;
    *out_view = view;
    if (!node)
        return;
    while (node->level) {
        if (view.parent_at)
            view.lower = view.parent->entries[order_slot(view.parent_order, view.parent_at)].low;
        if (view.parent && view.parent_at + 1 < order_count(view.parent_order))
            view.upper = view.parent->entries[order_slot(view.parent_order, view.parent_at + 1)].low;
        view.parent = (const struct inner *)node;
        view.parent_order = order_load(node);
        view.parent_at = inner_choose(view.parent, view.parent_order, prefix, clustering, before);
        node = view.parent->entries[order_slot(view.parent_order, view.parent_at)].child;
    }
    view.leaf = (const struct leaf *)node;
    leaf_prefetch(view.leaf);
    view.order = order_load(node);
    *out_at = leaf_lower_bound(view.leaf, view.order, prefix, clustering);
    *out_view = view;
}

const struct leaf *leaf_ahead(const struct leaf_view *view, bool backward)
{
    if (!view->parent)
        return NULL;
    if (backward ? view->parent_at == 0 : view->parent_at + 1 == order_count(view->parent_order))
        return NULL;
    unsigned at = backward ? view->parent_at - 1 : view->parent_at + 1;
    return (const struct leaf *)view->parent->entries[order_slot(view->parent_order, at)].child;
}

/* The parent's entries stay true for as long as we hold its order, so only its ends need a new descent. */
bool tree_step(const struct tree *tree, bool backward, struct leaf_view *view, unsigned *out_at)
{
    const struct leaf *ahead = leaf_ahead(view, backward);
    if (ahead) {
        view->parent_at = backward ? view->parent_at - 1 : view->parent_at + 1;
        view->leaf = ahead;
        view->order = order_load(&ahead->node);
        *out_at = backward ? order_count(view->order) : 0;
        return true;
    }
    const struct version *border = backward ? view->lower : view->upper;
    if (!border)
        return false;
    tree_seek(tree, version_clustering(border), backward, view, out_at);
    return true;
}

static void path_find(const struct tree *tree, struct slice key, uint64_t prefix, struct path *out_path,
                      struct leaf **out_leaf)
{
    struct node *node = atomic_load_explicit(&tree->root, memory_order_relaxed);
    out_path->depth = 0;
    while (node->level) {
        struct inner *inner = (struct inner *)node;
        uint64_t order = order_load(node);
        unsigned at = inner_choose(inner, order, prefix, key, false);
        assert(out_path->depth < TREE_DEPTH_MAX);
        out_path->nodes[out_path->depth] = inner;
        out_path->at[out_path->depth++] = at;
        node = inner->entries[order_slot(order, at)].child;
    }
    *out_leaf = (struct leaf *)node;
}

/* Whether `key` belongs to the leaf at this end, as a look at its inner edge can tell. */
static bool at_end(const struct tree *tree, bool back, uint64_t prefix, struct slice key)
{
    const struct leaf *leaf = back ? tree->back : tree->front;
    uint64_t order = order_load(&leaf->node);
    unsigned at = back ? 0 : order_count(order) - 1;
    int side = entry_compare(prefix, key, &leaf->entries[order_slot(order, at)]);
    return back ? side >= 0 : side <= 0;
}

/* The way of nearly every row: before the first key of the front leaf, or behind the last of the back. */
static bool find_beyond(const struct tree *tree, struct slice key, uint64_t prefix,
                        struct tree_place *out_place)
{
    struct leaf *leaf = tree->was_back ? tree->back : tree->front;
    uint64_t order = order_load(&leaf->node);
    unsigned at = tree->was_back ? order_count(order) - 1 : 0;
    int side = entry_compare(prefix, key, &leaf->entries[order_slot(order, at)]);
    if (tree->was_back ? side <= 0 : side >= 0)
        return false;
    *out_place = (struct tree_place){
        .leaf = leaf,
        .at = tree->was_back ? at + 1 : 0,
        .is_first = !tree->was_back,
        .is_last = tree->was_back,
    };
    return true;
}

void tree_find(struct tree *tree, struct slice clustering, uint64_t prefix, struct tree_place *out_place)
{
    *out_place = (struct tree_place){.is_first = true, .is_last = true};
    if (!tree->front || find_beyond(tree, clustering, prefix, out_place))
        return;
    struct leaf *leaf;
    if (at_end(tree, true, prefix, clustering)) {
        leaf = tree->back;
        tree->was_back = true;
    } else if (at_end(tree, false, prefix, clustering)) {
        leaf = tree->front;
        tree->was_back = false;
    } else {
        struct path path;
        path_find(tree, clustering, prefix, &path, &leaf);
    }
    uint64_t order = order_load(&leaf->node);
    unsigned at = leaf_lower_bound(leaf, order, prefix, clustering);
    bool found = at < order_count(order) &&
                 entry_compare(prefix, clustering, &leaf->entries[order_slot(order, at)]) == 0;
    *out_place = (struct tree_place){
        .leaf = leaf,
        .at = at,
        .found = found,
        .is_first = !found && leaf == tree->front && at == 0,
        .is_last = !found && leaf == tree->back && at == order_count(order),
    };
}

static struct leaf *leaf_new(struct arena *arena, unsigned capacity)
{
    struct leaf *leaf = arena_alloc(arena, sizeof *leaf + capacity * sizeof *leaf->entries);
    if (!leaf)
        return NULL;
    leaf->node.level = 0;
    leaf->node.used = 0;
    leaf->node.capacity = (uint8_t)capacity;
    atomic_init(&leaf->node.order, 0);
    return leaf;
}

static void leaf_fill(struct leaf *leaf, uint64_t prefix, struct version *version)
{
    struct leaf_entry *entry = &leaf->entries[leaf->node.used++];
    entry->prefix = prefix;
    atomic_init(&entry->newest, version);
}

/* A fresh leaf with entries [from, to) of `source` with the new row put at position `at`. */
static struct leaf *leaf_copy(struct arena *arena, unsigned capacity, const struct leaf *source, unsigned at,
                              uint64_t prefix, struct version *version, unsigned from, unsigned to)
{
    struct leaf *leaf = leaf_new(arena, capacity);
    if (!leaf)
        return NULL;
    uint64_t order = order_load(&source->node);
    for (unsigned i = from; i < to; i++) {
        if (i == at) {
            leaf_fill(leaf, prefix, version);
            continue;
        }
        const struct leaf_entry *entry = &source->entries[order_slot(order, i > at ? i - 1 : i)];
        leaf_fill(leaf, entry->prefix, newest_of(entry));
    }
    atomic_init(&leaf->node.order, order_fresh(leaf->node.used));
    return leaf;
}

static struct inner_entry leaf_part(const struct leaf *leaf)
{
    const struct leaf_entry *entry = &leaf->entries[order_slot(order_load(&leaf->node), 0)];
    return (struct inner_entry){entry->prefix, newest_of(entry), (struct node *)&leaf->node};
}

/* What takes the place of a full leaf together with one new row. Rows that come in order at either end
 * leave full leaves behind them; others halve the leaf. */
static status leaf_overflow(const struct tree *tree, struct arena *arena, const struct tree_place *place,
                            uint64_t prefix, struct version *version, struct replacement *out)
{
    struct leaf *full = place->leaf;
    unsigned count = order_count(order_load(&full->node));
    struct leaf *first = full, *second = NULL;

    *out = (struct replacement){.count = 2, .kept = -1};
    if (full->node.capacity < TREE_FANOUT) {
        unsigned capacity = full->node.capacity < SECOND_LEAF_CAPACITY ? SECOND_LEAF_CAPACITY : TREE_FANOUT;
        first = leaf_copy(arena, capacity, full, place->at, prefix, version, 0, count + 1);
        out->count = 1;
    } else if (full == tree->back && place->at == count) {
        second = leaf_copy(arena, TREE_FANOUT, full, place->at, prefix, version, count, count + 1);
        out->kept = 0;
    } else if (full == tree->front && place->at == 0) {
        first = leaf_copy(arena, TREE_FANOUT, full, 0, prefix, version, 0, 1);
        second = full; /* in a new slot: it needs a true low from now on */
    } else {
        unsigned half = (count + 1) / 2;
        first = leaf_copy(arena, TREE_FANOUT, full, place->at, prefix, version, 0, half);
        second = leaf_copy(arena, TREE_FANOUT, full, place->at, prefix, version, half, count + 1);
    }
    if (!first || (out->count == 2 && !second))
        return STATUS_FAIL(STATUS_NOMEM);
    out->parts[0] = leaf_part(first);
    if (second)
        out->parts[1] = leaf_part(second);
    return STATUS_DONE;
}

/* All entries of `inner` in order, with position `at` replaced. */
static unsigned inner_gather(const struct inner *inner, unsigned at, const struct replacement *replacement,
                             struct inner_entry *out_entries)
{
    uint64_t order = order_load(&inner->node);
    unsigned total = 0;
    for (unsigned i = 0; i < order_count(order); i++) {
        if (i != at) {
            out_entries[total++] = inner->entries[order_slot(order, i)];
            continue;
        }
        for (unsigned j = 0; j < replacement->count; j++)
            out_entries[total++] = replacement->parts[j];
    }
    return total;
}

static struct inner *inner_new(struct arena *arena, uint8_t level, const struct inner_entry *entries,
                               unsigned count)
{
    struct inner *inner = arena_alloc(arena, sizeof *inner);
    if (!inner)
        return NULL;
    inner->node.level = level;
    inner->node.used = (uint8_t)count;
    inner->node.capacity = TREE_FANOUT;
    memcpy(inner->entries, entries, count * sizeof *entries);
    atomic_init(&inner->node.order, order_fresh(count));
    return inner;
}

/* Put the replacement into free slots of `inner`, with one store for readers. */
static void inner_replace(struct inner *inner, unsigned at, const struct replacement *replacement)
{
    uint64_t old = order_load(&inner->node), order = 0;
    for (unsigned i = 0; i < order_count(old); i++) {
        if (i != at) {
            order = order_insert(order, order_count(order), order_slot(old, i));
            continue;
        }
        for (unsigned j = 0; j < replacement->count; j++) {
            unsigned slot = order_slot(old, at);
            if ((int)j != replacement->kept) {
                slot = inner->node.used++;
                inner->entries[slot] = replacement->parts[j];
            }
            order = order_insert(order, order_count(order), slot);
        }
    }
    order_publish(&inner->node, order);
}

/* Fresh nodes in place of `inner`, which has no slots left, become the replacement one level up. */
static status inner_overflow(struct arena *arena, const struct inner *inner, unsigned at,
                             struct replacement *replacement)
{
    struct inner_entry all[TREE_FANOUT + 1];
    unsigned total = inner_gather(inner, at, replacement, all);
    unsigned first = total;
    if (total > INNER_REFILL_MAX)
        first = at == 0 ? 2 : at + 2 >= total ? total - 2 : total / 2;

    struct inner *nodes[2] = {inner_new(arena, inner->node.level, all, first), NULL};
    if (first < total)
        nodes[1] = inner_new(arena, inner->node.level, all + first, total - first);
    if (!nodes[0] || (first < total && !nodes[1]))
        return STATUS_FAIL(STATUS_NOMEM);
    *replacement = (struct replacement){.count = first < total ? 2 : 1, .kept = -1};
    replacement->parts[0] = (struct inner_entry){all[0].prefix, all[0].low, &nodes[0]->node};
    if (nodes[1])
        replacement->parts[1] = (struct inner_entry){all[first].prefix, all[first].low, &nodes[1]->node};
    return STATUS_DONE;
}

static status root_replace(struct tree *tree, struct arena *arena, const struct replacement *replacement)
{
    struct node *root = replacement->parts[0].child;
    if (replacement->count == 2) {
        struct inner *inner =
            inner_new(arena, (uint8_t)(root->level + 1), replacement->parts, replacement->count);
        if (!inner)
            return STATUS_FAIL(STATUS_NOMEM);
        root = &inner->node;
    }
    atomic_store_explicit(&tree->root, root, memory_order_release);
    return STATUS_DONE;
}

/* Replace the leaf at the end of `path`, upwards until a node has room. Readers see one store. */
static status path_replace(struct tree *tree, struct arena *arena, const struct path *path,
                           struct replacement replacement)
{
    for (unsigned depth = path->depth; depth-- > 0;) {
        struct inner *inner = path->nodes[depth];
        unsigned at = path->at[depth];
        const struct inner_entry *replaced = &inner->entries[order_slot(order_load(&inner->node), at)];
        unsigned needed = replacement.count - (replacement.kept >= 0);
        /* A node that takes the place of an old one takes over its low, which may lie below its keys. */
        if (at > 0) {
            replacement.parts[0].prefix = replaced->prefix;
            replacement.parts[0].low = replaced->low;
        }
        if (inner->node.used + needed <= TREE_FANOUT) {
            inner_replace(inner, at, &replacement);
            return STATUS_DONE;
        }
        TRY(inner_overflow(arena, inner, at, &replacement));
    }
    return root_replace(tree, arena, &replacement);
}

static status leaf_replace(struct tree *tree, struct arena *arena, const struct tree_place *place,
                           uint64_t prefix, struct version *version)
{
    struct path path;
    struct leaf *leaf;
    struct replacement replacement;
    path_find(tree, version_clustering(version), prefix, &path, &leaf);
    assert(leaf == place->leaf);
    TRY(leaf_overflow(tree, arena, place, prefix, version, &replacement));
    TRY(path_replace(tree, arena, &path, replacement));
    if (leaf == tree->front)
        tree->front = (struct leaf *)replacement.parts[0].child;
    if (leaf == tree->back)
        tree->back = (struct leaf *)replacement.parts[replacement.count - 1].child;
    return STATUS_DONE;
}

status tree_insert(struct tree *tree, struct arena *arena, const struct tree_place *place, uint64_t prefix,
                   struct version *version)
{
    struct leaf *leaf = place->leaf;
    if (!leaf) {
        leaf = leaf_new(arena, FIRST_LEAF_CAPACITY);
        if (!leaf)
            return STATUS_FAIL(STATUS_NOMEM);
        leaf_fill(leaf, prefix, version);
        atomic_init(&leaf->node.order, order_fresh(1));
        tree->front = tree->back = leaf;
        atomic_store_explicit(&tree->root, &leaf->node, memory_order_release);
        return STATUS_DONE;
    }
    if (leaf->node.used == leaf->node.capacity)
        return leaf_replace(tree, arena, place, prefix, version);
    unsigned slot = leaf->node.used;
    leaf_fill(leaf, prefix, version);
    order_publish(&leaf->node, order_insert(order_load(&leaf->node), place->at, slot));
    return STATUS_DONE;
}
