/*
 * Requests a second and their latency over the wire, from raw clients in this process to a server in another: what the
 * protocol costs on top of the engine.
 *
 *   bench_wire STRAIT [REQUESTS]
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/random.h"
#include "bench/measure.h"
#include "server/wire.h"
#include "tools/folder.h"

enum {
    CLIENTS = 2,
    CHANNELS = 100,
    PAGE_ROWS = 50,
    CONTENT_BYTES = 80,
};

static const char insert_text[] =
    "INSERT INTO chat.messages (channel_id, created_at, id, content) VALUES (?, ?, ?, ?)";
static const char select_text[] = "SELECT created_at, id, content FROM chat.messages WHERE channel_id = ? "
                                  "ORDER BY created_at DESC, id DESC LIMIT ?";

/* ---- the server ---- */

struct process {
    pid_t pid;
    FILE *out;
    uint16_t port;
};

static struct process serve(const char *program, const char *folder, const char *durability)
{
    int out[2];
    struct process process = {0};
    if (pipe(out) != 0 || (process.pid = fork()) < 0)
        measure_fail("fork", "failed");
    if (process.pid == 0) {
        dup2(out[1], STDOUT_FILENO);
        close(out[0]);
        close(out[1]);
        if (folder)
            execl(program, program, "serve", "--dir", folder, "--listen", "127.0.0.1:0", "--durability",
                  durability, (char *)NULL);
        else
            execl(program, program, "serve", "--memory", "--listen", "127.0.0.1:0", (char *)NULL);
        _exit(127);
    }
    close(out[1]);
    char line[1024];
    process.out = fdopen(out[0], "r");
    if (!process.out || !fgets(line, sizeof line, process.out) || !strstr(line, "\"port\": "))
        measure_fail(program, "did not say its port");
    process.port = (uint16_t)atoi(strstr(line, "\"port\": ") + strlen("\"port\": "));
    return process;
}

static void serve_end(struct process *process)
{
    int result;
    kill(process->pid, SIGTERM);
    waitpid(process->pid, &result, 0);
    fclose(process->out);
    if (result != 0)
        measure_fail("server", "did not end cleanly");
}

/* ---- a client ---- */

struct client {
    int fd;
    struct buffer out; /* owned: requests to be sent */
    uint8_t in[1 << 16];
    size_t in_at, in_bytes;
    struct random rng;
    struct latency latency; /* owned */
    int64_t *sent_ns;       /* owned: by stream */
    uint32_t requests;
    uint32_t window;
    void (*put)(struct client *client, int16_t stream);
    uint8_t id[16]; /* of the prepared statement */
};

static void receive(struct client *client, void *data, size_t bytes)
{
    for (size_t at = 0; at < bytes;) {
        if (client->in_at == client->in_bytes) {
            ssize_t got = recv(client->fd, client->in, sizeof client->in, 0);
            if (got <= 0)
                measure_fail("receive", "connection lost");
            client->in_at = 0;
            client->in_bytes = (size_t)got;
        }
        size_t piece = client->in_bytes - client->in_at;
        if (piece > bytes - at)
            piece = bytes - at;
        if (data)
            memcpy((uint8_t *)data + at, client->in + client->in_at, piece);
        client->in_at += piece;
        at += piece;
    }
}

static struct frame_header receive_header(struct client *client)
{
    uint8_t bytes[FRAME_HEADER_BYTES];
    receive(client, bytes, sizeof bytes);
    struct frame_header header = frame_header_parse(bytes);
    if (header.opcode == OPCODE_ERROR) {
        char text[512] = "";
        receive(client, text, header.body_bytes < sizeof text ? header.body_bytes : sizeof text - 1);
        measure_fail("refused", text + 6);
    }
    return header;
}

static void send_out(struct client *client)
{
    for (size_t at = 0; at < client->out.bytes;) {
        ssize_t sent = send(client->fd, client->out.data + at, client->out.bytes - at, MSG_NOSIGNAL);
        if (sent <= 0)
            measure_fail("send", "connection lost");
        at += (size_t)sent;
    }
    buffer_clear(&client->out);
}

/* A request has the header of a response without its mark. */
static size_t request_begin(struct client *client, uint8_t opcode, int16_t stream)
{
    size_t begin = frame_begin(&client->out, PROTOCOL_MAX, 0, stream, opcode);
    client->out.data[begin] = PROTOCOL_MAX;
    return begin;
}

static struct frame_header ask(struct client *client, uint8_t opcode, const char *text)
{
    size_t begin = request_begin(client, opcode, 0);
    if (opcode == OPCODE_STARTUP) {
        buffer_append_be16(&client->out, 1);
        wire_put_string(&client->out, "CQL_VERSION");
        wire_put_string(&client->out, text);
    } else {
        wire_put_long_string(&client->out, slice_text(text));
    }
    if (opcode == OPCODE_QUERY) {
        buffer_append_be16(&client->out, 1);
        buffer_append_u8(&client->out, 0);
    }
    frame_finish(&client->out, begin);
    send_out(client);
    return receive_header(client);
}

static void query(struct client *client, const char *text)
{
    receive(client, NULL, ask(client, OPCODE_QUERY, text).body_bytes);
}

static void prepare(struct client *client, const char *text)
{
    struct frame_header header = ask(client, OPCODE_PREPARE, text);
    receive(client, NULL, 6);
    receive(client, client->id, sizeof client->id);
    receive(client, NULL, header.body_bytes - 6 - sizeof client->id);
}

static struct client *client_open(uint16_t port, uint64_t seed)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    struct client *client = calloc(1, sizeof *client);
    int yes = 1;
    if (!client || (client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) < 0 ||
        connect(client->fd, (struct sockaddr *)&address, sizeof address) != 0)
        measure_fail("connect", "refused");
    setsockopt(client->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    client->rng.state = seed;
    receive(client, NULL, ask(client, OPCODE_STARTUP, "3.0.0").body_bytes);
    return client;
}

static void client_close(struct client *client)
{
    close(client->fd);
    buffer_deinit(&client->out);
    latency_deinit(&client->latency);
    free(client->sent_ns);
    free(client);
}

/* ---- requests ---- */

static void put_ping(struct client *client, int16_t stream)
{
    frame_finish(&client->out, request_begin(client, OPCODE_OPTIONS, stream));
}

static size_t execute_begin(struct client *client, int16_t stream, uint16_t values)
{
    size_t begin = request_begin(client, OPCODE_EXECUTE, stream);
    wire_put_short_bytes(&client->out, slice_of(client->id, sizeof client->id));
    buffer_append_be16(&client->out, 1);
    buffer_append_u8(&client->out, 0x03); /* values, skip metadata */
    buffer_append_be16(&client->out, values);
    return begin;
}

static void put_channel(struct client *client)
{
    uint8_t channel[16] = {[6] = 0x40, [8] = 0x80, [15] = (uint8_t)random_below(&client->rng, CHANNELS)};
    wire_put_bytes(&client->out, slice_of(channel, sizeof channel));
}

static void put_insert(struct client *client, int16_t stream)
{
    static const char content[CONTENT_BYTES] =
        "a message of ordinary length, as people write them all day long";
    size_t begin = execute_begin(client, stream, 4);
    put_channel(client);
    buffer_append_be32(&client->out, 8);
    buffer_append_be64(&client->out, (uint64_t)latency_now_ns() / 1000000);
    buffer_append_be32(&client->out, 16);
    buffer_append_be64(&client->out, (random_next(&client->rng) & ~0xf000ULL) | 0x4000);
    buffer_append_be64(&client->out, random_next(&client->rng));
    wire_put_bytes(&client->out, slice_of(content, sizeof content));
    frame_finish(&client->out, begin);
}

static void put_select(struct client *client, int16_t stream)
{
    size_t begin = execute_begin(client, stream, 2);
    put_channel(client);
    buffer_append_be32(&client->out, 4);
    buffer_append_be32(&client->out, PAGE_ROWS);
    frame_finish(&client->out, begin);
}

/* `requests` of them, `window` ahead of their answers. */
static void *run(void *argument)
{
    struct client *client = argument;
    client->sent_ns = calloc(client->window, sizeof *client->sent_ns);
    if (!client->sent_ns)
        measure_fail("memory", "none left");
    uint32_t sent = 0;
    for (uint32_t answered = 0; answered < client->requests; answered++) {
        /* Half a window at a time, as a driver's write queue does. */
        if (sent - answered <= client->window / 2) {
            for (; sent < client->requests && sent - answered < client->window; sent++) {
                client->sent_ns[sent % client->window] = latency_now_ns();
                client->put(client, (int16_t)(sent % client->window));
            }
            send_out(client);
        }
        struct frame_header header = receive_header(client);
        receive(client, NULL, header.body_bytes);
        latency_add(&client->latency, latency_now_ns() - client->sent_ns[header.stream]);
    }
    return NULL;
}

static void measure_phase(uint16_t port, const char *engine, const char *phase, const char *statement,
                          void (*put)(struct client *client, int16_t stream), uint32_t requests,
                          uint32_t clients, uint32_t window)
{
    struct client *all[CLIENTS];
    pthread_t threads[CLIENTS];
    struct latency latency = {0};
    for (uint32_t i = 0; i < clients; i++) {
        all[i] = client_open(port, i + 1);
        if (statement)
            prepare(all[i], statement);
        all[i]->put = put;
        all[i]->window = window;
        all[i]->requests = requests / clients;
    }
    int64_t begun_ns = latency_now_ns();
    for (uint32_t i = 0; i < clients; i++)
        if (pthread_create(&threads[i], NULL, run, all[i]) != 0)
            measure_fail("thread", "cannot be started");
    for (uint32_t i = 0; i < clients; i++)
        pthread_join(threads[i], NULL);
    double seconds = (double)(latency_now_ns() - begun_ns) / 1e9;
    for (uint32_t i = 0; i < clients; i++) {
        for (size_t j = 0; j < all[i]->latency.count; j++)
            latency_add(&latency, all[i]->latency.ns[j]);
        client_close(all[i]);
    }
    measure(engine, phase, "requests_per_s", (double)(requests / clients * clients) / seconds, "1/s");
    measure_latency(engine, phase, &latency);
    latency_deinit(&latency);
}

static void measure_server(const char *program, const char *engine, const char *durability, uint32_t requests)
{
    char folder[] = "/var/tmp/strait-wire-XXXXXX";
    if (durability && !mkdtemp(folder))
        measure_fail(folder, "cannot be made");
    struct process server = serve(program, durability ? folder : NULL, durability);
    struct client *client = client_open(server.port, 1);
    query(client,
          "CREATE KEYSPACE chat WITH replication = {'class': 'SimpleStrategy', 'replication_factor': 1}");
    query(client,
          "CREATE TABLE chat.messages (channel_id uuid, created_at timestamp, id uuid, content text, PRIMARY "
          "KEY (channel_id, created_at, id)) WITH CLUSTERING ORDER BY (created_at DESC, id DESC)");
    client_close(client);

    if (!durability)
        measure_phase(server.port, engine, "wire_ping", NULL, put_ping, requests, CLIENTS, 128);
    measure_phase(server.port, engine, "wire_insert", insert_text, put_insert, requests, CLIENTS, 128);
    measure_phase(server.port, engine, "wire_newest_50", select_text, put_select, requests / 8, CLIENTS, 16);
    /* Alone each waits for the disk, where the store is durable. */
    uint32_t alone = durability && strcmp(durability, "durable") == 0 ? requests / 400 : requests / 20;
    measure_phase(server.port, engine, "wire_insert_alone", insert_text, put_insert, alone, 1, 1);
    measure_phase(server.port, engine, "wire_newest_50_alone", select_text, put_select, alone, 1, 1);
    serve_end(&server);
    if (durability)
        folder_remove(folder);
}

int main(int argc, char **argv)
{
    if (argc < 2)
        measure_fail("usage", "bench_wire STRAIT [REQUESTS]");
    uint32_t requests = argc > 2 ? (uint32_t)atoi(argv[2]) : 400000;
    measure_server(argv[1], "server/memory", NULL, requests);
    measure_server(argv[1], "server/periodic", "periodic", requests);
    measure_server(argv[1], "server/durable", "durable", requests);
    return 0;
}
