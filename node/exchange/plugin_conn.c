/* The functions of struct m2_api that are about connections. */

#include "node/exchange/plugin_conn.h"

#include "proto/base/log.h"

#include <stdlib.h>
#include <unistd.h>

/* --- what is kept --- */

struct plugin_state {
    struct list link;
    struct plugin *plugin; /* a reference: `release` is its code */
    void *state;
    void (*release)(void *state);
};

static struct map *map_of(const struct conn *c)
{
    return &((struct worker *)c->set->owner)->plugin_conns;
}

static struct slice key_of(const struct conn *const *c)
{
    return slice_of(c, sizeof *c);
}

struct plugin_conn *plugin_conn_find(const struct conn *c)
{
    return map_get(map_of(c), key_of(&c));
}

struct plugin_conn *plugin_conn_get(struct conn *c)
{
    const struct conn *key = c;
    struct plugin_conn *k = plugin_conn_find(c);
    if (k != NULL || (k = calloc(1, sizeof *k)) == NULL)
        return k;
    list_init(&k->states);
    if (map_put(map_of(c), key_of(&key), k, NULL) == 0)
        return k;
    free(k);
    return NULL;
}

static void state_release(struct plugin_state *s)
{
    if (s->state != NULL && s->release != NULL)
        s->release(s->state);
}

void plugin_conn_drop(struct conn *c)
{
    const struct conn *key = c;
    if (map_of(c)->head == NULL)
        return;
    struct plugin_conn *k = map_remove(map_of(c), key_of(&key));
    if (k == NULL)
        return;
    list_for_each_safe (it, &k->states) {
        struct plugin_state *s = container_of(it, struct plugin_state, link);
        state_release(s);
        plugin_unref(s->plugin);
        free(s);
    }
    free(k);
}

static struct plugin_state *find_state(const struct m2_conn *m)
{
    struct plugin_conn *k = plugin_conn_find(m->conn);
    if (k != NULL)
        list_for_each (it, &k->states) {
            struct plugin_state *s = container_of(it, struct plugin_state, link);
            if (s->plugin == m->plugin)
                return s;
        }
    return NULL;
}

static void *get_state(const struct m2_conn *m)
{
    const struct plugin_state *s = find_state(m);
    return s != NULL ? s->state : NULL;
}

static struct plugin_state *make_state(struct m2_conn *m)
{
    struct plugin_conn *k = plugin_conn_get(m->conn);
    struct plugin_state *s = k != NULL ? calloc(1, sizeof *s) : NULL;
    if (s == NULL)
        return NULL;
    s->plugin = plugin_ref(m->plugin);
    list_push_back(&k->states, &s->link);
    return s;
}

static int set_state(struct m2_conn *m, void *state, void (*release)(void *state))
{
    struct plugin_state *s = find_state(m);
    if (s == NULL && (s = make_state(m)) == NULL)
        return -1;
    if (s->state != state)
        state_release(s);
    s->state = state;
    s->release = release;
    return 0;
}

/* --- questions --- */

static struct m2_bytes none(void)
{
    return (struct m2_bytes){NULL, 0};
}

static struct m2_bytes bytes(struct slice s)
{
    return (struct m2_bytes){s.ptr, s.len};
}

static const struct request_head *head_of(const struct m2_conn *m)
{
    return m->x != NULL ? m->x->head : NULL;
}

static uint32_t get_conn_id(const struct m2_conn *m)
{
    return m->conn->id;
}

static struct m2_bytes get_remote_address(const struct m2_conn *m)
{
    static char text[46]; /* until the next question */
    return (struct m2_bytes){text, conn_peer_text(m->conn, text)};
}

static unsigned get_remote_port(const struct m2_conn *m)
{
    return conn_peer_port(m->conn);
}

static struct m2_bytes get_method(const struct m2_conn *m)
{
    return m->x != NULL ? bytes(m->x->method) : m->about != NULL ? bytes(m->about->method) : none();
}

static struct m2_bytes get_path(const struct m2_conn *m)
{
    return m->x != NULL ? bytes(m->x->path) : m->about != NULL ? bytes(m->about->path) : none();
}

static struct m2_bytes get_query(const struct m2_conn *m)
{
    const struct request_head *h = head_of(m);
    return h != NULL && h->has_query ? bytes(h->query) : none();
}

static struct m2_bytes get_version(const struct m2_conn *m)
{
    return m->x != NULL ? bytes(m->x->version) : none();
}

static size_t get_header_count(const struct m2_conn *m)
{
    const struct request_head *h = head_of(m);
    return h != NULL ? h->fields.count : 0;
}

static struct m2_bytes get_header_name(const struct m2_conn *m, size_t i)
{
    return i < get_header_count(m) ? bytes(head_of(m)->fields.items[i].name) : none();
}

static struct m2_bytes get_header_value(const struct m2_conn *m, size_t i)
{
    return i < get_header_count(m) ? bytes(head_of(m)->fields.items[i].value) : none();
}

static struct m2_bytes get_header(const struct m2_conn *m, const char *name)
{
    struct slice wanted = slice_str(name);
    for (size_t i = 0; i < get_header_count(m); i++)
        if (slice_eq_nocase(head_of(m)->fields.items[i].name, wanted))
            return get_header_value(m, i);
    return none();
}

/* --- another head for a proxied server --- */

static size_t line_count(struct slice text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++)
        count += text.ptr[i] == '\n';
    return count;
}

/* The same rules as for a client's; the body and all that frames it stay the client's. */
static struct request_head *parse_head(struct exchange *x, struct slice text)
{
    size_t lines = line_count(text) + 1;
    struct request_head *h = arena_alloc(&x->arena, sizeof *h);
    struct http_field *fields = arena_alloc(&x->arena, lines * sizeof *fields);
    struct slice copy = arena_slice(&x->arena, text);
    if (h == NULL || fields == NULL || copy.ptr == NULL)
        return NULL;
    struct request_limits limits = {.head_bytes = text.len, .fields = lines, .relaxed = true};
    request_head_init(h, fields, lines);
    if (request_head_parse(h, (char *)(uintptr_t)copy.ptr, copy.len, &limits) != PARSE_DONE ||
        h->len != copy.len || !slice_eq(h->method, x->head->method))
        return NULL;
    h->chunked = x->head->chunked;
    h->has_body = x->head->has_body;
    h->content_length = x->head->content_length;
    h->version_minor = x->head->version_minor;
    return h;
}

static int set_proxy_head(struct m2_conn *m, struct m2_bytes head)
{
    static struct log_limit limit;
    bool may = m->event == M2_PROXY || m->event == M2_HTTP_REQ;
    if (!may || m->x == NULL || m->x->head == NULL || head.ptr == NULL)
        return -1;
    struct request_head *h = parse_head(m->x, slice_of(head.ptr, head.len));
    if (h == NULL) {
        log_limited(&limit, LOG_ERROR_LEVEL, "filter",
                    "filter %s gave no good request head for a proxied server (of the same method)",
                    m->plugin->path);
        return -1;
    }
    m->x->proxy_head = h;
    return 0;
}

/* --- output --- */

static bool may_write(const struct m2_conn *m)
{
    return m->event == 0 && !conn_is_closing(m->conn) && !m->conn->close_when_flushed;
}

static int put_bytes(struct m2_conn *m, struct m2_bytes b)
{
    if (!may_write(m))
        return -1;
    struct push push = {.bytes = slice_of(b.ptr, b.len), .raw_payload = true};
    if (b.len > 0)
        m->conn->session->push(m->conn, &push);
    payload_unref(push.base64);
    return 0;
}

static int put_file(struct m2_conn *m, int fd, int64_t offset, int64_t length)
{
    if (!may_write(m) || offset < 0 || length < 0) {
        close(fd);
        return -1;
    }
    struct file_ref *file = file_ref_create(fd);
    if (file == NULL)
        return -1;
    if (length > 0 && m->conn->session->push_file != NULL)
        m->conn->session->push_file(m->conn, file, offset, (uint64_t)length);
    else if (length > 0)
        conn_write_file(m->conn, file, offset, (uint64_t)length);
    file_ref_unref(file);
    return 0;
}

static void end(struct m2_conn *m)
{
    struct push push = {.bytes = SLICE_EMPTY};
    if (may_write(m))
        m->conn->session->push(m->conn, &push);
}

void plugin_conn_api(struct m2_api *api)
{
    api->conn_id = get_conn_id;
    api->remote_address = get_remote_address;
    api->remote_port = get_remote_port;
    api->method = get_method;
    api->path = get_path;
    api->query = get_query;
    api->version = get_version;
    api->header_count = get_header_count;
    api->header_name = get_header_name;
    api->header_value = get_header_value;
    api->header = get_header;
    api->set_proxy_head = set_proxy_head;
    api->state = get_state;
    api->set_state = set_state;
    api->write = put_bytes;
    api->send_file = put_file;
    api->close = end;
}
