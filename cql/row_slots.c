#include "cql/row_slots.h"

#include "cql/restriction.h"
#include "row/live.h"

bool slot_map_make(struct arena *arena, const struct cql_table *table, struct slot_map *out_map)
{
    uint32_t count = table->next_column_id + 1;
    uint16_t *ordinals = arena_alloc(arena, count * sizeof *ordinals);
    uint16_t *regulars = arena_alloc(arena, (table->column_count + 1) * sizeof *regulars);
    if (!ordinals || !regulars)
        return false;
    *out_map = (struct slot_map){.ordinals = ordinals, .ordinal_count = count, .regulars = regulars};
    memset(ordinals, 0xff, count * sizeof *ordinals);
    for (uint32_t i = 0; i < table->column_count; i++) {
        if (table->columns[i].id < count)
            ordinals[table->columns[i].id] = (uint16_t)i;
        if (table->columns[i].kind == COLUMN_REGULAR)
            regulars[out_map->regular_count++] = (uint16_t)i;
    }
    return true;
}

bool slots_init(struct plan_run *run, const struct cql_table *table, const struct slot_map *map,
                struct row_slots *out_slots)
{
    *out_slots = (struct row_slots){.table = table, .map = map};
    out_slots->items = arena_calloc(run->scratch, table->column_count, sizeof *out_slots->items);
    out_slots->components = arena_calloc(run->scratch, table->partition_count, sizeof(struct slice));
    return out_slots->items && out_slots->components ? true : run_nomem(run);
}

status slots_partition(struct row_slots *slots, struct slice key)
{
    const struct cql_table *table = slots->table;
    TRY(partition_key_split(table, key, slots->components));
    for (uint32_t i = 0; i < table->partition_count; i++)
        slots->items[i] = (struct row_slot){.present = true, .value = slots->components[i]};
    for (uint32_t i = table->partition_count; i < table->column_count && table->static_count; i++)
        if (table->columns[i].kind == COLUMN_STATIC)
            slots->items[i].present = false;
    return STATUS_DONE;
}

static status take_cells(struct row_slots *slots, struct slice image, int64_t now_s, bool *out_live,
                         uint64_t *tombstones)
{
    const struct slot_map *map = slots->map;
    struct live_reader reader;
    TRY(live_open(image, DELETION_NONE, now_s, &reader));
    bool lives = reader.marker_lives;
    for (;;) {
        struct cell cell;
        bool more;
        TRY(live_next_cell(&reader, &cell, &more));
        if (!more)
            break;
        lives = true;
        if (cell.column >= map->ordinal_count || map->ordinals[cell.column] == UINT16_MAX)
            continue;
        struct row_slot *slot = &slots->items[map->ordinals[cell.column]];
        slot->present = true;
        slot->ttl_s = cell.ttl_s;
        slot->timestamp = cell.timestamp;
        slot->expiry_s = cell.expiry_s;
        slot->value = cell.value;
    }
    *out_live = lives;
    *tombstones += reader.tombstones;
    return STATUS_DONE;
}

status slots_static_row(struct row_slots *slots, struct slice image, int64_t now_s, bool *out_live,
                        uint64_t *tombstones)
{
    return take_cells(slots, image, now_s, out_live, tombstones);
}

status slots_row(struct row_slots *slots, struct slice image, int64_t now_s, bool *out_live,
                 uint64_t *tombstones)
{
    for (uint32_t i = 0; i < slots->map->regular_count; i++)
        slots->items[slots->map->regulars[i]].present = false;
    return take_cells(slots, image, now_s, out_live, tombstones);
}

/* Decoding may move the buffer, so values are placed after the last column is decoded. */
status slots_clustering(struct row_slots *slots, struct buffer *wire, struct slice clustering)
{
    const struct cql_table *table = slots->table;
    struct row_slot *items = slots->items + table->partition_count;
    struct reader in = reader_of(clustering);
    buffer_clear(wire);
    for (uint32_t i = 0; i < table->clustering_count; i++) {
        size_t from = wire->bytes;
        TRY(key_take(&in, table->clustering[i], wire));
        items[i].present = true;
        items[i].value.bytes = wire->bytes - from;
    }
    TRY(buffer_status(wire));
    const uint8_t *at = wire->data;
    for (uint32_t i = 0; i < table->clustering_count; i++) {
        items[i].value.data = at;
        at += items[i].value.bytes;
    }
    return STATUS_DONE;
}

void slots_no_row(struct row_slots *slots)
{
    const struct cql_table *table = slots->table;
    for (uint32_t i = 0; i < slots->map->regular_count; i++)
        slots->items[slots->map->regulars[i]].present = false;
    for (uint32_t i = 0; i < table->clustering_count; i++)
        slots->items[table->partition_count + i].present = false;
}

void slots_values(struct row_slots *slots, const struct cql_value *values)
{
    for (uint32_t i = 0; i < slots->table->column_count; i++)
        slots->items[i] = (struct row_slot){.present = values[i].kind == CQL_VALUE, .value = values[i].bytes};
}
