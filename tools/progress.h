/*
 * progress.h: how far a long phase is, with rate and time left: one line that is redrawn on a terminal, a plain line
 * every few seconds elsewhere. Written to standard error.
 */
#ifndef STRAIT_TOOLS_PROGRESS_H
#define STRAIT_TOOLS_PROGRESS_H

#include <stdint.h>

struct progress {
    const char *label; /* borrowed */
    const char *unit;  /* borrowed: "rows" */
    uint64_t total;
    uint64_t next; /* the clock is not looked at before so much is done */
    int64_t begun_ns, shown_ns;
    int columns; /* of the terminal; 0: there is none */
};

/* With a total of 0 nobody knows how far it is: `unit` then says what is done, and progress_at() is not called. */
void progress_begin(struct progress *progress, const char *label, const char *unit, uint64_t total);
/* Cheap unless it is time to draw. */
void progress_at(struct progress *progress, uint64_t done);
/* The last line; returns the seconds the phase took. */
double progress_end(struct progress *progress, uint64_t done);

#endif
