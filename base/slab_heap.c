/*
 * A slab is a head and then pieces without gaps. Every piece knows its own size and that of the one before it, so that
 * both neighbours are found without a search. Free pieces hang in lists by size: sixteen classes for each doubling. A
 * piece is taken from the list of its own class when one of the first few there is large enough, else from the next list
 * that has any, whose pieces are all large enough; what is left over becomes a piece of its own.
 */
#include "base/slab_heap.h"

#include <assert.h>
#include <string.h>
#include <sys/mman.h>

enum {
    UNIT_BYTES = 64,
    SLAB_UNITS = SLAB_BYTES / UNIT_BYTES - 1, /* one for the head */
    SPLITS = 16,                              /* classes of a doubling */
    SPLITS_BITS = 4,
    LOOKED_AT_MOST = 8,
    SLABS_KEPT = 1,
    PAGE_BYTES = 4096,
    TRIM_LEAST_BYTES = 32 << 10,
};

struct slab_heap_piece {
    uint32_t units;        /* with this head */
    uint32_t units_before; /* of the piece before it in the slab; 0: it is the first */
    bool is_free;
    bool is_trimmed; /* a free one has no memory below it, but for its ends */
    uint8_t unused[6];
    /* Of a free piece alone: here begins what a taken one holds. */
    struct slab_heap_piece *newer, *older;
};

enum { HEAD_BYTES = offsetof(struct slab_heap_piece, newer) };
_Static_assert(HEAD_BYTES == 16, "slab_heap_cost() and callers count on it");

struct slab_head {
    struct slab_heap *heap;
};

void slab_heap_init(struct slab_heap *heap)
{
    *heap = (struct slab_heap){0};
    slab_pool_init(&heap->pool, (size_t)SLABS_KEPT * SLAB_BYTES);
    lock_init(&heap->lock, RANK_HEAP);
}

void slab_heap_deinit(struct slab_heap *heap)
{
    assert(heap->used_bytes == 0);
    lock_deinit(&heap->lock);
    slab_pool_deinit(&heap->pool);
}

static uint32_t class_of(uint32_t units)
{
    if (units < SPLITS)
        return units;
    uint32_t log = 31 - (uint32_t)__builtin_clz(units);
    return (log - SPLITS_BITS + 1) * SPLITS + (units >> (log - SPLITS_BITS) & (SPLITS - 1));
}

static void free_push(struct slab_heap *heap, struct slab_heap_piece *piece)
{
    uint32_t at = class_of(piece->units);
    piece->is_free = true;
    piece->is_trimmed = false;
    piece->newer = NULL;
    piece->older = heap->free[at];
    if (piece->older)
        piece->older->newer = piece;
    heap->free[at] = piece;
    heap->filled[at / 64] |= 1ULL << at % 64;
}

static void free_remove(struct slab_heap *heap, struct slab_heap_piece *piece)
{
    uint32_t at = class_of(piece->units);
    piece->is_free = false;
    if (piece->older)
        piece->older->newer = piece->newer;
    if (piece->newer)
        piece->newer->older = piece->older;
    else
        heap->free[at] = piece->older;
    if (!heap->free[at])
        heap->filled[at / 64] &= ~(1ULL << at % 64);
}

static struct slab_heap_piece *fit(const struct slab_heap *heap, uint32_t units)
{
    uint32_t at = class_of(units), looked_at = 0;
    for (struct slab_heap_piece *piece = heap->free[at]; piece && looked_at < LOOKED_AT_MOST;
         piece = piece->older, looked_at++)
        if (piece->units >= units)
            return piece;
    for (uint32_t word = ++at / 64; word < SLAB_HEAP_CLASSES / 64; word++) {
        uint64_t filled = heap->filled[word];
        if (word == at / 64)
            filled &= UINT64_MAX << at % 64;
        if (filled)
            return heap->free[word * 64 + (uint32_t)__builtin_ctzll(filled)];
    }
    return NULL;
}

static struct slab_head *slab_of(void *at)
{
    return (struct slab_head *)((uintptr_t)at / SLAB_BYTES * SLAB_BYTES);
}

static struct slab_heap_piece *first_of(struct slab_head *slab)
{
    return (struct slab_heap_piece *)(void *)((uint8_t *)slab + UNIT_BYTES);
}

/* NULL behind the last of the slab. */
static struct slab_heap_piece *next_of(struct slab_heap_piece *piece)
{
    uint8_t *next = (uint8_t *)piece + (size_t)piece->units * UNIT_BYTES;
    return (uintptr_t)next % SLAB_BYTES ? (struct slab_heap_piece *)(void *)next : NULL;
}

static struct slab_heap_piece *previous_of(struct slab_heap_piece *piece)
{
    if (!piece->units_before)
        return NULL;
    return (struct slab_heap_piece *)(void *)((uint8_t *)piece - (size_t)piece->units_before * UNIT_BYTES);
}

static void units_set(struct slab_heap_piece *piece, uint32_t units)
{
    piece->units = units;
    struct slab_heap_piece *next = next_of(piece);
    if (next)
        next->units_before = units;
}

/* What is left over stays with the piece when it is next to nothing. */
static void split(struct slab_heap *heap, struct slab_heap_piece *piece, uint32_t units)
{
    uint32_t rest = piece->units - units;
    if (rest <= units / 64)
        return;
    piece->units = units;
    struct slab_heap_piece *behind = next_of(piece);
    behind->units_before = units;
    units_set(behind, rest);
    free_push(heap, behind);
}

/* A free piece of so many units at least is taken. */
static void cut(struct slab_heap *heap, struct slab_heap_piece *piece, uint32_t units)
{
    free_remove(heap, piece);
    split(heap, piece, units);
    heap->used_bytes += (size_t)piece->units * UNIT_BYTES;
}

/* Who brings a slab cuts it at once: none lies whole among the pieces. */
static struct slab_heap_piece *take_from_new(struct slab_heap *heap, uint32_t units)
{
    struct slab_head *slab = slab_pool_take(&heap->pool);
    if (!slab)
        return NULL;
    /* Memory is touched for the first time outside the lock. */
    slab->heap = heap;
    struct slab_heap_piece *piece = first_of(slab);
    *piece = (struct slab_heap_piece){.units = SLAB_UNITS};
    lock_acquire(&heap->lock);
    heap->slab_count++;
    free_push(heap, piece);
    cut(heap, piece, units);
    lock_release(&heap->lock);
    return piece;
}

void *slab_heap_take(struct slab_heap *heap, size_t bytes)
{
    uint32_t units = (uint32_t)(slab_heap_cost(bytes) / UNIT_BYTES);
    if (bytes > SLAB_HEAP_PIECE_BYTES_MAX)
        return NULL;
    lock_acquire(&heap->lock);
    struct slab_heap_piece *piece = fit(heap, units);
    if (piece)
        cut(heap, piece, units);
    lock_release(&heap->lock);
    if (!piece)
        piece = take_from_new(heap, units);
    return piece ? (uint8_t *)piece + HEAD_BYTES : NULL;
}

/* With those of its neighbours that are free as well. */
static struct slab_heap_piece *joined(struct slab_heap *heap, struct slab_heap_piece *piece)
{
    struct slab_heap_piece *next = next_of(piece), *previous = previous_of(piece);
    uint32_t units = piece->units;
    if (next && next->is_free) {
        free_remove(heap, next);
        units += next->units;
    }
    if (previous && previous->is_free) {
        free_remove(heap, previous);
        units += previous->units;
        piece = previous;
    }
    units_set(piece, units);
    return piece;
}

void slab_heap_give(void *at)
{
    if (!at)
        return;
    struct slab_head *slab = slab_of(at);
    struct slab_heap *heap = slab->heap;
    struct slab_heap_piece *piece = (struct slab_heap_piece *)(void *)((uint8_t *)at - HEAD_BYTES);
    lock_acquire(&heap->lock);
    heap->used_bytes -= (size_t)piece->units * UNIT_BYTES;
    piece = joined(heap, piece);
    bool empty = piece->units == SLAB_UNITS;
    if (empty)
        heap->slab_count--;
    else
        free_push(heap, piece);
    lock_release(&heap->lock);
    if (empty)
        slab_pool_give(&heap->pool, slab);
}

/* Under the lock of the heap: whoever took the piece meanwhile would lose what it wrote. Pieces taken out of their lists
 * for as long would make others bring new slabs, just when memory is to be given back. */
static void piece_trim(struct slab_heap_piece *piece)
{
    uintptr_t begin = ((uintptr_t)(piece + 1) + PAGE_BYTES - 1) / PAGE_BYTES * PAGE_BYTES;
    uintptr_t end = ((uintptr_t)piece + (uintptr_t)piece->units * UNIT_BYTES) / PAGE_BYTES * PAGE_BYTES;
    if (!piece->is_trimmed && begin < end)
        (void)madvise((uint8_t *)piece + (begin - (uintptr_t)piece), end - begin, MADV_DONTNEED);
    piece->is_trimmed = true;
}

void slab_heap_trim(struct slab_heap *heap)
{
    slab_pool_trim(&heap->pool);
    lock_acquire(&heap->lock);
    for (uint32_t at = class_of(TRIM_LEAST_BYTES / UNIT_BYTES); at < SLAB_HEAP_CLASSES; at++)
        for (struct slab_heap_piece *piece = heap->free[at]; piece; piece = piece->older)
            piece_trim(piece);
    lock_release(&heap->lock);
}

void slab_heap_stats(struct slab_heap *heap, struct slab_heap_stats *out_stats)
{
    lock_acquire(&heap->lock);
    *out_stats = (struct slab_heap_stats){heap->slab_count * SLAB_BYTES, heap->used_bytes};
    lock_release(&heap->lock);
}
