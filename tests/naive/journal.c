#include "journal.h"

bool naive_same_partition(const struct naive_schema *schema, const struct naive_key *a,
                          const struct naive_key *b)
{
    for (int i = 0; i < schema->partition_count; i++)
        if (a->partition[i] != b->partition[i])
            return false;
    return true;
}

bool naive_same_row(const struct naive_schema *schema, const struct naive_key *a, const struct naive_key *b)
{
    for (int i = 0; i < schema->clustering_count; i++)
        if (a->clustering[i] != b->clustering[i])
            return false;
    return naive_same_partition(schema, a, b);
}

static bool is_static(const struct journal *journal, int column)
{
    return column != JOURNAL_MARKER && journal->schema->columns[column].kind == NAIVE_STATIC;
}

/* Do `key` and `column` name the cell, or its row or partition, of `own`? */
static bool same_place(const struct journal *journal, const struct naive_key *own,
                       const struct naive_key *key, int column)
{
    return is_static(journal, column) ? naive_same_partition(journal->schema, own, key)
                                      : naive_same_row(journal->schema, own, key);
}

static bool within_rows(const struct journal *journal, const struct journal_deletion *deletion,
                        const struct naive_key *key)
{
    for (int i = 0; i < deletion->prefix; i++)
        if (deletion->key.clustering[i] != key->clustering[i])
            return false;
    if (deletion->prefix == journal->schema->clustering_count)
        return true;
    int next = key->clustering[deletion->prefix];
    return next >= deletion->low && next <= deletion->high;
}

static bool covers(const struct journal *journal, const struct journal_deletion *deletion,
                   const struct journal_write *write)
{
    if (write->timestamp > deletion->timestamp ||
        !naive_same_partition(journal->schema, &deletion->key, &write->key))
        return false;
    switch (deletion->kind) {
    case DELETED_PARTITION: return true;
    case DELETED_ROWS:
        return !is_static(journal, write->column) && within_rows(journal, deletion, &write->key);
    case DELETED_COLLECTION:
        return deletion->column == write->column &&
               same_place(journal, &deletion->key, &write->key, write->column);
    }
    return false;
}

static bool deleted(const struct journal *journal, const struct journal_write *write)
{
    for (int i = 0; i < journal->deletion_count; i++)
        if (covers(journal, &journal->deletions[i], write))
            return true;
    return false;
}

/* TS-1, TS-5 to TS-9, as ScyllaDB has them. */
static bool beats(const struct journal *journal, const struct journal_write *a, const struct journal_write *b)
{
    if (a->timestamp != b->timestamp)
        return a->timestamp > b->timestamp;
    bool a_dead = a->value == NAIVE_NULL, b_dead = b->value == NAIVE_NULL;
    if (a_dead || b_dead)
        return a_dead && !b_dead;
    if (!a->ttl_s != !b->ttl_s)
        return a->ttl_s != 0;
    if (a->expiry_s != b->expiry_s)
        return a->expiry_s > b->expiry_s;
    if (a->ttl_s != b->ttl_s)
        return a->ttl_s < b->ttl_s;
    if (a->column == JOURNAL_MARKER)
        return false;
    enum naive_type type = journal->schema->columns[a->column].type;
    if (type == NAIVE_SET)
        return false; /* an element has no value but its path */
    return naive_compare_bytes(naive_is_collection(type) ? NAIVE_ELEMENT : type, a->value, b->value) > 0;
}

const struct journal_write *journal_cell(const struct journal *journal, const struct naive_key *key,
                                         int column, int path, int64_t now_s)
{
    const struct journal_write *best = NULL;
    for (int i = 0; i < journal->write_count; i++) {
        const struct journal_write *write = &journal->writes[i];
        if (write->column == column && write->path == path && same_place(journal, &write->key, key, column) &&
            !deleted(journal, write) && (!best || beats(journal, write, best)))
            best = write;
    }
    if (best && (best->value == NAIVE_NULL || (best->ttl_s && best->expiry_s <= now_s)))
        best = NULL;
    return best;
}

bool journal_has(const struct journal *journal, const struct naive_key *key, int column, int64_t now_s)
{
    if (!naive_is_collection(journal->schema->columns[column].type))
        return journal_cell(journal, key, column, JOURNAL_NO_PATH, now_s) != NULL;
    for (int path = 0; path < NAIVE_VALUES; path++)
        if (journal_cell(journal, key, column, path, now_s))
            return true;
    return false;
}

static bool any_lives(const struct journal *journal, const struct naive_key *key, enum naive_kind kind,
                      int64_t now_s)
{
    for (int i = 0; i < journal->schema->column_count; i++)
        if (journal->schema->columns[i].kind == kind && journal_has(journal, key, i, now_s))
            return true;
    return false;
}

bool journal_row_lives(const struct journal *journal, const struct naive_key *key, int64_t now_s)
{
    return journal_cell(journal, key, JOURNAL_MARKER, JOURNAL_NO_PATH, now_s) ||
           any_lives(journal, key, NAIVE_REGULAR, now_s);
}

bool journal_static_lives(const struct journal *journal, const struct naive_key *key, int64_t now_s)
{
    return any_lives(journal, key, NAIVE_STATIC, now_s);
}
