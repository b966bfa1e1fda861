/* type_shape.c: what a composite type is made of: copies, frozen and changed ones, and what is in them. */
#include <string.h>

#include "cql/type_internal.h"

/* What a copy changes on its way. */
struct reshape {
    struct arena *arena;
    bool freeze;
    const struct type *udt; /* to stand in for types of its name; NULL when none is replaced */
    const char *keyspace;   /* of user-defined types; NULL: as it was */
};

static const struct type *reshape(const struct reshape *how, const struct type *type);

static bool same_udt(const struct type *type, const char *keyspace, const char *name)
{
    return type->id == TYPE_UDT && strcmp(type->keyspace, keyspace) == 0 && strcmp(type->name, name) == 0;
}

static bool copy_members(const struct reshape *how, const struct type *type, struct type *copy)
{
    const struct type **members = arena_calloc(how->arena, type->member_count + 1, sizeof *members);
    if (!members)
        return false;
    for (uint32_t i = 0; i < type->member_count; i++)
        if (!(members[i] = reshape(how, type->members[i])))
            return false;
    copy->members = members;
    return true;
}

static bool copy_names(const struct reshape *how, const struct type *type, struct type *copy)
{
    const char **names = arena_calloc(how->arena, type->member_count + 1, sizeof *names);
    copy->keyspace = arena_text(how->arena, slice_text(how->keyspace ? how->keyspace : type->keyspace));
    copy->name = arena_text(how->arena, slice_text(type->name));
    if (!names || !copy->keyspace || !copy->name)
        return false;
    for (uint32_t i = 0; i < type->member_count; i++)
        if (!(names[i] = arena_text(how->arena, slice_text(type->field_names[i]))))
            return false;
    copy->field_names = names;
    return true;
}

static const struct type *reshape(const struct reshape *how, const struct type *type)
{
    const struct type *scalar = type_scalar(type->id);
    if (scalar)
        return scalar;
    if (how->udt && same_udt(type, how->udt->keyspace, how->udt->name)) {
        struct reshape inner = {.arena = how->arena, .freeze = how->freeze || type->frozen};
        return reshape(&inner, how->udt);
    }
    struct type copy = *type;
    copy.frozen = how->freeze || type->frozen;
    if (type->first && !(copy.first = reshape(how, type->first)))
        return NULL;
    if (type->second && !(copy.second = reshape(how, type->second)))
        return NULL;
    if (type_has_members(type) && !copy_members(how, type, &copy))
        return NULL;
    if (type->id == TYPE_UDT && !copy_names(how, type, &copy))
        return NULL;
    return type_composite(how->arena, &copy);
}

const struct type *type_copy(struct arena *arena, const struct type *type)
{
    return reshape(&(struct reshape){.arena = arena}, type);
}

const struct type *type_freeze(struct arena *arena, const struct type *type)
{
    return reshape(&(struct reshape){.arena = arena, .freeze = true}, type);
}

const struct type *type_replace(struct arena *arena, const struct type *type, const struct type *udt)
{
    return reshape(&(struct reshape){.arena = arena, .udt = udt}, type);
}

const struct type *type_move(struct arena *arena, const struct type *type, const char *keyspace)
{
    return reshape(&(struct reshape){.arena = arena, .keyspace = keyspace}, type);
}

/* Does `is` hold of the type or of anything in it? */
static bool anywhere(const struct type *type, bool (*is)(const struct type *type, const void *context),
                     const void *context)
{
    if (is(type, context) || (type->first && anywhere(type->first, is, context)) ||
        (type->second && anywhere(type->second, is, context)))
        return true;
    for (uint32_t i = 0; i < type->member_count; i++)
        if (anywhere(type->members[i], is, context))
            return true;
    return false;
}

struct udt_name {
    const char *keyspace, *name;
};

static bool is_named(const struct type *type, const void *context)
{
    const struct udt_name *wanted = context;
    return same_udt(type, wanted->keyspace, wanted->name);
}

static bool is_of_id(const struct type *type, const void *context)
{
    const enum type_id *wanted = context;
    return type->id == *wanted;
}

bool type_mentions(const struct type *type, const char *keyspace, const char *name)
{
    return anywhere(type, is_named, &(struct udt_name){.keyspace = keyspace, .name = name});
}

bool type_has(const struct type *type, enum type_id scalar)
{
    return anywhere(type, is_of_id, &scalar);
}

bool type_is_multicell(const struct type *type)
{
    return !type->frozen && (type_is_collection(type) || type->id == TYPE_UDT);
}

bool type_has_members(const struct type *type)
{
    return type->id == TYPE_TUPLE || type->id == TYPE_UDT;
}

const struct type *type_item(const struct type *type, uint32_t i)
{
    if (type_has_members(type))
        return type->members[i];
    return type->second && i % 2 ? type->second : type->first;
}

uint32_t type_field(const struct type *type, struct slice name)
{
    uint32_t i = 0;
    while (i < type->member_count && !slice_equal(slice_text(type->field_names[i]), name))
        i++;
    return i;
}

bool type_reads(const struct type *to, const struct type *from)
{
    static const struct {
        enum type_id to, from;
    } pairs[] = {
        {TYPE_BLOB, TYPE_TEXT},
        {TYPE_BLOB, TYPE_ASCII},
        {TYPE_TEXT, TYPE_ASCII},
        {TYPE_UUID, TYPE_TIMEUUID},
    };
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++)
        if (pairs[i].to == to->id && pairs[i].from == from->id)
            return true;
    return type_equal(to, from);
}
