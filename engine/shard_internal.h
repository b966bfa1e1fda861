/*
 * shard_internal.h: a contiguous part of the token range: its tablets, its log stream, its writer lock.
 *
 * Locks       `writer` (RANK_SHARD) orders log appends and memtable writes; `versions` (RANK_VERSIONS) guards what
 *             readers pick up. The table of tablets changes under both.
 *             What readers of rows need, the table of tablets and the version pointers, is also guarded by one lock of
 *             `read_locks` for each group of threads: a reader holds the one of its group, a change holds `versions` and
 *             all of them. So readers on different cores share no line of memory that anybody writes.
 * Gate        A TRUNCATE or DROP closes the gate of every shard and waits until no batch is in flight, so that the
 *             log positions it records separate older writes from newer ones. A batch of several shards passes the
 *             gate of its home shard only and is pinned there until all its shards have it.
 */
#ifndef STRAIT_ENGINE_SHARD_INTERNAL_H
#define STRAIT_ENGINE_SHARD_INTERNAL_H

#include "base/lock.h"
#include "base/memory_reserve.h"
#include "engine/tablet_internal.h"

enum {
    RANK_EDIT = RANK_STORE - 5,        /* one durable change of the store at a time; held over manifest I/O */
    RANK_VERSIONS = RANK_SHARD + 5,    /* version pointers and the table of tablets */
    RANK_READ_STRIPE = RANK_SHARD + 6, /* and READ_STRIPES - 1 more */
};
_Static_assert((int)RANK_READ_STRIPE + (int)READ_STRIPES <= (int)RANK_MANIFEST, "a rank for each stripe");

struct store;

/* A batch of several shards on its way; lives on its writer's stack. */
struct shard_pin {
    struct log_position begin; /* at or before its record */
    struct shard_pin *previous, *next;
};

/* What the memtables of a shard need ready so that a batch, once it is logged, can be applied. */
struct shard_claim {
    size_t bytes;
    uint32_t partitions;
};

struct read_lock {
    alignas(CACHE_LINE_BYTES) struct lock lock;
};

struct shard {
    struct read_lock read_locks[READ_STRIPES];
    struct store *store; /* borrowed */
    uint32_t index;      /* also the number of its log stream */
    struct lock writer;
    struct lock versions;

    struct commitlog *log;                  /* owned; NULL when the store keeps no log */
    struct log_position log_end;            /* the next record begins here or later; guard: writer */
    atomic_uint_fast64_t batch_bytes;       /* logged or applied from here; relaxed; written under `writer` */
    struct shard_pin *first_pin, *last_pin; /* in order of position; guard: writer */
    bool gate_closed;                       /* guard: writer */
    struct memory_reserve reserve;          /* of its active memtables; guard: writer */
    struct shard_claim claimed; /* by batches that are, or will be, logged elsewhere; guard: writer */
    struct lock_condition gate_opened, gate_quiet;
    /* Segments [from, end) of a log whose damage was accepted; 0: none. */
    _Atomic uint64_t damaged_segment;
    uint64_t damaged_end;

    struct tablet **slots; /* open addressing by table id; owned; guard: both locks */
    uint32_t slot_count, tablet_count;
};

status shard_init(struct shard *shard, struct store *store, uint32_t index);
void shard_deinit(struct shard *shard);

/* Begin and end a change of version pointers or of the table of tablets: takes `versions` and every read lock. Nothing
 * slow happens in between. */
void shard_versions_change(struct shard *shard);
void shard_versions_changed(struct shard *shard);

/* Caller holds `writer`, `versions` or a read lock. Borrowed until the lock is released. NULL when there is no such table. */
struct tablet *shard_find(const struct shard *shard, uint64_t table_id);
/* The tablet with one more reference, or NULL. Takes `versions`. */
struct tablet *shard_find_ref(struct shard *shard, uint64_t table_id);
/* Takes over the reference on STATUS_OK; with room reserved it cannot fail. Takes both locks. */
status shard_reserve(struct shard *shard, uint32_t more_tablets);
void shard_add(struct shard *shard, struct tablet *tablet);
void shard_remove(struct shard *shard, uint64_t table_id);
/* Put the tablet in the place of the one of the same table, or add it; room is reserved. Gives the reference of the one
 * that was there, or NULL. Takes both locks. */
struct tablet *shard_replace(struct shard *shard, struct tablet *tablet);
/* All tablets, counted, in order of table id: an array the caller frees. Takes `versions`. */
status shard_tablets(struct shard *shard, struct tablet ***out_tablets, uint32_t *out_count);
/* The tablets that wait for the flush of `buffer`, counted: an array the caller frees. Takes `versions`. */
status shard_holders(struct shard *shard, const struct write_buffer *buffer, struct tablet ***out_tablets,
                     uint32_t *out_count);

/* Count a batch whose home this is. Caller holds `writer`. */
static inline void shard_count_batch(struct shard *shard, size_t bytes)
{
    uint64_t before = atomic_load_explicit(&shard->batch_bytes, memory_order_relaxed);
    atomic_store_explicit(&shard->batch_bytes, before + bytes, memory_order_relaxed);
}

/* Caller holds `writer`. Waits while the gate is closed. */
void shard_pass_gate(struct shard *shard);
void shard_pin(struct shard *shard, struct shard_pin *pin);
void shard_unpin(struct shard *shard, struct shard_pin *pin);
/* The position before which no record is on its way to another shard. Caller holds `writer`. */
struct log_position shard_settled(const struct shard *shard);

/*
 * A batch that is logged in another shard takes a claim here first, so that the memory set aside stays until it is applied:
 * every tablet that is written to has an active memtable from then on, and frozen ones are replaced at once. Whoever claims is
 * pinned at home. Caller holds `writer`.
 */
status shard_claim_take(struct shard *shard, struct shard_claim claim);
void shard_claim_drop(struct shard *shard, struct shard_claim claim);
/* Set aside what a batch needs that is logged and applied under one hold of `writer`, beside what others have claimed.
 * STATUS_NOMEM. */
static inline status shard_set_aside(struct shard *shard, struct shard_claim claim)
{
    size_t bytes = shard->claimed.bytes + claim.bytes;
    if (bytes > shard->reserve.left_bytes && !memory_reserve_fill(&shard->reserve, bytes))
        return STATUS_FAIL(STATUS_NOMEM);
    return STATUS_DONE;
}

/* Close or open the gates of all shards; when closing returns, no writer is inside. */
void shards_close_gates(struct shard *shards, uint32_t count);
void shards_open_gates(struct shard *shards, uint32_t count);

/* Shard of a token: the top of the token range, so that shards are contiguous in token order. */
static inline uint32_t shard_of_token(int64_t token, uint32_t shard_count)
{
    uint64_t biased = (uint64_t)token ^ (UINT64_C(1) << 63);
    __extension__ typedef unsigned __int128 wide;
    return (uint32_t)(((wide)biased * shard_count) >> 64);
}

#endif
