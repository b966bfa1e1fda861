/* ddl_internal.h: what the files of ddl.h share. */
#ifndef STRAIT_CQL_DDL_INTERNAL_H
#define STRAIT_CQL_DDL_INTERNAL_H

#include "cql/database_internal.h"
#include "cql/ddl.h"
#include "cql/plan.h"
#include "cql/table_options.h"

/* One statement at work, under the lock of schema changes. */
struct ddl {
    const struct ddl_request *request;
    struct cql_database *database;
    enum cql_profile profile;
    const struct cql_target *target;
    struct arena *scratch;
    struct cql_error *error;
    const struct catalog *catalog; /* the current one; lives to the end of the statement */
    struct catalog *next;          /* owned: what it becomes; NULL while nothing changes */
    struct store_change *changes;  /* scratch */
    uint32_t change_count, change_capacity;
    struct buffer property_name, properties; /* owned: bytes of the changes */
};

/* Refuse with a message for the profile. */
#define ddl_refuse(ddl, ...) cql_refuse((ddl)->error, (ddl)->profile, __VA_ARGS__)

/* The keyspace of a name: its own, or the session's. False when there is neither. */
bool ddl_keyspace_of(struct ddl *ddl, const struct ast_table_name *name, const char **out_keyspace);
/* False when the keyspace belongs to the system. */
bool ddl_keyspace_is_free(struct ddl *ddl, const char *keyspace);
/* The table of a name, or NULL; false only when there is no keyspace to look in. */
bool ddl_find_table(struct ddl *ddl, const struct ast_table_name *name, const struct cql_table **out_table);
/* The table of a name that must exist and may be changed. */
bool ddl_table_of(struct ddl *ddl, const struct ast_table_name *name, enum cql_message missing,
                  const struct cql_table **out_table);
/* A copy of the catalog in ddl->next, to be changed. */
bool ddl_begin(struct ddl *ddl);
/* One more change for the store; `properties` must live until ddl_commit(). */
bool ddl_add(struct ddl *ddl, const struct store_change *change);
/* Put a keyspace with the options and the types of `as` into ddl->next and its property among the changes; once a statement. */
bool ddl_put_keyspace(struct ddl *ddl, const char *name, const struct cql_keyspace *as);
/* The property of a keyspace as it is in ddl->next, among the changes; once a statement. */
bool ddl_store_keyspace(struct ddl *ddl, const char *name);
/* Put a table into ddl->next and its CREATE or ALTER among the changes. Takes the reference of `table` over. */
bool ddl_put_table(struct ddl *ddl, struct cql_table *table, enum store_change_kind kind);
/* Write the changes and publish ddl->next, with writers kept out. Unless `closed`, the gate is closed and opened here. */
bool ddl_commit(struct ddl *ddl, bool gate_is_closed);
/* WITH of ALTER: the options of `next`; *out_has_id when an id was among them, which nothing may change. */
bool ddl_alter_options(struct ddl *ddl, const struct ast_alter_table *ast, struct cql_table *next,
                       bool *out_has_id);
/* What the client hears of it. */
void ddl_report(struct ddl *ddl, const char *change, const char *target, const char *keyspace,
                const char *name);
/* Letters, digits and underscores, at most `max_bytes`. */
bool ddl_name_is_word(const char *name);
/* A version 4 uuid from the store's randomness. */
void ddl_uuid(struct ddl *ddl, uint8_t out_uuid[16]);
bool ddl_failed(struct ddl *ddl, status st);
/* The text of a type in the scratch arena, for messages. */
const char *ddl_type_text(struct ddl *ddl, const struct type *type);

/* May a column be of this type, as far as many cells within many go? */
bool ddl_check_multicell(struct ddl *ddl, const struct type *type);

bool ddl_create_keyspace(struct ddl *ddl, const struct ast_create_keyspace *ast);
bool ddl_alter_keyspace(struct ddl *ddl, const struct ast_create_keyspace *ast);
bool ddl_create_table(struct ddl *ddl, const struct ast_create_table *ast);
bool ddl_alter_table(struct ddl *ddl, const struct ast_alter_table *ast);
bool ddl_create_type(struct ddl *ddl, const struct ast_create_type *ast);
bool ddl_alter_type(struct ddl *ddl, const struct ast_alter_table *ast);
bool ddl_drop_type(struct ddl *ddl, const struct ast_drop *ast);
bool ddl_create_index(struct ddl *ddl, const struct ast_create_index *ast);
bool ddl_create_view(struct ddl *ddl, const struct ast_create_view *ast);
bool ddl_alter_view(struct ddl *ddl, const struct ast_alter_table *ast);
bool ddl_drop_view(struct ddl *ddl, const struct ast_drop *ast);
/* May DROP TABLE drop it: is it no view, and is none on it? */
bool ddl_view_free(struct ddl *ddl, const struct cql_table *table);
/* ddl_view_alter.c: what ALTER TABLE of a base does to the views on it, in the same change; `next` is sealed. */
bool ddl_view_column_free(struct ddl *ddl, const struct cql_table *table, const struct cql_column *column);
bool ddl_views_follow(struct ddl *ddl, const struct ast_alter_table *ast, const struct cql_table *next);
/* index_define.c: everything of an index but its name and numbers; false with the refusal. */
bool index_define(struct ddl *ddl, const struct ast_create_index *ast, const struct cql_table *table,
                  struct cql_index *out);
/* The index of the table that indexes the same in the same way; NULL when there is none. */
const struct cql_index *index_duplicate(const struct cql_table *table, const struct cql_index *of);
/* ddl_index.c, for views too. An empty store table for what is derived from `base`: if nothing names it before the program
 * ends, the next open drops it. */
bool ddl_entries_create(struct ddl *ddl, const struct cql_table *base, const char *name, uint64_t store_id);
void ddl_entries_drop(struct ddl *ddl, uint64_t store_id);
/* What entries are built in: the schema is the new one. */
struct plan_context ddl_entries_context(struct ddl *ddl);
bool ddl_drop_index(struct ddl *ddl, const struct ast_drop *ast);
/* How the store keeps an index or a view of the table. */
void index_store_options(const struct cql_table *table, struct store_table_options *out_options);

/* TTL-10: a column that is the row's TTL is a word of some targets, and not offered. `at` is where the word stands. */
bool ddl_refuse_row_ttl(struct ddl *ddl, uint32_t at);

#endif
