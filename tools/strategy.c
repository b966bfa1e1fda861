#include "tools/strategy.h"

#define COLUMNS                                                                                           \
    "channel_id uuid, server_id uuid, month int, created_at timestamp, id uuid, content text, member_id " \
    "uuid, "                                                                                              \
    "deleted boolean, updated_at timestamp, "

const struct strategy strategies[STRATEGY_COUNT] = {
    {
        .name = "(channel_id)",
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
