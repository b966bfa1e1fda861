#include "sstable/resident_internal.h"

#include <stdlib.h>

status resident_init(struct resident *resident, struct block_cache *cache, uint32_t page_count)
{
    *resident = (struct resident){0};
    if (!block_cache_budget(cache) || !page_count)
        return STATUS_DONE;
    resident->pages = calloc(page_count, sizeof *resident->pages);
    if (!resident->pages)
        return STATUS_FAIL(STATUS_NOMEM);
    resident->cache = cache;
    resident->page_count = page_count;
    return STATUS_DONE;
}

/* Block indexes have a few levels. */
static void node_free(struct resident_node *node)
{
    if (!node)
        return;
    for (uint32_t i = 0; i < node->count; i++)
        node_free(atomic_load_explicit(&node->below[i], memory_order_relaxed));
    block_unref(node->block);
    block_unref(node->home);
}

static void page_free(struct resident_page *page)
{
    if (!page)
        return;
    for (uint32_t i = 0; i < page->page.items; i++)
        node_free(atomic_load_explicit(&page->roots[i], memory_order_relaxed));
    block_unref(page->block);
    block_unref(page->home);
}

void resident_deinit(struct resident *resident)
{
    for (uint32_t i = 0; i < resident->page_count; i++)
        page_free(atomic_load_explicit(&resident->pages[i], memory_order_relaxed));
    free(resident->pages);
    if (resident->cache)
        block_cache_resident_give(resident->cache, resident->bytes);
    *resident = (struct resident){0};
}

static bool bytes_take(struct resident *resident, size_t bytes)
{
    if (!block_cache_resident_take(resident->cache, bytes))
        return false;
    atomic_fetch_add_explicit(&resident->bytes, bytes, memory_order_relaxed);
    return true;
}

static void bytes_give(struct resident *resident, size_t bytes)
{
    atomic_fetch_sub_explicit(&resident->bytes, bytes, memory_order_relaxed);
    block_cache_resident_give(resident->cache, bytes);
}

/* NULL when memory ran out, or an entry is damaged: whoever asks for that one finds out by himself. */
static struct resident_page *page_new(struct resident *resident, struct block *block, size_t bytes)
{
    struct block *home = block_new(resident->cache, (uint32_t)bytes);
    if (!home)
        return NULL;
    memset(home->data, 0, bytes);
    struct resident_page *page = (struct resident_page *)(void *)home->data;
    page->home = home;
    page->block = block_ref(block);
    page->page = directory_page_of(block);
    page->entries = (struct directory_entry *)(page + 1);
    page->roots = (_Atomic(struct resident_node *) *)(page->entries + page->page.items);
    bool good = true;
    for (uint32_t i = 0; good && i < page->page.items; i++)
        good = ok(directory_page_entry(&page->page, i, &page->entries[i]));
    if (good)
        return page;
    page_free(page);
    return NULL;
}

const struct resident_page *resident_page_keep(struct resident *resident, uint32_t page_at,
                                               struct block *block)
{
    struct resident_page *there = NULL;
    const size_t each = sizeof(struct directory_entry) + sizeof(struct resident_node *);
    const size_t own_bytes = sizeof *there + block->items * each;
    const size_t bytes = own_bytes + 2 * sizeof *block + block->bytes;
    if (!resident->pages || !bytes_take(resident, bytes))
        return NULL;
    struct resident_page *made = page_new(resident, block, own_bytes);
    /* The release pairs with the acquire of resident_page_get(). Who comes second takes what the first has made. */
    if (made && atomic_compare_exchange_strong_explicit(&resident->pages[page_at], &there, made,
                                                        memory_order_acq_rel, memory_order_acquire))
        return made;
    page_free(made);
    bytes_give(resident, bytes);
    return there;
}

static struct resident_node *node_new(struct resident *resident, struct block *block, uint32_t count,
                                      size_t bytes)
{
    struct block *home = block_new(resident->cache, (uint32_t)bytes);
    if (!home)
        return NULL;
    memset(home->data, 0, bytes);
    struct resident_node *node = (struct resident_node *)(void *)home->data;
    node->home = home;
    node->block = block_ref(block);
    node->count = count;
    return node;
}

const struct resident_node *resident_node_keep(struct resident *resident,
                                               _Atomic(struct resident_node *) *place, struct block *block)
{
    struct resident_node *there = NULL;
    const uint32_t count = block->level ? block->items : 0;
    const size_t own_bytes = sizeof *there + count * sizeof there->below[0];
    const size_t bytes = own_bytes + 2 * sizeof *block + block->bytes;
    if (!bytes_take(resident, bytes))
        return NULL;
    struct resident_node *made = node_new(resident, block, count, own_bytes);
    /* The release pairs with the acquire of resident_node_get(). Who comes second takes what the first has made. */
    if (made && atomic_compare_exchange_strong_explicit(place, &there, made, memory_order_acq_rel,
                                                        memory_order_acquire))
        return made;
    node_free(made);
    bytes_give(resident, bytes);
    return there;
}
