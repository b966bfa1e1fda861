/*
 * element.h: the elements of a non-frozen collection or user-defined type, as cells of a row (row/row.h).
 *
 *     list   path: be64 time, sign inverted | be32 place among those of one time (TYP-10)     value: the item
 *     set    path: the item, so that memcmp orders it as its type does                        value: see below
 *     map    path: the key, likewise                                                          value: the entry's
 *     UDT    path: be16 number of the field                                                   value: the field
 *
 * The path of an item or key is its ascending encoding as a clustering column (row/key.h).
 *
 * Values that are equal to their type and differ in bytes (1.0 and 1.00) have one path, so they are one element; which of them
 * was written is kept beside it. Where a type has such values, or is not a scalar, the cell's value begins with the wire
 * bytes of the item or key, in a map behind their length:
 *
 *     set    wire
 *     map    varint bytes of the key | wire of the key | value
 *
 * Of all other types they are decoded from the path, and the value of a set's cell is empty.
 */
#ifndef STRAIT_CQL_ELEMENT_H
#define STRAIT_CQL_ELEMENT_H

#include "cql/type.h"

enum {
    ELEMENT_PLACE_BYTES = 12, /* path in a list */
    ELEMENT_FIELD_BYTES = 2,  /* path in a UDT */
};

/* A live cell. Path and value are borrowed from the row's image. */
struct element {
    struct slice path, value;
    int64_t timestamp, expiry_s;
    int32_t ttl_s;
};

void element_list_path(uint8_t out_path[ELEMENT_PLACE_BYTES], int64_t time, uint32_t place);
void element_field_path(uint8_t out_path[ELEMENT_FIELD_BYTES], uint32_t field);
/* Append the path of an item of a set or of the key of a map, `type` being its own. STATUS_INVALID for bytes that are
 * no value of the type, STATUS_LIMIT for a decimal that is too long. */
status element_path(struct buffer *out, const struct type *type, struct slice wire);
/* Does the value of the cell begin with the wire bytes of an item or key of `type`? */
bool element_keeps_wire(const struct type *type);
/* Append the value of the cell of a map's entry. */
void element_map_value(struct buffer *out, const struct type *map, struct slice key, struct slice value);

/* Append the wire bytes of the item of a set or the key of a map. STATUS_CORRUPT. */
status element_key(const struct type *type, const struct element *element, struct buffer *out_wire);
/* The number of the field; an element of a UDT that elements_wire() took. */
static inline uint32_t element_field(const struct element *element)
{
    return load_be16(element->path.data);
}
/* The item of a list, the value of a map's entry, the value of a field; in a set there is none. STATUS_CORRUPT. */
status element_value(const struct type *type, const struct element *element, struct slice *out_value);
/* Append the wire bytes of a whole collection or UDT; its elements rise by path. STATUS_CORRUPT. */
status elements_wire(const struct type *type, const struct element *elements, uint32_t count,
                     struct buffer *out_wire);

#endif
