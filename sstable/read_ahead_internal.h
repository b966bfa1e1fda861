/*
 * read_ahead_internal.h: a file read front to back for one cursor, the next piece on its way while this one is used.
 *
 * Two parts of half a MiB each hold a window of the file. The cursor's reader of rows moves it: what lies behind is given up
 * and the part asked to read on. Its readers of pages look into the window, because pages stand among the blocks, and
 * never move it. What is not in the window, or could not be read, is for the caller to read by itself, so a bad sector
 * costs only those who ask for what is on it.
 *
 * Threads     One at a time.
 */
#ifndef STRAIT_SSTABLE_READ_AHEAD_INTERNAL_H
#define STRAIT_SSTABLE_READ_AHEAD_INTERNAL_H

#include "io/io.h"

enum {
    READ_AHEAD_PARTS = 2,
    READ_AHEAD_PART_BYTES = 512 << 10,
};

enum read_ahead_state { PART_IDLE, PART_IN_FLIGHT, PART_READ, PART_FAILED };

struct read_ahead_part {
    uint8_t *data; /* owned; NULL until needed */
    uint64_t begin;
    size_t bytes;
    enum read_ahead_state state;
    struct io_request request;
};

struct read_ahead {
    struct io_env *env;     /* borrowed */
    struct io_file *file;   /* borrowed */
    struct io_queue *queue; /* owned; NULL until needed */
    uint64_t end;           /* where to stop */
    uint64_t next;          /* where the next part begins */
    size_t part_bytes;
    struct read_ahead_part parts[READ_AHEAD_PARTS];
    bool refused;         /* by the system: there is no window any more */
    uint64_t parts_asked; /* for tests */
};

/* Reads [0, end), which ends on IO_BLOCK_BYTES; part_bytes 0: the usual. NULL when memory ran out. */
struct read_ahead *read_ahead_new(struct io_env *env, struct io_file *file, uint64_t end, size_t part_bytes);
/* Waits for what is in flight. NULL is welcome. */
void read_ahead_free(struct read_ahead *ahead);

/*
 * The bytes [offset, offset + bytes), in one piece or two; the second is empty when there is one. *out_found is false when
 * they are not in the window, or the system refuses to read like this; a failure is that of reading just them. They stay
 * until the next call with `leads`, which moves the window to begin there.
 */
status read_ahead_find(struct read_ahead *ahead, uint64_t offset, size_t bytes, bool leads,
                       struct slice out_pieces[2], bool *out_found);

#endif
