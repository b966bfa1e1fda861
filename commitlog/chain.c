#include "commitlog/chain_internal.h"

/* The greatest index below `before` of a link that is not empty; `before` itself when there is none. */
static size_t lower_link(const struct link *links, size_t before)
{
    for (size_t i = before; i-- > 0;)
        if (links[i].state != LINK_EMPTY)
            return i;
    return before;
}

/* The index below `before` of segment `number`; `before` when no such file is there. */
static size_t find_link(const struct link *links, size_t before, uint64_t number)
{
    for (size_t i = before; i-- > 0;)
        if (links[i].number == number)
            return i;
    return before;
}

/* Segments are released in rising order: one that is gone was released unless an older one is still there. */
static bool was_released(const struct link *links, size_t before, uint64_t number)
{
    for (size_t i = 0; i < before && links[i].number < number; i++)
        if (links[i].state != LINK_EMPTY)
            return false;
    return true;
}

/*
 * The chain is found from its newest end and gathers at the end of the array: links[top] onwards. An entry never
 * moves below where it is read from, because each step down takes at least one entry.
 */
size_t chain_build(struct link *links, size_t count)
{
    size_t top = count + 1;
    size_t at = lower_link(links, count);
    bool found = at < count;
    while (found) {
        struct link link = links[at];
        struct log_position previous = link.previous;
        size_t next = at;
        if (previous.segment >= link.number)
            link.state = LINK_LOST;
        links[--top] = link;
        if (link.state == LINK_LOST)
            break;
        if (!previous.segment || !previous.offset) {
            next = lower_link(links, at);
        } else {
            next = find_link(links, at, previous.segment);
            if (next < at && links[next].state != LINK_EMPTY) {
                links[next].sealed = true;
                links[next].sealed_end = previous.offset;
            } else if (next < at || !was_released(links, at, previous.segment)) {
                links[--top] = (struct link){.number = previous.segment, .state = LINK_LOST};
                break;
            } else {
                next = at;
            }
        }
        found = next < at;
        at = next;
    }
    memmove(links, links + top, (count + 1 - top) * sizeof *links);
    return count + 1 - top;
}
