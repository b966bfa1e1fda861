#include "model.h"

#include <stdio.h>
#include <stdlib.h>

#include "row/row.h"

static struct slice random_bytes(struct arena *arena, struct random *rng, size_t bytes, uint32_t alphabet)
{
    uint8_t *data = arena_bytes(arena, bytes ? bytes : 1);
    for (size_t i = 0; i < bytes; i++)
        data[i] = (uint8_t)(random_below(rng, alphabet) + (alphabet < 200 ? 'a' : 0));
    return slice_of(data, bytes);
}

struct slice model_image(struct arena *arena, int64_t timestamp, struct slice value)
{
    struct row_builder row = {0};
    struct buffer image = {0};
    row_builder_reset(&row);
    row.marker = (struct marker){.timestamp = timestamp};
    row_builder_add(&row,
                    (struct cell){.column = 1, .kind = CELL_LIVE, .timestamp = timestamp, .value = value});
    assert_ok(row_builder_finish(&row, &image));
    struct slice kept = arena_copy(arena, buffer_slice(&image));
    buffer_deinit(&image);
    row_builder_deinit(&row);
    return kept;
}

/* A collection in column 9, and a counter in column 12. */
static void add_elements(struct arena *arena, struct random *rng, struct row_builder *row)
{
    static const char total[] = "\0\0\0\0\0\0\0\7";
    if (random_below(rng, 2))
        row_builder_add(row, (struct cell){.column = 9, .kind = CELL_COMPLEX_DELETION, .timestamp = 400});
    for (uint64_t i = random_below(rng, 6); i > 0; i--) {
        struct cell cell = {.column = 9,
                            .timestamp = (int64_t)random_below(rng, 1000),
                            .path = random_bytes(arena, rng, 1 + random_below(rng, 4), 4)};
        if (random_below(rng, 3) == 0)
            cell.kind = CELL_DEAD;
        else
            cell.value = random_bytes(arena, rng, random_below(rng, 4), 4);
        row_builder_add(row, cell);
    }
    row_builder_add(
        row, (struct cell){.column = 12, .kind = CELL_COUNTER, .timestamp = 9, .value = slice_of(total, 8)});
}

/* Any kind of image: expiring, dead, deleted, with elements. */
static struct slice random_image(struct arena *arena, struct random *rng, uint32_t value_max)
{
    struct row_builder row = {0};
    struct buffer image = {0};
    row_builder_reset(&row);
    if (random_below(rng, 2))
        row.marker = (struct marker){.timestamp = (int64_t)random_below(rng, 1000)};
    if (row.marker.timestamp != TIMESTAMP_NONE && random_below(rng, 3) == 0) {
        row.marker.ttl_s = 10;
        row.marker.expiry_s = 100 + (int64_t)random_below(rng, 100);
    }
    if (random_below(rng, 10) == 0)
        row.deletion = (struct deletion){.timestamp = (int64_t)random_below(rng, 1000), .time_s = 5};
    uint32_t cells = 1 + (uint32_t)random_below(rng, 3);
    for (uint32_t i = 0; i < cells; i++) {
        struct cell cell = {.column = i + 1, .timestamp = (int64_t)random_below(rng, 1000)};
        uint64_t kind = random_below(rng, 8);
        cell.kind = kind == 0 ? CELL_DEAD : kind == 1 ? CELL_EXPIRING : CELL_LIVE;
        if (cell.kind == CELL_DEAD)
            cell.expiry_s = 7;
        else
            cell.value = random_bytes(arena, rng, random_below(rng, value_max + 1), 4);
        if (cell.kind == CELL_EXPIRING) {
            cell.ttl_s = 10;
            cell.expiry_s = 100 + (int64_t)random_below(rng, 100);
        }
        row_builder_add(&row, cell);
    }
    if (random_below(rng, 4) == 0)
        add_elements(arena, rng, &row);
    assert_ok(row_builder_finish(&row, &image));
    struct slice kept = arena_copy(arena, buffer_slice(&image));
    buffer_deinit(&image);
    row_builder_deinit(&row);
    return kept;
}

static int by_clustering(const void *a, const void *b)
{
    return slice_compare(((const struct model_row *)a)->clustering,
                         ((const struct model_row *)b)->clustering);
}

static int by_key(const void *a, const void *b)
{
    return partition_key_compare(((const struct model_partition *)a)->key,
                                 ((const struct model_partition *)b)->key);
}

static void rows_random(struct model *model, struct model_partition *partition, struct random *rng,
                        const struct model_shape *shape)
{
    uint32_t wanted = shape->one_row ? 1 : (uint32_t)random_below(rng, shape->rows_max) + 1;
    if (shape->extras && random_below(rng, 6) == 0)
        wanted = 0;
    partition->rows = arena_calloc(&model->arena, wanted ? wanted : 1, sizeof *partition->rows);
    for (uint32_t i = 0; i < wanted; i++) {
        size_t key_bytes = shape->one_row ? 0 : 1 + random_below(rng, 12);
        partition->rows[i].clustering = random_bytes(&model->arena, rng, key_bytes, 4);
        partition->rows[i].image = random_image(&model->arena, rng, shape->value_max);
    }
    qsort(partition->rows, wanted, sizeof *partition->rows, by_clustering);
    for (uint32_t i = 0; i < wanted; i++)
        if (!i || by_clustering(&partition->rows[i], &partition->rows[partition->row_count - 1]) > 0)
            partition->rows[partition->row_count++] = partition->rows[i];
}

static void extras_random(struct model *model, struct model_partition *partition, struct random *rng,
                          const struct model_shape *shape)
{
    if (random_below(rng, 3) == 0)
        partition->deletion = (struct deletion){.timestamp = (int64_t)random_below(rng, 1000), .time_s = 3};
    if (random_below(rng, 3) == 0)
        partition->static_image = random_image(&model->arena, rng, shape->value_max);
    if (random_below(rng, 3) == 0) {
        struct range_tombstone pieces[5];
        uint32_t count = 1 + (uint32_t)random_below(rng, 5);
        static const uint8_t after[1] = {KEY_AFTER};
        for (uint32_t i = 0; i < count; i++) {
            pieces[i].start = random_bytes(&model->arena, rng, 1 + random_below(rng, 4), 4);
            pieces[i].end = random_below(rng, 5)
                                ? random_bytes(&model->arena, rng, 1 + random_below(rng, 4), 4)
                                : slice_of(after, 1);
            pieces[i].deletion =
                (struct deletion){.timestamp = (int64_t)random_below(rng, 1000), .time_s = 4};
        }
        assert_ok(range_list_build(&model->arena, pieces, count, &partition->ranges));
    }
}

void model_random(struct model *model, struct random *rng, const struct model_shape *shape)
{
    *model = (struct model){0};
    model->partitions = arena_calloc(&model->arena, shape->partitions, sizeof *model->partitions);
    for (uint32_t i = 0; i < shape->partitions; i++) {
        struct model_partition *partition = &model->partitions[i];
        char name[32];
        snprintf(name, sizeof name, "partition %u", i);
        partition->key = partition_key_of(arena_copy(&model->arena, slice_text(name)));
        partition->deletion = DELETION_NONE;
        rows_random(model, partition, rng, shape);
        if (shape->extras)
            extras_random(model, partition, rng, shape);
        model->row_count += partition->row_count;
    }
    model->count = shape->partitions;
    qsort(model->partitions, model->count, sizeof *model->partitions, by_key);
}

void model_numbered(struct model *model, const char *name, uint32_t rows, uint32_t value_bytes)
{
    *model = (struct model){.count = 1, .row_count = rows};
    struct random rng = {rows};
    struct model_partition *partition = arena_calloc(&model->arena, 1, sizeof *partition);
    partition->key = partition_key_of(arena_copy(&model->arena, slice_text(name)));
    partition->deletion = DELETION_NONE;
    partition->rows = arena_calloc(&model->arena, rows ? rows : 1, sizeof *partition->rows);
    partition->row_count = rows;
    for (uint32_t i = 0; i < rows; i++) {
        uint8_t key[8];
        store_be64(key, 2 * (uint64_t)i);
        partition->rows[i].clustering = arena_copy(&model->arena, slice_of(key, sizeof key));
        partition->rows[i].image =
            model_image(&model->arena, i, random_bytes(&model->arena, &rng, value_bytes, 256));
    }
    model->partitions = partition;
}

void model_deinit(struct model *model)
{
    arena_deinit(&model->arena);
}

struct sstable_build_options model_options(struct io_env *env, const char *path)
{
    return (struct sstable_build_options){
        .env = env,
        .path = path,
        .store_id = MODEL_STORE_ID,
        .table_id = MODEL_TABLE_ID,
        .file_number = MODEL_FILE_NUMBER,
        .compression_level = 1,
    };
}

static status model_feed(const struct model *model, struct sstable_builder *builder)
{
    for (uint32_t i = 0; i < model->count; i++) {
        const struct model_partition *partition = &model->partitions[i];
        struct partition_view view = {
            .key = partition->key,
            .deletion = partition->deletion,
            .ranges = partition->ranges,
            .static_image = partition->static_image,
        };
        TRY(sstable_builder_begin_partition(builder, &view));
        for (uint32_t r = 0; r < partition->row_count; r++)
            TRY(sstable_builder_add_row(builder, partition->rows[r].clustering, partition->rows[r].image));
        TRY(sstable_builder_end_partition(builder));
    }
    return STATUS_DONE;
}

status model_build(const struct model *model, const struct sstable_build_options *options,
                   struct sstable_info *out_info)
{
    struct sstable_builder *builder;
    struct sstable_info unused;
    TRY(sstable_builder_open(options, &builder));
    status st = model_feed(model, builder);
    if (failed(st)) {
        sstable_builder_abort(builder);
        return st;
    }
    return sstable_builder_finish(builder, out_info ? out_info : &unused);
}

static bool deletion_equal(struct deletion a, struct deletion b)
{
    return a.timestamp == b.timestamp && (a.timestamp == TIMESTAMP_NONE || a.time_s == b.time_s);
}

static bool partition_matches(const struct model_partition *partition, const struct partition_view *view)
{
    if (partition_key_compare(partition->key, view->key) != 0 ||
        !deletion_equal(partition->deletion, view->deletion) ||
        !slice_equal(partition->static_image, view->static_image) ||
        partition->ranges.count != view->ranges.count)
        return false;
    for (uint32_t i = 0; i < partition->ranges.count; i++) {
        const struct range_tombstone *a = &partition->ranges.items[i];
        const struct range_tombstone *b = &view->ranges.items[i];
        if (!slice_equal(a->start, b->start) || !slice_equal(a->end, b->end) ||
            !deletion_equal(a->deletion, b->deletion))
            return false;
    }
    return true;
}

static bool row_matches(const struct model_row *row, const struct row_view *view)
{
    return slice_equal(row->clustering, view->clustering) && slice_equal(row->image, view->image);
}

static void expect_bounds(const struct partition_view *view, struct slice key)
{
    assert_true(slice_compare(view->first, key) <= 0);
    assert_true(slice_compare(view->last, key) >= 0);
}

static void expect_partition(const struct model_partition *partition, struct cursor *cursor)
{
    assert_true(cursor->on_partition);
    assert_true(partition_matches(partition, &cursor->partition));
    for (uint32_t i = 0; i < partition->ranges.count; i++) {
        expect_bounds(&cursor->partition, partition->ranges.items[i].start);
        expect_bounds(&cursor->partition, partition->ranges.items[i].end);
    }
    for (uint32_t i = 0; i < partition->row_count; i++) {
        assert_ok(cursor_next(cursor));
        assert_true(cursor->on_row);
        const struct model_row *row = &partition->rows[cursor->reverse ? partition->row_count - 1 - i : i];
        assert_true(row_matches(row, &cursor->row));
        expect_bounds(&cursor->partition, row->clustering);
    }
    assert_ok(cursor_next(cursor));
    assert_false(cursor->on_row);
}

void model_expect_scan(const struct model *model, struct cursor *cursor)
{
    for (uint32_t i = 0; i < model->count; i++) {
        assert_ok(cursor_next_partition(cursor));
        expect_partition(&model->partitions[i], cursor);
    }
    assert_ok(cursor_next_partition(cursor));
    assert_false(cursor->on_partition);
}

/* Index of the row a seek must find, by the words of cursor.h; row_count for none. */
static uint32_t row_sought(const struct model_partition *partition, struct slice key, bool reverse)
{
    uint32_t below = 0;
    while (below < partition->row_count && slice_compare(partition->rows[below].clustering, key) < 0)
        below++;
    if (!reverse)
        return below;
    return below ? below - 1 : partition->row_count;
}

static struct slice random_target(const struct model_partition *partition, struct random *rng,
                                  uint8_t *scratch)
{
    static const uint8_t after[1] = {KEY_AFTER};
    switch (random_below(rng, 6)) {
    case 0: return (struct slice){0};
    case 1: return slice_of(after, 1);
    case 2: scratch[0] = (uint8_t)random_below(rng, 256); return slice_of(scratch, 1);
    default: break;
    }
    if (!partition->row_count)
        return (struct slice){0};
    struct slice key = partition->rows[random_below(rng, partition->row_count)].clustering;
    if (random_below(rng, 2) || key.bytes > 60)
        return key;
    if (key.bytes)
        memcpy(scratch, key.data, key.bytes);
    scratch[key.bytes] = KEY_AFTER;
    return slice_of(scratch, key.bytes + 1);
}

static void expect_row_seeks(const struct model_partition *partition, struct cursor *cursor,
                             struct random *rng)
{
    uint8_t scratch[64];
    for (uint32_t i = 0; i < 4; i++) {
        struct slice target = random_target(partition, rng, scratch);
        uint32_t at = row_sought(partition, target, cursor->reverse);
        assert_ok(cursor_seek_row(cursor, target));
        for (uint32_t steps = 0; steps < 20; steps++) {
            if (at >= partition->row_count) {
                assert_false(cursor->on_row);
                break;
            }
            assert_true(cursor->on_row);
            assert_true(row_matches(&partition->rows[at], &cursor->row));
            assert_ok(cursor_next(cursor));
            at = cursor->reverse ? (at ? at - 1 : partition->row_count) : at + 1;
        }
    }
}

static void expect_partition_seek(const struct model *model, struct sstable *table, struct random *rng)
{
    struct cursor *cursor;
    assert_ok(sstable_cursor_open(table, random_below(rng, 2), &cursor));
    for (uint32_t i = 0; i < 3; i++) {
        char name[32];
        snprintf(name, sizeof name, "partition %u", (unsigned)random_below(rng, 2 * model->count));
        struct partition_key key = partition_key_of(slice_text(name));
        uint32_t at = 0;
        while (at < model->count && partition_key_compare(model->partitions[at].key, key) < 0)
            at++;
        assert_ok(cursor_seek_partition(cursor, key));
        assert_int_equal(cursor->on_partition, at < model->count);
        if (at == model->count)
            continue;
        assert_true(partition_matches(&model->partitions[at], &cursor->partition));
        expect_row_seeks(&model->partitions[at], cursor, rng);
        assert_ok(cursor_next_partition(cursor));
        assert_int_equal(cursor->on_partition, at + 1 < model->count);
        if (at + 1 < model->count)
            expect_partition(&model->partitions[at + 1], cursor);
    }
    cursor_close(cursor);
}

void model_expect_seeks(const struct model *model, struct sstable *table, struct random *rng, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct model_partition *partition = &model->partitions[random_below(rng, model->count)];
        struct cursor *cursor;
        assert_true(sstable_may_contain(table, partition->key));
        assert_ok(sstable_cursor_open_one(table, partition->key, random_below(rng, 2), &cursor));
        assert_false(cursor->on_partition);
        assert_ok(cursor_next_partition(cursor));
        assert_true(cursor->on_partition);
        expect_row_seeks(partition, cursor, rng);
        assert_ok(cursor_seek_partition(cursor, partition->key));
        expect_partition(partition, cursor);
        assert_ok(cursor_next_partition(cursor));
        assert_false(cursor->on_partition);
        cursor_close(cursor);
        expect_partition_seek(model, table, rng);
    }
}

static status scan_damaged(const struct model *model, struct cursor *cursor, uint64_t *partitions,
                           uint64_t *rows)
{
    uint32_t at = 0;
    for (;;) {
        TRY(cursor_next_partition(cursor));
        if (!cursor->on_partition)
            return STATUS_DONE;
        while (at < model->count &&
               partition_key_compare(model->partitions[at].key, cursor->partition.key) < 0)
            at++;
        assert_true(at < model->count);
        const struct model_partition *partition = &model->partitions[at];
        assert_true(partition_matches(partition, &cursor->partition));
        ++*partitions;
        for (uint32_t i = 0;; i++) {
            TRY(cursor_next(cursor));
            if (!cursor->on_row) {
                assert_int_equal(i, partition->row_count);
                break;
            }
            assert_true(i < partition->row_count);
            assert_true(row_matches(&partition->rows[cursor->reverse ? partition->row_count - 1 - i : i],
                                    &cursor->row));
            ++*rows;
        }
    }
}

status model_scan_damaged(const struct model *model, struct sstable *table, bool reverse, bool *out_complete)
{
    struct cursor *cursor;
    uint64_t partitions = 0, rows = 0;
    *out_complete = false;
    TRY(sstable_cursor_open(table, reverse, &cursor));
    status st = scan_damaged(model, cursor, &partitions, &rows);
    cursor_close(cursor);
    *out_complete = partitions == model->count && rows == model->row_count;
    return st;
}

/* ---- a disk in memory ---- */

struct io_env *model_env;

int model_env_open(void **state)
{
    (void)state;
    return failed(io_env_open(IO_BODY_MEMORY, 1, &model_env)) || failed(io_mkdir(model_env, "/t"));
}

int model_env_close(void **state)
{
    (void)state;
    io_env_close(model_env);
    return 0;
}
