#include "sstable/rows_block_internal.h"

void rows_builder_deinit(struct rows_builder *builder)
{
    buffer_deinit(&builder->raw);
    buffer_deinit(&builder->restarts);
    buffer_deinit(&builder->last_key);
}

void rows_builder_clear(struct rows_builder *builder)
{
    buffer_clear(&builder->raw);
    buffer_clear(&builder->restarts);
    builder->rows = 0;
    builder->restart_count = 0;
    rows_builder_run(builder);
}

void rows_builder_run(struct rows_builder *builder)
{
    builder->rows_in_group = ROWS_GROUP;
}

static size_t common_prefix(struct slice a, struct slice b)
{
    size_t most = a.bytes < b.bytes ? a.bytes : b.bytes;
    size_t at = 0;
    while (at + 8 <= most && load_le64(a.data + at) == load_le64(b.data + at))
        at += 8;
    while (at < most && a.data[at] == b.data[at])
        at++;
    return at;
}

void rows_builder_add(struct rows_builder *builder, struct slice clustering, struct slice image)
{
    size_t shared = 0;
    if (builder->rows_in_group == ROWS_GROUP) {
        buffer_append_le32(&builder->restarts, (uint32_t)builder->raw.bytes);
        builder->restart_count++;
        builder->rows_in_group = 0;
    } else {
        shared = common_prefix(buffer_slice(&builder->last_key), clustering);
    }
    buffer_append_varint(&builder->raw, shared);
    buffer_append_varint(&builder->raw, clustering.bytes - shared);
    buffer_append_varint(&builder->raw, image.bytes);
    buffer_append(&builder->raw, clustering.bytes > shared ? clustering.data + shared : NULL,
                  clustering.bytes - shared);
    buffer_append_slice(&builder->raw, image);
    builder->last_key.bytes = shared;
    buffer_append(&builder->last_key, clustering.bytes > shared ? clustering.data + shared : NULL,
                  clustering.bytes - shared);
    builder->rows++;
    builder->rows_in_group++;
}

status rows_builder_finish(struct rows_builder *builder, struct slice *out_raw)
{
    buffer_append_slice(&builder->raw, buffer_slice(&builder->restarts));
    buffer_append_le32(&builder->raw, builder->restart_count);
    TRY(buffer_status(&builder->restarts));
    TRY(buffer_status(&builder->last_key));
    TRY(buffer_status(&builder->raw));
    *out_raw = buffer_slice(&builder->raw);
    return STATUS_DONE;
}

status rows_run_open(struct slice payload, uint32_t items, uint32_t first_restart, uint64_t rows,
                     struct rows_run *out_run)
{
    if (payload.bytes < 4 || rows == 0 || rows > items)
        return STATUS_FAIL(STATUS_CORRUPT);
    uint32_t restart_count = load_le32(payload.data + payload.bytes - 4);
    if (restart_count > (payload.bytes - 4) / 4)
        return STATUS_FAIL(STATUS_CORRUPT);
    struct rows_run run = {
        .data = payload.data,
        .rows_end = (uint32_t)(payload.bytes - 4 - (size_t)restart_count * 4),
        .restart_count = restart_count,
        .first_restart = first_restart,
        .rows = (uint32_t)rows,
        .groups = (uint32_t)((rows + ROWS_GROUP - 1) / ROWS_GROUP),
    };
    if (first_restart > restart_count || run.groups > restart_count - first_restart)
        return STATUS_FAIL(STATUS_CORRUPT);
    *out_run = run;
    return STATUS_DONE;
}

static struct reader group_reader(const struct rows_run *run, uint32_t group)
{
    uint32_t offset = load_le32(run->data + run->rows_end + (size_t)(run->first_restart + group) * 4);
    struct reader in = reader_of(slice_of(run->data, run->rows_end));
    reader_take(&in, offset);
    return in;
}

/* A varint; one byte nearly always. */
static inline uint64_t length_read(struct reader *in)
{
    if (in->at < in->end && *in->at < 0x80)
        return *in->at++;
    return reader_varint(in);
}

static status slot_read(struct reader *in, struct slice before, struct rows_group *group,
                        struct rows_slot *out_slot)
{
    uint64_t shared = length_read(in);
    uint64_t unshared = length_read(in);
    uint64_t image_bytes = length_read(in);
    if (in->failed || shared > before.bytes || unshared > CLUSTERING_BYTES_MAX - shared)
        return STATUS_FAIL(STATUS_CORRUPT);
    struct slice suffix = reader_take(in, unshared);
    struct slice image = reader_take(in, image_bytes);
    if (in->failed)
        return STATUS_FAIL(STATUS_CORRUPT);
    size_t key_at = group->keys.bytes;
    size_t before_at = before.bytes ? (size_t)(before.data - group->keys.data) : 0;
    uint8_t *key = buffer_extend(&group->keys, shared + unshared);
    if (!key)
        return STATUS_FAIL(STATUS_NOMEM);
    if (shared)
        memcpy(key, group->keys.data + before_at, shared);
    if (unshared)
        memcpy(key + shared, suffix.data, unshared);
    *out_slot = (struct rows_slot){
        .key_at = (uint32_t)key_at, .key_bytes = (uint32_t)(shared + unshared), .image = image};
    return STATUS_DONE;
}

status rows_run_group(const struct rows_run *run, uint32_t group, struct rows_group *out_group)
{
    struct reader in = group_reader(run, group);
    uint32_t left = run->rows - group * ROWS_GROUP;
    uint32_t count = left < ROWS_GROUP ? left : ROWS_GROUP;
    struct slice before = {0};
    buffer_clear(&out_group->keys);
    out_group->count = 0;
    /* Reserved at once, so that an empty key has an address and most groups never grow it. */
    if (!buffer_reserve(&out_group->keys, 1024))
        return STATUS_FAIL(STATUS_NOMEM);
    for (uint32_t i = 0; i < count; i++) {
        TRY(slot_read(&in, before, out_group, &out_group->slots[i]));
        before = rows_group_key(out_group, i);
    }
    out_group->count = count;
    return STATUS_DONE;
}

/* The key right behind a restart, where nothing is shared. */
static status restart_key(const struct rows_run *run, uint32_t group, struct slice *out_key)
{
    struct reader in = group_reader(run, group);
    uint64_t shared = length_read(&in);
    uint64_t unshared = length_read(&in);
    (void)length_read(&in);
    struct slice key = reader_take(&in, unshared);
    if (in.failed || shared)
        return STATUS_FAIL(STATUS_CORRUPT);
    *out_key = key;
    return STATUS_DONE;
}

status rows_run_find(const struct rows_run *run, struct slice key, bool below, uint32_t *out_group)
{
    uint32_t low = 0; /* the answer is in [low, high) */
    uint32_t high = run->groups;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        struct slice first;
        TRY(restart_key(run, middle, &first));
        int order = slice_compare(first, key);
        if (order < 0 || (order == 0 && !below))
            low = middle;
        else
            high = middle;
    }
    *out_group = low;
    return STATUS_DONE;
}
