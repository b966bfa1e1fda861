/*
 * rule_run.c: one rule, one profile, one place.
 *
 * A statement and the lines of expectation under it are taken together: the statement is run, its outcome is written as
 * the very lines that would expect it, and the two are compared as texts.
 */
#include <assert.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <strait.h>

#include "rulebook.h"

#define YEAR_2026_US INT64_C(1767225600000000)

enum {
    PREPARED_MAX = 8,
    BINDS_MAX = 32,
    OUTCOME_BYTES = 64 << 10,
    ROWS_MAX = 10000, /* more are pages that never end */
};

struct run {
    const struct rule *rule;
    const char *profile;
    enum place place;
    char *out; /* borrowed: findings */
    size_t out_bytes;
    FILE *print; /* borrowed; may be NULL */
    rule_judge *judge;
    void *judge_context;
    bool failed;

    strait *db;
    char folder[64]; /* "" in memory */
    int64_t now_us;
    int page_rows; /* 0: several */

    /* For the next statement. */
    const char *binds; /* borrowed from the line; NULL: none */
    int64_t timestamp; /* INT64_MIN: none */
    const char *keep_as;
    const char *masked; /* borrowed: names of columns whose values are not compared; NULL: none */

    struct {
        const char *name, *text; /* borrowed from the lines */
        strait_statement *statement;
    } prepared[PREPARED_MAX];
};

static void find_fault(struct run *run, size_t line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void find_fault(struct run *run, size_t line, const char *format, ...)
{
    char text[8192];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    size_t used = strlen(run->out);
    snprintf(run->out + used, run->out_bytes - used, "%s:%u: %s\n", run->rule->file, run->rule->numbers[line],
             text);
    run->failed = true;
}

/* ---- words and profiles ---- */

/* "scylla" is every scylla-*. */
static bool profile_matches(const char *wanted, size_t bytes, const char *profile)
{
    return strncmp(wanted, profile, bytes) == 0 && (profile[bytes] == 0 || profile[bytes] == '-');
}

/* The rest of a directive's line after its name; NULL when it is another one. */
static const char *directive(const char *line, const char *name)
{
    size_t bytes = strlen(name);
    if (*line != '@' || strncmp(line + 1, name, bytes) != 0)
        return NULL;
    const char *rest = line + 1 + bytes;
    if (*rest && *rest != ' ')
        return NULL;
    return rest + strspn(rest, " ");
}

bool rule_is_for(const struct rule *rule, const char *profile)
{
    for (size_t i = 0; i < rule->line_count; i++) {
        const char *rest = directive(rule->lines[i], "profiles");
        if (!rest)
            continue;
        for (const char *at = rest; *at; at += strspn(at, " ")) {
            size_t bytes = strcspn(at, " ");
            if (profile_matches(at, bytes, profile))
                return true;
            at += bytes;
        }
        return false;
    }
    return true;
}

static bool is_expectation(const char *line)
{
    return *line && strchr("?=:!~", *line);
}

/* What is expected in this profile, without the profile's name; NULL when the line is for others. */
static const char *expectation_of(const char *line, const char *profile)
{
    size_t bytes = strcspn(line + 1, " ");
    if (bytes && !profile_matches(line + 1, bytes, profile))
        return NULL;
    const char *rest = line + 1 + bytes;
    return *rest ? rest + 1 : rest;
}

/* ---- opening ---- */

static bool open_store(struct run *run)
{
    strait_options options = {.struct_bytes = sizeof options,
                              .profile = run->profile,
                              .shards = 2,
                              .durability = STRAIT_PERIODIC,
                              .clock_us = run->now_us};
    char path[96];
    snprintf(path, sizeof path, "%s/db", run->folder);
    if (strait_open(*run->folder ? path : ":memory:", &options, &run->db) != STRAIT_OK) {
        find_fault(run, 0, "open: %s", run->db ? strait_error_message(run->db) : "no memory");
        return false;
    }
    return true;
}

static void forget_prepared(struct run *run)
{
    for (size_t i = 0; i < PREPARED_MAX; i++)
        strait_finalize(run->prepared[i].statement);
    memset(run->prepared, 0, sizeof run->prepared);
}

static void close_store(struct run *run)
{
    forget_prepared(run);
    strait_close(run->db);
    run->db = NULL;
}

static void restart(struct run *run, size_t line)
{
    close_store(run);
    if (open_store(run) && strait_exec(run->db, "USE k") != STRAIT_OK)
        find_fault(run, line, "restart: %s", strait_error_message(run->db));
}

/* ---- outcomes ---- */

static void add(char *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(char *text, const char *format, ...)
{
    size_t used = strlen(text);
    va_list args;
    va_start(args, format);
    vsnprintf(text + used, OUTCOME_BYTES - used, format, args);
    va_end(args);
}

/* A row is one line whatever its values hold. */
static void add_cell(char *text, const char *cell)
{
    for (const char *at = cell; *at; at++) {
        if (*at == '\n' || *at == '\r')
            add(text, "%s", *at == '\n' ? "\\n" : "\\r");
        else
            add(text, "%c", *at);
    }
}

static bool is_masked(const struct run *run, const char *column)
{
    size_t bytes = strlen(column);
    for (const char *at = run->masked; at && *at; at += strspn(at, ", ")) {
        size_t name = strcspn(at, ",");
        if (name == bytes && strncmp(at, column, bytes) == 0)
            return true;
        at += name;
    }
    return false;
}

static void add_row(char *text, const struct run *run, strait_statement *statement)
{
    int count = strait_column_count(statement);
    for (int i = 0; i < count; i++) {
        const char *cell = strait_column_text(statement, i);
        add(text, "%s", i ? " | " : "= ");
        add_cell(text, !cell ? "null" : is_masked(run, strait_column_name(statement, i)) ? "*" : cell);
    }
    add(text, "\n");
}

static void add_columns(char *text, strait_statement *statement)
{
    int count = strait_column_count(statement);
    for (int i = 0; i < count; i++)
        add(text, "%s%s %s", i ? ", " : ": ", strait_column_name(statement, i),
            strait_column_type(statement, i));
    add(text, "\n");
}

static void add_parameters(char *text, const strait_statement *statement)
{
    int count = strait_parameter_count(statement);
    for (int i = 0; i < count; i++)
        add(text, "%s%s %s", i ? ", " : "? ", strait_parameter_name(statement, i),
            strait_parameter_type(statement, i));
    if (count)
        add(text, "\n");
}

static void add_warnings(char *text, strait_statement *statement)
{
    const char *at = strait_warnings(statement);
    while (*at) {
        size_t bytes = strcspn(at, "\n");
        add(text, "~ %.*s\n", (int)bytes, at);
        at += bytes + (at[bytes] == '\n');
    }
}

static void add_refusal(char *text, const struct run *run)
{
    add(text, "! %04x %s\n", (unsigned)strait_error_code(run->db), strait_error_message(run->db));
}

/* Run to the end; what came out as lines of expectation. */
static void outcome_of(struct run *run, strait_statement *statement, char *out)
{
    int result;
    size_t rows = 0;
    *out = 0;
    add_parameters(out, statement);
    char *warnings = calloc(1, OUTCOME_BYTES);
    assert(warnings);
    while ((result = strait_step(statement)) == STRAIT_ROW && rows < ROWS_MAX) {
        if (rows++ == 0) {
            add_columns(out, statement);
            add_warnings(warnings, statement);
        }
        add_row(out, run, statement);
    }
    if (result == STRAIT_DONE && rows == 0) {
        if (strcmp(strait_statement_kind(statement), "rows") == 0) {
            add_columns(out, statement);
            add(out, "= none\n");
        }
        add_warnings(warnings, statement);
    }
    if (result == STRAIT_REFUSED)
        add_refusal(out, run);
    else if (result == STRAIT_ROW)
        add(out, "! ffff no end of rows\n");
    else if (result != STRAIT_DONE)
        add(out, "! ffff %s\n", strait_result_text(result));
    add(out, "%s", warnings);
    free(warnings);
}

/* ---- binding ---- */

static bool bind_wire(strait_statement *statement, int index, const char *hex, size_t digits)
{
    uint8_t bytes[1024];
    size_t count = 0;
    for (size_t i = 0; i + 1 < digits && count < sizeof bytes; i += 2) {
        unsigned byte;
        sscanf(hex + i, "%2x", &byte);
        bytes[count++] = (uint8_t)byte;
    }
    return strait_bind_wire(statement, index, bytes, count) == STRAIT_OK;
}

static bool bind_one(strait_statement *statement, int index, const char *text, size_t bytes)
{
    if (bytes == 4 && strncmp(text, "null", 4) == 0)
        return strait_bind_null(statement, index) == STRAIT_OK;
    if (bytes == 5 && strncmp(text, "unset", 5) == 0)
        return strait_bind_unset(statement, index) == STRAIT_OK;
    if (bytes >= 2 && strncmp(text, "0x", 2) == 0)
        return bind_wire(statement, index, text + 2, bytes - 2);
    if (*text == '\'')
        return strait_bind_text(statement, index, text + 1, (int64_t)bytes - 2) == STRAIT_OK;
    return strait_bind_int64(statement, index, strtoll(text, NULL, 10)) == STRAIT_OK;
}

static bool bind_all(struct run *run, strait_statement *statement, size_t line)
{
    const char *at = run->binds;
    for (int index = 0; at && *at; index++) {
        const char *quoted_end = *at == '\'' ? strchr(at + 1, '\'') : NULL;
        size_t bytes = quoted_end ? (size_t)(quoted_end + 1 - at) : strcspn(at, ",");
        if (!bind_one(statement, index, at, bytes)) {
            find_fault(run, line, "value %d cannot be bound: %s", index, strait_error_message(run->db));
            return false;
        }
        at += bytes;
        at += strspn(at, ", ");
    }
    return true;
}

/* ---- comparing ---- */

/* Refusals fit by their beginning; " ..." at the end of what is expected says that more follows. */
static bool refusal_fits(const char *expected, const char *text, size_t bytes)
{
    size_t wanted = strlen(expected);
    if (wanted > 4 && strcmp(expected + wanted - 4, " ...") == 0)
        wanted -= 3;
    return wanted <= bytes && strncmp(text, expected, wanted) == 0;
}

/* The next character of a type's name, which may say frozen: the protocol cannot, and so it is not compared. `depth`
 * counts what was opened, `frozen` has a bit for each that was a frozen<. */
static char next_of_type(const char **at, const char *end, unsigned *depth, uint64_t *frozen)
{
    for (; *at < end; ++*at) {
        if (end - *at >= 7 && strncmp(*at, "frozen<", 7) == 0) {
            *frozen |= UINT64_C(1) << (*depth)++ % 64;
            *at += 6;
        } else if (**at == '<') {
            *frozen &= ~(UINT64_C(1) << (*depth)++ % 64);
            return *(*at)++;
        } else if (**at == '>' && *depth && *frozen >> (*depth - 1) % 64 & 1) {
            --*depth;
        } else {
            *depth -= **at == '>' && *depth;
            return *(*at)++;
        }
    }
    return 0;
}

static bool types_fit(const char *expected, const char *text, size_t bytes)
{
    const char *expected_end = expected + strlen(expected), *text_end = text + bytes;
    unsigned depth[2] = {0};
    uint64_t frozen[2] = {0};
    char wanted, given;
    do {
        wanted = next_of_type(&expected, expected_end, &depth[0], &frozen[0]);
        given = next_of_type(&text, text_end, &depth[1], &frozen[1]);
    } while (wanted && wanted == given);
    return wanted == given;
}

/* Does `outcome` have a line of this kind that fits? Warnings fit by a part. */
static bool line_fits(char kind, const char *expected, const char *line, size_t bytes)
{
    if (*line != kind || bytes < 2)
        return false;
    const char *text = line + 2;
    size_t text_bytes = bytes - 2;
    if (kind == '!')
        return refusal_fits(expected, text, text_bytes);
    if (kind == '?' || kind == ':')
        return types_fit(expected, text, text_bytes);
    if (kind == '~')
        return memmem(text, text_bytes, expected, strlen(expected)) != NULL;
    return strlen(expected) == text_bytes && strncmp(text, expected, text_bytes) == 0;
}

static bool outcome_has(const char *outcome, char kind)
{
    for (const char *at = outcome; *at; at += strcspn(at, "\n") + 1)
        if (*at == kind)
            return true;
    return false;
}

/* The expected lines of one kind against those of the outcome, in order. */
static bool kind_as_expected(const struct run *run, size_t from, size_t to, char kind, const char *outcome)
{
    const char *at = outcome;
    bool expected_any = false;
    for (size_t i = from; i < to; i++) {
        const char *line = run->rule->lines[i];
        const char *expected = *line == kind ? expectation_of(line, run->profile) : NULL;
        if (!expected)
            continue;
        if (kind == '~' && strcmp(expected, "none") == 0)
            return !outcome_has(outcome, '~');
        expected_any = true;
        while (*at && *at != kind)
            at += strcspn(at, "\n") + 1;
        size_t bytes = strcspn(at, "\n");
        if (!line_fits(kind, expected, at, bytes))
            return false;
        at += bytes + 1;
    }
    while (*at && *at != kind)
        at += strcspn(at, "\n") + 1;
    return !expected_any || !*at || kind == '~';
}

static bool expects_refusal(const struct run *run, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        if (*run->rule->lines[i] == '!' && expectation_of(run->rule->lines[i], run->profile))
            return true;
    return false;
}

static void compare(struct run *run, size_t from, size_t to, const char *outcome, const char *how)
{
    bool refused = outcome_has(outcome, '!');
    bool good = refused == expects_refusal(run, from, to);
    for (const char *kind = "?=:!~"; *kind; kind++)
        good &= kind_as_expected(run, from, to, *kind, outcome);
    if (run->judge)
        good = run->judge(run->judge_context, run->rule, from - 1, outcome, good);
    if (!good)
        find_fault(run, from - 1, "%s%s gives\n%s", run->rule->lines[from - 1], how, outcome);
}

/* ---- statements ---- */

static bool is_select(const char *text)
{
    return strncasecmp(text, "select", 6) == 0;
}

static void move_data(struct run *run)
{
    if (run->place >= FLUSHED)
        strait_flush(run->db, NULL, NULL);
    if (run->place == COMPACTED)
        strait_compact(run->db, NULL, NULL);
}

static void run_statement(struct run *run, strait_statement *statement, size_t line, size_t to,
                          const char *text)
{
    static const int sizes[] = {5000, 1, 2, 3};
    bool several = is_select(text) && !run->page_rows && !expects_refusal(run, line + 1, to);
    char *outcome = malloc(OUTCOME_BYTES);
    assert(outcome);
    strait_set_timestamp(statement, run->timestamp);
    if (!bind_all(run, statement, line))
        several = false;
    for (size_t i = 0; i < (several ? sizeof sizes / sizeof *sizes : 1); i++) {
        char how[64] = "";
        int rows = run->page_rows ? run->page_rows : sizes[i];
        if (several)
            snprintf(how, sizeof how, " in pages of %d", rows);
        strait_reset(statement);
        strait_set_page_rows(statement, rows);
        outcome_of(run, statement, outcome);
        compare(run, line + 1, to, outcome, how);
        if (run->print && i == 0)
            fputs(outcome, run->print);
    }
    free(outcome);
    if (!is_select(text))
        move_data(run);
}

static void prepare_and_run(struct run *run, size_t line, size_t to)
{
    const char *text = run->rule->lines[line];
    strait_statement *statement = NULL;
    if (strait_prepare(run->db, text, -1, &statement, NULL) != STRAIT_OK) {
        char *outcome = calloc(1, OUTCOME_BYTES);
        assert(outcome);
        add_refusal(outcome, run);
        compare(run, line + 1, to, outcome, "");
        if (run->print)
            fputs(outcome, run->print);
        free(outcome);
        return;
    }
    if (run->keep_as) {
        size_t i = 0;
        while (i < PREPARED_MAX && run->prepared[i].statement)
            i++;
        assert(i < PREPARED_MAX);
        run->prepared[i].name = run->keep_as;
        run->prepared[i].text = text;
        run->prepared[i].statement = statement;
        run->keep_as = NULL;
        return;
    }
    run_statement(run, statement, line, to, text);
    strait_finalize(statement);
}

static void run_prepared(struct run *run, size_t line, size_t to, const char *name)
{
    for (size_t i = 0; i < PREPARED_MAX; i++)
        if (run->prepared[i].statement && strcmp(run->prepared[i].name, name) == 0) {
            run_statement(run, run->prepared[i].statement, line, to, run->prepared[i].text);
            return;
        }
    find_fault(run, line, "nothing is prepared as %s", name);
}

/* ---- directives ---- */

static void take_directive(struct run *run, size_t line, size_t to)
{
    const char *text = run->rule->lines[line], *rest;
    if (directive(text, "profiles") || directive(text, "on"))
        return;
    if ((rest = directive(text, "bind")))
        run->binds = rest;
    else if ((rest = directive(text, "timestamp")))
        run->timestamp = strtoll(rest, NULL, 10);
    else if ((rest = directive(text, "mask")))
        run->masked = rest;
    else if ((rest = directive(text, "pages")))
        run->page_rows = atoi(rest);
    else if ((rest = directive(text, "prepare")))
        run->keep_as = rest;
    else if ((rest = directive(text, "run")))
        run_prepared(run, line, to, rest);
    else if ((rest = directive(text, "advance")))
        strait_set_clock(run->db, run->now_us += strtoll(rest, NULL, 10) * 1000000);
    else if (directive(text, "flush"))
        strait_flush(run->db, NULL, NULL);
    else if (directive(text, "compact"))
        strait_compact(run->db, NULL, NULL);
    else if (directive(text, "restart"))
        restart(run, line);
    else
        find_fault(run, line, "unknown: %s", text);
}

/* ---- a rule ---- */

static void take_lines(struct run *run)
{
    const struct rule *rule = run->rule;
    for (size_t line = 0; line < rule->line_count && run->db;) {
        size_t to = line + 1;
        while (to < rule->line_count && is_expectation(rule->lines[to]))
            to++;
        if (run->print)
            fprintf(run->print, "%s\n", rule->lines[line]);
        bool keeps = directive(rule->lines[line], "bind") || directive(rule->lines[line], "timestamp") ||
                     directive(rule->lines[line], "mask");
        if (*rule->lines[line] == '@')
            take_directive(run, line, to);
        else
            prepare_and_run(run, line, to);
        if (!keeps) {
            run->binds = NULL;
            run->timestamp = INT64_MIN;
            run->masked = NULL;
        }
        line = to;
    }
}

static bool needs_disk(const struct rule *rule)
{
    for (size_t i = 0; i < rule->line_count; i++)
        if (directive(rule->lines[i], "on"))
            return true;
    return false;
}

bool rule_run(const struct rule *rule, const char *profile, enum place place, char *out, size_t bytes,
              FILE *print)
{
    return rule_run_judged(rule, profile, place, out, bytes, print, NULL, NULL);
}

bool rule_run_judged(const struct rule *rule, const char *profile, enum place place, char *out, size_t bytes,
                     FILE *print, rule_judge *judge, void *judge_context)
{
    struct run run = {
        .rule = rule,
        .profile = profile,
        .place = place,
        .out = out,
        .out_bytes = bytes,
        .print = print,
        .judge = judge,
        .judge_context = judge_context,
        .now_us = YEAR_2026_US,
        .timestamp = INT64_MIN,
    };
    *out = 0;
    if (needs_disk(rule)) {
        strcpy(run.folder, "/tmp/strait-audit-XXXXXX");
        if (!mkdtemp(run.folder))
            return false;
    }
    if (open_store(&run)) {
        /* What is judged was recorded in a keyspace of the simple strategy, which not every profile takes. */
        const char *keyspace = judge ? "CREATE KEYSPACE k WITH replication = {'class': 'SimpleStrategy', "
                                       "'replication_factor': 1}; USE k"
                                     : "CREATE KEYSPACE k WITH replication = {'class': "
                                       "'NetworkTopologyStrategy', 'replication_factor': 1}; USE k";
        if (strait_exec(run.db, keyspace) != STRAIT_OK)
            find_fault(&run, 0, "keyspace: %s", strait_error_message(run.db));
        take_lines(&run);
    }
    close_store(&run);
    if (*run.folder) {
        char command[128];
        snprintf(command, sizeof command, "rm -rf '%s'", run.folder);
        run.failed |= system(command) != 0;
    }
    return !run.failed;
}
