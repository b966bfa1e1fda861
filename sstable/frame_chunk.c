#include "sstable/frame_chunk_internal.h"

enum {
    WINDOW_FIRST_BYTES = 32 << 10, /* of a scan */
    WINDOW_LEAST_BYTES = 8 << 10,  /* of others, who may stop at any row */
    WINDOW_BYTES_MAX = 256 << 10,
    GAP_BYTES_MAX = 16 << 10, /* an index page between two blocks does not end a run */
};

static bool is_scan(const struct frame_reader *reader)
{
    return reader->access == FRAME_ACCESS_SCAN || reader->access == FRAME_ACCESS_SCAN_PAST_CACHE;
}

/* 1 when the frame lies right behind the last one, -1 right before it, 0 elsewhere. */
static int goes_on(const struct frame_reader *reader, const struct frame_ref *ref)
{
    uint64_t end = ref->offset + ref->bytes;
    if (reader->last_end == 0)
        return 0;
    if (ref->offset >= reader->last_end)
        return ref->offset - reader->last_end <= GAP_BYTES_MAX;
    return end <= reader->last_begin && reader->last_begin - end <= GAP_BYTES_MAX ? -1 : 0;
}

/* How much to read: grows while the reader goes straight on. Returns whether to read backwards. */
static bool window_update(struct frame_reader *reader, const struct frame_ref *ref)
{
    int direction = goes_on(reader, ref);
    if (direction) {
        size_t first = is_scan(reader) ? WINDOW_FIRST_BYTES : WINDOW_LEAST_BYTES;
        size_t wider = reader->window_bytes ? reader->window_bytes * 2 : first;
        reader->window_bytes = wider < WINDOW_BYTES_MAX ? wider : WINDOW_BYTES_MAX;
        return direction < 0;
    }
    reader->window_bytes = is_scan(reader) && !reader->ahead ? WINDOW_FIRST_BYTES : 0;
    return reader->reverse;
}

bool frame_reader_goes_far(const struct frame_reader *reader)
{
    return reader->access == FRAME_ACCESS_SCAN_PAST_CACHE && !reader->reverse &&
           reader->window_bytes == WINDOW_BYTES_MAX;
}

status frame_chunk_reserve(struct frame_reader *reader, size_t bytes)
{
    if (bytes <= reader->chunk_capacity)
        return STATUS_DONE;
    io_memory_free(reader->chunk);
    reader->chunk_capacity = 0;
    reader->chunk_bytes = 0;
    reader->chunk = io_memory_new(bytes);
    if (!reader->chunk)
        return STATUS_FAIL(STATUS_NOMEM);
    reader->chunk_capacity = bytes;
    return STATUS_DONE;
}

status frame_chunk_check(const struct frame_reader *reader, const struct frame_ref *ref)
{
    uint64_t file_bytes = reader->table->root.info.file_bytes;
    if (ref->bytes < FRAME_HEAD_BYTES || ref->offset < ROOT_BYTES || ref->offset > file_bytes ||
        ref->bytes > file_bytes - ref->offset)
        return STATUS_FAIL(STATUS_CORRUPT);
    return STATUS_DONE;
}

/* The frame alone, in whole blocks of the device. */
static void frame_span(const struct frame_reader *reader, const struct frame_ref *ref, uint64_t *out_begin,
                       uint64_t *out_end)
{
    const uint64_t block = io_read_alignment(reader->table->file);
    *out_begin = ref->offset / block * block;
    *out_end = (ref->offset + ref->bytes + block - 1) / block * block;
}

/* Whether what the caller wants around a frame is around this one. */
static bool has_around(const struct frame_reader *reader, const struct frame_ref *ref)
{
    return reader->around_begin <= ref->offset && ref->offset + ref->bytes <= reader->around_end;
}

/* Which part of the file to read for a frame that is not at hand; there is room for it in the chunk. */
static status chunk_plan(struct frame_reader *reader, const struct frame_ref *ref, uint64_t *out_begin,
                         uint64_t *out_end)
{
    const uint64_t block = io_read_alignment(reader->table->file);
    uint64_t begin, end;
    frame_span(reader, ref, &begin, &end);
    uint64_t file_bytes = reader->table->root.info.file_bytes;
    bool backwards = window_update(reader, ref);
    size_t wanted = reader->window_bytes > reader->least_bytes ? reader->window_bytes : reader->least_bytes;
    if (end - begin < wanted && !backwards)
        end = begin + wanted < file_bytes ? begin + wanted : file_bytes;
    else if (end - begin < wanted)
        begin = end > wanted ? end - wanted : 0;
    if (has_around(reader, ref)) {
        begin = reader->around_begin < begin ? reader->around_begin / block * block : begin;
        end = reader->around_end > end ? (reader->around_end + block - 1) / block * block : end;
    }
    reader->chunk_bytes = 0;
    *out_begin = begin;
    *out_end = end;
    return frame_chunk_reserve(reader, end - begin);
}

static status chunk_fill(struct frame_reader *reader, uint64_t begin, uint64_t end)
{
    size_t bytes;
    TRY(io_read(reader->table->file, begin, reader->chunk, end - begin, &bytes));
    reader->chunk_offset = begin;
    reader->chunk_bytes = bytes;
    return STATUS_DONE;
}

status frame_chunk_read(struct frame_reader *reader, const struct frame_ref *ref)
{
    uint64_t begin, end;
    status st = chunk_plan(reader, ref, &begin, &end);
    if (ok(st))
        st = chunk_fill(reader, begin, end);
    /* What the disk cannot read, or memory cannot hold, may lie beside the frame. */
    if ((st.code == STATUS_IO || st.code == STATUS_NOMEM) && has_around(reader, ref)) {
        reader->chunk_bytes = 0;
        frame_span(reader, ref, &begin, &end);
        TRY(frame_chunk_reserve(reader, end - begin));
        st = chunk_fill(reader, begin, end);
    }
    return st;
}

bool frame_chunk_covers(const struct frame_reader *reader, const struct frame_ref *ref)
{
    return ref->offset >= reader->chunk_offset &&
           ref->offset + ref->bytes <= reader->chunk_offset + reader->chunk_bytes;
}

void frame_reader_lend(struct frame_reader *from, struct frame_reader *to, const struct frame_ref *ref)
{
    if (frame_chunk_covers(to, ref) || !frame_chunk_covers(from, ref))
        return;
    uint8_t *chunk = to->chunk;
    size_t capacity = to->chunk_capacity;
    to->chunk = from->chunk;
    to->chunk_capacity = from->chunk_capacity;
    to->chunk_bytes = from->chunk_bytes;
    to->chunk_offset = from->chunk_offset;
    to->reads.blocks_joined++;
    from->chunk = chunk;
    from->chunk_capacity = capacity;
    from->chunk_bytes = 0;
}

status frame_reader_ahead(struct frame_reader *reader, const struct frame_ref *ref,
                          struct io_request *out_request, bool *out_needed)
{
    const struct sstable *table = reader->table;
    uint64_t begin, end;
    *out_needed = false;
    if (frame_chunk_covers(reader, ref))
        return STATUS_DONE;
    if (frame_reader_has_rows(reader, ref))
        return STATUS_DONE;
    TRY(frame_chunk_check(reader, ref));
    TRY(chunk_plan(reader, ref, &begin, &end));
    *out_request = (struct io_request){
        .op = IO_OP_READ, .file = table->file, .offset = begin, .data = reader->chunk, .bytes = end - begin};
    *out_needed = true;
    return STATUS_DONE;
}

void frame_reader_arrived(struct frame_reader *reader, const struct io_request *request)
{
    reader->chunk_offset = request->offset;
    reader->chunk_bytes = ok(request->result) ? request->done_bytes : 0;
}
