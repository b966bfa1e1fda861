/*
 * One merging cursor in, tables out. Every row and tombstone that goes into a builder is added up here as well; the
 * builder's own account, made from the bytes that came back from the disk, must agree (I13).
 *
 * A partition is begun in the output only when something of it is known to stay, so that one of which everything is
 * forgotten leaves no trace, and a merge of which nothing stays makes no file.
 */
#include "compaction/compaction.h"

#include "sstable/content_hash.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    OUTPUT_BYTES_DEFAULT = 256 << 20,
    TABLE_NAME_BYTES = 64,
};

/* What was fed into the open output. */
struct account {
    uint64_t partitions, rows, content_hash;
};

struct compaction_job {
    struct compaction_job_options options;
    struct cursor *source; /* owned */
    status failure;
    bool done;

    struct sstable_builder *builder; /* owned; NULL between outputs */
    struct account fed;
    struct sstable_info *outputs; /* owned */
    uint32_t output_count;

    /* The partition that the source stands on. */
    bool in_partition; /* its rows are not exhausted */
    bool begun;        /* in the builder */
    struct partition_view
        kept; /* what stays of it but for rows; borrows from source, arena and static_image */
    uint64_t key_hash;
    struct arena arena;
    struct buffer static_image, image;
};

void compaction_table_name(uint64_t file_number, char *out)
{
    snprintf(out, TABLE_NAME_BYTES, "table-%" PRIu64 ".sst", file_number);
}

static status path_of(const struct compaction_job *job, uint64_t file_number, char *out)
{
    char name[TABLE_NAME_BYTES];
    compaction_table_name(file_number, name);
    int bytes = snprintf(out, IO_PATH_BYTES_MAX, "%s/%s", job->options.folder, name);
    return bytes > 0 && bytes < IO_PATH_BYTES_MAX ? STATUS_DONE : STATUS_FAIL(STATUS_LIMIT);
}

status compaction_job_new(const struct compaction_job_options *options, struct cursor **children,
                          uint32_t count, struct compaction_job **out_job)
{
    struct compaction_job *job = calloc(1, sizeof *job);
    struct sstable_info *outputs =
        calloc(options->file_number_count ? options->file_number_count : 1, sizeof *outputs);
    const struct merge_options merge = {.rules = options->rules};
    status st = job && outputs ? STATUS_DONE : STATUS_FAIL(STATUS_NOMEM);
    if (ok(st))
        st = merge_cursor_open(children, count, &merge, &job->source);
    if (failed(st)) {
        free(outputs);
        free(job);
        return st;
    }
    job->options = *options;
    job->outputs = outputs;
    if (!job->options.output_bytes_max)
        job->options.output_bytes_max = OUTPUT_BYTES_DEFAULT;
    *out_job = job;
    return STATUS_DONE;
}

/* ---- outputs ---- */

static status output_open(struct compaction_job *job)
{
    char path[IO_PATH_BYTES_MAX];
    struct sstable_build_options build = job->options.build;
    if (job->output_count >= job->options.file_number_count)
        return STATUS_FAIL(STATUS_LIMIT);
    build.file_number = job->options.first_file_number + job->output_count;
    build.path = path;
    TRY(path_of(job, build.file_number, path));
    TRY(sstable_builder_open(&build, &job->builder));
    job->fed = (struct account){0};
    return STATUS_DONE;
}

static status output_finish(struct compaction_job *job)
{
    struct sstable_builder *builder = job->builder;
    struct sstable_info info;
    if (!builder)
        return STATUS_DONE;
    job->builder = NULL; /* freed in every case */
    TRY(sstable_builder_finish(builder, &info));
    job->outputs[job->output_count++] = info;
    if (info.partitions != job->fed.partitions || info.rows != job->fed.rows ||
        info.content_hash != job->fed.content_hash)
        return STATUS_FAIL(STATUS_CORRUPT);
    return STATUS_DONE;
}

/* The last file number takes all the rest. */
static status output_split(struct compaction_job *job)
{
    if (sstable_builder_bytes(job->builder) < job->options.output_bytes_max ||
        job->output_count + 1 >= job->options.file_number_count)
        return STATUS_DONE;
    return output_finish(job);
}

/* ---- partitions and rows ---- */

static status ranges_keep(struct compaction_job *job, const struct range_list *ranges)
{
    if (!job->options.purging || !ranges->count) {
        job->kept.ranges = *ranges;
        return STATUS_DONE;
    }
    struct range_tombstone *items = arena_calloc(&job->arena, ranges->count, sizeof *items);
    if (!items)
        return STATUS_FAIL(STATUS_NOMEM);
    uint32_t count = 0;
    for (uint32_t i = 0; i < ranges->count; i++)
        if (!deletion_purgeable(&job->options.purge, ranges->items[i].deletion))
            items[count++] = ranges->items[i];
    job->kept.ranges = (struct range_list){.items = items, .count = count};
    return STATUS_DONE;
}

/* What stays of an image, in `scratch` when it was purged; an empty slice when nothing does. */
static status image_keep(const struct compaction_job *job, struct slice image, struct buffer *scratch,
                         struct slice *out_kept)
{
    bool empty;
    *out_kept = image;
    if (!job->options.purging || !image.bytes)
        return STATUS_DONE;
    buffer_clear(scratch);
    /* The merge has applied deletions already; what is left may be forgotten only for its own sake. */
    TRY(row_purge(image, DELETION_NONE, &job->options.purge, scratch, &empty));
    TRY(buffer_status(scratch));
    *out_kept = empty ? (struct slice){0} : buffer_slice(scratch);
    return STATUS_DONE;
}

static status partition_begin(struct compaction_job *job)
{
    if (!job->builder)
        TRY(output_open(job));
    TRY(sstable_builder_begin_partition(job->builder, &job->kept));
    job->begun = true;
    job->fed.partitions++;
    job->fed.content_hash += content_hash_partition(job->key_hash, &job->kept);
    return STATUS_DONE;
}

static status partition_enter(struct compaction_job *job)
{
    const struct partition_view *view = &job->source->partition;
    const struct deletion deletion = view->deletion;
    arena_reset(&job->arena);
    job->kept = (struct partition_view){.key = view->key, .deletion = deletion};
    job->key_hash = content_hash_key(view->key.bytes);
    if (job->options.purging && deletion.timestamp != TIMESTAMP_NONE &&
        deletion_purgeable(&job->options.purge, deletion))
        job->kept.deletion = DELETION_NONE;
    TRY(ranges_keep(job, &view->ranges));
    TRY(image_keep(job, view->static_image, &job->static_image, &job->kept.static_image));
    job->in_partition = true;
    job->begun = false;
    bool anything = job->kept.deletion.timestamp != TIMESTAMP_NONE || job->kept.ranges.count ||
                    job->kept.static_image.bytes;
    return anything ? partition_begin(job) : STATUS_DONE;
}

static status row_take(struct compaction_job *job)
{
    struct slice image;
    struct slice clustering = job->source->row.clustering;
    TRY(image_keep(job, job->source->row.image, &job->image, &image));
    if (!image.bytes)
        return STATUS_DONE;
    if (!job->begun)
        TRY(partition_begin(job));
    TRY(sstable_builder_add_row(job->builder, clustering, image));
    job->fed.rows++;
    job->fed.content_hash += content_hash_row(job->key_hash, clustering, image);
    return STATUS_DONE;
}

static status partition_leave(struct compaction_job *job)
{
    job->in_partition = false;
    if (!job->begun)
        return STATUS_DONE;
    TRY(sstable_builder_end_partition(job->builder));
    return output_split(job);
}

/* One row or one change of partition. */
static status advance(struct compaction_job *job)
{
    if (job->in_partition) {
        TRY(cursor_next(job->source));
        return job->source->on_row ? row_take(job) : partition_leave(job);
    }
    TRY(cursor_next_partition(job->source));
    if (job->source->on_partition)
        return partition_enter(job);
    TRY(output_finish(job));
    job->done = true;
    return STATUS_DONE;
}

status compaction_job_step(struct compaction_job *job, uint64_t rows, bool *out_done)
{
    for (uint64_t i = 0; ok(job->failure) && !job->done && i < rows; i++)
        job->failure = advance(job);
    if (ok(job->failure))
        *out_done = job->done;
    return job->failure;
}

const struct sstable_info *compaction_job_outputs(const struct compaction_job *job, uint32_t *out_count)
{
    assert(job->done);
    *out_count = job->output_count;
    return job->outputs;
}

/* A file that cannot be unlinked is an orphan that no manifest names; the next open of the store removes it. */
static void outputs_unlink(struct compaction_job *job)
{
    char path[IO_PATH_BYTES_MAX];
    for (uint32_t i = 0; i < job->output_count; i++)
        if (ok(path_of(job, job->outputs[i].file_number, path)))
            (void)io_unlink(job->options.build.env, path);
}

void compaction_job_free(struct compaction_job *job)
{
    if (!job)
        return;
    cursor_close(job->source);
    sstable_builder_abort(job->builder);
    if (!job->done)
        outputs_unlink(job);
    arena_deinit(&job->arena);
    buffer_deinit(&job->static_image);
    buffer_deinit(&job->image);
    free(job->outputs);
    free(job);
}
