#include "tools/shell_command.h"

#include <stdlib.h>
#include <string.h>

#define RESULT_OF(done) ((done) ? SHELL_COMMAND_DONE : SHELL_COMMAND_FAILED)

typedef enum shell_command_result run_command(struct script *script, const char *argument);

struct command {
    const char *name, *argument, *purpose;
    run_command *run;
};

static run_command show_help;

static bool run_cql(const struct script *script, const char *text)
{
    return script_run(script, text, strlen(text));
}

/* `text` as it stands between single quotes; false when it is too long to be a name. */
static bool quote(const char *text, size_t bytes, char *out, size_t out_bytes)
{
    size_t at = 0;
    for (size_t i = 0; i < bytes; i++) {
        if (at + 3 > out_bytes)
            return false;
        if (text[i] == '\'')
            out[at++] = '\'';
        out[at++] = text[i];
    }
    out[at] = 0;
    return true;
}

static enum shell_command_result show_tables(struct script *script, const char *argument)
{
    const char *keyspace = *argument ? argument : strait_keyspace(script->db);
    char name[512], text[768];
    if (!keyspace)
        return RESULT_OF(run_cql(script, "DESCRIBE TABLES"));
    if (!quote(keyspace, strlen(keyspace), name, sizeof name))
        return SHELL_COMMAND_FAILED;
    snprintf(text, sizeof text, "SELECT table_name FROM system_schema.tables WHERE keyspace_name = '%s'",
             name);
    return RESULT_OF(run_cql(script, text));
}

/* Run `select` of the table that `argument` names, with its keyspace or after USE. */
static enum shell_command_result show_of_table(struct script *script, const char *argument, const char *usage,
                                               const char *select)
{
    const char *dot = strchr(argument, '.');
    const char *keyspace = dot ? argument : strait_keyspace(script->db);
    const char *table = dot ? dot + 1 : argument;
    char keyspace_name[512], table_name[512], text[2048];
    if (!keyspace || !*table) {
        fprintf(stderr, "usage: %s\n", usage);
        return SHELL_COMMAND_FAILED;
    }
    if (!quote(keyspace, dot ? (size_t)(dot - argument) : strlen(keyspace), keyspace_name,
               sizeof keyspace_name) ||
        !quote(table, strlen(table), table_name, sizeof table_name))
        return SHELL_COMMAND_FAILED;
    snprintf(text, sizeof text, "%s WHERE keyspace_name = '%s' AND table_name = '%s'", select, keyspace_name,
             table_name);
    return RESULT_OF(run_cql(script, text));
}

static enum shell_command_result show_columns(struct script *script, const char *argument)
{
    return show_of_table(
        script, argument, ".columns TABLE, after USE; or .columns KEYSPACE.TABLE",
        "SELECT column_name, type, kind, position, clustering_order FROM system_schema.columns");
}

static enum shell_command_result show_schema(struct script *script, const char *argument)
{
    char text[1024];
    if (*argument)
        snprintf(text, sizeof text, "DESCRIBE %s", argument);
    else
        snprintf(text, sizeof text, strait_keyspace(script->db) ? "DESCRIBE KEYSPACE" : "DESCRIBE SCHEMA");
    return RESULT_OF(run_cql(script, text));
}

/* The first word of an argument and the rest of it. */
static const char *cut_word(const char *argument, char *word, size_t word_bytes)
{
    size_t bytes = strcspn(argument, " \t");
    snprintf(word, word_bytes, "%.*s", (int)(bytes < word_bytes ? bytes : word_bytes - 1), argument);
    argument += bytes;
    return argument + strspn(argument, " \t");
}

static enum shell_command_result outcome(const struct script *script, int result)
{
    if (result != STRAIT_OK)
        fprintf(stderr, "%s\n", strait_error_message(script->db));
    return RESULT_OF(result == STRAIT_OK);
}

typedef int snapshot_call(strait *db, const char *keyspace, const char *name);

/* "NAME [KEYSPACE]" */
static enum shell_command_result with_snapshot(struct script *script, const char *argument, const char *usage,
                                               snapshot_call *call)
{
    char name[256];
    const char *keyspace = cut_word(argument, name, sizeof name);
    if (!*keyspace)
        keyspace = strait_keyspace(script->db);
    if (!*name || !keyspace) {
        fprintf(stderr, "usage: %s NAME, after USE; or %s NAME KEYSPACE\n", usage, usage);
        return SHELL_COMMAND_FAILED;
    }
    return outcome(script, call(script->db, keyspace, name));
}

static enum shell_command_result take_snapshot(struct script *script, const char *argument)
{
    if (!*argument)
        return RESULT_OF(run_cql(script, "SELECT * FROM strait.snapshots"));
    return with_snapshot(script, argument, ".snapshot", strait_snapshot);
}

static enum shell_command_result restore_snapshot(struct script *script, const char *argument)
{
    return with_snapshot(script, argument, ".restore", strait_restore);
}

static enum shell_command_result forget_snapshot(struct script *script, const char *argument)
{
    return with_snapshot(script, argument, ".forget", strait_snapshot_drop);
}

static enum shell_command_result clone_keyspace(struct script *script, const char *argument)
{
    char clone[256];
    const char *keyspace = cut_word(argument, clone, sizeof clone);
    if (!*keyspace)
        keyspace = strait_keyspace(script->db);
    if (!*clone || !keyspace) {
        fputs("usage: .clone NEW, after USE; or .clone NEW KEYSPACE\n", stderr);
        return SHELL_COMMAND_FAILED;
    }
    return outcome(script, strait_clone(script->db, clone, keyspace, NULL));
}

/* Of the store, or of one table. */
static enum shell_command_result show_stats(struct script *script, const char *argument)
{
    if (!*argument)
        return RESULT_OF(run_cql(script, "SELECT name, value, ratio, unit, meaning FROM strait.store_stats"));
    return show_of_table(script, argument, ".stats; .stats TABLE, after USE; or .stats KEYSPACE.TABLE",
                         "SELECT index_name, name, value, ratio, unit, meaning FROM strait.table_stats");
}

static enum shell_command_result read_file(struct script *script, const char *argument)
{
    size_t bytes;
    char *text = *argument ? script_read(argument, &bytes) : NULL;
    if (!text) {
        if (!*argument)
            fputs("usage: .read FILE\n", stderr);
        return SHELL_COMMAND_FAILED;
    }
    struct script named = *script;
    named.name = argument;
    named.keep_going = false;
    bool done = script_run(&named, text, bytes);
    free(text);
    return RESULT_OF(done);
}

static enum shell_command_result set_mode(struct script *script, const char *argument)
{
    if (!*argument) {
        fprintf(script->out, "%s\n", result_format_name(script->format));
        return SHELL_COMMAND_DONE;
    }
    if (result_format_parse(argument, &script->format))
        return SHELL_COMMAND_DONE;
    fprintf(stderr, "no mode '%s': " RESULT_FORMATS "\n", argument);
    return SHELL_COMMAND_FAILED;
}

static enum shell_command_result set_timing(struct script *script, const char *argument)
{
    bool on = strcmp(argument, "on") == 0;
    if (!on && strcmp(argument, "off") != 0) {
        fputs("usage: .timing on|off\n", stderr);
        return SHELL_COMMAND_FAILED;
    }
    script->timing = on;
    return SHELL_COMMAND_DONE;
}

static enum shell_command_result quit(struct script *script, const char *argument)
{
    (void)script;
    (void)argument;
    return SHELL_COMMAND_QUIT;
}

static const struct command commands[] = {
    {".help", "", "this text", show_help},
    {".tables", "[KEYSPACE]", "tables of a keyspace, by default of the one in use", show_tables},
    {".columns", "[KEYSPACE.]TABLE", "columns of a table", show_columns},
    {".schema", "[NAME]", "statements that make a keyspace, table or index", show_schema},
    {".snapshot", "[NAME [KEYSPACE]]", "keep a keyspace to go back to; without NAME: list", take_snapshot},
    {".restore", "NAME [KEYSPACE]", "go back to a snapshot, data and schema", restore_snapshot},
    {".forget", "NAME [KEYSPACE]", "drop a snapshot", forget_snapshot},
    {".clone", "NEW [KEYSPACE]", "make a keyspace that is like another", clone_keyspace},
    {".stats", "[[KEYSPACE.]TABLE]", "statistics of the store, or of a table", show_stats},
    {".read", "FILE", "run a file's statements up to the first failure", read_file},
    {".mode", "[FORMAT]", RESULT_FORMATS, set_mode},
    {".timing", "on|off", "say how long each statement took", set_timing},
    {".quit", "", "leave", quit},
    {0},
};

static enum shell_command_result show_help(struct script *script, const char *argument)
{
    (void)argument;
    fputs("A statement ends with a semicolon and may take several lines. Besides CQL:\n", script->out);
    for (const struct command *command = commands; command->name; command++) {
        char usage[40];
        snprintf(usage, sizeof usage, "%s %s", command->name, command->argument);
        fprintf(script->out, "  %-27s %s\n", usage, command->purpose);
    }
    fputs("Ctrl-C gives up what is being typed, or stops a result. Ctrl-D leaves.\n", script->out);
    return SHELL_COMMAND_DONE;
}

/* Words that people type before they know about the dot. */
static const struct {
    const char *word, *command;
} words[] = {{"help", ".help"}, {"?", ".help"},     {"exit", ".quit"},
             {"quit", ".quit"}, {".exit", ".quit"}, {"\\q", ".quit"}};

static bool is_word(const char *text, size_t bytes, const char *word)
{
    return strlen(word) == bytes && memcmp(text, word, bytes) == 0;
}

static const struct command *find_command(const char *name, size_t bytes)
{
    for (unsigned i = 0; i < sizeof words / sizeof *words; i++)
        if (is_word(name, bytes, words[i].word))
            return find_command(words[i].command, strlen(words[i].command));
    for (const struct command *command = commands; command->name; command++)
        if (is_word(name, bytes, command->name))
            return command;
    return NULL;
}

enum shell_command_result shell_command_run(struct script *script, char *line)
{
    static const char blank[] = " \t\r";
    char *name = line + strspn(line, blank);
    bool is_dotted = *name == '.';
    char *end = name + strlen(name);
    while (end > name && (strchr(blank, end[-1]) || (!is_dotted && end[-1] == ';')))
        end--;
    size_t name_bytes = strcspn(name, blank);
    if (name + name_bytes > end)
        name_bytes = (size_t)(end - name);
    char *argument = name + name_bytes + strspn(name + name_bytes, blank);

    const struct command *command = find_command(name, name_bytes);
    if (!is_dotted && (!command || argument < end))
        return SHELL_COMMAND_NONE;
    *end = 0;
    if (command)
        return command->run(script, argument < end ? argument : "");
    fprintf(stderr, "no command '%s'; .help lists them\n", name);
    return SHELL_COMMAND_FAILED;
}
