#include "sstable/statistics_internal.h"

static uint32_t bucket_of(uint64_t size)
{
    uint32_t bucket = size ? 64 - (uint32_t)__builtin_clzll(size) : 0;
    return bucket < SSTABLE_SIZE_BUCKETS ? bucket : SSTABLE_SIZE_BUCKETS - 1;
}

/* Room for one more: the two neighbours that are nearest in time become one, at the later time, so that an estimate is
 * never too high. */
static void bins_merge(struct statistics *statistics)
{
    uint32_t nearest = 0;
    uint64_t least = UINT64_MAX;
    for (uint32_t i = 0; i + 1 < statistics->bin_count; i++) {
        uint64_t gap = (uint64_t)statistics->bins[i + 1].time_s - (uint64_t)statistics->bins[i].time_s;
        if (gap < least) {
            least = gap;
            nearest = i;
        }
    }
    statistics->bins[nearest + 1].count += statistics->bins[nearest].count;
    memmove(&statistics->bins[nearest], &statistics->bins[nearest + 1],
            (statistics->bin_count - nearest - 1) * sizeof *statistics->bins);
    statistics->bin_count--;
}

static void bin_add(struct statistics *statistics, int64_t time_s, uint64_t count)
{
    uint32_t at = statistics->bin_count;
    if (!count)
        return;
    while (at && statistics->bins[at - 1].time_s >= time_s)
        at--;
    if (at < statistics->bin_count && statistics->bins[at].time_s == time_s) {
        statistics->bins[at].count += count;
        return;
    }
    if (statistics->bin_count == STATISTICS_BINS) {
        bins_merge(statistics);
        bin_add(statistics, time_s, count);
        return;
    }
    memmove(&statistics->bins[at + 1], &statistics->bins[at],
            (statistics->bin_count - at) * sizeof *statistics->bins);
    statistics->bins[at] = (struct statistics_bin){.time_s = time_s, .count = count};
    statistics->bin_count++;
}

void statistics_add_head(struct statistics *statistics, const struct sstable_block_summary *summary)
{
    statistics->cells += summary->cells + summary->tombstones;
    bin_add(statistics, summary->max_expiry_s, summary->tombstones + summary->expiring);
}

void statistics_add_block(struct statistics *statistics, const struct sstable_block_summary *summary)
{
    statistics_add_head(statistics, summary);
    if (summary->rows)
        statistics->sizes.row_bytes[bucket_of(summary->raw_bytes / summary->rows)] += summary->rows;
}

void statistics_add_partition(struct statistics *statistics, uint64_t raw_bytes, uint64_t rows)
{
    statistics->sizes.partition_bytes[bucket_of(raw_bytes)]++;
    statistics->sizes.partition_rows[bucket_of(rows)]++;
}

static void buckets_encode(const uint64_t *buckets, struct buffer *out)
{
    for (uint32_t i = 0; i < SSTABLE_SIZE_BUCKETS; i++)
        buffer_append_varint(out, buckets[i]);
}

void statistics_encode(const struct statistics *statistics, struct buffer *out)
{
    int64_t before = 0;
    buffer_append_varint(out, statistics->cells);
    buffer_append_varint(out, statistics->bin_count);
    for (uint32_t i = 0; i < statistics->bin_count; i++) {
        buffer_append_varint(
            out, zigzag_encode((int64_t)((uint64_t)statistics->bins[i].time_s - (uint64_t)before)));
        buffer_append_varint(out, statistics->bins[i].count);
        before = statistics->bins[i].time_s;
    }
    buckets_encode(statistics->sizes.partition_bytes, out);
    buckets_encode(statistics->sizes.partition_rows, out);
    buckets_encode(statistics->sizes.row_bytes, out);
}

static void buckets_decode(struct reader *in, uint64_t *out_buckets)
{
    for (uint32_t i = 0; i < SSTABLE_SIZE_BUCKETS; i++)
        out_buckets[i] = reader_varint(in);
}

status statistics_decode(struct reader *in, struct statistics *out_statistics)
{
    struct statistics statistics = {.cells = reader_varint(in)};
    uint64_t count = reader_varint(in);
    int64_t before = 0;
    if (in->failed || count > STATISTICS_BINS)
        return STATUS_FAIL(STATUS_CORRUPT);
    statistics.bin_count = (uint32_t)count;
    for (uint32_t i = 0; i < count; i++) {
        before = (int64_t)((uint64_t)before + (uint64_t)zigzag_decode(reader_varint(in)));
        statistics.bins[i] = (struct statistics_bin){.time_s = before, .count = reader_varint(in)};
    }
    buckets_decode(in, statistics.sizes.partition_bytes);
    buckets_decode(in, statistics.sizes.partition_rows);
    buckets_decode(in, statistics.sizes.row_bytes);
    TRY(reader_status(in));
    *out_statistics = statistics;
    return STATUS_DONE;
}

struct sstable_droppable statistics_droppable(const struct statistics *statistics, int64_t gc_before_s)
{
    struct sstable_droppable droppable = {.cells = statistics->cells};
    for (uint32_t i = 0; i < statistics->bin_count && statistics->bins[i].time_s < gc_before_s; i++)
        droppable.droppable += statistics->bins[i].count;
    return droppable;
}
