/* compaction_values_internal.h: what the values of options of compaction say, as the targets read and show them. */
#ifndef STRAIT_CQL_COMPACTION_VALUES_INTERNAL_H
#define STRAIT_CQL_COMPACTION_VALUES_INTERNAL_H

#include "cql/table_options.h"

/* 0: it is none. */
int64_t compaction_window_unit_s(const char *unit);
/* A number of bytes with a unit: 100MiB, 1.5 GB. *out_stop is where it ceases to be one. */
bool compaction_size_parse(const char *text, double *out_bytes, const char **out_stop);
bool compaction_size_of(const char *text, double *out_bytes);
/* 0.333 or 33.3% */
bool compaction_percent_parse(const char *text, double *out_value);
/* "T4, N, L10, -8"; false leaves the piece that is none in out_bad, and `tuning` as it was. */
bool compaction_scalings_parse(const char *text, struct store_compaction_tuning *tuning, char out_bad[32]);
bool compaction_is_flag(const char *text);
bool compaction_is_overlap(const char *text);

/* As Cassandra shows sizes: 724.077MiB. */
void compaction_size_print(double bytes, char out[32]);
/* As Java shows a double: with a point always. */
void compaction_double_print(double value, char out[32]);

#endif
