#include "notation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "row/row.h"

enum {
    WORDS_MAX = 64,
    PATH_BYTES = 256,
};

/* One word, taken apart. */
struct word {
    struct partition_key key;
    enum { WORD_ROW, WORD_STATIC, WORD_RANGE, WORD_PARTITION } kind;
    struct slice clustering, end; /* `end` of a range */
    int64_t timestamp;
    bool dead;
    struct slice value;
    int64_t expiry_s; /* 0: none */
};

static struct word word_parse(const char *text, size_t bytes)
{
    struct word word = {0};
    const char *at = memchr(text, '@', bytes), *end = text + bytes;
    const char *slash = memchr(text, '/', bytes);
    assert_non_null(at);
    if (slash && slash > at)
        slash = NULL;
    word.key = partition_key_of(slice_of(text, (size_t)((slash ? slash : at) - text)));
    if (!slash) {
        word.kind = WORD_PARTITION;
    } else if (slash[1] == '#') {
        word.kind = WORD_STATIC;
    } else if (slash[1] == '[') {
        const char *comma = memchr(slash, ',', (size_t)(at - slash));
        assert_non_null(comma);
        word.kind = WORD_RANGE;
        word.clustering = slice_of(slash + 2, (size_t)(comma - slash - 2));
        word.end = slice_of(comma + 1, (size_t)(at - comma - 2));
    } else {
        word.clustering = slice_of(slash + 1, (size_t)(at - slash - 1));
    }
    char *after;
    word.timestamp = strtoll(at + 1, &after, 10);
    word.dead = *after == '!';
    if (!word.dead) {
        const char *tilde = memchr(after, '~', (size_t)(end - after));
        word.value = slice_of(after + 1, (size_t)((tilde ? tilde : end) - after - 1));
        word.expiry_s = tilde ? strtoll(tilde + 1, NULL, 10) : 0;
    }
    return word;
}

static int by_place(const void *a, const void *b)
{
    const struct word *x = a, *y = b;
    int order = partition_key_compare(x->key, y->key);
    return order ? order : slice_compare(x->clustering, y->clustering);
}

static struct deletion deletion_of(const struct word *word)
{
    return (struct deletion){.timestamp = word->timestamp, .time_s = word->timestamp};
}

static void image_of(const struct word *word, struct buffer *out)
{
    struct row_builder row = {0};
    row_builder_reset(&row);
    if (word->dead) {
        row.deletion = deletion_of(word);
    } else {
        int32_t ttl_s = word->expiry_s ? 10 : 0;
        row.marker =
            (struct marker){.timestamp = word->timestamp, .ttl_s = ttl_s, .expiry_s = word->expiry_s};
        row_builder_add(&row, (struct cell){.column = 1,
                                            .kind = ttl_s ? CELL_EXPIRING : CELL_LIVE,
                                            .timestamp = word->timestamp,
                                            .ttl_s = ttl_s,
                                            .expiry_s = word->expiry_s,
                                            .value = word->value});
    }
    buffer_clear(out);
    assert_ok(row_builder_finish(&row, out));
    row_builder_deinit(&row);
}

/* Feed the words of one partition; they are sorted by clustering key. */
static void partition_feed(struct sstable_builder *builder, const struct word *words, uint32_t count)
{
    struct range_tombstone pieces[WORDS_MAX];
    uint32_t piece_count = 0;
    struct arena arena = {0};
    struct buffer static_image = {0}, image = {0};
    struct partition_view view = {.key = words[0].key, .deletion = DELETION_NONE};
    for (uint32_t i = 0; i < count; i++) {
        const struct word *word = &words[i];
        if (word->kind == WORD_PARTITION)
            view.deletion = deletion_of(word);
        if (word->kind == WORD_STATIC)
            image_of(word, &static_image);
        if (word->kind == WORD_RANGE)
            pieces[piece_count++] = (struct range_tombstone){word->clustering, word->end, deletion_of(word)};
    }
    view.static_image = buffer_slice(&static_image);
    assert_ok(range_list_build(&arena, pieces, piece_count, &view.ranges));
    assert_ok(sstable_builder_begin_partition(builder, &view));
    for (uint32_t i = 0; i < count; i++) {
        if (words[i].kind != WORD_ROW)
            continue;
        image_of(&words[i], &image);
        assert_ok(sstable_builder_add_row(builder, words[i].clustering, buffer_slice(&image)));
    }
    assert_ok(sstable_builder_end_partition(builder));
    arena_deinit(&arena);
    buffer_deinit(&static_image);
    buffer_deinit(&image);
}

static void path_of(const char *folder, uint64_t file_number, char *out)
{
    char name[64];
    compaction_table_name(file_number, name);
    snprintf(out, PATH_BYTES, "%s/%s", folder, name);
}

struct cursor *table_of(struct io_env *env, const char *folder, uint64_t file_number, const char *text)
{
    char path[PATH_BYTES];
    struct word words[WORDS_MAX];
    uint32_t count = 0;
    struct sstable_builder *builder;
    struct sstable_info info;
    struct sstable *table;
    struct cursor *cursor;
    path_of(folder, file_number, path);
    while (*text) {
        size_t bytes = strcspn(text, " ");
        assert_true(count < WORDS_MAX);
        words[count++] = word_parse(text, bytes);
        text += bytes + (text[bytes] == ' ');
    }
    qsort(words, count, sizeof *words, by_place);
    struct sstable_build_options options = {
        .env = env, .path = path, .store_id = NOTATION_STORE_ID, .file_number = file_number};
    assert_ok(sstable_builder_open(&options, &builder));
    for (uint32_t start = 0, end; start < count; start = end) {
        for (end = start + 1; end < count && partition_key_compare(words[end].key, words[start].key) == 0;
             end++) {
        }
        partition_feed(builder, words + start, end - start);
    }
    assert_ok(sstable_builder_finish(builder, &info));
    assert_ok(sstable_open(env, path, NOTATION_STORE_ID, NULL, &table));
    assert_ok(sstable_cursor_open(table, false, &cursor));
    sstable_unref(table);
    return cursor;
}

static void deletion_show(struct buffer *out, struct deletion deletion)
{
    buffer_printf(out, "@%lld! ", (long long)deletion.timestamp);
}

static void image_show(struct buffer *out, struct slice key, struct slice clustering, struct slice image)
{
    struct row_reader row;
    struct cell cell;
    bool more;
    assert_ok(row_open(image, &row));
    if (row.deletion.timestamp != TIMESTAMP_NONE) {
        buffer_printf(out, "%.*s/%.*s", (int)key.bytes, key.data, (int)clustering.bytes, clustering.data);
        deletion_show(out, row.deletion);
    }
    for (;;) {
        assert_ok(row_next_cell(&row, &cell, &more));
        if (!more)
            return;
        buffer_printf(out, "%.*s/%.*s@%lld", (int)key.bytes, key.data, (int)clustering.bytes, clustering.data,
                      (long long)cell.timestamp);
        if (cell.kind == CELL_DEAD)
            buffer_printf(out, "=dead ");
        else
            buffer_printf(out, "=%.*s ", (int)cell.value.bytes, cell.value.data);
    }
}

void table_show(struct io_env *env, const char *folder, uint64_t file_number, struct buffer *out)
{
    char path[PATH_BYTES];
    struct sstable *table;
    struct cursor *cursor;
    path_of(folder, file_number, path);
    assert_ok(sstable_open(env, path, NOTATION_STORE_ID, NULL, &table));
    assert_ok(sstable_cursor_open(table, false, &cursor));
    sstable_unref(table);
    for (;;) {
        assert_ok(cursor_next_partition(cursor));
        if (!cursor->on_partition)
            break;
        const struct partition_view *view = &cursor->partition;
        struct slice key = view->key.bytes;
        if (view->deletion.timestamp != TIMESTAMP_NONE) {
            buffer_append_slice(out, key);
            deletion_show(out, view->deletion);
        }
        if (view->static_image.bytes)
            image_show(out, key, slice_text("#"), view->static_image);
        for (uint32_t i = 0; i < view->ranges.count; i++) {
            const struct range_tombstone *range = &view->ranges.items[i];
            buffer_printf(out, "%.*s/[%.*s,%.*s)", (int)key.bytes, key.data, (int)range->start.bytes,
                          range->start.data, (int)range->end.bytes, range->end.data);
            deletion_show(out, range->deletion);
        }
        for (;;) {
            assert_ok(cursor_next(cursor));
            if (!cursor->on_row)
                break;
            image_show(out, key, cursor->row.clustering, cursor->row.image);
        }
    }
    cursor_close(cursor);
}
