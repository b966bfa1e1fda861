/*
 * Every rule of tests/audit/rules, in every profile and place. The notation is in rulebook.h.
 *
 *     test_audit_rules                                 all of them
 *     test_audit_rules PLACE                           those of another file or folder
 *     test_audit_rules PLACE PROFILE                   ... printing what each statement gives
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "rulebook.h"

enum {
    FINDINGS_BYTES = 64 << 10,
};

static const char *const profiles[] = {"scylla-2025.1", "scylla-5.2", "scylla-2026.2", "cassandra-4.1",
                                       "cassandra-5.0"};
static const char *const place_names[PLACES] = {"in memory", "flushed", "compacted"};

static void rule_holds(void **state)
{
    const struct rule *rule = *state;
    char *findings = malloc(FINDINGS_BYTES);
    assert_non_null(findings);
    for (size_t i = 0; i < sizeof profiles / sizeof *profiles; i++)
        for (int place = IN_MEMORY; place < PLACES; place++)
            if (rule_is_for(rule, profiles[i]) &&
                !rule_run(rule, profiles[i], (enum place)place, findings, FINDINGS_BYTES, NULL))
                fail_msg("%s, %s: %s\n%s", profiles[i], place_names[place], rule->title, findings);
    free(findings);
}

static int print_all(const struct rulebook *book, const char *profile)
{
    static char findings[FINDINGS_BYTES];
    int failed = 0;
    for (size_t i = 0; i < book->count; i++) {
        const struct rule *rule = &book->rules[i];
        if (!rule_is_for(rule, profile))
            continue;
        printf("rule %s\n", rule->title);
        if (!rule_run(rule, profile, IN_MEMORY, findings, sizeof findings, stdout)) {
            printf("# NOT AS EXPECTED\n");
            failed = 1;
        }
        printf("\n");
    }
    return failed;
}

static int test_all(const struct rulebook *book)
{
    struct CMUnitTest *tests = calloc(book->count, sizeof *tests);
    if (!tests)
        return 1;
    for (size_t i = 0; i < book->count; i++)
        tests[i] = (struct CMUnitTest){
            .name = book->rules[i].title, .test_func = rule_holds, .initial_state = &book->rules[i]};
    int failed = _cmocka_run_group_tests("rules", tests, book->count, NULL, NULL);
    free(tests);
    return failed;
}

int main(int argc, char **argv)
{
    struct rulebook book;
    rulebook_read(&book, argc > 1 ? argv[1] : STRAIT_SOURCE_DIR "/tests/audit/rules");
    int failed = argc > 2 ? print_all(&book, argv[2]) : test_all(&book);
    rulebook_free(&book);
    return failed;
}
