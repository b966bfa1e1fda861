/*
 * ddl_keyspace.c: CREATE and ALTER KEYSPACE. Replication means nothing on one node; it is judged, kept and shown as the
 * targets do, since drivers and schema dumps read it.
 */
#include <string.h>
#include <strings.h>

#include "cql/ddl_internal.h"

static const char locator_package[] = "org.apache.cassandra.locator.";

static const char *const strategies[] = {"SimpleStrategy", "NetworkTopologyStrategy", "LocalStrategy",
                                         "EverywhereStrategy"};

static const char *strategy_of(const char *name)
{
    size_t package = sizeof locator_package - 1;
    const char *bare = strncmp(name, locator_package, package) == 0 ? name + package : name;
    for (size_t i = 0; i < ARRAY_LEN(strategies); i++)
        if (strcmp(strategies[i], bare) == 0)
            return strategies[i];
    return NULL;
}

static bool check_factor(struct ddl *ddl, const char *factor)
{
    if (!*factor || strspn(factor, "0123456789") != strlen(factor))
        return ddl_refuse(ddl, MSG_REPLICATION_FACTOR_INVALID, factor);
    return true;
}

struct strategy_options {
    struct cql_option_map map; /* to be filled; room for one more than the given */
    const char *factor;        /* the option replication_factor */
    const struct cql_option_map *given;
    const char *keyspace;
};

static bool simple_strategy(struct ddl *ddl, struct strategy_options *options)
{
    if (!options->factor)
        return ddl_refuse(ddl, MSG_REPLICATION_FACTOR_MISSING);
    for (uint32_t i = 0; i < options->given->count; i++) {
        const char *key = options->given->items[i].key;
        if (strcmp(key, "class") != 0 && strcmp(key, "replication_factor") != 0)
            return ddl_refuse(ddl, MSG_REPLICATION_OPTION_UNKNOWN, key, "SimpleStrategy", options->keyspace);
    }
    options->map.items[options->map.count++] = (struct cql_option){"replication_factor", options->factor};
    return check_factor(ddl, options->factor);
}

/* Options are data centers, of which there is one; replication_factor stands for each of them. */
static bool topology_strategy(struct ddl *ddl, struct strategy_options *options)
{
    const char *here = ddl->database->data_center;
    const char *factor = options->factor;
    for (uint32_t i = 0; i < options->given->count; i++) {
        const struct cql_option *option = &options->given->items[i];
        if (strcmp(option->key, "class") == 0 || strcmp(option->key, "replication_factor") == 0)
            continue;
        if (strcmp(option->key, here) != 0)
            return ddl_refuse(ddl, MSG_REPLICATION_OPTION_UNKNOWN, option->key,
                              ddl->target->is_scylla ? "org.apache.cassandra.locator.NetworkTopologyStrategy"
                                                     : "NetworkTopologyStrategy",
                              options->keyspace);
        factor = option->value;
    }
    if (!factor)
        return true;
    options->map.items[options->map.count++] = (struct cql_option){here, factor};
    return check_factor(ddl, factor);
}

/* From the map in the statement to the map that is kept: the class with its package, the factors that are meant. */
static bool replication_of(struct ddl *ddl, const char *keyspace, const struct cql_option_map *given,
                           struct cql_option_map *out_map)
{
    const char *name = option_map_get(given, "class");
    if (!name)
        return ddl_refuse(ddl, MSG_REPLICATION_CLASS_MISSING);
    const char *strategy = strategy_of(name);
    if (!strategy)
        return ddl_refuse(ddl, MSG_REPLICATION_CLASS_UNKNOWN, name);
    struct strategy_options options = {
        .given = given, .factor = option_map_get(given, "replication_factor"), .keyspace = keyspace};
    options.map.items = arena_calloc(ddl->scratch, given->count + 2, sizeof *options.map.items);
    const char *class_name = arena_printf(ddl->scratch, "%s%s", locator_package, strategy);
    if (!options.map.items || !class_name)
        return ddl_refuse(ddl, MSG_NOMEM);
    options.map.items[options.map.count++] = (struct cql_option){"class", class_name};
    if (strategy == strategies[0] && !simple_strategy(ddl, &options))
        return false;
    if (strategy == strategies[1] && !topology_strategy(ddl, &options))
        return false;
    *out_map = options.map;
    return true;
}

struct keyspace_options {
    bool has_replication, durable_writes;
    struct cql_option_map replication;
};

static bool read_boolean(struct ddl *ddl, const struct ast_property *property, bool *out_value)
{
    const char *text = property_text(property->value, ddl->scratch);
    if (!text)
        return ddl_refuse(ddl, MSG_PROPERTY_NOT_STRING, property->name.text);
    *out_value = strcasecmp(text, "true") == 0 || strcasecmp(text, "yes") == 0 || strcmp(text, "1") == 0;
    return true;
}

static bool read_options(struct ddl *ddl, const struct ast_create_keyspace *ast,
                         struct keyspace_options *out_options)
{
    struct keyspace_options options = *out_options;
    for (uint32_t i = 0; i < ast->property_count; i++) {
        const struct ast_property *property = &ast->properties[i];
        const char *name = property->name.text;
        for (uint32_t j = 0; j < i; j++)
            if (strcasecmp(ast->properties[j].name.text, name) == 0)
                return ddl_refuse(ddl, MSG_PROPERTY_TWICE, name);
        struct cql_option_map map;
        if (strcasecmp(name, "replication") == 0) {
            if (!property_map(property, ddl->profile, ddl->scratch, &map, ddl->error) ||
                !replication_of(ddl, ast->name.text, &map, &options.replication))
                return false;
            options.has_replication = true;
        } else if (strcasecmp(name, "durable_writes") == 0) {
            if (!read_boolean(ddl, property, &options.durable_writes))
                return false;
        } else if (ddl->target->is_scylla &&
                   (strcasecmp(name, "tablets") == 0 || strcasecmp(name, "storage") == 0)) {
            /* Where replicas and files live: of no consequence on one node with its own files. */
            if (!property_map(property, ddl->profile, ddl->scratch, &map, ddl->error))
                return false;
        } else {
            return ddl_refuse(ddl, MSG_UNKNOWN_PROPERTY, name);
        }
    }
    *out_options = options;
    return true;
}

bool ddl_store_keyspace(struct ddl *ddl, const char *name)
{
    catalog_encode_keyspace(&ddl->property_name, &ddl->properties, catalog_keyspace(ddl->next, name));
    if (ddl->property_name.failed || ddl->properties.failed)
        return ddl_refuse(ddl, MSG_NOMEM);
    struct store_change change = {.kind = STORE_SET_PROPERTY,
                                  .name = buffer_slice(&ddl->property_name),
                                  .properties = buffer_slice(&ddl->properties)};
    return ddl_add(ddl, &change);
}

bool ddl_put_keyspace(struct ddl *ddl, const char *name, const struct cql_keyspace *as)
{
    status st = catalog_put_keyspace(ddl->next, name, &as->replication, as->durable_writes, false);
    for (uint32_t i = 0; ok(st) && i < as->type_count; i++) {
        const struct type *type = type_move(ddl->scratch, as->types[i], name);
        st = type ? catalog_put_type(ddl->next, type) : STATUS_FAIL(STATUS_NOMEM);
    }
    if (failed(st))
        return ddl_failed(ddl, st);
    return ddl_store_keyspace(ddl, name);
}

/* Its types stay where they are: in the clone of the catalog. */
static bool put_keyspace(struct ddl *ddl, const char *name, const struct keyspace_options *options)
{
    struct cql_keyspace as = {.replication = options->replication, .durable_writes = options->durable_writes};
    return ddl_begin(ddl) && ddl_put_keyspace(ddl, name, &as) && ddl_commit(ddl, false);
}

bool ddl_create_keyspace(struct ddl *ddl, const struct ast_create_keyspace *ast)
{
    const char *name = ast->name.text;
    char folded[CQL_NAME_BYTES];
    size_t bytes = strlen(name);
    for (size_t i = 0; i <= bytes && i < sizeof folded; i++)
        folded[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] - 'A' + 'a' : name[i]);
    folded[sizeof folded - 1] = 0;
    if (!ddl_keyspace_is_free(ddl, folded))
        return false;
    if (!ddl_name_is_word(name))
        return ddl_refuse(ddl, MSG_KEYSPACE_NAME_INVALID, name);
    if (bytes > ddl->target->name_bytes_max_keyspace)
        return ddl_refuse(ddl, MSG_KEYSPACE_NAME_LONG, (unsigned)ddl->target->name_bytes_max_keyspace, name);

    struct keyspace_options options = {.durable_writes = true};
    if (!read_options(ddl, ast, &options))
        return false;
    if (!options.has_replication)
        return ddl_refuse(ddl, MSG_REPLICATION_MISSING);
    if (catalog_keyspace(ddl->catalog, name))
        return ast->if_not_exists || cql_refuse_exists(ddl->error, ddl->profile, name, "");
    if (!put_keyspace(ddl, name, &options))
        return false;
    ddl_report(ddl, "CREATED", "KEYSPACE", name, "");
    return true;
}

bool ddl_alter_keyspace(struct ddl *ddl, const struct ast_create_keyspace *ast)
{
    const char *name = ast->name.text;
    const struct cql_keyspace *keyspace = catalog_keyspace(ddl->catalog, name);
    if (!ddl_keyspace_is_free(ddl, name))
        return false;
    if (!keyspace)
        return ddl_refuse(ddl, MSG_ALTER_MISSING_KEYSPACE, name);
    struct keyspace_options options = {.durable_writes = keyspace->durable_writes,
                                       .replication = keyspace->replication};
    if (!read_options(ddl, ast, &options) || !put_keyspace(ddl, name, &options))
        return false;
    ddl_report(ddl, "UPDATED", "KEYSPACE", name, "");
    return true;
}
