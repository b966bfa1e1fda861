#include "log_load.h"

struct load {
    struct commitlog *log;
    struct log_memory *memory;
    status result;
};

static void load_open(struct load *load, struct io_env *env)
{
    load->result = commitlog_open(&(struct commitlog_options){.env = env,
                                                              .folder = "/s",
                                                              .store_id = STORE,
                                                              .stream = STREAM,
                                                              .next_segment = load->memory->next_segment,
                                                              .recovered = load->memory->recovered,
                                                              .first_segment_bytes = 12 << 10,
                                                              .segment_bytes = 16 << 10},
                                  &load->log);
}

static void load_append(struct load *load, size_t bytes)
{
    struct log_position end;
    if (ok(load->result))
        load->result = commitlog_append(load->log, payload_of(load->memory->appended++, bytes), &end);
}

static void load_sync(struct load *load)
{
    if (ok(load->result))
        load->result = commitlog_sync(load->log, commitlog_tail(load->log));
    if (ok(load->result))
        load->memory->synced = load->memory->appended;
}

static void load_prepare(struct load *load)
{
    if (ok(load->result))
        commitlog_prepare(load->log);
}

/* Everything appended so far lies in segments below the tail's, or is needed no more. */
static void load_release(struct load *load, uint32_t released, uint64_t segment)
{
    load->memory->released = released;
    if (ok(load->result))
        load->result = commitlog_release(load->log, segment);
}

/* The stream rests, and nothing of it is needed. */
static void load_trim(struct load *load)
{
    load_sync(load);
    if (failed(load->result))
        return;
    load->memory->released = load->memory->appended;
    load->result = commitlog_trim(load->log, commitlog_tail(load->log));
}

static void load_close(struct load *load)
{
    if (!load->log)
        return;
    status st = commitlog_close(load->log);
    load->log = NULL;
    if (ok(load->result))
        load->result = st;
    if (ok(load->result))
        load->memory->synced = load->memory->appended;
}

status log_load_run(struct io_env *env, struct log_memory *memory)
{
    struct load load = {.memory = memory};
    load_open(&load, env);
    load_append(&load, 100);
    load_sync(&load);
    load_append(&load, 2000);
    load_append(&load, 5000);
    load_sync(&load);
    load_append(&load, 3000);
    load_prepare(&load);
    load_append(&load, 4000);
    load_sync(&load);
    uint32_t released = memory->appended;
    load_append(&load, 20000);
    load_sync(&load);
    if (ok(load.result))
        load_release(&load, released, commitlog_durable(load.log).segment);
    load_append(&load, 7000);
    load_append(&load, 300000);
    load_append(&load, 50);
    load_sync(&load);
    load_prepare(&load);
    load_prepare(&load);
    load_append(&load, 9000);
    load_trim(&load);
    load_append(&load, 60);
    load_sync(&load);
    load_append(&load, 9000);
    load_append(&load, 2000);
    load_close(&load);
    return load.result;
}

bool log_load_recover(struct io_env *env, struct log_memory *memory)
{
    struct replay replay;
    status st = replay_from(env, "/s", 0, &replay);
    if (sim_power_is_cut(env))
        return false;
    assert_ok(st);
    assert_int_not_equal(replay.end, COMMITLOG_END_DAMAGED);
    assert_true(replay.intact);
    uint32_t end = replay.count ? replay.first + replay.count : memory->released;
    if (replay.count)
        assert_true(replay.first <= memory->released);
    assert_true(end >= memory->synced || memory->synced <= memory->released);
    assert_true(end <= memory->appended);
    /* What was replayed has been believed: it may not vanish any more. The rest is appended anew. */
    memory->synced = memory->appended = end > memory->released ? end : memory->released;
    memory->recovered = replay.end_at;
    memory->next_segment =
        replay.next_segment > memory->next_segment ? replay.next_segment : memory->next_segment;
    return true;
}

struct io_env *sim_env(uint64_t seed)
{
    struct io_env *env = NULL;
    assert_ok(io_env_open(IO_BODY_SIM, seed, &env));
    assert_ok(io_mkdir(env, "/s"));
    assert_ok(io_sync_dir(env, "/"));
    return env;
}
