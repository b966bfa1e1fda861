#include "rulebook.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void *must_have(void *memory)
{
    if (!memory) {
        perror("rulebook");
        exit(1);
    }
    return memory;
}

static struct rule *rule_add(struct rulebook *book, const char *file, const char *title)
{
    book->rules = must_have(realloc(book->rules, (book->count + 1) * sizeof *book->rules));
    struct rule *rule = &book->rules[book->count++];
    *rule = (struct rule){.file = must_have(strdup(file)), .title = must_have(strdup(title))};
    return rule;
}

static void line_add(struct rule *rule, const char *text, unsigned number)
{
    rule->lines = must_have(realloc(rule->lines, (rule->line_count + 1) * sizeof *rule->lines));
    rule->numbers = must_have(realloc(rule->numbers, (rule->line_count + 1) * sizeof *rule->numbers));
    rule->lines[rule->line_count] = must_have(strdup(text));
    rule->numbers[rule->line_count++] = number;
}

/* A line that begins with a space belongs to the one above. */
static void line_continue(struct rule *rule, const char *text)
{
    char **last = &rule->lines[rule->line_count - 1];
    *last = must_have(realloc(*last, strlen(*last) + strlen(text) + 2));
    strcat(strcat(*last, "\n"), text);
}

static void take_line(struct rulebook *book, const char *path, char *text, unsigned number)
{
    text[strcspn(text, "\n")] = 0;
    if (!*text || *text == '#')
        return;
    if (strncmp(text, "rule ", 5) == 0) {
        rule_add(book, strrchr(path, '/') ? strrchr(path, '/') + 1 : path, text + 5);
        return;
    }
    if (!book->count) {
        fprintf(stderr, "%s:%u: before the first rule\n", path, number);
        exit(1);
    }
    struct rule *rule = &book->rules[book->count - 1];
    if (*text == ' ' && rule->line_count)
        line_continue(rule, text);
    else
        line_add(rule, text, number);
}

static void read_file(struct rulebook *book, const char *path)
{
    FILE *in = must_have(fopen(path, "r"));
    char *line = NULL;
    size_t capacity = 0;
    for (unsigned number = 1; getline(&line, &capacity, in) > 0; number++)
        take_line(book, path, line, number);
    free(line);
    fclose(in);
}

static int is_rules(const struct dirent *entry)
{
    const char *dot = strrchr(entry->d_name, '.');
    return dot && strcmp(dot, ".cqltest") == 0;
}

void rulebook_read(struct rulebook *book, const char *path)
{
    struct stat what;
    *book = (struct rulebook){0};
    if (stat(path, &what) != 0 || !S_ISDIR(what.st_mode)) {
        read_file(book, path);
        return;
    }
    struct dirent **names = NULL;
    int count = scandir(path, &names, is_rules, alphasort);
    for (int i = 0; i < count; i++) {
        char name[4096];
        snprintf(name, sizeof name, "%s/%s", path, names[i]->d_name);
        read_file(book, name);
        free(names[i]);
    }
    free(names);
}

void rulebook_free(struct rulebook *book)
{
    for (size_t i = 0; i < book->count; i++) {
        struct rule *rule = &book->rules[i];
        for (size_t j = 0; j < rule->line_count; j++)
            free(rule->lines[j]);
        free(rule->lines);
        free(rule->numbers);
        free((char *)rule->file);
        free((char *)rule->title);
    }
    free(book->rules);
    *book = (struct rulebook){0};
}
