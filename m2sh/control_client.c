/* A REQ socket is made anew after a time-out, because it would refuse to send before it has had the
 * answer it waits for. */

#include "m2sh/control_client.h"

#include "m2sh/base/words.h"
#include "m2sh/base/xalloc.h"
#include "proto/base/clock.h"
#include "proto/model/settings.h"
#include "proto/wire/control_msg.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <zmq.h>

struct control_client {
    void *zmq;
    void *socket; /* NULL: to be opened */
    char endpoint[CONTROL_ENDPOINT_MAX];
};

static bool is_socket(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISSOCK(st.st_mode);
}

/* `ipc://PATH`, whose path a server sees from inside its chroot. */
static void resolve_ipc(const char *path, const char *chroot, char out[CONTROL_ENDPOINT_MAX])
{
    char inside[CONTROL_ENDPOINT_MAX - sizeof "ipc://"];
    snprintf(inside, sizeof inside, "%s%s%s", chroot, *chroot != '\0' && *path != '/' ? "/" : "",
             path);
    bool take_inside = is_socket(inside) || !is_socket(path);
    snprintf(out, CONTROL_ENDPOINT_MAX, "ipc://%s", take_inside ? inside : path);
}

void control_client_endpoint(const struct model *m, const struct row *server,
                             char out[CONTROL_ENDPOINT_MAX])
{
    const char *spec = row_str(server, SERVER_CONTROL_PORT);
    if (*spec == '\0')
        spec = setting_text(m, SETTING_CONTROL_PORT);
    if (strncmp(spec, "ipc://", 6) == 0)
        resolve_ipc(spec + 6, row_str(server, SERVER_CHROOT), out);
    else if (strncmp(spec, "tcp://*", 7) == 0)
        snprintf(out, CONTROL_ENDPOINT_MAX, "tcp://127.0.0.1%s", spec + 7);
    else if (strncmp(spec, "tcp://0.0.0.0", 13) == 0)
        snprintf(out, CONTROL_ENDPOINT_MAX, "tcp://127.0.0.1%s", spec + 13);
    else
        snprintf(out, CONTROL_ENDPOINT_MAX, "%s", spec);
}

/* Does anybody listen on the ipc socket? ZeroMQ itself would wait for ever for somebody to come. */
static int probe_ipc(const char *path, struct error *e)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path)
        return error_set(e, ERROR_USAGE, "The control port's path %s is too long.", path);
    strcpy(address.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return error_set_errno(e, "Can't open a socket");
    int failed = connect(fd, (const struct sockaddr *)&address, sizeof address) != 0 ? errno : 0;
    close(fd);
    if (failed == EACCES || failed == EPERM)
        return error_set(e, ERROR_DENIED, "Not allowed to use the control port at %s.", path);
    if (failed != 0)
        return error_set(e, ERROR_UNREACHABLE,
                         "Nobody answers at the control port %s (%s): is the server running?", path,
                         strerror(failed));
    return 0;
}

static int connect_socket(struct control_client *c, struct error *e)
{
    int zero = 0;
    if (strncmp(c->endpoint, "ipc://", 6) == 0 && probe_ipc(c->endpoint + 6, e) != 0)
        return -1;
    c->socket = zmq_socket(c->zmq, ZMQ_REQ);
    if (c->socket == NULL)
        return error_set(e, ERROR_NO_MEMORY, "Can't open a socket: %s.", zmq_strerror(errno));
    zmq_setsockopt(c->socket, ZMQ_LINGER, &zero, sizeof zero);
    if (zmq_connect(c->socket, c->endpoint) != 0)
        return error_set(e, ERROR_USAGE, "Can't connect to the control port %s: %s.", c->endpoint,
                         zmq_strerror(errno));
    return 0;
}

static void disconnect(struct control_client *c)
{
    if (c->socket != NULL)
        zmq_close(c->socket);
    c->socket = NULL;
}

int control_client_open(struct control_client **out, const char *endpoint, struct error *e)
{
    struct control_client *c = xrealloc(NULL, 1, sizeof *c);
    *c = (struct control_client){.zmq = zmq_ctx_new()};
    snprintf(c->endpoint, sizeof c->endpoint, "%s", endpoint);
    if (c->zmq == NULL)
        xalloc_die();
    if (connect_socket(c, e) != 0) {
        control_client_close(c);
        return -1;
    }
    *out = c;
    return 0;
}

void control_client_close(struct control_client *c)
{
    if (c == NULL)
        return;
    disconnect(c);
    zmq_ctx_term(c->zmq);
    free(c);
}

static int receive(struct control_client *c, struct buf *reply, struct error *e)
{
    zmq_msg_t msg;
    zmq_msg_init(&msg);
    int got = zmq_msg_recv(&msg, c->socket, ZMQ_DONTWAIT);
    if (got >= 0)
        buf_append(reply, zmq_msg_data(&msg), zmq_msg_size(&msg));
    zmq_msg_close(&msg);
    xbuf_str(reply);
    if (got < 0)
        return error_set(e, ERROR_IO, "Can't receive from the control port: %s.",
                         zmq_strerror(errno));
    return 0;
}

static int exchange(struct control_client *c, struct slice request, int timeout_ms,
                    struct buf *reply, struct error *e)
{
    uint64_t deadline = clock_monotonic_ms() + (uint64_t)timeout_ms;
    if (zmq_send(c->socket, request.ptr, request.len, ZMQ_DONTWAIT) < 0)
        return error_set(e, ERROR_UNREACHABLE, "Can't send to the control port %s: %s.",
                         c->endpoint, zmq_strerror(errno));
    for (;;) {
        uint64_t now = clock_monotonic_ms();
        zmq_pollitem_t item = {.socket = c->socket, .events = ZMQ_POLLIN};
        int ready = zmq_poll(&item, 1, deadline > now ? (long)(deadline - now) : 0);
        if (ready > 0)
            return receive(c, reply, e);
        if (clock_monotonic_ms() >= deadline)
            return error_set(e, ERROR_TIMEOUT,
                             "The control port %s has not answered for %d ms: is the server "
                             "running?",
                             c->endpoint, timeout_ms);
    }
}

int control_client_call(struct control_client *c, struct slice request, int timeout_ms,
                        struct buf *reply, struct error *e)
{
    if ((c->socket == NULL && connect_socket(c, e) != 0) ||
        exchange(c, request, timeout_ms, reply, e) != 0) {
        disconnect(c);
        return -1;
    }
    return 0;
}

/* Digits and '-' only: a number, as upstream's m2sh sends it. */
static bool is_number(const char *text)
{
    return *text != '\0' && text[strspn(text, "0123456789-")] == '\0';
}

static int put_argument(const char *word, struct buf *out, struct error *e)
{
    const char *equals = strchr(word, '=');
    if (equals == NULL || equals == word)
        return error_set(e, ERROR_USAGE,
                         "\"%s\" is no argument; write: command arg1=val1 arg2=val2.", word);
    tns_put_string(out, slice_of(word, (size_t)(equals - word)));
    if (is_number(equals + 1))
        tns_put_int(out, strtoll(equals + 1, NULL, 10));
    else
        tns_put_str(out, equals + 1);
    return 0;
}

int control_client_encode(const char *line, struct buf *out, struct error *e)
{
    struct arena arena;
    char **words;
    int count, result = 0;
    arena_init(&arena, 0);
    if (words_split(line, &arena, &words, &count, e) != 0) {
        result = -1;
    } else if (count == 0) {
        result = error_set(e, ERROR_USAGE, "The command is empty; \"help\" lists what there is.");
    } else {
        struct control_request_mark mark = control_request_begin(out, words[0], CONTROL_NO_SEQ);
        for (int i = 1; result == 0 && i < count; i++)
            result = put_argument(words[i], out, e);
        control_request_end(out, mark);
        xbuf_str(out);
    }
    arena_fini(&arena);
    return result;
}
