#include "embed_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void must(strait *db, const char *script)
{
    int result = strait_exec(db, script);
    if (result != STRAIT_OK)
        fail_msg("%s: %s: %s", strait_result_text(result), strait_error_message(db), script);
}

strait *memory_db(void)
{
    strait *db = NULL;
    int result = strait_open(":memory:", NULL, &db);
    if (result != STRAIT_OK)
        fail_msg("%s: %s", strait_result_text(result), strait_error_message(db));
    must(db,
         "CREATE KEYSPACE k WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}; USE k");
    return db;
}

char *folder_new(void)
{
    char base[] = "/tmp/strait-embed-XXXXXX";
    assert_non_null(mkdtemp(base));
    char *folder = malloc(64);
    assert_non_null(folder);
    snprintf(folder, 64, "%s/db", base);
    return folder;
}

void folder_remove(char *folder)
{
    char command[128];
    *strrchr(folder, '/') = 0;
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    assert_int_equal(system(command), 0);
    free(folder);
}

strait_statement *must_prepare(strait *db, const char *text)
{
    strait_statement *statement = NULL;
    if (strait_prepare(db, text, -1, &statement, NULL) != STRAIT_OK)
        fail_msg("%s: %s", strait_error_message(db), text);
    assert_non_null(statement);
    return statement;
}

const char *one(strait *db, const char *text)
{
    static char cell[4096];
    strait_statement *statement = must_prepare(db, text);
    int result = strait_step(statement);
    if (result != STRAIT_ROW && result != STRAIT_DONE)
        fail_msg("%s: %s", strait_error_message(db), text);
    const char *found = result == STRAIT_ROW ? strait_column_text(statement, 0) : "none";
    snprintf(cell, sizeof cell, "%s", found ? found : "null");
    strait_finalize(statement);
    return cell;
}
