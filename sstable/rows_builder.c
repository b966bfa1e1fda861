#include "sstable/info_internal.h"
#include "sstable/rows_internal.h"

void rows_builder_deinit(struct rows_builder *builder)
{
    buffer_deinit(&builder->bytes);
    buffer_deinit(&builder->ends);
    buffer_deinit(&builder->code_bytes);
    buffer_deinit(&builder->codes);
    buffer_deinit(&builder->code_ends);
    buffer_deinit(&builder->last_key);
}

struct slice rows_builder_last_key(const struct rows_builder *builder)
{
    const struct buffer *ends = &builder->ends;
    if (!builder->rows || ends->failed || builder->bytes.failed)
        return buffer_slice(&builder->last_key);
    uint32_t begin = builder->rows > 1 ? load_le32(ends->data + ends->bytes - 12) : 0;
    return slice_of(builder->bytes.data + begin, load_le32(ends->data + ends->bytes - 8) - begin);
}

void rows_builder_clear(struct rows_builder *builder)
{
    if (builder->rows) {
        struct slice last = rows_builder_last_key(builder);
        buffer_clear(&builder->last_key);
        buffer_append_slice(&builder->last_key, last);
    }
    buffer_clear(&builder->bytes);
    buffer_clear(&builder->ends);
    buffer_clear(&builder->code_bytes);
    buffer_clear(&builder->codes);
    buffer_clear(&builder->code_ends);
    builder->rows = 0;
    summary_init(&builder->summary);
}

status rows_builder_add(struct rows_builder *builder, uint64_t row_hash, struct slice clustering,
                        struct slice image)
{
    struct sstable_block_summary *summary = &builder->summary;
    size_t key_end = builder->bytes.bytes + clustering.bytes, image_end = key_end + image.bytes;
    TRY(summary_add_image(summary, image));
    summary->rows++;
    summary->raw_bytes += clustering.bytes + image.bytes;
    summary->content_hash += row_hash;
    uint8_t *bytes = buffer_extend(&builder->bytes, clustering.bytes + image.bytes);
    uint8_t *ends = buffer_extend(&builder->ends, 2 * sizeof(uint32_t));
    if (bytes && ends) {
        if (clustering.bytes)
            memcpy(bytes, clustering.data, clustering.bytes);
        memcpy(bytes + clustering.bytes, image.data, image.bytes);
        store_le32(ends, (uint32_t)key_end);
        store_le32(ends + sizeof(uint32_t), (uint32_t)image_end);
    }
    builder->rows++;
    return STATUS_DONE;
}

void rows_codes_deinit(struct rows_codes *codes)
{
    buffer_deinit(&codes->bytes);
    buffer_deinit(&codes->ends);
}

static uint32_t u32_at(const struct buffer *buffer, size_t at)
{
    uint32_t value;
    memcpy(&value, buffer->data + at * sizeof value, sizeof value);
    return value;
}

struct slice rows_codes_of(const struct rows_codes *codes, uint32_t row, uint32_t column)
{
    size_t at = (size_t)row * codes->columns + column;
    uint32_t begin = row ? u32_at(&codes->ends, at - codes->columns) : codes->column[column].begin;
    return slice_of(codes->bytes.data + begin, u32_at(&codes->ends, at) - begin);
}

/* Bit i: codes of the column are of the table that the dictionary has for it. */
static uint32_t columns_alike(const struct sstable_dictionary *dictionary, const struct rows_codes *codes)
{
    uint32_t alike = 0;
    for (uint32_t i = 0; i < codes->columns; i++) {
        const struct tokens *tokens = dictionary_tokens(dictionary, codes->column[i].place);
        alike |= (uint32_t)(tokens && tokens->id == codes->column[i].tokens_id) << i;
    }
    return alike;
}

bool rows_builder_add_codes(struct rows_builder *builder, const struct sstable_dictionary *dictionary,
                            const struct rows_codes *codes, uint32_t row)
{
    uint32_t count, alike = columns_alike(dictionary, codes);
    if (!alike)
        return false;
    /* Rows before the first that brings some have none. */
    while (builder->code_ends.bytes / sizeof count + 1 < builder->rows && !builder->code_ends.failed) {
        count = (uint32_t)(builder->codes.bytes / sizeof(struct rows_code));
        buffer_append(&builder->code_ends, &count, sizeof count);
    }
    for (uint32_t i = 0; i < codes->columns; i++) {
        if (!(alike >> i & 1))
            continue;
        struct slice bytes = rows_codes_of(codes, row, i);
        struct rows_code code = {.place = codes->column[i].place,
                                 .begin = (uint32_t)builder->code_bytes.bytes,
                                 .bytes = (uint32_t)bytes.bytes};
        buffer_append_slice(&builder->code_bytes, bytes);
        buffer_append(&builder->codes, &code, sizeof code);
    }
    count = (uint32_t)(builder->codes.bytes / sizeof(struct rows_code));
    buffer_append(&builder->code_ends, &count, sizeof count);
    return true;
}

static void codes_cut(struct rows_builder *builder, uint32_t first, struct rows_builder *rest)
{
    uint32_t known = (uint32_t)(builder->code_ends.bytes / sizeof known);
    if (known <= first)
        return;
    uint32_t codes = first ? u32_at(&builder->code_ends, first - 1) : 0;
    uint32_t count = (uint32_t)(builder->codes.bytes / sizeof(struct rows_code)), begin = 0;
    for (uint32_t i = codes; i < count; i++) {
        struct rows_code code;
        memcpy(&code, builder->codes.data + i * sizeof code, sizeof code);
        begin = i == codes ? code.begin : begin;
        code.begin -= begin;
        buffer_append(&rest->codes, &code, sizeof code);
    }
    for (uint32_t row = first; row < known; row++) {
        uint32_t end = u32_at(&builder->code_ends, row) - codes;
        buffer_append(&rest->code_ends, &end, sizeof end);
    }
    if (codes < count) {
        buffer_append(&rest->code_bytes, builder->code_bytes.data + begin, builder->code_bytes.bytes - begin);
        builder->code_bytes.bytes = begin;
    }
    builder->codes.bytes = codes * sizeof(struct rows_code);
    builder->code_ends.bytes = first * sizeof(uint32_t);
}

/* The bytes move, and each row is looked at once more for what it adds to the sums. */
status rows_builder_cut(struct rows_builder *builder, uint32_t first,
                        const struct sstable_block_summary *before, struct rows_builder *rest)
{
    const struct buffer *const parts[] = {&builder->bytes, &builder->ends, &builder->codes,
                                          &builder->code_ends, &builder->code_bytes};
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        TRY(buffer_status(parts[i]));
    uint32_t begin = first ? u32_at(&builder->ends, 2 * (size_t)first - 1) : 0;
    rows_builder_clear(rest);
    for (uint32_t row = first; row < builder->rows; row++) {
        uint32_t key_end = u32_at(&builder->ends, 2 * (size_t)row);
        uint32_t image_end = u32_at(&builder->ends, 2 * (size_t)row + 1);
        TRY(summary_add_image(&rest->summary, slice_of(builder->bytes.data + key_end, image_end - key_end)));
        buffer_append_le32(&rest->ends, key_end - begin);
        buffer_append_le32(&rest->ends, image_end - begin);
    }
    buffer_append(&rest->bytes, builder->bytes.data + begin, builder->bytes.bytes - begin);
    codes_cut(builder, first, rest);
    rest->rows = builder->rows - first;
    rest->summary.rows = builder->summary.rows - before->rows;
    rest->summary.raw_bytes = builder->summary.raw_bytes - before->raw_bytes;
    rest->summary.content_hash = builder->summary.content_hash - before->content_hash;
    builder->bytes.bytes = begin;
    builder->ends.bytes = (size_t)first * 2 * sizeof(uint32_t);
    builder->rows = first;
    builder->summary = *before;
    return STATUS_DONE;
}
