/*
 * row_walk_virtual.c: the rows of a virtual table, generated, put into key bytes and sorted as stored rows would be.
 */
#include <stdlib.h>

#include "cql/restriction.h"
#include "cql/row_walk.h"

struct virtual_item {
    struct partition_key key;
    struct slice clustering;
    const struct cql_value *values;
};

static int item_compare(const void *left, const void *right, void *context)
{
    const struct virtual_item *a = left, *b = right;
    const bool *reverse = context;
    int order = partition_key_compare(a->key, b->key);
    if (order)
        return order;
    order = slice_compare(a->clustering, b->clustering);
    return *reverse ? -order : order;
}

static bool item_keys(struct plan_run *run, const struct cql_table *table, struct slice *components,
                      struct virtual_item *item)
{
    struct buffer *key = &run->workspace->key;
    for (uint32_t i = 0; i < table->partition_count; i++)
        components[i] = item->values[i].bytes;
    if (!partition_key_compose(run, table, components, &item->key))
        return false;
    buffer_clear(key);
    for (uint32_t i = 0; i < table->clustering_count; i++) {
        status st = key_append(key, table->clustering[i], item->values[table->partition_count + i].bytes);
        if (failed(st))
            return cql_refuse_status(run->error, st);
    }
    item->clustering = arena_copy(run->scratch, buffer_slice(key));
    return key->failed || (key->bytes && !item->clustering.data) ? run_nomem(run) : true;
}

static bool wanted(const struct walk_request *request, const struct virtual_item *item)
{
    bool key = !request->by_key;
    for (uint32_t i = 0; i < request->key_count && !key; i++)
        key = slice_equal(request->keys[i].bytes, item->key.bytes);
    if (!key || item->key.token < request->first_token || item->key.token > request->last_token)
        return false;
    for (uint32_t i = 0; i < request->range_count; i++)
        if (slice_compare(item->clustering, request->ranges[i].start) >= 0 &&
            slice_compare(item->clustering, request->ranges[i].end) < 0)
            return true;
    return false;
}

/* Is the item one that an earlier page has given out? */
static bool before(const struct walk_request *request, const struct virtual_item *item)
{
    const struct walk_position *from = &request->from;
    if (!from->partition.bytes)
        return false;
    int order = partition_key_compare(item->key, partition_key_of(from->partition));
    if (order || from->partition_done)
        return order <= 0;
    order = slice_compare(item->clustering, from->clustering);
    return (request->reverse ? -order : order) <= 0;
}

bool walk_open_virtual(struct row_walk *walk)
{
    struct plan_run *run = walk->run;
    const struct cql_table *table = walk->request.table;
    struct virtual_context context = virtual_context_of(run);
    struct virtual_rows rows = {.arena = run->scratch, .table = table};
    if (!table->virtual_->generate(&context, &rows, run->error))
        return false;
    struct virtual_item *items = arena_calloc(run->scratch, (size_t)rows.row_count + 1, sizeof *items);
    struct slice *components = arena_alloc(run->scratch, table->partition_count * sizeof *components);
    if (rows.failed || !items || !components)
        return run_nomem(run);
    uint32_t count = 0;
    for (uint32_t i = 0; i < rows.row_count; i++) {
        items[count].values = rows.rows[i];
        if (!item_keys(run, table, components, &items[count]))
            return false;
        if (wanted(&walk->request, &items[count]) && !before(&walk->request, &items[count]))
            count++;
    }
    qsort_r(items, count, sizeof *items, item_compare, &walk->request.reverse);
    walk->items = items;
    walk->item_count = count;
    return true;
}

bool walk_next_virtual(struct row_walk *walk, enum walk_event *out_event)
{
    if (walk->item_at == walk->item_count) {
        *out_event = WALK_END;
        return true;
    }
    const struct virtual_item *item = &walk->items[walk->item_at++];
    walk->new_partition = !walk->started || !slice_equal(walk->partition.bytes, item->key.bytes);
    walk->started = true;
    walk->partition = item->key;
    walk->clustering = item->clustering;
    slots_values(walk->slots, item->values);
    *out_event = WALK_ROW;
    if (walk->request.distinct) {
        *out_event = WALK_PARTITION;
        walk_skip_partition_virtual(walk);
    }
    return true;
}

void walk_skip_partition_virtual(struct row_walk *walk)
{
    while (walk->item_at < walk->item_count &&
           slice_equal(walk->items[walk->item_at].key.bytes, walk->partition.bytes))
        walk->item_at++;
}
