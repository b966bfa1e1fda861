#include "cql/element.h"

#include "cql/type_internal.h"

/* ---- paths ---- */

void element_list_path(uint8_t out_path[ELEMENT_PLACE_BYTES], int64_t time, uint32_t place)
{
    store_be64(out_path, (uint64_t)time ^ UINT64_C(1) << 63);
    store_be32(out_path + 8, place);
}

void element_field_path(uint8_t out_path[ELEMENT_FIELD_BYTES], uint32_t field)
{
    store_be16(out_path, (uint16_t)field);
}

status element_path(struct buffer *out, const struct type *type, struct slice wire)
{
    return key_append(out, type->key, wire);
}

bool element_keeps_wire(const struct type *type)
{
    return type->key.kind == KEY_COMPOSITE || type->key.kind == KEY_DECIMAL || type->key.kind == KEY_VARINT;
}

/* ---- values ---- */

void element_map_value(struct buffer *out, const struct type *map, struct slice key, struct slice value)
{
    if (element_keeps_wire(map->first)) {
        buffer_append_varint(out, key.bytes);
        buffer_append_slice(out, key);
    }
    buffer_append_slice(out, value);
}

/* The kept wire bytes of a map's key; `in` is left at the value. */
static status take_kept_key(struct reader *in, struct slice *out_key)
{
    *out_key = reader_take(in, reader_varint(in));
    return reader_status(in);
}

status element_key(const struct type *type, const struct element *element, struct buffer *out_wire)
{
    struct reader in = reader_of(element->path);
    if (!element_keeps_wire(type->first)) {
        TRY(key_take(&in, type->first->key, out_wire));
        return reader_left(&in) ? STATUS_FAIL(STATUS_CORRUPT) : STATUS_DONE;
    }
    struct slice key = element->value;
    if (type->id == TYPE_MAP) {
        in = reader_of(element->value);
        TRY(take_kept_key(&in, &key));
    }
    buffer_append_slice(out_wire, key);
    return buffer_status(out_wire);
}

status element_value(const struct type *type, const struct element *element, struct slice *out_value)
{
    *out_value = element->value;
    if (type->id == TYPE_SET)
        *out_value = (struct slice){0};
    if (type->id != TYPE_MAP || !element_keeps_wire(type->first))
        return STATUS_DONE;
    struct reader in = reader_of(element->value);
    struct slice key;
    TRY(take_kept_key(&in, &key));
    *out_value = slice_of(in.at, reader_left(&in));
    return STATUS_DONE;
}

/* ---- the whole ---- */

static void put_part(struct buffer *out, struct slice part)
{
    buffer_append_be32(out, (uint32_t)part.bytes);
    buffer_append_slice(out, part);
}

static status put_key(const struct type *type, const struct element *element, struct buffer *out)
{
    size_t at = out->bytes;
    buffer_append_be32(out, 0);
    TRY(element_key(type, element, out));
    TRY(buffer_status(out));
    store_be32(out->data + at, (uint32_t)(out->bytes - at - 4));
    return STATUS_DONE;
}

static status collection_wire(const struct type *type, const struct element *elements, uint32_t count,
                              struct buffer *out)
{
    buffer_append_be32(out, count);
    for (uint32_t i = 0; i < count; i++) {
        struct slice value;
        if (type->id != TYPE_LIST)
            TRY(put_key(type, &elements[i], out));
        TRY(element_value(type, &elements[i], &value));
        if (type->id != TYPE_SET)
            put_part(out, value);
    }
    return buffer_status(out);
}

static status fields_wire(const struct type *type, const struct element *elements, uint32_t count,
                          struct buffer *out)
{
    uint32_t at = 0;
    for (uint32_t field = 0; field < type->member_count; field++) {
        if (at < count && elements[at].path.bytes != ELEMENT_FIELD_BYTES)
            return STATUS_FAIL(STATUS_CORRUPT);
        if (at < count && load_be16(elements[at].path.data) == field)
            put_part(out, elements[at++].value);
        else
            buffer_append_be32(out, UINT32_MAX);
    }
    return at == count ? buffer_status(out) : STATUS_FAIL(STATUS_CORRUPT);
}

status elements_wire(const struct type *type, const struct element *elements, uint32_t count,
                     struct buffer *out_wire)
{
    return type->id == TYPE_UDT ? fields_wire(type, elements, count, out_wire)
                                : collection_wire(type, elements, count, out_wire);
}
