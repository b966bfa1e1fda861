#include "sstable/lending_internal.h"

#include "sstable/dictionary_internal.h"

void lending_init(struct lending *lending)
{
    *lending = (struct lending){0};
    lock_init(&lending->zstd_lock, RANK_CACHE);
    lock_init(&lending->dictionary_lock, RANK_CACHE);
}

void lending_deinit(struct lending *lending)
{
    for (uint32_t i = 0; i < lending->zstd_count; i++)
        ZSTD_freeDCtx(lending->zstd[i]);
    for (uint32_t i = 0; i < LENDING_DICTIONARIES; i++)
        sstable_dictionary_unref(lending->dictionaries[i]);
    lock_deinit(&lending->dictionary_lock);
    lock_deinit(&lending->zstd_lock);
}

ZSTD_DCtx *lending_take_zstd(struct lending *lending)
{
    ZSTD_DCtx *zstd = NULL;
    if (lending) {
        lock_acquire(&lending->zstd_lock);
        if (lending->zstd_count)
            zstd = lending->zstd[--lending->zstd_count];
        lock_release(&lending->zstd_lock);
    }
    return zstd ? zstd : ZSTD_createDCtx();
}

void lending_give_zstd(struct lending *lending, ZSTD_DCtx *zstd)
{
    if (lending && zstd) {
        lock_acquire(&lending->zstd_lock);
        if (lending->zstd_count < LENDING_ZSTD) {
            lending->zstd[lending->zstd_count++] = zstd;
            zstd = NULL;
        }
        lock_release(&lending->zstd_lock);
    }
    ZSTD_freeDCtx(zstd);
}

struct sstable_dictionary *lending_take_dictionary(struct lending *lending, uint64_t id)
{
    struct sstable_dictionary *found = NULL;
    if (!lending)
        return NULL;
    lock_acquire(&lending->dictionary_lock);
    for (uint32_t i = 0; i < LENDING_DICTIONARIES && !found; i++)
        if (lending->dictionaries[i] && lending->dictionaries[i]->id == id)
            found = sstable_dictionary_ref(lending->dictionaries[i]);
    lock_release(&lending->dictionary_lock);
    return found;
}

/* Nobody but the cache has it. */
static bool is_unused(const struct sstable_dictionary *dictionary)
{
    return atomic_load_explicit(&dictionary->references, memory_order_acquire) == 1;
}

void lending_give_dictionary(struct lending *lending, struct sstable_dictionary *dictionary)
{
    struct sstable_dictionary *unused[LENDING_DICTIONARIES] = {0};
    bool kept = false;
    if (!lending)
        return;
    lock_acquire(&lending->dictionary_lock);
    for (uint32_t i = 0; i < LENDING_DICTIONARIES; i++) {
        struct sstable_dictionary **slot = &lending->dictionaries[i];
        if (*slot && is_unused(*slot)) {
            unused[i] = *slot;
            *slot = NULL;
        }
        if (!*slot && !kept) {
            *slot = sstable_dictionary_ref(dictionary);
            kept = true;
        }
    }
    lock_release(&lending->dictionary_lock);
    for (uint32_t i = 0; i < LENDING_DICTIONARIES; i++)
        sstable_dictionary_unref(unused[i]);
}
