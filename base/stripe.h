/*
 * stripe.h: which of several like pieces of state a thread uses, so that threads do not fight for one line of memory.
 *
 * Threads     Any. Each keeps its stripe as long as it lives; several threads may have the same.
 */
#ifndef STRAIT_BASE_STRIPE_H
#define STRAIT_BASE_STRIPE_H

#include <stdint.h>

/* The stripe of the calling thread, below `count`, which is above 0. Threads take turns. */
uint32_t thread_stripe(uint32_t count);

#endif
