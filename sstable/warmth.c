#include "sstable/warmth_internal.h"

struct warmth warmth_of(struct block_cache *cache, uint64_t owner)
{
    enum { ONE_IN = 4 };
    return (struct warmth){.cache = cache, .owner = owner, .bytes_left = block_cache_budget(cache) / ONE_IN};
}

void warmth_keep(struct warmth *warmth, struct block *block, uint64_t offset)
{
    uint64_t *last = block->layout == FRAME_ROWS ? &warmth->last_rows : &warmth->last_page;
    if (!warmth->cache || offset == *last || block->bytes > warmth->bytes_left)
        return;
    *last = offset;
    warmth->bytes_left -= block->bytes;
    block_cache_put(warmth->cache, BLOCK_TIER_DECODED, warmth->owner, offset, block);
    block_cache_count_warmed(warmth->cache);
}
