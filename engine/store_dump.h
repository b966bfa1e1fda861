/*
 * store_dump.h: a person's view of a store's folder: identity, manifest, tables and their files. Nothing is opened for
 * writing and no lock is taken, so a store that is in use shows the moment at which its manifest was read.
 */
#ifndef STRAIT_ENGINE_STORE_DUMP_H
#define STRAIT_ENGINE_STORE_DUMP_H

#include "base/buffer.h"
#include "base/status.h"

struct io_env;

/* Append the text to `out_text`, also what could be read before a failure. STATUS_NOT_FOUND when `folder` holds no store. */
status store_dump(struct io_env *env, const char *folder, struct buffer *out_text);

#endif
