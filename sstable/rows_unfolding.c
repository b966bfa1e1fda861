#include "sstable/rows_decoder_internal.h"

#include <stdlib.h>

status rows_unfolding_begin(struct rows_unfolding *unfolding, const struct rows_decompressor *decompressor,
                            struct slice payload, uint32_t rows, bool may_pass, struct block **out_block)
{
    rows_unfolding_end(unfolding);
    if (!unfolding->decoder)
        unfolding->decoder = malloc(sizeof *unfolding->decoder);
    if (!unfolding->decoder)
        return STATUS_FAIL(STATUS_NOMEM);
    struct rows_decompressor own = *decompressor;
    own.scratch = &unfolding->scratch;
    struct block *block;
    status st = rows_decoder_block(unfolding->decoder, &own, payload, rows, &block);
    if (failed(st)) {
        rows_decoder_close(unfolding->decoder);
        block_unref(block);
        return st;
    }
    unfolding->block = *out_block = block;
    unfolding->decompressor = *decompressor;
    unfolding->payload = payload;
    unfolding->rows = unfolding->passed = 0;
    unfolding->may_pass = may_pass;
    unfolding->failure = STATUS_DONE;
    return STATUS_DONE;
}

/* From the first image again, for a reader who has come back to what was passed over. */
static status start_over(struct rows_unfolding *unfolding)
{
    struct rows_decoder *decoder = unfolding->decoder;
    struct rows_decompressor decompressor = unfolding->decompressor;
    struct block *block = unfolding->block;
    decompressor.scratch = &unfolding->scratch;
    rows_unfolding_end(unfolding);
    status st = rows_decoder_again(decoder, &decompressor, unfolding->payload, block);
    if (failed(st)) {
        rows_decoder_close(decoder);
        return st;
    }
    unfolding->block = block;
    unfolding->rows = unfolding->passed = 0;
    unfolding->may_pass = false;
    return STATUS_DONE;
}

/* As rows_unfold(); what fails leaves lanes and rows apart. */
static status unfold_to(struct rows_unfolding *unfolding, uint32_t row)
{
    enum { PASS_LEAST = 4 };
    if (row < unfolding->passed)
        TRY(start_over(unfolding));
    if (row < unfolding->rows)
        return STATUS_DONE;
    if (unfolding->may_pass && !unfolding->rows && row >= PASS_LEAST) {
        TRY(rows_images_skip(unfolding->decoder, unfolding->block, row));
        unfolding->rows = unfolding->passed = row;
    }
    TRY(rows_images_put(unfolding->decoder, unfolding->block, unfolding->rows, row + 1));
    unfolding->rows = row + 1;
    return unfolding->rows < unfolding->block->items
               ? STATUS_DONE
               : rows_decoder_check(unfolding->decoder, unfolding->block, !unfolding->passed);
}

status rows_unfold(struct rows_unfolding *unfolding, uint32_t row)
{
    if (failed(unfolding->failure) || !unfolding->block)
        return unfolding->failure;
    status st = unfold_to(unfolding, row);
    if (failed(st)) {
        unfolding->failure = st;
        unfolding->rows = 0; /* it does not count as whole, and goes to no cache */
    }
    return st;
}

void rows_unfolding_end(struct rows_unfolding *unfolding)
{
    if (unfolding->block)
        rows_decoder_close(unfolding->decoder);
    unfolding->block = NULL;
    unfolding->failure = STATUS_DONE;
}

void rows_unfolding_deinit(struct rows_unfolding *unfolding)
{
    rows_unfolding_end(unfolding);
    free(unfolding->decoder);
    buffer_deinit(&unfolding->scratch);
    unfolding->decoder = NULL;
}

void rows_unfolding_keep(struct rows_unfolding *unfolding, struct rows_unfolding *other)
{
    enum { KEPT_MOST = 64 << 10 };
    rows_unfolding_end(unfolding);
    if (unfolding->scratch.capacity_bytes > KEPT_MOST)
        buffer_deinit(&unfolding->scratch);
    other->decoder = unfolding->decoder;
    other->scratch = unfolding->scratch;
    *unfolding = (struct rows_unfolding){0};
}
