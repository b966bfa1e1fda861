/*
 * pace.h: does a peer move bytes fast enough? A pace runs while something is half done: a frame that is arriving, an
 * answer that is being read. A peer that trickles bytes to hold memory is told apart from one with a slow line.
 */
#ifndef STRAIT_SERVER_PACE_H
#define STRAIT_SERVER_PACE_H

#include <stdbool.h>
#include <stdint.h>

enum { PACE_BYTES_A_SECOND = 1024 }; /* on average in a window */

/* A zeroed struct is a pace that does not run. */
struct pace {
    bool running;
    int64_t begun_ns; /* of the window */
    uint64_t bytes;   /* moved since then */
};

static inline void pace_begin(struct pace *pace, int64_t now_ns)
{
    if (!pace->running)
        *pace = (struct pace){.running = true, .begun_ns = now_ns};
}

static inline void pace_end(struct pace *pace)
{
    pace->running = false;
}

static inline void pace_move(struct pace *pace, uint64_t bytes)
{
    pace->bytes += bytes;
}

/* Judged window by window of at least `window_ns`, so that an early burst does not pay for a later standstill. */
static inline bool pace_is_too_slow(struct pace *pace, int64_t now_ns, int64_t window_ns)
{
    int64_t elapsed_ns = now_ns - pace->begun_ns;
    if (!pace->running || elapsed_ns <= window_ns)
        return false;
    bool slow = pace->bytes < (uint64_t)elapsed_ns / 1000000 * PACE_BYTES_A_SECOND / 1000;
    *pace = (struct pace){.running = true, .begun_ns = now_ns};
    return slow;
}

#endif
