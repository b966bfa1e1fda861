#include "bench/peers/peer.h"

#include <string.h>

extern const struct peer_ops peer_strait, peer_strait_threads, peer_strait_tiered;

const struct peer_ops *const peers[] = {&peer_strait, &peer_strait_threads, &peer_strait_tiered, NULL};

const struct peer_ops *peer_find(const char *name)
{
    for (unsigned i = 0; peers[i]; i++)
        if (strcmp(peers[i]->name, name) == 0)
            return peers[i];
    return NULL;
}
