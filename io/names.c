#include "io/names_internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void names_deinit(struct names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->list[i].path);
    free(names->list);
    *names = (struct names){0};
}

status names_plain(const char *path, char out[IO_PATH_BYTES_MAX])
{
    size_t used = 0;
    while (*path) {
        size_t bytes = strcspn(path, "/");
        bool up = bytes == 2 && path[0] == '.' && path[1] == '.';
        bool here = bytes == 0 || (bytes == 1 && path[0] == '.');
        if (up) {
            out[used] = '\0';
            used = names_parent_bytes(out);
        } else if (!here) {
            if (used + bytes + 2 > IO_PATH_BYTES_MAX)
                return STATUS_FAIL(STATUS_LIMIT);
            if (used)
                out[used++] = '/';
            memcpy(out + used, path, bytes);
            used += bytes;
        }
        path += bytes + (path[bytes] == '/');
    }
    out[used] = '\0';
    return STATUS_DONE;
}

size_t names_parent_bytes(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? (size_t)(slash - path) : 0;
}

bool names_is_child(const char *folder, const char *path)
{
    size_t bytes = strlen(folder);
    return *path && names_parent_bytes(path) == bytes && memcmp(folder, path, bytes) == 0;
}

bool names_is_below(const char *folder, const char *path)
{
    size_t bytes = strlen(folder);
    return strncmp(path, folder, bytes) == 0 && path[bytes] == '/';
}

/* Index of the first path that is not before `path`. */
static size_t lower_bound(const struct names *names, const char *path)
{
    size_t low = 0, high = names->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(names->list[middle].path, path) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct name *names_find(const struct names *names, const char *path)
{
    size_t at = lower_bound(names, path);
    return at < names->count && strcmp(names->list[at].path, path) == 0 ? &names->list[at] : NULL;
}

bool names_is_folder(const struct names *names, const char *path)
{
    if (!*path)
        return true;
    const struct name *found = names_find(names, path);
    return found && !found->inode;
}

/* As the kernel walks a path: the first component that is no folder decides. */
status names_check_parent(const struct names *names, const char *path)
{
    char folder[IO_PATH_BYTES_MAX];
    for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
        snprintf(folder, sizeof folder, "%.*s", (int)(slash - path), path);
        const struct name *found = names_find(names, folder);
        if (!found || found->inode)
            return STATUS_FROM_ERRNO(found ? ENOTDIR : ENOENT);
    }
    return STATUS_DONE;
}

/* What the kernel answers for a path that is not in the list. */
static status missing(const struct names *names, const char *path)
{
    TRY(names_check_parent(names, path));
    return STATUS_FROM_ERRNO(ENOENT);
}

size_t names_below(const struct names *names, const char *folder, size_t *out_first)
{
    if (!*folder) {
        *out_first = 0;
        return names->count;
    }
    char prefix[IO_PATH_BYTES_MAX + 1];
    size_t bytes = (size_t)snprintf(prefix, sizeof prefix, "%s/", folder);
    *out_first = lower_bound(names, prefix);
    prefix[bytes - 1] = '/' + 1; /* the first path after every "folder/..." */
    return lower_bound(names, prefix);
}

bool names_has_children(const struct names *names, const char *folder)
{
    size_t first;
    return names_below(names, folder, &first) > first;
}

status names_set(struct names *names, const char *path, void *inode)
{
    size_t at = lower_bound(names, path);
    if (at < names->count && strcmp(names->list[at].path, path) == 0) {
        names->list[at].inode = inode;
        return STATUS_DONE;
    }
    if (names->count == names->capacity) {
        size_t capacity = names->capacity ? names->capacity * 2 : 16;
        struct name *grown = realloc(names->list, capacity * sizeof *grown);
        if (!grown)
            return STATUS_FAIL(STATUS_NOMEM);
        names->list = grown;
        names->capacity = capacity;
    }
    char *copy = strdup(path);
    if (!copy)
        return STATUS_FAIL(STATUS_NOMEM);
    memmove(names->list + at + 1, names->list + at, (names->count - at) * sizeof *names->list);
    names->list[at] = (struct name){.path = copy, .inode = inode};
    names->count++;
    return STATUS_DONE;
}

static void remove_at(struct names *names, size_t at)
{
    free(names->list[at].path);
    names->count--;
    memmove(names->list + at, names->list + at + 1, (names->count - at) * sizeof *names->list);
}

void names_remove(struct names *names, const char *path)
{
    const struct name *found = names_find(names, path);
    if (found)
        remove_at(names, (size_t)(found - names->list));
}

static int name_order(const void *a, const void *b)
{
    return strcmp(((const struct name *)a)->path, ((const struct name *)b)->path);
}

/* The new path of something that was `from` or stood below it. */
static char *path_moved(const char *path, const char *from, const char *to)
{
    size_t bytes = strlen(to) + strlen(path) - strlen(from) + 1;
    char *moved = bytes <= IO_PATH_BYTES_MAX ? malloc(bytes) : NULL;
    if (moved)
        snprintf(moved, bytes, "%s%s", to, path + strlen(from));
    return moved;
}

status names_move(struct names *names, const char *from, const char *to)
{
    size_t first, self = lower_bound(names, from);
    size_t end = names_below(names, from, &first);
    size_t count = end - first + 1;
    char **moved = calloc(count, sizeof *moved);
    if (!moved)
        return STATUS_FAIL(STATUS_NOMEM);
    status st = STATUS_DONE;
    for (size_t i = 0; i < count && ok(st); i++) {
        moved[i] = path_moved(names->list[i ? first + i - 1 : self].path, from, to);
        if (!moved[i])
            st = STATUS_FAIL(STATUS_NOMEM);
    }
    for (size_t i = 0; i < count && ok(st); i++) {
        struct name *name = &names->list[i ? first + i - 1 : self];
        free(name->path);
        name->path = moved[i];
        moved[i] = NULL;
    }
    for (size_t i = 0; i < count; i++)
        free(moved[i]);
    free(moved);
    if (ok(st))
        qsort(names->list, names->count, sizeof *names->list, name_order);
    return st;
}

status names_copy(struct names *to, const struct names *from)
{
    struct names copy = {0};
    for (size_t i = 0; i < from->count; i++) {
        status st = names_set(&copy, from->list[i].path, from->list[i].inode);
        if (failed(st)) {
            names_deinit(&copy);
            return st;
        }
    }
    names_deinit(to);
    *to = copy;
    return STATUS_DONE;
}

status names_children(const struct names *names, const char *folder, char **out_children, size_t *out_bytes)
{
    TRY(names_check_folder(names, folder));
    size_t first, end = names_below(names, folder, &first);
    size_t skip = *folder ? strlen(folder) + 1 : 0, bytes = 0;
    for (size_t i = first; i < end; i++)
        if (names_is_child(folder, names->list[i].path))
            bytes += strlen(names->list[i].path + skip) + 1;
    char *children = malloc(bytes + 1);
    if (!children)
        return STATUS_FAIL(STATUS_NOMEM);
    size_t used = 0;
    for (size_t i = first; i < end; i++) {
        const char *name = names->list[i].path + skip;
        if (!names_is_child(folder, names->list[i].path))
            continue;
        memcpy(children + used, name, strlen(name) + 1);
        used += strlen(name) + 1;
    }
    *out_children = children;
    *out_bytes = bytes;
    return STATUS_DONE;
}

void names_children_visit(char *children, size_t bytes, void (*entry)(void *context, const char *name),
                          void *context)
{
    for (size_t at = 0; at < bytes; at += strlen(children + at) + 1)
        entry(context, children + at);
    free(children);
}

/* ---- the rules of the kernel ---- */

status names_check_rename(const struct names *names, const char *from, const char *to)
{
    TRY(names_check_parent(names, from));
    TRY(names_check_parent(names, to));
    const struct name *source = names_find(names, from);
    if (!source)
        return STATUS_FROM_ERRNO(*from ? ENOENT : EBUSY);
    if (strcmp(from, to) == 0)
        return STATUS_DONE;
    if (names_is_below(from, to))
        return STATUS_FROM_ERRNO(EINVAL);
    if (names_is_below(to, from))
        return STATUS_FROM_ERRNO(ENOTEMPTY);
    const struct name *target = names_find(names, to);
    if (!target)
        return *to ? STATUS_DONE : STATUS_FROM_ERRNO(EBUSY);
    if (source->inode && !target->inode)
        return STATUS_FROM_ERRNO(EISDIR);
    if (!source->inode && target->inode)
        return STATUS_FROM_ERRNO(ENOTDIR);
    return names_has_children(names, to) ? STATUS_FROM_ERRNO(ENOTEMPTY) : STATUS_DONE;
}

status names_check_unlink(const struct names *names, const char *path)
{
    const struct name *found = names_find(names, path);
    if (found && found->inode)
        return STATUS_DONE;
    return found || !*path ? STATUS_FROM_ERRNO(EISDIR) : missing(names, path);
}

status names_check_mkdir(const struct names *names, const char *path)
{
    if (!*path || names_find(names, path))
        return STATUS_FROM_ERRNO(EEXIST);
    return names_check_parent(names, path);
}

status names_check_rmdir(const struct names *names, const char *path)
{
    const struct name *found = names_find(names, path);
    if (!found)
        return *path ? missing(names, path) : STATUS_FROM_ERRNO(EBUSY);
    if (found->inode)
        return STATUS_FROM_ERRNO(ENOTDIR);
    return names_has_children(names, path) ? STATUS_FROM_ERRNO(ENOTEMPTY) : STATUS_DONE;
}

status names_check_folder(const struct names *names, const char *path)
{
    if (names_is_folder(names, path))
        return STATUS_DONE;
    return names_find(names, path) ? STATUS_FROM_ERRNO(ENOTDIR) : missing(names, path);
}
