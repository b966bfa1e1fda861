/*
 * Any bytes as a segment file: the reader and the dump come to an end, within bounds, and without an error that is not theirs.
 * The bytes are tried as they are and once more with every checksum put right, so that what lies behind it is reached.
 */
#include <stdlib.h>

#include "base/hash.h"
#include "commitlog/commitlog.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

enum {
    STORE = 0x51,
    STREAM = 3,
    BLOCK = 4096,
    INPUT_BYTES_MAX = 1 << 20,
};

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void checksums_put_right(uint8_t *data, size_t bytes)
{
    for (size_t at = 0; at + BLOCK <= bytes; at += BLOCK) {
        uint64_t seed = hash_place(load_le64(data + at + 8), load_le64(data + at + 16),
                                   (uint64_t)load_le32(data + at + 52) * BLOCK);
        store_le64(data + at, hash64(slice_of(data + at + 8, BLOCK - 8), seed));
    }
}

static void file_put(struct io_env *env, const char *path, const uint8_t *data, size_t bytes)
{
    struct io_file *file = NULL;
    require(ok(io_open(env, path, IO_WRITE | IO_CREATE, &file)));
    require(ok(io_truncate(file, 0)));
    if (bytes)
        require(ok(io_write(file, 0, data, bytes, true)));
    io_close(file);
}

static void read_to_the_end(struct io_env *env, size_t bytes_max)
{
    struct commitlog_reader *reader = NULL;
    status st = commitlog_reader_open(env, "/s", STORE, STREAM, 0, &reader);
    if (failed(st)) {
        require(st.code == STATUS_UNSUPPORTED);
        return;
    }
    size_t bytes = 0;
    struct log_position last = {0};
    for (bool more = true; more;) {
        struct slice payload;
        struct log_position begin;
        require(ok(commitlog_reader_next(reader, &payload, &begin, &more)));
        if (!more)
            break;
        require(payload.bytes > 0 && log_position_compare(begin, last) > 0);
        last = begin;
        bytes += payload.bytes;
    }
    require(bytes <= bytes_max);
    struct log_position at;
    require(commitlog_reader_end(reader, &at) <= COMMITLOG_END_DAMAGED);
    commitlog_reader_close(reader);
}

static void try_file(struct io_env *env, const uint8_t *data, size_t bytes)
{
    file_put(env, "/s/log-3-2.log", data, bytes);
    read_to_the_end(env, bytes);
    struct buffer text = {0};
    status st = commitlog_dump(env, "/s/log-3-2.log", &text);
    require(ok(st) || st.code == STATUS_UNSUPPORTED);
    buffer_deinit(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    if (bytes > INPUT_BYTES_MAX)
        return 0;
    struct io_env *env = NULL;
    require(ok(io_env_open(IO_BODY_MEMORY, 1, &env)));
    require(ok(io_mkdir(env, "/s")));
    try_file(env, data, bytes);
    uint8_t *copy = malloc(bytes + 1);
    require(copy != NULL);
    if (bytes)
        memcpy(copy, data, bytes);
    checksums_put_right(copy, bytes);
    try_file(env, copy, bytes);
    free(copy);
    io_env_close(env);
    return 0;
}
