/*
 * A manifest file is a header and records:
 *
 *     0   8  magic "STRAITMF"
 *     8   4  version
 *     12  4  feature bits; a reader refuses those it does not know
 *     16  8  number of this manifest
 *     24  8  checksum of bytes 0..23, seeded by (store id, number, 24)
 *     32     records
 *
 *     record: le32 payload bytes | le32 kind | le64 checksum | payload | zeros to a multiple of 8
 *
 * The checksum covers the payload and is seeded by (store id, number, offset of the record), its length and its kind.
 * The first record is the checkpoint. Every record is written with one synced write and followed by an unsynced SEAL,
 * an empty record whose place the next record takes. So whatever stands before a valid record was durable: a reader
 * that meets a bad record looks for a valid one anywhere behind it, and by that tells damage from a torn tail.
 */
#include "engine/manifest_internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/hash.h"

enum record_kind {
    RECORD_CHECKPOINT = 1,
    RECORD_EDIT = 2,
    RECORD_SEAL = 3,
};

enum {
    MANIFEST_VERSION = 1,
    HEADER_BYTES = 32,
    FRAME_BYTES = 16,
    RECORD_ALIGN = 8,
};

static const char magic[8] = {'S', 'T', 'R', 'A', 'I', 'T', 'M', 'F'};

struct manifest {
    struct io_env *env; /* borrowed; NULL: no file */
    char *folder;       /* owned */
    uint64_t store_id;
    struct manifest_state *state; /* borrowed */
    struct io_file *file;         /* owned; NULL when the last append failed for want of space */
    uint64_t number;
    uint64_t unlink_number; /* the manifest this one replaced; gone before the first edit; 0: none */
    uint64_t end;           /* where the next record begins */
    uint64_t checkpoint_end;
    uint64_t written_bytes;
    bool failed;
};

void manifest_name(uint64_t number, char out[32])
{
    snprintf(out, 32, "manifest-%08llu", (unsigned long long)number);
}

bool manifest_name_parse(const char *name, uint64_t *out_number)
{
    static const char prefix[] = "manifest-";
    if (strncmp(name, prefix, sizeof prefix - 1) != 0)
        return false;
    const char *digits = name + sizeof prefix - 1;
    size_t count = strspn(digits, "0123456789");
    if (count < 8 || count > 18 || digits[count])
        return false;
    *out_number = strtoull(digits, NULL, 10);
    return *out_number != 0;
}

static uint64_t record_checksum(struct slice payload, uint32_t kind, uint64_t store_id, uint64_t number,
                                uint64_t offset)
{
    uint64_t shape = (uint64_t)kind << 32 | payload.bytes;
    return hash64(payload, hash_place(store_id, number, offset) ^ shape * UINT64_C(0x9e3779b97f4a7c15));
}

static void append_record(struct buffer *out, enum record_kind kind, struct slice payload, uint64_t store_id,
                          uint64_t number, uint64_t offset)
{
    static const uint8_t zeros[RECORD_ALIGN];
    if (payload.bytes > UINT32_MAX / 2) {
        out->failed = true;
        return;
    }
    buffer_append_le32(out, (uint32_t)payload.bytes);
    buffer_append_le32(out, kind);
    buffer_append_le64(out, record_checksum(payload, kind, store_id, number, offset));
    buffer_append_slice(out, payload);
    buffer_append(out, zeros, (RECORD_ALIGN - payload.bytes % RECORD_ALIGN) % RECORD_ALIGN);
}

/* The valid record at `offset`, if there is one. */
static bool record_at(struct slice file, uint64_t offset, uint64_t store_id, uint64_t number,
                      uint32_t *out_kind, struct slice *out_payload, uint64_t *out_next)
{
    if (offset > file.bytes || file.bytes - offset < FRAME_BYTES)
        return false;
    const uint8_t *frame = file.data + offset;
    uint32_t bytes = load_le32(frame), kind = load_le32(frame + 4);
    if (kind < RECORD_CHECKPOINT || kind > RECORD_SEAL || bytes > file.bytes - offset - FRAME_BYTES)
        return false;
    struct slice payload = slice_of(frame + FRAME_BYTES, bytes);
    if (record_checksum(payload, kind, store_id, number, offset) != load_le64(frame + 8))
        return false;
    *out_kind = kind;
    *out_payload = payload;
    *out_next = offset + FRAME_BYTES + ((uint64_t)bytes + RECORD_ALIGN - 1) / RECORD_ALIGN * RECORD_ALIGN;
    return true;
}

static bool any_record_behind(struct slice file, uint64_t offset, uint64_t store_id, uint64_t number)
{
    uint32_t kind;
    struct slice payload;
    uint64_t next;
    for (offset += RECORD_ALIGN; offset + FRAME_BYTES <= file.bytes; offset += RECORD_ALIGN)
        if (record_at(file, offset, store_id, number, &kind, &payload, &next))
            return true;
    return false;
}

static status header_check(struct slice file, uint64_t store_id, uint64_t number)
{
    if (file.bytes < HEADER_BYTES)
        return STATUS_FAIL(STATUS_NOT_FOUND);
    uint64_t checksum = hash64(slice_of(file.data, 24), hash_place(store_id, number, 24));
    if (load_le64(file.data + 24) != checksum)
        return STATUS_FAIL(STATUS_NOT_FOUND);
    if (memcmp(file.data, magic, sizeof magic) != 0 || load_le64(file.data + 16) != number)
        return STATUS_FAIL(STATUS_CORRUPT);
    if (load_le32(file.data + 8) != MANIFEST_VERSION ||
        load_le32(file.data + 12) & ~(uint32_t)MANIFEST_FEATURES)
        return STATUS_FAIL(STATUS_UNSUPPORTED);
    return STATUS_DONE;
}

status manifest_decode(struct slice file, uint64_t store_id, uint64_t number, struct manifest_state *state,
                       enum manifest_end *out_end)
{
    status head = header_check(file, store_id, number);
    uint32_t kind;
    struct slice payload;
    uint64_t at = HEADER_BYTES;
    bool complete = ok(head) && record_at(file, at, store_id, number, &kind, &payload, &at);
    if (!complete || kind != RECORD_CHECKPOINT) {
        if (failed(head) && head.code != STATUS_NOT_FOUND)
            return head;
        /* Without anything valid behind it, the checkpoint was never finished and the older manifest still holds. */
        return any_record_behind(file, HEADER_BYTES, store_id, number) ? STATUS_FAIL(STATUS_CORRUPT)
                                                                       : STATUS_FAIL(STATUS_NOT_FOUND);
    }
    TRY(manifest_state_apply(state, payload));
    while (record_at(file, at, store_id, number, &kind, &payload, &at)) {
        if (kind == RECORD_CHECKPOINT)
            return STATUS_FAIL(STATUS_CORRUPT);
        if (kind == RECORD_EDIT)
            TRY(manifest_state_apply(state, payload));
    }
    *out_end = MANIFEST_END_CLEAN;
    if (at < file.bytes) {
        if (any_record_behind(file, at, store_id, number))
            return STATUS_FAIL(STATUS_CORRUPT);
        *out_end = MANIFEST_END_TORN;
    }
    return STATUS_DONE;
}

/* ---- loading ---- */

struct numbers_found {
    uint64_t newest, older; /* the two greatest; 0: none */
    uint32_t count;
};

static void note_name(void *context, const char *name)
{
    struct numbers_found *found = context;
    uint64_t number;
    if (!manifest_name_parse(name, &number))
        return;
    found->count++;
    if (number > found->newest) {
        found->older = found->newest;
        found->newest = number;
    } else if (number > found->older) {
        found->older = number;
    }
}

static status path_of(const char *folder, uint64_t number, char *out_path, size_t path_bytes)
{
    char name[32];
    manifest_name(number, name);
    int length = snprintf(out_path, path_bytes, "%s/%s", folder, name);
    return length < 0 || (size_t)length >= path_bytes ? STATUS_FAIL(STATUS_INVALID) : STATUS_DONE;
}

static status load_one(struct io_env *env, const char *folder, uint64_t store_id, uint64_t number,
                       struct manifest_state *state, enum manifest_end *out_end)
{
    char path[IO_PATH_BYTES_MAX];
    struct io_file *file = NULL;
    struct buffer bytes = {0};
    uint64_t size = 0;
    size_t got = 0;
    TRY(path_of(folder, number, path, sizeof path));
    TRY(io_open(env, path, IO_READ, &file));
    status st = io_size(file, &size);
    if (ok(st) && size > (UINT64_C(1) << 32))
        st = STATUS_FAIL(STATUS_CORRUPT);
    if (ok(st) && !buffer_extend(&bytes, (size_t)size) && size)
        st = STATUS_FAIL(STATUS_NOMEM);
    if (ok(st) && size)
        st = io_read(file, 0, bytes.data, (size_t)size, &got);
    if (ok(st))
        st = manifest_decode(slice_of(bytes.data, got), store_id, number, state, out_end);
    buffer_deinit(&bytes);
    io_close(file);
    return st;
}

status manifest_load(struct io_env *env, const char *folder, uint64_t store_id, struct manifest_state *state,
                     uint64_t *out_number, enum manifest_end *out_end)
{
    struct numbers_found found = {0};
    TRY(io_list(env, folder, note_name, &found));
    *out_number = 0;
    *out_end = MANIFEST_END_CLEAN;
    if (!found.newest)
        return STATUS_DONE;
    uint32_t shards = state->shards;
    uint64_t number = found.newest;
    status st = load_one(env, folder, store_id, number, state, out_end);
    if (st.code == STATUS_NOT_FOUND && found.older) {
        number = found.older;
        manifest_state_deinit(state);
        manifest_state_init(state, shards);
        st = load_one(env, folder, store_id, number, state, out_end);
    }
    /* The only manifest has no checkpoint: it was the first of a store that was never finished, or it is damaged.
     * The caller knows which, by whether the store holds data. */
    if (st.code == STATUS_NOT_FOUND && !found.older)
        return STATUS_DONE;
    if (failed(st))
        return st.code == STATUS_NOT_FOUND ? STATUS_FAIL(STATUS_CORRUPT) : st;
    *out_number = number;
    return STATUS_DONE;
}

/* ---- writing ---- */

/* Write a new file with the whole state; it is durable, name included, on return. */
static status file_begin(struct manifest *manifest, uint64_t number)
{
    char path[IO_PATH_BYTES_MAX];
    struct buffer edit = {0}, bytes = {0};
    struct io_file *file = NULL;
    status st = path_of(manifest->folder, number, path, sizeof path);
    if (failed(st))
        goto out;

    buffer_append(&bytes, magic, sizeof magic);
    buffer_append_le32(&bytes, MANIFEST_VERSION);
    buffer_append_le32(&bytes, manifest_state_features(manifest->state));
    buffer_append_le64(&bytes, number);
    if (bytes.failed) {
        st = STATUS_FAIL(STATUS_NOMEM);
        goto out;
    }
    buffer_append_le64(&bytes, hash64(buffer_slice(&bytes), hash_place(manifest->store_id, number, 24)));
    manifest_state_encode(manifest->state, &edit);
    if (edit.failed) {
        st = STATUS_FAIL(STATUS_NOMEM);
        goto out;
    }
    append_record(&bytes, RECORD_CHECKPOINT, buffer_slice(&edit), manifest->store_id, number, HEADER_BYTES);
    st = buffer_status(&bytes);
    if (failed(st))
        goto out;

    st = io_open(manifest->env, path, IO_READ | IO_WRITE | IO_CREATE, &file);
    if (ok(st))
        st = io_truncate(file, 0); /* what an unfinished attempt under this number left */
    if (ok(st))
        st = io_write(file, 0, bytes.data, bytes.bytes, false);
    if (ok(st))
        st = io_sync(file);
    if (ok(st))
        st = io_sync_dir(manifest->env, manifest->folder);
    if (failed(st))
        goto out;

    io_close(manifest->file);
    manifest->file = file;
    file = NULL;
    manifest->number = number;
    manifest->end = manifest->checkpoint_end = bytes.bytes;
    manifest->written_bytes += bytes.bytes;
out:
    io_close(file);
    buffer_deinit(&edit);
    buffer_deinit(&bytes);
    return st;
}

status manifest_open(struct io_env *env, const char *folder, uint64_t store_id, uint64_t number,
                     uint64_t replaces, struct manifest_state *state, struct manifest **out_manifest)
{
    struct manifest *manifest = calloc(1, sizeof *manifest);
    if (!manifest)
        return STATUS_FAIL(STATUS_NOMEM);
    *manifest =
        (struct manifest){.env = env, .store_id = store_id, .state = state, .unlink_number = replaces};
    status st = STATUS_DONE;
    if (env) {
        manifest->folder = strdup(folder);
        st = manifest->folder ? file_begin(manifest, number) : STATUS_FAIL(STATUS_NOMEM);
    }
    if (failed(st)) {
        manifest_close(manifest);
        return st;
    }
    *out_manifest = manifest;
    return STATUS_DONE;
}

void manifest_close(struct manifest *manifest)
{
    if (!manifest)
        return;
    io_close(manifest->file);
    free(manifest->folder);
    free(manifest);
}

uint64_t manifest_written_bytes(const struct manifest *manifest)
{
    return manifest->written_bytes;
}

/* As long as the replaced manifest may still be there, this one may be passed over for it: no edit before it is
 * durably gone. */
static status replaced_unlink(struct manifest *manifest)
{
    if (!manifest->unlink_number)
        return STATUS_DONE;
    char path[IO_PATH_BYTES_MAX];
    TRY(path_of(manifest->folder, manifest->unlink_number, path, sizeof path));
    status st = io_unlink(manifest->env, path);
    if (failed(st) && st.code != STATUS_NOT_FOUND)
        return st;
    TRY(io_sync_dir(manifest->env, manifest->folder));
    manifest->unlink_number = 0;
    return STATUS_DONE;
}

/* Begin the next manifest when there is no good file to append to, or when edits have outgrown the checkpoint. */
static status file_ready(struct manifest *manifest)
{
    bool large = manifest->end > manifest->checkpoint_end * 4 + MANIFEST_GROWTH_BYTES;
    if (!manifest->file || large) {
        TRY(replaced_unlink(manifest));
        uint64_t replaced = manifest->number;
        TRY(file_begin(manifest, replaced + 1));
        manifest->unlink_number = replaced;
    }
    return replaced_unlink(manifest);
}

static status record_write(struct manifest *manifest, struct slice edit)
{
    struct buffer bytes = {0};
    append_record(&bytes, RECORD_EDIT, edit, manifest->store_id, manifest->number, manifest->end);
    uint64_t seal_at = manifest->end + bytes.bytes;
    status st = buffer_status(&bytes);
    if (ok(st))
        st = io_write(manifest->file, manifest->end, bytes.data, bytes.bytes, true);
    if (ok(st)) {
        manifest->written_bytes += bytes.bytes;
        manifest->end = seal_at;
        buffer_clear(&bytes);
        append_record(&bytes, RECORD_SEAL, (struct slice){0}, manifest->store_id, manifest->number, seal_at);
        /* The seal only helps to judge damage later: without it the edit is as good. The next edit takes its
         * place: a synced write does not make an earlier unsynced one durable, so it could leave a hole. */
        if (ok(buffer_status(&bytes)))
            (void)io_write(manifest->file, seal_at, bytes.data, bytes.bytes, false);
    }
    buffer_deinit(&bytes);
    return st;
}

status manifest_append(struct manifest *manifest, const struct buffer *edit)
{
    TRY(buffer_status(edit));
    if (!manifest->env)
        return manifest_state_apply(manifest->state, buffer_slice(edit));
    if (manifest->failed)
        return STATUS_FAIL(STATUS_CLOSED);
    status st = file_ready(manifest);
    if (ok(st))
        st = record_write(manifest, buffer_slice(edit));
    if (failed(st)) {
        io_close(manifest->file);
        manifest->file = NULL;
        if (st.code != STATUS_NOSPACE && st.code != STATUS_NOMEM)
            manifest->failed = true;
        return st;
    }
    st = manifest_state_apply(manifest->state, buffer_slice(edit));
    if (failed(st)) {
        /* Durable but not carried out: only the next open can go on from it, so no caller may take this for a want of
         * memory that passes. */
        manifest->failed = true;
        st.code = STATUS_CLOSED;
    }
    return st;
}
