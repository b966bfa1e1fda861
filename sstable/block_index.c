#include "sstable/block_index_internal.h"

#include "row/key.h"

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
    buffer_append_varint(&level->entries, item->first_row);
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

void block_index_drop(struct block_index_builder *builder)
{
    page_clear(&builder->levels[0]);
    builder->height = 0;
}

/* ---- reading ---- */

static status slot_read(struct reader *in, struct block_index_slot *slot, struct slice *out_key)
{
    *out_key = reader_take(in, reader_varint(in));
    slot->offset = reader_varint(in);
    uint64_t bytes = reader_varint(in);
    slot->checksum = reader_le64(in);
    slot->rows = reader_varint(in);
    uint64_t first_row = reader_varint(in);
    if (in->failed || bytes > UINT32_MAX || first_row > UINT32_MAX)
        return STATUS_FAIL(STATUS_CORRUPT);
    slot->bytes = (uint32_t)bytes;
    slot->first_row = (uint32_t)first_row;
    slot->key_bytes = (uint32_t)out_key->bytes;
    return STATUS_DONE;
}

status block_index_decode(struct block_cache *cache, struct slice payload, uint32_t items,
                          struct block **out_block)
{
    size_t slot_bytes = sizeof(uint64_t) + sizeof(struct block_index_slot);
    /* An entry has 14 bytes at least, so what is allocated stays within a few times what is there. */
    if (items == 0 || items > payload.bytes / 14)
        return STATUS_FAIL(STATUS_CORRUPT);
    uint64_t bytes = (uint64_t)items * slot_bytes + payload.bytes;
    if (bytes > UINT32_MAX)
        return STATUS_FAIL(STATUS_CORRUPT);
    struct block *block = block_new(cache, (uint32_t)bytes);
    if (!block)
        return STATUS_FAIL(STATUS_NOMEM);
    uint64_t *prefixes = (uint64_t *)(void *)block->data;
    struct block_index_slot *slots = (struct block_index_slot *)(void *)(prefixes + items);
    uint8_t *keys = (uint8_t *)(slots + items);
    struct reader in = reader_of(slice_of(payload.data, payload.bytes - (size_t)items * 4));
    uint32_t key_at = 0;
    status st = STATUS_DONE;
    for (uint32_t i = 0; ok(st) && i < items; i++) {
        struct slice key;
        if (load_le32(payload.data + payload.bytes - (size_t)(items - i) * 4) !=
            (size_t)(in.at - payload.data))
            st = STATUS_FAIL(STATUS_CORRUPT);
        if (ok(st))
            st = slot_read(&in, &slots[i], &key);
        if (failed(st))
            break;
        prefixes[i] = key_prefix(key);
        slots[i].key_at = key_at;
        if (key.bytes)
            memcpy(keys + key_at, key.data, key.bytes);
        key_at += (uint32_t)key.bytes;
    }
    if (ok(st) && in.at != in.end)
        st = STATUS_FAIL(STATUS_CORRUPT);
    if (ok(st))
        *out_block = block;
    else
        block_unref(block);
    return st;
}

struct block_index_page block_index_page_of(const struct block *block)
{
    struct block_index_page page = {.prefixes = (const uint64_t *)(const void *)block->data,
                                    .items = block->items};
    page.slots = (const struct block_index_slot *)(const void *)(page.prefixes + block->items);
    page.keys = (const uint8_t *)(page.slots + block->items);
    return page;
}

static struct slice item_key(const struct block_index_page *page, uint32_t at)
{
    return slice_of(page->keys + page->slots[at].key_at, page->slots[at].key_bytes);
}

struct block_index_item block_index_page_item(const struct block_index_page *page, uint32_t at)
{
    const struct block_index_slot *slot = &page->slots[at];
    return (struct block_index_item){
        .key = item_key(page, at),
        .at = {.offset = slot->offset, .checksum = slot->checksum, .bytes = slot->bytes},
        .rows = slot->rows,
        .first_row = slot->first_row,
    };
}

uint32_t block_index_page_find(const struct block_index_page *page, struct slice key, bool below)
{
    uint64_t prefix = key_prefix(key);
    uint32_t low = 0; /* the answer is in [low, high) */
    uint32_t high = page->items;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        uint64_t first = page->prefixes[middle];
        bool at_or_before = first < prefix;
        if (first == prefix) {
            int order = slice_compare(item_key(page, middle), key);
            at_or_before = order < 0 || (order == 0 && !below);
        }
        if (at_or_before)
            low = middle;
        else
            high = middle;
    }
    return low;
}
