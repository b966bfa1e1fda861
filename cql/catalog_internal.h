/* catalog_internal.h: what the files that make tables share. */
#ifndef STRAIT_CQL_CATALOG_INTERNAL_H
#define STRAIT_CQL_CATALOG_INTERNAL_H

#include "cql/catalog.h"

/* Find the columns of the indexes. STATUS_INVALID when one is not there. */
status table_resolve_indexes(struct cql_table *table);

#endif
