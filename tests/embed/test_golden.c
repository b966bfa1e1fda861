/*
 * A small store of this version, kept in tests/golden/store: whoever can open stores must be able to open that one, find it
 * whole and answer the same. tests/golden/store/README.md says how it is made anew, which is done when a format changes
 * before its first release, and never after.
 */
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "embed_fixture.h"

#define GOLDEN STRAIT_SOURCE_DIR "/tests/golden/store"

enum { CLOCK_S = 1900000000, TRIM_BYTES = 4096 };

static const char *const queries[] = {
    "SELECT * FROM app.messages",
    "SELECT id, body FROM app.messages WHERE channel = 'a' AND id > 3 AND id < 40 LIMIT 5",
    "SELECT channel, id FROM app.messages WHERE author = 7",
    "SELECT id, TTL(body) FROM app.messages WHERE channel = 'ttl'",
    "SELECT * FROM app.kinds",
    "SELECT count(*) FROM app.large",
    "SELECT id, note FROM app.large WHERE part = 3 AND id > 95",
    "SELECT * FROM twin.messages WHERE channel = 'b'",
    "SELECT channel, id FROM twin.messages WHERE author = 7",
    "SELECT keyspace_name, name, tables FROM strait.snapshots",
    "SELECT keyspace_name, table_name FROM system_schema.tables WHERE keyspace_name = 'app'",
};

/* What a restore brings back, asked after it. */
static const char *const queries_after_restore[] = {
    "SELECT * FROM app.messages WHERE channel = 'b'",
    "SELECT channel, id FROM app.messages WHERE author = 7",
    "SELECT * FROM app.kinds",
};

static strait *open_store(const char *folder, int64_t clock_s)
{
    strait *db = NULL;
    strait_options options = {.struct_bytes = sizeof options,
                              .io = "threads",
                              .durability = STRAIT_PERIODIC,
                              .shards = 2,
                              .clock_us = clock_s * 1000000};
    int result = strait_open(folder, &options, &db);
    if (result != STRAIT_OK)
        fail_msg("%s: %s", strait_result_text(result), strait_error_message(db));
    return db;
}

/* ---- making it ---- */

static void fill_large(strait *db)
{
    char text[400];
    for (int part = 0; part < 8; part++)
        for (int id = 0; id < 100; id++) {
            snprintf(
                text, sizeof text,
                "INSERT INTO app.large (part, id, note) VALUES (%d, %d, 'note %d of part %d, which says what "
                "others say') USING TIMESTAMP %d",
                part, id, id * 7919 % 101, part, 1000 + id);
            must(db, text);
        }
}

static void first_writes(strait *db)
{
    must(
        db,
        "CREATE KEYSPACE app WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1};"
        "CREATE TABLE app.messages (channel text, id int, topic text static, author int, body text, old text,"
        " PRIMARY KEY (channel, id)) WITH CLUSTERING ORDER BY (id DESC);"
        "CREATE INDEX by_author ON app.messages (author);"
        "CREATE TABLE app.kinds (id int PRIMARY KEY, flag boolean, small smallint, big varint, ratio double, "
        "price"
        " decimal, day date, at timestamp, uid uuid, address inet, bytes blob, list frozen<list<int>>,"
        " map frozen<map<text, int>>, pair frozen<tuple<int, text>>);"
        "CREATE TABLE app.large (part int, id int, note text, PRIMARY KEY (part, id));");
    char text[300];
    for (int id = 1; id <= 50; id++) {
        snprintf(text, sizeof text,
                 "INSERT INTO app.messages (channel, id, author, body, old) VALUES ('%c', %d, %d, 'body %d', "
                 "'old') "
                 "USING TIMESTAMP %d",
                 'a' + id % 2, id, id % 9, id, 2000 + id);
        must(db, text);
    }
    must(db, "UPDATE app.messages USING TIMESTAMP 2100 SET topic = 'what is said' WHERE channel = 'a';"
             "INSERT INTO app.kinds (id, flag, small, big, ratio, price, day, at, uid, address, bytes, list, "
             "map, pair)"
             " VALUES (1, true, -7, 123456789012345678901234567890, 1.5, 12.340, '2026-02-28', '2026-02-28 "
             "12:00:00+0000',"
             " 123e4567-e89b-42d3-a456-426614174000, '::1', 0x00ff, [3, 1, 2], {'b': 2, 'a': 1}, (4, 'four'))"
             " USING TIMESTAMP 2200;");
    fill_large(db);
}

static void later_writes(strait *db)
{
    must(db, "DELETE FROM app.messages USING TIMESTAMP 3000 WHERE channel = 'a' AND id > 10 AND id < 20;"
             "DELETE FROM app.messages USING TIMESTAMP 3001 WHERE channel = 'b' AND id = 3;"
             "DELETE body FROM app.messages USING TIMESTAMP 3002 WHERE channel = 'b' AND id = 5;"
             "UPDATE app.messages USING TIMESTAMP 3003 SET author = 7 WHERE channel = 'b' AND id = 9;"
             "DELETE FROM app.large USING TIMESTAMP 3004 WHERE part = 5;"
             "INSERT INTO app.messages (channel, id, author, body) VALUES ('ttl', 1, 1, 'lives on') USING "
             "TIMESTAMP 3005"
             " AND TTL 1000000;"
             "INSERT INTO app.messages (channel, id, author, body) VALUES ('ttl', 2, 1, 'expires') USING "
             "TIMESTAMP 3006"
             " AND TTL 1");
}

/* Cut off the zeros that a segment was filled with, but for a block. */
static void trim(const char *name)
{
    char path[300];
    long end = 0, at = 0;
    snprintf(path, sizeof path, GOLDEN "/files/log/%s", name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    for (int byte; (byte = fgetc(file)) != EOF; at++)
        if (byte)
            end = at;
    fclose(file);
    assert_int_equal(0, truncate(path, (end / TRIM_BYTES + 2) * TRIM_BYTES));
}

static void trim_logs(void)
{
    DIR *folder = opendir(GOLDEN "/files/log");
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
        if (*entry->d_name != '.')
            trim(entry->d_name);
    closedir(folder);
}

static void make_golden(void)
{
    assert_int_equal(0, system("rm -rf '" GOLDEN "/files'"));
    strait *db = open_store(GOLDEN "/files", CLOCK_S);
    first_writes(db);
    assert_int_equal(STRAIT_OK, strait_flush(db, NULL, NULL));
    later_writes(db);
    assert_int_equal(STRAIT_OK, strait_flush(db, "app", "large"));
    assert_int_equal(STRAIT_OK, strait_snapshot(db, "app", "base"));
    assert_int_equal(STRAIT_OK, strait_clone(db, "twin", "app", NULL));
    assert_int_equal(STRAIT_OK, strait_settle(db));
    must(db,
         "ALTER TABLE app.messages DROP old;"
         "ALTER TABLE app.messages ADD newer int;"
         "INSERT INTO app.messages (channel, id, author, body, newer) VALUES ('b', 99, 7, 'in the log', 1)"
         " USING TIMESTAMP 4000;"
         "DELETE FROM twin.messages USING TIMESTAMP 4001 WHERE channel = 'b' AND id = 7;"
         "INSERT INTO app.kinds (id, flag) VALUES (2, false) USING TIMESTAMP 4002");
    assert_int_equal(STRAIT_OK, strait_close(db));
    trim_logs();
}

/* ---- asking it ---- */

static void answer(strait *db, const char *query, FILE *out)
{
    strait_statement *statement = must_prepare(db, query);
    int result;
    fprintf(out, "%s\n", query);
    while ((result = strait_step(statement)) == STRAIT_ROW) {
        for (int i = 0; i < strait_column_count(statement); i++)
            fprintf(out, "%s%s=%s", i ? " " : "    ", strait_column_name(statement, i),
                    strait_column_json(statement, i));
        fprintf(out, "\n");
    }
    if (result != STRAIT_DONE)
        fail_msg("%s: %s", strait_error_message(db), query);
    strait_finalize(statement);
}

/* Every answer, from a copy of the store that is opened, asked, restored and asked again. The caller frees it. */
static char *answers(void)
{
    char command[400], *text = NULL;
    size_t bytes = 0;
    char *folder = folder_new();
    snprintf(command, sizeof command, "cp -r '%s/files' '%s'", GOLDEN, folder);
    assert_int_equal(0, system(command));
    FILE *out = open_memstream(&text, &bytes);
    for (int round = 0; round < 2; round++) {
        strait *db = open_store(folder, CLOCK_S + 100); /* some of it has expired */
        assert_int_equal(STRAIT_OK, strait_verify(db, NULL, NULL));
        for (size_t i = 0; i < sizeof queries / sizeof *queries; i++)
            answer(db, queries[i], out);
        assert_int_equal(STRAIT_OK, strait_flush(db, NULL, NULL));
        assert_int_equal(STRAIT_OK, strait_compact(db, NULL, NULL));
        assert_int_equal(STRAIT_OK, strait_verify(db, NULL, NULL));
        if (round == 1) {
            assert_int_equal(STRAIT_OK, strait_restore(db, "app", "base"));
            for (size_t i = 0; i < sizeof queries_after_restore / sizeof *queries_after_restore; i++)
                answer(db, queries_after_restore[i], out);
        }
        assert_int_equal(STRAIT_OK, strait_close(db));
    }
    fclose(out);
    folder_remove(folder);
    return text;
}

static char *file_text(const char *path)
{
    FILE *file = fopen(path, "r");
    char *text = calloc(1, 1 << 20);
    assert_non_null(text);
    if (file) {
        size_t got = fread(text, 1, (1 << 20) - 1, file);
        text[got] = 0;
        fclose(file);
    }
    return text;
}

static void the_golden_store_opens_is_whole_and_answers_as_ever(void **state)
{
    (void)state;
    bool make = getenv("STRAIT_GOLDEN_MAKE") != NULL;
    if (make)
        make_golden();
    char *seen = answers();
    if (make) {
        FILE *file = fopen(GOLDEN "/answers.txt", "w");
        assert_non_null(file);
        fputs(seen, file);
        fclose(file);
    }
    char *expected = file_text(GOLDEN "/answers.txt");
    assert_string_equal(expected, seen);
    free(expected);
    free(seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_golden_store_opens_is_whole_and_answers_as_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
