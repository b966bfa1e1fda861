/*
 * parity_internal.h: directory pages say where everything else stands, so they are written a little more than once: behind
 * every few of them goes a parity frame, from which one that is damaged is made anew.
 *
 * The frame has what the directory index says of its pages, and the sum (XOR) of their frames as they stand in the file,
 * each from the first byte on, shorter ones with zeros behind. The sum of the parity and all pages but one is that one; its
 * own checksum and the reference tell whether it is right. docs/formats/sstable.md.
 */
#ifndef STRAIT_SSTABLE_PARITY_INTERNAL_H
#define STRAIT_SSTABLE_PARITY_INTERNAL_H

#include "sstable/frame_output_internal.h"
#include "sstable/sstable_internal.h"

enum {
    PARITY_PAGES = 16, /* of a group, unless options say otherwise */
    /* Larger frames (a page of one huge partition) are listed but not added: they would be written twice. */
    PARITY_FRAME_BYTES_MAX = 64 << 10,
};

/* ---- writing ---- */

/* A zeroed struct writes none. */
struct parity_builder {
    uint32_t pages; /* of a group; 0: no parity */
    uint32_t count;
    struct buffer items, sum;
};

void parity_builder_deinit(struct parity_builder *parity);
/* A page was just written: `frame` as it stands in the file. With the last of its group goes the parity frame. */
status parity_builder_add(struct parity_builder *parity, struct frame_output *output,
                          const struct directory_index_item *item, struct slice frame);
/* The parity frame of the last group, if that is not full. */
status parity_builder_finish(struct parity_builder *parity, struct frame_output *output);

/* ---- reading ---- */

/* Slices are of the payload. */
struct parity {
    uint32_t pages;
    struct slice items, sum;
};

/* STATUS_CORRUPT when it is not one. */
status parity_decode(struct slice payload, uint32_t items, struct parity *out_parity);
struct directory_index_item parity_item(const struct parity *parity, uint32_t at);

/* The parity frame at `offset`, about so large, decoded; *out_block is pinned and has its bytes. */
status parity_read(struct frame_reader *reader, uint64_t offset, uint32_t bytes_about,
                   struct block **out_block, struct parity *out_parity);

/* The block of a directory page, made anew of the rest of its group when the page itself is damaged; unless the reader is
 * strict. */
status parity_page_get(struct frame_reader *reader, uint32_t page_at, struct block **out_block);

/* Every group has a good parity frame for the pages that the index has; with `sums` the pages are read and added up. */
status parity_check(struct sstable *table, bool sums);

#endif
