/* table_options_internal.h: between reading the options (table_options.c) and judging them (table_options_check.c). */
#ifndef STRAIT_CQL_TABLE_OPTIONS_INTERNAL_H
#define STRAIT_CQL_TABLE_OPTIONS_INTERNAL_H

#include "cql/table_options.h"

/* Ranges, compaction and compression maps. Maps are brought to the form that is shown. */
bool table_options_check(const struct table_options_request *request, struct cql_table_options *options,
                         struct cql_error *error);
bool property_to_int(const char *name, const char *text, enum cql_profile profile, int32_t *out_value,
                     struct cql_error *error);

#endif
