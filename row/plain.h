/*
 * plain.h: rows as nearly all of them are: live cells of one timestamp, a marker that does not expire or none, no deletion,
 * no elements of collections. Such a row lives at any time, and its cells can be taken one after another without asking
 * what they are. Whoever reads many rows tries this form first; a false answer means that row.h must be asked, never that
 * the image is broken.
 */
#ifndef STRAIT_ROW_PLAIN_H
#define STRAIT_ROW_PLAIN_H

#include "row/image.h"
#include "row/row.h"

struct plain_reader {
    const uint8_t *at, *end;
    uint32_t column; /* of the last cell */
    uint32_t cells_left;
    unsigned least_tag; /* only the first cell may be of column 0 */
};

/* False when the row has another form or nothing in it. */
static inline bool plain_open(struct slice image, struct plain_reader *out_reader)
{
    if (image.bytes < IMAGE_BYTES_MIN || (image.data[0] & ~(unsigned)IMAGE_HAS_MARKER) ||
        (int64_t)load_le64(image.data + IMAGE_BASE_AT) == TIMESTAMP_NONE)
        return false;
    uint32_t count = image.data[IMAGE_BASE_END];
    out_reader->at = image.data + IMAGE_BASE_END + 1;
    out_reader->end = image.data + image.bytes;
    out_reader->column = 0;
    out_reader->cells_left = count;
    out_reader->least_tag = 0;
    return count < 0x80 && (count || image.data[0]);
}

/* False past the last cell, and at one of another form: plain_ended() tells which. */
static inline bool plain_next(struct plain_reader *reader, uint32_t *out_column, struct slice *out_value)
{
    const uint8_t *at = reader->at;
    size_t left = (size_t)(reader->end - at), head = 2;
    if (!reader->cells_left || left < 2 || at[0] < reader->least_tag || at[0] >= 0x80 || (at[0] & 0xf))
        return false;
    size_t bytes = at[1];
    if (bytes >= 0x80) {
        if (left < 3 || at[2] >= 0x80)
            return false;
        bytes = (bytes & 0x7f) | (size_t)at[2] << 7;
        head = 3;
    }
    if (bytes > left - head)
        return false;
    reader->column += at[0] >> CELL_FLAG_BITS;
    reader->at = at + head + bytes;
    reader->cells_left--;
    reader->least_tag = 1u << CELL_FLAG_BITS;
    *out_column = reader->column;
    *out_value = slice_of(at + head, bytes);
    return true;
}

/* Somebody else has taken the next `count` cells, the last of which was of `column` and ended at `at`. */
static inline void plain_skip(struct plain_reader *reader, const uint8_t *at, uint32_t column, uint32_t count)
{
    reader->at = at;
    reader->column = column;
    reader->cells_left -= count;
    reader->least_tag = 1u << CELL_FLAG_BITS;
}

/* All cells were of the plain form, and nothing follows them. */
static inline bool plain_ended(const struct plain_reader *reader)
{
    return !reader->cells_left && reader->at == reader->end;
}

#endif
