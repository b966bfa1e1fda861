/*
 * version_internal.h: what one tablet consists of at one moment: a counted, unchanging set of memtables and SSTables.
 *
 * A reader takes a reference under the shard's `versions` lock and then works without any lock. A change builds a new
 * version and swaps the pointer. NULL stands for the empty version, so that a table nobody wrote to costs nothing.
 */
#ifndef STRAIT_ENGINE_VERSION_INTERNAL_H
#define STRAIT_ENGINE_VERSION_INTERNAL_H

#include <stdatomic.h>

#include "memtable/memtable.h"
#include "sstable/sstable.h"

struct version {
    atomic_uint refs;
    uint32_t memtable_count, sstable_count;
    struct memtable **memtables; /* counted; newest first */
    struct sstable **sstables;   /* counted; newest file number first */
};

/* Takes references of its own. *out_version is NULL when both counts are 0. STATUS_NOMEM. */
status version_new(struct memtable *const *memtables, uint32_t memtable_count,
                   struct sstable *const *sstables, uint32_t sstable_count, struct version **out_version);
/* NULL is welcome to all of these. */
struct version *version_ref(struct version *version);
void version_unref(struct version *version);
bool version_has_sstable(const struct version *version, uint64_t file_number);

/* The least write timestamp that a source of this version may hold for tokens of [min_token, max_token], files
 * numbered in `skip` left out; INT64_MAX when there is none (DEL-5, I14). */
int64_t version_min_timestamp(const struct version *version, int64_t min_token, int64_t max_token,
                              struct sstable *const *skip, uint32_t skip_count);

#endif
