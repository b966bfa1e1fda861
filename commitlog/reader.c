/*
 * Replaying: the rules are those of docs/formats/commitlog.md, section "How a reader proceeds".
 *
 * Opening looks at the first window of every segment and builds the chain; next() walks it. A payload inside one block
 * is lent from the window of the scan, a longer one is put together in `record`.
 */
#include "commitlog/chain_internal.h"
#include "commitlog/segment_scan_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct commitlog_reader {
    struct io_env *env; /* borrowed from the opener */
    char *folder;       /* owned */
    uint64_t store_id;
    uint32_t stream;
    uint64_t next_segment;

    struct link *chain; /* owned; rising; room for one entry more than the count */
    size_t chain_count, chain_capacity, chain_at;

    struct segment_scan scan; /* of chain[chain_at] when `scanning` */
    bool scanning;
    struct slice body;    /* lent by the scan: what is left of the block's body */
    uint64_t body_offset; /* of `body` in the file */
    uint64_t next_block;
    struct buffer record; /* owned */

    bool done;
    enum commitlog_end end;
    struct log_position end_at;
};

/* ---- opening ---- */

struct listing {
    struct commitlog_reader *reader;
    uint64_t from_segment;
    status result;
};

static status link_add(struct commitlog_reader *reader, uint64_t number)
{
    if (reader->chain_count + 1 >= reader->chain_capacity) {
        size_t capacity = reader->chain_capacity ? reader->chain_capacity * 2 : 16;
        struct link *chain = realloc(reader->chain, capacity * sizeof *chain);
        if (!chain)
            return STATUS_FAIL(STATUS_NOMEM);
        reader->chain = chain;
        reader->chain_capacity = capacity;
    }
    reader->chain[reader->chain_count++] = (struct link){.number = number};
    return STATUS_DONE;
}

static void list_segment(void *context, const char *name)
{
    struct listing *listing = context;
    struct commitlog_reader *reader = listing->reader;
    uint32_t stream = 0;
    uint64_t segment = 0;
    if (failed(listing->result) || !commitlog_name_parse(name, &stream, &segment))
        return;
    if (segment >= reader->next_segment)
        reader->next_segment = segment + 1;
    if (stream == reader->stream && segment >= listing->from_segment)
        listing->result = link_add(reader, segment);
}

static int link_compare(const void *a, const void *b)
{
    uint64_t left = ((const struct link *)a)->number, right = ((const struct link *)b)->number;
    return (left > right) - (left < right);
}

static status segment_open(struct commitlog_reader *reader, uint64_t number, enum block_state *out_header)
{
    char path[IO_PATH_BYTES_MAX];
    snprintf(path, sizeof path, "%s/log-%" PRIu32 "-%" PRIu64 ".log", reader->folder, reader->stream, number);
    TRY(segment_scan_open(&reader->scan, reader->env, path));
    status st = segment_scan_header(&reader->scan, reader->store_id, reader->stream, number, out_header);
    if (failed(st))
        segment_scan_close(&reader->scan);
    return st;
}

/* A header that was lost alone leaves its neighbours: the first window tells a used segment from an empty one. */
static status link_look(struct commitlog_reader *reader, struct link *link)
{
    enum block_state state;
    TRY(segment_open(reader, link->number, &state));
    struct segment_evidence evidence = {0};
    status st = io_sync(reader->scan.file); /* F6: what is believed must be durable */
    if (ok(st) && state != BLOCK_VALID)
        st = segment_scan_evidence(&reader->scan, 1, SCAN_WINDOW_BYTES / BLOCK_BYTES, &evidence);
    bool nothing = state == BLOCK_ZERO || state == BLOCK_STALE || state == BLOCK_MISSING;
    if (state == BLOCK_VALID) {
        link->state = LINK_WHOLE;
        link->previous = reader->scan.header.previous;
    } else {
        link->state = nothing && !evidence.any_valid ? LINK_EMPTY : LINK_HEADLESS;
    }
    segment_scan_close(&reader->scan);
    return st;
}

static status chain_open(struct commitlog_reader *reader, uint64_t from_segment)
{
    struct listing listing = {.reader = reader, .from_segment = from_segment};
    TRY(io_list(reader->env, reader->folder, list_segment, &listing));
    TRY(listing.result);
    if (!reader->chain_count)
        return STATUS_DONE;
    TRY(io_sync_dir(reader->env, reader->folder));
    qsort(reader->chain, reader->chain_count, sizeof *reader->chain, link_compare);
    for (size_t i = 0; i < reader->chain_count; i++)
        TRY(link_look(reader, &reader->chain[i]));
    reader->chain_count = chain_build(reader->chain, reader->chain_count);
    return STATUS_DONE;
}

status commitlog_reader_open(struct io_env *env, const char *folder, uint64_t store_id, uint32_t stream,
                             uint64_t from_segment, struct commitlog_reader **out_reader)
{
    if (strlen(folder) + 64 > IO_PATH_BYTES_MAX)
        return STATUS_FAIL(STATUS_INVALID);
    struct commitlog_reader *reader = calloc(1, sizeof *reader);
    if (!reader)
        return STATUS_FAIL(STATUS_NOMEM);
    reader->env = env;
    reader->store_id = store_id;
    reader->stream = stream;
    reader->next_segment = 1;
    reader->folder = strdup(folder);
    status st = reader->folder ? chain_open(reader, from_segment) : STATUS_FAIL(STATUS_NOMEM);
    if (failed(st)) {
        commitlog_reader_close(reader);
        return st;
    }
    *out_reader = reader;
    return STATUS_DONE;
}

void commitlog_reader_close(struct commitlog_reader *reader)
{
    if (!reader)
        return;
    segment_scan_deinit(&reader->scan);
    buffer_deinit(&reader->record);
    free(reader->chain);
    free(reader->folder);
    free(reader);
}

/* ---- where a segment ends ---- */

static const struct link *current_link(const struct commitlog_reader *reader)
{
    return &reader->chain[reader->chain_at];
}

static void segment_leave(struct commitlog_reader *reader, enum commitlog_end end, uint64_t offset)
{
    reader->end = end;
    reader->end_at = (struct log_position){current_link(reader)->number, offset};
    reader->chain_at++;
    reader->done = end == COMMITLOG_END_DAMAGED || reader->chain_at == reader->chain_count;
    reader->scanning = false;
    reader->body = (struct slice){0};
    segment_scan_close(&reader->scan);
}

/* The verdict on a block that is not valid; `partial` says that a record should have continued there. */
static status verdict_at(struct commitlog_reader *reader, uint64_t index, enum block_state state,
                         bool partial, enum commitlog_end *out_end)
{
    *out_end = COMMITLOG_END_DAMAGED;
    if (current_link(reader)->sealed || state == BLOCK_FOREIGN || state == BLOCK_MISSING)
        return STATUS_DONE;
    if (state == BLOCK_BEYOND) {
        *out_end = partial ? COMMITLOG_END_DAMAGED : COMMITLOG_END_CLEAN;
        return STATUS_DONE;
    }
    struct segment_evidence evidence;
    TRY(segment_scan_evidence(&reader->scan, index + 1, reader->scan.file_bytes / BLOCK_BYTES, &evidence));
    if (evidence.durable_offset > index * BLOCK_BYTES)
        return STATUS_DONE;
    bool torn = evidence.any_valid || partial || state == BLOCK_BROKEN;
    *out_end = torn ? COMMITLOG_END_TORN : COMMITLOG_END_CLEAN;
    return STATUS_DONE;
}

static bool at_sealed_end(const struct commitlog_reader *reader, uint64_t offset)
{
    return current_link(reader)->sealed && offset >= current_link(reader)->sealed_end;
}

static status segment_enter(struct commitlog_reader *reader)
{
    const struct link *link = current_link(reader);
    if (link->state == LINK_LOST) {
        segment_leave(reader, COMMITLOG_END_DAMAGED, 0);
        return STATUS_DONE;
    }
    enum block_state state;
    TRY(segment_open(reader, link->number, &state));
    reader->scanning = true;
    reader->next_block = 1;
    reader->body = (struct slice){0};
    if (state == BLOCK_VALID)
        return STATUS_DONE;
    enum commitlog_end end;
    TRY(verdict_at(reader, 0, state, false, &end));
    segment_leave(reader, end, 0);
    return STATUS_DONE;
}

/*
 * Load the next block that has a body. `record_offset` is where the record began that should continue in it, 0 when none
 * does. *out_loaded is false when the segment ended there; it has been left then.
 */
static status body_load(struct commitlog_reader *reader, uint64_t record_offset, bool *out_loaded)
{
    *out_loaded = false;
    for (;;) {
        uint64_t index = reader->next_block, offset = index * BLOCK_BYTES;
        if (!record_offset && at_sealed_end(reader, offset)) {
            segment_leave(reader, COMMITLOG_END_CLEAN, offset);
            return STATUS_DONE;
        }
        const uint8_t *raw = NULL;
        struct block block;
        enum block_state state;
        TRY(segment_scan_block(&reader->scan, index, &raw, &block, &state));
        if (state != BLOCK_VALID) {
            enum commitlog_end end;
            TRY(verdict_at(reader, index, state, record_offset, &end));
            segment_leave(reader, end, record_offset ? record_offset : offset);
            return STATUS_DONE;
        }
        reader->next_block++;
        if (block.kind == BLOCK_CLOSE) {
            bool whole = !record_offset &&
                         (!current_link(reader)->sealed || at_sealed_end(reader, offset + BLOCK_BYTES));
            segment_leave(reader, whole ? COMMITLOG_END_CLEAN : COMMITLOG_END_DAMAGED,
                          record_offset ? record_offset : offset + BLOCK_BYTES);
            return STATUS_DONE;
        }
        if (!block.body_bytes)
            continue;
        if (!record_offset && block.first != 0) {
            segment_leave(reader, COMMITLOG_END_DAMAGED, offset); /* it continues a record that never began */
            return STATUS_DONE;
        }
        reader->body = slice_of(raw + BLOCK_HEADER_BYTES, block.body_bytes);
        reader->body_offset = offset + BLOCK_HEADER_BYTES;
        *out_loaded = true;
        return STATUS_DONE;
    }
}

/* ---- records ---- */

static struct slice body_take(struct commitlog_reader *reader, size_t bytes)
{
    size_t taken = bytes < reader->body.bytes ? bytes : reader->body.bytes;
    struct slice part = slice_of(reader->body.data, taken);
    reader->body = slice_of(reader->body.data + taken, reader->body.bytes - taken);
    reader->body_offset += taken;
    return part;
}

/* The next `bytes` bytes of the record that began at `record_offset`; *out_whole false when the segment ended. */
static status record_take(struct commitlog_reader *reader, uint64_t record_offset, size_t bytes,
                          struct slice *out_bytes, bool *out_whole)
{
    *out_whole = true;
    if (bytes <= reader->body.bytes) {
        *out_bytes = body_take(reader, bytes);
        return STATUS_DONE;
    }
    buffer_clear(&reader->record);
    while (reader->record.bytes < bytes) {
        if (!reader->body.bytes) {
            TRY(body_load(reader, record_offset, out_whole));
            if (!*out_whole)
                return STATUS_DONE;
        }
        buffer_append_slice(&reader->record, body_take(reader, bytes - reader->record.bytes));
        TRY(buffer_status(&reader->record));
    }
    *out_bytes = buffer_slice(&reader->record);
    return STATUS_DONE;
}

/* One record of the segment being scanned; *out_found false when the segment has been left instead. */
static status record_next(struct commitlog_reader *reader, struct slice *out_payload, uint64_t *out_offset,
                          bool *out_found)
{
    *out_found = false;
    if (!reader->body.bytes) {
        bool loaded;
        TRY(body_load(reader, 0, &loaded));
        if (!loaded)
            return STATUS_DONE;
    }
    uint64_t offset = reader->body_offset;
    if (at_sealed_end(reader, offset)) {
        segment_leave(reader, COMMITLOG_END_CLEAN, offset);
        return STATUS_DONE;
    }
    struct slice part;
    bool whole;
    TRY(record_take(reader, offset, RECORD_LENGTH_BYTES, &part, &whole));
    if (!whole)
        return STATUS_DONE;
    uint32_t bytes = load_le32(part.data);
    if (!bytes || bytes > COMMITLOG_PAYLOAD_BYTES_MAX || bytes > reader->scan.header.segment_bytes - offset) {
        segment_leave(reader, COMMITLOG_END_DAMAGED, offset);
        return STATUS_DONE;
    }
    TRY(record_take(reader, offset, bytes, out_payload, &whole));
    *out_offset = offset;
    *out_found = whole;
    return STATUS_DONE;
}

status commitlog_reader_next(struct commitlog_reader *reader, struct slice *out_payload,
                             struct log_position *out_begin, bool *out_more)
{
    while (!reader->done && reader->chain_at < reader->chain_count) {
        if (!reader->scanning) {
            TRY(segment_enter(reader));
            continue;
        }
        uint64_t segment = current_link(reader)->number, offset;
        bool found;
        TRY(record_next(reader, out_payload, &offset, &found));
        if (found) {
            *out_begin = (struct log_position){segment, offset};
            *out_more = true;
            return STATUS_DONE;
        }
    }
    *out_more = false;
    return STATUS_DONE;
}

enum commitlog_end commitlog_reader_end(const struct commitlog_reader *reader, struct log_position *out_at)
{
    *out_at = reader->end_at;
    return reader->end;
}

uint64_t commitlog_reader_next_segment(const struct commitlog_reader *reader)
{
    return reader->next_segment;
}
