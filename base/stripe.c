#include "base/stripe.h"

#include <stdatomic.h>

uint32_t thread_stripe(uint32_t count)
{
    static atomic_uint last;
    static _Thread_local uint32_t mine; /* counted from 1; 0: none yet */
    while (!mine)
        mine = atomic_fetch_add_explicit(&last, 1, memory_order_relaxed) + 1;
    return (mine - 1) % count;
}
