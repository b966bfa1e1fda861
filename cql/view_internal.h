/* view_internal.h: a CREATE MATERIALIZED VIEW while it is judged. */
#ifndef STRAIT_CQL_VIEW_INTERNAL_H
#define STRAIT_CQL_VIEW_INTERNAL_H

#include "cql/ddl_internal.h"

struct view_definition {
    const struct ast_create_view *ast;
    const char *name;
    const struct cql_table *base;
    bool *selected;                /* scratch: of each column of the base */
    const struct cql_column **key; /* scratch: of the base, in the order of the view's key */
    uint32_t key_count, partition_count;
    const struct cql_column
        *cell; /* the one of them that is no key column of the base; NULL when there is none */
    struct cql_view_filter *filters; /* scratch */
    uint32_t filter_count;
};

/* Everything from `selected` on, from `ast` and `base`; false with the target's refusal. */
bool view_define(struct ddl *ddl, struct view_definition *definition);
bool view_definition_has_key(const struct view_definition *definition, const struct cql_column *column);

/* view_where.c */
bool view_define_where(struct ddl *ddl, struct view_definition *definition);
/* Does the WHERE clause restrict the column in any way? */
bool view_restricts(const struct view_definition *definition, const struct cql_column *column);

#endif
