/* Values that go from file to file under one dictionary take their codes along, and say the same there. */
#include "model.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "row/row.h"
#include "sstable/content_hash.h"
#include "sstable/dictionary_shelf_internal.h"
#include "sstable/rows_internal.h"

/* A sanitizer has an allocator of its own, and other C libraries do not name theirs so. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || !defined(__GLIBC__)
#define INTERPOSED 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define INTERPOSED 0
#endif
#endif
#ifndef INTERPOSED
#define INTERPOSED 1
#endif

static struct model model;

/* A few words that come again, now and then something that no table of tokens knows. */
static struct slice text_random(struct random *rng)
{
    static const char *const words[] = {"partition ", "clustering ", "timestamp ", "tombstone ",
                                        "\xff\xfe\x01"};
    char text[400];
    size_t bytes = 0;
    for (uint64_t w = random_below(rng, 12); w > 0; w--) {
        const char *word = words[random_below(rng, 40) ? random_below(rng, 4) : 4];
        memcpy(text + bytes, word, strlen(word));
        bytes += strlen(word);
    }
    return arena_copy(&model.arena, slice_of(text, bytes));
}

/* Cells in some of `columns` columns; column 3 is a collection of several elements. */
static struct slice row_random(struct random *rng, uint32_t columns)
{
    struct row_builder row = {0};
    struct buffer image = {0};
    row_builder_reset(&row);
    row.marker = (struct marker){.timestamp = 1000};
    for (uint32_t column = 0; column < columns; column++) {
        uint64_t elements = column == 3 ? random_below(rng, 4) : 1;
        for (uint64_t i = 0; i < elements && random_below(rng, 4); i++) {
            const uint8_t path[2] = {'p', (uint8_t)i};
            row_builder_add(&row,
                            (struct cell){.column = column,
                                          .kind = random_below(rng, 9) ? CELL_LIVE : CELL_DEAD,
                                          .timestamp = 1000 + (int64_t)random_below(rng, 2),
                                          .path = column == 3 ? arena_copy(&model.arena, slice_of(path, 2))
                                                              : (struct slice){0},
                                          .value = text_random(rng)});
        }
    }
    assert_ok(row_builder_finish(&row, &image));
    struct slice kept = arena_copy(&model.arena, buffer_slice(&image));
    row_builder_deinit(&row);
    buffer_deinit(&image);
    return kept;
}

static void model_fill(struct random *rng, uint32_t rows, uint32_t columns)
{
    model_numbered(&model, "codes", rows, 1);
    for (uint32_t i = 0; i < rows; i++)
        model.partitions[0].rows[i].image = row_random(rng, columns);
}

/* Row by row into a file of the same dictionary, or of another; returns how many brought codes along. */
static uint64_t copy_rows(struct sstable *from, struct sstable_dictionary *dictionary, const char *path,
                          uint32_t plain_one_in)
{
    struct sstable_build_options options = model_options(model_env, path);
    struct sstable_builder *builder;
    struct sstable_info info;
    struct cursor *cursor;
    uint64_t coded = 0;
    options.file_number++;
    options.dictionary = dictionary;
    options.dictionary_after_bytes = UINT32_MAX;
    options.block_bytes = 3000;
    assert_ok(sstable_builder_open(&options, &builder));
    assert_ok(sstable_cursor_open(from, false, &cursor));
    sstable_cursor_keep_codes(cursor);
    assert_ok(cursor_next_partition(cursor));
    assert_ok(sstable_builder_begin_partition(builder, &cursor->partition));
    for (uint32_t i = 0;; i++) {
        bool has = false;
        assert_ok(cursor_next(cursor));
        if (!cursor->on_row)
            break;
        struct cursor *source = plain_one_in && i % plain_one_in == 0 ? NULL : cursor;
        uint64_t hash = content_hash_row(content_hash_key(cursor->partition.key.bytes),
                                         cursor->row.clustering, cursor->row.image);
        assert_ok(sstable_builder_add_row_of(builder, source, cursor->row.clustering, cursor->row.image, hash,
                                             &has));
        coded += has;
    }
    cursor_close(cursor);
    assert_ok(sstable_builder_end_partition(builder));
    assert_ok(sstable_builder_finish(builder, &info));
    return coded;
}

static void expect_same(const char *path)
{
    struct sstable *table;
    struct cursor *cursor;
    assert_ok(sstable_open(model_env, path, MODEL_STORE_ID, NULL, &table));
    assert_ok(sstable_verify(table));
    assert_ok(sstable_cursor_open(table, false, &cursor));
    model_expect_scan(&model, cursor);
    cursor_close(cursor);
    sstable_unref(table);
    assert_ok(io_unlink(model_env, path));
}

static void codes_say_the_same_in_another_file(void **state)
{
    (void)state;
    static const uint32_t columns[] = {1, 4, 16, 20};
    struct random rng = {11};
    for (uint32_t i = 0; i < ARRAY_LEN(columns); i++) {
        struct sstable_build_options options = model_options(model_env, "/t/from");
        struct sstable_info info;
        struct sstable *from;
        struct sstable_dictionary *dictionary;
        struct block_cache *cache;
        options.dictionary_after_bytes = 600 << 10;
        model_fill(&rng, (16000 + 16000 / columns[i]) / (columns[i] + 1) * 2, columns[i]);
        assert_ok(model_build(&model, &options, &info));
        assert_ok(block_cache_new(1 << 20, &cache));
        assert_ok(sstable_open(model_env, "/t/from", MODEL_STORE_ID, cache, &from));
        assert_ok(sstable_dictionary_get(from, &dictionary));
        assert_non_null(dictionary);
        for (uint32_t plain = 0; plain <= 5; plain += 5) {
            uint64_t coded = copy_rows(from, dictionary, "/t/to", plain);
            assert_int_equal(coded, plain ? model.row_count - (model.row_count + plain - 1) / plain
                                          : model.row_count);
            expect_same("/t/to");
        }
        assert_int_equal(copy_rows(from, NULL, "/t/to", 0), 0);
        expect_same("/t/to");
        sstable_dictionary_unref(dictionary);
        sstable_unref(from);
        block_cache_free(cache);
        assert_ok(io_unlink(model_env, "/t/from"));
        model_deinit(&model);
    }
}

/* ---- the shelf ---- */

static void stage_fill(struct builder_stage *stage, uint32_t rows)
{
    for (uint32_t i = 0; i < rows; i++)
        builder_stage_row(stage, model.partitions[0].rows[i].clustering, model.partitions[0].rows[i].image,
                          0);
}

static void what_one_has_learnt_serves_the_others_until_it_is_outgrown(void **state)
{
    (void)state;
    struct random rng = {12};
    struct builder_stage few = {0}, some = {0}, many = {0};
    struct dictionary_shelf *shelf;
    struct dictionary_shelf_stats stats;
    struct sstable_dictionary *first, *again, *larger, *other, *fresh;
    model_fill(&rng, 9000, 4);
    stage_fill(&few, 3000);
    stage_fill(&some, 3500);
    stage_fill(&many, 9000);
    assert_ok(dictionary_shelf_new(&shelf));
    assert_ok(dictionary_shelf_learn(shelf, 5, &few, &first));
    assert_non_null(first);
    assert_ok(dictionary_shelf_learn(shelf, 5, &some, &again));
    assert_ptr_equal(again, first);
    assert_ok(dictionary_shelf_learn(shelf, 6, &some, &other));
    assert_ptr_not_equal(other, first);
    assert_ok(dictionary_shelf_learn(shelf, 5, &many, &larger));
    assert_ptr_not_equal(larger, first);
    dictionary_shelf_stats(shelf, &stats);
    assert_int_equal(stats.learnt, 3);
    assert_int_equal(stats.shared, 1);
    /* A file's own dictionary gives way to one that was learnt from much more, and only to such a one. */
    assert_ptr_equal(dictionary_shelf_prefer(shelf, 5, sstable_dictionary_ref(first)), larger);
    sstable_dictionary_unref(larger);
    assert_ptr_equal(dictionary_shelf_prefer(shelf, 6, sstable_dictionary_ref(other)), other);
    sstable_dictionary_unref(other);
    assert_null(dictionary_shelf_prefer(shelf, 5, NULL));
    /* Forgotten only by its own name. */
    dictionary_shelf_forget(shelf, 5, first->id);
    assert_ok(dictionary_shelf_learn(shelf, 5, &few, &fresh));
    assert_ptr_equal(fresh, larger);
    sstable_dictionary_unref(fresh);
    dictionary_shelf_forget(shelf, 5, larger->id);
    assert_ok(dictionary_shelf_learn(shelf, 5, &few, &fresh));
    assert_ptr_not_equal(fresh, larger);
    struct sstable_dictionary *const all[] = {first, again, larger, other, fresh};
    for (uint32_t i = 0; i < ARRAY_LEN(all); i++)
        sstable_dictionary_unref(all[i]);
    dictionary_shelf_free(shelf);
    builder_stage_deinit(&few);
    builder_stage_deinit(&some);
    builder_stage_deinit(&many);
    model_deinit(&model);
}

struct learner {
    pthread_t thread;
    struct dictionary_shelf *shelf;
    const struct builder_stage *stage;
    struct sstable_dictionary *dictionary;
    status st;
};

static void *learn(void *context)
{
    struct learner *learner = context;
    learner->st = dictionary_shelf_learn(learner->shelf, 7, learner->stage, &learner->dictionary);
    return NULL;
}

static void one_learns_for_all_who_come_meanwhile(void **state)
{
    (void)state;
    struct random rng = {13};
    struct builder_stage stage = {0};
    struct dictionary_shelf *shelf;
    struct dictionary_shelf_stats stats;
    struct learner learners[4];
    model_fill(&rng, 3000, 4);
    stage_fill(&stage, 3000);
    assert_ok(dictionary_shelf_new(&shelf));
    for (uint32_t i = 0; i < ARRAY_LEN(learners); i++) {
        learners[i] = (struct learner){.shelf = shelf, .stage = &stage};
        assert_int_equal(pthread_create(&learners[i].thread, NULL, learn, &learners[i]), 0);
    }
    for (uint32_t i = 0; i < ARRAY_LEN(learners); i++) {
        assert_int_equal(pthread_join(learners[i].thread, NULL), 0);
        assert_ok(learners[i].st);
        assert_non_null(learners[i].dictionary);
        assert_ptr_equal(learners[i].dictionary, learners[0].dictionary);
    }
    for (uint32_t i = 0; i < ARRAY_LEN(learners); i++)
        sstable_dictionary_unref(learners[i].dictionary);
    dictionary_shelf_stats(shelf, &stats);
    assert_int_equal(stats.learnt, 1);
    assert_int_equal(stats.shared, ARRAY_LEN(learners) - 1);
    dictionary_shelf_free(shelf);
    builder_stage_deinit(&stage);
    model_deinit(&model);
}

/* A few random bytes for each row: nothing that a dictionary would be good for. */
static void nothing_in_common(struct random *rng, struct builder_stage *stage, uint32_t rows)
{
    model_numbered(&model, "noise", rows, 1);
    for (uint32_t i = 0; i < rows; i++) {
        struct row_builder row = {0};
        struct buffer image = {0};
        uint8_t noise[64];
        for (uint32_t at = 0; at < sizeof noise; at += 8)
            store_le64(noise + at, random_next(rng));
        row_builder_reset(&row);
        row.marker = (struct marker){.timestamp = (int64_t)(random_next(rng) >> 8)};
        row_builder_add(&row, (struct cell){.kind = CELL_LIVE,
                                            .timestamp = row.marker.timestamp,
                                            .value = slice_of(noise, sizeof noise)});
        assert_ok(row_builder_finish(&row, &image));
        builder_stage_row(stage, model.partitions[0].rows[i].clustering, buffer_slice(&image), 0);
        row_builder_deinit(&row);
        buffer_deinit(&image);
    }
}

/*
 * Where learning begins: it takes memory. A learner that is told to meet others waits there until so many are learning, for
 * some seconds at most.
 */
static struct {
    atomic_uint learning; /* that have been told to meet */
    atomic_uint met;      /* of them, those that saw enough others */
} meeting;

static _Thread_local unsigned meets; /* so many; 0: not told to */
static _Thread_local unsigned waits_ms;

static void pause_ms(unsigned ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000}, NULL);
}

#if INTERPOSED
void *__libc_calloc(size_t count, size_t bytes);

static void learning_begins(void)
{
    enum { PATIENCE_MS = 4000 };
    unsigned others = meets, ms = waits_ms;
    meets = waits_ms = 0;
    pause_ms(ms);
    if (!others)
        return;
    atomic_fetch_add(&meeting.learning, 1);
    for (ms = 0; ms < PATIENCE_MS && atomic_load(&meeting.learning) < others; ms++)
        pause_ms(1);
    atomic_fetch_add(&meeting.met, atomic_load(&meeting.learning) >= others);
}

void *calloc(size_t count, size_t bytes)
{
    if (meets || waits_ms)
        learning_begins();
    return __libc_calloc(count, bytes);
}
#endif

static void *learn_with_others(void *context)
{
    meets = 2;
    return learn(context);
}

static void *learn_slowly(void *context)
{
    waits_ms = 500;
    return learn(context);
}

/* The first learns long enough for the others to come, and nothing comes of it. */
static void who_waited_in_vain_learns_beside_the_others(void **state)
{
    (void)state;
    struct random rng = {14};
    struct builder_stage stage = {0};
    struct dictionary_shelf *shelf;
    struct learner learners[3];
    if (!INTERPOSED)
        skip();
    nothing_in_common(&rng, &stage, 3000);
    assert_ok(dictionary_shelf_new(&shelf));
    for (uint32_t i = 0; i < ARRAY_LEN(learners); i++) {
        learners[i] = (struct learner){.shelf = shelf, .stage = &stage};
        assert_int_equal(
            pthread_create(&learners[i].thread, NULL, i ? learn_with_others : learn_slowly, &learners[i]), 0);
        pause_ms(i ? 0 : 100);
    }
    for (uint32_t i = 0; i < ARRAY_LEN(learners); i++) {
        assert_int_equal(pthread_join(learners[i].thread, NULL), 0);
        assert_ok(learners[i].st);
        assert_null(learners[i].dictionary);
    }
    assert_int_equal(atomic_load(&meeting.met), 2);
    dictionary_shelf_free(shelf);
    builder_stage_deinit(&stage);
    model_deinit(&model);
}

/* ---- tables that are kept ---- */

/* Column 0: words, as everywhere here. Column 1: one of `members` ids of 16 bytes. */
static void members_fill(struct random *rng, uint32_t rows, uint32_t members)
{
    model_numbered(&model, "members", rows, 1);
    for (uint32_t i = 0; i < rows; i++) {
        struct row_builder row = {0};
        struct buffer image = {0};
        uint8_t id[16] = {0};
        store_le64(id, random_below(rng, members) * 0x9e3779b97f4a7c15ULL);
        row_builder_reset(&row);
        row.marker = (struct marker){.timestamp = 1000};
        row_builder_add(&row, (struct cell){.kind = CELL_LIVE, .timestamp = 1000, .value = text_random(rng)});
        row_builder_add(
            &row, (struct cell){
                      .column = 1, .kind = CELL_LIVE, .timestamp = 1000, .value = slice_of(id, sizeof id)});
        assert_ok(row_builder_finish(&row, &image));
        model.partitions[0].rows[i].image = arena_copy(&model.arena, buffer_slice(&image));
        row_builder_deinit(&row);
        buffer_deinit(&image);
    }
}

/* Of the two columns of two dictionaries: which have the same table, a bit each. */
static uint32_t tables_alike(const struct sstable_dictionary *a, const struct sstable_dictionary *b)
{
    uint32_t alike = 0;
    for (uint32_t i = 0; i < a->column_count; i++) {
        const struct tokens *other = dictionary_tokens(b, a->columns[i].place);
        bool is_second = a->columns[i].place > a->columns[a->column_count - 1 - i].place;
        alike |= (uint32_t)(other && other->id == a->columns[i].tokens.id) << is_second;
    }
    return alike;
}

/* Learn from some of the rows, then again from more of them. */
static void learn_twice(uint32_t few, uint32_t many, struct sstable_dictionary **out_first,
                        struct sstable_dictionary **out_second)
{
    struct builder_stage stage = {0};
    stage_fill(&stage, few);
    assert_ok(builder_stage_learn(&stage, NULL, out_first));
    builder_stage_deinit(&stage);
    stage_fill(&stage, many);
    assert_ok(builder_stage_learn(&stage, *out_first, out_second));
    builder_stage_deinit(&stage);
    assert_int_equal((*out_first)->column_count, 2);
    assert_int_equal((*out_second)->column_count, 2);
}

static void codes_of_a_table_that_is_kept_pass_between_dictionaries(void **state)
{
    (void)state;
    enum { ROWS = 14000, FEW = 10800 };
    struct random rng = {14};
    struct sstable_dictionary *first, *second;
    struct sstable_build_options options = model_options(model_env, "/t/from");
    struct sstable_info info;
    struct sstable *from;
    members_fill(&rng, ROWS, 1000);
    /* The last rows bring ids that nobody knows yet, so the table of ids must change; that of words need not. */
    for (uint32_t i = FEW; i < ROWS; i++) {
        uint8_t *image = (uint8_t *)(uintptr_t)model.partitions[0].rows[i].image.data;
        image[model.partitions[0].rows[i].image.bytes - 1] = 7;
    }
    learn_twice(FEW, ROWS, &first, &second);
    assert_int_equal(tables_alike(first, second), 1);
    options.dictionary = first;
    options.dictionary_after_bytes = UINT32_MAX;
    assert_ok(model_build(&model, &options, &info));
    assert_ok(sstable_open(model_env, "/t/from", MODEL_STORE_ID, NULL, &from));
    assert_int_equal(copy_rows(from, second, "/t/to", 3), model.row_count - (model.row_count + 2) / 3);
    expect_same("/t/to");
    sstable_unref(from);
    assert_ok(io_unlink(model_env, "/t/from"));
    sstable_dictionary_unref(first);
    sstable_dictionary_unref(second);
    model_deinit(&model);
}

static void a_table_learnt_from_much_less_is_learnt_again(void **state)
{
    (void)state;
    struct random rng = {15};
    struct sstable_dictionary *first, *second;
    members_fill(&rng, 14000, 1000);
    learn_twice(7000, 14000, &first, &second);
    assert_int_equal(tables_alike(first, second), 0);
    sstable_dictionary_unref(first);
    sstable_dictionary_unref(second);
    model_deinit(&model);
}

/* The rule by which a compaction learns anew: three times what was learnt from, unless that was near a full sample. */
static void a_dictionary_is_outgrown_by_three_times_its_sample(void **state)
{
    (void)state;
    static const struct {
        uint32_t learnt_mib;
        uint64_t raw_mib;
        bool outgrown;
    } cases[] = {
        {1, 3, false},   {1, 4, true},   {8, 24, false},    {8, 25, true},
        {23, 69, false}, {23, 70, true}, {24, 1000, false}, {32, 100000, false},
    };
    for (uint32_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct sstable_dictionary dictionary = {.learnt_kib = cases[i].learnt_mib * 1024};
        assert_int_equal(sstable_dictionary_is_outgrown(&dictionary, cases[i].raw_mib << 20),
                         cases[i].outgrown);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(codes_say_the_same_in_another_file),
        cmocka_unit_test(codes_of_a_table_that_is_kept_pass_between_dictionaries),
        cmocka_unit_test(a_table_learnt_from_much_less_is_learnt_again),
        cmocka_unit_test(what_one_has_learnt_serves_the_others_until_it_is_outgrown),
        cmocka_unit_test(one_learns_for_all_who_come_meanwhile),
        cmocka_unit_test(who_waited_in_vain_learns_beside_the_others),
        cmocka_unit_test(a_dictionary_is_outgrown_by_three_times_its_sample),
    };
    return cmocka_run_group_tests(tests, model_env_open, model_env_close);
}
