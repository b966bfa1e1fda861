/* A process killed at any instruction, on a real file system under both real bodies: what was acknowledged is there (I1). */
#include "log_fixture.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* What parent and child share: how many payloads the child knows to be durable. */
struct shared {
    _Atomic uint32_t synced;
};

static void append_for_ever(enum io_body body, const char *folder, const struct replay *found,
                            struct shared *shared)
{
    struct io_env *env = NULL;
    struct commitlog *log = NULL;
    if (failed(io_env_open(body, 1, &env)) ||
        failed(commitlog_open(&(struct commitlog_options){.env = env,
                                                          .folder = folder,
                                                          .store_id = STORE,
                                                          .stream = STREAM,
                                                          .next_segment = found->next_segment,
                                                          .recovered = found->end_at,
                                                          .first_segment_bytes = 64 << 10,
                                                          .segment_bytes = 256 << 10},
                              &log)))
        _exit(1);
    for (uint32_t number = found->count;; number++) {
        struct log_position end;
        if (failed(commitlog_append(log, payload_of(number, 50 + number % 7 * 1000), &end)))
            _exit(1);
        if (number % 3)
            continue;
        if (failed(commitlog_sync(log, end)))
            _exit(1);
        atomic_store(&shared->synced, number + 1);
        commitlog_prepare(log);
    }
}

static void kill_while_appending(enum io_body body, const char *folder, const struct replay *found,
                                 struct shared *shared, useconds_t after_us)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (!child)
        append_for_ever(body, folder, found, shared);
    usleep(after_us);
    assert_int_equal(kill(child, SIGKILL), 0);
    int how = 0;
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFSIGNALED(how)); /* it did not fail before */
}

static void remove_name(void *context, const char *name)
{
    char path[600];
    snprintf(path, sizeof path, "%s/%s", (const char *)context, name);
    unlink(path);
}

static struct replay read_back(const char *folder)
{
    struct io_env *env = NULL;
    assert_ok(io_env_open(IO_BODY_THREADS, 1, &env));
    struct replay replay = replay_all(env, folder);
    io_env_close(env);
    return replay;
}

static void kill_again_and_again(enum io_body body, struct shared *shared)
{
    char folder[] = "/tmp/strait-log-XXXXXX";
    assert_non_null(mkdtemp(folder));
    atomic_store(&shared->synced, 0);
    struct replay found = {.next_segment = 1};
    for (useconds_t after_us = 2000; after_us < 100000; after_us = after_us * 2 + 777) {
        kill_while_appending(body, folder, &found, shared, after_us);
        found = read_back(folder);
        assert_true(found.intact);
        assert_int_equal(found.first, 0);
        assert_true(found.count >= atomic_load(&shared->synced));
        assert_int_not_equal(found.end, COMMITLOG_END_DAMAGED);
    }
    print_message("%u payloads, %u of them synced\n", found.count, atomic_load(&shared->synced));
    struct io_env *env = NULL;
    assert_ok(io_env_open(IO_BODY_THREADS, 1, &env));
    assert_ok(io_list(env, folder, remove_name, folder));
    io_env_close(env);
    rmdir(folder);
}

static void a_killed_process_loses_nothing_acknowledged(void **state)
{
    (void)state;
    struct shared *shared =
        mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(shared != MAP_FAILED);
    static const enum io_body bodies[] = {IO_BODY_AUTO, IO_BODY_THREADS, IO_BODY_WORKERS};
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++)
        kill_again_and_again(bodies[i], shared);
    munmap(shared, sizeof *shared);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_killed_process_loses_nothing_acknowledged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
