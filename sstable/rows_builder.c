#include "sstable/content_hash.h"
#include "sstable/info_internal.h"
#include "sstable/rows_internal.h"

void rows_builder_deinit(struct rows_builder *builder)
{
    buffer_deinit(&builder->bytes);
    buffer_deinit(&builder->ends);
    buffer_deinit(&builder->last_key);
}

void rows_builder_clear(struct rows_builder *builder)
{
    buffer_clear(&builder->bytes);
    buffer_clear(&builder->ends);
    builder->rows = 0;
    summary_init(&builder->summary);
}

status rows_builder_add(struct rows_builder *builder, uint64_t key_hash, struct slice clustering,
                        struct slice image)
{
    struct sstable_block_summary *summary = &builder->summary;
    TRY(summary_add_image(summary, image));
    summary->rows++;
    summary->raw_bytes += clustering.bytes + image.bytes;
    summary->content_hash += content_hash_row(key_hash, clustering, image);
    buffer_append_slice(&builder->bytes, clustering);
    buffer_append_le32(&builder->ends, (uint32_t)builder->bytes.bytes);
    buffer_append_slice(&builder->bytes, image);
    buffer_append_le32(&builder->ends, (uint32_t)builder->bytes.bytes);
    buffer_clear(&builder->last_key);
    buffer_append_slice(&builder->last_key, clustering);
    builder->rows++;
    return STATUS_DONE;
}
