/*
 * merge.c: the cursor that makes one source of several.
 *
 * Partitions. Every child stands on its next partition or has none left. The merged partition is the
 * least of those; the children that stand on it are its members, listed in `members`. Only members are
 * asked for anything until the partition moves.
 *
 * Rows. A member is in one of three states:
 *
 *     WAITING    not asked for rows since the partition or the last seek; `near` is the nearest key at
 *                which it can have one, in the cursor's direction
 *     STANDING   on a row, whose key is `near`
 *     DONE       has no more rows, or none before the end that the caller has named
 *
 * Members that are not DONE are kept in a heap, the nearest on top; of one key the WAITING ones are nearer. To find
 * the next row: while a WAITING member is on top it is entered, which puts it where its first row belongs. Then the top
 * is the frontier. Who stands on the same key is taken out of the heap together with it and reconciled, to be
 * advanced when the next row is asked for. When it is alone, it leads and stays where it is: until its rows reach
 * `limit`, the nearest row or bound of the others, they pass through at the cost of one comparison, or none at all when
 * no other member has anything before the leader's own end.
 *
 * Near and far follow the direction: a reverse cursor is the same algorithm with the order negated and
 * `last` in place of `first`.
 */
#include "row/merge.h"

#include "row/image.h"

#include <stdlib.h>

enum member_state {
    WAITING,
    STANDING,
    DONE,
};

struct member {
    struct cursor *child; /* one of the merge's */
    enum member_state state;
    bool asked;        /* for rows of this partition */
    uint64_t prefix;   /* key_prefix() of `near` */
    struct slice near; /* WAITING: its bound; STANDING: its row's key. Lender: the child, or `target` */
};

struct merge_cursor {
    struct cursor base;
    const struct reconcile_rules *rules; /* borrowed */
    struct merge_counters *counters;     /* borrowed, may be NULL */
    struct merge_counters counted;
    bool no_lazy, no_gallop, runs;
    bool moved; /* the children have been asked for a partition */

    uint32_t child_count, member_count;
    struct cursor **children; /* behind the members; each child is owned */
    struct member *members;   /* behind this struct; room for all children, as of the two below */
    struct member **heap;     /* nearest first */
    struct member **taken;    /* on the row given out last; not in the heap */
    uint32_t heap_count, taken_count;

    bool leads;     /* the top of the heap is on the row given out last, alone */
    bool has_limit; /* otherwise nothing follows but the leader */
    uint64_t limit_prefix;
    struct slice limit; /* lender: as `near` of its member, or `end` */

    bool covered; /* the partition has deletions that rows must be held against */
    bool has_end; /* rows at or beyond `end`, in the cursor's direction, are not wanted */
    uint64_t end_prefix;
    struct slice end;      /* borrowed from who opened the cursor */
    bool sought;           /* WAITING members begin at `target`, not at their first row */
    struct buffer target;  /* owned copy of the key sought */
    struct arena arena;    /* merged range list of the partition */
    struct buffer head;    /* merged static row of the partition */
    struct buffer rows[2]; /* a merged row, and the one before the last step of merging */
};

static struct merge_cursor *merge_of(struct cursor *cursor)
{
    return (struct merge_cursor *)cursor;
}

/* < 0 when `a` comes before `b` in the cursor's direction. */
static inline int near_compare(const struct merge_cursor *merge, uint64_t a_prefix, struct slice a,
                               uint64_t b_prefix, struct slice b)
{
    int order = a_prefix != b_prefix ? (a_prefix > b_prefix ? 1 : -1) : slice_compare(a, b);
    return merge->base.reverse ? -order : order;
}

static void member_near(struct member *member, struct slice key)
{
    member->near = key;
    member->prefix = key_prefix(key);
}

static status merge_fail(struct merge_cursor *merge, status st)
{
    merge->base.run = (struct row_run){0};
    merge->base.on_partition = merge->base.on_row = false;
    merge->member_count = merge->heap_count = merge->taken_count = 0;
    merge->leads = false;
    return st;
}

/* The heap */

static bool is_nearer(const struct merge_cursor *merge, const struct member *a, const struct member *b)
{
    int order = near_compare(merge, a->prefix, a->near, b->prefix, b->near);
    return order ? order < 0 : a->state < b->state;
}

static void sift_down(struct merge_cursor *merge, uint32_t at)
{
    struct member *moved = merge->heap[at];
    for (;;) {
        uint32_t below = 2 * at + 1;
        if (below >= merge->heap_count)
            break;
        if (below + 1 < merge->heap_count && is_nearer(merge, merge->heap[below + 1], merge->heap[below]))
            below++;
        if (!is_nearer(merge, merge->heap[below], moved))
            break;
        merge->heap[at] = merge->heap[below];
        at = below;
    }
    merge->heap[at] = moved;
}

static void heap_build(struct merge_cursor *merge)
{
    for (uint32_t at = merge->heap_count / 2; at-- > 0;)
        sift_down(merge, at);
}

static void heap_push(struct merge_cursor *merge, struct member *member)
{
    uint32_t at = merge->heap_count++;
    for (; at && is_nearer(merge, member, merge->heap[(at - 1) / 2]); at = (at - 1) / 2)
        merge->heap[at] = merge->heap[(at - 1) / 2];
    merge->heap[at] = member;
}

static struct member *heap_pop(struct merge_cursor *merge)
{
    struct member *top = merge->heap[0];
    merge->heap[0] = merge->heap[--merge->heap_count];
    if (merge->heap_count)
        sift_down(merge, 0);
    return top;
}

/* The top has changed: put it where it belongs now. */
static void heap_settle_top(struct merge_cursor *merge)
{
    if (merge->heap[0]->state == DONE)
        (void)heap_pop(merge);
    else
        sift_down(merge, 0);
}

/* The nearest but the top; NULL when there is none. */
static const struct member *heap_second(const struct merge_cursor *merge)
{
    if (merge->heap_count < 2)
        return NULL;
    const struct member *second = merge->heap[1];
    if (merge->heap_count > 2 && is_nearer(merge, merge->heap[2], second))
        second = merge->heap[2];
    return second;
}

/* Rows */

/* Whether a source with these bounds has neither rows nor ranges. */
static bool is_bare(const struct partition_view *view)
{
    return slice_compare(view->first, view->last) > 0;
}

/* Whether all that the member has from `near` on is more than the caller wants: [from, to) includes only its start. */
static bool is_beyond_end(const struct merge_cursor *merge, const struct member *member)
{
    if (!merge->has_end)
        return false;
    int order = near_compare(merge, member->prefix, member->near, merge->end_prefix, merge->end);
    return merge->base.reverse ? order > 0 : order >= 0;
}

/* Begin anew with a member: before its first row, or at `target` when one is sought. */
static void member_wait(const struct merge_cursor *merge, struct member *member)
{
    struct slice target = buffer_slice(&merge->target);
    const struct partition_view *view = &member->child->partition;
    struct slice bound = merge->base.reverse ? view->last : view->first;
    bool past = !member->child->on_partition;
    if (merge->sought && merge->base.reverse) {
        past = past || slice_compare(view->first, target) >= 0;
        bound = slice_compare(target, bound) < 0 ? target : bound;
    } else if (merge->sought) {
        past = past || slice_compare(view->last, target) < 0;
        bound = slice_compare(target, bound) > 0 ? target : bound;
    }
    member_near(member, bound);
    member->state = past || is_bare(view) || is_beyond_end(merge, member) ? DONE : WAITING;
}

static status members_rewind(struct merge_cursor *merge)
{
    merge->heap_count = merge->taken_count = 0;
    merge->leads = false;
    merge->base.on_row = false;
    for (uint32_t i = 0; i < merge->member_count; i++) {
        struct member *member = &merge->members[i];
        if (member->child->ops->enter)
            TRY(cursor_seek_row(member->child,
                                merge->sought ? buffer_slice(&merge->target) : (struct slice){0}));
        member_wait(merge, member);
        if (member->state == WAITING)
            merge->heap[merge->heap_count++] = member;
    }
    heap_build(merge);
    return STATUS_DONE;
}

static void member_settle(struct merge_cursor *merge, struct member *member)
{
    member->state = DONE;
    if (!member->child->on_row)
        return;
    member_near(member, member->child->row.clustering);
    if (!is_beyond_end(merge, member))
        member->state = STANDING;
}

static status member_enter(struct merge_cursor *merge, struct member *member)
{
    /* A cursor that was asked before stands in the middle, so it must be sent back to the start. */
    static const uint8_t after[] = {KEY_AFTER};
    struct slice start = merge->base.reverse ? slice_of(after, 1) : (struct slice){0};
    if (merge->sought)
        TRY(cursor_seek_row(member->child, buffer_slice(&merge->target)));
    else if (member->asked)
        TRY(cursor_seek_row(member->child, start));
    else
        TRY(cursor_next(member->child));
    member->asked = true;
    member_settle(merge, member);
    return STATUS_DONE;
}

/* Move on from the row that was given out last, unless a leader does. */
static status advance_taken(struct merge_cursor *merge)
{
    while (merge->taken_count) {
        struct member *member = merge->taken[--merge->taken_count];
        TRY(cursor_next(member->child));
        member_settle(merge, member);
        if (member->state != DONE)
            heap_push(merge, member);
    }
    return STATUS_DONE;
}

/* Open the nearest of the sources that a member stands for; what it has becomes a member of its own. */
static status member_open(struct merge_cursor *merge, struct member *closed)
{
    struct cursor *child;
    TRY(closed->child->ops->enter(closed->child, &child));
    member_wait(merge, closed);
    if (!child)
        return STATUS_DONE;
    merge->children[merge->child_count++] = child;
    struct member *fresh = &merge->members[merge->member_count++];
    *fresh = (struct member){.child = child};
    member_wait(merge, fresh);
    return STATUS_DONE;
}

/* With the shortcut turned off: everybody stands before anybody is looked at. */
static status enter_all(struct merge_cursor *merge)
{
    merge->heap_count = 0;
    for (uint32_t i = 0; i < merge->member_count; i++) {
        struct member *member = &merge->members[i];
        while (member->state == WAITING && member->child->ops->enter)
            TRY(member_open(merge, member));
        if (member->state == WAITING)
            TRY(member_enter(merge, member));
        if (member->state != DONE)
            merge->heap[merge->heap_count++] = member;
    }
    heap_build(merge);
    return STATUS_DONE;
}

/* Enter the member on top, a waiting one. */
static status top_enter(struct merge_cursor *merge)
{
    struct member *top = merge->heap[0];
    uint32_t members = merge->member_count;
    if (!top->child->ops->enter) {
        TRY(member_enter(merge, top));
        heap_settle_top(merge);
        return STATUS_DONE;
    }
    TRY(member_open(merge, top));
    heap_settle_top(merge);
    if (members < merge->member_count && merge->members[members].state == WAITING)
        heap_push(merge, &merge->members[members]);
    return STATUS_DONE;
}

/* Until the nearest member stands on a row. */
static status find_frontier(struct merge_cursor *merge)
{
    if (merge->no_lazy)
        TRY(enter_all(merge));
    while (merge->heap_count && merge->heap[0]->state == WAITING)
        TRY(top_enter(merge));
    return STATUS_DONE;
}

/* Make the top lead up to `second`, the nearest row or bound of the others, or to the end. */
static void lead(struct merge_cursor *merge, const struct member *second)
{
    const struct member *leader = merge->heap[0];
    merge->leads = true;
    merge->has_limit = merge->has_end;
    merge->limit = merge->end;
    merge->limit_prefix = merge->end_prefix;
    if (second && !(merge->has_limit &&
                    near_compare(merge, merge->end_prefix, merge->end, second->prefix, second->near) < 0)) {
        merge->has_limit = true;
        merge->limit = second->near;
        merge->limit_prefix = second->prefix;
    }
    if (!merge->has_limit)
        return;
    struct slice edge = merge->base.reverse ? leader->child->partition.first : leader->child->partition.last;
    merge->has_limit = near_compare(merge, key_prefix(edge), edge, merge->limit_prefix, merge->limit) >= 0;
}

static struct deletion cover_over(const struct merge_cursor *merge, struct slice clustering)
{
    const struct partition_view *view = &merge->base.partition;
    if (!view->ranges.count)
        return view->deletion;
    return deletion_max(view->deletion, range_list_over(&view->ranges, clustering));
}

/* Give out a row less what deletions cover; *out_kept is false when nothing is left of it. Slices travel
 * in registers: copying a view that the child has just stored would wait for the stores. */
static inline status give_row(struct merge_cursor *merge, struct slice clustering, struct slice image,
                              bool *out_kept)
{
    static const struct purge keep_all = {INT64_MIN, INT64_MIN, INT64_MIN};
    struct deletion cover = DELETION_NONE;
    if (merge->covered)
        cover = cover_over(merge, clustering);
    if (cover.timestamp != TIMESTAMP_NONE) {
        bool empty;
        buffer_clear(&merge->rows[1]);
        TRY(row_purge(image, cover, &keep_all, &merge->rows[1], &empty));
        *out_kept = !empty;
        if (empty)
            return STATUS_DONE;
        image = buffer_slice(&merge->rows[1]);
    }
    *out_kept = image.bytes != IMAGE_BYTES_MIN || !row_is_nothing(image);
    merge->base.row.clustering = clustering;
    merge->base.row.image = image;
    return STATUS_DONE;
}

/* Take the top and all members on its key out of the heap and reconcile them into rows[0]. */
static status take_rows(struct merge_cursor *merge, struct slice *out_image)
{
    struct member *frontier = heap_pop(merge);
    struct slice image = frontier->child->row.image;
    merge->taken[merge->taken_count++] = frontier;
    while (merge->heap_count && merge->heap[0]->prefix == frontier->prefix &&
           slice_equal(merge->heap[0]->near, frontier->near)) {
        struct member *member = heap_pop(merge);
        merge->taken[merge->taken_count++] = member;
        buffer_clear(&merge->rows[1]);
        TRY(row_merge(merge->rules, image, member->child->row.image, &merge->rows[1]));
        struct buffer merged = merge->rows[1];
        merge->rows[1] = merge->rows[0];
        merge->rows[0] = merged;
        image = buffer_slice(&merge->rows[0]);
    }
    *out_image = image;
    return STATUS_DONE;
}

/* Find the next row when none leads. */
static status search_row(struct merge_cursor *merge, bool *out_kept)
{
    TRY(advance_taken(merge));
    TRY(find_frontier(merge));
    merge->base.on_row = merge->heap_count > 0;
    *out_kept = true;
    if (!merge->heap_count)
        return STATUS_DONE;

    const struct member *frontier = merge->heap[0], *second = heap_second(merge);
    struct slice clustering = frontier->near, image = frontier->child->row.image;
    bool alone = !second || second->prefix != frontier->prefix || !slice_equal(second->near, frontier->near);
    if (alone && !merge->no_gallop) {
        lead(merge, second);
        merge->counted.rows_passed++;
    } else {
        TRY(take_rows(merge, &image));
        merge->counted.rows_merged += merge->taken_count > 1;
    }
    return give_row(merge, clustering, image, out_kept);
}

/* The leader's next row, as long as it is nearer than anything else. Until it is not, nobody looks at the leader's
 * `near`, so that stays behind. */
static inline status lead_row(struct merge_cursor *merge, bool *out_led, bool *out_kept)
{
    struct member *leader = merge->heap[0];
    struct cursor *child = leader->child;
    TRY(cursor_next(child));
    *out_led = child->on_row;
    if (child->on_row && merge->has_limit) {
        struct slice key = child->row.clustering;
        *out_led = near_compare(merge, key_prefix(key), key, merge->limit_prefix, merge->limit) < 0;
    }
    if (!*out_led) {
        merge->leads = false;
        member_settle(merge, leader);
        heap_settle_top(merge);
        return STATUS_DONE;
    }
    merge->counted.rows_passed++;
    return give_row(merge, child->row.clustering, child->row.image, out_kept);
}

static inline struct slice run_piece(const struct row_run *run, const uint32_t *starts, uint32_t row)
{
    const uint32_t *start = starts + (ptrdiff_t)row * run->step;
    return slice_of(run->bytes + start[0], start[1] - start[0]);
}

/* How many of the leader's rows, those of its run, come before the limit and have something in them. */
static uint32_t run_rows(const struct merge_cursor *merge, const struct row_run *run)
{
    enum { RUN_MOST = 64 };
    uint32_t most = run->left < RUN_MOST ? run->left : RUN_MOST, count = merge->has_limit ? 0 : most;
    for (uint32_t step = 1; merge->has_limit && count + step <= most; step *= 2) {
        struct slice key = run_piece(run, run->key_start, count + step);
        if (near_compare(merge, key_prefix(key), key, merge->limit_prefix, merge->limit) >= 0)
            break;
        count += step;
    }
    for (uint32_t i = 1; i <= count; i++)
        if (run_piece(run, run->image_start, i).bytes == IMAGE_BYTES_MIN)
            count = i - 1;
    return count;
}

/* What the leader has side by side passes through without anybody in between. */
static void run_borrow(struct merge_cursor *merge)
{
    if (!merge->runs || !merge->leads || merge->covered || !merge->base.on_row)
        return;
    struct cursor *child = merge->heap[0]->child;
    if (child->run.left)
        cursor_run_lend(child, &merge->base, run_rows(merge, &child->run));
}

/* Before anything else is done with the merge: the leader stands where its run has got to. */
static void run_return(struct merge_cursor *merge)
{
    if (merge->base.run.key_start)
        merge->counted.rows_passed += cursor_run_return(merge->heap[0]->child, &merge->base);
}

static status merge_step(struct merge_cursor *merge)
{
    for (bool kept = false; !kept;) {
        bool led = false;
        if (merge->leads)
            TRY(lead_row(merge, &led, &kept));
        if (!led)
            TRY(search_row(merge, &kept));
    }
    run_borrow(merge);
    return STATUS_DONE;
}

static status merge_next(struct cursor *cursor)
{
    struct merge_cursor *merge = merge_of(cursor);
    if (!cursor->on_partition)
        return STATUS_DONE;
    run_return(merge);
    status st = merge_step(merge);
    return ok(st) ? st : merge_fail(merge, st);
}

static status merge_seek_row(struct cursor *cursor, struct slice clustering)
{
    struct merge_cursor *merge = merge_of(cursor);
    if (!cursor->on_partition)
        return STATUS_DONE;
    run_return(merge);
    /* The caller may pass the key that it reads from us. */
    if (clustering.data != merge->target.data || clustering.bytes != merge->target.bytes) {
        buffer_clear(&merge->target);
        buffer_append_slice(&merge->target, clustering);
        if (failed(buffer_status(&merge->target)))
            return merge_fail(merge, buffer_status(&merge->target));
    }
    merge->sought = clustering.bytes || cursor->reverse;
    status st = members_rewind(merge);
    return ok(st) ? merge_next(cursor) : merge_fail(merge, st);
}

/* A member that is moved from outside */

status merge_cursor_sole(struct cursor *cursor, struct merge_sole *out_sole)
{
    struct merge_cursor *merge = merge_of(cursor);
    *out_sole = (struct merge_sole){0};
    if (!cursor->on_partition || cursor->reverse || merge->sought || merge->has_end)
        return STATUS_DONE;
    if (merge->leads) {
        struct member *leader = merge->heap[0];
        struct cursor *led = leader->child;
        if (!led->on_row || slice_compare(led->row.clustering, led->partition.last) < 0) {
            *out_sole = (struct merge_sole){led, merge->has_limit, merge->limit};
            return STATUS_DONE;
        }
        leader->state = DONE;
        merge->leads = false;
        heap_settle_top(merge);
    }
    status st = advance_taken(merge);
    if (failed(st))
        return merge_fail(merge, st);
    /* The only one that can have rows before the next of all others; it waits at its first row or before. */
    const struct member *sole = merge->heap_count ? merge->heap[0] : NULL;
    if (!sole || sole->state != WAITING || sole->child->ops->enter)
        return STATUS_DONE;
    const struct member *limit = heap_second(merge);
    if (limit && near_compare(merge, limit->prefix, limit->near, sole->prefix, sole->near) <= 0)
        return STATUS_DONE;
    *out_sole = (struct merge_sole){.child = sole->child, .has_limit = limit != NULL};
    if (limit)
        out_sole->limit = limit->near;
    return STATUS_DONE;
}

struct cursor *merge_cursor_giver(struct cursor *cursor)
{
    struct merge_cursor *merge = merge_of(cursor);
    struct cursor *led = merge->leads && cursor->on_row ? merge->heap[0]->child : NULL;
    return led && led->row.image.data == cursor->row.image.data ? led : NULL;
}

status merge_cursor_passed(struct cursor *cursor, struct slice last)
{
    struct merge_cursor *merge = merge_of(cursor);
    if (!cursor->on_partition || !merge->heap_count)
        return STATUS_FAIL(STATUS_INVALID);
    struct member *member = merge->heap[0];
    member->asked = true;
    if (slice_compare(last, member->child->partition.last) >= 0) {
        member->state = DONE;
        merge->leads = false;
        heap_settle_top(merge);
        cursor->on_row = false;
        return STATUS_DONE;
    }
    member->state = STANDING;
    cursor->on_row = true; /* as ever while one leads: lead_row() leaves it as it is */
    if (!merge->leads)
        lead(merge, heap_second(merge));
    return STATUS_DONE;
}

/* Partitions */

static void leave_partition(struct merge_cursor *merge)
{
    run_return(merge);
    for (uint32_t i = 0; i < merge->member_count; i++) {
        if (merge->members[i].asked)
            merge->counted.children_entered++;
        else if (!merge->members[i].child->ops->enter)
            merge->counted.children_skipped++;
    }
    merge->member_count = merge->heap_count = merge->taken_count = 0;
    merge->leads = false;
    merge->sought = false;
    merge->base.on_partition = merge->base.on_row = false;
    arena_reset(&merge->arena);
}

static void collect_members(struct merge_cursor *merge)
{
    const struct cursor *least = NULL;
    for (uint32_t i = 0; i < merge->child_count; i++) {
        struct cursor *child = merge->children[i];
        if (!child->on_partition)
            continue;
        int order = least ? partition_key_compare(child->partition.key, least->partition.key) : -1;
        if (order < 0) {
            least = child;
            merge->member_count = 0;
        }
        /* A child that stands on a row has been walked before it was given to us. */
        if (order <= 0)
            merge->members[merge->member_count++] = (struct member){.child = child, .asked = child->on_row};
    }
}

/* The list of all members' ranges; pieces that the partition's deletion outdoes are left out. */
static status merge_ranges(struct merge_cursor *merge, struct deletion deletion, struct range_list *out_list)
{
    uint32_t count = 0, lists = 0;
    for (uint32_t i = 0; i < merge->member_count; i++) {
        const struct range_list *list = &merge->members[i].child->partition.ranges;
        count += list->count;
        lists += list->count > 0;
    }
    *out_list = (struct range_list){0};
    if (!count)
        return STATUS_DONE;

    struct range_tombstone *pieces = arena_calloc(&merge->arena, count, sizeof *pieces);
    if (!pieces)
        return STATUS_FAIL(STATUS_NOMEM);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < merge->member_count; i++) {
        const struct range_list *list = &merge->members[i].child->partition.ranges;
        for (uint32_t j = 0; j < list->count; j++)
            if (deletion_compare(list->items[j].deletion, deletion) > 0)
                pieces[kept++] = list->items[j];
    }
    if (lists > 1)
        return range_list_build(&merge->arena, pieces, kept, out_list);
    *out_list = (struct range_list){.items = pieces, .count = kept};
    return STATUS_DONE;
}

static status merge_static(struct merge_cursor *merge, struct deletion deletion, struct slice *out_image)
{
    static const struct purge keep_all = {INT64_MIN, INT64_MIN, INT64_MIN};
    struct slice image = {0};
    for (uint32_t i = 0; i < merge->member_count; i++) {
        struct slice other = merge->members[i].child->partition.static_image;
        if (!image.bytes || !other.bytes) {
            image = image.bytes ? image : other;
            continue;
        }
        buffer_clear(&merge->rows[0]);
        TRY(row_merge(merge->rules, image, other, &merge->rows[0]));
        struct buffer merged = merge->rows[0];
        merge->rows[0] = merge->head;
        merge->head = merged;
        image = buffer_slice(&merge->head);
    }
    if (image.bytes && deletion.timestamp != TIMESTAMP_NONE) {
        bool empty;
        buffer_clear(&merge->rows[0]);
        TRY(row_purge(image, deletion, &keep_all, &merge->rows[0], &empty));
        struct buffer left = merge->rows[0];
        merge->rows[0] = merge->head;
        merge->head = left;
        image = empty ? (struct slice){0} : buffer_slice(&merge->head);
    }
    *out_image = row_is_nothing(image) ? (struct slice){0} : image;
    return STATUS_DONE;
}

static status enter_partition(struct merge_cursor *merge)
{
    static const uint8_t after[] = {KEY_AFTER};
    collect_members(merge);
    if (!merge->member_count)
        return STATUS_DONE;

    const struct partition_view *only = &merge->members[0].child->partition;
    struct partition_view view = {.key = only->key, .deletion = only->deletion};
    for (uint32_t i = 1; i < merge->member_count; i++)
        view.deletion = deletion_max(view.deletion, merge->members[i].child->partition.deletion);
    TRY(merge_ranges(merge, view.deletion, &view.ranges));
    TRY(merge_static(merge, view.deletion, &view.static_image));
    view.first = merge->member_count == 1 ? only->first : (struct slice){0};
    view.last = merge->member_count == 1 ? only->last : slice_of(after, 1);

    merge->base.partition = view;
    merge->base.on_partition = true;
    merge->covered = view.deletion.timestamp != TIMESTAMP_NONE || view.ranges.count > 0;
    return members_rewind(merge);
}

static status merge_next_partition(struct cursor *cursor)
{
    struct merge_cursor *merge = merge_of(cursor);
    status st = STATUS_DONE;
    run_return(merge);
    if (!merge->moved) {
        for (uint32_t i = 0; i < merge->child_count && ok(st); i++)
            if (!merge->children[i]->on_partition)
                st = cursor_next_partition(merge->children[i]);
        merge->moved = true;
    } else {
        for (uint32_t i = 0; i < merge->member_count && ok(st); i++)
            st = cursor_next_partition(merge->members[i].child);
    }
    leave_partition(merge);
    if (ok(st))
        st = enter_partition(merge);
    return ok(st) ? st : merge_fail(merge, st);
}

static status merge_seek_partition(struct cursor *cursor, struct partition_key key)
{
    struct merge_cursor *merge = merge_of(cursor);
    leave_partition(merge);
    merge->moved = true;
    status st = STATUS_DONE;
    for (uint32_t i = 0; i < merge->child_count && ok(st); i++)
        st = cursor_seek_partition(merge->children[i], key);
    if (ok(st))
        st = enter_partition(merge);
    return ok(st) ? st : merge_fail(merge, st);
}

static void merge_close(struct cursor *cursor)
{
    struct merge_cursor *merge = merge_of(cursor);
    leave_partition(merge);
    if (merge->counters) {
        merge->counters->children_entered += merge->counted.children_entered;
        merge->counters->children_skipped += merge->counted.children_skipped;
        merge->counters->rows_passed += merge->counted.rows_passed;
        merge->counters->rows_merged += merge->counted.rows_merged;
    }
    for (uint32_t i = 0; i < merge->child_count; i++)
        cursor_close(merge->children[i]);
    buffer_deinit(&merge->target);
    buffer_deinit(&merge->head);
    buffer_deinit(&merge->rows[0]);
    buffer_deinit(&merge->rows[1]);
    arena_deinit(&merge->arena);
    free(merge);
}

static const struct cursor_ops merge_ops = {
    .kind = "merge",
    .seek_partition = merge_seek_partition,
    .next_partition = merge_next_partition,
    .seek_row = merge_seek_row,
    .next = merge_next,
    .close = merge_close,
};

/* One allocation: the cursor, its members, their heap, its children. */
status merge_cursor_open(struct cursor **children, uint32_t count, const struct merge_options *options,
                         struct cursor **out_cursor)
{
    size_t each = sizeof(struct member) + 2 * sizeof(struct member *) + sizeof(struct cursor *);
    size_t room = (size_t)count + options->room;
    struct merge_cursor *merge = malloc(sizeof *merge + room * each);
    if (!merge)
        return STATUS_FAIL(STATUS_NOMEM);
    *merge = (struct merge_cursor){
        .base = {.ops = &merge_ops, .reverse = options->reverse},
        .rules = options->rules,
        .counters = options->counters,
        .no_lazy = options->no_lazy,
        .no_gallop = options->no_gallop,
        .runs = options->runs && !options->no_gallop,
        .child_count = count,
        .end = options->reverse ? options->from : options->to,
    };
    merge->has_end = merge->end.bytes > 0;
    merge->end_prefix = key_prefix(merge->end);
    merge->members = (struct member *)(merge + 1);
    merge->heap = (struct member **)(merge->members + room);
    merge->taken = merge->heap + room;
    merge->children = (struct cursor **)(merge->taken + room);
    if (count)
        memcpy(merge->children, children, count * sizeof(struct cursor *));
    *out_cursor = &merge->base;
    return STATUS_DONE;
}
