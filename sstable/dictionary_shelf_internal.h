/* dictionary_shelf_internal.h: what a builder asks of the shelf. */
#ifndef STRAIT_SSTABLE_DICTIONARY_SHELF_INTERNAL_H
#define STRAIT_SSTABLE_DICTIONARY_SHELF_INTERNAL_H

#include "sstable/builder_stage_internal.h"
#include "sstable/dictionary_shelf.h"

/*
 * A dictionary for the rows of `stage`: the one on the shelf when it was learnt from at least three quarters of the bytes
 * that stand in the stage, else a new one, which goes on the shelf and keeps what the one there has that is good. The caller owns a reference; NULL when there is too
 * little in common. Nobody who asks for another table waits meanwhile. A shelf of NULL always learns.
 */
status dictionary_shelf_learn(struct dictionary_shelf *shelf, uint64_t table_id,
                              const struct builder_stage *stage, struct sstable_dictionary **out_dictionary);

#endif
