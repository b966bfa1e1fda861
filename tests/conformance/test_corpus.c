/*
 * The corpus: statements with what a real Cassandra 5.0 answered, against profile cassandra-5.0.
 *
 *     test_conformance_corpus                  all of corpus/
 *     test_conformance_corpus FILE             ... or one file, printing each difference
 *
 * The answers are recorded by tests/conformance/record; nothing here needs Cassandra. A rule with @profiles runs in the
 * others it names too, with expectations written by hand.
 *
 * differences.txt lists what is known to differ, with a reason. A difference that is not listed fails, and so does a
 * listed one that is gone: the list is the measure. Its lines are
 *
 *     # why
 *     FILE | TITLE OF THE RULE | STATEMENT
 *
 * where the statement may be *: whatever differs in that rule.
 */
#include <assert.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/audit/rulebook.h"

#define FOLDER STRAIT_SOURCE_DIR "/tests/conformance"

enum {
    FINDINGS_BYTES = 64 << 10,
    LINE_BYTES = 64 << 10,
};

static const char target[] = "cassandra-5.0";
static const char *const others[] = {"scylla-2025.1", "scylla-5.2", "scylla-2026.2", "cassandra-4.1"};

struct difference {
    char *file, *title, *statement; /* owned */
    bool seen;
};

static struct difference *differences; /* owned */
static size_t difference_count;
static bool listing; /* differences are printed, not judged */

/* ---- the list ---- */

static char *copied(const char *text)
{
    char *copy = strdup(text);
    assert(copy);
    return copy;
}

static void take_difference(char *line)
{
    char *title = strstr(line, " | "), *statement = title ? strstr(title + 3, " | ") : NULL;
    if (!statement) {
        fprintf(stderr, "differences.txt: %s\n", line);
        exit(1);
    }
    *title = *statement = 0;
    differences = realloc(differences, (difference_count + 1) * sizeof *differences);
    assert(differences);
    differences[difference_count++] = (struct difference){
        .file = copied(line), .title = copied(title + 3), .statement = copied(statement + 3)};
}

static void read_differences(void)
{
    FILE *in = fopen(FOLDER "/differences.txt", "r");
    assert(in);
    char *line = malloc(LINE_BYTES);
    assert(line);
    while (fgets(line, LINE_BYTES, in)) {
        line[strcspn(line, "\n")] = 0;
        if (*line && *line != '#')
            take_difference(line);
    }
    free(line);
    fclose(in);
}

static void free_differences(void)
{
    for (size_t i = 0; i < difference_count; i++) {
        free(differences[i].file);
        free(differences[i].title);
        free(differences[i].statement);
    }
    free(differences);
}

static bool is_of(const struct difference *difference, const struct rule *rule)
{
    return strcmp(difference->file, rule->file) == 0 && strcmp(difference->title, rule->title) == 0;
}

/* A statement of several lines stands in the list as one. */
static bool same_statement(const char *listed, const char *statement)
{
    if (strcmp(listed, "*") == 0)
        return true;
    for (; *listed && *statement; listed++, statement++)
        if (*listed != (*statement == '\n' ? ' ' : *statement))
            return false;
    return !*listed && !*statement;
}

/* ---- judging ---- */

static bool judge(void *context, const struct rule *rule, size_t line, const char *outcome, bool good)
{
    (void)context;
    if (good)
        return true;
    if (listing) {
        printf("%s:%u: %s\n  %s\n", rule->file, rule->numbers[line], rule->title, rule->lines[line]);
        for (size_t i = line + 1; i < rule->line_count && strchr("?=:!~", *rule->lines[i]); i++)
            printf("  cassandra  %s\n", rule->lines[i]);
        for (const char *at = outcome; *at; at += strcspn(at, "\n") + 1)
            printf("  strait     %.*s\n", (int)strcspn(at, "\n"), at);
        printf("\n");
        return true;
    }
    bool listed = false;
    for (size_t i = 0; i < difference_count; i++)
        if (is_of(&differences[i], rule) && same_statement(differences[i].statement, rule->lines[line]))
            listed = differences[i].seen = true;
    return listed;
}

static bool names_profiles(const struct rule *rule)
{
    return rule->line_count && strncmp(rule->lines[0], "@profiles ", 10) == 0;
}

static void corpus_holds(void **state)
{
    const struct rule *rule = *state;
    char *findings = malloc(FINDINGS_BYTES);
    assert_non_null(findings);
    if (rule_is_for(rule, target))
        for (int place = IN_MEMORY; place <= FLUSHED; place++)
            if (!rule_run_judged(rule, target, (enum place)place, findings, FINDINGS_BYTES, NULL, judge,
                                 NULL))
                fail_msg("%s: %s\n%s", rule->file, rule->title, findings);
    for (size_t i = 0; names_profiles(rule) && i < sizeof others / sizeof *others; i++)
        if (rule_is_for(rule, others[i]) &&
            !rule_run(rule, others[i], IN_MEMORY, findings, FINDINGS_BYTES, NULL))
            fail_msg("%s, %s: %s\n%s", others[i], rule->file, rule->title, findings);
    for (size_t i = 0; i < difference_count; i++)
        if (is_of(&differences[i], rule) && !differences[i].seen)
            fail_msg("%s: %s: no difference any more (tests/conformance/differences): %s", rule->file,
                     rule->title, differences[i].statement);
    free(findings);
}

static void every_listed_difference_is_of_a_rule(void **state)
{
    const struct rulebook *book = *state;
    for (size_t i = 0; i < difference_count; i++) {
        bool found = false;
        for (size_t j = 0; j < book->count; j++)
            found |= is_of(&differences[i], &book->rules[j]);
        if (!found)
            fail_msg("no such rule: %s | %s", differences[i].file, differences[i].title);
    }
}

static int test_all(struct rulebook *book)
{
    struct CMUnitTest *tests = calloc(book->count + 1, sizeof *tests);
    assert(tests);
    for (size_t i = 0; i < book->count; i++)
        tests[i] = (struct CMUnitTest){
            .name = book->rules[i].title, .test_func = corpus_holds, .initial_state = &book->rules[i]};
    tests[book->count] = (struct CMUnitTest){.name = "every listed difference is of a rule",
                                             .test_func = every_listed_difference_is_of_a_rule,
                                             .initial_state = book};
    int failed = _cmocka_run_group_tests("corpus", tests, book->count + 1, NULL, NULL);
    free(tests);
    return failed;
}

static int list_all(const struct rulebook *book)
{
    static char findings[FINDINGS_BYTES];
    listing = true;
    for (size_t i = 0; i < book->count; i++)
        if (rule_is_for(&book->rules[i], target))
            rule_run_judged(&book->rules[i], target, IN_MEMORY, findings, sizeof findings, NULL, judge, NULL);
    return 0;
}

int main(int argc, char **argv)
{
    struct rulebook book;
    rulebook_read(&book, argc > 1 ? argv[1] : FOLDER "/corpus");
    read_differences();
    int failed = argc > 1 ? list_all(&book) : test_all(&book);
    free_differences();
    rulebook_free(&book);
    return failed;
}
