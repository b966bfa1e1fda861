#include "sstable/frame_output_internal.h"

static status zstd_prepare(int level, ZSTD_CCtx **out_zstd)
{
    ZSTD_CCtx *zstd = ZSTD_createCCtx();
    if (!zstd)
        return STATUS_FAIL(STATUS_NOMEM);
    /* Whoever reads it knows the size already. */
    if (ZSTD_isError(ZSTD_CCtx_setParameter(zstd, ZSTD_c_compressionLevel, level)) ||
        ZSTD_isError(ZSTD_CCtx_setParameter(zstd, ZSTD_c_contentSizeFlag, 0)) ||
        ZSTD_isError(ZSTD_CCtx_setParameter(zstd, ZSTD_c_dictIDFlag, 0))) {
        ZSTD_freeCCtx(zstd);
        return STATUS_FAIL(STATUS_INVALID);
    }
    *out_zstd = zstd;
    return STATUS_DONE;
}

enum { PAGE_LEVEL = 1 }; /* Pages are small, and checksums a good part of them: more effort gains nothing. */

status frame_output_init(struct frame_output *output, struct io_env *env, struct io_file *file,
                         struct file_identity identity, int compression_level)
{
    ZSTD_CCtx *zstd = NULL, *page_zstd = NULL;
    if (compression_level)
        TRY(zstd_prepare(compression_level, &zstd));
    if (compression_level) {
        status st = zstd_prepare(compression_level < PAGE_LEVEL ? compression_level : PAGE_LEVEL, &page_zstd);
        if (failed(st)) {
            ZSTD_freeCCtx(zstd);
            return st;
        }
    }
    *output = (struct frame_output){.identity = identity, .zstd = zstd, .page_zstd = page_zstd};
    file_writer_init(&output->writer, env, file);
    return STATUS_DONE;
}

void frame_output_deinit(struct frame_output *output)
{
    file_writer_deinit(&output->writer);
    ZSTD_freeCCtx(output->zstd);
    ZSTD_freeCCtx(output->page_zstd);
    output->zstd = output->page_zstd = NULL;
    buffer_deinit(&output->scratch);
}

status frame_output_write(struct frame_output *output, enum frame_layout layout, uint8_t level,
                          uint32_t items, struct slice raw, struct frame_ref *out_ref)
{
    buffer_clear(&output->scratch);
    TRY(frame_encode(output->page_zstd, layout, level, items, raw, &output->scratch));
    return frame_output_put(output, output->scratch.data, (uint32_t)output->scratch.bytes, out_ref);
}

status frame_output_copy(struct frame_output *output, struct slice frame, struct frame_ref *out_ref)
{
    buffer_clear(&output->scratch);
    buffer_append_slice(&output->scratch, frame);
    TRY(buffer_status(&output->scratch));
    return frame_output_put(output, output->scratch.data, (uint32_t)output->scratch.bytes, out_ref);
}

status frame_output_put(struct frame_output *output, uint8_t *frame, uint32_t bytes,
                        struct frame_ref *out_ref)
{
    *out_ref = frame_seal(output->identity, file_writer_offset(&output->writer), frame, bytes);
    return file_writer_append(&output->writer, frame, bytes);
}
