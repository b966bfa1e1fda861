#include "engine/folder_internal.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buffer.h"
#include "base/hash.h"
#include "engine/manifest_internal.h"

enum {
    IDENTITY_BYTES = 64,
    IDENTITY_VERSION = 1,
    LOST_NAMES_MAX = 1000,
};

static const char identity_magic[8] = {'S', 'T', 'R', 'A', 'I', 'T', 'D', 'B'};

status folder_path(const char *folder, const char *inside, const char *name, char *out)
{
    int length = snprintf(out, IO_PATH_BYTES_MAX, "%s%s%s%s%s", folder, inside ? "/" : "",
                          inside ? inside : "", name ? "/" : "", name ? name : "");
    return length < 0 || length >= IO_PATH_BYTES_MAX ? STATUS_FAIL(STATUS_INVALID) : STATUS_DONE;
}

/* ---- survey ---- */

struct survey {
    bool identity, manifest, known, unknown;
};

static void survey_name(void *context, const char *name)
{
    static const char *const ours[] = {"LOCK", "STORE.tmp", "log", "table", "lost"};
    struct survey *survey = context;
    uint64_t number;
    if (strcmp(name, "STORE") == 0) {
        survey->identity = true;
        return;
    }
    bool known = manifest_name_parse(name, &number);
    survey->manifest = survey->manifest || known;
    for (size_t i = 0; i < ARRAY_LEN(ours); i++)
        known = known || strcmp(name, ours[i]) == 0;
    if (known)
        survey->known = true;
    else
        survey->unknown = true;
}

static void count_name(void *context, const char *name)
{
    (void)name;
    ++*(uint32_t *)context;
}

static status count_files(struct io_env *env, const char *folder, const char *inside, uint32_t *count)
{
    char path[IO_PATH_BYTES_MAX];
    TRY(folder_path(folder, inside, NULL, path));
    status st = io_list(env, path, count_name, count);
    return st.code == STATUS_NOT_FOUND ? STATUS_DONE : st;
}

status folder_survey(struct io_env *env, const char *folder, enum folder_state *out_state, bool *out_has_data)
{
    struct survey survey = {0};
    uint32_t files = 0;
    status st = io_list(env, folder, survey_name, &survey);
    *out_has_data = false;
    if (st.code == STATUS_NOT_FOUND) {
        *out_state = FOLDER_ABSENT;
        return STATUS_DONE;
    }
    TRY(st);
    if (survey.unknown && !survey.identity) {
        *out_state = FOLDER_FOREIGN;
        return STATUS_DONE;
    }
    if (survey.known) {
        TRY(count_files(env, folder, "log", &files));
        TRY(count_files(env, folder, "table", &files));
    }
    *out_has_data = files > 0;
    if (survey.identity)
        *out_state = FOLDER_STORE;
    else
        *out_state = files || survey.manifest ? FOLDER_HEADLESS : FOLDER_EMPTY;
    return STATUS_DONE;
}

/* ---- identity ---- */

uint64_t identity_store_id(const struct identity *identity)
{
    return hash64(slice_of(identity->uuid, sizeof identity->uuid), 0);
}

static void identity_encode(const struct identity *identity, uint8_t out[IDENTITY_BYTES])
{
    memset(out, 0, IDENTITY_BYTES);
    memcpy(out, identity_magic, sizeof identity_magic);
    store_le32(out + 8, IDENTITY_VERSION);
    store_le32(out + 12, 0);
    memcpy(out + 16, identity->uuid, 16);
    store_le32(out + 32, identity->shards);
    store_le64(out + 40, (uint64_t)identity->created_us);
    store_le64(out + 56, hash64(slice_of(out, 56), 0));
}

status identity_decode(struct slice file, struct identity *out_identity)
{
    if (file.bytes != IDENTITY_BYTES || load_le64(file.data + 56) != hash64(slice_of(file.data, 56), 0) ||
        memcmp(file.data, identity_magic, sizeof identity_magic) != 0)
        return STATUS_FAIL(STATUS_CORRUPT);
    if (load_le32(file.data + 8) != IDENTITY_VERSION || load_le32(file.data + 12) != 0)
        return STATUS_FAIL(STATUS_UNSUPPORTED);
    struct identity identity = {.shards = load_le32(file.data + 32),
                                .created_us = (int64_t)load_le64(file.data + 40)};
    memcpy(identity.uuid, file.data + 16, 16);
    if (identity.shards == 0 || identity.shards > MANIFEST_SHARDS_MAX)
        return STATUS_FAIL(STATUS_CORRUPT);
    *out_identity = identity;
    return STATUS_DONE;
}

status folder_identity(struct io_env *env, const char *folder, struct identity *out_identity)
{
    char path[IO_PATH_BYTES_MAX];
    uint8_t bytes[IDENTITY_BYTES + 1];
    size_t got = 0;
    struct io_file *file = NULL;
    TRY(folder_path(folder, NULL, "STORE", path));
    TRY(io_open(env, path, IO_READ, &file));
    status st = io_read(file, 0, bytes, sizeof bytes, &got);
    io_close(file);
    TRY(st);
    return identity_decode(slice_of(bytes, got), out_identity);
}

static status identity_write(struct io_env *env, const char *folder, const struct identity *identity)
{
    char temporary[IO_PATH_BYTES_MAX], path[IO_PATH_BYTES_MAX];
    uint8_t bytes[IDENTITY_BYTES];
    struct io_file *file = NULL;
    TRY(folder_path(folder, NULL, "STORE.tmp", temporary));
    TRY(folder_path(folder, NULL, "STORE", path));
    identity_encode(identity, bytes);
    TRY(io_open(env, temporary, IO_READ | IO_WRITE | IO_CREATE, &file));
    status st = io_truncate(file, 0);
    if (ok(st))
        st = io_write(file, 0, bytes, sizeof bytes, false);
    if (ok(st))
        st = io_sync(file);
    io_close(file);
    TRY(st);
    return io_rename(env, temporary, path);
}

static status folder_make(struct io_env *env, const char *folder, const char *inside)
{
    char path[IO_PATH_BYTES_MAX];
    TRY(folder_path(folder, inside, NULL, path));
    status st = io_mkdir(env, path);
    return st.code == STATUS_EXISTS ? STATUS_DONE : st;
}

status folder_create(struct io_env *env, const char *folder, const struct identity *identity)
{
    TRY(identity_write(env, folder, identity));
    TRY(folder_make(env, folder, "log"));
    TRY(folder_make(env, folder, "table"));
    return io_sync_dir(env, folder);
}

status folder_sync_parent(struct io_env *env, const char *folder)
{
    char parent[IO_PATH_BYTES_MAX];
    TRY(folder_path(folder, NULL, NULL, parent));
    char *slash = strrchr(parent, '/');
    if (slash && slash != parent)
        *slash = 0;
    else
        strcpy(parent, slash ? "/" : ".");
    status st = io_sync_dir(env, parent);
    /* Bodies without a file system below know no parent; nothing to make durable there. */
    return st.code == STATUS_NOT_FOUND ? STATUS_DONE : st;
}

status folder_set_aside(struct io_env *env, const char *folder, const char *inside, const char *name)
{
    char from[IO_PATH_BYTES_MAX], to[IO_PATH_BYTES_MAX], numbered[300];
    TRY(folder_make(env, folder, "lost"));
    TRY(folder_path(folder, inside, name, from));
    for (unsigned i = 0; i < LOST_NAMES_MAX; i++) {
        struct io_file *taken = NULL;
        if (i == 0)
            snprintf(numbered, sizeof numbered, "%.250s", name);
        else
            snprintf(numbered, sizeof numbered, "%.250s.%u", name, i);
        TRY(folder_path(folder, "lost", numbered, to));
        status st = io_open(env, to, IO_READ, &taken);
        if (st.code == STATUS_NOT_FOUND)
            return io_rename(env, from, to);
        io_close(taken);
        TRY(st);
    }
    return STATUS_FAIL(STATUS_LIMIT);
}
