/* sim_disk.c: inodes and names, each as seen now, as durable, and the pending changes between. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "io/sim_internal.h"

void disk_init(struct sim_disk *disk, uint64_t seed)
{
    *disk = (struct sim_disk){.space_bytes = UINT64_MAX, .rng.state = seed ^ 0x6469736bULL};
    disk->names_end = &disk->names;
}

static void names_release(struct sim_disk *disk, struct names *names, bool live)
{
    for (size_t i = 0; i < names->count; i++) {
        struct sim_inode *inode = names->list[i].inode;
        if (inode && live)
            inode_release(disk, inode);
        inode_unref(disk, inode);
    }
    names_deinit(names);
}

void disk_deinit(struct sim_disk *disk)
{
    disk_forget_names(disk);
    names_release(disk, &disk->now, true);
    names_release(disk, &disk->durable, false);
    assert(!disk->inodes); /* a file was left open */
}

/* ---- inodes ---- */

struct sim_inode *inode_new(struct sim_disk *disk)
{
    struct sim_inode *inode = calloc(1, sizeof *inode);
    if (!inode)
        return NULL;
    inode->refs = 1;
    inode->id = ++disk->inode_id;
    inode->next = disk->inodes;
    if (inode->next)
        inode->next->previous = inode;
    disk->inodes = inode;
    return inode;
}

void inode_ref(struct sim_inode *inode)
{
    if (inode)
        inode->refs++;
}

void inode_unref(struct sim_disk *disk, struct sim_inode *inode)
{
    if (!inode || --inode->refs)
        return;
    assert(!inode->live);
    if (inode->previous)
        inode->previous->next = inode->next;
    else
        disk->inodes = inode->next;
    if (inode->next)
        inode->next->previous = inode->previous;
    inode_forget(inode);
    content_deinit(&inode->now);
    content_deinit(&inode->durable);
    free(inode);
}

void inode_enliven(struct sim_disk *disk, struct sim_inode *inode)
{
    if (inode && !inode->live++)
        disk->used_bytes += inode->now.bytes;
}

void inode_release(struct sim_disk *disk, struct sim_inode *inode)
{
    if (inode && !--inode->live)
        disk->used_bytes -= inode->now.bytes;
}

status inode_check_space(const struct sim_disk *disk, const struct sim_inode *inode, uint64_t bytes)
{
    uint64_t size = inode ? inode->now.bytes : 0;
    uint64_t left = disk->space_bytes > disk->used_bytes ? disk->space_bytes - disk->used_bytes : 0;
    return bytes > size && bytes - size > left ? STATUS_FROM_ERRNO(ENOSPC) : STATUS_DONE;
}

static void size_changed(struct sim_disk *disk, const struct sim_inode *inode, uint64_t before_bytes)
{
    if (inode->live)
        disk->used_bytes += inode->now.bytes - before_bytes;
}

status inode_write(struct sim_disk *disk, struct sim_inode *inode, uint64_t offset, const void *data,
                   size_t bytes)
{
    uint64_t before_bytes = inode->now.bytes;
    TRY(content_write(&inode->now, offset, data, bytes));
    size_changed(disk, inode, before_bytes);
    return STATUS_DONE;
}

status inode_truncate(struct sim_disk *disk, struct sim_inode *inode, uint64_t bytes)
{
    uint64_t before_bytes = inode->now.bytes;
    TRY(content_truncate(&inode->now, bytes));
    size_changed(disk, inode, before_bytes);
    return STATUS_DONE;
}

/* ---- pending changes of an inode ---- */

static void change_free(struct sim_change *change)
{
    free(change->data);
    free(change);
}

static void change_push(struct sim_disk *disk, struct sim_inode *inode, struct sim_change *change)
{
    change->sequence = disk->sequence++;
    if (inode->last)
        inode->last->next = change;
    else
        inode->first = change;
    inode->last = change;
}

status inode_pend_write(struct sim_disk *disk, struct sim_inode *inode, uint64_t offset, const void *data,
                        size_t bytes)
{
    if (!bytes)
        return STATUS_DONE;
    struct sim_change *change = calloc(1, sizeof *change);
    if (!change)
        return STATUS_FAIL(STATUS_NOMEM);
    change->offset = offset;
    change->bytes = bytes;
    if (data) {
        change->data = malloc(bytes);
        if (!change->data) {
            free(change);
            return STATUS_FAIL(STATUS_NOMEM);
        }
        memcpy(change->data, data, bytes);
    }
    change_push(disk, inode, change);
    return STATUS_DONE;
}

status inode_pend_truncate(struct sim_disk *disk, struct sim_inode *inode, uint64_t bytes)
{
    struct sim_change *change = calloc(1, sizeof *change);
    if (!change)
        return STATUS_FAIL(STATUS_NOMEM);
    change->is_truncate = true;
    change->offset = bytes;
    change_push(disk, inode, change);
    return STATUS_DONE;
}

status change_apply(struct content *content, const struct sim_change *change)
{
    if (change->is_truncate)
        return content_truncate(content, change->offset);
    return content_write(content, change->offset, change->data, change->bytes);
}

/* Make durable the pending changes up to and with `last`. */
static status settle_up_to(struct sim_inode *inode, const struct sim_change *last)
{
    for (bool more = true; more;) {
        struct sim_change *change = inode->first;
        TRY(change_apply(&inode->durable, change));
        more = change != last;
        inode->first = change->next;
        if (!inode->first)
            inode->last = NULL;
        change_free(change);
    }
    return STATUS_DONE;
}

status inode_settle(struct sim_inode *inode)
{
    return inode->last ? settle_up_to(inode, inode->last) : STATUS_DONE;
}

static bool changes_overlap(const struct sim_change *older, const struct sim_change *newer)
{
    return older->is_truncate ||
           (older->offset < newer->offset + newer->bytes && newer->offset < older->offset + older->bytes);
}

/*
 * A write that is durable by itself leaves its neighbours pending. What lies under it must not come
 * back over it later, so older changes up to the newest that overlaps it become durable as well.
 */
status inode_settle_newest(struct sim_inode *inode)
{
    struct sim_change *newest = inode->last, *overlapping = NULL, *before = NULL;
    for (struct sim_change *change = inode->first; change && change != newest; change = change->next) {
        if (changes_overlap(change, newest))
            overlapping = change;
        before = change;
    }
    if (!newest)
        return STATUS_DONE;
    if (before == overlapping) /* nothing stands between: settle from the front */
        return settle_up_to(inode, newest);
    if (overlapping)
        TRY(settle_up_to(inode, overlapping));
    TRY(change_apply(&inode->durable, newest));
    before->next = NULL;
    inode->last = before;
    change_free(newest);
    return STATUS_DONE;
}

void inode_forget(struct sim_inode *inode)
{
    while (inode->first) {
        struct sim_change *change = inode->first;
        inode->first = change->next;
        change_free(change);
        inode->lost = true;
    }
    inode->last = NULL;
}

/* ---- names ---- */

static void name_change_free(struct sim_disk *disk, struct sim_name_change *change)
{
    inode_unref(disk, change->inode);
    free(change->from);
    free(change->to);
    free(change);
}

status disk_pend_name(struct sim_disk *disk, enum sim_name_kind kind, const char *from, const char *to,
                      struct sim_inode *inode)
{
    struct sim_name_change *change = calloc(1, sizeof *change);
    if (!change)
        return STATUS_FAIL(STATUS_NOMEM);
    change->from = from ? strdup(from) : NULL;
    change->to = to ? strdup(to) : NULL;
    if ((from && !change->from) || (to && !change->to)) {
        name_change_free(disk, change);
        return STATUS_FAIL(STATUS_NOMEM);
    }
    change->kind = kind;
    change->sequence = disk->sequence++;
    change->inode = inode;
    inode_ref(inode);
    *disk->names_end = change;
    disk->names_end = &change->next;
    return STATUS_DONE;
}

/* Remove a durable name and, for a folder, what is still in it: a folder that is gone keeps nothing. */
static void durable_remove(struct sim_disk *disk, const char *path)
{
    const struct name *found = names_find(&disk->durable, path);
    if (!found)
        return;
    if (!found->inode) {
        size_t first;
        while (names_below(&disk->durable, path, &first) > first) {
            inode_unref(disk, disk->durable.list[first].inode);
            names_remove(&disk->durable, disk->durable.list[first].path);
        }
        found = names_find(&disk->durable, path);
    }
    inode_unref(disk, found->inode);
    names_remove(&disk->durable, path);
}

static status durable_set(struct sim_disk *disk, const char *path, struct sim_inode *inode)
{
    const struct name *found = names_find(&disk->durable, path);
    if (found && found->inode == inode)
        return STATUS_DONE;
    inode_ref(inode);
    durable_remove(disk, path);
    status st = names_set(&disk->durable, path, inode);
    if (failed(st))
        inode_unref(disk, inode);
    return st;
}

/* Changes survive one by one, so each must make sense without those before it. */
status disk_apply_name(struct sim_disk *disk, const struct sim_name_change *change)
{
    const struct name *from = change->from ? names_find(&disk->durable, change->from) : NULL;
    bool from_is_it = from && from->inode == change->inode;
    switch (change->kind) {
    case SIM_NAME_SET: return durable_set(disk, change->to, change->inode);
    case SIM_NAME_REMOVE:
        if (from_is_it)
            durable_remove(disk, change->from);
        return STATUS_DONE;
    case SIM_NAME_MOVE: break;
    }
    if (!change->inode && (from_is_it || !from)) {
        TRY(durable_set(disk, change->from, NULL));
        durable_remove(disk, change->to);
        return names_move(&disk->durable, change->from, change->to);
    }
    if (from_is_it)
        durable_remove(disk, change->from);
    return durable_set(disk, change->to, change->inode);
}

static bool stands_in(const char *path, const char *folder)
{
    return path && names_is_child(folder, path);
}

static bool stands_below(const char *path, const char *folder)
{
    return path && names_is_below(folder, path);
}

static bool same_path(const char *a, const char *b)
{
    return a && b && strcmp(a, b) == 0;
}

static bool touches_same(const struct sim_name_change *a, const struct sim_name_change *b)
{
    return same_path(a->from, b->from) || same_path(a->from, b->to) || same_path(a->to, b->from) ||
           same_path(a->to, b->to);
}

/* Whether a later change that is covered builds on this one. */
static bool is_built_on(const struct sim_name_change *change)
{
    for (const struct sim_name_change *later = change->next; later; later = later->next)
        if (later->covered && touches_same(change, later))
            return true;
    return false;
}

/*
 * Mark what a sync of the folder covers: changes by where their names stand, and those that a covered
 * change builds on (a file made in one folder and moved to another).
 */
static void folder_cover(struct sim_disk *disk, const char *folder)
{
    for (struct sim_name_change *change = disk->names; change; change = change->next)
        change->covered = stands_in(change->from, folder) || stands_in(change->to, folder);
    for (bool more = true; more;) {
        more = false;
        for (struct sim_name_change *change = disk->names; change; change = change->next)
            if (!change->covered && is_built_on(change))
                change->covered = more = true;
    }
}

/* Take what is covered out of the list, into the durable names or into nothing. */
static status covered_settle(struct sim_disk *disk, bool lose)
{
    struct sim_name_change **at = &disk->names;
    while (*at) {
        struct sim_name_change *change = *at;
        if (!change->covered) {
            at = &change->next;
            continue;
        }
        if (!lose)
            TRY(disk_apply_name(disk, change));
        *at = change->next;
        if (!*at)
            disk->names_end = at;
        name_change_free(disk, change);
    }
    return STATUS_DONE;
}

status disk_settle_folder(struct sim_disk *disk, const char *folder, bool lose)
{
    folder_cover(disk, folder);
    return covered_settle(disk, lose);
}

status disk_settle_below(struct sim_disk *disk, const char *folder)
{
    for (struct sim_name_change *change = disk->names; change; change = change->next)
        change->covered = stands_below(change->from, folder) || stands_below(change->to, folder);
    return covered_settle(disk, false);
}

void disk_forget_names(struct sim_disk *disk)
{
    while (disk->names) {
        struct sim_name_change *change = disk->names;
        disk->names = change->next;
        name_change_free(disk, change);
    }
    disk->names_end = &disk->names;
}

/* A name whose folder did not survive cannot be reached. */
static void orphans_remove(struct sim_disk *disk)
{
    for (size_t i = 0; i < disk->durable.count;) {
        const char *path = disk->durable.list[i].path;
        if (ok(names_check_parent(&disk->durable, path))) {
            i++;
            continue;
        }
        inode_unref(disk, disk->durable.list[i].inode);
        names_remove(&disk->durable, path);
    }
}

void disk_end_processes(struct sim_disk *disk)
{
    for (struct sim_inode *inode = disk->inodes; inode; inode = inode->next) {
        inode->locked = false;
        inode->live = 0;
    }
    disk->used_bytes = 0;
    for (size_t i = 0; i < disk->now.count; i++)
        inode_enliven(disk, disk->now.list[i].inode);
}

status disk_restart(struct sim_disk *disk)
{
    disk_forget_names(disk);
    orphans_remove(disk);
    names_release(disk, &disk->now, true);
    TRY(names_copy(&disk->now, &disk->durable));
    for (size_t i = 0; i < disk->now.count; i++)
        inode_ref(disk->now.list[i].inode);

    for (struct sim_inode *inode = disk->inodes; inode; inode = inode->next) {
        inode_forget(inode);
        if (inode->lost)
            TRY(content_copy(&inode->now, &inode->durable));
        inode->lost = false;
    }
    disk_end_processes(disk);
    return STATUS_DONE;
}
