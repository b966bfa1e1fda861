/* selector_internal.h: what the files of selectors share. */
#ifndef STRAIT_CQL_SELECTOR_INTERNAL_H
#define STRAIT_CQL_SELECTOR_INTERNAL_H

#include "cql/selector.h"

/* One selector and what stands inside it. `wanted` is the type a literal would have to take; NULL: none may stand here. */
bool selector_compile(struct plan_builder *builder, const struct ast_selector *ast, const struct type *wanted,
                      struct selection *selection, struct selector *out);
/* "system.min(v)"; NULL when memory ran out. */
const char *selector_call_name(struct plan_builder *builder, const char *function,
                               const struct selector *arguments, uint32_t count);

/* selector_function.c */
bool selector_compile_function(struct plan_builder *builder, const struct ast_selector *ast,
                               struct selection *selection, struct selector *out);
bool selector_compile_cast(struct plan_builder *builder, const struct ast_selector *ast,
                           struct selection *selection, struct selector *out);
bool selector_call(const struct selector *selector, struct plan_run *run, const struct row_slots *slots,
                   const struct aggregate *aggregates, struct cql_value *out_value);

#endif
