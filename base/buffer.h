/*
 * buffer.h: bytes that grow, for building keys, images, frames and files.
 *
 * Ownership   The buffer owns `data`; buffer_deinit() frees it. A zeroed struct is an empty buffer.
 * Errors      A failed growth is remembered in `failed` and every later append does nothing, so a
 *             builder appends freely and asks once at the end with buffer_status().
 * Threads     One thread at a time.
 */
#ifndef STRAIT_BASE_BUFFER_H
#define STRAIT_BASE_BUFFER_H

#include "base/bytes.h"
#include "base/slice.h"
#include "base/status.h"

struct buffer {
    uint8_t *data; /* owned */
    size_t bytes;
    size_t capacity_bytes;
    bool failed;
};

void buffer_deinit(struct buffer *buf);

/* What buffer_reserve() does when there is no room yet. */
bool buffer_grow(struct buffer *buf, size_t extra_bytes);

/* Make room for `extra_bytes` more; false when memory ran out. */
static inline bool buffer_reserve(struct buffer *buf, size_t extra_bytes)
{
    if (!buf->failed && buf->data && extra_bytes <= buf->capacity_bytes - buf->bytes)
        return true;
    return buffer_grow(buf, extra_bytes);
}

/* Room for `bytes` at the end, counted as used, contents undefined; NULL when memory ran out. */
static inline uint8_t *buffer_extend(struct buffer *buf, size_t bytes)
{
    if (!buffer_reserve(buf, bytes))
        return NULL;
    uint8_t *at = buf->data + buf->bytes;
    buf->bytes += bytes;
    return at;
}

void buffer_append(struct buffer *buf, const void *data, size_t bytes);
void buffer_append_u8(struct buffer *buf, uint8_t value);
void buffer_append_le32(struct buffer *buf, uint32_t value);
void buffer_append_le64(struct buffer *buf, uint64_t value);
void buffer_append_be16(struct buffer *buf, uint16_t value);
void buffer_append_be32(struct buffer *buf, uint32_t value);
void buffer_append_be64(struct buffer *buf, uint64_t value);

/* LEB128: 7 bits a byte, low first; 1 to 10 bytes. */
void buffer_append_varint(struct buffer *buf, uint64_t value);

/* printf into the buffer, without the terminator. */
void buffer_printf(struct buffer *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

static inline void buffer_append_slice(struct buffer *buf, struct slice bytes)
{
    buffer_append(buf, bytes.data, bytes.bytes);
}

static inline struct slice buffer_slice(const struct buffer *buf)
{
    return slice_of(buf->data, buf->bytes);
}

/* Forget the contents and a past failure, keep the memory. */
static inline void buffer_clear(struct buffer *buf)
{
    buf->bytes = 0;
    buf->failed = false;
}

/* STATUS_NOMEM when any append since the last clear failed. */
status buffer_status(const struct buffer *buf);

#endif
