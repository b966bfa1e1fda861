/*
 * notation.h: tables as words, for tests of merging.
 *
 *     p/k@5=v     a row: marker and cell at timestamp 5      p/k@5=v~20   the cell and marker expire at second 20
 *     p/k@5!      a row deletion                             p/[k,m)@5!   a range tombstone
 *     p@5!        a partition deletion                       p/#@5=v      a static row
 *
 * Deletions were made at the second that is their timestamp. Words come in any order; a table is written in order of
 * (token, key), and is shown in that order.
 */
#ifndef STRAIT_TESTS_COMPACTION_NOTATION_H
#define STRAIT_TESTS_COMPACTION_NOTATION_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buffer.h"
#include "compaction/compaction.h"

#define assert_ok(expression)                                            \
    do {                                                                 \
        status assert_st_ = (expression);                                \
        if (failed(assert_st_)) {                                        \
            char assert_text_[256];                                      \
            status_print(assert_st_, assert_text_, sizeof assert_text_); \
            fail_msg("%s: %s", #expression, assert_text_);               \
        }                                                                \
    } while (0)

enum { NOTATION_STORE_ID = 3 };

/* Build FOLDER/table-NUMBER.sst from words and open a cursor over it. */
struct cursor *table_of(struct io_env *env, const char *folder, uint64_t file_number, const char *words);
/* Append the words of a finished table. */
void table_show(struct io_env *env, const char *folder, uint64_t file_number, struct buffer *out);

#endif
