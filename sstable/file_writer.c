#include "sstable/file_writer_internal.h"

#include <assert.h>

void file_writer_init(struct file_writer *writer, struct io_env *env, struct io_file *file)
{
    *writer = (struct file_writer){.env = env, .file = file, .first_bytes = FILE_WRITER_FIRST_BYTES};
}

void file_writer_deinit(struct file_writer *writer)
{
    io_queue_close(writer->queue);
    writer->queue = NULL;
    for (uint32_t i = 0; i < FILE_WRITER_BUFFERS; i++) {
        io_memory_free(writer->buffers[i].data);
        writer->buffers[i].data = NULL;
    }
}

/* Take one finished write back; its failure is ours. */
static status reap(struct file_writer *writer)
{
    struct io_request *done;
    TRY(io_wait(writer->queue, &done));
    if (!done)
        return STATUS_FAIL(STATUS_IO);
    struct file_writer_buffer *buffer = done->user;
    buffer->in_flight = false;
    return done->result;
}

static status buffer_submit(struct file_writer *writer)
{
    struct file_writer_buffer *buffer = &writer->buffers[writer->current];
    if (!writer->queue)
        TRY(io_queue_open(writer->env, FILE_WRITER_BUFFERS, &writer->queue));
    buffer->request = (struct io_request){
        .op = IO_OP_WRITE,
        .file = writer->file,
        .offset = writer->start_offset,
        .data = buffer->data,
        .bytes = writer->used_bytes,
        .user = buffer,
    };
    struct io_request *request = &buffer->request;
    TRY(io_submit(writer->queue, &request, 1));
    buffer->in_flight = true;
    writer->start_offset += writer->used_bytes;
    writer->used_bytes = 0;
    writer->current = (writer->current + 1) % FILE_WRITER_BUFFERS;
    return STATUS_DONE;
}

static size_t capacity_bytes(const struct file_writer *writer)
{
    return writer->current == 0 ? writer->first_bytes : FILE_WRITER_BUFFER_BYTES;
}

static status first_grow(struct file_writer *writer)
{
    uint8_t *grown = io_memory_new(FILE_WRITER_BUFFER_BYTES);
    if (!grown)
        return STATUS_FAIL(STATUS_NOMEM);
    memcpy(grown, writer->buffers[0].data, writer->used_bytes);
    io_memory_free(writer->buffers[0].data);
    writer->buffers[0].data = grown;
    writer->first_bytes = FILE_WRITER_BUFFER_BYTES;
    return STATUS_DONE;
}

/* The current buffer with room in it. */
static status buffer_ready(struct file_writer *writer)
{
    if (writer->used_bytes == FILE_WRITER_BUFFER_BYTES)
        TRY(buffer_submit(writer));
    struct file_writer_buffer *buffer = &writer->buffers[writer->current];
    while (buffer->in_flight)
        TRY(reap(writer));
    if (!buffer->data)
        buffer->data = io_memory_new(capacity_bytes(writer));
    if (!buffer->data)
        return STATUS_FAIL(STATUS_NOMEM);
    return writer->used_bytes == capacity_bytes(writer) ? first_grow(writer) : STATUS_DONE;
}

/* `data` NULL appends zeros. */
static status append(struct file_writer *writer, const uint8_t *data, size_t bytes)
{
    while (bytes) {
        TRY(buffer_ready(writer));
        size_t room = capacity_bytes(writer) - writer->used_bytes;
        size_t part = bytes < room ? bytes : room;
        uint8_t *to = writer->buffers[writer->current].data + writer->used_bytes;
        if (data) {
            memcpy(to, data, part);
            data += part;
        } else {
            memset(to, 0, part);
        }
        writer->used_bytes += part;
        bytes -= part;
    }
    return STATUS_DONE;
}

status file_writer_append(struct file_writer *writer, const void *data, size_t bytes)
{
    assert(data || !bytes);
    return append(writer, data, bytes);
}

status file_writer_append_zeros(struct file_writer *writer, size_t bytes)
{
    return append(writer, NULL, bytes);
}

static bool anything_in_flight(const struct file_writer *writer)
{
    for (uint32_t i = 0; i < FILE_WRITER_BUFFERS; i++)
        if (writer->buffers[i].in_flight)
            return true;
    return false;
}

status file_writer_drain(struct file_writer *writer)
{
    assert(file_writer_offset(writer) % IO_BLOCK_BYTES == 0);
    if (writer->used_bytes && !writer->queue) {
        TRY(io_write(writer->file, writer->start_offset, writer->buffers[writer->current].data,
                     writer->used_bytes, false));
        writer->start_offset += writer->used_bytes;
        writer->used_bytes = 0;
    }
    if (writer->used_bytes)
        TRY(buffer_submit(writer));
    while (anything_in_flight(writer))
        TRY(reap(writer));
    return STATUS_DONE;
}
