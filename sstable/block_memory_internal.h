/*
 * block_memory_internal.h: where the blocks of a cache lie: on huge pages, because reads jump between them.
 *
 * The first half mebibyte comes from malloc, so that a store of a few rows does not take a huge page, and so do giants. Builds
 * that watch memory (AddressSanitizer) have all of it from there.
 *
 * Threads     Any.
 */
#ifndef STRAIT_SSTABLE_BLOCK_MEMORY_INTERNAL_H
#define STRAIT_SSTABLE_BLOCK_MEMORY_INTERNAL_H

#include "base/slab_heap.h"

struct block_memory {
    struct slab_heap heap;
    bool is_plain;              /* everything comes from malloc */
    _Atomic size_t plain_bytes; /* relaxed; that came from malloc so far */
};

void block_memory_init(struct block_memory *memory);
void block_memory_deinit(struct block_memory *memory);
void block_memory_use_heap(struct block_memory *memory, bool use); /* a shortcut */
/* NULL `memory`: from malloc. NULL when there is none. */
void *block_memory_take(struct block_memory *memory, size_t bytes, bool *out_in_heap);
void block_memory_give(void *at, bool in_heap);
/* When much lies unused, give it back to the system. */
void block_memory_trim(struct block_memory *memory);

#endif
