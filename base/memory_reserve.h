/*
 * memory_reserve.h: memory set aside for what must not fail half way.
 *
 * Who is about to do something that cannot be taken back fills a reserve first. Only when the system has no memory in the
 * middle of it is the reserve cut into; otherwise it is never touched, and costs nothing but addresses.
 *
 * Ownership   A reserve owns its block until it is replaced or deinit; every piece that was cut shares the block, which
 *             goes with the last of them.
 * Threads     One at a time for a reserve. memory_piece_free() from any.
 */
#ifndef STRAIT_BASE_MEMORY_RESERVE_H
#define STRAIT_BASE_MEMORY_RESERVE_H

#include <stdbool.h>
#include <stddef.h>

struct memory_block;

/* A zeroed struct is an empty one. */
struct memory_reserve {
    struct memory_block *block; /* counted; NULL: empty */
    size_t left_bytes;
};

/* Have so many bytes ready; false when memory ran out, and what was there stays. */
bool memory_reserve_fill(struct memory_reserve *reserve, size_t bytes);
void memory_reserve_deinit(struct memory_reserve *reserve);
/* Aligned for any type, contents undefined; NULL when there is not enough. *out_block is what memory_piece_free() takes. */
void *memory_reserve_cut(struct memory_reserve *reserve, size_t bytes, struct memory_block **out_block);
void memory_piece_free(struct memory_block *block);

#endif
