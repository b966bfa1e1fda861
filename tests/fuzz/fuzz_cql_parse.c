/* Any bytes as a statement: a tree or a refusal, the same tree for what parse_cut() calls a statement, never a crash. */
#include <stdlib.h>

#include "cql/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static void require(bool truth)
{
    if (!truth)
        abort();
}

static void parse(struct slice text, enum cql_profile profile)
{
    struct arena arena = {0};
    struct ast_statement *statement = NULL;
    struct cql_error error;
    cql_error_clear(&error);
    if (parse_statement(text, profile, &arena, &statement, &error)) {
        require(statement != NULL && error.code == CQL_OK);
        require(statement->bind_count <= 65535);
    } else {
        require(error.code != CQL_OK && error.message[0] && error.offset <= text.bytes);
    }
    arena_deinit(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct slice text = slice_of(data, bytes);
    parse(text, PROFILE_SCYLLA_2025_1);
    parse(text, PROFILE_CASSANDRA_4_1);
    while (text.bytes) {
        bool complete, empty;
        size_t cut = parse_cut(text, &complete, &empty);
        require(cut > 0 && cut <= text.bytes && (complete || cut == text.bytes));
        text = slice_of(text.data + cut, text.bytes - cut);
    }
    return 0;
}
