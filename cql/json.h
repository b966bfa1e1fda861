/*
 * json.h: strict JSON (RFC 8259) read in place.
 *
 * json_parse() checks a whole text once; what it gives out are pieces of that text, walked without checking again.
 *
 * Ownership   A value borrows from the text it was parsed from.
 */
#ifndef STRAIT_CQL_JSON_H
#define STRAIT_CQL_JSON_H

#include "base/arena.h"
#include "base/slice.h"

enum {
    JSON_DEPTH_MAX = 64,
};

enum json_kind {
    JSON_NULL,
    JSON_BOOLEAN,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT,
};

struct json_value {
    enum json_kind kind;
    struct slice text; /* as it stands, quotes and brackets included */
};

/* One value with nothing but space around it. False with where and why it is none. */
bool json_parse(struct slice text, struct json_value *out_value, size_t *out_at, const char **out_why);

/* The items of an array, the members of an object. */
struct json_items {
    const uint8_t *at, *end;
    bool is_object;
};
struct json_items json_items_of(struct json_value value);
/* False at the end. *out_key, a string, is set for members only. */
bool json_items_next(struct json_items *items, struct json_value *out_key, struct json_value *out_value);

/* What a string says, without quotes and escapes; in the text itself where it has no escapes, else in `arena`. False when
 * memory ran out. */
bool json_string(struct arena *arena, struct json_value string, struct slice *out_text);

/* A number without point and exponent. */
bool json_is_integer(struct json_value value);

#endif
