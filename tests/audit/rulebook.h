/*
 * rulebook.h: rules of CQL as experiments in plain text, and how they are run.
 *
 *     rule TS-5: on equal timestamps a tombstone beats a live cell
 *     CREATE TABLE t (k int PRIMARY KEY, v int)
 *     INSERT INTO t (k, v) VALUES (1, 1) USING TIMESTAMP 7
 *     DELETE v FROM t USING TIMESTAMP 7 WHERE k = 1
 *     SELECT v FROM t
 *     = null
 *
 * A rule runs in a store of its own, in a keyspace `k` that is in use, its clock held at 2026-01-01. A line is a
 * statement; a line that begins with a space continues it; # begins a comment. What follows a statement is expected:
 *
 *     = 1 | a | null      a row, in this place, \n for a new line; `= none`: no rows
 *     : k int, v text     names and types of the columns
 *     ? k int             names and types of the binds
 *     ! 2200 some text    it is refused with this code, and the text begins so; "..." at the end may say that
 *     ~ some text         it warns, and a warning contains the text; `~ none`: it does not warn
 *
 * An expectation may be for some profiles only: `=cassandra none`, `!scylla 2200 ...`, `=scylla-5.2 1`; a statement with
 * expectations for other profiles alone must succeed. Without any, too. Directives are for what follows:
 *
 *     @profiles scylla          the rule runs only there (first line of the rule)
 *     @on disk                  the rule needs a folder, for @restart (first line of the rule)
 *     @bind 1, 'a', null, unset, 0x00ff   values of the next statement; 0x: the protocol's bytes
 *     @timestamp 5              the request's timestamp of the next statement, in microseconds
 *     @advance 10               the clock goes on by so many seconds
 *     @mask a, b                columns of the next statement whose values are shown as * unless they are null
 *     @pages 3                  rows a page; without it every SELECT is run with several sizes, which must agree
 *     @prepare name             the next statement is kept, not run; @run name runs it
 *     @flush, @compact, @restart
 *
 * Each rule is run several times: with all data in memory, flushed after every modification, and compacted as well.
 */
#ifndef STRAIT_TESTS_RULEBOOK_H
#define STRAIT_TESTS_RULEBOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct rule {
    const char *file, *title; /* "TS-5: on equal ..." */
    char **lines;             /* without comments and empty ones; continuations joined by a newline */
    unsigned *numbers;        /* of each line in the file, from 1 */
    size_t line_count;
};

struct rulebook {
    struct rule *rules;
    size_t count;
};

enum place { IN_MEMORY, FLUSHED, COMPACTED, PLACES };

/* Every *.cqltest of a folder, or one file. Ends the program when one cannot be read. */
void rulebook_read(struct rulebook *book, const char *path);
void rulebook_free(struct rulebook *book);

bool rule_is_for(const struct rule *rule, const char *profile);
/* True when all is as expected. Otherwise `out` (bytes) says what is not, one finding a line. With `print` the outcome
 * of every statement goes there. */
bool rule_run(const struct rule *rule, const char *profile, enum place place, char *out, size_t bytes,
              FILE *print);

/* Asked about every statement: whether what it gave (`good`: as expected) passes. */
typedef bool rule_judge(void *context, const struct rule *rule, size_t line, const char *outcome, bool good);
bool rule_run_judged(const struct rule *rule, const char *profile, enum place place, char *out, size_t bytes,
                     FILE *print, rule_judge *judge, void *judge_context);

#endif
