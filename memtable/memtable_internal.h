/*
 * memtable_internal.h: what the writer of a memtable and its cursors share.
 *
 * How a mutation becomes visible. The writer gives every mutation of a partition the next number,
 * puts its rows into the tree and its deletions into a new head, all marked with the number, and
 * then stores the number into `visible`. A cursor loads `visible` first, then whatever it needs; it
 * finds at least all up to that number and skips what is above. A new partition is put
 * into the table after its first mutation is whole. A mutation that fails half way marks its row
 * versions withdrawn; no number of a reader reaches those.
 */
#ifndef STRAIT_MEMTABLE_MEMTABLE_INTERNAL_H
#define STRAIT_MEMTABLE_MEMTABLE_INTERNAL_H

#include "memtable/memtable.h"
#include "memtable/row_room_internal.h"
#include "memtable/tree_internal.h"

/* Everything of a partition but its rows, at one number. Older heads stay for cursors that need them. */
struct head {
    uint64_t number;
    const struct head *older; /* arena; NULL for the first */
    struct deletion deletion;
    const struct version *static_row; /* arena; NULL: none */
    struct range_list built;          /* arena */
    /* Range tombstones since `built`, in order of arrival. Heads share the array: each sees its count. */
    struct range_tombstone *tail; /* arena */
    uint32_t tail_count, tail_capacity;
};

struct partition {
    int64_t token;
    struct slice key;                            /* arena */
    _Atomic uint64_t visible;                    /* release by the writer, acquire by cursors */
    _Atomic(const struct head *) head;           /* release and acquire; NULL until a mutation needs one */
    _Atomic(const struct version *) first, last; /* least and greatest row, release and acquire */
    struct tree tree;
    struct row_room room; /* writer */
};

/* For the writer: fetch the leaf that the next row is likely to go to, and what the row is written to. */
static inline void partition_prefetch_row(const struct partition *partition)
{
    tree_prefetch(&partition->tree);
    row_room_prefetch(&partition->room, !partition->tree.was_back);
}

/* Its key lies behind it in the arena. */
static inline void partition_prefetch(const struct partition *partition)
{
    for (size_t at = 0; at < sizeof *partition + 16; at += 64)
        __builtin_prefetch((const uint8_t *)partition + at, 1);
}

struct partition_slot {
    uint64_t hash;                         /* plain: written before the pointer is published */
    _Atomic(struct partition *) partition; /* release and acquire; NULL: free */
};

/* Open addressing, power of two. When it is full a larger one takes over; the old ones stay, linked, for
 * readers that are in them. */
struct partition_table {
    struct partition_table *older; /* owned */
    size_t slot_count;
    struct partition_slot slots[];
};

/* The partitions in (token, key) order. */
struct partition_order {
    size_t count;
    const struct partition *partitions[];
};

struct memtable {
    _Atomic uint32_t references; /* release on drop, acquire before freeing */
    _Atomic bool frozen;
    struct reconcile_rules rules;
    struct arena arena;
    _Atomic(struct partition_table *) table;  /* release and acquire; owned; NULL when empty */
    _Atomic(struct partition_order *) sorted; /* release and acquire; owned; set once after freezing */
    struct buffer scratch[2];                 /* writer: a merged image, and the one before the last step */
    size_t whole_bytes_max;                   /* memtable_merge_above() */
    bool rows_as_they_come;                   /* a shortcut off */
    size_t table_bytes;                       /* writer */
    /* For memtable_stats(); relaxed, exact once frozen. */
    _Atomic uint64_t bytes, sorted_bytes, partitions, rows, writes, late_rows, partial_rows, rows_together;
    _Atomic int64_t min_timestamp, max_timestamp;
};

/* The partition with this key, NULL when there is none. For the writer and for readers. */
struct partition *partition_find(struct memtable *memtable, struct partition_key key);
/* Have free slots for so many more partitions, and one, however full the table gets. STATUS_NOMEM. */
status partition_table_widen(struct memtable *memtable, uint32_t more);
/* Make room for one more partition: the table grows well before it is full, and late where memory is short. STATUS_NOMEM. */
status partition_table_reserve(struct memtable *memtable);
/* Publish a partition that is not there yet; room has been reserved. */
void partition_publish(struct memtable *memtable, struct partition *partition);
/* A sorted snapshot that the caller frees, or for a frozen memtable the shared one that it does not. */
status partition_order_get(struct memtable *memtable, struct partition_order **out_order, bool *out_owned);

static inline struct partition_key partition_key_at(const struct partition *partition)
{
    return (struct partition_key){.token = partition->token, .bytes = partition->key};
}

#endif
