/*
 * peer.h: what an engine must offer to be measured. One file peer_NAME.c per engine.
 *
 * Ownership   open() makes a peer that close() ends; a session is one thread's use of it and is freed before the peer
 *             is closed. Rows are borrowed for the call.
 * Errors      An engine that fails ends the program (measure_fail()): there is no result without it.
 * Fairness    A row arrives as its fields, and the adapter builds key and value inside the call; reading, it takes them
 *             apart again and gives each row to answer_add(), which reads every byte of it.
 */
#ifndef STRAIT_BENCH_PEERS_PEER_H
#define STRAIT_BENCH_PEERS_PEER_H

#include "bench/measure.h"
#include "bench/peers/oracle.h"

struct peer_setup {
    const char *folder;   /* exists; empty the first time */
    uint64_t cache_bytes; /* for reading */
    uint64_t write_bytes; /* for what is not yet in files */
    uint64_t data_bytes;  /* that will be written, about: sizes address space, not memory */
    bool durable;         /* every write is synced before it returns */
};

struct peer_ops {
    const char *name;
    const char *variant; /* for engines that are run in several ways; else NULL */
    const char *about;   /* one line for the table */
    void *(*open)(const struct peer_ops *ops, const struct peer_setup *setup);
    void (*close)(void *peer);
    void *(*session_new)(void *peer);
    void (*session_free)(void *session);
    /* All of the rows in one atomic write. An engine that is far slower with a transaction a row may join up to 1000
     * unsynced rows; session_free() commits them. */
    void (*write)(void *session, const struct chat_row *rows, uint32_t count);
    /* The newest `limit` rows of the channel created before before_ms (INT64_MAX: of all). */
    void (*newest)(void *session, uint64_t channel, int64_t before_ms, uint32_t limit, struct answer *answer);
    /* The row with the key (channel, created_ms, id) of `key`; nothing is added when there is none. */
    void (*point)(void *session, const struct chat_row *key, struct answer *answer);
    void (*scan)(void *session, struct answer *answer);
    /* Everything is in its files, on the disk, and the background has nothing left to do. */
    void (*settle)(void *peer);
    /* The best shape for reading that the engine can be asked for. */
    void (*compact)(void *peer);
    /* Written to files since open() by the engine's own count; NULL when it keeps none. */
    uint64_t (*written_bytes)(void *peer);
};

/* All engines built into this program; ends with NULL. */
extern const struct peer_ops *const peers[];
const struct peer_ops *peer_find(const char *name);

#endif
