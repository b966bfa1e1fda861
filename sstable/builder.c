/*
 * Building a table. Rows gather in a block; a block that is full becomes a frame. A partition's directory entry needs
 * the place and checksum of its block, so entries wait in `pending` until that block is written. Directory pages are
 * written as they fill, so that small partitions stand right before the page that leads to them.
 */
#include "sstable/block_index_internal.h"
#include "sstable/builder_stage_internal.h"
#include "sstable/content_hash.h"
#include "sstable/copied_runs_internal.h"
#include "sstable/dictionary_shelf_internal.h"
#include "sstable/directory_builder_internal.h"
#include "sstable/filter_internal.h"
#include "sstable/info_internal.h"
#include "sstable/rows_internal.h"
#include "sstable/sstable_cursor_internal.h"
#include "sstable/sstable_internal.h"

#include <assert.h>
#include <stdlib.h>

enum {
    BLOCK_BYTES_DEFAULT = 8192,
    FILTER_BITS_DEFAULT = 10,
    PENDING_BYTES_MAX = 256 << 10,
};

struct sstable_builder {
    struct io_env *env;   /* borrowed */
    struct io_file *file; /* owned */
    char *path;           /* owned */
    struct root root;
    struct frame_output output;
    uint32_t block_bytes, filter_bits;
    status failure; /* the first one; nothing is written after it */

    /* Rows wait here until enough of them are there to learn a dictionary from. */
    bool staging;
    uint64_t stage_bytes_max;
    struct dictionary_shelf *shelf; /* borrowed; may be NULL */
    struct block_cache *warm;       /* borrowed; may be NULL */
    struct builder_stage stage;

    struct rows_encoder *encoder; /* owned */
    struct rows_compressor compressor;
    struct sstable_dictionary *dictionary; /* counted; NULL: none */
    struct buffer frame;                   /* scratch */

    struct rows_builder rows, rest; /* of the open block; of the next one, while the open one is cut */
    struct block_index_builder index;
    struct directory_builder directory;
    struct copied_runs copied; /* where raw copies stand: checked by their sums, not row by row */
    uint64_t *key_hashes;      /* owned; one a partition, for the filter */
    uint64_t key_capacity;

    struct arena arena;              /* bytes of pending entries and of the open partition */
    struct directory_entry *pending; /* owned array; partitions whose block is still open */
    uint32_t pending_count, pending_capacity;

    /* What the caller is at. */
    bool in_partition, partition_has_rows;
    struct buffer last_partition, last_row;
    int64_t last_token;
    bool has_partition;

    /* The partition that is being written. */
    bool is_open;
    struct directory_entry entry; /* slices in arena */
    struct range_list ranges;     /* in arena */
    uint64_t key_hash;
    struct buffer run_key; /* its first clustering key in the open block */
    uint32_t run_first, run_rows;
    size_t run_begin;                        /* bytes of other partitions before it */
    struct sstable_block_summary run_before; /* what these add up to */
    uint64_t block_count;                    /* of the open partition that are written */
};

/* ---- blocks ---- */

static void near_note(struct sstable_builder *builder, const struct block_index_item *item)
{
    const struct directory_near near = {.at = item->at, .rows = item->rows, .first_row = item->first_row};
    struct directory_entry *entry = &builder->entry;
    if (builder->block_count < DIRECTORY_NEAR)
        entry->heads[builder->block_count] = near;
    for (uint32_t i = 0; i + 1 < DIRECTORY_NEAR; i++)
        entry->tails[i] = entry->tails[i + 1];
    entry->tails[DIRECTORY_NEAR - 1] = near;
    builder->block_count++;
}

/* A block of the open partition is written: into its index. A long partition does not come between the blocks before it
 * and their page. */
static status block_note(struct sstable_builder *builder, const struct block_index_item *item)
{
    enum { LONG_BLOCKS = 3 };
    near_note(builder, item);
    builder->entry.flags |= DIRECTORY_SPANS;
    if (builder->block_count == LONG_BLOCKS)
        TRY(directory_builder_rest(&builder->directory, &builder->output));
    return block_index_add(&builder->index, &builder->output, item);
}

static status rows_write(struct sstable_builder *builder, struct frame_ref *out_ref)
{
    struct buffer *frame = &builder->frame;
    buffer_clear(frame);
    if (!buffer_extend(frame, FRAME_HEAD_BYTES))
        return STATUS_FAIL(STATUS_NOMEM);
    TRY(rows_encode(builder->encoder, &builder->compressor, &builder->rows, frame));
    if (frame->bytes - FRAME_HEAD_BYTES > FRAME_RAW_MAX)
        return STATUS_FAIL(STATUS_LIMIT);
    frame_wrap(FRAME_ROWS, builder->rows.rows, frame->data, frame->bytes);
    info_add_summary(&builder->root.info, &builder->rows.summary);
    statistics_add_block(&builder->root.statistics, &builder->rows.summary);
    return frame_output_put(&builder->output, frame->data, (uint32_t)frame->bytes, out_ref);
}

/* Write the open block, complete the entries that waited for it, note it in the index of the open partition. */
static status block_flush(struct sstable_builder *builder)
{
    struct frame_ref ref = {0};
    TRY(directory_builder_expect(&builder->directory, &builder->output, builder->pending,
                                 builder->pending_count));
    if (builder->rows.rows)
        TRY(rows_write(builder, &ref));
    for (uint32_t i = 0; i < builder->pending_count; i++) {
        struct directory_entry *entry = &builder->pending[i];
        if (entry->flags & DIRECTORY_ROWS)
            entry->at = ref;
        TRY(directory_builder_add(&builder->directory, &builder->output, entry));
    }
    builder->pending_count = 0;
    if (!builder->is_open)
        arena_reset(&builder->arena);
    if (builder->run_rows) {
        struct block_index_item item = {.key = buffer_slice(&builder->run_key),
                                        .at = ref,
                                        .rows = builder->run_rows,
                                        .first_row = builder->run_first};
        TRY(buffer_status(&builder->run_key));
        TRY(block_note(builder, &item));
        builder->run_rows = 0;
    }
    rows_builder_clear(&builder->rows);
    return STATUS_DONE;
}

static status pending_add(struct sstable_builder *builder)
{
    if (builder->pending_count == builder->pending_capacity) {
        uint32_t wanted = builder->pending_capacity ? builder->pending_capacity * 2 : 64;
        struct directory_entry *grown = realloc(builder->pending, wanted * sizeof *grown);
        if (!grown)
            return STATUS_FAIL(STATUS_NOMEM);
        builder->pending = grown;
        builder->pending_capacity = wanted;
    }
    builder->pending[builder->pending_count++] = builder->entry;
    return STATUS_DONE;
}

/* ---- partitions ---- */

/* A copy in the arena; a failure shows as a NULL pointer with bytes. */
static bool keep(struct sstable_builder *builder, struct slice bytes, struct slice *out_copy)
{
    *out_copy = arena_copy(&builder->arena, bytes);
    return out_copy->data || !bytes.bytes;
}

static status ranges_keep(struct sstable_builder *builder, const struct range_list *ranges)
{
    struct buffer encoded = {0};
    range_list_encode(&encoded, ranges);
    status st = buffer_status(&encoded);
    if (ok(st) && !keep(builder, buffer_slice(&encoded), &builder->entry.ranges))
        st = STATUS_FAIL(STATUS_NOMEM);
    buffer_deinit(&encoded);
    if (ok(st)) {
        /* Decoded again, so that the bounds at the end of the partition do not borrow from the caller. */
        struct reader in = reader_of(builder->entry.ranges);
        st = range_list_decode(&in, &builder->arena, &builder->ranges);
    }
    return st;
}

static status key_hash_add(struct sstable_builder *builder, uint64_t hash)
{
    struct sstable_info *info = &builder->root.info;
    if (info->partitions == builder->key_capacity) {
        uint64_t wanted = builder->key_capacity ? builder->key_capacity * 2 : 64;
        uint64_t *grown = realloc(builder->key_hashes, wanted * sizeof *grown);
        if (!grown)
            return STATUS_FAIL(STATUS_NOMEM);
        builder->key_hashes = grown;
        builder->key_capacity = wanted;
    }
    builder->key_hashes[info->partitions++] = hash;
    return STATUS_DONE;
}

static status partition_begin(struct sstable_builder *builder, const struct partition_view *partition)
{
    struct sstable_info *info = &builder->root.info;
    struct directory_entry *entry = &builder->entry;
    struct sstable_block_summary head;
    summary_init(&head);
    *entry =
        (struct directory_entry){.key = {.token = partition->key.token}, .deletion = partition->deletion};
    builder->ranges = (struct range_list){0};
    builder->key_hash = content_hash_key(partition->key.bytes);
    builder->is_open = true;
    builder->run_rows = 0;
    builder->block_count = 0;
    if (!keep(builder, partition->key.bytes, &entry->key.bytes) ||
        !keep(builder, partition->static_image, &entry->static_image))
        return STATUS_FAIL(STATUS_NOMEM);
    TRY(key_hash_add(builder, builder->key_hash));
    if (partition->deletion.timestamp != TIMESTAMP_NONE)
        entry->flags |= DIRECTORY_DELETION;
    summary_add_deletion(&head, partition->deletion);
    if (partition->static_image.bytes) {
        entry->flags |= DIRECTORY_STATIC;
        TRY(summary_add_image(&head, partition->static_image));
    }
    if (partition->ranges.count) {
        entry->flags |= DIRECTORY_RANGES;
        TRY(ranges_keep(builder, &partition->ranges));
        for (uint32_t i = 0; i < partition->ranges.count; i++)
            summary_add_deletion(&head, partition->ranges.items[i].deletion);
    }
    entry->raw_bytes = partition->static_image.bytes + entry->ranges.bytes;
    head.content_hash = content_hash_partition(builder->key_hash, partition);
    info_add_summary(info, &head);
    statistics_add_head(&builder->root.statistics, &head);
    if (info->partitions == 1)
        info->min_token = partition->key.token;
    info->max_token = partition->key.token;
    return STATUS_DONE;
}

/* Before a row or block of the open partition that begins with `clustering`. */
static status first_keep(struct sstable_builder *builder, struct slice clustering)
{
    struct directory_entry *entry = &builder->entry;
    if (entry->rows)
        return STATUS_DONE;
    entry->flags |= DIRECTORY_ROWS;
    return keep(builder, clustering, &entry->first) ? STATUS_DONE : STATUS_FAIL(STATUS_NOMEM);
}

/* A partition that began in the second half of the open block is better off in a block of its own: if it is small, all of
 * it is read with one block, and needs no index. */
static bool run_moves(const struct sstable_builder *builder)
{
    return builder->run_rows && !builder->block_count && builder->run_begin &&
           builder->run_begin >= builder->block_bytes / 2;
}

/* Write the open block without the rows of the open partition, which begin the next one. */
static status block_cut(struct sstable_builder *builder)
{
    uint32_t rows = builder->run_rows;
    TRY(rows_builder_cut(&builder->rows, builder->run_first, &builder->run_before, &builder->rest));
    builder->run_rows = 0;
    TRY(block_flush(builder));
    struct rows_builder cut = builder->rows;
    builder->rows = builder->rest;
    builder->rest = cut;
    builder->run_first = 0;
    builder->run_begin = 0;
    builder->run_rows = rows;
    return STATUS_DONE;
}

/* Room in the open block for so many bytes more. */
static status block_make_room(struct sstable_builder *builder, size_t bytes)
{
    while (builder->rows.rows && builder->rows.bytes.bytes + bytes > builder->block_bytes)
        TRY(run_moves(builder) ? block_cut(builder) : block_flush(builder));
    return STATUS_DONE;
}

static status row_add(struct sstable_builder *builder, struct slice clustering, struct slice image,
                      uint64_t row_hash)
{
    struct directory_entry *entry = &builder->entry;
    TRY(block_make_room(builder, clustering.bytes + image.bytes));
    if (!builder->run_rows) {
        builder->run_first = builder->rows.rows;
        builder->run_begin = builder->rows.bytes.bytes;
        builder->run_before = builder->rows.summary;
        buffer_clear(&builder->run_key);
        buffer_append_slice(&builder->run_key, clustering);
    }
    TRY(first_keep(builder, clustering));
    TRY(rows_builder_add(&builder->rows, row_hash, clustering, image));
    builder->run_rows++;
    entry->rows++;
    entry->raw_bytes += clustering.bytes + image.bytes;
    return STATUS_DONE;
}

/* Sealed anew it is good whatever it says, so it is compared with what its source was once more. */
static status block_put(struct sstable_builder *builder, const struct sstable_block *block,
                        struct frame_ref *out_ref)
{
    struct file_identity from = {.store_id = builder->output.identity.store_id,
                                 .file_number = block->file_number};
    struct frame_ref origin = {
        .offset = block->offset, .checksum = block->checksum, .bytes = (uint32_t)block->frame.bytes};
    buffer_clear(&builder->frame);
    buffer_append_slice(&builder->frame, block->frame);
    TRY(buffer_status(&builder->frame));
    TRY(frame_output_put(&builder->output, builder->frame.data, (uint32_t)builder->frame.bytes, out_ref));
    return frame_check_moved(from, &origin, buffer_slice(&builder->frame));
}

static status block_add(struct sstable_builder *builder, const struct sstable_block *block)
{
    struct directory_entry *entry = &builder->entry;
    struct block_index_item item = {.key = block->first, .rows = block->summary.rows};
    /* Behind what is open, which belongs to this partition at least in part. */
    if (builder->rows.rows)
        TRY(block_flush(builder));
    TRY(first_keep(builder, block->first));
    TRY(block_put(builder, block, &item.at));
    TRY(copied_runs_add(&builder->copied, &item.at));
    info_add_summary(&builder->root.info, &block->summary);
    statistics_add_block(&builder->root.statistics, &block->summary);
    entry->rows += block->summary.rows;
    entry->raw_bytes += block->summary.raw_bytes;
    buffer_clear(&builder->rows.last_key);
    buffer_append_slice(&builder->rows.last_key, block->last);
    return block_note(builder, &item);
}

/* Write out the index over the blocks of the partition. */
static status partition_index_finish(struct sstable_builder *builder)
{
    struct directory_entry *entry = &builder->entry;
    uint32_t height;
    /* A partition of one block that was closed early: the entry leads to the block itself. */
    if (builder->block_count == 1) {
        entry->flags &= (uint8_t)~DIRECTORY_SPANS;
        entry->at = entry->heads[0].at;
        entry->first_row_or_height = entry->heads[0].first_row;
        block_index_drop(&builder->index);
        return STATUS_DONE;
    }
    TRY(block_index_finish(&builder->index, &builder->output, &entry->at, &height));
    entry->first_row_or_height = height;
    return STATUS_DONE;
}

/* Bounds over rows and range tombstones. */
static status bounds_set(struct sstable_builder *builder)
{
    struct directory_entry *entry = &builder->entry;
    const struct range_list *ranges = &builder->ranges;
    if (entry->rows && !keep(builder, rows_builder_last_key(&builder->rows), &entry->last))
        return STATUS_FAIL(STATUS_NOMEM);
    if (ranges->count) {
        struct slice start = ranges->items[0].start;
        struct slice end = ranges->items[ranges->count - 1].end;
        if (!entry->rows || slice_compare(start, entry->first) < 0)
            entry->first = start;
        if (!entry->rows || slice_compare(end, entry->last) > 0)
            entry->last = end;
    }
    if (entry->rows || ranges->count)
        entry->flags |= DIRECTORY_BOUNDS;
    if (slice_equal(entry->first, entry->last))
        entry->flags |= DIRECTORY_ONE_BOUND;
    return STATUS_DONE;
}

static status partition_end(struct sstable_builder *builder)
{
    struct sstable_info *info = &builder->root.info;
    struct directory_entry *entry = &builder->entry;
    TRY(bounds_set(builder));
    info_add_bounds(info, &(struct partition_view){.deletion = entry->deletion,
                                                   .ranges = builder->ranges,
                                                   .static_image = entry->static_image,
                                                   .first = entry->first,
                                                   .last = entry->last});
    info->raw_bytes += entry->raw_bytes;
    if (entry->raw_bytes > info->largest_partition_bytes)
        info->largest_partition_bytes = entry->raw_bytes;
    statistics_add_partition(&builder->root.statistics, entry->raw_bytes, entry->rows);
    if (entry->flags & DIRECTORY_SPANS) {
        TRY(block_flush(builder));
        TRY(partition_index_finish(builder));
        TRY(directory_builder_add(&builder->directory, &builder->output, entry));
    } else {
        entry->first_row_or_height = builder->run_first;
        builder->run_rows = 0;
        TRY(pending_add(builder));
    }
    builder->is_open = false;
    /* The arena is empty again only after a flush between partitions. */
    if (builder->arena.used_bytes > PENDING_BYTES_MAX)
        TRY(block_flush(builder));
    return STATUS_DONE;
}

/* ---- staging ---- */

/* Feed what was kept aside through, now that there is a dictionary or will be none. */
static status stage_replay(struct sstable_builder *builder)
{
    struct builder_stage_reader reader = builder_stage_read(&builder->stage);
    struct arena arena = {0};
    struct builder_stage_item item;
    status st = STATUS_DONE;
    bool more;
    builder->staging = false;
    for (;;) {
        st = builder_stage_next(&reader, &arena, &item, &more);
        if (failed(st) || !more)
            break;
        switch (item.kind) {
        case STAGE_PARTITION: st = partition_begin(builder, &item.partition); break;
        case STAGE_ROW: st = row_add(builder, item.clustering, item.image, item.row_hash); break;
        case STAGE_END: st = partition_end(builder); break;
        }
        if (failed(st))
            break;
    }
    arena_deinit(&arena);
    builder_stage_deinit(&builder->stage);
    return st;
}

static status dictionary_write(struct sstable_builder *builder, uint32_t copy)
{
    struct slice frame;
    TRY(dictionary_frame(builder->dictionary, builder->output.zstd, &frame));
    return frame_output_copy(&builder->output, frame, &builder->root.dictionaries[copy]);
}

static status dictionary_use(struct sstable_builder *builder, struct sstable_dictionary *dictionary)
{
    builder->dictionary = dictionary;
    TRY(dictionary_encoders(dictionary, &builder->compressor.encoders));
    builder->compressor.dictionary = dictionary;
    builder->root.incompatible_features |= ROOT_FEATURE_DICTIONARY;
    builder->root.dictionary_id = dictionary->id;
    return dictionary_write(builder, 0);
}

static status stage_finish(struct sstable_builder *builder)
{
    struct sstable_dictionary *dictionary = NULL;
    if (!builder->staging)
        return STATUS_DONE;
    if (builder->stage.bytes.bytes >= DICTIONARY_SAMPLE_LEAST ||
        builder->stage.bytes.bytes >= builder->stage_bytes_max)
        TRY(dictionary_shelf_learn(builder->shelf, builder->root.table_id, &builder->stage, &dictionary));
    if (dictionary)
        TRY(dictionary_use(builder, dictionary));
    return stage_replay(builder);
}

static status stage_check(struct sstable_builder *builder)
{
    TRY(buffer_status(&builder->stage.bytes));
    return builder->stage.bytes.bytes >= builder->stage_bytes_max ? stage_finish(builder) : STATUS_DONE;
}

/* ---- what callers see ---- */

static status partition_check(struct sstable_builder *builder, struct partition_key key)
{
    struct partition_key last = {.token = builder->last_token,
                                 .bytes = buffer_slice(&builder->last_partition)};
    if (key.bytes.bytes > PARTITION_KEY_BYTES_MAX)
        return STATUS_FAIL(STATUS_LIMIT);
    if (builder->has_partition && partition_key_compare(last, key) >= 0)
        return STATUS_FAIL(STATUS_INVALID);
    buffer_clear(&builder->last_partition);
    buffer_append_slice(&builder->last_partition, key.bytes);
    builder->last_token = key.token;
    builder->has_partition = true;
    builder->partition_has_rows = false;
    return buffer_status(&builder->last_partition);
}

static status partition_take(struct sstable_builder *builder, const struct partition_view *partition)
{
    TRY(partition_check(builder, partition->key));
    if (!builder->staging)
        return partition_begin(builder, partition);
    builder_stage_partition(&builder->stage, partition);
    return buffer_status(&builder->stage.bytes);
}

status sstable_builder_begin_partition(struct sstable_builder *builder,
                                       const struct partition_view *partition)
{
    assert(!builder->in_partition);
    if (ok(builder->failure))
        builder->failure = partition_take(builder, partition);
    builder->in_partition = true;
    return builder->failure;
}

/* Keys rise; `first` comes next and `last` is where they go on. */
static status rows_order_check(struct sstable_builder *builder, struct slice first, struct slice last)
{
    if (builder->partition_has_rows && slice_compare(buffer_slice(&builder->last_row), first) >= 0)
        return STATUS_FAIL(STATUS_INVALID);
    buffer_clear(&builder->last_row);
    buffer_append_slice(&builder->last_row, last);
    builder->partition_has_rows = true;
    return buffer_status(&builder->last_row);
}

/* The cursor when it has codes for the row that it stands on. */
static const struct sstable_cursor *coded_source(const struct sstable_builder *builder, struct cursor *source,
                                                 struct slice image)
{
    const struct sstable_cursor *cursor = source ? sstable_cursor_of(source) : NULL;
    bool has = cursor && cursor->codes.rows && source->on_row && source->row.image.data == image.data &&
               source->row.image.bytes == image.bytes && builder->dictionary;
    return has ? cursor : NULL;
}

static status row_take(struct sstable_builder *builder, struct slice clustering, struct slice image,
                       uint64_t row_hash)
{
    if (clustering.bytes > CLUSTERING_BYTES_MAX || image.bytes > FRAME_RAW_MAX / 2)
        return STATUS_FAIL(STATUS_LIMIT);
    TRY(rows_order_check(builder, clustering, clustering));
    if (!builder->staging)
        return row_add(builder, clustering, image, row_hash);
    builder_stage_row(&builder->stage, clustering, image, row_hash);
    return stage_check(builder);
}

static status add_row(struct sstable_builder *builder, struct slice clustering, struct slice image,
                      uint64_t row_hash)
{
    assert(builder->in_partition);
    if (ok(builder->failure))
        builder->failure = row_take(builder, clustering, image, row_hash);
    return builder->failure;
}

status sstable_builder_add_row(struct sstable_builder *builder, struct slice clustering, struct slice image)
{
    uint64_t key_hash = content_hash_key(buffer_slice(&builder->last_partition));
    return add_row(builder, clustering, image, content_hash_row(key_hash, clustering, image));
}

status sstable_builder_add_row_of(struct sstable_builder *builder, struct cursor *source,
                                  struct slice clustering, struct slice image, uint64_t row_hash,
                                  bool *out_coded)
{
    const struct sstable_cursor *coded = builder->staging ? NULL : coded_source(builder, source, image);
    TRY(add_row(builder, clustering, image, row_hash));
    *out_coded = coded && rows_builder_add_codes(&builder->rows, builder->dictionary, &coded->codes,
                                                 sstable_cursor_row(coded));
    return STATUS_DONE;
}

bool sstable_builder_takes_block(const struct sstable_builder *builder, const struct sstable_block *block)
{
    return !block->dictionary_id || (builder->dictionary && builder->dictionary->id == block->dictionary_id);
}

static status block_take(struct sstable_builder *builder, const struct sstable_block *block)
{
    if (!sstable_builder_takes_block(builder, block))
        return STATUS_FAIL(STATUS_INVALID);
    TRY(stage_finish(builder));
    TRY(rows_order_check(builder, block->first, block->last));
    return block_add(builder, block);
}

status sstable_builder_add_block(struct sstable_builder *builder, const struct sstable_block *block)
{
    assert(builder->in_partition);
    if (ok(builder->failure))
        builder->failure = block_take(builder, block);
    return builder->failure;
}

status sstable_builder_end_partition(struct sstable_builder *builder)
{
    assert(builder->in_partition);
    if (ok(builder->failure) && builder->staging)
        builder_stage_end(&builder->stage);
    else if (ok(builder->failure))
        builder->failure = partition_end(builder);
    builder->in_partition = false;
    return builder->failure;
}

uint64_t sstable_builder_bytes(const struct sstable_builder *builder)
{
    /* Staged rows will take about a half. */
    return file_writer_offset(&builder->output.writer) + builder->rows.bytes.bytes +
           builder->stage.bytes.bytes / 2 + directory_builder_bytes(&builder->directory);
}

/* ---- open, finish, abort ---- */

static void builder_free(struct sstable_builder *builder)
{
    if (!builder)
        return;
    frame_output_deinit(&builder->output);
    io_close(builder->file);
    free(builder->path);
    builder_stage_deinit(&builder->stage);
    rows_builder_deinit(&builder->rows);
    rows_builder_deinit(&builder->rest);
    rows_encoder_free(builder->encoder);
    sstable_dictionary_unref(builder->dictionary);
    buffer_deinit(&builder->frame);
    copied_runs_deinit(&builder->copied);
    block_index_deinit(&builder->index);
    directory_builder_deinit(&builder->directory);
    free(builder->key_hashes);
    free(builder->pending);
    arena_deinit(&builder->arena);
    buffer_deinit(&builder->last_partition);
    buffer_deinit(&builder->last_row);
    buffer_deinit(&builder->run_key);
    free(builder);
}

status sstable_builder_open(const struct sstable_build_options *options, struct sstable_builder **out_builder)
{
    struct sstable_builder *builder = calloc(1, sizeof *builder);
    if (!builder)
        return STATUS_FAIL(STATUS_NOMEM);
    status st = STATUS_FAIL(STATUS_NOMEM);
    builder->env = options->env;
    builder->block_bytes = options->block_bytes ? options->block_bytes : BLOCK_BYTES_DEFAULT;
    builder->filter_bits = options->filter_bits ? options->filter_bits : FILTER_BITS_DEFAULT;
    builder->compressor.whole = options->no_lanes;
    builder->shelf = options->shelf;
    builder->warm = options->warm;
    builder->stage_bytes_max =
        options->dictionary_after_bytes ? options->dictionary_after_bytes : DICTIONARY_SAMPLE_BYTES;
    builder->staging = options->compression_level && !options->dictionary && !options->no_lanes &&
                       options->dictionary_after_bytes != UINT32_MAX;
    builder->root = (struct root){.store_id = options->store_id, .table_id = options->table_id};
    uint32_t parity_pages = options->parity_pages ? options->parity_pages : PARITY_PAGES;
    builder->directory.parity.pages = parity_pages > ROOT_PARITY_PAGES_MAX ? 0 : parity_pages;
    builder->root.parity_pages = builder->directory.parity.pages;
    builder->root.compatible_features = builder->root.parity_pages ? ROOT_FEATURE_PARITY : 0;
    info_init(&builder->root.info);
    builder->root.info.file_number = options->file_number;
    builder->root.info.created_s = io_now_us(options->env) / 1000000;
    builder->root.info.level = options->level;
    builder->root.info.run = options->run;
    builder->root.info.off_strategy = options->off_strategy;
    rows_builder_clear(&builder->rows);
    rows_builder_clear(&builder->rest);
    builder->path = strdup(options->path);
    builder->encoder = rows_encoder_new();
    if (!builder->path || !builder->encoder)
        goto out;
    st = io_open(options->env, options->path, IO_READ | IO_WRITE | IO_CREATE | IO_EXCLUSIVE | IO_DIRECT,
                 &builder->file);
    if (failed(st))
        goto out;
    st = frame_output_init(&builder->output, options->env, builder->file, root_identity(&builder->root),
                           options->compression_level);
    builder->compressor.zstd = builder->output.zstd;
    if (ok(st))
        st = file_writer_append_zeros(&builder->output.writer, ROOT_BYTES);
    if (ok(st) && options->dictionary && options->compression_level)
        st = dictionary_use(builder, sstable_dictionary_ref(options->dictionary));
    if (failed(st)) {
        (void)io_unlink(options->env, options->path);
        goto out;
    }
    *out_builder = builder;
    builder = NULL;
out:
    builder_free(builder);
    return st;
}

void sstable_builder_abort(struct sstable_builder *builder)
{
    if (!builder)
        return;
    /* Whatever is in flight must have landed before the name goes. */
    frame_output_deinit(&builder->output);
    io_close(builder->file);
    builder->file = NULL;
    (void)io_unlink(builder->env, builder->path);
    builder_free(builder);
}

static status filter_write(struct sstable_builder *builder)
{
    struct buffer lines = {0};
    uint8_t probes = 0;
    status st = filter_build(builder->key_hashes, builder->root.info.partitions, builder->filter_bits, &lines,
                             &probes);
    if (ok(st))
        st = frame_output_write(&builder->output, FRAME_FILTER, probes,
                                (uint32_t)(lines.bytes / FILTER_LINE_BYTES), buffer_slice(&lines),
                                &builder->root.filter);
    buffer_deinit(&lines);
    return st;
}

/* Everything but the roots, durable. */
static status body_write(struct sstable_builder *builder)
{
    struct file_writer *writer = &builder->output.writer;
    TRY(stage_finish(builder));
    TRY(block_flush(builder));
    if (builder->dictionary)
        TRY(dictionary_write(builder, 1));
    TRY(directory_builder_finish(&builder->directory, &builder->output));
    builder->root.data_end = file_writer_offset(writer);
    TRY(directory_builder_write_index(&builder->directory, &builder->output, &builder->root.directory_index));
    TRY(filter_write(builder));
    uint64_t end = file_writer_offset(writer);
    size_t padding = (size_t)((IO_BLOCK_BYTES - end % IO_BLOCK_BYTES) % IO_BLOCK_BYTES);
    TRY(file_writer_append_zeros(writer, padding + ROOT_BYTES));
    builder->root.info.file_bytes = file_writer_offset(writer);
    TRY(file_writer_drain(writer));
    return io_sync(builder->file);
}

static status root_read_back(struct io_file *file, const struct root *root, uint64_t offset, uint8_t *block)
{
    size_t bytes;
    struct root again;
    memset(block, 0, ROOT_BYTES);
    TRY(io_read(file, offset, block, ROOT_BYTES, &bytes));
    if (bytes != ROOT_BYTES)
        return STATUS_FAIL(STATUS_CORRUPT);
    return root_decode(block, offset, root->store_id, &again);
}

/* Whichever of them survives a power cut before the sync is right: what it speaks of is durable already. */
static status roots_write(struct io_file *file, const struct root *root)
{
    const uint64_t offsets[2] = {root->info.file_bytes - ROOT_BYTES, 0};
    uint8_t *block = io_memory_new(ROOT_BYTES);
    status st = block ? STATUS_DONE : STATUS_FAIL(STATUS_NOMEM);
    for (uint32_t i = 0; ok(st) && i < ARRAY_LEN(offsets); i++) {
        root_encode(root, offsets[i], block);
        st = io_write(file, offsets[i], block, ROOT_BYTES, false);
    }
    if (ok(st))
        st = io_sync(file);
    for (uint32_t i = 0; ok(st) && i < ARRAY_LEN(offsets); i++)
        st = root_read_back(file, root, offsets[i], block);
    io_memory_free(block);
    return st;
}

/* The roots go in only after all else came back from the disk as it was meant. */
static status check_and_seal(struct sstable_builder *builder)
{
    struct sstable *table;
    TRY(sstable_attach(builder->env, builder->path, builder->file, &builder->root, (struct file_tail){0},
                       NULL, &table));
    builder->file = NULL; /* the table has it now */
    table->offers_blocks = true;
    table->warmth = warmth_of(builder->warm, table->cache_owner);
    status st = table->index_rebuilt || !table->filter ? STATUS_FAIL(STATUS_CORRUPT) : STATUS_DONE;
    if (ok(st))
        st = sstable_check_content(table, &builder->copied);
    if (ok(st))
        st = roots_write(table->file, &table->root);
    if (builder->warm)
        builder->root.info.warmth = table->cache_owner;
    if (failed(st))
        sstable_drop_warmth(builder->warm, &builder->root.info);
    sstable_unref(table);
    return st;
}

static status folder_sync(struct io_env *env, const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return io_sync_dir(env, ".");
    char *folder = strndup(path, slash == path ? 1 : (size_t)(slash - path));
    if (!folder)
        return STATUS_FAIL(STATUS_NOMEM);
    status st = io_sync_dir(env, folder);
    free(folder);
    return st;
}

status sstable_builder_finish(struct sstable_builder *builder, struct sstable_info *out_info)
{
    assert(!builder->in_partition);
    status st = builder->failure;
    if (ok(st))
        st = body_write(builder);
    if (ok(st))
        st = check_and_seal(builder);
    if (ok(st))
        st = folder_sync(builder->env, builder->path);
    if (failed(st)) {
        sstable_builder_abort(builder);
        return st;
    }
    *out_info = builder->root.info;
    builder_free(builder);
    return STATUS_DONE;
}
