/* compaction_values.c: texts of options of compaction as numbers, and numbers as texts. */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cql/compaction_values_internal.h"

int64_t compaction_window_unit_s(const char *unit)
{
    static const struct {
        const char *name;
        int64_t seconds;
    } units[] = {{"MINUTES", 60}, {"HOURS", 3600}, {"DAYS", 86400}};
    for (size_t i = 0; i < ARRAY_LEN(units); i++)
        if (strcmp(units[i].name, unit) == 0)
            return units[i].seconds;
    return 0;
}

bool compaction_size_parse(const char *text, double *out_bytes, const char **out_stop)
{
    static const char prefixes[] = "KMGTPE";
    const char *at = text;
    char *end;
    *out_stop = text;
    at += *at == '+' || *at == '-';
    if (!isdigit((unsigned char)*at) || (at[0] == '0' && (at[1] == 'x' || at[1] == 'X'))) {
        *out_stop = isdigit((unsigned char)*at) ? at + 1 : at;
        return false;
    }
    double number = strtod(text, &end);
    for (at = end; *at == ' ';)
        at++;
    const char *prefix = *at ? strchr(prefixes, *at) : NULL;
    if (prefix) {
        bool binary = at[1] == 'i';
        number *= pow(binary ? 1024 : 1000, (double)(prefix - prefixes) + 1);
        at += 1 + binary;
    }
    *out_stop = at;
    *out_bytes = number;
    return at[0] == 'B' && !at[1] && isfinite(number);
}

bool compaction_size_of(const char *text, double *out_bytes)
{
    const char *stop;
    return compaction_size_parse(text, out_bytes, &stop);
}

bool compaction_percent_parse(const char *text, double *out_value)
{
    char *end;
    double value = strtod(text, &end);
    if (end == text || !isfinite(value))
        return false;
    end += strspn(end, " ");
    if (*end == '%') {
        value /= 100;
        end++;
    }
    end += strspn(end, " ");
    *out_value = value;
    return *end == 0;
}

enum { SCALING_MOST = 10000 }; /* tiers and levels of so many runs are never full */

/* One of "N", "T4", "L10", "-8": as the number that Cassandra calls W. */
static bool parse_scaling(const char *text, int32_t *out_scaling)
{
    char letter = *text, *end;
    if (letter == 'N' && !text[1]) {
        *out_scaling = 0;
        return true;
    }
    bool fanout = letter == 'T' || letter == 'L';
    long number = strtol(text + fanout, &end, 10);
    if (end == text + fanout || *end || (fanout && (number < 2 || !isdigit((unsigned char)text[1]))) ||
        number < INT32_MIN || number > INT32_MAX)
        return false;
    number = number < -SCALING_MOST ? -SCALING_MOST : number > SCALING_MOST ? SCALING_MOST : number;
    *out_scaling = (int32_t)(letter == 'T' ? number - 2 : letter == 'L' ? 2 - number : number);
    return true;
}

bool compaction_scalings_parse(const char *text, struct store_compaction_tuning *tuning, char out_bad[32])
{
    struct store_compaction_tuning parsed = {0};
    for (const char *at = text;; at++) {
        char piece[32];
        size_t bytes = strcspn(at, ","), begin = strspn(at, " ");
        begin = begin < bytes ? begin : bytes;
        snprintf(piece, sizeof piece, "%.*s", (int)(bytes - begin), at + begin);
        piece[strcspn(piece, " ")] = 0;
        int32_t scaling = 0;
        if (!parse_scaling(piece, &scaling)) {
            snprintf(out_bad, 32, "%s", piece);
            return false;
        }
        /* Of more levels than there is room for, the last stands for all further ones. */
        uint32_t slot =
            parsed.scaling_count < STORE_SCALING_MAX ? parsed.scaling_count++ : STORE_SCALING_MAX - 1;
        parsed.scaling[slot] = scaling;
        at += bytes;
        if (!*at || !at[strspn(at, ",")]) /* commas at the end stand for nothing */
            break;
    }
    memcpy(tuning->scaling, parsed.scaling, sizeof tuning->scaling);
    tuning->scaling_count = parsed.scaling_count;
    return true;
}

bool compaction_is_flag(const char *text)
{
    return strcasecmp(text, "true") == 0 || strcasecmp(text, "false") == 0;
}

bool compaction_is_overlap(const char *text)
{
    return strcasecmp(text, "NONE") == 0 || strcasecmp(text, "SINGLE") == 0 ||
           strcasecmp(text, "TRANSITIVE") == 0;
}

/* ---- shown ---- */

void compaction_size_print(double bytes, char out[32])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    size_t unit = 0;
    for (; bytes >= 1024 && unit + 1 < ARRAY_LEN(units); unit++)
        bytes /= 1024;
    snprintf(out, 32, unit ? "%.3f%s" : "%.0f%s", bytes, units[unit]);
}

void compaction_double_print(double value, char out[32])
{
    snprintf(out, 32, "%.15g", value);
    if (!strpbrk(out, ".en"))
        snprintf(out, 32, "%.1f", value);
}
