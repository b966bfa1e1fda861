/*
 * table_options.h: the options of CREATE and ALTER TABLE ... WITH: which there are for a target, what values they take,
 * what a table has that was given none, what the engine makes of them (SCH-9).
 *
 * One table in table_options.c has a row per option; parsing, encoding and showing are loops over it.
 */
#ifndef STRAIT_CQL_TABLE_OPTIONS_H
#define STRAIT_CQL_TABLE_OPTIONS_H

#include "cql/ast.h"
#include "cql/catalog.h"

/* What the target gives a table. All strings are static. */
void table_options_default(const struct cql_target *target, struct cql_table_options *out_options);

struct table_options_request {
    const struct ast_property *properties; /* borrowed from the statement */
    uint32_t property_count;
    const struct cql_target *target;
    enum cql_profile profile;
    struct arena *arena;     /* of the table: values are copied there */
    struct buffer *warnings; /* terminated texts are appended, as struct cql_result has them */
};

/* Apply the properties over `options`. A property `id` sets *out_uuid and *out_has_uuid. False with the target's refusal. */
bool table_options_apply(const struct table_options_request *request, struct cql_table_options *options,
                         uint8_t out_uuid[16], bool *out_has_uuid, struct cql_error *error);
/* False unless each property is known to the target: said before the table is looked for, as the targets do. */
bool table_options_known(const struct ast_property *properties, uint32_t count,
                         const struct cql_target *target, enum cql_profile profile, struct cql_error *error);

status table_options_copy(struct arena *arena, const struct cql_table_options *options,
                          struct cql_table_options *out_options);
void table_options_encode(struct buffer *out, const struct cql_table_options *options);
status table_options_decode(struct reader *in, struct arena *arena, struct cql_table_options *out_options);
void option_map_encode(struct buffer *out, const struct cql_option_map *map);
status option_map_decode(struct reader *in, struct arena *arena, struct cql_option_map *out_map);

/* "comment = '' AND gc_grace_seconds = 864000 ...": every option that the target has, as DESCRIBE writes them. */
void table_options_print(struct buffer *out, const struct cql_table_options *options,
                         const struct cql_target *target);
/* "{'class': 'SimpleStrategy'}" */
void option_map_print(struct buffer *out, const struct cql_option_map *map);

/* What the engine runs. Without a strategy in the statement, a table that is clustered by time first gets time windows,
 * any other size tiers; strategies that the engine does not have run as size-tiered. */
void table_options_store(const struct cql_table *table, struct store_table_options *out_options);
/* "SizeTieredCompactionStrategy", ...: what table_options_store() chose, for people. */
const char *table_options_strategy(const struct cql_table *table);

/* The text of a property's value, as map values and simple options are kept; NULL when it is neither literal nor
 * NULL for a map. The text is made in `arena`. */
const char *property_text(const struct ast_term *term, struct arena *arena);
/* "true", "yes", "1" and their opposites, in any case. False with the target's refusal for anything else. */
bool property_to_boolean(const char *name, const char *text, enum cql_profile profile, bool *out_value,
                         struct cql_error *error);
/* A {...} literal as a sorted map. False with the target's refusal when it is none or repeats a key. */
bool property_map(const struct ast_property *property, enum cql_profile profile, struct arena *arena,
                  struct cql_option_map *out_map, struct cql_error *error);

#endif
