/*
 * merge.c: the cursor that makes one source of several.
 *
 * Partitions. Every child stands on its next partition or has none left. The merged partition is the
 * least of those; the children that stand on it are its members, listed in `members`. Only members are
 * asked for anything until the partition moves.
 *
 * Rows. A member is in one of three states:
 *
 *     WAITING    not asked for rows since the partition or the last seek; `bound` is the nearest key at
 *                which it can have one, in the cursor's direction
 *     STANDING   on a row that has not been given out, or is being given out now (`taken`)
 *     DONE       has no more rows
 *
 * To find the next row: the nearest STANDING row is the frontier; every WAITING member whose bound is
 * not beyond the frontier is entered, which may bring the frontier nearer, until none is left to enter. All
 * members on the frontier's key are reconciled. When it is only one, it leads: until its rows reach
 * `limit`, the nearest row or bound of the others, they pass through at the cost of one comparison,
 * or none at all when no other member has anything left.
 *
 * Near and far follow the direction: a reverse cursor is the same algorithm with the order negated and
 * `last` in place of `first`.
 */
#include "row/merge.h"

#include <stdlib.h>

enum member_state {
    WAITING,
    STANDING,
    DONE,
};

struct member {
    struct cursor *child; /* owned by the merge */
    enum member_state state;
    bool taken;        /* STANDING on the row that was given out last */
    bool asked;        /* for rows of this partition */
    uint64_t prefix;   /* key_prefix() of `near` */
    struct slice near; /* WAITING: its bound; STANDING: its row's key. Lender: the child, or `target` */
};

struct merge_cursor {
    struct cursor base;
    const struct reconcile_rules *rules; /* borrowed */
    struct merge_counters *counters;     /* borrowed, may be NULL */
    struct merge_counters counted;
    bool no_lazy;
    bool moved; /* the children have been asked for a partition */

    uint32_t child_count, member_count;
    struct cursor **children; /* behind the members; each child is owned */
    struct member *members;   /* behind this struct; room for child_count */

    struct member *leader; /* alone on the frontier; NULL when the next row must be searched for */
    struct member *sole;   /* WAITING, given out by merge_cursor_sole() */
    bool has_limit;        /* otherwise nothing follows but the leader */
    uint64_t limit_prefix;
    struct slice limit; /* lender: as `near` of its member */

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
static int near_compare(const struct merge_cursor *merge, uint64_t a_prefix, struct slice a,
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
    merge->base.on_partition = merge->base.on_row = false;
    merge->member_count = 0;
    merge->leader = NULL;
    return st;
}

/* Rows */

/* Whether a source with these bounds has neither rows nor ranges. */
static bool is_bare(const struct partition_view *view)
{
    return slice_compare(view->first, view->last) > 0;
}

/* Begin anew: before the first row, or at `target` when one is sought. */
static void members_rewind(struct merge_cursor *merge)
{
    struct slice target = buffer_slice(&merge->target);
    for (uint32_t i = 0; i < merge->member_count; i++) {
        struct member *member = &merge->members[i];
        const struct partition_view *view = &member->child->partition;
        struct slice bound = merge->base.reverse ? view->last : view->first;
        bool past = false;
        if (merge->sought && merge->base.reverse) {
            past = slice_compare(view->first, target) >= 0;
            bound = slice_compare(target, bound) < 0 ? target : bound;
        } else if (merge->sought) {
            past = slice_compare(view->last, target) < 0;
            bound = slice_compare(target, bound) > 0 ? target : bound;
        }
        member->state = past || is_bare(view) ? DONE : WAITING;
        member->taken = false;
        member_near(member, bound);
    }
    merge->leader = NULL;
    merge->base.on_row = false;
}

static void member_settle(struct member *member)
{
    member->taken = false;
    member->state = member->child->on_row ? STANDING : DONE;
    if (member->child->on_row)
        member_near(member, member->child->row.clustering);
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
    member_settle(member);
    return STATUS_DONE;
}

static status members_advance_taken(struct merge_cursor *merge)
{
    for (uint32_t i = 0; i < merge->member_count; i++) {
        struct member *member = &merge->members[i];
        if (member->state != STANDING || !member->taken)
            continue;
        TRY(cursor_next(member->child));
        member_settle(member);
    }
    return STATUS_DONE;
}

/* The nearest member in `state`, NULL when there is none. */
static struct member *nearest(const struct merge_cursor *merge, enum member_state state)
{
    struct member *best = NULL;
    for (uint32_t i = 0; i < merge->member_count; i++) {
        struct member *member = &merge->members[i];
        if (member->state == state &&
            (!best || near_compare(merge, member->prefix, member->near, best->prefix, best->near) < 0))
            best = member;
    }
    return best;
}

/* The member on the nearest row, after entering all that might have a nearer one. */
static status find_frontier(struct merge_cursor *merge, struct member **out_frontier)
{
    struct member *frontier = nearest(merge, STANDING);
    for (;;) {
        struct member *waiting = nearest(merge, WAITING);
        if (!waiting)
            break;
        if (!merge->no_lazy && frontier &&
            near_compare(merge, waiting->prefix, waiting->near, frontier->prefix, frontier->near) > 0)
            break;
        TRY(member_enter(merge, waiting));
        frontier = nearest(merge, STANDING);
    }
    *out_frontier = frontier;
    return STATUS_DONE;
}

/* Make `leader` lead up to the nearest row or bound of the others. */
static void lead(struct merge_cursor *merge, struct member *leader)
{
    merge->leader = leader;
    merge->has_limit = false;
    for (uint32_t i = 0; i < merge->member_count; i++) {
        const struct member *other = &merge->members[i];
        if (other == leader || other->state == DONE)
            continue;
        if (!merge->has_limit ||
            near_compare(merge, other->prefix, other->near, merge->limit_prefix, merge->limit) < 0) {
            merge->has_limit = true;
            merge->limit = other->near;
            merge->limit_prefix = other->prefix;
        }
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
static status give_row(struct merge_cursor *merge, struct slice clustering, struct slice image,
                       bool *out_kept)
{
    static const struct purge keep_all = {INT64_MIN, INT64_MIN, INT64_MIN};
    struct deletion cover = cover_over(merge, clustering);
    if (cover.timestamp != TIMESTAMP_NONE) {
        bool empty;
        buffer_clear(&merge->rows[1]);
        TRY(row_purge(image, cover, &keep_all, &merge->rows[1], &empty));
        *out_kept = !empty;
        if (empty)
            return STATUS_DONE;
        image = buffer_slice(&merge->rows[1]);
    }
    *out_kept = !row_is_nothing(image);
    merge->base.row.clustering = clustering;
    merge->base.row.image = image;
    return STATUS_DONE;
}

/* Reconcile all members on the frontier's key into rows[0]. */
static status merge_rows(struct merge_cursor *merge, const struct member *frontier, struct slice *out_image,
                         uint32_t *out_count)
{
    struct slice image = frontier->child->row.image;
    uint32_t count = 1;
    for (uint32_t i = 0; i < merge->member_count; i++) {
        struct member *member = &merge->members[i];
        if (member == frontier || member->state != STANDING || member->prefix != frontier->prefix ||
            !slice_equal(member->near, frontier->near))
            continue;
        member->taken = true;
        buffer_clear(&merge->rows[1]);
        TRY(row_merge(merge->rules, image, member->child->row.image, &merge->rows[1]));
        struct buffer merged = merge->rows[1];
        merge->rows[1] = merge->rows[0];
        merge->rows[0] = merged;
        image = buffer_slice(&merge->rows[0]);
        count++;
    }
    *out_image = image;
    *out_count = count;
    return STATUS_DONE;
}

/* Find the next row when none leads. */
static status search_row(struct merge_cursor *merge, bool *out_kept)
{
    struct member *frontier = NULL;
    TRY(members_advance_taken(merge));
    TRY(find_frontier(merge, &frontier));
    merge->base.on_row = frontier != NULL;
    *out_kept = true;
    if (!frontier)
        return STATUS_DONE;

    frontier->taken = true;
    struct slice image;
    uint32_t count;
    TRY(merge_rows(merge, frontier, &image, &count));
    if (count == 1) {
        lead(merge, frontier);
        merge->counted.rows_passed++;
    } else {
        merge->counted.rows_merged++;
    }
    return give_row(merge, frontier->near, image, out_kept);
}

/* The leader's next row, as long as it is nearer than anything else. Without a limit nobody compares it,
 * so its `near` is left behind. */
static status lead_row(struct merge_cursor *merge, bool *out_led, bool *out_kept)
{
    struct member *leader = merge->leader;
    TRY(cursor_next(leader->child));
    if (!leader->child->on_row) {
        member_settle(leader);
        *out_led = false;
        return STATUS_DONE;
    }
    if (merge->has_limit) {
        member_settle(leader);
        *out_led = near_compare(merge, leader->prefix, leader->near, merge->limit_prefix, merge->limit) < 0;
        leader->taken = *out_led;
        if (!*out_led)
            return STATUS_DONE;
    }
    *out_led = true;
    merge->counted.rows_passed++;
    return give_row(merge, leader->child->row.clustering, leader->child->row.image, out_kept);
}

static status merge_step(struct merge_cursor *merge)
{
    for (bool kept = false; !kept;) {
        if (merge->leader) {
            bool led;
            TRY(lead_row(merge, &led, &kept));
            if (led)
                continue;
            merge->leader = NULL;
        }
        TRY(search_row(merge, &kept));
    }
    return STATUS_DONE;
}

static status merge_next(struct cursor *cursor)
{
    struct merge_cursor *merge = merge_of(cursor);
    if (!cursor->on_partition)
        return STATUS_DONE;
    status st = merge_step(merge);
    return ok(st) ? st : merge_fail(merge, st);
}

static status merge_seek_row(struct cursor *cursor, struct slice clustering)
{
    struct merge_cursor *merge = merge_of(cursor);
    if (!cursor->on_partition)
        return STATUS_DONE;
    /* The caller may pass the key that it reads from us. */
    if (clustering.data != merge->target.data || clustering.bytes != merge->target.bytes) {
        buffer_clear(&merge->target);
        buffer_append_slice(&merge->target, clustering);
        if (failed(buffer_status(&merge->target)))
            return merge_fail(merge, buffer_status(&merge->target));
    }
    merge->sought = clustering.bytes || cursor->reverse;
    members_rewind(merge);
    return merge_next(cursor);
}

/* A member that is moved from outside. */

static void member_end(struct merge_cursor *merge, struct member *member)
{
    member->state = DONE;
    member->taken = false;
    if (merge->leader == member)
        merge->leader = NULL;
}

/* The only one that can have rows before the next of all others; it waits at a bound that is its first row or before. */
static struct member *sole_waiting(struct merge_cursor *merge, struct merge_sole *out_sole)
{
    struct member *sole = nearest(merge, WAITING);
    const struct member *standing = nearest(merge, STANDING);
    if (!sole)
        return NULL;
    sole->state = DONE; /* out of the search for the second */
    const struct member *limit = nearest(merge, WAITING);
    sole->state = WAITING;
    if (standing &&
        (!limit || near_compare(merge, standing->prefix, standing->near, limit->prefix, limit->near) < 0))
        limit = standing;
    if (limit && near_compare(merge, limit->prefix, limit->near, sole->prefix, sole->near) <= 0)
        return NULL;
    *out_sole = (struct merge_sole){.child = sole->child, .has_limit = limit != NULL};
    if (limit)
        out_sole->limit = limit->near;
    return sole;
}

status merge_cursor_sole(struct cursor *cursor, struct merge_sole *out_sole)
{
    struct merge_cursor *merge = merge_of(cursor);
    *out_sole = (struct merge_sole){0};
    if (!cursor->on_partition || cursor->reverse || merge->sought)
        return STATUS_DONE;
    const struct cursor *led = merge->leader ? merge->leader->child : NULL;
    if (led && led->on_row && slice_compare(led->row.clustering, led->partition.last) >= 0)
        member_end(merge, merge->leader);
    if (merge->leader) {
        *out_sole = (struct merge_sole){merge->leader->child, merge->has_limit, merge->limit};
        return STATUS_DONE;
    }
    status st = members_advance_taken(merge);
    if (failed(st))
        return merge_fail(merge, st);
    merge->sole = sole_waiting(merge, out_sole);
    return STATUS_DONE;
}

status merge_cursor_passed(struct cursor *cursor, struct slice last)
{
    struct merge_cursor *merge = merge_of(cursor);
    struct member *member = merge->leader ? merge->leader : merge->sole;
    if (!cursor->on_partition || !member)
        return STATUS_FAIL(STATUS_INVALID);
    merge->sole = NULL;
    cursor->on_row = false;
    member->asked = true;
    if (slice_compare(last, member->child->partition.last) >= 0) {
        member_end(merge, member);
        return STATUS_DONE;
    }
    member->state = STANDING;
    member->taken = true;
    if (!merge->leader)
        lead(merge, member);
    return STATUS_DONE;
}

/* Partitions */

static void leave_partition(struct merge_cursor *merge)
{
    for (uint32_t i = 0; i < merge->member_count; i++) {
        if (merge->members[i].asked)
            merge->counted.children_entered++;
        else
            merge->counted.children_skipped++;
    }
    merge->member_count = 0;
    merge->leader = NULL;
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
        if (order <= 0)
            merge->members[merge->member_count++] = (struct member){.child = child};
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
    members_rewind(merge);
    return STATUS_DONE;
}

static status merge_next_partition(struct cursor *cursor)
{
    struct merge_cursor *merge = merge_of(cursor);
    status st = STATUS_DONE;
    if (!merge->moved) {
        for (uint32_t i = 0; i < merge->child_count && ok(st); i++)
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

/* One allocation: the cursor, its members, its children. */
status merge_cursor_open(struct cursor **children, uint32_t count, const struct merge_options *options,
                         struct cursor **out_cursor)
{
    struct merge_cursor *merge =
        calloc(1, sizeof *merge + count * (sizeof *merge->members + sizeof(struct cursor *)));
    if (!merge)
        return STATUS_FAIL(STATUS_NOMEM);
    merge->base = (struct cursor){.ops = &merge_ops, .reverse = options->reverse};
    merge->rules = options->rules;
    merge->counters = options->counters;
    merge->no_lazy = options->no_lazy;
    merge->child_count = count;
    merge->members = (struct member *)(merge + 1);
    merge->children = (struct cursor **)(merge->members + count);
    if (count)
        memcpy(merge->children, children, count * sizeof(struct cursor *));
    *out_cursor = &merge->base;
    return STATUS_DONE;
}
