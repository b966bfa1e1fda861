/*
 * grammar.y: the CQL that Strait reads (Lemon). Rules build the tree of ast.h; what they mean is for analysis.
 *
 * A word that is a keyword in one place and a name in most is listed under %fallback: where the grammar wants no keyword
 * it is an ordinary name. Words that are not listed there are reserved, as in the real ones; what differs between targets
 * stands in keyword.c.
 */
%name cql_grammar
%token_prefix TK_
%token_type {struct token}
%extra_context {struct parse_state *state}
%stack_size 384

%include {
/* Lemon's driver would check its own tables and ask whether to trace at every step. */
#ifndef NDEBUG
#define NDEBUG
#endif

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "cql/parse_internal.h"

struct yyParser;
static void grammar_refuse(struct parse_state *state, struct yyParser *parser, int code, struct token token);
}

%token STRING QUOTED INTEGER FLOAT HEX UUID DURATION BOOLEAN RESERVED.

%fallback IDENT
    AGGREGATE AGGREGATES AS BYPASS CACHE CLUSTER CLUSTERING COMPACT CONTAINS COUNTER CUSTOM DEFAULT DESC
    DESCRIBE DISTINCT EXECUTE EXISTS FILTERING FUNCTION FUNCTIONS GROUP INTERNALS JSON KEY KEYSPACES LIKE ONLY
    PARTITION PER REPLACE STATIC STORAGE TABLES TIMEOUT TIMESTAMP TTL TYPE TYPES UNSET VALUES.

/* Where both could follow, a type in parentheses wins over a column in them. */
%nonassoc BARE.
%nonassoc RP INTEGER FLOAT DURATION COLON.

%syntax_error { grammar_refuse(state, yypParser, yymajor, TOKEN); }
%stack_overflow { parse_refuse(state, 0, "statement is nested too deep"); }

%start_symbol input
input ::= statement(S) semicolons. { state->statement = S; }
semicolons ::= .
semicolons ::= semicolons SEMI.

%type statement {struct ast_statement *}
statement(S) ::= select(A). { S = A; }
statement(S) ::= modification(A). { S = A; }
statement(S) ::= batch(A). { S = A; }
statement(S) ::= definition(A). { S = A; }

%type modification {struct ast_statement *}
modification(S) ::= insert(A). { S = A; }
modification(S) ::= update(A). { S = A; }
modification(S) ::= delete(A). { S = A; }

/* ---- names ---- */

%type name {struct ast_name}
name(N) ::= IDENT(T). { N = parse_name(state, T); }
name(N) ::= QUOTED(T). { N = parse_name(state, T); }

%type table_name {struct ast_table_name}
table_name(N) ::= name(A). { N = (struct ast_table_name){.name = A}; }
table_name(N) ::= name(A) DOT name(B). { N = (struct ast_table_name){.keyspace = A, .name = B}; }

%type names {struct ast_list}
names(L) ::= name(A). { L = (struct ast_list){0}; parse_list_add(state, &L, &A, sizeof A); }
names(L) ::= names(K) COMMA name(A). { L = K; parse_list_add(state, &L, &A, sizeof A); }

%type if_not_exists {bool}
if_not_exists(B) ::= . { B = false; }
if_not_exists(B) ::= IF NOT EXISTS. { B = true; }

%type if_exists {bool}
if_exists(B) ::= . { B = false; }
if_exists(B) ::= IF EXISTS. { B = true; }

/* ---- types ---- */

%type type {struct ast_type *}
type(T) ::= named_type(A). { T = A; }
type(T) ::= STRING(A). {
    struct ast_name java = {.text = parse_text(state, parse_unquote(state, A)), .quoted = true, .at = A.at};
    T = parse_type(state, (struct ast_name){0}, java, (struct ast_list){0});
    T->custom = true;
}

%type named_type {struct ast_type *}
named_type(T) ::= name(A). { T = parse_type(state, (struct ast_name){0}, A, (struct ast_list){0}); }
named_type(T) ::= name(A) DOT name(B). { T = parse_type(state, A, B, (struct ast_list){0}); }
named_type(T) ::= name(A) LT types(L) GT. { T = parse_type(state, (struct ast_name){0}, A, L); }
named_type(T) ::= SET(A) LT types(L) GT. { T = parse_type(state, (struct ast_name){0}, parse_name(state, A), L); }

%type types {struct ast_list}
types(L) ::= type_parameter(A). { L = (struct ast_list){0}; parse_list_add(state, &L, &A, sizeof A); }
types(L) ::= types(K) COMMA type_parameter(A). { L = K; parse_list_add(state, &L, &A, sizeof A); }

%type type_parameter {struct ast_type *}
type_parameter(T) ::= type(A). { T = A; }
type_parameter(T) ::= INTEGER(A). { T = parse_type(state, (struct ast_name){0}, parse_name(state, A), (struct ast_list){0}); }

/* ---- terms ---- */

%type term {struct ast_term *}
term(T) ::= term_product(A). { T = A; }
term(T) ::= term(A) PLUS(P) term_product(B). { T = parse_operation(state, P, A, B); }
term(T) ::= term(A) MINUS(P) term_product(B). { T = parse_operation(state, P, A, B); }
term(T) ::= term(A) signed_term(B). { T = parse_signed(state, A, B); }

/* 1 -1: the lexer has read the minus as the number's sign. */
%type signed_term {struct ast_term *}
signed_term(T) ::= signed_number(A). { T = A; }
signed_term(T) ::= signed_term(A) STAR(P) term_unary(B). { T = parse_operation(state, P, A, B); }
signed_term(T) ::= signed_term(A) SLASH(P) term_unary(B). { T = parse_operation(state, P, A, B); }
signed_term(T) ::= signed_term(A) PERCENT(P) term_unary(B). { T = parse_operation(state, P, A, B); }

%type term_product {struct ast_term *}
term_product(T) ::= term_unary(A). { T = A; }
term_product(T) ::= term_product(A) STAR(P) term_unary(B). { T = parse_operation(state, P, A, B); }
term_product(T) ::= term_product(A) SLASH(P) term_unary(B). { T = parse_operation(state, P, A, B); }
term_product(T) ::= term_product(A) PERCENT(P) term_unary(B). { T = parse_operation(state, P, A, B); }

%type term_unary {struct ast_term *}
term_unary(T) ::= simple_term(A). { T = A; }
term_unary(T) ::= MINUS(P) term_unary(A). { T = parse_operation(state, P, A, NULL); }

%type simple_term {struct ast_term *}
simple_term(T) ::= value(A). { T = A; }
simple_term(T) ::= call(A). { T = A; }

%type constant {struct ast_term *}
constant(T) ::= STRING(A). { T = parse_literal(state, LITERAL_STRING, A); }
constant(T) ::= INTEGER(A). { T = parse_literal(state, LITERAL_INTEGER, A); }
constant(T) ::= FLOAT(A). { T = parse_literal(state, LITERAL_FLOAT, A); }
constant(T) ::= BOOLEAN(A). { T = parse_literal(state, LITERAL_BOOLEAN, A); }
constant(T) ::= UUID(A). { T = parse_literal(state, LITERAL_UUID, A); }
constant(T) ::= HEX(A). { T = parse_literal(state, LITERAL_HEX, A); }
constant(T) ::= DURATION(A). { T = parse_literal(state, LITERAL_DURATION, A); }

%type bind {struct ast_term *}
bind(T) ::= QUESTION(A). { T = parse_bind(state, (struct ast_name){0}, A.at); }
bind(T) ::= COLON(A) name(N). { T = parse_bind(state, N, A.at); }

/* What cannot be mistaken for a selector: everything but calls. */
%type value {struct ast_term *}
value(T) ::= constant(A). { T = A; }
value(T) ::= bind(A). { T = A; }
value(T) ::= NULL(A). { T = parse_term(state, TERM_NULL, A.at); }
value(T) ::= LP(P) named_type(A) RP simple_term(B). {
    T = parse_term(state, TERM_CAST, P.at);
    T->cast_type = A;
    struct ast_list items = {0};
    parse_list_add(state, &items, &B, sizeof B);
    T->items = items.items;
    T->item_count = 1;
}
value(T) ::= LP(P) terms(L) RP. { T = parse_items(state, TERM_TUPLE, P.at, L); }
value(T) ::= LBRACKET(P) RBRACKET. { T = parse_items(state, TERM_LIST, P.at, (struct ast_list){0}); }
value(T) ::= LBRACKET(P) terms(L) RBRACKET. { T = parse_items(state, TERM_LIST, P.at, L); }
value(T) ::= LBRACE(P) RBRACE. { T = parse_items(state, TERM_SET, P.at, (struct ast_list){0}); }
value(T) ::= LBRACE(P) terms(L) RBRACE. { T = parse_items(state, TERM_SET, P.at, L); }
value(T) ::= LBRACE(P) entries(L) RBRACE. { T = parse_items(state, TERM_MAP, P.at, L); }
value(T) ::= LBRACE(P) fields(F) RBRACE. {
    T = parse_items(state, TERM_UDT, P.at, F.values);
    T->fields = F.names.items;
}

%type fields {struct grammar_fields}
fields(F) ::= name(N) COLON term(T). {
    F = (struct grammar_fields){0};
    parse_list_add(state, &F.names, &N, sizeof N);
    parse_list_add(state, &F.values, &T, sizeof T);
}
fields(F) ::= fields(K) COMMA name(N) COLON term(T). {
    F = K;
    parse_list_add(state, &F.names, &N, sizeof N);
    parse_list_add(state, &F.values, &T, sizeof T);
}

%type terms {struct ast_list}
terms(L) ::= term(A). { L = (struct ast_list){0}; parse_list_add(state, &L, &A, sizeof A); }
terms(L) ::= terms(K) COMMA term(A). { L = K; parse_list_add(state, &L, &A, sizeof A); }

%type entries {struct ast_list}
entries(L) ::= term(A) COLON term(B). {
    L = (struct ast_list){0};
    parse_list_add(state, &L, &A, sizeof A);
    parse_list_add(state, &L, &B, sizeof B);
}
entries(L) ::= entries(K) COMMA term(A) COLON term(B). {
    L = K;
    parse_list_add(state, &L, &A, sizeof A);
    parse_list_add(state, &L, &B, sizeof B);
}

%type call {struct ast_term *}
call(T) ::= function(F) LP RP. { T = parse_call(state, F.keyspace, F.name, (struct ast_list){0}); }
call(T) ::= function(F) LP terms(L) RP. { T = parse_call(state, F.keyspace, F.name, L); }

%type function {struct ast_table_name}
function(F) ::= name(A). { F = (struct ast_table_name){.name = A}; }
function(F) ::= name(A) DOT name(B). { F = (struct ast_table_name){.keyspace = A, .name = B}; }
function(F) ::= TOKEN(A). { F = (struct ast_table_name){.name = parse_name(state, A)}; }

/* A whole number or a bind: LIMIT, TTL, TIMESTAMP. */
%type number {struct ast_term *}
number(T) ::= INTEGER(A). { T = parse_literal(state, LITERAL_INTEGER, A); }
number(T) ::= bind(A). { T = A; }

/* ---- USING ---- */

%type using {struct ast_using}
using(U) ::= . { U = (struct ast_using){0}; }
using(U) ::= USING objectives(A). { U = A; }

%type objectives {struct ast_using}
objectives(U) ::= objective(A). { U = A; }
objectives(U) ::= objectives(K) AND objective(A). {
    U = K;
    U.timestamp = A.timestamp ? A.timestamp : K.timestamp;
    U.ttl = A.ttl ? A.ttl : K.ttl;
    U.ttl_at = A.ttl ? A.ttl_at : K.ttl_at;
    U.timeout = A.timeout ? A.timeout : K.timeout;
    U.timeout_at = A.timeout ? A.timeout_at : K.timeout_at;
}

%type objective {struct ast_using}
objective(U) ::= TIMESTAMP number(A). { U = (struct ast_using){.timestamp = A}; }
objective(U) ::= TTL(W) number(A). { U = (struct ast_using){.ttl = A, .ttl_at = W.at}; }
objective(U) ::= TIMEOUT(W) constant(A). { U = (struct ast_using){.timeout = A, .timeout_at = W.at}; }
objective(U) ::= TIMEOUT(W) bind(A). { U = (struct ast_using){.timeout = A, .timeout_at = W.at}; }

/* ---- WHERE ---- */

%type operator {enum ast_operator}
operator(O) ::= EQ. { O = OP_EQ; }
operator(O) ::= NE. { O = OP_NE; }
operator(O) ::= LT. { O = OP_LT; }
operator(O) ::= LE. { O = OP_LE; }
operator(O) ::= GT. { O = OP_GT; }
operator(O) ::= GE. { O = OP_GE; }

%type where {struct ast_list}
where(L) ::= . { L = (struct ast_list){0}; }
where(L) ::= WHERE relations(A). { L = A; }

%type relations {struct ast_list}
relations(L) ::= relation(A). { L = (struct ast_list){0}; parse_list_add(state, &L, &A, sizeof A); }
relations(L) ::= relations(K) AND relation(A). { L = K; parse_list_add(state, &L, &A, sizeof A); }

%type relation {struct ast_relation}
relation(R) ::= column_relation(A). { R = A; }
relation(R) ::= LP relation(A) RP. { R = A; }
relation(R) ::= tuple_columns(A) operator(O) term(T). { R = A; R.op = O; R.value = T; }
relation(R) ::= tuple_columns(A) IN bind(T). { R = A; R.op = OP_IN; R.value = T; }
relation(R) ::= tuple_columns(A) IN LP RP. { A.op = OP_IN; R = parse_relation_in(A, (struct ast_list){0}); }
relation(R) ::= tuple_columns(A) IN LP terms(L) RP. { A.op = OP_IN; R = parse_relation_in(A, L); }
relation(R) ::= token_columns(A) operator(O) term(T). { R = A; R.op = O; R.value = T; }
relation(R) ::= token_columns(A) IN bind(T). { R = A; R.op = OP_IN; R.value = T; }
relation(R) ::= token_columns(A) IN LP terms(L) RP. { A.op = OP_IN; R = parse_relation_in(A, L); }

%type tuple_columns {struct ast_relation}
tuple_columns(R) ::= LP(P) names(L) RP. {
    R = (struct ast_relation){.kind = RELATION_TUPLE, .at = P.at, .columns = L.items, .column_count = L.count};
}

%type token_columns {struct ast_relation}
token_columns(R) ::= TOKEN(P) LP names(L) RP. {
    R = (struct ast_relation){.kind = RELATION_TOKEN, .at = P.at, .columns = L.items, .column_count = L.count};
}

/* Of one column: also what IF takes. */
%type column_relation {struct ast_relation}
column_relation(R) ::= name(N) operator(O) term(T). { R = parse_relation(state, N, O, T); }
column_relation(R) ::= name(N) CONTAINS term(T). { R = parse_relation(state, N, OP_CONTAINS, T); }
column_relation(R) ::= name(N) CONTAINS KEY term(T). { R = parse_relation(state, N, OP_CONTAINS_KEY, T); }
column_relation(R) ::= name(N) LIKE term(T). { R = parse_relation(state, N, OP_LIKE, T); }
column_relation(R) ::= name(N) IS NOT NULL. { R = parse_relation(state, N, OP_IS_NOT_NULL, NULL); }
column_relation(R) ::= name(N) in(O) bind(T). { R = parse_relation(state, N, O, T); }
column_relation(R) ::= name(N) in(O) LP RP. {
    R = parse_relation_in(parse_relation(state, N, O, NULL), (struct ast_list){0});
}
column_relation(R) ::= name(N) in(O) LP terms(L) RP. { R = parse_relation_in(parse_relation(state, N, O, NULL), L); }
column_relation(R) ::= element(E) operator(O) term(T). { R = E; R.op = O; R.value = T; }
column_relation(R) ::= element(E) IN bind(T). { R = E; R.op = OP_IN; R.value = T; }
column_relation(R) ::= element(E) IN LP RP. { E.op = OP_IN; R = parse_relation_in(E, (struct ast_list){0}); }
column_relation(R) ::= element(E) IN LP terms(L) RP. { E.op = OP_IN; R = parse_relation_in(E, L); }

%type element {struct ast_relation}
element(R) ::= name(N) LBRACKET term(T) RBRACKET. {
    R = parse_relation(state, N, OP_EQ, NULL);
    R.kind = RELATION_ELEMENT;
    R.element = T;
}
element(R) ::= name(N) DOT name(F). {
    R = parse_relation(state, N, OP_EQ, NULL);
    R.kind = RELATION_FIELD;
    R.field = F;
}

%type in {enum ast_operator}
in(O) ::= IN. { O = OP_IN; }
in(O) ::= NOT IN. { O = OP_NOT_IN; }

/* ---- IF ---- */

%type condition {struct ast_if}
condition(C) ::= . { C = (struct ast_if){0}; }
condition(C) ::= IF EXISTS. { C = (struct ast_if){.exists = true}; }
condition(C) ::= IF conditions(L). { C = (struct ast_if){.conditions = L.items, .condition_count = L.count}; }

%type conditions {struct ast_list}
conditions(L) ::= column_relation(A). {
    struct ast_condition item = {.relation = A};
    L = (struct ast_list){0};
    parse_list_add(state, &L, &item, sizeof item);
}
conditions(L) ::= conditions(K) AND column_relation(A). {
    struct ast_condition item = {.relation = A};
    L = K;
    parse_list_add(state, &L, &item, sizeof item);
}

/* ---- SELECT ---- */

%type select {struct ast_statement *}
select(S) ::= SELECT json(J) distinct(D) selection(L) FROM table_name(T) where(W) group_by(G) order_by(O)
              per_partition_limit(P) limit(M) allow_filtering(F) bypass_cache(B) select_using(U). {
    S = parse_statement_new(state, STATEMENT_SELECT);
    S->select = (struct ast_select){
        .table = T, .distinct = D, .json = J, .all = L.count == 0, .selectors = L.items, .selector_count = L.count,
        .where = W.items, .where_count = W.count, .group_by = G.items, .group_by_count = G.count,
        .order_by = O.items, .order_by_count = O.count, .limit = M, .per_partition_limit = P,
        .allow_filtering = F, .bypass_cache = B, .using_ = U};
}

%type json {bool}
json(B) ::= . { B = false; }
json(B) ::= JSON. { B = true; }
%type distinct {bool}
distinct(B) ::= . { B = false; }
distinct(B) ::= DISTINCT. { B = true; }

%type selection {struct ast_list}
selection(L) ::= STAR. { L = (struct ast_list){0}; }
selection(L) ::= selectors(A). { L = A; }

%type selectors {struct ast_list}
selectors(L) ::= aliased(A). { L = (struct ast_list){0}; parse_list_add(state, &L, &A, sizeof A); }
selectors(L) ::= selectors(K) COMMA aliased(A). { L = K; parse_list_add(state, &L, &A, sizeof A); }

%type aliased {struct ast_selector *}
aliased(S) ::= selector(A). { S = A; }
aliased(S) ::= selector(A) AS name(N). { S = A; S->alias = N; }

/* Expressions: names, fields and elements, calls, literals, and arithmetic where the target has it. A name, or a name and
 * its fields, is set apart from the rest, because in parentheses it may be a type: (int)x beside (a) + b. */
%type selector {struct ast_selector *}
selector(S) ::= selector_sum(A). { S = A; }

%type selector_sum {struct ast_selector *}
selector_sum(S) ::= selector_product(A). { S = A; }
selector_sum(S) ::= selector_sum(A) PLUS(P) selector_product(B). { S = parse_selector_operation(state, P, A, B); }
selector_sum(S) ::= selector_sum(A) MINUS(P) selector_product(B). { S = parse_selector_operation(state, P, A, B); }
/* a -1: the lexer has read the minus as the number's sign. */
selector_sum(S) ::= selector_sum(A) signed_product(B). { S = parse_selector_signed(state, A, B); }

%type signed_product {struct ast_selector *}
signed_product(S) ::= signed_number(T). { S = parse_selector_term(state, T); }
signed_product(S) ::= signed_product(A) STAR(P) selector_unary(B). { S = parse_selector_operation(state, P, A, B); }
signed_product(S) ::= signed_product(A) SLASH(P) selector_unary(B). { S = parse_selector_operation(state, P, A, B); }
signed_product(S) ::= signed_product(A) PERCENT(P) selector_unary(B). { S = parse_selector_operation(state, P, A, B); }

%type signed_number {struct ast_term *}
signed_number(T) ::= INTEGER(A). { T = parse_literal(state, LITERAL_INTEGER, A); }
signed_number(T) ::= FLOAT(A). { T = parse_literal(state, LITERAL_FLOAT, A); }
signed_number(T) ::= DURATION(A). { T = parse_literal(state, LITERAL_DURATION, A); }

%type selector_product {struct ast_selector *}
selector_product(S) ::= selector_unary(A). { S = A; }
selector_product(S) ::= selector_product(A) STAR(P) selector_unary(B). { S = parse_selector_operation(state, P, A, B); }
selector_product(S) ::= selector_product(A) SLASH(P) selector_unary(B). { S = parse_selector_operation(state, P, A, B); }
selector_product(S) ::= selector_product(A) PERCENT(P) selector_unary(B). { S = parse_selector_operation(state, P, A, B); }

%type selector_unary {struct ast_selector *}
selector_unary(S) ::= name(N). [BARE] { S = parse_selector(state, SELECTOR_COLUMN, N); }
selector_unary(S) ::= selector_path(A). [BARE] { S = parse_selector_path(state, A); }
selector_unary(S) ::= selector_part(A). { S = A; }
selector_unary(S) ::= MINUS(P) selector_unary(A). { S = parse_selector_operation(state, P, A, NULL); }

/* a.b, a.b.c */
%type selector_path {struct ast_list}
selector_path(L) ::= name(A) DOT name(B). [BARE] {
    L = (struct ast_list){0};
    parse_list_add(state, &L, &A, sizeof A);
    parse_list_add(state, &L, &B, sizeof B);
}
selector_path(L) ::= selector_path(K) DOT name(A). { L = K; parse_list_add(state, &L, &A, sizeof A); }

%type selector_part {struct ast_selector *}
selector_part(S) ::= selector_value(A). { S = A; }
selector_part(S) ::= name(N) element_of(E). {
    S = parse_selector_element(state, parse_selector(state, SELECTOR_COLUMN, N), E);
}
selector_part(S) ::= selector_path(A) element_of(E). {
    S = parse_selector_element(state, parse_selector_path(state, A), E);
}
selector_part(S) ::= selector_part(A) element_of(E). { S = parse_selector_element(state, A, E); }
selector_part(S) ::= selector_part(A) DOT name(N). { S = parse_selector_field(state, A, N); }
selector_part(S) ::= LBRACKET(P) RBRACKET. { S = parse_selector_items(state, TERM_LIST, P.at, (struct ast_list){0}); }
selector_part(S) ::= LBRACKET(P) arguments(L) RBRACKET. { S = parse_selector_items(state, TERM_LIST, P.at, L); }
selector_part(S) ::= LP(P) types_hint(T) RP selector_value(A). { S = parse_selector_hint(state, P.at, T, A); }
selector_part(S) ::= LP(P) types_hint(T) RP LBRACKET(Q) arguments(L) RBRACKET. {
    S = parse_selector_hint(state, P.at, T, parse_selector_items(state, TERM_LIST, Q.at, L));
}
selector_part(S) ::= LP(P) types_hint(T) RP LBRACKET(Q) RBRACKET. {
    S = parse_selector_hint(state, P.at, T, parse_selector_items(state, TERM_LIST, Q.at, (struct ast_list){0}));
}

%type element_of {struct ast_element}
element_of(E) ::= LBRACKET term(T) RBRACKET. { E = (struct ast_element){.first = T}; }
element_of(E) ::= LBRACKET term(T) RANGE term(U) RBRACKET. { E = (struct ast_element){.first = T, .last = U, .slice = true}; }
element_of(E) ::= LBRACKET RANGE term(U) RBRACKET. { E = (struct ast_element){.last = U, .slice = true}; }
element_of(E) ::= LBRACKET term(T) RANGE RBRACKET. { E = (struct ast_element){.first = T, .slice = true}; }

/* What may follow a type in parentheses: nothing that begins with a bracket or a minus of its own. */
%type selector_value {struct ast_selector *}
selector_value(S) ::= constant(T). { S = parse_selector_term(state, T); }
selector_value(S) ::= bind(T). { S = parse_selector_term(state, T); }
selector_value(S) ::= NULL(A). { S = parse_selector_term(state, parse_term(state, TERM_NULL, A.at)); }
selector_value(S) ::= function(F) LP RP. { S = parse_selector_call(state, F.keyspace, F.name, (struct ast_list){0}); }
selector_value(S) ::= function(F) LP arguments(L) RP. { S = parse_selector_call(state, F.keyspace, F.name, L); }
selector_value(S) ::= function(F) LP STAR RP. { S = parse_selector_count(state, F.name); }
selector_value(S) ::= function(F) LP selector(A) AS type(T) RP. { S = parse_selector_cast(state, F.name, A, T); }
selector_value(S) ::= LBRACE(P) RBRACE. { S = parse_selector_items(state, TERM_SET, P.at, (struct ast_list){0}); }
selector_value(S) ::= LBRACE(P) arguments(L) RBRACE. { S = parse_selector_items(state, TERM_SET, P.at, L); }
selector_value(S) ::= LBRACE(P) selector_entries(L) RBRACE. { S = parse_selector_items(state, TERM_MAP, P.at, L); }
selector_value(S) ::= LP name(N) RP. [BARE] {
    S = parse_selector(state, SELECTOR_COLUMN, N);
    S->parenthesised = true;
}
selector_value(S) ::= LP name(A) DOT name(B) RP. [BARE] {
    S = parse_selector_field(state, parse_selector(state, SELECTOR_COLUMN, A), B);
}
selector_value(S) ::= LP(P) name(N) RP selector_value(A). {
    S = parse_selector_hint(state, P.at, parse_type(state, (struct ast_name){0}, N, (struct ast_list){0}), A);
}
selector_value(S) ::= LP(P) name(M) DOT name(N) RP selector_value(A). {
    S = parse_selector_hint(state, P.at, parse_type(state, M, N, (struct ast_list){0}), A);
}
selector_value(S) ::= LP(P) arguments(L) RP. { S = parse_selector_items(state, TERM_TUPLE, P.at, L); }

/* A type that cannot be mistaken for a column. */
%type types_hint {struct ast_type *}
types_hint(T) ::= name(A) LT types(L) GT. { T = parse_type(state, (struct ast_name){0}, A, L); }
types_hint(T) ::= SET(A) LT types(L) GT. { T = parse_type(state, (struct ast_name){0}, parse_name(state, A), L); }

%type selector_entries {struct ast_list}
selector_entries(L) ::= selector(A) COLON selector(B). {
    L = (struct ast_list){0};
    parse_list_add(state, &L, &A, sizeof A);
    parse_list_add(state, &L, &B, sizeof B);
}
selector_entries(L) ::= selector_entries(K) COMMA selector(A) COLON selector(B). {
    L = K;
    parse_list_add(state, &L, &A, sizeof A);
    parse_list_add(state, &L, &B, sizeof B);
}

%type arguments {struct ast_list}
arguments(L) ::= selector(A). { L = (struct ast_list){0}; parse_list_add(state, &L, &A, sizeof A); }
arguments(L) ::= arguments(K) COMMA selector(A). { L = K; parse_list_add(state, &L, &A, sizeof A); }

%type group_by {struct ast_list}
group_by(L) ::= . { L = (struct ast_list){0}; }
group_by(L) ::= GROUP BY names(A). { L = A; }

%type order_by {struct ast_list}
order_by(L) ::= . { L = (struct ast_list){0}; }
order_by(L) ::= ORDER BY orderings(A). { L = A; }

%type orderings {struct ast_list}
orderings(L) ::= ordering(A). { L = (struct ast_list){0}; parse_list_add(state, &L, &A, sizeof A); }
orderings(L) ::= orderings(K) COMMA ordering(A). { L = K; parse_list_add(state, &L, &A, sizeof A); }

%type ordering {struct ast_ordering}
ordering(O) ::= name(N). { O = (struct ast_ordering){.column = N}; }
ordering(O) ::= directed(A). { O = A; }

%type directed {struct ast_ordering}
directed(O) ::= name(N) ASC. { O = (struct ast_ordering){.column = N}; }
directed(O) ::= name(N) DESC. { O = (struct ast_ordering){.column = N, .descending = true}; }

%type per_partition_limit {struct ast_term *}
per_partition_limit(T) ::= . { T = NULL; }
per_partition_limit(T) ::= PER PARTITION LIMIT number(A). { T = A; }
%type limit {struct ast_term *}
limit(T) ::= . { T = NULL; }
limit(T) ::= LIMIT number(A). { T = A; }
%type allow_filtering {bool}
allow_filtering(B) ::= . { B = false; }
allow_filtering(B) ::= ALLOW FILTERING. { B = true; }
%type bypass_cache {bool}
bypass_cache(B) ::= . { B = false; }
bypass_cache(B) ::= BYPASS CACHE. { B = true; }

%type select_using {struct ast_using}
select_using(U) ::= . { U = (struct ast_using){0}; }
select_using(U) ::= select_using_word objectives(A). { U = A; }
select_using_word ::= USING(T). {
    if (!cql_target_of(state->profile)->is_scylla)
        parse_refuse(state, T.at, "mismatched input '%.*s' expecting EOF", (int)T.bytes, T.text);
}

/* ---- INSERT ---- */

%type insert {struct ast_statement *}
insert(S) ::= INSERT INTO table_name(T) LP names(C) RP VALUES LP terms(V) RP if_not_exists(I) using(U). {
    S = parse_statement_new(state, STATEMENT_INSERT);
    S->insert = (struct ast_insert){
        .table = T, .columns = C.items, .column_count = C.count, .values = V.items, .value_count = V.count,
        .condition = {.not_exists = I}, .using_ = U};
}
insert(S) ::= INSERT INTO table_name(T) JSON json_value(V) json_default(D) if_not_exists(I) using(U). {
    S = parse_statement_new(state, STATEMENT_INSERT);
    struct ast_list values = {0};
    parse_list_add(state, &values, &V, sizeof V);
    S->insert = (struct ast_insert){
        .table = T, .values = values.items, .value_count = 1, .json = true, .json_unset = D, .condition = {.not_exists = I}, .using_ = U};
}

%type json_value {struct ast_term *}
json_value(T) ::= STRING(A). { T = parse_literal(state, LITERAL_STRING, A); }
json_value(T) ::= bind(A). { T = A; }
%type json_default {bool}
json_default(U) ::= . { U = false; }
json_default(U) ::= DEFAULT NULL. { U = false; }
json_default(U) ::= DEFAULT UNSET. { U = true; }

/* ---- UPDATE ---- */

%type update {struct ast_statement *}
update(S) ::= UPDATE table_name(T) using(U) SET assignments(A) WHERE relations(W) condition(C). {
    S = parse_statement_new(state, STATEMENT_UPDATE);
    S->update = (struct ast_update){
        .table = T, .using_ = U, .assignments = A.items, .assignment_count = A.count,
        .where = W.items, .where_count = W.count, .condition = C};
}

%type assignments {struct ast_list}
assignments(L) ::= assignment(A). { L = (struct ast_list){0}; parse_list_add(state, &L, &A, sizeof A); }
assignments(L) ::= assignments(K) COMMA assignment(A). { L = K; parse_list_add(state, &L, &A, sizeof A); }

%type assignment {struct ast_assignment}
assignment(A) ::= name(N) EQ sum(T). { A = parse_assignment(state, N, T); }
assignment(A) ::= name(N) ADD_ASSIGN term(T). {
    A = (struct ast_assignment){.kind = ASSIGN_ADD, .column = N, .value = T};
}
assignment(A) ::= name(N) SUBTRACT_ASSIGN term(T). {
    A = (struct ast_assignment){.kind = ASSIGN_SUBTRACT, .column = N, .value = T};
}
assignment(A) ::= name(N) LBRACKET term(E) RBRACKET EQ term(T). {
    A = (struct ast_assignment){.kind = ASSIGN_ELEMENT, .column = N, .element = E, .value = T};
}
assignment(A) ::= name(N) DOT name(F) EQ term(T). {
    A = (struct ast_assignment){.kind = ASSIGN_FIELD, .column = N, .field = F, .value = T};
}

/* A value, or one that the column itself takes part in. */
%type sum {struct ast_term *}
sum(T) ::= term(A). { T = A; }
sum(T) ::= column_term(A). { T = A; }
sum(T) ::= column_term(A) PLUS(P) term(B). { T = grammar_sum(state, P, A, B); }
sum(T) ::= column_term(A) MINUS(P) term(B). { T = grammar_sum(state, P, A, B); }
sum(T) ::= term(A) PLUS(P) column_term(B). { T = grammar_sum(state, P, A, B); }
sum(T) ::= term(A) MINUS(P) column_term(B). { T = grammar_sum(state, P, A, B); }
sum(T) ::= column_term(A) PLUS(P) column_term(B). { T = grammar_sum(state, P, A, B); }
sum(T) ::= column_term(A) MINUS(P) column_term(B). { T = grammar_sum(state, P, A, B); }
/* c = c -1 */
sum(T) ::= column_term(A) INTEGER(I). {
    if (*I.text != '-')
        parse_refuse(state, I.at, "no viable alternative at input '%.*s'", (int)I.bytes, I.text);
    struct token plus = {.text = "+", .bytes = 1, .at = I.at};
    T = grammar_sum(state, plus, A, parse_literal(state, LITERAL_INTEGER, I));
}

%type column_term {struct ast_term *}
column_term(T) ::= name(N). {
    T = parse_term(state, TERM_COLUMN, N.at);
    T->name = N;
}

/* ---- DELETE ---- */

%type delete {struct ast_statement *}
delete(S) ::= DELETE deletions(D) FROM table_name(T) using(U) WHERE relations(W) condition(C). {
    if (U.ttl)
        parse_refuse(state, U.ttl_at, "mismatched input 'TTL' expecting K_TIMESTAMP");
    S = parse_statement_new(state, STATEMENT_DELETE);
    S->delete_ = (struct ast_delete){
        .table = T, .columns = D.items, .column_count = D.count, .using_ = U,
        .where = W.items, .where_count = W.count, .condition = C};
}

%type deletions {struct ast_list}
deletions(L) ::= . { L = (struct ast_list){0}; }
deletions(L) ::= some_deletions(A). { L = A; }
%type some_deletions {struct ast_list}
some_deletions(L) ::= deletion(A). { L = (struct ast_list){0}; parse_list_add(state, &L, &A, sizeof A); }
some_deletions(L) ::= some_deletions(K) COMMA deletion(A). { L = K; parse_list_add(state, &L, &A, sizeof A); }

%type deletion {struct ast_deletion}
deletion(D) ::= name(N). { D = (struct ast_deletion){.column = N}; }
deletion(D) ::= name(N) LBRACKET term(T) RBRACKET. { D = (struct ast_deletion){.column = N, .element = T}; }
deletion(D) ::= name(N) DOT name(F). { D = (struct ast_deletion){.column = N, .field = F}; }

/* ---- BATCH ---- */

%type batch {struct ast_statement *}
batch(S) ::= BEGIN batch_kind(K) BATCH using(U) batched(L) APPLY BATCH. {
    S = parse_statement_new(state, STATEMENT_BATCH);
    S->batch = (struct ast_batch){.kind = K, .using_ = U, .statements = L.items, .statement_count = L.count};
}

%type batch_kind {enum ast_batch_kind}
batch_kind(K) ::= . { K = BATCH_LOGGED; }
batch_kind(K) ::= UNLOGGED. { K = BATCH_UNLOGGED; }
batch_kind(K) ::= COUNTER. { K = BATCH_COUNTER; }

%type batched {struct ast_list}
batched(L) ::= . { L = (struct ast_list){0}; }
batched(L) ::= batched(K) modification(S) batch_semicolon. { L = K; parse_list_add(state, &L, &S, sizeof S); }
batch_semicolon ::= .
batch_semicolon ::= SEMI.

/* ---- schema ---- */

%type definition {struct ast_statement *}
definition(S) ::= USE name(N). { S = parse_statement_new(state, STATEMENT_USE); S->use = N; }
definition(S) ::= TRUNCATE table_name(T). { S = parse_statement_new(state, STATEMENT_TRUNCATE); S->truncate = T; }
definition(S) ::= TRUNCATE TABLE table_name(T). { S = parse_statement_new(state, STATEMENT_TRUNCATE); S->truncate = T; }

definition(S) ::= CREATE KEYSPACE if_not_exists(I) name(N) properties(P). {
    if (!P.count && !cql_target_of(state->profile)->replication_may_be_omitted)
        parse_refuse_at_end(state, "mismatched input '<EOF>' expecting K_WITH");
    S = parse_statement_new(state, STATEMENT_CREATE_KEYSPACE);
    S->create_keyspace = (struct ast_create_keyspace){
        .name = N, .if_not_exists = I, .properties = P.items, .property_count = P.count};
}
definition(S) ::= ALTER KEYSPACE alter_if_exists(E) name(N) WITH some_properties(P). {
    S = parse_statement_new(state, STATEMENT_ALTER_KEYSPACE);
    S->create_keyspace = (struct ast_create_keyspace){
        .name = N, .if_exists = E, .properties = P.items, .property_count = P.count};
}

/* In ALTER, where only some targets have it. */
%type alter_if_exists {bool}
alter_if_exists(B) ::= . { B = false; }
alter_if_exists(B) ::= IF(T) EXISTS. { B = true; grammar_check_alter_if(state, T); }
%type alter_if_not_exists {bool}
alter_if_not_exists(B) ::= . { B = false; }
alter_if_not_exists(B) ::= IF(T) NOT EXISTS. { B = true; grammar_check_alter_if(state, T); }

/* DESCRIBE (SCH-12) */

definition(S) ::= describe_word described(X) internals(I). { S = X; S->describe.internals = I; }
describe_word ::= DESCRIBE.
describe_word ::= DESC.

%type described {struct ast_statement *}
described(S) ::= CLUSTER. { S = grammar_describe(state, DESCRIBE_CLUSTER, (struct ast_table_name){0}); }
described(S) ::= SCHEMA. { S = grammar_describe(state, DESCRIBE_SCHEMA, (struct ast_table_name){0}); }
described(S) ::= FULL SCHEMA. {
    S = grammar_describe(state, DESCRIBE_SCHEMA, (struct ast_table_name){0});
    S->describe.full = true;
}
described(S) ::= KEYSPACES. { S = grammar_describe(state, DESCRIBE_KEYSPACES, (struct ast_table_name){0}); }
described(S) ::= KEYSPACE some_keyspace(N). { S = grammar_describe(state, DESCRIBE_KEYSPACE, N); }
described(S) ::= ONLY KEYSPACE some_keyspace(N). {
    S = grammar_describe(state, DESCRIBE_KEYSPACE, N);
    S->describe.only = true;
}
described(S) ::= TABLES. { S = grammar_describe(state, DESCRIBE_TABLES, (struct ast_table_name){0}); }
described(S) ::= TABLE table_name(N). { S = grammar_describe(state, DESCRIBE_TABLE, N); }
described(S) ::= INDEX table_name(N). { S = grammar_describe(state, DESCRIBE_INDEX, N); }
described(S) ::= MATERIALIZED VIEW table_name(N). { S = grammar_describe(state, DESCRIBE_VIEW, N); }
described(S) ::= TYPES. { S = grammar_describe(state, DESCRIBE_TYPES, (struct ast_table_name){0}); }
described(S) ::= TYPE table_name(N). { S = grammar_describe(state, DESCRIBE_TYPE, N); }
described(S) ::= FUNCTIONS. { S = grammar_describe(state, DESCRIBE_NOTHING, (struct ast_table_name){0}); }
described(S) ::= FUNCTION table_name(N). { S = grammar_describe(state, DESCRIBE_FUNCTION, N); }
described(S) ::= AGGREGATES. { S = grammar_describe(state, DESCRIBE_NOTHING, (struct ast_table_name){0}); }
described(S) ::= AGGREGATE table_name(N). { S = grammar_describe(state, DESCRIBE_AGGREGATE, N); }
described(S) ::= table_name(N). { S = grammar_describe(state, DESCRIBE_NAME, N); }

%type some_keyspace {struct ast_table_name}
some_keyspace(N) ::= . { N = (struct ast_table_name){0}; }
some_keyspace(N) ::= name(A). { N = (struct ast_table_name){.name = A}; }

%type internals {bool}
internals(B) ::= . { B = false; }
internals(B) ::= WITH INTERNALS. { B = true; }
internals(B) ::= WITH INTERNALS AND name(N). {
    if (!cql_target_of(state->profile)->is_scylla || strcmp(N.text, "passwords") != 0)
        parse_refuse(state, N.at, "mismatched input '%s' expecting EOF", N.text);
    B = true;
}

%type properties {struct ast_list}
properties(L) ::= . { L = (struct ast_list){0}; }
properties(L) ::= WITH some_properties(A). { L = A; }
%type some_properties {struct ast_list}
some_properties(L) ::= property(A). { L = (struct ast_list){0}; parse_list_add(state, &L, &A, sizeof A); }
some_properties(L) ::= some_properties(K) AND property(A). { L = K; parse_list_add(state, &L, &A, sizeof A); }

%type property {struct ast_property}
property(P) ::= name(N) EQ property_value(T). { P = (struct ast_property){.name = N, .value = T}; }

%type property_value {struct ast_term *}
property_value(T) ::= constant(A). { T = A; }
property_value(T) ::= LBRACE(P) RBRACE. { T = parse_items(state, TERM_MAP, P.at, (struct ast_list){0}); }
property_value(T) ::= LBRACE(P) entries(L) RBRACE. { T = parse_items(state, TERM_MAP, P.at, L); }

/* CREATE TABLE */

definition(S) ::= CREATE TABLE if_not_exists(I) table_name(N) LP table_parts(P) RP table_options(O). {
    S = P;
    S->create_table.name = N;
    S->create_table.if_not_exists = I;
    grammar_take_options(&S->create_table, &O);
}

%type table_parts {struct ast_statement *}
table_parts(P) ::= table_part(A). {
    P = parse_statement_new(state, STATEMENT_CREATE_TABLE);
    grammar_add_part(state, &P->create_table, &A);
}
table_parts(P) ::= table_parts(K) COMMA. { P = K; }
table_parts(P) ::= table_parts(K) COMMA table_part(A). { P = K; grammar_add_part(state, &P->create_table, &A); }

%type table_part {struct grammar_part}
table_part(P) ::= name(N) type(T) is_static(S) is_primary(K). {
    P = (struct grammar_part){.column = {.name = N, .type = T, .is_static = S, .is_primary_key = K}};
}
table_part(P) ::= name(N) type(T) TTL(W). {
    P = (struct grammar_part){.column = {.name = N, .type = T, .row_ttl_at = W.at}};
}
table_part(P) ::= PRIMARY KEY LP partition_key(A) clustering_key(C) RP. {
    P = (struct grammar_part){.is_key = true, .partition_key = A, .clustering_key = C};
}

%type is_static {bool}
is_static(B) ::= . { B = false; }
is_static(B) ::= STATIC. { B = true; }
%type is_primary {bool}
is_primary(B) ::= . { B = false; }
is_primary(B) ::= PRIMARY KEY. { B = true; }

%type partition_key {struct ast_list}
partition_key(L) ::= name(N). { L = (struct ast_list){0}; parse_list_add(state, &L, &N, sizeof N); }
partition_key(L) ::= LP names(A) RP. { L = A; }
%type clustering_key {struct ast_list}
clustering_key(L) ::= . { L = (struct ast_list){0}; }
clustering_key(L) ::= COMMA names(A). { L = A; }

%type table_options {struct grammar_options}
table_options(O) ::= . { O = (struct grammar_options){0}; }
table_options(O) ::= WITH some_options(A). { O = A; }
%type some_options {struct grammar_options}
some_options(O) ::= option(A). { O = (struct grammar_options){0}; grammar_add_option(state, &O, &A); }
some_options(O) ::= some_options(K) AND option(A). { O = K; grammar_add_option(state, &O, &A); }

%type option {struct grammar_option}
option(O) ::= property(P). { O = (struct grammar_option){.property = P}; }
option(O) ::= COMPACT STORAGE. { O = (struct grammar_option){.compact_storage = true}; }
option(O) ::= CLUSTERING ORDER BY LP key_orderings(L) RP. { O = (struct grammar_option){.orderings = L}; }

/* Unlike in a SELECT's ORDER BY, the direction may not be left out. */
%type key_orderings {struct ast_list}
key_orderings(L) ::= directed(A). { L = (struct ast_list){0}; parse_list_add(state, &L, &A, sizeof A); }
key_orderings(L) ::= key_orderings(K) COMMA directed(A). { L = K; parse_list_add(state, &L, &A, sizeof A); }

/* ALTER TABLE */

definition(S) ::= ALTER TABLE alter_if_exists(E) table_name(N) alteration(A). {
    S = A;
    S->alter_table.name = N;
    S->alter_table.if_exists = E;
}

%type alteration {struct ast_statement *}
alteration(A) ::= ADD alter_if_not_exists(I) column_definition(D). {
    struct ast_list columns = {0};
    parse_list_add(state, &columns, &D, sizeof D);
    A = grammar_alter(state, (struct ast_alter_table){
        .kind = ALTER_ADD, .if_columns = I, .columns = columns.items, .column_count = columns.count});
}
alteration(A) ::= ADD alter_if_not_exists(I) LP column_definitions(L) RP. {
    A = grammar_alter(state, (struct ast_alter_table){
        .kind = ALTER_ADD, .if_columns = I, .columns = L.items, .column_count = L.count});
}
alteration(A) ::= DROP alter_if_exists(E) name(N) drop_timestamp(T). {
    struct ast_list names = {0};
    parse_list_add(state, &names, &N, sizeof N);
    A = grammar_alter(state, (struct ast_alter_table){
        .kind = ALTER_DROP, .if_columns = E, .dropped = names.items, .dropped_count = names.count, .timestamp = T});
}
alteration(A) ::= DROP alter_if_exists(E) LP names(L) RP drop_timestamp(T). {
    A = grammar_alter(state, (struct ast_alter_table){
        .kind = ALTER_DROP, .if_columns = E, .dropped = L.items, .dropped_count = L.count, .timestamp = T});
}
alteration(A) ::= DROP COMPACT STORAGE. { A = grammar_alter(state, (struct ast_alter_table){.kind = ALTER_DROP_COMPACT}); }
alteration(A) ::= RENAME alter_if_exists(E) renames(L). {
    A = grammar_alter(state, (struct ast_alter_table){
        .kind = ALTER_RENAME, .if_columns = E, .dropped = L.items, .dropped_count = L.count});
}
alteration(A) ::= ALTER name(N) TYPE type(T). {
    struct ast_column_definition column = {.name = N, .type = T};
    struct ast_list columns = {0};
    parse_list_add(state, &columns, &column, sizeof column);
    A = grammar_alter(state, (struct ast_alter_table){.kind = ALTER_TYPE, .columns = columns.items, .column_count = 1});
}
alteration(A) ::= TTL(W) name. { A = grammar_alter(state, (struct ast_alter_table){.kind = ALTER_ROW_TTL, .row_ttl_at = W.at}); }
alteration(A) ::= TTL(W) NULL. { A = grammar_alter(state, (struct ast_alter_table){.kind = ALTER_ROW_TTL, .row_ttl_at = W.at}); }
alteration(A) ::= WITH some_properties(P). {
    A = grammar_alter(state, (struct ast_alter_table){.kind = ALTER_WITH, .properties = P.items, .property_count = P.count});
}

%type drop_timestamp {struct ast_term *}
drop_timestamp(T) ::= . { T = NULL; }
drop_timestamp(T) ::= USING TIMESTAMP INTEGER(A). { T = parse_literal(state, LITERAL_INTEGER, A); }

%type column_definitions {struct ast_list}
column_definitions(L) ::= column_definition(A). { L = (struct ast_list){0}; parse_list_add(state, &L, &A, sizeof A); }
column_definitions(L) ::= column_definitions(K) COMMA column_definition(A). {
    L = K;
    parse_list_add(state, &L, &A, sizeof A);
}
%type column_definition {struct ast_column_definition}
column_definition(D) ::= name(N) type(T) is_static(S). {
    D = (struct ast_column_definition){.name = N, .type = T, .is_static = S};
}

%type renames {struct ast_list}
renames(L) ::= name(A) TO name(B). {
    L = (struct ast_list){0};
    parse_list_add(state, &L, &A, sizeof A);
    parse_list_add(state, &L, &B, sizeof B);
}
renames(L) ::= renames(K) AND name(A) TO name(B). {
    L = K;
    parse_list_add(state, &L, &A, sizeof A);
    parse_list_add(state, &L, &B, sizeof B);
}

/* CREATE and ALTER TYPE */

definition(S) ::= CREATE TYPE if_not_exists(I) table_name(N) LP column_definitions(L) RP. {
    if (!N.name.quoted && type_scalar_named(slice_text(N.name.text)))
        parse_refuse(state, N.name.at, "no viable alternative at input '%s'", N.name.text);
    S = parse_statement_new(state, STATEMENT_CREATE_TYPE);
    S->create_type = (struct ast_create_type){
        .name = N, .if_not_exists = I, .fields = L.items, .field_count = L.count};
    grammar_check_fields(state, L);
}

definition(S) ::= ALTER TYPE alter_if_exists(E) table_name(N) type_alteration(A). {
    S = A;
    S->kind = STATEMENT_ALTER_TYPE;
    S->alter_table.name = N;
    S->alter_table.if_exists = E;
}

%type type_alteration {struct ast_statement *}
type_alteration(A) ::= ADD alter_if_not_exists(I) column_definition(D). {
    struct ast_list fields = {0};
    parse_list_add(state, &fields, &D, sizeof D);
    grammar_check_fields(state, fields);
    A = grammar_alter(state, (struct ast_alter_table){.kind = ALTER_ADD, .if_columns = I, .columns = fields.items, .column_count = 1});
}
type_alteration(A) ::= RENAME alter_if_exists(E) renames(L). {
    A = grammar_alter(state, (struct ast_alter_table){.kind = ALTER_RENAME, .if_columns = E, .dropped = L.items, .dropped_count = L.count});
}
type_alteration(A) ::= ALTER name(N) TYPE type(T). {
    struct ast_column_definition field = {.name = N, .type = T};
    struct ast_list fields = {0};
    parse_list_add(state, &fields, &field, sizeof field);
    A = grammar_alter(state, (struct ast_alter_table){.kind = ALTER_TYPE, .columns = fields.items, .column_count = 1});
}

/* CREATE and ALTER MATERIALIZED VIEW */

definition(S) ::= CREATE MATERIALIZED VIEW if_not_exists(I) table_name(N) AS SELECT selection(L) FROM table_name(T)
                  where(W) PRIMARY KEY LP partition_key(A) clustering_key(C) RP table_options(O). {
    S = parse_statement_new(state, STATEMENT_CREATE_VIEW);
    S->create_view = (struct ast_create_view){
        .name = N, .base = T, .if_not_exists = I, .all = L.count == 0, .selectors = L.items, .selector_count = L.count,
        .where = W.items, .where_count = W.count, .partition_key = A.items, .partition_key_count = A.count,
        .clustering_key = C.items, .clustering_key_count = C.count, .orderings = O.orderings.items,
        .ordering_count = O.orderings.count, .compact_storage = O.compact_storage, .properties = O.properties.items,
        .property_count = O.properties.count};
}
definition(S) ::= ALTER MATERIALIZED VIEW alter_if_exists(E) table_name(N) WITH some_properties(P). {
    S = parse_statement_new(state, STATEMENT_ALTER_VIEW);
    S->alter_table = (struct ast_alter_table){
        .name = N, .if_exists = E, .kind = ALTER_WITH, .properties = P.items, .property_count = P.count};
}

/* CREATE INDEX */

definition(S) ::= CREATE custom(C) INDEX if_not_exists(I) index_name(N) ON table_name(T) LP index_targets(X) RP
                  index_class(K) properties(P). {
    S = X;
    S->create_index.name = N;
    S->create_index.table = T;
    S->create_index.if_not_exists = I;
    S->create_index.custom = C;
    S->create_index.using_class = K;
    S->create_index.properties = P.items;
    S->create_index.property_count = P.count;
}

%type custom {bool}
custom(B) ::= . { B = false; }
custom(B) ::= CUSTOM. { B = true; }

%type index_name {struct ast_table_name}
index_name(N) ::= . { N = (struct ast_table_name){0}; }
index_name(N) ::= table_name(A). { N = A; }

%type index_class {const char *}
index_class(K) ::= . { K = NULL; }
index_class(K) ::= USING STRING(A). { K = parse_text(state, parse_unquote(state, A)); }

/* One, but for custom indexes of other kinds: what is wrong with none and with several is said by name. */
%type index_targets {struct ast_statement *}
index_targets(X) ::= . { X = parse_statement_new(state, STATEMENT_CREATE_INDEX); }
index_targets(X) ::= some_index_targets(A). { X = A; }
%type some_index_targets {struct ast_statement *}
some_index_targets(X) ::= index_target(A). { X = A; X->create_index.target_count = 1; }
some_index_targets(X) ::= some_index_targets(A) COMMA index_target(B). {
    X = B;
    X->create_index.target_count = A->create_index.target_count + 1;
}

%type index_target {struct ast_statement *}
index_target(X) ::= name(N). { X = grammar_index(state, INDEX_VALUES_OF_COLUMN, N); }
index_target(X) ::= name(F) LP name(N) RP. { X = grammar_index_function(state, F, N); }
index_target(X) ::= ENTRIES LP name(N) RP. { X = grammar_index(state, INDEX_ENTRIES, N); }
index_target(X) ::= FULL LP name(N) RP. { X = grammar_index(state, INDEX_FULL, N); }
index_target(X) ::= LP(P) names(L) RP COMMA name(N). {
    if (!cql_target_of(state->profile)->is_scylla)
        parse_refuse(state, P.at, "no viable alternative at input '('");
    X = grammar_index(state, INDEX_VALUES_OF_COLUMN, N);
    X->create_index.partition_columns = L.items;
    X->create_index.partition_column_count = L.count;
}

/* DROP */

definition(S) ::= DROP KEYSPACE if_exists(E) name(N). {
    S = grammar_drop(state, DROP_KEYSPACE, E, (struct ast_table_name){.name = N});
}
definition(S) ::= DROP TABLE if_exists(E) table_name(N). { S = grammar_drop(state, DROP_TABLE, E, N); }
definition(S) ::= DROP INDEX if_exists(E) table_name(N). { S = grammar_drop(state, DROP_INDEX, E, N); }
definition(S) ::= DROP TYPE if_exists(E) table_name(N). { S = grammar_drop(state, DROP_TYPE, E, N); }
definition(S) ::= DROP MATERIALIZED VIEW if_exists(E) table_name(N). { S = grammar_drop(state, DROP_VIEW, E, N); }

%include {
/* A part of CREATE TABLE's parentheses: a column, or PRIMARY KEY (...). */
struct grammar_part {
    bool is_key;
    struct ast_column_definition column;
    struct ast_list partition_key, clustering_key;
};

struct grammar_option {
    struct ast_property property;
    struct ast_list orderings;
    bool compact_storage;
};

struct grammar_options {
    struct ast_list properties, orderings;
    bool compact_storage;
};

/* Of a user-defined type's literal: struct ast_name, struct ast_term *. */
struct grammar_fields {
    struct ast_list names, values;
};

/* Fields of a type are defined as columns are, but for STATIC. */
static void grammar_check_fields(struct parse_state *state, struct ast_list fields)
{
    const struct ast_column_definition *definitions = fields.items;
    for (uint32_t i = 0; i < fields.count; i++)
        if (definitions[i].is_static)
            parse_refuse(state, definitions[i].name.at, "no viable alternative at input 'static'");
}

static void grammar_add_part(struct parse_state *state, struct ast_create_table *table, const struct grammar_part *part)
{
    if (part->is_key) {
        table->partition_key = part->partition_key.items;
        table->partition_key_count = part->partition_key.count;
        table->clustering_key = part->clustering_key.items;
        table->clustering_key_count = part->clustering_key.count;
        table->primary_key_clauses++;
        return;
    }
    /* A list of columns doubles at powers of two, so its capacity need not be kept. */
    struct ast_list columns = {.items = table->columns, .count = table->column_count,
                               .capacity = parse_list_capacity(table->column_count)};
    parse_list_add(state, &columns, &part->column, sizeof part->column);
    table->columns = columns.items;
    table->column_count = columns.count;
}

static void grammar_add_option(struct parse_state *state, struct grammar_options *options,
                               const struct grammar_option *option)
{
    if (option->compact_storage)
        options->compact_storage = true;
    else if (option->orderings.count)
        options->orderings = option->orderings;
    else
        parse_list_add(state, &options->properties, &option->property, sizeof option->property);
}

static void grammar_take_options(struct ast_create_table *table, const struct grammar_options *options)
{
    table->compact_storage = options->compact_storage;
    table->orderings = options->orderings.items;
    table->ordering_count = options->orderings.count;
    table->properties = options->properties.items;
    table->property_count = options->properties.count;
}

static struct ast_statement *grammar_drop(struct parse_state *state, enum ast_drop_kind kind, bool if_exists,
                                          struct ast_table_name name)
{
    struct ast_statement *statement = parse_statement_new(state, STATEMENT_DROP);
    statement->drop = (struct ast_drop){.kind = kind, .name = name, .if_exists = if_exists};
    return statement;
}

static struct ast_statement *grammar_describe(struct parse_state *state, enum ast_describe_kind kind,
                                              struct ast_table_name name)
{
    struct ast_statement *statement = parse_statement_new(state, STATEMENT_DESCRIBE);
    statement->describe = (struct ast_describe){.kind = kind, .name = name};
    return statement;
}

static void grammar_check_alter_if(struct parse_state *state, struct token token)
{
    if (!cql_target_of(state->profile)->alters_if_exists)
        parse_refuse(state, token.at, "no viable alternative at input '%.*s'", (int)token.bytes, token.text);
}

static struct ast_term *grammar_sum(struct parse_state *state, struct token sign, struct ast_term *left,
                                    struct ast_term *right)
{
    struct ast_list items = {0};
    parse_list_add(state, &items, &left, sizeof left);
    parse_list_add(state, &items, &right, sizeof right);
    struct ast_term *term = parse_items(state, TERM_ARITHMETIC, left->at, items);
    term->name = (struct ast_name){.text = *sign.text == '+' ? "+" : "-", .at = sign.at};
    return term;
}

static struct ast_statement *grammar_alter(struct parse_state *state, struct ast_alter_table alteration)
{
    struct ast_statement *statement = parse_statement_new(state, STATEMENT_ALTER_TABLE);
    statement->alter_table = alteration;
    return statement;
}

static struct ast_statement *grammar_index(struct parse_state *state, enum ast_index_target target, struct ast_name column)
{
    struct ast_statement *statement = parse_statement_new(state, STATEMENT_CREATE_INDEX);
    statement->create_index.target = target;
    statement->create_index.column = column;
    return statement;
}

/* keys(c) or values(c), whose names are no keywords. */
static struct ast_statement *grammar_index_function(struct parse_state *state, struct ast_name function,
                                                    struct ast_name column)
{
    bool keys = strcmp(function.text, "keys") == 0;
    if (!keys && strcmp(function.text, "values") != 0)
        parse_refuse(state, function.at, "no viable alternative at input '%s'", function.text);
    return grammar_index(state, keys ? INDEX_KEYS : INDEX_VALUES, column);
}
}

%code {
/* What the parser would do with a token in the end, after all reductions that it brings about. */
static YYACTIONTYPE token_action(const yyParser *parser, int code)
{
    YYACTIONTYPE states[YYSTACKDEPTH + 1];
    ptrdiff_t top = parser->yytos - parser->yystack;
    for (ptrdiff_t i = 0; i <= top; i++)
        states[i] = parser->yystack[i].stateno;
    for (;;) {
        YYACTIONTYPE action = yy_find_shift_action((YYCODETYPE)code, states[top]);
        if (action < YY_MIN_REDUCE)
            return action;
        unsigned rule = (unsigned)action - YY_MIN_REDUCE;
        top += yyRuleInfoNRhs[rule];
        YYACTIONTYPE next = yy_find_reduce_action(states[top], (YYCODETYPE)yyRuleInfoLhs[rule]);
        if (++top > YYSTACKDEPTH - 1)
            return YY_ERROR_ACTION;
        states[top] = next;
    }
}

static void expect(const yyParser *parser, struct parse_expected *expected)
{
    YYACTIONTYPE name = token_action(parser, TK_IDENT);
    expected->count = 0;
    for (int code = 0; code < YYNTOKEN && expected->count < PARSE_EXPECTED_MAX; code++) {
        YYACTIONTYPE action = token_action(parser, code);
        /* A keyword that only stands in for a name is covered by the name. */
        if (action != YY_ERROR_ACTION && action != YY_NO_ACTION && (!yyFallback[code] || action != name))
            expected->codes[expected->count++] = code;
    }
}

/* The parser has reduced before it found out; what must follow now is what ANTLR would want. */
static void grammar_refuse(struct parse_state *state, yyParser *parser, int code, struct token token)
{
    if (state->misfit)
        return;
    expect(parser, &state->must_follow);
    state->misfit = true;
    state->misfit_code = code;
    state->misfit_token = token;
}

/* A word after SELECT is a column of that name when it is followed as a column would be. */
static bool stands_as_column(int next)
{
    return next == TK_FROM || next == TK_COMMA || next == TK_LP || next == TK_DOT || next == TK_AS || next == TK_LBRACKET;
}

static bool opens(int code)
{
    return code == TK_LP || code == TK_LBRACKET || code == TK_LBRACE;
}

static bool closes(int code)
{
    return code == TK_RP || code == TK_RBRACKET || code == TK_RBRACE;
}

bool grammar_is_name(int code)
{
    return code == TK_IDENT || yyFallback[code] == TK_IDENT;
}

/* The next token as the target reads it; false when it was refused. */
static bool next_token(struct parse_state *state, struct lexer *lexer, int before, int *out_code, struct token *out_token)
{
    int code = lexer_next(lexer, out_token);
    if (code < 0) {
        parse_refuse_fault(state, lexer, *out_token);
        return false;
    }
    if ((code == TK_JSON || code == TK_DISTINCT) && (before == TK_SELECT || before == TK_JSON)) {
        struct lexer ahead = *lexer;
        struct token next;
        if (stands_as_column(lexer_next(&ahead, &next)))
            code = TK_IDENT;
    }
    const struct keyword *word = keyword_of(code);
    if (word->unknown_in & state->target_bit)
        code = TK_IDENT;
    out_token->reserved = (word->reserved_in & state->target_bit) != 0;
    *out_code = code;
    return true;
}

/* Everything that could have stood in the place of the misfit: the text is read again up to there. */
static void refuse_misfit(struct parse_state *state, struct lexer lexer)
{
    yyParser parser;
    struct parse_expected expected;
    struct token token;
    int code = 0;
    cql_grammarInit(&parser, state);
    state->last_code = 0;
    while (next_token(state, &lexer, state->last_code, &code, &token) && token.at < state->misfit_token.at && code &&
           !state->refused) {
        cql_grammar(&parser, code, token);
        state->last_code = code;
    }
    expect(&parser, &expected);
    parse_refuse_token(state, &expected, &state->must_follow, state->misfit_code, state->misfit_token);
    cql_grammarFinalize(&parser);
}

void grammar_run(struct parse_state *state, struct lexer *lexer)
{
    struct lexer start = *lexer;
    yyParser parser;
    struct token token;
    int code, before = 0;
    uint32_t depth = 0;
    cql_grammarInit(&parser, state);
    while (next_token(state, lexer, before, &code, &token)) {
        if (opens(code) && ++depth > PARSE_DEPTH_MAX) {
            parse_refuse(state, token.at, "statement is nested deeper than %d", PARSE_DEPTH_MAX);
            break;
        }
        if (closes(code) && depth)
            depth--;
        cql_grammar(&parser, code, token);
        before = code;
        if (code == 0 || state->refused || state->misfit)
            break;
    }
    cql_grammarFinalize(&parser);
    if (state->misfit && !state->refused)
        refuse_misfit(state, start);
}
}
