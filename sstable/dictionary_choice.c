#include "sstable/sstable_internal.h"

struct sstable_dictionary *sstable_dictionary_ref(struct sstable_dictionary *dictionary)
{
    return dictionary;
}

void sstable_dictionary_unref(struct sstable_dictionary *dictionary)
{
    (void)dictionary;
}

uint64_t sstable_dictionary_id(const struct sstable_dictionary *dictionary)
{
    (void)dictionary;
    return 0;
}

status sstable_dictionary_get(struct sstable *table, struct sstable_dictionary **out_dictionary)
{
    (void)table;
    *out_dictionary = NULL;
    return STATUS_DONE;
}

uint64_t sstable_table_dictionary_id(const struct sstable *table)
{
    (void)table;
    return 0;
}

status sstable_dictionary_choose(struct sstable *const *tables, uint32_t count,
                                 struct sstable_dictionary **out_dictionary)
{
    (void)tables;
    (void)count;
    *out_dictionary = NULL;
    return STATUS_DONE;
}

bool sstable_builder_takes_block(const struct sstable_builder *builder, const struct sstable_block *block)
{
    (void)builder;
    (void)block;
    return false;
}

status sstable_builder_add_block(struct sstable_builder *builder, const struct sstable_block *block)
{
    (void)builder;
    (void)block;
    return STATUS_FAIL(STATUS_INVALID);
}

status sstable_cursor_next_block(struct cursor *cursor, struct sstable_block *out_block, bool *out_found)
{
    (void)cursor;
    (void)out_block;
    *out_found = false;
    return STATUS_DONE;
}

status sstable_cursor_skip_block(struct cursor *cursor)
{
    (void)cursor;
    return STATUS_FAIL(STATUS_INVALID);
}

struct sstable_droppable sstable_droppable(const struct sstable *table, int64_t gc_before_s)
{
    bool all = table->root.info.max_expiry_s < gc_before_s;
    return (struct sstable_droppable){.droppable = all ? table->root.info.tombstones : 0,
                                      .cells = table->root.info.rows + table->root.info.tombstones};
}
