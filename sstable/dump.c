/*
 * A person's view. The file is walked twice: frame by frame as the bytes lie, which needs no directory and shows
 * damage where it is, and partition by partition as readers see it.
 */
#include "sstable/sstable_internal.h"

#include "row/row.h"

#include <inttypes.h>

static void print_bytes(struct buffer *out, struct slice bytes)
{
    enum { SHOWN_MAX = 48 };
    size_t shown = bytes.bytes < SHOWN_MAX ? bytes.bytes : SHOWN_MAX;
    bool text = shown > 0;
    for (size_t i = 0; i < shown; i++)
        text = text && bytes.data[i] >= 0x20 && bytes.data[i] < 0x7f && bytes.data[i] != '\'';
    if (text)
        buffer_printf(out, "'%.*s'", (int)shown, (const char *)bytes.data);
    else
        buffer_printf(out, "0x");
    for (size_t i = 0; !text && i < shown; i++)
        buffer_printf(out, "%02x", bytes.data[i]);
    if (shown < bytes.bytes)
        buffer_printf(out, "... (%zu bytes)", bytes.bytes);
}

static void print_deletion(struct buffer *out, struct deletion deletion)
{
    buffer_printf(out, "deleted timestamp=%" PRId64 " time=%" PRId64, deletion.timestamp, deletion.time_s);
}

static void print_root(struct buffer *out, const struct root *root, const char *which)
{
    buffer_printf(out,
                  "root (%s): version=%d incompatible=0x%x compatible=0x%x store=%016" PRIx64
                  " table=%" PRIu64 " file=%" PRIu64 " data_end=%" PRIu64 " directory_index=%" PRIu64
                  "+%u filter=%" PRIu64 "+%u\n",
                  which, ROOT_VERSION, root->incompatible_features, root->compatible_features, root->store_id,
                  root->table_id, root->info.file_number, root->data_end, root->directory_index.offset,
                  root->directory_index.bytes, root->filter.offset, root->filter.bytes);
}

static void print_info(struct buffer *out, const struct sstable_info *info)
{
    buffer_printf(out,
                  "statistics: file_bytes=%" PRIu64 " raw_bytes=%" PRIu64 " partitions=%" PRIu64
                  " rows=%" PRIu64 " tombstones=%" PRIu64 " content_hash=%016" PRIx64 "\n",
                  info->file_bytes, info->raw_bytes, info->partitions, info->rows, info->tombstones,
                  info->content_hash);
    buffer_printf(out,
                  "            tokens=[%" PRId64 ", %" PRId64 "] timestamps=[%" PRId64 ", %" PRId64
                  "] expiry=[%" PRId64 ", %" PRId64 "] never_expires=%s largest_partition_bytes=%" PRIu64
                  " created=%" PRId64 " strategy_level=%" PRIu32 " run=%" PRIu64 "%s\n",
                  info->min_token, info->max_token, info->min_timestamp, info->max_timestamp,
                  info->min_expiry_s, info->max_expiry_s, info->never_expires ? "yes" : "no",
                  info->largest_partition_bytes, info->created_s, info->level, info->run,
                  info->off_strategy ? " off-strategy" : "");
    buffer_printf(out,
                  "            rows_only=%s first_prefix=%016" PRIx64 "%016" PRIx64 " last_prefix=%016" PRIx64
                  "%016" PRIx64 "\n",
                  info->rows_only ? "yes" : "no", info->first_prefix[0], info->first_prefix[1],
                  info->last_prefix[0], info->last_prefix[1]);
}

static const char *layout_name(uint8_t layout)
{
    static const char *const names[] = {
        [FRAME_ROWS] = "rows",
        [FRAME_DIRECTORY] = "directory page",
        [FRAME_BLOCK_INDEX] = "block index page",
        [FRAME_DIRECTORY_INDEX] = "directory index",
        [FRAME_FILTER] = "filter",
        [FRAME_DICTIONARY] = "dictionary",
        [FRAME_PARITY] = "parity",
    };
    return layout < ARRAY_LEN(names) && names[layout] ? names[layout] : "unknown";
}

static const char *const codec_names[] = {
    [FRAME_STORED] = "stored",
    [FRAME_ZSTD] = "zstd",
};

/* Whether bytes [offset, offset + bytes) match the checksum in their own header. */
static status frame_is_good(struct io_file *file, const struct root *root, uint64_t offset,
                            const struct frame_head *head, bool *out_good)
{
    uint64_t begin = offset / IO_BLOCK_BYTES * IO_BLOCK_BYTES;
    uint64_t frame_bytes = FRAME_HEAD_BYTES + (uint64_t)head->stored_bytes;
    uint64_t end = (offset + frame_bytes + IO_BLOCK_BYTES - 1) / IO_BLOCK_BYTES * IO_BLOCK_BYTES;
    size_t bytes;
    uint8_t *data = io_memory_new(end - begin);
    if (!data)
        return STATUS_FAIL(STATUS_NOMEM);
    status st = io_read(file, begin, data, end - begin, &bytes);
    if (ok(st)) {
        struct frame_ref ref = {.offset = offset, .bytes = (uint32_t)frame_bytes, .checksum = head->checksum};
        struct frame_head again;
        *out_good = bytes >= offset - begin + frame_bytes &&
                    ok(frame_check(root_identity(root), &ref, slice_of(data + (offset - begin), frame_bytes),
                                   &again));
    }
    io_memory_free(data);
    return st;
}

static status head_read(struct io_file *file, uint64_t offset, struct frame_head *out_head)
{
    uint64_t begin = offset / IO_BLOCK_BYTES * IO_BLOCK_BYTES;
    size_t bytes;
    uint8_t *data = io_memory_new(2 * IO_BLOCK_BYTES);
    if (!data)
        return STATUS_FAIL(STATUS_NOMEM);
    status st = io_read(file, begin, data, 2 * IO_BLOCK_BYTES, &bytes);
    if (ok(st) && bytes < offset - begin + FRAME_HEAD_BYTES)
        st = STATUS_FAIL(STATUS_CORRUPT);
    if (ok(st))
        st = frame_head_decode(slice_of(data + (offset - begin), FRAME_HEAD_BYTES), out_head);
    io_memory_free(data);
    return st;
}

/* The frames as they lie. A header that makes no sense ends the walk: where the next one begins is not known then. */
static status print_frames(struct io_file *file, const struct root *root, struct buffer *out)
{
    uint64_t end = root->filter.offset + root->filter.bytes;
    uint64_t last = root->info.file_bytes - ROOT_BYTES;
    buffer_printf(out, "frames:\n");
    for (uint64_t offset = ROOT_BYTES; offset < end && end <= last;) {
        struct frame_head head;
        bool good;
        status st = head_read(file, offset, &head);
        if (st.code == STATUS_CORRUPT || st.code == STATUS_UNSUPPORTED ||
            (ok(st) && head.stored_bytes > last - offset)) {
            buffer_printf(out, "  %10" PRIu64 " damaged header\n", offset);
            return STATUS_DONE;
        }
        TRY(st);
        TRY(frame_is_good(file, root, offset, &head, &good));
        buffer_printf(out,
                      "  %10" PRIu64 " %-16s level=%u items=%u stored=%u raw=%u codec=%s checksum=%016" PRIx64
                      "%s\n",
                      offset, layout_name(head.layout), head.level, head.items, head.stored_bytes,
                      head.raw_bytes, codec_names[head.codec], head.checksum, good ? "" : " DAMAGED");
        offset += FRAME_HEAD_BYTES + (uint64_t)head.stored_bytes;
    }
    return STATUS_DONE;
}

/* column@timestamp=value, column['path']@timestamp=value, column[*]@timestamp=deleted(second) */
static void print_cell(struct buffer *out, const struct cell *cell)
{
    buffer_printf(out, " %u", cell->column);
    if (cell->kind == CELL_COMPLEX_DELETION) {
        buffer_printf(out, "[*]");
    } else if (cell->path.bytes) {
        buffer_append_u8(out, '[');
        print_bytes(out, cell->path);
        buffer_append_u8(out, ']');
    }
    buffer_printf(out, "@%" PRId64 "=", cell->timestamp);
    switch (cell->kind) {
    case CELL_DEAD: buffer_printf(out, "dead(%" PRId64 ")", cell->expiry_s); break;
    case CELL_COMPLEX_DELETION: buffer_printf(out, "deleted(%" PRId64 ")", cell->expiry_s); break;
    case CELL_COUNTER:
        buffer_printf(out, "counter(%" PRId64 ")", (int64_t)load_be64(cell->value.data));
        break;
    case CELL_LIVE:
    case CELL_EXPIRING: print_bytes(out, cell->value); break;
    }
    if (cell->kind == CELL_EXPIRING)
        buffer_printf(out, " ttl=%d expiry=%" PRId64, cell->ttl_s, cell->expiry_s);
}

static status print_image(struct buffer *out, struct slice image)
{
    struct row_reader row;
    struct cell cell;
    bool more;
    TRY(row_open(image, &row));
    if (row.marker.timestamp != TIMESTAMP_NONE)
        buffer_printf(out, " marker=%" PRId64, row.marker.timestamp);
    if (row.marker.timestamp != TIMESTAMP_NONE && row.marker.ttl_s)
        buffer_printf(out, " ttl=%d expiry=%" PRId64, row.marker.ttl_s, row.marker.expiry_s);
    if (row.deletion.timestamp != TIMESTAMP_NONE) {
        buffer_append_u8(out, ' ');
        print_deletion(out, row.deletion);
    }
    for (;;) {
        TRY(row_next_cell(&row, &cell, &more));
        if (!more)
            break;
        print_cell(out, &cell);
    }
    buffer_append_u8(out, '\n');
    return STATUS_DONE;
}

static status print_rows(struct buffer *out, struct cursor *cursor)
{
    for (;;) {
        TRY(cursor_next(cursor));
        if (!cursor->on_row)
            return STATUS_DONE;
        buffer_printf(out, "      row ");
        print_bytes(out, cursor->row.clustering);
        TRY(print_image(out, cursor->row.image));
    }
}

static status print_partition(struct buffer *out, struct cursor *cursor)
{
    const struct partition_view *view = &cursor->partition;
    struct sstable_position position;
    sstable_cursor_position(cursor, &position);
    buffer_printf(out, "  %20" PRId64 " ", view->key.token);
    print_bytes(out, view->key.bytes);
    buffer_printf(out, " rows=%" PRIu64 " raw_bytes=%" PRIu64, position.rows, position.raw_bytes);
    if (position.rows)
        buffer_printf(out, " %s=%" PRIu64 "+%u %s=%u", position.spans ? "index" : "block", position.offset,
                      position.bytes, position.spans ? "height" : "first_row", position.first_row_or_height);
    if (position.rows || view->ranges.count) {
        buffer_printf(out, " first=");
        print_bytes(out, view->first);
        buffer_printf(out, " last=");
        print_bytes(out, view->last);
    }
    buffer_append_u8(out, '\n');
    if (view->deletion.timestamp != TIMESTAMP_NONE) {
        buffer_printf(out, "      partition ");
        print_deletion(out, view->deletion);
        buffer_append_u8(out, '\n');
    }
    for (uint32_t i = 0; i < view->ranges.count; i++) {
        buffer_printf(out, "      range [");
        print_bytes(out, view->ranges.items[i].start);
        buffer_printf(out, ", ");
        print_bytes(out, view->ranges.items[i].end);
        buffer_printf(out, ") ");
        print_deletion(out, view->ranges.items[i].deletion);
        buffer_append_u8(out, '\n');
    }
    if (!view->static_image.bytes)
        return STATUS_DONE;
    buffer_printf(out, "      static");
    return print_image(out, view->static_image);
}

static status print_partitions(struct buffer *out, struct sstable *table, bool rows)
{
    struct cursor *cursor;
    TRY(sstable_scan_open(table, false, FRAME_ACCESS_SCAN_PAST_CACHE, &cursor));
    buffer_printf(out, "partitions:\n");
    status st;
    do {
        st = cursor_next_partition(cursor);
        if (failed(st) || !cursor->on_partition)
            break;
        st = print_partition(out, cursor);
        if (ok(st) && rows)
            st = print_rows(out, cursor);
    } while (ok(st));
    cursor_close(cursor);
    return st;
}

static status dump(struct io_env *env, const char *path, struct io_file *file, bool rows, struct buffer *out)
{
    struct root root;
    struct sstable *table;
    char text[256];
    struct file_tail tail;
    TRY(root_read(file, 0, &root, &tail));
    io_memory_free(tail.data);
    print_root(out, &root, "first good copy");
    print_info(out, &root.info);
    TRY(print_frames(file, &root, out));
    status st = sstable_open(env, path, root.store_id, NULL, &table);
    if (ok(st)) {
        if (table->index_rebuilt)
            buffer_printf(out, "directory index: DAMAGED, rebuilt from the pages\n");
        if (!table->filter)
            buffer_printf(out, "filter: DAMAGED, left out\n");
        st = print_partitions(out, table, rows);
        sstable_unref(table);
    }
    /* Damage is a finding here, not a failure: what could be shown has been. */
    if (st.code == STATUS_CORRUPT || st.code == STATUS_UNSUPPORTED) {
        status_print(st, text, sizeof text);
        buffer_printf(out, "stopped: %s\n", text);
        return buffer_status(out);
    }
    return ok(st) ? buffer_status(out) : st;
}

status sstable_dump(struct io_env *env, const char *path, bool rows, struct buffer *out_text)
{
    struct io_file *file;
    TRY(io_open(env, path, IO_READ | IO_DIRECT, &file));
    status st = dump(env, path, file, rows, out_text);
    io_close(file);
    return st;
}
