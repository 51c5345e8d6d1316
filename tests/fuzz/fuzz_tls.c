// links: m2_node m2_base PkgConfig::CMOCKA
/* Whatever a client sends to the TLS transport, in pieces of any size: the connection is closed or
 * waits, and nothing is lost of what it held. The first byte of each piece is its length. */

#include "node/tls/tls.h"

#include "proto/base/error.h"
#include "proto/base/log.h"
#include "tests/unit/node/tls/certs.h"

#include <sys/socket.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct world {
    struct loop loop;
    struct deadlines deadlines;
    struct conns conns;
    struct counters counters;
    struct certs certs;
    struct tls_shared *shared;
    struct tls_context *context;
    int64_t now_s;
    bool is_ready;
} world;

static void on_input(struct conn *c)
{
    conn_consume(c, conn_input(c).len);
}

static const struct session_ops session = {.name = "fuzz", .input = on_input};

/* The certificate's files are read here and not needed again. */
static void start(struct world *w)
{
    struct error e;
    w->now_s = 1;
    log_set_level(LOG_ERROR_LEVEL);
    certs_start(&w->certs);
    certs_make(&w->certs, "server", "default");
    BUG_ON(loop_init(&w->loop) != 0);
    deadlines_init(&w->deadlines, &w->loop);
    conns_init(&w->conns, &w->loop, &w->deadlines, 16384);
    w->shared = tls_shared_create(&w->now_s, &w->counters, &e);
    struct tls_options o = {.root = "",
                            .certdir = w->certs.dir,
                            .uuid = "server",
                            .ca_chain = "",
                            .ciphers = "",
                            .file_piece = 16384};
    w->context = tls_context_create(w->shared, &o, &e);
    BUG_ON(w->context == NULL);
    w->conns.transport = &transport_tls;
    w->conns.transport_config = w->context;
    certs_stop(&w->certs);
    w->is_ready = true;
}

static void end(void)
{
    struct world *w = &world;
    conns_fini(&w->conns);
    tls_context_unref(w->context);
    tls_shared_destroy(w->shared);
    deadlines_fini(&w->deadlines);
    loop_fini(&w->loop);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct world *w = &world;
    int ends[2];
    union conn_address peer = {.sa.sa_family = AF_UNIX};
    if (!w->is_ready) {
        start(w);
        atexit(end);
    }
    BUG_ON(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) != 0);
    conn_create(&w->conns, ends[1], &peer, &session);
    while (size > 0 && w->conns.count > 0) {
        size_t len = data[0] < size - 1 ? data[0] : size - 1;
        data++, size--;
        if (len > 0 && send(ends[0], data, len, MSG_NOSIGNAL) < 0)
            break;
        data += len;
        size -= len;
        loop_step(&w->loop);
    }
    close(ends[0]);
    loop_step(&w->loop);
    loop_step(&w->loop);
    BUG_ON(w->conns.count != 0 || w->shared->input_memory.in_use != 0);
    return 0;
}
