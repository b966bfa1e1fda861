#include "io/content_internal.h"

#include <stdlib.h>
#include <string.h>

static size_t chunks_for(uint64_t bytes)
{
    return (size_t)(bytes / CONTENT_CHUNK_BYTES + (bytes % CONTENT_CHUNK_BYTES != 0));
}

void content_deinit(struct content *content)
{
    for (size_t i = 0; i < content->chunk_count; i++)
        free(content->chunks[i]);
    free(content->chunks);
    *content = (struct content){0};
}

/* Room for `count` chunk pointers; the list grows by half so that appends stay cheap. */
static status chunks_reserve(struct content *content, size_t count)
{
    if (count <= content->chunk_count)
        return STATUS_DONE;
    size_t grown_count = content->chunk_count + content->chunk_count / 2;
    if (grown_count < count)
        grown_count = count;
    if (grown_count > SIZE_MAX / sizeof *content->chunks)
        return STATUS_FAIL(STATUS_NOMEM);
    uint8_t **grown = realloc(content->chunks, grown_count * sizeof *grown);
    if (!grown)
        return STATUS_FAIL(STATUS_NOMEM);
    memset(grown + content->chunk_count, 0, (grown_count - content->chunk_count) * sizeof *grown);
    content->chunks = grown;
    content->chunk_count = grown_count;
    return STATUS_DONE;
}

/* The part of one chunk that a range covers, walked from `offset`. */
struct piece {
    size_t chunk, start, bytes;
};

static struct piece piece_at(uint64_t offset, uint64_t left_bytes)
{
    struct piece piece = {.chunk = (size_t)(offset / CONTENT_CHUNK_BYTES),
                          .start = (size_t)(offset % CONTENT_CHUNK_BYTES)};
    piece.bytes = CONTENT_CHUNK_BYTES - piece.start;
    if (piece.bytes > left_bytes)
        piece.bytes = (size_t)left_bytes;
    return piece;
}

size_t content_read(const struct content *content, uint64_t offset, void *data, size_t bytes)
{
    if (offset >= content->bytes)
        return 0;
    if (bytes > content->bytes - offset)
        bytes = (size_t)(content->bytes - offset);
    uint8_t *out = data;
    for (size_t done = 0; done < bytes;) {
        struct piece piece = piece_at(offset + done, bytes - done);
        const uint8_t *chunk = content->chunks[piece.chunk];
        if (chunk)
            memcpy(out + done, chunk + piece.start, piece.bytes);
        else
            memset(out + done, 0, piece.bytes);
        done += piece.bytes;
    }
    return bytes;
}

/* A chunk that becomes all zeros is given back; one that is partly covered is cleared there. */
static void zeros_write(struct content *content, uint64_t offset, uint64_t bytes)
{
    uint64_t end = (uint64_t)content->chunk_count * CONTENT_CHUNK_BYTES;
    if (offset >= end)
        return;
    if (bytes > end - offset)
        bytes = end - offset;
    for (uint64_t done = 0; done < bytes;) {
        struct piece piece = piece_at(offset + done, bytes - done);
        uint8_t **chunk = &content->chunks[piece.chunk];
        if (piece.bytes == CONTENT_CHUNK_BYTES) {
            free(*chunk);
            *chunk = NULL;
        } else if (*chunk) {
            memset(*chunk + piece.start, 0, piece.bytes);
        }
        done += piece.bytes;
    }
}

/* All memory is had before the first byte is copied, so that a failure changes nothing. */
static status chunks_allocate(struct content *content, uint64_t offset, size_t bytes)
{
    for (size_t done = 0; done < bytes;) {
        struct piece piece = piece_at(offset + done, bytes - done);
        if (!content->chunks[piece.chunk])
            content->chunks[piece.chunk] = calloc(1, CONTENT_CHUNK_BYTES);
        if (!content->chunks[piece.chunk])
            return STATUS_FAIL(STATUS_NOMEM);
        done += piece.bytes;
    }
    return STATUS_DONE;
}

status content_write(struct content *content, uint64_t offset, const void *data, size_t bytes)
{
    if (!bytes)
        return STATUS_DONE;
    TRY(chunks_reserve(content, chunks_for(offset + bytes)));
    if (data)
        TRY(chunks_allocate(content, offset, bytes));
    else
        zeros_write(content, offset, bytes);

    const uint8_t *in = data;
    for (size_t done = 0; in && done < bytes;) {
        struct piece piece = piece_at(offset + done, bytes - done);
        memcpy(content->chunks[piece.chunk] + piece.start, in + done, piece.bytes);
        done += piece.bytes;
    }
    if (content->bytes < offset + bytes)
        content->bytes = offset + bytes;
    return STATUS_DONE;
}

status content_truncate(struct content *content, uint64_t bytes)
{
    if (bytes < content->bytes)
        zeros_write(content, bytes, content->bytes - bytes);
    else
        TRY(chunks_reserve(content, chunks_for(bytes)));
    content->bytes = bytes;
    return STATUS_DONE;
}

status content_copy(struct content *to, const struct content *from)
{
    struct content copy = {0};
    status st = content_truncate(&copy, from->bytes);
    for (size_t i = 0; ok(st) && i < chunks_for(from->bytes); i++)
        if (from->chunks[i])
            st =
                content_write(&copy, (uint64_t)i * CONTENT_CHUNK_BYTES, from->chunks[i], CONTENT_CHUNK_BYTES);
    if (failed(st)) {
        content_deinit(&copy);
        return st;
    }
    copy.bytes = from->bytes;
    content_deinit(to);
    *to = copy;
    return STATUS_DONE;
}
