/*
 * paging.h: where a SELECT goes on with its next page, as bytes that a client carries (PAG-3).
 *
 *     u8 version | u8 flags | be64 fingerprint | be32 rows left of LIMIT | be32 rows left of PER PARTITION LIMIT |
 *     be32 partition bytes, partition | be32 clustering bytes, clustering | be64 checksum of all before
 *
 * The fingerprint binds it to a statement's text and a table; the checksum tells a state from chance bytes. Nothing in it
 * refers to a process or a file, so it is good on another connection and after a restart.
 */
#ifndef STRAIT_CQL_PAGING_H
#define STRAIT_CQL_PAGING_H

#include "base/buffer.h"
#include "cql/row_walk.h"

struct paging_state {
    uint64_t fingerprint;
    uint32_t limit_left;           /* UINT32_MAX: no limit */
    uint32_t partition_limit_left; /* of the partition it stands in; UINT32_MAX: no limit */
    struct walk_position position; /* borrows from the bytes it was read from */
};

void paging_state_write(struct buffer *out, const struct paging_state *state);
/* STATUS_CORRUPT for anything that paging_state_write() has not written. */
status paging_state_read(struct slice bytes, struct paging_state *out_state);

#endif
