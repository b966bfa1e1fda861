/*
 * type_collection.c: values of many items: how they are put together, and the one order in which sets and maps are kept
 * (TYP-8), at every depth.
 */
#include <stdlib.h>

#include "base/vint.h"
#include "cql/type_internal.h"

struct entry {
    struct type_value key, value; /* value unused but for maps */
    uint32_t order;               /* of appearance: among equal keys the last one counts */
};

static int entry_compare(const void *left, const void *right, void *context)
{
    const struct entry *a = left, *b = right;
    int order = type_compare(context, a->key.bytes, b->key.bytes);
    return order ? order : (a->order > b->order) - (a->order < b->order);
}

static void put_item(struct buffer *out, struct type_value value)
{
    if (value.is_null) {
        buffer_append_be32(out, UINT32_MAX);
        return;
    }
    buffer_append_be32(out, (uint32_t)value.bytes.bytes);
    buffer_append_slice(out, value.bytes);
}

static void put_vector(struct buffer *out, const struct type *type, const struct type_value *items,
                       uint32_t count)
{
    bool sized = !type_vector_item_bytes(type);
    for (uint32_t i = 0; i < count; i++) {
        if (sized)
            vint_append(out, items[i].bytes.bytes);
        buffer_append_slice(out, items[i].bytes);
    }
}

static bool put_sorted(struct buffer *out, struct arena *scratch, const struct type *type,
                       const struct type_value *items, uint32_t count)
{
    bool map = type->id == TYPE_MAP;
    uint32_t entry_count = map ? count / 2 : count;
    struct entry *entries = arena_calloc(scratch, (size_t)entry_count + 1, sizeof *entries);
    if (!entries)
        return false;
    for (uint32_t i = 0; i < entry_count; i++) {
        entries[i].key = items[map ? 2 * i : i];
        if (map)
            entries[i].value = items[2 * i + 1];
        entries[i].order = i;
    }
    qsort_r(entries, entry_count, sizeof *entries, entry_compare, (void *)(uintptr_t)type->first);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < entry_count; i++) {
        bool repeated =
            kept && type_compare(type->first, entries[kept - 1].key.bytes, entries[i].key.bytes) == 0;
        entries[repeated ? kept - 1 : kept] = entries[i];
        kept += !repeated;
    }
    buffer_append_be32(out, kept);
    for (uint32_t i = 0; i < kept; i++) {
        put_item(out, entries[i].key);
        if (map)
            put_item(out, entries[i].value);
    }
    return true;
}

bool type_compose(struct buffer *out, struct arena *scratch, const struct type *type,
                  const struct type_value *items, uint32_t count)
{
    if (type->id == TYPE_SET || type->id == TYPE_MAP)
        return put_sorted(out, scratch, type, items, count) && !out->failed;
    if (type->id == TYPE_LIST)
        buffer_append_be32(out, count);
    if (type->id == TYPE_VECTOR) {
        put_vector(out, type, items, count);
        return !out->failed;
    }
    for (uint32_t i = 0; i < count; i++)
        put_item(out, items[i]);
    return !out->failed;
}

/* ---- the order of what others have put together ---- */

bool type_has_order(const struct type *type)
{
    if (type->id == TYPE_SET || type->id == TYPE_MAP)
        return true;
    if ((type->first && type_has_order(type->first)) || (type->second && type_has_order(type->second)))
        return true;
    for (uint32_t i = 0; i < type->member_count; i++)
        if (type_has_order(type->members[i]))
            return true;
    return false;
}

static uint32_t item_count(const struct type *type, struct slice wire)
{
    struct type_items items = type_items_of(type, wire);
    uint32_t count = 0;
    struct slice item;
    bool null;
    while (type_items_next(&items, &item, &null))
        count++;
    return count;
}

bool type_normalize(struct arena *arena, const struct type *type, struct slice *wire)
{
    if (type_row(type->id) || !wire->bytes || !type_has_order(type))
        return true;
    bool keyed = type->id == TYPE_SET || type->id == TYPE_MAP, as_it_was = true, null;
    uint32_t count = item_count(type, *wire), step = type->id == TYPE_MAP ? 2 : 1, i = 0;
    struct type_value *values = arena_calloc(arena, (size_t)count + 1, sizeof *values);
    if (!values)
        return false;
    struct type_items items = type_items_of(type, *wire);
    for (struct slice item; type_items_next(&items, &item, &null); i++) {
        values[i] = (struct type_value){.bytes = item, .is_null = null};
        if (!null && !type_normalize(arena, type_item(type, i), &values[i].bytes))
            return false;
        as_it_was = as_it_was && values[i].bytes.data == item.data;
        if (keyed && i >= step && i % step == 0 &&
            type_compare(type->first, values[i - step].bytes, values[i].bytes) >= 0)
            as_it_was = false;
    }
    if (as_it_was)
        return true;
    struct buffer sorted = {0};
    bool made = type_compose(&sorted, arena, type, values, count);
    struct slice copy = made ? arena_copy(arena, buffer_slice(&sorted)) : (struct slice){0};
    buffer_deinit(&sorted);
    if (!copy.data)
        return false;
    *wire = copy;
    return true;
}
