/*
 * aio_internal.h: transfers that the kernel makes by itself, by its older interface (io_submit).
 *
 * Where io_uring is refused this one seldom is. It is asynchronous for files that are read and written around the page cache
 * and for nothing else, so it takes only those.
 *
 * Ownership   init takes a context of the process or asks the kernel for one, deinit gives it back. Contexts are kept for
 *             the life of the process: the kernel takes milliseconds to destroy one.
 * Errors      A kernel that refuses is no error: then the set takes nothing. What a request met is in its `result`.
 * Threads     One at a time for a set.
 */
#ifndef STRAIT_IO_AIO_INTERNAL_H
#define STRAIT_IO_AIO_INTERNAL_H

#include "io/io_internal.h"

/* Zeroed takes nothing. */
struct aio {
    unsigned long context; /* owned; 0: none */
    unsigned in_flight;
};

void aio_init(struct aio *aio, unsigned depth);
/* Waits for what is in flight. */
void aio_deinit(struct aio *aio);
/* The set is for such transfers. */
bool aio_takes(const struct aio *aio, const struct io_request *request);
/* Begin as many as the kernel takes, with one call where it takes all; how many that was. Each is one of those that the set
 * takes, and there are no more in flight than the depth. */
unsigned aio_submit(struct aio *aio, struct io_request **requests, unsigned count);
/* Wait until one at least of those in flight is done, and put what is done into `done`. */
status aio_wait(struct aio *aio, struct request_list *done);

#endif
