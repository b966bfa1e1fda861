/*
 * content_internal.h: the bytes of one file in memory, for the bodies memory and sim.
 *
 * Shapes      Chunks of CONTENT_CHUNK_BYTES; a chunk that was never written is NULL and reads as
 *             zeros, so a zero-filled segment costs a pointer a chunk. Bytes behind the end are zero.
 * Ownership   A zeroed struct is an empty content; content_deinit() frees it.
 * Errors      STATUS_NOMEM leaves size and bytes as they were.
 * Threads     Guarded by the owner.
 */
#ifndef STRAIT_IO_CONTENT_INTERNAL_H
#define STRAIT_IO_CONTENT_INTERNAL_H

#include "base/status.h"

#include <stddef.h>

enum { CONTENT_CHUNK_BYTES = 4096 };

struct content {
    uint8_t **chunks; /* owned, each of them too */
    size_t chunk_count;
    uint64_t bytes; /* the size of the file */
};

void content_deinit(struct content *content);
/* How many bytes were copied: fewer than `bytes` at the end. */
size_t content_read(const struct content *content, uint64_t offset, void *data, size_t bytes);
/* `data` NULL writes zeros. The content grows to hold the range. */
status content_write(struct content *content, uint64_t offset, const void *data, size_t bytes);
status content_truncate(struct content *content, uint64_t bytes);
/* Make `to` equal to `from`. */
status content_copy(struct content *to, const struct content *from);

#endif
