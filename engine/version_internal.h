/*
 * version_internal.h: what one tablet consists of at one moment: a counted, unchanging set of memtables and SSTables.
 *
 * Everybody takes a reference under the shard's `versions` lock, readers under their stripe of it (shard_internal.h),
 * and then works without any lock. A change builds a new version and swaps the pointer. NULL stands for the empty
 * version, so that a table nobody wrote to costs nothing.
 *
 * References are counted in stripes, each with a cache line of its own, so that readers on different cores do not
 * fight for one: a reader counts in the stripe of its thread and gives back where it took. The tablet's own reference
 * is one in every stripe; a stripe can rise from nothing no more, so the last one to fall frees.
 */
#ifndef STRAIT_ENGINE_VERSION_INTERNAL_H
#define STRAIT_ENGINE_VERSION_INTERNAL_H

#include <stdalign.h>
#include <stdatomic.h>

#include "engine/retained_internal.h"
#include "memtable/memtable.h"
#include "sstable/sstable.h"

enum {
    READ_STRIPES = 4,
    CACHE_LINE_BYTES = 64,
};

/* How much a tablet is read, counted by whoever reads. Outlives the tablet while a version of it is held. */
struct read_tally {
    struct {
        alignas(CACHE_LINE_BYTES) atomic_uint_fast64_t reads, sources; /* relaxed */
    } stripes[READ_STRIPES];
    atomic_uint refs;
};

status read_tally_new(struct read_tally **out_tally);
void read_tally_unref(struct read_tally *tally); /* NULL is welcome */
static inline void read_tally_add(struct read_tally *tally, uint32_t stripe, uint32_t reads, uint32_t sources)
{
    if (reads)
        atomic_fetch_add_explicit(&tally->stripes[stripe].reads, reads, memory_order_relaxed);
    if (sources)
        atomic_fetch_add_explicit(&tally->stripes[stripe].sources, sources, memory_order_relaxed);
}

/* An SSTable that holds nothing but rows, as it stands in a merge until it is opened. */
struct closed_table {
    struct sstable *table; /* one of the version's */
    bool stood_in;         /* by a retained memtable */
    struct sstable_bounds bounds;
};

static inline struct slice closed_first(const struct closed_table *table)
{
    return slice_of(table->bounds.first, table->bounds.first_bytes);
}

static inline struct slice closed_last(const struct closed_table *table)
{
    return slice_of(table->bounds.last, table->bounds.last_bytes);
}

struct version_stripe {
    alignas(CACHE_LINE_BYTES) atomic_uint refs;
    struct version *version; /* the one it belongs to */
};

struct version {
    struct version_stripe stripes[READ_STRIPES];
    atomic_uint stripes_held; /* that are not down to 0 */
    struct read_tally *tally; /* counted */
    uint32_t memtable_count, retained_count, sstable_count;
    struct memtable **memtables; /* counted; newest first */
    struct memtable **retained;  /* counted; newest first: instead of the SSTables that `stood_in` marks */
    struct sstable **sstables;   /* counted; newest file number first */
    bool *stood_in;              /* by SSTable */
    /* The SSTables of nothing but rows, by their first bound rising and by their last bound falling. */
    uint32_t closed_count;
    struct closed_table *closed_by_first, *closed_by_last;
};

/* What a version is made of; the arrays are borrowed. */
struct version_sources {
    struct memtable *const *memtables;
    struct memtable *const *retained;
    struct sstable *const *sstables;
    const struct retained_set *retained_set; /* says which of the SSTables are stood in for */
    uint32_t memtable_count, retained_count, sstable_count;
};

/* Takes references of its own. The result is the tablet's: version_retire() lets go of it. *out_version is NULL when
 * there are neither memtables nor SSTables. STATUS_NOMEM. */
status version_new(struct read_tally *tally, const struct version_sources *sources,
                   struct version **out_version);
/* NULL is welcome to all of these. */
void version_retire(struct version *version);
struct version *version_ref(struct version *version);
void version_unref(struct version *version);
bool version_has_sstable(const struct version *version, uint64_t file_number);

/* A reader's reference; version_unpin() may be called by another thread. */
struct version_stripe *version_pin(struct version *version, uint32_t stripe);
void version_unpin(struct version_stripe *pin); /* NULL is welcome */
/* The pin's reader looked into so many sources. */
static inline void version_count_sources(struct version_stripe *pin, uint32_t count)
{
    read_tally_add(pin->version->tally, (uint32_t)(pin - pin->version->stripes), 0, count);
}

/* The least write timestamp that a source of this version may hold for tokens of [min_token, max_token], files
 * numbered in `skip` left out; INT64_MAX when there is none (DEL-5, I14). */
int64_t version_min_timestamp(const struct version *version, int64_t min_token, int64_t max_token,
                              struct sstable *const *skip, uint32_t skip_count);

#endif
