/*
 * model.h: a table as plain arrays: what a test builds a file from, and what it compares cursors with.
 */
#ifndef STRAIT_TESTS_SSTABLE_MODEL_H
#define STRAIT_TESTS_SSTABLE_MODEL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"
#include "row/cursor.h"
#include "sstable/sstable.h"

#define assert_ok(expression)                                            \
    do {                                                                 \
        status assert_st_ = (expression);                                \
        if (failed(assert_st_)) {                                        \
            char assert_text_[256];                                      \
            status_print(assert_st_, assert_text_, sizeof assert_text_); \
            fail_msg("%s: %s", #expression, assert_text_);               \
        }                                                                \
    } while (0)

enum {
    MODEL_STORE_ID = 77,
    MODEL_TABLE_ID = 5,
    MODEL_FILE_NUMBER = 9,
};

struct model_row {
    struct slice clustering, image; /* lender: the model's arena */
};

struct model_partition {
    struct partition_key key;
    struct deletion deletion;
    struct range_list ranges;
    struct slice static_image;
    struct model_row *rows;
    uint32_t row_count;
};

struct model {
    struct arena arena;
    struct model_partition *partitions;
    uint32_t count;
    uint64_t row_count;
};

/* What a random model is made of. */
struct model_shape {
    uint32_t partitions;
    uint32_t rows_max;  /* of a partition */
    uint32_t value_max; /* bytes of a cell */
    bool one_row;       /* no clustering columns: one row with an empty key */
    bool extras;        /* deletions, ranges, static rows, partitions without rows */
};

void model_random(struct model *model, struct random *rng, const struct model_shape *shape);
/* Partition `name` with rows numbered from 0 (8-byte keys, twice the number), values of `value_bytes`. */
void model_numbered(struct model *model, const char *name, uint32_t rows, uint32_t value_bytes);
void model_deinit(struct model *model);

/* An image with one marker and one cell; lives in the arena. */
struct slice model_image(struct arena *arena, int64_t timestamp, struct slice value);

/* Set-up and tear-down for tests that want no more than a disk in memory, with the folder /t. */
extern struct io_env *model_env;
int model_env_open(void **state);
int model_env_close(void **state);

struct sstable_build_options model_options(struct io_env *env, const char *path);
/* Feed the model to a builder. */
status model_build(const struct model *model, const struct sstable_build_options *options,
                   struct sstable_info *out_info);

/* The cursor shows exactly the model, every partition in full, in its direction. */
void model_expect_scan(const struct model *model, struct cursor *cursor);
/* Random seeks to partitions and rows agree with the model. */
void model_expect_seeks(const struct model *model, struct sstable *table, struct random *rng, uint32_t count);

/*
 * A scan of a table that may be damaged: every row and tombstone that it shows is the model's. Returns the status
 * that ended the scan; *out_complete says whether everything was shown.
 */
status model_scan_damaged(const struct model *model, struct sstable *table, bool reverse, bool *out_complete);

#endif
