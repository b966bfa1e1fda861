/* rows_lanes_internal.h: the layout of a rows payload, for its writer and its reader. docs/formats/sstable.md. */
#ifndef STRAIT_SSTABLE_ROWS_LANES_INTERNAL_H
#define STRAIT_SSTABLE_ROWS_LANES_INTERNAL_H

#include "sstable/integers_internal.h"
#include "sstable/row_shape_internal.h"
#include "sstable/rows_internal.h"
#include "sstable/token_codes_internal.h"

enum rows_lane {
    LANE_KEYS,
    LANE_SHAPES,
    LANE_TIMESTAMPS,
    LANE_EXPIRIES, /* of markers */
    LANE_WHOLE_LENGTHS,
    LANE_WHOLE,   /* images that travel whole */
    LANE_COLUMNS, /* lengths of column 0, values of column 0, lengths of column 1, ... */
    LANE_COUNT = LANE_COLUMNS + 2 * ROWS_COLUMNS,
};

enum lane_codec {
    LANE_STORED = 0,
    LANE_ZSTD = 1,
    LANE_TOKENS = 2, /* of values only */
    LANE_FIXED = 3,  /* values of one length: strings_encode() */
};

enum {
    SUMMARY_NEVER_EXPIRES = 1,
    SUMMARY_HAS_TIMESTAMPS = 2,
    SUMMARY_HAS_EXPIRIES = 4,
    STRINGS_FIXED_MAX = 64, /* longest string that is laid out by position */
    STRINGS_PREFIXED = 0,   /* else the length of all strings + 1 */
    ROWS_DECODE_SLACK = 32, /* bytes behind a decoded block that copying may write over */
    ROWS_ZSTD_RAW_MAX = FRAME_ZSTD_RAW_MAX,
};

/* ---- strings: keys of rows, values of a column that all have one length ---- */

/* Where fixed strings have the number; `bytes` is 0 when there is none. */
struct strings_number {
    uint8_t at, bytes;
};

static inline uint64_t strings_number_of(struct strings_number number, struct slice string)
{
    uint64_t value = 0;
    for (uint32_t i = 0; i < number.bytes; i++)
        value = value << 8 | string.data[number.at + i];
    return value;
}

/* Strings by position: what is the same in all of them once, the first run of bytes that is not as a number that
 * mostly grows a little, the rest as it is. Strings of several lengths: the length shared with the one before, the
 * rest. */
void strings_encode(const struct slice *strings, uint32_t count, struct buffer *out,
                    struct strings_number *out_number);
/* Whether all have one length that strings_encode() lays out by position. */
bool strings_are_fixed(const struct slice *strings, uint32_t count);

struct strings_reader {
    struct reader in;
    uint32_t fixed; /* length + 1; STRINGS_PREFIXED: several */
    /* Of fixed ones: */
    uint8_t first[STRINGS_FIXED_MAX + 16];
    uint8_t number_at, number_bytes, number_shift;
    uint64_t number, number_mask;
    uint64_t number_kept; /* what stands behind the number in eight bytes of `first` */
    struct integers_reader numbers;
    uint8_t run_count;
    struct {
        uint8_t at, bytes;
    } runs[STRINGS_FIXED_MAX];
};

status strings_open(struct slice lane, struct strings_reader *out_reader);
/* Write the next string at `out`, where the one before begins at `before` with before_bytes; room counts the bytes
 * that may be used, behind which there is slack. False when the lane is short or the room is. */
bool strings_next(struct strings_reader *reader, const uint8_t *before, size_t before_bytes, uint8_t *out,
                  size_t room, size_t *out_bytes);
bool strings_at_end(const struct strings_reader *reader);

/* ---- timestamps ---- */

/* Which multiple of a key's number a timestamp follows: keys that hold a time, in some unit, rising or falling. 0: none,
 * a timestamp follows that of the row before. */
enum { TIMESTAMP_WAYS = 7 };
static const int64_t timestamp_factors[TIMESTAMP_WAYS] = {0, 1, -1, 1000, -1000, 1000000, -1000000};

/* ---- the head of a payload ---- */

struct rows_head {
    struct sstable_block_summary summary;
    uint32_t lane_count;
    struct {
        struct slice stored;
        uint64_t raw_bytes; /* of LANE_ZSTD */
        enum lane_codec codec;
    } lanes[LANE_COUNT];
};

status rows_head_read(struct slice payload, uint32_t rows, struct rows_head *out_head);
void rows_summary_write(const struct sstable_block_summary *summary, struct buffer *out);

/* Copies of a few bytes, most of them below 16, from where 16 may be read to where 16 may be written. */
static inline void bytes_copy_short(uint8_t *to, const uint8_t *from, size_t bytes, const uint8_t *from_end)
{
    if (bytes <= 16 && from_end - from >= 16)
        memcpy(to, from, 16);
    else if (bytes)
        memcpy(to, from, bytes);
}

#endif
