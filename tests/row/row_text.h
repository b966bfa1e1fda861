/*
 * row_text.h: row images in a notation that fits into an assertion.
 *
 *     m@5          marker at timestamp 5          m@5~10:70   with ttl 10, expiring at second 70
 *     d@5:60       row deletion at 5, made at second 60
 *     1@5=x        column 1 is "x" at 5           1@5~10:70=x expiring
 *     1@5!60       column 1 is dead, deleted at second 60
 *     1@5#7        column 1 is a counter that stands at 7
 *     1[a]@5=x     element "a" of column 1; ttl and death as above
 *     1[*]@5!60    complex deletion of column 1
 */
#ifndef STRAIT_TESTS_ROW_ROW_TEXT_H
#define STRAIT_TESTS_ROW_ROW_TEXT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/random.h"
#include "row/reconcile.h"
#include "row/row.h"

#define assert_ok(expression) assert_int_equal((expression).code, STATUS_OK)

static inline int64_t row_text_number(const char **at)
{
    char *end;
    int64_t number = strtoll(*at, &end, 10);
    assert_ptr_not_equal(end, *at);
    *at = end;
    return number;
}

static inline void row_text_skip(const char **at, char expected)
{
    assert_int_equal(**at, expected);
    ++*at;
}

static inline void row_text_ttl(const char **at, int32_t *out_ttl_s, int64_t *out_expiry_s)
{
    row_text_skip(at, '~');
    *out_ttl_s = (int32_t)row_text_number(at);
    row_text_skip(at, ':');
    *out_expiry_s = row_text_number(at);
}

/* "[a]" or "[*]", where there is one. */
static inline void row_text_path(const char **at, struct cell *cell)
{
    if (**at != '[')
        return;
    size_t bytes = strcspn(*at + 1, "]");
    if ((*at)[1] == '*')
        cell->kind = CELL_COMPLEX_DELETION;
    else
        cell->path = slice_of(*at + 1, bytes);
    *at += bytes + 2;
}

/* `total` is where a counter's bytes live until the row is built. */
static inline void row_text_value(const char **at, struct cell *cell, uint8_t total[8])
{
    if (**at == '!') {
        ++*at;
        if (cell->kind != CELL_COMPLEX_DELETION)
            cell->kind = CELL_DEAD;
        cell->expiry_s = row_text_number(at);
        return;
    }
    if (**at == '#') {
        ++*at;
        cell->kind = CELL_COUNTER;
        store_be64(total, (uint64_t)row_text_number(at));
        cell->value = slice_of(total, 8);
        return;
    }
    if (**at == '~') {
        cell->kind = CELL_EXPIRING;
        row_text_ttl(at, &cell->ttl_s, &cell->expiry_s);
    }
    row_text_skip(at, '=');
    cell->value = slice_of(*at, strcspn(*at, " "));
    *at += cell->value.bytes;
}

static inline void row_text_cell(const char **at, struct row_builder *builder, uint8_t total[8])
{
    struct cell cell = {.column = (uint32_t)row_text_number(at)};
    row_text_path(at, &cell);
    row_text_skip(at, '@');
    cell.timestamp = row_text_number(at);
    row_text_value(at, &cell, total);
    row_builder_add(builder, cell);
}

/* Append the image of `text` to `out`. */
static inline void row_text_encode(const char *text, struct buffer *out)
{
    struct row_builder builder = {0};
    row_builder_reset(&builder);
    const char *at = text;
    uint8_t totals[8][8];
    for (uint32_t cells = 0; *at;) {
        if (*at == ' ') {
            at++;
        } else if (*at == 'm') {
            at++;
            row_text_skip(&at, '@');
            builder.marker = (struct marker){.timestamp = row_text_number(&at)};
            if (*at == '~')
                row_text_ttl(&at, &builder.marker.ttl_s, &builder.marker.expiry_s);
        } else if (*at == 'd') {
            at++;
            row_text_skip(&at, '@');
            builder.deletion.timestamp = row_text_number(&at);
            row_text_skip(&at, ':');
            builder.deletion.time_s = row_text_number(&at);
        } else {
            assert_true(cells < ARRAY_LEN(totals));
            row_text_cell(&at, &builder, totals[cells++]);
        }
    }
    assert_ok(row_builder_finish(&builder, out));
    row_builder_deinit(&builder);
}

/* The same back; `out` is terminated. */
static inline void row_text_decode(struct slice image, struct buffer *out)
{
    struct row_reader reader;
    struct cell cell;
    bool more;
    assert_ok(row_open(image, &reader));
    if (reader.marker.timestamp != TIMESTAMP_NONE)
        buffer_printf(out, "m@%lld", (long long)reader.marker.timestamp);
    if (reader.marker.ttl_s)
        buffer_printf(out, "~%d:%lld", reader.marker.ttl_s, (long long)reader.marker.expiry_s);
    if (reader.deletion.timestamp != TIMESTAMP_NONE)
        buffer_printf(out, "%sd@%lld:%lld", out->bytes ? " " : "", (long long)reader.deletion.timestamp,
                      (long long)reader.deletion.time_s);
    for (;;) {
        assert_ok(row_next_cell(&reader, &cell, &more));
        if (!more)
            break;
        buffer_printf(out, "%s%u", out->bytes ? " " : "", cell.column);
        if (cell.kind == CELL_COMPLEX_DELETION)
            buffer_printf(out, "[*]");
        else if (cell.path.bytes)
            buffer_printf(out, "[%.*s]", (int)cell.path.bytes, (const char *)cell.path.data);
        buffer_printf(out, "@%lld", (long long)cell.timestamp);
        if (cell_is_tombstone(&cell)) {
            buffer_printf(out, "!%lld", (long long)cell.expiry_s);
            continue;
        }
        if (cell.kind == CELL_COUNTER) {
            buffer_printf(out, "#%lld", (long long)load_be64(cell.value.data));
            continue;
        }
        if (cell.kind == CELL_EXPIRING)
            buffer_printf(out, "~%d:%lld", cell.ttl_s, (long long)cell.expiry_s);
        buffer_append_u8(out, '=');
        buffer_append_slice(out, cell.value);
    }
    buffer_append_u8(out, 0);
    assert_ok(buffer_status(out));
}

static inline void assert_image_is(struct slice image, const char *expected)
{
    struct buffer text = {0};
    row_text_decode(image, &text);
    assert_string_equal((const char *)text.data, expected);
    buffer_deinit(&text);
}

/* A cell, an element or a complex deletion of any of four columns; the last is of counters now and then. */
static inline struct cell row_random_cell(struct random *rng)
{
    static const char *values[] = {"", "a", "b", "ba"}, *paths[] = {"p", "pp", "q"};
    static const char totals[][9] = {"\0\0\0\0\0\0\0\1", "\0\0\0\0\0\0\0\2"};
    struct cell cell = {
        .column = (uint32_t)random_below(rng, 4),
        .kind = (enum cell_kind)random_below(rng, 3),
        .timestamp = (int64_t)random_below(rng, 4),
    };
    if (random_below(rng, 2))
        cell.path = slice_text(paths[random_below(rng, 3)]);
    else if (cell.column < 3 && random_below(rng, 4) == 0)
        cell.kind = CELL_COMPLEX_DELETION;
    else if (cell.column == 3 && random_below(rng, 2))
        cell.kind = CELL_COUNTER;
    if (!cell_lasts(&cell))
        cell.expiry_s = (int64_t)random_below(rng, 4);
    if (cell.kind == CELL_EXPIRING)
        cell.ttl_s = 1 + (int32_t)random_below(rng, 3);
    if (cell.kind == CELL_COUNTER)
        cell.value = slice_of(totals[random_below(rng, 2)], 8);
    else if (!cell_is_tombstone(&cell))
        cell.value = slice_text(values[random_below(rng, 4)]);
    return cell;
}

/* An image over a few columns, timestamps, times and values, so that ties of every sort are common. */
static inline void row_random(struct random *rng, struct buffer *out)
{
    struct row_builder builder = {0};
    row_builder_reset(&builder);
    if (random_below(rng, 3) == 0) {
        builder.marker.timestamp = (int64_t)random_below(rng, 4);
        if (random_below(rng, 2))
            builder.marker.ttl_s = 1 + (int32_t)random_below(rng, 3);
        builder.marker.expiry_s = builder.marker.ttl_s ? (int64_t)random_below(rng, 4) : 0;
    }
    if (random_below(rng, 4) == 0)
        builder.deletion = (struct deletion){(int64_t)random_below(rng, 4), (int64_t)random_below(rng, 3)};
    for (uint64_t i = random_below(rng, 8); i > 0; i--)
        row_builder_add(&builder, row_random_cell(rng));
    assert_ok(row_builder_finish(&builder, out));
    row_builder_deinit(&builder);
}

/* A fresh seed each run, printed so that a failure can be repeated with STRAIT_SEED. */
static inline struct random random_for(const char *what)
{
    const char *given = getenv("STRAIT_SEED");
    uint64_t seed;
    if (given) {
        seed = strtoull(given, NULL, 0);
    } else {
        uintptr_t place = (uintptr_t)&given; /* address randomization is seed enough */
        seed = (uint64_t)place * 0x9e3779b97f4a7c15u ^ (uint64_t)getpid();
    }
    print_message("%s: STRAIT_SEED=0x%llx\n", what, (unsigned long long)seed);
    return (struct random){seed};
}

#endif
