#include "sstable/block_index_internal.h"

void block_index_deinit(struct block_index_builder *builder)
{
    for (uint32_t i = 0; i < BLOCK_INDEX_HEIGHT_MAX; i++) {
        buffer_deinit(&builder->levels[i].entries);
        buffer_deinit(&builder->levels[i].offsets);
        buffer_deinit(&builder->levels[i].first_key);
    }
}

static status page_write(struct block_index_builder *builder, struct frame_output *output, uint32_t height,
                         struct frame_ref *out_at)
{
    struct block_index_level *level = &builder->levels[height];
    buffer_append_slice(&level->entries, buffer_slice(&level->offsets));
    TRY(buffer_status(&level->offsets));
    TRY(buffer_status(&level->first_key));
    TRY(buffer_status(&level->entries));
    return frame_output_write(output, FRAME_BLOCK_INDEX, (uint8_t)height, level->items,
                              buffer_slice(&level->entries), out_at);
}

static void page_clear(struct block_index_level *level)
{
    buffer_clear(&level->entries);
    buffer_clear(&level->offsets);
    buffer_clear(&level->first_key);
    level->items = 0;
    level->rows = 0;
}

static void item_append(struct block_index_level *level, const struct block_index_item *item)
{
    if (!level->items)
        buffer_append_slice(&level->first_key, item->key);
    buffer_append_le32(&level->offsets, (uint32_t)level->entries.bytes);
    buffer_append_varint(&level->entries, item->key.bytes);
    buffer_append_slice(&level->entries, item->key);
    buffer_append_varint(&level->entries, item->at.offset);
    buffer_append_varint(&level->entries, item->at.bytes);
    buffer_append_le64(&level->entries, item->at.checksum);
    buffer_append_varint(&level->entries, item->rows);
    buffer_append_varint(&level->entries, item->restart);
    level->items++;
    level->rows += item->rows;
}

static bool page_is_full(const struct block_index_level *level, const struct block_index_item *item)
{
    return level->items >= BLOCK_INDEX_FANOUT_MIN &&
           level->entries.bytes + level->offsets.bytes + item->key.bytes + 32 > BLOCK_INDEX_PAGE_BYTES;
}

/* Write the page of `height` and enter it into the level above, which may have to give way first. */
static status page_push(struct block_index_builder *builder, struct frame_output *output, uint32_t height);

static status item_add(struct block_index_builder *builder, struct frame_output *output, uint32_t height,
                       const struct block_index_item *item)
{
    if (height >= BLOCK_INDEX_HEIGHT_MAX)
        return STATUS_FAIL(STATUS_LIMIT);
    /* A page is written only when another item follows, so every level that exists has at least two in the end and the
     * root is the one page of the highest. */
    if (page_is_full(&builder->levels[height], item))
        TRY(page_push(builder, output, height));
    item_append(&builder->levels[height], item);
    if (height >= builder->height)
        builder->height = height + 1;
    return STATUS_DONE;
}

static status page_push(struct block_index_builder *builder, struct frame_output *output, uint32_t height)
{
    struct block_index_level *level = &builder->levels[height];
    struct block_index_item item = {.key = buffer_slice(&level->first_key), .rows = level->rows};
    TRY(page_write(builder, output, height, &item.at));
    TRY(item_add(builder, output, height + 1, &item));
    page_clear(level);
    return STATUS_DONE;
}

status block_index_add(struct block_index_builder *builder, struct frame_output *output,
                       const struct block_index_item *item)
{
    return item_add(builder, output, 0, item);
}

status block_index_finish(struct block_index_builder *builder, struct frame_output *output,
                          struct frame_ref *out_root, uint32_t *out_height)
{
    struct frame_ref root;
    uint32_t top = 0;
    /* Pushing a level may open the one above it. */
    for (; top + 1 < builder->height; top++)
        TRY(page_push(builder, output, top));
    TRY(page_write(builder, output, top, &root));
    for (uint32_t i = 0; i <= top; i++)
        page_clear(&builder->levels[i]);
    builder->height = 0;
    *out_root = root;
    *out_height = top + 1;
    return STATUS_DONE;
}

status block_index_page_open(struct slice payload, uint32_t items, struct block_index_page *out_page)
{
    if (items == 0 || items > payload.bytes / 4)
        return STATUS_FAIL(STATUS_CORRUPT);
    *out_page = (struct block_index_page){
        .data = payload.data, .entries_bytes = (uint32_t)(payload.bytes - (size_t)items * 4), .items = items};
    return STATUS_DONE;
}

static struct reader item_reader(const struct block_index_page *page, uint32_t at)
{
    uint32_t offset = load_le32(page->data + page->entries_bytes + (size_t)at * 4);
    struct reader in = reader_of(slice_of(page->data, page->entries_bytes));
    reader_take(&in, offset);
    return in;
}

status block_index_page_item(const struct block_index_page *page, uint32_t at,
                             struct block_index_item *out_item)
{
    struct reader in = item_reader(page, at);
    struct block_index_item item = {0};
    item.key = reader_take(&in, reader_varint(&in));
    item.at.offset = reader_varint(&in);
    uint64_t bytes = reader_varint(&in);
    item.at.checksum = reader_le64(&in);
    item.rows = reader_varint(&in);
    uint64_t restart = reader_varint(&in);
    if (in.failed || bytes > UINT32_MAX || restart > UINT32_MAX)
        return STATUS_FAIL(STATUS_CORRUPT);
    item.at.bytes = (uint32_t)bytes;
    item.restart = (uint32_t)restart;
    *out_item = item;
    return STATUS_DONE;
}

status block_index_page_find(const struct block_index_page *page, struct slice key, bool below,
                             uint32_t *out_at)
{
    uint32_t low = 0; /* the answer is in [low, high) */
    uint32_t high = page->items;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        struct reader in = item_reader(page, middle);
        struct slice first = reader_take(&in, reader_varint(&in));
        TRY(reader_status(&in));
        int order = slice_compare(first, key);
        if (order < 0 || (order == 0 && !below))
            low = middle;
        else
            high = middle;
    }
    *out_at = low;
    return STATUS_DONE;
}
