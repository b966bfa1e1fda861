#include "sstable/sstable_internal.h"

#include "sstable/content_hash.h"
#include "sstable/filter_internal.h"

#include <stdlib.h>

static void table_free(struct sstable *table)
{
    if (!table)
        return;
    io_close(table->file);
    block_unref(table->filter);
    ZSTD_freeDCtx(atomic_load_explicit(&table->zstd, memory_order_relaxed));
    ZSTD_freeDDict(atomic_load_explicit(&table->dictionary, memory_order_relaxed));
    free(table->pages);
    free(table->path);
    free(table);
}

static status pages_decode(const struct block *index, struct directory_index_item **out_pages)
{
    uint32_t count = index->items;
    if ((uint64_t)count * DIRECTORY_INDEX_ITEM_BYTES != index->bytes)
        return STATUS_FAIL(STATUS_CORRUPT);
    struct directory_index_item *pages = malloc(count ? count * sizeof *pages : 1);
    if (!pages)
        return STATUS_FAIL(STATUS_NOMEM);
    for (uint32_t i = 0; i < count; i++)
        directory_index_item_decode(index->data + (size_t)i * DIRECTORY_INDEX_ITEM_BYTES, &pages[i]);
    /* A page's tokens may begin with the last one of the page before, never below it. */
    for (uint32_t i = 0; i < count; i++) {
        if (pages[i].first_token > pages[i].last_token ||
            (i && pages[i].first_token < pages[i - 1].last_token)) {
            free(pages);
            return STATUS_FAIL(STATUS_CORRUPT);
        }
    }
    *out_pages = pages;
    return STATUS_DONE;
}

/* What the index would say of the page at `offset`; the page is trusted by its own checksum alone. */
static status page_describe(struct frame_reader *reader, uint64_t offset,
                            struct directory_index_item *out_item)
{
    struct sstable *table = reader->table;
    uint64_t begin = offset / IO_BLOCK_BYTES * IO_BLOCK_BYTES;
    uint8_t *head_bytes = io_memory_new(2 * IO_BLOCK_BYTES);
    size_t bytes;
    struct frame_head head;
    struct block *block = NULL;
    struct directory_page page;
    struct directory_entry first, last;
    status st = head_bytes ? STATUS_DONE : STATUS_FAIL(STATUS_NOMEM);
    if (ok(st))
        st = io_read(table->file, begin, head_bytes, 2 * IO_BLOCK_BYTES, &bytes);
    if (ok(st) && bytes < offset - begin + FRAME_HEAD_BYTES)
        st = STATUS_FAIL(STATUS_CORRUPT);
    if (ok(st))
        st = frame_head_decode(slice_of(head_bytes + (offset - begin), FRAME_HEAD_BYTES), &head);
    if (failed(st))
        goto out;
    struct frame_ref ref = {
        .offset = offset, .bytes = FRAME_HEAD_BYTES + head.stored_bytes, .checksum = head.checksum};
    st = frame_reader_get(reader, &ref, FRAME_DIRECTORY, &block);
    if (ok(st))
        st = directory_page_open(block_payload(block), block->items, &page);
    if (ok(st))
        st = directory_page_entry(&page, 0, &first);
    if (ok(st))
        st = directory_page_entry(&page, page.items - 1, &last);
    if (ok(st))
        *out_item = (struct directory_index_item){
            .first_token = first.key.token, .last_token = last.key.token, .page = ref, .entries = page.items};
out:
    block_unref(block);
    io_memory_free(head_bytes);
    return st;
}

/* The index is damaged: the pages follow one another from data_end up to it. */
static status pages_rebuild(struct frame_reader *reader)
{
    struct sstable *table = reader->table;
    uint64_t offset = table->root.data_end;
    uint32_t capacity = 0;
    while (offset < table->root.directory_index.offset) {
        if (table->page_count == capacity) {
            uint32_t wanted = capacity ? capacity * 2 : 16;
            struct directory_index_item *grown = realloc(table->pages, wanted * sizeof *grown);
            if (!grown)
                return STATUS_FAIL(STATUS_NOMEM);
            table->pages = grown;
            capacity = wanted;
        }
        struct directory_index_item *item = &table->pages[table->page_count];
        TRY(page_describe(reader, offset, item));
        if (table->page_count && item->first_token < item[-1].last_token)
            return STATUS_FAIL(STATUS_CORRUPT);
        table->page_count++;
        offset += item->page.bytes;
    }
    return offset == table->root.directory_index.offset ? STATUS_DONE : STATUS_FAIL(STATUS_CORRUPT);
}

static status pages_load(struct frame_reader *reader)
{
    struct sstable *table = reader->table;
    struct block *index = NULL;
    status st = frame_reader_get(reader, &table->root.directory_index, FRAME_DIRECTORY_INDEX, &index);
    if (ok(st))
        st = pages_decode(index, &table->pages);
    if (ok(st))
        table->page_count = index->items;
    block_unref(index);
    if (st.code == STATUS_CORRUPT) {
        table->index_rebuilt = true;
        st = pages_rebuild(reader);
    }
    return st;
}

/* A filter only saves time: a damaged one is left out, and sstable_verify() reports it. */
static status filter_load(struct frame_reader *reader)
{
    status st = frame_reader_get(reader, &reader->table->root.filter, FRAME_FILTER, &reader->table->filter);
    return st.code == STATUS_CORRUPT ? STATUS_DONE : st;
}

status sstable_attach(struct io_env *env, const char *path, struct io_file *file, const struct root *root,
                      struct file_tail tail, struct block_cache *cache, struct sstable **out_table)
{
    struct sstable *table = calloc(1, sizeof *table);
    struct frame_reader reader = {
        .table = table,
        .access = FRAME_ACCESS_SCAN_PAST_CACHE,
        .chunk = tail.data,
        .chunk_capacity = tail.bytes,
        .chunk_bytes = tail.bytes,
        .chunk_offset = tail.offset,
    };
    status st = STATUS_FAIL(STATUS_NOMEM);
    if (!table)
        goto out;
    table->env = env;
    table->cache = cache;
    table->cache_owner = block_cache_owner_new();
    table->root = *root;
    atomic_init(&table->references, 1);
    table->path = strdup(path);
    if (!table->path)
        goto out;
    table->file = file;
    st = pages_load(&reader);
    if (ok(st))
        st = filter_load(&reader);
    if (failed(st)) {
        table->file = NULL; /* still the caller's */
        goto out;
    }
    *out_table = table;
    table = NULL;
out:
    frame_reader_deinit(&reader);
    table_free(table);
    return st;
}

status sstable_open(struct io_env *env, const char *path, uint64_t store_id, struct block_cache *cache,
                    struct sstable **out_table)
{
    struct io_file *file = NULL;
    struct root root;
    struct file_tail tail;
    status st = io_open(env, path, IO_READ | IO_DIRECT, &file);
    if (ok(st))
        st = root_read(file, store_id, &root, &tail);
    if (ok(st))
        st = sstable_attach(env, path, file, &root, tail, cache, out_table);
    if (failed(st))
        io_close(file);
    return st;
}

status sstable_dictionary(struct sstable *table, const ZSTD_DDict **out_dictionary)
{
    ZSTD_DDict *dictionary = atomic_load_explicit(&table->dictionary, memory_order_acquire);
    struct frame_reader reader = {.table = table, .access = FRAME_ACCESS_SCAN_PAST_CACHE};
    struct block *block = NULL;
    status st = STATUS_DONE;
    if (!dictionary) {
        st = frame_reader_get(&reader, &table->root.dictionaries[0], FRAME_DICTIONARY, &block);
        if (st.code == STATUS_CORRUPT)
            st = frame_reader_get(&reader, &table->root.dictionaries[1], FRAME_DICTIONARY, &block);
        frame_reader_deinit(&reader);
    }
    if (block) {
        ZSTD_DDict *made = ZSTD_createDDict(block->data, block->bytes);
        block_unref(block);
        if (!made)
            return STATUS_FAIL(STATUS_NOMEM);
        /* Pairs with the acquire above. Who comes second takes what the first has made. */
        if (atomic_compare_exchange_strong_explicit(&table->dictionary, &dictionary, made,
                                                    memory_order_acq_rel, memory_order_acquire))
            dictionary = made;
        else
            ZSTD_freeDDict(made);
    }
    if (ok(st))
        *out_dictionary = dictionary;
    return st;
}

struct sstable *sstable_ref(struct sstable *table)
{
    atomic_fetch_add_explicit(&table->references, 1, memory_order_relaxed);
    return table;
}

void sstable_unref(struct sstable *table)
{
    /* The release of every holder pairs with the acquire of the one that frees. */
    if (!table || atomic_fetch_sub_explicit(&table->references, 1, memory_order_acq_rel) != 1)
        return;
    block_cache_drop(table->cache, table->cache_owner);
    /* A file that could not be unlinked is swept away by the next open of the store: no manifest names it. */
    if (atomic_load_explicit(&table->obsolete, memory_order_relaxed))
        (void)io_unlink(table->env, table->path);
    table_free(table);
}

void sstable_set_obsolete(struct sstable *table)
{
    atomic_store_explicit(&table->obsolete, true, memory_order_relaxed);
}

const struct sstable_info *sstable_info(const struct sstable *table)
{
    return &table->root.info;
}

uint64_t sstable_table_id(const struct sstable *table)
{
    return table->root.table_id;
}

bool sstable_may_contain(const struct sstable *table, struct partition_key key)
{
    if (key.token < table->root.info.min_token || key.token > table->root.info.max_token)
        return false;
    if (!table->filter)
        return true;
    return filter_may_contain(block_payload(table->filter), table->filter->level,
                              content_hash_key(key.bytes));
}
