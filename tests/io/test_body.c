/* Which body runs, what it costs, and how the bodies on the kernel go on after half a transfer. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/io/place.h"

/* Run `claim` in a child, because it changes what the whole process may do; it must return true. */
static void assert_in_child(bool (*claim)(void))
{
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(claim() ? 0 : 1);
    int outcome = 0;
    assert_int_equal(waitpid(child, &outcome, 0), child);
    assert_true(WIFEXITED(outcome) && WEXITSTATUS(outcome) == 0);
}

/* ---- the choice ---- */

static bool uring_refused_here(void)
{
    struct io_env *env = NULL;
    status st = io_env_open(IO_BODY_URING, 1, &env);
    io_env_close(env);
    return failed(st);
}

static void auto_takes_uring_where_the_kernel_allows_it(void **state)
{
    (void)state;
    struct io_env *env = NULL;
    unsetenv("STRAIT_IO");
    assert_ok(io_env_open(IO_BODY_AUTO, 1, &env));
    if (uring_refused_here()) {
        print_message("uring is refused here: %s\n", io_env_note(env));
        assert_string_equal(io_env_name(env), "threads");
        assert_true(strncmp(io_env_note(env), "io_uring_setup: ", 16) == 0);
    } else {
        assert_string_equal(io_env_name(env), "uring");
        assert_string_equal(io_env_note(env), "");
    }
    io_env_close(env);
}

/* What a container's seccomp profile does. */
static bool call_is_forbidden(uint32_t number)
{
    struct sock_filter program[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = {.len = ARRAY_LEN(program), .filter = program};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

static bool uring_is_forbidden(void)
{
    return call_is_forbidden(SYS_io_uring_setup);
}

static bool forbidden_uring_falls_back(void)
{
    struct io_env *env = NULL;
    unsetenv("STRAIT_IO");
    if (!uring_is_forbidden())
        return false;
    status st = io_env_open(IO_BODY_URING, 1, &env);
    if (st.code != STATUS_UNSUPPORTED || st.os_error != EPERM)
        return false;
    if (failed(io_env_open(IO_BODY_AUTO, 1, &env)))
        return false;
    bool fell_back = strcmp(io_env_name(env), "threads") == 0 &&
                     strcmp(io_env_note(env), "io_uring_setup: Operation not permitted") == 0;
    struct io_queue *queue = NULL;
    fell_back = fell_back && ok(io_queue_open(env, 4, &queue));
    io_queue_close(queue);
    io_env_close(env);
    return fell_back;
}

static void auto_falls_back_to_threads_and_says_why(void **state)
{
    (void)state;
    assert_in_child(forbidden_uring_falls_back);
}

static bool forced_uring_stays_refused(void)
{
    struct io_env *env = NULL;
    setenv("STRAIT_IO", "uring", 1);
    return uring_is_forbidden() && io_env_open(IO_BODY_AUTO, 1, &env).code == STATUS_UNSUPPORTED;
}

static void the_variable_decides_for_auto(void **state)
{
    (void)state;
    struct io_env *env = NULL;
    setenv("STRAIT_IO", "threads", 1);
    assert_ok(io_env_open(IO_BODY_AUTO, 1, &env));
    assert_string_equal(io_env_name(env), "threads");
    assert_string_equal(io_env_note(env), "STRAIT_IO=threads");
    io_env_close(env);
    assert_ok(io_env_open(IO_BODY_MEMORY, 1, &env)); /* for AUTO only */
    assert_string_equal(io_env_name(env), "memory");
    io_env_close(env);
    setenv("STRAIT_IO", "abacus", 1);
    assert_code(io_env_open(IO_BODY_AUTO, 1, &env), STATUS_INVALID);
    unsetenv("STRAIT_IO");
    assert_code(io_env_open((enum io_body)99, 1, &env), STATUS_INVALID);
    assert_in_child(forced_uring_stays_refused);
}

/* ---- what a body costs ---- */

static unsigned thread_count(void)
{
    unsigned count = 0;
    DIR *tasks = opendir("/proc/self/task");
    assert_non_null(tasks);
    for (const struct dirent *task; (task = readdir(tasks));)
        count += task->d_name[0] != '.';
    closedir(tasks);
    return count;
}

static void no_body_starts_a_thread_before_it_needs_one(void **state)
{
    (void)state;
    const enum io_body quiet[] = {IO_BODY_AUTO, IO_BODY_THREADS, IO_BODY_MEMORY, IO_BODY_SIM};
    unsigned before = thread_count();
    for (size_t i = 0; i < ARRAY_LEN(quiet); i++) {
        struct place place;
        assert_true(place_open(&place, quiet[i], 1));
        struct io_file *file = place_file(&place, "f", IO_WRITE | IO_CREATE);
        assert_ok(io_write(file, 0, "x", 1, true));
        assert_int_equal(thread_count(), before);
        io_close(file);
        place_close(&place);
    }
}

/* One durable write through a queue, and how many threads there are after it; 0 when it failed. */
static unsigned threads_after_a_write(enum io_body body, unsigned flags)
{
    struct place place;
    struct io_queue *queue = NULL;
    assert_true(place_open(&place, body, 1));
    struct io_file *file = place_file(&place, "f", IO_WRITE | IO_CREATE | flags);
    struct io_request request = {
        .op = IO_OP_WRITE_SYNC, .file = file, .data = io_memory_new(4096), .bytes = 4096};
    struct io_request *one = &request, *back = NULL;
    bool done = ok(io_queue_open(place.env, 4, &queue)) && ok(io_submit(queue, &one, 1)) &&
                ok(io_wait(queue, &back)) && back == one && ok(request.result) && request.done_bytes == 4096;
    unsigned threads = thread_count();
    io_queue_close(queue);
    io_memory_free(request.data);
    io_close(file);
    place_close(&place);
    return done ? threads : 0;
}

/* Some file systems only know the page cache. */
static bool direct_is_refused(void)
{
    char path[] = "/tmp/strait-io-XXXXXX";
    int made = mkstemp(path), direct = open(path, O_RDONLY | O_DIRECT | O_CLOEXEC);
    close(made);
    close(direct);
    unlink(path);
    return direct < 0;
}

/* What goes around the page cache is left to the kernel; workers have the rest. */
static void a_direct_transfer_needs_no_worker(void **state)
{
    (void)state;
    if (direct_is_refused())
        skip();
    unsigned before = thread_count();
    assert_int_equal(threads_after_a_write(IO_BODY_THREADS, IO_DIRECT), before);
    assert_true(threads_after_a_write(IO_BODY_THREADS, 0) > before);
    assert_true(threads_after_a_write(IO_BODY_WORKERS, IO_DIRECT) > before);
}

static bool workers_have_all_where_the_kernel_refuses(void)
{
    unsigned before = thread_count();
    return call_is_forbidden(SYS_io_setup) && threads_after_a_write(IO_BODY_THREADS, IO_DIRECT) > before;
}

/* A context that its parent made is not the child's. */
static bool a_child_has_contexts_of_its_own(void)
{
    unsigned before = thread_count();
    return threads_after_a_write(IO_BODY_THREADS, IO_DIRECT) == before;
}

static void the_kernel_may_refuse_its_own_transfers(void **state)
{
    (void)state;
    if (direct_is_refused())
        skip();
    assert_in_child(workers_have_all_where_the_kernel_refuses);
    assert_true(threads_after_a_write(IO_BODY_THREADS, IO_DIRECT) > 0);
    assert_in_child(a_child_has_contexts_of_its_own);
}

/* A store in memory must not pay for zero-filled segments. */
static void memory_keeps_zeros_for_nothing(void **state)
{
    (void)state;
    struct place place;
    assert_true(place_open(&place, IO_BODY_MEMORY, 1));
    struct io_file *file = place_file(&place, "segment", IO_READ | IO_WRITE | IO_CREATE);
    struct rusage before, after;
    getrusage(RUSAGE_SELF, &before);
    assert_ok(io_zero_fill(file, UINT64_C(1) << 30));
    getrusage(RUSAGE_SELF, &after);
    assert_true(after.ru_maxrss - before.ru_maxrss < 64 * 1024); /* KiB: not the GiB */
    io_close(file);
    place_close(&place);
}

/* ---- half a transfer ---- */

enum { SIZE_LIMIT = 10000 };

/* A limit on file sizes makes the kernel write a part first and refuse the rest when asked again. */
static void size_limit_set(rlim_t bytes)
{
    struct rlimit limit;
    getrlimit(RLIMIT_FSIZE, &limit);
    limit.rlim_cur = bytes;
    setrlimit(RLIMIT_FSIZE, &limit);
}

static void assert_goes_on_after_a_short_write(enum io_body body, bool queued)
{
    struct place place;
    if (!place_open(&place, body, 1))
        return;
    struct io_file *file = place_file(&place, "limited", IO_READ | IO_WRITE | IO_CREATE);
    struct io_queue *queue = NULL;
    static char bytes[4 * SIZE_LIMIT];
    struct io_request request = {.op = IO_OP_WRITE, .file = file, .data = bytes, .bytes = sizeof bytes};
    struct io_request *list[] = {&request}, *back = NULL;
    memset(bytes, 'L', sizeof bytes);
    assert_ok(io_queue_open(place.env, 2, &queue));

    signal(SIGXFSZ, SIG_IGN);
    size_limit_set(SIZE_LIMIT);
    status st;
    if (queued) {
        st = io_submit(queue, list, 1);
        if (ok(st))
            st = io_wait(queue, &back);
        if (ok(st))
            st = request.result;
    } else {
        st = io_write(file, 0, bytes, sizeof bytes, false);
    }
    size_limit_set(RLIM_INFINITY);

    uint64_t size = 0;
    assert_code(st, STATUS_LIMIT); /* EFBIG: what the second, continuing write was answered */
    assert_ok(io_size(file, &size));
    assert_int_equal(size, SIZE_LIMIT);
    io_queue_close(queue);
    io_close(file);
    place_close(&place);
}

static void a_short_write_goes_on_where_it_stopped(void **state)
{
    (void)state;
    const enum io_body on_kernel[] = {IO_BODY_THREADS, IO_BODY_WORKERS, IO_BODY_URING};
    for (size_t i = 0; i < ARRAY_LEN(on_kernel); i++) {
        assert_goes_on_after_a_short_write(on_kernel[i], false);
        assert_goes_on_after_a_short_write(on_kernel[i], true);
    }
}

static void a_full_device_is_no_space(void **state)
{
    (void)state;
    struct io_env *env = NULL;
    struct io_file *file = NULL;
    assert_ok(io_env_open(IO_BODY_THREADS, 1, &env));
    assert_ok(io_open(env, "/dev/full", IO_WRITE, &file));
    assert_code(io_write(file, 0, "x", 1, false), STATUS_NOSPACE);
    io_close(file);
    io_env_close(env);
}

/* ---- threads ---- */

struct witness {
    bool ran, signals_blocked;
};

static void witness_run(void *argument)
{
    struct witness *witness = argument;
    sigset_t blocked;
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    witness->signals_blocked = sigismember(&blocked, SIGTERM) == 1 && sigismember(&blocked, SIGINT) == 1;
    witness->ran = true;
}

static void a_thread_runs_and_leaves_signals_to_the_program(void **state)
{
    (void)state;
    struct io_env *env = NULL;
    struct io_thread *thread = NULL;
    struct witness witness = {0};
    assert_ok(io_env_open(IO_BODY_MEMORY, 1, &env));
    assert_ok(io_thread_start(env, "a name longer than the kernel keeps", witness_run, &witness, &thread));
    io_thread_join(thread);
    assert_true(witness.ran && witness.signals_blocked);
    sigset_t mine;
    pthread_sigmask(SIG_SETMASK, NULL, &mine);
    assert_false(sigismember(&mine, SIGTERM));
    io_env_close(env);
}

static void the_simulation_has_one_thread(void **state)
{
    (void)state;
    struct io_env *env = NULL;
    struct io_thread *thread = NULL;
    struct witness witness = {0};
    assert_ok(io_env_open(IO_BODY_SIM, 1, &env));
    assert_code(io_thread_start(env, "no", witness_run, &witness, &thread), STATUS_UNSUPPORTED);
    assert_false(witness.ran);
    io_env_close(env);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(auto_takes_uring_where_the_kernel_allows_it),
        cmocka_unit_test(auto_falls_back_to_threads_and_says_why),
        cmocka_unit_test(the_variable_decides_for_auto),
        cmocka_unit_test(no_body_starts_a_thread_before_it_needs_one),
        cmocka_unit_test(a_direct_transfer_needs_no_worker),
        cmocka_unit_test(the_kernel_may_refuse_its_own_transfers),
        cmocka_unit_test(memory_keeps_zeros_for_nothing),
        cmocka_unit_test(a_short_write_goes_on_where_it_stopped),
        cmocka_unit_test(a_full_device_is_no_space),
        cmocka_unit_test(a_thread_runs_and_leaves_signals_to_the_program),
        cmocka_unit_test(the_simulation_has_one_thread),
    };
    return cmocka_run_group_tests_name("bodies", tests, NULL, NULL);
}
