/*
 * A merge says which child alone gives the next rows; who moves that child over some of them by itself sees the same rows as
 * who reads them one by one. Children are lists of numbers here; a failure prints its seed.
 */
#include "notation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "row/row.h"

enum {
    CHILDREN_MAX = 5,
    ROWS_MAX = 60,
    KEYS = 200,
    SEEDS = 400,
    TEXT_BYTES = 8192,
};

/* One partition "p" with rising rows. */
struct list_cursor {
    struct cursor base;
    unsigned numbers[ROWS_MAX];
    uint8_t keys[ROWS_MAX][4];
    unsigned count;
    int at; /* the row it stands on or behind; -1 before the first */
    bool moved;
    struct slice image; /* borrowed */
};

static struct list_cursor *of(struct cursor *cursor)
{
    return (struct list_cursor *)cursor;
}

static status list_next_partition(struct cursor *cursor)
{
    struct list_cursor *list = of(cursor);
    cursor->on_partition = !list->moved;
    cursor->on_row = false;
    list->moved = true;
    list->at = -1;
    return STATUS_DONE;
}

static status list_seek_partition(struct cursor *cursor, struct partition_key key)
{
    (void)key;
    return list_next_partition(cursor);
}

static status list_stand(struct cursor *cursor)
{
    struct list_cursor *list = of(cursor);
    cursor->on_row = list->at < (int)list->count;
    if (cursor->on_row)
        cursor->row = (struct row_view){slice_of(list->keys[list->at], 4), list->image};
    return STATUS_DONE;
}

static status list_next(struct cursor *cursor)
{
    if (of(cursor)->at < (int)of(cursor)->count)
        of(cursor)->at++;
    return list_stand(cursor);
}

static status list_seek_row(struct cursor *cursor, struct slice clustering)
{
    of(cursor)->at = 0;
    while (of(cursor)->at < (int)of(cursor)->count &&
           slice_compare(slice_of(of(cursor)->keys[of(cursor)->at], 4), clustering) < 0)
        of(cursor)->at++;
    return list_stand(cursor);
}

static void list_close(struct cursor *cursor)
{
    free(cursor);
}

static const struct cursor_ops list_ops = {
    .kind = "list",
    .seek_partition = list_seek_partition,
    .next_partition = list_next_partition,
    .seek_row = list_seek_row,
    .next = list_next,
    .close = list_close,
};

static struct cursor *list_of(const unsigned *numbers, unsigned count, struct slice image)
{
    struct list_cursor *list = calloc(1, sizeof *list);
    assert_non_null(list);
    list->base.ops = &list_ops;
    list->image = image;
    list->count = count;
    for (unsigned i = 0; i < count; i++) {
        list->numbers[i] = numbers[i];
        store_be32(list->keys[i], numbers[i]);
    }
    list->base.partition = (struct partition_view){.key = partition_key_of(slice_text("p")),
                                                   .deletion = DELETION_NONE,
                                                   .first = slice_of(list->keys[0], 4),
                                                   .last = slice_of(list->keys[count - 1], 4)};
    return &list->base;
}

struct shape {
    unsigned numbers[CHILDREN_MAX][ROWS_MAX], counts[CHILDREN_MAX], children;
};

/* Runs that follow one another, that overlap, that share keys. */
static void shape_make(struct shape *shape, struct random *rng)
{
    shape->children = 1 + (unsigned)random_below(rng, CHILDREN_MAX);
    unsigned spread = 1 + (unsigned)random_below(rng, 6), begin = 0;
    for (unsigned i = 0; i < shape->children; i++) {
        unsigned number = random_below(rng, 3) ? begin : (unsigned)random_below(rng, KEYS);
        unsigned wanted = 1 + (unsigned)random_below(rng, ROWS_MAX);
        shape->counts[i] = 0;
        for (unsigned j = 0; j < wanted; j++) {
            shape->numbers[i][shape->counts[i]++] = number;
            number += 1 + (unsigned)random_below(rng, spread);
        }
        begin = number;
    }
}

static void say(char *text, const char *format, unsigned number)
{
    size_t bytes = strlen(text);
    assert_true(bytes + 16 < TEXT_BYTES);
    snprintf(text + bytes, TEXT_BYTES - bytes, format, number);
}

/* Every row of the merge; with `skips` some of them are passed over in the child. */
static void walk(const struct shape *shape, struct slice image, struct random *skips, char *text,
                 unsigned *passed)
{
    static const struct reconcile_rules rules = {.smaller_ttl_wins = true};
    struct merge_options options = {.rules = &rules};
    struct cursor *children[CHILDREN_MAX], *merge;
    for (unsigned i = 0; i < shape->children; i++)
        children[i] = list_of(shape->numbers[i], shape->counts[i], image);
    assert_ok(merge_cursor_open(children, shape->children, &options, &merge));
    assert_ok(cursor_next_partition(merge));
    text[0] = 0;
    for (;;) {
        struct merge_sole sole = {0};
        if (skips)
            assert_ok(merge_cursor_sole(merge, &sole));
        struct list_cursor *list = sole.child ? of(sole.child) : NULL;
        unsigned ahead = list ? (unsigned)random_below(skips, 6) : 0, moved = 0;
        while (list && moved < ahead && list->at + 1 < (int)list->count &&
               (!sole.has_limit || slice_compare(slice_of(list->keys[list->at + 1], 4), sole.limit) < 0)) {
            list->at++;
            moved++;
            say(text, " %u", list->numbers[list->at]);
        }
        if (moved) {
            list->base.on_row = false;
            *passed += moved;
            assert_ok(merge_cursor_passed(merge, slice_of(list->keys[list->at], 4)));
            continue;
        }
        assert_ok(cursor_next(merge));
        if (!merge->on_row)
            break;
        say(text, " %u", load_be32(merge->row.clustering.data));
    }
    assert_ok(cursor_next_partition(merge));
    assert_false(merge->on_partition);
    cursor_close(merge);
}

static void rows_passed_over_in_the_sole_child_are_those_that_would_come(void **state)
{
    (void)state;
    struct row_builder row = {0};
    struct buffer image = {0};
    static char expected[TEXT_BYTES], seen[TEXT_BYTES];
    unsigned passed = 0, ignored = 0;
    row_builder_reset(&row);
    row.marker = (struct marker){.timestamp = 5};
    assert_ok(row_builder_finish(&row, &image));
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct random rng = {seed}, skips = {seed * 31 + 7};
        struct shape shape;
        shape_make(&shape, &rng);
        walk(&shape, buffer_slice(&image), NULL, expected, &ignored);
        walk(&shape, buffer_slice(&image), &skips, seen, &passed);
        if (strcmp(expected, seen) != 0)
            fail_msg("seed %llu\nexpected%s\nseen%s", (unsigned long long)seed, expected, seen);
    }
    assert_true(passed > 10 * SEEDS);
    row_builder_deinit(&row);
    buffer_deinit(&image);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_passed_over_in_the_sole_child_are_those_that_would_come),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
