#include "tests/io/place.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void place_assert_code(status st, enum status_code expected, const char *text, const char *file, int line)
{
    if (st.code == expected)
        return;
    char message[300];
    status_print(st, message, sizeof message);
    print_error("%s: %s, expected \"%s\"\n", text, message,
                status_text((status){.code = (uint16_t)expected}));
    _fail(file, line);
}

static bool is_on_disk(const struct place *place)
{
    const char *name = io_env_name(place->env);
    return strcmp(name, "memory") != 0 && strcmp(name, "sim") != 0;
}

bool place_open(struct place *place, enum io_body body, uint64_t seed)
{
    status st = io_env_open(body, seed, &place->env);
    if (body == IO_BODY_URING && st.code == STATUS_UNSUPPORTED) {
        print_message("uring is refused here: %s\n", strerror(st.os_error));
        return false;
    }
    assert_ok(st);
    snprintf(place->folder, sizeof place->folder, "/tmp/strait-io-XXXXXX");
    if (is_on_disk(place)) {
        assert_non_null(mkdtemp(place->folder));
        return true;
    }
    assert_ok(io_mkdir(place->env, "/tmp"));
    assert_ok(io_sync_dir(place->env, "/"));
    assert_ok(io_mkdir(place->env, place->folder));
    assert_ok(io_sync_dir(place->env, "/tmp"));
    return true;
}

static int entry_remove(const char *path, const struct stat *about, int type, struct FTW *where)
{
    (void)about;
    (void)type;
    (void)where;
    return remove(path);
}

void place_close(struct place *place)
{
    if (!place->env)
        return;
    if (is_on_disk(place))
        nftw(place->folder, entry_remove, 16, FTW_DEPTH | FTW_PHYS);
    io_env_close(place->env);
    place->env = NULL;
}

const char *place_path(const struct place *place, const char *name)
{
    static char paths[8][128];
    static unsigned turn;
    char *path = paths[turn++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", place->folder, name);
    return path;
}

struct io_file *place_file(const struct place *place, const char *name, unsigned flags)
{
    struct io_file *file = NULL;
    assert_ok(io_open(place->env, place_path(place, name), flags, &file));
    return file;
}

const char *place_text(const struct place *place, const char *name)
{
    static char text[8192];
    struct io_file *file = NULL;
    status st = io_open(place->env, place_path(place, name), IO_READ, &file);
    if (st.code == STATUS_NOT_FOUND)
        return "(absent)";
    assert_ok(st);
    size_t bytes = 0;
    assert_ok(io_read(file, 0, text, sizeof text - 1, &bytes));
    io_close(file);
    text[bytes] = '\0';
    return text;
}

void place_write(struct io_file *file, uint64_t offset, const char *text)
{
    assert_ok(io_write(file, offset, text, strlen(text), false));
}

struct found_names {
    char *list[64];
    size_t count;
};

static void name_found(void *context, const char *name)
{
    struct found_names *found = context;
    assert_true(found->count < ARRAY_LEN(found->list));
    found->list[found->count++] = strdup(name);
}

static int text_order(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

const char *place_names(const struct place *place, const char *name)
{
    static char text[4096];
    struct found_names found = {0};
    assert_ok(io_list(place->env, place_path(place, name), name_found, &found));
    qsort(found.list, found.count, sizeof *found.list, text_order);
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < found.count; i++) {
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", i ? " " : "", found.list[i]);
        free(found.list[i]);
    }
    return text;
}

static bool uring_is_refused(void)
{
    struct io_env *env = NULL;
    status st = io_env_open(IO_BODY_URING, 1, &env);
    io_env_close(env);
    if (failed(st))
        print_message("uring is refused here (%s): the fallback of AUTO takes its turn\n",
                      strerror(st.os_error));
    return failed(st);
}

int place_run_bodies(const char *topic, enum io_body *inout_body, const struct CMUnitTest *cases,
                     size_t case_count, CMFixtureFunction setup, CMFixtureFunction teardown)
{
    static const struct {
        enum io_body body;
        const char *name;
    } bodies[] = {
        {IO_BODY_URING, "uring"},   {IO_BODY_THREADS, "threads"}, {IO_BODY_WORKERS, "workers"},
        {IO_BODY_MEMORY, "memory"}, {IO_BODY_SIM, "sim"},
    };
    int failures = 0;
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        bool falls_back = bodies[i].body == IO_BODY_URING && uring_is_refused();
        char name[64];
        snprintf(name, sizeof name, "%s over %s", topic,
                 falls_back ? "the fallback of uring" : bodies[i].name);
        *inout_body = falls_back ? IO_BODY_AUTO : bodies[i].body;
        print_message("%s:\n", name);
        failures += _cmocka_run_group_tests(name, cases, case_count, setup, teardown);
    }
    return failures;
}
