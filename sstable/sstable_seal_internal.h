/*
 * sstable_seal_internal.h: the end of a table's making. The body is read back from the disk and compared with what was meant;
 * only then do the roots go in, without which the file is none.
 */
#ifndef STRAIT_SSTABLE_SSTABLE_SEAL_INTERNAL_H
#define STRAIT_SSTABLE_SSTABLE_SEAL_INTERNAL_H

#include "sstable/table_body_internal.h"

/*
 * Check the body of `*file` at `path`, and seal it; file and folder are durable then. The handle is closed, and *file NULL,
 * unless not even the reading could begin. What readers are likely to ask for first goes into `warm`, borrowed or NULL,
 * under the number that it notes in the body's statistics; after a failure nothing of it stays there. STATUS_CORRUPT: what
 * came back is not what was written.
 */
status sstable_seal(struct table_body *body, struct io_env *env, const char *path, struct io_file **file,
                    struct block_cache *warm);

#endif
