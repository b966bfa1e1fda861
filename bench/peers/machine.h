/*
 * machine.h: the state in which the machine is when the first engine begins.
 */
#ifndef STRAIT_BENCH_PEERS_MACHINE_H
#define STRAIT_BENCH_PEERS_MACHINE_H

/* Touch nine tenths of the memory that is available, in a process of its own, and say on standard output what that took.
 * Where it cannot be done a warning goes to standard error. */
void machine_touch_memory(void);

#endif
