/*
 * image.h: the grammar of a row image, for code that takes images apart without asking what they mean.
 *
 *     u8 flags | le64 base timestamp | [ttl, expiry] | [deletion] | varint cell count | cells
 *     cell: varint tag | [timestamp] | [ttl, expiry] or [deletion second] | [bytes path] | [bytes value]
 *
 * docs/formats/row.md is the reference. Whoever wants rows uses row.h; image_cuts is for those who lay images
 * out differently and must find paths and values, in an image or in what is left of one without them.
 */
#ifndef STRAIT_ROW_IMAGE_H
#define STRAIT_ROW_IMAGE_H

#include "base/reader.h"

enum image_flag {
    IMAGE_HAS_MARKER = 0x01,
    IMAGE_MARKER_EXPIRES = 0x02,
    IMAGE_HAS_DELETION = 0x04,
    IMAGE_FLAGS = 0x07,
};

enum {
    IMAGE_BASE_AT = 1,  /* where the base timestamp is */
    IMAGE_BASE_END = 9, /* where it ends */
    IMAGE_BYTES_MIN = 10,
};

enum cell_flag {
    CELL_OWN_TIMESTAMP = 0x1,
    CELL_STATE = 0x6, /* mask of the four states below */
    CELL_STATE_LIVE = 0x0,
    CELL_STATE_EXPIRING = 0x2,
    CELL_STATE_DEAD = 0x4,
    CELL_STATE_AS_MARKER = 0x6,
    CELL_HAS_PATH = 0x8,
    CELL_FLAG_BITS = 4,
};

static inline uint64_t image_varint(struct reader *in)
{
    if (!in->failed && in->at != in->end && *in->at < 0x80)
        return *in->at++;
    return reader_varint(in);
}

/* A walk over the paths and values of the cells. */
struct image_cuts {
    uint64_t cells_left;
    uint32_t column;
    bool owes_value; /* the path of this cell was given, its value comes next */
};

/* `in` stands behind the marker's ttl and expiry, if `flags` say that there are any; it is moved to the cells. */
static inline struct image_cuts image_cuts_open(struct reader *in, unsigned flags)
{
    if (flags & IMAGE_HAS_DELETION) {
        (void)image_varint(in);
        (void)image_varint(in);
    }
    return (struct image_cuts){.cells_left = image_varint(in)};
}

/* Move `in` to the length of the next path or value, past which the caller must move it before the next call (where
 * there is a length). *out_place numbers the columns' values and paths: those of one column have the same number.
 * False past the last, or when `in` failed. */
static inline bool image_cuts_next(struct image_cuts *cuts, struct reader *in, uint64_t *out_place)
{
    *out_place = (uint64_t)cuts->column << 1;
    if (cuts->owes_value) {
        cuts->owes_value = false;
        return !in->failed;
    }
    while (cuts->cells_left && !in->failed) {
        uint64_t tag = image_varint(in);
        unsigned state = (unsigned)tag & CELL_STATE;
        bool has_value = state != CELL_STATE_DEAD, has_path = tag & CELL_HAS_PATH;
        cuts->cells_left--;
        cuts->column += (uint32_t)(tag >> CELL_FLAG_BITS);
        if (tag & CELL_OWN_TIMESTAMP)
            (void)image_varint(in);
        if (state == CELL_STATE_EXPIRING)
            (void)image_varint(in);
        if (state == CELL_STATE_EXPIRING || state == CELL_STATE_DEAD)
            (void)image_varint(in);
        cuts->owes_value = has_path && has_value;
        *out_place = (uint64_t)cuts->column << 1 | has_path;
        if (has_path || has_value)
            return !in->failed;
    }
    return false;
}

#endif
