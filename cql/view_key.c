/* view_key.c: from the key of a view's row to the key of the base row. */
#include "cql/restriction.h"
#include "cql/view.h"

static status place_of(const struct cql_table *view, const char *name, uint32_t *out_place)
{
    const struct cql_column *column = table_column(view, name);
    if (!column || column->kind > COLUMN_CLUSTERING)
        return STATUS_FAIL(STATUS_CORRUPT);
    *out_place = (uint32_t)(column - view->columns);
    return STATUS_DONE;
}

status view_key_map_make(struct arena *arena, const struct cql_table *base, const struct cql_table *view,
                         struct view_key_map *out_map)
{
    struct view_key_map map = {.base = base, .cell = UINT32_MAX};
    map.partition = arena_alloc(arena, base->partition_count * sizeof *map.partition);
    map.clustering = arena_alloc(arena, (base->clustering_count + 1) * sizeof *map.clustering);
    if (!map.partition || !map.clustering)
        return STATUS_FAIL(STATUS_NOMEM);
    for (uint32_t i = 0; i < base->partition_count; i++)
        TRY(place_of(view, base->columns[i].name, &map.partition[i]));
    for (uint32_t i = 0; i < base->clustering_count; i++)
        TRY(place_of(view, base->columns[base->partition_count + i].name, &map.clustering[i]));
    for (uint32_t i = 0; i < view->partition_count + view->clustering_count; i++) {
        const struct cql_column *column = table_column(base, view->columns[i].name);
        if (!column)
            return STATUS_FAIL(STATUS_CORRUPT);
        if (column->kind == COLUMN_REGULAR)
            map.cell = i;
    }
    *out_map = map;
    return STATUS_DONE;
}

status view_key_map_base(const struct view_key_map *map, const struct slice *values,
                         struct buffer *out_partition, struct buffer *out_clustering)
{
    const struct cql_table *base = map->base;
    buffer_clear(out_partition);
    buffer_clear(out_clustering);
    for (uint32_t i = 0; i < base->partition_count; i++) {
        struct slice value = values[map->partition[i]];
        if (base->partition_count > 1)
            buffer_append_be16(out_partition, (uint16_t)value.bytes);
        buffer_append_slice(out_partition, value);
        if (base->partition_count > 1)
            buffer_append_u8(out_partition, 0);
    }
    for (uint32_t i = 0; i < base->clustering_count; i++)
        TRY(key_append(out_clustering, base->clustering[i], values[map->clustering[i]]));
    TRY(buffer_status(out_partition));
    return buffer_status(out_clustering);
}

static status decode_clustering(struct arena *scratch, const struct cql_table *view, struct slice clustering,
                                struct slice *out_values)
{
    struct reader in = reader_of(clustering);
    struct buffer wire = {0};
    status st = STATUS_DONE;
    for (uint32_t i = 0; ok(st) && i < view->clustering_count; i++) {
        buffer_clear(&wire);
        st = key_take(&in, view->clustering[i], &wire);
        if (ok(st))
            st = buffer_status(&wire);
        if (ok(st))
            out_values[i] = arena_copy(scratch, buffer_slice(&wire));
        if (ok(st) && wire.bytes && !out_values[i].data)
            st = STATUS_FAIL(STATUS_NOMEM);
    }
    buffer_deinit(&wire);
    return st;
}

status view_base_key(struct arena *scratch, const struct cql_table *base, const struct cql_table *view,
                     struct slice partition, struct slice clustering, struct buffer *out_partition,
                     struct buffer *out_clustering)
{
    struct view_key_map map;
    struct slice *values =
        arena_alloc(scratch, (view->partition_count + view->clustering_count) * sizeof *values);
    if (!values)
        return STATUS_FAIL(STATUS_NOMEM);
    TRY(view_key_map_make(scratch, base, view, &map));
    TRY(partition_key_split(view, partition, values));
    TRY(decode_clustering(scratch, view, clustering, values + view->partition_count));
    return view_key_map_base(&map, values, out_partition, out_clustering);
}
