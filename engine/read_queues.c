#include "engine/read_queues_internal.h"

void read_queues_init(struct read_queues *queues)
{
    *queues = (struct read_queues){0};
    lock_init(&queues->lock, RANK_CACHE);
}

void read_queues_deinit(struct read_queues *queues)
{
    for (uint32_t i = 0; i < queues->idle_count; i++)
        io_queue_close(queues->idle[i]);
    lock_deinit(&queues->lock);
}

/* NULL when none can be had. */
static struct io_queue *queue_take(struct read_queues *queues, struct io_env *env)
{
    struct io_queue *queue = NULL;
    lock_acquire(&queues->lock);
    if (queues->idle_count)
        queue = queues->idle[--queues->idle_count];
    lock_release(&queues->lock);
    if (!queue && failed(io_queue_open(env, READ_QUEUE_DEPTH, &queue)))
        return NULL;
    return queue;
}

static void queue_give(struct read_queues *queues, struct io_queue *queue)
{
    lock_acquire(&queues->lock);
    bool kept = queues->idle_count < READ_QUEUES_KEPT;
    if (kept)
        queues->idle[queues->idle_count++] = queue;
    lock_release(&queues->lock);
    if (!kept)
        io_queue_close(queue);
}

static void run_here(struct io_request *request)
{
    request->result =
        io_read(request->file, request->offset, request->data, request->bytes, &request->done_bytes);
}

/* The last one is made by the caller itself, beside the others: it has to wait anyway. A queue that breaks is closed,
 * which waits for what is in flight. */
void read_queues_run(struct read_queues *queues, struct io_env *env, struct io_request *requests,
                     uint32_t count)
{
    struct io_request *submitted[READ_QUEUE_DEPTH], *back;
    struct io_queue *queue = count > 1 ? queue_take(queues, env) : NULL;
    uint32_t others = queue ? count - 1 : 0;
    for (uint32_t i = 0; i < count; i++)
        requests[i].result = STATUS_FAIL(STATUS_IO);
    for (uint32_t i = 0; i < others; i++)
        submitted[i] = &requests[i];
    status st = others ? io_submit(queue, submitted, others) : STATUS_DONE;
    for (uint32_t i = others; i < count; i++)
        run_here(&requests[i]);
    for (uint32_t i = 0; ok(st) && i < others; i++)
        st = io_wait(queue, &back);
    if (failed(st))
        io_queue_close(queue);
    else if (queue)
        queue_give(queues, queue);
}
