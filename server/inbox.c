#include "server/inbox_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

status inbox_init(struct inbox *inbox)
{
    *inbox = (struct inbox){.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
    lock_init(&inbox->lock, RANK_SERVER);
    return inbox->wake_fd < 0 ? STATUS_FROM_ERRNO(errno) : STATUS_DONE;
}

void inbox_deinit(struct inbox *inbox)
{
    inbox_content_free(&inbox->content);
    if (inbox->wake_fd >= 0)
        close(inbox->wake_fd);
    lock_deinit(&inbox->lock);
}

void inbox_wake(struct inbox *inbox)
{
    uint64_t one = 1;
    while (write(inbox->wake_fd, &one, sizeof one) < 0 && errno == EINTR)
        ;
}

/* Room for one more item of `item_bytes` behind `items`; NULL when memory ran out. */
static void *grow(void *items, uint32_t count, uint32_t *capacity, size_t item_bytes)
{
    if (count < *capacity)
        return items;
    uint32_t larger = *capacity ? *capacity * 2 : 8;
    void *grown = realloc(items, larger * item_bytes);
    if (grown)
        *capacity = larger;
    return grown;
}

void inbox_put_change(struct inbox *inbox, const struct cql_schema_change *change)
{
    struct inbox_content *content = &inbox->content;
    lock_acquire(&inbox->lock);
    void *grown = grow(content->changes, content->change_count, &content->change_capacity, sizeof *change);
    if (grown) {
        content->changes = grown;
        content->changes[content->change_count++] = *change;
    }
    lock_release(&inbox->lock);
    inbox_wake(inbox);
}

bool inbox_put_socket(struct inbox *inbox, int socket)
{
    struct inbox_content *content = &inbox->content;
    lock_acquire(&inbox->lock);
    void *grown = grow(content->sockets, content->socket_count, &content->socket_capacity, sizeof socket);
    if (grown) {
        content->sockets = grown;
        content->sockets[content->socket_count++] = socket;
    }
    lock_release(&inbox->lock);
    if (grown)
        inbox_wake(inbox);
    return grown != NULL;
}

struct inbox_content inbox_take(struct inbox *inbox)
{
    uint64_t count;
    while (read(inbox->wake_fd, &count, sizeof count) < 0 && errno == EINTR)
        ;
    lock_acquire(&inbox->lock);
    struct inbox_content taken = inbox->content;
    inbox->content = (struct inbox_content){0};
    lock_release(&inbox->lock);
    return taken;
}

void inbox_content_free(struct inbox_content *content)
{
    for (uint32_t i = 0; i < content->socket_count; i++)
        if (content->sockets[i] >= 0)
            close(content->sockets[i]);
    free(content->sockets);
    free(content->changes);
    *content = (struct inbox_content){0};
}
