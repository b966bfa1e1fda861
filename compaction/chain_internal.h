/* chain_internal.h: several tables, disjoint in tokens and in order, as one cursor. */
#ifndef STRAIT_COMPACTION_CHAIN_INTERNAL_H
#define STRAIT_COMPACTION_CHAIN_INTERNAL_H

#include "sstable/sstable.h"

/* Forward only, from the first partition on. The cursor counts the tables for itself and lets go of each as soon as it
 * is drained. */
status chain_cursor_open(struct sstable *const *tables, uint32_t count, struct cursor **out_cursor);
/* The cursor whose blocks may be asked for: of the table that `cursor` stands in, or `cursor` itself when it is no chain. */
struct cursor *chain_cursor_leaf(struct cursor *cursor);
/* `cursor` follows what its leaf did by itself. */
void chain_cursor_follow(struct cursor *cursor);

#endif
