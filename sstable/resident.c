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
    for (uint32_t i = 0; i < node->pages; i++)
        node_free(atomic_load_explicit(&node->below[i].node, memory_order_relaxed));
    block_unref(node->block);
    block_unref(node->home);
}

static void entry_free(struct resident_entry *entry)
{
    if (!entry)
        return;
    node_free(atomic_load_explicit(&entry->root, memory_order_relaxed));
    block_unref(entry->home);
}

static void page_free(struct resident_page *page)
{
    if (!page)
        return;
    for (uint32_t i = 0; i < page->items; i++) {
        struct resident_entry *entry = atomic_load_explicit(&page->entries[i], memory_order_relaxed);
        entry_free(entry);
    }
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

static size_t page_bytes(uint32_t items)
{
    return sizeof(struct resident_page) + items * sizeof(_Atomic(struct resident_entry *));
}

bool resident_has_room(const struct resident *resident, size_t bytes)
{
    return resident->pages && block_cache_resident_has_room(resident->cache, bytes);
}

/* Zeroed memory in the cache's heap. */
static struct block *home_new(struct resident *resident, size_t bytes)
{
    struct block *home = block_new(resident->cache, (uint32_t)bytes);
    if (home)
        memset(home->data, 0, bytes);
    return home;
}

static struct resident_page *page_new(struct resident *resident, struct block *block, size_t bytes)
{
    struct block *home = home_new(resident, bytes);
    if (!home)
        return NULL;
    struct resident_page *page = (struct resident_page *)(void *)home->data;
    page->home = home;
    page->block = block_ref(block);
    page->items = block->items;
    return page;
}

struct resident_page *resident_page_keep(struct resident *resident, uint32_t page_at, struct block *block)
{
    struct resident_page *there = NULL;
    const size_t own_bytes = page_bytes(block->items);
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

static struct resident_node *node_new(struct resident *resident, struct block *block, size_t bytes)
{
    struct block *home = home_new(resident, bytes);
    if (!home)
        return NULL;
    struct resident_node *node = (struct resident_node *)(void *)home->data;
    node->home = home;
    node->block = block_ref(block);
    node->pages = block->level ? block->items : 0;
    node->blocks = block->items - node->pages;
    return node;
}

const struct resident_node *resident_node_keep(struct resident *resident,
                                               _Atomic(struct resident_node *) *place, struct block *block)
{
    struct resident_node *there = NULL;
    const size_t own_bytes = sizeof *there + block->items * sizeof there->below[0];
    const size_t bytes = own_bytes + 2 * sizeof *block + block->bytes;
    if (!bytes_take(resident, bytes))
        return NULL;
    struct resident_node *made = node_new(resident, block, own_bytes);
    /* The release pairs with the acquire of resident_node_get(). Who comes second takes what the first has made. */
    if (made && atomic_compare_exchange_strong_explicit(place, &there, made, memory_order_acq_rel,
                                                        memory_order_acquire))
        return made;
    node_free(made);
    bytes_give(resident, bytes);
    return there;
}

static struct resident_entry *entry_new(struct resident *resident, const struct directory_entry *entry)
{
    struct block *home = home_new(resident, sizeof(struct resident_entry));
    if (!home)
        return NULL;
    struct resident_entry *made = (struct resident_entry *)(void *)home->data;
    made->home = home;
    made->entry = *entry;
    return made;
}

struct resident_entry *resident_entry_keep(struct resident *resident, struct resident_page *page,
                                           uint32_t item, const struct directory_entry *entry)
{
    struct resident_entry *there = NULL;
    const size_t bytes = sizeof *there + sizeof(struct block);
    if (!bytes_take(resident, bytes))
        return NULL;
    struct resident_entry *made = entry_new(resident, entry);
    /* The release pairs with the acquire of resident_entry_get(). */
    if (made && atomic_compare_exchange_strong_explicit(&page->entries[item], &there, made,
                                                        memory_order_acq_rel, memory_order_acquire))
        return made;
    entry_free(made);
    bytes_give(resident, bytes);
    return there;
}
