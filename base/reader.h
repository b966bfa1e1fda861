/*
 * reader.h: bounded, sticky-error decoding of bytes from a disk or a peer.
 *
 * A read past the end sets `failed`, returns zero or an empty slice, and every later read does the
 * same: a decoder reads a whole structure and asks once. Slices borrow from the input.
 */
#ifndef STRAIT_BASE_READER_H
#define STRAIT_BASE_READER_H

#include "base/bytes.h"
#include "base/slice.h"
#include "base/status.h"

struct reader {
    const uint8_t *at; /* borrowed from the caller of reader_of() */
    const uint8_t *end;
    bool failed;
};

static inline struct reader reader_of(struct slice input)
{
    return (struct reader){.at = input.data, .end = input.data ? input.data + input.bytes : NULL};
}

static inline size_t reader_left(const struct reader *r)
{
    return (size_t)(r->end - r->at);
}

/* The next `bytes` bytes, or an empty slice and failure. */
static inline struct slice reader_take(struct reader *r, size_t bytes)
{
    if (r->failed || bytes > reader_left(r)) {
        r->failed = true;
        return (struct slice){0};
    }
    struct slice taken = slice_of(r->at, bytes);
    if (bytes)
        r->at += bytes;
    return taken;
}

static inline uint8_t reader_u8(struct reader *r)
{
    struct slice taken = reader_take(r, 1);
    return taken.bytes ? taken.data[0] : 0;
}

#define READER_INTEGER(name, bits, load)                         \
    static inline uint##bits##_t reader_##name(struct reader *r) \
    {                                                            \
        struct slice taken = reader_take(r, bits / 8);           \
        return taken.bytes ? load(taken.data) : 0;               \
    }

READER_INTEGER(be16, 16, load_be16)
READER_INTEGER(be32, 32, load_be32)
READER_INTEGER(be64, 64, load_be64)
READER_INTEGER(le16, 16, load_le16)
READER_INTEGER(le32, 32, load_le32)
READER_INTEGER(le64, 64, load_le64)

/* LEB128 of at most 10 bytes; an overlong or overflowing one fails. */
uint64_t reader_varint(struct reader *r);

/* STATUS_CORRUPT when any read so far ran past the end. */
#define reader_status(r) ((r)->failed ? STATUS_FAIL(STATUS_CORRUPT) : STATUS_DONE)

#endif
