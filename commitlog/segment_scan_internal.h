/*
 * segment_scan_internal.h: look at the blocks of one segment file, whatever is in it.
 *
 * Ownership   segment_scan_open() takes a file and, the first time, a window; close gives the file back, deinit both.
 *             Blocks are lent until the next call.
 * Errors      What a block is, is an answer and not an error. STATUS_IO and STATUS_NOMEM are errors.
 * Threads     One at a time.
 */
#ifndef STRAIT_COMMITLOG_SEGMENT_SCAN_INTERNAL_H
#define STRAIT_COMMITLOG_SEGMENT_SCAN_INTERNAL_H

#include "commitlog/block_internal.h"

enum {
    SCAN_WINDOW_BYTES = 256 << 10,
};

/* What stands where a block of this segment should be. */
enum block_state {
    BLOCK_VALID,
    BLOCK_ZERO,    /* never written */
    BLOCK_STALE,   /* of a lower segment, whose file this was before */
    BLOCK_FOREIGN, /* of another store, stream or place, or of a higher segment */
    BLOCK_BROKEN,  /* no block at all */
    BLOCK_MISSING, /* the file ends before it */
    BLOCK_BEYOND,  /* the segment ends before it */
};

struct segment_scan {
    struct io_file *file; /* owned */
    uint8_t *window;      /* owned; at most SCAN_WINDOW_BYTES */
    size_t window_capacity;
    uint64_t window_offset;
    size_t window_bytes;
    uint64_t file_bytes;

    uint64_t store_id, segment;
    uint32_t stream;
    bool headed; /* the header block is valid; the next two are known */
    uint64_t generation;
    struct segment_header header;
};

status segment_scan_open(struct segment_scan *scan, struct io_env *env, const char *path);
void segment_scan_close(struct segment_scan *scan);
void segment_scan_deinit(struct segment_scan *scan);

/*
 * Read the header block of what should be `segment`; *out_state is BLOCK_VALID only when it is one, and `headed` is set
 * then. STATUS_UNSUPPORTED when it is of a newer version.
 */
status segment_scan_header(struct segment_scan *scan, uint64_t store_id, uint32_t stream, uint64_t segment,
                           enum block_state *out_state);
/* *out_raw is NULL for BLOCK_MISSING and BLOCK_BEYOND, *out_block is meaningful for all other states. */
status segment_scan_block(struct segment_scan *scan, uint64_t index, const uint8_t **out_raw,
                          struct block *out_block, enum block_state *out_state);

/* What valid blocks say that stand in [from_index, end_index): is there one, and the greatest durable offset of theirs. */
struct segment_evidence {
    bool any_valid;
    uint64_t durable_offset;
};
status segment_scan_evidence(struct segment_scan *scan, uint64_t from_index, uint64_t end_index,
                             struct segment_evidence *out_evidence);

#endif
