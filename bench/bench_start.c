/*
 * From exec to the first answered query, and resident memory when empty: what a test suite pays for a server.
 *
 *   bench_start STRAIT [RUNS]
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/measure.h"
#include "tools/folder.h"

static const char *program;

/* STARTUP {CQL_VERSION: 3.0.0}, and QUERY "SELECT key FROM system.local" at consistency ONE. */
static const unsigned char startup[] = "\x04\0\0\0\x01\0\0\0\x16\0\x01\0\x0b"
                                       "CQL_VERSION"
                                       "\0\x05"
                                       "3.0.0";
static const unsigned char query[] = "\x04\0\0\x01\x07\0\0\0\x23\0\0\0\x1c"
                                     "SELECT key FROM system.local"
                                     "\0\x01\0";

static int connect_to(int port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
        measure_fail("connect", "refused");
    return fd;
}

static void receive_frame(int fd, unsigned char opcode)
{
    unsigned char header[9], body[65536];
    if (recv(fd, header, sizeof header, MSG_WAITALL) != (ssize_t)sizeof header || header[4] != opcode)
        measure_fail("answer", "not the frame that was expected");
    size_t bytes = (size_t)header[5] << 24 | (size_t)header[6] << 16 | (size_t)header[7] << 8 | header[8];
    if (bytes > sizeof body || (bytes && recv(fd, body, bytes, MSG_WAITALL) != (ssize_t)bytes))
        measure_fail("answer", "cut short");
}

static void ask(int port)
{
    int fd = connect_to(port);
    if (send(fd, startup, sizeof startup - 1, 0) < 0)
        measure_fail("send", "failed");
    receive_frame(fd, 0x02);
    if (send(fd, query, sizeof query - 1, 0) < 0)
        measure_fail("send", "failed");
    receive_frame(fd, 0x08);
    close(fd);
}

static double resident_mib(pid_t pid)
{
    char path[64];
    long pages = 0;
    snprintf(path, sizeof path, "/proc/%ld/statm", (long)pid);
    FILE *file = fopen(path, "r");
    if (!file || fscanf(file, "%*s %ld", &pages) != 1)
        measure_fail(path, "unreadable");
    fclose(file);
    return (double)pages * (double)sysconf(_SC_PAGESIZE) / (1 << 20);
}

/* Start a server, ask it one thing, stop it. */
static int64_t start_once(const char *folder, double *out_mib)
{
    int out[2];
    int64_t begun_ns = latency_now_ns();
    if (pipe(out) != 0)
        measure_fail("pipe", "failed");
    pid_t pid = fork();
    if (pid < 0)
        measure_fail("fork", "failed");
    if (pid == 0) {
        dup2(out[1], STDOUT_FILENO);
        close(out[0]);
        close(out[1]);
        if (folder)
            execl(program, program, "serve", "--dir", folder, "--listen", "127.0.0.1:0", (char *)NULL);
        else
            execl(program, program, "serve", "--memory", "--listen", "127.0.0.1:0", (char *)NULL);
        _exit(127);
    }
    close(out[1]);
    FILE *line_file = fdopen(out[0], "r");
    char line[1024];
    if (!line_file || !fgets(line, sizeof line, line_file) || !strstr(line, "\"port\": "))
        measure_fail(program, "did not say its port");
    ask(atoi(strstr(line, "\"port\": ") + strlen("\"port\": ")));
    int64_t taken_ns = latency_now_ns() - begun_ns;
    *out_mib = resident_mib(pid);
    kill(pid, SIGTERM);
    int result;
    waitpid(pid, &result, 0);
    fclose(line_file);
    if (result != 0)
        measure_fail(program, "did not end cleanly");
    return taken_ns;
}

static void measure_starts(const char *phase, int runs, bool disk)
{
    struct latency latency = {0};
    double mib = 0;
    for (int i = 0; i < runs; i++) {
        char folder[] = "/var/tmp/strait-start-XXXXXX";
        if (disk && !mkdtemp(folder))
            measure_fail(folder, "cannot be made");
        latency_add(&latency, start_once(disk ? folder : NULL, &mib));
        if (disk)
            folder_remove(folder);
    }
    measure("strait", phase, "first_answer_p50_ms", latency_percentile_us(&latency, 50) / 1000, "ms");
    measure("strait", phase, "first_answer_max_ms", latency_percentile_us(&latency, 100) / 1000, "ms");
    measure("strait", phase, "resident_mib", mib, "MiB");
    latency_deinit(&latency);
}

int main(int argc, char **argv)
{
    if (argc < 2)
        measure_fail("usage", "bench_start STRAIT [RUNS]");
    program = argv[1];
    int runs = argc > 2 ? atoi(argv[2]) : 20;
    measure_starts("start_memory", runs, false);
    measure_starts("start_disk", runs, true);
    return 0;
}
