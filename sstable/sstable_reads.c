/*
 * What readers of a table found where. A reader counts for itself; when its cursor is closed the sums go into one of a few
 * stripes of the table.
 */
#include "base/stripe.h"
#include "sstable/sstable_internal.h"

#define COUNTER(name) +1
_Static_assert(sizeof(struct sstable_reads) == (0 SSTABLE_READS(COUNTER)) * sizeof(uint64_t),
               "every counter is in the list");
#undef COUNTER

static void counter_add(_Atomic uint64_t *total, uint64_t some)
{
    if (some)
        atomic_fetch_add_explicit(total, some, memory_order_relaxed);
}

static bool is_counted(const struct frame_reader *reader)
{
    return !reader->uncounted && frame_reader_keeps(reader);
}

void sstable_reads_add(struct sstable_reads *sum, const struct sstable_reads *more)
{
#define ADD(name) sum->name += more->name;
    SSTABLE_READS(ADD)
#undef ADD
}

void frame_readers_count(struct frame_reader *const *readers, uint32_t count)
{
    struct sstable_reads sum = {0};
    struct sstable_read_stripe *total = NULL;
    for (uint32_t i = 0; i < count; i++) {
        if (!is_counted(readers[i]))
            continue;
        total = &readers[i]->table->reads[thread_stripe(SSTABLE_READ_STRIPES)];
        sstable_reads_add(&sum, &readers[i]->reads);
    }
    if (!total)
        return;
#define ADD(name) counter_add(&total->name, sum.name);
    SSTABLE_READS(ADD)
#undef ADD
}

void sstable_reads(const struct sstable *table, struct sstable_reads *out_reads)
{
    struct sstable_reads sum = {0};
    for (uint32_t i = 0; i < SSTABLE_READ_STRIPES; i++) {
        const struct sstable_read_stripe *stripe = &table->reads[i];
#define ADD(name) sum.name += atomic_load_explicit(&stripe->name, memory_order_relaxed);
        SSTABLE_READS(ADD)
#undef ADD
    }
    *out_reads = sum;
}
