/*
 * What readers of a table found where. A reader counts for itself; when its cursor is closed the sums go into one of a few
 * stripes of the table.
 */
#include "base/stripe.h"
#include "sstable/sstable_internal.h"

static void reads_add(_Atomic uint64_t *total, uint64_t some)
{
    if (some)
        atomic_fetch_add_explicit(total, some, memory_order_relaxed);
}

static bool is_counted(const struct frame_reader *reader)
{
    return !reader->uncounted && frame_reader_keeps(reader);
}

void frame_readers_count(struct frame_reader *const *readers, uint32_t count)
{
    struct sstable_reads sum = {0};
    struct sstable_read_stripe *total = NULL;
    for (uint32_t i = 0; i < count; i++) {
        const struct sstable_reads *reads = &readers[i]->reads;
        if (!is_counted(readers[i]))
            continue;
        total = &readers[i]->table->reads[thread_stripe(SSTABLE_READ_STRIPES)];
        sum.blocks_cached += reads->blocks_cached;
        sum.blocks_decoded += reads->blocks_decoded;
        sum.blocks_read += reads->blocks_read;
        sum.blocks_joined += reads->blocks_joined;
        sum.blocks_beside += reads->blocks_beside;
        sum.rows_made += reads->rows_made;
        sum.rows_spared += reads->rows_spared;
    }
    if (!total)
        return;
    reads_add(&total->blocks_cached, sum.blocks_cached);
    reads_add(&total->blocks_decoded, sum.blocks_decoded);
    reads_add(&total->blocks_read, sum.blocks_read);
    reads_add(&total->blocks_joined, sum.blocks_joined);
    reads_add(&total->blocks_beside, sum.blocks_beside);
    reads_add(&total->rows_made, sum.rows_made);
    reads_add(&total->rows_spared, sum.rows_spared);
}

void sstable_reads(const struct sstable *table, struct sstable_reads *out_reads)
{
    struct sstable_reads sum = {0};
    for (uint32_t i = 0; i < SSTABLE_READ_STRIPES; i++) {
        const struct sstable_read_stripe *stripe = &table->reads[i];
        sum.blocks_cached += atomic_load_explicit(&stripe->blocks_cached, memory_order_relaxed);
        sum.blocks_decoded += atomic_load_explicit(&stripe->blocks_decoded, memory_order_relaxed);
        sum.blocks_read += atomic_load_explicit(&stripe->blocks_read, memory_order_relaxed);
        sum.blocks_joined += atomic_load_explicit(&stripe->blocks_joined, memory_order_relaxed);
        sum.blocks_beside += atomic_load_explicit(&stripe->blocks_beside, memory_order_relaxed);
        sum.rows_made += atomic_load_explicit(&stripe->rows_made, memory_order_relaxed);
        sum.pages_restored += atomic_load_explicit(&stripe->pages_restored, memory_order_relaxed);
        sum.rows_spared += atomic_load_explicit(&stripe->rows_spared, memory_order_relaxed);
    }
    *out_reads = sum;
}
