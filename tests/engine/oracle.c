#include "oracle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

const char *const oracle_paths[ORACLE_PATHS] = {"a", "aa", "aab", "ab", "b", "k", "kk", "z"};

/* The winning write to one cell or element, or to a row's marker. */
struct won {
    bool any, dead, counter;
    int64_t timestamp;
    int32_t ttl_s;
    int64_t expiry_s; /* of a dead one: when it was deleted */
    int64_t total;    /* of a counter */
    char *value;
    size_t bytes;
};

struct oracle_column {
    struct won cell;
    bool deleted; /* its elements, up to a timestamp */
    int64_t deleted_at;
    struct won elements[ORACLE_PATHS];
};

struct oracle_row {
    struct won marker;
    struct oracle_column columns[ORACLE_COLUMNS];
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
    bool counters_restart;
    struct oracle_counts *counts;                   /* owned */
    struct oracle_partition *tables[ORACLE_TABLES]; /* owned; NULL until asked for; ORACLE_PARTITIONS each */
};

struct oracle *oracle_new(void)
{
    struct oracle *oracle = calloc(1, sizeof(struct oracle));
    assert_non_null(oracle);
    oracle->counts = calloc(1, sizeof *oracle->counts);
    assert_non_null(oracle->counts);
    return oracle;
}

void oracle_counters_restart(struct oracle *oracle)
{
    oracle->counters_restart = true;
}

static struct oracle_partition *table_of(struct oracle *oracle, uint64_t table_id)
{
    assert_true(table_id < ORACLE_TABLES);
    if (!oracle->tables[table_id])
        oracle->tables[table_id] = calloc(ORACLE_PARTITIONS, sizeof(struct oracle_partition));
    assert_non_null(oracle->tables[table_id]);
    return oracle->tables[table_id];
}

static void row_clear(struct oracle_row *row)
{
    for (unsigned i = 0; i < ORACLE_COLUMNS; i++) {
        free(row->columns[i].cell.value);
        for (unsigned j = 0; j < ORACLE_PATHS; j++)
            free(row->columns[i].elements[j].value);
    }
}

void oracle_clear(struct oracle *oracle, uint64_t table_id)
{
    for (unsigned i = 0; i < ORACLE_PARTITIONS && oracle->tables[table_id]; i++) {
        row_clear(&oracle->tables[table_id][i].fixed);
        for (unsigned row = 0; row < ORACLE_ROWS; row++)
            row_clear(&oracle->tables[table_id][i].rows[row]);
    }
    free(oracle->tables[table_id]);
    oracle->tables[table_id] = NULL;
}

void oracle_free(struct oracle *oracle)
{
    for (unsigned i = 0; oracle && i < ORACLE_TABLES; i++)
        oracle_clear(oracle, i);
    if (oracle)
        free(oracle->counts);
    free(oracle);
}

/* ---- who wins ---- */

static enum oracle_event meet(const struct oracle *oracle, const struct won *fresh, const struct won *old,
                              bool *out_wins)
{
    *out_wins = true;
    if (!old->any)
        return MET_NOTHING;
    if (fresh->counter != old->counter && !oracle->counters_restart) { /* CNT-5 */
        *out_wins = old->counter;
        return MET_FINAL_DELETE;
    }
    *out_wins = fresh->timestamp > old->timestamp;
    if (fresh->timestamp != old->timestamp)
        return *out_wins ? MET_OLDER : MET_NEWER; /* TS-1 */
    *out_wins = fresh->dead;
    if (fresh->dead != old->dead)
        return TIE_WITH_TOMBSTONE; /* TS-5 */
    *out_wins = fresh->expiry_s > old->expiry_s;
    if (fresh->dead)
        return TIE_OF_TOMBSTONES; /* TS-10 */
    *out_wins = fresh->ttl_s > 0;
    if ((fresh->ttl_s > 0) != (old->ttl_s > 0))
        return TIE_OF_VALUES; /* TS-6 */
    *out_wins = fresh->expiry_s > old->expiry_s;
    if (fresh->ttl_s > 0 && fresh->expiry_s != old->expiry_s)
        return TIE_OF_VALUES; /* TS-7 */
    *out_wins = fresh->total > old->total;
    if (fresh->counter)
        return TIE_OF_VALUES;
    size_t common = fresh->bytes < old->bytes ? fresh->bytes : old->bytes;
    int order = common ? memcmp(fresh->value, old->value, common) : 0;
    *out_wins = order ? order > 0 : fresh->bytes > old->bytes; /* TS-9 */
    return TIE_OF_VALUES;
}

static void settle(const struct oracle *oracle, enum oracle_place place, struct won *slot, struct won fresh)
{
    bool wins;
    oracle->counts->events[place][meet(oracle, &fresh, slot, &wins)]++;
    if (wins) {
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

static unsigned path_number(struct slice path)
{
    unsigned number = 0;
    while (number < ORACLE_PATHS && !slice_equal(slice_text(oracle_paths[number]), path))
        number++;
    assert_true(number < ORACLE_PATHS);
    return number;
}

static void write_cell(const struct oracle *oracle, struct oracle_row *row, const struct write *write,
                       const struct write_cell *cell, int64_t now_s)
{
    assert_true(cell->column < ORACLE_COLUMNS);
    struct oracle_column *column = &row->columns[cell->column];
    struct won fresh = {.any = true, .timestamp = write->timestamp};
    if (cell->place == PLACE_COLLECTION) {
        raise_deletion(&column->deleted, &column->deleted_at, write->timestamp - cell->just_before);
        oracle->counts->complex_deletions++;
        return;
    }
    if (cell->dead) {
        fresh.dead = true;
        fresh.expiry_s = now_s;
    } else if (cell->place == PLACE_COUNTER) {
        fresh.counter = true;
        fresh.total = cell->total;
    } else {
        fresh.ttl_s = write->ttl_s;
        fresh.expiry_s = write->ttl_s ? now_s + write->ttl_s : 0;
        fresh.bytes = cell->value.bytes;
        fresh.value = malloc(fresh.bytes + 1);
        memcpy(fresh.value, cell->value.data, fresh.bytes);
    }
    if (cell->place == PLACE_ELEMENT)
        settle(oracle, ORACLE_ELEMENT, &column->elements[path_number(cell->path)], fresh);
    else
        settle(oracle, fresh.counter || column->cell.counter ? ORACLE_COUNTER : ORACLE_CELL, &column->cell,
               fresh);
}

static void write_row(const struct oracle *oracle, struct oracle_row *row, const struct write *write,
                      int64_t now_s)
{
    struct won marker = {.any = true, .timestamp = write->timestamp, .ttl_s = write->ttl_s};
    marker.expiry_s = write->ttl_s ? now_s + write->ttl_s : 0;
    if (!write->update && write->row != STATIC_ROW)
        settle(oracle, ORACLE_MARKER, &row->marker, marker);
    oracle->counts->static_rows += write->row == STATIC_ROW;
    for (unsigned i = 0; i < write->cell_count; i++)
        write_cell(oracle, row, write, &write->cells[i], now_s);
}

static void write_one(const struct oracle *oracle, struct oracle_partition *partition,
                      const struct write *write, int64_t now_s)
{
    struct oracle_row *row = write->row >= 0 ? &partition->rows[write->row] : &partition->fixed;
    switch (write->kind) {
    case WRITE_DELETE_PARTITION:
        raise_deletion(&partition->deleted, &partition->deleted_at, write->timestamp);
        oracle->counts->partition_deletions++;
        break;
    case WRITE_DELETE_ROW:
        raise_deletion(&row->deleted, &row->deleted_at, write->timestamp);
        oracle->counts->row_deletions++;
        break;
    case WRITE_DELETE_RANGE:
        for (int64_t i = write->row; i < write->row_end; i++)
            raise_deletion(&partition->range_deleted[i], &partition->range_deleted_at[i], write->timestamp);
        oracle->counts->range_deletions++;
        break;
    case WRITE_ROW: write_row(oracle, row, write, now_s); break;
    }
}

void oracle_apply(struct oracle *oracle, const char *text, int64_t now_s)
{
    struct write write;
    while (text) {
        text = write_parse(text, &write);
        unsigned partition = (unsigned)(write.key.data[1] - '0');
        assert_true(write.key.bytes == 2 && partition < ORACLE_PARTITIONS);
        write_one(oracle, &table_of(oracle, write.table_id)[partition], &write, now_s);
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

static enum oracle_event look(const struct won *won, struct cover cover, int64_t now_s)
{
    if (cover.any && won->timestamp <= cover.timestamp)
        return READ_COVERED;
    if (won->dead)
        return READ_DEAD;
    return won->ttl_s == 0 || now_s < won->expiry_s ? READ_LIVE : READ_EXPIRED; /* TTL-6 */
}

static bool visible(const struct won *won, struct cover cover, int64_t now_s)
{
    return won->any && look(won, cover, now_s) == READ_LIVE;
}

static void count_look(const struct oracle *oracle, enum oracle_place place, const struct won *won,
                       struct cover cover, int64_t now_s)
{
    if (won->any)
        oracle->counts->events[won->counter ? ORACLE_COUNTER : place][look(won, cover, now_s)]++;
}

static void show_value(const struct won *won, struct buffer *out)
{
    if (won->counter)
        buffer_printf(out, "#%lld", (long long)won->total);
    else
        buffer_printf(out, "=%.*s", (int)won->bytes, won->value);
}

/* Append what lives of a column. */
static void show_column(const struct oracle *oracle, const struct oracle_column *column, char name,
                        struct cover cover, int64_t now_s, struct buffer *out)
{
    struct cover under = cover; /* elements also lie under the deletion of their column, DEL-3 */
    cover_more(&under, column->deleted, column->deleted_at);
    count_look(oracle, ORACLE_CELL, &column->cell, cover, now_s);
    if (visible(&column->cell, cover, now_s)) {
        buffer_printf(out, " %c", name);
        show_value(&column->cell, out);
    }
    for (unsigned i = 0; i < ORACLE_PATHS; i++) {
        const struct won *element = &column->elements[i];
        if (element->any && look(element, under, now_s) == READ_COVERED &&
            look(element, cover, now_s) != READ_COVERED)
            oracle->counts->events[ORACLE_ELEMENT][READ_COVERED_BY_COMPLEX]++;
        else
            count_look(oracle, ORACLE_ELEMENT, element, cover, now_s);
        if (!visible(element, under, now_s))
            continue;
        buffer_printf(out, " %c[%s]", name, oracle_paths[i]);
        show_value(element, out);
    }
}

/* Append the row when it is live (DEL-4). */
static bool show_row(const struct oracle *oracle, const struct oracle_row *row, struct cover cover,
                     unsigned partition, const char *name, int64_t now_s, struct buffer *out)
{
    size_t before = out->bytes;
    buffer_printf(out, "%sp%u/%s", out->bytes ? "; " : "", partition, name);
    size_t head = out->bytes;
    count_look(oracle, ORACLE_MARKER, &row->marker, cover, now_s);
    for (unsigned i = 0; i < ORACLE_COLUMNS; i++)
        show_column(oracle, &row->columns[i], (char)('a' + i), cover, now_s, out);
    if (out->bytes > head || visible(&row->marker, cover, now_s))
        return true;
    out->bytes = before;
    return false;
}

static bool show_numbered(const struct oracle *oracle, const struct oracle_partition *partition,
                          unsigned number, unsigned row, int64_t now_s, struct buffer *out)
{
    struct cover cover = {0};
    char name[16];
    cover_more(&cover, partition->deleted, partition->deleted_at);
    cover_more(&cover, partition->range_deleted[row], partition->range_deleted_at[row]);
    cover_more(&cover, partition->rows[row].deleted, partition->rows[row].deleted_at);
    snprintf(name, sizeof name, "%u", row);
    return show_row(oracle, &partition->rows[row], cover, number, name, now_s, out);
}

void oracle_contents(const struct oracle *oracle, uint64_t table_id, const unsigned order[ORACLE_PARTITIONS],
                     int64_t now_s, struct buffer *out)
{
    if (!oracle->tables[table_id])
        return;
    for (unsigned i = 0; i < ORACLE_PARTITIONS; i++) {
        const struct oracle_partition *partition = &oracle->tables[table_id][order[i]];
        struct cover cover = {0};
        cover_more(&cover, partition->deleted, partition->deleted_at); /* TS-14: covers the static row */
        show_row(oracle, &partition->fixed, cover, order[i], "s", now_s, out);
        for (unsigned row = 0; row < ORACLE_ROWS; row++)
            show_numbered(oracle, partition, order[i], row, now_s, out);
    }
}

void oracle_slice(const struct oracle *oracle, uint64_t table_id, unsigned partition, bool reverse,
                  int64_t from, unsigned limit, int64_t now_s, struct buffer *out)
{
    if (!oracle->tables[table_id])
        return;
    const struct oracle_partition *rows = &oracle->tables[table_id][partition];
    unsigned shown = 0;
    if (reverse) {
        for (int64_t i = from == NO_ROW ? ORACLE_ROWS : from; i-- > 0 && shown < limit;)
            shown += show_numbered(oracle, rows, partition, (unsigned)i, now_s, out);
    } else {
        for (int64_t i = from == NO_ROW ? 0 : from; i < ORACLE_ROWS && shown < limit; i++)
            shown += show_numbered(oracle, rows, partition, (unsigned)i, now_s, out);
    }
}

/* ---- what was counted ---- */

void oracle_counts_add(const struct oracle *oracle, struct oracle_counts *sum)
{
    const struct oracle_counts *counts = oracle->counts;
    for (unsigned place = 0; place < ORACLE_PLACES; place++)
        for (unsigned event = 0; event < ORACLE_EVENTS; event++)
            sum->events[place][event] += counts->events[place][event];
    sum->partition_deletions += counts->partition_deletions;
    sum->range_deletions += counts->range_deletions;
    sum->row_deletions += counts->row_deletions;
    sum->complex_deletions += counts->complex_deletions;
    sum->static_rows += counts->static_rows;
}

void oracle_counts_check(const struct oracle_counts *counts)
{
    static const unsigned all = 1U << MET_NOTHING | 1U << MET_OLDER | 1U << MET_NEWER | 1U << TIE_OF_VALUES |
                                1U << READ_LIVE | 1U << READ_COVERED;
    static const unsigned cells =
        1U << TIE_WITH_TOMBSTONE | 1U << TIE_OF_TOMBSTONES | 1U << READ_DEAD | 1U << READ_EXPIRED;
    static const unsigned expected[ORACLE_PLACES] = {
        [ORACLE_MARKER] = all | 1U << READ_EXPIRED,
        [ORACLE_CELL] = all | cells,
        [ORACLE_ELEMENT] = all | cells | 1U << READ_COVERED_BY_COMPLEX,
        [ORACLE_COUNTER] = all | 1U << TIE_WITH_TOMBSTONE | 1U << MET_FINAL_DELETE,
    };
    for (unsigned place = 0; place < ORACLE_PLACES; place++)
        for (unsigned event = 0; event < ORACLE_EVENTS; event++)
            if (expected[place] & 1U << event && !counts->events[place][event])
                fail_msg("event %u of place %u never happened", event, place);
    assert_true(counts->partition_deletions && counts->range_deletions && counts->row_deletions);
    assert_true(counts->complex_deletions && counts->static_rows);
}

void oracle_counts_print(const struct oracle_counts *counts)
{
    static const char *const events[ORACLE_EVENTS] = {
        [MET_NOTHING] = "met nothing",
        [MET_OLDER] = "met an older one",
        [MET_NEWER] = "met a newer one",
        [TIE_WITH_TOMBSTONE] = "tie, one is dead (TS-5)",
        [TIE_OF_TOMBSTONES] = "tie, both are dead (TS-10)",
        [TIE_OF_VALUES] = "tie of values (TS-9)",
        [MET_FINAL_DELETE] = "final delete (CNT-5)",
        [READ_LIVE] = "read: live",
        [READ_DEAD] = "read: dead",
        [READ_EXPIRED] = "read: expired",
        [READ_COVERED] = "read: covered",
        [READ_COVERED_BY_COMPLEX] = "read: covered (DEL-3)",
    };
    print_message(
        "deletions: %llu of partitions, %llu of ranges, %llu of rows, %llu complex; %llu static rows\n",
        counts->partition_deletions, counts->range_deletions, counts->row_deletions,
        counts->complex_deletions, counts->static_rows);
    print_message("%-28s %10s %10s %10s %10s\n", "", "marker", "cell", "element", "counter");
    for (unsigned i = 0; i < ORACLE_EVENTS; i++)
        print_message("%-28s %10llu %10llu %10llu %10llu\n", events[i], counts->events[ORACLE_MARKER][i],
                      counts->events[ORACLE_CELL][i], counts->events[ORACLE_ELEMENT][i],
                      counts->events[ORACLE_COUNTER][i]);
}
