#include "tools/strategy.h"

#include <string.h>

#include "base/token.h"

#define COLUMNS                                                                                           \
    "channel_id uuid, server_id uuid, month int, created_at timestamp, id uuid, content text, member_id " \
    "uuid, "                                                                                              \
    "deleted boolean, updated_at timestamp, "

const struct strategy strategies[STRATEGY_COUNT] = {
    {
        .name = "(channel_id)",
        .key = "c",
        .folder = "by-channel",
        .insert = {"INSERT INTO crystal.messages (channel_id, created_at, id, content, member_id, deleted, "
                   "updated_at) "
                   "VALUES (?, ?, ?, ?, ?, ?, ?)",
                   "ctixadu"},
        .edit = {"UPDATE crystal.messages SET content = ?, updated_at = ? "
                 "WHERE channel_id = ? AND created_at = ? AND id = ?",
                 "xucti"},
        .mark = {"UPDATE crystal.messages SET deleted = ? WHERE channel_id = ? AND created_at = ? AND id = ?",
                 "dcti"},
        .remove = {"DELETE FROM crystal.messages WHERE channel_id = ? AND created_at = ? AND id = ?", "cti"},
        .newest =
            {"SELECT * FROM crystal.messages WHERE channel_id = ? ORDER BY created_at DESC, id DESC LIMIT 50",
             "c"},
        .back = {"SELECT * FROM crystal.messages WHERE channel_id = ? AND (created_at, id) < (?, ?) LIMIT 50",
                 "cti"},
    },
    {
        .name = "(channel_id, month)",
        .key = "cm",
        .folder = "by-channel-month",
        .table =
            "CREATE TABLE crystal.messages (" COLUMNS "PRIMARY KEY ((channel_id, month), created_at, id)) "
            "WITH CLUSTERING ORDER BY (created_at DESC, id DESC)",
        .by_month = true,
        .insert =
            {"INSERT INTO crystal.messages (channel_id, month, created_at, id, content, member_id, deleted, "
             "updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
             "cmtixadu"},
        .edit = {"UPDATE crystal.messages SET content = ?, updated_at = ? "
                 "WHERE channel_id = ? AND month = ? AND created_at = ? AND id = ?",
                 "xucmti"},
        .mark = {"UPDATE crystal.messages SET deleted = ? "
                 "WHERE channel_id = ? AND month = ? AND created_at = ? AND id = ?",
                 "dcmti"},
        .remove =
            {"DELETE FROM crystal.messages WHERE channel_id = ? AND month = ? AND created_at = ? AND id = ?",
             "cmti"},
        .newest = {"SELECT * FROM crystal.messages WHERE channel_id = ? AND month = ? "
                   "ORDER BY created_at DESC, id DESC LIMIT 50",
                   "cm"},
        .back = {"SELECT * FROM crystal.messages WHERE channel_id = ? AND month = ? AND (created_at, id) < "
                 "(?, ?) "
                 "LIMIT 50",
                 "cmti"},
    },
    {
        .name = "(server_id)",
        .key = "s",
        .folder = "by-server",
        .table = "CREATE TABLE crystal.messages (" COLUMNS
                 "PRIMARY KEY ((server_id), channel_id, created_at, id)) "
                 "WITH CLUSTERING ORDER BY (channel_id DESC, created_at DESC, id DESC)",
        .insert = {"INSERT INTO crystal.messages (server_id, channel_id, created_at, id, content, member_id, "
                   "deleted, "
                   "updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                   "sctixadu"},
        .edit = {"UPDATE crystal.messages SET content = ?, updated_at = ? "
                 "WHERE server_id = ? AND channel_id = ? AND created_at = ? AND id = ?",
                 "xuscti"},
        .mark = {"UPDATE crystal.messages SET deleted = ? "
                 "WHERE server_id = ? AND channel_id = ? AND created_at = ? AND id = ?",
                 "dscti"},
        .remove = {"DELETE FROM crystal.messages "
                   "WHERE server_id = ? AND channel_id = ? AND created_at = ? AND id = ?",
                   "scti"},
        .newest = {"SELECT * FROM crystal.messages WHERE server_id = ? AND channel_id = ? LIMIT 50", "sc"},
        .back = {"SELECT * FROM crystal.messages WHERE server_id = ? AND (channel_id, created_at, id) < (?, "
                 "?, ?) "
                 "AND (channel_id) >= (?) LIMIT 50",
                 "sctic"},
    },
};

static int bind_field(strait_statement *statement, int at, char field, const struct chat_message *message)
{
    switch (field) {
    case 'c': return strait_bind_uuid(statement, at, message->channel_id);
    case 's': return strait_bind_uuid(statement, at, message->server_id);
    case 'm': return strait_bind_int64(statement, at, message->month);
    case 't': return strait_bind_int64(statement, at, message->created_ms);
    case 'i': return strait_bind_uuid(statement, at, message->id);
    case 'x': return strait_bind_text(statement, at, message->content, (int64_t)message->content_bytes);
    case 'a': return strait_bind_uuid(statement, at, message->member_id);
    case 'd': return strait_bind_bool(statement, at, message->deleted);
    case 'u': return strait_bind_int64(statement, at, message->updated_ms);
    default: return STRAIT_MISUSE;
    }
}

int strategy_bind(strait_statement *statement, const char *fields, const struct chat_message *message)
{
    for (int i = 0; fields[i]; i++) {
        int result = bind_field(statement, i, fields[i], message);
        if (result != STRAIT_OK)
            return result;
    }
    return STRAIT_OK;
}

/* A partition key as the protocol composes it: the value of a single column as it is, of several each as
 * <u16 length> <bytes> <0>. Returns its length. */
static size_t partition_key(const struct strategy *strategy, const struct chat_message *message,
                            uint8_t out[2 * 19])
{
    size_t bytes = 0;
    bool is_composite = strategy->key[1] != 0;
    for (const char *field = strategy->key; *field; field++) {
        uint8_t month[4] = {(uint8_t)(message->month >> 24), (uint8_t)(message->month >> 16),
                            (uint8_t)(message->month >> 8), (uint8_t)message->month};
        const uint8_t *value = *field == 'm'   ? month
                               : *field == 's' ? message->server_id
                                               : message->channel_id;
        uint8_t length = *field == 'm' ? 4 : 16;
        if (is_composite) {
            out[bytes++] = 0;
            out[bytes++] = length;
        }
        memcpy(out + bytes, value, length);
        bytes += length;
        if (is_composite)
            out[bytes++] = 0;
    }
    return bytes;
}

bool strategy_same_partition(const struct strategy *strategy, const struct chat_message *a,
                             const struct chat_message *b)
{
    for (const char *field = strategy->key; *field; field++)
        if (*field == 'm'   ? a->month != b->month
            : *field == 's' ? a->server != b->server
                            : a->channel != b->channel)
            return false;
    return true;
}

int64_t strategy_token(const struct strategy *strategy, const struct chat_message *message)
{
    uint8_t key[2 * 19];
    size_t bytes = partition_key(strategy, message, key);
    return token_of(slice_of(key, bytes));
}
