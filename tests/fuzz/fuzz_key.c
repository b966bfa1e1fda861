/* Any bytes as a clustering key: the first byte picks the kinds of two columns, some of many items, the rest is the key.
 * What is taken must be what appending would have written. */
#include <stdlib.h>

#include "row/key.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void check(bool truth)
{
    if (!truth)
        abort();
}

static bool take_column(struct reader *key, struct key_column column)
{
    struct buffer wire = {0}, again = {0};
    const uint8_t *start = key->at;
    bool taken = ok(key_take(key, column, &wire));
    if (taken) {
        check(ok(key_append(&again, column, buffer_slice(&wire))));
        check(slice_equal(buffer_slice(&again), slice_of(start, (size_t)(key->at - start))));
    } else {
        check(wire.bytes == 0);
    }
    buffer_deinit(&wire);
    buffer_deinit(&again);
    return taken;
}

static const struct key_column text = {.kind = KEY_BYTES}, pair[] = {{.kind = KEY_INT8}, {.kind = KEY_BYTES}};
static const struct key_shape texts = {.framing = KEY_SEQUENCE, .count = 1, .items = &text};
static const struct key_column nested[] = {{.kind = KEY_COMPOSITE, .shape = &texts}, {.kind = KEY_VARINT}};
static const struct key_shape shapes[] = {
    {.framing = KEY_SEQUENCE, .count = 1, .items = pair},
    {.framing = KEY_SEQUENCE, .count = 2, .items = nested},
    {.framing = KEY_MEMBERS, .count = 2, .items = nested},
    {.framing = KEY_VECTOR, .count = 2, .items = &text},
    {.framing = KEY_VECTOR, .count = 3, .item_bytes = 1, .items = pair},
};

static struct key_column column_of(unsigned number, bool descending)
{
    unsigned kind = number % (KEY_KINDS + sizeof shapes / sizeof *shapes);
    struct key_column column = {.kind = (enum key_kind)kind, .descending = descending};
    if (kind >= KEY_KINDS) {
        column.kind = KEY_COMPOSITE;
        column.shape = &shapes[kind - KEY_KINDS];
    }
    return column;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    if (!bytes)
        return 0;
    struct key_column first = column_of(data[0], data[0] & 0x80);
    struct key_column second = column_of(data[0] / 3, data[0] & 0x40);
    struct slice key = slice_of(data + 1, bytes - 1);
    struct reader in = reader_of(key);
    key_prefix(key);
    if (take_column(&in, first))
        take_column(&in, second);
    return 0;
}
