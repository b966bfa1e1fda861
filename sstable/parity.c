#include "sstable/parity_internal.h"

/* ---- writing ---- */

void parity_builder_deinit(struct parity_builder *parity)
{
    buffer_deinit(&parity->items);
    buffer_deinit(&parity->sum);
}

static bool is_added(size_t frame_bytes)
{
    return frame_bytes <= PARITY_FRAME_BYTES_MAX;
}

static void add_bytes(uint8_t *sum, const uint8_t *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        sum[i] ^= bytes[i];
}

static status group_close(struct parity_builder *parity, struct frame_output *output)
{
    struct frame_ref ref; /* nobody keeps it: the frame stands behind the last page of its group */
    buffer_append_slice(&parity->items, buffer_slice(&parity->sum));
    TRY(buffer_status(&parity->items));
    TRY(frame_output_write(output, FRAME_PARITY, 0, parity->count, buffer_slice(&parity->items), &ref));
    buffer_clear(&parity->items);
    buffer_clear(&parity->sum);
    parity->count = 0;
    return STATUS_DONE;
}

status parity_builder_add(struct parity_builder *parity, struct frame_output *output,
                          const struct directory_index_item *item, struct slice frame)
{
    if (!parity->pages)
        return STATUS_DONE;
    directory_index_item_encode(item, &parity->items);
    if (is_added(frame.bytes)) {
        size_t had = parity->sum.bytes;
        if (frame.bytes > had) {
            uint8_t *more = buffer_extend(&parity->sum, frame.bytes - had);
            if (!more)
                return STATUS_FAIL(STATUS_NOMEM);
            memset(more, 0, frame.bytes - had);
        }
        add_bytes(parity->sum.data, frame.data, frame.bytes);
    }
    TRY(buffer_status(&parity->items));
    return ++parity->count == parity->pages ? group_close(parity, output) : STATUS_DONE;
}

status parity_builder_finish(struct parity_builder *parity, struct frame_output *output)
{
    return parity->count ? group_close(parity, output) : STATUS_DONE;
}

/* ---- reading ---- */

struct directory_index_item parity_item(const struct parity *parity, uint32_t at)
{
    struct directory_index_item item;
    directory_index_item_decode(parity->items.data + (size_t)at * DIRECTORY_INDEX_ITEM_BYTES, &item);
    return item;
}

status parity_decode(struct slice payload, uint32_t items, struct parity *out_parity)
{
    size_t items_bytes = (size_t)items * DIRECTORY_INDEX_ITEM_BYTES, greatest = 0;
    if (items == 0 || items > ROOT_PARITY_PAGES_MAX || items_bytes > payload.bytes)
        return STATUS_FAIL(STATUS_CORRUPT);
    struct parity parity = {
        .pages = items,
        .items = slice_of(payload.data, items_bytes),
        .sum = slice_of(payload.data + items_bytes, payload.bytes - items_bytes),
    };
    for (uint32_t i = 0; i < items; i++) {
        size_t bytes = parity_item(&parity, i).page.bytes;
        if (is_added(bytes) && bytes > greatest)
            greatest = bytes;
    }
    if (parity.sum.bytes != greatest)
        return STATUS_FAIL(STATUS_CORRUPT);
    *out_parity = parity;
    return STATUS_DONE;
}

status parity_read(struct frame_reader *reader, uint64_t offset, uint32_t bytes_about,
                   struct block **out_block, struct parity *out_parity)
{
    struct frame_ref ref;
    struct frame_head head;
    struct block *block;
    status st = frame_reader_find(reader, offset, bytes_about, &ref, &head);
    /* No reference vouches for this header: what it seems to say that is unknown is damage. */
    if (st.code == STATUS_UNSUPPORTED)
        return STATUS_FAIL(STATUS_CORRUPT);
    TRY(st);
    TRY(frame_reader_get(reader, &ref, FRAME_PARITY, &block));
    st = parity_decode(block_payload(block), block->items, out_parity);
    if (failed(st))
        block_unref(block);
    else
        *out_block = block;
    return st;
}

struct group {
    uint32_t first, count;
    struct block *block; /* counted */
    struct parity parity;
};

static bool is_same(const struct directory_index_item *a, const struct directory_index_item *b)
{
    return a->first_token == b->first_token && a->last_token == b->last_token && a->entries == b->entries &&
           a->page.offset == b->page.offset && a->page.bytes == b->page.bytes &&
           a->page.checksum == b->page.checksum;
}

/* The group of a page, whose parity says of its pages what the index says. */
static status group_open(struct frame_reader *reader, uint32_t page_at, struct group *out_group)
{
    const struct sstable *table = reader->table;
    uint32_t pages = table->root.parity_pages;
    struct group group = {.first = page_at - page_at % pages};
    uint32_t left = table->page_count - group.first;
    group.count = left < pages ? left : pages;
    const struct frame_ref *last = &table->pages[group.first + group.count - 1].page;
    uint32_t about = FRAME_HEAD_BYTES + group.count * DIRECTORY_INDEX_ITEM_BYTES;
    for (uint32_t i = 0, greatest = 0; i < group.count; i++) {
        uint32_t bytes = table->pages[group.first + i].page.bytes;
        if (is_added(bytes) && bytes > greatest) {
            about += bytes - greatest;
            greatest = bytes;
        }
    }
    TRY(parity_read(reader, last->offset + last->bytes, about, &group.block, &group.parity));
    bool same = group.parity.pages == group.count;
    for (uint32_t i = 0; same && i < group.count; i++) {
        struct directory_index_item item = parity_item(&group.parity, i);
        same = is_same(&item, &table->pages[group.first + i]);
    }
    if (!same) {
        block_unref(group.block);
        return STATUS_FAIL(STATUS_CORRUPT);
    }
    *out_group = group;
    return STATUS_DONE;
}

/* Add the frames of the group's pages but one (UINT32_MAX: all) to `sum`, which has the bytes of the parity. */
static status pages_add(struct frame_reader *reader, const struct group *group, uint32_t but, uint8_t *sum)
{
    const struct directory_index_item *pages = reader->table->pages;
    for (uint32_t i = group->first; i < group->first + group->count; i++) {
        struct slice frame;
        struct frame_head head;
        if (i == but || !is_added(pages[i].page.bytes))
            continue;
        TRY(frame_reader_get_frame(reader, &pages[i].page, &frame, &head));
        add_bytes(sum, frame.data, frame.bytes);
    }
    return STATUS_DONE;
}

static struct frame_reader disk_reader(struct sstable *table)
{
    return (struct frame_reader){.table = table, .access = FRAME_ACCESS_POINT_PAST_CACHE, .strict = true};
}

/* The frame of a page as it must have been. */
static status page_restore(struct sstable *table, uint32_t page_at, struct buffer *out_frame)
{
    struct frame_reader reader = disk_reader(table);
    struct group group = {0};
    if (!table->root.parity_pages || !is_added(table->pages[page_at].page.bytes))
        return STATUS_FAIL(STATUS_CORRUPT);
    status st = group_open(&reader, page_at, &group);
    if (ok(st)) {
        buffer_append_slice(out_frame, group.parity.sum);
        st = buffer_status(out_frame);
    }
    if (ok(st))
        st = pages_add(&reader, &group, page_at, out_frame->data);
    if (ok(st))
        out_frame->bytes = table->pages[page_at].page.bytes;
    block_unref(group.block);
    frame_reader_deinit(&reader);
    return st;
}

static bool is_damage(status st)
{
    return st.code == STATUS_CORRUPT || st.code == STATUS_IO;
}

status parity_page_get(struct frame_reader *reader, uint32_t page_at, struct block **out_block)
{
    struct sstable *table = reader->table;
    const struct frame_ref *ref = &table->pages[page_at].page;
    struct buffer frame = {0};
    status st = frame_reader_get(reader, ref, FRAME_DIRECTORY, out_block);
    if (!is_damage(st) || reader->strict)
        return st;
    status restored = page_restore(table, page_at, &frame);
    if (ok(restored))
        restored = frame_reader_take(reader, ref, buffer_slice(&frame), FRAME_DIRECTORY, out_block);
    buffer_deinit(&frame);
    if (ok(restored))
        atomic_fetch_add_explicit(&table->reads[0].pages_restored, 1, memory_order_relaxed);
    return is_damage(restored) ? st : restored;
}

/* ---- checking ---- */

static status group_check(struct frame_reader *reader, uint32_t first, bool sums)
{
    struct group group;
    struct buffer sum = {0};
    TRY(group_open(reader, first, &group));
    status st = STATUS_DONE;
    if (sums) {
        buffer_append_slice(&sum, group.parity.sum);
        st = buffer_status(&sum);
        if (ok(st))
            st = pages_add(reader, &group, UINT32_MAX, sum.data);
        for (size_t i = 0; ok(st) && i < sum.bytes; i++)
            if (sum.data[i])
                st = STATUS_FAIL(STATUS_CORRUPT);
    }
    block_unref(group.block);
    buffer_deinit(&sum);
    return st;
}

status parity_check(struct sstable *table, bool sums)
{
    struct frame_reader reader = disk_reader(table);
    status st = STATUS_DONE;
    uint32_t pages = table->root.parity_pages;
    for (uint32_t first = 0; pages && ok(st) && first < table->page_count; first += pages)
        st = group_check(&reader, first, sums);
    frame_reader_deinit(&reader);
    return st;
}

status sstable_directory_damage(struct sstable *table, struct sstable_page_damage *out_damage,
                                uint32_t capacity, uint32_t *out_count)
{
    struct frame_reader reader = disk_reader(table);
    status st = STATUS_DONE;
    uint32_t count = 0;
    for (uint32_t i = 0; ok(st) && i < table->page_count; i++) {
        const struct directory_index_item *item = &table->pages[i];
        struct slice frame;
        struct frame_head head;
        st = frame_reader_get_frame(&reader, &item->page, &frame, &head);
        if (!is_damage(st))
            continue;
        struct buffer restored = {0};
        st = page_restore(table, i, &restored);
        if (ok(st))
            st = frame_check(root_identity(&table->root), &item->page, buffer_slice(&restored), &head);
        buffer_deinit(&restored);
        if (count < capacity)
            out_damage[count] = (struct sstable_page_damage){.first_token = item->first_token,
                                                             .last_token = item->last_token,
                                                             .partitions = item->entries,
                                                             .restored = ok(st)};
        count++;
        if (is_damage(st))
            st = STATUS_DONE;
    }
    frame_reader_deinit(&reader);
    if (ok(st))
        *out_count = count;
    return st;
}
