/*
 * sim_crash.c: what a power cut leaves of the changes that no sync covered.
 *
 * Each pending change gets a verdict from the policy. Bytes of a write are kept or dropped sector by
 * sector, and its growth of the file on its own, because file systems persist the two apart: a file
 * may come back long without its data, or short with data behind its end that nobody can see.
 */
#include <stdlib.h>

#include "io/sim_internal.h"

enum keep {
    KEEP_NOTHING,
    KEEP_ALL,
    KEEP_BY_COIN, /* each sector and the size for itself */
    KEEP_PREFIX,  /* a random number of its first sectors */
    KEEP_SIZE,    /* the size, with zeros or old bytes for data */
};

struct crash {
    struct sim_disk *disk;
    enum sim_policy policy;
    unsigned percent;     /* SIM_RANDOM: how much survives */
    uint64_t boundary;    /* SIM_PREFIX: the first change that does not survive whole */
    uint64_t last_write;  /* SIM_TORN: the newest write of the disk */
    uint64_t inode_write; /* SIM_LAST: the newest write of the inode at hand */
};

static bool coin(struct crash *crash)
{
    return random_below(&crash->disk->rng, 100) < crash->percent;
}

static enum keep change_verdict(struct crash *crash, const struct sim_change *change)
{
    uint64_t sequence = change->sequence;
    switch (crash->policy) {
    case SIM_EVERYTHING: return KEEP_ALL;
    case SIM_RANDOM: return KEEP_BY_COIN;
    case SIM_PREFIX:
        return sequence < crash->boundary    ? KEEP_ALL
               : sequence == crash->boundary ? KEEP_PREFIX
                                             : KEEP_NOTHING;
    case SIM_ADVERSARIAL: return KEEP_SIZE;
    case SIM_LAST: return sequence == crash->inode_write ? KEEP_ALL : KEEP_NOTHING;
    case SIM_TORN: return sequence == crash->last_write ? KEEP_PREFIX : KEEP_ALL;
    case SIM_NOTHING:
    case SIM_POLICIES: break;
    }
    return KEEP_NOTHING;
}

static bool name_survives(struct crash *crash, const struct sim_name_change *change)
{
    switch (crash->policy) {
    case SIM_EVERYTHING:
    case SIM_ADVERSARIAL:
    case SIM_TORN: return true;
    case SIM_RANDOM: return coin(crash);
    case SIM_PREFIX: return change->sequence < crash->boundary;
    case SIM_NOTHING:
    case SIM_LAST:
    case SIM_POLICIES: break;
    }
    return false;
}

/* ---- one write ---- */

static size_t sector_count(const struct sim_change *change)
{
    uint64_t first = change->offset / SIM_SECTOR_BYTES;
    uint64_t end = (change->offset + change->bytes + SIM_SECTOR_BYTES - 1) / SIM_SECTOR_BYTES;
    return (size_t)(end - first);
}

/* The part of sector number `sector` of the write that the write covers. */
struct part {
    uint64_t offset;
    size_t bytes;
    const uint8_t *data; /* NULL for zeros */
};

static struct part sector_part(const struct sim_change *change, size_t sector)
{
    uint64_t start = (change->offset / SIM_SECTOR_BYTES + sector) * SIM_SECTOR_BYTES;
    uint64_t end = start + SIM_SECTOR_BYTES, write_end = change->offset + change->bytes;
    struct part part = {.offset = start > change->offset ? start : change->offset};
    part.bytes = (size_t)((end < write_end ? end : write_end) - part.offset);
    part.data = change->data ? change->data + (part.offset - change->offset) : NULL;
    return part;
}

/* Bytes that some other file has at this place: valid looking, and wrong. */
static bool stale_bytes(const struct sim_disk *disk, struct random *rng, const struct sim_inode *self,
                        struct part part, uint8_t out[SIM_SECTOR_BYTES])
{
    size_t count = disk->durable.count;
    const struct sim_inode *other = count ? disk->durable.list[random_below(rng, count)].inode : NULL;
    return other && other != self &&
           content_read(&other->durable, part.offset, out, part.bytes) == part.bytes;
}

/* What stands in a sector that the file grew by and that was never written. */
static status garbage_write(struct crash *crash, struct sim_inode *inode, struct part part)
{
    struct random *rng = &crash->disk->rng;
    uint8_t garbage[SIM_SECTOR_BYTES];
    uint64_t choice = random_below(rng, 4);
    if (choice < 2)
        return content_write(&inode->durable, part.offset, NULL, part.bytes);
    if (choice == 2 || !stale_bytes(crash->disk, rng, inode, part, garbage))
        for (size_t i = 0; i < part.bytes; i++)
            garbage[i] = (uint8_t)random_next(rng);
    return content_write(&inode->durable, part.offset, garbage, part.bytes);
}

/* Keep the size only: old bytes stay, new room holds anything. Room filled with zeros stays zero. */
static status write_survives_as_size(struct crash *crash, struct sim_inode *inode,
                                     const struct sim_change *change, uint64_t old_bytes)
{
    for (size_t i = 0; change->data && i < sector_count(change); i++) {
        struct part part = sector_part(change, i);
        if (part.offset >= old_bytes)
            TRY(garbage_write(crash, inode, part));
    }
    return STATUS_DONE;
}

static status write_survives(struct crash *crash, struct sim_inode *inode, const struct sim_change *change,
                             enum keep keep, uint64_t *inout_bytes)
{
    uint64_t end = change->offset + change->bytes;
    size_t count = sector_count(change), kept = count;
    if (keep == KEEP_PREFIX) {
        kept = (size_t)random_below(&crash->disk->rng, count);
        if (!kept)
            return STATUS_DONE;
        struct part last = sector_part(change, kept - 1);
        end = last.offset + last.bytes;
    }
    if (keep == KEEP_SIZE)
        TRY(write_survives_as_size(crash, inode, change, *inout_bytes));
    else if (keep == KEEP_ALL)
        TRY(change_apply(&inode->durable, change));
    else
        for (size_t i = 0; i < kept; i++) {
            struct part part = sector_part(change, i);
            if (keep == KEEP_PREFIX || coin(crash))
                TRY(content_write(&inode->durable, part.offset, part.data, part.bytes));
        }
    if (end > *inout_bytes && (keep != KEEP_BY_COIN || coin(crash)))
        *inout_bytes = end;
    return STATUS_DONE;
}

/* ---- the disk ---- */

static uint64_t newest_write(const struct sim_inode *inode)
{
    uint64_t newest = UINT64_MAX;
    for (const struct sim_change *change = inode->first; change; change = change->next)
        if (!change->is_truncate)
            newest = change->sequence;
    return newest;
}

/* The size is kept apart while sectors come in, and cuts off at the end what it does not cover. */
static status inode_crash(struct crash *crash, struct sim_inode *inode)
{
    uint64_t bytes = inode->durable.bytes;
    crash->inode_write = newest_write(inode);
    for (const struct sim_change *change = inode->first; change; change = change->next) {
        enum keep keep = change_verdict(crash, change);
        if (keep == KEEP_NOTHING || (change->is_truncate && keep == KEEP_PREFIX))
            continue;
        if (!change->is_truncate) {
            TRY(write_survives(crash, inode, change, keep, &bytes));
        } else if (keep != KEEP_BY_COIN || coin(crash)) {
            TRY(change_apply(&inode->durable, change));
            bytes = change->offset;
        }
    }
    if (inode->first)
        TRY(content_truncate(&inode->durable, bytes));
    inode_forget(inode);
    return STATUS_DONE;
}

static int sequence_order(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

/* Sequences of everything pending, in order; the caller frees them. */
static status sequences_collect(const struct sim_disk *disk, uint64_t **out_sequences, size_t *out_count)
{
    size_t count = 0, room = 0;
    for (const struct sim_inode *inode = disk->inodes; inode; inode = inode->next)
        for (const struct sim_change *change = inode->first; change; change = change->next)
            room++;
    for (const struct sim_name_change *change = disk->names; change; change = change->next)
        room++;
    uint64_t *sequences = malloc((room + 1) * sizeof *sequences);
    if (!sequences)
        return STATUS_FAIL(STATUS_NOMEM);
    for (const struct sim_inode *inode = disk->inodes; inode; inode = inode->next)
        for (const struct sim_change *change = inode->first; change; change = change->next)
            sequences[count++] = change->sequence;
    for (const struct sim_name_change *change = disk->names; change; change = change->next)
        sequences[count++] = change->sequence;
    qsort(sequences, count, sizeof *sequences, sequence_order);
    *out_sequences = sequences;
    *out_count = count;
    return STATUS_DONE;
}

static status boundary_choose(struct crash *crash)
{
    uint64_t *sequences = NULL;
    size_t count = 0;
    TRY(sequences_collect(crash->disk, &sequences, &count));
    size_t kept = (size_t)random_below(&crash->disk->rng, count + 1);
    crash->boundary = kept < count ? sequences[kept] : UINT64_MAX;
    free(sequences);
    return STATUS_DONE;
}

static uint64_t newest_write_of_disk(const struct sim_disk *disk)
{
    uint64_t newest = UINT64_MAX;
    for (const struct sim_inode *inode = disk->inodes; inode; inode = inode->next) {
        uint64_t sequence = newest_write(inode);
        if (sequence != UINT64_MAX && (newest == UINT64_MAX || sequence > newest))
            newest = sequence;
    }
    return newest;
}

status disk_crash(struct sim_disk *disk, enum sim_policy policy)
{
    static const unsigned percents[] = {10, 50, 90};
    struct crash crash = {.disk = disk, .policy = policy};
    if (policy == SIM_RANDOM)
        crash.percent = percents[random_below(&disk->rng, ARRAY_LEN(percents))];
    if (policy == SIM_PREFIX)
        TRY(boundary_choose(&crash));
    if (policy == SIM_TORN)
        crash.last_write = newest_write_of_disk(disk);

    for (struct sim_inode *inode = disk->inodes; inode; inode = inode->next)
        TRY(inode_crash(&crash, inode));
    for (const struct sim_name_change *change = disk->names; change; change = change->next)
        if (name_survives(&crash, change))
            TRY(disk_apply_name(disk, change));
    return STATUS_DONE;
}
