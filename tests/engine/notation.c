#include "notation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* ---- writing ---- */

struct row_text {
    struct row_builder builder;
    char values[26][64];
    bool update;
    int64_t timestamp;
    int32_t ttl_s;
};

void row_key(struct buffer *out, uint32_t number)
{
    uint8_t wire[4];
    store_be32(wire, number);
    assert_int_equal(STATUS_OK,
                     key_append(out, (struct key_column){.kind = KEY_INT32}, slice_of(wire, 4)).code);
}

struct partition_key text_key(const char *key)
{
    return partition_key_of(slice_text(key));
}

static const char *skip_spaces(const char *at)
{
    return at + strspn(at, " ");
}

/* The number behind '@' of this write, which is its last word. */
static int64_t timestamp_of(const char *text)
{
    const char *end = strchr(text, ';');
    const char *at = strchr(text, '@');
    assert_non_null(at);
    assert_true(!end || at < end);
    return strtoll(at + 1, NULL, 10);
}

static int32_t ttl_of(const char *text)
{
    const char *end = strchr(text, '@'), *plus = strchr(text, '+');
    return plus && plus < end ? (int32_t)strtol(plus + 1, NULL, 10) : 0;
}

/* Columns until '@' or '+'. */
static void cells_of(struct row_text *row, const char *at, int64_t now_s)
{
    unsigned count = 0;
    for (at = skip_spaces(at); *at != '@' && *at != '+'; at = skip_spaces(at)) {
        if (*at == '~') {
            row->update = true;
            at++;
        }
        struct cell cell = {.column = (uint32_t)(*at - 'a'), .timestamp = row->timestamp};
        if (at[1] == '!') {
            cell.kind = CELL_DEAD;
            cell.expiry_s = now_s;
            at += 2;
        } else {
            size_t bytes = strcspn(at + 2, " ;");
            char *value = row->values[count++];
            assert_true(at[1] == '=' && bytes < sizeof row->values[0] && count <= 26);
            memcpy(value, at + 2, bytes);
            cell.value = slice_of(value, bytes);
            cell.kind = row->ttl_s ? CELL_EXPIRING : CELL_LIVE;
            cell.ttl_s = row->ttl_s;
            cell.expiry_s = row->ttl_s ? now_s + row->ttl_s : 0;
            at += 2 + bytes;
        }
        row_builder_add(&row->builder, cell);
    }
}

static void image_of(struct row_text *row, bool is_static, int64_t now_s, struct buffer *image)
{
    if (!row->update && !is_static)
        row->builder.marker = (struct marker){.timestamp = row->timestamp,
                                              .ttl_s = row->ttl_s,
                                              .expiry_s = row->ttl_s ? now_s + row->ttl_s : 0};
    assert_int_equal(STATUS_OK, row_builder_finish(&row->builder, image).code);
}

static void write_row(struct batch *batch, const char *at, struct deletion deletion, int64_t now_s)
{
    struct buffer clustering = {0}, end = {0}, image = {0};
    struct row_text row = {.timestamp = deletion.timestamp, .ttl_s = ttl_of(at)};
    row_builder_reset(&row.builder);
    bool is_static = *at == 's';
    char *rest = (char *)(uintptr_t)at + 1;
    if (!is_static)
        row_key(&clustering, (uint32_t)strtoul(at, &rest, 10));
    if (*rest == '-') {
        row_key(&end, (uint32_t)strtoul(rest + 1, &rest, 10));
        assert_true(*rest == '!');
        batch_delete_range(batch, (struct range_tombstone){.start = buffer_slice(&clustering),
                                                           .end = buffer_slice(&end),
                                                           .deletion = deletion});
    } else {
        if (*rest == '!')
            row.builder.deletion = deletion;
        row.update = *rest == '!';
        cells_of(&row, rest + (*rest == '!'), now_s);
        image_of(&row, is_static, now_s, &image);
        if (is_static)
            batch_static(batch, buffer_slice(&image));
        else
            batch_row(batch, buffer_slice(&clustering), buffer_slice(&image));
    }
    row_builder_deinit(&row.builder);
    buffer_deinit(&clustering);
    buffer_deinit(&end);
    buffer_deinit(&image);
}

void write_text(struct batch *batch, const char *text, int64_t now_s)
{
    for (const char *at = text; at; at = strchr(at, ';') ? strchr(at, ';') + 1 : NULL) {
        uint64_t table_id = 1;
        at = skip_spaces(at);
        if (at[strspn(at, "0123456789")] == ':') {
            char *rest;
            table_id = strtoull(at, &rest, 10);
            at = rest + 1;
        }
        struct deletion deletion = {.timestamp = timestamp_of(at), .time_s = now_s};
        size_t key_bytes = strcspn(at, "/!");
        batch_begin(batch, table_id, partition_key_of(slice_of(at, key_bytes)));
        if (at[key_bytes] == '!')
            batch_delete_partition(batch, deletion);
        else
            write_row(batch, at + key_bytes + 1, deletion, now_s);
        batch_end(batch);
    }
}

status apply_text(struct store *store, const char *text, enum durability durability)
{
    struct batch batch = {0};
    write_text(&batch, text, store_now_us(store) / 1000000);
    status st = store_apply(store, &batch, durability);
    batch_deinit(&batch);
    return st;
}

/* ---- reading ---- */

static status append_image(struct buffer *out, struct slice key, const char *row, struct slice image)
{
    struct row_reader reader;
    struct cell cell;
    bool more;
    if (out->bytes)
        buffer_printf(out, "; ");
    buffer_printf(out, "%.*s/%s", (int)key.bytes, (const char *)key.data, row);
    TRY(row_open(image, &reader));
    for (;;) {
        TRY(row_next_cell(&reader, &cell, &more));
        if (!more)
            return STATUS_DONE;
        buffer_printf(out, " %c=%.*s", 'a' + (int)cell.column, (int)cell.value.bytes,
                      (const char *)cell.value.data);
    }
}

static status append_live(struct buffer *out, const struct cursor *cursor, const char *row,
                          struct slice image, struct deletion cover, int64_t now_s)
{
    struct buffer live = {0};
    uint64_t tombstones = 0;
    bool is_live = false;
    status st = row_live(image, cover, now_s, &live, &is_live, &tombstones);
    if (ok(st) && is_live)
        st = append_image(out, cursor->partition.key.bytes, row, buffer_slice(&live));
    buffer_deinit(&live);
    return st;
}

static status append_row(struct buffer *out, const struct cursor *cursor, int64_t now_s)
{
    struct buffer wire = {0};
    struct reader key = reader_of(cursor->row.clustering);
    char number[16];
    status st = key_take(&key, (struct key_column){.kind = KEY_INT32}, &wire);
    if (ok(st)) {
        snprintf(number, sizeof number, "%u", load_be32(wire.data));
        st = append_live(out, cursor, number, cursor->row.image,
                         range_list_over(&cursor->partition.ranges, cursor->row.clustering), now_s);
    }
    buffer_deinit(&wire);
    return st;
}

static status append_partition(struct buffer *out, struct cursor *cursor, int64_t now_s)
{
    if (cursor->partition.static_image.bytes)
        TRY(append_live(out, cursor, "s", cursor->partition.static_image, cursor->partition.deletion, now_s));
    TRY(cursor_next(cursor));
    while (cursor->on_row) {
        TRY(append_row(out, cursor, now_s));
        TRY(cursor_next(cursor));
    }
    return STATUS_DONE;
}

static char *text_of(struct buffer *out, status st, status *out_status)
{
    buffer_append_u8(out, 0);
    *out_status = ok(st) ? buffer_status(out) : st;
    if (ok(*out_status))
        return (char *)out->data;
    buffer_deinit(out);
    return NULL;
}

char *contents(struct store *store, uint64_t table_id, status *out_status)
{
    struct buffer out = {0};
    struct store_read read = {.table_id = table_id};
    struct cursor *cursor = NULL;
    int64_t now_s = store_now_us(store) / 1000000;
    status st = store_cursor_open(store, &read, NULL, &cursor);
    if (ok(st))
        st = cursor_next_partition(cursor);
    while (ok(st) && cursor->on_partition) {
        st = append_partition(&out, cursor, now_s);
        if (ok(st))
            st = cursor_next_partition(cursor);
    }
    cursor_close(cursor);
    return text_of(&out, st, out_status);
}

char *partition_contents(struct store *store, uint64_t table_id, const char *key, bool reverse,
                         status *out_status)
{
    struct buffer out = {0};
    struct store_read read = {.table_id = table_id, .reverse = reverse};
    struct cursor *cursor = NULL;
    status st = store_cursor_open_one(store, &read, text_key(key), NULL, &cursor);
    if (ok(st) && cursor)
        st = append_partition(&out, cursor, store_now_us(store) / 1000000);
    cursor_close(cursor);
    return text_of(&out, st, out_status);
}

void make_table(struct store *store, uint64_t table_id, int64_t gc_grace_s)
{
    struct store_change change = {
        .kind = STORE_CREATE_TABLE,
        .table_id = store_new_table_id(store),
        .options = {.gc_grace_s = gc_grace_s},
    };
    assert_int_equal(table_id, change.table_id);
    assert_ok(store_change(store, &change, 1));
}
