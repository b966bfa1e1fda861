/*
 * scan_cursor_internal.h: all partitions of a table, shard after shard. Shards are contiguous parts of the token
 * range, so their order is token order.
 */
#ifndef STRAIT_ENGINE_SCAN_CURSOR_INTERNAL_H
#define STRAIT_ENGINE_SCAN_CURSOR_INTERNAL_H

#include "engine/store.h"
#include "engine/version_internal.h"

/* Takes over the reference on the version of each of the store's shards (NULL: nothing there) on STATUS_OK. */
status scan_cursor_open(struct store *store, const struct store_read *read,
                        struct version_stripe *const *pins, struct store_read_counters *counters,
                        struct cursor **out_cursor);

#endif
