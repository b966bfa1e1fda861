#include "cql/row_slots.h"

#include "cql/restriction.h"
#include "row/live.h"

bool slot_map_make(struct arena *arena, const struct cql_table *table, struct slot_map *out_map)
{
    uint32_t count = table->next_column_id + 1;
    uint16_t *ordinals = arena_alloc(arena, count * sizeof *ordinals);
    uint16_t *regulars = arena_alloc(arena, (table->column_count + 1) * sizeof *regulars);
    uint16_t *collections = arena_alloc(arena, (table->column_count + 1) * sizeof *collections);
    if (!ordinals || !regulars || !collections)
        return false;
    *out_map = (struct slot_map){
        .ordinals = ordinals, .ordinal_count = count, .regulars = regulars, .collections = collections};
    memset(ordinals, 0xff, count * sizeof *ordinals);
    for (uint32_t i = 0; i < table->column_count; i++) {
        if (table->columns[i].id < count)
            ordinals[table->columns[i].id] = (uint16_t)i;
        if (table->columns[i].kind == COLUMN_REGULAR)
            regulars[out_map->regular_count++] = (uint16_t)i;
        if (type_is_multicell(table->columns[i].type))
            collections[out_map->collection_count++] = (uint16_t)i;
    }
    return true;
}

bool slots_init(struct plan_run *run, const struct cql_table *table, const struct slot_map *map,
                struct row_slots *out_slots)
{
    *out_slots = (struct row_slots){.table = table,
                                    .map = map,
                                    .scratch = run->scratch,
                                    .elements.wire = &run->workspace->elements,
                                    .static_elements.wire = &run->workspace->static_elements};
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

/* ---- elements ---- */

static status add_element(struct row_slots *slots, struct slot_elements *store, const struct cell *cell)
{
    if (store->count == store->capacity) {
        uint32_t capacity = store->capacity ? 2 * store->capacity : 16;
        struct element *items = arena_alloc(slots->scratch, capacity * sizeof *items);
        if (!items)
            return STATUS_FAIL(STATUS_NOMEM);
        if (store->count)
            memcpy(items, store->items, store->count * sizeof *items);
        store->items = items;
        store->capacity = capacity;
    }
    store->items[store->count++] = (struct element){.path = cell->path,
                                                    .value = cell->value,
                                                    .timestamp = cell->timestamp,
                                                    .expiry_s = cell->expiry_s,
                                                    .ttl_s = cell->ttl_s};
    return STATUS_DONE;
}

/* Cells of one column come together, so a slot's elements are a run of the store's; where it begins is known for good
 * when all are there. */
static status note_element(struct row_slots *slots, struct slot_elements *store, struct row_slot *slot,
                           const struct cell *cell)
{
    if (!type_is_multicell(slots->table->columns[slot - slots->items].type))
        return STATUS_FAIL(STATUS_CORRUPT);
    if (!slot->present)
        slot->element_count = 0;
    slot->present = true;
    slot->element_count++;
    return add_element(slots, store, cell);
}

/* Filling may move the buffer, so values are placed after the last collection is made. */
static status make_collections(struct row_slots *slots, struct slot_elements *store, bool statics)
{
    const struct slot_map *map = slots->map;
    struct element *at = store->items;
    buffer_clear(store->wire);
    for (uint32_t i = 0; i < map->collection_count; i++) {
        const struct cql_column *column = &slots->table->columns[map->collections[i]];
        struct row_slot *slot = &slots->items[map->collections[i]];
        if (!slot->present || (column->kind == COLUMN_STATIC) != statics)
            continue;
        size_t from = store->wire->bytes;
        if (slot->element_count > store->count - (uint32_t)(at - store->items))
            return STATUS_FAIL(STATUS_CORRUPT);
        slot->elements = at;
        at += slot->element_count;
        TRY(elements_wire(column->type, slot->elements, slot->element_count, store->wire));
        slot->value.bytes = store->wire->bytes - from;
    }
    TRY(buffer_status(store->wire));
    const uint8_t *value = store->wire->data;
    for (uint32_t i = 0; i < map->collection_count; i++) {
        const struct cql_column *column = &slots->table->columns[map->collections[i]];
        struct row_slot *slot = &slots->items[map->collections[i]];
        if (!slot->present || (column->kind == COLUMN_STATIC) != statics)
            continue;
        slot->value.data = value;
        value += slot->value.bytes;
    }
    return STATUS_DONE;
}

/* ---- cells ---- */

static status take_cells(struct row_slots *slots, struct slice image, int64_t now_s, bool statics,
                         bool *out_live, uint64_t *tombstones)
{
    const struct slot_map *map = slots->map;
    struct slot_elements *store = statics ? &slots->static_elements : &slots->elements;
    struct live_reader reader;
    store->count = 0;
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
        if (cell.path.bytes) {
            TRY(note_element(slots, store, slot, &cell));
            continue;
        }
        slot->present = true;
        slot->ttl_s = cell.ttl_s;
        slot->timestamp = cell.timestamp;
        slot->expiry_s = cell.expiry_s;
        slot->value = cell.value;
    }
    *out_live = lives;
    *tombstones += reader.tombstones;
    return map->collection_count ? make_collections(slots, store, statics) : STATUS_DONE;
}

status slots_static_row(struct row_slots *slots, struct slice image, int64_t now_s, bool *out_live,
                        uint64_t *tombstones)
{
    return take_cells(slots, image, now_s, true, out_live, tombstones);
}

status slots_row(struct row_slots *slots, struct slice image, int64_t now_s, bool *out_live,
                 uint64_t *tombstones)
{
    for (uint32_t i = 0; i < slots->map->regular_count; i++)
        slots->items[slots->map->regulars[i]].present = false;
    return take_cells(slots, image, now_s, false, out_live, tombstones);
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
        if (items[i].value.bytes) /* all may be empty, and then there are no bytes to stand in */
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

bool slot_copy(struct arena *arena, const struct row_slot *slot, struct row_slot *out_slot)
{
    *out_slot = *slot;
    out_slot->value = arena_copy(arena, slot->present ? slot->value : (struct slice){0});
    out_slot->elements = NULL;
    out_slot->element_count = 0;
    if (slot->present && slot->value.bytes && !out_slot->value.data)
        return false;
    if (!slot->present || !slot->elements)
        return true;
    struct element *elements = arena_alloc(arena, slot->element_count * sizeof *elements);
    if (!elements)
        return false;
    for (uint32_t i = 0; i < slot->element_count; i++) {
        elements[i] = slot->elements[i];
        elements[i].path = arena_copy(arena, elements[i].path);
        elements[i].value = arena_copy(arena, elements[i].value);
        if (!elements[i].path.data || (slot->elements[i].value.bytes && !elements[i].value.data))
            return false;
    }
    out_slot->elements = elements;
    out_slot->element_count = slot->element_count;
    return true;
}

void slots_values(struct row_slots *slots, const struct cql_value *values)
{
    for (uint32_t i = 0; i < slots->table->column_count; i++)
        slots->items[i] = (struct row_slot){.present = values[i].kind == CQL_VALUE, .value = values[i].bytes};
}
