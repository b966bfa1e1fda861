/*
 * function_blob.c: values as blobs and back, and as JSON.
 */
#include <stdio.h>

#include "cql/function_internal.h"
#include "cql/json.h"

EVALUATOR(as_blob)
{
    UNUSED_HERE;
    buffer_append_slice(out_wire, arguments[0].bytes);
    return true;
}

/* FUN-5: bytes that are no value of the type would make drivers misread the row. */
EVALUATOR(blob_as)
{
    UNUSED_HERE;
    struct slice wire = arguments[0].bytes;
    if (type_validate(call->returns, wire)) {
        buffer_append_slice(out_wire, wire);
        return true;
    }
    struct buffer why = {0};
    buffer_printf(&why, "value ");
    type_print_blob(&why, slice_of(wire.data, wire.bytes < 64 ? wire.bytes : 64));
    buffer_printf(&why, " is not a valid binary representation for type %s",
                  type_scalar_name(call->returns->id));
    buffer_append_u8(&why, 0);
    cql_refuse(error, environment->profile, MSG_FUNCTION_VALUE, call->function->name,
               why.failed ? "?" : (const char *)why.data);
    buffer_deinit(&why);
    return false;
}

EVALUATOR(to_json)
{
    UNUSED_HERE;
    if (arguments[0].kind == CQL_NULL)
        buffer_append(out_wire, "null", 4);
    else
        type_json_for(out_wire, call->arguments[0], arguments[0].bytes, cql_target_of(environment->profile));
    return true;
}

static bool in_from_json(struct cql_error *error, bool refused)
{
    snprintf(error->keyspace, sizeof error->keyspace, "system");
    snprintf(error->table, sizeof error->table, "fromjson");
    return refused;
}

EVALUATOR(from_json)
{
    struct json_value value;
    struct arena scratch;
    size_t at;
    const char *why;
    char reason[TYPE_WHY_BYTES];
    struct slice text = arguments[0].bytes;
    if (!json_parse(text, &value, &at, &why)) {
        snprintf(reason, sizeof reason, "%.*s", (int)(text.bytes < 200 ? text.bytes : 200),
                 (const char *)text.data);
        return in_from_json(error, cql_refuse(error, environment->profile, MSG_JSON_TEXT, reason, why));
    }
    *out_null = value.kind == JSON_NULL;
    if (*out_null)
        return true;
    arena_init(&scratch, 0);
    bool made =
        type_from_json(call->returns, value, cql_target_of(environment->profile), &scratch, out_wire, reason);
    arena_deinit(&scratch);
    if (!made)
        return reason[0]
                   ? in_from_json(error, cql_refuse(error, environment->profile, MSG_JSON_FUNCTION, reason))
                   : cql_refuse(error, environment->profile, MSG_NOMEM);
    return true;
}
