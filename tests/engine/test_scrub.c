/*
 * Scrub on a disk that loses directory pages: what names the partitions of a table is damaged page by page, and every row
 * comes back; where two pages of a group are gone, their rows are and no others.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/log.h"
#include "io/sim.h"
#include "notation.h"
#include "row/key.h"
#include "sstable/sstable.h"

enum {
    TABLE = 1,
    PARTITIONS = 2600, /* of which some forty pages name about sixty each */
    STEP = 200,
    PAGES_MAX = 200,
    GROUP = 16,
    NAMES_MAX = 20,
};

struct disk {
    struct io_env *env;
    char path[100]; /* of the table's only file */
    uint64_t pages[PAGES_MAX];
    uint32_t page_bytes[PAGES_MAX];
    uint32_t page_count, parity_count;
};

static struct store *open_over(struct io_env *env)
{
    struct store *store;
    struct store_options options = {.folder = "store",
                                    .env = env,
                                    .shards = 1,
                                    .memtable_bytes = 8 << 20,
                                    .log_segment_bytes = 64 << 10,
                                    .cache_bytes = 1 << 20,
                                    .background = STORE_BACKGROUND_MANUAL};
    assert_ok(store_open(&options, &store));
    return store;
}

static void rows_write(struct store *store)
{
    for (unsigned first = 0; first < PARTITIONS; first += STEP) {
        struct buffer text = {0};
        for (unsigned i = first; i < first + STEP; i++)
            buffer_printf(&text, "%sp%u/1 a=value%u @%u", i > first ? "; " : "", i, i * 7919, 100 + i);
        buffer_append_u8(&text, 0);
        assert_ok(apply_text(store, (const char *)text.data, DURABILITY_DURABLE));
        buffer_deinit(&text);
    }
    assert_ok(store_flush(store, TABLE));
}

static void take_name(void *context, const char *name)
{
    struct disk *disk = context;
    assert_int_equal(disk->path[0], 0);
    snprintf(disk->path, sizeof disk->path, "store/table/%s", name);
}

/* The dump knows where everything stands. */
static void pages_find(struct disk *disk)
{
    struct buffer text = {0};
    assert_ok(sstable_dump(disk->env, disk->path, false, &text));
    buffer_append_u8(&text, 0);
    for (char *line = strtok((char *)text.data, "\n"); line; line = strtok(NULL, "\n")) {
        unsigned long long offset;
        unsigned stored;
        const char *bytes = strstr(line, "stored=");
        disk->parity_count += strstr(line, " parity ") != NULL;
        if (!strstr(line, " directory page ") || sscanf(line, "%llu", &offset) != 1 || !bytes ||
            sscanf(bytes, "stored=%u", &stored) != 1)
            continue;
        assert_true(disk->page_count < PAGES_MAX);
        disk->pages[disk->page_count] = offset;
        disk->page_bytes[disk->page_count++] = stored + 24;
    }
    buffer_deinit(&text);
}

/* A store with one file, closed. */
static void disk_make(struct disk *disk, uint64_t seed)
{
    *disk = (struct disk){0};
    assert_ok(io_env_open(IO_BODY_SIM, seed, &disk->env));
    struct store *store = open_over(disk->env);
    struct store_change change = {.kind = STORE_CREATE_TABLE,
                                  .table_id = store_new_table_id(store),
                                  .options = {.gc_grace_s = 864000, .compaction = STORE_COMPACTION_NONE}};
    assert_ok(store_change(store, &change, 1));
    rows_write(store);
    assert_ok(store_close(store));
    assert_ok(io_list(disk->env, "store/table", take_name, disk));
    pages_find(disk);
    assert_true(disk->page_count > GROUP + 2);
    assert_int_equal(disk->parity_count, (disk->page_count + GROUP - 1) / GROUP);
}

static void page_damage(struct disk *disk, uint32_t page)
{
    struct io_file *file;
    uint8_t bytes[100];
    size_t got;
    uint64_t at = disk->pages[page] + disk->page_bytes[page] / 2;
    assert_ok(io_open(disk->env, disk->path, IO_READ | IO_WRITE, &file));
    assert_ok(io_read(file, at, bytes, sizeof bytes, &got));
    for (size_t i = 0; i < got; i++)
        bytes[i] ^= 0x5a;
    assert_ok(io_write(file, at, bytes, got, true));
    io_close(file);
}

static char *all_of(struct store *store)
{
    status st;
    char *text = contents(store, TABLE, &st);
    assert_ok(st);
    return text;
}

static uint64_t rows_of(struct store *store)
{
    struct store_table_stats stats;
    assert_ok(store_table_stats(store, TABLE, &stats));
    return stats.sstable_rows;
}

static void scrub_brings_back_every_row_of_any_damaged_page(void **state)
{
    (void)state;
    struct disk disk;
    disk_make(&disk, 1);
    struct store *store = open_over(disk.env);
    char *expected = all_of(store);
    assert_ok(store_close(store));
    uint32_t page_count = disk.page_count;
    io_env_close(disk.env);
    for (uint32_t page = 0; page < page_count; page++) {
        disk_make(&disk, page);
        page_damage(&disk, page);
        store = open_over(disk.env);
        /* Reads see nothing of it but the count, verification does. */
        char *seen = all_of(store);
        assert_string_equal(seen, expected);
        free(seen);
        struct store_table_stats stats;
        assert_ok(store_table_stats(store, TABLE, &stats));
        assert_true(stats.pages_restored > 0);
        assert_int_equal(store_verify(store, TABLE).code, STATUS_CORRUPT);

        struct store_scrub scrub;
        assert_ok(store_scrub(store, TABLE, &scrub));
        assert_int_equal(scrub.damaged, 1);
        assert_int_equal(scrub.pages_restored, 1);
        assert_int_equal(scrub.pages_lost, 0);
        assert_int_equal(scrub.rows_lost, 0);
        assert_int_equal(scrub.rows_saved, PARTITIONS);
        assert_ok(store_verify(store, TABLE));
        seen = all_of(store);
        assert_string_equal(seen, expected);
        free(seen);
        assert_ok(store_close(store));
        io_env_close(disk.env);
    }
    free(expected);
}

/* Lines of the log that name lost partitions: the sum of the partitions, and the widest range of tokens. */
static struct {
    unsigned lines;
    unsigned long long partitions;
    long long first[NAMES_MAX], last[NAMES_MAX];
} told;

static void log_take(void *context, enum log_level level, const char *text)
{
    unsigned long long file, partitions;
    (void)context;
    (void)level;
    if (sscanf(text, "table file %llu: %llu partitions with tokens %lld to %lld are lost", &file, &partitions,
               &told.first[told.lines], &told.last[told.lines]) != 4)
        return;
    told.lines++;
    told.partitions += partitions;
    assert_true(told.lines < NAMES_MAX);
}

static bool is_told(int64_t token)
{
    for (unsigned i = 0; i < told.lines; i++)
        if (token >= told.first[i] && token <= told.last[i])
            return true;
    return false;
}

static void two_damaged_pages_of_a_group_lose_their_rows_and_no_others(void **state)
{
    (void)state;
    static const uint32_t pairs[][2] = {{0, 1}, {2, 15}, {7, 9}, {GROUP, GROUP + 1}};
    for (size_t i = 0; i < ARRAY_LEN(pairs); i++) {
        struct disk disk;
        struct store_scrub scrub;
        disk_make(&disk, i);
        page_damage(&disk, pairs[i][0]);
        page_damage(&disk, pairs[i][1]);
        struct store *store = open_over(disk.env);
        memset(&told, 0, sizeof told);
        log_set_sink(log_take, NULL);
        assert_ok(store_scrub(store, TABLE, &scrub));
        log_set_sink(NULL, NULL);
        assert_int_equal(scrub.pages_restored, 0);
        assert_int_equal(scrub.pages_lost, 2);
        assert_int_equal(scrub.rows_lost, scrub.partitions_lost); /* one row each */
        assert_int_equal(told.lines, 2);
        assert_int_equal(told.partitions, scrub.partitions_lost);
        assert_int_equal(rows_of(store), PARTITIONS - scrub.rows_lost);
        assert_ok(store_verify(store, TABLE));
        for (unsigned p = 0; p < PARTITIONS; p++) {
            char name[16];
            snprintf(name, sizeof name, "p%u", p);
            struct partition_key key = partition_key_of(slice_text(name));
            struct store_read read = {.table_id = TABLE};
            struct cursor *cursor;
            assert_ok(store_cursor_open_one(store, &read, key, NULL, &cursor));
            assert_int_equal(cursor == NULL, is_told(key.token));
            cursor_close(cursor);
        }
        assert_ok(store_close(store));
        io_env_close(disk.env);
    }
}

/* The table is dropped at some operation of its scrub. */
static struct {
    struct store *store;
    unsigned operations, drop_at; /* counted from the beginning of the scrub; 0: never */
    bool installs;                /* its work is done, and is made durable: others wait */
    enum store_change_kind kind;
} meanwhile;

static void drop_meanwhile(void *context, const char *line)
{
    struct store_change change = {.kind = meanwhile.kind, .table_id = TABLE};
    (void)context;
    meanwhile.installs |= strstr(line, "lost") != NULL;
    if (!meanwhile.installs && ++meanwhile.operations == meanwhile.drop_at)
        assert_ok(store_change(meanwhile.store, &change, 1));
}

static void what_is_gone_before_its_scrub_ends_counts_for_nothing(void **state)
{
    (void)state;
    static const enum store_change_kind kinds[] = {STORE_TRUNCATE_TABLE, STORE_DROP_TABLE};
    struct disk disk;
    struct store_scrub scrub;
    unsigned operations = 2, overtaken = 0;
    for (unsigned at = 0; at < operations; at++) {
        disk_make(&disk, 1);
        page_damage(&disk, 3);
        struct store *store = open_over(disk.env);
        meanwhile.store = store;
        meanwhile.operations = 0;
        meanwhile.installs = false;
        meanwhile.drop_at = at;
        meanwhile.kind = kinds[at % ARRAY_LEN(kinds)];
        sim_observe(disk.env, drop_meanwhile, NULL);
        status st = store_scrub(store, TABLE, &scrub);
        sim_observe(disk.env, NULL, NULL);
        assert_ok(st);
        if (at == 0) {
            assert_int_equal(scrub.damaged, 1);
            operations = meanwhile.operations;
        } else {
            overtaken += scrub.damaged == 0;
            assert_int_equal(scrub.rows_saved, scrub.damaged ? PARTITIONS : 0);
        }
        assert_ok(store_close(store));
        io_env_close(disk.env);
    }
    assert_true(overtaken > operations / 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scrub_brings_back_every_row_of_any_damaged_page),
        cmocka_unit_test(two_damaged_pages_of_a_group_lose_their_rows_and_no_others),
        cmocka_unit_test(what_is_gone_before_its_scrub_ends_counts_for_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
