/* catalog_internal.h: what the files that make tables share. */
#ifndef STRAIT_CQL_CATALOG_INTERNAL_H
#define STRAIT_CQL_CATALOG_INTERNAL_H

#include "cql/catalog.h"

/* A larger copy of an array in the arena; the old one dies with the arena. NULL when memory ran out. */
void *catalog_grow(struct arena *arena, const void *items, uint32_t count, uint32_t *capacity,
                   size_t item_bytes);
/* Find the columns of the indexes. STATUS_INVALID when one is not there. */
status table_resolve_indexes(struct cql_table *table);

#endif
