#include "memtable/memtable.h"

#include <assert.h>
#include <stdlib.h>

#include "memtable/memtable_internal.h"

enum {
    FIRST_SLAB_BYTES = 512,
    WHOLE_BYTES_MAX = 4096,
    TAIL_MIN = 4, /* range tombstones between two builds of a list, and a quarter of the list */
};

status memtable_new(const struct reconcile_rules *rules, struct memtable **out_memtable)
{
    return memtable_new_pooled(rules, NULL, out_memtable);
}

status memtable_new_pooled(const struct reconcile_rules *rules, struct slab_pool *pool,
                           struct memtable **out_memtable)
{
    struct memtable *memtable = calloc(1, sizeof *memtable);
    if (!memtable)
        return STATUS_FAIL(STATUS_NOMEM);
    memtable->rules = *rules;
    memtable->whole_bytes_max = WHOLE_BYTES_MAX;
    arena_init_pooled(&memtable->arena, FIRST_SLAB_BYTES, pool);
    atomic_init(&memtable->references, 1);
    atomic_init(&memtable->bytes, sizeof *memtable);
    atomic_init(&memtable->min_timestamp, INT64_MAX);
    atomic_init(&memtable->max_timestamp, INT64_MIN);
    *out_memtable = memtable;
    return STATUS_DONE;
}

void memtable_merge_above(struct memtable *memtable, size_t image_bytes)
{
    memtable->whole_bytes_max = image_bytes;
}

void memtable_rows_as_they_come(struct memtable *memtable)
{
    memtable->rows_as_they_come = true;
}

struct memtable *memtable_ref(struct memtable *memtable)
{
    atomic_fetch_add_explicit(&memtable->references, 1, memory_order_relaxed);
    return memtable;
}

void memtable_unref(struct memtable *memtable)
{
    if (!memtable || atomic_fetch_sub_explicit(&memtable->references, 1, memory_order_acq_rel) != 1)
        return;
    struct partition_table *table = atomic_load_explicit(&memtable->table, memory_order_relaxed);
    while (table) {
        struct partition_table *older = table->older;
        free(table);
        table = older;
    }
    free(atomic_load_explicit(&memtable->sorted, memory_order_relaxed));
    buffer_deinit(&memtable->scratch[0]);
    buffer_deinit(&memtable->scratch[1]);
    arena_deinit(&memtable->arena);
    free(memtable);
}

void memtable_freeze(struct memtable *memtable)
{
    atomic_store_explicit(&memtable->frozen, true, memory_order_release);
}

static void account(struct memtable *memtable)
{
    uint64_t bytes = sizeof *memtable + memtable->arena.reserved_bytes + memtable->table_bytes +
                     memtable->scratch[0].capacity_bytes + memtable->scratch[1].capacity_bytes;
    atomic_store_explicit(&memtable->bytes, bytes, memory_order_relaxed);
}

void memtable_use_reserve(struct memtable *memtable, struct memory_reserve *reserve)
{
    memtable->arena.reserve = reserve;
}

status memtable_reserve_partitions(struct memtable *memtable, uint32_t count)
{
    TRY(partition_table_widen(memtable, count));
    account(memtable);
    return STATUS_DONE;
}

/*
 * A part is copied once, in a room of its own or with others, and may split the leaf that it comes to and what is right above
 * that; what lies higher is split by the first of a mutation. Deletions are a head and twice the ranges. Every piece of the
 * reserve has a head.
 */
size_t memtable_reserve_bytes(size_t mutations, size_t parts, size_t payload_bytes)
{
    enum { MUTATION_BYTES = 16 << 10, PART_BYTES = 4 << 10 };
    return mutations * MUTATION_BYTES + parts * PART_BYTES + 2 * payload_bytes;
}

/* What the first pass over a mutation finds. */
struct survey {
    int64_t min_timestamp, max_timestamp;
    bool has_parts;
    bool has_head; /* anything but rows */
    uint32_t ranges;
};

static void survey_see(struct survey *survey, int64_t min, int64_t max)
{
    if (min < survey->min_timestamp)
        survey->min_timestamp = min;
    if (max > survey->max_timestamp)
        survey->max_timestamp = max;
}

static status survey_part(struct survey *survey, const struct mutation_part *part)
{
    struct row_facts facts;
    switch (part->kind) {
    case MUTATION_ROW:
    case MUTATION_STATIC:
        TRY(row_facts_of(part->image, &facts));
        if (part->clustering.bytes > UINT32_MAX || part->image.bytes > UINT32_MAX)
            return STATUS_FAIL(STATUS_CORRUPT);
        survey_see(survey, facts.min_timestamp, facts.max_timestamp);
        break;
    case MUTATION_PARTITION_DELETION:
        survey_see(survey, part->deletion.timestamp, part->deletion.timestamp);
        break;
    case MUTATION_RANGE:
        survey_see(survey, part->range.deletion.timestamp, part->range.deletion.timestamp);
        survey->ranges++;
        break;
    }
    survey->has_head |= part->kind != MUTATION_ROW;
    survey->has_parts = true;
    return STATUS_DONE;
}

/* Look at everything before anything is changed. `mutation` is a copy. */
static status survey_mutation(struct mutation mutation, struct survey *out_survey)
{
    struct survey survey = {.min_timestamp = INT64_MAX, .max_timestamp = INT64_MIN};
    struct mutation_part part;
    for (bool more;;) {
        TRY(mutation_next_part(&mutation, &part, &more));
        if (!more)
            break;
        TRY(survey_part(&survey, &part));
    }
    *out_survey = survey;
    return STATUS_DONE;
}

/* One mutation on its way into a partition. */
struct intake {
    struct memtable *memtable;
    struct partition *partition;
    uint64_t number;
    uint64_t new_rows, late_rows, partial_rows, rows_together;
};

static size_t version_bytes(struct slice clustering, struct slice image)
{
    return sizeof(struct version) + clustering.bytes + image.bytes;
}

/* At a place with room for it, NULL when there is none. `base` makes it partial, and is written behind it by the caller. */
static struct version *version_init(void *at, struct intake *intake, struct slice clustering,
                                    struct slice image, struct version *older, const struct version *base)
{
    struct version *version = at;
    if (!version)
        return NULL;
    atomic_init(&version->number, intake->number);
    version->older = older;
    version->clustering_bytes = (uint32_t)clustering.bytes & INT32_MAX;
    version->is_partial = base != NULL;
    version->image_bytes = (uint32_t)image.bytes;
    if (clustering.bytes)
        memcpy(version->bytes, clustering.data, clustering.bytes);
    memcpy(version->bytes + clustering.bytes, image.data, image.bytes);
    return version;
}

/* `base` makes it partial. */
static struct version *version_new(struct intake *intake, struct slice clustering, struct slice image,
                                   struct version *older, const struct version *base)
{
    size_t bytes = version_bytes(clustering, image) + (base ? sizeof base : 0);
    struct version *version =
        version_init(arena_alloc(&intake->memtable->arena, bytes), intake, clustering, image, older, base);
    if (!version)
        return NULL;
    if (base)
        memcpy(version->bytes + clustering.bytes + image.bytes, &base, sizeof base);
    intake->partial_rows += base != NULL;
    return version;
}

static uint64_t number_of(const struct version *version)
{
    return atomic_load_explicit(&version->number, memory_order_relaxed);
}

/*
 * Merge a change into what stands of a row, down to the first image that is large in itself and against the change: that
 * one becomes *out_base and is left alone. So the images of a row at least double from base to base, each change is copied
 * about as often as that takes, and a reader merges few of them. So does the one for which memory ran out. *out_image is
 * `image` or in the scratch buffers.
 */
static status fold(struct memtable *memtable, const struct version *standing, struct slice image,
                   struct slice *out_image, const struct version **out_base)
{
    status st = STATUS_DONE;
    const struct version *base = standing;
    for (unsigned step = 0; base; step++) {
        struct slice below = version_image(base);
        struct buffer *merged = &memtable->scratch[step % 2];
        if (below.bytes > memtable->whole_bytes_max && below.bytes / 2 > image.bytes)
            break;
        buffer_clear(merged);
        st = row_merge(&memtable->rules, below, image, merged);
        if (failed(st))
            break;
        image = buffer_slice(merged);
        base = version_base(base);
    }
    if (failed(st) && st.code != STATUS_NOMEM)
        return st;
    *out_image = image;
    *out_base = base;
    return STATUS_DONE;
}

/* A change folded into what stands, or beside it where there is no memory for more: the reserve is for what must be. NULL when
 * there is not even that. */
static struct version *version_fold(struct intake *intake, const struct mutation_part *part,
                                    struct version *older, const struct version *standing, struct slice image,
                                    const struct version *base)
{
    struct arena *arena = &intake->memtable->arena;
    struct memory_reserve *reserve = arena->reserve;
    arena->reserve = NULL;
    struct version *version = version_new(intake, part->clustering, image, older, base);
    arena->reserve = reserve;
    return version || !reserve ? version
                               : version_new(intake, part->clustering, part->image, older, standing);
}

/* A key that the tree has: reconcile with its newest version, and keep nothing if that changes nothing. */
static status row_rewrite(struct intake *intake, struct leaf_entry *entry, const struct mutation_part *part)
{
    struct version *newest = atomic_load_explicit(&entry->newest, memory_order_relaxed);
    const struct version *standing = newest;
    while (standing && number_of(standing) == VERSION_WITHDRAWN)
        standing = standing->older;

    struct slice image;
    const struct version *base;
    TRY(fold(intake->memtable, standing, part->image, &image, &base));
    if (standing && base == version_base(standing) && slice_equal(image, version_image(standing)))
        return STATUS_DONE;
    struct version *version = version_fold(intake, part, newest, standing, image, base);
    if (!version)
        return STATUS_FAIL(STATUS_NOMEM);
    intake->new_rows += !standing;
    atomic_store_explicit(&entry->newest, version, memory_order_release);
    return STATUS_DONE;
}

/* The bounds only widen, and before `visible` moves, so a cursor's are never too narrow. */
static void widen_bounds(struct partition *partition, const struct tree_place *place,
                         const struct version *version)
{
    if (place->is_first)
        atomic_store_explicit(&partition->first, version, memory_order_release);
    if (place->is_last)
        atomic_store_explicit(&partition->last, version, memory_order_release);
}

/* Memory for the version of a new row; NULL when there is none. */
static void *row_take(struct intake *intake, size_t bytes, bool is_first)
{
    struct memtable *memtable = intake->memtable;
    bool together = false;
    void *taken = memtable->rows_as_they_come
                      ? arena_alloc(&memtable->arena, bytes)
                      : row_room_take(&intake->partition->room, &memtable->arena, bytes, is_first, &together);
    intake->rows_together += together;
    return taken;
}

static status row_put(struct intake *intake, const struct mutation_part *part)
{
    struct tree *tree = &intake->partition->tree;
    struct tree_place place;
    uint64_t prefix = key_prefix(part->clustering);
    tree_find(tree, part->clustering, prefix, &place);
    if (place.found) {
        uint64_t order = atomic_load_explicit(&place.leaf->node.order, memory_order_relaxed);
        return row_rewrite(intake, &place.leaf->entries[order_slot(order, place.at)], part);
    }
    void *at = row_take(intake, version_bytes(part->clustering, part->image), place.is_first);
    struct version *version = version_init(at, intake, part->clustering, part->image, NULL, NULL);
    if (!version)
        return STATUS_FAIL(STATUS_NOMEM);
    TRY(tree_insert(tree, &intake->memtable->arena, &place, prefix, version));
    intake->new_rows++;
    widen_bounds(intake->partition, &place, version);
    intake->late_rows += !place.is_first && !place.is_last;
    return STATUS_DONE;
}

/* Build one list of what the head has, and leave an empty tail with room to grow. */
static status head_build_ranges(struct arena *arena, struct head *head, uint32_t wanted)
{
    uint32_t count = head->built.count + head->tail_count;
    uint32_t capacity = count / 4 > TAIL_MIN ? count / 4 : TAIL_MIN;
    if (capacity < wanted)
        capacity = wanted;
    struct range_tombstone *tail = arena_calloc(arena, capacity, sizeof *tail);
    struct range_tombstone *pieces = calloc(count ? count : 1, sizeof *pieces);
    status st = tail && pieces ? STATUS_DONE : STATUS_FAIL(STATUS_NOMEM);
    if (ok(st)) {
        if (head->built.count)
            memcpy(pieces, head->built.items, head->built.count * sizeof *pieces);
        if (head->tail_count)
            memcpy(pieces + head->built.count, head->tail, head->tail_count * sizeof *pieces);
        st = range_list_build(arena, pieces, count, &head->built);
    }
    if (ok(st)) {
        head->tail = tail;
        head->tail_count = 0;
        head->tail_capacity = capacity;
    }
    free(pieces);
    return st;
}

/* Nothing but room for more in the tail. */
static status head_widen_tail(struct arena *arena, struct head *head, uint32_t wanted)
{
    uint32_t capacity = head->tail_count + wanted;
    struct range_tombstone *tail = arena_calloc(arena, capacity, sizeof *tail);
    if (!tail)
        return STATUS_FAIL(STATUS_NOMEM);
    if (head->tail_count)
        memcpy(tail, head->tail, head->tail_count * sizeof *tail);
    head->tail = tail;
    head->tail_capacity = capacity;
    return STATUS_DONE;
}

/* The list may be long: without memory for it the reserve gives room for what must be kept. */
static status head_make_room(struct arena *arena, struct head *head, uint32_t wanted)
{
    struct memory_reserve *reserve = arena->reserve;
    arena->reserve = NULL;
    status st = head_build_ranges(arena, head, wanted);
    arena->reserve = reserve;
    return st.code == STATUS_NOMEM && reserve ? head_widen_tail(arena, head, wanted) : st;
}

static status head_add_range(struct arena *arena, struct head *head, struct range_tombstone range)
{
    struct slice start = arena_copy(arena, range.start);
    struct slice end = arena_copy(arena, range.end);
    if (!start.data || !end.data)
        return STATUS_FAIL(STATUS_NOMEM);
    head->tail[head->tail_count++] = (struct range_tombstone){start, end, range.deletion};
    return STATUS_DONE;
}

static status head_add_static(struct intake *intake, struct head *head, const struct mutation_part *part)
{
    struct slice image;
    const struct version *base;
    TRY(fold(intake->memtable, head->static_row, part->image, &image, &base));
    head->static_row = version_fold(intake, part, NULL, head->static_row, image, base);
    return head->static_row ? STATUS_DONE : STATUS_FAIL(STATUS_NOMEM);
}

/* A new head from the last one and all of the mutation that is not a row. */
static status head_new(struct intake *intake, struct mutation mutation, uint32_t ranges,
                       const struct head **out_head)
{
    struct arena *arena = &intake->memtable->arena;
    const struct head *older = atomic_load_explicit(&intake->partition->head, memory_order_relaxed);
    struct head *head = arena_calloc(arena, 1, sizeof *head);
    if (!head)
        return STATUS_FAIL(STATUS_NOMEM);
    *head = older ? *older : (struct head){.deletion = DELETION_NONE};
    head->number = intake->number;
    head->older = older;
    if (ranges && ranges > head->tail_capacity - head->tail_count)
        TRY(head_make_room(arena, head, ranges));

    struct mutation_part part;
    for (bool more;;) {
        TRY(mutation_next_part(&mutation, &part, &more));
        if (!more)
            break;
        if (part.kind == MUTATION_PARTITION_DELETION)
            head->deletion = deletion_max(head->deletion, part.deletion);
        else if (part.kind == MUTATION_RANGE)
            TRY(head_add_range(arena, head, part.range));
        else if (part.kind == MUTATION_STATIC)
            TRY(head_add_static(intake, head, &part));
    }
    *out_head = head;
    return STATUS_DONE;
}

static status intake_rows(struct intake *intake, struct mutation mutation)
{
    struct mutation_part part;
    for (bool more;;) {
        TRY(mutation_next_part(&mutation, &part, &more));
        if (!more)
            return STATUS_DONE;
        if (part.kind == MUTATION_ROW)
            TRY(row_put(intake, &part));
    }
}

/* Take back the rows of a mutation that failed: nobody will ever be shown them. */
static void intake_withdraw(struct intake *intake, struct mutation mutation)
{
    struct mutation_part part;
    for (bool more; ok(mutation_next_part(&mutation, &part, &more)) && more;) {
        struct tree_place place;
        if (part.kind != MUTATION_ROW)
            continue;
        tree_find(&intake->partition->tree, part.clustering, key_prefix(part.clustering), &place);
        if (!place.found)
            continue;
        uint64_t order = atomic_load_explicit(&place.leaf->node.order, memory_order_relaxed);
        struct leaf_entry *entry = &place.leaf->entries[order_slot(order, place.at)];
        struct version *version = atomic_load_explicit(&entry->newest, memory_order_relaxed);
        for (; version && (number_of(version) == intake->number || number_of(version) == VERSION_WITHDRAWN);
             version = version->older)
            atomic_store_explicit(&version->number, VERSION_WITHDRAWN, memory_order_relaxed);
    }
}

static struct partition *partition_new(struct arena *arena, struct partition_key key)
{
    struct partition *partition = arena_calloc(arena, 1, sizeof *partition);
    if (!partition)
        return NULL;
    partition->token = key.token;
    partition->key = arena_copy(arena, key.bytes);
    return partition->key.data ? partition : NULL;
}

static void add_relaxed(_Atomic uint64_t *counter, uint64_t value)
{
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + value,
                          memory_order_relaxed);
}

static void count_in(const struct intake *intake, const struct survey *survey)
{
    struct memtable *memtable = intake->memtable;
    add_relaxed(&memtable->writes, 1);
    add_relaxed(&memtable->rows, intake->new_rows);
    add_relaxed(&memtable->late_rows, intake->late_rows);
    add_relaxed(&memtable->partial_rows, intake->partial_rows);
    add_relaxed(&memtable->rows_together, intake->rows_together);
    if (survey->min_timestamp < atomic_load_explicit(&memtable->min_timestamp, memory_order_relaxed))
        atomic_store_explicit(&memtable->min_timestamp, survey->min_timestamp, memory_order_relaxed);
    if (survey->max_timestamp > atomic_load_explicit(&memtable->max_timestamp, memory_order_relaxed))
        atomic_store_explicit(&memtable->max_timestamp, survey->max_timestamp, memory_order_relaxed);
}

static status intake_apply(struct intake *intake, struct mutation mutation, const struct survey *survey)
{
    struct partition *partition = intake->partition;
    const struct head *head = NULL;
    status st = intake_rows(intake, mutation);
    if (ok(st) && survey->has_head)
        st = head_new(intake, mutation, survey->ranges, &head);
    if (failed(st)) {
        intake_withdraw(intake, mutation);
        return st;
    }
    if (head)
        atomic_store_explicit(&partition->head, head, memory_order_release);
    atomic_store_explicit(&partition->visible, intake->number, memory_order_release);
    return STATUS_DONE;
}

status memtable_apply(struct memtable *memtable, struct mutation mutation)
{
    assert(!atomic_load_explicit(&memtable->frozen, memory_order_relaxed));
    struct intake intake = {.memtable = memtable, .partition = partition_find(memtable, mutation.key)};
    if (intake.partition) /* the leaf is on its way while the mutation is looked at */
        partition_prefetch_row(intake.partition);
    struct survey survey;
    TRY(survey_mutation(mutation, &survey));
    if (!survey.has_parts)
        return STATUS_DONE;

    bool is_new = !intake.partition;
    status st = STATUS_DONE;
    if (is_new) {
        st = partition_table_reserve(memtable);
        intake.partition = ok(st) ? partition_new(&memtable->arena, mutation.key) : NULL;
        if (ok(st) && !intake.partition)
            st = STATUS_FAIL(STATUS_NOMEM);
    }
    if (ok(st)) {
        intake.number = atomic_load_explicit(&intake.partition->visible, memory_order_relaxed) + 1;
        st = intake_apply(&intake, mutation, &survey);
    }
    if (ok(st)) {
        if (is_new)
            partition_publish(memtable, intake.partition);
        count_in(&intake, &survey);
    }
    account(memtable);
    return st;
}

size_t memtable_bytes(const struct memtable *memtable)
{
    return (size_t)(atomic_load_explicit(&memtable->bytes, memory_order_relaxed) +
                    atomic_load_explicit(&memtable->sorted_bytes, memory_order_relaxed));
}

void memtable_stats(struct memtable *memtable, struct memtable_stats *out_stats)
{
    *out_stats = (struct memtable_stats){
        .bytes = memtable_bytes(memtable),
        .partitions = atomic_load_explicit(&memtable->partitions, memory_order_relaxed),
        .rows = atomic_load_explicit(&memtable->rows, memory_order_relaxed),
        .writes = atomic_load_explicit(&memtable->writes, memory_order_relaxed),
        .late_rows = atomic_load_explicit(&memtable->late_rows, memory_order_relaxed),
        .partial_rows = atomic_load_explicit(&memtable->partial_rows, memory_order_relaxed),
        .rows_together = atomic_load_explicit(&memtable->rows_together, memory_order_relaxed),
        .min_timestamp = atomic_load_explicit(&memtable->min_timestamp, memory_order_relaxed),
        .max_timestamp = atomic_load_explicit(&memtable->max_timestamp, memory_order_relaxed),
    };
}
