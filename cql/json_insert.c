#include "cql/json_insert.h"

#include <string.h>

#include "cql/json.h"

/* What a text is read with: both when a statement is compiled and when it runs. */
struct json_reading {
    const struct json_insert *insert;
    const struct cql_target *target;
    enum cql_profile profile;
    struct arena *arena;
    struct cql_error *error;
};

static bool nomem(const struct json_reading *reading)
{
    return cql_refuse_status(reading->error, STATUS_FAIL(STATUS_NOMEM));
}

/* The column that a member's name means. */
static bool find_column(const struct json_reading *reading, struct json_value key,
                        const struct cql_column **out_column)
{
    struct slice name;
    if (!json_string(reading->arena, key, &name))
        return nomem(reading);
    bool quoted = name.bytes >= 2 && name.data[0] == '"' && name.data[name.bytes - 1] == '"';
    if (quoted)
        name = slice_of(name.data + 1, name.bytes - 2);
    char *text = arena_text(reading->arena, name);
    if (!text)
        return nomem(reading);
    for (char *at = text; *at && !quoted; at++)
        if (*at >= 'A' && *at <= 'Z')
            *at = (char)(*at + ('a' - 'A'));
    *out_column = table_column(reading->insert->table, text);
    return *out_column || cql_refuse(reading->error, reading->profile, MSG_JSON_COLUMN_UNKNOWN, text);
}

static bool read_member(const struct json_reading *reading, const struct cql_column *column,
                        struct json_value value, struct cql_value *out)
{
    char why[TYPE_WHY_BYTES];
    struct buffer wire = {0};
    *out = (struct cql_value){.kind = CQL_NULL};
    if (value.kind == JSON_NULL)
        return true;
    bool made = type_from_json(column->type, value, reading->target, reading->arena, &wire, why);
    /* Cassandra names no column when it is the parser of durations that complains. */
    if (!made && why[0] && column->type->id == TYPE_DURATION && value.kind == JSON_STRING)
        cql_refuse(reading->error, reading->profile, MSG_JSON_DURATION, why);
    else if (!made && why[0])
        cql_refuse(reading->error, reading->profile, MSG_JSON_VALUE, column->name, why);
    else if (!made)
        nomem(reading);
    if (made) {
        *out =
            (struct cql_value){.kind = CQL_VALUE, .bytes = arena_copy(reading->arena, buffer_slice(&wire))};
        made = (!wire.failed && (!wire.bytes || out->bytes.data)) || nomem(reading);
    }
    buffer_deinit(&wire);
    return made;
}

static bool read_text(const struct json_reading *reading, struct cql_value given, struct cql_value *values)
{
    struct json_value whole, key, member;
    size_t at;
    const char *why;
    if (given.kind != CQL_VALUE)
        return cql_refuse(reading->error, reading->profile, MSG_JSON_NULL);
    const struct slice text = given.bytes;
    bool parsed = json_parse(text, &whole, &at, &why);
    if (parsed && whole.kind == JSON_NULL)
        return cql_refuse(reading->error, reading->profile, MSG_JSON_NULL);
    if (!parsed || whole.kind != JSON_OBJECT) {
        struct slice shown = slice_of(text.data, text.bytes < 200 ? text.bytes : 200);
        const char *copy = arena_text(reading->arena, shown);
        return cql_refuse(reading->error, reading->profile, MSG_JSON_NOT_MAP,
                          parsed ? "it is no object" : why, copy ? copy : "");
    }
    struct json_items members = json_items_of(whole);
    while (json_items_next(&members, &key, &member)) {
        const struct cql_column *column = NULL;
        if (!find_column(reading, key, &column) ||
            !read_member(reading, column, member, &values[column - reading->insert->table->columns]))
            return false;
    }
    return true;
}

static bool make_values(const struct json_reading *reading, struct cql_value given,
                        struct cql_value **out_values)
{
    const struct json_insert *insert = reading->insert;
    uint32_t count = insert->table->column_count;
    struct cql_value *values = arena_calloc(reading->arena, count + 1, sizeof *values);
    if (!values)
        return nomem(reading);
    for (uint32_t i = 0; i < count; i++)
        values[i].kind = insert->default_unset ? CQL_UNSET : CQL_NULL;
    *out_values = values;
    return read_text(reading, given, values);
}

bool json_insert_values(const struct json_insert *insert, struct plan_run *run, struct cql_value **out_values)
{
    struct json_reading reading = {.insert = insert,
                                   .target = run->context->target,
                                   .profile = run->context->profile,
                                   .arena = run->scratch,
                                   .error = run->error};
    struct cql_value given;
    return term_value(&insert->text, run, &given) && make_values(&reading, given, out_values);
}

bool json_insert_check(struct plan_builder *builder, const struct json_insert *insert)
{
    struct json_reading reading = {.insert = insert,
                                   .target = builder->context->target,
                                   .profile = builder->context->profile,
                                   .arena = builder->arena,
                                   .error = builder->error};
    struct cql_value *values;
    return insert->text.kind != PLAN_TERM_CONSTANT || make_values(&reading, insert->text.constant, &values);
}
