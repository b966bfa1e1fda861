#include "cql/row_slots.h"

#include "cql/restriction.h"

const uint16_t *slot_map_ordinals(struct arena *arena, const struct cql_table *table)
{
    uint16_t *ordinals = arena_alloc(arena, ((size_t)table->next_column_id + 1) * sizeof *ordinals);
    if (!ordinals)
        return NULL;
    memset(ordinals, 0xff, ((size_t)table->next_column_id + 1) * sizeof *ordinals);
    for (uint32_t i = 0; i < table->column_count; i++)
        if (table->columns[i].id <= table->next_column_id)
            ordinals[table->columns[i].id] = (uint16_t)i;
    return ordinals;
}

bool slots_init(struct plan_run *run, const struct cql_table *table, const struct slot_map *map,
                struct row_slots *out_slots)
{
    *out_slots = (struct row_slots){.table = table, .map = map};
    out_slots->items = arena_calloc(run->scratch, table->column_count, sizeof *out_slots->items);
    out_slots->components = arena_calloc(run->scratch, table->partition_count, sizeof(struct slice));
    return out_slots->items && out_slots->components ? true : run_nomem(run);
}

static void clear_kind(struct row_slots *slots, enum column_kind kind)
{
    const struct cql_table *table = slots->table;
    for (uint32_t i = table->partition_count; i < table->column_count; i++)
        if (table->columns[i].kind == kind)
            slots->items[i].present = false;
}

status slots_take_image(struct row_slots *slots, struct slice image)
{
    struct row_reader reader;
    TRY(row_open(image, &reader));
    for (;;) {
        struct cell cell;
        bool more;
        TRY(row_next_cell(&reader, &cell, &more));
        if (!more)
            return STATUS_DONE;
        if (cell.column >= slots->map->count || slots->map->ordinals[cell.column] == UINT16_MAX)
            continue;
        slots->items[slots->map->ordinals[cell.column]] = (struct row_slot){
            .present = cell.kind != CELL_DEAD,
            .ttl_s = cell.ttl_s,
            .timestamp = cell.timestamp,
            .expiry_s = cell.expiry_s,
            .value = cell.value,
        };
    }
}

static status take_partition(struct row_slots *slots, const struct row_walk *walk)
{
    const struct cql_table *table = slots->table;
    TRY(partition_key_split(table, walk->partition.bytes, slots->components));
    for (uint32_t i = 0; i < table->partition_count; i++)
        slots->items[i] = (struct row_slot){.present = true, .value = slots->components[i]};
    if (!table->static_count)
        return STATUS_DONE;
    clear_kind(slots, COLUMN_STATIC);
    return walk->static_row.bytes ? slots_take_image(slots, walk->static_row) : STATUS_DONE;
}

/* Decoding may move the buffer, so values are placed after the last column is decoded. */
static status take_clustering(struct row_slots *slots, struct plan_run *run, struct slice clustering)
{
    const struct cql_table *table = slots->table;
    struct buffer *wire = &run->workspace->wire;
    struct reader in = reader_of(clustering);
    buffer_clear(wire);
    for (uint32_t i = 0; i < table->clustering_count; i++) {
        size_t from = wire->bytes;
        TRY(key_take(&in, table->clustering[i], wire));
        slots->items[table->partition_count + i] =
            (struct row_slot){.present = true, .value = {.bytes = wire->bytes - from}};
    }
    TRY(buffer_status(wire));
    const uint8_t *at = wire->data;
    for (uint32_t i = 0; i < table->clustering_count; i++) {
        slots->items[table->partition_count + i].value.data = at;
        at += slots->items[table->partition_count + i].value.bytes;
    }
    return STATUS_DONE;
}

static void take_virtual(struct row_slots *slots, const struct cql_value *values)
{
    for (uint32_t i = 0; i < slots->table->column_count; i++)
        slots->items[i] = (struct row_slot){.present = values[i].kind == CQL_VALUE, .value = values[i].bytes};
}

bool slots_take(struct row_slots *slots, struct plan_run *run, const struct row_walk *walk,
                enum walk_event event)
{
    status st = STATUS_DONE;
    if (walk->request.kind == WALK_VIRTUAL) {
        take_virtual(slots, walk->virtual_row);
        return true;
    }
    if (walk->new_partition)
        st = take_partition(slots, walk);
    if (ok(st)) {
        clear_kind(slots, COLUMN_REGULAR);
        if (event == WALK_PARTITION)
            clear_kind(slots, COLUMN_CLUSTERING);
        else if (slots->map->clustering)
            st = take_clustering(slots, run, walk->clustering);
    }
    if (ok(st) && walk->row.bytes)
        st = slots_take_image(slots, walk->row);
    return ok(st) ? true : cql_refuse_status(run->error, st);
}
