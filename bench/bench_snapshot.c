/*
 * What a test pays to begin anew: snapshot, restore, clone and truncate of ten tables, empty and with 100 k and 1 M rows in
 * them; and the same of a keyspace of ten tables with an index each, with a tenth of the rows, through strait.h.
 *
 *   bench_snapshot [ROUNDS [FOLDER [PARTS]]]
 *
 * PARTS are some of memory, disk (the store), cql-memory, cql-disk (keyspaces), with commas between them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <strait.h>

#include "base/random.h"
#include "bench/measure.h"
#include "engine/store.h"
#include "row/key.h"
#include "row/row.h"
#include "tools/folder.h"

enum {
    TABLES = 10,
    VALUE_BYTES = 104,
    ROWS_A_BATCH = 100,
};

static struct random rng = {1};

/* Rows of bytes that do not compress. */
static void write_rows(struct store *store, uint64_t table_id, unsigned count)
{
    struct batch batch = {0};
    struct row_builder builder = {0};
    struct buffer image = {0}, clustering = {0};
    for (unsigned i = 0; i < count; i++) {
        uint64_t value[VALUE_BYTES / 8], key = random_next(&rng);
        for (size_t j = 0; j < sizeof value / sizeof *value; j++)
            value[j] = random_next(&rng);
        buffer_clear(&image);
        buffer_clear(&clustering);
        buffer_append_be64(&clustering, random_next(&rng) >> 1);
        row_builder_reset(&builder);
        builder.marker = (struct marker){.timestamp = 1};
        row_builder_add(
            &builder,
            (struct cell){.kind = CELL_LIVE, .timestamp = 1, .value = slice_of(value, sizeof value)});
        measure_check(row_builder_finish(&builder, &image), "image");
        batch_begin(&batch, table_id, partition_key_of(slice_of(&key, sizeof key)));
        batch_row(&batch, buffer_slice(&clustering), buffer_slice(&image));
        batch_end(&batch);
        if (batch.mutation_count == ROWS_A_BATCH || i + 1 == count) {
            measure_check(store_apply(store, &batch, DURABILITY_DEFAULT), "apply");
            batch_clear(&batch);
        }
    }
    batch_deinit(&batch);
    row_builder_deinit(&builder);
    buffer_deinit(&image);
    buffer_deinit(&clustering);
}

/* ---- one operation, timed ---- */

struct world {
    struct store *store;
    char engine[32];
    uint64_t tables[TABLES], clones[TABLES];
};

static void timed(struct world *world, struct latency *latency, const struct store_change *changes,
                  uint32_t count, const char *what)
{
    int64_t begun = latency_now_ns();
    measure_check(store_change(world->store, changes, count), what);
    latency_add(latency, latency_now_ns() - begun);
}

static void each_table(struct world *world, struct latency *latency, enum store_change_kind kind,
                       const uint64_t *tables, const char *what)
{
    struct store_change changes[TABLES] = {0};
    for (unsigned i = 0; i < TABLES; i++)
        changes[i] = (struct store_change){.kind = kind, .table_id = tables[i]};
    timed(world, latency, changes, TABLES, what);
}

static void clone(struct world *world, struct latency *latency)
{
    struct store_change changes[2 * TABLES] = {0};
    for (unsigned i = 0; i < TABLES; i++) {
        world->clones[i] = store_new_table_id(world->store);
        changes[2 * i] = (struct store_change){.kind = STORE_CREATE_TABLE, .table_id = world->clones[i]};
        changes[2 * i + 1] = (struct store_change){
            .kind = STORE_COPY_TABLE, .table_id = world->clones[i], .source_id = world->tables[i]};
    }
    timed(world, latency, changes, 2 * TABLES, "clone");
}

static void snapshot(struct world *world, struct latency *latency, enum store_change_kind kind,
                     const char *name)
{
    struct store_change change = {
        .kind = kind, .name = slice_text(name), .tables = world->tables, .table_count = TABLES};
    timed(world, latency, &change, 1, "snapshot");
}

/* A test that resets: write a little in each table, go back. */
static void rounds_run(struct world *world, unsigned rounds, const char *size)
{
    static const char *const names[] = {"create", "restore", "clone", "drop_clone", "drop", "truncate"};
    struct latency latencies[6] = {{0}}, unmeasured = {0};
    snapshot(world, &unmeasured, STORE_CREATE_SNAPSHOT, "base");
    for (unsigned i = 0; i < rounds; i++) {
        for (unsigned j = 0; j < TABLES; j++)
            write_rows(world->store, world->tables[j], 2);
        snapshot(world, &latencies[0], STORE_CREATE_SNAPSHOT, "s");
        for (unsigned j = 0; j < TABLES; j++)
            write_rows(world->store, world->tables[j], 2);
        snapshot(world, &latencies[1], STORE_RESTORE_SNAPSHOT, "s");
        clone(world, &latencies[2]);
        write_rows(world->store, world->clones[0], 2);
        each_table(world, &latencies[3], STORE_DROP_TABLE, world->clones, "drop clone");
        snapshot(world, &latencies[4], STORE_DROP_SNAPSHOT, "s");
        write_rows(world->store, world->tables[0], 2);
        each_table(world, &latencies[5], STORE_TRUNCATE_TABLE, world->tables, "truncate");
        snapshot(world, &unmeasured, STORE_RESTORE_SNAPSHOT, "base");
    }
    for (unsigned i = 0; i < 6; i++) {
        char phase[48];
        snprintf(phase, sizeof phase, "snapshot_%s_%s", names[i], size);
        measure_latency(world->engine, phase, &latencies[i]);
        latency_deinit(&latencies[i]);
    }
    latency_deinit(&unmeasured);
}

static void store_run(const char *io, const char *folder, unsigned rounds, unsigned rows_a_table,
                      const char *size)
{
    struct world world = {0};
    struct store_options options = {.folder = folder, .io = io};
    snprintf(world.engine, sizeof world.engine, "engine/%s", folder ? "disk" : "memory");
    if (folder)
        folder_remove(folder);
    measure_check(store_open(&options, &world.store), "open");
    for (unsigned i = 0; i < TABLES; i++) {
        struct store_change change = {.kind = STORE_CREATE_TABLE,
                                      .table_id = store_new_table_id(world.store)};
        measure_check(store_change(world.store, &change, 1), "create");
        world.tables[i] = change.table_id;
        write_rows(world.store, world.tables[i], rows_a_table);
    }
    rounds_run(&world, rounds, size);
    measure_check(store_close(world.store), "close");
    if (folder)
        folder_remove(folder);
}

/* ---- keyspaces, through strait.h ---- */

static void must(strait *db, int result)
{
    if (result != STRAIT_OK)
        measure_fail("strait", strait_error_message(db));
}

static void rows_insert(strait *db, unsigned rows)
{
    char text[200];
    for (unsigned i = 0; i < rows; i++) {
        snprintf(text, sizeof text, "INSERT INTO k.t%u (id, a, b) VALUES (%u, %u, 'some text')", i % TABLES,
                 1000000 + i, i);
        must(db, strait_exec(db, text));
    }
}

static void keyspace_run(const char *path, unsigned rounds, unsigned rows, const char *size)
{
    enum { STEPS = 6 };
    static const char *const names[STEPS] = {"create", "restore", "clone", "drop_clone", "drop", "truncate"};
    struct latency latencies[STEPS] = {{0}};
    strait_options options = {.struct_bytes = sizeof options, .durability = STRAIT_PERIODIC};
    strait *db = NULL;
    bool memory = strcmp(path, ":memory:") == 0;
    char text[200];
    if (!memory)
        folder_remove(path);
    must(db, strait_open(path, &options, &db));
    must(db, strait_exec(db, "CREATE KEYSPACE k WITH replication = {'class': 'SimpleStrategy', "
                             "'replication_factor': 1}"));
    for (unsigned i = 0; i < TABLES; i++) {
        snprintf(text, sizeof text,
                 "CREATE TABLE k.t%u (id int PRIMARY KEY, a int, b text); CREATE INDEX ON k.t%u (a)", i, i);
        must(db, strait_exec(db, text));
    }
    rows_insert(db, rows);
    must(db, strait_snapshot(db, "k", "base"));
    for (unsigned i = 0; i < rounds; i++) {
        for (unsigned j = 0; j < TABLES; j++) {
            snprintf(text, sizeof text, "INSERT INTO k.t%u (id, a, b) VALUES (%u, 1, 'some text')", j, i);
            must(db, strait_exec(db, text));
        }
        int64_t at[STEPS + 1];
        at[0] = latency_now_ns();
        must(db, strait_snapshot(db, "k", "s"));
        at[1] = latency_now_ns();
        must(db, strait_restore(db, "k", "s"));
        at[2] = latency_now_ns();
        must(db, strait_clone(db, "c", "k", NULL));
        at[3] = latency_now_ns();
        must(db, strait_exec(db, "DROP KEYSPACE c"));
        at[4] = latency_now_ns();
        must(db, strait_snapshot_drop(db, "k", "s"));
        at[5] = latency_now_ns();
        must(db, strait_exec(db, "TRUNCATE k.t0"));
        at[6] = latency_now_ns();
        for (unsigned j = 0; j < STEPS; j++)
            latency_add(&latencies[j], at[j + 1] - at[j]);
        must(db, strait_restore(db, "k", "base"));
    }
    for (unsigned i = 0; i < STEPS; i++) {
        snprintf(text, sizeof text, "keyspace_%s_%s", names[i], size);
        measure_latency(memory ? "cql/memory" : "cql/disk", text, &latencies[i]);
        latency_deinit(&latencies[i]);
    }
    must(db, strait_close(db));
    if (!memory)
        folder_remove(path);
}

static bool is_wanted(const char *parts, const char *part)
{
    size_t bytes = strlen(part);
    for (const char *at = parts; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
        if (strncmp(at, part, bytes) == 0 && (at[bytes] == ',' || !at[bytes]))
            return true;
    return false;
}

int main(int argc, char **argv)
{
    unsigned rounds = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 300;
    const char *folder = argc > 2 ? argv[2] : "bench-snapshot.store";
    const char *parts = argc > 3 ? argv[3] : "memory,disk,cql-memory,cql-disk";
    static const struct {
        const char *name, *keyspace_name;
        unsigned rows; /* of a table; of a whole keyspace, where every row is a statement */
    } sizes[] = {{"empty", "empty", 0}, {"100k", "10k", 100000 / TABLES}, {"1M", "100k", 1000000 / TABLES}};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        if (is_wanted(parts, "memory"))
            store_run("memory", NULL, rounds, sizes[i].rows, sizes[i].name);
        if (is_wanted(parts, "disk"))
            store_run("auto", folder, rounds, sizes[i].rows, sizes[i].name);
        if (is_wanted(parts, "cql-memory"))
            keyspace_run(":memory:", rounds, sizes[i].rows, sizes[i].keyspace_name);
        if (is_wanted(parts, "cql-disk"))
            keyspace_run(folder, rounds, sizes[i].rows, sizes[i].keyspace_name);
    }
    return 0;
}
