/* A pool worker in C over the project's handler library: every request gets the same answer of
 * -size bytes, at once. Prints "ready" when the node has admitted it, and serves until it is ended
 * by a signal. */

#include "proto/base/args.h"
#include "proto/handler/m2handler.h"

#include <stdio.h>
#include <string.h>

static const struct args_option options[] = {
    {"pool", "NAME", "The pool to join."},
    {"node", "SPEC", "The node's handler port."},
    {"size", "N", "Bytes of the body of each answer (128)."},
    {"capacity", "N", "Requests taken at a time (1024)."},
    {"help", NULL, "This text."},
    {NULL, NULL, NULL},
};

static char body[1 << 20];

static int join(struct m2_handler **h, const struct args *a, int64_t capacity)
{
    struct m2_error e;
    struct m2_worker_options o = {
        .pool = args_get(a, "pool", "bench"), .capacity = (unsigned)capacity, .no_thread = true};
    if (m2_worker_create(h, &o, &e) != 0 ||
        m2_worker_add_node(*h, args_get(a, "node", ""), &e) != 0) {
        fprintf(stderr, "worker_echo: %s\n", e.text);
        return -1;
    }
    return 0;
}

static void serve(struct m2_handler *h, size_t size)
{
    static const struct m2_header headers[] = {{"Content-Type", {"text/plain", 10}}};
    struct m2_request *request;
    struct m2_error e;
    bool told = false;
    while (m2_recv(h, &request, told ? -1 : 10, &e) >= 0) {
        if (!told && m2_worker_joined(h) > 0) {
            told = true;
            puts("ready");
            fflush(stdout);
        }
        if (request != NULL && !m2_request_is_disconnect(request))
            m2_reply_http(h, request, 200, "OK", headers, 1, m2_bytes(body, size), &e);
        m2_request_done(&request);
    }
}

int main(int argc, char **argv)
{
    struct args a;
    struct error e;
    int64_t size, capacity;
    struct m2_handler *h = NULL;
    if (args_parse(&a, options, argc, argv, 1, &e) != 0 ||
        args_get_int(&a, "size", 0, sizeof body, 128, &size, &e) != 0 ||
        args_get_int(&a, "capacity", 1, 100000, 1024, &capacity, &e) != 0) {
        fprintf(stderr, "worker_echo: %s\n", e.text);
        args_fini(&a);
        return 2;
    }
    memset(body, 'a', sizeof body);
    int status = join(&h, &a, capacity) == 0 ? 0 : 1;
    if (status == 0)
        serve(h, (size_t)size);
    m2_handler_destroy(&h);
    args_fini(&a);
    return status;
}
