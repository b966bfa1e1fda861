/*
 * function_blob.c: values as blobs and back, and as JSON.
 */
#include "cql/function_internal.h"

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
        type_json(out_wire, call->arguments[0], arguments[0].bytes);
    return true;
}
