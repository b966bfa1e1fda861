/*
 * chat_cells.h: a row of the chat as Strait's engine has it.
 *
 * Clustering key created_at DESC (bigint), id (uuid); cells author, reply_to, text. A reply_to that is null is not written.
 */
#ifndef STRAIT_BENCH_PEERS_CHAT_CELLS_H
#define STRAIT_BENCH_PEERS_CHAT_CELLS_H

#include "bench/peers/chat.h"
#include "row/row.h"

enum {
    CHAT_COLUMN_AUTHOR = 3,
    CHAT_COLUMN_REPLY_TO,
    CHAT_COLUMN_TEXT,
};

/* `key` begins anew; `id` NULL: only the time. */
void chat_cells_key(struct buffer *key, int64_t created_ms, const uint8_t *id);
/* `image` begins anew. */
void chat_cells_image(struct row_builder *builder, const struct chat_row *row, struct buffer *image);

#endif
