/*
 * A byte that chooses a type, then bytes that are taken twice: as a value, whose path must order as the value does and give it
 * back; and as the paths and values of elements as a damaged row might have them.
 */
#include <stdlib.h>

#include "cql/element.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

enum { ELEMENTS_MAX = 8 };

static const char *const names[] = {
    "set<int>",
    "set<decimal>",
    "set<frozen<list<frozen<set<text>>>>>",
    "map<text, int>",
    "map<varint, blob>",
    "map<frozen<tuple<int, text>>, frozen<map<int, decimal>>>",
    "list<text>",
    "udt<\"k\", \"address\", \"street\" text, \"zip\" int>",
};

static void require(bool truth)
{
    if (!truth)
        abort();
}

/* A value, cut in two as well: two values whose paths must compare as they do. */
static void check_paths(const struct type *type, struct slice a, struct slice b)
{
    const struct type *key = type->first;
    struct buffer a_path = {0}, b_path = {0}, wire = {0};
    if (type_validate(key, a) && type_validate(key, b) && ok(element_path(&a_path, key, a)) &&
        ok(element_path(&b_path, key, b))) {
        int order = type_compare(key, a, b),
            paths = slice_compare(buffer_slice(&a_path), buffer_slice(&b_path));
        require((order > 0) == (paths > 0) && (order < 0) == (paths < 0));
        struct buffer value = {0};
        if (type->id == TYPE_MAP)
            element_map_value(&value, type, a, b);
        struct element element = {.path = buffer_slice(&a_path),
                                  .value = type->id == TYPE_MAP      ? buffer_slice(&value)
                                           : element_keeps_wire(key) ? a
                                                                     : (struct slice){0}};
        require(ok(element_key(type, &element, &wire)));
        require(type_compare(key, buffer_slice(&wire), a) == 0);
        buffer_deinit(&value);
    }
    buffer_deinit(&a_path);
    buffer_deinit(&b_path);
    buffer_deinit(&wire);
}

/* Each a byte of length for the path, one for the value, and what they announce. */
static void check_elements(const struct type *type, struct slice input)
{
    struct element elements[ELEMENTS_MAX];
    struct reader in = reader_of(input);
    uint32_t count = 0;
    while (count < ELEMENTS_MAX && reader_left(&in)) {
        size_t path = reader_u8(&in), value = reader_u8(&in);
        elements[count] = (struct element){.path = reader_take(&in, path), .value = reader_take(&in, value)};
        if (in.failed)
            break;
        count++;
    }
    struct buffer wire = {0};
    (void)elements_wire(type, elements, count, &wire);
    buffer_deinit(&wire);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    if (!bytes)
        return 0;
    struct arena arena = {0};
    const struct type *type = type_parse(&arena, slice_text(names[data[0] % ARRAY_LEN(names)]));
    require(type && type_is_multicell(type));
    struct slice input = slice_of(data + 1, bytes - 1);
    if (type->first && bytes > 1 && type->id != TYPE_LIST) {
        size_t cut = data[1] % bytes;
        cut = cut < input.bytes ? cut : input.bytes;
        check_paths(type, slice_of(input.data, cut), slice_of(input.data + cut, input.bytes - cut));
        check_paths(type, slice_of(input.data + 1, input.bytes - 1), slice_of(input.data, 0));
    }
    check_elements(type, input);
    arena_deinit(&arena);
    return 0;
}
