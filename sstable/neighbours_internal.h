/*
 * neighbours_internal.h: blocks that come from the disk with the one that a cursor needs.
 *
 * Who was sent to the middle of a partition, or walked there past the blocks its entry leads to, comes again or goes on for
 * what lies beside it. While compressed blocks have room in the cache, a read that has to go to the disk brings some of its
 * neighbours: a few times the bytes for little more time.
 *
 * They may only help. Blocks that the entry leads to and scans bring none: what they want is known. A neighbour is kept
 * compressed, if its checksum is good; one that is damaged is left where it is, and who asks for it will see. A disk
 * that cannot read all of them is asked for the block alone. `apart` of sstable_cursor_open_held() turns them off;
 * sstable_reads.blocks_beside counts them.
 */
#ifndef STRAIT_SSTABLE_NEIGHBOURS_INTERNAL_H
#define STRAIT_SSTABLE_NEIGHBOURS_INTERNAL_H

#include "sstable/sstable_cursor_internal.h"

/* With the block itself, [first, end) of the lowest page of the index; empty: it comes alone. */
struct neighbours {
    uint32_t first, end;
};

/* The cursor's reader is about to get the block at hand, which is not ready in the cache. */
struct neighbours neighbours_begin(struct sstable_cursor *cursor, const struct frame_ref *at);
/* It has got it, or has failed: what came with it is kept. */
void neighbours_end(struct sstable_cursor *cursor, struct neighbours neighbours);

#endif
