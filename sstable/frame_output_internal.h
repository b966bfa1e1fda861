/* frame_output_internal.h: frames on their way into a file. */
#ifndef STRAIT_SSTABLE_FRAME_OUTPUT_INTERNAL_H
#define STRAIT_SSTABLE_FRAME_OUTPUT_INTERNAL_H

#include "sstable/file_writer_internal.h"
#include "sstable/frame_internal.h"

struct frame_output {
    struct file_writer writer;
    struct file_identity identity;
    ZSTD_CCtx *zstd; /* owned, at the level of the table, for whoever wants it; NULL: nothing is compressed */
    ZSTD_CCtx *page_zstd; /* owned; likewise */
    struct buffer scratch;
};

status frame_output_init(struct frame_output *output, struct io_env *env, struct io_file *file,
                         struct file_identity identity, int compression_level);
void frame_output_deinit(struct frame_output *output);
/* Encode, seal and append one frame. */
status frame_output_write(struct frame_output *output, enum frame_layout layout, uint8_t level,
                          uint32_t items, struct slice raw, struct frame_ref *out_ref);
/* Seal and append a copy of a frame that frame_encode() made for several. */
status frame_output_copy(struct frame_output *output, struct slice frame, struct frame_ref *out_ref);
/* Seal and append a frame that frame_encode() made earlier. */
status frame_output_put(struct frame_output *output, uint8_t *frame, uint32_t bytes,
                        struct frame_ref *out_ref);

#endif
