#include "sstable/content_hash.h"
#include "sstable/info_internal.h"

#include "row/row.h"

enum { INFO_FIELDS = 24 };

void sstable_info_encode(struct buffer *out, const struct sstable_info *info)
{
    const uint64_t fields[INFO_FIELDS] = {
        info->file_number,
        info->file_bytes,
        info->raw_bytes,
        info->partitions,
        info->rows,
        info->tombstones,
        info->content_hash,
        (uint64_t)info->min_token,
        (uint64_t)info->max_token,
        (uint64_t)info->min_timestamp,
        (uint64_t)info->max_timestamp,
        (uint64_t)info->min_expiry_s,
        (uint64_t)info->max_expiry_s,
        info->never_expires,
        info->largest_partition_bytes,
        (uint64_t)info->created_s,
        info->level,
        info->run,
        info->off_strategy,
        info->rows_only,
        info->first_prefix[0],
        info->first_prefix[1],
        info->last_prefix[0],
        info->last_prefix[1],
    };
    buffer_append_u8(out, INFO_FIELDS);
    for (uint32_t i = 0; i < INFO_FIELDS; i++)
        buffer_append_le64(out, fields[i]);
}

status sstable_info_decode(struct reader *in, struct sstable_info *out_info)
{
    uint64_t fields[INFO_FIELDS] = {0};
    uint32_t count = reader_u8(in);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t field = reader_le64(in);
        if (i < INFO_FIELDS)
            fields[i] = field;
    }
    TRY(reader_status(in));
    if (fields[13] > 1 || fields[16] > UINT32_MAX || fields[18] > 1 || fields[19] > 1)
        return STATUS_FAIL(STATUS_CORRUPT);
    *out_info = (struct sstable_info){
        .file_number = fields[0],
        .file_bytes = fields[1],
        .raw_bytes = fields[2],
        .partitions = fields[3],
        .rows = fields[4],
        .tombstones = fields[5],
        .content_hash = fields[6],
        .min_token = (int64_t)fields[7],
        .max_token = (int64_t)fields[8],
        .min_timestamp = (int64_t)fields[9],
        .max_timestamp = (int64_t)fields[10],
        .min_expiry_s = (int64_t)fields[11],
        .max_expiry_s = (int64_t)fields[12],
        .never_expires = fields[13] != 0,
        .largest_partition_bytes = fields[14],
        .created_s = (int64_t)fields[15],
        .level = (uint32_t)fields[16],
        .run = fields[17],
        .off_strategy = fields[18] != 0,
        .rows_only = fields[19] != 0,
        .first_prefix = {fields[20], fields[21]},
        .last_prefix = {fields[22], fields[23]},
    };
    return STATUS_DONE;
}

/* A prefix without its trailing zeros is at or before every key that begins with it; the number above it is behind all
 * of those. */
struct sstable_bounds sstable_info_bounds(const struct sstable_info *info)
{
    struct sstable_bounds bounds = {.first_bytes = sizeof bounds.first, .last_bytes = sizeof bounds.last};
    uint64_t low = info->last_prefix[1] + 1;
    uint64_t high = info->last_prefix[0] + (low == 0);
    store_be64(bounds.first, info->first_prefix[0]);
    store_be64(bounds.first + 8, info->first_prefix[1]);
    while (bounds.first_bytes && !bounds.first[bounds.first_bytes - 1])
        bounds.first_bytes--;
    store_be64(bounds.last, high);
    store_be64(bounds.last + 8, low);
    if (!high && !low) {
        bounds.last[0] = KEY_AFTER;
        bounds.last_bytes = 1;
    }
    return bounds;
}

void info_init(struct sstable_info *info)
{
    *info = (struct sstable_info){
        .min_token = INT64_MAX,
        .max_token = INT64_MIN,
        .min_timestamp = INT64_MAX,
        .max_timestamp = INT64_MIN,
        .min_expiry_s = INT64_MAX,
        .max_expiry_s = INT64_MIN,
        .rows_only = true,
        .first_prefix = {UINT64_MAX, UINT64_MAX},
    };
}

/* The first 16 bytes, zeros behind a shorter key. */
static void prefix_of(struct slice clustering, uint64_t out_prefix[2])
{
    uint8_t bytes[16] = {0};
    size_t kept = clustering.bytes < sizeof bytes ? clustering.bytes : sizeof bytes;
    if (kept)
        memcpy(bytes, clustering.data, kept);
    out_prefix[0] = load_be64(bytes);
    out_prefix[1] = load_be64(bytes + 8);
}

static bool prefix_less(const uint64_t a[2], const uint64_t b[2])
{
    return a[0] != b[0] ? a[0] < b[0] : a[1] < b[1];
}

void info_add_bounds(struct sstable_info *info, const struct partition_view *partition)
{
    uint64_t first[2], last[2];
    if (partition->deletion.timestamp != TIMESTAMP_NONE || partition->ranges.count ||
        partition->static_image.bytes)
        info->rows_only = false;
    prefix_of(partition->first, first);
    prefix_of(partition->last, last);
    if (prefix_less(first, info->first_prefix))
        memcpy(info->first_prefix, first, sizeof first);
    if (prefix_less(info->last_prefix, last))
        memcpy(info->last_prefix, last, sizeof last);
}

void summary_init(struct sstable_block_summary *summary)
{
    *summary = (struct sstable_block_summary){
        .min_timestamp = INT64_MAX,
        .max_timestamp = INT64_MIN,
        .min_expiry_s = INT64_MAX,
        .max_expiry_s = INT64_MIN,
    };
}

static void cover_timestamp(struct sstable_block_summary *summary, int64_t timestamp)
{
    if (timestamp < summary->min_timestamp)
        summary->min_timestamp = timestamp;
    if (timestamp > summary->max_timestamp)
        summary->max_timestamp = timestamp;
}

static void cover_expiry(struct sstable_block_summary *summary, int64_t expiry_s)
{
    if (expiry_s < summary->min_expiry_s)
        summary->min_expiry_s = expiry_s;
    if (expiry_s > summary->max_expiry_s)
        summary->max_expiry_s = expiry_s;
}

void summary_add_deletion(struct sstable_block_summary *summary, struct deletion deletion)
{
    if (deletion.timestamp == TIMESTAMP_NONE)
        return;
    summary->tombstones++;
    cover_timestamp(summary, deletion.timestamp);
    cover_expiry(summary, deletion.time_s);
}

static void add_marker(struct sstable_block_summary *summary, const struct marker *marker)
{
    if (marker->timestamp == TIMESTAMP_NONE)
        return;
    cover_timestamp(summary, marker->timestamp);
    if (marker->ttl_s)
        cover_expiry(summary, marker->expiry_s);
    else
        summary->never_expires = true;
}

status summary_add_image(struct sstable_block_summary *summary, struct slice image)
{
    struct row_reader row;
    struct cell cell;
    bool more;
    TRY(row_open(image, &row));
    add_marker(summary, &row.marker);
    summary_add_deletion(summary, row.deletion);
    for (;;) {
        TRY(row_next_cell(&row, &cell, &more));
        if (!more)
            return STATUS_DONE;
        summary->cells++;
        cover_timestamp(summary, cell.timestamp);
        if (cell_lasts(&cell)) {
            summary->never_expires = true;
            continue;
        }
        cover_expiry(summary, cell.expiry_s);
        if (cell_is_tombstone(&cell))
            summary->tombstones++;
        else
            summary->expiring++;
    }
}

void info_add_summary(struct sstable_info *info, const struct sstable_block_summary *summary)
{
    if (summary->min_timestamp < info->min_timestamp)
        info->min_timestamp = summary->min_timestamp;
    if (summary->max_timestamp > info->max_timestamp)
        info->max_timestamp = summary->max_timestamp;
    if (summary->min_expiry_s < info->min_expiry_s)
        info->min_expiry_s = summary->min_expiry_s;
    if (summary->max_expiry_s > info->max_expiry_s)
        info->max_expiry_s = summary->max_expiry_s;
    info->never_expires |= summary->never_expires;
    info->tombstones += summary->tombstones;
    info->content_hash += summary->content_hash;
    info->rows += summary->rows;
}

static uint64_t deletion_hash(struct slice before, struct deletion deletion, uint64_t seed)
{
    uint8_t body[16];
    store_le64(body, (uint64_t)deletion.timestamp);
    store_le64(body + 8, (uint64_t)deletion.time_s);
    return hash64(slice_of(body, sizeof body), hash64(before, seed));
}

uint64_t content_hash_partition(uint64_t key_hash, const struct partition_view *partition)
{
    const struct slice none = {0};
    uint64_t sum = 0;
    if (partition->deletion.timestamp != TIMESTAMP_NONE)
        sum += deletion_hash(none, partition->deletion, key_hash + CONTENT_DELETION);
    if (partition->static_image.bytes)
        sum += hash64(partition->static_image, hash64(none, key_hash + CONTENT_STATIC));
    for (uint32_t i = 0; i < partition->ranges.count; i++) {
        const struct range_tombstone *range = &partition->ranges.items[i];
        sum += deletion_hash(range->end, range->deletion, hash64(range->start, key_hash + CONTENT_RANGE));
    }
    return sum;
}
