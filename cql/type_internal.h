/*
 * type_internal.h: the row of a scalar type, and what the files of types share.
 */
#ifndef STRAIT_CQL_TYPE_INTERNAL_H
#define STRAIT_CQL_TYPE_INTERNAL_H

#include "cql/type.h"

enum type_family { IN_SCYLLA = 1, IN_CASSANDRA = 2, IN_BOTH = IN_SCYLLA | IN_CASSANDRA };

/* One scalar type. Functions get wire bytes that are not empty and that `wire_bytes` and `check` have let pass. */
struct type_row {
    const char *name, *java;
    uint8_t wire_bytes;      /* 0: any size */
    bool is_key;             /* false for what has no order */
    bool json_bare;          /* JSON writes it without quotes */
    bool literal_quoted;     /* a CQL literal of it is a string */
    bool is_integer;         /* a number for which a driver may send a double by mistake */
    bool no_empty;           /* duration: there is no empty value */
    const char *json_wanted; /* "an int value": what a refused JSON value should have been */
    uint8_t json_empty;      /* enum type_family: where an empty string in JSON stands for the empty value */
    uint8_t json_kinds;      /* bit 1 << enum json_kind for each kind of JSON value that may stand for it */
    uint16_t cassandra_literals; /* accepted by Cassandra only */
    uint16_t literals;           /* bit 1 << enum literal_kind for each kind of literal that is accepted */
    /* What a bound value of wrong size is told; %zu is its size, %s (Scylla only, first) the Java class. */
    const char *scylla_size, *cassandra_size;
    bool cassandra_refuses_empty;
    /* Beyond the size; writes why into `out_why` when the bytes are no value. NULL: any bytes are. */
    bool (*check)(struct slice wire, bool scylla, char *out_why, size_t why_bytes);
    int (*compare)(struct slice a, struct slice b);
    void (*print)(struct buffer *out, struct slice wire);
    /* Append the wire bytes of a literal; false with the reason when it is none. */
    bool (*read)(const struct type_row *row, enum literal_kind kind, struct slice text,
                 const struct cql_target *target, struct buffer *out, char *out_why, size_t why_bytes);
};

/* NULL for a composite or unknown id. */
const struct type_row *type_row(enum type_id id);

/* A composite type as `like` describes it, with its key encoding. Its parts are borrowed. NULL when memory ran out. */
const struct type *type_composite(struct arena *arena, const struct type *like);

/* The items of a collection, tuple or user-defined type, one after another. */
struct type_items {
    struct reader reader;
    uint32_t left;
    bool is_vector;    /* items without sizes, or with short ones */
    size_t item_bytes; /* of a vector's; 0 when each has its size */
};
/* Begin to walk a list, set or map (two items an entry); a tuple or user-defined type of `member_count`. */
struct type_items type_items_of(const struct type *type, struct slice wire);
/* The next item; *out_null for a null one. False at the end or at broken bytes (`reader.failed` then). */
bool type_items_next(struct type_items *items, struct slice *out_item, bool *out_null);

/* type_part.c */
/* The item of a list at an index (an int), the value of a map's entry, the item of a set itself; false when there is none. */
bool type_find_element(const struct type *type, struct slice wire, struct slice key, struct slice *out_part,
                       bool *out_null);
/* The field of a user-defined type by its number, the member of a tuple; false for a null one. */
bool type_find_field(const struct type *type, struct slice wire, uint32_t field, struct slice *out_part);

/* type_order.c */
int type_compare_bytes(struct slice a, struct slice b);
int type_compare_integer(struct slice a, struct slice b);
int type_compare_boolean(struct slice a, struct slice b);
int type_compare_double(struct slice a, struct slice b);
int type_compare_float(struct slice a, struct slice b);
int type_compare_uuid(struct slice a, struct slice b);
int type_compare_timeuuid(struct slice a, struct slice b);

/* type_check.c */
bool type_check_ascii(struct slice wire, bool scylla, char *out_why, size_t why_bytes);
bool type_check_utf8(struct slice wire, bool scylla, char *out_why, size_t why_bytes);
bool type_check_inet(struct slice wire, bool scylla, char *out_why, size_t why_bytes);
bool type_check_timeuuid(struct slice wire, bool scylla, char *out_why, size_t why_bytes);
bool type_check_decimal(struct slice wire, bool scylla, char *out_why, size_t why_bytes);
bool type_check_duration(struct slice wire, bool scylla, char *out_why, size_t why_bytes);

/* type_text.c */
void type_print_text(struct buffer *out, struct slice wire);
void type_print_blob(struct buffer *out, struct slice wire);
void type_print_integer(struct buffer *out, struct slice wire);
void type_print_boolean(struct buffer *out, struct slice wire);
void type_print_double(struct buffer *out, struct slice wire);
void type_print_float(struct buffer *out, struct slice wire);
void type_print_timestamp(struct buffer *out, struct slice wire);
void type_print_date(struct buffer *out, struct slice wire);
void type_print_time(struct buffer *out, struct slice wire);
void type_print_uuid(struct buffer *out, struct slice wire);
void type_print_inet(struct buffer *out, struct slice wire);
/* Without "::". */
void type_print_inet_java(struct buffer *out, struct slice wire);
void type_print_varint(struct buffer *out, struct slice wire);
void type_print_decimal(struct buffer *out, struct slice wire);
void type_print_duration(struct buffer *out, struct slice wire);

/* type_literal.c */
#define TYPE_READER(name)                                                                        \
    bool type_read_##name(const struct type_row *row, enum literal_kind kind, struct slice text, \
                          const struct cql_target *target, struct buffer *out, char *out_why,    \
                          size_t why_bytes)
TYPE_READER(text);
TYPE_READER(ascii);
TYPE_READER(blob);
TYPE_READER(integer);
TYPE_READER(boolean);
TYPE_READER(double);
TYPE_READER(float);
TYPE_READER(timestamp);
TYPE_READER(date);
TYPE_READER(time);
TYPE_READER(uuid);
TYPE_READER(timeuuid);
TYPE_READER(inet);
TYPE_READER(varint);
TYPE_READER(decimal);
TYPE_READER(duration);

/* A signed integer of 1 to 8 bytes, big-endian. */
static inline int64_t type_integer(struct slice wire)
{
    uint64_t value = wire.bytes && (wire.data[0] & 0x80) ? UINT64_MAX : 0;
    for (size_t i = 0; i < wire.bytes; i++)
        value = value << 8 | wire.data[i];
    return (int64_t)value;
}

#endif
