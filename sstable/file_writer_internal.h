/*
 * file_writer_internal.h: one file, front to back, in large aligned writes with several in flight.
 *
 * A file that fits into the first buffer is written with one call and never opens a queue.
 */
#ifndef STRAIT_SSTABLE_FILE_WRITER_INTERNAL_H
#define STRAIT_SSTABLE_FILE_WRITER_INTERNAL_H

#include "io/io.h"

enum {
    FILE_WRITER_BUFFERS = 3,
    FILE_WRITER_BUFFER_BYTES = 256 << 10,
    FILE_WRITER_FIRST_BYTES = 32 << 10, /* what the first buffer begins with: most files of a test are tiny */
};

struct file_writer_buffer {
    uint8_t *data; /* owned; NULL until needed */
    bool in_flight;
    struct io_request request;
};

struct file_writer {
    struct io_env *env;     /* borrowed */
    struct io_file *file;   /* borrowed */
    struct io_queue *queue; /* owned; NULL until needed */
    struct file_writer_buffer buffers[FILE_WRITER_BUFFERS];
    uint32_t current;
    size_t first_bytes;    /* capacity of the first buffer: FIRST until it has grown to BUFFER */
    size_t used_bytes;     /* of the current buffer */
    uint64_t start_offset; /* where the current buffer will stand */
};

void file_writer_init(struct file_writer *writer, struct io_env *env, struct io_file *file);
/* Waits for what is in flight. */
void file_writer_deinit(struct file_writer *writer);
static inline uint64_t file_writer_offset(const struct file_writer *writer)
{
    return writer->start_offset + writer->used_bytes;
}
status file_writer_append(struct file_writer *writer, const void *data, size_t bytes);
status file_writer_append_zeros(struct file_writer *writer, size_t bytes);
/* Write what is left, which must end on IO_BLOCK_BYTES, and wait for all of it. Nothing is synced. */
status file_writer_drain(struct file_writer *writer);

#endif
