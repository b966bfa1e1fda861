#include "cql/type_internal.h"

#include <string.h>

enum {
    NAME_DEPTH_MAX = 32,
};

static void append_text(struct buffer *out, const char *text)
{
    buffer_append(out, text, strlen(text));
}

void type_name(struct buffer *out, const struct type *type)
{
    const struct type_row *row = type_row(type->id);
    if (row) {
        append_text(out, row->name);
        return;
    }
    if (type->frozen)
        append_text(out, "frozen<");
    switch (type->id) {
    case TYPE_LIST: append_text(out, "list<"); break;
    case TYPE_SET: append_text(out, "set<"); break;
    case TYPE_MAP: append_text(out, "map<"); break;
    default: append_text(out, "tuple<"); break;
    }
    if (type->first)
        type_name(out, type->first);
    if (type->second) {
        append_text(out, ", ");
        type_name(out, type->second);
    }
    for (uint32_t i = 0; i < type->member_count; i++) {
        if (i)
            append_text(out, ", ");
        type_name(out, type->members[i]);
    }
    append_text(out, type->frozen ? ">>" : ">");
}

void type_java_name(struct buffer *out, const struct type *type)
{
    static const char package[] = "org.apache.cassandra.db.marshal.";
    const struct type_row *row = type_row(type->id);
    if (row) {
        buffer_printf(out, "%s%s", package, row->java);
        return;
    }
    bool frozen = type->frozen && type_is_collection(type);
    if (frozen)
        buffer_printf(out, "%sFrozenType(", package);
    switch (type->id) {
    case TYPE_LIST: buffer_printf(out, "%sListType(", package); break;
    case TYPE_SET: buffer_printf(out, "%sSetType(", package); break;
    case TYPE_MAP: buffer_printf(out, "%sMapType(", package); break;
    default: buffer_printf(out, "%sTupleType(", package); break;
    }
    if (type->first)
        type_java_name(out, type->first);
    if (type->second) {
        append_text(out, ",");
        type_java_name(out, type->second);
    }
    for (uint32_t i = 0; i < type->member_count; i++) {
        if (i)
            append_text(out, ",");
        type_java_name(out, type->members[i]);
    }
    append_text(out, frozen ? "))" : ")");
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

static const struct type *scalar_named(struct slice word)
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

static const struct type *read_tuple(struct name_reader *reader)
{
    const struct type *members[64];
    uint32_t count = 0;
    do {
        if (count == ARRAY_LEN(members) || !(members[count] = read_type(reader, true)))
            return NULL;
        count++;
    } while (take(reader, ','));
    if (!take(reader, '>'))
        return NULL;
    const struct type **kept = arena_alloc(reader->arena, count * sizeof(*kept));
    if (!kept)
        return NULL;
    memcpy(kept, members, count * sizeof(*kept));
    return type_tuple(reader->arena, kept, count);
}

static const struct type *read_parameters(struct name_reader *reader, struct slice word, bool frozen)
{
    if (!take(reader, '<'))
        return NULL;
    if (word_is(word, "tuple"))
        return read_tuple(reader);
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
        return type_is_collection(first) || first->id == TYPE_TUPLE ? first : NULL;
    if (word_is(word, "list"))
        return type_list(reader->arena, first, frozen);
    return word_is(word, "set") ? type_set(reader->arena, first, frozen) : NULL;
}

static const struct type *read_type(struct name_reader *reader, bool frozen)
{
    if (++reader->depth > NAME_DEPTH_MAX)
        return NULL;
    struct slice word = take_word(reader);
    const struct type *type = scalar_named(word);
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
