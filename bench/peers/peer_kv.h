/*
 * peer_kv.h: a row as a key and a value, for engines that keep byte strings in memcmp order.
 *
 *     key     channel be64 | complement of created_ms be64 | id 16        32 bytes
 *     value   author 16 | 1 when a reply_to follows, else 0 | [reply_to be64] | text
 */
#ifndef STRAIT_BENCH_PEERS_PEER_KV_H
#define STRAIT_BENCH_PEERS_PEER_KV_H

#include "base/bytes.h"
#include "bench/peers/peer.h"

enum {
    KV_CHANNEL_BYTES = 8,
    KV_KEY_BYTES = 32,
    KV_VALUE_BYTES_MAX = 25 + CHAT_TEXT_BYTES_MAX,
};

static inline void kv_key(uint8_t out[KV_KEY_BYTES], const struct chat_row *row)
{
    store_be64(out, row->channel);
    store_be64(out + 8, ~(uint64_t)row->created_ms);
    memcpy(out + 16, row->id, 16);
}

/* Before every row of the channel that was created before before_ms. */
static inline void kv_bound(uint8_t out[KV_KEY_BYTES], uint64_t channel, int64_t before_ms)
{
    store_be64(out, channel);
    store_be64(out + 8, before_ms == INT64_MAX ? 0 : ~(uint64_t)(before_ms - 1));
    memset(out + 16, 0, 16);
}

static inline bool kv_in_channel(const void *key, size_t key_bytes, uint64_t channel)
{
    return key_bytes == KV_KEY_BYTES && load_be64(key) == channel;
}

/* Bytes of the value. */
static inline uint32_t kv_value(uint8_t out[KV_VALUE_BYTES_MAX], const struct chat_row *row)
{
    uint32_t bytes = 17;
    memcpy(out, row->author, 16);
    out[16] = row->has_reply_to;
    if (row->has_reply_to) {
        store_be64(out + bytes, (uint64_t)row->reply_to);
        bytes += 8;
    }
    memcpy(out + bytes, row->text, row->text_bytes);
    return bytes + row->text_bytes;
}

static inline void kv_answer(struct answer *answer, const uint8_t *key, const uint8_t *value,
                             size_t value_bytes)
{
    struct chat_row row;
    row.channel = load_be64(key);
    row.created_ms = (int64_t)~load_be64(key + 8);
    memcpy(row.id, key + 16, 16);
    memcpy(row.author, value, 16);
    row.has_reply_to = value[16];
    row.reply_to = row.has_reply_to ? (int64_t)load_be64(value + 17) : 0;
    uint32_t head = row.has_reply_to ? 25 : 17;
    row.text = (const char *)value + head;
    row.text_bytes = (uint32_t)value_bytes - head;
    answer_add(answer, &row);
}

#endif
