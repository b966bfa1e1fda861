/*
 * log.h: where messages for a person go. Libraries below engine/ return a status and never log.
 *
 * The sink is one per process; the default writes "strait: LEVEL message" to standard error.
 * Thread-safe; messages are single lines.
 */
#ifndef STRAIT_BASE_LOG_H
#define STRAIT_BASE_LOG_H

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

typedef void log_sink(void *context, enum log_level level, const char *message);

/* NULL restores the default sink. Call before other threads start. */
void log_set_sink(log_sink *sink, void *context);
/* Messages above `level` are dropped; LOG_LEVEL_WARNING at first. */
void log_set_level(enum log_level level);
void log_message(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
