/*
 * The body of a table. Rows gather in a block; a block that is full becomes a frame. A partition's directory entry needs
 * the place and checksum of its block, so entries wait in `pending` until that block is written. Directory pages are
 * written as they fill, so that small partitions stand right before the page that leads to them.
 */
#include "sstable/table_body_internal.h"

#include "sstable/content_hash.h"
#include "sstable/filter_internal.h"
#include "sstable/info_internal.h"

#include <stdlib.h>

enum {
    BLOCK_BYTES_DEFAULT = 8192,
    FILTER_BITS_DEFAULT = 10,
    PENDING_BYTES_MAX = 256 << 10,
};

/* ---- blocks ---- */

static void near_note(struct table_body *body, const struct block_index_item *item)
{
    const struct directory_near near = {.at = item->at, .rows = item->rows, .first_row = item->first_row};
    struct directory_entry *entry = &body->entry;
    if (body->block_count < DIRECTORY_NEAR)
        entry->heads[body->block_count] = near;
    for (uint32_t i = 0; i + 1 < DIRECTORY_NEAR; i++)
        entry->tails[i] = entry->tails[i + 1];
    entry->tails[DIRECTORY_NEAR - 1] = near;
    body->block_count++;
}

/* A block of the open partition is written: into its index. A long partition does not come between the blocks before it
 * and their page. */
static status block_note(struct table_body *body, const struct block_index_item *item)
{
    enum { LONG_BLOCKS = 3 };
    near_note(body, item);
    body->entry.flags |= DIRECTORY_SPANS;
    if (body->block_count == LONG_BLOCKS)
        TRY(directory_builder_rest(&body->directory, &body->output));
    return block_index_add(&body->index, &body->output, item);
}

static status rows_write(struct table_body *body, struct frame_ref *out_ref)
{
    struct buffer *frame = &body->frame;
    buffer_clear(frame);
    if (!buffer_extend(frame, FRAME_HEAD_BYTES))
        return STATUS_FAIL(STATUS_NOMEM);
    TRY(rows_encode(body->encoder, &body->compressor, &body->rows, frame));
    if (frame->bytes - FRAME_HEAD_BYTES > FRAME_RAW_MAX)
        return STATUS_FAIL(STATUS_LIMIT);
    frame_wrap(FRAME_ROWS, body->rows.rows, frame->data, frame->bytes);
    info_add_summary(&body->root.info, &body->rows.summary);
    statistics_add_block(&body->root.statistics, &body->rows.summary);
    return frame_output_put(&body->output, frame->data, (uint32_t)frame->bytes, out_ref);
}

/* Write the open block, complete the entries that waited for it, note it in the index of the open partition. */
static status block_flush(struct table_body *body)
{
    struct frame_ref ref = {0};
    TRY(directory_builder_expect(&body->directory, &body->output, body->pending, body->pending_count));
    if (body->rows.rows)
        TRY(rows_write(body, &ref));
    for (uint32_t i = 0; i < body->pending_count; i++) {
        struct directory_entry *entry = &body->pending[i];
        if (entry->flags & DIRECTORY_ROWS)
            entry->at = ref;
        TRY(directory_builder_add(&body->directory, &body->output, entry));
    }
    body->pending_count = 0;
    if (!body->is_open)
        arena_reset(&body->arena);
    if (body->run_rows) {
        struct block_index_item item = {.key = buffer_slice(&body->run_key),
                                        .at = ref,
                                        .rows = body->run_rows,
                                        .first_row = body->run_first};
        TRY(buffer_status(&body->run_key));
        TRY(block_note(body, &item));
        body->run_rows = 0;
    }
    rows_builder_clear(&body->rows);
    return STATUS_DONE;
}

static status pending_add(struct table_body *body)
{
    if (body->pending_count == body->pending_capacity) {
        uint32_t wanted = body->pending_capacity ? body->pending_capacity * 2 : 64;
        struct directory_entry *grown = realloc(body->pending, wanted * sizeof *grown);
        if (!grown)
            return STATUS_FAIL(STATUS_NOMEM);
        body->pending = grown;
        body->pending_capacity = wanted;
    }
    body->pending[body->pending_count++] = body->entry;
    return STATUS_DONE;
}

/* ---- partitions ---- */

/* A copy in the arena; a failure shows as a NULL pointer with bytes. */
static bool keep(struct table_body *body, struct slice bytes, struct slice *out_copy)
{
    *out_copy = arena_copy(&body->arena, bytes);
    return out_copy->data || !bytes.bytes;
}

static status ranges_keep(struct table_body *body, const struct range_list *ranges)
{
    struct buffer encoded = {0};
    range_list_encode(&encoded, ranges);
    status st = buffer_status(&encoded);
    if (ok(st) && !keep(body, buffer_slice(&encoded), &body->entry.ranges))
        st = STATUS_FAIL(STATUS_NOMEM);
    buffer_deinit(&encoded);
    if (ok(st)) {
        /* Decoded again, so that the bounds at the end of the partition do not borrow from the caller. */
        struct reader in = reader_of(body->entry.ranges);
        st = range_list_decode(&in, &body->arena, &body->ranges);
    }
    return st;
}

static status key_hash_add(struct table_body *body, uint64_t hash)
{
    struct sstable_info *info = &body->root.info;
    if (info->partitions == body->key_capacity) {
        uint64_t wanted = body->key_capacity ? body->key_capacity * 2 : 64;
        uint64_t *grown = realloc(body->key_hashes, wanted * sizeof *grown);
        if (!grown)
            return STATUS_FAIL(STATUS_NOMEM);
        body->key_hashes = grown;
        body->key_capacity = wanted;
    }
    body->key_hashes[info->partitions++] = hash;
    return STATUS_DONE;
}

status table_body_begin_partition(struct table_body *body, const struct partition_view *partition)
{
    struct sstable_info *info = &body->root.info;
    struct directory_entry *entry = &body->entry;
    struct sstable_block_summary head;
    summary_init(&head);
    *entry =
        (struct directory_entry){.key = {.token = partition->key.token}, .deletion = partition->deletion};
    body->ranges = (struct range_list){0};
    body->key_hash = content_hash_key(partition->key.bytes);
    body->is_open = true;
    body->run_rows = 0;
    body->block_count = 0;
    if (!keep(body, partition->key.bytes, &entry->key.bytes) ||
        !keep(body, partition->static_image, &entry->static_image))
        return STATUS_FAIL(STATUS_NOMEM);
    TRY(key_hash_add(body, body->key_hash));
    if (partition->deletion.timestamp != TIMESTAMP_NONE)
        entry->flags |= DIRECTORY_DELETION;
    summary_add_deletion(&head, partition->deletion);
    if (partition->static_image.bytes) {
        entry->flags |= DIRECTORY_STATIC;
        TRY(summary_add_image(&head, partition->static_image));
    }
    if (partition->ranges.count) {
        entry->flags |= DIRECTORY_RANGES;
        TRY(ranges_keep(body, &partition->ranges));
        for (uint32_t i = 0; i < partition->ranges.count; i++)
            summary_add_deletion(&head, partition->ranges.items[i].deletion);
    }
    entry->raw_bytes = partition->static_image.bytes + entry->ranges.bytes;
    head.content_hash = content_hash_partition(body->key_hash, partition);
    info_add_summary(info, &head);
    statistics_add_head(&body->root.statistics, &head);
    if (info->partitions == 1)
        info->min_token = partition->key.token;
    info->max_token = partition->key.token;
    return STATUS_DONE;
}

/* Before a row or block of the open partition that begins with `clustering`. */
static status first_keep(struct table_body *body, struct slice clustering)
{
    struct directory_entry *entry = &body->entry;
    if (entry->rows)
        return STATUS_DONE;
    entry->flags |= DIRECTORY_ROWS;
    return keep(body, clustering, &entry->first) ? STATUS_DONE : STATUS_FAIL(STATUS_NOMEM);
}

/* A partition that began in the second half of the open block is better off in a block of its own: if it is small, all of
 * it is read with one block, and needs no index. */
static bool run_moves(const struct table_body *body)
{
    return body->run_rows && !body->block_count && body->run_begin &&
           body->run_begin >= body->block_bytes / 2;
}

/* Write the open block without the rows of the open partition, which begin the next one. */
static status block_cut(struct table_body *body)
{
    uint32_t rows = body->run_rows;
    TRY(rows_builder_cut(&body->rows, body->run_first, &body->run_before, &body->rest));
    body->run_rows = 0;
    TRY(block_flush(body));
    struct rows_builder cut = body->rows;
    body->rows = body->rest;
    body->rest = cut;
    body->run_first = 0;
    body->run_begin = 0;
    body->run_rows = rows;
    return STATUS_DONE;
}

/* Room in the open block for so many bytes more. */
static status block_make_room(struct table_body *body, size_t bytes)
{
    while (body->rows.rows && body->rows.bytes.bytes + bytes > body->block_bytes)
        TRY(run_moves(body) ? block_cut(body) : block_flush(body));
    return STATUS_DONE;
}

status table_body_add_row(struct table_body *body, struct slice clustering, struct slice image,
                          uint64_t row_hash)
{
    struct directory_entry *entry = &body->entry;
    TRY(block_make_room(body, clustering.bytes + image.bytes));
    if (!body->run_rows) {
        body->run_first = body->rows.rows;
        body->run_begin = body->rows.bytes.bytes;
        body->run_before = body->rows.summary;
        buffer_clear(&body->run_key);
        buffer_append_slice(&body->run_key, clustering);
    }
    TRY(first_keep(body, clustering));
    TRY(rows_builder_add(&body->rows, row_hash, clustering, image));
    body->run_rows++;
    entry->rows++;
    entry->raw_bytes += clustering.bytes + image.bytes;
    return STATUS_DONE;
}

bool table_body_add_codes(struct table_body *body, const struct rows_codes *codes, uint32_t row)
{
    return body->dictionary && rows_builder_add_codes(&body->rows, body->dictionary, codes, row);
}

/* Sealed anew it is good whatever it says, so it is compared with what its source was once more. */
static status block_put(struct table_body *body, const struct sstable_block *block, struct frame_ref *out_ref)
{
    struct file_identity from = {.store_id = body->output.identity.store_id,
                                 .file_number = block->file_number};
    struct frame_ref origin = {
        .offset = block->offset, .checksum = block->checksum, .bytes = (uint32_t)block->frame.bytes};
    buffer_clear(&body->frame);
    buffer_append_slice(&body->frame, block->frame);
    TRY(buffer_status(&body->frame));
    TRY(frame_output_put(&body->output, body->frame.data, (uint32_t)body->frame.bytes, out_ref));
    return frame_check_moved(from, &origin, buffer_slice(&body->frame));
}

status table_body_add_block(struct table_body *body, const struct sstable_block *block)
{
    struct directory_entry *entry = &body->entry;
    struct block_index_item item = {.key = block->first, .rows = block->summary.rows};
    /* Behind what is open, which belongs to this partition at least in part. */
    if (body->rows.rows)
        TRY(block_flush(body));
    TRY(first_keep(body, block->first));
    TRY(block_put(body, block, &item.at));
    TRY(copied_runs_add(&body->copied, &item.at));
    info_add_summary(&body->root.info, &block->summary);
    statistics_add_block(&body->root.statistics, &block->summary);
    entry->rows += block->summary.rows;
    entry->raw_bytes += block->summary.raw_bytes;
    buffer_clear(&body->rows.last_key);
    buffer_append_slice(&body->rows.last_key, block->last);
    return block_note(body, &item);
}

/* Write out the index over the blocks of the partition. */
static status partition_index_finish(struct table_body *body)
{
    struct directory_entry *entry = &body->entry;
    uint32_t height;
    /* A partition of one block that was closed early: the entry leads to the block itself. */
    if (body->block_count == 1) {
        entry->flags &= (uint8_t)~DIRECTORY_SPANS;
        entry->at = entry->heads[0].at;
        entry->first_row_or_height = entry->heads[0].first_row;
        block_index_drop(&body->index);
        return STATUS_DONE;
    }
    TRY(block_index_finish(&body->index, &body->output, &entry->at, &height));
    entry->first_row_or_height = height;
    return STATUS_DONE;
}

/* Bounds over rows and range tombstones. */
static status bounds_set(struct table_body *body)
{
    struct directory_entry *entry = &body->entry;
    const struct range_list *ranges = &body->ranges;
    if (entry->rows && !keep(body, rows_builder_last_key(&body->rows), &entry->last))
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

status table_body_end_partition(struct table_body *body)
{
    struct sstable_info *info = &body->root.info;
    struct directory_entry *entry = &body->entry;
    TRY(bounds_set(body));
    info_add_bounds(info, &(struct partition_view){.deletion = entry->deletion,
                                                   .ranges = body->ranges,
                                                   .static_image = entry->static_image,
                                                   .first = entry->first,
                                                   .last = entry->last});
    info->raw_bytes += entry->raw_bytes;
    if (entry->raw_bytes > info->largest_partition_bytes)
        info->largest_partition_bytes = entry->raw_bytes;
    statistics_add_partition(&body->root.statistics, entry->raw_bytes, entry->rows);
    if (entry->flags & DIRECTORY_SPANS) {
        TRY(block_flush(body));
        TRY(partition_index_finish(body));
        TRY(directory_builder_add(&body->directory, &body->output, entry));
    } else {
        entry->first_row_or_height = body->run_first;
        body->run_rows = 0;
        TRY(pending_add(body));
    }
    body->is_open = false;
    /* The arena is empty again only after a flush between partitions. */
    if (body->arena.used_bytes > PENDING_BYTES_MAX)
        TRY(block_flush(body));
    return STATUS_DONE;
}

uint64_t table_body_bytes(const struct table_body *body)
{
    return file_writer_offset(&body->output.writer) + body->rows.bytes.bytes +
           directory_builder_bytes(&body->directory);
}

/* ---- from the first to the last byte ---- */

static status dictionary_write(struct table_body *body, uint32_t copy)
{
    struct slice frame;
    TRY(dictionary_frame(body->dictionary, body->output.zstd, &frame));
    return frame_output_copy(&body->output, frame, &body->root.dictionaries[copy]);
}

status table_body_use_dictionary(struct table_body *body, struct sstable_dictionary *dictionary)
{
    body->dictionary = dictionary;
    TRY(dictionary_encoders(dictionary, &body->compressor.encoders));
    body->compressor.dictionary = dictionary;
    body->root.incompatible_features |= ROOT_FEATURE_DICTIONARY;
    body->root.dictionary_id = dictionary->id;
    return dictionary_write(body, 0);
}

status table_body_init(struct table_body *body, struct io_file *file,
                       const struct sstable_build_options *options)
{
    uint32_t parity_pages = options->parity_pages ? options->parity_pages : PARITY_PAGES;
    body->block_bytes = options->block_bytes ? options->block_bytes : BLOCK_BYTES_DEFAULT;
    body->filter_bits = options->filter_bits ? options->filter_bits : FILTER_BITS_DEFAULT;
    body->compressor.whole = options->no_lanes;
    body->root = (struct root){.store_id = options->store_id, .table_id = options->table_id};
    body->directory.parity.pages = parity_pages > ROOT_PARITY_PAGES_MAX ? 0 : parity_pages;
    body->root.parity_pages = body->directory.parity.pages;
    body->root.compatible_features = body->root.parity_pages ? ROOT_FEATURE_PARITY : 0;
    info_init(&body->root.info);
    body->root.info.file_number = options->file_number;
    body->root.info.created_s = io_now_us(options->env) / 1000000;
    body->root.info.level = options->level;
    body->root.info.run = options->run;
    body->root.info.off_strategy = options->off_strategy;
    rows_builder_clear(&body->rows);
    rows_builder_clear(&body->rest);
    body->encoder = rows_encoder_new();
    if (!body->encoder)
        return STATUS_FAIL(STATUS_NOMEM);
    TRY(frame_output_init(&body->output, options->env, file, root_identity(&body->root),
                          options->compression_level));
    body->compressor.zstd = body->output.zstd;
    TRY(file_writer_append_zeros(&body->output.writer, ROOT_BYTES));
    if (options->dictionary && options->compression_level)
        TRY(table_body_use_dictionary(body, sstable_dictionary_ref(options->dictionary)));
    return STATUS_DONE;
}

void table_body_deinit(struct table_body *body)
{
    frame_output_deinit(&body->output);
    rows_builder_deinit(&body->rows);
    rows_builder_deinit(&body->rest);
    rows_encoder_free(body->encoder);
    sstable_dictionary_unref(body->dictionary);
    buffer_deinit(&body->frame);
    copied_runs_deinit(&body->copied);
    block_index_deinit(&body->index);
    directory_builder_deinit(&body->directory);
    free(body->key_hashes);
    free(body->pending);
    arena_deinit(&body->arena);
    buffer_deinit(&body->run_key);
    *body = (struct table_body){0};
}

static status filter_write(struct table_body *body)
{
    struct buffer lines = {0};
    uint8_t probes = 0;
    status st =
        filter_build(body->key_hashes, body->root.info.partitions, body->filter_bits, &lines, &probes);
    if (ok(st))
        st = frame_output_write(&body->output, FRAME_FILTER, probes,
                                (uint32_t)(lines.bytes / FILTER_LINE_BYTES), buffer_slice(&lines),
                                &body->root.filter);
    buffer_deinit(&lines);
    return st;
}

status table_body_finish(struct table_body *body)
{
    struct file_writer *writer = &body->output.writer;
    TRY(block_flush(body));
    if (body->dictionary)
        TRY(dictionary_write(body, 1));
    TRY(directory_builder_finish(&body->directory, &body->output));
    body->root.data_end = file_writer_offset(writer);
    TRY(directory_builder_write_index(&body->directory, &body->output, &body->root.directory_index));
    TRY(filter_write(body));
    uint64_t end = file_writer_offset(writer);
    size_t padding = (size_t)((IO_BLOCK_BYTES - end % IO_BLOCK_BYTES) % IO_BLOCK_BYTES);
    TRY(file_writer_append_zeros(writer, padding + ROOT_BYTES));
    body->root.info.file_bytes = file_writer_offset(writer);
    TRY(file_writer_drain(writer));
    return io_sync(writer->file);
}
