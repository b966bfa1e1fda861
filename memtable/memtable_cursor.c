#include <assert.h>
#include <stdlib.h>

#include "memtable/memtable_internal.h"

/* Rows made of partial versions. */
struct resolved {
    struct buffer static_row[2], row[2]; /* a merged image, and the one before the last step */
};

struct memtable_cursor {
    struct cursor base;
    struct memtable *memtable; /* counted */
    bool only_one;             /* sees no partition but `partition` */
    bool moved;

    struct partition_order *order; /* owned when order_owned, else the memtable's; NULL until needed */
    bool order_owned;
    size_t index; /* in `order`, of the partition behind the one we stand on, when that came from it */

    const struct partition *partition; /* arena of the memtable; the one we stand on, or see alone */
    uint64_t visible;                  /* what of it we see */
    struct arena arena;                /* a range list that the partition has not built */

    struct leaf_view leaf; /* of the row we stand on */
    unsigned at;           /* its place in the leaf */
    bool began;            /* false: before the first row */

    struct resolved *resolved; /* owned; NULL until one is needed */
    status failure;            /* of the last walk */
};

static struct memtable_cursor *cursor_of(struct cursor *cursor)
{
    return (struct memtable_cursor *)cursor;
}

/* Rows */

static const struct version *version_visible(const struct memtable_cursor *cursor,
                                             const struct leaf_entry *entry)
{
    const struct version *version = atomic_load_explicit(&entry->newest, memory_order_acquire);
    while (version && atomic_load_explicit(&version->number, memory_order_relaxed) > cursor->visible)
        version = version->older;
    return version;
}

/* The whole image of a partial version, in `merged`. */
static status version_resolve(const struct reconcile_rules *rules, const struct version *version,
                              struct buffer merged[2], struct slice *out_image)
{
    struct slice image = version_image(version);
    unsigned step = 0;
    for (const struct version *base = version_base(version); base; base = version_base(base)) {
        struct buffer *out = &merged[step++ % 2];
        buffer_clear(out);
        TRY(row_merge(rules, version_image(base), image, out));
        image = buffer_slice(out);
    }
    *out_image = image;
    return STATUS_DONE;
}

static status resolved_make(struct memtable_cursor *cursor)
{
    if (!cursor->resolved)
        cursor->resolved = calloc(1, sizeof *cursor->resolved);
    return cursor->resolved ? STATUS_DONE : STATUS_FAIL(STATUS_NOMEM);
}

/* Stand on a partial version. A failure ends the walk as if there were no more rows, and is told by who walked. */
static bool stand_on_partial(struct memtable_cursor *cursor, const struct version *version)
{
    cursor->failure = resolved_make(cursor);
    if (ok(cursor->failure))
        cursor->failure = version_resolve(&cursor->memtable->rules, version, cursor->resolved->row,
                                          &cursor->base.row.image);
    cursor->base.row.clustering = version_clustering(version);
    cursor->base.on_row = ok(cursor->failure);
    return true;
}

/* The rest of a row that is a few before us. */
static void rest_prefetch_ahead(const struct memtable_cursor *cursor)
{
    enum { ROWS = 3 };
    unsigned at = cursor->base.reverse ? cursor->at - ROWS : cursor->at + ROWS;
    if (at < order_count(cursor->leaf.order)) /* below the first is beyond the last, too */
        row_prefetch_rest(cursor->leaf.leaf, cursor->leaf.order, at);
}

/* Stand on the visible version at `at`; false when there is none and the walk must go on. */
static bool stand_on(struct memtable_cursor *cursor)
{
    const struct leaf_entry *entry = &cursor->leaf.leaf->entries[order_slot(cursor->leaf.order, cursor->at)];
    const struct version *version = version_visible(cursor, entry);
    if (!version)
        return false;
    if (version->is_partial)
        return stand_on_partial(cursor, version);
    rest_prefetch_ahead(cursor);
    cursor->base.row = (struct row_view){version_clustering(version), version_image(version)};
    cursor->base.on_row = true;
    return true;
}

/* Half way through a leaf, fetch the rows of the next; the leaf itself was fetched at the start of this. */
static void prefetch_ahead(const struct memtable_cursor *cursor)
{
    const struct leaf *ahead = leaf_ahead(&cursor->leaf, cursor->base.reverse);
    if (ahead && cursor->at == TREE_FANOUT / 2)
        leaf_prefetch_rows(ahead, atomic_load_explicit(&ahead->node.order, memory_order_acquire));
}

static bool step_leaf(struct memtable_cursor *cursor)
{
    if (!tree_step(&cursor->partition->tree, cursor->base.reverse, &cursor->leaf, &cursor->at))
        return false;
    const struct leaf *ahead = leaf_ahead(&cursor->leaf, cursor->base.reverse);
    if (ahead)
        leaf_prefetch(ahead);
    return true;
}

/* From position `at` of the leaf on, the first row that is visible, in later leaves if need be. */
static void walk_forward(struct memtable_cursor *cursor)
{
    do {
        for (; cursor->at < order_count(cursor->leaf.order); cursor->at++)
            if (stand_on(cursor)) {
                prefetch_ahead(cursor);
                return;
            }
    } while (step_leaf(cursor));
    cursor->base.on_row = false;
}

/* The same backwards, beginning with the entry before `at`. */
static void walk_backward(struct memtable_cursor *cursor)
{
    do {
        while (cursor->at > 0) {
            cursor->at--;
            if (stand_on(cursor)) {
                prefetch_ahead(cursor);
                return;
            }
        }
    } while (step_leaf(cursor));
    cursor->base.on_row = false;
}

static status memtable_seek_row(struct cursor *base, struct slice clustering)
{
    struct memtable_cursor *cursor = cursor_of(base);
    if (!base->on_partition)
        return STATUS_DONE;
    cursor->began = true;
    tree_seek(&cursor->partition->tree, clustering, base->reverse, &cursor->leaf, &cursor->at);
    if (!cursor->leaf.leaf) {
        base->on_row = false;
        return STATUS_DONE;
    }
    leaf_prefetch_rows(cursor->leaf.leaf, cursor->leaf.order);
    const struct leaf *ahead = leaf_ahead(&cursor->leaf, base->reverse);
    if (ahead)
        leaf_prefetch(ahead);
    if (base->reverse)
        walk_backward(cursor);
    else
        walk_forward(cursor);
    return cursor->failure;
}

static status memtable_next(struct cursor *base)
{
    static const uint8_t after[] = {KEY_AFTER};
    struct memtable_cursor *cursor = cursor_of(base);
    if (!cursor->began)
        return memtable_seek_row(base, base->reverse ? slice_of(after, 1) : (struct slice){0});
    if (!base->on_row)
        return STATUS_DONE;
    if (base->reverse) {
        walk_backward(cursor);
    } else {
        cursor->at++;
        walk_forward(cursor);
    }
    return cursor->failure;
}

/* Partitions */

static status view_ranges(struct memtable_cursor *cursor, const struct head *head,
                          struct range_list *out_list)
{
    if (!head->tail_count) {
        *out_list = head->built;
        return STATUS_DONE;
    }
    uint32_t count = head->built.count + head->tail_count;
    struct range_tombstone *pieces = arena_calloc(&cursor->arena, count, sizeof *pieces);
    if (!pieces)
        return STATUS_FAIL(STATUS_NOMEM);
    if (head->built.count)
        memcpy(pieces, head->built.items, head->built.count * sizeof *pieces);
    memcpy(pieces + head->built.count, head->tail, head->tail_count * sizeof *pieces);
    return range_list_build(&cursor->arena, pieces, count, out_list);
}

static status view_static(struct memtable_cursor *cursor, const struct head *head, struct slice *out_image)
{
    if (!head->static_row)
        return STATUS_DONE;
    *out_image = version_image(head->static_row);
    if (!head->static_row->is_partial)
        return STATUS_DONE;
    TRY(resolved_make(cursor));
    return version_resolve(&cursor->memtable->rules, head->static_row, cursor->resolved->static_row,
                           out_image);
}

/* Bounds over rows and ranges; with neither, first lies after last. */
static void view_bounds(const struct partition *partition, struct partition_view *view)
{
    static const uint8_t after[] = {KEY_AFTER};
    const struct version *first = atomic_load_explicit(&partition->first, memory_order_acquire);
    const struct version *last = atomic_load_explicit(&partition->last, memory_order_acquire);
    view->first = first ? version_clustering(first) : slice_of(after, 1);
    view->last = last ? version_clustering(last) : (struct slice){0};
    if (!view->ranges.count)
        return;
    struct slice start = view->ranges.items[0].start;
    struct slice end = view->ranges.items[view->ranges.count - 1].end;
    if (slice_compare(start, view->first) < 0)
        view->first = start;
    if (slice_compare(end, view->last) > 0)
        view->last = end;
}

static void leave_partition(struct memtable_cursor *cursor)
{
    cursor->base.on_partition = cursor->base.on_row = false;
    cursor->began = false;
    arena_reset(&cursor->arena);
}

static status enter_partition(struct memtable_cursor *cursor, const struct partition *partition)
{
    struct partition_view view = {.key = partition_key_at(partition), .deletion = DELETION_NONE};
    /* Before all else: what is found after it is at least as new. */
    uint64_t visible = atomic_load_explicit(&partition->visible, memory_order_acquire);
    const struct head *head = atomic_load_explicit(&partition->head, memory_order_acquire);
    while (head && head->number > visible)
        head = head->older;
    if (head) {
        TRY(view_ranges(cursor, head, &view.ranges));
        view.deletion = head->deletion;
        TRY(view_static(cursor, head, &view.static_image));
    }
    view_bounds(partition, &view);
    cursor->partition = partition;
    cursor->visible = visible;
    cursor->base.partition = view;
    cursor->base.on_partition = true;
    return STATUS_DONE;
}

/* To the first partition of the order that is at or, with `after`, behind `key`. */
static status enter_from_order(struct memtable_cursor *cursor, struct partition_key key, bool after)
{
    if (!cursor->order)
        TRY(partition_order_get(cursor->memtable, &cursor->order, &cursor->order_owned));
    const struct partition_order *sorted = cursor->order;
    size_t low = 0, high = sorted->count;
    /* A walk has its place already: one step, no search. */
    if (after && cursor->index > 0 && cursor->index <= high &&
        sorted->partitions[cursor->index - 1] == cursor->partition)
        low = high = cursor->index;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = partition_key_compare(partition_key_at(sorted->partitions[middle]), key);
        if (order < 0 || (after && order == 0))
            low = middle + 1;
        else
            high = middle;
    }
    cursor->index = low + 1;
    return low < sorted->count ? enter_partition(cursor, sorted->partitions[low]) : STATUS_DONE;
}

static status memtable_seek_partition(struct cursor *base, struct partition_key key)
{
    struct memtable_cursor *cursor = cursor_of(base);
    leave_partition(cursor);
    cursor->moved = true;
    if (cursor->only_one)
        return partition_key_compare(partition_key_at(cursor->partition), key) >= 0
                   ? enter_partition(cursor, cursor->partition)
                   : STATUS_DONE;
    const struct partition *partition = partition_find(cursor->memtable, key);
    return partition ? enter_partition(cursor, partition) : enter_from_order(cursor, key, false);
}

static status memtable_next_partition(struct cursor *base)
{
    static const struct partition_key least = {.token = INT64_MIN};
    struct memtable_cursor *cursor = cursor_of(base);
    bool moved = cursor->moved, stood = base->on_partition;
    leave_partition(cursor);
    cursor->moved = true;
    if (moved && (!stood || cursor->only_one))
        return STATUS_DONE;
    if (cursor->only_one)
        return enter_partition(cursor, cursor->partition);
    return enter_from_order(cursor, moved ? partition_key_at(cursor->partition) : least, moved);
}

static void memtable_close(struct cursor *base)
{
    struct memtable_cursor *cursor = cursor_of(base);
    if (cursor->order_owned)
        free(cursor->order);
    arena_deinit(&cursor->arena);
    for (unsigned i = 0; cursor->resolved && i < 2; i++) {
        buffer_deinit(&cursor->resolved->static_row[i]);
        buffer_deinit(&cursor->resolved->row[i]);
    }
    free(cursor->resolved);
    memtable_unref(cursor->memtable);
    free(cursor);
}

static const struct cursor_ops memtable_cursor_ops = {
    .kind = "memtable",
    .seek_partition = memtable_seek_partition,
    .next_partition = memtable_next_partition,
    .seek_row = memtable_seek_row,
    .next = memtable_next,
    .close = memtable_close,
};

static status cursor_new(struct memtable *memtable, bool reverse, const struct partition *only,
                         struct cursor **out_cursor)
{
    struct memtable_cursor *cursor = calloc(1, sizeof *cursor);
    if (!cursor)
        return STATUS_FAIL(STATUS_NOMEM);
    cursor->base = (struct cursor){.ops = &memtable_cursor_ops, .reverse = reverse};
    cursor->memtable = memtable_ref(memtable);
    cursor->only_one = only != NULL;
    cursor->partition = only;
    *out_cursor = &cursor->base;
    return STATUS_DONE;
}

status memtable_cursor_open(struct memtable *memtable, bool reverse, struct cursor **out_cursor)
{
    return cursor_new(memtable, reverse, NULL, out_cursor);
}

status memtable_cursor_open_one(struct memtable *memtable, struct partition_key key, bool reverse,
                                struct cursor **out_cursor)
{
    const struct partition *partition = partition_find(memtable, key);
    if (!partition)
        return STATUS_FAIL(STATUS_NOT_FOUND);
    return cursor_new(memtable, reverse, partition, out_cursor);
}
