/*
 * The host of a virtual machine gives it memory page by page, when the guest first touches it. That is many times dearer than
 * the guest's own zeroing, is paid once until the host takes what is free away again, and falls to whoever happens to need the
 * page first.
 */
#include "bench/peers/machine.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/measure.h"
#include "bench/peers/meter.h"

enum { SMALL_PAGE_BYTES = 4096 };

/* Were there too little after all, the system ends this process and no other. */
static void be_the_first_to_end(void)
{
    int file = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    if (file < 0)
        return;
    ssize_t written = write(file, "1000", 4);
    (void)written; /* it is a precaution */
    close(file);
}

static bool touch(uint64_t bytes)
{
    be_the_first_to_end();
    volatile uint8_t *memory =
        mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        return false;
    (void)madvise((void *)memory, bytes, MADV_HUGEPAGE); /* only a wish */
    for (uint64_t at = 0; at < bytes; at += SMALL_PAGE_BYTES)
        memory[at] = 1;
    return true;
}

void machine_touch_memory(void)
{
    uint64_t bytes = meter_available_bytes() / 10 * 9;
    int64_t begun_ns = latency_now_ns();
    int how = -1;
    fflush(NULL);
    pid_t child = bytes ? fork() : -1;
    if (child == 0)
        _exit(touch(bytes) ? 0 : 1);
    if (child < 0 || waitpid(child, &how, 0) != child || !WIFEXITED(how) || WEXITSTATUS(how) != 0) {
        fprintf(stderr, "bench-peers: the machine's memory could not be touched; what is new to the machine "
                        "costs more than the rest\n");
        return;
    }
    printf("memory touched: %.1f GiB in %.1f s\n", (double)bytes / (1 << 30),
           (double)(latency_now_ns() - begun_ns) / 1e9);
}
