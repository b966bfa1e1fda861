#include "change.h"

#include <assert.h>

enum {
    WRITES_PER_STATEMENT = 200,
    STATEMENTS_PER_BATCH = 3,
    TIMESTAMPS = 60,
    TTL_MAX_S = 40,
};

#define YEAR_2026_S INT64_C(1767225600)

/* One statement that is being made. */
struct change {
    struct journal *journal;
    const struct naive_schema *schema;
    struct random *rng;
    struct buffer *out;
    struct naive_key key;
    int64_t timestamp, ttl_s, now_s;
};

static bool chance(struct change *change, unsigned one_in)
{
    return random_below(change->rng, one_in) == 0;
}

static int any_value(struct change *change)
{
    return (int)random_below(change->rng, NAIVE_VALUES);
}

/* ---- into the journal ---- */

static void write_cell(struct change *change, int column, int path, int value)
{
    assert(change->journal->write_count < JOURNAL_MAX);
    bool expires = change->ttl_s && value != NAIVE_NULL;
    change->journal->writes[change->journal->write_count++] = (struct journal_write){
        .key = change->key,
        .column = column,
        .path = path,
        .value = value,
        .timestamp = change->timestamp,
        .ttl_s = expires ? change->ttl_s : 0,
        .expiry_s = expires ? change->now_s + change->ttl_s : 0,
    };
}

static struct journal_deletion *add_deletion(struct change *change, enum journal_deletion_kind kind)
{
    assert(change->journal->deletion_count < JOURNAL_MAX);
    struct journal_deletion *deletion = &change->journal->deletions[change->journal->deletion_count++];
    *deletion = (struct journal_deletion){
        .kind = kind, .key = change->key, .high = NAIVE_VALUES - 1, .timestamp = change->timestamp};
    return deletion;
}

static void delete_collection(struct change *change, int column, int64_t timestamp)
{
    struct journal_deletion *deletion = add_deletion(change, DELETED_COLLECTION);
    deletion->column = column;
    deletion->timestamp = timestamp;
}

/* ---- pieces of statements ---- */

static void put_using(struct change *change, bool with_ttl)
{
    /* What has expired may have become a tombstone or not yet, which decides ties: so what expires has timestamps of
     * its own second, and what has one timestamp expires at one time. */
    bool expires = with_ttl && chance(change, 4);
    int64_t second = expires || chance(change, 2) ? change->now_s - YEAR_2026_S : 0;
    change->timestamp = 10 + (int64_t)random_below(change->rng, TIMESTAMPS) + second * 2 * TIMESTAMPS;
    change->ttl_s = expires ? 1 + change->timestamp % TTL_MAX_S : 0;
    buffer_printf(change->out, " USING TIMESTAMP %lld", (long long)change->timestamp);
    if (change->ttl_s)
        buffer_printf(change->out, " AND TTL %lld", (long long)change->ttl_s);
}

static void choose_key(struct change *change)
{
    /* Few values, so that statements meet. */
    for (int i = 0; i < NAIVE_PARTITION_MAX; i++)
        change->key.partition[i] = (int)random_below(change->rng, 2) * 3;
    for (int i = 0; i < NAIVE_CLUSTERING_MAX; i++)
        change->key.clustering[i] = (int)random_below(change->rng, i ? 3 : NAIVE_VALUES);
}

static void put_equal(struct change *change, int column, int value, bool first)
{
    buffer_printf(change->out, "%s%s = ", first ? " WHERE " : " AND ", change->schema->columns[column].name);
    naive_literal(change->out, change->schema->columns[column].type, value);
}

static void put_where(struct change *change, int clustering)
{
    for (int i = 0; i < change->schema->partition_count; i++)
        put_equal(change, i, change->key.partition[i], i == 0);
    for (int i = 0; i < clustering; i++)
        put_equal(change, change->schema->partition_count + i, change->key.clustering[i], false);
}

/* Some elements of a collection in braces; they are written, or their deletion is. `keys`: of a map, the keys only. */
static void put_elements(struct change *change, int column, int count, bool keys, bool deleted)
{
    enum naive_type type = change->schema->columns[column].type;
    int first = any_value(change);
    buffer_printf(change->out, "{");
    for (int i = 0; i < count; i++) {
        int path = (first + i) % NAIVE_VALUES, value = type == NAIVE_MAP ? any_value(change) : 0;
        buffer_printf(change->out, "%s", i ? ", " : "");
        naive_literal(change->out, naive_path_type(type), path);
        if (type == NAIVE_MAP && !keys) {
            buffer_printf(change->out, ": ");
            naive_literal(change->out, NAIVE_ELEMENT, value);
        }
        write_cell(change, column, path, deleted ? NAIVE_NULL : value);
    }
    buffer_printf(change->out, "}");
}

/* A whole new value, which for a collection replaces the old one (DEL-3). */
static void put_value(struct change *change, int column)
{
    if (naive_is_collection(change->schema->columns[column].type)) {
        delete_collection(change, column, change->timestamp - 1);
        put_elements(change, column, (int)random_below(change->rng, 4), false, false);
        return;
    }
    int value = chance(change, 6) ? NAIVE_NULL : any_value(change);
    naive_literal(change->out, change->schema->columns[column].type, value);
    write_cell(change, column, JOURNAL_NO_PATH, value);
}

/* ---- statements ---- */

/* The values come before USING in the text, and need its timestamp: it is made first and moved behind. */
static void insert(struct change *change)
{
    struct buffer *out = change->out, using_ = {0}, values = {0};
    change->out = &using_;
    put_using(change, true);
    change->out = &values;
    buffer_printf(out, "INSERT INTO t (");
    write_cell(change, JOURNAL_MARKER, JOURNAL_NO_PATH, 0);
    for (int i = 0; i < change->schema->column_count; i++) {
        const struct naive_column *column = &change->schema->columns[i];
        int key_columns = change->schema->partition_count + change->schema->clustering_count;
        if (i >= key_columns && chance(change, 2))
            continue;
        buffer_printf(out, "%s%s", i ? ", " : "", column->name);
        buffer_printf(&values, "%s", i ? ", " : "");
        if (i < change->schema->partition_count)
            naive_literal(&values, column->type, change->key.partition[i]);
        else if (i < key_columns)
            naive_literal(&values, column->type, change->key.clustering[i - change->schema->partition_count]);
        else
            put_value(change, i);
    }
    buffer_printf(out, ") VALUES (");
    buffer_append_slice(out, buffer_slice(&values));
    buffer_printf(out, ")");
    buffer_append_slice(out, buffer_slice(&using_));
    buffer_deinit(&using_);
    buffer_deinit(&values);
    change->out = out;
}

static void put_assignment(struct change *change, int column)
{
    const char *name = change->schema->columns[column].name;
    enum naive_type type = change->schema->columns[column].type;
    uint64_t how = naive_is_collection(type) ? random_below(change->rng, 4) : 0;
    if (how == 3 && type == NAIVE_MAP) {
        int path = any_value(change), value = chance(change, 4) ? NAIVE_NULL : any_value(change);
        buffer_printf(change->out, "%s[", name);
        naive_literal(change->out, naive_path_type(type), path);
        buffer_printf(change->out, "] = ");
        naive_literal(change->out, NAIVE_ELEMENT, value);
        write_cell(change, column, path, value);
        return;
    }
    buffer_printf(change->out, "%s = ", name);
    if (how == 0) {
        put_value(change, column);
    } else {
        bool removes = how == 1;
        buffer_printf(change->out, "%s %c ", name, removes ? '-' : '+');
        put_elements(change, column, 1 + (int)random_below(change->rng, 2), removes, removes);
    }
}

/* A random column of a kind; -1 when there is none. */
static int any_column(struct change *change, enum naive_kind kind)
{
    int found = -1, count = 0;
    for (int i = 0; i < change->schema->column_count; i++)
        if (change->schema->columns[i].kind == kind && random_below(change->rng, (uint64_t)++count) == 0)
            found = i;
    return found;
}

static void update(struct change *change)
{
    int fixed = any_column(change, NAIVE_STATIC), regular = any_column(change, NAIVE_REGULAR);
    if (fixed >= 0 && chance(change, 3))
        regular = -1;
    else if (chance(change, 2))
        fixed = -1;
    buffer_printf(change->out, "UPDATE t");
    put_using(change, true);
    buffer_printf(change->out, " SET ");
    if (fixed >= 0)
        put_assignment(change, fixed);
    buffer_printf(change->out, "%s", fixed >= 0 && regular >= 0 ? ", " : "");
    if (regular >= 0)
        put_assignment(change, regular);
    put_where(change, regular >= 0 ? change->schema->clustering_count : 0);
}

static void delete_rows(struct change *change)
{
    int prefix = (int)random_below(change->rng, (uint64_t)change->schema->clustering_count + 1);
    buffer_printf(change->out, "DELETE FROM t");
    put_using(change, false);
    put_where(change, prefix);
    struct journal_deletion *deletion =
        add_deletion(change, prefix || change->schema->clustering_count ? DELETED_ROWS : DELETED_PARTITION);
    deletion->prefix = prefix;
    if (prefix == change->schema->clustering_count)
        return;
    const struct naive_column *next = &change->schema->columns[change->schema->partition_count + prefix];
    uint64_t bounds = random_below(change->rng, 4); /* 0: none, 1: below, 2: above, 3: both */
    if (bounds == 0 && prefix == 0)
        deletion->kind = DELETED_PARTITION;
    if (bounds & 1) {
        deletion->low = any_value(change);
        buffer_printf(change->out, " AND %s >= ", next->name);
        naive_literal(change->out, next->type, deletion->low);
    }
    if (bounds & 2) {
        int end = any_value(change);
        deletion->high = end - 1;
        buffer_printf(change->out, " AND %s < ", next->name);
        naive_literal(change->out, next->type, end);
    }
}

static void delete_cell(struct change *change)
{
    int column = any_column(change, NAIVE_STATIC);
    if (column < 0 || chance(change, 2))
        column = any_column(change, NAIVE_REGULAR);
    enum naive_type type = change->schema->columns[column].type;
    buffer_printf(change->out, "DELETE %s", change->schema->columns[column].name);
    bool element = naive_is_collection(type) && chance(change, 2);
    int path = element ? any_value(change) : JOURNAL_NO_PATH;
    if (element) {
        buffer_printf(change->out, "[");
        naive_literal(change->out, naive_path_type(type), path);
        buffer_printf(change->out, "]");
    }
    buffer_printf(change->out, " FROM t");
    put_using(change, false);
    if (naive_is_collection(type) && !element)
        delete_collection(change, column, change->timestamp);
    else
        write_cell(change, column, path, NAIVE_NULL);
    put_where(change,
              change->schema->columns[column].kind == NAIVE_STATIC ? 0 : change->schema->clustering_count);
}

static void one_statement(struct change *change)
{
    choose_key(change);
    uint64_t kind = random_below(change->rng, 12);
    if (kind < 5)
        insert(change);
    else if (kind < 9)
        update(change);
    else if (kind == 9)
        delete_cell(change);
    else
        delete_rows(change);
}

void change_random(struct journal *journal, struct random *rng, int64_t now_s, struct buffer *out)
{
    struct change change = {
        .journal = journal, .schema = journal->schema, .rng = rng, .out = out, .now_s = now_s};
    if (!chance(&change, 8)) {
        one_statement(&change);
        return;
    }
    buffer_printf(out, "BEGIN BATCH ");
    for (int i = 0; i < STATEMENTS_PER_BATCH; i++) {
        one_statement(&change);
        buffer_printf(out, "; ");
    }
    buffer_printf(out, "APPLY BATCH");
}

bool change_fits(const struct journal *journal)
{
    return journal->write_count + WRITES_PER_STATEMENT < JOURNAL_MAX &&
           journal->deletion_count + WRITES_PER_STATEMENT < JOURNAL_MAX;
}
