#include "tools/progress.h"

#include <stdio.h>
#include <string.h>

#include "tools/latency.h"
#include "tools/terminal.h"

enum {
    LINE_BYTES = 256,
    BAR_COLUMNS_MAX = 30,
    DRAWS_PER_SECOND = 20, /* looks at the clock */
};

static const int64_t REDRAW_NS = 100000000; /* of a line on a terminal */
static const int64_t FIRST_NS = 20000000;   /* after the beginning, so that a short phase is seen to move */
static const int64_t REPEAT_NS = 5000000000;

void progress_begin(struct progress *progress, const char *label, const char *unit, uint64_t total)
{
    int64_t now_ns = latency_now_ns();
    *progress = (struct progress){.label = label,
                                  .unit = unit,
                                  .total = total,
                                  .next = 1,
                                  .begun_ns = now_ns,
                                  .shown_ns = now_ns,
                                  .columns = terminal_columns(stderr)};
    if (progress->columns)
        progress->shown_ns += FIRST_NS - REDRAW_NS;
    if (!total && progress->columns)
        fprintf(stderr, "  %-10s  %s ...", label, unit);
}

/* A bar of what the terminal has room for beside `used` columns; nothing when that is too little. */
static void print_bar(const struct progress *progress, double share, int used)
{
    int columns = progress->columns - used - 4;
    if (columns > BAR_COLUMNS_MAX)
        columns = BAR_COLUMNS_MAX;
    if (columns < 5)
        return;
    fputc('[', stderr);
    for (int i = 0; i < columns; i++)
        fputc(share * columns >= i + 1 ? '#' : '.', stderr);
    fputs("] ", stderr);
}

static void draw(const struct progress *progress, uint64_t done, double seconds, const char *tail)
{
    char head[LINE_BYTES], rest[LINE_BYTES];
    double rate = seconds > 0 ? (double)done / seconds : 0;
    double share = (double)done / (double)progress->total;
    int used = snprintf(head, sizeof head, "  %-10s  ", progress->label);
    used += snprintf(rest, sizeof rest, "%3.0f %%  %8.0f %s/s  %s", share * 100, rate, progress->unit, tail);
    if (!progress->columns) {
        fprintf(stderr, "%s%s\n", head, rest);
        return;
    }
    fprintf(stderr, "\r%s", head);
    print_bar(progress, share, used);
    fprintf(stderr, "%s\x1b[K", rest); /* what an earlier, longer line left behind is cleared */
}

void progress_at(struct progress *progress, uint64_t done)
{
    if (done < progress->next)
        return;
    int64_t now_ns = latency_now_ns();
    double seconds = (double)(now_ns - progress->begun_ns) / 1e9;
    double rate = seconds > 0 ? (double)done / seconds : 0;
    progress->next = done + 1 + (uint64_t)(rate / DRAWS_PER_SECOND);
    if (now_ns - progress->shown_ns < (progress->columns ? REDRAW_NS : REPEAT_NS) || rate <= 0)
        return;
    progress->shown_ns = now_ns;
    char tail[64];
    snprintf(tail, sizeof tail, "ETA %.0f s",
             done < progress->total ? (double)(progress->total - done) / rate : 0);
    draw(progress, done, seconds, tail);
}

double progress_end(struct progress *progress, uint64_t done)
{
    double seconds = (double)(latency_now_ns() - progress->begun_ns) / 1e9;
    char tail[64];
    snprintf(tail, sizeof tail, "in %.1f s", seconds);
    if (progress->total)
        draw(progress, done, seconds, tail);
    else
        fprintf(stderr, "%s  %-10s  %s %s%s", progress->columns ? "\r" : "", progress->label, progress->unit,
                tail, progress->columns ? "\x1b[K" : "\n");
    if (progress->columns)
        fputc('\n', stderr);
    return seconds;
}
