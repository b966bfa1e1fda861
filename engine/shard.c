#include "engine/shard_internal.h"

#include <stdlib.h>

enum { FIRST_SLOTS = 64 };

status shard_init(struct shard *shard, struct store *store, uint32_t index)
{
    *shard = (struct shard){.store = store, .index = index};
    shard->slots = calloc(FIRST_SLOTS, sizeof(struct tablet *));
    if (!shard->slots)
        return STATUS_FAIL(STATUS_NOMEM);
    shard->slot_count = FIRST_SLOTS;
    lock_init(&shard->writer, RANK_SHARD);
    lock_init(&shard->versions, (enum lock_rank)RANK_VERSIONS);
    for (uint32_t i = 0; i < READ_STRIPES; i++)
        lock_init(&shard->read_locks[i].lock, (enum lock_rank)(RANK_READ_STRIPE + i));
    lock_condition_init(&shard->gate_opened);
    lock_condition_init(&shard->gate_quiet);
    return STATUS_DONE;
}

void shard_deinit(struct shard *shard)
{
    if (!shard->slots)
        return;
    for (uint32_t i = 0; i < shard->slot_count; i++)
        tablet_unref(shard->slots[i]);
    free(shard->slots);
    shard->slots = NULL;
    memory_reserve_deinit(&shard->reserve);
    lock_condition_deinit(&shard->gate_opened);
    lock_condition_deinit(&shard->gate_quiet);
    lock_deinit(&shard->writer);
    lock_deinit(&shard->versions);
    for (uint32_t i = 0; i < READ_STRIPES; i++)
        lock_deinit(&shard->read_locks[i].lock);
}

status shard_claim_take(struct shard *shard, struct shard_claim claim)
{
    TRY(shard_set_aside(shard, claim));
    shard->claimed.bytes += claim.bytes;
    shard->claimed.partitions += claim.partitions;
    return STATUS_DONE;
}

void shard_claim_drop(struct shard *shard, struct shard_claim claim)
{
    shard->claimed.bytes -= claim.bytes;
    shard->claimed.partitions -= claim.partitions;
}

void shard_versions_change(struct shard *shard)
{
    lock_acquire(&shard->versions);
    for (uint32_t i = 0; i < READ_STRIPES; i++)
        lock_acquire(&shard->read_locks[i].lock);
}

void shard_versions_changed(struct shard *shard)
{
    for (uint32_t i = READ_STRIPES; i-- > 0;)
        lock_release(&shard->read_locks[i].lock);
    lock_release(&shard->versions);
}

/* Table numbers are consecutive, so their low bits spread them; a probe is nearly always the first. */
static uint32_t slot_of(const struct shard *shard, uint64_t table_id)
{
    uint32_t mask = shard->slot_count - 1;
    uint32_t at = (uint32_t)table_id & mask;
    while (shard->slots[at] && shard->slots[at]->table_id != table_id)
        at = (at + 1) & mask;
    return at;
}

struct tablet *shard_find(const struct shard *shard, uint64_t table_id)
{
    return shard->slots[slot_of(shard, table_id)];
}

struct tablet *shard_find_ref(struct shard *shard, uint64_t table_id)
{
    lock_acquire(&shard->versions);
    struct tablet *tablet = shard_find(shard, table_id);
    if (tablet)
        tablet_ref(tablet);
    lock_release(&shard->versions);
    return tablet;
}

/* Put every tablet but `leave_out` into fresh slots. */
static void slots_refill(struct shard *shard, struct tablet **fresh, uint32_t fresh_count)
{
    struct tablet **old = shard->slots;
    uint32_t old_count = shard->slot_count;
    shard->slots = fresh;
    shard->slot_count = fresh_count;
    for (uint32_t i = 0; i < old_count; i++)
        if (old[i])
            shard->slots[slot_of(shard, old[i]->table_id)] = old[i];
    free(old);
}

status shard_reserve(struct shard *shard, uint32_t more_tablets)
{
    uint32_t wanted = shard->slot_count;
    while (wanted / 2 < shard->tablet_count + more_tablets)
        wanted *= 2;
    if (wanted == shard->slot_count)
        return STATUS_DONE;
    struct tablet **fresh = calloc(wanted, sizeof(struct tablet *));
    if (!fresh)
        return STATUS_FAIL(STATUS_NOMEM);
    lock_acquire(&shard->writer);
    shard_versions_change(shard);
    slots_refill(shard, fresh, wanted);
    shard_versions_changed(shard);
    lock_release(&shard->writer);
    return STATUS_DONE;
}

void shard_add(struct shard *shard, struct tablet *tablet)
{
    lock_acquire(&shard->writer);
    shard_versions_change(shard);
    shard->slots[slot_of(shard, tablet->table_id)] = tablet;
    shard->tablet_count++;
    shard_versions_changed(shard);
    lock_release(&shard->writer);
}

struct tablet *shard_replace(struct shard *shard, struct tablet *tablet)
{
    lock_acquire(&shard->writer);
    shard_versions_change(shard);
    uint32_t at = slot_of(shard, tablet->table_id);
    struct tablet *old = shard->slots[at];
    shard->slots[at] = tablet;
    shard->tablet_count += !old;
    shard_versions_changed(shard);
    lock_release(&shard->writer);
    return old;
}

/* Close the hole at `at`, so that probes which ran over it still find what comes after. */
static void slot_vacate(struct shard *shard, uint32_t at)
{
    uint32_t mask = shard->slot_count - 1;
    shard->slots[at] = NULL;
    for (uint32_t i = (at + 1) & mask; shard->slots[i]; i = (i + 1) & mask) {
        struct tablet *moved = shard->slots[i];
        shard->slots[i] = NULL;
        shard->slots[slot_of(shard, moved->table_id)] = moved;
    }
}

void shard_remove(struct shard *shard, uint64_t table_id)
{
    lock_acquire(&shard->writer);
    shard_versions_change(shard);
    uint32_t at = slot_of(shard, table_id);
    struct tablet *tablet = shard->slots[at];
    if (tablet) {
        slot_vacate(shard, at);
        shard->tablet_count--;
    }
    shard_versions_changed(shard);
    lock_release(&shard->writer);
    tablet_unref(tablet);
}

static int by_table_id(const void *a, const void *b)
{
    const struct tablet *left = *(struct tablet *const *)a, *right = *(struct tablet *const *)b;
    return (left->table_id > right->table_id) - (left->table_id < right->table_id);
}

status shard_tablets(struct shard *shard, struct tablet ***out_tablets, uint32_t *out_count)
{
    lock_acquire(&shard->versions);
    struct tablet **tablets = malloc(((size_t)shard->tablet_count + 1) * sizeof(struct tablet *));
    uint32_t count = 0;
    for (uint32_t i = 0; tablets && i < shard->slot_count; i++)
        if (shard->slots[i])
            tablets[count++] = tablet_ref(shard->slots[i]);
    lock_release(&shard->versions);
    if (!tablets)
        return STATUS_FAIL(STATUS_NOMEM);
    qsort(tablets, count, sizeof *tablets, by_table_id);
    *out_tablets = tablets;
    *out_count = count;
    return STATUS_DONE;
}

static bool holds(const struct tablet *tablet, const struct write_buffer *buffer)
{
    for (uint32_t i = 0; i < tablet->frozen_count; i++)
        if (tablet->frozen[i] == buffer)
            return true;
    return false;
}

status shard_holders(struct shard *shard, const struct write_buffer *buffer, struct tablet ***out_tablets,
                     uint32_t *out_count)
{
    lock_acquire(&shard->versions);
    struct tablet **tablets = malloc(((size_t)shard->tablet_count + 1) * sizeof(struct tablet *));
    uint32_t count = 0;
    for (uint32_t i = 0; tablets && i < shard->slot_count; i++)
        if (shard->slots[i] && holds(shard->slots[i], buffer))
            tablets[count++] = tablet_ref(shard->slots[i]);
    lock_release(&shard->versions);
    if (!tablets)
        return STATUS_FAIL(STATUS_NOMEM);
    *out_tablets = tablets;
    *out_count = count;
    return STATUS_DONE;
}

void shard_pass_gate(struct shard *shard)
{
    while (shard->gate_closed)
        lock_wait(&shard->gate_opened, &shard->writer);
}

void shard_pin(struct shard *shard, struct shard_pin *pin)
{
    pin->begin = shard->log_end;
    pin->next = NULL;
    pin->previous = shard->last_pin;
    if (shard->last_pin)
        shard->last_pin->next = pin;
    else
        shard->first_pin = pin;
    shard->last_pin = pin;
}

void shard_unpin(struct shard *shard, struct shard_pin *pin)
{
    if (pin->previous)
        pin->previous->next = pin->next;
    else
        shard->first_pin = pin->next;
    if (pin->next)
        pin->next->previous = pin->previous;
    else
        shard->last_pin = pin->previous;
    if (!shard->first_pin)
        lock_wake_all(&shard->gate_quiet);
}

struct log_position shard_settled(const struct shard *shard)
{
    return shard->first_pin ? shard->first_pin->begin : shard->log_end;
}

void shards_close_gates(struct shard *shards, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        lock_acquire(&shards[i].writer);
        shards[i].gate_closed = true;
        lock_release(&shards[i].writer);
    }
    for (uint32_t i = 0; i < count; i++) {
        lock_acquire(&shards[i].writer);
        while (shards[i].first_pin)
            lock_wait(&shards[i].gate_quiet, &shards[i].writer);
        lock_release(&shards[i].writer);
    }
}

void shards_open_gates(struct shard *shards, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        lock_acquire(&shards[i].writer);
        shards[i].gate_closed = false;
        lock_wake_all(&shards[i].gate_opened);
        lock_release(&shards[i].writer);
    }
}
