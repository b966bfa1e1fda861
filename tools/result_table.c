#include "tools/result_table.h"

#include <stdlib.h>
#include <string.h>

#include "tools/terminal.h"

enum {
    TABLE_ROWS_MAX = 1000, /* aligned together; a longer result goes on as a further table */
};

struct column {
    const char *name; /* borrowed from the statement */
    bool is_number;
    int width;
};

struct table {
    struct column *columns; /* owned */
    char **cells;           /* owned, row after row; NULL is null */
    int column_count, row_count;
    uint64_t rows_before; /* in tables that were printed already */
    bool as_list;
};

static bool is_number(const char *type)
{
    static const char *const numbers[] = {"int",    "bigint",  "smallint", "tinyint", "varint",
                                          "double", "decimal", "float",    "counter"};
    for (unsigned i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (strcmp(type, numbers[i]) == 0)
            return true;
    return false;
}

static void table_clear(struct table *table)
{
    for (int i = 0; table->cells && i < table->row_count * table->column_count; i++)
        free(table->cells[i]);
    table->rows_before += (uint64_t)table->row_count;
    table->row_count = 0;
}

static bool table_init(struct table *table, strait_statement *statement, bool as_list)
{
    *table = (struct table){.column_count = strait_column_count(statement), .as_list = as_list};
    size_t count = (size_t)table->column_count;
    table->columns = calloc(count, sizeof *table->columns);
    table->cells = calloc(count * TABLE_ROWS_MAX, sizeof *table->cells);
    if (!table->columns || !table->cells)
        return false;
    for (int c = 0; c < table->column_count; c++) {
        table->columns[c].name = strait_column_name(statement, c);
        table->columns[c].is_number = is_number(strait_column_type(statement, c));
    }
    return true;
}

static void table_deinit(struct table *table)
{
    table_clear(table);
    free(table->cells);
    free(table->columns);
}

static bool table_add(struct table *table, strait_statement *statement)
{
    for (int c = 0; c < table->column_count; c++) {
        const char *text = strait_column_text(statement, c);
        char *copy = text ? strdup(text) : NULL;
        if (text && !copy)
            return false;
        table->cells[table->row_count * table->column_count + c] = copy;
    }
    table->row_count++;
    return true;
}

static const char *cell_at(const struct table *table, int row, int column)
{
    const char *cell = table->cells[row * table->column_count + column];
    return cell ? cell : "null";
}

/* Of the widest name or value in each column; returns that of the whole line. */
static int measure(struct table *table)
{
    int whole = 1;
    for (int c = 0; c < table->column_count; c++) {
        struct column *column = &table->columns[c];
        column->width = terminal_width(column->name, strlen(column->name));
        for (int r = 0; r < table->row_count; r++) {
            const char *cell = cell_at(table, r, c);
            int width = terminal_width(cell, strlen(cell));
            if (width > column->width)
                column->width = width;
        }
        whole += column->width + (c ? 3 : 0);
    }
    return whole;
}

/* Numbers stand on the right; what ends a line is not followed by space. */
static void print_cell(const struct table *table, int c, const char *text, FILE *out)
{
    const struct column *column = &table->columns[c];
    int padding = column->width - terminal_width(text, strlen(text));
    fputs(c ? " | " : " ", out);
    if (column->is_number)
        fprintf(out, "%*s", padding, "");
    terminal_print(text, strlen(text), out);
    if (!column->is_number && c + 1 < table->column_count)
        fprintf(out, "%*s", padding, "");
}

static void print_aligned(const struct table *table, FILE *out)
{
    for (int c = 0; c < table->column_count; c++)
        print_cell(table, c, table->columns[c].name, out);
    fputc('\n', out);
    for (int c = 0; c < table->column_count; c++) {
        fputs(c ? "-+-" : "-", out);
        for (int i = 0; i < table->columns[c].width; i++)
            fputc('-', out);
    }
    fputs("-\n", out);
    for (int r = 0; r < table->row_count; r++) {
        for (int c = 0; c < table->column_count; c++)
            print_cell(table, c, cell_at(table, r, c), out);
        fputc('\n', out);
    }
}

static void print_list(const struct table *table, FILE *out)
{
    int name_width = 0;
    for (int c = 0; c < table->column_count; c++) {
        int width = terminal_width(table->columns[c].name, strlen(table->columns[c].name));
        if (width > name_width)
            name_width = width;
    }
    for (int r = 0; r < table->row_count; r++) {
        fprintf(out, "row %llu\n", (unsigned long long)table->rows_before + (unsigned)r + 1);
        for (int c = 0; c < table->column_count; c++) {
            const char *name = table->columns[c].name, *cell = cell_at(table, r, c);
            fputc(' ', out);
            terminal_print(name, strlen(name), out);
            fprintf(out, "%*s | ", name_width - terminal_width(name, strlen(name)), "");
            terminal_print(cell, strlen(cell), out);
            fputc('\n', out);
        }
    }
}

/* What does not fit on a terminal is shown as a list, from the first rows on: a result keeps one form. */
static void table_print(struct table *table, FILE *out)
{
    int columns = terminal_columns(out);
    int width = measure(table);
    if (!table->rows_before && columns && width > columns && table->row_count)
        table->as_list = true;
    if (table->as_list)
        print_list(table, out);
    else
        print_aligned(table, out);
}

/* DESCRIBE answers with whole statements, which read best as they are. */
static bool is_description(strait_statement *statement)
{
    static const char *const names[] = {"keyspace_name", "type", "name", "create_statement"};
    if (strait_column_count(statement) != 4)
        return false;
    for (int c = 0; c < 4; c++)
        if (strcmp(strait_column_name(statement, c), names[c]) != 0)
            return false;
    return true;
}

static int print_description(strait_statement *statement, int result, FILE *out,
                             const volatile sig_atomic_t *stop)
{
    for (bool first = true; result == STRAIT_ROW; result = strait_step(statement), first = false) {
        if (stop && *stop)
            return RESULT_INTERRUPTED;
        const char *text = strait_column_text(statement, 3);
        fprintf(out, "%s%s\n", first ? "" : "\n", text ? text : "");
    }
    return result;
}

int result_table_print(strait_statement *statement, int result, bool as_list, FILE *out,
                       const volatile sig_atomic_t *stop)
{
    struct table table;
    if (is_description(statement))
        return print_description(statement, result, out, stop);
    if (!table_init(&table, statement, as_list)) {
        result = STRAIT_NOMEM;
        goto out;
    }
    for (; result == STRAIT_ROW; result = strait_step(statement)) {
        if (stop && *stop) {
            result = RESULT_INTERRUPTED;
            break;
        }
        if (table.row_count == TABLE_ROWS_MAX) {
            table_print(&table, out);
            table_clear(&table);
        }
        if (!table_add(&table, statement)) {
            result = STRAIT_NOMEM;
            goto out;
        }
    }
    if (result != STRAIT_DONE && result != RESULT_INTERRUPTED)
        goto out;
    if (table.row_count || !table.rows_before)
        table_print(&table, out);
    uint64_t total = table.rows_before + (uint64_t)table.row_count;
    fprintf(out, "\n(%llu row%s%s)\n", (unsigned long long)total, total == 1 ? "" : "s",
            result == RESULT_INTERRUPTED ? ", interrupted" : "");
out:
    table_deinit(&table);
    return result;
}
