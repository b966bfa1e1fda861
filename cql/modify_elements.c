/*
 * modify_elements.c: what operations on collections and user-defined types write: cells with a path, and the complex
 * deletion of a column that is assigned or deleted as a whole (DEL-3).
 */
#include "cql/element.h"
#include "cql/modify_internal.h"
#include "cql/type_internal.h"

/* One operation while it runs. */
struct elements_write {
    struct plan_run *run;
    const struct modify_cell *cell;
    const struct type *type;
    const struct write_facts *facts;
    struct row_builder *row;
};

/* ---- cells ---- */

static void put_live(const struct elements_write *it, struct slice path, struct slice value)
{
    row_builder_add(it->row, (struct cell){.column = it->cell->column->id,
                                           .kind = it->facts->ttl_s ? CELL_EXPIRING : CELL_LIVE,
                                           .timestamp = it->facts->timestamp,
                                           .ttl_s = it->facts->ttl_s,
                                           .expiry_s = it->facts->expiry_s,
                                           .path = path,
                                           .value = value});
}

static void put_dead(const struct elements_write *it, struct slice path)
{
    row_builder_add(it->row, (struct cell){.column = it->cell->column->id,
                                           .kind = CELL_DEAD,
                                           .timestamp = it->facts->timestamp,
                                           .expiry_s = it->run->now_s,
                                           .path = path});
}

/* Nothing can be older than the least timestamp there is. */
static void put_complex_deletion(const struct elements_write *it, int64_t timestamp)
{
    if (timestamp != TIMESTAMP_NONE)
        row_builder_add(it->row, (struct cell){.column = it->cell->column->id,
                                               .kind = CELL_COMPLEX_DELETION,
                                               .timestamp = timestamp,
                                               .expiry_s = it->run->now_s});
}

/* Paths and values are borrowed by the row until its image is made. */
static bool keep(const struct elements_write *it, struct buffer *made, status st, struct slice *out_kept)
{
    if (ok(st))
        st = buffer_status(made);
    if (failed(st))
        return cql_refuse_status(it->run->error, st);
    *out_kept = arena_copy(it->run->scratch, buffer_slice(made));
    return !made->bytes || out_kept->data ? true : run_nomem(it->run);
}

static bool key_path(const struct elements_write *it, struct slice key, struct slice *out_path)
{
    struct buffer *path = &it->run->workspace->entry_key;
    buffer_clear(path);
    return keep(it, path, element_path(path, it->type->first, key), out_path);
}

static bool put_entry(const struct elements_write *it, struct slice key, struct slice value)
{
    struct slice path;
    if (!key_path(it, key, &path))
        return false;
    bool keeps = element_keeps_wire(it->type->first);
    if (it->type->id == TYPE_SET) {
        put_live(it, path, keeps ? key : (struct slice){0});
        return true;
    }
    if (keeps) {
        struct buffer *both = &it->run->workspace->entry_key;
        buffer_clear(both);
        element_map_value(both, it->type, key, value);
        if (!keep(it, both, STATUS_DONE, &value))
            return false;
    }
    put_live(it, path, value);
    return true;
}

static bool put_dead_key(const struct elements_write *it, struct slice key)
{
    struct slice path;
    if (!key_path(it, key, &path))
        return false;
    put_dead(it, path);
    return true;
}

/* ---- places in a list ---- */

/* Prepended items go back from here as far as their time lies after it. */
static const int64_t mirror_us = INT64_C(1262304000000000); /* 2010-01-01 */

static int64_t list_time(const struct elements_write *it)
{
    const struct plan_context *context = it->run->context;
    return context->target->list_places_by_timestamp ? it->facts->timestamp : plan_server_timestamp(context);
}

static bool put_list_item(const struct elements_write *it, int64_t time, uint32_t place, struct slice value)
{
    uint8_t *path = arena_bytes(it->run->scratch, ELEMENT_PLACE_BYTES);
    if (!path)
        return run_nomem(it->run);
    element_list_path(path, time, place);
    put_live(it, slice_of(path, ELEMENT_PLACE_BYTES), value);
    return true;
}

static bool count_items(const struct elements_write *it, uint32_t count, uint32_t *counter)
{
    uint32_t most = it->run->context->target->list_items_max;
    if (count > most - *counter)
        return RUN_REFUSE(it->run, MSG_LIST_ITEMS_TOO_MANY);
    *counter += count;
    return true;
}

static bool append_items(const struct elements_write *it, struct slice wire)
{
    struct type_items items = type_items_of(it->type, wire);
    struct slice item;
    bool null;
    uint32_t place = it->facts->time->appended;
    int64_t time = list_time(it);
    if (!count_items(it, items.left, &it->facts->time->appended))
        return false;
    while (type_items_next(&items, &item, &null))
        if (!put_list_item(it, time, place++, item))
            return false;
    return true;
}

static bool prepend_items(const struct elements_write *it, struct slice wire)
{
    struct type_items items = type_items_of(it->type, wire);
    struct slice item;
    bool null;
    int64_t time = list_time(it);
    if (time <= mirror_us)
        return RUN_REFUSE(it->run, MSG_LIST_PREPEND_TIMESTAMP);
    if (!count_items(it, items.left, &it->facts->time->prepended))
        return false;
    uint32_t place = UINT32_MAX - it->facts->time->prepended;
    while (type_items_next(&items, &item, &null))
        if (!put_list_item(it, mirror_us - (time - mirror_us), place++, item))
            return false;
    return true;
}

/* ---- whole values ---- */

static bool put_fields(const struct elements_write *it, struct slice wire)
{
    struct type_items items = type_items_of(it->type, wire);
    struct slice item;
    bool null;
    for (uint32_t field = 0; type_items_next(&items, &item, &null); field++) {
        uint8_t *path = arena_bytes(it->run->scratch, ELEMENT_FIELD_BYTES);
        if (!path)
            return run_nomem(it->run);
        element_field_path(path, field);
        if (!null)
            put_live(it, slice_of(path, ELEMENT_FIELD_BYTES), item);
        if (!reader_left(&items.reader))
            break; /* the fields behind it are null */
    }
    return true;
}

static bool put_keyed(const struct elements_write *it, struct slice wire)
{
    struct type_items items = type_items_of(it->type, wire);
    struct slice key, value = {0};
    bool null;
    while (type_items_next(&items, &key, &null)) {
        if (it->type->id == TYPE_MAP && !type_items_next(&items, &value, &null))
            break;
        if (!put_entry(it, key, value))
            return false;
    }
    return true;
}

static bool put_items(const struct elements_write *it, struct cql_value value)
{
    if (value.kind != CQL_VALUE)
        return true;
    switch (it->type->id) {
    case TYPE_LIST: return append_items(it, value.bytes);
    case TYPE_UDT: return put_fields(it, value.bytes);
    default: return put_keyed(it, value.bytes);
    }
}

static bool set_whole(const struct elements_write *it)
{
    struct cql_value value;
    if (!term_value(&it->cell->value, it->run, &value))
        return false;
    if (value.kind == CQL_UNSET)
        return true;
    put_complex_deletion(it, it->facts->timestamp - 1);
    return put_items(it, value);
}

/* ---- parts ---- */

static bool add_items(const struct elements_write *it)
{
    struct cql_value value;
    if (!term_value(&it->cell->value, it->run, &value))
        return false;
    if (it->cell->operation == MODIFY_PREPEND)
        return value.kind == CQL_VALUE ? prepend_items(it, value.bytes) : true;
    if (value.kind == CQL_UNSET && it->type->id == TYPE_LIST && it->run->context->target->unset_append_fails)
        return RUN_REFUSE(it->run, MSG_LIST_UNSET_APPENDED);
    return put_items(it, value);
}

static bool is_among(const struct type *type, struct slice wanted, const struct cql_value *items,
                     uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (type_compare(type, items[i].bytes, wanted) == 0)
            return true;
    return false;
}

/* TYP-10: every item of the list that is equal to one of these. */
static bool remove_items(const struct elements_write *it, const struct row_slot *old)
{
    struct cql_value value, *items;
    uint32_t count;
    if (!term_value(&it->cell->value, it->run, &value))
        return false;
    if (value.kind != CQL_VALUE || !old)
        return true;
    if (!term_items(it->run, value.bytes, &items, &count))
        return false;
    for (uint32_t i = 0; i < old->element_count; i++)
        if (is_among(it->type->first, old->elements[i].value, items, count))
            put_dead(it, old->elements[i].path);
    return true;
}

static bool remove_keys(const struct elements_write *it)
{
    struct cql_value value, *items;
    uint32_t count;
    if (!term_value(&it->cell->value, it->run, &value))
        return false;
    if (value.kind != CQL_VALUE)
        return true;
    if (!term_items(it->run, value.bytes, &items, &count))
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (!put_dead_key(it, items[i].bytes))
            return false;
    return true;
}

/* Of the index in a list: the item it is about. */
static bool list_item(const struct elements_write *it, const struct row_slot *old,
                      const struct element **out_item)
{
    struct cql_value index;
    bool deletes = it->cell->operation == MODIFY_DELETE_ELEMENT;
    if (!term_value(&it->cell->element, it->run, &index))
        return false;
    if (index.kind != CQL_VALUE || index.bytes.bytes != 4)
        return RUN_REFUSE(it->run, index.kind == CQL_UNSET ? MSG_LIST_INDEX_UNSET : MSG_LIST_INDEX_NULL);
    if (!old)
        return RUN_REFUSE(it->run, deletes ? MSG_LIST_NULL_DELETE : MSG_LIST_NULL_SET);
    uint32_t at = load_be32(index.bytes.data);
    if (at >= old->element_count)
        return RUN_REFUSE(it->run, MSG_LIST_INDEX_RANGE, (int)at, (unsigned)old->element_count);
    *out_item = &old->elements[at];
    return true;
}

static bool element_key_value(const struct elements_write *it, struct slice *out_key)
{
    struct cql_value key;
    bool map = it->type->id == TYPE_MAP;
    if (!term_value(&it->cell->element, it->run, &key))
        return false;
    if (key.kind == CQL_NULL)
        return RUN_REFUSE(it->run, map ? MSG_MAP_KEY_NULL : MSG_SET_ELEMENT_NULL);
    if (key.kind == CQL_UNSET)
        return RUN_REFUSE(it->run, map ? MSG_MAP_KEY_UNSET : MSG_SET_ELEMENT_UNSET);
    *out_key = key.bytes;
    return true;
}

static bool set_list_item(const struct elements_write *it, const struct row_slot *old)
{
    const struct element *item;
    struct cql_value value;
    if (!list_item(it, old, &item) || !term_value(&it->cell->value, it->run, &value))
        return false;
    if (value.kind == CQL_NULL)
        put_dead(it, item->path);
    else if (value.kind == CQL_VALUE)
        put_live(it, item->path, value.bytes);
    return true;
}

static bool set_map_entry(const struct elements_write *it)
{
    struct slice key;
    struct cql_value value;
    if (!element_key_value(it, &key) || !term_value(&it->cell->value, it->run, &value))
        return false;
    switch (value.kind) {
    case CQL_UNSET: return true;
    case CQL_NULL: return put_dead_key(it, key);
    case CQL_VALUE: break;
    }
    return put_entry(it, key, value.bytes);
}

static bool delete_element(const struct elements_write *it, const struct row_slot *old)
{
    if (it->type->id == TYPE_LIST) {
        const struct element *item;
        if (!list_item(it, old, &item))
            return false;
        put_dead(it, item->path);
        return true;
    }
    struct slice key;
    return element_key_value(it, &key) && put_dead_key(it, key);
}

static bool write_field(const struct elements_write *it)
{
    struct cql_value value = {.kind = CQL_NULL};
    uint8_t *path = arena_bytes(it->run->scratch, ELEMENT_FIELD_BYTES);
    if (!path)
        return run_nomem(it->run);
    if (it->cell->operation == MODIFY_SET_FIELD && !term_value(&it->cell->value, it->run, &value))
        return false;
    element_field_path(path, it->cell->field);
    if (value.kind == CQL_NULL)
        put_dead(it, slice_of(path, ELEMENT_FIELD_BYTES));
    else if (value.kind == CQL_VALUE)
        put_live(it, slice_of(path, ELEMENT_FIELD_BYTES), value.bytes);
    return true;
}

bool modify_add_elements(struct plan_run *run, const struct modify_cell *cell,
                         const struct write_facts *facts, const struct row_slot *old, struct row_builder *row)
{
    struct elements_write it = {
        .run = run, .cell = cell, .type = cell->column->type, .facts = facts, .row = row};
    switch (cell->operation) {
    case MODIFY_SET: return set_whole(&it);
    case MODIFY_DELETE: put_complex_deletion(&it, facts->timestamp); return true;
    case MODIFY_ADD:
    case MODIFY_PREPEND: return add_items(&it);
    case MODIFY_REMOVE: return it.type->id == TYPE_LIST ? remove_items(&it, old) : remove_keys(&it);
    case MODIFY_SET_ELEMENT: return it.type->id == TYPE_LIST ? set_list_item(&it, old) : set_map_entry(&it);
    case MODIFY_DELETE_ELEMENT: return delete_element(&it, old);
    case MODIFY_SET_FIELD:
    case MODIFY_DELETE_FIELD: return write_field(&it);
    case MODIFY_SUM:
    case MODIFY_DIFFERENCE: break; /* of columns without elements */
    }
    return RUN_REFUSE(run, MSG_INTERNAL, "unknown kind of operation");
}
