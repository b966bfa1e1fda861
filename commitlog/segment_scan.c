#include "commitlog/segment_scan_internal.h"

/* A window no larger than the file: most logs that are opened are small. */
static status window_reserve(struct segment_scan *scan, uint64_t file_bytes)
{
    size_t bytes = file_bytes < SCAN_WINDOW_BYTES ? (size_t)file_bytes : SCAN_WINDOW_BYTES;
    if (scan->window && scan->window_capacity >= bytes)
        return STATUS_DONE;
    uint8_t *window = io_memory_new(bytes);
    if (!window)
        return STATUS_FAIL(STATUS_NOMEM);
    io_memory_free(scan->window);
    scan->window = window;
    scan->window_capacity = (bytes + BLOCK_BYTES - 1) / BLOCK_BYTES * BLOCK_BYTES;
    return STATUS_DONE;
}

status segment_scan_open(struct segment_scan *scan, struct io_env *env, const char *path)
{
    struct io_file *file = NULL;
    /* Around the page cache: after a failed sync it may hold what the disk does not. */
    TRY(io_open(env, path, IO_READ | IO_DIRECT, &file));
    uint64_t bytes = 0;
    status st = io_size(file, &bytes);
    if (ok(st))
        st = window_reserve(scan, bytes);
    if (failed(st)) {
        io_close(file);
        return st;
    }
    *scan = (struct segment_scan){
        .file = file,
        .window = scan->window,
        .window_capacity = scan->window_capacity,
        .file_bytes = bytes,
    };
    return STATUS_DONE;
}

void segment_scan_close(struct segment_scan *scan)
{
    io_close(scan->file);
    scan->file = NULL;
    scan->window_bytes = 0;
}

void segment_scan_deinit(struct segment_scan *scan)
{
    segment_scan_close(scan);
    io_memory_free(scan->window);
    scan->window = NULL;
}

/* The bytes of a block; NULL when the file ends before its end. */
static status raw_block(struct segment_scan *scan, uint64_t index, const uint8_t **out_raw)
{
    *out_raw = NULL;
    uint64_t offset = index * BLOCK_BYTES;
    if (index >= scan->file_bytes / BLOCK_BYTES)
        return STATUS_DONE;
    if (offset < scan->window_offset || offset >= scan->window_offset + scan->window_bytes) {
        size_t bytes = 0;
        scan->window_bytes = 0;
        TRY(io_read(scan->file, offset, scan->window, scan->window_capacity, &bytes));
        scan->window_offset = offset;
        scan->window_bytes = bytes / BLOCK_BYTES * BLOCK_BYTES;
        if (!scan->window_bytes)
            return STATUS_DONE;
    }
    *out_raw = scan->window + (offset - scan->window_offset);
    return STATUS_DONE;
}

static bool is_ours(const struct segment_scan *scan, const struct block *block)
{
    return block->store_id == scan->store_id && block->stream == scan->stream;
}

static enum block_state state_of(const struct segment_scan *scan, uint64_t index, const uint8_t *raw,
                                 const struct block *block)
{
    if (block_is_zero(raw))
        return BLOCK_ZERO;
    if (!block_is_consistent(raw, block))
        return BLOCK_BROKEN;
    if (!is_ours(scan, block) || block->index != index || block->segment > scan->segment)
        return BLOCK_FOREIGN;
    if (block->segment < scan->segment)
        return BLOCK_STALE;
    return !scan->headed || block->generation == scan->generation ? BLOCK_VALID : BLOCK_BROKEN;
}

status segment_scan_block(struct segment_scan *scan, uint64_t index, const uint8_t **out_raw,
                          struct block *out_block, enum block_state *out_state)
{
    const uint8_t *raw = NULL;
    enum block_state state = BLOCK_BEYOND;
    if (!scan->headed || index < scan->header.segment_bytes / BLOCK_BYTES) {
        TRY(raw_block(scan, index, &raw));
        state = BLOCK_MISSING;
    }
    if (raw) {
        block_read(raw, out_block);
        state = state_of(scan, index, raw, out_block);
    }
    if (state == BLOCK_BROKEN) {
        /* The disk is asked twice before it is blamed: a bit may have flipped on the way. */
        scan->window_bytes = 0;
        TRY(raw_block(scan, index, &raw));
        if (!raw)
            return STATUS_FAIL(STATUS_IO);
        block_read(raw, out_block);
        state = state_of(scan, index, raw, out_block);
    }
    *out_raw = raw;
    *out_state = state;
    return STATUS_DONE;
}

status segment_scan_header(struct segment_scan *scan, uint64_t store_id, uint32_t stream, uint64_t segment,
                           enum block_state *out_state)
{
    scan->store_id = store_id;
    scan->stream = stream;
    scan->segment = segment;
    scan->headed = false;
    const uint8_t *raw = NULL;
    struct block block;
    enum block_state state;
    TRY(segment_scan_block(scan, 0, &raw, &block, &state));
    if (state == BLOCK_VALID) {
        struct segment_header header;
        status st = segment_header_read(raw + BLOCK_HEADER_BYTES, &header);
        if (st.code == STATUS_CORRUPT)
            state = BLOCK_BROKEN;
        else if (failed(st))
            return st;
        else {
            scan->headed = true;
            scan->header = header;
            scan->generation = block.generation;
        }
    }
    *out_state = state;
    return STATUS_DONE;
}

/* The cheap question first: most blocks behind the end of a log are zero or stale. */
static bool may_be_valid(const struct segment_scan *scan, const struct block *block)
{
    return block->segment == scan->segment && is_ours(scan, block);
}

status segment_scan_evidence(struct segment_scan *scan, uint64_t from_index, uint64_t end_index,
                             struct segment_evidence *out_evidence)
{
    struct segment_evidence evidence = {0};
    for (uint64_t index = from_index; index < end_index; index++) {
        const uint8_t *raw = NULL;
        TRY(raw_block(scan, index, &raw));
        if (!raw)
            break;
        struct block block;
        block_read(raw, &block);
        if (!may_be_valid(scan, &block) || state_of(scan, index, raw, &block) != BLOCK_VALID)
            continue;
        evidence.any_valid = true;
        if (block.durable.segment == scan->segment && block.durable.offset > evidence.durable_offset)
            evidence.durable_offset = block.durable.offset;
    }
    *out_evidence = evidence;
    return STATUS_DONE;
}
