/*
 * notation.h: writes and contents of a table as short texts, so that a test reads like what it claims.
 *
 * A batch is writes separated by ';'. A write ends in its timestamp; digits stand for rows, letters for columns:
 *
 *     k/5 a=x b=yy @10      insert row 5 of partition k
 *     k/5 a=x +60 @10       the same with a TTL of 60 s
 *     k/5 ~a=x @10          update: no row marker
 *     k/5 ~a! @10           delete a cell
 *     k/5 a[x]=y a[z]! @10  write and delete elements of a collection
 *     k/5 a[*]! @10         delete a collection
 *     k/5 a[^]! a[x]=y @10  assign a collection: delete it at 9, then the elements at 10 (DEL-3)
 *     k/5 a#7 @10           a counter that stands at 7, its clock at 10
 *     k/5! @10              delete a row
 *     k/3-7! @10            delete the rows 3 to 6
 *     k! @10                delete the partition
 *     k/s a=x @10           the static row
 *     k/5 a=x @10           table 1; "2:k/5 a=x @10" names table 2
 *
 * Contents are live rows in order: "k/5 a=x b=yy; k/6 a[x]=z b#7", the static row as "k/s a=x".
 */
#ifndef STRAIT_TESTS_ENGINE_NOTATION_H
#define STRAIT_TESTS_ENGINE_NOTATION_H

#include "engine/store.h"

enum {
    COLUMNS = 26,
    WRITE_CELLS_MAX = 64,
    VALUE_BYTES_MAX = 3000,
    STATIC_ROW = -1,
    NO_ROW = -2,
};

/* One write, taken apart. */
struct write {
    uint64_t table_id;
    struct slice key; /* borrowed from the text */
    enum {
        WRITE_ROW, /* cells, and a marker unless `update` */
        WRITE_DELETE_ROW,
        WRITE_DELETE_RANGE,
        WRITE_DELETE_PARTITION,
    } kind;
    int64_t row, row_end; /* STATIC_ROW; row_end of a range is not included */
    bool update;
    int64_t timestamp;
    int32_t ttl_s;
    unsigned cell_count;
    struct write_cell {
        uint32_t column;
        enum {
            PLACE_COLUMN,     /* the column itself, `dead` or not */
            PLACE_ELEMENT,    /* one element, at `path` */
            PLACE_COUNTER,    /* `total` */
            PLACE_COLLECTION, /* all elements; always dead */
        } place;
        bool dead;
        bool just_before;         /* COLLECTION: at the timestamp below the write's */
        struct slice path, value; /* borrowed from the text */
        int64_t total;
    } cells[WRITE_CELLS_MAX];
};

/* Take apart the first write of `text`; where the next begins, NULL when it was the last. */
const char *write_parse(const char *text, struct write *out_write);

/* Append the writes of `text` to the batch. `now_s` dates tombstones and TTLs. */
void write_text(struct batch *batch, const char *text, int64_t now_s);
/* Apply `text` as one batch. */
status apply_text(struct store *store, const char *text, enum durability durability);

/* Clustering key of row `number`, and back. */
void row_key(struct buffer *out, uint32_t number);
struct partition_key text_key(const char *key);

/* What readers see of a table now; freed by the caller. NULL and *out_status when reading fails. */
char *contents(struct store *store, uint64_t table_id, status *out_status);
/* The same of one partition, in either direction. */
char *partition_contents(struct store *store, uint64_t table_id, const char *key, bool reverse,
                         status *out_status);

/* The same from row `from` on (reverse: the rows before it), at most `limit` rows, without the static row; NO_ROW
 * begins at the first. */
char *slice_contents(struct store *store, const struct store_read *read, const char *key, int64_t from,
                     unsigned limit, status *out_status);

/* Create a table with that id, which must be the next. */
void make_table(struct store *store, uint64_t table_id, int64_t gc_grace_s);

#define assert_ok(expression)                                        \
    do {                                                             \
        status assert_st_ = (expression);                            \
        char assert_text_[200];                                      \
        status_print(assert_st_, assert_text_, sizeof assert_text_); \
        if (failed(assert_st_))                                      \
            fail_msg("%s: %s", #expression, assert_text_);           \
    } while (0)

#define assert_code(expected, expression) assert_int_equal(expected, (expression).code)

/* The table holds just this. */
#define assert_contents(store, table_id, expected)                     \
    do {                                                               \
        status assert_read_;                                           \
        char *assert_seen_ = contents(store, table_id, &assert_read_); \
        assert_ok(assert_read_);                                       \
        assert_string_equal(expected, assert_seen_);                   \
        free(assert_seen_);                                            \
    } while (0)

#endif
