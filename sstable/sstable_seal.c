/*
 * Sealing a table. The roots go in only after all else came back from the disk as it was meant.
 */
#include "sstable/sstable_seal_internal.h"

#include "sstable/warmth_internal.h"

#include <stdlib.h>
#include <string.h>

static status root_read_back(struct io_file *file, const struct root *root, uint64_t offset, uint8_t *block)
{
    size_t bytes;
    struct root again;
    memset(block, 0, ROOT_BYTES);
    TRY(io_read(file, offset, block, ROOT_BYTES, &bytes));
    if (bytes != ROOT_BYTES)
        return STATUS_FAIL(STATUS_CORRUPT);
    return root_decode(block, offset, root->store_id, &again);
}

/* Whichever of them survives a power cut before the sync is right: what it speaks of is durable already. */
static status roots_write(struct io_file *file, const struct root *root)
{
    const uint64_t offsets[2] = {root->info.file_bytes - ROOT_BYTES, 0};
    uint8_t *block = io_memory_new(ROOT_BYTES);
    status st = block ? STATUS_DONE : STATUS_FAIL(STATUS_NOMEM);
    for (uint32_t i = 0; ok(st) && i < ARRAY_LEN(offsets); i++) {
        st = root_encode(root, offsets[i], block);
        if (ok(st))
            st = io_write(file, offsets[i], block, ROOT_BYTES, false);
    }
    if (ok(st))
        st = io_sync(file);
    for (uint32_t i = 0; ok(st) && i < ARRAY_LEN(offsets); i++)
        st = root_read_back(file, root, offsets[i], block);
    io_memory_free(block);
    return st;
}

static status folder_sync(struct io_env *env, const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return io_sync_dir(env, ".");
    char *folder = strndup(path, slash == path ? 1 : (size_t)(slash - path));
    if (!folder)
        return STATUS_FAIL(STATUS_NOMEM);
    status st = io_sync_dir(env, folder);
    free(folder);
    return st;
}

static status table_check(struct sstable *table, const struct copied_runs *copied)
{
    if (table->index_rebuilt || !table->filter)
        return STATUS_FAIL(STATUS_CORRUPT);
    return sstable_check_content(table, copied);
}

status sstable_seal(struct table_body *body, struct io_env *env, const char *path, struct io_file **file,
                    struct block_cache *warm)
{
    struct sstable *table;
    TRY(sstable_attach(env, path, *file, &body->root, (struct file_tail){0}, NULL, &table));
    *file = NULL; /* the table has it now */
    table->offers_blocks = true;
    table->warmth = warmth_of(warm, table->cache_owner);
    status st = table_check(table, &body->copied);
    if (ok(st))
        st = roots_write(table->file, &table->root);
    if (ok(st))
        st = folder_sync(env, path);
    if (warm)
        body->root.info.warmth = table->cache_owner;
    if (failed(st))
        sstable_drop_warmth(warm, &body->root.info);
    sstable_unref(table);
    return st;
}
