#include "tools/progress.h"

#include <stdio.h>
#include <unistd.h>

#include "tools/latency.h"

enum {
    BAR_WIDTH = 30,
    REDRAW_NS = 100000000,
};

void progress_begin(struct progress *progress, const char *label, const char *unit, uint64_t total)
{
    *progress = (struct progress){.label = label,
                                  .unit = unit,
                                  .total = total ? total : 1,
                                  .begun_ns = latency_now_ns(),
                                  .terminal = isatty(STDERR_FILENO)};
}

static void draw(const struct progress *progress, uint64_t done, int64_t now_ns)
{
    double seconds = (double)(now_ns - progress->begun_ns) / 1e9;
    double rate = seconds > 0 ? (double)done / seconds : 0;
    double left = rate > 0 && done < progress->total ? (double)(progress->total - done) / rate : 0;
    double share = (double)done / (double)progress->total;
    if (progress->terminal) {
        char bar[BAR_WIDTH + 1];
        for (int i = 0; i < BAR_WIDTH; i++)
            bar[i] = share * BAR_WIDTH >= i + 1 ? '#' : '.';
        bar[BAR_WIDTH] = 0;
        fprintf(stderr, "\r  %-22s [%s] %3.0f%%  %9.0f %s/s  ETA %3.0f s ", progress->label, bar, share * 100,
                rate, progress->unit, left);
    } else {
        fprintf(stderr, "  %-22s %3.0f%%  %9.0f %s/s  ETA %.0f s\n", progress->label, share * 100, rate,
                progress->unit, left);
    }
}

void progress_at(struct progress *progress, uint64_t done)
{
    if (progress->terminal) {
        if (done % 1024)
            return;
        int64_t now_ns = latency_now_ns();
        if (now_ns - progress->shown_ns < REDRAW_NS)
            return;
        progress->shown_ns = now_ns;
        draw(progress, done, now_ns);
        return;
    }
    unsigned tenths = (unsigned)(done * 10 / progress->total);
    if (tenths > progress->tenths && tenths < 10) {
        progress->tenths = tenths;
        draw(progress, done, latency_now_ns());
    }
}

double progress_end(struct progress *progress, uint64_t done)
{
    int64_t now_ns = latency_now_ns();
    draw(progress, done, now_ns);
    if (progress->terminal)
        fputc('\n', stderr);
    return (double)(now_ns - progress->begun_ns) / 1e9;
}
