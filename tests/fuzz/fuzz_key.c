/* Any bytes as a clustering key: the first byte picks the kinds of two columns, the rest is the key.
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    if (!bytes)
        return 0;
    struct key_column first = {(enum key_kind)(data[0] % KEY_KINDS), data[0] & 0x80};
    struct key_column second = {(enum key_kind)(data[0] / 3 % KEY_KINDS), data[0] & 0x40};
    struct slice key = slice_of(data + 1, bytes - 1);
    struct reader in = reader_of(key);
    key_prefix(key);
    if (take_column(&in, first))
        take_column(&in, second);
    return 0;
}
