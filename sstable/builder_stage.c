#include "sstable/builder_stage_internal.h"

void builder_stage_deinit(struct builder_stage *stage)
{
    buffer_deinit(&stage->bytes);
    buffer_deinit(&stage->row_hashes);
}

static void run_put(struct buffer *out, struct slice bytes)
{
    buffer_append_varint(out, bytes.bytes);
    buffer_append_slice(out, bytes);
}

void builder_stage_partition(struct builder_stage *stage, const struct partition_view *partition)
{
    struct buffer ranges = {0};
    buffer_append_u8(&stage->bytes, STAGE_PARTITION);
    buffer_append_le64(&stage->bytes, (uint64_t)partition->key.token);
    run_put(&stage->bytes, partition->key.bytes);
    buffer_append_le64(&stage->bytes, (uint64_t)partition->deletion.timestamp);
    buffer_append_le64(&stage->bytes, (uint64_t)partition->deletion.time_s);
    run_put(&stage->bytes, partition->static_image);
    if (partition->ranges.count)
        range_list_encode(&ranges, &partition->ranges);
    run_put(&stage->bytes, buffer_slice(&ranges));
    stage->bytes.failed |= ranges.failed;
    buffer_deinit(&ranges);
}

void builder_stage_row(struct builder_stage *stage, struct slice clustering, struct slice image,
                       uint64_t row_hash)
{
    buffer_append_u8(&stage->bytes, STAGE_ROW);
    run_put(&stage->bytes, clustering);
    run_put(&stage->bytes, image);
    buffer_append_le64(&stage->row_hashes, row_hash);
    stage->bytes.failed |= stage->row_hashes.failed;
}

void builder_stage_end(struct builder_stage *stage)
{
    buffer_append_u8(&stage->bytes, STAGE_END);
}

struct builder_stage_reader builder_stage_read(const struct builder_stage *stage)
{
    return (struct builder_stage_reader){.in = reader_of(buffer_slice(&stage->bytes)),
                                         .row_hashes = reader_of(buffer_slice(&stage->row_hashes))};
}

static struct slice run_take(struct reader *in)
{
    return reader_take(in, reader_varint(in));
}

static status partition_next(struct reader *in, struct arena *arena, struct partition_view *out_partition)
{
    struct partition_view partition = {0};
    partition.key.token = (int64_t)reader_le64(in);
    partition.key.bytes = run_take(in);
    partition.deletion.timestamp = (int64_t)reader_le64(in);
    partition.deletion.time_s = (int64_t)reader_le64(in);
    partition.static_image = run_take(in);
    struct slice ranges = run_take(in);
    arena_reset(arena);
    if (ranges.bytes) {
        struct reader list = reader_of(ranges);
        TRY(range_list_decode(&list, arena, &partition.ranges));
    }
    *out_partition = partition;
    return STATUS_DONE;
}

status builder_stage_next(struct builder_stage_reader *reader, struct arena *arena,
                          struct builder_stage_item *out_item, bool *out_more)
{
    struct reader *in = &reader->in;
    *out_more = in->at != in->end;
    if (!*out_more)
        return STATUS_DONE;
    out_item->kind = (enum builder_stage_kind)reader_u8(in);
    if (out_item->kind == STAGE_PARTITION)
        return partition_next(in, arena, &out_item->partition);
    if (out_item->kind == STAGE_ROW) {
        out_item->row_hash = reader_le64(&reader->row_hashes);
        out_item->clustering = run_take(in);
        out_item->image = run_take(in);
    }
    return reader_status(in);
}

status builder_stage_learn(const struct builder_stage *stage, const struct sstable_dictionary *before,
                           struct sstable_dictionary **out_dictionary)
{
    struct builder_stage_reader reader = builder_stage_read(stage);
    struct builder_stage_item item;
    struct dictionary_sample sample = {0};
    struct arena arena = {0};
    status st;
    bool more;
    for (;;) {
        st = builder_stage_next(&reader, &arena, &item, &more);
        if (failed(st) || !more)
            break;
        if (item.kind == STAGE_ROW)
            dictionary_sample_add(&sample, item.clustering, item.image);
    }
    if (ok(st))
        st = dictionary_learn(&sample, before, out_dictionary);
    arena_deinit(&arena);
    dictionary_sample_deinit(&sample);
    return st;
}
