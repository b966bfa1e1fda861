#include "cql/restriction.h"

static const char *const operator_texts[] = {
    [OP_EQ] = "=",
    [OP_LT] = "<",
    [OP_LE] = "<=",
    [OP_GT] = ">",
    [OP_GE] = ">=",
    [OP_NE] = "!=",
    [OP_IN] = "IN",
    [OP_NOT_IN] = "NOT IN",
    [OP_LIKE] = "LIKE",
    [OP_CONTAINS] = "CONTAINS",
    [OP_CONTAINS_KEY] = "CONTAINS KEY",
    [OP_IS_NOT_NULL] = "IS NOT NULL",
};

static void print_term(struct buffer *out, const struct ast_term *term);

static void print_terms(struct buffer *out, struct ast_term *const *terms, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (i)
            buffer_printf(out, ", ");
        print_term(out, terms[i]);
    }
}

static void print_map(struct buffer *out, const struct ast_term *term)
{
    buffer_printf(out, "{");
    for (uint32_t i = 0; i + 1 < term->item_count; i += 2) {
        if (i)
            buffer_printf(out, ", ");
        print_term(out, term->items[i]);
        buffer_printf(out, ": ");
        print_term(out, term->items[i + 1]);
    }
    buffer_printf(out, "}");
}

static void print_type(struct buffer *out, const struct ast_type *type)
{
    if (type->name.keyspace.text)
        buffer_printf(out, "%s.", type->name.keyspace.text);
    buffer_printf(out, "%s", type->name.name.text);
    for (uint32_t i = 0; i < type->param_count; i++) {
        buffer_printf(out, i ? ", " : "<");
        print_type(out, type->params[i]);
    }
    if (type->param_count)
        buffer_printf(out, ">");
}

static void print_hint(struct buffer *out, const struct ast_term *term)
{
    buffer_printf(out, "(");
    print_type(out, term->cast_type);
    buffer_printf(out, ")");
    print_term(out, term->items[0]);
}

static void print_arithmetic(struct buffer *out, const struct ast_term *term)
{
    if (term->item_count == 2) {
        print_term(out, term->items[0]);
        buffer_printf(out, " ");
    }
    buffer_printf(out, "%s%s", term->name.text, term->item_count == 2 ? " " : "");
    print_term(out, term->items[term->item_count - 1]);
}

static void print_term(struct buffer *out, const struct ast_term *term)
{
    switch (term->kind) {
    case TERM_LITERAL:
        if (term->literal == LITERAL_STRING)
            buffer_printf(out, "'%.*s'", (int)term->text.bytes, (const char *)term->text.data);
        else
            buffer_append_slice(out, term->text);
        break;
    case TERM_NULL: buffer_printf(out, "null"); break;
    case TERM_BIND:
        if (term->name.text)
            buffer_printf(out, ":%s", term->name.text);
        else
            buffer_printf(out, "?");
        break;
    case TERM_CALL:
        buffer_printf(out, "%s(", term->name.text);
        print_terms(out, term->items, term->item_count);
        buffer_printf(out, ")");
        break;
    case TERM_LIST:
        buffer_printf(out, "[");
        print_terms(out, term->items, term->item_count);
        buffer_printf(out, "]");
        break;
    case TERM_TUPLE:
        buffer_printf(out, "(");
        print_terms(out, term->items, term->item_count);
        buffer_printf(out, ")");
        break;
    case TERM_COLUMN: buffer_printf(out, "%s", term->name.text); break;
    case TERM_SET:
        buffer_printf(out, "{");
        print_terms(out, term->items, term->item_count);
        buffer_printf(out, "}");
        break;
    case TERM_MAP: print_map(out, term); break;
    case TERM_UDT:
        buffer_printf(out, "{");
        for (uint32_t i = 0; i < term->item_count; i++) {
            buffer_printf(out, "%s%s: ", i ? ", " : "", term->fields[i].text);
            print_term(out, term->items[i]);
        }
        buffer_printf(out, "}");
        break;
    case TERM_CAST: print_hint(out, term); break;
    case TERM_ARITHMETIC: print_arithmetic(out, term); break;
    }
}

static void print_columns(struct buffer *out, const struct ast_relation *relation)
{
    if (relation->kind == RELATION_FIELD) {
        buffer_printf(out, "%s.%s", relation->columns[0].text, relation->field.text);
        return;
    }
    if (relation->kind == RELATION_COLUMN || relation->kind == RELATION_ELEMENT) {
        buffer_printf(out, "%s", relation->columns[0].text);
        if (relation->kind == RELATION_ELEMENT) {
            buffer_printf(out, "[");
            print_term(out, relation->element);
            buffer_printf(out, "]");
        }
        return;
    }
    buffer_printf(out, relation->kind == RELATION_TOKEN ? "token(" : "(");
    for (uint32_t i = 0; i < relation->column_count; i++)
        buffer_printf(out, "%s%s", i ? ", " : "", relation->columns[i].text);
    buffer_printf(out, ")");
}

const char *term_text(struct arena *arena, const struct ast_term *term)
{
    struct buffer out = {0};
    print_term(&out, term);
    const char *text = ok(buffer_status(&out)) ? arena_text(arena, buffer_slice(&out)) : NULL;
    buffer_deinit(&out);
    return text ? text : "term";
}

const char *operator_text(enum ast_operator op)
{
    return operator_texts[op];
}

bool relation_refuse_word(struct plan_builder *builder, uint32_t at, const char *word)
{
    struct cql_error place;
    cql_error_at(&place, builder->statement->text, at);
    return BUILD_REFUSE_AT(builder, at, MSG_WORD_UNKNOWN, place.line, place.column, word);
}

const char *relation_text(struct arena *arena, const struct ast_relation *relation)
{
    struct buffer out = {0};
    print_columns(&out, relation);
    buffer_printf(&out, " %s", operator_texts[relation->op]);
    if (relation->value_list) {
        buffer_printf(&out, " (");
        print_terms(&out, relation->values, relation->value_count);
        buffer_printf(&out, ")");
    } else if (relation->value) {
        buffer_printf(&out, " ");
        print_term(&out, relation->value);
    }
    const char *text = ok(buffer_status(&out)) ? arena_text(arena, buffer_slice(&out)) : NULL;
    buffer_deinit(&out);
    return text ? text : "relation";
}
