#include "sstable/dictionary_shelf_internal.h"

#include "base/lock.h"

#include <stdbool.h>
#include <stdlib.h>

enum {
    PLACES = 32,
    LEARNING_MAX = 16, /* tables that somebody learns for at the same time; more go unnoticed */
};

struct place {
    uint64_t table_id;
    struct sstable_dictionary *dictionary; /* counted; NULL: free */
};

struct dictionary_shelf {
    struct lock lock;
    struct lock_condition learnt; /* some learning came to its end */
    struct {
        uint64_t table_id;
        uint64_t round; /* one more each time that it is taken */
        bool taken;
    } learning[LEARNING_MAX];
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
    lock_condition_init(&shelf->learnt);
    *out_shelf = shelf;
    return STATUS_DONE;
}

void dictionary_shelf_free(struct dictionary_shelf *shelf)
{
    if (!shelf)
        return;
    for (uint32_t i = 0; i < PLACES; i++)
        sstable_dictionary_unref(shelf->places[i].dictionary);
    lock_condition_deinit(&shelf->learnt);
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

/* Where somebody learns for the table; LEARNING_MAX: nobody does. */
static uint32_t learning_of(const struct dictionary_shelf *shelf, uint64_t table_id)
{
    uint32_t at = 0;
    while (at < LEARNING_MAX && !(shelf->learning[at].taken && shelf->learning[at].table_id == table_id))
        at++;
    return at;
}

static void learning_wait(struct dictionary_shelf *shelf, uint32_t at)
{
    uint64_t round = shelf->learning[at].round;
    while (shelf->learning[at].taken && shelf->learning[at].round == round)
        lock_wait(&shelf->learnt, &shelf->lock);
}

/* Where it says that somebody learns for the table; LEARNING_MAX: there is no room for that. */
static uint32_t learning_begin(struct dictionary_shelf *shelf, uint64_t table_id)
{
    uint32_t at = 0;
    while (at < LEARNING_MAX && shelf->learning[at].taken)
        at++;
    if (at < LEARNING_MAX) {
        shelf->learning[at].table_id = table_id;
        shelf->learning[at].taken = true;
        shelf->learning[at].round++;
    }
    return at;
}

static void learning_end(struct dictionary_shelf *shelf, uint32_t at)
{
    if (at < LEARNING_MAX)
        shelf->learning[at].taken = false;
    lock_wake_all(&shelf->learnt);
}

/* What the shelf has for rows of so many bytes, with a reference; NULL: it is to be learnt. While another learns for the
 * table, less will do, and who would have nothing waits, once: where nothing came of it, all learn side by side. */
static struct sstable_dictionary *shelf_take(struct dictionary_shelf *shelf, uint64_t table_id,
                                             uint64_t bytes)
{
    for (bool waited = false;; waited = true) {
        const struct place *place = place_of(shelf, table_id);
        uint32_t learning = learning_of(shelf, table_id);
        bool busy = learning < LEARNING_MAX;
        if (place && (busy || place->dictionary->learnt_kib * 1024ULL >= bytes / 4 * 3)) {
            shelf->stats.shared++;
            return sstable_dictionary_ref(place->dictionary);
        }
        if (!busy || waited)
            return NULL;
        learning_wait(shelf, learning);
    }
}

status dictionary_shelf_learn(struct dictionary_shelf *shelf, uint64_t table_id,
                              const struct builder_stage *stage, struct sstable_dictionary **out_dictionary)
{
    if (!shelf)
        return builder_stage_learn(stage, NULL, out_dictionary);
    lock_acquire(&shelf->lock);
    struct sstable_dictionary *there = shelf_take(shelf, table_id, stage->bytes.bytes);
    if (there) {
        lock_release(&shelf->lock);
        *out_dictionary = there;
        return STATUS_DONE;
    }
    const struct place *place = place_of(shelf, table_id);
    struct sstable_dictionary *before = place ? sstable_dictionary_ref(place->dictionary) : NULL;
    uint32_t learning = learning_begin(shelf, table_id);
    lock_release(&shelf->lock);

    status st = builder_stage_learn(stage, before, out_dictionary);
    sstable_dictionary_unref(before);

    lock_acquire(&shelf->lock);
    if (ok(st)) {
        shelf->stats.learnt++;
        if (*out_dictionary)
            put(shelf, table_id, *out_dictionary);
    }
    learning_end(shelf, learning);
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
