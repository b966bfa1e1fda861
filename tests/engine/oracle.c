#include "oracle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

/* The winning write to one cell, or to a row's marker. */
struct won {
    bool any, dead;
    int64_t timestamp;
    int32_t ttl_s;
    int64_t expiry_s; /* of a dead one: when it was deleted */
    char *value;
    size_t bytes;
};

struct oracle_row {
    struct won marker;
    struct won cells[ORACLE_COLUMNS];
    bool deleted;
    int64_t deleted_at;
};

struct oracle_partition {
    bool deleted;
    int64_t deleted_at;
    struct oracle_row fixed; /* the static row */
    struct oracle_row rows[ORACLE_ROWS];
    bool range_deleted[ORACLE_ROWS]; /* a range covers rows one by one */
    int64_t range_deleted_at[ORACLE_ROWS];
};

struct oracle {
    struct oracle_partition tables[ORACLE_TABLES][ORACLE_PARTITIONS];
};

struct oracle *oracle_new(void)
{
    return calloc(1, sizeof(struct oracle));
}

static void row_clear(struct oracle_row *row)
{
    for (unsigned i = 0; i < ORACLE_COLUMNS; i++)
        free(row->cells[i].value);
    memset(row, 0, sizeof *row);
}

static void partition_clear(struct oracle_partition *partition)
{
    row_clear(&partition->fixed);
    for (unsigned i = 0; i < ORACLE_ROWS; i++)
        row_clear(&partition->rows[i]);
    memset(partition, 0, sizeof *partition);
}

void oracle_clear(struct oracle *oracle, uint64_t table_id)
{
    for (unsigned i = 0; i < ORACLE_PARTITIONS; i++)
        partition_clear(&oracle->tables[table_id][i]);
}

void oracle_free(struct oracle *oracle)
{
    for (unsigned i = 0; oracle && i < ORACLE_TABLES; i++)
        oracle_clear(oracle, i);
    free(oracle);
}

/* ---- who wins ---- */

static bool wins(const struct won *fresh, const struct won *old)
{
    if (!old->any)
        return true;
    if (fresh->timestamp != old->timestamp)
        return fresh->timestamp > old->timestamp; /* TS-1 */
    if (fresh->dead != old->dead)
        return fresh->dead; /* TS-5 */
    if (fresh->dead)
        return fresh->expiry_s > old->expiry_s; /* TS-10 */
    if ((fresh->ttl_s > 0) != (old->ttl_s > 0))
        return fresh->ttl_s > 0; /* TS-6 */
    if (fresh->ttl_s > 0 && fresh->expiry_s != old->expiry_s)
        return fresh->expiry_s > old->expiry_s; /* TS-7 */
    size_t common = fresh->bytes < old->bytes ? fresh->bytes : old->bytes;
    int order = common ? memcmp(fresh->value, old->value, common) : 0;
    return order ? order > 0 : fresh->bytes > old->bytes; /* TS-9 */
}

static void settle(struct won *slot, struct won fresh)
{
    if (wins(&fresh, slot)) {
        free(slot->value);
        *slot = fresh;
    } else {
        free(fresh.value);
    }
}

/* ---- writing ---- */

static void raise_deletion(bool *deleted, int64_t *deleted_at, int64_t timestamp)
{
    if (!*deleted || timestamp > *deleted_at)
        *deleted_at = timestamp;
    *deleted = true;
}

static void write_cells(struct oracle_row *row, const struct write *write, int64_t now_s)
{
    struct won base = {.any = true, .timestamp = write->timestamp, .ttl_s = write->ttl_s};
    base.expiry_s = write->ttl_s ? now_s + write->ttl_s : 0;
    if (!write->update && write->row != STATIC_ROW)
        settle(&row->marker, base);
    for (unsigned i = 0; i < write->cell_count; i++) {
        struct won fresh = base;
        assert_true(write->cells[i].column < ORACLE_COLUMNS);
        if (write->cells[i].dead) {
            fresh.dead = true;
            fresh.ttl_s = 0;
            fresh.expiry_s = now_s;
        } else {
            fresh.bytes = write->cells[i].value.bytes;
            fresh.value = malloc(fresh.bytes + 1);
            memcpy(fresh.value, write->cells[i].value.data, fresh.bytes);
        }
        settle(&row->cells[write->cells[i].column], fresh);
    }
}

static void write_one(struct oracle_partition *partition, const struct write *write, int64_t now_s)
{
    struct oracle_row *row = write->row >= 0 ? &partition->rows[write->row] : &partition->fixed;
    switch (write->kind) {
    case WRITE_DELETE_PARTITION:
        raise_deletion(&partition->deleted, &partition->deleted_at, write->timestamp);
        break;
    case WRITE_DELETE_ROW: raise_deletion(&row->deleted, &row->deleted_at, write->timestamp); break;
    case WRITE_DELETE_RANGE:
        for (int64_t i = write->row; i < write->row_end; i++)
            raise_deletion(&partition->range_deleted[i], &partition->range_deleted_at[i], write->timestamp);
        break;
    case WRITE_ROW: write_cells(row, write, now_s); break;
    }
}

void oracle_apply(struct oracle *oracle, const char *text, int64_t now_s)
{
    struct write write;
    while (text) {
        text = write_parse(text, &write);
        unsigned partition = (unsigned)(write.key.data[1] - '0');
        assert_true(write.key.bytes == 2 && partition < ORACLE_PARTITIONS && write.table_id < ORACLE_TABLES);
        write_one(&oracle->tables[write.table_id][partition], &write, now_s);
    }
}

/* ---- reading ---- */

/* Everything up to this timestamp is gone (TS-13). */
struct cover {
    bool any;
    int64_t timestamp;
};

static void cover_more(struct cover *cover, bool deleted, int64_t timestamp)
{
    if (deleted && (!cover->any || timestamp > cover->timestamp))
        *cover = (struct cover){true, timestamp};
}

static bool visible(const struct won *won, struct cover cover, int64_t now_s)
{
    if (!won->any || won->dead || (cover.any && won->timestamp <= cover.timestamp))
        return false;
    return won->ttl_s == 0 || now_s < won->expiry_s; /* TTL-6 */
}

/* Append the row when it is live (DEL-4). */
static bool show_row(const struct oracle_row *row, struct cover cover, unsigned partition, const char *name,
                     int64_t now_s, struct buffer *out)
{
    bool live = visible(&row->marker, cover, now_s);
    for (unsigned i = 0; i < ORACLE_COLUMNS; i++)
        live = live || visible(&row->cells[i], cover, now_s);
    if (!live)
        return false;
    buffer_printf(out, "%sp%u/%s", out->bytes ? "; " : "", partition, name);
    for (unsigned i = 0; i < ORACLE_COLUMNS; i++)
        if (visible(&row->cells[i], cover, now_s))
            buffer_printf(out, " %c=%.*s", 'a' + (int)i, (int)row->cells[i].bytes, row->cells[i].value);
    return true;
}

static bool show_numbered(const struct oracle_partition *partition, unsigned number, unsigned row,
                          int64_t now_s, struct buffer *out)
{
    struct cover cover = {0};
    char name[16];
    cover_more(&cover, partition->deleted, partition->deleted_at);
    cover_more(&cover, partition->range_deleted[row], partition->range_deleted_at[row]);
    cover_more(&cover, partition->rows[row].deleted, partition->rows[row].deleted_at);
    snprintf(name, sizeof name, "%u", row);
    return show_row(&partition->rows[row], cover, number, name, now_s, out);
}

void oracle_contents(const struct oracle *oracle, uint64_t table_id, const unsigned order[ORACLE_PARTITIONS],
                     int64_t now_s, struct buffer *out)
{
    for (unsigned i = 0; i < ORACLE_PARTITIONS; i++) {
        const struct oracle_partition *partition = &oracle->tables[table_id][order[i]];
        struct cover cover = {0};
        cover_more(&cover, partition->deleted, partition->deleted_at); /* TS-14: covers the static row */
        show_row(&partition->fixed, cover, order[i], "s", now_s, out);
        for (unsigned row = 0; row < ORACLE_ROWS; row++)
            show_numbered(partition, order[i], row, now_s, out);
    }
}

void oracle_slice(const struct oracle *oracle, uint64_t table_id, unsigned partition, bool reverse,
                  int64_t from, unsigned limit, int64_t now_s, struct buffer *out)
{
    const struct oracle_partition *rows = &oracle->tables[table_id][partition];
    unsigned shown = 0;
    if (reverse) {
        for (int64_t i = from == NO_ROW ? ORACLE_ROWS : from; i-- > 0 && shown < limit;)
            shown += show_numbered(rows, partition, (unsigned)i, now_s, out);
    } else {
        for (int64_t i = from == NO_ROW ? 0 : from; i < ORACLE_ROWS && shown < limit; i++)
            shown += show_numbered(rows, partition, (unsigned)i, now_s, out);
    }
}
