#include "bench/peers/meter.h"

#include <fcntl.h>
#include <ftw.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/measure.h"

/* The number that follows `name` in a file of "name value" lines; 0 when there is none. */
static uint64_t number_after(const char *path, const char *name)
{
    char text[4096];
    FILE *file = fopen(path, "r");
    if (!file)
        return 0;
    size_t bytes = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[bytes] = '\0';
    const char *at = strstr(text, name);
    return at ? strtoull(at + strlen(name), NULL, 10) : 0;
}

static int64_t nanoseconds(struct timeval time)
{
    return (int64_t)time.tv_sec * 1000000000 + (int64_t)time.tv_usec * 1000;
}

/* user nice system idle iowait irq softirq steal, in ticks, of all CPUs. */
static int64_t machine_busy_ns(void)
{
    unsigned long long t[8] = {0};
    FILE *file = fopen("/proc/stat", "r");
    if (!file)
        return 0;
    int taken = fscanf(file, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &t[0], &t[1], &t[2], &t[3], &t[4],
                       &t[5], &t[6], &t[7]);
    fclose(file);
    if (taken < 7)
        return 0;
    return (int64_t)(t[0] + t[1] + t[2] + t[5] + t[6] + t[7]) * (1000000000 / sysconf(_SC_CLK_TCK));
}

struct meter meter_now(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (struct meter){.wall_ns = latency_now_ns(),
                          .cpu_ns = nanoseconds(usage.ru_utime) + nanoseconds(usage.ru_stime),
                          .machine_ns = machine_busy_ns(),
                          .read_bytes = number_after("/proc/self/io", "\nread_bytes:"),
                          .written_bytes = number_after("/proc/self/io", "\nwrite_bytes:")};
}

struct meter meter_since(const struct meter *begun)
{
    struct meter now = meter_now();
    return (struct meter){.wall_ns = now.wall_ns - begun->wall_ns,
                          .cpu_ns = now.cpu_ns - begun->cpu_ns,
                          .machine_ns = now.machine_ns - begun->machine_ns,
                          .read_bytes = now.read_bytes - begun->read_bytes,
                          .written_bytes = now.written_bytes - begun->written_bytes};
}

double meter_foreign(const struct meter *used)
{
    double total = (double)used->wall_ns * (double)sysconf(_SC_NPROCESSORS_ONLN);
    double foreign = (double)(used->machine_ns - used->cpu_ns) / total;
    return foreign < 0 ? 0 : foreign > 1 ? 1 : foreign; /* the machine's time comes in ticks */
}

uint64_t meter_resident_bytes(void)
{
    (void)malloc_trim(0);
    return number_after("/proc/self/status", "VmRSS:") * 1024;
}

void meter_peak_reset(void)
{
    int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    if (write(fd, "5", 1) != 1)
        measure_fail("peak memory", "cannot be reset");
    close(fd);
}

uint64_t meter_peak_bytes(void)
{
    return number_after("/proc/self/status", "VmHWM:") * 1024;
}

uint64_t meter_available_bytes(void)
{
    return number_after("/proc/meminfo", "MemAvailable:") * 1024;
}

/* nftw() has no argument for its callback. */
static uint64_t walked_bytes;

static int add_blocks(const char *path, const struct stat *info, int kind, struct FTW *walk)
{
    (void)path;
    (void)walk;
    if (kind == FTW_F)
        walked_bytes += (uint64_t)info->st_blocks * 512;
    return 0;
}

uint64_t meter_disk_bytes(const char *folder)
{
    walked_bytes = 0;
    nftw(folder, add_blocks, 16, FTW_PHYS);
    return walked_bytes;
}

static int drop_pages(const char *path, const struct stat *info, int kind, struct FTW *walk)
{
    (void)info;
    (void)walk;
    if (kind != FTW_F)
        return 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    fsync(fd);
    posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    close(fd);
    return 0;
}

void meter_drop_caches(const char *folder)
{
    nftw(folder, drop_pages, 16, FTW_PHYS);
    int fd = open("/proc/sys/vm/drop_caches", O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    if (write(fd, "3", 1) != 1)
        fprintf(stderr, "bench-peers: the page cache could not be dropped as a whole\n");
    close(fd);
}
