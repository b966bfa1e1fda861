#include "base/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>

static const char *const level_names[] = {"error", "warning", "info", "debug"};

static void sink_stderr(void *context, enum log_level level, const char *message)
{
    (void)context;
    fprintf(stderr, "strait: %s: %s\n", level_names[level], message);
}

static log_sink *current_sink = sink_stderr;
static void *current_context;
static atomic_int current_level = LOG_LEVEL_WARNING;

void log_set_sink(log_sink *sink, void *context)
{
    current_sink = sink ? sink : sink_stderr;
    current_context = context;
}

void log_set_level(enum log_level level)
{
    atomic_store(&current_level, (int)level);
}

void log_message(enum log_level level, const char *format, ...)
{
    if ((int)level > atomic_load(&current_level))
        return;
    char line[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    current_sink(current_context, level, line);
}
