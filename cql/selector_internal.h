/* selector_internal.h: what the files of selectors share. */
#ifndef STRAIT_CQL_SELECTOR_INTERNAL_H
#define STRAIT_CQL_SELECTOR_INTERNAL_H

#include "cql/selector.h"

/* selector.c */
/* One selector and what stands inside it. `wanted` is the type that a literal takes here; NULL: none may stand here. */
bool selector_compile(struct plan_builder *builder, const struct ast_selector *ast, const struct type *wanted,
                      struct selection *selection, struct selector *out);
/* Room for `count` arguments. */
bool selector_arguments(struct plan_builder *builder, struct selector *out, uint32_t count);
/* "system.min(v)"; NULL when memory ran out. */
const char *selector_call_name(struct plan_builder *builder, const char *function,
                               const struct selector *arguments, uint32_t count);

/* selector_function.c: calls, operators, casts */
bool selector_compile_call(struct plan_builder *builder, const struct ast_selector *ast,
                           struct selection *selection, struct selector *out);
bool selector_compile_operation(struct plan_builder *builder, const struct ast_selector *ast,
                                const struct type *wanted, struct selection *selection, struct selector *out);
bool selector_compile_cast(struct plan_builder *builder, const struct ast_selector *ast,
                           struct selection *selection, struct selector *out);

/* selector_cell.c: WRITETIME and TTL of columns and of parts of them */
bool selector_compile_cell(struct plan_builder *builder, const struct ast_selector *ast,
                           struct selection *selection, struct selector *out);
bool selector_cell_value(const struct selector *selector, struct plan_run *run, const struct row_slots *slots,
                         struct cql_value *out_value);

/* selector_part.c: fields, elements, slices, literals of several selectors */
bool selector_compile_field(struct plan_builder *builder, const struct ast_selector *ast,
                            struct selection *selection, struct selector *out);
bool selector_compile_element(struct plan_builder *builder, const struct ast_selector *ast,
                              struct selection *selection, struct selector *out);
bool selector_compile_items(struct plan_builder *builder, const struct ast_selector *ast,
                            const struct type *wanted, struct selection *selection, struct selector *out);
bool selector_part_value(const struct selector *selector, struct plan_run *run, const struct row_slots *slots,
                         const struct aggregate *aggregates, struct cql_value *out_value);

#endif
