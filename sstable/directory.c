#include "sstable/directory_internal.h"

static void append_run(struct buffer *out, struct slice bytes)
{
    buffer_append_varint(out, bytes.bytes);
    buffer_append_slice(out, bytes);
}

static void append_near(struct buffer *out, const struct directory_near *near)
{
    buffer_append_varint(out, near->at.offset);
    buffer_append_varint(out, near->at.bytes);
    buffer_append_le64(out, near->at.checksum);
    buffer_append_varint(out, near->rows);
    buffer_append_varint(out, near->first_row);
}

void directory_entry_encode(const struct directory_entry *entry, struct buffer *out)
{
    buffer_append_le64(out, (uint64_t)entry->key.token);
    append_run(out, entry->key.bytes);
    buffer_append_u8(out, entry->flags);
    buffer_append_varint(out, entry->rows);
    buffer_append_varint(out, entry->raw_bytes);
    if (entry->flags & DIRECTORY_ROWS) {
        buffer_append_varint(out, entry->at.offset);
        buffer_append_varint(out, entry->at.bytes);
        buffer_append_le64(out, entry->at.checksum);
        buffer_append_varint(out, entry->first_row_or_height);
    }
    for (uint32_t i = 0; entry->flags & DIRECTORY_SPANS && i < DIRECTORY_NEAR; i++)
        append_near(out, &entry->heads[i]);
    for (uint32_t i = 0; entry->flags & DIRECTORY_SPANS && i < DIRECTORY_NEAR; i++)
        append_near(out, &entry->tails[i]);
    if (entry->flags & DIRECTORY_BOUNDS) {
        append_run(out, entry->first);
        if (!(entry->flags & DIRECTORY_ONE_BOUND))
            append_run(out, entry->last);
    }
    if (entry->flags & DIRECTORY_DELETION) {
        buffer_append_varint(out, zigzag_encode(entry->deletion.timestamp));
        buffer_append_varint(out, zigzag_encode(entry->deletion.time_s));
    }
    if (entry->flags & DIRECTORY_STATIC)
        append_run(out, entry->static_image);
    if (entry->flags & DIRECTORY_RANGES)
        append_run(out, entry->ranges);
}

status directory_decode(struct block_cache *cache, struct slice payload, uint32_t items,
                        struct block **out_block)
{
    if (items == 0 || items > payload.bytes / 16)
        return STATUS_FAIL(STATUS_CORRUPT);
    size_t entries_bytes = payload.bytes - (size_t)items * 4;
    size_t bytes = items * sizeof(int64_t) + payload.bytes;
    struct block *block = block_new(cache, (uint32_t)bytes);
    if (!block)
        return STATUS_FAIL(STATUS_NOMEM);
    int64_t *tokens = (int64_t *)(void *)block->data;
    uint32_t *offsets = (uint32_t *)(void *)(tokens + items);
    memcpy(offsets + items, payload.data, entries_bytes);
    for (uint32_t i = 0; i < items; i++) {
        offsets[i] = load_le32(payload.data + entries_bytes + (size_t)i * 4);
        if (offsets[i] + sizeof(int64_t) > entries_bytes) {
            block_unref(block);
            return STATUS_FAIL(STATUS_CORRUPT);
        }
        tokens[i] = (int64_t)load_le64(payload.data + offsets[i]);
    }
    *out_block = block;
    return STATUS_DONE;
}

struct directory_page directory_page_of(const struct block *block)
{
    struct directory_page page = {.tokens = (const int64_t *)(const void *)block->data,
                                  .items = block->items};
    page.offsets = (const uint32_t *)(const void *)(page.tokens + block->items);
    page.data = (const uint8_t *)(page.offsets + block->items);
    page.entries_bytes = block->bytes - block->items * (uint32_t)(sizeof(int64_t) + sizeof(uint32_t));
    return page;
}

static struct reader entry_reader(const struct directory_page *page, uint32_t item)
{
    struct reader in = reader_of(slice_of(page->data, page->entries_bytes));
    reader_take(&in, page->offsets[item]);
    return in;
}

static struct slice take_run(struct reader *in)
{
    return reader_take(in, reader_varint(in));
}

static struct partition_key key_read(struct reader *in)
{
    int64_t token = (int64_t)reader_le64(in);
    return (struct partition_key){.token = token, .bytes = take_run(in)};
}

static void near_read(struct reader *in, struct directory_near *near)
{
    near->at.offset = reader_varint(in);
    uint64_t bytes = reader_varint(in);
    near->at.checksum = reader_le64(in);
    near->rows = reader_varint(in);
    uint64_t first_row = reader_varint(in);
    if (bytes > UINT32_MAX || first_row > UINT32_MAX)
        in->failed = true;
    near->at.bytes = (uint32_t)bytes;
    near->first_row = (uint32_t)first_row;
}

static void extras_read(struct reader *in, struct directory_entry *entry)
{
    if (entry->flags & DIRECTORY_BOUNDS) {
        entry->first = take_run(in);
        entry->last = entry->flags & DIRECTORY_ONE_BOUND ? entry->first : take_run(in);
    }
    if (entry->flags & DIRECTORY_DELETION) {
        entry->deletion.timestamp = zigzag_decode(reader_varint(in));
        entry->deletion.time_s = zigzag_decode(reader_varint(in));
    }
    if (entry->flags & DIRECTORY_STATIC)
        entry->static_image = take_run(in);
    if (entry->flags & DIRECTORY_RANGES)
        entry->ranges = take_run(in);
}

status directory_page_entry(const struct directory_page *page, uint32_t item,
                            struct directory_entry *out_entry)
{
    struct reader in = entry_reader(page, item);
    struct directory_entry entry = {.deletion = DELETION_NONE};
    entry.key = key_read(&in);
    entry.flags = reader_u8(&in);
    entry.rows = reader_varint(&in);
    entry.raw_bytes = reader_varint(&in);
    if (entry.flags & DIRECTORY_ROWS) {
        entry.at.offset = reader_varint(&in);
        uint64_t bytes = reader_varint(&in);
        entry.at.checksum = reader_le64(&in);
        uint64_t number = reader_varint(&in);
        if (bytes > UINT32_MAX || number > UINT32_MAX)
            return STATUS_FAIL(STATUS_CORRUPT);
        entry.at.bytes = (uint32_t)bytes;
        entry.first_row_or_height = (uint32_t)number;
    }
    for (uint32_t i = 0; entry.flags & DIRECTORY_SPANS && i < DIRECTORY_NEAR; i++)
        near_read(&in, &entry.heads[i]);
    for (uint32_t i = 0; entry.flags & DIRECTORY_SPANS && i < DIRECTORY_NEAR; i++)
        near_read(&in, &entry.tails[i]);
    extras_read(&in, &entry);
    if (in.failed || entry.flags > DIRECTORY_FLAGS_ALL)
        return STATUS_FAIL(STATUS_CORRUPT);
    if ((entry.rows != 0) != ((entry.flags & DIRECTORY_ROWS) != 0))
        return STATUS_FAIL(STATUS_CORRUPT);
    if ((entry.flags & DIRECTORY_SPANS) && !(entry.flags & DIRECTORY_ROWS))
        return STATUS_FAIL(STATUS_CORRUPT);
    if ((entry.flags & (DIRECTORY_ROWS | DIRECTORY_RANGES)) && !(entry.flags & DIRECTORY_BOUNDS))
        return STATUS_FAIL(STATUS_CORRUPT);
    *out_entry = entry;
    return STATUS_DONE;
}

/* The first entry whose token is at or above `token`. Tokens are hashes: a guess by proportion lands a few entries from it,
 * and a page has no more than a few hundred. */
static uint32_t token_find(const struct directory_page *page, int64_t token)
{
    const int64_t *tokens = page->tokens;
    uint32_t at = 0, last = page->items - 1;
    if (token <= tokens[0])
        return 0;
    if (token > tokens[last])
        return page->items;
    double into = (double)((uint64_t)token - (uint64_t)tokens[0]);
    double span = (double)((uint64_t)tokens[last] - (uint64_t)tokens[0]);
    if (into < span)
        at = (uint32_t)(into / span * (double)last);
    while (at < last && tokens[at] < token)
        at++;
    while (at && tokens[at - 1] >= token)
        at--;
    return at;
}

status directory_page_find(const struct directory_page *page, struct partition_key key, uint32_t *out_item)
{
    uint32_t at = token_find(page, key.token);
    for (; at < page->items && page->tokens[at] == key.token; at++) {
        struct reader in = entry_reader(page, at);
        struct partition_key found = key_read(&in);
        TRY(reader_status(&in));
        if (partition_key_compare(found, key) >= 0)
            break;
    }
    *out_item = at;
    return STATUS_DONE;
}

void directory_index_item_encode(const struct directory_index_item *item, struct buffer *out)
{
    buffer_append_le64(out, (uint64_t)item->first_token);
    buffer_append_le64(out, (uint64_t)item->last_token);
    buffer_append_le64(out, item->page.offset);
    buffer_append_le32(out, item->page.bytes);
    buffer_append_le32(out, item->entries);
    buffer_append_le64(out, item->page.checksum);
}

void directory_index_item_decode(const uint8_t *at, struct directory_index_item *out_item)
{
    *out_item = (struct directory_index_item){
        .first_token = (int64_t)load_le64(at),
        .last_token = (int64_t)load_le64(at + 8),
        .page = {.offset = load_le64(at + 16), .bytes = load_le32(at + 24), .checksum = load_le64(at + 32)},
        .entries = load_le32(at + 28),
    };
}

/* Tokens are hashes, spread evenly: a guess by proportion lands a page or two from the answer. After a few guesses the
 * rest is halved, so that a skewed table costs no more than a binary search. */
uint32_t directory_index_find(const struct directory_index_item *items, uint32_t count, int64_t token)
{
    uint32_t low = 0;
    uint32_t high = count;
    for (uint32_t step = 0; low < high; step++) {
        uint32_t middle = low + (high - low) / 2;
        if (step < 4 && high - low > 8) {
            uint64_t span = (uint64_t)items[high - 1].last_token - (uint64_t)items[low].first_token;
            uint64_t into = (uint64_t)token - (uint64_t)items[low].first_token;
            if (token > items[low].first_token && into < span)
                middle = low + (uint32_t)((double)into / (double)span * (double)(high - low - 1));
        }
        if (items[middle].last_token < token)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}
