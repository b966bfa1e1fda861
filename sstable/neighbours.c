#include "sstable/neighbours_internal.h"

enum { TOGETHER_MAX = 32 << 10 }; /* bytes of the file, the block itself among them */

static const struct path_level *lowest_of(const struct sstable_cursor *cursor)
{
    return &cursor->path[cursor->height - 1];
}

static struct frame_ref ref_of(const struct sstable_cursor *cursor, uint32_t item)
{
    return block_index_page_item(&lowest_of(cursor)->page, item).at;
}

static bool are_welcome(const struct sstable_cursor *cursor, const struct frame_ref *at)
{
    const struct frame_reader *reader = &cursor->rows_reader;
    return reader->access == FRAME_ACCESS_POINT && !cursor->no_together && cursor->way == WAY_PATH &&
           cursor->height && !frame_reader_has_rows(reader, at) &&
           block_cache_has_room(cursor->table->cache, BLOCK_TIER_STORED, cursor->table->cache_owner,
                                at->offset, TOGETHER_MAX);
}

/* Widen what is to be read by the item, unless that is too much or the item is in the cache. Returns whether it did. */
static bool item_joins(const struct sstable_cursor *cursor, uint32_t item, uint64_t *begin, uint64_t *end)
{
    struct frame_ref ref = ref_of(cursor, item);
    uint64_t low = ref.offset < *begin ? ref.offset : *begin;
    uint64_t high = ref.offset + ref.bytes > *end ? ref.offset + ref.bytes : *end;
    if (high - low > TOGETHER_MAX || frame_reader_has_rows(&cursor->rows_reader, &ref))
        return false;
    *begin = low;
    *end = high;
    return true;
}

struct neighbours neighbours_begin(struct sstable_cursor *cursor, const struct frame_ref *at)
{
    struct frame_reader *reader = &cursor->rows_reader;
    uint64_t begin = at->offset, end = at->offset + at->bytes;
    if (!are_welcome(cursor, at))
        return (struct neighbours){0};
    const struct path_level *lowest = lowest_of(cursor);
    struct neighbours found = {lowest->at, lowest->at + 1};
    while (found.end < lowest->page.items && item_joins(cursor, found.end, &begin, &end))
        found.end++;
    while (found.first > 0 && item_joins(cursor, found.first - 1, &begin, &end))
        found.first--;
    if (found.end - found.first < 2)
        return (struct neighbours){0};
    reader->around_begin = begin;
    reader->around_end = end;
    return found;
}

void neighbours_end(struct sstable_cursor *cursor, struct neighbours neighbours)
{
    struct frame_reader *reader = &cursor->rows_reader;
    reader->around_begin = reader->around_end = 0;
    for (uint32_t item = neighbours.first; item < neighbours.end; item++) {
        struct frame_ref ref = ref_of(cursor, item);
        if (item != lowest_of(cursor)->at)
            frame_reader_keep_beside(reader, &ref);
    }
}
