/* tuning_internal.h: what a table's options say of compaction: for the manifest, and for the pickers. */
#ifndef STRAIT_ENGINE_TUNING_INTERNAL_H
#define STRAIT_ENGINE_TUNING_INTERNAL_H

#include "base/buffer.h"
#include "base/reader.h"
#include "compaction/compaction.h"
#include "engine/store.h"

/* u8 number of fields, then that many u64; a reader skips fields that it does not know, a missing one is zero. */
void tuning_encode(struct buffer *out, const struct store_compaction_tuning *tuning);
status tuning_decode(struct reader *in, struct store_compaction_tuning *out_tuning);

/* The options that the pickers take: the strategy's defaults with what the table sets. `flush_bytes` is what a flush makes
 * when the table does not say. */
struct compaction_options tuning_options(const struct store_table_options *table, uint64_t flush_bytes);

/* How often a table of time windows looks for expired tables. */
int64_t tuning_expiry_check_s(const struct store_table_options *table);

#endif
