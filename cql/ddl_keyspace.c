/*
 * ddl_keyspace.c: CREATE and ALTER KEYSPACE. Replication means nothing on one node; it is judged, kept and shown as the
 * targets do, since drivers and schema dumps read it.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cql/ddl_internal.h"

static const char locator_package[] = "org.apache.cassandra.locator.";

struct strategy_options {
    struct cql_option_map map; /* to be filled; room for one more than the given */
    const char *factor;        /* the option replication_factor */
    const struct cql_option_map *given;
    const char *keyspace;
    bool without_tablets;
};

static bool simple_strategy(struct ddl *ddl, struct strategy_options *options);
static bool topology_strategy(struct ddl *ddl, struct strategy_options *options);

static const struct strategy {
    const char *name;
    bool (*fill)(struct ddl *ddl, struct strategy_options *options); /* NULL: it takes what it is given */
    bool is_internal, is_scylla_only;
} strategies[] = {
    {.name = "SimpleStrategy", .fill = simple_strategy},
    {.name = "NetworkTopologyStrategy", .fill = topology_strategy},
    {.name = "LocalStrategy", .is_internal = true},
    {.name = "EverywhereStrategy", .is_scylla_only = true},
};

static const struct strategy *strategy_of(const struct cql_target *target, const char *name)
{
    size_t package = sizeof locator_package - 1;
    const char *bare = strncmp(name, locator_package, package) == 0 ? name + package : name;
    for (size_t i = 0; i < ARRAY_LEN(strategies); i++)
        if (strcmp(strategies[i].name, bare) == 0 && (target->is_scylla || !strategies[i].is_scylla_only))
            return &strategies[i];
    return NULL;
}

/* Replicas of a data center: digits. */
static bool check_factor(struct ddl *ddl, const char *factor)
{
    bool is_negative = *factor == '-';
    const char *digits = factor + is_negative;
    if (!*digits || strspn(digits, "0123456789") != strlen(digits))
        return ddl_refuse(ddl, MSG_REPLICATION_FACTOR_INVALID, factor);
    return !is_negative || ddl_refuse(ddl, MSG_REPLICATION_FACTOR_NEGATIVE, factor);
}

static bool simple_strategy(struct ddl *ddl, struct strategy_options *options)
{
    if (ddl->target->simple_strategy_is_for_vnodes && !options->without_tablets)
        return ddl_refuse(ddl, MSG_SIMPLE_STRATEGY_TABLETS);
    if (!options->factor && ddl->target->factor_has_default)
        options->factor = "1";
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
    if (!factor && ddl->target->factor_has_default)
        factor = "1";
    if (!factor)
        return true;
    options->map.items[options->map.count++] = (struct cql_option){here, factor};
    return check_factor(ddl, factor);
}

/* From the map in the statement to the map that is kept: the class with its package, the factors that are meant. */
static bool replication_of(struct ddl *ddl, struct strategy_options *options, struct cql_option_map *out_map)
{
    const struct cql_option_map *given = options->given;
    const char *name = option_map_get(given, "class");
    const struct strategy *strategy = strategy_of(ddl->target, name);
    if (!strategy)
        return ddl_refuse(ddl, MSG_REPLICATION_CLASS_UNKNOWN, name);
    if (strategy->is_internal && !ddl->target->is_scylla)
        return ddl_refuse(ddl, MSG_STRATEGY_INTERNAL);
    options->factor = option_map_get(given, "replication_factor");
    options->map.items = arena_calloc(ddl->scratch, given->count + 2, sizeof *options->map.items);
    const char *class_name = arena_printf(ddl->scratch, "%s%s", locator_package, strategy->name);
    if (!options->map.items || !class_name)
        return ddl_refuse(ddl, MSG_NOMEM);
    options->map.items[options->map.count++] = (struct cql_option){"class", class_name};
    if (strategy->fill && !strategy->fill(ddl, options))
        return false;
    *out_map = options->map;
    return true;
}

/* ---- the properties of a statement ---- */

struct keyspace_options {
    bool has_replication, durable_writes, without_tablets;
    struct cql_option_map given; /* `replication` as it was written */
};

static bool read_boolean(struct ddl *ddl, const struct ast_property *property, bool *out_value)
{
    const char *text = property_text(property->value, ddl->scratch);
    if (!text)
        return ddl_refuse(ddl, MSG_PROPERTY_NOT_STRING, property->name.text);
    return property_to_boolean(property->name.text, text, ddl->profile, out_value, ddl->error);
}

static bool read_replication(struct ddl *ddl, const struct ast_property *property,
                             struct keyspace_options *options)
{
    options->has_replication = true;
    if (!property_map(property, ddl->profile, ddl->scratch, &options->given, ddl->error))
        return false;
    return option_map_get(&options->given, "class") || ddl_refuse(ddl, MSG_REPLICATION_CLASS_MISSING);
}

/* Where replicas and files live, of no consequence on one node with its own files; but that tablets are off is asked
 * for by SimpleStrategy. */
static bool read_placement(struct ddl *ddl, const struct ast_property *property,
                           struct keyspace_options *options)
{
    struct cql_option_map map;
    if (!property_map(property, ddl->profile, ddl->scratch, &map, ddl->error))
        return false;
    const char *enabled = option_map_get(&map, "enabled");
    if (strcmp(property->name.text, "tablets") == 0)
        options->without_tablets = enabled && strcasecmp(enabled, "false") == 0;
    return true;
}

static bool read_options(struct ddl *ddl, const struct ast_create_keyspace *ast,
                         struct keyspace_options *options)
{
    for (uint32_t i = 0; i < ast->property_count; i++)
        for (uint32_t j = 0; j < i; j++)
            if (strcmp(ast->properties[j].name.text, ast->properties[i].name.text) == 0)
                return ddl_refuse(ddl, MSG_PROPERTY_TWICE, ast->properties[i].name.text);
    for (uint32_t i = 0; i < ast->property_count; i++) {
        const struct ast_property *property = &ast->properties[i];
        const char *name = property->name.text;
        bool fine;
        if (strcmp(name, "replication") == 0)
            fine = read_replication(ddl, property, options);
        else if (strcmp(name, "durable_writes") == 0)
            fine = read_boolean(ddl, property, &options->durable_writes);
        else if (ddl->target->is_scylla && (strcmp(name, "tablets") == 0 || strcmp(name, "storage") == 0))
            fine = read_placement(ddl, property, options);
        else
            fine = ddl_refuse(ddl, MSG_UNKNOWN_PROPERTY, name);
        if (!fine)
            return false;
    }
    return true;
}

/* ---- warnings ---- */

#define ddl_warn(ddl, ...) cql_warn(&(ddl)->request->result->warnings, (ddl)->profile, __VA_ARGS__)

static void warn_of_replication(struct ddl *ddl, const char *keyspace, const struct cql_option_map *map)
{
    const struct strategy *strategy = strategy_of(ddl->target, option_map_get(map, "class"));
    bool is_simple = strategy && strategy->fill == simple_strategy;
    if (is_simple && ddl->target->simple_strategy_warned)
        ddl_warn(ddl, MSG_WARN_SIMPLE_STRATEGY, strategy->name, keyspace);
    for (uint32_t i = 0; i < map->count; i++) {
        const struct cql_option *option = &map->items[i];
        if (strcmp(option->key, "class") == 0)
            continue;
        long factor = strtol(option->value, NULL, 10);
        if (factor > 0 && factor < (long)ddl->target->factor_warned_below)
            ddl_warn(ddl, MSG_WARN_FACTOR_BELOW, option->key, option->value,
                     (unsigned)ddl->target->factor_warned_below);
        if (factor > 1 && ddl->target->factor_beyond_nodes_warned)
            ddl_warn(ddl, MSG_WARN_FACTOR_BEYOND_NODES, option->value, keyspace,
                     is_simple ? "" : " for datacenter ", is_simple ? "" : option->key);
    }
}

/* The sum of all factors. */
static long factors_of(const struct cql_option_map *map)
{
    long sum = 0;
    for (uint32_t i = 0; i < map->count; i++)
        if (strcmp(map->items[i].key, "class") != 0)
            sum += strtol(map->items[i].value, NULL, 10);
    return sum;
}

/* ---- the statements ---- */

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
static bool put_keyspace(struct ddl *ddl, const char *name, const struct cql_option_map *replication,
                         bool durable_writes)
{
    struct cql_keyspace as = {.replication = *replication, .durable_writes = durable_writes};
    return ddl_begin(ddl) && ddl_put_keyspace(ddl, name, &as) && ddl_commit(ddl, false);
}

static bool check_name(struct ddl *ddl, const char *name)
{
    char folded[CQL_NAME_BYTES];
    size_t bytes = strlen(name);
    for (size_t i = 0; i <= bytes && i < sizeof folded; i++)
        folded[i] = (char)(name[i] >= 'A' && name[i] <= 'Z' ? name[i] - 'A' + 'a' : name[i]);
    folded[sizeof folded - 1] = 0;
    if (system_keyspace_is(folded))
        return ddl_refuse(ddl, MSG_CREATE_SYSTEM_KEYSPACE, name);
    if (!ddl_name_is_word(name))
        return ddl_refuse(ddl, MSG_KEYSPACE_NAME_INVALID, name);
    if (bytes > ddl->target->name_bytes_max_keyspace)
        return ddl_refuse(ddl, MSG_KEYSPACE_NAME_LONG, (unsigned)ddl->target->name_bytes_max_keyspace, name,
                          (unsigned)bytes);
    return true;
}

/* What a keyspace has whose statement says nothing: one replica in the only rack. */
static bool default_replication(struct ddl *ddl, struct keyspace_options *options)
{
    static struct cql_option items[] = {{"class", "NetworkTopologyStrategy"}, {"replication_factor", "1"}};
    if (options->has_replication)
        return true;
    if (!ddl->target->replication_may_be_omitted)
        return ddl_refuse(ddl, MSG_REPLICATION_MISSING);
    options->given = (struct cql_option_map){.items = items, .count = ARRAY_LEN(items)};
    return true;
}

bool ddl_create_keyspace(struct ddl *ddl, const struct ast_create_keyspace *ast)
{
    const char *name = ast->name.text;
    struct keyspace_options options = {.durable_writes = true};
    if (!check_name(ddl, name) || !read_options(ddl, ast, &options) || !default_replication(ddl, &options))
        return false;
    /* Cassandra looks for the name before it judges the strategy, ScyllaDB afterwards. */
    bool exists = catalog_keyspace(ddl->catalog, name) != NULL;
    if (exists && !ddl->target->is_scylla)
        return ast->if_not_exists || cql_refuse_exists(ddl->error, ddl->profile, name, "");
    struct strategy_options strategy = {
        .given = &options.given, .keyspace = name, .without_tablets = options.without_tablets};
    struct cql_option_map replication;
    if (!replication_of(ddl, &strategy, &replication))
        return false;
    if (exists)
        return ast->if_not_exists || cql_refuse_exists(ddl->error, ddl->profile, name, "");
    warn_of_replication(ddl, name, &replication);
    if (!put_keyspace(ddl, name, &replication, options.durable_writes))
        return false;
    ddl_report(ddl, "CREATED", "KEYSPACE", name, "");
    return true;
}

bool ddl_alter_keyspace(struct ddl *ddl, const struct ast_create_keyspace *ast)
{
    const char *name = ast->name.text;
    const struct cql_keyspace *keyspace = catalog_keyspace(ddl->catalog, name);
    struct keyspace_options options = {.durable_writes = keyspace ? keyspace->durable_writes : true};
    if (!ddl_keyspace_is_free(ddl, name) || !read_options(ddl, ast, &options))
        return false;
    if (!keyspace)
        return ast->if_exists || ddl_refuse(ddl, MSG_ALTER_MISSING_KEYSPACE, name);
    struct cql_option_map replication = keyspace->replication;
    /* A keyspace that has no tablets keeps having none. */
    struct strategy_options strategy = {.given = &options.given, .keyspace = name, .without_tablets = true};
    if (options.has_replication && !replication_of(ddl, &strategy, &replication))
        return false;
    if (options.has_replication)
        warn_of_replication(ddl, name, &replication);
    if (ddl->target->factor_beyond_nodes_warned &&
        factors_of(&replication) > factors_of(&keyspace->replication))
        ddl_warn(ddl, MSG_WARN_FACTOR_RAISED);
    if (!put_keyspace(ddl, name, &replication, options.durable_writes))
        return false;
    ddl_report(ddl, "UPDATED", "KEYSPACE", name, "");
    return true;
}
