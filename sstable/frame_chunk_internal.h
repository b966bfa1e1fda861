/*
 * frame_chunk_internal.h: the piece of a file that a frame reader holds, and how much of the file it reads at a time.
 *
 * A chunk grows while its reader goes straight on. It may be handed from reader to reader, and be filled by somebody who
 * makes several transfers at a time (frame_reader_lend(), frame_reader_ahead()).
 */
#ifndef STRAIT_SSTABLE_FRAME_CHUNK_INTERNAL_H
#define STRAIT_SSTABLE_FRAME_CHUNK_INTERNAL_H

#include "sstable/sstable_internal.h"

/* STATUS_CORRUPT when the frame cannot lie where the reference says. */
status frame_chunk_check(const struct frame_reader *reader, const struct frame_ref *ref);
/* Room for so many bytes; what the chunk held is gone if it had less. */
status frame_chunk_reserve(struct frame_reader *reader, size_t bytes);
bool frame_chunk_covers(const struct frame_reader *reader, const struct frame_ref *ref);
/* From the disk, with what is likely to be wanted next. The file may end before the frame does. */
status frame_chunk_read(struct frame_reader *reader, const struct frame_ref *ref);
/* The frame in a chunk that covers it; borrowed. */
static inline struct slice frame_chunk_slice(const struct frame_reader *reader, const struct frame_ref *ref)
{
    return slice_of(reader->chunk + (ref->offset - reader->chunk_offset), ref->bytes);
}

#endif
