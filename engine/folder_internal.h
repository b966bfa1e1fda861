/*
 * folder_internal.h: the data folder: what belongs into it, who owns it, and its identity.
 *
 *     LOCK           held while the store is open
 *     STORE          identity, written once (docs/formats/manifest.md)
 *     manifest-N     what the store consists of
 *     log/  table/   commit log segments, SSTables
 *     lost/          files that were moved aside instead of deleted (I6); made when first needed
 */
#ifndef STRAIT_ENGINE_FOLDER_INTERNAL_H
#define STRAIT_ENGINE_FOLDER_INTERNAL_H

#include "base/slice.h"
#include "io/io.h"

enum folder_state {
    FOLDER_ABSENT,
    FOLDER_EMPTY,    /* nothing in it, or what an unfinished creation left: no data */
    FOLDER_STORE,    /* has an identity */
    FOLDER_HEADLESS, /* data or a manifest of a store, but no identity */
    FOLDER_FOREIGN,  /* somebody else's files */
};

struct identity {
    uint8_t uuid[16];
    uint32_t shards;
    int64_t created_us;
};

/* Look, touch nothing. *out_has_data: log/ or table/ hold a file. */
status folder_survey(struct io_env *env, const char *folder, enum folder_state *out_state,
                     bool *out_has_data);

/* "FOLDER/NAME" or, with `inside`, "FOLDER/INSIDE/NAME"; STATUS_INVALID when it is too long. `out` has
 * IO_PATH_BYTES_MAX bytes. */
status folder_path(const char *folder, const char *inside, const char *name, char *out);

/* Write the identity and make log/ and table/, durably: no manifest is there without them. */
status folder_create(struct io_env *env, const char *folder, const struct identity *identity);
/* Make the folder's own name durable. */
status folder_sync_parent(struct io_env *env, const char *folder);
status folder_identity(struct io_env *env, const char *folder, struct identity *out_identity);

/* Decode an identity file. STATUS_CORRUPT, or STATUS_UNSUPPORTED for another version. */
status identity_decode(struct slice file, struct identity *out_identity);

/* The seed of every checksum of the store. */
uint64_t identity_store_id(const struct identity *identity);

/* Move FOLDER/INSIDE/NAME to FOLDER/lost/, under another name when that one is taken. */
status folder_set_aside(struct io_env *env, const char *folder, const char *inside, const char *name);

#endif
