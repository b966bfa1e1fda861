/*
 * place.h: the store that a tool works on, as its options say, and what to tell when it cannot be opened.
 */
#ifndef STRAIT_TOOLS_PLACE_H
#define STRAIT_TOOLS_PLACE_H

#include <getopt.h>
#include <stdbool.h>

#include <strait.h>

/* Of getopt_long(): above every character. */
enum place_option {
    PLACE_DIR = 1000,
    PLACE_PROFILE,
    PLACE_IO,
    PLACE_READ_ONLY,
    PLACE_ACCEPT_LOG_DAMAGE,
    PLACE_SET_ASIDE,
};

#define PLACE_LONG_OPTIONS                                                                            \
    {"dir", required_argument, NULL, PLACE_DIR}, {"profile", required_argument, NULL, PLACE_PROFILE}, \
        {"io", required_argument, NULL, PLACE_IO}, {"read-only", no_argument, NULL, PLACE_READ_ONLY}, \
        {"accept-log-damage", no_argument, NULL, PLACE_ACCEPT_LOG_DAMAGE},                            \
    {                                                                                                 \
        "set-aside-damaged-tables", no_argument, NULL, PLACE_SET_ASIDE                                \
    }

#define PLACE_USAGE                                                                              \
    "  --dir DIR            the store; created when absent (default: memory, gone at the end)\n" \
    "  --read-only          modify nothing; the store must exist\n"                              \
    "  --profile NAME       scylla-2025.1 (default), scylla-5.2, scylla-2026.2,\n"               \
    "                       cassandra-4.1, cassandra-5.0\n"                                      \
    "  --io BODY            auto (default), uring, threads\n"                                    \
    "  --accept-log-damage  open although synced bytes of the commit log are damaged\n"          \
    "  --set-aside-damaged-tables\n"                                                             \
    "                       open without table files that cannot be opened; they go to lost/\n"

struct place {
    const char *dir; /* borrowed; NULL: memory */
    strait_options options;
};

/* False when `option` is none of the above. */
bool place_take(struct place *place, int option, const char *value);
/* ":memory:" or the folder. */
const char *place_name(const struct place *place);
/* NULL when it cannot be opened; the reason is on standard error. */
strait *place_open(const struct place *place);
/* False when closing failed; the reason is on standard error. */
bool place_close(const struct place *place, strait *db);

#endif
