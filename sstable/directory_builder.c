#include "sstable/directory_builder_internal.h"

#include <stdlib.h>

void directory_builder_deinit(struct directory_builder *directory)
{
    buffer_deinit(&directory->entries);
    buffer_deinit(&directory->offsets);
    buffer_deinit(&directory->frames);
    free(directory->pages);
    directory->pages = NULL;
}

static status page_close(struct directory_builder *directory, const struct frame_compressor *compressor)
{
    if (!directory->items)
        return STATUS_DONE;
    if (directory->page_count == directory->page_capacity) {
        uint32_t wanted = directory->page_capacity ? directory->page_capacity * 2 : 16;
        struct directory_index_item *grown = realloc(directory->pages, wanted * sizeof *grown);
        if (!grown)
            return STATUS_FAIL(STATUS_NOMEM);
        directory->pages = grown;
        directory->page_capacity = wanted;
    }
    buffer_append_slice(&directory->entries, buffer_slice(&directory->offsets));
    TRY(buffer_status(&directory->offsets));
    TRY(buffer_status(&directory->entries));
    size_t start = directory->frames.bytes;
    TRY(frame_encode(compressor, FRAME_DIRECTORY, 0, directory->items, buffer_slice(&directory->entries),
                     &directory->frames));
    directory->pages[directory->page_count++] = (struct directory_index_item){
        .first_token = directory->first_token,
        .last_token = directory->last_token,
        .page = {.bytes = (uint32_t)(directory->frames.bytes - start)},
        .entries = directory->items,
    };
    buffer_clear(&directory->entries);
    buffer_clear(&directory->offsets);
    directory->items = 0;
    return STATUS_DONE;
}

status directory_builder_add(struct directory_builder *directory, const struct frame_compressor *compressor,
                             const struct directory_entry *entry)
{
    enum { FIXED_BYTES_ABOUT = 64 };
    size_t about = entry->key.bytes.bytes + entry->first.bytes + entry->last.bytes +
                   entry->static_image.bytes + entry->ranges.bytes + FIXED_BYTES_ABOUT;
    if (directory->items &&
        directory->entries.bytes + directory->offsets.bytes + about > DIRECTORY_PAGE_BYTES)
        TRY(page_close(directory, compressor));
    if (!directory->items)
        directory->first_token = entry->key.token;
    directory->last_token = entry->key.token;
    buffer_append_le32(&directory->offsets, (uint32_t)directory->entries.bytes);
    directory_entry_encode(entry, &directory->entries);
    directory->items++;
    if (directory->entries.bytes > FRAME_RAW_MAX)
        return STATUS_FAIL(STATUS_LIMIT);
    return buffer_status(&directory->entries);
}

status directory_builder_write(struct directory_builder *directory, struct frame_output *output,
                               struct frame_ref *out_index)
{
    struct buffer index = {0};
    size_t at = 0;
    status st = page_close(directory, &output->compressor);
    for (uint32_t i = 0; ok(st) && i < directory->page_count; i++) {
        struct directory_index_item *item = &directory->pages[i];
        uint32_t bytes = item->page.bytes;
        st = frame_output_put(output, directory->frames.data + at, bytes, &item->page);
        directory_index_item_encode(item, &index);
        at += bytes;
    }
    if (ok(st))
        st = buffer_status(&index);
    if (ok(st))
        st = frame_output_write(output, FRAME_DIRECTORY_INDEX, 0, directory->page_count, buffer_slice(&index),
                                out_index);
    buffer_deinit(&index);
    return st;
}
