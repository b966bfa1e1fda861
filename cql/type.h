/*
 * type.h: CQL types, described once.
 *
 * One table in type.c gives each scalar type its name, protocol id, Java class, size rule, key encoding, text form,
 * comparison and literal rules: adding a type is adding a row. Values are always the protocol's bytes.
 *
 * Ownership   Scalar types are static. Composite types live in the arena they were made in. A user-defined type carries
 *             its whole definition: no catalog is needed to read one of its values.
 */
#ifndef STRAIT_CQL_TYPE_H
#define STRAIT_CQL_TYPE_H

#include "base/arena.h"
#include "base/buffer.h"
#include "cql/error.h"
#include "row/key.h"

/* The protocol's option ids. */
enum type_id {
    TYPE_CUSTOM = 0x00,
    TYPE_ASCII = 0x01,
    TYPE_BIGINT = 0x02,
    TYPE_BLOB = 0x03,
    TYPE_BOOLEAN = 0x04,
    TYPE_COUNTER = 0x05,
    TYPE_DECIMAL = 0x06,
    TYPE_DOUBLE = 0x07,
    TYPE_FLOAT = 0x08,
    TYPE_INT = 0x09,
    TYPE_TIMESTAMP = 0x0B,
    TYPE_UUID = 0x0C,
    TYPE_TEXT = 0x0D, /* varchar on the wire, `text` in words */
    TYPE_VARINT = 0x0E,
    TYPE_TIMEUUID = 0x0F,
    TYPE_INET = 0x10,
    TYPE_DATE = 0x11,
    TYPE_TIME = 0x12,
    TYPE_SMALLINT = 0x13,
    TYPE_TINYINT = 0x14,
    TYPE_DURATION = 0x15,
    TYPE_LIST = 0x20,
    TYPE_MAP = 0x21,
    TYPE_SET = 0x22,
    TYPE_UDT = 0x30,
    TYPE_TUPLE = 0x31,
    TYPE_VECTOR = 0x100, /* none of the protocol's: it travels as a custom type, by its Java class */
};

struct type {
    enum type_id id;
    bool frozen; /* one value; else every element or field is a cell of its own. Tuples always are */
    const struct type *first;          /* element; key of a map */
    const struct type *second;         /* value of a map */
    const struct type *const *members; /* of a tuple; the fields of a user-defined type */
    uint32_t member_count;
    const char *keyspace, *name;    /* of a user-defined type */
    const char *const *field_names; /* of member_count */
    uint32_t dimension;             /* of a vector */
    struct key_column key;          /* how it is encoded in a key, ascending */
};

enum {
    TYPE_DIMENSION_MAX = 1 << 20,
    TYPE_FIELDS_MAX = 32768, /* of a tuple or a user-defined type */
};

const struct type *type_scalar(enum type_id id);
/* NULL when memory ran out. */
const struct type *type_list(struct arena *arena, const struct type *element, bool frozen);
const struct type *type_set(struct arena *arena, const struct type *element, bool frozen);
const struct type *type_map(struct arena *arena, const struct type *key, const struct type *value,
                            bool frozen);
const struct type *type_tuple(struct arena *arena, const struct type *const *members, uint32_t count);
const struct type *type_vector(struct arena *arena, const struct type *element, uint32_t dimension);
/* Names and members are borrowed and must live as long as the arena. */
const struct type *type_udt(struct arena *arena, const char *keyspace, const char *name,
                            const char *const *field_names, const struct type *const *members, uint32_t count,
                            bool frozen);

/* The whole of a type in `arena`, which may outlive that of the original. NULL when memory ran out; so below. */
const struct type *type_copy(struct arena *arena, const struct type *type);
/* The same with everything in it frozen, as frozen<...> makes it. */
const struct type *type_freeze(struct arena *arena, const struct type *type);
/* A copy in which `udt`, known by its keyspace and name, stands wherever a type of that name stood. */
const struct type *type_replace(struct arena *arena, const struct type *type, const struct type *udt);
/* A copy whose user-defined types are those of another keyspace. */
const struct type *type_move(struct arena *arena, const struct type *type, const char *keyspace);
/* Is the user-defined type of that name this one, or anywhere in it? */
bool type_mentions(const struct type *type, const char *keyspace, const char *name);
/* Is that scalar type this one, or anywhere in it? */
bool type_has(const struct type *type, enum type_id scalar);

/* "int", "frozen<map<text, text>>", "frozen<address>": as DESCRIBE and system_schema.columns say it. */
void type_name(struct buffer *out, const struct type *type);
/* As type_name(), with the definition of each user-defined type in its place: udt<"ks", "address", "street" text>. */
void type_definition(struct buffer *out, const struct type *type);
/* What type_definition() wrote back to a type (or type_name(), where there are no user-defined types); NULL when it is
 * none. */
const struct type *type_parse(struct arena *arena, struct slice name);
/* "org.apache.cassandra.db.marshal.Int32Type", with parameters where it has them. */
void type_java_name(struct buffer *out, const struct type *type);
bool type_equal(const struct type *a, const struct type *b);
/* A whole, floating or decimal number, or a counter. */
bool type_is_number(const struct type *type);
/* A list, set or map. */
bool type_is_collection(const struct type *type);
/* A non-frozen collection or user-defined type: many cells. */
bool type_is_multicell(const struct type *type);
/* A tuple or a user-defined type. */
bool type_has_members(const struct type *type);
/* Of the i-th item on the wire: keys and values of a map alternate. */
const struct type *type_item(const struct type *type, uint32_t i);
/* The field of that name; member_count when there is none. */
uint32_t type_field(const struct type *type, struct slice name);
/* False for duration, counter and non-frozen collections. */
bool type_can_be_key(const struct type *type);
/* The bytes of each item of a vector on the wire; 0 when each stands behind its size. */
size_t type_vector_item_bytes(const struct type *type);

/* Is every value of `from` one of `to` with the same meaning of its bytes, as text is of blob? */
bool type_reads(const struct type *to, const struct type *from);

/* Bytes of every value but the empty one; 0 when they differ. */
size_t type_fixed_bytes(const struct type *type);

/* Any that many bytes are a value; 0 when that cannot be said of any number. */
size_t type_plain_bytes(const struct type *type);

/* The scalar type of that name in any case, varchar included; NULL when there is none. */
const struct type *type_scalar_named(struct slice name);
/* "int"; NULL for a composite id. */
const char *type_scalar_name(enum type_id id);

/* Is `wire` a value of the type? NUL-7: an empty value is one of every type that allows it. */
bool type_validate(const struct type *type, struct slice wire);
/* As type_validate(), with the refusal of NUL-12 for a value bound to `column` (a column's name, or "[limit]"). */
bool type_check_bound(const struct type *type, struct slice wire, const char *column,
                      enum cql_profile profile, struct cql_error *error);
/* Order of two values of one type by the type's rules (TYP-*). */
int type_compare(const struct type *type, struct slice a, struct slice b);

/* An item of a collection, a member of a tuple or a field. */
struct type_value {
    struct slice bytes;
    bool is_null;
};

/* The wire form of a composite value, appended to `out`; the items of a map alternate. Sets and maps come out sorted, and
 * of equal keys the last one stays (TYP-8). False when memory ran out. */
bool type_compose(struct buffer *out, struct arena *scratch, const struct type *type,
                  const struct type_value *items, uint32_t count);
/* Is a set or map anywhere in it, so that a client may send the same value in several orders? */
bool type_has_order(const struct type *type);
/* A valid value with every set and map in it in its order; in `arena` when it was not. False when memory ran out. */
bool type_normalize(struct arena *arena, const struct type *type, struct slice *wire);

/* Text of a value as cqlsh prints it, without quotes; collections in CQL notation. */
void type_text(struct buffer *out, const struct type *type, struct slice wire);
/* As a CQL literal that reads back to the same value. */
void type_literal(struct buffer *out, const struct type *type, struct slice wire);
/* As JSON. */
void type_json(struct buffer *out, const struct type *type, struct slice wire);
/* As JSON with the target's own way of writing numbers, addresses and durations. */
void type_json_for(struct buffer *out, const struct type *type, struct slice wire,
                   const struct cql_target *target);

/* What a literal looks like before its type is known. */
enum literal_kind {
    LITERAL_STRING,
    LITERAL_INTEGER,
    LITERAL_FLOAT, /* with point, exponent, NaN or Infinity */
    LITERAL_BOOLEAN,
    LITERAL_UUID,
    LITERAL_HEX,
    LITERAL_DURATION,
};
/* "STRING", "INTEGER", ...: as the real ones name them in refusals. */
const char *literal_kind_name(enum literal_kind kind);
/* May a literal of this kind stand where a value of `type` is wanted (whatever its text)? */
bool type_accepts_literal(const struct type *type, enum literal_kind kind);
/* The wire bytes of a literal for a column of `type`, appended to `out`. False with the target's refusal set when
 * the literal is not of the type or out of its range. `column` names the receiver in the message. */
bool type_from_literal(const struct type *type, enum literal_kind kind, struct slice text, const char *column,
                       enum cql_profile profile, struct buffer *out, struct cql_error *error);

struct json_value; /* json.h */

enum {
    TYPE_WHY_BYTES = 512, /* room for the reason why a value is none */
};

/* The wire bytes of a JSON value that is not null, appended to `out`; strings stand for numbers and the like as the target has
 * it. False with the target's words in `out_why` (TYPE_WHY_BYTES), empty when memory ran out. */
bool type_from_json(const struct type *type, struct json_value value, const struct cql_target *target,
                    struct arena *scratch, struct buffer *out, char *out_why);

/* Milliseconds since 1970 to and from every notation of TYP-9. */
bool timestamp_parse(struct slice text, int64_t *out_ms);

#endif
