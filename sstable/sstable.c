#include "sstable/sstable_internal.h"

#include "sstable/content_hash.h"
#include "sstable/filter_internal.h"
#include "sstable/lending_internal.h"
#include "sstable/parity_internal.h"

#include <stdlib.h>

static void table_free(struct sstable *table)
{
    if (!table)
        return;
    io_close(table->file);
    block_unref(table->filter);
    resident_deinit(&table->resident);
    ZSTD_freeDCtx(atomic_load_explicit(&table->zstd, memory_order_relaxed));
    sstable_dictionary_unref(atomic_load_explicit(&table->dictionary, memory_order_relaxed));
    free(table->pages);
    free(table->path);
    free(table);
}

static struct sstable *table_new(void)
{
    struct sstable *table = aligned_alloc(_Alignof(struct sstable), sizeof *table);
    if (table)
        memset(table, 0, sizeof *table);
    return table;
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

/* What the index would say of a page, which is trusted by its own checksum alone. */
static status page_describe(struct frame_reader *reader, const struct frame_ref *ref,
                            struct directory_index_item *out_item)
{
    struct block *block = NULL;
    struct directory_entry first, last;
    TRY(frame_reader_get(reader, ref, FRAME_DIRECTORY, &block));
    struct directory_page page = directory_page_of(block);
    status st = directory_page_entry(&page, 0, &first);
    if (ok(st))
        st = directory_page_entry(&page, page.items - 1, &last);
    if (ok(st))
        *out_item = (struct directory_index_item){.first_token = first.key.token,
                                                  .last_token = last.key.token,
                                                  .page = *ref,
                                                  .entries = page.items};
    block_unref(block);
    return st;
}

static status page_add(struct sstable *table, const struct directory_index_item *item, uint32_t *capacity)
{
    if (table->page_count == *capacity) {
        uint32_t wanted = *capacity ? *capacity * 2 : 16;
        struct directory_index_item *grown = realloc(table->pages, wanted * sizeof *grown);
        if (!grown)
            return STATUS_FAIL(STATUS_NOMEM);
        table->pages = grown;
        *capacity = wanted;
    }
    if (table->page_count && item->first_token < table->pages[table->page_count - 1].last_token)
        return STATUS_FAIL(STATUS_CORRUPT);
    table->pages[table->page_count++] = *item;
    return STATUS_DONE;
}

/* What a walk over all frames knows of the pages. */
struct pages_walk {
    uint32_t capacity;
    uint32_t group; /* pages before belong to groups whose parity was passed */
    status unknown; /* a page behind could not be described; its parity may */
};

static status walk_page(struct frame_reader *reader, const struct frame_ref *ref, struct pages_walk *walk)
{
    struct directory_index_item item;
    status st = page_describe(reader, ref, &item);
    if (st.code == STATUS_CORRUPT && reader->table->root.parity_pages) {
        walk->unknown = st;
        return STATUS_DONE;
    }
    TRY(st);
    return page_add(reader->table, &item, &walk->capacity);
}

/* What the parity says of its pages counts; when it is damaged, what they say themselves. */
static status walk_parity(struct frame_reader *reader, uint64_t offset, const struct frame_head *head,
                          struct pages_walk *walk)
{
    struct sstable *table = reader->table;
    struct block *block;
    struct parity parity;
    status st = parity_read(reader, offset, head->stored_bytes, &block, &parity);
    if (st.code == STATUS_CORRUPT && ok(walk->unknown)) {
        walk->group = table->page_count;
        return STATUS_DONE;
    }
    TRY(st);
    table->page_count = walk->group;
    for (uint32_t i = 0; ok(st) && i < parity.pages; i++) {
        struct directory_index_item item = parity_item(&parity, i);
        st = page_add(table, &item, &walk->capacity);
    }
    walk->group = table->page_count;
    walk->unknown = STATUS_DONE;
    block_unref(block);
    return st;
}

/* The index is damaged: the pages are found by walking all frames, each of which says how long it is. */
static status pages_rebuild(struct frame_reader *reader)
{
    struct sstable *table = reader->table;
    struct pages_walk walk = {.unknown = STATUS_DONE};
    uint64_t offset = ROOT_BYTES;
    while (offset < table->root.data_end) {
        struct frame_ref ref;
        struct frame_head head;
        TRY(frame_reader_find(reader, offset, FRAME_HEAD_BYTES, &ref, &head));
        if (head.layout == FRAME_DIRECTORY)
            TRY(walk_page(reader, &ref, &walk));
        else if (head.layout == FRAME_PARITY)
            TRY(walk_parity(reader, offset, &head, &walk));
        offset += ref.bytes;
    }
    TRY(walk.unknown);
    return offset == table->root.data_end ? STATUS_DONE : STATUS_FAIL(STATUS_CORRUPT);
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
    struct sstable *table = table_new();
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
    if (ok(st))
        st = resident_init(&table->resident, cache, table->page_count);
    if (failed(st)) {
        table->file = NULL; /* still the caller's */
        goto out;
    }
    table->offers_blocks = true;
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

void sstable_take_warmth(struct sstable *table, const struct sstable_info *info)
{
    if (info->warmth)
        table->cache_owner = info->warmth;
}

void sstable_drop_warmth(struct block_cache *cache, const struct sstable_info *info)
{
    if (info->warmth)
        block_cache_drop(cache, info->warmth);
}

static status dictionary_read(struct sstable *table, struct sstable_dictionary **out_dictionary)
{
    struct frame_reader reader = {.table = table, .access = FRAME_ACCESS_POINT_PAST_CACHE};
    struct block *block = NULL;
    status st = frame_reader_get(&reader, &table->root.dictionaries[0], FRAME_DICTIONARY, &block);
    if (st.code == STATUS_CORRUPT)
        st = frame_reader_get(&reader, &table->root.dictionaries[1], FRAME_DICTIONARY, &block);
    frame_reader_deinit(&reader);
    if (ok(st))
        st = dictionary_decode(block_payload(block), out_dictionary);
    block_unref(block);
    if (ok(st) && (*out_dictionary)->id != table->root.dictionary_id) {
        sstable_dictionary_unref(*out_dictionary);
        st = STATUS_FAIL(STATUS_CORRUPT);
    }
    return st;
}

status sstable_dictionary_load(struct sstable *table, const struct sstable_dictionary **out_dictionary)
{
    struct sstable_dictionary *there = atomic_load_explicit(&table->dictionary, memory_order_acquire);
    if (!there && (table->root.incompatible_features & ROOT_FEATURE_DICTIONARY)) {
        struct sstable_dictionary *made =
            lending_take_dictionary(block_cache_lending(table->cache), table->root.dictionary_id);
        if (!made) {
            TRY(dictionary_read(table, &made));
            lending_give_dictionary(block_cache_lending(table->cache), made);
        }
        /* Pairs with the acquire above. Who comes second takes what the first has made. */
        if (atomic_compare_exchange_strong_explicit(&table->dictionary, &there, made, memory_order_acq_rel,
                                                    memory_order_acquire))
            there = made;
        else
            sstable_dictionary_unref(made);
    }
    *out_dictionary = there;
    return STATUS_DONE;
}

status sstable_dictionary_get(struct sstable *table, struct sstable_dictionary **out_dictionary)
{
    const struct sstable_dictionary *dictionary;
    TRY(sstable_dictionary_load(table, &dictionary));
    *out_dictionary =
        dictionary ? sstable_dictionary_ref((struct sstable_dictionary *)(uintptr_t)dictionary) : NULL;
    return STATUS_DONE;
}

uint64_t sstable_table_dictionary_id(const struct sstable *table)
{
    return table->root.incompatible_features & ROOT_FEATURE_DICTIONARY ? table->root.dictionary_id : 0;
}

/* Of the dictionaries of two tables the one that was learnt from much more; else that of the first. */
static status dictionary_prefer(struct sstable **first, struct sstable *second)
{
    const struct sstable_dictionary *a, *b;
    if (sstable_table_dictionary_id(*first) == sstable_table_dictionary_id(second))
        return STATUS_DONE;
    TRY(sstable_dictionary_load(*first, &a));
    TRY(sstable_dictionary_load(second, &b));
    if (a && b && a->learnt_kib < b->learnt_kib / 2)
        *first = second;
    return STATUS_DONE;
}

status sstable_dictionary_choose(struct sstable *const *tables, uint32_t count,
                                 struct sstable_dictionary **out_dictionary)
{
    enum { WORSE_TENTHS = 11, FRAMES_BYTES_ABOUT = 2 * ROOT_BYTES };
    struct sstable *newest = NULL, *largest = NULL;
    for (uint32_t i = 0; i < count; i++) {
        if (!sstable_table_dictionary_id(tables[i]))
            continue;
        if (!newest || tables[i]->root.info.file_number > newest->root.info.file_number)
            newest = tables[i];
        if (!largest || tables[i]->root.info.raw_bytes > largest->root.info.raw_bytes)
            largest = tables[i];
    }
    *out_dictionary = NULL;
    if (!newest)
        return STATUS_DONE;
    TRY(dictionary_prefer(&newest, largest));
    struct sstable_dictionary *dictionary;
    TRY(sstable_dictionary_get(newest, &dictionary));
    const struct sstable_info *info = &newest->root.info;
    /* The file holds the dictionary twice, and small tables say little. */
    uint64_t overhead = newest->root.dictionaries[0].bytes * 2ULL + FRAMES_BYTES_ABOUT;
    uint64_t stored = info->file_bytes > overhead ? info->file_bytes - overhead : 0;
    bool is_worse = info->raw_bytes > DICTIONARY_SAMPLE_BYTES &&
                    stored * 10000 > info->raw_bytes * dictionary->ratio * WORSE_TENTHS;
    if (is_worse)
        sstable_dictionary_unref(dictionary);
    else
        *out_dictionary = dictionary;
    return STATUS_DONE;
}

bool sstable_dictionary_is_outgrown(const struct sstable_dictionary *dictionary, uint64_t raw_bytes)
{
    enum { TIMES = 3 };
    uint64_t learnt = dictionary->learnt_kib * 1024ULL;
    return learnt < DICTIONARY_SAMPLE_BYTES / 4 * 3 && raw_bytes / TIMES > learnt;
}

struct sstable_droppable sstable_droppable(const struct sstable *table, int64_t gc_before_s)
{
    return statistics_droppable(&table->root.statistics, gc_before_s);
}

void sstable_sizes(const struct sstable *table, struct sstable_sizes *out_sizes)
{
    *out_sizes = table->root.statistics.sizes;
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

bool sstable_page_behind(const struct sstable *table, int64_t token, int64_t *out_first_token)
{
    uint32_t low = 0, high = table->page_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (table->pages[middle].first_token > token)
            high = middle;
        else
            low = middle + 1;
    }
    if (low < table->page_count)
        *out_first_token = table->pages[low].first_token;
    return low < table->page_count;
}

uint64_t sstable_table_id(const struct sstable *table)
{
    return table->root.table_id;
}

uint64_t sstable_key_hash(struct partition_key key)
{
    return content_hash_key(key.bytes);
}

bool sstable_may_contain_hash(const struct sstable *table, int64_t token, uint64_t key_hash)
{
    if (token < table->root.info.min_token || token > table->root.info.max_token)
        return false;
    return !table->filter || filter_may_contain(block_payload(table->filter), table->filter->level, key_hash);
}

bool sstable_may_contain(const struct sstable *table, struct partition_key key)
{
    return sstable_may_contain_hash(table, key.token, sstable_key_hash(key));
}
