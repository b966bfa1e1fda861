/* Closing and opening again, and everything that can be wrong with a folder in between. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "commitlog/commitlog.h"
#include "io/sim.h"
#include "notation.h"

#define FOLDER "store"

struct world {
    struct io_env *env;
    struct store *store;
    struct store_options options;
};

static int world_open(void **state)
{
    struct world *world = calloc(1, sizeof *world);
    assert_ok(io_env_open(IO_BODY_SIM, 7, &world->env));
    world->options = (struct store_options){.folder = FOLDER,
                                            .env = world->env,
                                            .shards = 2,
                                            .log_segment_bytes = 64 << 10,
                                            .background = STORE_BACKGROUND_MANUAL};
    assert_ok(store_open(&world->options, &world->store));
    make_table(world->store, 1, 864000);
    *state = world;
    return 0;
}

static int world_close(void **state)
{
    struct world *world = *state;
    assert_ok(store_close(world->store));
    io_env_close(world->env);
    free(world);
    return 0;
}

static void shut(struct world *world)
{
    assert_ok(store_close(world->store));
    world->store = NULL;
}

static void reopen(struct world *world)
{
    shut(world);
    assert_ok(store_open(&world->options, &world->store));
}

static status try_open(struct world *world)
{
    return store_open(&world->options, &world->store);
}

/* ---- names in the folder ---- */

struct found {
    const char *prefix;
    char name[100]; /* the greatest that fits */
    unsigned count;
};

static void find_name(void *context, const char *name)
{
    struct found *found = context;
    if (strncmp(name, found->prefix, strlen(found->prefix)) != 0)
        return;
    found->count++;
    if (strcmp(name, found->name) > 0)
        snprintf(found->name, sizeof found->name, "%s", name);
}

static unsigned count_names(struct world *world, const char *folder, const char *prefix)
{
    struct found found = {.prefix = prefix};
    (void)io_list(world->env, folder, find_name, &found);
    return found.count;
}

/* Path of the greatest name in `folder` that begins with `prefix`. */
static const char *path_of(struct world *world, const char *folder, const char *prefix)
{
    static char path[200];
    struct found found = {.prefix = prefix};
    assert_ok(io_list(world->env, folder, find_name, &found));
    assert_true(found.count > 0);
    snprintf(path, sizeof path, "%s/%s", folder, found.name);
    return path;
}

static uint64_t size_of(struct world *world, const char *path)
{
    struct io_file *file;
    uint64_t bytes;
    assert_ok(io_open(world->env, path, IO_READ, &file));
    assert_ok(io_size(file, &bytes));
    io_close(file);
    return bytes;
}

static void overwrite(struct world *world, const char *path, uint64_t offset, const void *data, size_t bytes)
{
    struct io_file *file;
    assert_ok(io_open(world->env, path, IO_WRITE | IO_CREATE, &file));
    assert_ok(io_write(file, offset, data, bytes, true));
    io_close(file);
}

/* Where `text` stands in the file; UINT64_MAX when nowhere. */
static uint64_t offset_of(struct world *world, const char *path, const char *text)
{
    uint64_t bytes = size_of(world, path);
    uint8_t *data = malloc(bytes + 1);
    size_t got;
    struct io_file *file;
    assert_non_null(data);
    assert_ok(io_open(world->env, path, IO_READ, &file));
    assert_ok(io_read(file, 0, data, bytes, &got));
    io_close(file);
    const uint8_t *at = memmem(data, got, text, strlen(text));
    uint64_t offset = at ? (uint64_t)(at - data) : UINT64_MAX;
    free(data);
    return offset;
}

struct search {
    struct world *world;
    const char *folder, *text;
    char path[200];
    uint64_t offset;
};

static void search_name(void *context, const char *name)
{
    struct search *search = context;
    char path[200];
    snprintf(path, sizeof path, "%s/%s", search->folder, name);
    uint64_t offset = offset_of(search->world, path, search->text);
    if (offset == UINT64_MAX)
        return;
    memcpy(search->path, path, sizeof path);
    search->offset = offset;
}

/* Damage the first letter of `text`, in whatever file of the folder it stands. */
static void damage_text(struct world *world, const char *folder, const char *text)
{
    struct search search = {.world = world, .folder = folder, .text = text};
    assert_ok(io_list(world->env, folder, search_name, &search));
    assert_true(search.path[0] != 0);
    assert_ok(sim_damage(world->env, search.path, search.offset, 0x40));
}

/* ---- what comes back ---- */

static void logged_writes_come_back(void **state)
{
    struct world *world = *state;
    assert_ok(apply_text(world->store, "k/1 a=x @10; l/1 a=y @10", DURABILITY_DURABLE));
    assert_ok(apply_text(world->store, "k/2 a=z @11", DURABILITY_PERIODIC));
    reopen(world);
    assert_contents(world->store, 1, "l/1 a=y; k/1 a=x; k/2 a=z");
    struct store_stats stats;
    store_stats(world->store, &stats);
    assert_int_equal(2, stats.recovered_batches);
    assert_false(stats.log_tail_torn);
    reopen(world);
    assert_contents(world->store, 1, "l/1 a=y; k/1 a=x; k/2 a=z");
}

static void unlogged_writes_come_back_only_when_flushed(void **state)
{
    struct world *world = *state;
    assert_ok(apply_text(world->store, "k/1 a=x @10", DURABILITY_NONE));
    assert_ok(store_flush(world->store, 1));
    assert_ok(apply_text(world->store, "k/2 a=y @10", DURABILITY_NONE));
    reopen(world);
    assert_contents(world->store, 1, "k/1 a=x");
}

static void flushed_writes_are_not_replayed(void **state)
{
    struct world *world = *state;
    struct store_stats stats;
    struct store_table_stats table;
    assert_ok(apply_text(world->store, "k/1 a=x @10", DURABILITY_DURABLE));
    assert_ok(store_flush(world->store, 1));
    reopen(world);
    assert_contents(world->store, 1, "k/1 a=x");
    store_stats(world->store, &stats);
    assert_ok(store_table_stats(world->store, 1, &table));
    assert_int_equal(0, table.memtable_rows);
    assert_int_equal(1, table.sstables);
}

static void tables_and_properties_come_back(void **state)
{
    struct world *world = *state;
    struct store_change changes[] = {
        {.kind = STORE_CREATE_TABLE,
         .table_id = store_new_table_id(world->store),
         .options = {.gc_grace_s = 5, .window_s = 3600, .filter_fp_chance = 0.01},
         .properties = slice_text("what it looks like")},
        {.kind = STORE_SET_PROPERTY, .name = slice_text("n"), .properties = slice_text("v")},
    };
    struct store_table table;
    struct buffer bytes = {0}, name = {0};
    assert_ok(store_change(world->store, changes, 2));
    reopen(world);
    assert_ok(store_next_table(world->store, 1, &table, &bytes));
    assert_int_equal(2, table.id);
    assert_int_equal(5, table.options.gc_grace_s);
    assert_int_equal(3600, table.options.window_s);
    assert_true(table.options.filter_fp_chance == 0.01);
    assert_true(slice_equal(table.properties, slice_text("what it looks like")));
    assert_ok(store_next_property(world->store, (struct slice){0}, &name, &bytes));
    assert_true(slice_equal(buffer_slice(&bytes), slice_text("v")));
    assert_int_equal(3, store_new_table_id(world->store));
    buffer_deinit(&bytes);
    buffer_deinit(&name);
}

static void truncated_and_dropped_writes_never_come_back(void **state)
{
    struct world *world = *state; /* DEL-10 */
    make_table(world->store, 2, 864000);
    assert_ok(apply_text(world->store, "k/1 a=x @10; 2:k/1 a=x @10; l/1 a=x @10", DURABILITY_DURABLE));
    assert_ok(store_flush(world->store, 1));
    assert_ok(apply_text(world->store, "k/2 a=x @10; 2:l/1 a=x @10; 2:m/1 a=x @10", DURABILITY_DURABLE));
    struct store_change changes[] = {{.kind = STORE_TRUNCATE_TABLE, .table_id = 1},
                                     {.kind = STORE_DROP_TABLE, .table_id = 2}};
    assert_ok(store_change(world->store, changes, 2));
    assert_ok(apply_text(world->store, "n/1 a=x @10", DURABILITY_DURABLE));
    reopen(world);
    assert_contents(world->store, 1, "n/1 a=x");
    assert_code(STATUS_NOT_FOUND, apply_text(world->store, "2:k/1 a=x @10", DURABILITY_DURABLE));
}

static void a_store_keeps_its_shards_and_its_name(void **state)
{
    struct world *world = *state;
    uint8_t before[16], after[16];
    store_uuid(world->store, before);
    world->options.shards = 5;
    assert_ok(apply_text(world->store, "k/1 a=x @10; l/1 a=y @10", DURABILITY_DURABLE));
    reopen(world);
    store_uuid(world->store, after);
    assert_memory_equal(before, after, 16);
    assert_int_equal(2, store_shard_count(world->store));
    assert_contents(world->store, 1, "l/1 a=y; k/1 a=x");
}

static void log_segments_go_when_their_memtables_are_flushed(void **state)
{
    struct world *world = *state;
    char text[300], value[60];
    memset(value, 'v', sizeof value);
    for (unsigned i = 0; i < 4000; i++) {
        snprintf(text, sizeof text, "k/%u a=%.50s b=%.50s @10", i % 50, value, value);
        assert_ok(apply_text(world->store, text, DURABILITY_PERIODIC));
    }
    assert_true(count_names(world, FOLDER "/log", "log-") >= 8);
    assert_ok(store_flush(world->store, 0));
    assert_true(count_names(world, FOLDER "/log", "log-") <= 6);
    reopen(world);
    struct store_table_stats stats;
    assert_ok(store_table_stats(world->store, 1, &stats));
    assert_int_equal(50, stats.sstable_rows);
}

static void a_log_that_grows_too_long_flushes_what_holds_it(void **state)
{
    struct world *world = *state;
    char text[300], value[60];
    shut(world);
    world->options.memtable_bytes = 256 << 10;
    assert_ok(try_open(world));
    make_table(world->store, 2, 864000);
    memset(value, 'v', sizeof value);
    assert_ok(apply_text(world->store, "2:k/1 a=x @10", DURABILITY_PERIODIC));
    for (unsigned i = 0; i < 20000; i++) {
        snprintf(text, sizeof text, "k/%u a=%.50s b=%.50s @10", i % 50, value, value);
        assert_ok(apply_text(world->store, text, DURABILITY_PERIODIC));
        bool did;
        if (i % 100 == 0)
            assert_ok(store_step(world->store, &did));
    }
    assert_ok(store_settle(world->store));
    struct store_table_stats stats;
    assert_ok(store_table_stats(world->store, 2, &stats));
    assert_int_equal(0, stats.memtable_rows);
    assert_int_equal(1, stats.sstable_rows);
}

/* ---- what is refused ---- */

static void a_folder_of_somebody_else_is_left_alone(void **state)
{
    struct world *world = *state;
    struct store *store;
    struct store_options options = world->options;
    options.folder = "home";
    assert_ok(io_mkdir(world->env, "home"));
    overwrite(world, "home/letter.txt", 0, "dear", 4);
    assert_code(STATUS_INVALID, store_open(&options, &store));
    assert_int_equal(1, count_names(world, "home", ""));
}

static void a_folder_without_a_store_is_not_found_when_it_must_exist(void **state)
{
    struct world *world = *state;
    struct store *store;
    struct store_options options = world->options;
    options.folder = "nothing";
    options.must_exist = true;
    assert_code(STATUS_NOT_FOUND, store_open(&options, &store));
    assert_int_equal(0, count_names(world, "nothing", ""));
    options.must_exist = false;
    options.read_only = true;
    assert_code(STATUS_NOT_FOUND, store_open(&options, &store));
}

static void a_second_store_on_the_folder_is_busy(void **state)
{
    struct world *world = *state;
    struct store *second;
    assert_code(STATUS_BUSY, store_open(&world->options, &second));
    assert_ok(apply_text(world->store, "k/1 a=x @10", DURABILITY_DURABLE));
}

/* The second process is made while there is one thread: what is forked of several may hold their locks for ever. */
static void a_second_process_is_busy(void **state)
{
    (void)state;
    char folder[] = "/tmp/strait-recovery-XXXXXX", byte = 0;
    int go[2];
    assert_non_null(mkdtemp(folder));
    assert_int_equal(0, pipe(go));
    struct store_options options = {.folder = folder, .shards = 1};
    struct store *store;
    pid_t child = fork();
    if (child == 0) {
        struct store *second;
        _exit(read(go[0], &byte, 1) == 1 ? (int)store_open(&options, &second).code : -1);
    }
    assert_ok(store_open(&options, &store));
    assert_int_equal(1, write(go[1], &byte, 1));
    int outcome;
    assert_int_equal(child, waitpid(child, &outcome, 0));
    assert_true(WIFEXITED(outcome));
    assert_int_equal(STATUS_BUSY, WEXITSTATUS(outcome));
    assert_ok(store_close(store));
    (void)close(go[0]);
    (void)close(go[1]);
    char command[100];
    snprintf(command, sizeof command, "rm -r %s", folder);
    assert_int_equal(0, system(command));
}

static void a_damaged_identity_is_told(void **state)
{
    struct world *world = *state;
    shut(world);
    assert_ok(sim_damage(world->env, FOLDER "/STORE", 20, 1));
    assert_code(STATUS_CORRUPT, try_open(world));
    assert_ok(sim_damage(world->env, FOLDER "/STORE", 20, 1));
    assert_ok(try_open(world));
}

static void a_store_without_identity_is_not_made_anew(void **state)
{
    struct world *world = *state;
    assert_ok(apply_text(world->store, "k/1 a=x @10", DURABILITY_DURABLE));
    shut(world);
    assert_ok(io_rename(world->env, FOLDER "/STORE", "stolen"));
    assert_code(STATUS_CORRUPT, try_open(world));
    assert_ok(io_rename(world->env, "stolen", FOLDER "/STORE"));
    assert_ok(try_open(world));
    assert_contents(world->store, 1, "k/1 a=x");
}

static void unlink_all(struct world *world, const char *folder)
{
    while (count_names(world, folder, "") > 0)
        assert_ok(io_unlink(world->env, path_of(world, folder, "")));
}

static void a_manifest_alone_is_a_damaged_store_and_no_unfinished_one(void **state)
{
    struct world *world = *state;
    assert_ok(store_flush(world->store, 0));
    shut(world);
    unlink_all(world, FOLDER "/log");
    unlink_all(world, FOLDER "/table");
    assert_ok(io_unlink(world->env, FOLDER "/STORE"));
    assert_code(STATUS_CORRUPT, try_open(world));
    assert_ok(io_unlink(world->env, path_of(world, FOLDER, "manifest-")));
    assert_ok(try_open(world)); /* nothing is left of it */
}

static void a_store_without_manifest_is_not_made_anew(void **state)
{
    struct world *world = *state;
    assert_ok(apply_text(world->store, "k/1 a=x @10", DURABILITY_DURABLE));
    shut(world);
    assert_ok(io_rename(world->env, path_of(world, FOLDER, "manifest-"), "stolen"));
    assert_code(STATUS_CORRUPT, try_open(world));
    assert_ok(io_rename(world->env, "stolen", FOLDER "/manifest-00000001"));
    assert_ok(try_open(world));
    assert_contents(world->store, 1, "k/1 a=x");
}

/* ---- damage ---- */

static void every_damaged_byte_of_a_manifest_is_noticed(void **state)
{
    struct world *world = *state;
    assert_ok(apply_text(world->store, "k/1 a=x @10", DURABILITY_DURABLE));
    assert_ok(store_flush(world->store, 1));
    shut(world);
    char path[200];
    snprintf(path, sizeof path, "%s", path_of(world, FOLDER, "manifest-"));
    /* The last record is a seal of 16 bytes: damage there proves nothing and loses nothing. */
    uint64_t bytes = size_of(world, path) - 16;
    unsigned noticed = 0;
    for (uint64_t at = 0; at < bytes; at++) {
        assert_ok(sim_damage(world->env, path, at, 0x10));
        status st = try_open(world);
        if (ok(st)) {
            /* Padding and seals carry nothing. */
            assert_contents(world->store, 1, "k/1 a=x");
            return; /* the open has written a new manifest; what follows would test another file */
        }
        assert_true(st.code == STATUS_CORRUPT);
        noticed++;
        assert_ok(sim_damage(world->env, path, at, 0x10));
    }
    assert_true(noticed > 0);
    assert_ok(try_open(world));
}

static void a_torn_edit_at_the_end_of_a_manifest_is_passed_over(void **state)
{
    struct world *world = *state;
    assert_ok(apply_text(world->store, "k/1 a=x @10", DURABILITY_DURABLE));
    shut(world);
    const char *path = path_of(world, FOLDER, "manifest-");
    overwrite(world, path, size_of(world, path), "\x20\0\0\0\2\0\0\0half of an edit", 23);
    assert_ok(try_open(world));
    assert_contents(world->store, 1, "k/1 a=x");
}

static void a_torn_tail_of_the_log_is_told_and_the_rest_is_there(void **state)
{
    struct world *world = *state;
    struct store_stats stats;
    assert_ok(apply_text(world->store, "k/1 a=first @10", DURABILITY_DURABLE));
    assert_ok(apply_text(world->store, "k/2 a=second @10", DURABILITY_PERIODIC));
    uint64_t operations = sim_operation_count(world->env);
    sim_cut_power_at(world->env, operations + 1);
    (void)store_sync(world->store);
    (void)store_close(world->store);
    sim_restart(world->env, SIM_TORN);
    assert_ok(try_open(world));
    store_stats(world->store, &stats);
    status st;
    char *seen = contents(world->store, 1, &st);
    assert_ok(st);
    assert_true(strncmp(seen, "k/1 a=first", 11) == 0);
    free(seen);
}

static void small_synced_rows_of_all_shards_share_a_log_and_its_syncs(void **state)
{
    struct world *world = *state;
    const char *keys[] = {"k/1 a=x @10", "l/1 a=x @10", "a/1 a=x @10", "foo/1 a=x @10", "test/1 a=x @10"};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++)
        assert_ok(apply_text(world->store, keys[i], DURABILITY_DURABLE));
    assert_int_equal(count_names(world, FOLDER "/log", "log-0-"), 1);
    assert_int_equal(count_names(world, FOLDER "/log", "log-1-"), 0);
    status st;
    char *before = contents(world->store, 1, &st);
    sim_cut_power_at(world->env, sim_operation_count(world->env));
    (void)store_close(world->store);
    sim_restart(world->env, SIM_NOTHING);
    assert_ok(try_open(world));
    assert_contents(world->store, 1, before);
    free(before);
}

static void fill_both_streams(struct world *world)
{
    for (unsigned i = 0; i < 200; i++) {
        char text[100];
        snprintf(text, sizeof text, "k/%u a=marked-%u @10; l/%u a=x @10", i, i, i);
        assert_ok(apply_text(world->store, text, DURABILITY_DURABLE));
    }
}

static void damage_to_synced_log_is_refused_unless_accepted(void **state)
{
    struct world *world = *state;
    struct store_stats stats;
    fill_both_streams(world);
    shut(world);
    damage_text(world, FOLDER "/log", "marked-100");
    assert_code(STATUS_CORRUPT, try_open(world));
    assert_int_equal(0, count_names(world, FOLDER, "lost"));

    world->options.accept_log_damage = true;
    assert_ok(try_open(world));
    status st;
    char *seen = contents(world->store, 1, &st);
    assert_ok(st);
    assert_non_null(strstr(seen, "a=marked-50"));
    assert_null(strstr(seen, "a=marked-150"));
    free(seen);
    assert_true(count_names(world, FOLDER "/lost", "log-") >= 1);

    world->options.accept_log_damage = false;
    reopen(world);
    store_stats(world->store, &stats);
    seen = contents(world->store, 1, &st);
    assert_ok(st);
    assert_non_null(strstr(seen, "a=marked-50"));
    free(seen);
}

static void a_damaged_block_makes_its_rows_unreadable_and_no_others(void **state)
{
    struct world *world = *state; /* I5 */
    assert_ok(apply_text(world->store, "k/1 a=inonefile @10", DURABILITY_DURABLE));
    assert_ok(store_flush(world->store, 1));
    assert_ok(apply_text(world->store, "l/1 a=intheother @10", DURABILITY_DURABLE));
    assert_ok(store_flush(world->store, 1));
    shut(world);
    damage_text(world, FOLDER "/table", "intheother");
    assert_ok(try_open(world));
    status st;
    char *seen = partition_contents(world->store, 1, "k", false, &st);
    assert_ok(st);
    assert_string_equal("k/1 a=inonefile", seen);
    free(seen);
    seen = partition_contents(world->store, 1, "l", false, &st);
    assert_null(seen);
    assert_code(STATUS_CORRUPT, st);
    assert_code(STATUS_CORRUPT, store_verify(world->store, 1));
    assert_ok(apply_text(world->store, "l/2 a=new @10", DURABILITY_DURABLE));
}

static void a_missing_table_file_is_told(void **state)
{
    struct world *world = *state;
    assert_ok(apply_text(world->store, "k/1 a=x @10", DURABILITY_DURABLE));
    assert_ok(store_flush(world->store, 1));
    shut(world);
    char path[200];
    snprintf(path, sizeof path, "%s", path_of(world, FOLDER "/table", "table-"));
    assert_ok(io_rename(world->env, path, "stolen"));
    assert_code(STATUS_CORRUPT, try_open(world));
    assert_ok(io_rename(world->env, "stolen", path));
    assert_ok(try_open(world));
}

static void files_nobody_names_are_cleared_or_set_aside(void **state)
{
    struct world *world = *state; /* I6 */
    shut(world);
    overwrite(world, FOLDER "/table/table-2.sst", 0, "half", 4);
    overwrite(world, FOLDER "/table/notes.txt", 0, "mine", 4);
    char name[100];
    snprintf(name, sizeof name, FOLDER "/table/table-999999.sst");
    overwrite(world, name, 0, "from where?", 11);
    assert_ok(try_open(world));
    assert_int_equal(0, count_names(world, FOLDER "/table", "table-2"));
    assert_int_equal(1, count_names(world, FOLDER "/table", "notes.txt"));
}

/* ---- read-only ---- */

struct digest {
    struct world *world;
    const char *folder;
    uint64_t sum;
};

static void digest_name(void *context, const char *name)
{
    struct digest *digest = context;
    char path[300];
    struct io_file *file;
    uint64_t bytes = 0;
    snprintf(path, sizeof path, "%s/%s", digest->folder, name);
    if (ok(io_open(digest->world->env, path, IO_READ, &file))) {
        (void)io_size(file, &bytes);
        io_close(file);
    }
    for (const char *c = name; *c; c++)
        digest->sum += (uint64_t)*c * 31 + bytes;
}

static uint64_t digest_of(struct world *world)
{
    static const char *const folders[] = {FOLDER, FOLDER "/log", FOLDER "/table"};
    struct digest digest = {.world = world};
    for (size_t i = 0; i < ARRAY_LEN(folders); i++) {
        digest.folder = folders[i];
        assert_ok(io_list(world->env, digest.folder, digest_name, &digest));
    }
    return digest.sum;
}

static void a_read_only_store_reads_everything_and_changes_nothing(void **state)
{
    struct world *world = *state;
    struct store_change change = {.kind = STORE_TRUNCATE_TABLE, .table_id = 1};
    assert_ok(apply_text(world->store, "k/1 a=x @10", DURABILITY_DURABLE));
    assert_ok(store_flush(world->store, 1));
    assert_ok(apply_text(world->store, "k/2 a=y @10", DURABILITY_DURABLE));
    shut(world);
    uint64_t before = digest_of(world);
    world->options.read_only = true;
    assert_ok(try_open(world));
    assert_contents(world->store, 1, "k/1 a=x; k/2 a=y");
    assert_code(STATUS_CLOSED, apply_text(world->store, "k/3 a=z @10", DURABILITY_DURABLE));
    assert_code(STATUS_CLOSED, store_change(world->store, &change, 1));
    assert_code(STATUS_CLOSED, store_flush(world->store, 1));
    shut(world);
    assert_int_equal(before, digest_of(world));
    world->options.read_only = false;
    assert_ok(try_open(world));
}

static void a_manifest_that_grew_is_begun_anew(void **state)
{
    struct world *world = *state;
    static char value[100000];
    memset(value, 'v', sizeof value);
    for (unsigned i = 0; i < 40; i++) {
        struct store_change change = {.kind = STORE_SET_PROPERTY,
                                      .name = slice_text("large"),
                                      .properties = slice_of(value, sizeof value)};
        assert_ok(store_change(world->store, &change, 1));
    }
    assert_int_equal(1, count_names(world, FOLDER, "manifest-"));
    assert_true(size_of(world, path_of(world, FOLDER, "manifest-")) < (3 << 20));
    reopen(world);
    struct buffer name = {0}, bytes = {0};
    assert_ok(store_next_property(world->store, (struct slice){0}, &name, &bytes));
    assert_int_equal(sizeof value, bytes.bytes);
    buffer_deinit(&name);
    buffer_deinit(&bytes);
}

int main(void)
{
#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, world_open, world_close)
    const struct CMUnitTest tests[] = {
        IN_WORLD(logged_writes_come_back),
        IN_WORLD(unlogged_writes_come_back_only_when_flushed),
        IN_WORLD(flushed_writes_are_not_replayed),
        IN_WORLD(tables_and_properties_come_back),
        IN_WORLD(truncated_and_dropped_writes_never_come_back),
        IN_WORLD(a_store_keeps_its_shards_and_its_name),
        IN_WORLD(log_segments_go_when_their_memtables_are_flushed),
        IN_WORLD(a_log_that_grows_too_long_flushes_what_holds_it),
        IN_WORLD(a_folder_of_somebody_else_is_left_alone),
        IN_WORLD(a_folder_without_a_store_is_not_found_when_it_must_exist),
        IN_WORLD(a_second_store_on_the_folder_is_busy),
        IN_WORLD(small_synced_rows_of_all_shards_share_a_log_and_its_syncs),
        cmocka_unit_test(a_second_process_is_busy),
        IN_WORLD(a_damaged_identity_is_told),
        IN_WORLD(a_store_without_identity_is_not_made_anew),
        IN_WORLD(a_manifest_alone_is_a_damaged_store_and_no_unfinished_one),
        IN_WORLD(a_store_without_manifest_is_not_made_anew),
        IN_WORLD(every_damaged_byte_of_a_manifest_is_noticed),
        IN_WORLD(a_torn_edit_at_the_end_of_a_manifest_is_passed_over),
        IN_WORLD(a_torn_tail_of_the_log_is_told_and_the_rest_is_there),
        IN_WORLD(damage_to_synced_log_is_refused_unless_accepted),
        IN_WORLD(a_damaged_block_makes_its_rows_unreadable_and_no_others),
        IN_WORLD(a_missing_table_file_is_told),
        IN_WORLD(files_nobody_names_are_cleared_or_set_aside),
        IN_WORLD(a_read_only_store_reads_everything_and_changes_nothing),
        IN_WORLD(a_manifest_that_grew_is_begun_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
