/*
 * dictionary_shelf.h: dictionaries of a store's tables, for builders whose own shard has no file to take one from yet.
 *
 * Learning costs as much as writing a few hundred thousand rows. Shards of a table that fill at the same time would
 * each learn, and each learn again when their files have outgrown the first; what one has learnt serves the others as well.
 * Whoever comes while another is learning for its table takes what is there already, and waits for the result when
 * nothing is.
 *
 * Threads     Any.
 */
#ifndef STRAIT_SSTABLE_DICTIONARY_SHELF_H
#define STRAIT_SSTABLE_DICTIONARY_SHELF_H

#include "base/status.h"

#include <stdint.h>

struct dictionary_shelf;

/* STATUS_NOMEM. */
status dictionary_shelf_new(struct dictionary_shelf **out_shelf);
void dictionary_shelf_free(struct dictionary_shelf *shelf); /* NULL is welcome */
/* That dictionary serves the table no more: the next builder without one learns anew. */
void dictionary_shelf_forget(struct dictionary_shelf *shelf, uint64_t table_id, uint64_t dictionary_id);

/* What a new file of the table should use instead of `dictionary`, which is its own (NULL: it is to be learnt): one that was learnt from more
 * than twice as much. Takes over the reference and returns one. */
struct sstable_dictionary;
struct sstable_dictionary *dictionary_shelf_prefer(struct dictionary_shelf *shelf, uint64_t table_id,
                                                   struct sstable_dictionary *dictionary);

struct dictionary_shelf_stats {
    uint64_t learnt; /* dictionaries that were made */
    uint64_t shared; /* times that a builder took one instead */
};
void dictionary_shelf_stats(struct dictionary_shelf *shelf, struct dictionary_shelf_stats *out_stats);

#endif
