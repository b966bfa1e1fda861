#include "base/memory_reserve.h"

#include <stdalign.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

enum { STEP_BYTES = 256 << 10 };

struct memory_block {
    atomic_uint refs; /* release on drop, acquire before freeing */
    size_t bytes;     /* of `data` */
    alignas(max_align_t) uint8_t data[];
};

void memory_piece_free(struct memory_block *block)
{
    if (block && atomic_fetch_sub_explicit(&block->refs, 1, memory_order_acq_rel) == 1)
        free(block);
}

bool memory_reserve_fill(struct memory_reserve *reserve, size_t bytes)
{
    if (bytes <= reserve->left_bytes)
        return true;
    if (bytes > SIZE_MAX / 2)
        return false;
    bytes = (bytes + STEP_BYTES - 1) / STEP_BYTES * STEP_BYTES;
    struct memory_block *block = malloc(sizeof *block + bytes);
    if (!block)
        return false;
    atomic_init(&block->refs, 1);
    block->bytes = bytes;
    memory_reserve_deinit(reserve);
    *reserve = (struct memory_reserve){block, bytes};
    return true;
}

void memory_reserve_deinit(struct memory_reserve *reserve)
{
    memory_piece_free(reserve->block);
    *reserve = (struct memory_reserve){0};
}

void *memory_reserve_cut(struct memory_reserve *reserve, size_t bytes, struct memory_block **out_block)
{
    if (bytes > reserve->left_bytes)
        return NULL;
    bytes = (bytes + alignof(max_align_t) - 1) / alignof(max_align_t) * alignof(max_align_t);
    if (bytes > reserve->left_bytes)
        return NULL;
    struct memory_block *block = reserve->block;
    void *piece = block->data + (block->bytes - reserve->left_bytes);
    reserve->left_bytes -= bytes;
    atomic_fetch_add_explicit(&block->refs, 1, memory_order_relaxed);
    *out_block = block;
    return piece;
}
