/*
 * slice.h: a borrowed run of bytes. The lender is named wherever a slice is kept in a struct.
 * An empty slice may have a NULL pointer.
 */
#ifndef STRAIT_BASE_SLICE_H
#define STRAIT_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct slice {
    const uint8_t *data;
    size_t bytes;
};

#define ARRAY_LEN(a) (sizeof(a) / sizeof *(a))

static inline struct slice slice_of(const void *data, size_t bytes)
{
    return (struct slice){.data = (const uint8_t *)data, .bytes = bytes};
}

/* The characters of a C string without the terminator. */
static inline struct slice slice_text(const char *text)
{
    return slice_of(text, strlen(text));
}

/* Order of unsigned bytes, a prefix before what it begins: the only order below CQL. */
static inline int slice_compare(struct slice a, struct slice b)
{
    size_t common = a.bytes < b.bytes ? a.bytes : b.bytes;
    int order = common ? memcmp(a.data, b.data, common) : 0;
    return order ? order : (a.bytes > b.bytes) - (a.bytes < b.bytes);
}

static inline bool slice_equal(struct slice a, struct slice b)
{
    return a.bytes == b.bytes && (!a.bytes || memcmp(a.data, b.data, a.bytes) == 0);
}

static inline bool slice_has_prefix(struct slice whole, struct slice prefix)
{
    return whole.bytes >= prefix.bytes &&
           (!prefix.bytes || memcmp(whole.data, prefix.data, prefix.bytes) == 0);
}

#endif
