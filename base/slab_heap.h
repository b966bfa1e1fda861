/*
 * slab_heap.h: pieces of memory of some kibibytes, cut out of slabs that lie on huge pages.
 *
 * Who looks at random pieces of a large set waits for the memory and for the tables that say where it is. With pages of
 * two megabytes these tables fit into the processor. A piece begins 16 bytes behind a line of memory; it is joined with
 * its neighbours when it comes back, and a slab that is free as a whole goes back to the system but for a few.
 *
 * Ownership   Who takes a piece gives it back, before the heap is deinitialized.
 * Threads     Any.
 */
#ifndef STRAIT_BASE_SLAB_HEAP_H
#define STRAIT_BASE_SLAB_HEAP_H

#include "base/slab_pool.h"

#include <stdint.h>

enum {
    SLAB_HEAP_CLASSES = 192,
    SLAB_HEAP_PIECE_BYTES_MAX = 256 << 10, /* larger ones would leave too much of a slab unused */
};

struct slab_heap_piece;

struct slab_heap {
    struct slab_pool pool; /* of slabs that are free as a whole */
    struct lock lock;      /* RANK_HEAP; guards everything below */
    struct slab_heap_piece *free[SLAB_HEAP_CLASSES];
    uint64_t filled[SLAB_HEAP_CLASSES / 64]; /* which of these lists have pieces */
    size_t slab_count;                       /* that pieces are cut out of */
    size_t used_bytes;                       /* of them: pieces that are taken */
};

struct slab_heap_stats {
    size_t bytes, used_bytes; /* of slabs; of pieces */
};

void slab_heap_init(struct slab_heap *heap);
void slab_heap_deinit(struct slab_heap *heap);
/* Contents undefined; NULL when memory ran out or `bytes` is more than a piece may have. */
void *slab_heap_take(struct slab_heap *heap, size_t bytes);
void slab_heap_give(void *piece); /* to the heap that it is of; NULL is welcome */
/* What a piece of so many bytes takes. */
static inline size_t slab_heap_cost(size_t bytes)
{
    return (bytes + 16 + 63) / 64 * 64;
}
/* Give the memory below large pieces that are free back to the system; their slabs then lie on small pages. */
void slab_heap_trim(struct slab_heap *heap);
void slab_heap_stats(struct slab_heap *heap, struct slab_heap_stats *out_stats);

#endif
