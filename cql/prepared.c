#include "cql/prepared_internal.h"

#include <stdlib.h>
#include <string.h>

#include "cql/catalog.h"

/* ---- one statement ---- */

bool statement_is_data(const struct ast_statement *statement)
{
    switch (statement->kind) {
    case STATEMENT_SELECT:
    case STATEMENT_INSERT:
    case STATEMENT_UPDATE:
    case STATEMENT_DELETE:
    case STATEMENT_BATCH: return true;
    default: return false;
    }
}

struct cql_prepared *prepared_ref(struct cql_prepared *prepared)
{
    prepared->references++;
    return prepared;
}

void cql_prepared_release(struct cql_prepared *prepared)
{
    while (prepared && --prepared->references == 0) {
        struct cql_prepared *successor = prepared->successor; /* nobody else sees this one any more */
        catalog_unref(prepared->catalog);
        arena_deinit(&prepared->arena);
        free(prepared);
        prepared = successor;
    }
}

bool prepared_make(const struct plan_context *context, struct catalog *catalog, struct slice text,
                   const uint8_t id[PREPARED_ID_BYTES], struct cql_prepared **out_prepared,
                   struct cql_error *error)
{
    bool done = false;
    struct cql_prepared *prepared = calloc(1, sizeof *prepared);
    if (!prepared)
        return cql_refuse(error, context->profile, MSG_NOMEM);
    arena_init(&prepared->arena, 1024);
    prepared->references = 1;
    memcpy(prepared->id, id, sizeof prepared->id);
    prepared->text = arena_copy(&prepared->arena, text);
    if (context->keyspace)
        prepared->keyspace = arena_text(&prepared->arena, slice_text(context->keyspace));
    if ((text.bytes && !prepared->text.data) || (context->keyspace && !prepared->keyspace)) {
        cql_refuse(error, context->profile, MSG_NOMEM);
        goto out;
    }
    if (!parse_statement(prepared->text, context->profile, &prepared->arena, &prepared->statement, error))
        goto out;
    if (prepared->statement->kind == STATEMENT_UNSUPPORTED) {
        cql_refuse(error, context->profile, MSG_NOT_SUPPORTED, prepared->statement->unsupported);
        goto out;
    }
    prepared->catalog = catalog_ref(catalog);
    prepared->generation = catalog->generation;
    if (statement_is_data(prepared->statement)) {
        struct plan_context own = *context;
        own.keyspace = prepared->keyspace;
        own.catalog = catalog;
        if (!plan_make(&own, prepared->statement, &prepared->arena, &prepared->plan, error))
            goto out;
    }
    prepared->bytes = sizeof *prepared + prepared->arena.reserved_bytes;
    *out_prepared = prepared;
    prepared = NULL;
    done = true;
out:
    cql_prepared_release(prepared);
    return done;
}

static bool same_specs(const struct cql_column_spec *a, uint32_t a_count, const struct cql_column_spec *b,
                       uint32_t b_count)
{
    if (a_count != b_count)
        return false;
    for (uint32_t i = 0; i < a_count; i++)
        if (strcmp(a[i].name, b[i].name) != 0 || strcmp(a[i].table, b[i].table) != 0 ||
            strcmp(a[i].keyspace, b[i].keyspace) != 0 || !type_equal(a[i].type, b[i].type))
            return false;
    return true;
}

bool prepared_same_metadata(const struct cql_prepared *a, const struct cql_prepared *b)
{
    uint32_t a_count, b_count;
    const struct cql_column_spec *a_specs = cql_prepared_binds(a, &a_count);
    const struct cql_column_spec *b_specs = cql_prepared_binds(b, &b_count);
    if (!same_specs(a_specs, a_count, b_specs, b_count))
        return false;
    a_specs = cql_prepared_columns(a, &a_count);
    b_specs = cql_prepared_columns(b, &b_count);
    return same_specs(a_specs, a_count, b_specs, b_count);
}

const uint8_t *cql_prepared_id(const struct cql_prepared *prepared)
{
    return prepared->id;
}

struct slice cql_prepared_text(const struct cql_prepared *prepared)
{
    return prepared->text;
}

const struct cql_column_spec *cql_prepared_binds(const struct cql_prepared *prepared, uint32_t *out_count)
{
    *out_count = 0;
    return prepared->plan ? plan_binds(prepared->plan, out_count) : NULL;
}

const uint16_t *cql_prepared_partition_binds(const struct cql_prepared *prepared, uint32_t *out_count)
{
    *out_count = 0;
    return prepared->plan ? plan_partition_binds(prepared->plan, out_count) : NULL;
}

const struct cql_column_spec *cql_prepared_columns(const struct cql_prepared *prepared, uint32_t *out_count)
{
    *out_count = 0;
    return prepared->plan ? plan_columns(prepared->plan, out_count) : NULL;
}

/* ---- the cache ---- */

status plan_cache_init(struct plan_cache *cache, size_t limit_bytes)
{
    memset(cache, 0, sizeof *cache);
    lock_init(&cache->lock, RANK_CATALOG);
    cache->limit_bytes = limit_bytes;
    cache->bucket_count = 64;
    cache->buckets = calloc(cache->bucket_count, sizeof(struct cql_prepared *));
    return cache->buckets ? STATUS_DONE : STATUS_FAIL(STATUS_NOMEM);
}

/* Ids are hashes already: their first bytes choose the bucket. */
static struct cql_prepared **bucket_of(const struct plan_cache *cache, const uint8_t id[PREPARED_ID_BYTES])
{
    uint64_t hash;
    memcpy(&hash, id, sizeof hash);
    return &cache->buckets[hash & (cache->bucket_count - 1)];
}

static void unlink_use(struct plan_cache *cache, struct cql_prepared *entry)
{
    if (entry->newer)
        entry->newer->older = entry->older;
    else
        cache->newest = entry->older;
    if (entry->older)
        entry->older->newer = entry->newer;
    else
        cache->oldest = entry->newer;
    entry->newer = entry->older = NULL;
}

static void link_newest(struct plan_cache *cache, struct cql_prepared *entry)
{
    entry->older = cache->newest;
    entry->newer = NULL;
    if (cache->newest)
        cache->newest->newer = entry;
    else
        cache->oldest = entry;
    cache->newest = entry;
}

/* Take an entry out; its reference goes on to the list of `out_dropped`, linked by `chain`, to be released without the lock. */
static void take_out(struct plan_cache *cache, struct cql_prepared *entry, struct cql_prepared **out_dropped)
{
    struct cql_prepared **at = bucket_of(cache, entry->id);
    while (*at != entry)
        at = &(*at)->chain;
    *at = entry->chain;
    unlink_use(cache, entry);
    cache->bytes -= entry->bytes;
    cache->entry_count--;
    entry->cached = false;
    entry->chain = *out_dropped;
    *out_dropped = entry;
}

static void release_all(struct cql_prepared *dropped)
{
    while (dropped) {
        struct cql_prepared *next = dropped->chain;
        dropped->chain = NULL;
        cql_prepared_release(dropped);
        dropped = next;
    }
}

void plan_cache_deinit(struct plan_cache *cache)
{
    if (!cache->buckets)
        return;
    struct cql_prepared *dropped = NULL;
    while (cache->newest)
        take_out(cache, cache->newest, &dropped);
    release_all(dropped);
    free(cache->buckets);
    cache->buckets = NULL;
    lock_deinit(&cache->lock);
}

static struct cql_prepared *find_locked(const struct plan_cache *cache, const uint8_t id[PREPARED_ID_BYTES])
{
    struct cql_prepared *entry = *bucket_of(cache, id);
    while (entry && memcmp(entry->id, id, PREPARED_ID_BYTES) != 0)
        entry = entry->chain;
    return entry;
}

struct cql_prepared *plan_cache_find(struct plan_cache *cache, const uint8_t id[PREPARED_ID_BYTES])
{
    lock_acquire(&cache->lock);
    struct cql_prepared *entry = find_locked(cache, id);
    if (entry) {
        prepared_ref(entry);
        if (cache->newest != entry) {
            unlink_use(cache, entry);
            link_newest(cache, entry);
        }
    }
    lock_release(&cache->lock);
    return entry;
}

/* Twice the buckets, when there are more entries than those. Staying small on failure is fine. */
static void grow_buckets(struct plan_cache *cache)
{
    size_t count = cache->bucket_count * 2;
    struct cql_prepared **larger = calloc(count, sizeof(struct cql_prepared *));
    if (!larger)
        return;
    struct cql_prepared **old = cache->buckets;
    size_t old_count = cache->bucket_count;
    cache->buckets = larger;
    cache->bucket_count = count;
    for (size_t i = 0; i < old_count; i++)
        while (old[i]) {
            struct cql_prepared *entry = old[i];
            old[i] = entry->chain;
            struct cql_prepared **at = bucket_of(cache, entry->id);
            entry->chain = *at;
            *at = entry;
        }
    free(old);
}

void plan_cache_put(struct plan_cache *cache, struct cql_prepared *prepared)
{
    struct cql_prepared *dropped = NULL;
    lock_acquire(&cache->lock);
    struct cql_prepared *old = find_locked(cache, prepared->id);
    if (old == prepared || prepared->bytes > cache->limit_bytes)
        goto out;
    if (old)
        take_out(cache, old, &dropped);
    while (cache->oldest && cache->bytes + prepared->bytes > cache->limit_bytes)
        take_out(cache, cache->oldest, &dropped);
    if (cache->entry_count >= cache->bucket_count)
        grow_buckets(cache);
    struct cql_prepared **at = bucket_of(cache, prepared->id);
    prepared->chain = *at;
    *at = prepared_ref(prepared);
    prepared->cached = true;
    link_newest(cache, prepared);
    cache->bytes += prepared->bytes;
    cache->entry_count++;
out:
    lock_release(&cache->lock);
    release_all(dropped);
}

struct cql_prepared *plan_cache_successor(struct plan_cache *cache, const struct cql_prepared *old)
{
    lock_acquire(&cache->lock);
    struct cql_prepared *successor = old->successor ? prepared_ref(old->successor) : NULL;
    lock_release(&cache->lock);
    return successor;
}

void plan_cache_set_successor(struct plan_cache *cache, struct cql_prepared *old, struct cql_prepared *fresh)
{
    lock_acquire(&cache->lock);
    struct cql_prepared *previous = old->successor;
    old->successor = prepared_ref(fresh);
    lock_release(&cache->lock);
    cql_prepared_release(previous);
}
