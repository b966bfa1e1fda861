/*
 * compaction_options_internal.h: the map `compaction` of a table: which classes and options the targets take, and what the
 * engine makes of them.
 */
#ifndef STRAIT_CQL_COMPACTION_OPTIONS_INTERNAL_H
#define STRAIT_CQL_COMPACTION_OPTIONS_INTERNAL_H

#include "cql/table_options.h"

#define COMPACTION_PACKAGE "org.apache.cassandra.db.compaction."

/* False with the target's refusal. */
bool compaction_options_check(const struct table_options_request *request, const struct cql_option_map *map,
                              struct cql_error *error);
/* The class's name without its package; points into `name`. */
const char *compaction_class_bare(const char *name);

/* The rest is for maps that were checked. */
/* Does the strategy act on min_threshold and max_threshold? */
bool compaction_options_have_thresholds(const struct cql_option_map *map);
bool compaction_options_disabled(const struct cql_option_map *map);
enum store_compaction compaction_options_strategy(const struct cql_option_map *map);
/* Thresholds, window and tuning for store->compaction, which is set. */
void compaction_options_store(const struct cql_option_map *map, struct store_table_options *store);
/* "SizeTieredCompactionStrategy", ..., "none". */
const char *compaction_options_name(enum store_compaction compaction);

#endif
