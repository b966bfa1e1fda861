/*
 * place.h: an environment of one body and a fresh folder in it, for tests.
 *
 * Nothing here fails quietly: what goes wrong ends the running test with the status as text.
 */
#ifndef STRAIT_TESTS_IO_PLACE_H
#define STRAIT_TESTS_IO_PLACE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "io/io.h"
#include "io/sim.h"

/* The call succeeds. Other folders' tests have one of their own. */
#ifndef assert_ok
#define assert_ok(expression) place_assert_code((expression), STATUS_OK, #expression, __FILE__, __LINE__)
#endif
/* The call fails with this code. */
#define assert_code(expression, expected) \
    place_assert_code((expression), (expected), #expression, __FILE__, __LINE__)

void place_assert_code(status st, enum status_code expected, const char *text, const char *file, int line);

struct place {
    struct io_env *env;
    char folder[64];
};

/* False, with the reason printed, when the kernel refuses the body. */
bool place_open(struct place *place, enum io_body body, uint64_t seed);
/* Removes the folder and everything in it. */
void place_close(struct place *place);

/* "folder/name"; good until the eighth call from now. */
const char *place_path(const struct place *place, const char *name);
struct io_file *place_file(const struct place *place, const char *name, unsigned flags);

/* The whole file as text; good until the next call. "(absent)" when there is no such name. */
const char *place_text(const struct place *place, const char *name);
/* Write the text at an offset. */
void place_write(struct io_file *file, uint64_t offset, const char *text);
/* The names in the folder, sorted, with a blank between; good until the next call. */
const char *place_names(const struct place *place, const char *name);

/*
 * Run the cases once for each body, with *inout_body saying whose turn it is; returns the failures.
 * Where the kernel refuses uring this is said, and its turn goes to the fallback that AUTO takes.
 */
int place_run_bodies(const char *topic, enum io_body *inout_body, const struct CMUnitTest *cases,
                     size_t case_count, CMFixtureFunction setup, CMFixtureFunction teardown);

#endif
