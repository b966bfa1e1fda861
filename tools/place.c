#include "tools/place.h"

#include <stdio.h>
#include <string.h>

bool place_take(struct place *place, int option, const char *value)
{
    switch ((enum place_option)option) {
    case PLACE_DIR: place->dir = value; return true;
    case PLACE_PROFILE: place->options.profile = value; return true;
    case PLACE_IO: place->options.io = value; return true;
    case PLACE_READ_ONLY: place->options.read_only = place->options.must_exist = 1; return true;
    case PLACE_ACCEPT_LOG_DAMAGE: place->options.accept_log_damage = 1; return true;
    case PLACE_SET_ASIDE: place->options.set_aside_damaged_tables = 1; return true;
    }
    return false;
}

const char *place_name(const struct place *place)
{
    return place->dir ? place->dir : ":memory:";
}

/* What the library says in one word, for who stands before a shell. */
static const char *explain(int result, const char *message)
{
    switch (result) {
    case STRAIT_BUSY: return "another process has this store open";
    case STRAIT_NOT_FOUND: return "there is no store";
    case STRAIT_CORRUPT:
        if (strncmp(message, "unsupported", strlen("unsupported")) == 0)
            return "the store was written by a newer version of Strait";
        return "the store is damaged; 'strait verify' tells which files, 'strait inspect' shows them";
    case STRAIT_MISUSE:
        if (strncmp(message, "invalid argument", strlen("invalid argument")) == 0)
            return "the folder holds other files and is not a store";
        break;
    default: break;
    }
    return NULL;
}

strait *place_open(const struct place *place)
{
    strait_options options = place->options;
    strait *db = NULL;
    options.struct_bytes = sizeof options;
    int result = strait_open(place_name(place), &options, &db);
    if (result == STRAIT_OK)
        return db;
    const char *message = db ? strait_error_message(db) : strait_result_text(result);
    const char *explanation = explain(result, message);
    if (explanation)
        fprintf(stderr, "strait: %s: %s\n  (%s)\n", place_name(place), explanation, message);
    else
        fprintf(stderr, "strait: %s: %s\n", place_name(place), message);
    strait_close(db);
    return NULL;
}

bool place_close(const struct place *place, strait *db)
{
    int result = strait_close(db);
    if (result != STRAIT_OK)
        fprintf(stderr, "strait: closing %s: %s\n", place_name(place), strait_result_text(result));
    return result == STRAIT_OK;
}
