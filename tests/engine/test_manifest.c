/* The manifest by itself: what it says after power cuts, full disks and damage (F4, F7). docs/formats/manifest.md */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "engine/manifest_internal.h"
#include "io/sim.h"
#include "notation.h"

enum {
    STORE_ID = 77,
    EDITS = 9,
    LARGE_BYTES = 400000, /* three of these make the manifest begin anew */
};

struct world {
    struct io_env *env;
    struct manifest_state state;
    struct manifest *manifest;
};

static void world_open(struct world *world, uint64_t seed)
{
    *world = (struct world){0};
    assert_ok(io_env_open(IO_BODY_SIM, seed, &world->env));
    assert_ok(io_mkdir(world->env, "m"));
    assert_ok(io_sync_dir(world->env, "."));
    manifest_state_init(&world->state, 1);
}

static void world_close(struct world *world)
{
    manifest_close(world->manifest);
    manifest_state_deinit(&world->state);
    io_env_close(world->env);
}

/* Edit i sets the property "step" to i, and a large one so that the file grows. */
static status append_step(struct world *world, unsigned i)
{
    static char large[LARGE_BYTES];
    char value[16];
    struct buffer edit = {0};
    memset(large, 'x', sizeof large);
    snprintf(value, sizeof value, "%u", i);
    edit_property(&edit, slice_text("step"), slice_text(value));
    edit_property(&edit, slice_text("large"), i % 3 ? slice_of(large, sizeof large) : (struct slice){0});
    status st = manifest_append(world->manifest, &edit);
    buffer_deinit(&edit);
    return st;
}

/* The last step that the folder's manifest knows; 0: none, -1: no manifest. */
static int step_found(struct io_env *env)
{
    struct manifest_state state;
    uint64_t number;
    enum manifest_end end;
    int step = 0;
    manifest_state_init(&state, 1);
    status st = manifest_load(env, "m", STORE_ID, &state, &number, &end);
    char text[200];
    status_print(st, text, sizeof text);
    if (failed(st))
        fail_msg("loading: %s", text);
    for (uint32_t i = 0; i < state.property_count; i++)
        if (slice_equal(state.properties[i].name, slice_text("step")))
            step = state.properties[i].value.data[0] - '0';
    manifest_state_deinit(&state);
    return number ? step : -1;
}

static void a_power_cut_anywhere_loses_no_edit_that_was_acknowledged(void **state)
{
    (void)state;
    for (enum sim_policy policy = 0; policy < SIM_POLICIES; policy++) {
        bool cut = true;
        for (uint64_t at = 2 + policy % 2; cut; at += 2) {
            struct world world;
            int acknowledged = -1;
            world_open(&world, at);
            sim_cut_power_at(world.env, at);
            if (ok(manifest_open(world.env, "m", STORE_ID, 1, 0, &world.state, &world.manifest)))
                acknowledged = 0;
            for (unsigned i = 1; acknowledged >= 0 && i <= EDITS && ok(append_step(&world, i)); i++)
                acknowledged = (int)i;
            cut = sim_power_is_cut(world.env);
            manifest_close(world.manifest);
            world.manifest = NULL;
            sim_restart(world.env, policy);
            sim_cut_power_at(world.env, UINT64_MAX);
            int found = step_found(world.env);
            if (found < acknowledged || found > acknowledged + 1)
                fail_msg("cut at %llu, policy %d: step %d was acknowledged, %d found", (unsigned long long)at,
                         (int)policy, acknowledged, found);
            world_close(&world);
        }
    }
}

static void after_a_full_disk_the_next_edit_begins_a_new_file(void **state)
{
    (void)state; /* F7 */
    bool faulted = true;
    for (uint64_t at = 0; faulted; at++) {
        struct world world;
        unsigned refused = 0;
        world_open(&world, at);
        assert_ok(manifest_open(world.env, "m", STORE_ID, 1, 0, &world.state, &world.manifest));
        sim_fail_at(world.env, sim_operation_count(world.env) + at, SIM_FAULT_ENOSPC, false);
        for (unsigned i = 1; i <= EDITS; i++) {
            status st = append_step(&world, i);
            if (ok(st))
                continue;
            refused++;
            assert_code(STATUS_NOSPACE, st);
            assert_ok(append_step(&world, i));
        }
        faulted = sim_operation_count(world.env) > at + 5;
        assert_true(refused <= 1);
        sim_cut_power_at(world.env, sim_operation_count(world.env));
        manifest_close(world.manifest);
        world.manifest = NULL;
        sim_restart(world.env, SIM_NOTHING);
        sim_cut_power_at(world.env, UINT64_MAX);
        assert_int_equal(EDITS, step_found(world.env));
        world_close(&world);
        faulted = faulted && at < 60;
    }
}

/* The header of a manifest with another word at `at` and a good checksum. */
static status decode_with_word(uint64_t at, uint32_t word)
{
    struct world world;
    struct io_file *file;
    uint8_t bytes[4096];
    size_t got;
    struct manifest_state decoded;
    enum manifest_end end;
    world_open(&world, 1);
    assert_ok(manifest_open(world.env, "m", STORE_ID, 1, 0, &world.state, &world.manifest));
    assert_ok(io_open(world.env, "m/manifest-00000001", IO_READ, &file));
    assert_ok(io_read(file, 0, bytes, sizeof bytes, &got));
    io_close(file);
    store_le32(bytes + at, word);
    store_le64(bytes + 24, hash64(slice_of(bytes, 24), hash_place(STORE_ID, 1, 24)));
    manifest_state_init(&decoded, 1);
    status st = manifest_decode(slice_of(bytes, got), STORE_ID, 1, &decoded, &end);
    manifest_state_deinit(&decoded);
    world_close(&world);
    return st;
}

static void another_version_and_features_nobody_knows_are_refused(void **state)
{
    (void)state;
    assert_ok(decode_with_word(12, 0));
    assert_code(STATUS_UNSUPPORTED, decode_with_word(8, 2));
    for (unsigned bit = 0; bit < 32; bit++) {
        uint32_t feature = UINT32_C(1) << bit;
        if (feature & ~(uint32_t)MANIFEST_FEATURES)
            assert_code(STATUS_UNSUPPORTED, decode_with_word(12, feature));
    }
}

/* A state with files that several tables share, sources and snapshots, told by its encoding. */
static void a_checkpoint_says_what_the_edits_said(void **state)
{
    (void)state;
    struct manifest_state made, read;
    struct buffer edit = {0}, first = {0}, second = {0};
    struct store_table_options options = {.gc_grace_s = 7};
    struct sstable_info info = {.file_number = 5, .rows = 3};
    struct log_position floors[2] = {{3, 100}, {4, 200}}, cut[2] = {{5, 50}, {6, 60}},
                        later[2] = {{7, 0}, {8, 0}};
    struct manifest_copy copies[] = {{1, 3}, {2, 4}};
    struct manifest_snapshot snapshot = {.name = slice_text("s"),
                                         .properties = slice_text("opaque"),
                                         .created_us = -5,
                                         .copies = copies,
                                         .copy_count = 2};
    manifest_state_init(&made, 2);
    manifest_state_init(&read, 2);
    edit_table(&edit, 1, &options, slice_text("one"));
    edit_table(&edit, 2, &options, (struct slice){0});
    edit_add_file(&edit, 1, 0, &info);
    edit_floors(&edit, 1, 0, floors, 2);
    edit_copy(&edit, 3, 1, true, 2, cut, 2);
    edit_copy(&edit, 4, 2, true, 0, cut, 2);
    edit_snapshot(&edit, &snapshot);
    edit_copy(&edit, 2, 3, false, 2, later, 2);
    assert_ok(manifest_state_apply(&made, buffer_slice(&edit)));
    manifest_state_encode(&made, &first);
    assert_ok(manifest_state_apply(&read, buffer_slice(&first)));
    manifest_state_encode(&read, &second);
    assert_true(slice_equal(buffer_slice(&first), buffer_slice(&second)));
    for (unsigned i = 0; i < 2; i++) {
        struct manifest_state *seen = i ? &read : &made;
        assert_int_equal(3, manifest_find(seen, 1)->files[0]->tables);
        assert_true(manifest_find(seen, 3)->sealed && !manifest_find(seen, 2)->sealed);
        /* Shard 1 had records of table 1 in no file: until the cut they are the copies' too. */
        assert_true(manifest_table_wants(manifest_find(seen, 2), 1, 1, 0, (struct log_position){5, 49}));
        assert_false(manifest_table_wants(manifest_find(seen, 2), 1, 1, 0, (struct log_position){5, 50}));
        assert_false(manifest_table_wants(manifest_find(seen, 2), 1, 0, 0, (struct log_position){5, 49}));
        assert_false(manifest_table_wants(manifest_find(seen, 4), 2, 1, 0, (struct log_position){5, 49}));
        assert_true(manifest_table_wants(manifest_find(seen, 1), 1, 0, 0, (struct log_position){9, 0}));
        /* Table 2 has its own records from the time it became a copy. */
        assert_false(manifest_table_wants(manifest_find(seen, 2), 2, 0, 1, (struct log_position){7, 99}));
        assert_true(manifest_table_wants(manifest_find(seen, 2), 2, 0, 1, later[1]));
    }
    manifest_state_deinit(&made);
    manifest_state_deinit(&read);
    buffer_deinit(&edit);
    buffer_deinit(&first);
    buffer_deinit(&second);
}

/* ---- foreign files ---- */

/* Table 1 is size-tiered and has two files; table 2 is leveled and takes them over; 3 is a snapshot's copy of 2. */
static void foreign_state(struct manifest_state *state)
{
    struct buffer edit = {0};
    struct store_table_options tiered = {.compaction = STORE_COMPACTION_SIZE_TIERED},
                               leveled = {.compaction = STORE_COMPACTION_LEVELED};
    struct sstable_info first = {.file_number = 5, .rows = 3}, second = {.file_number = 9, .rows = 4};
    struct log_position cut = {2, 100};
    struct manifest_copy copy = {2, 3};
    struct manifest_snapshot snapshot = {.name = slice_text("s"), .copies = &copy, .copy_count = 1};
    manifest_state_init(state, 1);
    edit_next_file(&edit, 100);
    edit_table(&edit, 1, &tiered, slice_text("one"));
    edit_table(&edit, 2, &leveled, slice_text("two"));
    edit_add_file(&edit, 1, 0, &first);
    edit_add_file(&edit, 1, 0, &second);
    edit_copy(&edit, 2, 1, false, 0, &cut, 1);
    edit_copy(&edit, 3, 2, true, 0, &cut, 1);
    edit_snapshot(&edit, &snapshot);
    assert_ok(manifest_state_apply(state, buffer_slice(&edit)));
    buffer_deinit(&edit);
}

static void apply_edit(struct manifest_state *state, struct buffer *edit)
{
    assert_ok(manifest_state_apply(state, buffer_slice(edit)));
    buffer_deinit(edit);
}

static void files_that_another_strategy_made_are_marked_until_they_are_gone(void **state)
{
    (void)state;
    struct manifest_state made;
    struct buffer edit = {0};
    foreign_state(&made);
    assert_int_equal(0, manifest_find(&made, 1)->foreign_upto);
    assert_int_equal(9, manifest_find(&made, 2)->foreign_upto);
    assert_int_equal(9, manifest_find(&made, 3)->foreign_upto); /* a restore brings the mark back */
    assert_int_equal(MANIFEST_FEATURE_FOREIGN, manifest_state_features(&made));

    edit_snapshot_drop(&edit, slice_text("s"));
    edit_remove_file(&edit, 2, 5);
    apply_edit(&made, &edit);
    edit = (struct buffer){0};
    assert_int_equal(MANIFEST_FEATURE_FOREIGN, manifest_state_features(&made));
    edit_add_file(&edit, 2, 0, &(struct sstable_info){.file_number = 12});
    edit_remove_file(&edit, 2, 9);
    apply_edit(&made, &edit);
    assert_int_equal(0, manifest_state_features(&made)); /* such a manifest any reader reads */
    manifest_state_deinit(&made);
}

/* tests/golden/manifest/v1-foreign: a manifest with feature 1. STRAIT_GOLDEN=FOLDER writes it there. */
static void a_manifest_with_foreign_files_stays_readable(void **state)
{
    (void)state;
    struct world world;
    struct io_file *file;
    struct buffer expected = {0}, seen = {0};
    enum manifest_end end;
    uint8_t bytes[4096], golden[4096 + 1];
    size_t got;
    world_open(&world, 1);
    manifest_state_deinit(&world.state);
    foreign_state(&world.state);
    assert_ok(manifest_open(world.env, "m", STORE_ID, 1, 0, &world.state, &world.manifest));
    manifest_state_encode(&world.state, &expected);
    assert_ok(io_open(world.env, "m/manifest-00000001", IO_READ, &file));
    assert_ok(io_read(file, 0, bytes, sizeof bytes, &got));
    io_close(file);

    const char *folder = getenv("STRAIT_GOLDEN");
    char path[4096];
    snprintf(path, sizeof path, "%s/v1-foreign",
             folder ? folder : STRAIT_SOURCE_DIR "/tests/golden/manifest");
    FILE *kept = fopen(path, folder ? "w" : "r");
    assert_non_null(kept);
    size_t kept_bytes = folder ? fwrite(bytes, 1, got, kept) : fread(golden, 1, sizeof golden, kept);
    fclose(kept);

    struct manifest_state read;
    manifest_state_init(&read, 1);
    assert_ok(manifest_decode(slice_of(folder ? bytes : golden, kept_bytes), STORE_ID, 1, &read, &end));
    manifest_state_encode(&read, &seen);
    assert_true(slice_equal(buffer_slice(&expected), buffer_slice(&seen)));
    manifest_state_deinit(&read);
    buffer_deinit(&expected);
    buffer_deinit(&seen);
    world_close(&world);
}

static void after_another_failure_nothing_is_appended_any_more(void **state)
{
    (void)state; /* F2 */
    struct world world;
    world_open(&world, 1);
    assert_ok(manifest_open(world.env, "m", STORE_ID, 1, 0, &world.state, &world.manifest));
    assert_ok(append_step(&world, 1));
    sim_fail_at(world.env, sim_operation_count(world.env), SIM_FAULT_EIO, false);
    assert_true(failed(append_step(&world, 2)));
    assert_code(STATUS_CLOSED, append_step(&world, 3));
    sim_restart(world.env, SIM_EVERYTHING);
    int found = step_found(world.env);
    assert_true(found == 1 || found == 2);
    world_close(&world);
}

static void an_edit_that_no_encoder_wrote_is_corrupt(void **state)
{
    (void)state;
    static const char *const edits[] = {
        "\x00",             /* no such tag */
        "\x0b",             /* no such tag */
        "\x02\x07",         /* drops a table that is not there */
        "\x05\x01\x01",     /* removes a file of no table */
        "\x03\x05xx",       /* a name longer than the edit */
        "\x06\x01\x01\x01", /* floors of no table */
        "\x10\x01\x05",     /* foreign files of no table */
    };
    static const size_t bytes[] = {1, 1, 2, 3, 4, 4, 3};
    for (size_t i = 0; i < ARRAY_LEN(edits); i++) {
        struct manifest_state manifest;
        manifest_state_init(&manifest, 1);
        assert_code(STATUS_CORRUPT, manifest_state_apply(&manifest, slice_of(edits[i], bytes[i])));
        manifest_state_deinit(&manifest);
    }
}

static void names_parse_only_as_they_are_made(void **state)
{
    (void)state;
    char name[32];
    uint64_t number = 0;
    manifest_name(12, name);
    assert_string_equal("manifest-00000012", name);
    assert_true(manifest_name_parse(name, &number));
    assert_int_equal(12, number);
    assert_false(manifest_name_parse("manifest-", &number));
    assert_false(manifest_name_parse("manifest-12", &number));
    assert_false(manifest_name_parse("manifest-00000000", &number));
    assert_false(manifest_name_parse("manifest-00000012x", &number));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_power_cut_anywhere_loses_no_edit_that_was_acknowledged),
        cmocka_unit_test(after_a_full_disk_the_next_edit_begins_a_new_file),
        cmocka_unit_test(another_version_and_features_nobody_knows_are_refused),
        cmocka_unit_test(a_checkpoint_says_what_the_edits_said),
        cmocka_unit_test(files_that_another_strategy_made_are_marked_until_they_are_gone),
        cmocka_unit_test(a_manifest_with_foreign_files_stays_readable),
        cmocka_unit_test(after_another_failure_nothing_is_appended_any_more),
        cmocka_unit_test(an_edit_that_no_encoder_wrote_is_corrupt),
        cmocka_unit_test(names_parse_only_as_they_are_made),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
