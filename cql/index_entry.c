#include "cql/index.h"

static const struct key_column token_column = {.kind = KEY_INT64};
static const struct key_column partition_column = {.kind = KEY_BYTES};

struct slice index_partition_bytes(struct slice value)
{
    static const uint8_t zero[1];
    return value.bytes ? value : slice_of(zero, sizeof zero);
}

void index_entry_key(struct buffer *out, struct partition_key key, struct slice clustering)
{
    uint8_t token[8];
    store_be64(token, (uint64_t)key.token);
    /* Both encodings take any bytes of these sizes; running out of memory stays in the buffer. */
    (void)key_append(out, token_column, slice_of(token, sizeof token));
    (void)key_append(out, partition_column, key.bytes);
    buffer_append_slice(out, clustering);
}

status index_entry_split(struct slice entry, struct buffer *out_partition, struct slice *out_clustering)
{
    struct reader in = reader_of(entry);
    TRY(key_take(&in, token_column, out_partition));
    buffer_clear(out_partition);
    TRY(key_take(&in, partition_column, out_partition));
    TRY(buffer_status(out_partition));
    *out_clustering = slice_of(in.at, reader_left(&in));
    return STATUS_DONE;
}
