#include "io/aio_internal.h"

#include <linux/aio_abi.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    CONTEXT_DEPTH = 64, /* of every context, so that each will do for everybody */
    CONTEXTS_KEPT = 32,
    SUBMITTED_AT_ONCE = 16,
    TRANSFER_BYTES_MAX = 1 << 30,
};

enum { NOBODY = 0, IN_BETWEEN = -1 };

/* Contexts that nobody uses. A context belongs to the process that made it and not to its children, so each stands with
 * the process that may take it. A place that was in between when a process forked is lost to the child. */
static struct idle {
    _Atomic pid_t owner;
    unsigned long context; /* of who put IN_BETWEEN there */
} idle[CONTEXTS_KEPT];

static unsigned long idle_take(void)
{
    const pid_t self = getpid();
    for (size_t i = 0; i < CONTEXTS_KEPT; i++) {
        pid_t owner = self;
        if (!atomic_compare_exchange_strong(&idle[i].owner, &owner, IN_BETWEEN))
            continue;
        unsigned long context = idle[i].context;
        atomic_store(&idle[i].owner, NOBODY);
        return context;
    }
    return 0;
}

/* Into a place that is empty, or has what a parent left. */
static bool idle_keep(unsigned long context)
{
    const pid_t self = getpid();
    for (size_t i = 0; i < CONTEXTS_KEPT; i++) {
        pid_t owner = atomic_load(&idle[i].owner);
        if (owner == self || owner == IN_BETWEEN ||
            !atomic_compare_exchange_strong(&idle[i].owner, &owner, IN_BETWEEN))
            continue;
        idle[i].context = context;
        atomic_store(&idle[i].owner, self);
        return true;
    }
    return false;
}

void aio_init(struct aio *aio, unsigned depth)
{
    *aio = (struct aio){0};
    if (depth > CONTEXT_DEPTH)
        return;
    aio->context = idle_take();
    if (!aio->context && syscall(SYS_io_setup, CONTEXT_DEPTH, &aio->context) != 0)
        aio->context = 0;
}

void aio_deinit(struct aio *aio)
{
    struct request_list done = {0};
    while (aio->in_flight && ok(aio_wait(aio, &done)))
        ;
    bool kept = !aio->context || (!aio->in_flight && idle_keep(aio->context));
    if (!kept)
        (void)syscall(SYS_io_destroy, aio->context); /* waits for what is in flight */
    *aio = (struct aio){0};
}

bool aio_takes(const struct aio *aio, const struct io_request *request)
{
    const struct posix_file *file = (const struct posix_file *)request->file;
    return aio->context && request->op != IO_OP_SYNC && file->direct && request->bytes <= TRANSFER_BYTES_MAX;
}

static void control_block_fill(struct iocb *block, struct io_request *request)
{
    *block = (struct iocb){
        .aio_data = (uint64_t)(uintptr_t)request,
        .aio_lio_opcode = request->op == IO_OP_READ ? IOCB_CMD_PREAD : IOCB_CMD_PWRITE,
        .aio_rw_flags = request->op == IO_OP_WRITE_SYNC ? RWF_DSYNC : 0,
        .aio_fildes = (uint32_t)((const struct posix_file *)request->file)->fd,
        .aio_buf = (uint64_t)(uintptr_t)request->data,
        .aio_nbytes = request->bytes,
        .aio_offset = (int64_t)request->offset,
    };
}

unsigned aio_submit(struct aio *aio, struct io_request **requests, unsigned count)
{
    struct iocb blocks[SUBMITTED_AT_ONCE], *pointers[SUBMITTED_AT_ONCE];
    unsigned now = count < SUBMITTED_AT_ONCE ? count : SUBMITTED_AT_ONCE;
    for (unsigned i = 0; i < now; i++) {
        control_block_fill(&blocks[i], requests[i]);
        pointers[i] = &blocks[i];
    }
    long taken = syscall(SYS_io_submit, aio->context, (long)now, pointers);
    if (taken <= 0)
        return 0;
    aio->in_flight += (unsigned)taken;
    return (unsigned)taken;
}

/* The rest of the transfer by ordinary calls. */
static status rest_by_call(struct io_request *request)
{
    uint8_t *at = (uint8_t *)request->data + request->progress_bytes;
    uint64_t offset = request->offset + request->progress_bytes;
    size_t left = request->bytes - request->progress_bytes, moved = left;
    if (request->op == IO_OP_READ)
        TRY(posix_read(request->file, offset, at, left, &moved));
    else
        TRY(posix_write(request->file, offset, at, left, request->op == IO_OP_WRITE_SYNC));
    request->progress_bytes += moved;
    return STATUS_DONE;
}

/* What was interrupted, or has to be asked for otherwise. */
static bool is_worth_a_call(int64_t error)
{
    return error == EINTR || error == EAGAIN || error == ECANCELED || error == EOPNOTSUPP || error == EINVAL;
}

static status answer_take(struct io_request *request, int64_t answer)
{
    const struct posix_file *file = (const struct posix_file *)request->file;
    if (answer < 0 && !is_worth_a_call(-answer))
        return STATUS_FROM_ERRNO((int)-answer);
    if (answer > 0)
        request->progress_bytes = (size_t)answer;
    bool is_read = request->op == IO_OP_READ;
    bool is_at_end = is_read && (answer == 0 || posix_read_is_at_end(file, request->progress_bytes));
    return request->progress_bytes == request->bytes || is_at_end ? STATUS_DONE : rest_by_call(request);
}

status aio_wait(struct aio *aio, struct request_list *done)
{
    struct io_event events[SUBMITTED_AT_ONCE];
    long count;
    do
        count = syscall(SYS_io_getevents, aio->context, 1L, (long)SUBMITTED_AT_ONCE, events, NULL);
    while (count < 0 && errno == EINTR);
    if (count <= 0)
        return STATUS_OS(STATUS_IO, count < 0 ? errno : EIO);
    for (long i = 0; i < count; i++) {
        struct io_request *request = (struct io_request *)(uintptr_t)events[i].data;
        request->result = answer_take(request, events[i].res);
        request->done_bytes = ok(request->result) ? request->progress_bytes : 0;
        request_list_push(done, request);
        aio->in_flight--;
    }
    return STATUS_DONE;
}
