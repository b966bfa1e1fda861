/*
 * meter.h: what this process used between two moments, and what others used of the machine meanwhile.
 */
#ifndef STRAIT_BENCH_PEERS_METER_H
#define STRAIT_BENCH_PEERS_METER_H

#include <stdint.h>

struct meter {
    int64_t wall_ns;
    int64_t cpu_ns;         /* of all threads of this process, user and system */
    int64_t machine_ns;     /* busy time of all CPUs, stolen time included */
    uint64_t read_bytes;    /* from the disk, by this process */
    uint64_t written_bytes; /* to the disk or to pages that will go there */
};

struct meter meter_now(void);
struct meter meter_since(const struct meter *begun);
/* Of all CPU time there was, the part that others used: 0 to 1. The kernel's own threads are others. */
double meter_foreign(const struct meter *used);

/* Resident memory now, without what the C library keeps of what was freed: an earlier phase's leavings, out of which the next
 * one would take its memory unseen. And its peak since meter_peak_reset(). */
uint64_t meter_resident_bytes(void);
void meter_peak_reset(void);
uint64_t meter_peak_bytes(void);
/* What the system says can be had without swapping; 0 when it does not say. */
uint64_t meter_available_bytes(void);

/* Blocks allocated to the files of a folder, and what is below it. */
uint64_t meter_disk_bytes(const char *folder);
/* Write the folder's files out and drop the kernel's cached pages of them; as root of everything. */
void meter_drop_caches(const char *folder);

#endif
