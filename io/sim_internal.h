/*
 * sim_internal.h: the parts of the simulated disk.
 *
 *   sim.c        the calls of the environment, and queues whose order the seed decides
 *   sim_disk.c   what the processes see now, what is durable, and the changes between the two
 *   sim_crash.c  which of those changes survive a power cut, by policy
 *   sim_fault.c  counts operations, decides their fate, keeps the trace; the calls of sim.h
 *
 * Everything that a program may see is in `now`; everything that a power cut leaves is made from
 * `durable` and a choice among the pending changes. A sync moves changes from pending to durable
 * ("settles" them). Data and size belong to the inode; names belong to their folder.
 */
#ifndef STRAIT_IO_SIM_INTERNAL_H
#define STRAIT_IO_SIM_INTERNAL_H

#include "io/content_internal.h"
#include "io/io_internal.h"
#include "io/names_internal.h"
#include "io/sim.h"

/* A write or a truncation that no sync has covered. */
struct sim_change {
    struct sim_change *next; /* owned by the inode, in order of issue */
    uint64_t sequence;       /* order of issue over the whole disk */
    bool is_truncate;        /* to `offset` bytes */
    uint64_t offset;
    size_t bytes;
    uint8_t *data; /* owned; NULL for zeros */
};

struct sim_inode {
    struct sim_inode *next, *previous; /* the list of the disk */
    uint64_t id;
    unsigned refs; /* names now, durable names, pending name changes, open files */
    unsigned live; /* names now and open files: while it is positive the file takes up space */
    bool locked;
    bool lost; /* a failed sync made `now` and `durable` differ without a pending change */
    struct content now, durable;
    struct sim_change *first, *last; /* pending */
};

enum sim_name_kind {
    SIM_NAME_SET,    /* `to` names the inode, or a folder when it is NULL */
    SIM_NAME_REMOVE, /* `from` is gone */
    SIM_NAME_MOVE,   /* `from` becomes `to` */
};

/* A change of names that no sync of a folder has covered. */
struct sim_name_change {
    struct sim_name_change *next;
    uint64_t sequence;
    enum sim_name_kind kind;
    bool covered;            /* by the sync that is being made */
    char *from, *to;         /* owned; NULL where the kind has none */
    struct sim_inode *inode; /* counted; NULL for a folder */
};

struct sim_disk {
    struct names now, durable;     /* each name counts its inode */
    struct sim_inode *inodes;      /* every one that is referred to */
    struct sim_name_change *names; /* owned, in order of issue */
    struct sim_name_change **names_end;
    uint64_t sequence, inode_id;
    uint64_t space_bytes, used_bytes;
    struct random rng; /* apart from io_random(), so that the program's draws do not move the disk's */
};

enum sim_kind {
    SIM_OP_READ,
    SIM_OP_WRITE,
    SIM_OP_WRITE_SYNC,
    SIM_OP_ZERO,
    SIM_OP_SYNC,
    SIM_OP_TRUNCATE,
    SIM_OP_CREATE,
    SIM_OP_RENAME,
    SIM_OP_UNLINK,
    SIM_OP_MKDIR,
    SIM_OP_RMDIR,
    SIM_OP_SYNC_DIR,
};

/* What becomes of an operation before it touches the disk. */
enum sim_fate {
    SIM_FATE_RUN,
    SIM_FATE_DARK,  /* the power is off: it never reaches the disk */
    SIM_FATE_CUT,   /* the power goes off under it: it fails, and is pending as if under way */
    SIM_FATE_FAULT, /* the armed fault hits it */
};

struct sim_queue {
    struct io_queue base;
    struct sim_queue *next; /* the list of the environment */
    unsigned depth;
    struct request_list waiting, done;
    unsigned waiting_count;
};

struct sim_env {
    struct io_env base;
    struct sim_disk disk;
    struct sim_queue *queues; /* every open one */
    uint64_t epoch;           /* files of an older one are stale */
    int64_t monotonic_ns;
    uint64_t operation_count;
    uint64_t cut_at;
    bool power_is_cut;
    uint64_t fail_at;
    enum sim_fault fault;
    bool fail_forever;
    uint64_t trace_hash;
    void (*observe)(void *context, const char *line); /* NULL when nobody watches */
    void *observe_context;
};

struct sim_file {
    struct io_file base;
    struct sim_inode *inode; /* counted */
    unsigned flags;
    uint64_t epoch;
    bool holds_lock;
};

static inline struct sim_env *sim_of(struct io_env *env)
{
    return (struct sim_env *)env;
}

/* ---- sim_disk.c ---- */

void disk_init(struct sim_disk *disk, uint64_t seed);
void disk_deinit(struct sim_disk *disk);

/* With one reference and no name; NULL when memory ran out. */
struct sim_inode *inode_new(struct sim_disk *disk);
void inode_ref(struct sim_inode *inode);
void inode_unref(struct sim_disk *disk, struct sim_inode *inode);
/* A name or an open file more, or less, that keeps its space taken. */
void inode_enliven(struct sim_disk *disk, struct sim_inode *inode);
void inode_release(struct sim_disk *disk, struct sim_inode *inode);

/* STATUS_NOSPACE when a file cannot grow to `bytes`. */
status inode_check_space(const struct sim_disk *disk, const struct sim_inode *inode, uint64_t bytes);
/* Change what programs see. */
status inode_write(struct sim_disk *disk, struct sim_inode *inode, uint64_t offset, const void *data,
                   size_t bytes);
status inode_truncate(struct sim_disk *disk, struct sim_inode *inode, uint64_t bytes);
/* Add to what is pending. `data` is copied; NULL writes zeros. */
status inode_pend_write(struct sim_disk *disk, struct sim_inode *inode, uint64_t offset, const void *data,
                        size_t bytes);
status inode_pend_truncate(struct sim_disk *disk, struct sim_inode *inode, uint64_t bytes);
/* Make every pending change durable. */
status inode_settle(struct sim_inode *inode);
/* Make the newest pending write durable, and older ones only as far as it overlaps them. */
status inode_settle_newest(struct sim_inode *inode);
/* Forget what is pending: it will never be durable. */
void inode_forget(struct sim_inode *inode);
/* Make one change in a content. */
status change_apply(struct content *content, const struct sim_change *change);

status disk_pend_name(struct sim_disk *disk, enum sim_name_kind kind, const char *from, const char *to,
                      struct sim_inode *inode);
/* Make one change of names durable. */
status disk_apply_name(struct sim_disk *disk, const struct sim_name_change *change);
/* Make durable, or forget when `lose` is set, what is pending for the names in one folder. */
status disk_settle_folder(struct sim_disk *disk, const char *folder, bool lose);
/* Make durable what is pending below a folder that gets another name: its paths will not come again. */
status disk_settle_below(struct sim_disk *disk, const char *folder);
void disk_forget_names(struct sim_disk *disk);
/* Open files and locks are gone: only names keep space taken. */
void disk_end_processes(struct sim_disk *disk);
/* After a power cut: what is durable becomes what programs see, and nothing is pending. */
status disk_restart(struct sim_disk *disk);

/* ---- sim_crash.c ---- */

/* Move a choice of the pending changes to `durable` and forget the others. */
status disk_crash(struct sim_disk *disk, enum sim_policy policy);

/* ---- sim_fault.c ---- */

enum sim_fate sim_fate(struct sim_env *env, enum sim_kind kind);
/* Note the outcome of an operation in the trace; `subject` and `data` may be NULL. */
void sim_trace(struct sim_env *env, enum sim_kind kind, const char *subject, uint64_t id, uint64_t offset,
               size_t bytes, const void *data, status outcome);

/* ---- sim.c ---- */

/* The power went off: what queues hold is under way, and may or may not reach the disk. */
void sim_queues_cut(struct sim_env *env);
/* The process died: of what queues hold, the kernel makes some and drops the others. */
void sim_queues_kill(struct sim_env *env);

#endif
