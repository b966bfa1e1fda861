/*
 * progress.h: how far a long phase is, with rate and time left: one line that is redrawn on a terminal, a plain line
 * every tenth elsewhere. Written to standard error.
 */
#ifndef STRAIT_TOOLS_PROGRESS_H
#define STRAIT_TOOLS_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    const char *label; /* borrowed */
    const char *unit;  /* borrowed: "rows" */
    uint64_t total;
    int64_t begun_ns, shown_ns;
    unsigned tenths;
    bool terminal;
};

void progress_begin(struct progress *progress, const char *label, const char *unit, uint64_t total);
/* Cheap unless it is time to draw. */
void progress_at(struct progress *progress, uint64_t done);
/* The last line; returns the seconds the phase took. */
double progress_end(struct progress *progress, uint64_t done);

#endif
