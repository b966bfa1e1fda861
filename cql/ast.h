/*
 * ast.h: what the parser hands to analysis.
 *
 * Everything lives in the statement's arena and borrows its text; names are already folded (unquoted to lower case) and
 * unescaped. `at` is the byte offset in the statement where a thing begins, for errors that point at the place.
 */
#ifndef STRAIT_CQL_AST_H
#define STRAIT_CQL_AST_H

#include "cql/type.h"

struct ast_name {
    const char *text; /* terminated; NULL when absent */
    bool quoted;
    uint32_t at;
};

/* [keyspace.]name */
struct ast_table_name {
    struct ast_name keyspace, name;
};

enum ast_term_kind {
    TERM_LITERAL,
    TERM_NULL,
    TERM_BIND,       /* ? or :name */
    TERM_CALL,       /* function(args) */
    TERM_CAST,       /* (type) term: a type hint */
    TERM_LIST,       /* [a, b] */
    TERM_SET,        /* {a, b}; also the empty {} */
    TERM_MAP,        /* {a: b} ; items alternate key, value */
    TERM_TUPLE,      /* (a, b) */
    TERM_UDT,        /* {field: a, other: b}; `fields` are the names of the items */
    TERM_ARITHMETIC, /* a + b: parsed so that its refusal can be exact; `name` is the operator */
    TERM_COLUMN,     /* a bare name where a term is expected (c = c + 1) */
};

struct ast_term {
    enum ast_term_kind kind;
    uint32_t at;
    enum literal_kind literal;
    struct slice text; /* LITERAL: unescaped */
    uint32_t
        bind_index; /* BIND: position in order of appearance, from 0; PRE-4: a name used twice is one where the target says so */
    struct ast_name name; /* BIND by name, CALL (keyspace in call_keyspace), COLUMN */
    struct ast_name call_keyspace;
    const struct ast_type *cast_type;
    struct ast_term **items;
    uint32_t item_count;
    struct ast_name *fields; /* UDT: of item_count */
};

/* A type as written: resolved with the catalog, since it may be user-defined. */
struct ast_type {
    uint32_t at;
    struct ast_table_name name; /* "int", "map", "frozen", "ks.udt" */
    bool custom;                /* 'a.java.Class' */
    struct ast_type **params;
    uint32_t param_count;
};

enum ast_operator {
    OP_EQ,
    OP_LT,
    OP_LE,
    OP_GT,
    OP_GE,
    OP_NE,
    OP_IN,
    OP_NOT_IN,
    OP_CONTAINS,
    OP_CONTAINS_KEY,
    OP_LIKE,
    OP_IS_NOT_NULL,
};

enum ast_relation_kind {
    RELATION_COLUMN,  /* c op term */
    RELATION_TUPLE,   /* (c, d) op term */
    RELATION_TOKEN,   /* token(c, d) op term */
    RELATION_ELEMENT, /* c[term] op term */
    RELATION_FIELD,   /* c.field op term */
};

struct ast_relation {
    enum ast_relation_kind kind;
    uint32_t at;
    struct ast_name *columns;
    uint32_t column_count;
    enum ast_operator op;
    struct ast_term *element;
    struct ast_name field;
    struct ast_term *value;   /* NULL for IN with a list in parentheses, and IS NOT NULL */
    struct ast_term **values; /* IN (a, b) */
    uint32_t value_count;
    bool value_list; /* IN (...) was written, even when empty */
};

enum ast_selector_kind {
    SELECTOR_COLUMN,
    SELECTOR_COUNT_ALL, /* count(*) or count(1) */
    SELECTOR_CALL,
    SELECTOR_WRITETIME,
    SELECTOR_TTL,
    SELECTOR_CAST,      /* CAST(x AS type) */
    SELECTOR_TERM,      /* a literal or bind marker, as a function's argument */
    SELECTOR_FIELD,     /* x.field */
    SELECTOR_ELEMENT,   /* x[term], x[first..last] */
    SELECTOR_OPERATION, /* a + b, -a: `name` is the operator */
    SELECTOR_ITEMS,     /* [a, b], {a, b}, {a: b}, (a, b): `items` says which; map items alternate */
    SELECTOR_HINT,      /* (type)x */
};

/* What stands in the brackets after a selector. */
struct ast_element {
    struct ast_term *first, *last; /* NULL when open; an element without `slice` is `first` */
    bool slice;
};

struct ast_selector {
    enum ast_selector_kind kind;
    uint32_t at;
    struct ast_name
        name; /* COLUMN, function name of CALL; FIELD: the field, of arguments[0]; of WRITETIME and TTL their word */
    struct ast_name call_keyspace; /* CALL: text NULL when none */
    struct ast_name alias;         /* text NULL when none */
    struct ast_selector **arguments;
    uint32_t argument_count;
    struct ast_term *term;
    struct ast_element element;
    enum ast_term_kind items;
    bool parenthesised;
    const struct ast_type *cast_type; /* CAST, HINT */
};

struct ast_property {
    struct ast_name name;
    struct ast_term *value; /* literal or map */
};

struct ast_using {
    struct ast_term *timestamp, *ttl, *timeout; /* NULL when absent */
    uint32_t ttl_at, timeout_at;                /* where the words stand */
};

struct ast_column_definition {
    struct ast_name name;
    struct ast_type *type;
    bool is_static, is_primary_key;
    uint32_t row_ttl_at; /* where the word stands that makes it the row's TTL; 0: nowhere (TTL-10) */
};

struct ast_ordering {
    struct ast_name column;
    bool descending;
};

struct ast_create_type {
    struct ast_table_name name;
    bool if_not_exists;
    struct ast_column_definition *fields;
    uint32_t field_count;
};

struct ast_create_keyspace {
    struct ast_name name;
    bool if_not_exists, if_exists; /* of CREATE, of ALTER */
    struct ast_property *properties;
    uint32_t property_count;
};

struct ast_create_table {
    struct ast_table_name name;
    bool if_not_exists;
    struct ast_column_definition *columns;
    uint32_t column_count;
    struct ast_name *partition_key; /* from PRIMARY KEY (...); empty when a column says PRIMARY KEY itself */
    uint32_t partition_key_count;
    struct ast_name *clustering_key;
    uint32_t clustering_key_count;
    uint32_t primary_key_clauses; /* how often PRIMARY KEY (...) was written */
    struct ast_ordering *orderings;
    uint32_t ordering_count;
    bool compact_storage;
    struct ast_property *properties;
    uint32_t property_count;
};

struct ast_create_view {
    struct ast_table_name name, base;
    bool if_not_exists, all; /* all: SELECT * */
    struct ast_selector **selectors;
    uint32_t selector_count;
    struct ast_relation *where;
    uint32_t where_count;
    struct ast_name *partition_key;
    uint32_t partition_key_count;
    struct ast_name *clustering_key;
    uint32_t clustering_key_count;
    struct ast_ordering *orderings;
    uint32_t ordering_count;
    bool compact_storage;
    struct ast_property *properties;
    uint32_t property_count;
};

enum ast_index_target {
    INDEX_VALUES_OF_COLUMN, /* (c) */
    INDEX_KEYS,
    INDEX_VALUES,
    INDEX_ENTRIES,
    INDEX_FULL,
};

struct ast_create_index {
    struct ast_table_name name; /* name.name.text NULL when not given */
    struct ast_table_name table;
    bool if_not_exists;
    bool custom;
    const char *using_class; /* NULL when none */
    uint32_t target_count;   /* those written; what follows is of the last */
    enum ast_index_target target;
    struct ast_name *partition_columns; /* local index ((pk), c) */
    uint32_t partition_column_count;
    struct ast_name column;
    struct ast_property *properties;
    uint32_t property_count;
};

enum ast_alter_kind {
    ALTER_ADD,
    ALTER_DROP,
    ALTER_DROP_COMPACT, /* DROP COMPACT STORAGE */
    ALTER_RENAME,
    ALTER_TYPE,
    ALTER_WITH,
    ALTER_ROW_TTL, /* TTL c: refused */
};

struct ast_alter_table { /* and ALTER TYPE, whose columns are fields */
    struct ast_table_name name;
    bool if_exists;
    enum ast_alter_kind kind;
    bool if_columns;                       /* ADD IF NOT EXISTS, DROP IF EXISTS, RENAME IF EXISTS */
    struct ast_column_definition *columns; /* ADD */
    uint32_t column_count;
    struct ast_name *dropped; /* DROP; RENAME: pairs from, to */
    uint32_t dropped_count;
    struct ast_term *timestamp;      /* DROP ... USING TIMESTAMP; NULL when absent */
    struct ast_property *properties; /* WITH */
    uint32_t property_count;
    uint32_t row_ttl_at; /* ROW_TTL */
};

enum ast_drop_kind {
    DROP_KEYSPACE,
    DROP_TABLE,
    DROP_INDEX,
    DROP_TYPE,
    DROP_VIEW,
};

struct ast_drop {
    enum ast_drop_kind kind;
    struct ast_table_name name; /* DROP_KEYSPACE: only name */
    bool if_exists;
};

struct ast_condition { /* IF column op term */
    struct ast_relation relation;
};

struct ast_if {
    bool exists, not_exists;
    struct ast_condition *conditions;
    uint32_t condition_count;
};

struct ast_insert {
    struct ast_table_name table;
    struct ast_name *columns;
    uint32_t column_count;
    struct ast_term **values;
    uint32_t value_count;
    bool json, json_unset; /* INSERT JSON: the only value; DEFAULT UNSET */
    struct ast_if condition;
    struct ast_using using_;
};

enum ast_assignment_kind {
    ASSIGN_VALUE, /* c = term */
    ASSIGN_ADD,   /* c = c + term, c += term */
    ASSIGN_SUBTRACT,
    ASSIGN_PREPEND, /* c = term + c */
    ASSIGN_ELEMENT, /* c[term] = term */
    ASSIGN_FIELD,   /* c.f = term */
};

struct ast_assignment {
    enum ast_assignment_kind kind;
    struct ast_name column, field;
    struct ast_term *element, *value;
};

struct ast_update {
    struct ast_table_name table;
    struct ast_using using_;
    struct ast_assignment *assignments;
    uint32_t assignment_count;
    struct ast_relation *where;
    uint32_t where_count;
    struct ast_if condition;
};

struct ast_deletion {
    struct ast_name column, field;
    struct ast_term *element;
};

struct ast_delete {
    struct ast_table_name table;
    struct ast_deletion *columns; /* none: whole rows */
    uint32_t column_count;
    struct ast_using using_;
    struct ast_relation *where;
    uint32_t where_count;
    struct ast_if condition;
};

struct ast_select {
    struct ast_table_name table;
    bool distinct, json, all; /* all: SELECT * */
    struct ast_selector **selectors;
    uint32_t selector_count;
    struct ast_relation *where;
    uint32_t where_count;
    struct ast_name *group_by;
    uint32_t group_by_count;
    struct ast_ordering *order_by;
    uint32_t order_by_count;
    struct ast_term *limit, *per_partition_limit; /* NULL when absent */
    bool allow_filtering, bypass_cache;
    struct ast_using using_; /* USING TIMEOUT */
};

enum ast_batch_kind {
    BATCH_LOGGED,
    BATCH_UNLOGGED,
    BATCH_COUNTER,
};

struct ast_statement;

struct ast_batch {
    enum ast_batch_kind kind;
    struct ast_using using_;
    struct ast_statement **statements; /* INSERT, UPDATE, DELETE */
    uint32_t statement_count;
};

enum ast_describe_kind {
    DESCRIBE_CLUSTER,
    DESCRIBE_KEYSPACES,
    DESCRIBE_TABLES,
    DESCRIBE_TYPES,
    DESCRIBE_NOTHING, /* FUNCTIONS, AGGREGATES: there are none */
    DESCRIBE_SCHEMA,
    DESCRIBE_KEYSPACE, /* the session's when no name was given */
    DESCRIBE_TABLE,
    DESCRIBE_INDEX,
    DESCRIBE_VIEW,
    DESCRIBE_TYPE,
    DESCRIBE_FUNCTION,
    DESCRIBE_AGGREGATE,
    DESCRIBE_NAME, /* whatever has that name */
};

struct ast_describe {
    enum ast_describe_kind kind;
    bool full;      /* FULL SCHEMA: the system's keyspaces too */
    bool only;      /* ONLY KEYSPACE: without what is in it */
    bool internals; /* WITH INTERNALS */
    struct ast_table_name name;
};

enum ast_statement_kind {
    STATEMENT_SELECT,
    STATEMENT_INSERT,
    STATEMENT_UPDATE,
    STATEMENT_DELETE,
    STATEMENT_BATCH,
    STATEMENT_USE,
    STATEMENT_CREATE_KEYSPACE,
    STATEMENT_ALTER_KEYSPACE,
    STATEMENT_CREATE_TABLE,
    STATEMENT_ALTER_TABLE,
    STATEMENT_CREATE_INDEX,
    STATEMENT_CREATE_TYPE,
    STATEMENT_ALTER_TYPE,
    STATEMENT_CREATE_VIEW,
    STATEMENT_ALTER_VIEW,
    STATEMENT_DROP,
    STATEMENT_TRUNCATE,
    STATEMENT_DESCRIBE,
    STATEMENT_UNSUPPORTED, /* recognised, refused: `unsupported` says what, e.g. "CREATE TRIGGER" */
};

struct ast_statement {
    enum ast_statement_kind kind;
    struct slice text; /* the whole statement as given */
    uint32_t bind_count;
    struct ast_name *bind_names; /* of bind_count; text NULL for ? */
    bool named_binds;
    union {
        struct ast_select select;
        struct ast_insert insert;
        struct ast_update update;
        struct ast_delete delete_;
        struct ast_batch batch;
        struct ast_name use;
        struct ast_create_keyspace create_keyspace; /* ALTER KEYSPACE too */
        struct ast_create_table create_table;
        struct ast_create_type create_type;
        struct ast_create_view create_view;
        struct ast_alter_table alter_table; /* ALTER TYPE and ALTER MATERIALIZED VIEW too */
        struct ast_create_index create_index;
        struct ast_drop drop;
        struct ast_table_name truncate;
        struct ast_describe describe;
        const char *unsupported;
    };
};

#endif
