/*
 * log_fixture.h: a folder with a log in it, written and read back in the terms of the tests.
 *
 * Payload number n of b bytes is a pattern of both, so that a reader knows what must come next.
 */
#ifndef STRAIT_TESTS_COMMITLOG_LOG_FIXTURE_H
#define STRAIT_TESTS_COMMITLOG_LOG_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "commitlog/commitlog.h"

enum {
    STORE = 0x51,
    STREAM = 3,
};

#define assert_ok(expression)         assert_status((expression), STATUS_OK, __FILE__, __LINE__)
#define assert_code(expression, code) assert_status((expression), (code), __FILE__, __LINE__)
void assert_status(status st, enum status_code code, const char *file, int line);

/* A memory environment with the folder "/s". */
struct io_env *memory_env(void);

/* The bytes of payload `number`; lent until the next call. */
struct slice payload_of(uint32_t number, size_t bytes);

/* Open with small segments (16 KiB, growing to 64 KiB) above every number that the folder has seen. */
struct commitlog *log_open(struct io_env *env, const char *folder);
struct commitlog *log_open_sized(struct io_env *env, const char *folder, uint64_t first_bytes,
                                 uint64_t bytes);
struct log_position log_append(struct commitlog *log, uint32_t number, size_t bytes);
void log_append_synced(struct commitlog *log, uint32_t number, size_t bytes);

struct replay {
    uint32_t count; /* payloads, numbered rising by one from `first` */
    uint32_t first;
    bool intact; /* each payload was exactly the one its number says */
    enum commitlog_end end;
    struct log_position end_at;
    uint64_t next_segment;
};
/* Read all of it. Payloads carry their numbers; positions must rise. */
status replay_from(struct io_env *env, const char *folder, uint64_t from_segment, struct replay *out_replay);
struct replay replay_all(struct io_env *env, const char *folder);

/* A whole file; the caller frees *out_data. */
void file_read(struct io_env *env, const char *path, uint8_t **out_data, size_t *out_bytes);
void file_write(struct io_env *env, const char *path, const uint8_t *data, size_t bytes);
void file_flip(struct io_env *env, const char *path, uint64_t offset, uint8_t mask);

#endif
