/* What queues promise, the same for every body. */
#include <stdlib.h>
#include <string.h>

#include "tests/io/place.h"

enum {
    DEPTH = 4,
    BLOCKS = 64,
};

static enum io_body body; /* the one whose turn it is */
static struct place place;

static int place_setup(void **state)
{
    (void)state;
    return place_open(&place, body, 7) ? 0 : -1;
}

static int place_teardown(void **state)
{
    (void)state;
    place_close(&place);
    return 0;
}

/* A file, a queue of depth DEPTH, and one request for each block of the file. */
struct blocks {
    struct io_file *file;
    struct io_queue *queue;
    uint8_t *memory;
    struct io_request requests[BLOCKS];
    struct io_request *list[BLOCKS];
};

static void blocks_init(struct blocks *blocks, const char *name, enum io_op op, unsigned flags)
{
    memset(blocks, 0, sizeof *blocks);
    blocks->file = place_file(&place, name, IO_READ | IO_WRITE | IO_CREATE | flags);
    assert_ok(io_queue_open(place.env, DEPTH, &blocks->queue));
    blocks->memory = io_memory_new((size_t)BLOCKS * IO_BLOCK_BYTES);
    assert_non_null(blocks->memory);
    for (size_t i = 0; i < BLOCKS; i++) {
        uint8_t *data = blocks->memory + i * IO_BLOCK_BYTES;
        memset(data, (int)i + 1, IO_BLOCK_BYTES);
        blocks->requests[i] = (struct io_request){.op = op,
                                                  .file = blocks->file,
                                                  .offset = i * IO_BLOCK_BYTES,
                                                  .data = data,
                                                  .bytes = IO_BLOCK_BYTES,
                                                  .user = blocks};
        blocks->list[i] = &blocks->requests[i];
    }
}

static void blocks_deinit(struct blocks *blocks)
{
    io_queue_close(blocks->queue);
    io_close(blocks->file);
    io_memory_free(blocks->memory);
}

/* Every request comes back once and whole, in whatever order. */
static void assert_all_come_back(struct blocks *blocks, size_t count)
{
    bool seen[BLOCKS] = {false};
    for (size_t i = 0; i < count; i++) {
        struct io_request *request = NULL;
        assert_ok(io_wait(blocks->queue, &request));
        assert_non_null(request);
        size_t index = (size_t)(request - blocks->requests);
        assert_true(index < BLOCKS && !seen[index]);
        seen[index] = true;
        assert_ok(request->result);
        assert_int_equal(request->done_bytes, request->op == IO_OP_SYNC ? 0 : request->bytes);
        assert_ptr_equal(request->user, blocks);
    }
    struct io_request *none = blocks->requests;
    assert_ok(io_wait(blocks->queue, &none));
    assert_null(none);
}

static void write_then_read_all(const char *name, enum io_op op, unsigned flags)
{
    struct blocks blocks;
    blocks_init(&blocks, name, op, flags);
    assert_ok(io_submit(blocks.queue, blocks.list, BLOCKS));
    assert_all_come_back(&blocks, BLOCKS);

    memset(blocks.memory, 0, (size_t)BLOCKS * IO_BLOCK_BYTES);
    for (size_t i = 0; i < BLOCKS; i++)
        blocks.requests[i].op = IO_OP_READ;
    assert_ok(io_submit(blocks.queue, blocks.list, BLOCKS));
    assert_all_come_back(&blocks, BLOCKS);
    for (size_t i = 0; i < BLOCKS; i++) {
        assert_int_equal(blocks.memory[i * IO_BLOCK_BYTES], i + 1);
        assert_int_equal(blocks.memory[(i + 1) * IO_BLOCK_BYTES - 1], i + 1);
    }
    blocks_deinit(&blocks);
}

static void many_more_than_the_depth_come_back_once_each(void **state)
{
    (void)state;
    write_then_read_all("buffered", IO_OP_WRITE, 0);
}

static void durable_writes_on_a_direct_file_do_the_same(void **state)
{
    (void)state;
    write_then_read_all("direct", IO_OP_WRITE_SYNC, IO_DIRECT);
}

static void syncs_travel_with_writes(void **state)
{
    (void)state;
    struct blocks blocks;
    blocks_init(&blocks, "syncs", IO_OP_WRITE, 0);
    for (size_t i = 3; i < BLOCKS; i += 4)
        blocks.requests[i] = (struct io_request){.op = IO_OP_SYNC, .file = blocks.file, .user = &blocks};
    assert_ok(io_submit(blocks.queue, blocks.list, BLOCKS));
    assert_all_come_back(&blocks, BLOCKS);
    blocks_deinit(&blocks);
}

static void requests_may_be_submitted_while_others_are_in_flight(void **state)
{
    (void)state;
    struct blocks blocks;
    blocks_init(&blocks, "turns", IO_OP_WRITE, 0);
    size_t came_back = 0;
    for (size_t i = 0; i < BLOCKS; i += 2) {
        struct io_request *request = NULL;
        assert_ok(io_submit(blocks.queue, blocks.list + i, 2));
        assert_ok(io_wait(blocks.queue, &request));
        assert_ok(request->result);
        came_back++;
    }
    for (struct io_request *request;; came_back++) {
        assert_ok(io_wait(blocks.queue, &request));
        if (!request)
            break;
    }
    assert_int_equal(came_back, BLOCKS);
    blocks_deinit(&blocks);
}

static void a_read_is_short_at_the_end_of_the_file(void **state)
{
    (void)state;
    const unsigned kinds[] = {0, IO_DIRECT};
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        struct blocks blocks;
        blocks_init(&blocks, i ? "tail direct" : "tail", IO_OP_READ, kinds[i]);
        assert_ok(io_truncate(blocks.file, IO_BLOCK_BYTES + 700));
        blocks.requests[0].bytes = 4 * IO_BLOCK_BYTES; /* all of it and more */
        blocks.requests[1].bytes = 2 * IO_BLOCK_BYTES; /* the tail */
        blocks.requests[0].data = blocks.memory + BLOCKS / 2 * IO_BLOCK_BYTES;
        blocks.requests[1].data = blocks.memory + BLOCKS / 4 * IO_BLOCK_BYTES;
        assert_ok(io_submit(blocks.queue, blocks.list, 3));
        struct io_request *request = NULL;
        for (size_t j = 0; j < 3; j++) {
            assert_ok(io_wait(blocks.queue, &request));
            assert_ok(request->result);
        }
        assert_int_equal(blocks.requests[0].done_bytes, IO_BLOCK_BYTES + 700);
        assert_int_equal(blocks.requests[1].done_bytes, 700);
        assert_int_equal(blocks.requests[2].done_bytes, 0);
        blocks_deinit(&blocks);
    }
}

static void a_failed_transfer_spoils_only_itself(void **state)
{
    (void)state;
    struct blocks blocks;
    blocks_init(&blocks, "mixed", IO_OP_WRITE, 0);
    struct io_file *reader = place_file(&place, "mixed", IO_READ);
    blocks.requests[1].file = reader;
    assert_ok(io_submit(blocks.queue, blocks.list, 3));
    struct io_request *request = NULL;
    for (size_t i = 0; i < 3; i++) {
        assert_ok(io_wait(blocks.queue, &request));
        assert_code(request->result, request == &blocks.requests[1] ? STATUS_IO : STATUS_OK);
    }
    assert_int_equal(blocks.requests[1].done_bytes, 0);
    io_close(reader);
    blocks_deinit(&blocks);
}

static void closing_waits_for_what_is_in_flight(void **state)
{
    (void)state;
    struct blocks blocks;
    blocks_init(&blocks, "left", IO_OP_WRITE, 0);
    assert_ok(io_submit(blocks.queue, blocks.list, BLOCKS));
    io_queue_close(blocks.queue);
    blocks.queue = NULL;
    uint64_t bytes = 0;
    assert_ok(io_size(blocks.file, &bytes));
    assert_int_equal(bytes, BLOCKS * IO_BLOCK_BYTES);
    blocks_deinit(&blocks);
}

static void a_queue_has_a_depth(void **state)
{
    (void)state;
    struct io_queue *queue = NULL;
    assert_code(io_queue_open(place.env, 0, &queue), STATUS_INVALID);
    assert_code(io_queue_open(place.env, 1u << 20, &queue), STATUS_INVALID);
    assert_ok(io_queue_open(place.env, 1, &queue));
    assert_ok(io_submit(queue, NULL, 0));
    io_queue_close(queue);
}

/* ---- many threads, each with a queue of its own, on one file ---- */

enum { WRITERS = 3, ROUNDS = 20 };

struct writer {
    struct io_file *file;
    size_t number;
    status outcome;
};

/* Writes its own blocks and reads them back, several at a time. */
static status writer_rounds(struct writer *writer, struct io_queue *queue, uint8_t *memory)
{
    struct io_request requests[DEPTH], *list[DEPTH], *request;
    for (size_t round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < DEPTH; i++) {
            uint64_t block = (writer->number * ROUNDS + round) * DEPTH + i;
            requests[i] = (struct io_request){.op = i % 2 ? IO_OP_WRITE_SYNC : IO_OP_WRITE,
                                              .file = writer->file,
                                              .offset = block * IO_BLOCK_BYTES,
                                              .data = memory + i * IO_BLOCK_BYTES,
                                              .bytes = IO_BLOCK_BYTES};
            memset(requests[i].data, (int)(block % 251), IO_BLOCK_BYTES);
            list[i] = &requests[i];
        }
        TRY(io_submit(queue, list, DEPTH));
        for (size_t i = 0; i < DEPTH; i++) {
            TRY(io_wait(queue, &request));
            TRY(request->result);
            size_t done = 0;
            uint8_t byte = 0;
            TRY(io_read(writer->file, request->offset, &byte, 1, &done));
            if (byte != request->offset / IO_BLOCK_BYTES % 251)
                return STATUS_FAIL(STATUS_CORRUPT);
        }
    }
    return STATUS_DONE;
}

static void writer_run(void *argument)
{
    struct writer *writer = argument;
    struct io_queue *queue = NULL;
    uint8_t *memory = io_memory_new(DEPTH * IO_BLOCK_BYTES);
    writer->outcome = io_queue_open(place.env, DEPTH / 2, &queue);
    if (ok(writer->outcome))
        writer->outcome = writer_rounds(writer, queue, memory);
    io_queue_close(queue);
    io_memory_free(memory);
}

static void threads_share_a_file_and_keep_their_queues(void **state)
{
    (void)state;
    if (body == IO_BODY_SIM)
        return; /* one thread by contract */
    struct io_file *file = place_file(&place, "shared", IO_READ | IO_WRITE | IO_CREATE);
    struct writer writers[WRITERS];
    struct io_thread *threads[WRITERS] = {NULL};
    for (size_t i = 0; i < WRITERS; i++) {
        writers[i] = (struct writer){.file = file, .number = i};
        assert_ok(io_thread_start(place.env, "writer", writer_run, &writers[i], &threads[i]));
    }
    for (size_t i = 0; i < WRITERS; i++) {
        io_thread_join(threads[i]);
        assert_ok(writers[i].outcome);
    }
    io_close(file);
}

/* A ring gives up what a thread that ended had in flight; the transfer must not be lost with it. */
static void submit_and_end(void *argument)
{
    struct blocks *blocks = argument;
    (void)io_submit(blocks->queue, blocks->list, DEPTH);
}

static void a_queue_outlives_the_thread_that_filled_it(void **state)
{
    (void)state;
    if (body == IO_BODY_SIM)
        return;
    struct blocks blocks;
    struct io_thread *thread = NULL;
    blocks_init(&blocks, "handed over", IO_OP_WRITE_SYNC, IO_DIRECT);
    assert_ok(io_thread_start(place.env, "submitter", submit_and_end, &blocks, &thread));
    io_thread_join(thread);
    assert_all_come_back(&blocks, DEPTH);
    blocks_deinit(&blocks);
}

static const struct CMUnitTest cases[] = {
    cmocka_unit_test(many_more_than_the_depth_come_back_once_each),
    cmocka_unit_test(durable_writes_on_a_direct_file_do_the_same),
    cmocka_unit_test(syncs_travel_with_writes),
    cmocka_unit_test(requests_may_be_submitted_while_others_are_in_flight),
    cmocka_unit_test(a_read_is_short_at_the_end_of_the_file),
    cmocka_unit_test(a_failed_transfer_spoils_only_itself),
    cmocka_unit_test(closing_waits_for_what_is_in_flight),
    cmocka_unit_test(a_queue_has_a_depth),
    cmocka_unit_test(threads_share_a_file_and_keep_their_queues),
    cmocka_unit_test(a_queue_outlives_the_thread_that_filled_it),
};

int main(void)
{
    return place_run_bodies("queue", &body, cases, ARRAY_LEN(cases), place_setup, place_teardown);
}
