#include "cql/row_copy.h"

#include "cql/selector.h"
#include "row/live.h"
#include "row/plain.h"

enum {
    KEY_BYTES_FIXED_MAX = 16,
    PIECE_BYTES = 16,
    SPARE_BYTES = 64,   /* that copying in whole pieces may write beyond the end */
    COPY_NONE = 0xffff, /* no tag of one byte */
};

/* ---- compile ---- */

/* Each column at most once, and of one cell: elements of a collection are put together elsewhere. */
static bool place_cells(const struct cql_table *table, const struct selection *selection, uint16_t *ordinals,
                        uint16_t *places)
{
    for (uint32_t i = 0; i < selection->count; i++) {
        uint32_t ordinal = selection->items[i].ordinal;
        const struct cql_column *column = &table->columns[ordinal];
        if (type_is_multicell(column->type) || column->type->id == TYPE_COUNTER ||
            places[column->id] != UINT16_MAX)
            return false;
        places[column->id] = (uint16_t)i;
        ordinals[i] = (uint16_t)ordinal;
    }
    return true;
}

/* How a value is made of its body in a key. Numbers and dates have their bits inverted, some of them. */
static enum copy_form form_of(struct key_column column, uint64_t *out_flip)
{
    uint8_t flip[8] = {0};
    if (column.kind == KEY_UUID)
        return COPY_UUID;
    if (column.kind != KEY_INT64)
        return COPY_DECODED;
    memset(flip, column.descending ? 0xff : 0, sizeof flip);
    flip[0] ^= 0x80;
    *out_flip = load_le64(flip);
    return COPY_FLIPPED;
}

static size_t make_keys(const struct cql_table *table, struct copy_hole *keys)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < table->clustering_count; i++) {
        struct key_column column = table->clustering[i];
        size_t fixed = key_fixed_bytes(column.kind);
        if (!fixed)
            return SIZE_MAX;
        keys[i] = (struct copy_hole){.column = column,
                                     .header = column.descending ? (uint8_t)~KEY_VALUE : KEY_VALUE,
                                     .bytes = (uint8_t)fixed,
                                     .mask = column.descending ? UINT64_MAX : 0};
        keys[i].form = form_of(column, &keys[i].flip);
        bytes += 1 + fixed;
    }
    return bytes;
}

static struct copy_tail tail_of(const struct cql_column *column, const struct copy_tail *before)
{
    struct copy_tail tail = {.column = column->id, .tag = COPY_NONE, .begin = UINT32_MAX};
    uint32_t distance = before ? column->id - before->column : column->id;
    if (distance < 1u << (7 - CELL_FLAG_BITS))
        tail.tag = (uint16_t)(distance << CELL_FLAG_BITS);
    size_t fixed = type_fixed_bytes(column->type);
    if (fixed && fixed <= PIECE_BYTES && tail.tag != COPY_NONE) {
        const uint8_t begin[2] = {(uint8_t)tail.tag, (uint8_t)fixed};
        tail.fixed = (uint8_t)fixed;
        tail.begin = load_le16(begin);
        store_be32(&tail.length, (uint32_t)fixed);
    }
    return tail;
}

static void order_cells(struct row_copy *copy, struct copy_tail *tail)
{
    copy->in_order = copy->key_bytes != SIZE_MAX;
    for (uint32_t i = 0; i < copy->count; i++) {
        const struct cql_column *column = &copy->table->columns[copy->ordinals[i]];
        const struct copy_tail *before = copy->tail_count ? &tail[copy->tail_count - 1] : NULL;
        if (column->kind == COLUMN_REGULAR) {
            if (before && before->column >= column->id)
                copy->in_order = false;
            tail[copy->tail_count++] = tail_of(column, before);
        } else {
            copy->clustering |= column->kind == COLUMN_CLUSTERING;
            copy->head_count++;
            if (before)
                copy->in_order = false;
        }
    }
}

bool row_copy_make(struct arena *arena, const struct cql_table *table, const struct selection *selection,
                   const struct row_copy **out_copy)
{
    *out_copy = NULL;
    if (!selection->plain || table->virtual_)
        return true;
    size_t count = selection->count, place_count = (size_t)table->next_column_id + 1;
    struct row_copy *copy = arena_calloc(arena, 1, sizeof *copy);
    uint16_t *ordinals = arena_calloc(arena, count, sizeof *ordinals);
    uint16_t *places = arena_alloc(arena, place_count * sizeof *places);
    struct copy_tail *tail = arena_calloc(arena, count, sizeof *tail);
    struct copy_hole *keys = arena_calloc(arena, table->clustering_count + 1, sizeof *keys);
    if (!copy || !ordinals || !places || !tail || !keys)
        return false;
    memset(places, 0xff, place_count * sizeof *places);
    if (!place_cells(table, selection, ordinals, places))
        return true;
    copy->table = table;
    copy->count = (uint32_t)count;
    copy->ordinals = ordinals;
    copy->places = places;
    copy->place_count = (uint32_t)place_count;
    copy->tail = tail;
    copy->keys = keys;
    copy->key_bytes = make_keys(table, keys);
    order_cells(copy, tail);
    *out_copy = copy;
    return true;
}

/* ---- cells ---- */

/* Values are short: whole pieces are copied where `left` bytes may be read and SPARE_BYTES beyond the value written. */
static inline void copy_value(uint8_t *to, const uint8_t *from, size_t bytes, size_t left)
{
    if (bytes <= 16 && left >= 16) {
        memcpy(to, from, 16);
    } else if (bytes <= 64 && left >= 64) {
        memcpy(to, from, 64);
    } else if (bytes > 16) {
        memcpy(to, from, bytes);
    } else if (bytes >= 8) {
        memcpy(to, from, 8);
        memcpy(to + bytes - 8, from + bytes - 8, 8);
    } else if (bytes >= 4) {
        memcpy(to, from, 4);
        memcpy(to + bytes - 4, from + bytes - 4, 4);
    } else if (bytes) {
        to[0] = from[0];
        to[bytes / 2] = from[bytes / 2];
        to[bytes - 1] = from[bytes - 1];
    }
}

static inline uint8_t *put_cell(uint8_t *at, struct slice value, size_t left)
{
    store_be32(at, (uint32_t)value.bytes);
    copy_value(at + 4, value.data, value.bytes, left);
    return at + 4 + value.bytes;
}

static inline uint8_t *put_null(uint8_t *at)
{
    store_be32(at, UINT32_MAX);
    return at + 4;
}

static inline bool make_room(struct buffer *rows, size_t bytes)
{
    return (rows->capacity_bytes - rows->bytes >= bytes && !rows->failed) || buffer_reserve(rows, bytes);
}

/* ---- partitions ---- */

bool copier_init(struct plan_run *run, const struct row_copy *copy, struct row_copier *out_copier)
{
    size_t keys = copy->table->clustering_count;
    *out_copier = (struct row_copier){.copy = copy, .run = run, .rows = &run->result->rows};
    out_copier->cells = arena_alloc(run->scratch, copy->count * sizeof *out_copier->cells);
    out_copier->keys = arena_bytes(run->scratch, keys * KEY_BYTES_FIXED_MAX + 1);
    out_copier->holes = arena_alloc(run->scratch, (keys + 1) * sizeof *out_copier->holes);
    out_copier->holes_end = out_copier->holes + keys;
    out_copier->key_ends = arena_alloc(run->scratch, (keys + 1) * sizeof *out_copier->key_ends);
    bool made = out_copier->cells && out_copier->keys && out_copier->holes && out_copier->key_ends;
    return made ? true : run_nomem(run);
}

/* The cells that every row of the partition begins with; what stands in the place of clustering columns is written over. */
static status make_head(struct row_copier *copier)
{
    const struct row_copy *copy = copier->copy;
    const struct cql_table *table = copy->table;
    struct buffer *head = &copier->run->workspace->head;
    static const uint8_t blank[KEY_BYTES_FIXED_MAX];
    buffer_clear(head);
    for (uint32_t i = 0; i < table->clustering_count; i++) {
        copier->holes[i] = copy->keys[i];
        copier->holes[i].form = COPY_SKIPPED;
    }
    for (uint32_t i = 0; i < copy->head_count; i++) {
        const struct cql_column *column = &table->columns[copy->ordinals[i]];
        struct slice value = copier->cells[i];
        if (column->kind == COLUMN_CLUSTERING) {
            struct copy_hole *hole = &copier->holes[column->position];
            hole->form = copy->keys[column->position].form;
            hole->at = (uint32_t)head->bytes + 4;
            value = slice_of(blank, hole->bytes);
        }
        buffer_append_be32(head, value.data ? (uint32_t)value.bytes : UINT32_MAX);
        buffer_append_slice(head, value);
    }
    buffer_reserve(head, SPARE_BYTES); /* the last block may reach beyond the end */
    copier->head = head->data;
    copier->head_bytes = head->bytes;
    copier->spare_bytes = head->bytes + SPARE_BYTES + 4 * (size_t)copy->tail_count;
    return buffer_status(head);
}

status copier_partition(struct row_copier *copier, const struct row_slots *slots)
{
    const struct row_copy *copy = copier->copy;
    for (uint32_t i = 0; i < copy->count; i++) {
        const struct row_slot *slot = &slots->items[copy->ordinals[i]];
        enum column_kind kind = copy->table->columns[copy->ordinals[i]].kind;
        bool constant = kind == COLUMN_PARTITION || kind == COLUMN_STATIC;
        copier->cells[i] = constant && slot->present ? slot->value : (struct slice){0};
    }
    return copy->in_order ? make_head(copier) : STATUS_DONE;
}

/* ---- the quick way ---- */

static inline bool put_keys(const struct row_copier *copier, const uint8_t *at, uint8_t *out)
{
    for (const struct copy_hole *hole = copier->holes; hole != copier->holes_end; hole++) {
        if (*at++ != hole->header)
            return false;
        uint8_t *wire = out + hole->at;
        switch (hole->form) {
        case COPY_FLIPPED: store_le64(wire, load_le64(at) ^ hole->flip); break;
        case COPY_UUID:
            store_be64(wire, key_uuid_from_ordered(load_be64(at) ^ hole->mask));
            store_le64(wire + 8, load_le64(at + 8) ^ hole->mask);
            break;
        case COPY_DECODED:
            if (!key_take_fixed(at, hole->column, wire))
                return false;
            break;
        case COPY_SKIPPED: break;
        }
        at += hole->bytes;
    }
    return true;
}

/* The cells of the tail for as long as they are the ones that are there, which is nearly always to the end. */
static inline const struct copy_tail *put_expected(const struct copy_tail *tail, const struct copy_tail *end,
                                                   const uint8_t **image, const uint8_t *image_end,
                                                   uint8_t **out)
{
    const uint8_t *at = *image;
    uint8_t *to = *out;
    for (; tail != end; tail++) {
        size_t left = (size_t)(image_end - at), head = 2, bytes = tail->fixed;
        if (left < 3)
            break;
        if (load_le16(at) == tail->begin && left >= 2 + PIECE_BYTES) {
            memcpy(to, &tail->length, 4);
            memcpy(to + 4, at + 2, PIECE_BYTES);
            to += 4 + bytes;
            at += 2 + bytes;
            continue;
        }
        if (at[0] != tail->tag)
            break;
        bytes = at[1];
        if (bytes >= 0x80) {
            bytes = (bytes & 0x7f) | (size_t)at[2] << 7;
            head = at[2] < 0x80 ? 3 : left;
        }
        if (bytes > left - head)
            break;
        to = put_cell(to, slice_of(at + head, bytes), left - head);
        at += head + bytes;
    }
    *image = at;
    *out = to;
    return tail;
}

static uint8_t *put_others(const struct row_copy *copy, struct plain_reader *reader,
                           const struct copy_tail *tail, uint8_t *out)
{
    const struct copy_tail *end = copy->tail + copy->tail_count;
    uint32_t column;
    struct slice value;
    while (plain_next(reader, &column, &value)) {
        for (; tail != end && tail->column < column; tail++)
            out = put_null(out);
        if (tail != end && tail->column == column) {
            out = put_cell(out, value, value.bytes);
            tail++;
        }
    }
    for (; tail != end; tail++)
        out = put_null(out);
    return out;
}

/* Where the row ends in the result; NULL when it must go the other way, or when there is no room for it. */
static inline uint8_t *put_quick(const struct row_copier *copier, const struct row_view *row)
{
    const struct row_copy *copy = copier->copy;
    struct buffer *rows = copier->rows;
    struct plain_reader reader;
    if (row->clustering.bytes != copy->key_bytes || !plain_open(row->image, &reader) ||
        !make_room(rows, copier->spare_bytes + row->image.bytes))
        return NULL;

    uint8_t *out = rows->data + rows->bytes;
    size_t head_bytes = copier->head_bytes;
    memcpy(out, copier->head, SPARE_BYTES);
    for (size_t i = SPARE_BYTES; i < head_bytes; i += SPARE_BYTES)
        memcpy(out + i, copier->head + i, SPARE_BYTES);
    if (!put_keys(copier, row->clustering.data, out))
        return NULL;
    out += head_bytes;

    const struct copy_tail *tail = copy->tail, *end = tail + copy->tail_count;
    const uint8_t *at = reader.at;
    if (reader.cells_left < copy->tail_count)
        end = tail + reader.cells_left;
    end = put_expected(tail, end, &at, reader.end, &out);
    uint32_t taken = (uint32_t)(end - tail);
    if (taken == reader.cells_left && taken == copy->tail_count)
        return at == reader.end ? out : NULL;
    if (taken)
        plain_skip(&reader, at, end[-1].column, taken);
    out = put_others(copy, &reader, end, out);
    return plain_ended(&reader) ? out : NULL;
}

static bool is_past(const struct cursor *cursor, const struct slice *bound)
{
    int order = slice_compare(cursor->row.clustering, *bound);
    return cursor->reverse ? order < 0 : order >= 0;
}

status copier_rows(struct row_copier *copier, struct cursor *cursor, const struct slice *bound, uint32_t most,
                   size_t bytes_max, uint32_t *out_copied, bool *out_moved)
{
    struct buffer *rows = copier->rows;
    uint32_t copied = 0;
    bool moved = false;
    while (copied < most && rows->bytes < bytes_max && copier->copy->in_order) {
        TRY(cursor_next(cursor));
        moved = true;
        uint8_t *end = NULL;
        if (cursor->on_row && (!bound || !is_past(cursor, bound)))
            end = put_quick(copier, &cursor->row);
        if (!end)
            break;
        moved = false;
        rows->bytes = (size_t)(end - rows->data);
        copied++;
    }
    copier->run->result->row_count += copied;
    copier->run->result->rows_copied += copied;
    *out_copied = copied;
    *out_moved = moved;
    return STATUS_DONE;
}

/* ---- any row ---- */

static void note(struct row_copier *copier, uint32_t column, struct slice value)
{
    const struct row_copy *copy = copier->copy;
    if (column < copy->place_count && copy->places[column] != UINT16_MAX)
        copier->cells[copy->places[column]] = value;
}

/* The live cells of a row of any form. */
static status note_live_cells(struct row_copier *copier, struct slice image, bool *out_live,
                              uint64_t *tombstones)
{
    struct live_reader reader;
    TRY(live_open(image, DELETION_NONE, copier->run->now_s, &reader));
    bool lives = reader.marker_lives;
    for (;;) {
        struct cell cell;
        bool more;
        TRY(live_next_cell(&reader, &cell, &more));
        if (!more)
            break;
        lives = true;
        note(copier, cell.column, cell.value);
    }
    *out_live = lives;
    *tombstones += reader.tombstones;
    return STATUS_DONE;
}

static void forget_cells(struct row_copier *copier)
{
    for (uint32_t i = 0; i < copier->copy->tail_count; i++)
        note(copier, copier->copy->tail[i].column, (struct slice){0});
}

static status note_cells(struct row_copier *copier, struct slice image, bool *out_live, uint64_t *tombstones)
{
    struct plain_reader reader;
    uint32_t column;
    struct slice value;
    forget_cells(copier);
    if (plain_open(image, &reader)) {
        while (plain_next(&reader, &column, &value))
            note(copier, column, value);
        *out_live = true;
        if (plain_ended(&reader))
            return STATUS_DONE;
        forget_cells(copier);
    }
    return note_live_cells(copier, image, out_live, tombstones);
}

/* Clustering columns of fixed size, none of them empty. */
static bool note_fixed_keys(struct row_copier *copier, struct slice clustering)
{
    const struct row_copy *copy = copier->copy;
    const struct cql_column *columns = copy->table->columns + copy->table->partition_count;
    const uint8_t *at = clustering.data;
    uint8_t *wire = copier->keys;
    if (clustering.bytes != copy->key_bytes)
        return false;
    for (uint32_t i = 0; i < copy->table->clustering_count; i++) {
        const struct copy_hole *key = &copy->keys[i];
        if (*at != key->header || !key_take_fixed(at + 1, key->column, wire))
            return false;
        note(copier, columns[i].id, slice_of(wire, key->bytes));
        at += 1 + key->bytes;
        wire += KEY_BYTES_FIXED_MAX;
    }
    return true;
}

/* Decoding may move the buffer, so values are placed after the last column is decoded. */
static status note_keys(struct row_copier *copier, struct slice clustering)
{
    const struct cql_table *table = copier->copy->table;
    struct buffer *wire = &copier->run->workspace->wire;
    struct reader in = reader_of(clustering);
    uint32_t *ends = copier->key_ends;
    if (note_fixed_keys(copier, clustering))
        return STATUS_DONE;
    buffer_clear(wire);
    for (uint32_t i = 0; i < table->clustering_count; i++) {
        TRY(key_take(&in, table->clustering[i], wire));
        ends[i] = (uint32_t)wire->bytes;
    }
    TRY(buffer_status(wire));
    for (uint32_t i = 0, from = 0; i < table->clustering_count; from = ends[i++])
        note(copier, table->columns[table->partition_count + i].id,
             slice_of(wire->data ? wire->data + from : (const uint8_t *)"", ends[i] - from));
    return STATUS_DONE;
}

static status put_cells(struct row_copier *copier)
{
    const struct row_copy *copy = copier->copy;
    struct buffer *rows = copier->rows;
    size_t bytes = 4 * (size_t)copy->count;
    for (uint32_t i = 0; i < copy->count; i++)
        bytes += copier->cells[i].bytes;
    if (!make_room(rows, bytes + SPARE_BYTES))
        return buffer_status(rows);
    uint8_t *at = rows->data + rows->bytes;
    for (uint32_t i = 0; i < copy->count; i++)
        at = copier->cells[i].data ? put_cell(at, copier->cells[i], copier->cells[i].bytes) : put_null(at);
    rows->bytes += bytes;
    copier->run->result->row_count++;
    return STATUS_DONE;
}

status copier_row(struct row_copier *copier, const struct row_view *row, bool *out_live, uint64_t *tombstones)
{
    TRY(note_cells(copier, row->image, out_live, tombstones));
    if (!*out_live)
        return STATUS_DONE;
    if (copier->copy->clustering)
        TRY(note_keys(copier, row->clustering));
    return put_cells(copier);
}
