/*
 * embed.c: a chat channel inside a program.
 *
 * Makes a schema, writes 1000 messages into one channel, reads the newest 50, and then pages back through the rest by the
 * key of the last message seen, as a chat window does when somebody scrolls up.
 *
 *     cc embed.c $(pkg-config --cflags --libs strait) -o embed && ./embed [folder]
 *
 * Without a folder the store lives in memory and is gone at the end.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <strait.h>

enum {
    MESSAGES = 1000,
    PAGE = 50,
    PER_SECOND = 4,
};

static const char schema[] =
    "CREATE KEYSPACE IF NOT EXISTS chat WITH replication = {'class': 'SimpleStrategy', 'replication_factor': "
    "1};\n"
    "USE chat;\n"
    "CREATE TABLE IF NOT EXISTS messages (\n"
    "    channel_id uuid, created_at timestamp, id uuid, author text, content text,\n"
    "    PRIMARY KEY (channel_id, created_at, id)\n"
    ") WITH CLUSTERING ORDER BY (created_at DESC, id DESC);\n";

static const uint8_t channel[16] = {0xc0, 0xff, 0xee, 0x00, 0, 0, 0x40, 0, 0x80, 0, 0, 0, 0, 0, 0, 0x01};

/* What the window shows of a message, and where the page after it begins. */
struct position {
    int64_t created_at_ms;
    uint8_t id[16];
};

static void die(strait *db, int result)
{
    fprintf(stderr, "embed: %s: %s\n", strait_result_text(result), db ? strait_error_message(db) : "");
    exit(1);
}

static void check(strait *db, int result)
{
    if (result != STRAIT_OK)
        die(db, result);
}

static void message_id(int number, uint8_t out_id[16])
{
    memset(out_id, 0, 16);
    out_id[6] = 0x40; /* version 4 */
    out_id[8] = 0x80;
    out_id[14] = (uint8_t)(number >> 8);
    out_id[15] = (uint8_t)number;
}

static void write_messages(strait *db)
{
    static const char *const authors[] = {"ada", "grace", "edsger"};
    strait_statement *insert;
    check(db,
          strait_prepare(
              db, "INSERT INTO messages (channel_id, created_at, id, author, content) VALUES (?, ?, ?, ?, ?)",
              -1, &insert, NULL));
    for (int i = 0; i < MESSAGES; i++) {
        uint8_t id[16];
        char content[64];
        message_id(i, id);
        snprintf(content, sizeof content, "message number %d", i + 1);
        check(db, strait_bind_uuid(insert, 0, channel));
        check(db, strait_bind_int64(insert, 1, INT64_C(1700000000000) + i * 1000 / PER_SECOND));
        check(db, strait_bind_uuid(insert, 2, id));
        check(db, strait_bind_text(insert, 3, authors[i % 3], -1));
        check(db, strait_bind_text(insert, 4, content, -1));
        int result = strait_step(insert);
        if (result != STRAIT_DONE)
            die(db, result);
        check(db, strait_reset(insert));
    }
    strait_finalize(insert);
}

/* Step through one page; prints it when asked. Returns its rows, and in *last the key of the oldest. */
static int read_page(strait *db, strait_statement *select, int print, struct position *last)
{
    int rows = 0, result;
    while ((result = strait_step(select)) == STRAIT_ROW) {
        size_t bytes;
        const void *id = strait_column_wire(select, 1, &bytes);
        last->created_at_ms = strait_column_int64(select, 0);
        if (bytes == sizeof last->id)
            memcpy(last->id, id, bytes);
        if (print)
            printf("%s  %-7s %s\n", strait_column_text(select, 0), strait_column_text(select, 2),
                   strait_column_text(select, 3));
        rows++;
    }
    if (result != STRAIT_DONE)
        die(db, result);
    check(db, strait_reset(select));
    return rows;
}

static int read_all(strait *db)
{
    strait_statement *newest, *older;
    struct position last;
    check(db, strait_prepare(
                  db, "SELECT created_at, id, author, content FROM messages WHERE channel_id = ? LIMIT ?", -1,
                  &newest, NULL));
    check(db, strait_prepare(db,
                             "SELECT created_at, id, author, content FROM messages WHERE channel_id = ? AND"
                             " (created_at, id) < (?, ?) LIMIT ?",
                             -1, &older, NULL));
    check(db, strait_bind_uuid(newest, 0, channel));
    check(db, strait_bind_int64(newest, 1, PAGE));
    int total = read_page(db, newest, 0, &last), pages = 1, rows = total;
    printf("newest %d messages read\n", total);
    while (rows == PAGE) {
        check(db, strait_bind_uuid(older, 0, channel));
        check(db, strait_bind_int64(older, 1, last.created_at_ms));
        check(db, strait_bind_uuid(older, 2, last.id));
        check(db, strait_bind_int64(older, 3, PAGE));
        rows = read_page(db, older, 0, &last);
        total += rows;
        pages += rows > 0;
    }
    printf("%d messages in %d pages, back to the first\n", total, pages);
    check(db, strait_bind_int64(newest, 1, 3));
    printf("the last three:\n");
    read_page(db, newest, 1, &last);
    strait_finalize(newest);
    strait_finalize(older);
    return total;
}

int main(int argc, char **argv)
{
    strait *db;
    int result = strait_open(argc > 1 ? argv[1] : ":memory:", NULL, &db);
    if (result != STRAIT_OK)
        die(db, result);
    check(db, strait_exec(db, schema));
    write_messages(db);
    int total = read_all(db);
    check(db, strait_close(db));
    if (total != MESSAGES) {
        fprintf(stderr, "embed: %d messages read, %d written\n", total, (int)MESSAGES);
        return 1;
    }
    return 0;
}
