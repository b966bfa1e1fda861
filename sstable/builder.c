/*
 * Building a table, as its callers see it: what comes is checked for its order, kept aside until there is enough of it to
 * learn a dictionary from, and then passed on to the body.
 */
#include "sstable/builder_stage_internal.h"
#include "sstable/content_hash.h"
#include "sstable/dictionary_shelf_internal.h"
#include "sstable/sstable_seal_internal.h"
#include "sstable/table_body_internal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct sstable_builder {
    struct io_env *env;   /* borrowed */
    struct io_file *file; /* owned */
    char *path;           /* owned */
    status failure;       /* the first one; nothing is written after it */

    /* Rows wait here until enough of them are there to learn a dictionary from. */
    bool staging;
    uint64_t stage_bytes_max;
    struct dictionary_shelf *shelf; /* borrowed; may be NULL */
    struct block_cache *warm;       /* borrowed; may be NULL */
    struct builder_stage stage;

    struct table_body body;

    /* What the caller is at. */
    bool in_partition, partition_has_rows;
    struct buffer last_partition, last_row;
    int64_t last_token;
    bool has_partition;
};

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
        case STAGE_PARTITION: st = table_body_begin_partition(&builder->body, &item.partition); break;
        case STAGE_ROW:
            st = table_body_add_row(&builder->body, item.clustering, item.image, item.row_hash);
            break;
        case STAGE_END: st = table_body_end_partition(&builder->body); break;
        }
        if (failed(st))
            break;
    }
    arena_deinit(&arena);
    builder_stage_deinit(&builder->stage);
    return st;
}

static status stage_finish(struct sstable_builder *builder)
{
    struct sstable_dictionary *dictionary = NULL;
    if (!builder->staging)
        return STATUS_DONE;
    if (builder->stage.bytes.bytes >= DICTIONARY_SAMPLE_LEAST ||
        builder->stage.bytes.bytes >= builder->stage_bytes_max)
        TRY(dictionary_shelf_learn(builder->shelf, builder->body.root.table_id, &builder->stage,
                                   &dictionary));
    if (dictionary)
        TRY(table_body_use_dictionary(&builder->body, dictionary));
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
        return table_body_begin_partition(&builder->body, partition);
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
static const struct sstable_cursor *coded_source(struct cursor *source, struct slice image)
{
    const struct sstable_cursor *cursor = source ? sstable_cursor_of(source) : NULL;
    bool has = cursor && cursor->codes.rows && source->on_row && source->row.image.data == image.data &&
               source->row.image.bytes == image.bytes;
    return has ? cursor : NULL;
}

static status row_take(struct sstable_builder *builder, struct slice clustering, struct slice image,
                       uint64_t row_hash)
{
    if (clustering.bytes > CLUSTERING_BYTES_MAX || image.bytes > FRAME_RAW_MAX / 2)
        return STATUS_FAIL(STATUS_LIMIT);
    TRY(rows_order_check(builder, clustering, clustering));
    if (!builder->staging)
        return table_body_add_row(&builder->body, clustering, image, row_hash);
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
    const struct sstable_cursor *coded = builder->staging ? NULL : coded_source(source, image);
    TRY(add_row(builder, clustering, image, row_hash));
    *out_coded = coded && table_body_add_codes(&builder->body, &coded->codes, sstable_cursor_row(coded));
    return STATUS_DONE;
}

bool sstable_builder_takes_block(const struct sstable_builder *builder, const struct sstable_block *block)
{
    return !block->dictionary_id ||
           (builder->body.dictionary && builder->body.dictionary->id == block->dictionary_id);
}

static status block_take(struct sstable_builder *builder, const struct sstable_block *block)
{
    if (!sstable_builder_takes_block(builder, block))
        return STATUS_FAIL(STATUS_INVALID);
    TRY(stage_finish(builder));
    TRY(rows_order_check(builder, block->first, block->last));
    return table_body_add_block(&builder->body, block);
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
        builder->failure = table_body_end_partition(&builder->body);
    builder->in_partition = false;
    return builder->failure;
}

uint64_t sstable_builder_bytes(const struct sstable_builder *builder)
{
    /* Staged rows will take about a half. */
    return table_body_bytes(&builder->body) + builder->stage.bytes.bytes / 2;
}

/* ---- open, finish, abort ---- */

static void builder_free(struct sstable_builder *builder)
{
    if (!builder)
        return;
    table_body_deinit(&builder->body);
    io_close(builder->file);
    free(builder->path);
    builder_stage_deinit(&builder->stage);
    buffer_deinit(&builder->last_partition);
    buffer_deinit(&builder->last_row);
    free(builder);
}

status sstable_builder_open(const struct sstable_build_options *options, struct sstable_builder **out_builder)
{
    struct sstable_builder *builder = calloc(1, sizeof *builder);
    if (!builder)
        return STATUS_FAIL(STATUS_NOMEM);
    status st = STATUS_FAIL(STATUS_NOMEM);
    builder->env = options->env;
    builder->shelf = options->shelf;
    builder->warm = options->warm;
    builder->stage_bytes_max =
        options->dictionary_after_bytes ? options->dictionary_after_bytes : DICTIONARY_SAMPLE_BYTES;
    builder->staging = options->compression_level && !options->dictionary && !options->no_lanes &&
                       options->dictionary_after_bytes != UINT32_MAX;
    builder->path = strdup(options->path);
    if (!builder->path)
        goto out;
    st = io_open(options->env, options->path, IO_READ | IO_WRITE | IO_CREATE | IO_EXCLUSIVE | IO_DIRECT,
                 &builder->file);
    if (failed(st))
        goto out;
    st = table_body_init(&builder->body, builder->file, options);
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
    table_body_deinit(&builder->body);
    io_close(builder->file);
    builder->file = NULL;
    (void)io_unlink(builder->env, builder->path);
    builder_free(builder);
}

status sstable_builder_finish(struct sstable_builder *builder, struct sstable_info *out_info)
{
    assert(!builder->in_partition);
    status st = builder->failure;
    if (ok(st))
        st = stage_finish(builder);
    if (ok(st))
        st = table_body_finish(&builder->body);
    if (ok(st))
        st = sstable_seal(&builder->body, builder->env, builder->path, &builder->file, builder->warm);
    if (failed(st)) {
        sstable_builder_abort(builder);
        return st;
    }
    *out_info = builder->body.root.info;
    builder_free(builder);
    return STATUS_DONE;
}
