#include "table.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/token.h"

/* TOK-2 */
int64_t naive_token(const struct naive_schema *schema, const struct naive_key *key)
{
    struct buffer whole = {0}, part = {0};
    for (int i = 0; i < schema->partition_count; i++) {
        buffer_clear(&part);
        naive_bytes(&part, schema->columns[i].type, key->partition[i]);
        if (schema->partition_count > 1)
            buffer_append_be16(&whole, (uint16_t)part.bytes);
        buffer_append_slice(&whole, buffer_slice(&part));
        if (schema->partition_count > 1)
            buffer_append_u8(&whole, 0);
    }
    int64_t token = token_of(buffer_slice(&whole));
    buffer_deinit(&whole);
    buffer_deinit(&part);
    return token;
}

static void fill_cell(struct naive_cell *cell, const struct journal *journal, const struct naive_key *key,
                      int column, int64_t now_s)
{
    if (naive_is_collection(journal->schema->columns[column].type)) {
        for (int path = 0; path < NAIVE_VALUES; path++) {
            cell->elements[path] = journal_cell(journal, key, column, path, now_s);
            cell->present |= cell->elements[path] != NULL;
        }
        return;
    }
    cell->write = journal_cell(journal, key, column, JOURNAL_NO_PATH, now_s);
    cell->present = cell->write != NULL;
    cell->value = cell->write ? cell->write->value : NAIVE_NULL;
}

static void fill_row(struct naive_row *row, const struct journal *journal, int64_t now_s)
{
    const struct naive_schema *schema = journal->schema;
    for (int i = 0; i < schema->column_count; i++) {
        struct naive_cell *cell = &row->cells[i];
        enum naive_kind kind = schema->columns[i].kind;
        *cell = (struct naive_cell){.value = NAIVE_NULL};
        if (kind == NAIVE_PARTITION) {
            cell->value = row->key.partition[i];
            cell->present = true;
        } else if (kind == NAIVE_CLUSTERING && !row->only_static) {
            cell->value = row->key.clustering[i - schema->partition_count];
            cell->present = true;
        } else if (kind == NAIVE_STATIC || (kind == NAIVE_REGULAR && !row->only_static)) {
            fill_cell(cell, journal, &row->key, i, now_s);
        }
    }
}

static const struct naive_schema *sorting; /* qsort() has no room for it */

static int compare_rows(const void *left, const void *right)
{
    const struct naive_row *a = left, *b = right;
    if (a->token != b->token)
        return a->token < b->token ? -1 : 1;
    for (int i = 0; i < sorting->clustering_count; i++) {
        int order = a->key.clustering[i] - b->key.clustering[i];
        if (order)
            return sorting->columns[sorting->partition_count + i].descending ? -order : order;
    }
    return 0;
}

static bool has_row(const struct naive_table *table, const struct naive_key *key, bool whole_partition)
{
    for (int i = 0; i < table->count; i++)
        if (whole_partition ? naive_same_partition(table->schema, &table->rows[i].key, key)
                            : naive_same_row(table->schema, &table->rows[i].key, key))
            return true;
    return false;
}

static void add_row(struct naive_table *table, const struct journal *journal, const struct naive_key *key,
                    bool only_static, int64_t now_s)
{
    struct naive_row *row = &table->rows[table->count++];
    *row =
        (struct naive_row){.token = naive_token(table->schema, key), .key = *key, .only_static = only_static};
    fill_row(row, journal, now_s);
}

void table_make(struct naive_table *table, const struct journal *journal, int64_t now_s)
{
    *table = (struct naive_table){.schema = journal->schema};
    table->rows = calloc((size_t)journal->write_count + 1, sizeof *table->rows);
    assert(table->rows);
    for (int i = 0; i < journal->write_count; i++) {
        const struct naive_key *key = &journal->writes[i].key;
        if (!has_row(table, key, false) && journal_row_lives(journal, key, now_s))
            add_row(table, journal, key, false, now_s);
    }
    for (int i = 0; i < journal->write_count; i++) {
        const struct naive_key *key = &journal->writes[i].key;
        if (!has_row(table, key, true) && journal_static_lives(journal, key, now_s))
            add_row(table, journal, key, true, now_s);
    }
    sorting = journal->schema;
    qsort(table->rows, (size_t)table->count, sizeof *table->rows, compare_rows);
}

void table_free(struct naive_table *table)
{
    free(table->rows);
    *table = (struct naive_table){0};
}
