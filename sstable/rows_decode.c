#include "sstable/rows_decoder_internal.h"

/* The lanes of tokens, but for that which several columns may share. */
static void codes_begin(struct rows_decoder *decoder, struct rows_codes *codes)
{
    rows_codes_clear(codes);
    for (uint32_t i = 0; i < decoder->columns.count && i + 1 < ROWS_COLUMNS; i++) {
        if (decoder->values[i].codec != LANE_TOKENS)
            continue;
        codes->column[codes->columns].place = decoder->columns.places[i];
        codes->column[codes->columns].tokens_id = decoder->values[i].codes->tokens->id;
        codes->column[codes->columns].begin = (uint32_t)codes->bytes.bytes;
        buffer_append_slice(&codes->bytes, decoder->head.lanes[LANE_COLUMNS + 2 * i + 1].stored);
        decoder->coded[codes->columns++] = (uint8_t)i;
    }
    decoder->codes = codes;
}

status rows_decode(const struct rows_decompressor *decompressor, struct slice payload, uint32_t rows,
                   struct block **out_block)
{
    struct rows_decoder decoder;
    struct block *block;
    status st = rows_decoder_block(&decoder, decompressor, payload, rows, &block);
    if (ok(st) && decompressor->codes)
        codes_begin(&decoder, decompressor->codes);
    if (ok(st))
        st = rows_images_put(&decoder, block, 0, rows);
    if (ok(st))
        st = rows_decoder_check(&decoder, block, true);
    rows_decoder_close(&decoder);
    if (ok(st) && decoder.codes && !decoder.codes->bytes.failed && !decoder.codes->ends.failed)
        decoder.codes->rows = rows;
    if (ok(st))
        *out_block = block;
    else
        block_unref(block);
    return st;
}
