/* A program outside the tree: it sees nothing but the installed header and library. */
#include <stdio.h>
#include <string.h>

#include <strait.h>

#define CHECK(condition)                                                                                  \
    do {                                                                                                  \
        if (!(condition)) {                                                                               \
            fprintf(stderr, "%s:%d: %s: %s\n", __FILE__, __LINE__, #condition, strait_error_message(db)); \
            return 1;                                                                                     \
        }                                                                                                 \
    } while (0)

int main(void)
{
    strait *db = NULL;
    strait_statement *statement = NULL;
    CHECK(strait_open(":memory:", NULL, &db) == STRAIT_OK);
    CHECK(strait_exec(
              db, "CREATE KEYSPACE k WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1};"
                  "USE k; CREATE TABLE t (id int PRIMARY KEY, v text);"
                  "INSERT INTO t (id, v) VALUES (1, 'outside')") == STRAIT_OK);
    CHECK(strait_prepare(db, "SELECT v FROM t WHERE id = ?", -1, &statement, NULL) == STRAIT_OK);
    CHECK(strait_bind_int64(statement, 0, 1) == STRAIT_OK);
    CHECK(strait_step(statement) == STRAIT_ROW);
    CHECK(strcmp(strait_column_text(statement, 0), "outside") == 0);
    CHECK(strait_step(statement) == STRAIT_DONE);
    strait_finalize(statement);
    CHECK(strait_close(db) == STRAIT_OK);
    puts("consumer: ok");
    return 0;
}
