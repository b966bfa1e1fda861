/*
 * One merging cursor in, tables out. Every row and tombstone that goes into a builder is added up here as well; the
 * builder's own account, made from the bytes that came back from the disk, must agree (I13). Where nothing was
 * reconciled and nothing forgotten, the outputs must hold together what the inputs did.
 *
 * Blocks      A block of rows that only one source has up to the next row of any other is passed on as it is, unless
 *             something in it may be forgotten. It brings the sum of its rows' hashes with it.
 *
 * A partition is begun in the output only when something of it is known to stay, so that one of which everything is
 * forgotten leaves no trace, and a merge of which nothing stays makes no file.
 */
#include "compaction/compaction.h"

#include "compaction/chain_internal.h"
#include "sstable/content_hash.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    OUTPUT_BYTES_DEFAULT = 256 << 20,
    TABLE_NAME_BYTES = 64,
    BLOCK_BYTES_DEFAULT = 8192,
    /* Copying a block is about as much work as this many rows. */
    BLOCK_STEP_ROWS = 4,
};

/* What was fed into the open output, or what the inputs hold. */
struct account {
    uint64_t partitions, rows, content_hash;
};

struct compaction_job {
    struct compaction_job_options options;
    struct cursor *source; /* owned */
    struct merge_counters merged;
    status failure;
    bool done;

    struct sstable_builder *builder; /* owned; NULL between outputs */
    struct account fed;
    struct sstable_info *outputs; /* owned */
    uint32_t output_count, adopted_count;
    uint32_t output_shard; /* of the open output */
    int64_t last_token;    /* in the open output */

    struct account inputs, made; /* over tables whose rows are all there is to them */
    bool adds_up;                /* they are to be compared */
    struct compaction_counters counters;

    /* The partition that the source stands on. */
    bool in_partition;  /* its rows are not exhausted */
    bool begun;         /* in the builder */
    bool copies;        /* no deletion of it stands in the way of copying blocks */
    size_t loose_bytes; /* rows given to the builder one by one since the last whole block */
    struct partition_view
        kept; /* what stays of it but for rows; borrows from source, arena and static_image */
    uint64_t key_hash;
    struct arena arena;
    struct buffer static_image, image, last;
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
    status st = job && outputs ? STATUS_DONE : STATUS_FAIL(STATUS_NOMEM);
    if (ok(st)) {
        const struct merge_options merge = {.rules = options->rules, .counters = &job->merged};
        st = merge_cursor_open(children, count, &merge, &job->source);
    }
    if (failed(st)) {
        free(outputs);
        free(job);
        return st;
    }
    job->options = *options;
    job->outputs = outputs;
    if (!job->options.output_bytes_max)
        job->options.output_bytes_max = OUTPUT_BYTES_DEFAULT;
    if (!job->options.build.block_bytes)
        job->options.build.block_bytes = BLOCK_BYTES_DEFAULT;
    if (!job->options.output_shards)
        job->options.output_shards = 1;
    *out_job = job;
    return STATUS_DONE;
}

/* ---- over tables ---- */

static int by_first_token(const void *a, const void *b)
{
    const struct sstable_info *x = sstable_info(*(struct sstable *const *)a);
    const struct sstable_info *y = sstable_info(*(struct sstable *const *)b);
    return x->min_token < y->min_token ? -1 : x->min_token > y->min_token;
}

/* One cursor a chain; `sorted` has room for all tables. */
static status chains_open(struct sstable *const *tables, uint32_t count, const uint32_t *chain_of,
                          uint32_t chains, struct sstable **sorted, struct cursor **cursors)
{
    status st = STATUS_DONE;
    for (uint32_t chain = 0; ok(st) && chain < chains; chain++) {
        uint32_t length = 0;
        for (uint32_t i = 0; i < count; i++)
            if (chain_of[i] == chain)
                sorted[length++] = tables[i];
        qsort(sorted, length, sizeof(struct sstable *), by_first_token);
        st = chain_cursor_open(sorted, length, &cursors[chain]);
    }
    return st;
}

/* Nothing in the tables could be forgotten today: rows need not be looked at for it. */
static bool may_forget(const struct compaction_job_options *options, struct sstable *const *tables,
                       uint32_t count)
{
    int64_t before_s =
        options->purge.now_s > options->purge.gc_before_s ? options->purge.now_s : options->purge.gc_before_s;
    bool may = false;
    for (uint32_t i = 0; i < count; i++)
        may = may || sstable_info(tables[i])->min_expiry_s <= before_s;
    return options->purging && may;
}

static void inputs_add_up(struct compaction_job *job, struct sstable *const *tables, uint32_t count)
{
    job->adds_up = true;
    for (uint32_t i = 0; i < count; i++) {
        const struct sstable_info *info = sstable_info(tables[i]);
        job->adds_up = job->adds_up && info->rows_only && info->tombstones == 0;
        job->inputs.rows += info->rows;
        job->inputs.content_hash += info->content_hash;
    }
}

status compaction_job_new_over(const struct compaction_job_options *options, struct sstable *const *tables,
                               uint32_t count, struct compaction_job **out_job)
{
    uint32_t chains = 0, items = count ? count : 1;
    struct sstable_info *infos = calloc(items, sizeof *infos);
    struct sstable **sorted = calloc(items, sizeof(struct sstable *));
    struct cursor **cursors = calloc(items, sizeof(struct cursor *));
    uint32_t *chain_of = calloc(items, sizeof *chain_of);
    struct compaction_job_options own = *options;
    status st = infos && sorted && cursors && chain_of ? STATUS_DONE : STATUS_FAIL(STATUS_NOMEM);
    for (uint32_t i = 0; ok(st) && i < count; i++)
        infos[i] = *sstable_info(tables[i]);
    if (ok(st) && !compaction_chains(infos, count, chain_of, &chains))
        st = STATUS_FAIL(STATUS_NOMEM);
    if (ok(st)) {
        own.purging = may_forget(options, tables, count);
        st = chains_open(tables, count, chain_of, chains, sorted, cursors);
    }
    if (ok(st))
        st = compaction_job_new(&own, cursors, chains, out_job);
    for (uint32_t i = 0; failed(st) && cursors && i < count; i++)
        cursor_close(cursors[i]);
    if (ok(st))
        inputs_add_up(*out_job, tables, count);
    free(infos);
    free(sorted);
    free(cursors);
    free(chain_of);
    return st;
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
    job->made.rows += info.rows;
    job->made.content_hash += info.content_hash;
    return STATUS_DONE;
}

/* Which of the equal parts of all tokens it lies in. */
static uint32_t shard_of(const struct compaction_job *job, int64_t token)
{
    uint64_t biased = (uint64_t)token ^ (UINT64_C(1) << 63);
    __extension__ typedef unsigned __int128 wide;
    return (uint32_t)(((wide)biased * job->options.output_shards) >> 64);
}

/* An output ends between tokens, so that tables of a run are disjoint in them. The last file number takes all the rest. */
static status output_split(struct compaction_job *job, int64_t token)
{
    bool full = sstable_builder_bytes(job->builder) >= job->options.output_bytes_max;
    bool border = shard_of(job, token) != job->output_shard;
    if ((!full && !border) || token == job->last_token ||
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
    job->counters.forgotten += ranges->count - count;
    job->kept.ranges = (struct range_list){.items = items, .count = count};
    return STATUS_DONE;
}

/* What stays of an image, in `scratch` when it was purged; an empty slice when nothing does. */
static status image_keep(struct compaction_job *job, struct slice image, struct buffer *scratch,
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
    job->counters.forgotten += !slice_equal(*out_kept, image);
    return STATUS_DONE;
}

static status partition_begin(struct compaction_job *job)
{
    int64_t token = job->kept.key.token;
    if (job->builder)
        TRY(output_split(job, token));
    if (!job->builder) {
        TRY(output_open(job));
        job->output_shard = shard_of(job, token);
    }
    TRY(sstable_builder_begin_partition(job->builder, &job->kept));
    job->last_token = token;
    job->begun = true;
    job->loose_bytes = 0;
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
        deletion_purgeable(&job->options.purge, deletion)) {
        job->kept.deletion = DELETION_NONE;
        job->counters.forgotten++;
    }
    TRY(ranges_keep(job, &view->ranges));
    TRY(image_keep(job, view->static_image, &job->static_image, &job->kept.static_image));
    job->in_partition = true;
    job->begun = false;
    job->copies = !job->options.no_block_copy && deletion.timestamp == TIMESTAMP_NONE && !view->ranges.count;
    bool anything = job->kept.deletion.timestamp != TIMESTAMP_NONE || job->kept.ranges.count ||
                    job->kept.static_image.bytes;
    return anything ? partition_begin(job) : STATUS_DONE;
}

static status row_give(struct compaction_job *job, struct slice clustering, struct slice image,
                       uint64_t row_hash)
{
    struct cursor *giver = job->options.no_code_copy ? NULL : merge_cursor_giver(job->source);
    bool coded;
    TRY(sstable_builder_add_row_of(job->builder, giver ? chain_cursor_leaf(giver) : NULL, clustering, image,
                                   row_hash, &coded));
    job->counters.rows_coded += coded;
    return STATUS_DONE;
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
    uint64_t row_hash = content_hash_row(job->key_hash, clustering, image);
    TRY(row_give(job, clustering, image, row_hash));
    job->loose_bytes += clustering.bytes + image.bytes;
    job->counters.rows++;
    job->fed.rows++;
    job->fed.content_hash += row_hash;
    return STATUS_DONE;
}

static status partition_leave(struct compaction_job *job)
{
    job->in_partition = false;
    return job->begun ? sstable_builder_end_partition(job->builder) : STATUS_DONE;
}

/* ---- blocks ---- */

/* A block that is far from full is better filled up with what follows, and so is one that has just been begun. */
static bool worth_copying(const struct compaction_job *job, const struct sstable_block *block)
{
    uint64_t half = job->options.build.block_bytes / 2;
    return block->summary.raw_bytes >= half && (!job->loose_bytes || job->loose_bytes >= half);
}

/* Nothing in the block may be forgotten or becomes a tombstone today. */
static bool forgets_nothing(const struct compaction_job *job, const struct sstable_block_summary *summary)
{
    const struct purge *purge = &job->options.purge;
    return !job->options.purging ||
           (summary->min_expiry_s > purge->now_s && summary->min_expiry_s >= purge->gc_before_s);
}

/* Pass on the next block of the one source that has the next rows, if it may be. */
static status block_take(struct compaction_job *job, bool *out_taken)
{
    struct merge_sole sole;
    struct sstable_block block;
    bool found;
    *out_taken = false;
    TRY(merge_cursor_sole(job->source, &sole));
    if (!sole.child)
        return STATUS_DONE;
    struct cursor *leaf = chain_cursor_leaf(sole.child);
    TRY(sstable_cursor_next_block(leaf, &block, &found));
    if (!found || (sole.has_limit && slice_compare(block.last, sole.limit) >= 0) ||
        !worth_copying(job, &block) || !forgets_nothing(job, &block.summary))
        return STATUS_DONE;
    if (!job->begun)
        TRY(partition_begin(job));
    if (!sstable_builder_takes_block(job->builder, &block))
        return STATUS_DONE;
    TRY(sstable_builder_add_block(job->builder, &block));
    job->loose_bytes = 0;
    job->fed.rows += block.summary.rows;
    job->fed.content_hash += block.summary.content_hash;
    job->counters.blocks_copied++;
    job->counters.rows_copied += block.summary.rows;
    buffer_clear(&job->last);
    buffer_append_slice(&job->last, block.last);
    TRY(buffer_status(&job->last));
    TRY(sstable_cursor_skip_block(leaf));
    chain_cursor_follow(sole.child);
    *out_taken = true;
    return merge_cursor_passed(job->source, buffer_slice(&job->last));
}

/* ---- steps ---- */

static status finish(struct compaction_job *job)
{
    TRY(output_finish(job));
    cursor_close(job->source); /* its counters are added up now */
    job->source = NULL;
    job->counters.rows_merged = job->merged.rows_merged;
    if (job->adds_up && !job->counters.rows_merged && !job->counters.forgotten &&
        (job->made.rows != job->inputs.rows || job->made.content_hash != job->inputs.content_hash))
        return STATUS_FAIL(STATUS_CORRUPT);
    job->done = true;
    return STATUS_DONE;
}

/* One row, one block, or one change of partition; *io_rows is what it counts for. */
static status advance(struct compaction_job *job, uint64_t *out_rows)
{
    *out_rows = 1;
    if (job->in_partition) {
        bool taken = false;
        if (job->copies)
            TRY(block_take(job, &taken));
        if (taken) {
            *out_rows = BLOCK_STEP_ROWS;
            return STATUS_DONE;
        }
        TRY(cursor_next(job->source));
        return job->source->on_row ? row_take(job) : partition_leave(job);
    }
    TRY(cursor_next_partition(job->source));
    return job->source->on_partition ? partition_enter(job) : finish(job);
}

status compaction_job_step(struct compaction_job *job, uint64_t rows, bool *out_done)
{
    uint64_t counted;
    for (uint64_t i = 0; ok(job->failure) && !job->done && i < rows; i += counted)
        job->failure = advance(job, &counted);
    if (ok(job->failure))
        *out_done = job->done;
    return job->failure;
}

const struct sstable_info *compaction_job_outputs(const struct compaction_job *job, uint32_t *out_count)
{
    *out_count = job->output_count;
    return job->outputs;
}

bool compaction_job_may_release(const struct compaction_job *job, int64_t *out_max_token)
{
    if (failed(job->failure) || job->done || job->counters.forgotten ||
        job->output_count == job->adopted_count)
        return false;
    *out_max_token = job->outputs[job->output_count - 1].max_token;
    return true;
}

void compaction_job_adopt(struct compaction_job *job, uint32_t count)
{
    assert(count <= job->output_count);
    job->adopted_count = count;
}

void compaction_job_counters(const struct compaction_job *job, struct compaction_counters *out_counters)
{
    *out_counters = job->counters;
}

/* A file that cannot be unlinked is an orphan that no manifest names; the next open of the store removes it. */
static void outputs_unlink(struct compaction_job *job)
{
    char path[IO_PATH_BYTES_MAX];
    for (uint32_t i = job->adopted_count; i < job->output_count; i++) {
        sstable_drop_warmth(job->options.build.warm, &job->outputs[i]);
        if (ok(path_of(job, job->outputs[i].file_number, path)))
            (void)io_unlink(job->options.build.env, path);
    }
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
    buffer_deinit(&job->last);
    free(job->outputs);
    free(job);
}
