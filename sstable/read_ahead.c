#include "sstable/read_ahead_internal.h"

#include <stdlib.h>

struct read_ahead *read_ahead_new(struct io_env *env, struct io_file *file, uint64_t end, size_t part_bytes)
{
    struct read_ahead *ahead = calloc(1, sizeof *ahead);
    if (!ahead)
        return NULL;
    ahead->env = env;
    ahead->file = file;
    ahead->end = end;
    ahead->part_bytes = part_bytes ? part_bytes : READ_AHEAD_PART_BYTES;
    if (ahead->part_bytes > end)
        ahead->part_bytes = end;
    return ahead;
}

void read_ahead_free(struct read_ahead *ahead)
{
    if (!ahead)
        return;
    io_queue_close(ahead->queue);
    for (uint32_t i = 0; i < READ_AHEAD_PARTS; i++)
        io_memory_free(ahead->parts[i].data);
    free(ahead);
}

/* Until the part is not in flight any more. */
static void part_wait(struct read_ahead *ahead, struct read_ahead_part *part)
{
    while (part->state == PART_IN_FLIGHT) {
        struct io_request *done;
        if (failed(io_wait(ahead->queue, &done)) || !done) {
            ahead->refused = true;
            return;
        }
        struct read_ahead_part *other = done->user;
        other->state = ok(done->result) ? PART_READ : PART_FAILED;
    }
}

static status part_ask(struct read_ahead *ahead, struct read_ahead_part *part)
{
    uint64_t left = ahead->end - ahead->next;
    if (!ahead->queue)
        TRY(io_queue_open(ahead->env, READ_AHEAD_PARTS, &ahead->queue));
    if (!part->data)
        part->data = io_memory_new(ahead->part_bytes);
    if (!part->data)
        return STATUS_FAIL(STATUS_NOMEM);
    part->begin = ahead->next;
    part->bytes = left < ahead->part_bytes ? (size_t)left : ahead->part_bytes;
    part->request = (struct io_request){
        .op = IO_OP_READ,
        .file = ahead->file,
        .offset = part->begin,
        .data = part->data,
        .bytes = part->bytes,
        .user = part,
    };
    struct io_request *request = &part->request;
    TRY(io_submit(ahead->queue, &request, 1));
    part->state = PART_IN_FLIGHT;
    ahead->next += part->bytes;
    ahead->parts_asked++;
    return STATUS_DONE;
}

static bool part_has(const struct read_ahead_part *part, uint64_t offset)
{
    return part->state != PART_IDLE && offset >= part->begin && offset - part->begin < part->bytes;
}

static struct read_ahead_part *part_at(struct read_ahead *ahead, uint64_t offset)
{
    for (uint32_t i = 0; i < READ_AHEAD_PARTS; i++)
        if (part_has(&ahead->parts[i], offset))
            return &ahead->parts[i];
    return NULL;
}

static void part_give_up(struct read_ahead *ahead, struct read_ahead_part *part)
{
    part_wait(ahead, part);
    if (!ahead->refused)
        part->state = PART_IDLE;
}

/* The window begins at the part with `offset`, and goes on as far as there are parts. */
static void window_move(struct read_ahead *ahead, uint64_t offset)
{
    bool inside = part_at(ahead, offset);
    for (uint32_t i = 0; i < READ_AHEAD_PARTS; i++)
        if (!inside || ahead->parts[i].begin + ahead->parts[i].bytes <= offset)
            part_give_up(ahead, &ahead->parts[i]);
    if (!inside)
        ahead->next = offset / IO_BLOCK_BYTES * IO_BLOCK_BYTES;
    for (uint32_t i = 0; i < READ_AHEAD_PARTS && !ahead->refused; i++)
        if (ahead->parts[i].state == PART_IDLE && ahead->next < ahead->end)
            ahead->refused = failed(part_ask(ahead, &ahead->parts[i]));
}

status read_ahead_find(struct read_ahead *ahead, uint64_t offset, size_t bytes, bool leads,
                       struct slice out_pieces[2], bool *out_found)
{
    if (leads && !ahead->refused)
        window_move(ahead, offset);
    uint64_t at = offset, end = offset + bytes;
    out_pieces[1] = (struct slice){0};
    *out_found = false;
    for (uint32_t i = 0; at < end; i++) {
        struct read_ahead_part *part = i < READ_AHEAD_PARTS && !ahead->refused ? part_at(ahead, at) : NULL;
        if (!part)
            return STATUS_DONE;
        part_wait(ahead, part);
        if (ahead->refused)
            return STATUS_DONE;
        size_t skipped = (size_t)(at - part->begin);
        if (part->state == PART_FAILED)
            return part->request.result;
        if (part->request.done_bytes <= skipped)
            return STATUS_FAIL(STATUS_CORRUPT);
        size_t here = part->request.done_bytes - skipped;
        size_t taken = end - at < here ? (size_t)(end - at) : here;
        out_pieces[i] = slice_of(part->data + skipped, taken);
        at += taken;
    }
    *out_found = true;
    return STATUS_DONE;
}
