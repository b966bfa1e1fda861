#include "bench/peers/peer.h"

#include <string.h>

extern const struct peer_ops peer_strait, peer_strait_threads, peer_strait_tiered;
extern const struct peer_ops peer_rocksdb, peer_rocksdb_tuned, peer_rocksdb_universal,
    peer_rocksdb_universal_tuned;
extern const struct peer_ops peer_leveldb, peer_lmdb, peer_wiredtiger, peer_wiredtiger_lsm, peer_sqlite;

const struct peer_ops *const peers[] = {&peer_strait,
                                        &peer_strait_threads,
                                        &peer_strait_tiered,
                                        &peer_rocksdb,
                                        &peer_rocksdb_tuned,
                                        &peer_rocksdb_universal,
                                        &peer_rocksdb_universal_tuned,
                                        &peer_leveldb,
                                        &peer_lmdb,
                                        &peer_wiredtiger,
                                        &peer_wiredtiger_lsm,
                                        &peer_sqlite,
                                        NULL};

const struct peer_ops *peer_find(const char *name)
{
    for (unsigned i = 0; peers[i]; i++)
        if (strcmp(peers[i]->name, name) == 0)
            return peers[i];
    return NULL;
}
