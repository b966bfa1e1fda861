#include "base/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void buffer_deinit(struct buffer *buf)
{
    free(buf->data);
    *buf = (struct buffer){0};
}

bool buffer_grow(struct buffer *buf, size_t extra_bytes)
{
    if (buf->failed)
        return false;
    if (extra_bytes > SIZE_MAX / 2 - buf->bytes) {
        buf->failed = true;
        return false;
    }
    size_t wanted = buf->capacity_bytes ? buf->capacity_bytes : 64;
    while (wanted < buf->bytes + extra_bytes)
        wanted *= 2;
    uint8_t *grown = realloc(buf->data, wanted);
    if (!grown) {
        buf->failed = true;
        return false;
    }
    buf->data = grown;
    buf->capacity_bytes = wanted;
    return true;
}

void buffer_append(struct buffer *buf, const void *data, size_t bytes)
{
    uint8_t *at = bytes ? buffer_extend(buf, bytes) : NULL;
    if (at)
        memcpy(at, data, bytes);
}

void buffer_append_u8(struct buffer *buf, uint8_t value)
{
    buffer_append(buf, &value, 1);
}

void buffer_append_le32(struct buffer *buf, uint32_t value)
{
    uint8_t *at = buffer_extend(buf, sizeof value);
    if (at)
        store_le32(at, value);
}

void buffer_append_le64(struct buffer *buf, uint64_t value)
{
    uint8_t *at = buffer_extend(buf, sizeof value);
    if (at)
        store_le64(at, value);
}

void buffer_append_be16(struct buffer *buf, uint16_t value)
{
    uint8_t *at = buffer_extend(buf, sizeof value);
    if (at)
        store_be16(at, value);
}

void buffer_append_be32(struct buffer *buf, uint32_t value)
{
    uint8_t *at = buffer_extend(buf, sizeof value);
    if (at)
        store_be32(at, value);
}

void buffer_append_be64(struct buffer *buf, uint64_t value)
{
    uint8_t *at = buffer_extend(buf, sizeof value);
    if (at)
        store_be64(at, value);
}

void buffer_append_varint(struct buffer *buf, uint64_t value)
{
    uint8_t bytes[10];
    size_t count = 0;
    while (value >= 0x80) {
        bytes[count++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    bytes[count++] = (uint8_t)value;
    buffer_append(buf, bytes, count);
}

void buffer_printf(struct buffer *buf, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    if (length > 0 && buffer_reserve(buf, (size_t)length + 1)) {
        vsnprintf((char *)buf->data + buf->bytes, (size_t)length + 1, format, again);
        buf->bytes += (size_t)length;
    }
    va_end(again);
    va_end(args);
}

status buffer_status(const struct buffer *buf)
{
    return buf->failed ? STATUS_FAIL(STATUS_NOMEM) : STATUS_DONE;
}
