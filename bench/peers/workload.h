/*
 * workload.h: the rows of a chat, what readers ask of it, and the right answers, made before anything is measured.
 */
#ifndef STRAIT_BENCH_PEERS_WORKLOAD_H
#define STRAIT_BENCH_PEERS_WORKLOAD_H

#include "bench/peers/oracle.h"

enum { WORKLOAD_PAGE_ROWS = 50 };

/* Questions of one kind and what their answers add up to. */
struct question_list {
    struct question *items; /* owned */
    uint32_t count;
    struct answer expected; /* total and rows */
};

struct workload {
    struct chat *chat;                           /* owned */
    struct question_list newest;                 /* the newest page of a channel picked by popularity */
    struct question_list page;                   /* the page before a time anywhere in the chat */
    struct question_list warm_newest, warm_page; /* others of the same kinds, for warming up; no answers */
    struct question_list cold;                   /* the newest page of channels that are all different */
    struct question_list point;                  /* rows picked evenly */
};

/* Ends the program when memory runs out. */
void workload_init(struct workload *workload, const struct chat_options *options, uint32_t reads);
void workload_deinit(struct workload *workload);

#endif
