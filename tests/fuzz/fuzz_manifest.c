/*
 * Any bytes as a manifest file (first byte 0), as an edit behind its checksum (1), or as an identity (2). What an edit
 * makes of a state must survive being written as a checkpoint and read back.
 */
#include <stdlib.h>

#include "engine/folder_internal.h"
#include "engine/manifest_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

enum {
    STORE_ID = 1,
    NUMBER = 1,
    SHARDS = 2,
};

static void check(bool truth)
{
    if (!truth)
        abort();
}

static void try_file(struct slice file)
{
    struct manifest_state state;
    enum manifest_end end;
    manifest_state_init(&state, SHARDS);
    (void)manifest_decode(file, STORE_ID, NUMBER, &state, &end);
    manifest_state_deinit(&state);
}

static void try_edit(struct slice edit)
{
    struct manifest_state state, again;
    struct buffer first = {0}, second = {0};
    manifest_state_init(&state, SHARDS);
    manifest_state_init(&again, SHARDS);
    if (ok(manifest_state_apply(&state, edit))) {
        manifest_state_encode(&state, &first);
        check(ok(manifest_state_apply(&again, buffer_slice(&first))));
        manifest_state_encode(&again, &second);
        check(slice_equal(buffer_slice(&first), buffer_slice(&second)));
    }
    buffer_deinit(&first);
    buffer_deinit(&second);
    manifest_state_deinit(&state);
    manifest_state_deinit(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct identity identity;
    if (bytes == 0)
        return 0;
    struct slice rest = slice_of(data + 1, bytes - 1);
    switch (data[0]) {
    case 0: try_file(rest); break;
    case 1: try_edit(rest); break;
    case 2: (void)identity_decode(rest, &identity); break;
    default: break;
    }
    return 0;
}
