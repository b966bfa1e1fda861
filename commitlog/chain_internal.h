/*
 * chain_internal.h: which segments of a folder make up a stream, and where each of them ends.
 *
 * A pure function of the headers; the rules are in docs/formats/commitlog.md under "Chain".
 */
#ifndef STRAIT_COMMITLOG_CHAIN_INTERNAL_H
#define STRAIT_COMMITLOG_CHAIN_INTERNAL_H

#include "commitlog/commitlog.h"

enum link_state {
    LINK_EMPTY,    /* a file that no record was written to */
    LINK_WHOLE,    /* the header checks out */
    LINK_HEADLESS, /* it does not, yet something is there */
    LINK_LOST,     /* the file is gone or empty though another segment continues it, or it continues itself */
};

struct link {
    uint64_t number;
    enum link_state state;
    struct log_position previous; /* where the segment before it ends; segment 0: not said */
    bool sealed;                  /* a later segment says where this one ends: */
    uint64_t sealed_end;
};

/*
 * `links` holds one entry a file, rising in number; on return it holds the chain, rising. It has room for one entry
 * more than `count`: a lost segment is the first entry of the chain.
 */
size_t chain_build(struct link *links, size_t count);

#endif
