#include "sstable/directory_builder_internal.h"

#include <stdlib.h>

void directory_builder_deinit(struct directory_builder *directory)
{
    buffer_deinit(&directory->entries);
    buffer_deinit(&directory->offsets);
    parity_builder_deinit(&directory->parity);
    free(directory->pages);
    directory->pages = NULL;
}

static status page_close(struct directory_builder *directory, struct frame_output *output)
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
    struct directory_index_item *item = &directory->pages[directory->page_count];
    *item = (struct directory_index_item){
        .first_token = directory->first_token,
        .last_token = directory->last_token,
        .entries = directory->items,
    };
    buffer_append_slice(&directory->entries, buffer_slice(&directory->offsets));
    TRY(buffer_status(&directory->offsets));
    TRY(buffer_status(&directory->entries));
    TRY(frame_output_write(output, FRAME_DIRECTORY, 0, directory->items, buffer_slice(&directory->entries),
                           &item->page));
    directory->page_count++;
    /* The frame still stands in the scratch buffer, sealed. */
    TRY(parity_builder_add(&directory->parity, output, item,
                           slice_of(output->scratch.data, item->page.bytes)));
    buffer_clear(&directory->entries);
    buffer_clear(&directory->offsets);
    directory->items = 0;
    return STATUS_DONE;
}

static size_t bytes_about(const struct directory_entry *entry)
{
    enum { FIXED_BYTES_ABOUT = 44, NEAR_BYTES_ABOUT = 4 * 18, DELETION_BYTES_MAX = 20 };
    return entry->key.bytes.bytes + entry->first.bytes +
           (entry->flags & DIRECTORY_ONE_BOUND ? 0 : entry->last.bytes) + entry->static_image.bytes +
           entry->ranges.bytes + FIXED_BYTES_ABOUT + (entry->flags & DIRECTORY_SPANS ? NEAR_BYTES_ABOUT : 0) +
           (entry->flags & DIRECTORY_DELETION ? DELETION_BYTES_MAX : 0);
}

static size_t open_bytes(const struct directory_builder *directory)
{
    return directory->entries.bytes + directory->offsets.bytes;
}

status directory_builder_expect(struct directory_builder *directory, struct frame_output *output,
                                const struct directory_entry *entries, uint32_t count)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < count && bytes <= DIRECTORY_PAGE_BYTES; i++)
        bytes += bytes_about(&entries[i]);
    bool fits = bytes <= DIRECTORY_PAGE_BYTES;
    return fits && open_bytes(directory) + bytes > DIRECTORY_PAGE_BYTES ? page_close(directory, output)
                                                                        : STATUS_DONE;
}

status directory_builder_rest(struct directory_builder *directory, struct frame_output *output)
{
    enum { HARDLY_BYTES = DIRECTORY_PAGE_BYTES / 4 };
    return open_bytes(directory) > HARDLY_BYTES ? page_close(directory, output) : STATUS_DONE;
}

status directory_builder_add(struct directory_builder *directory, struct frame_output *output,
                             const struct directory_entry *entry)
{
    if (directory->items && open_bytes(directory) + bytes_about(entry) > DIRECTORY_PAGE_BYTES)
        TRY(page_close(directory, output));
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

status directory_builder_finish(struct directory_builder *directory, struct frame_output *output)
{
    TRY(page_close(directory, output));
    return parity_builder_finish(&directory->parity, output);
}

status directory_builder_write_index(const struct directory_builder *directory, struct frame_output *output,
                                     struct frame_ref *out_index)
{
    struct buffer index = {0};
    for (uint32_t i = 0; i < directory->page_count; i++)
        directory_index_item_encode(&directory->pages[i], &index);
    status st = buffer_status(&index);
    if (ok(st))
        st = frame_output_write(output, FRAME_DIRECTORY_INDEX, 0, directory->page_count, buffer_slice(&index),
                                out_index);
    buffer_deinit(&index);
    return st;
}
