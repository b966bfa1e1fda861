#include "sstable/dictionary_shelf_internal.h"

#include "base/lock.h"

#include <stdlib.h>

enum { PLACES = 32 };

struct place {
    uint64_t table_id;
    struct sstable_dictionary *dictionary; /* counted; NULL: free */
};

struct dictionary_shelf {
    struct lock lock; /* held while somebody learns */
    struct place places[PLACES];
    uint32_t next; /* that gives way when all are taken */
    struct dictionary_shelf_stats stats;
};

status dictionary_shelf_new(struct dictionary_shelf **out_shelf)
{
    struct dictionary_shelf *shelf = calloc(1, sizeof *shelf);
    if (!shelf)
        return STATUS_FAIL(STATUS_NOMEM);
    lock_init(&shelf->lock, RANK_CACHE);
    *out_shelf = shelf;
    return STATUS_DONE;
}

void dictionary_shelf_free(struct dictionary_shelf *shelf)
{
    if (!shelf)
        return;
    for (uint32_t i = 0; i < PLACES; i++)
        sstable_dictionary_unref(shelf->places[i].dictionary);
    lock_deinit(&shelf->lock);
    free(shelf);
}

static struct place *place_of(struct dictionary_shelf *shelf, uint64_t table_id)
{
    for (uint32_t i = 0; i < PLACES; i++)
        if (shelf->places[i].dictionary && shelf->places[i].table_id == table_id)
            return &shelf->places[i];
    return NULL;
}

static void put(struct dictionary_shelf *shelf, uint64_t table_id, struct sstable_dictionary *dictionary)
{
    struct place *place = place_of(shelf, table_id);
    if (!place)
        place = &shelf->places[shelf->next++ % PLACES];
    sstable_dictionary_unref(place->dictionary);
    *place = (struct place){.table_id = table_id, .dictionary = sstable_dictionary_ref(dictionary)};
}

static status shelf_learn(struct dictionary_shelf *shelf, uint64_t table_id,
                          const struct builder_stage *stage, struct sstable_dictionary **out_dictionary)
{
    const struct place *place = place_of(shelf, table_id);
    if (place && place->dictionary->learnt_kib * 1024ULL >= stage->bytes.bytes / 4 * 3) {
        *out_dictionary = sstable_dictionary_ref(place->dictionary);
        shelf->stats.shared++;
        return STATUS_DONE;
    }
    TRY(builder_stage_learn(stage, place ? place->dictionary : NULL, out_dictionary));
    shelf->stats.learnt++;
    if (*out_dictionary)
        put(shelf, table_id, *out_dictionary);
    return STATUS_DONE;
}

status dictionary_shelf_learn(struct dictionary_shelf *shelf, uint64_t table_id,
                              const struct builder_stage *stage, struct sstable_dictionary **out_dictionary)
{
    if (!shelf)
        return builder_stage_learn(stage, NULL, out_dictionary);
    lock_acquire(&shelf->lock);
    status st = shelf_learn(shelf, table_id, stage, out_dictionary);
    lock_release(&shelf->lock);
    return st;
}

struct sstable_dictionary *dictionary_shelf_prefer(struct dictionary_shelf *shelf, uint64_t table_id,
                                                   struct sstable_dictionary *dictionary)
{
    struct sstable_dictionary *better = NULL;
    lock_acquire(&shelf->lock);
    const struct place *place = place_of(shelf, table_id);
    if (dictionary && place && place->dictionary->learnt_kib / 2 > dictionary->learnt_kib) {
        better = sstable_dictionary_ref(place->dictionary);
        shelf->stats.shared++;
    }
    lock_release(&shelf->lock);
    if (!better)
        return dictionary;
    sstable_dictionary_unref(dictionary);
    return better;
}

void dictionary_shelf_forget(struct dictionary_shelf *shelf, uint64_t table_id, uint64_t dictionary_id)
{
    lock_acquire(&shelf->lock);
    struct place *place = place_of(shelf, table_id);
    if (place && place->dictionary->id == dictionary_id) {
        sstable_dictionary_unref(place->dictionary);
        place->dictionary = NULL;
    }
    lock_release(&shelf->lock);
}

void dictionary_shelf_stats(struct dictionary_shelf *shelf, struct dictionary_shelf_stats *out_stats)
{
    lock_acquire(&shelf->lock);
    *out_stats = shelf->stats;
    lock_release(&shelf->lock);
}
