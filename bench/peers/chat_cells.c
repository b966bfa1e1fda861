#include "bench/peers/chat_cells.h"

#include "bench/measure.h"
#include "row/key.h"

void chat_cells_key(struct buffer *key, int64_t created_ms, const uint8_t *id)
{
    static const struct key_column created_column = {.kind = KEY_INT64, .descending = true};
    static const struct key_column id_column = {.kind = KEY_UUID};
    uint8_t created[8];
    store_be64(created, (uint64_t)created_ms);
    buffer_clear(key);
    measure_check(key_append(key, created_column, slice_of(created, 8)), "strait: created_at");
    if (id)
        measure_check(key_append(key, id_column, slice_of(id, 16)), "strait: id");
}

static void cell_add(struct row_builder *builder, uint32_t column, int64_t timestamp, const void *value,
                     size_t bytes)
{
    row_builder_add(builder, (struct cell){.column = column,
                                           .kind = CELL_LIVE,
                                           .timestamp = timestamp,
                                           .value = slice_of(value, bytes)});
}

void chat_cells_image(struct row_builder *builder, const struct chat_row *row, struct buffer *image)
{
    uint8_t reply_to[8];
    row_builder_reset(builder);
    builder->marker = (struct marker){.timestamp = row->arrived_us};
    cell_add(builder, CHAT_COLUMN_AUTHOR, row->arrived_us, row->author, 16);
    if (row->has_reply_to) {
        store_be64(reply_to, (uint64_t)row->reply_to);
        cell_add(builder, CHAT_COLUMN_REPLY_TO, row->arrived_us, reply_to, 8);
    }
    cell_add(builder, CHAT_COLUMN_TEXT, row->arrived_us, row->text, row->text_bytes);
    buffer_clear(image);
    measure_check(row_builder_finish(builder, image), "strait: image");
}
