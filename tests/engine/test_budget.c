/*
 * What a store takes of the machine while it is loaded, against what its options promise: memtables, cache, and what its jobs
 * need beside these.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/random.h"
#include "notation.h"

enum {
    TABLE = 1,
    ROWS = 350000, /* of 184 bytes: many times the budget */
    BATCH = 100,
    CHANNELS = 500,
    MIB = 1 << 20,
    MEMTABLES = 12 * MIB,
    CACHE = 24 * MIB,
    /* Of two workers with a flush and two compactions each: dictionaries and what they are learnt from, a megabyte to read each
     * file that is merged, buffers to write; and what the C library keeps of it once it is freed. */
    BESIDE = 64 * MIB,
};

/* A sanitizer's own memory says nothing about ours. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SEES_MEMORY false
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SEES_MEMORY false
#endif
#endif
#ifndef SEES_MEMORY
#define SEES_MEMORY true
#endif

/* A line of /proc/self/status in bytes; 0 when the system does not tell. */
static uint64_t process_bytes(const char *name)
{
    FILE *file = fopen("/proc/self/status", "r");
    char line[200];
    unsigned long long kib = 0;
    while (file && fgets(line, sizeof line, file))
        if (strncmp(line, name, strlen(name)) == 0)
            sscanf(line + strlen(name), ": %llu", &kib);
    if (file)
        fclose(file);
    return (uint64_t)kib << 10;
}

/* Only from here on counts what was the most; false where the system does not do that. */
static bool peak_begin(void)
{
    FILE *file = fopen("/proc/self/clear_refs", "w");
    bool done = file && fputs("5", file) >= 0;
    if (file)
        done &= fclose(file) == 0;
    return done;
}

static void text_append(struct buffer *out, struct random *rng, size_t bytes)
{
    static const char *const words[] = {"the ",     "quick ", "answer ", "to ",     "whatever ",
                                        "message ", "came ",  "before ", "it ",     "was ",
                                        "never ",   "said ",  "again ",  "however "};
    size_t end = out->bytes + bytes;
    while (out->bytes < end) {
        const char *word = words[random_below(rng, ARRAY_LEN(words))];
        buffer_append(out, word, strlen(word));
        buffer_append_u8(out, (uint8_t)('a' + random_below(rng, 26)));
    }
}

static void row_add(struct batch *batch, struct random *rng, unsigned number)
{
    struct row_builder builder = {0};
    struct buffer key = {0}, value = {0}, image = {0};
    char channel[16];
    snprintf(channel, sizeof channel, "channel-%u", (unsigned)random_below(rng, CHANNELS));
    row_key(&key, number);
    text_append(&value, rng, 60 + (size_t)random_below(rng, 150));
    row_builder_reset(&builder);
    builder.marker = (struct marker){.timestamp = 1000 + number};
    row_builder_add(
        &builder,
        (struct cell){.kind = CELL_LIVE, .timestamp = 1000 + number, .value = buffer_slice(&value)});
    assert_ok(row_builder_finish(&builder, &image));
    batch_begin(batch, TABLE, text_key(channel));
    batch_row(batch, buffer_slice(&key), buffer_slice(&image));
    batch_end(batch);
    row_builder_deinit(&builder);
    buffer_deinit(&key);
    buffer_deinit(&value);
    buffer_deinit(&image);
}

static void load(struct store *store, struct store_stats *out_most)
{
    struct random rng = {1};
    *out_most = (struct store_stats){0};
    for (unsigned row = 0; row < ROWS; row += BATCH) {
        struct batch batch = {0};
        struct store_stats stats;
        for (unsigned i = 0; i < BATCH; i++)
            row_add(&batch, &rng, row + i);
        assert_ok(store_apply(store, &batch, DURABILITY_PERIODIC));
        batch_deinit(&batch);
        store_stats(store, &stats);
        if (stats.memtable_bytes > out_most->memtable_bytes)
            out_most->memtable_bytes = stats.memtable_bytes;
        if (stats.cache_bytes + stats.retained_bytes > out_most->cache_bytes)
            out_most->cache_bytes = stats.cache_bytes + stats.retained_bytes;
    }
}

static void a_load_takes_what_the_options_say(void **state)
{
    (void)state;
    char folder[] = "/var/tmp/strait-budget-XXXXXX", command[100];
    assert_non_null(mkdtemp(folder));
    struct store *store;
    struct store_stats most;
    struct store_options options = {
        .folder = folder, .memtable_bytes = MEMTABLES, .cache_bytes = CACHE, .shards = 2, .workers = 2};
    uint64_t before = process_bytes("VmRSS");
    bool told = peak_begin() && before;
    assert_ok(store_open(&options, &store));
    make_table(store, TABLE, 864000);
    load(store, &most);
    uint64_t loaded = process_bytes("VmHWM");
    assert_ok(store_flush(store, 0));
    assert_ok(store_settle(store));
    uint64_t peak = process_bytes("VmHWM"), after = process_bytes("VmRSS");
    assert_ok(store_close(store));
    snprintf(command, sizeof command, "rm -r %s", folder);
    assert_int_equal(system(command), 0);
    /* What was admitted before writers were held back; and half the budget may lie ready for memtables to come. */
    assert_in_range(most.memtable_bytes, 1, 2 * MEMTABLES + MIB);
    /* Blocks give way before a memtable stands in for its table. */
    assert_in_range(most.cache_bytes, 1, CACHE);
    if (!told || !SEES_MEMORY)
        return;
    assert_in_range(loaded - before, MEMTABLES, MEMTABLES / 2 * 3 + CACHE + BESIDE);
    assert_in_range(peak - before, MEMTABLES, MEMTABLES / 2 * 3 + CACHE + BESIDE);
    assert_in_range(after - before, 0, MEMTABLES / 2 * 3 + CACHE + BESIDE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_load_takes_what_the_options_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
