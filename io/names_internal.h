/*
 * names_internal.h: a tree of folders and files as one list of paths, for the bodies memory and sim.
 *
 * Shapes      Paths inside are plain: components joined by '/', nothing at either end; "" is the
 *             root, which is always there. The list is sorted by bytes, so that everything in a
 *             folder stands together. `inode` is the owner's own; NULL marks a folder.
 * Ownership   The list owns its paths, never the inodes.
 * Errors      Those of the kernel for the same call: NOT_FOUND, EXISTS, or STATUS_IO with ENOTDIR,
 *             EISDIR or ENOTEMPTY.
 * Threads     Guarded by the owner.
 */
#ifndef STRAIT_IO_NAMES_INTERNAL_H
#define STRAIT_IO_NAMES_INTERNAL_H

#include "io/io.h"

struct name {
    char *path;  /* owned */
    void *inode; /* borrowed; NULL for a folder */
};

struct names {
    struct name *list; /* owned, sorted by path */
    size_t count, capacity;
};

void names_deinit(struct names *names);

/* The plain form of a path: "/a//b/../c/" is "a/c". STATUS_LIMIT when it is too long. */
status names_plain(const char *path, char out[IO_PATH_BYTES_MAX]);
/* How many bytes of a plain path name its folder: 1 in "a/b", 0 in "a". */
size_t names_parent_bytes(const char *path);
/* Whether `path` stands directly in `folder`. */
bool names_is_child(const char *folder, const char *path);
/* Whether `path` stands in `folder`, which is not the root, at any depth. */
bool names_is_below(const char *folder, const char *path);

/* NULL when absent; good until the next change. The root is not in the list. */
struct name *names_find(const struct names *names, const char *path);
bool names_is_folder(const struct names *names, const char *path);
/* STATUS_DONE when the folder that `path` stands in exists. */
status names_check_parent(const struct names *names, const char *path);
bool names_has_children(const struct names *names, const char *folder);
/* What stands below `folder` at any depth is list[*out_first .. result). */
size_t names_below(const struct names *names, const char *folder, size_t *out_first);

/* Insert or replace; does not look at the parent. */
status names_set(struct names *names, const char *path, void *inode);
void names_remove(struct names *names, const char *path);
/* Rename `from` and everything below it. What stood at `to` must have been removed. */
status names_move(struct names *names, const char *from, const char *to);
/* Make `to` equal to `from`, apart from the order of memory. */
status names_copy(struct names *to, const struct names *from);

/* Whether the kernel would do the same on this tree; its error when it would not. */
status names_check_rename(const struct names *names, const char *from, const char *to);
status names_check_unlink(const struct names *names, const char *path);
status names_check_mkdir(const struct names *names, const char *path);
status names_check_rmdir(const struct names *names, const char *path);
status names_check_folder(const struct names *names, const char *path);

/* Call `entry` for each child of the folder. The caller's lock may be dropped before: it works on a
 * copy that names_children() makes and names_children_visit() frees. */
status names_children(const struct names *names, const char *folder, char **out_children, size_t *out_bytes);
void names_children_visit(char *children, size_t bytes, void (*entry)(void *context, const char *name),
                          void *context);

#endif
