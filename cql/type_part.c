/* type_part.c: one item, entry or field of a value. */
#include "cql/type_internal.h"

bool type_find_element(const struct type *type, struct slice wire, struct slice key, struct slice *out_part,
                       bool *out_null)
{
    struct type_items items = type_items_of(type, wire);
    struct slice item;
    bool null;
    int64_t left = type->id == TYPE_LIST ? type_integer(key) : 0;
    while (type_items_next(&items, &item, &null)) {
        bool here = type->id == TYPE_LIST ? left-- == 0 : type_compare(type->first, item, key) == 0;
        if (type->id == TYPE_MAP && !type_items_next(&items, &item, &null))
            return false;
        if (!here)
            continue;
        *out_part = item;
        *out_null = null;
        return true;
    }
    return false;
}

bool type_find_field(const struct type *type, struct slice wire, uint32_t field, struct slice *out_part)
{
    struct type_items items = type_items_of(type, wire);
    struct slice item;
    bool null = true;
    for (uint32_t i = 0; i <= field; i++)
        if (!type_items_next(&items, &item, &null))
            return false;
    if (!null)
        *out_part = item;
    return !null;
}
