/* A handler that answers with what it was asked: see README.md. */

#include <m2handler.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct options {
    const char *requests, *replies;                /* classic */
    const char *pool, *coordinators, *node, *name; /* a pool's worker */
    const char *capacity;
};

static struct m2_handler *handler;
static volatile sig_atomic_t is_stopping;

static void on_signal(int number)
{
    (void)number;
    is_stopping = 1;
    m2_wake(handler);
}

static void usage(void)
{
    fputs(
        "usage: hello_c -pool NAME -coordinators SPEC[,SPEC] | -node SPEC [-capacity N] [-name N]\n"
        "       hello_c -requests SPEC -replies SPEC\n",
        stderr);
    exit(2);
}

static void parse(struct options *o, int argc, char **argv)
{
    const struct {
        const char *name;
        const char **value;
    } table[] = {
        {"-requests", &o->requests},         {"-replies", &o->replies}, {"-pool", &o->pool},
        {"-coordinators", &o->coordinators}, {"-node", &o->node},       {"-name", &o->name},
        {"-capacity", &o->capacity},
    };
    for (int i = 1; i < argc; i += 2) {
        size_t k = 0;
        while (k < sizeof table / sizeof table[0] && strcmp(argv[i], table[k].name) != 0)
            k++;
        if (k == sizeof table / sizeof table[0] || i + 1 == argc)
            usage();
        *table[k].value = argv[i + 1];
    }
    if (o->pool != NULL ? o->coordinators == NULL && o->node == NULL
                        : o->requests == NULL || o->replies == NULL)
        usage();
}

static int attach(const struct options *o, struct m2_error *e)
{
    if (o->pool == NULL)
        return m2_classic_create(&handler, NULL, e) != 0
                   ? -1
                   : m2_classic_connect(handler, o->requests, o->replies, e);
    struct m2_worker_options options = {
        .pool = o->pool,
        .capacity = o->capacity != NULL ? (unsigned)strtoul(o->capacity, NULL, 10) : 16,
        .coordinators = o->coordinators,
        .name = o->name,
    };
    if (m2_worker_create(&handler, &options, e) != 0)
        return -1;
    return o->node != NULL ? m2_worker_add_node(handler, o->node, e) : 0;
}

static void say(void *arg, const char *text)
{
    (void)arg;
    fprintf(stderr, "%s\n", text);
}

/* "Hello from GET /path?query\n" and the body, if any. */
static void answer(struct m2_request *r)
{
    static const struct m2_header headers[] = {{"Content-Type", {"text/plain", 10}}};
    struct m2_slice method = m2_request_method(r), uri = m2_request_header(r, "URI");
    struct m2_slice body = m2_request_body(r);
    struct m2_error e;
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    if (out == NULL)
        return;
    fprintf(out, "Hello from %.*s %.*s\n", (int)method.len, method.ptr, (int)uri.len,
            uri.ptr != NULL ? uri.ptr : "");
    fwrite(body.ptr, 1, body.len, out);
    fclose(out);
    if (m2_reply_http(handler, r, 200, "OK", headers, 1, m2_bytes(text, len), &e) != 0 ||
        (m2_request_should_close(r) && m2_close(handler, r, &e) != 0))
        fprintf(stderr, "connection %u: %s\n", m2_request_conn_id(r), e.text);
    free(text);
}

int main(int argc, char **argv)
{
    struct options options = {NULL, NULL, NULL, NULL, NULL, NULL, NULL};
    struct m2_error e;
    struct m2_request *request;
    parse(&options, argc, argv);
    if (attach(&options, &e) != 0) {
        fprintf(stderr, "%s\n", e.text);
        m2_handler_destroy(&handler);
        return 1;
    }
    m2_handler_on_event(handler, say, NULL);
    signal(SIGINT, on_signal);
    signal(SIGTERM, on_signal);
    while (!is_stopping && m2_recv(handler, &request, -1, &e) >= 0) {
        if (request != NULL && !m2_request_is_disconnect(request))
            answer(request);
        m2_request_done(&request);
    }
    m2_handler_destroy(&handler);
    return 0;
}
