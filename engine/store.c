/* store.c: opening and closing, and the small calls that belong to no part in particular. */
#include <stdlib.h>

#include "compaction/compaction.h"
#include "engine/job_internal.h"
#include "engine/store_internal.h"

enum {
    MEMTABLE_BYTES = 64 << 20,
    CACHE_BYTES = 64 << 20,
    PERIOD_US = 10000,
};

/* ---- opening ---- */

static status env_choose(struct store *store, const struct store_options *options)
{
    if (options->env) {
        store->env = options->env;
        return STATUS_DONE;
    }
    const char *wanted = options->io ? options->io : options->folder ? "auto" : "memory";
    enum io_body body = IO_BODY_MEMORY;
    if (strcmp(wanted, "memory") != 0 && (!options->folder || !io_disk_body_of(wanted, &body)))
        return STATUS_FAIL(STATUS_INVALID);
    TRY(io_env_open(body, 0, &store->env));
    store->owns_env = true;
    return STATUS_DONE;
}

/* A folder in an environment of our own that keeps nothing would only cost: such a store has none. */
static status folder_choose(struct store *store, const struct store_options *options)
{
    bool vanishes = store->owns_env && strcmp(io_env_name(store->env), "memory") == 0;
    if (!options->folder || vanishes)
        return STATUS_DONE;
    size_t bytes = strlen(options->folder);
    if (bytes == 0 || bytes > IO_PATH_BYTES_MAX - 128)
        return STATUS_FAIL(STATUS_INVALID);
    store->folder = strdup(options->folder);
    if (!store->folder)
        return STATUS_FAIL(STATUS_NOMEM);
    while (bytes > 1 && store->folder[bytes - 1] == '/')
        store->folder[--bytes] = 0;
    return STATUS_DONE;
}

static void options_take(struct store *store, const struct store_options *options)
{
    store->rules = options->rules;
    store->read_only = options->read_only;
    store->timestamp_floor = INT64_MIN;
    atomic_init(&store->timestamp_bound, INT64_MIN);
    store->no_block_copy = options->no_block_copy;
    store->no_warmth = options->no_warmth;
    store->no_row_rooms = options->no_row_rooms;
    store->no_code_copy = options->no_code_copy;
    store->no_yielding = options->no_yielding;
    store->durability = options->durability == DURABILITY_DEFAULT ? DURABILITY_PERIODIC : options->durability;
    store->period_us = options->period_us > 0 ? options->period_us : PERIOD_US;
    store->memtable_budget_bytes = options->memtable_bytes ? options->memtable_bytes : MEMTABLE_BYTES;
    store->retained_budget_bytes =
        options->no_retained ? 0 : (options->cache_bytes ? options->cache_bytes : CACHE_BYTES) / 2;
    store->log_segment_bytes =
        options->log_segment_bytes ? options->log_segment_bytes : COMMITLOG_SEGMENT_BYTES;
}

static void locks_init(struct store *store)
{
    lock_init(&store->edit, (enum lock_rank)RANK_EDIT);
    for (uint32_t i = 0; i < PARTITION_STRIPES; i++)
        lock_init(&store->stripes[i], RANK_PARTITION);
    lock_init(&store->background.lock, RANK_STORE);
    lock_condition_init(&store->background.wake);
    lock_condition_init(&store->background.log_wake);
    lock_condition_init(&store->background.done);
    for (uint32_t i = 0; i < WORKERS_MAX; i++)
        store->background.workers[i].store = store;
}

static void locks_deinit(struct store *store)
{
    lock_deinit(&store->edit);
    for (uint32_t i = 0; i < PARTITION_STRIPES; i++)
        lock_deinit(&store->stripes[i]);
    lock_deinit(&store->background.lock);
    lock_condition_deinit(&store->background.wake);
    lock_condition_deinit(&store->background.log_wake);
    lock_condition_deinit(&store->background.done);
}

status store_open(const struct store_options *options, struct store **out_store)
{
    struct store *store = calloc(1, sizeof *store);
    if (!store)
        return STATUS_FAIL(STATUS_NOMEM);
    locks_init(store);
    options_take(store, options);
    slab_pool_init(&store->slabs, store->memtable_budget_bytes / 2);
    read_queues_init(&store->read_queues);
    status st = env_choose(store, options);
    if (ok(st) && options->clock_us)
        io_clock_set(store->env, options->clock_us);
    if (ok(st))
        st = folder_choose(store, options);
    if (ok(st))
        st = block_cache_new(options->cache_bytes ? options->cache_bytes : CACHE_BYTES, &store->cache);
    if (ok(st))
        st = dictionary_shelf_new(&store->shelf);
    if (ok(st))
        st = store_recover(store, options);
    if (ok(st))
        st = background_start(store, options->background, options->workers);
    if (failed(st)) {
        (void)store_close(store);
        return st;
    }
    store->opened = true;
    *out_store = store;
    return STATUS_DONE;
}

/* What no memtable needs is not left for the next opening to read. Of a store that was never open or has stopped
 * writing nothing is known for certain, and of a damaged stream somebody may want to see the rest. */
static status logs_close(struct store *store)
{
    status st = STATUS_DONE;
    for (uint32_t i = 0; i < store->shard_count; i++) {
        struct shard *shard = &store->shards[i];
        bool released = store->opened && !atomic_load(&store->refusing) && !shard->damaged_segment &&
                        flush_log_is_released(store, i);
        status closed = released ? commitlog_close_released(shard->log) : commitlog_close(shard->log);
        shard->log = NULL;
        if (ok(st))
            st = closed;
    }
    return st;
}

status store_close(struct store *store)
{
    if (!store)
        return STATUS_DONE;
    background_stop(store);
    status st = logs_close(store);
    store_discard_all(store);
    for (uint32_t i = 0; i < store->shard_count; i++)
        shard_deinit(&store->shards[i]);
    free(store->shards);
    manifest_close(store->manifest);
    manifest_state_deinit(&store->state);
    slab_pool_deinit(&store->slabs);
    read_queues_deinit(&store->read_queues);
    block_cache_free(store->cache);
    dictionary_shelf_free(store->shelf);
    io_close(store->lock_file);
    if (store->owns_env)
        io_env_close(store->env);
    locks_deinit(store);
    free(store->set_aside);
    free(store->folder);
    free(store->table_folder);
    free(store);
    return st;
}

/* ---- facts ---- */

const char *store_io_name(const struct store *store)
{
    return io_env_name(store->env);
}

const char *store_io_note(const struct store *store)
{
    return io_env_note(store->env);
}

uint32_t store_shard_count(const struct store *store)
{
    return store->shard_count;
}

void store_uuid(const struct store *store, uint8_t out_uuid[16])
{
    memcpy(out_uuid, store->identity.uuid, 16);
}

int64_t store_now_us(struct store *store)
{
    return io_now_us(store->env);
}

void store_clock_set(struct store *store, int64_t now_us)
{
    io_clock_set(store->env, now_us);
}

int64_t store_monotonic_ns(struct store *store)
{
    return io_monotonic_ns(store->env);
}

uint64_t store_random(struct store *store)
{
    return io_random(store->env);
}

/* ---- between the parts ---- */

status store_edit(struct store *store, const struct buffer *edit)
{
    if (!store->manifest || atomic_load(&store->refusing))
        return STATUS_FAIL(STATUS_CLOSED);
    return store_refuse(store, manifest_append(store->manifest, edit));
}

status store_file_numbers(struct store *store, uint32_t count, uint64_t *out_first)
{
    struct buffer edit = {0};
    status st = STATUS_DONE;
    lock_acquire(&store->edit);
    if (store->next_file + count > store->state.next_file) {
        edit_next_file(&edit, store->next_file + count + FILE_NUMBERS_RESERVED);
        st = store_edit(store, &edit);
    }
    if (ok(st)) {
        *out_first = store->next_file;
        store->next_file += count;
    }
    lock_release(&store->edit);
    buffer_deinit(&edit);
    return st;
}

status store_open_sstable(struct store *store, uint64_t file_number, struct sstable **out_table)
{
    char name[64], path[IO_PATH_BYTES_MAX];
    compaction_table_name(file_number, name);
    TRY(folder_path(store->table_folder, NULL, name, path));
    return sstable_open(store->env, path, store->store_id, store->cache, out_table);
}
