/*
 * lending_internal.h: what tables of one cache use together because it is large and slow to make.
 *
 * Threads     Any.
 */
#ifndef STRAIT_SSTABLE_LENDING_INTERNAL_H
#define STRAIT_SSTABLE_LENDING_INTERNAL_H

#include "base/lock.h"
#include "sstable/frame_internal.h"

enum {
    LENDING_ZSTD = 4,
    LENDING_DICTIONARIES = 32,
};

struct sstable_dictionary;

struct lending {
    struct lock zstd_lock;
    ZSTD_DCtx *zstd[LENDING_ZSTD]; /* guarded by zstd_lock */
    uint32_t zstd_count;
    struct lock dictionary_lock;
    struct sstable_dictionary *dictionaries[LENDING_DICTIONARIES]; /* counted; guarded by dictionary_lock */
};

void lending_init(struct lending *lending);
void lending_deinit(struct lending *lending);

/* Decompression contexts. `lending` may be NULL in all of these: then they are made and freed. NULL when memory ran out. */
ZSTD_DCtx *lending_take_zstd(struct lending *lending);
void lending_give_zstd(struct lending *lending, ZSTD_DCtx *zstd); /* NULL zstd is welcome */

/* Tables of one dictionary share it while one of them is open. take: a reference, or NULL when it is not known here. */
struct sstable_dictionary *lending_take_dictionary(struct lending *lending, uint64_t id);
void lending_give_dictionary(struct lending *lending, struct sstable_dictionary *dictionary);

#endif
