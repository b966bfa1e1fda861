/* index_entry.c: entries: their keys, lists of them, and what makes one list of another. */
#include <stdatomic.h>
#include <stdlib.h>

#include "cql/index_internal.h"

static const struct key_column token_column = {.kind = KEY_INT64};
static const struct key_column partition_column = {.kind = KEY_BYTES};

/* ---- keys ---- */

struct slice index_partition_bytes(struct slice value)
{
    static const uint8_t zero[1];
    return value.bytes ? value : slice_of(zero, sizeof zero);
}

void index_entry_key(struct buffer *out, struct partition_key key, struct slice clustering)
{
    uint8_t token[8];
    store_be64(token, (uint64_t)key.token);
    /* Both encodings take any bytes of these sizes; running out of memory stays in the buffer. */
    (void)key_append(out, token_column, slice_of(token, sizeof token));
    (void)key_append(out, partition_column, key.bytes);
    buffer_append_slice(out, clustering);
}

status index_entry_split(struct slice entry, struct buffer *out_partition, struct slice *out_clustering)
{
    struct reader in = reader_of(entry);
    TRY(key_take(&in, token_column, out_partition));
    buffer_clear(out_partition);
    TRY(key_take(&in, partition_column, out_partition));
    TRY(buffer_status(out_partition));
    *out_clustering = slice_of(in.at, reader_left(&in));
    return STATUS_DONE;
}

/* ---- lists ---- */

bool entry_list_add(struct plan_run *run, struct entry_list *list, const struct entry *entry)
{
    struct entry *grown = arena_grow(run->scratch, list->items, list->count, &list->capacity, sizeof *grown);
    if (!grown)
        return run_nomem(run);
    list->items = grown;
    list->items[list->count++] = *entry;
    return true;
}

static int place_compare(const struct entry *a, const struct entry *b)
{
    int order = slice_compare(a->partition, b->partition);
    return order ? order : slice_compare(a->clustering, b->clustering);
}

static int entry_compare(const void *left, const void *right)
{
    return place_compare(left, right);
}

static bool outlives(const struct entry *a, const struct entry *b)
{
    return b->ttl_s && (!a->ttl_s || a->expiry_s > b->expiry_s);
}

void entry_list_sort(struct entry_list *list)
{
    if (list->count < 2)
        return;
    qsort(list->items, list->count, sizeof *list->items, entry_compare);
    uint32_t kept = 0;
    for (uint32_t i = 1; i < list->count; i++) {
        struct entry *last = &list->items[kept];
        const struct entry *next = &list->items[i];
        if (place_compare(last, next) != 0)
            list->items[++kept] = *next;
        else if (outlives(next, last))
            *last = *next;
    }
    list->count = kept + 1;
}

static bool put(struct plan_run *run, uint64_t store_id, const struct entry *entry, bool lives,
                struct batch *out)
{
    struct row_builder *builder = &run->workspace->entry;
    struct buffer *image = &run->workspace->entry_image;
    int64_t version = atomic_fetch_add_explicit(run->context->entry_version, 1, memory_order_relaxed);
    row_builder_reset(builder);
    buffer_clear(image);
    if (lives)
        builder->marker =
            (struct marker){.timestamp = version, .ttl_s = entry->ttl_s, .expiry_s = entry->expiry_s};
    else
        builder->deletion = (struct deletion){.timestamp = version, .time_s = run->now_s};
    status st = row_builder_finish(builder, image);
    if (failed(st))
        return cql_refuse_status(run->error, st);
    batch_begin(out, store_id, partition_key_of(entry->partition));
    batch_row(out, entry->clustering, buffer_slice(image));
    batch_end(out);
    return true;
}

bool entry_lists_differ(struct plan_run *run, uint64_t store_id, const struct entry_list *before,
                        const struct entry_list *after, struct batch *out)
{
    uint32_t i = 0, j = 0;
    while (i < before->count || j < after->count) {
        const struct entry *old = i < before->count ? &before->items[i] : NULL;
        const struct entry *new = j < after->count ? &after->items[j] : NULL;
        int order = !old ? 1 : !new ? -1 : place_compare(old, new);
        bool same = order == 0 && old->ttl_s == new->ttl_s && old->expiry_s == new->expiry_s;
        i += order <= 0;
        j += order >= 0;
        if (order < 0 && !put(run, store_id, old, false, out))
            return false;
        if (order >= 0 && !same && !put(run, store_id, new, true, out))
            return false;
    }
    return true;
}
