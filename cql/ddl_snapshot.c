/*
 * ddl_snapshot.c: snapshots of keyspaces. The store keeps one under KEYSPACE/NAME, with the keyspace's own property as the
 * snapshot's; the tables' properties come with their copies.
 */
#include <stdio.h>
#include <string.h>

#include "cql/ddl_internal.h"
#include "cql/snapshot.h"

/* A table of a snapshot, or of the keyspace as it is. */
struct member {
    uint64_t table_id;       /* then, and after a restore */
    uint64_t content_id;     /* whose content it is */
    struct slice properties; /* scratch */
    struct cql_table *table; /* owned; NULL for an index's */
};

struct members {
    struct member *items; /* scratch */
    uint32_t count;
};

static void members_release(struct members *members)
{
    for (uint32_t i = 0; i < members->count; i++)
        table_unref(members->items[i].table);
}

/* ---- names ---- */

static bool store_name(struct ddl *ddl, const char *keyspace, const char *name, struct slice *out_name)
{
    char *text = arena_printf(ddl->scratch, "%s/%s", keyspace, name);
    if (!text)
        return ddl_refuse(ddl, MSG_NOMEM);
    *out_name = slice_text(text);
    return true;
}

static bool store_has(struct ddl *ddl, struct slice name)
{
    struct store_table table;
    uint64_t copy;
    struct buffer properties = {0}, listed = {0};
    struct store_snapshot found;
    bool has = ok(store_snapshot_table(ddl->database->store, name, 0, &table, &copy, &properties));
    /* A keyspace without tables has a snapshot without any: only the list knows it. */
    for (struct slice above = {0};
         !has && ok(store_next_snapshot(ddl->database->store, above, &found, &listed, &properties));
         above = found.name)
        has = slice_equal(found.name, name);
    buffer_deinit(&listed);
    buffer_deinit(&properties);
    return has;
}

static bool refuse_missing(struct ddl *ddl, const char *keyspace, const char *name)
{
    return ddl_refuse(ddl, MSG_NO_SNAPSHOT, name, keyspace);
}

bool snapshot_next(struct store *store, struct buffer *above, struct arena *arena,
                   struct snapshot_listed *out_listed)
{
    struct buffer properties = {0};
    struct store_snapshot found;
    status st;
    const char *slash = NULL;
    /* Names without a slash were not given by this file. */
    do {
        st = store_next_snapshot(store, buffer_slice(above), &found, above, &properties);
        if (ok(st))
            slash = memchr(found.name.data, '/', found.name.bytes);
    } while (ok(st) && !slash);
    buffer_deinit(&properties);
    if (failed(st))
        return false;
    size_t keyspace_bytes = (size_t)((const uint8_t *)slash - found.name.data);
    *out_listed = (struct snapshot_listed){
        .keyspace = arena_text(arena, slice_of(found.name.data, keyspace_bytes)),
        .name = arena_text(arena, slice_of(slash + 1, found.name.bytes - keyspace_bytes - 1)),
        .created_us = found.created_us,
        .bytes = found.bytes,
        .table_count = found.table_count,
    };
    return out_listed->keyspace && out_listed->name;
}

/* ---- create and drop ---- */

static uint32_t table_count(const struct cql_keyspace *keyspace)
{
    uint32_t count = keyspace->table_count;
    for (uint32_t i = 0; i < keyspace->table_count; i++)
        count += keyspace->tables[i]->index_count;
    return count;
}

/* The numbers of every table and index. */
static uint64_t *table_ids(struct ddl *ddl, const struct cql_keyspace *keyspace)
{
    uint64_t *ids = arena_calloc(ddl->scratch, table_count(keyspace) + 1, sizeof *ids);
    uint32_t count = 0;
    for (uint32_t i = 0; ids && i < keyspace->table_count; i++) {
        const struct cql_table *table = keyspace->tables[i];
        ids[count++] = table->store_id;
        for (uint32_t j = 0; j < table->index_count; j++)
            ids[count++] = table->indexes[j]->store_id;
    }
    return ids;
}

static bool keyspace_of(struct ddl *ddl, const char *name, const struct cql_keyspace **out_keyspace)
{
    if (!ddl_keyspace_is_free(ddl, name))
        return false;
    *out_keyspace = catalog_keyspace(ddl->catalog, name);
    return *out_keyspace || ddl_refuse(ddl, MSG_NO_KEYSPACE, name);
}

static bool create(struct ddl *ddl, const char *keyspace_name, const char *name)
{
    const struct cql_keyspace *keyspace;
    struct store_change change = {.kind = STORE_CREATE_SNAPSHOT};
    struct store_change forget = {.kind = STORE_DROP_SNAPSHOT};
    if (!keyspace_of(ddl, keyspace_name, &keyspace) || !store_name(ddl, keyspace_name, name, &change.name))
        return false;
    catalog_encode_keyspace(&ddl->property_name, &ddl->properties, keyspace);
    change.tables = table_ids(ddl, keyspace);
    change.table_count = table_count(keyspace);
    change.properties = buffer_slice(&ddl->properties);
    if (!change.tables || ddl->properties.failed || ddl->property_name.failed)
        return ddl_refuse(ddl, MSG_NOMEM);
    forget.name = change.name;
    if (store_has(ddl, change.name) && !ddl_add(ddl, &forget))
        return false;
    return ddl_add(ddl, &change) && ddl_commit(ddl, false);
}

static bool drop(struct ddl *ddl, const char *keyspace, const char *name)
{
    struct store_change forget = {.kind = STORE_DROP_SNAPSHOT};
    if (!store_name(ddl, keyspace, name, &forget.name))
        return false;
    /* As with every DELETE: what is not there is gone already. */
    return !store_has(ddl, forget.name) || (ddl_add(ddl, &forget) && ddl_commit(ddl, false));
}

/* ---- what a snapshot holds ---- */

static bool member_decode(struct ddl *ddl, struct member *member)
{
    uint64_t base_id;
    status st = catalog_decode_table(member->properties, member->table_id, &member->table, &base_id);
    return ok(st) || ddl_failed(ddl, st);
}

static bool members_of_snapshot(struct ddl *ddl, struct slice name, struct members *out)
{
    struct store *store = ddl->database->store;
    struct buffer properties = {0};
    struct store_table table;
    uint32_t capacity = 0;
    bool done = true;
    for (;;) {
        uint64_t copy_id;
        if (failed(store_snapshot_table(store, name, out->count, &table, &copy_id, &properties)))
            break;
        struct member *grown = arena_grow(ddl->scratch, out->items, out->count, &capacity, sizeof *grown);
        if (!grown) {
            done = ddl_refuse(ddl, MSG_NOMEM);
            break;
        }
        out->items = grown;
        struct member *member = &out->items[out->count];
        *member = (struct member){.table_id = table.id,
                                  .content_id = copy_id,
                                  .properties = arena_copy(ddl->scratch, table.properties)};
        if (!member->properties.data) {
            done = ddl_refuse(ddl, MSG_NOMEM);
            break;
        }
        out->count++;
    }
    buffer_deinit(&properties);
    return done;
}

/* The keyspace's own property when the snapshot was taken. */
static bool snapshot_keyspace(struct ddl *ddl, struct slice name, const char *keyspace,
                              struct cql_keyspace *out_keyspace)
{
    struct buffer listed = {0}, properties = {0}, property_name = {0}, unused = {0};
    struct store_snapshot found;
    bool done = false;
    catalog_encode_keyspace(&property_name, &unused, &(struct cql_keyspace){.name = keyspace});
    status st = buffer_status(&property_name);
    for (struct slice above = {0}; ok(st) && !done; above = found.name) {
        st = store_next_snapshot(ddl->database->store, above, &found, &listed, &properties);
        if (failed(st) || !slice_equal(found.name, name))
            continue;
        st = catalog_decode_keyspace(buffer_slice(&property_name), found.properties, ddl->scratch,
                                     out_keyspace);
        done = ok(st);
    }
    buffer_deinit(&listed);
    buffer_deinit(&properties);
    buffer_deinit(&property_name);
    buffer_deinit(&unused);
    return done || ddl_failed(ddl, st);
}

/* ---- restore ---- */

static bool same_keyspace(struct ddl *ddl, const struct cql_keyspace *a, const struct cql_keyspace *b,
                          bool *out_same)
{
    struct buffer name = {0}, left = {0}, right = {0};
    catalog_encode_keyspace(&name, &left, a);
    catalog_encode_keyspace(&name, &right, b);
    bool encoded = !name.failed && !left.failed && !right.failed;
    *out_same = encoded && slice_equal(buffer_slice(&left), buffer_slice(&right));
    buffer_deinit(&name);
    buffer_deinit(&left);
    buffer_deinit(&right);
    return encoded || ddl_refuse(ddl, MSG_NOMEM);
}

static const struct member *member_of(const struct members *members, uint64_t table_id)
{
    for (uint32_t i = 0; i < members->count; i++)
        if (members->items[i].table_id == table_id)
            return &members->items[i];
    return NULL;
}

/* Whether the table is in the snapshot as it is now; its indexes are listed in its properties. */
static bool table_unchanged(const struct cql_table *table, const struct members *members)
{
    const struct member *member = member_of(members, table->store_id);
    struct buffer encoded = {0};
    catalog_encode_table(&encoded, table);
    bool same = member && !encoded.failed && slice_equal(buffer_slice(&encoded), member->properties);
    buffer_deinit(&encoded);
    return same;
}

static bool schema_unchanged(const struct cql_keyspace *now, const struct members *members)
{
    if (table_count(now) != members->count)
        return false;
    for (uint32_t i = 0; i < now->table_count; i++)
        if (!table_unchanged(now->tables[i], members))
            return false;
    return true;
}

/* Tables and indexes that are there now and were not then. */
static bool drop_newer(struct ddl *ddl, const struct cql_keyspace *now, const struct members *members)
{
    const uint64_t *ids = table_ids(ddl, now);
    if (!ids)
        return ddl_refuse(ddl, MSG_NOMEM);
    for (uint32_t i = 0; i < table_count(now); i++) {
        struct store_change forget = {.kind = STORE_DROP_TABLE, .table_id = ids[i]};
        if (!member_of(members, ids[i]) && !ddl_add(ddl, &forget))
            return false;
    }
    return true;
}

/* The catalog as it was then, in ddl->next. */
static bool put_schema(struct ddl *ddl, const char *name, const struct cql_keyspace *keyspace,
                       struct members *members)
{
    if (!ddl_begin(ddl))
        return false;
    catalog_drop_keyspace(ddl->next, name);
    if (!ddl_put_keyspace(ddl, name, keyspace))
        return false;
    for (uint32_t i = 0; i < members->count; i++) {
        struct member *member = &members->items[i];
        if (!member_decode(ddl, member))
            return false;
        if (!member->table)
            continue;
        status st = catalog_put_table(ddl->next, member->table);
        member->table = NULL;
        if (failed(st))
            return ddl_failed(ddl, st);
    }
    return true;
}

/* ---- telling ---- */

static bool tell(struct ddl *ddl, const char *change, const struct cql_table *table)
{
    struct cql_result *result = ddl->request->result;
    struct cql_schema_change *told = cql_result_add_change(result);
    if (!told)
        return ddl_refuse(ddl, MSG_NOMEM);
    told->change = change;
    told->target = "TABLE";
    snprintf(told->keyspace, sizeof told->keyspace, "%s", table->keyspace);
    snprintf(told->name, sizeof told->name, "%s", table->name);
    return true;
}

/* What drivers must look at anew, besides the keyspace. */
static bool tell_tables(struct ddl *ddl, const struct cql_keyspace *before, const struct cql_keyspace *after)
{
    for (uint32_t i = 0; before && i < before->table_count; i++) {
        const struct cql_table *table = before->tables[i];
        if (!catalog_table(ddl->next, table->keyspace, table->name) && !tell(ddl, "DROPPED", table))
            return false;
    }
    for (uint32_t i = 0; i < after->table_count; i++) {
        const struct cql_table *table = after->tables[i];
        const struct cql_table *old = catalog_table(ddl->catalog, table->keyspace, table->name);
        if (old && memcmp(old->digest, table->digest, sizeof table->digest) == 0)
            continue;
        if (!tell(ddl, old ? "UPDATED" : "CREATED", table))
            return false;
    }
    return true;
}

static bool restore_members(struct ddl *ddl, const char *name, const struct cql_keyspace *then,
                            struct members *members, struct slice snapshot)
{
    const struct cql_keyspace *now = catalog_keyspace(ddl->catalog, name);
    struct store_change restore = {.kind = STORE_RESTORE_SNAPSHOT, .name = snapshot};
    bool same = false;
    if (now && !same_keyspace(ddl, now, then, &same))
        return false;
    if (same && schema_unchanged(now, members))
        return ddl_add(ddl, &restore) && ddl_commit(ddl, false);
    if ((now && !drop_newer(ddl, now, members)) || !ddl_add(ddl, &restore) ||
        !put_schema(ddl, name, then, members) || !tell_tables(ddl, now, catalog_keyspace(ddl->next, name)) ||
        !ddl_commit(ddl, false))
        return false;
    ddl_report(ddl, now ? "UPDATED" : "CREATED", "KEYSPACE", name, "");
    return true;
}

static bool restore(struct ddl *ddl, const char *keyspace, const char *name)
{
    struct members members = {0};
    struct cql_keyspace then;
    struct slice snapshot;
    if (!ddl_keyspace_is_free(ddl, keyspace) || !store_name(ddl, keyspace, name, &snapshot))
        return false;
    if (!store_has(ddl, snapshot))
        return refuse_missing(ddl, keyspace, name);
    bool done = members_of_snapshot(ddl, snapshot, &members) &&
                snapshot_keyspace(ddl, snapshot, keyspace, &then) &&
                restore_members(ddl, keyspace, &then, &members, snapshot);
    members_release(&members);
    return done;
}

/* ---- clone ---- */

static bool add_content(struct ddl *ddl, uint64_t table_id, uint64_t content_id)
{
    struct store_change copy = {.kind = STORE_COPY_TABLE, .table_id = table_id, .source_id = content_id};
    return ddl_add(ddl, &copy);
}

static bool clone_index(struct ddl *ddl, const struct cql_table *table, const struct cql_index *from,
                        uint64_t index_id, uint64_t content_id)
{
    struct store_change create = {.kind = STORE_CREATE_TABLE, .table_id = index_id};
    struct buffer properties = {0};
    index_store_options(table, &create.options);
    catalog_encode_index(&properties, table, from->name);
    create.properties =
        properties.failed ? (struct slice){0} : arena_copy(ddl->scratch, buffer_slice(&properties));
    buffer_deinit(&properties);
    if (!create.properties.bytes)
        return ddl_refuse(ddl, MSG_NOMEM);
    return ddl_add(ddl, &create) && add_content(ddl, index_id, content_id);
}

/* The same table in another keyspace, under numbers of its own, not sealed. NULL when memory ran out. */
static struct cql_table *renamed(struct ddl *ddl, const struct cql_table *from, const char *keyspace,
                                 const uint64_t *index_ids)
{
    struct cql_table *table = table_clone(from);
    if (!table)
        return NULL;
    table->keyspace = arena_text(&table->arena, slice_text(keyspace));
    bool made = table->keyspace != NULL && ok(table_move_types(table, keyspace));
    ddl_uuid(ddl, table->uuid);
    for (uint32_t i = 0; made && i < from->index_count; i++) {
        struct cql_index index = *from->indexes[i];
        ddl_uuid(ddl, index.uuid);
        index.store_id = index_ids[i];
        table_drop_index(table, index.name);
        made = ok(table_add_index(table, &index, index.column->name));
    }
    if (made)
        return table;
    table_unref(table);
    return NULL;
}

/* Whose content the clone of a table or index gets: the table's own, or that of the snapshot's copy. */
static uint64_t content_of(const struct members *members, uint64_t table_id)
{
    const struct member *member = members ? member_of(members, table_id) : NULL;
    return member ? member->content_id : table_id;
}

static bool clone_table(struct ddl *ddl, const struct cql_table *from, const char *keyspace,
                        const struct members *members)
{
    struct store *store = ddl->database->store;
    uint64_t table_id = store_new_table_id(store);
    uint64_t *index_ids = arena_calloc(ddl->scratch, from->index_count + 1, sizeof *index_ids);
    for (uint32_t i = 0; index_ids && i < from->index_count; i++)
        index_ids[i] = store_new_table_id(store);
    struct cql_table *table = index_ids ? renamed(ddl, from, keyspace, index_ids) : NULL;
    if (!table)
        return ddl_refuse(ddl, MSG_NOMEM);
    table->store_id = table_id;
    status st = table_seal(table);
    if (failed(st)) {
        table_unref(table);
        return ddl_failed(ddl, st);
    }
    table_ref(table); /* ddl_put_table() takes one over */
    bool done = ddl_put_table(ddl, table, STORE_CREATE_TABLE) && tell(ddl, "CREATED", table) &&
                add_content(ddl, table_id, content_of(members, from->store_id));
    for (uint32_t i = 0; done && i < from->index_count; i++)
        done = clone_index(ddl, table, from->indexes[i], index_ids[i],
                           content_of(members, from->indexes[i]->store_id));
    table_unref(table);
    return done;
}

static bool clone_members(struct ddl *ddl, const char *clone, const struct cql_keyspace *from,
                          struct members *members)
{
    if (!ddl_begin(ddl) || !ddl_put_keyspace(ddl, clone, from))
        return false;
    for (uint32_t i = 0; !members && i < from->table_count; i++)
        if (!clone_table(ddl, from->tables[i], clone, NULL))
            return false;
    for (uint32_t i = 0; members && i < members->count; i++) {
        if (!member_decode(ddl, &members->items[i]))
            return false;
        if (members->items[i].table && !clone_table(ddl, members->items[i].table, clone, members))
            return false;
    }
    if (!ddl_commit(ddl, false))
        return false;
    ddl_report(ddl, "CREATED", "KEYSPACE", clone, "");
    return true;
}

static bool clone_snapshot(struct ddl *ddl, const char *clone, const char *keyspace, const char *name)
{
    struct members members = {0};
    struct cql_keyspace then;
    struct slice snapshot;
    if (!store_name(ddl, keyspace, name, &snapshot))
        return false;
    if (!store_has(ddl, snapshot))
        return refuse_missing(ddl, keyspace, name);
    bool done = members_of_snapshot(ddl, snapshot, &members) &&
                snapshot_keyspace(ddl, snapshot, keyspace, &then) &&
                clone_members(ddl, clone, &then, &members);
    members_release(&members);
    return done;
}

static bool clone_keyspace(struct ddl *ddl, const char *clone_name, const char *keyspace, const char *name)
{
    const struct cql_keyspace *from;
    if (!ddl_keyspace_is_free(ddl, clone_name) || !ddl_keyspace_is_free(ddl, keyspace))
        return false;
    if (!ddl_name_is_word(clone_name))
        return ddl_refuse(ddl, MSG_KEYSPACE_NAME_INVALID, clone_name);
    if (strlen(clone_name) > ddl->target->name_bytes_max_keyspace)
        return ddl_refuse(ddl, MSG_KEYSPACE_NAME_LONG, (unsigned)ddl->target->name_bytes_max_keyspace,
                          clone_name);
    if (catalog_keyspace(ddl->catalog, clone_name))
        return cql_refuse_exists(ddl->error, ddl->profile, clone_name, "");
    if (name)
        return clone_snapshot(ddl, clone_name, keyspace, name);
    return keyspace_of(ddl, keyspace, &from) && clone_members(ddl, clone_name, from, NULL);
}

/* ---- under the lock of schema changes ---- */

struct turn {
    struct ddl_request request;
    struct ddl ddl;
    struct catalog *current;
};

static void turn_begin(struct turn *turn, const struct snapshot_request *request)
{
    struct cql_database *database = request->database;
    turn->request = (struct ddl_request){.database = database,
                                         .scratch = request->scratch,
                                         .result = request->result,
                                         .error = request->error};
    request->result->kind = CQL_RESULT_VOID;
    lock_acquire(&database->ddl_lock);
    turn->current = database_catalog(database);
    turn->ddl = (struct ddl){
        .request = &turn->request,
        .database = database,
        .profile = database->profile,
        .target = database->target,
        .scratch = request->scratch,
        .error = request->error,
        .catalog = turn->current,
    };
}

static bool turn_end(struct turn *turn, bool done)
{
    lock_release(&turn->ddl.database->ddl_lock);
    catalog_unref(turn->current);
    catalog_unref(turn->ddl.next);
    buffer_deinit(&turn->ddl.property_name);
    buffer_deinit(&turn->ddl.properties);
    return done;
}

bool snapshot_create(const struct snapshot_request *request, const char *keyspace, const char *name)
{
    struct turn turn;
    turn_begin(&turn, request);
    return turn_end(&turn, create(&turn.ddl, keyspace, name));
}

bool snapshot_restore(const struct snapshot_request *request, const char *keyspace, const char *name)
{
    struct turn turn;
    turn_begin(&turn, request);
    return turn_end(&turn, restore(&turn.ddl, keyspace, name));
}

bool snapshot_clone(const struct snapshot_request *request, const char *clone_name, const char *keyspace,
                    const char *name)
{
    struct turn turn;
    turn_begin(&turn, request);
    return turn_end(&turn, clone_keyspace(&turn.ddl, clone_name, keyspace, name));
}

bool snapshot_drop(const struct snapshot_request *request, const char *keyspace, const char *name)
{
    struct turn turn;
    turn_begin(&turn, request);
    return turn_end(&turn, drop(&turn.ddl, keyspace, name));
}
