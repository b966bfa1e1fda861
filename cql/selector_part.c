/*
 * selector_part.c: parts of a value, x.field, x[key], x[first..last], and values made of parts, [a, b].
 */
#include "cql/restriction.h"
#include "cql/selector_internal.h"
#include "cql/type_internal.h"

/* ---- compile ---- */

bool selector_compile_field(struct plan_builder *builder, const struct ast_selector *ast,
                            struct selection *selection, struct selector *out)
{
    if (!selector_arguments(builder, out, 1) ||
        !selector_compile(builder, ast->arguments[0], NULL, selection, &out->arguments[0]))
        return false;
    const struct selector *of = &out->arguments[0];
    if (of->type->id != TYPE_UDT)
        return BUILD_REFUSE_AT(builder, ast->at, MSG_SELECT_FIELD_TYPE, of->name,
                               plan_type_text(builder->arena, of->type));
    out->ordinal = type_field(of->type, slice_text(ast->name.text));
    if (out->ordinal == of->type->member_count)
        return BUILD_REFUSE_AT(builder, ast->at, MSG_SELECT_FIELD_UNKNOWN, of->name,
                               plan_type_text(builder->arena, of->type), ast->name.text);
    out->kind = SELECT_FIELD;
    out->type = of->type->members[out->ordinal];
    out->name = arena_printf(builder->arena, "%s.%s", of->name, ast->name.text);
    return out->name ? true : build_nomem(builder);
}

static bool compile_bound(struct plan_builder *builder, const struct ast_term *term, const struct type *type,
                          const char *name, struct selector *out)
{
    out->kind = SELECT_TERM;
    out->type = type;
    if (!term) {
        out->name = "";
        out->term.constant.kind = CQL_UNSET; /* an open end */
        return true;
    }
    out->name = term_text(builder->arena, term);
    return out->name ? term_compile(builder, term, name, type, &out->term) : build_nomem(builder);
}

bool selector_compile_element(struct plan_builder *builder, const struct ast_selector *ast,
                              struct selection *selection, struct selector *out)
{
    const struct ast_element *element = &ast->element;
    if (!selector_arguments(builder, out, 3) ||
        !selector_compile(builder, ast->arguments[0], NULL, selection, &out->arguments[0]))
        return false;
    const struct selector *of = &out->arguments[0];
    const struct cql_target *target = builder->context->target;
    bool map = of->type->id == TYPE_MAP, set = of->type->id == TYPE_SET;
    bool list = of->type->id == TYPE_LIST && target->is_scylla;
    if (of->type->id == TYPE_LIST && !list)
        return BUILD_REFUSE_AT(builder, ast->at,
                               element->slice ? MSG_SELECT_SLICE_LIST : MSG_SELECT_ELEMENT_LIST, of->name);
    if (!map && !set && !list)
        return BUILD_REFUSE_AT(builder, ast->at, MSG_SELECT_ELEMENT_TYPE, of->name,
                               plan_type_text(builder->arena, of->type));
    if (element->slice && (target->is_scylla || list))
        return BUILD_REFUSE_AT(builder, ast->at, MSG_NOT_SUPPORTED, "selection of slices");
    const struct type *key = list ? type_scalar(TYPE_INT) : of->type->first;
    const char *name = arena_printf(builder->arena, "key(%s)", of->name);
    if (!name)
        return build_nomem(builder);
    if (!compile_bound(builder, element->first, key, name, &out->arguments[1]) ||
        !compile_bound(builder, element->last, key, name, &out->arguments[2]))
        return false;
    out->kind = element->slice ? SELECT_SLICE : SELECT_ELEMENT;
    out->type = element->slice ? of->type : map ? of->type->second : of->type->first;
    out->name = element->slice ? arena_printf(builder->arena, "%s[%s..%s]", of->name, out->arguments[1].name,
                                              out->arguments[2].name)
                               : arena_printf(builder->arena, "%s[%s]", of->name, out->arguments[1].name);
    return out->name ? true : build_nomem(builder);
}

/* The type that the items agree on, given what is wanted. */
static const struct type *items_type(struct plan_builder *builder, const struct ast_selector *ast,
                                     struct selector *out)
{
    const struct type **members =
        arena_calloc(builder->arena, out->argument_count + 1, sizeof(struct type *));
    const struct type *first = NULL, *second = NULL;
    for (uint32_t i = 0; members && i < out->argument_count; i++) {
        members[i] = out->arguments[i].type;
        if (ast->items == TERM_MAP && i % 2)
            second = second ? second : members[i];
        else
            first = first ? first : members[i];
    }
    if (!members)
        return NULL;
    switch (ast->items) {
    case TERM_LIST: return type_list(builder->arena, first, true);
    case TERM_SET: return type_set(builder->arena, first, true);
    case TERM_MAP: return type_map(builder->arena, first, second, true);
    default: return type_tuple(builder->arena, members, out->argument_count);
    }
}

static const struct type *item_type(const struct type *type, uint32_t i)
{
    return type && (!type_has_members(type) || i < type->member_count) ? type_item(type, i) : NULL;
}

static const char *items_name(struct plan_builder *builder, const struct ast_selector *ast,
                              const struct selector *out)
{
    static const char opening[] = {[TERM_LIST] = '[', [TERM_SET] = '{', [TERM_MAP] = '{', [TERM_TUPLE] = '('};
    static const char closing[] = {[TERM_LIST] = ']', [TERM_SET] = '}', [TERM_MAP] = '}', [TERM_TUPLE] = ')'};
    const char *text = arena_printf(builder->arena, "%c", opening[ast->items]);
    for (uint32_t i = 0; text && i < out->argument_count; i++)
        text = arena_printf(builder->arena, "%s%s%s", text,
                            !i                                ? ""
                            : ast->items == TERM_MAP && i % 2 ? ": "
                                                              : ", ",
                            out->arguments[i].name);
    return text ? arena_printf(builder->arena, "%s%c", text, closing[ast->items]) : NULL;
}

bool selector_compile_items(struct plan_builder *builder, const struct ast_selector *ast,
                            const struct type *wanted, struct selection *selection, struct selector *out)
{
    if (!builder->context->target->arithmetic)
        return BUILD_REFUSE_AT(builder, ast->at, MSG_NOT_SUPPORTED, "collections of selectors");
    if (!selector_arguments(builder, out, ast->argument_count))
        return false;
    if (ast->items == TERM_MAP && !wanted)
        return BUILD_REFUSE_AT(builder, ast->at, MSG_TERM_UNTYPED, "{...}");
    const struct type *known[2] = {NULL, NULL};
    for (uint32_t pass = 0; pass < 2; pass++) /* literals take the type of what stands beside them */
        for (uint32_t i = 0; i < ast->argument_count; i++) {
            uint32_t side = ast->items == TERM_MAP ? i % 2 : 0;
            bool open = ast->arguments[i]->kind == SELECTOR_TERM;
            const struct type *type = wanted                     ? item_type(wanted, i)
                                      : ast->items == TERM_TUPLE ? NULL
                                                                 : known[side];
            if (open != pass)
                continue;
            if (!selector_compile(builder, ast->arguments[i], type, selection, &out->arguments[i]))
                return false;
            known[side] = known[side] ? known[side] : out->arguments[i].type;
        }
    out->kind = SELECT_ITEMS;
    out->type = wanted ? wanted : items_type(builder, ast, out);
    out->name = out->type ? items_name(builder, ast, out) : NULL;
    if (!out->name)
        return build_nomem(builder);
    for (uint32_t i = 0; i < out->argument_count; i++)
        if (!term_type_fits(out->arguments[i].type, item_type(out->type, i)))
            return BUILD_REFUSE_AT(builder, ast->at, MSG_LITERAL_COLLECTION_ITEM,
                                   ast->items == TERM_LIST  ? "list"
                                   : ast->items == TERM_SET ? "set"
                                   : ast->items == TERM_MAP ? "map"
                                                            : "tuple",
                                   out->name, out->arguments[i].name,
                                   plan_type_text(builder->arena, item_type(out->type, i)));
    return true;
}

/* ---- run ---- */

static bool argument(const struct selector *selector, uint32_t i, struct plan_run *run,
                     const struct row_slots *slots, const struct aggregate *aggregates, struct cql_value *out)
{
    return selector_value(&selector->arguments[i], run, slots, aggregates, out);
}

/* The entries of a set or map within two bounds; either is unset when that end is open. */
static bool make_slice(struct plan_run *run, const struct type *type, struct slice wire,
                       struct cql_value first, struct cql_value last, struct cql_value *out)
{
    struct buffer *made = &run->workspace->value;
    struct type_items items = type_items_of(type, wire);
    struct slice item, value;
    bool null;
    uint32_t count = 0;
    buffer_clear(made);
    buffer_append_be32(made, 0);
    while (type_items_next(&items, &item, &null)) {
        bool map = type->id == TYPE_MAP;
        if (map && !type_items_next(&items, &value, &null))
            break;
        if ((first.kind == CQL_VALUE && type_compare(type->first, item, first.bytes) < 0) ||
            (last.kind == CQL_VALUE && type_compare(type->first, item, last.bytes) > 0))
            continue;
        buffer_append_be32(made, (uint32_t)item.bytes);
        buffer_append_slice(made, item);
        if (map) {
            buffer_append_be32(made, (uint32_t)value.bytes);
            buffer_append_slice(made, value);
        }
        count++;
    }
    if (made->failed)
        return run_nomem(run);
    store_be32(made->data, count);
    *out = (struct cql_value){.kind = CQL_VALUE, .bytes = arena_copy(run->scratch, buffer_slice(made))};
    return out->bytes.data ? true : run_nomem(run);
}

static bool part_element_value(const struct selector *selector, struct plan_run *run,
                               const struct row_slots *slots, const struct aggregate *aggregates,
                               struct cql_value *out)
{
    struct cql_value of, first, last;
    if (!argument(selector, 0, run, slots, aggregates, &of) ||
        !argument(selector, 1, run, slots, aggregates, &first) ||
        !argument(selector, 2, run, slots, aggregates, &last))
        return false;
    bool slice = selector->kind == SELECT_SLICE;
    *out = (struct cql_value){.kind = CQL_NULL};
    if (!slice && first.kind == CQL_UNSET)
        return RUN_REFUSE(run, MSG_UNSET_CONDITION, selector->name);
    if (of.kind != CQL_VALUE || first.kind == CQL_NULL || last.kind == CQL_NULL)
        return true;
    if (slice)
        return make_slice(run, selector->type, of.bytes, first, last, out);
    struct slice part;
    bool null;
    if (type_find_element(selector->arguments[0].type, of.bytes, first.bytes, &part, &null) && !null)
        *out = (struct cql_value){.kind = CQL_VALUE, .bytes = part};
    return true;
}

static bool part_items_value(const struct selector *selector, struct plan_run *run,
                             const struct row_slots *slots, const struct aggregate *aggregates,
                             struct cql_value *out)
{
    struct cql_value *items = arena_alloc(run->scratch, (selector->argument_count + 1) * sizeof *items);
    if (!items)
        return run_nomem(run);
    for (uint32_t i = 0; i < selector->argument_count; i++)
        if (!argument(selector, i, run, slots, aggregates, &items[i]))
            return false;
    out->kind = CQL_VALUE;
    return term_collection(run->scratch, selector->type, items, selector->argument_count,
                           run->context->profile, run->error, &out->bytes);
}

static bool part_field_value(const struct selector *selector, struct plan_run *run,
                             const struct row_slots *slots, const struct aggregate *aggregates,
                             struct cql_value *out)
{
    struct cql_value of;
    if (!argument(selector, 0, run, slots, aggregates, &of))
        return false;
    *out = (struct cql_value){.kind = CQL_NULL};
    if (of.kind != CQL_VALUE)
        return true;
    struct slice part;
    if (type_find_field(selector->arguments[0].type, of.bytes, selector->ordinal, &part))
        *out = (struct cql_value){.kind = CQL_VALUE, .bytes = part};
    return true;
}

bool selector_part_value(const struct selector *selector, struct plan_run *run, const struct row_slots *slots,
                         const struct aggregate *aggregates, struct cql_value *out_value)
{
    if (selector->kind == SELECT_ITEMS)
        return part_items_value(selector, run, slots, aggregates, out_value);
    if (selector->kind == SELECT_FIELD)
        return part_field_value(selector, run, slots, aggregates, out_value);
    return part_element_value(selector, run, slots, aggregates, out_value);
}
