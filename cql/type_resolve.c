#include "cql/type_resolve.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct resolver {
    const char *keyspace;
    const struct catalog *catalog;
    enum cql_profile profile;
    struct arena *arena;
    struct cql_error *error;
};

static bool resolve(const struct resolver *resolver, const struct ast_type *ast, bool frozen,
                    const struct type **out_type);

static bool check_parameters(const struct resolver *resolver, const struct ast_type *ast, uint32_t expected)
{
    if (ast->param_count == expected)
        return true;
    return cql_refuse(resolver->error, resolver->profile, MSG_TYPE_PARAMETERS, ast->name.name.text,
                      (unsigned)ast->param_count);
}

static const char *written(const struct resolver *resolver, const struct type *type)
{
    struct buffer text = {0};
    type_name(&text, type);
    const char *copy = text.failed ? NULL : arena_text(resolver->arena, buffer_slice(&text));
    buffer_deinit(&text);
    return copy ? copy : "?";
}

/* What stands inside a collection must be one value: not a counter, nothing of many cells. Inside what is frozen
 * everything is frozen. */
static bool check_inside(const struct resolver *resolver, const struct type *outer, const struct type *inner)
{
    if (inner->id == TYPE_COUNTER)
        return cql_refuse(resolver->error, resolver->profile, MSG_COLLECTION_OF_COUNTER,
                          written(resolver, outer));
    if (type_is_multicell(inner))
        return cql_refuse(resolver->error, resolver->profile,
                          inner->id == TYPE_UDT ? MSG_COLLECTION_OF_NON_FROZEN_UDT
                                                : MSG_COLLECTION_NESTED_NON_FROZEN,
                          written(resolver, outer));
    return true;
}

static bool resolve_collection(const struct resolver *resolver, const struct ast_type *ast, enum type_id id,
                               bool frozen, const struct type **out_type)
{
    const struct type *first = NULL, *second = NULL, *made = NULL;
    if (!check_parameters(resolver, ast, id == TYPE_MAP ? 2 : 1) ||
        !resolve(resolver, ast->params[0], frozen, &first) ||
        (id == TYPE_MAP && !resolve(resolver, ast->params[1], frozen, &second)))
        return false;
    switch (id) {
    case TYPE_LIST: made = type_list(resolver->arena, first, frozen); break;
    case TYPE_SET: made = type_set(resolver->arena, first, frozen); break;
    default: made = type_map(resolver->arena, first, second, frozen); break;
    }
    if (!made)
        return cql_refuse(resolver->error, resolver->profile, MSG_NOMEM);
    if (!check_inside(resolver, made, first) || (second && !check_inside(resolver, made, second)))
        return false;
    if (id == TYPE_SET && first->id == TYPE_DURATION)
        return cql_refuse(resolver->error, resolver->profile, MSG_DURATION_IN_SET, written(resolver, made));
    if (id == TYPE_MAP && first->id == TYPE_DURATION)
        return cql_refuse(resolver->error, resolver->profile, MSG_DURATION_AS_MAP_KEY,
                          written(resolver, made));
    *out_type = made;
    return true;
}

static bool resolve_tuple(const struct resolver *resolver, const struct ast_type *ast,
                          const struct type **out_type)
{
    if (ast->param_count == 0 || ast->param_count > TYPE_FIELDS_MAX)
        return check_parameters(resolver, ast, 1);
    const struct type **members = arena_calloc(resolver->arena, ast->param_count, sizeof *members);
    if (!members)
        return cql_refuse(resolver->error, resolver->profile, MSG_NOMEM);
    for (uint32_t i = 0; i < ast->param_count; i++) /* a tuple is one value, so all inside is frozen */
        if (!resolve(resolver, ast->params[i], true, &members[i]))
            return false;
    const struct type *made = type_tuple(resolver->arena, members, ast->param_count);
    if (!made)
        return cql_refuse(resolver->error, resolver->profile, MSG_NOMEM);
    for (uint32_t i = 0; i < ast->param_count; i++)
        if (members[i]->id == TYPE_COUNTER)
            return cql_refuse(resolver->error, resolver->profile, MSG_TUPLE_OF_COUNTER);
    *out_type = made;
    return true;
}

/* vector<type, dimension>: a number stands where a type is expected. */
static bool resolve_vector(const struct resolver *resolver, const struct ast_type *ast,
                           const struct type **out_type)
{
    const struct type *element;
    const struct cql_target *target = cql_target_of(resolver->profile);
    if (!target->vector_dimension_max)
        return cql_refuse(resolver->error, resolver->profile, MSG_VECTOR_UNKNOWN);
    if (!check_parameters(resolver, ast, 2) || !resolve(resolver, ast->params[0], true, &element))
        return false;
    const char *text = ast->params[1]->name.name.text;
    if (!*text || strspn(text, "0123456789") != strlen(text))
        return check_parameters(resolver, ast, 1);
    unsigned long dimension = strtoul(text, NULL, 10);
    if (!dimension)
        return cql_refuse(resolver->error, resolver->profile, MSG_VECTOR_EMPTY);
    if (dimension > target->vector_dimension_max)
        return cql_refuse(resolver->error, resolver->profile, MSG_VECTOR_LARGE,
                          (unsigned)target->vector_dimension_max);
    *out_type = type_vector(resolver->arena, element, (uint32_t)dimension);
    return *out_type || cql_refuse(resolver->error, resolver->profile, MSG_NOMEM);
}

static bool resolve_udt(const struct resolver *resolver, const struct ast_type *ast, bool frozen,
                        const struct type **out_type)
{
    const char *name = ast->name.name.text, *keyspace = ast->name.keyspace.text;
    if (keyspace && *resolver->keyspace && strcmp(keyspace, resolver->keyspace) != 0)
        return cql_refuse(resolver->error, resolver->profile, MSG_TYPE_OTHER_KEYSPACE, resolver->keyspace,
                          keyspace);
    if (!keyspace)
        keyspace = resolver->keyspace;
    const struct type *type = catalog_type(resolver->catalog, keyspace, name);
    if (!type)
        return cql_refuse(resolver->error, resolver->profile, MSG_TYPE_UNKNOWN, name, keyspace);
    *out_type = frozen ? type_freeze(resolver->arena, type) : type_copy(resolver->arena, type);
    if (!*out_type)
        return cql_refuse(resolver->error, resolver->profile, MSG_NOMEM);
    return check_parameters(resolver, ast, 0);
}

static bool resolve_frozen(const struct resolver *resolver, const struct ast_type *ast,
                           const struct type **out_type)
{
    if (!check_parameters(resolver, ast, 1) || !resolve(resolver, ast->params[0], true, out_type))
        return false;
    if (type_scalar((*out_type)->id))
        return cql_refuse(resolver->error, resolver->profile,
                          cql_target_of(resolver->profile)->is_scylla ? MSG_FROZEN_NOTHING
                                                                      : MSG_FROZEN_NOTHING_CASSANDRA,
                          written(resolver, *out_type));
    return true;
}

static bool resolve(const struct resolver *resolver, const struct ast_type *ast, bool frozen,
                    const struct type **out_type)
{
    static const struct {
        const char *name;
        enum type_id id;
    } collections[] = {{"list", TYPE_LIST}, {"set", TYPE_SET}, {"map", TYPE_MAP}};
    const char *name = ast->name.name.text;

    if (ast->custom)
        return cql_refuse(resolver->error, resolver->profile, MSG_NOT_SUPPORTED, "custom types");
    if (!ast->name.keyspace.text && !ast->name.name.quoted) {
        if (strcasecmp(name, "frozen") == 0)
            return resolve_frozen(resolver, ast, out_type);
        for (size_t i = 0; i < ARRAY_LEN(collections); i++)
            if (strcasecmp(name, collections[i].name) == 0)
                return resolve_collection(resolver, ast, collections[i].id, frozen, out_type);
        if (strcasecmp(name, "tuple") == 0)
            return resolve_tuple(resolver, ast, out_type);
        if (strcasecmp(name, "vector") == 0 && ast->param_count)
            return resolve_vector(resolver, ast, out_type);
        const struct type *scalar = type_scalar_named(slice_text(name));
        if (scalar) {
            *out_type = scalar;
            return check_parameters(resolver, ast, 0);
        }
    }
    return resolve_udt(resolver, ast, frozen, out_type);
}

bool type_resolve(const struct ast_type *ast, const char *keyspace, const struct catalog *catalog,
                  enum cql_profile profile, struct arena *arena, const struct type **out_type,
                  struct cql_error *error)
{
    struct resolver resolver = {.keyspace = keyspace ? keyspace : "",
                                .catalog = catalog,
                                .profile = profile,
                                .arena = arena,
                                .error = error};
    return resolve(&resolver, ast, false, out_type);
}
