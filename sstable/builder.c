/*
 * Building a table. Rows gather in a block; a block that is full becomes a frame. A partition's directory entry needs
 * the place and checksum of its block, so entries wait in `pending` until that block is written. Directory pages are
 * encoded as they fill and kept aside, because they stand behind all blocks in the file.
 */
#include "sstable/block_index_internal.h"
#include "sstable/content_hash.h"
#include "sstable/dictionary_internal.h"
#include "sstable/directory_builder_internal.h"
#include "sstable/filter_internal.h"
#include "sstable/info_internal.h"
#include "sstable/lanes_internal.h"
#include "sstable/rows_block_internal.h"
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
    bool cuts_lanes;
    struct lanes_splitter splitter;
    struct buffer lanes;
    struct dictionary_trainer trainer;
    struct buffer dictionary; /* empty: none */
    uint32_t block_bytes, filter_bits;
    status failure; /* the first one; nothing is written after it */

    struct rows_builder rows;
    struct block_index_builder index;
    struct directory_builder directory;
    uint64_t *key_hashes; /* owned; one a partition, for the filter */
    uint64_t key_capacity;

    struct arena arena;              /* bytes of pending entries and of the open partition */
    struct directory_entry *pending; /* owned array; partitions whose block is still open */
    uint32_t pending_count, pending_capacity;

    /* The open partition. */
    bool in_partition;
    struct directory_entry entry; /* slices in arena */
    struct range_list ranges;     /* in arena */
    uint64_t key_hash;
    struct buffer last_key_bytes; /* partition key of the last partition, for the order */
    int64_t last_token;
    struct buffer run_key; /* its first clustering key in the open block */
    uint32_t run_restart, run_rows;
};

/* ---- blocks ---- */

/* Learn from the block that was just written; when enough is known, rows are compressed with it from now on. */
static status dictionary_learn(struct sstable_builder *builder, struct slice raw)
{
    bool ready;
    TRY(dictionary_trainer_add(&builder->trainer, raw, &ready));
    if (!ready)
        return STATUS_DONE;
    TRY(dictionary_train(&builder->trainer, builder->output.compression_level, &builder->dictionary));
    if (!builder->dictionary.bytes)
        return STATUS_DONE;
    builder->root.incompatible_features |= ROOT_FEATURE_DICTIONARY;
    TRY(frame_output_write(&builder->output, FRAME_DICTIONARY, 0, 0, buffer_slice(&builder->dictionary),
                           &builder->root.dictionaries[0]));
    return frame_output_set_dictionary(&builder->output, buffer_slice(&builder->dictionary));
}

static status rows_write(struct sstable_builder *builder, struct frame_ref *out_ref)
{
    struct slice raw;
    bool cut = false;
    TRY(rows_builder_finish(&builder->rows, &raw));
    if (builder->cuts_lanes) {
        buffer_clear(&builder->lanes);
        TRY(lanes_split(&builder->splitter, raw, builder->rows.rows, &builder->lanes, &cut));
    }
    if (cut) {
        raw = buffer_slice(&builder->lanes);
        builder->root.incompatible_features |= ROOT_FEATURE_LANES;
    }
    TRY(frame_output_write(&builder->output, cut ? FRAME_LANES : FRAME_ROWS, 0, builder->rows.rows, raw,
                           out_ref));
    return dictionary_learn(builder, raw);
}

/* Write the open block, complete the entries that waited for it, note it in the index of the open partition. */
static status block_flush(struct sstable_builder *builder)
{
    struct frame_ref ref = {0};
    if (builder->rows.rows)
        TRY(rows_write(builder, &ref));
    for (uint32_t i = 0; i < builder->pending_count; i++) {
        struct directory_entry *entry = &builder->pending[i];
        if (entry->flags & DIRECTORY_ROWS)
            entry->at = ref;
        TRY(directory_builder_add(&builder->directory, &builder->output.compressor, entry));
    }
    builder->pending_count = 0;
    if (!builder->in_partition)
        arena_reset(&builder->arena);
    if (builder->run_rows) {
        struct block_index_item item = {.key = buffer_slice(&builder->run_key),
                                        .at = ref,
                                        .rows = builder->run_rows,
                                        .restart = builder->run_restart};
        TRY(buffer_status(&builder->run_key));
        TRY(block_index_add(&builder->index, &builder->output, &item));
        builder->entry.flags |= DIRECTORY_SPANS;
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

static status order_check(struct sstable_builder *builder, struct partition_key key)
{
    struct partition_key last = {.token = builder->last_token,
                                 .bytes = buffer_slice(&builder->last_key_bytes)};
    if (key.bytes.bytes > PARTITION_KEY_BYTES_MAX)
        return STATUS_FAIL(STATUS_LIMIT);
    if (builder->root.info.partitions && partition_key_compare(last, key) >= 0)
        return STATUS_FAIL(STATUS_INVALID);
    buffer_clear(&builder->last_key_bytes);
    buffer_append_slice(&builder->last_key_bytes, key.bytes);
    builder->last_token = key.token;
    return buffer_status(&builder->last_key_bytes);
}

static status partition_begin(struct sstable_builder *builder, const struct partition_view *partition)
{
    struct sstable_info *info = &builder->root.info;
    struct directory_entry *entry = &builder->entry;
    TRY(order_check(builder, partition->key));
    *entry =
        (struct directory_entry){.key = {.token = partition->key.token}, .deletion = partition->deletion};
    builder->ranges = (struct range_list){0};
    builder->key_hash = content_hash_key(partition->key.bytes);
    if (!keep(builder, partition->key.bytes, &entry->key.bytes) ||
        !keep(builder, partition->static_image, &entry->static_image))
        return STATUS_FAIL(STATUS_NOMEM);
    TRY(key_hash_add(builder, builder->key_hash));
    if (partition->deletion.timestamp != TIMESTAMP_NONE)
        entry->flags |= DIRECTORY_DELETION;
    info_add_deletion(info, partition->deletion);
    if (partition->static_image.bytes) {
        entry->flags |= DIRECTORY_STATIC;
        TRY(info_add_image(info, partition->static_image));
    }
    if (partition->ranges.count) {
        entry->flags |= DIRECTORY_RANGES;
        TRY(ranges_keep(builder, &partition->ranges));
        for (uint32_t i = 0; i < partition->ranges.count; i++)
            info_add_deletion(info, partition->ranges.items[i].deletion);
    }
    entry->raw_bytes = partition->static_image.bytes + entry->ranges.bytes;
    info->content_hash += content_hash_partition(builder->key_hash, partition);
    if (info->partitions == 1)
        info->min_token = partition->key.token;
    info->max_token = partition->key.token;
    return STATUS_DONE;
}

status sstable_builder_begin_partition(struct sstable_builder *builder,
                                       const struct partition_view *partition)
{
    assert(!builder->in_partition);
    if (ok(builder->failure))
        builder->failure = partition_begin(builder, partition);
    builder->in_partition = true;
    builder->run_rows = 0;
    return builder->failure;
}

static status row_add(struct sstable_builder *builder, struct slice clustering, struct slice image)
{
    struct sstable_info *info = &builder->root.info;
    struct directory_entry *entry = &builder->entry;
    if (clustering.bytes > CLUSTERING_BYTES_MAX || image.bytes > FRAME_RAW_MAX / 2)
        return STATUS_FAIL(STATUS_LIMIT);
    if (entry->rows && slice_compare(buffer_slice(&builder->rows.last_key), clustering) >= 0)
        return STATUS_FAIL(STATUS_INVALID);
    TRY(info_add_image(info, image));
    if (builder->rows.rows &&
        rows_builder_bytes(&builder->rows) + clustering.bytes + image.bytes > builder->block_bytes)
        TRY(block_flush(builder));
    if (!builder->run_rows) {
        rows_builder_run(&builder->rows);
        builder->run_restart = builder->rows.restart_count;
        buffer_clear(&builder->run_key);
        buffer_append_slice(&builder->run_key, clustering);
    }
    if (!entry->rows) {
        entry->flags |= DIRECTORY_ROWS;
        if (!keep(builder, clustering, &entry->first))
            return STATUS_FAIL(STATUS_NOMEM);
    }
    rows_builder_add(&builder->rows, clustering, image);
    builder->run_rows++;
    entry->rows++;
    entry->raw_bytes += clustering.bytes + image.bytes;
    info->rows++;
    info->content_hash += content_hash_row(builder->key_hash, clustering, image);
    return STATUS_DONE;
}

status sstable_builder_add_row(struct sstable_builder *builder, struct slice clustering, struct slice image)
{
    assert(builder->in_partition);
    if (ok(builder->failure))
        builder->failure = row_add(builder, clustering, image);
    return builder->failure;
}

/* Bounds over rows and range tombstones. */
static status bounds_set(struct sstable_builder *builder)
{
    struct directory_entry *entry = &builder->entry;
    const struct range_list *ranges = &builder->ranges;
    if (entry->rows && !keep(builder, buffer_slice(&builder->rows.last_key), &entry->last))
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
    if (!(entry->flags & DIRECTORY_SPANS)) {
        entry->restart_or_height = builder->run_restart;
        builder->run_rows = 0;
        TRY(pending_add(builder));
    } else {
        TRY(block_flush(builder));
        TRY(block_index_finish(&builder->index, &builder->output, &entry->at, &entry->restart_or_height));
        TRY(directory_builder_add(&builder->directory, &builder->output.compressor, entry));
    }
    builder->in_partition = false;
    /* The arena is empty again only after a flush between partitions. */
    if (builder->arena.used_bytes > PENDING_BYTES_MAX)
        TRY(block_flush(builder));
    return STATUS_DONE;
}

status sstable_builder_end_partition(struct sstable_builder *builder)
{
    assert(builder->in_partition);
    if (ok(builder->failure))
        builder->failure = partition_end(builder);
    builder->in_partition = false;
    return builder->failure;
}

uint64_t sstable_builder_bytes(const struct sstable_builder *builder)
{
    return file_writer_offset(&builder->output.writer) + builder->rows.raw.bytes +
           directory_builder_bytes(&builder->directory);
}

/* ---- open, finish, abort ---- */

static void builder_free(struct sstable_builder *builder)
{
    if (!builder)
        return;
    frame_output_deinit(&builder->output);
    io_close(builder->file);
    free(builder->path);
    rows_builder_deinit(&builder->rows);
    lanes_splitter_deinit(&builder->splitter);
    buffer_deinit(&builder->lanes);
    dictionary_trainer_deinit(&builder->trainer);
    buffer_deinit(&builder->dictionary);
    block_index_deinit(&builder->index);
    directory_builder_deinit(&builder->directory);
    free(builder->key_hashes);
    free(builder->pending);
    arena_deinit(&builder->arena);
    buffer_deinit(&builder->last_key_bytes);
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
    builder->cuts_lanes = options->compression_level && !options->no_lanes;
    builder->trainer.after_bytes =
        options->dictionary_after_bytes ? options->dictionary_after_bytes : DICTIONARY_AFTER_BYTES;
    if (!options->compression_level || options->dictionary_after_bytes == UINT32_MAX)
        builder->trainer.after_bytes = SIZE_MAX;
    builder->root = (struct root){.store_id = options->store_id, .table_id = options->table_id};
    info_init(&builder->root.info);
    builder->root.info.file_number = options->file_number;
    builder->root.info.created_s = io_now_us(options->env) / 1000000;
    builder->root.info.level = options->level;
    builder->root.info.run = options->run;
    builder->root.info.off_strategy = options->off_strategy;
    rows_builder_clear(&builder->rows);
    builder->path = strdup(options->path);
    if (!builder->path)
        goto out;
    st = io_open(options->env, options->path, IO_READ | IO_WRITE | IO_CREATE | IO_EXCLUSIVE | IO_DIRECT,
                 &builder->file);
    if (failed(st))
        goto out;
    st = frame_output_init(&builder->output, options->env, builder->file, root_identity(&builder->root),
                           options->compression_level);
    if (ok(st))
        st = file_writer_append_zeros(&builder->output.writer, ROOT_BYTES);
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
    TRY(block_flush(builder));
    if (builder->dictionary.bytes)
        TRY(frame_output_write(&builder->output, FRAME_DICTIONARY, 0, 0, buffer_slice(&builder->dictionary),
                               &builder->root.dictionaries[1]));
    builder->root.data_end = file_writer_offset(writer);
    TRY(directory_builder_write(&builder->directory, &builder->output, &builder->root.directory_index));
    TRY(filter_write(builder));
    uint64_t end = file_writer_offset(writer);
    size_t padding = (size_t)((IO_BLOCK_BYTES - end % IO_BLOCK_BYTES) % IO_BLOCK_BYTES);
    TRY(file_writer_append_zeros(writer, padding + ROOT_BYTES));
    builder->root.info.file_bytes = file_writer_offset(writer);
    TRY(file_writer_drain(writer));
    return io_sync(builder->file);
}

static status root_write(struct io_file *file, const struct root *root, uint64_t offset, uint8_t *block)
{
    size_t bytes;
    struct root again;
    root_encode(root, offset, block);
    TRY(io_write(file, offset, block, ROOT_BYTES, true));
    memset(block, 0, ROOT_BYTES);
    TRY(io_read(file, offset, block, ROOT_BYTES, &bytes));
    if (bytes != ROOT_BYTES)
        return STATUS_FAIL(STATUS_CORRUPT);
    return root_decode(block, offset, root->store_id, &again);
}

static status roots_write(struct io_file *file, const struct root *root)
{
    uint8_t *block = io_memory_new(ROOT_BYTES);
    if (!block)
        return STATUS_FAIL(STATUS_NOMEM);
    status st = root_write(file, root, root->info.file_bytes - ROOT_BYTES, block);
    if (ok(st))
        st = root_write(file, root, 0, block);
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
    status st = table->index_rebuilt || !table->filter ? STATUS_FAIL(STATUS_CORRUPT) : STATUS_DONE;
    if (ok(st))
        st = sstable_check_content(table);
    if (ok(st))
        st = roots_write(table->file, &table->root);
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
