/*
 * rows_decoder_internal.h: the lanes of a block of rows, open, and the block that is made of them.
 *
 * Keys come first, all of them; then images, one after another, each taking from every lane what is its own. Images can
 * be passed over from the first on, but not gone back to: who wants that begins again.
 */
#ifndef STRAIT_SSTABLE_ROWS_DECODER_INTERNAL_H
#define STRAIT_SSTABLE_ROWS_DECODER_INTERNAL_H

#include "sstable/rows_lanes_internal.h"

enum { ROWS_GLUE_SLACK = 8 }; /* bytes behind any glue that may be read */

struct values_reader {
    enum lane_codec codec;
    struct integers_reader lengths;
    struct reader in;             /* STORED, ZSTD */
    struct token_codes *codes;    /* TOKENS; the decoder's own */
    struct strings_reader *fixed; /* FIXED; likewise */
    const uint8_t *before;        /* FIXED: the value before, NULL at first */
};

struct rows_decoder {
    /* What is large is not zeroed. */
    struct rows_head head;
    union {
        struct token_codes codes;
        struct strings_reader fixed;
    } column[ROWS_COLUMNS];
    struct strings_reader keys;
    struct integers_reader kinds, timestamps, expiries, whole_lengths;
    struct reader whole;
    struct row_shape *shapes; /* owned, shape_count; behind them their glue */
    uint32_t shape_count;
    struct shape_columns columns;
    struct values_reader values[ROWS_COLUMNS];
    uint32_t column_count;
    int64_t last_timestamp, last_expiry_s;
    int64_t timestamp_factor; /* of the key's number; 0: timestamps follow one another */
    uint64_t timestamp_base;
    uint64_t key_number;         /* of the row at hand, where timestamps want it */
    uint8_t *at;                 /* where the next image goes */
    struct rows_codes *codes;    /* borrowed; NULL: nobody wants them */
    uint8_t coded[ROWS_COLUMNS]; /* by column of `codes`: which of ours */
};

/* Open the lanes and make the block, with its keys. rows_decoder_close() follows in any case, and the block is the caller's
 * even then, unless it is NULL. */
status rows_decoder_block(struct rows_decoder *decoder, const struct rows_decompressor *decompressor,
                          struct slice payload, uint32_t rows, struct block **out_block);
/* The same into a block that was made of this payload. */
status rows_decoder_again(struct rows_decoder *decoder, const struct rows_decompressor *decompressor,
                          struct slice payload, struct block *block);
/* After the last image: everything was used, nothing was asked for in vain. `whole`: no image was passed over. */
status rows_decoder_check(const struct rows_decoder *decoder, struct block *block, bool whole);
void rows_decoder_close(struct rows_decoder *decoder);

/* Images of rows [from, to), where those before stand already. */
status rows_images_put(struct rows_decoder *decoder, struct block *block, uint32_t from, uint32_t to);
/* Images of rows [0, to) are passed over: they are empty. */
status rows_images_skip(struct rows_decoder *decoder, struct block *block, uint32_t to);

/* Where key and image begin, and the end: rows_view. */
static inline uint32_t *rows_block_starts(struct block *block)
{
    return (uint32_t *)(void *)((uint64_t *)(void *)block->data + block->items);
}

static inline uint8_t *rows_block_bytes(struct block *block)
{
    return (uint8_t *)(rows_block_starts(block) + 2 * (size_t)block->items + 1);
}

#endif
