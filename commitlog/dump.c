/*
 * One segment file in words. Nothing outside the file is asked: store, stream and number are taken from the first block
 * that is consistent in itself, so a file out of its folder can be looked at too.
 */
#include "commitlog/segment_scan_internal.h"

#include <inttypes.h>

static const char *const state_texts[] = {
    [BLOCK_VALID] = "valid",           [BLOCK_ZERO] = "zero",
    [BLOCK_STALE] = "stale",           [BLOCK_FOREIGN] = "foreign",
    [BLOCK_BROKEN] = "checksum fails", [BLOCK_MISSING] = "missing",
    [BLOCK_BEYOND] = "beyond the end",
};

/* Where the dump is in the string of records. */
struct record_walk {
    uint64_t left; /* bytes of the current record still to come */
    uint8_t length[RECORD_LENGTH_BYTES];
    size_t length_bytes; /* how many of them have been seen */
    uint64_t begin;
    uint64_t count;
    bool lost; /* a block is missing: wait for the next first record */
};

static void walk_length(struct record_walk *walk, struct buffer *out)
{
    uint32_t bytes = load_le32(walk->length);
    walk->length_bytes = 0;
    if (!bytes || bytes > COMMITLOG_PAYLOAD_BYTES_MAX) {
        buffer_printf(out, "  record @%" PRIu64 " has the impossible length %" PRIu32 "\n", walk->begin,
                      bytes);
        walk->lost = true;
        return;
    }
    buffer_printf(out, "  record @%" PRIu64 " %" PRIu32 " bytes\n", walk->begin, bytes);
    walk->left = bytes;
    walk->count++;
}

static void walk_body(struct record_walk *walk, const struct block *block, struct slice body,
                      struct buffer *out)
{
    uint64_t offset = (uint64_t)block->index * BLOCK_BYTES + BLOCK_HEADER_BYTES;
    size_t at = 0;
    if (walk->lost) {
        if (block->first == BLOCK_FIRST_NONE)
            return;
        *walk = (struct record_walk){.count = walk->count};
        at = block->first;
    }
    while (at < body.bytes && !walk->lost) {
        if (walk->left) {
            uint64_t now = walk->left < body.bytes - at ? walk->left : body.bytes - at;
            walk->left -= now;
            at += now;
            continue;
        }
        if (!walk->length_bytes)
            walk->begin = offset + at;
        walk->length[walk->length_bytes++] = body.data[at++];
        if (walk->length_bytes == RECORD_LENGTH_BYTES)
            walk_length(walk, out);
    }
}

static void print_block(const struct block *block, const uint8_t *raw, struct record_walk *walk,
                        struct buffer *out)
{
    static const char *const kinds[] = {
        [BLOCK_SEGMENT_HEADER] = "header", [BLOCK_RECORDS] = "records", [BLOCK_CLOSE] = "close"};
    buffer_printf(out, "block %" PRIu32 " @%" PRIu64 " %s", block->index,
                  (uint64_t)block->index * BLOCK_BYTES,
                  block->kind == BLOCK_RECORDS && !block->body_bytes ? "note" : kinds[block->kind]);
    buffer_printf(out, " body %u", block->body_bytes);
    if (block->first != BLOCK_FIRST_NONE)
        buffer_printf(out, " first %u", block->first);
    buffer_printf(out, " durable %" PRIu64 ":%" PRIu64 "\n", block->durable.segment, block->durable.offset);
    if (block->kind == BLOCK_RECORDS)
        walk_body(walk, block, slice_of(raw + BLOCK_HEADER_BYTES, block->body_bytes), out);
}

static void print_header(const struct segment_scan *scan, struct buffer *out)
{
    buffer_printf(out, "store %016" PRIx64 " stream %" PRIu32 " segment %" PRIu64 "\n", scan->store_id,
                  scan->stream, scan->segment);
    if (!scan->headed) {
        buffer_printf(out, "no valid header\n");
        return;
    }
    buffer_printf(out,
                  "version %" PRIu32 " features %" PRIu32 " bytes %" PRIu64 " generation %016" PRIx64 "\n",
                  scan->header.version, scan->header.features, scan->header.segment_bytes, scan->generation);
    buffer_printf(out, "continues %" PRIu64 ":%" PRIu64 " created %" PRId64 " us\n",
                  scan->header.previous.segment, scan->header.previous.offset, scan->header.created_us);
}

/* What stands between valid blocks is told once a run. */
static void print_run(enum block_state state, uint64_t from, uint64_t to, struct buffer *out)
{
    if (to > from)
        buffer_printf(out, "blocks %" PRIu64 "..%" PRIu64 " %s\n", from, to - 1, state_texts[state]);
}

static status print_blocks(struct segment_scan *scan, struct buffer *out)
{
    struct record_walk walk = {0};
    enum block_state run = BLOCK_VALID;
    uint64_t run_from = 0, valid = 0, index = 0;
    for (;; index++) {
        const uint8_t *raw = NULL;
        struct block block;
        enum block_state state;
        TRY(segment_scan_block(scan, index, &raw, &block, &state));
        if (state != run || state == BLOCK_VALID) {
            if (run != BLOCK_VALID)
                print_run(run, run_from, index, out);
            run = state;
            run_from = index;
        }
        if (state == BLOCK_BEYOND || state == BLOCK_MISSING)
            break;
        if (state == BLOCK_VALID) {
            print_block(&block, raw, &walk, out);
            valid++;
        } else {
            walk.lost = true;
        }
    }
    if (run == BLOCK_MISSING && scan->headed)
        buffer_printf(out, "the file ends at block %" PRIu64 "\n", index);
    buffer_printf(out, "%" PRIu64 " valid blocks, %" PRIu64 " records\n", valid, walk.count);
    return buffer_status(out);
}

/* The first block that is consistent in itself says whose file this is. */
static status find_identity(struct segment_scan *scan, struct block *out_block)
{
    for (uint64_t index = 0;; index++) {
        const uint8_t *raw = NULL;
        struct block block;
        enum block_state state;
        TRY(segment_scan_block(scan, index, &raw, &block, &state));
        if (!raw)
            return STATUS_FAIL(STATUS_CORRUPT);
        if (state == BLOCK_FOREIGN || state == BLOCK_VALID) {
            *out_block = block;
            return STATUS_DONE;
        }
    }
}

/* The number that the name of a file gives it; 0 when the name is none of a segment. */
static uint64_t number_in(const char *path)
{
    const char *slash = strrchr(path, '/');
    uint32_t stream;
    uint64_t segment;
    return commitlog_name_parse(slash ? slash + 1 : path, &stream, &segment) ? segment : 0;
}

/* `named` is the number that the file bears, 0 when that is not known. */
static status print_segment(struct segment_scan *scan, uint64_t named, struct buffer *out)
{
    struct block block;
    status st = find_identity(scan, &block);
    if (st.code == STATUS_CORRUPT) {
        buffer_printf(out, "%" PRIu64 " bytes, no valid block\n", scan->file_bytes);
        return buffer_status(out);
    }
    TRY(st);
    if (named > block.segment) {
        buffer_printf(
            out, "segment %" PRIu64 " is empty: the blocks are of segment %" PRIu64 ", which was released\n",
            named, block.segment);
        return buffer_status(out);
    }
    enum block_state state;
    TRY(segment_scan_header(scan, block.store_id, block.stream, block.segment, &state));
    print_header(scan, out);
    return print_blocks(scan, out);
}

status commitlog_dump(struct io_env *env, const char *path, struct buffer *out_text)
{
    struct segment_scan scan = {0};
    status st = segment_scan_open(&scan, env, path);
    if (ok(st))
        st = print_segment(&scan, number_in(path), out_text);
    segment_scan_deinit(&scan);
    return st;
}
