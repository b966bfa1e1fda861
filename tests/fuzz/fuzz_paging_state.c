/*
 * Any bytes as a paging state: what is accepted is exactly what would be written again. The same bytes also fill the fields
 * of a state, which must survive being written and read.
 */
#include <stdlib.h>

#include "cql/paging.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void require(bool truth)
{
    if (!truth)
        abort();
}

static void accepted_is_written(struct slice input)
{
    struct paging_state state;
    struct buffer again = {0};
    if (failed(paging_state_read(input, &state)))
        return;
    paging_state_write(&again, &state);
    require(slice_equal(buffer_slice(&again), input));
    buffer_deinit(&again);
}

static void written_is_read(struct slice input)
{
    struct reader in = reader_of(input);
    uint8_t flags = reader_u8(&in);
    struct paging_state state = {
        .fingerprint = reader_be64(&in),
        .limit_left = reader_be32(&in),
        .partition_limit_left = reader_be32(&in),
        .position = {.partition_done = flags & 1, .gave_row = flags & 2},
    };
    state.position.partition = reader_take(&in, reader_u8(&in));
    state.position.clustering = slice_of(in.at, reader_left(&in));
    if (in.failed || !state.position.partition.bytes)
        return;
    struct buffer wire = {0};
    struct paging_state again;
    paging_state_write(&wire, &state);
    require(ok(paging_state_read(buffer_slice(&wire), &again)));
    require(again.fingerprint == state.fingerprint && again.limit_left == state.limit_left &&
            again.partition_limit_left == state.partition_limit_left);
    require(slice_equal(again.position.partition, state.position.partition) &&
            slice_equal(again.position.clustering, state.position.clustering));
    for (size_t i = 0; i < wire.bytes; i++) {
        wire.data[i] ^= 1;
        require(failed(paging_state_read(buffer_slice(&wire), &again)));
        wire.data[i] ^= 1;
    }
    buffer_deinit(&wire);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    accepted_is_written(slice_of(data, bytes));
    written_is_read(slice_of(data, bytes));
    return 0;
}
