#include <string.h>
#include <strings.h>

#include "cql/parse.h"
#include "cql/type_internal.h"

enum {
    NAME_DEPTH_MAX = 32,
};

static void append_text(struct buffer *out, const char *text)
{
    buffer_append(out, text, strlen(text));
}

/* ---- writing ---- */

static const char *composite_word(enum type_id id)
{
    switch (id) {
    case TYPE_LIST: return "list";
    case TYPE_SET: return "set";
    case TYPE_MAP: return "map";
    case TYPE_VECTOR: return "vector";
    default: return "tuple";
    }
}

static void append_quoted(struct buffer *out, const char *name)
{
    buffer_append_u8(out, '"');
    for (; *name; name++) {
        if (*name == '"')
            buffer_append_u8(out, '"');
        buffer_append_u8(out, (uint8_t)*name);
    }
    buffer_append_u8(out, '"');
}

static void append_name(struct buffer *out, const struct type *type, bool with_definition);

static void append_udt(struct buffer *out, const struct type *type, bool with_definition)
{
    if (!with_definition) {
        parse_put_name(out, type->name);
        return;
    }
    append_text(out, "udt<");
    append_quoted(out, type->keyspace);
    append_text(out, ", ");
    append_quoted(out, type->name);
    for (uint32_t i = 0; i < type->member_count; i++) {
        append_text(out, ", ");
        append_quoted(out, type->field_names[i]);
        append_text(out, " ");
        append_name(out, type->members[i], true);
    }
    append_text(out, ">");
}

static void append_parameters(struct buffer *out, const struct type *type, bool with_definition)
{
    uint32_t count = type->second ? 2 : type->first ? 1 : type->member_count;
    for (uint32_t i = 0; i < count; i++) {
        if (i)
            append_text(out, ", ");
        append_name(out, type_item(type, i), with_definition);
    }
    if (type->id == TYPE_VECTOR)
        buffer_printf(out, ", %u", (unsigned)type->dimension);
    append_text(out, ">");
}

static void append_name(struct buffer *out, const struct type *type, bool with_definition)
{
    const struct type_row *row = type_row(type->id);
    if (row) {
        append_text(out, row->name);
        return;
    }
    bool frozen = type->frozen && type->id != TYPE_VECTOR;
    if (frozen)
        append_text(out, "frozen<");
    if (type->id == TYPE_UDT) {
        append_udt(out, type, with_definition);
    } else {
        append_text(out, composite_word(type->id));
        append_text(out, "<");
        append_parameters(out, type, with_definition);
    }
    if (frozen)
        append_text(out, ">");
}

void type_name(struct buffer *out, const struct type *type)
{
    append_name(out, type, false);
}

void type_definition(struct buffer *out, const struct type *type)
{
    append_name(out, type, true);
}

/* ---- Java ---- */

static const char package[] = "org.apache.cassandra.db.marshal.";

static void append_hex(struct buffer *out, const char *text)
{
    for (; *text; text++)
        buffer_printf(out, "%02x", (unsigned)(uint8_t)*text);
}

/* What is inside a frozen type is frozen and does not say so again. */
static void append_java(struct buffer *out, const struct type *type, bool inside_frozen)
{
    const struct type_row *row = type_row(type->id);
    if (row) {
        buffer_printf(out, "%s%s", package, row->java);
        return;
    }
    bool frozen = type->frozen && type->id != TYPE_TUPLE && type->id != TYPE_VECTOR && !inside_frozen;
    if (frozen)
        buffer_printf(out, "%sFrozenType(", package);
    switch (type->id) {
    case TYPE_LIST: buffer_printf(out, "%sListType(", package); break;
    case TYPE_SET: buffer_printf(out, "%sSetType(", package); break;
    case TYPE_MAP: buffer_printf(out, "%sMapType(", package); break;
    case TYPE_VECTOR: buffer_printf(out, "%sVectorType(", package); break;
    case TYPE_UDT: buffer_printf(out, "%sUserType(%s,", package, type->keyspace); break;
    default: buffer_printf(out, "%sTupleType(", package); break;
    }
    if (type->id == TYPE_UDT)
        append_hex(out, type->name);
    uint32_t count = type->second ? 2 : type->first ? 1 : type->member_count;
    for (uint32_t i = 0; i < count; i++) {
        if (i || type->id == TYPE_UDT)
            append_text(out, ",");
        if (type->id == TYPE_UDT) {
            append_hex(out, type->field_names[i]);
            append_text(out, ":");
        }
        append_java(out, type_item(type, i), inside_frozen || type->frozen);
    }
    if (type->id == TYPE_VECTOR)
        buffer_printf(out, " , %u", (unsigned)type->dimension);
    append_text(out, frozen ? "))" : ")");
}

void type_java_name(struct buffer *out, const struct type *type)
{
    append_java(out, type, false);
}

/* ---- reading a name back ---- */

struct name_reader {
    const char *at, *end;
    struct arena *arena;
    uint32_t depth;
};

static void skip_space(struct name_reader *reader)
{
    while (reader->at < reader->end && *reader->at == ' ')
        reader->at++;
}

static bool take(struct name_reader *reader, char wanted)
{
    skip_space(reader);
    if (reader->at == reader->end || *reader->at != wanted)
        return false;
    reader->at++;
    return true;
}

static struct slice take_word(struct name_reader *reader)
{
    skip_space(reader);
    const char *from = reader->at;
    while (reader->at < reader->end &&
           ((*reader->at >= 'a' && *reader->at <= 'z') || (*reader->at >= 'A' && *reader->at <= 'Z')))
        reader->at++;
    return slice_of(from, (size_t)(reader->at - from));
}

static bool word_is(struct slice word, const char *name)
{
    return word.bytes == strlen(name) && strncasecmp((const char *)word.data, name, word.bytes) == 0;
}

static const struct type *read_type(struct name_reader *reader, bool frozen);

const struct type *type_scalar_named(struct slice word)
{
    if (word_is(word, "varchar"))
        return type_scalar(TYPE_TEXT);
    for (int id = 0; id < TYPE_LIST; id++) {
        const struct type_row *row = type_row((enum type_id)id);
        if (row && word_is(word, row->name))
            return type_scalar((enum type_id)id);
    }
    return NULL;
}

/* Members of a tuple or fields of a user-defined type, gathered before their number is known. */
struct name_members {
    const struct type **types; /* arena */
    const char **names;        /* arena; unused in a tuple */
    uint32_t count, capacity;
};

static bool add_member(struct name_reader *reader, struct name_members *members, const char *name,
                       const struct type *type)
{
    if (!type || members->count == TYPE_FIELDS_MAX)
        return false;
    if (members->count == members->capacity) {
        uint32_t capacity = members->capacity ? members->capacity * 2 : 8;
        const struct type **types = arena_calloc(reader->arena, capacity, sizeof *types);
        const char **names = arena_calloc(reader->arena, capacity, sizeof *names);
        if (!types || !names)
            return false;
        if (members->count) {
            memcpy(types, members->types, members->count * sizeof *types);
            memcpy(names, members->names, members->count * sizeof *names);
        }
        members->types = types;
        members->names = names;
        members->capacity = capacity;
    }
    members->types[members->count] = type;
    members->names[members->count++] = name;
    return true;
}

static const struct type *read_tuple(struct name_reader *reader)
{
    struct name_members members = {0};
    do {
        if (!add_member(reader, &members, NULL, read_type(reader, true)))
            return NULL;
    } while (take(reader, ','));
    return take(reader, '>') ? type_tuple(reader->arena, members.types, members.count) : NULL;
}

/* A name in quotes, with quotes inside it doubled. NULL when there is none, or it has a zero byte. */
static const char *read_quoted(struct name_reader *reader)
{
    if (!take(reader, '"'))
        return NULL;
    const char *end = reader->at;
    while (end < reader->end && *end && (*end != '"' || (end + 1 < reader->end && end[1] == '"')))
        end += *end == '"' ? 2 : 1;
    if (end >= reader->end || *end != '"')
        return NULL;
    char *name = arena_alloc(reader->arena, (size_t)(end - reader->at) + 1);
    if (!name)
        return NULL;
    size_t bytes = 0;
    for (const char *c = reader->at; c < end; c += *c == '"' ? 2 : 1)
        name[bytes++] = *c;
    name[bytes] = 0;
    reader->at = end + 1;
    return name;
}

static const struct type *read_udt(struct name_reader *reader, bool frozen)
{
    struct name_members members = {0};
    const char *keyspace = read_quoted(reader);
    const char *name = keyspace && take(reader, ',') ? read_quoted(reader) : NULL;
    if (!name)
        return NULL;
    while (take(reader, ',')) {
        const char *field = read_quoted(reader);
        if (!field || !add_member(reader, &members, field, read_type(reader, frozen)))
            return NULL;
    }
    if (!members.count || !take(reader, '>'))
        return NULL;
    return type_udt(reader->arena, keyspace, name, members.names, members.types, members.count, frozen);
}

static const struct type *read_vector(struct name_reader *reader)
{
    const struct type *element = read_type(reader, true);
    if (!element || !take(reader, ','))
        return NULL;
    skip_space(reader);
    uint64_t dimension = 0;
    for (; reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9'; reader->at++)
        if ((dimension = dimension * 10 + (uint64_t)(*reader->at - '0')) > TYPE_DIMENSION_MAX)
            return NULL;
    return dimension && take(reader, '>') ? type_vector(reader->arena, element, (uint32_t)dimension) : NULL;
}

static const struct type *read_parameters(struct name_reader *reader, struct slice word, bool frozen)
{
    if (!take(reader, '<'))
        return NULL;
    if (word_is(word, "tuple"))
        return read_tuple(reader);
    if (word_is(word, "vector"))
        return read_vector(reader);
    if (word_is(word, "udt"))
        return read_udt(reader, frozen);
    bool freezes = word_is(word, "frozen");
    const struct type *first = read_type(reader, freezes || frozen);
    if (!first)
        return NULL;
    if (word_is(word, "map")) {
        const struct type *second = take(reader, ',') ? read_type(reader, frozen) : NULL;
        return second && take(reader, '>') ? type_map(reader->arena, first, second, frozen) : NULL;
    }
    if (!take(reader, '>'))
        return NULL;
    if (freezes)
        return type_row(first->id) ? NULL : first;
    if (word_is(word, "list"))
        return type_list(reader->arena, first, frozen);
    return word_is(word, "set") ? type_set(reader->arena, first, frozen) : NULL;
}

static const struct type *read_type(struct name_reader *reader, bool frozen)
{
    if (++reader->depth > NAME_DEPTH_MAX)
        return NULL;
    struct slice word = take_word(reader);
    const struct type *type = type_scalar_named(word);
    if (!type)
        type = read_parameters(reader, word, frozen);
    reader->depth--;
    return type;
}

const struct type *type_parse(struct arena *arena, struct slice name)
{
    const char *at = (const char *)name.data;
    struct name_reader reader = {.at = at, .end = name.bytes ? at + name.bytes : at, .arena = arena};
    const struct type *type = read_type(&reader, false);
    skip_space(&reader);
    return reader.at == reader.end ? type : NULL;
}
