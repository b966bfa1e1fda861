/*
 * model.h: the plainest source of partitions that can be: sorted arrays, linear search. It is a leaf
 * cursor for tests of what stands above, and the judge of every other source.
 *
 * A model lives in its arena; model_deinit() frees all of it.
 */
#ifndef STRAIT_TESTS_ROW_MODEL_H
#define STRAIT_TESTS_ROW_MODEL_H

#include "row/cursor.h"
#include "row/mutation.h"
#include "tests/row/row_text.h"

struct model_row {
    struct slice clustering, image;
};

struct model_partition {
    struct partition_key key;
    struct deletion deletion;
    struct slice static_image;
    struct range_tombstone *pieces; /* as written: overlapping, in any order */
    uint32_t piece_count, piece_capacity;
    struct model_row *rows; /* by clustering key */
    uint32_t row_count, row_capacity;
};

struct model {
    struct arena arena;
    struct model_partition **partitions; /* by key */
    uint32_t count, capacity;
};

static const struct reconcile_rules model_rules = {.smaller_ttl_wins = true, .counters_restart = true};
static const uint8_t model_after[] = {KEY_AFTER};

static inline void model_deinit(struct model *model)
{
    arena_deinit(&model->arena);
    *model = (struct model){0};
}

/* Room for one more item of an arena array. */
static inline void *model_grow(struct arena *arena, void *items, uint32_t count, uint32_t *capacity,
                               size_t size)
{
    if (count < *capacity)
        return items;
    *capacity = *capacity ? *capacity * 2 : 4;
    void *grown = arena_calloc(arena, *capacity, size);
    assert_non_null(grown);
    if (count)
        memcpy(grown, items, count * size);
    return grown;
}

static inline struct model_partition *model_partition_at(struct model *model, struct partition_key key,
                                                         bool create)
{
    uint32_t at = 0;
    while (at < model->count && partition_key_compare(model->partitions[at]->key, key) < 0)
        at++;
    if (at < model->count && partition_key_compare(model->partitions[at]->key, key) == 0)
        return model->partitions[at];
    if (!create)
        return NULL;
    model->partitions = model_grow(&model->arena, model->partitions, model->count, &model->capacity,
                                   sizeof *model->partitions);
    memmove(model->partitions + at + 1, model->partitions + at,
            (model->count - at) * sizeof *model->partitions);
    struct model_partition *partition = arena_calloc(&model->arena, 1, sizeof *partition);
    partition->key = (struct partition_key){key.token, arena_copy(&model->arena, key.bytes)};
    partition->deletion = DELETION_NONE;
    model->partitions[at] = partition;
    model->count++;
    return partition;
}

static inline struct slice model_merge(struct model *model, struct slice a, struct slice b)
{
    struct buffer out = {0};
    assert_ok(row_merge(&model_rules, a, b, &out));
    struct slice copy = arena_copy(&model->arena, buffer_slice(&out));
    buffer_deinit(&out);
    return copy;
}

static inline void model_put_row(struct model *model, struct model_partition *partition,
                                 struct slice clustering, struct slice image)
{
    uint32_t at = 0;
    while (at < partition->row_count && slice_compare(partition->rows[at].clustering, clustering) < 0)
        at++;
    if (at < partition->row_count && slice_equal(partition->rows[at].clustering, clustering)) {
        partition->rows[at].image = model_merge(model, partition->rows[at].image, image);
        return;
    }
    partition->rows = model_grow(&model->arena, partition->rows, partition->row_count,
                                 &partition->row_capacity, sizeof *partition->rows);
    memmove(partition->rows + at + 1, partition->rows + at,
            (partition->row_count - at) * sizeof *partition->rows);
    partition->rows[at] =
        (struct model_row){arena_copy(&model->arena, clustering), arena_copy(&model->arena, image)};
    partition->row_count++;
}

static inline void model_put_range(struct model *model, struct model_partition *partition,
                                   struct range_tombstone range)
{
    partition->pieces = model_grow(&model->arena, partition->pieces, partition->piece_count,
                                   &partition->piece_capacity, sizeof *partition->pieces);
    range.start = arena_copy(&model->arena, range.start);
    range.end = arena_copy(&model->arena, range.end);
    partition->pieces[partition->piece_count++] = range;
}

static inline void model_apply(struct model *model, struct mutation mutation)
{
    struct model_partition *partition = NULL;
    struct mutation_part part;
    for (bool more;;) {
        assert_ok(mutation_next_part(&mutation, &part, &more));
        if (!more)
            return;
        if (!partition)
            partition = model_partition_at(model, mutation.key, true);
        switch (part.kind) {
        case MUTATION_PARTITION_DELETION:
            partition->deletion = deletion_max(partition->deletion, part.deletion);
            break;
        case MUTATION_RANGE: model_put_range(model, partition, part.range); break;
        case MUTATION_STATIC:
            partition->static_image = partition->static_image.bytes
                                          ? model_merge(model, partition->static_image, part.image)
                                          : arena_copy(&model->arena, part.image);
            break;
        case MUTATION_ROW: model_put_row(model, partition, part.clustering, part.image); break;
        }
    }
}

static inline struct deletion model_range_over(const struct model_partition *partition, struct slice key)
{
    struct deletion over = DELETION_NONE;
    for (uint32_t i = 0; i < partition->piece_count; i++)
        if (slice_compare(partition->pieces[i].start, key) <= 0 &&
            slice_compare(key, partition->pieces[i].end) < 0)
            over = deletion_max(over, partition->pieces[i].deletion);
    return over;
}

/* What is left of an image under a deletion; empty when nothing is. */
static inline struct slice model_cover(struct model *model, struct slice image, struct deletion cover)
{
    static const struct purge keep_all = {INT64_MIN, INT64_MIN, INT64_MIN};
    struct buffer out = {0};
    bool empty = true;
    if (image.bytes)
        assert_ok(row_purge(image, cover, &keep_all, &out, &empty));
    struct slice copy = empty ? (struct slice){0} : arena_copy(&model->arena, buffer_slice(&out));
    buffer_deinit(&out);
    return copy;
}

/* What a merge of sources shows: deletions applied, rows of which nothing is left gone. */
static inline void model_apply_deletions(struct model *model)
{
    for (uint32_t i = 0; i < model->count; i++) {
        struct model_partition *partition = model->partitions[i];
        uint32_t kept = 0;
        for (uint32_t j = 0; j < partition->row_count; j++) {
            struct model_row row = partition->rows[j];
            row.image =
                model_cover(model, row.image,
                            deletion_max(partition->deletion, model_range_over(partition, row.clustering)));
            if (row.image.bytes)
                partition->rows[kept++] = row;
        }
        partition->row_count = kept;
        partition->static_image = model_cover(model, partition->static_image, partition->deletion);
    }
}

/* A leaf cursor over a model. `asked` counts the calls that asked it for rows. */
struct model_cursor {
    struct cursor base;
    struct model *model; /* borrowed */
    uint32_t at;         /* of the next partition to come to */
    struct model_partition *partition;
    int64_t row; /* index of the row we stand on; before the first at the start */
    bool began;
    uint64_t *asked; /* borrowed, may be NULL */
};

static inline status model_stand(struct model_cursor *cursor, int64_t row)
{
    cursor->row = row;
    cursor->began = true;
    cursor->base.on_row = row >= 0 && row < cursor->partition->row_count;
    if (cursor->base.on_row) {
        cursor->base.row.clustering = cursor->partition->rows[row].clustering;
        cursor->base.row.image = cursor->partition->rows[row].image;
    }
    if (cursor->asked)
        ++*cursor->asked;
    return STATUS_DONE;
}

static inline status model_cursor_seek_row(struct cursor *base, struct slice clustering)
{
    struct model_cursor *cursor = (struct model_cursor *)base;
    int64_t row = 0;
    while (row < cursor->partition->row_count &&
           slice_compare(cursor->partition->rows[row].clustering, clustering) < 0)
        row++;
    return model_stand(cursor, base->reverse ? row - 1 : row);
}

static inline status model_cursor_next(struct cursor *base)
{
    struct model_cursor *cursor = (struct model_cursor *)base;
    if (!cursor->began)
        return model_stand(cursor, base->reverse ? (int64_t)cursor->partition->row_count - 1 : 0);
    return base->on_row ? model_stand(cursor, cursor->row + (base->reverse ? -1 : 1)) : STATUS_DONE;
}

static inline status model_cursor_enter(struct model_cursor *cursor)
{
    struct cursor *base = &cursor->base;
    base->on_row = cursor->began = false;
    base->on_partition = cursor->at < cursor->model->count;
    if (!base->on_partition)
        return STATUS_DONE;
    struct model_partition *partition = cursor->partition = cursor->model->partitions[cursor->at++];
    struct partition_view *view = &base->partition;
    *view = (struct partition_view){
        .key = partition->key,
        .deletion = partition->deletion,
        .static_image = partition->static_image,
        .first = slice_of(model_after, 1),
    };
    assert_ok(
        range_list_build(&cursor->model->arena, partition->pieces, partition->piece_count, &view->ranges));
    if (partition->row_count) {
        view->first = partition->rows[0].clustering;
        view->last = partition->rows[partition->row_count - 1].clustering;
    }
    for (uint32_t i = 0; i < view->ranges.count; i++) {
        if (slice_compare(view->ranges.items[i].start, view->first) < 0)
            view->first = view->ranges.items[i].start;
        if (slice_compare(view->ranges.items[i].end, view->last) > 0)
            view->last = view->ranges.items[i].end;
    }
    return STATUS_DONE;
}

static inline status model_cursor_next_partition(struct cursor *base)
{
    return model_cursor_enter((struct model_cursor *)base);
}

static inline status model_cursor_seek_partition(struct cursor *base, struct partition_key key)
{
    struct model_cursor *cursor = (struct model_cursor *)base;
    cursor->at = 0;
    while (cursor->at < cursor->model->count &&
           partition_key_compare(cursor->model->partitions[cursor->at]->key, key) < 0)
        cursor->at++;
    return model_cursor_enter(cursor);
}

static inline void model_cursor_close(struct cursor *base)
{
    free(base);
}

static inline struct cursor *model_cursor_open(struct model *model, bool reverse, uint64_t *asked)
{
    static const struct cursor_ops ops = {
        .kind = "model",
        .seek_partition = model_cursor_seek_partition,
        .next_partition = model_cursor_next_partition,
        .seek_row = model_cursor_seek_row,
        .next = model_cursor_next,
        .close = model_cursor_close,
    };
    struct model_cursor *cursor = calloc(1, sizeof *cursor);
    assert_non_null(cursor);
    cursor->base.ops = &ops;
    cursor->base.reverse = reverse;
    cursor->model = model;
    cursor->asked = asked;
    return &cursor->base;
}

/* Random writes over few enough keys that everything meets everything. */
struct model_space {
    uint32_t partitions, rows; /* how many different keys of each */
    bool integers;             /* clustering keys are one int; else text with a long common start */
    bool plain;                /* rows only */
};

static inline struct partition_key model_partition_key(uint64_t number, char *text)
{
    return partition_key_of(slice_of(text, (size_t)sprintf(text, "p%llu", (unsigned long long)number)));
}

/* The clustering key of a row number; `bound` adds KEY_AFTER. */
static inline void model_clustering(const struct model_space *space, uint64_t number, bool after,
                                    struct buffer *out)
{
    buffer_clear(out);
    if (space->integers) {
        uint8_t wire[4];
        store_be32(wire, (uint32_t)number);
        assert_ok(
            key_append(out, (struct key_column){.kind = KEY_INT32, .descending = true}, slice_of(wire, 4)));
    } else {
        char text[48];
        int bytes = sprintf(text, "a long common start %llu", (unsigned long long)number);
        assert_ok(key_append(out, (struct key_column){.kind = KEY_BYTES, .descending = false},
                             slice_of(text, (size_t)bytes)));
    }
    if (after)
        buffer_append_u8(out, KEY_AFTER);
}

static inline void model_random_part(struct random *rng, const struct model_space *space, struct batch *batch)
{
    struct buffer image = {0}, start = {0}, end = {0};
    uint64_t kind = space->plain ? 9 : random_below(rng, 40);
    struct deletion deletion = {(int64_t)random_below(rng, 4), (int64_t)random_below(rng, 3)};
    if (kind == 0) {
        batch_delete_partition(batch, deletion);
    } else if (kind < 3) {
        model_clustering(space, random_below(rng, space->rows), random_below(rng, 2), &start);
        model_clustering(space, random_below(rng, space->rows), random_below(rng, 2), &end);
        bool swap = slice_compare(buffer_slice(&start), buffer_slice(&end)) > 0;
        struct slice low = buffer_slice(swap ? &end : &start), high = buffer_slice(swap ? &start : &end);
        if (random_below(rng, 8) == 0)
            low = (struct slice){0};
        if (random_below(rng, 8) == 0)
            high = slice_of(model_after, 1);
        batch_delete_range(batch, (struct range_tombstone){low, high, deletion});
    } else if (kind < 5) {
        row_random(rng, &image);
        batch_static(batch, buffer_slice(&image));
    } else {
        row_random(rng, &image);
        model_clustering(space, random_below(rng, space->rows), false, &start);
        batch_row(batch, buffer_slice(&start), buffer_slice(&image));
    }
    buffer_deinit(&image);
    buffer_deinit(&start);
    buffer_deinit(&end);
}

/* A batch of one mutation, and the mutation. */
static inline struct mutation model_random_mutation(struct random *rng, const struct model_space *space,
                                                    struct batch *batch)
{
    char text[32];
    struct mutation mutation;
    bool more;
    batch_clear(batch);
    batch_begin(batch, 1, model_partition_key(random_below(rng, space->partitions), text));
    for (uint64_t i = 1 + random_below(rng, 4); i > 0; i--)
        model_random_part(rng, space, batch);
    batch_end(batch);
    assert_ok(batch_status(batch));
    struct reader in = reader_of(buffer_slice(&batch->bytes));
    assert_ok(mutation_next(&in, &mutation, &more));
    assert_true(more);
    return mutation;
}

/* Comparing a cursor with the model that it should show. */

static inline void assert_same_image(struct slice a, struct slice b)
{
    assert_int_equal(a.bytes, b.bytes);
    if (a.bytes)
        assert_memory_equal(a.data, b.data, a.bytes);
}

/* Both cursors stand alike. */
static inline void assert_same_row(const struct cursor *cursor, const struct cursor *expected)
{
    assert_int_equal(cursor->on_row, expected->on_row);
    if (!expected->on_row)
        return;
    assert_same_image(cursor->row.clustering, expected->row.clustering);
    assert_same_image(cursor->row.image, expected->row.image);
}

static inline void assert_same_partition(const struct cursor *cursor, const struct cursor *expected,
                                         const struct model_space *space)
{
    assert_int_equal(cursor->on_partition, expected->on_partition);
    if (!expected->on_partition)
        return;
    const struct partition_view *view = &cursor->partition, *other = &expected->partition;
    assert_int_equal(partition_key_compare(view->key, other->key), 0);
    assert_int_equal(deletion_compare(view->deletion, other->deletion), 0);
    assert_same_image(view->static_image, other->static_image);
    struct buffer key = {0};
    for (uint64_t i = 0; i < 2 * (uint64_t)space->rows; i++) {
        model_clustering(space, i / 2, i % 2, &key);
        struct deletion seen =
            deletion_max(view->deletion, range_list_over(&view->ranges, buffer_slice(&key)));
        struct deletion wanted =
            deletion_max(other->deletion, range_list_over(&other->ranges, buffer_slice(&key)));
        assert_int_equal(deletion_compare(seen, wanted), 0);
    }
    buffer_deinit(&key);
    /* Bounds may be wide, never narrow. */
    assert_true(slice_compare(view->first, other->first) <= 0 || !other->ranges.count);
    assert_true(slice_compare(view->last, other->last) >= 0 || !other->ranges.count);
}

/* Walk all partitions and rows of both. */
static inline void assert_same_walk(struct cursor *cursor, struct cursor *expected,
                                    const struct model_space *space)
{
    do {
        assert_ok(cursor_next_partition(cursor));
        assert_ok(cursor_next_partition(expected));
        assert_same_partition(cursor, expected, space);
        assert_false(cursor->on_row);
        while (expected->on_partition) {
            assert_ok(cursor_next(cursor));
            assert_ok(cursor_next(expected));
            assert_same_row(cursor, expected);
            if (!expected->on_row)
                break;
        }
    } while (expected->on_partition);
    assert_ok(cursor_next_partition(cursor));
    assert_false(cursor->on_partition);
}

/* Move both in any way that the contract allows, and compare after each move. */
static inline void assert_same_moves(struct cursor *cursor, struct cursor *expected, struct random *rng,
                                     const struct model_space *space, int moves)
{
    struct buffer key = {0};
    char text[32];
    for (int i = 0; i < moves; i++) {
        uint64_t move = random_below(rng, 20);
        if (!expected->on_partition || move == 0) {
            struct partition_key target = model_partition_key(random_below(rng, space->partitions + 3), text);
            assert_ok(cursor_seek_partition(cursor, target));
            assert_ok(cursor_seek_partition(expected, target));
            assert_same_partition(cursor, expected, space);
        } else if (move == 1) {
            assert_ok(cursor_next_partition(cursor));
            assert_ok(cursor_next_partition(expected));
            assert_same_partition(cursor, expected, space);
        } else if (move < 6) {
            model_clustering(space, random_below(rng, space->rows + 2), random_below(rng, 2), &key);
            struct slice target = buffer_slice(&key);
            if (random_below(rng, 6) == 0)
                target = cursor->reverse ? slice_of(model_after, 1) : (struct slice){0};
            assert_ok(cursor_seek_row(cursor, target));
            assert_ok(cursor_seek_row(expected, target));
            assert_same_row(cursor, expected);
        } else {
            assert_ok(cursor_next(cursor));
            assert_ok(cursor_next(expected));
            assert_same_row(cursor, expected);
        }
    }
    buffer_deinit(&key);
}

#endif
