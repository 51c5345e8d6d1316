/* A pool worker: one DEALER to each node, one DEALER and one SUB to a coordinator. Who gets what is
 * decided in member.c, who is there in directory.c, and keeper.c takes care while the handler is
 * busy; here are their sockets. */

#include "proto/handler/handler.h"

#include "proto/base/clock.h"
#include "proto/base/uuid.h"
#include "proto/handler/directory.h"
#include "proto/handler/keeper.h"
#include "proto/link/credentials.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SEND_HWM  100000 /* messages that may wait for one node */
#define LINGER_MS 1000

struct worker {
    struct m2_handler base;
    struct member member;
    struct directory directory;
    bool has_directory;
    struct poll_socket ask;     /* to the coordinator ... */
    char asked[ENDPOINT_MAX];   /* ... here */
    uint64_t asked_ms;          /* since when it owes an answer; 0: it owes none */
    struct poll_socket updates; /* what it publishes */
    struct buf scratch;
    struct credentials *credentials; /* NULL: plain connections */
    struct map node_keys;            /* endpoint -> its key (Z85), as the directory says */
    int linger_ms;
    struct keeper keeper;
};

static struct worker *worker_of(struct m2_handler *h)
{
    return container_of(h, struct worker, base);
}

static int set_int(void *socket, int option, int value)
{
    return zmq_setsockopt(socket, option, &value, sizeof value);
}

/* `key` is the peer's; without one nobody is trusted who has none. */
static int connect_socket(const struct worker *w, void *socket, const char *endpoint,
                          const char *key)
{
    if (w->credentials == NULL)
        return zmq_connect(socket, endpoint);
    struct link_keys keys = w->credentials->keys;
    struct link_security security = {.keys = &keys};
    keys.server_key = key;
    return key != NULL ? endpoint_connect(socket, endpoint, &security, NULL) : -1;
}

/* Connects a new socket and adds it to the poll set; -1 leaves nothing behind. */
static int open_socket(struct worker *w, struct poll_socket *s, int type, const char *topic,
                       const char *endpoint, const char *key, poll_message *on_message, void *arg)
{
    void *socket = zmq_socket(w->base.zmq, type);
    if (socket == NULL)
        return -1;
    if (pollset_add(&w->base.poll, s, socket, on_message, arg) != 0)
        return -1;
    set_int(socket, ZMQ_LINGER, 0);
    set_int(socket, ZMQ_SNDHWM, SEND_HWM);
    if ((topic != NULL && zmq_setsockopt(socket, ZMQ_SUBSCRIBE, topic, strlen(topic)) != 0) ||
        connect_socket(w, socket, endpoint, key) != 0) {
        pollset_remove(s);
        return -1;
    }
    return 0;
}

static struct slice frame_of(zmq_msg_t *m)
{
    return slice_of(zmq_msg_data(m), zmq_msg_size(m));
}

/* ---- nodes -------------------------------------------------------------------------------- */

/* What hangs on a member_node. */
struct node_link {
    struct poll_socket socket;
    struct member_node *node;
    zmq_msg_t *message; /* of the REQUEST being handled: its last frame */
};

static struct worker *worker_of_node(struct member_node *n)
{
    return n->member->arg;
}

static void on_node_message(void *arg, zmq_msg_t *messages, size_t count)
{
    struct node_link *link = arg;
    struct slice frames[POLLSET_FRAMES_MAX];
    struct pool_frame f;
    for (size_t i = 0; i < count; i++)
        frames[i] = frame_of(&messages[i]);
    switch (pool_frame_decode(frames, count, &f)) {
    case POOL_FRAME_OK:
        link->message = f.type == POOL_REQUEST ? &messages[2] : NULL;
        member_on_frame(link->node, &f, clock_monotonic_ms()); /* may free `link` */
        break;
    case POOL_FRAME_MALFORMED: member_on_malformed(link->node, clock_monotonic_ms()); break;
    case POOL_FRAME_UNKNOWN: break; /* of a later version */
    }
}

/* As the directory says; else, of nodes that were added by their endpoints, that of node.cert. */
static const char *node_key(const struct worker *w, const char *endpoint)
{
    const char *key = map_get(&w->node_keys, slice_str(endpoint));
    if (key != NULL || w->credentials == NULL)
        return key;
    return w->credentials->node[0] != '\0' ? w->credentials->node : NULL;
}

static int node_open(struct member_node *n)
{
    struct worker *w = worker_of_node(n);
    struct node_link *link = calloc(1, sizeof *link);
    if (link == NULL)
        return -1;
    link->node = n;
    if (open_socket(w, &link->socket, ZMQ_DEALER, NULL, n->endpoint, node_key(w, n->endpoint),
                    on_node_message, link) != 0) {
        free(link);
        return -1;
    }
    n->link_data = link;
    return 0;
}

static void node_close(struct member_node *n)
{
    struct node_link *link = n->link_data;
    if (link == NULL)
        return;
    n->link_data = NULL;
    set_int(link->socket.zmq, ZMQ_LINGER, worker_of_node(n)->linger_ms);
    pollset_remove(&link->socket);
    free(link);
}

/* All frames but the last are short and are copied; the last may be a message of its own. Only the
 * first frame can be refused (when too much waits): the others belong to it. */
static bool send_frames(struct poll_socket *s, const struct slice *frames, size_t count,
                        zmq_msg_t *last)
{
    pollset_touch(s);
    for (size_t i = 0; i < count; i++) {
        int more = i + 1 < count || last != NULL ? ZMQ_SNDMORE : 0;
        if (zmq_send(s->zmq, frames[i].ptr, frames[i].len, ZMQ_DONTWAIT | more) < 0)
            return false;
    }
    return last == NULL || zmq_msg_send(last, s->zmq, ZMQ_DONTWAIT) >= 0;
}

static bool node_send(struct member_node *n, const struct pool_frame *f)
{
    struct node_link *link = n->link_data;
    struct slice frames[POOL_FRAMES_MAX];
    struct buf *scratch = &worker_of_node(n)->scratch;
    size_t count = pool_frame_encode(f, frames, scratch);
    return link != NULL && !scratch->failed && send_frames(&link->socket, frames, count, NULL);
}

static bool node_deliver(struct member_node *n, const struct pool_frame *f, bool is_counted)
{
    struct node_link *link = n->link_data;
    struct m2_request *r = handler_receive(&worker_of_node(n)->base, link->message);
    if (r != NULL)
        member_occupy(n, &r->place, f->request.id, is_counted);
    return r != NULL;
}

static void node_event(struct member *m, const char *text)
{
    struct worker *w = m->arg;
    handler_event(&w->base, text);
}

static const struct member_ops member_ops = {
    .open = node_open,
    .close = node_close,
    .send = node_send,
    .deliver = node_deliver,
    .event = node_event,
};

/* ---- the coordinator ---------------------------------------------------------------------- */

static void on_answer(void *arg, zmq_msg_t *frames, size_t count)
{
    struct worker *w = arg;
    w->asked_ms = 0;
    directory_on_answer(&w->directory, frame_of(&frames[count - 1]), clock_monotonic_ms());
}

static void on_update(void *arg, zmq_msg_t *frames, size_t count)
{
    struct worker *w = arg;
    if (count == 2)
        directory_on_update(&w->directory, frame_of(&frames[0]), frame_of(&frames[1]));
}

static const char *coordinator_key(const struct worker *w)
{
    return w->credentials != NULL ? w->credentials->coordinator : NULL;
}

/* libzmq does not try again what was refused for its key: a new socket does. */
static bool is_stuck(const struct worker *w, uint64_t now_ms)
{
    return w->credentials != NULL && w->asked_ms != 0 &&
           now_ms - w->asked_ms >= DIRECTORY_ANSWER_MS / 2;
}

static void coordinator_ask(struct directory *d, const char *coordinator, struct slice message)
{
    struct worker *w = d->arg;
    uint64_t now_ms = clock_monotonic_ms();
    if (strcmp(coordinator, w->asked) != 0 || w->ask.zmq == NULL || is_stuck(w, now_ms)) {
        pollset_remove(&w->ask);
        w->asked[0] = '\0';
        w->asked_ms = 0;
        directory_listen_again(d);
        if (open_socket(w, &w->ask, ZMQ_DEALER, NULL, coordinator, coordinator_key(w), on_answer,
                        w) != 0)
            return; /* it will be asked again */
        memcpy(w->asked, coordinator, strlen(coordinator) + 1);
    }
    if (w->asked_ms == 0)
        w->asked_ms = now_ms;
    send_frames(&w->ask, &message, 1, NULL);
}

static void coordinator_listen(struct directory *d, const char *endpoint, const char *topic)
{
    struct worker *w = d->arg;
    pollset_remove(&w->updates);
    open_socket(w, &w->updates, ZMQ_SUB, topic, endpoint, coordinator_key(w), on_update, w);
}

static void remember_keys(struct worker *w, const struct directory_node *nodes, size_t count)
{
    map_fini(&w->node_keys, free);
    w->node_keys = MAP_INIT;
    for (size_t i = 0; i < count; i++) {
        char *key = nodes[i].key.len > 0 ? strndup(nodes[i].key.ptr, nodes[i].key.len) : NULL;
        if (key != NULL && map_put(&w->node_keys, nodes[i].endpoint, key, NULL) != 0)
            free(key);
    }
}

static void coordinator_found(struct directory *d, const struct directory_node *nodes, size_t count)
{
    struct worker *w = d->arg;
    struct slice *endpoints = calloc(count + 1, sizeof *endpoints);
    if (endpoints == NULL)
        return; /* it will be told again */
    for (size_t i = 0; i < count; i++)
        endpoints[i] = nodes[i].endpoint;
    if (w->credentials != NULL)
        remember_keys(w, nodes, count);
    member_keep(&w->member, endpoints, count, clock_monotonic_ms());
    free(endpoints);
}

static void coordinator_event(struct directory *d, const char *text)
{
    struct worker *w = d->arg;
    handler_event(&w->base, text);
}

static const struct directory_ops directory_ops = {
    .ask = coordinator_ask,
    .listen = coordinator_listen,
    .found = coordinator_found,
    .event = coordinator_event,
};

/* ---- as handlers must --------------------------------------------------------------------- */

static void worker_turn(struct m2_handler *h, uint64_t now_ms)
{
    struct worker *w = worker_of(h);
    member_tick(&w->member, now_ms);
    if (w->has_directory && !w->member.is_leaving)
        directory_tick(&w->directory, now_ms);
    member_flush(&w->member, now_ms);
    h->malformed = w->member.malformed;
}

static uint64_t worker_deadline(struct m2_handler *h, uint64_t now_ms)
{
    struct worker *w = worker_of(h);
    uint64_t due_ms = member_deadline(&w->member, now_ms);
    bool asks = w->has_directory && !w->member.is_leaving;
    return asks && w->directory.next_ms < due_ms ? w->directory.next_ms : due_ms;
}

static int send_reply(struct member_node *n, zmq_msg_t *message)
{
    struct node_link *link = n->link_data;
    struct slice word = SLICE("REPLY");
    if (!send_frames(&link->socket, &word, 1, message))
        return -1;
    n->sent_ms = clock_monotonic_ms();
    return 0;
}

/* A copy to each node that is there; they share the bytes. */
static int send_to_cluster(struct worker *w, zmq_msg_t *message)
{
    int sent = 0;
    for (struct map_entry *it = map_first(&w->member.by_uuid); it != NULL; it = map_next(it)) {
        zmq_msg_t copy;
        zmq_msg_init(&copy);
        if (zmq_msg_copy(&copy, message) == 0 && send_reply(map_value(it), &copy) == 0)
            sent++;
        else
            zmq_msg_close(&copy);
    }
    return sent > 0 ? 0 : -1;
}

static int worker_send(struct m2_handler *h, struct slice node, zmq_msg_t *message,
                       struct m2_error *e)
{
    struct worker *w = worker_of(h);
    struct member_node *n = member_find(&w->member, node);
    bool is_cluster = n == NULL && node.len > 0 && slice_eq(node, slice_str(w->member.cluster));
    if (n != NULL && send_reply(n, message) == 0)
        return 0;
    int rc = 0;
    if (n != NULL)
        rc = handler_fail(e, M2_ERROR_FULL, "Node %.*s does not take replies fast enough.",
                          SLICE_ARG(node));
    else if (!is_cluster || send_to_cluster(w, message) != 0)
        rc = handler_fail(e, M2_ERROR_UNREACHABLE, "Node %.*s is not there (any more).",
                          SLICE_ARG(node));
    zmq_msg_close(message);
    return rc;
}

static void worker_release(struct m2_handler *h, struct m2_request *r, bool give_back)
{
    struct worker *w = worker_of(h);
    if (give_back)
        member_give_back(&w->member, &r->place, clock_monotonic_ms());
    else
        member_done(&w->member, &r->place);
}

static bool worker_is_current(struct m2_handler *h, struct m2_request *r)
{
    (void)h;
    return member_is_current(&r->place);
}

static bool worker_is_over(struct m2_handler *h)
{
    struct worker *w = worker_of(h);
    return w->member.running == 0 && member_has_left(&w->member);
}

static const char *worker_cluster(struct m2_handler *h)
{
    return worker_of(h)->member.cluster;
}

static size_t worker_each_node(struct m2_handler *h, void (*each)(void *arg, struct slice node),
                               void *arg)
{
    size_t count = 0;
    for (struct map_entry *it = map_first(&worker_of(h)->member.by_uuid); it != NULL;
         it = map_next(it), count++)
        each(arg, map_key(it));
    return count;
}

static void worker_stop(struct m2_handler *h)
{
    keeper_stop(&worker_of(h)->keeper);
}

/* Requests that are on their way while the nodes are told would be lost with the connection: they
 * are handed back, as long as that takes. */
static void leave(struct worker *w)
{
    uint64_t until_ms = clock_monotonic_ms() + LINGER_MS, now_ms;
    member_leave(&w->member, clock_monotonic_ms());
    while (!member_has_left(&w->member) && (now_ms = clock_monotonic_ms()) < until_ms) {
        struct pollset_events events;
        bool unread = pollset_has_unread(&w->base.poll);
        pollset_wait(&w->base.poll, unread ? 0 : (int)(until_ms - now_ms), &events);
        pollset_take(&w->base.poll, &events);
        handler_turn(&w->base);
        handler_give_back_inbox(&w->base);
    }
}

static void worker_fini(struct m2_handler *h)
{
    struct worker *w = worker_of(h);
    w->linger_ms = LINGER_MS;
    handler_give_back_inbox(h);
    leave(w);
    member_fini(&w->member);
    pollset_remove(&w->ask);
    pollset_remove(&w->updates);
    if (w->has_directory)
        directory_fini(&w->directory);
    map_fini(&w->node_keys, free);
    if (w->credentials != NULL)
        credentials_wipe(w->credentials);
    free(w->credentials);
    buf_fini(&w->scratch);
}

static const struct handler_ops worker_ops = {
    .turn = worker_turn,
    .deadline = worker_deadline,
    .send = worker_send,
    .release = worker_release,
    .is_current = worker_is_current,
    .is_over = worker_is_over,
    .cluster = worker_cluster,
    .each_node = worker_each_node,
    .stop = worker_stop,
    .fini = worker_fini,
};

/* ---- the public part ---------------------------------------------------------------------- */

static int check_options(const struct m2_worker_options *o, struct m2_error *e)
{
    size_t pool_len = o->pool != NULL ? strlen(o->pool) : 0;
    if (pool_len == 0 || pool_len > POOL_NAME_MAX)
        return handler_fail(e, M2_ERROR_USAGE, "A pool's name has 1 to %d bytes.", POOL_NAME_MAX);
    if (o->capacity > POOL_CAPACITY_MAX)
        return handler_fail(e, M2_ERROR_USAGE, "A worker has at most %d places.",
                            POOL_CAPACITY_MAX);
    if (o->uuid != NULL && !uuid_is_valid(slice_str(o->uuid)))
        return handler_fail(e, M2_ERROR_USAGE, "The worker's uuid \"%s\" is no UUID.", o->uuid);
    return 0;
}

static int load_keys(struct worker *w, const char *path, struct error *e)
{
    w->credentials = calloc(1, sizeof *w->credentials);
    if (w->credentials == NULL)
        return error_set(e, ERROR_NO_MEMORY, "Out of memory.");
    return credentials_load(w->credentials, path, ROLE_HANDLER, e);
}

static int worker_start(struct worker *w, const struct m2_worker_options *o, struct m2_error *e)
{
    struct error why = {ERROR_NONE, "", ""};
    char uuid[UUID_LEN + 1];
    if (o->uuid == NULL && uuid_generate(uuid, &why) != 0)
        return handler_fail_from(e, &why);
    member_init(&w->member, &member_ops, w, o->pool, o->name != NULL ? o->name : o->pool,
                o->uuid != NULL ? o->uuid : uuid, o->capacity > 0 ? o->capacity : 1);
    if (o->keys != NULL && load_keys(w, o->keys, &why) != 0)
        return handler_fail_from(e, &why);
    if (o->coordinators != NULL) {
        w->has_directory = true;
        if (directory_init(&w->directory, &directory_ops, w, o->pool, o->coordinators, &why) != 0)
            return handler_fail_from(e, &why);
    }
    return o->no_thread ? 0 : keeper_start(&w->keeper, &w->base, e);
}

int m2_worker_create(struct m2_handler **out, const struct m2_worker_options *options,
                     struct m2_error *e)
{
    *out = NULL;
    if (check_options(options, e) != 0)
        return -1;
    struct worker *w = calloc(1, sizeof *w);
    if (w == NULL)
        return handler_fail(e, M2_ERROR_NO_MEMORY, "Out of memory.");
    if (handler_init(&w->base, &worker_ops, e) != 0) {
        free(w);
        return -1;
    }
    list_init(&w->member.nodes); /* so that it can be destroyed from here on */
    line_init(&w->member.line);
    w->scratch = BUF_INIT;
    struct m2_handler *h = &w->base;
    if (worker_start(w, options, e) != 0) {
        m2_handler_destroy(&h);
        return -1;
    }
    *out = h;
    return 0;
}

static struct worker *worker_or_fail(struct m2_handler *h, struct m2_error *e)
{
    if (h->ops == &worker_ops)
        return worker_of(h);
    handler_fail(e, M2_ERROR_USAGE, "Only a worker has nodes and a pool.");
    return NULL;
}

int m2_worker_add_node(struct m2_handler *h, const char *endpoint, struct m2_error *e)
{
    struct worker *w = worker_or_fail(h, e);
    struct error why;
    if (w == NULL)
        return -1;
    if (endpoint_check(endpoint != NULL ? endpoint : "", ENDPOINT_CONNECT, &why) != 0)
        return handler_fail_from(e, &why);
    pthread_mutex_lock(&h->lock);
    int rc = member_add(&w->member, slice_str(endpoint), clock_monotonic_ms());
    h->due_ms = 0;
    pthread_mutex_unlock(&h->lock);
    return rc == 0 ? 0 : handler_fail(e, M2_ERROR_NO_MEMORY, "Out of memory.");
}

void m2_worker_remove_node(struct m2_handler *h, const char *endpoint)
{
    struct worker *w = worker_or_fail(h, NULL);
    if (w == NULL)
        return;
    pthread_mutex_lock(&h->lock);
    member_remove(&w->member, slice_str(endpoint), clock_monotonic_ms());
    pthread_mutex_unlock(&h->lock);
}

size_t m2_worker_joined(struct m2_handler *h)
{
    struct worker *w = worker_or_fail(h, NULL);
    if (w == NULL)
        return 0;
    pthread_mutex_lock(&h->lock);
    size_t count = member_joined(&w->member);
    pthread_mutex_unlock(&h->lock);
    return count;
}

void m2_worker_leave(struct m2_handler *h)
{
    struct worker *w = worker_or_fail(h, NULL);
    if (w == NULL)
        return;
    pthread_mutex_lock(&h->lock);
    handler_give_back_inbox(h);
    member_leave(&w->member, clock_monotonic_ms());
    pthread_mutex_unlock(&h->lock);
    m2_wake(h);
}
