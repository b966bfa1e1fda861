/* embed_fixture.h: handles on stores of their own for tests of strait.h. */
#ifndef STRAIT_TESTS_EMBED_FIXTURE_H
#define STRAIT_TESTS_EMBED_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <strait.h>

/* In memory, with keyspace k chosen. */
strait *memory_db(void);
/* A folder that does not exist yet in a fresh temporary one; folder_remove() frees it too. */
char *folder_new(void);
void folder_remove(char *folder);
/* strait_exec() that must succeed. */
void must(strait *db, const char *script);
strait_statement *must_prepare(strait *db, const char *text);
/* The first cell of the first row as text; "none" when there is no row. Valid until the next call. */
const char *one(strait *db, const char *text);

#endif
