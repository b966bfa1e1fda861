#include "notation.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* ---- parsing ---- */

static const char *skip_spaces(const char *at)
{
    return at + strspn(at, " ");
}

static const char *number_parse(const char *at, int64_t *out_number)
{
    char *rest;
    *out_number = strtoll(at, &rest, 10);
    assert_ptr_not_equal(at, rest);
    return rest;
}

/* "[path]", "[*]" or "[^]", where there is one. */
static const char *path_parse(const char *at, struct write_cell *cell)
{
    if (*at != '[')
        return at;
    size_t bytes = strcspn(at + 1, "]");
    cell->path = slice_of(at + 1, bytes);
    cell->just_before = at[1] == '^';
    cell->place = at[1] == '*' || at[1] == '^' ? PLACE_COLLECTION : PLACE_ELEMENT;
    return at + bytes + 2;
}

static const char *cell_parse(const char *at, struct write_cell *cell)
{
    assert_true(*at >= 'a' && *at <= 'z');
    cell->column = (uint32_t)(*at - 'a');
    at = path_parse(at + 1, cell);
    if (*at == '!') {
        cell->dead = true;
        return at + 1;
    }
    if (*at == '#') {
        cell->place = PLACE_COUNTER;
        return number_parse(at + 1, &cell->total);
    }
    assert_true(*at == '=' && cell->place != PLACE_COLLECTION);
    cell->value = slice_of(at + 1, strcspn(at + 1, " ;"));
    return at + 1 + cell->value.bytes;
}

static const char *cells_parse(const char *at, struct write *write)
{
    for (at = skip_spaces(at); *at != '@' && *at != '+'; at = skip_spaces(at)) {
        if (*at == '~') {
            write->update = true;
            at++;
        }
        assert_true(write->cell_count < WRITE_CELLS_MAX);
        at = cell_parse(at, &write->cells[write->cell_count++]);
    }
    return at;
}

static const char *row_parse(const char *at, struct write *write)
{
    write->row = STATIC_ROW;
    if (*at == 's')
        at++;
    else
        at = number_parse(at, &write->row);
    if (*at == '-') {
        at = number_parse(at + 1, &write->row_end);
        assert_true(*at == '!');
        write->kind = WRITE_DELETE_RANGE;
        return at + 1;
    }
    if (*at == '!') {
        write->kind = WRITE_DELETE_ROW;
        return at + 1;
    }
    return cells_parse(at, write);
}

const char *write_parse(const char *text, struct write *out_write)
{
    *out_write = (struct write){.table_id = 1, .row = NO_ROW};
    const char *at = skip_spaces(text);
    if (at[strspn(at, "0123456789")] == ':') {
        int64_t table;
        at = number_parse(at, &table) + 1;
        out_write->table_id = (uint64_t)table;
    }
    size_t key_bytes = strcspn(at, "/!");
    out_write->key = slice_of(at, key_bytes);
    at += key_bytes + 1;
    if (at[-1] == '!')
        out_write->kind = WRITE_DELETE_PARTITION;
    else
        at = row_parse(at, out_write);
    at = skip_spaces(at);
    if (*at == '+') {
        int64_t ttl_s;
        at = skip_spaces(number_parse(at + 1, &ttl_s));
        out_write->ttl_s = (int32_t)ttl_s;
    }
    assert_true(*at == '@');
    at = skip_spaces(number_parse(at + 1, &out_write->timestamp));
    assert_true(*at == ';' || !*at);
    return *at ? at + 1 : NULL;
}

/* ---- writing ---- */

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

/* `total` is where the bytes of a counter live. */
static struct cell cell_of(const struct write *write, const struct write_cell *cell, int64_t now_s,
                           uint8_t total[8])
{
    struct cell out = {.column = cell->column, .timestamp = write->timestamp};
    if (cell->place == PLACE_ELEMENT)
        out.path = cell->path;
    if (cell->place == PLACE_COLLECTION) {
        out.kind = CELL_COMPLEX_DELETION;
        out.timestamp -= cell->just_before;
        out.expiry_s = now_s;
    } else if (cell->dead) {
        out.kind = CELL_DEAD;
        out.expiry_s = now_s;
    } else if (cell->place == PLACE_COUNTER) {
        out.kind = CELL_COUNTER;
        store_be64(total, (uint64_t)cell->total);
        out.value = slice_of(total, 8);
    } else {
        out.kind = write->ttl_s ? CELL_EXPIRING : CELL_LIVE;
        out.ttl_s = write->ttl_s;
        out.expiry_s = write->ttl_s ? now_s + write->ttl_s : 0;
        out.value = cell->value;
    }
    return out;
}

static void image_of(const struct write *write, int64_t now_s, struct buffer *image)
{
    struct row_builder builder = {0};
    uint8_t totals[WRITE_CELLS_MAX][8];
    int64_t expiry_s = write->ttl_s ? now_s + write->ttl_s : 0;
    row_builder_reset(&builder);
    if (write->kind == WRITE_DELETE_ROW)
        builder.deletion = (struct deletion){.timestamp = write->timestamp, .time_s = now_s};
    else if (!write->update && write->row != STATIC_ROW)
        builder.marker =
            (struct marker){.timestamp = write->timestamp, .ttl_s = write->ttl_s, .expiry_s = expiry_s};
    for (unsigned i = 0; i < write->cell_count; i++)
        row_builder_add(&builder, cell_of(write, &write->cells[i], now_s, totals[i]));
    assert_int_equal(STATUS_OK, row_builder_finish(&builder, image).code);
    row_builder_deinit(&builder);
}

static void write_range(struct batch *batch, const struct write *write, int64_t now_s)
{
    struct buffer start = {0}, end = {0};
    row_key(&start, (uint32_t)write->row);
    row_key(&end, (uint32_t)write->row_end);
    batch_delete_range(
        batch, (struct range_tombstone){.start = buffer_slice(&start),
                                        .end = buffer_slice(&end),
                                        .deletion = {.timestamp = write->timestamp, .time_s = now_s}});
    buffer_deinit(&start);
    buffer_deinit(&end);
}

static void write_row(struct batch *batch, const struct write *write, int64_t now_s)
{
    struct buffer clustering = {0}, image = {0};
    image_of(write, now_s, &image);
    if (write->row == STATIC_ROW) {
        batch_static(batch, buffer_slice(&image));
    } else {
        row_key(&clustering, (uint32_t)write->row);
        batch_row(batch, buffer_slice(&clustering), buffer_slice(&image));
    }
    buffer_deinit(&clustering);
    buffer_deinit(&image);
}

void write_text(struct batch *batch, const char *text, int64_t now_s)
{
    struct write write;
    while (text) {
        text = write_parse(text, &write);
        batch_begin(batch, write.table_id, partition_key_of(write.key));
        switch (write.kind) {
        case WRITE_DELETE_PARTITION:
            batch_delete_partition(batch, (struct deletion){.timestamp = write.timestamp, .time_s = now_s});
            break;
        case WRITE_DELETE_RANGE: write_range(batch, &write, now_s); break;
        case WRITE_ROW:
        case WRITE_DELETE_ROW: write_row(batch, &write, now_s); break;
        }
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

static void append_cell(struct buffer *out, const struct cell *cell)
{
    buffer_printf(out, " %c", 'a' + (int)cell->column);
    if (cell->path.bytes)
        buffer_printf(out, "[%.*s]", (int)cell->path.bytes, (const char *)cell->path.data);
    if (cell->kind == CELL_COUNTER)
        buffer_printf(out, "#%lld", (long long)load_be64(cell->value.data));
    else
        buffer_printf(out, "=%.*s", (int)cell->value.bytes, (const char *)cell->value.data);
}

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
        append_cell(out, &cell);
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

static status append_slice(struct buffer *out, struct cursor *cursor, int64_t from, unsigned limit,
                           int64_t now_s)
{
    static const uint8_t after[] = {KEY_AFTER};
    struct buffer key = {0};
    if (from != NO_ROW)
        row_key(&key, (uint32_t)from);
    else if (cursor->reverse)
        buffer_append(&key, after, 1);
    status st = cursor_seek_row(cursor, buffer_slice(&key));
    unsigned rows = 0;
    while (ok(st) && cursor->on_row && rows < limit) {
        size_t before = out->bytes;
        st = append_row(out, cursor, now_s);
        rows += out->bytes > before;
        if (ok(st))
            st = cursor_next(cursor);
    }
    buffer_deinit(&key);
    return st;
}

char *slice_contents(struct store *store, const struct store_read *read, const char *key, int64_t from,
                     unsigned limit, status *out_status)
{
    struct buffer out = {0};
    struct cursor *cursor = NULL;
    status st = store_cursor_open_one(store, read, text_key(key), NULL, &cursor);
    if (ok(st) && cursor)
        st = append_slice(&out, cursor, from, limit, store_now_us(store) / 1000000);
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
