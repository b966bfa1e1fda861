/*
 * rows_internal.h: the rows of one data block, cut lengthwise: one lane for what each of them has of a kind.
 *
 * Writing     A rows_builder collects whole rows and adds up their summary; a rows_encoder cuts them into lanes: keys,
 *             shapes of images, timestamps, and lengths and values of each column, each with the encoding that suits
 *             it. Bytes that do not compress are stored, never fed to a compressor.
 * Reading     rows_decode() puts the rows together again as a block that is walked without decoding: the first eight
 *             bytes of every clustering key side by side, where keys and images begin, all keys, all images. A
 *             rows_unfolding makes the same block little by little: keys at once, images as far as somebody walks.
 * Runs        Several partitions may share a block; what one of them has there is a run of rows that stand together.
 *             docs/formats/sstable.md has the layout.
 */
#ifndef STRAIT_SSTABLE_ROWS_INTERNAL_H
#define STRAIT_SSTABLE_ROWS_INTERNAL_H

#include "base/arena.h"
#include "row/cursor.h"
#include "sstable/block_cache_internal.h"
#include "sstable/dictionary_internal.h"
#include "sstable/sstable.h"

enum {
    ROWS_COLUMNS = 16,     /* of values or paths, with lanes of their own; the others share the last */
    ROWS_SHAPES = 32,      /* of a block; rows of further ones travel whole */
    ROWS_VALUES_MAX = 128, /* and paths, of a row; rows with more travel whole */
    CLUSTERING_BYTES_MAX = 1 << 20,
};

/*
 * The values of a block's rows as they stand coded in its lanes of tokens. A code says the same wherever it stands, so a
 * value that goes into a file whose dictionary has the same table for its column needs not be cut into tokens again,
 * which is most of the work of writing it. A zeroed struct is ready.
 */
struct rows_codes {
    struct buffer bytes; /* the lanes, one behind the other */
    struct buffer ends;  /* u32 each: row by row, where the codes of each column end in `bytes` */
    uint32_t rows;       /* that are known; 0: none */
    uint32_t columns;
    struct {
        uint64_t place;
        uint64_t tokens_id; /* of the table they are of */
        uint32_t begin;     /* in `bytes` */
    } column[ROWS_COLUMNS];
};

static inline void rows_codes_clear(struct rows_codes *codes)
{
    buffer_clear(&codes->bytes);
    buffer_clear(&codes->ends);
    codes->rows = codes->columns = 0;
}
void rows_codes_deinit(struct rows_codes *codes);
/* What one row has in one of the columns: all its values there, in order. */
struct slice rows_codes_of(const struct rows_codes *codes, uint32_t row, uint32_t column);

/* ---- writing ---- */

/* All values of one row in one column, coded. */
struct rows_code {
    uint64_t place;
    uint32_t begin, bytes; /* in rows_builder.code_bytes */
};

struct rows_builder {
    struct buffer bytes; /* keys and images, row after row */
    struct buffer ends;  /* u32 each: where key and image end in `bytes` */
    uint32_t rows;
    struct sstable_block_summary summary;
    struct buffer code_bytes, codes; /* codes that rows brought along; struct rows_code each, row after row */
    struct buffer
        code_ends;          /* u32 each: how many of `codes` belong to the rows so far; empty: none has any */
    struct buffer last_key; /* of the block before, or of one that was copied */
};

void rows_builder_deinit(struct rows_builder *builder);
void rows_builder_clear(struct rows_builder *builder);
/* `row_hash` is content_hash_row() of it, or whatever the summary shall add up. STATUS_CORRUPT when the image is not one.
 * Failed growth shows in rows_encode(). */
status rows_builder_add(struct rows_builder *builder, uint64_t row_hash, struct slice clustering,
                        struct slice image);
/* Take the rows from `first` on out again, into `rest`, which is cleared; `before` is what the others add up to. */
status rows_builder_cut(struct rows_builder *builder, uint32_t first,
                        const struct sstable_block_summary *before, struct rows_builder *rest);
/* The key of the row added last, in this block or one before. */
struct slice rows_builder_last_key(const struct rows_builder *builder);

/* The row added last has these codes; those that mean the same in the dictionary that rows_encode() will be given are taken
 * along. Returns whether there are any. */
bool rows_builder_add_codes(struct rows_builder *builder, const struct sstable_dictionary *dictionary,
                            const struct rows_codes *codes, uint32_t row);

/* How values are compressed; parts that are NULL are not used. */
struct rows_compressor {
    ZSTD_CCtx *zstd;                             /* borrowed */
    const struct sstable_dictionary *dictionary; /* borrowed, with its encoders */
    const struct dictionary_encoders *encoders;
    bool whole; /* do not take images apart: for tests and comparisons */
};

struct rows_encoder;
struct rows_encoder *rows_encoder_new(void); /* NULL: no memory */
void rows_encoder_free(struct rows_encoder *encoder);
/* Append the payload of a rows frame. */
status rows_encode(struct rows_encoder *encoder, const struct rows_compressor *compressor,
                   const struct rows_builder *rows, struct buffer *out);
/* Bytes of the last payload that a lane took; for measurements. NULL past the last. */
const char *rows_encoder_lane(const struct rows_encoder *encoder, uint32_t lane, size_t *out_raw,
                              size_t *out_stored);

/* ---- reading ---- */

struct rows_decompressor {
    ZSTD_DCtx **zstd;          /* borrowed; put there when the first lane needs it */
    struct block_cache *cache; /* borrowed; who lends it, NULL: it is made */
    struct block_cache *home;  /* borrowed; whose memory blocks are made of, NULL: malloc's */
    const struct sstable_dictionary *dictionary; /* borrowed; NULL: a lane of tokens is STATUS_CORRUPT */
    struct buffer *scratch;                      /* borrowed */
    struct rows_codes *codes; /* borrowed; filled by rows_decode(); NULL: nobody wants them */
};

/* Whether some lane needs the dictionary, or zstd. */
status rows_needs(struct slice payload, bool *out_tokens, bool *out_zstd);
status rows_summary(struct slice payload, uint32_t rows, struct sstable_block_summary *out_summary);
/* The first and the last clustering key, in `scratch`. */
status rows_end_keys(struct slice payload, uint32_t rows, struct buffer *scratch, struct slice *out_first,
                     struct slice *out_last);
/* The whole block: a block of FRAME_ROWS with `rows` items. */
status rows_decode(const struct rows_decompressor *decompressor, struct slice payload, uint32_t rows,
                   struct block **out_block);

/* The same block for one reader, who needs a part of its images: all keys are there from the beginning, images once
 * rows_unfold() was asked for them. A zeroed struct is ready. */
struct rows_decoder;
struct rows_unfolding {
    struct rows_decoder *decoder; /* owned */
    struct buffer scratch;        /* lanes that were compressed as a whole */
    struct block *block;          /* borrowed; NULL: there is nothing to unfold */
    uint32_t rows;                /* whose images are there */
    uint32_t passed;              /* of them the first so many were passed over: theirs are empty */
    bool may_pass;
    status failure;       /* of this block: it says so whatever is asked for next */
    struct slice payload; /* borrowed */
    struct rows_decompressor decompressor;
};

/* The payload and what the decompressor borrows stay until the end; may_pass: what lies before the first row that is
 * asked for need not be made. *out_block belongs to the caller, and must outlive the
 * unfolding or its rows_unfolding_end(). */
status rows_unfolding_begin(struct rows_unfolding *unfolding, const struct rows_decompressor *decompressor,
                            struct slice payload, uint32_t rows, bool may_pass, struct block **out_block);
/* Make the image of that row, with those between it and the ones that are there. What has failed once fails for all rows. */
status rows_unfold(struct rows_unfolding *unfolding, uint32_t row);
void rows_unfolding_end(struct rows_unfolding *unfolding); /* ready for the next */
void rows_unfolding_deinit(struct rows_unfolding *unfolding);
/* Its memory for another one, which is zeroed. */
void rows_unfolding_keep(struct rows_unfolding *unfolding, struct rows_unfolding *other);

/* A decoded block. Borrows from it. */
struct rows_view {
    const uint64_t *prefixes;     /* key_prefix() of each row */
    const uint32_t *key_starts;   /* in `bytes`; the last key ends where the first image begins */
    const uint32_t *image_starts; /* likewise; one more at the end */
    const uint8_t *bytes;
};

static inline struct rows_view rows_view_of(const struct block *block)
{
    struct rows_view view = {.prefixes = (const uint64_t *)(const void *)block->data};
    view.key_starts = (const uint32_t *)(view.prefixes + block->items);
    view.image_starts = view.key_starts + block->items;
    view.bytes = (const uint8_t *)(view.image_starts + block->items + 1);
    return view;
}

static inline struct slice rows_key(const struct rows_view *view, uint32_t row)
{
    const uint32_t *start = view->key_starts + row;
    return slice_of(view->bytes + start[0], start[1] - start[0]);
}

static inline struct row_view rows_row(const struct rows_view *view, uint32_t row)
{
    const uint32_t *image = view->image_starts + row;
    return (struct row_view){.clustering = rows_key(view, row),
                             .image = slice_of(view->bytes + image[0], image[1] - image[0])};
}

/* Of rows [begin, end) the first whose key is not below `key`; `end` when there is none. It is looked for from `guess` on. */
uint32_t rows_find(const struct rows_view *view, uint32_t begin, uint32_t end, uint32_t guess,
                   struct slice key);

#endif
