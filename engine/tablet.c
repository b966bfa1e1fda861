#include "engine/tablet_internal.h"

#include <stdlib.h>

#include "engine/shard_internal.h"
#include "engine/store_internal.h"

status tablet_new(struct shard *shard, uint64_t table_id, const struct store_table_options *options,
                  struct tablet **out_tablet)
{
    struct tablet *tablet = calloc(1, sizeof *tablet);
    if (!tablet)
        return STATUS_FAIL(STATUS_NOMEM);
    status st = read_tally_new(&tablet->tally);
    if (failed(st)) {
        free(tablet);
        return st;
    }
    atomic_init(&tablet->refs, 1);
    tablet->shard = shard;
    tablet->table_id = table_id;
    tablet->options = *options;
    *out_tablet = tablet;
    return STATUS_DONE;
}

void tablet_seal(struct tablet *tablet)
{
    tablet->sealed = true;
    tablet->options.compaction = STORE_COMPACTION_NONE;
}

struct tablet *tablet_ref(struct tablet *tablet)
{
    atomic_fetch_add_explicit(&tablet->refs, 1, memory_order_relaxed);
    return tablet;
}

void tablet_unref(struct tablet *tablet)
{
    if (!tablet || atomic_fetch_sub_explicit(&tablet->refs, 1, memory_order_acq_rel) != 1)
        return;
    version_retire(tablet->version);
    write_buffer_unref(tablet->active);
    for (uint32_t i = 0; i < tablet->frozen_count; i++)
        write_buffer_unref(tablet->frozen[i]);
    for (uint32_t i = 0; tablet->retained && i < tablet->retained->count; i++)
        write_buffer_unref(tablet->retained->items[i].buffer);
    free(tablet->retained);
    read_tally_unref(tablet->tally);
    free(tablet);
}

status write_buffer_new(struct store *store, struct write_buffer **out_buffer)
{
    struct write_buffer *buffer = calloc(1, sizeof *buffer);
    if (!buffer)
        return STATUS_FAIL(STATUS_NOMEM);
    status st = memtable_new_pooled(&store->rules, &store->slabs, &buffer->memtable);
    if (failed(st)) {
        free(buffer);
        return st;
    }
    if (store->no_row_rooms)
        memtable_rows_as_they_come(buffer->memtable);
    atomic_init(&buffer->refs, 1);
    buffer->holders = 1;
    *out_buffer = buffer;
    return STATUS_DONE;
}

struct write_buffer *write_buffer_ref(struct write_buffer *buffer)
{
    atomic_fetch_add_explicit(&buffer->refs, 1, memory_order_relaxed);
    return buffer;
}

void write_buffer_unref(struct write_buffer *buffer)
{
    if (!buffer || atomic_fetch_sub_explicit(&buffer->refs, 1, memory_order_acq_rel) != 1)
        return;
    memtable_unref(buffer->memtable);
    free(buffer);
}

/* The version that the tablet's memtables and `sstables` make. */
static status version_of(const struct tablet *tablet, struct sstable *const *sstables, uint32_t count,
                         struct version **out_version)
{
    struct memtable *memtables[FROZEN_MAX + 1], *retained[RETAINED_MAX];
    struct version_sources sources = {.memtables = memtables,
                                      .retained = retained,
                                      .sstables = sstables,
                                      .retained_set = tablet->retained,
                                      .sstable_count = count};
    if (tablet->active)
        memtables[sources.memtable_count++] = tablet->active->memtable;
    for (uint32_t i = tablet->frozen_count; i-- > 0;)
        memtables[sources.memtable_count++] = tablet->frozen[i]->memtable;
    for (uint32_t i = tablet->retained ? tablet->retained->count : 0; i-- > 0;)
        retained[sources.retained_count++] = tablet->retained->items[i].buffer->memtable;
    return version_new(tablet->tally, &sources, out_version);
}

/* One to write to, that has room for what others have claimed. */
static status active_new(struct tablet *tablet, struct write_buffer **out_buffer)
{
    struct shard *shard = tablet->shard;
    struct write_buffer *fresh;
    TRY(write_buffer_new(shard->store, &fresh));
    memtable_use_reserve(fresh->memtable, &shard->reserve);
    status st = shard->claimed.partitions
                    ? memtable_reserve_partitions(fresh->memtable, shard->claimed.partitions)
                    : STATUS_DONE;
    if (failed(st))
        write_buffer_unref(fresh);
    else
        *out_buffer = fresh;
    return st;
}

status tablet_open_active(struct tablet *tablet)
{
    if (tablet->active)
        return STATUS_DONE;
    if (tablet->sealed)
        return STATUS_FAIL(STATUS_NOT_FOUND);
    struct write_buffer *fresh;
    TRY(active_new(tablet, &fresh));

    shard_versions_change(tablet->shard);
    struct version *old = tablet->version, *next = NULL;
    tablet->active = fresh;
    status st = version_of(tablet, old ? old->sstables : NULL, old ? old->sstable_count : 0, &next);
    if (ok(st))
        tablet->version = next;
    else
        tablet->active = NULL;
    shard_versions_changed(tablet->shard);
    if (failed(st))
        write_buffer_unref(fresh);
    else
        version_retire(old);
    return st;
}

status tablet_open_wide(struct tablet *tablet, uint32_t partitions)
{
    TRY(tablet_open_active(tablet));
    return memtable_reserve_partitions(tablet->active->memtable,
                                       tablet->shard->claimed.partitions + partitions);
}

status tablet_apply(struct tablet *tablet, struct mutation mutation, uint32_t stream, uint64_t segment)
{
    struct write_buffer *active = tablet->active;
    /* The segment is noted first: were the write to fail half way, the log must still be kept. */
    if (segment && (!active->first_segments[stream] || segment < active->first_segments[stream]))
        active->first_segments[stream] = segment;
    TRY(memtable_apply(active->memtable, mutation));
    size_t bytes = memtable_bytes(active->memtable);
    if (bytes != active->bytes) {
        store_memory_add(tablet->shard->store, (int64_t)bytes - (int64_t)active->bytes, 0);
        active->bytes = bytes;
    }
    atomic_store_explicit(&tablet->writes, atomic_load_explicit(&tablet->writes, memory_order_relaxed) + 1,
                          memory_order_relaxed);
    return STATUS_DONE;
}

/* No write comes to the buffer any more. */
static void write_buffer_freeze(struct write_buffer *buffer, const struct log_position *floors)
{
    for (uint32_t i = 0; i < SHARDS_MAX; i++)
        buffer->floors[i] = floors[i];
    memtable_use_reserve(buffer->memtable, NULL);
    memtable_freeze(buffer->memtable);
}

/* `active` is frozen and waits for its flush, and `fresh`, which may be NULL, is written to. Without a fresh one the version,
 * which keeps its memtables in the same order, stays as it is. The flush may take `active` as soon as `versions` is free. */
static status active_exchange(struct tablet *tablet, struct write_buffer *active, struct write_buffer *fresh,
                              const struct log_position *floors)
{
    struct version *old = tablet->version, *next = NULL;
    status st = STATUS_DONE;
    shard_versions_change(tablet->shard);
    tablet->frozen[tablet->frozen_count++] = active;
    tablet->active = fresh;
    if (fresh)
        st = version_of(tablet, old ? old->sstables : NULL, old ? old->sstable_count : 0, &next);
    if (ok(st) && fresh)
        tablet->version = next;
    if (ok(st)) {
        write_buffer_freeze(active, floors);
    } else {
        tablet->frozen_count--;
        tablet->active = active;
    }
    shard_versions_changed(tablet->shard);
    if (ok(st) && fresh)
        version_retire(old);
    return st;
}

status tablet_freeze(struct tablet *tablet, const struct log_position *floors,
                     struct write_buffer **out_frozen)
{
    struct write_buffer *active = tablet->active, *fresh = NULL;
    *out_frozen = NULL;
    if (!active)
        return STATUS_DONE;
    if (tablet->frozen_count == FROZEN_MAX)
        return STATUS_FAIL(STATUS_BUSY);
    if (tablet->shard->claimed.partitions)
        TRY(active_new(tablet, &fresh));
    status st = active_exchange(tablet, active, fresh, floors);
    if (failed(st)) {
        write_buffer_unref(fresh);
        return st;
    }
    store_memory_add(tablet->shard->store, 0, (int64_t)active->bytes);
    *out_frozen = write_buffer_ref(active);
    return STATUS_DONE;
}

void tablet_reads(const struct tablet *tablet, uint64_t *out_reads, uint64_t *out_sources)
{
    uint64_t reads = 0, sources = 0;
    for (uint32_t i = 0; i < READ_STRIPES; i++) {
        reads += atomic_load_explicit(&tablet->tally->stripes[i].reads, memory_order_relaxed);
        sources += atomic_load_explicit(&tablet->tally->stripes[i].sources, memory_order_relaxed);
    }
    *out_reads = reads;
    *out_sources = sources;
}

struct write_buffer *tablet_oldest_frozen(struct tablet *tablet)
{
    lock_acquire(&tablet->shard->versions);
    struct write_buffer *oldest = tablet->frozen_count ? write_buffer_ref(tablet->frozen[0]) : NULL;
    lock_release(&tablet->shard->versions);
    return oldest;
}

struct version *tablet_version(struct tablet *tablet)
{
    lock_acquire(&tablet->shard->versions);
    struct version *version = version_ref(tablet->version);
    lock_release(&tablet->shard->versions);
    return version;
}

static bool among(struct sstable *const *set, uint32_t count, const struct sstable *table)
{
    for (uint32_t i = 0; i < count; i++)
        if (set[i] == table)
            return true;
    return false;
}

/* The SSTables of `old` without `removed` and with `added`, newest file first. The caller frees the array. */
static status sstables_exchanged(const struct version *old, struct sstable *const *removed,
                                 uint32_t removed_count, struct sstable *const *added, uint32_t added_count,
                                 struct sstable ***out_tables, uint32_t *out_count)
{
    uint32_t old_count = old ? old->sstable_count : 0, count = 0;
    struct sstable **tables = malloc(((size_t)old_count + added_count + 1) * sizeof(struct sstable *));
    if (!tables)
        return STATUS_FAIL(STATUS_NOMEM);
    for (uint32_t i = added_count; i-- > 0;)
        tables[count++] = added[i];
    for (uint32_t i = 0; i < old_count; i++)
        if (!among(removed, removed_count, old->sstables[i]))
            tables[count++] = old->sstables[i];
    *out_tables = tables;
    *out_count = count;
    return STATUS_DONE;
}

/* A tablet has let go of a frozen memtable; several may have shared it. Caller holds `writer`. */
static void frozen_release(struct shard *shard, struct write_buffer *buffer)
{
    if (--buffer->holders == 0)
        store_memory_add(shard->store, -(int64_t)buffer->bytes, -(int64_t)buffer->bytes);
}

/* Drop `flushed` from the frozen memtables. */
static void frozen_remove(struct tablet *tablet, const struct write_buffer *flushed)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < tablet->frozen_count; i++)
        if (tablet->frozen[i] != flushed)
            tablet->frozen[kept++] = tablet->frozen[i];
    tablet->frozen_count = kept;
}

/* What was read of a file stays known when the file goes. */
static void reads_keep(struct tablet *tablet, struct sstable *const *tables, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        struct sstable_reads reads;
        sstable_reads(tables[i], &reads);
        sstable_reads_add(&tablet->gone, &reads);
    }
}

status tablet_exchange(struct tablet *tablet, struct write_buffer *flushed, struct sstable *const *removed,
                       uint32_t removed_count, struct sstable *const *added, uint32_t added_count)
{
    struct shard *shard = tablet->shard;
    struct sstable **tables = NULL;
    struct version *next = NULL, *old = NULL;
    struct write_buffer *forgotten[RETAINED_MAX];
    uint32_t count = 0, forgotten_count = 0;
    if (flushed)
        retained_make_room(tablet, flushed, added_count);
    lock_acquire(&shard->writer);
    status st =
        sstables_exchanged(tablet->version, removed, removed_count, added, added_count, &tables, &count);
    if (ok(st)) {
        shard_versions_change(shard);
        uint32_t frozen_count = tablet->frozen_count;
        struct write_buffer *frozen[FROZEN_MAX];
        for (uint32_t i = 0; i < frozen_count; i++)
            frozen[i] = tablet->frozen[i];
        if (flushed)
            frozen_remove(tablet, flushed);
        if (removed_count)
            forgotten_count = retained_forget(tablet, removed, removed_count, forgotten);
        if (flushed && !tablet->sealed) /* nobody reads a snapshot's copy */
            forgotten_count +=
                retained_keep(tablet, flushed, added, added_count, forgotten + forgotten_count);
        st = version_of(tablet, tables, count, &next);
        if (ok(st)) {
            old = tablet->version;
            tablet->version = next;
            reads_keep(tablet, removed, removed_count);
        } else {
            for (uint32_t i = 0; i < frozen_count; i++)
                tablet->frozen[i] = frozen[i];
            tablet->frozen_count = frozen_count;
        }
        shard_versions_changed(shard);
    }
    if (ok(st) && flushed)
        frozen_release(shard, flushed);
    lock_release(&shard->writer);
    free(tables);
    for (uint32_t i = 0; i < forgotten_count; i++)
        write_buffer_unref(forgotten[i]);
    if (ok(st)) {
        version_retire(old);
        if (flushed)
            write_buffer_unref(flushed);
    }
    if (flushed || forgotten_count)
        retained_trim(shard->store);
    return st;
}

status tablet_exchange_frozen(struct tablet *tablet, uint32_t at, uint32_t count, struct write_buffer *one)
{
    struct shard *shard = tablet->shard;
    struct version *old, *next = NULL;
    struct write_buffer *before[FROZEN_MAX];
    lock_acquire(&shard->writer);
    shard_versions_change(shard);
    uint32_t before_count = tablet->frozen_count, behind = before_count - at - count;
    memcpy(before, tablet->frozen, before_count * sizeof(struct write_buffer *));
    tablet->frozen[at] = one;
    memmove(&tablet->frozen[at + 1], &before[at + count], behind * sizeof(struct write_buffer *));
    tablet->frozen_count = at + 1 + behind;
    old = tablet->version;
    status st = version_of(tablet, old ? old->sstables : NULL, old ? old->sstable_count : 0, &next);
    if (ok(st)) {
        tablet->version = next;
    } else {
        memcpy(tablet->frozen, before, before_count * sizeof(struct write_buffer *));
        tablet->frozen_count = before_count;
    }
    shard_versions_changed(shard);
    if (ok(st)) {
        store_memory_add(shard->store, (int64_t)one->bytes, (int64_t)one->bytes);
        for (uint32_t i = at; i < at + count; i++)
            frozen_release(shard, before[i]);
    }
    lock_release(&shard->writer);
    if (failed(st))
        return st;
    version_retire(old);
    for (uint32_t i = at; i < at + count; i++)
        write_buffer_unref(before[i]);
    return STATUS_DONE;
}

status tablet_forget_oldest(struct tablet *tablet)
{
    struct shard *shard = tablet->shard;
    struct version *old = NULL, *next = NULL;
    struct write_buffer *forgotten = NULL;
    status st = STATUS_DONE;
    lock_acquire(&shard->writer);
    shard_versions_change(shard);
    uint32_t forgotten_count = retained_forget_oldest(tablet, &forgotten);
    if (forgotten_count) {
        old = tablet->version;
        st = version_of(tablet, old->sstables, old->sstable_count, &next);
        if (ok(st))
            tablet->version = next;
    }
    shard_versions_changed(shard);
    lock_release(&shard->writer);
    write_buffer_unref(forgotten);
    if (ok(st))
        version_retire(old);
    return st;
}

/* Let go of every memtable; returns how many are in `out_buffers` now. Caller holds `writer` and `versions`. */
static uint32_t memtables_take(struct tablet *tablet, struct write_buffer **out_buffers)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < tablet->frozen_count; i++) {
        frozen_release(tablet->shard, tablet->frozen[i]);
        out_buffers[count++] = tablet->frozen[i];
    }
    if (tablet->active) {
        store_memory_add(tablet->shard->store, -(int64_t)tablet->active->bytes, 0);
        out_buffers[count++] = tablet->active;
    }
    tablet->frozen_count = 0;
    tablet->active = NULL;
    return count;
}

void tablet_clear(struct tablet *tablet, bool dropped)
{
    struct shard *shard = tablet->shard;
    struct store *store = shard->store;
    struct write_buffer *buffers[FROZEN_MAX + 1 + RETAINED_MAX];
    uint64_t behind = atomic_exchange_explicit(&tablet->backlog_bytes, 0, memory_order_relaxed);
    atomic_fetch_sub_explicit(&shard->store->backlog_bytes, behind, memory_order_relaxed);
    lock_acquire(&shard->writer);
    shard_versions_change(shard);
    uint32_t count = memtables_take(tablet, buffers);
    count += retained_forget(tablet, NULL, 0, buffers + count);
    tablet->dropped = tablet->dropped || dropped;
    struct version *old = tablet->version;
    tablet->version = NULL;
    if (old)
        reads_keep(tablet, old->sstables, old->sstable_count);
    shard_versions_changed(shard);
    lock_release(&shard->writer);

    for (uint32_t i = 0; old && i < old->sstable_count; i++)
        if (!manifest_file_named(&store->state, sstable_info(old->sstables[i])->file_number))
            sstable_set_obsolete(old->sstables[i]);
    store_discard(store, version_ref(old), buffers, count);
    version_retire(old);
    retained_trim(store);
}

status tablet_copy(struct tablet *tablet, struct tablet *from)
{
    struct shard *shard = tablet->shard;
    lock_acquire(&shard->writer);
    for (uint32_t i = 0; i < from->frozen_count; i++) {
        from->frozen[i]->holders++;
        tablet->frozen[i] = write_buffer_ref(from->frozen[i]);
    }
    tablet->frozen_count = from->frozen_count;
    const struct version *version = from->version;
    status st = version_of(tablet, version ? version->sstables : NULL, version ? version->sstable_count : 0,
                           &tablet->version);
    lock_release(&shard->writer);
    return st;
}
