/*
 * prepared_internal.h: a parsed and planned statement that outlives its request, and the cache of them.
 *
 * A cql_prepared is immutable once made, and counted: whoever has one may read it without a lock. When the schema has
 * moved on a new one is made for the same text; the old one remembers it as its successor, so that a caller who keeps a handle
 * for hours replans once, not every time.
 */
#ifndef STRAIT_CQL_PREPARED_INTERNAL_H
#define STRAIT_CQL_PREPARED_INTERNAL_H

#include "base/lock.h"
#include "cql/plan.h"
#include "cql/session.h"

enum {
    PREPARED_ID_BYTES = 16,
};

struct cql_prepared {
    uint8_t id[PREPARED_ID_BYTES];
    struct arena arena;              /* owns text, keyspace, tree and plan */
    struct slice text;               /* arena */
    const char *keyspace;            /* arena; NULL when none was chosen */
    struct ast_statement *statement; /* arena */
    struct plan *plan;               /* arena; NULL for statements that are not of data */
    struct catalog *catalog;         /* counted; what the plan was made with */
    uint64_t generation;             /* the catalog's */
    _Atomic uint32_t references;

    /* Guarded by the lock of the cache it was made for: */
    struct cql_prepared *successor;     /* counted */
    struct cql_prepared *chain;         /* of its bucket */
    struct cql_prepared *newer, *older; /* by last use */
    size_t bytes;
    bool cached;
};

struct plan_cache {
    struct lock lock;              /* RANK_CATALOG; no call is made under it */
    struct cql_prepared **buckets; /* owned; a power of two */
    size_t bucket_count, entry_count;
    struct cql_prepared *newest, *oldest;
    size_t bytes, limit_bytes;
};

status plan_cache_init(struct plan_cache *cache, size_t limit_bytes);
void plan_cache_deinit(struct plan_cache *cache);
/* One more reference on the entry of that id, whatever its generation; NULL when there is none. */
struct cql_prepared *plan_cache_find(struct plan_cache *cache, const uint8_t id[PREPARED_ID_BYTES]);
/* Put an entry in the place of the one of its id, drop the least used ones beyond the limit. The cache takes a
 * reference of its own. An entry larger than the whole cache is not kept. */
void plan_cache_put(struct plan_cache *cache, struct cql_prepared *prepared);
/* The newest version of `old` that anybody made, with one more reference, or NULL. */
struct cql_prepared *plan_cache_successor(struct plan_cache *cache, const struct cql_prepared *old);
void plan_cache_set_successor(struct plan_cache *cache, struct cql_prepared *old, struct cql_prepared *fresh);

/* Parse, and plan with `catalog`, on which the result takes its own reference. False with the refusal. */
bool prepared_make(const struct plan_context *context, struct catalog *catalog, struct slice text,
                   const uint8_t id[PREPARED_ID_BYTES], struct cql_prepared **out_prepared,
                   struct cql_error *error);
struct cql_prepared *prepared_ref(struct cql_prepared *prepared);
/* Do both show a client the same names and types? (PRE-6) */
bool prepared_same_metadata(const struct cql_prepared *a, const struct cql_prepared *b);
bool statement_is_data(const struct ast_statement *statement);

#endif
