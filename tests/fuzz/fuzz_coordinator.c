/* A whole coordinator over a memory store, fed with messages as its ROUTER would hand them on: the
 * input is cut into messages at their own lengths. Nothing may crash it, and its head may only move
 * by a push that is valid. */
// links: m2_coordinator

#include "coordinator/coordinator.h"
#include "proto/base/log.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { RUNS_PER_COORDINATOR = 2000 };

static struct ev_loop *loop;
static struct coordinator *coordinator;
static unsigned runs;

static void on_ready(void *arg)
{
    (void)arg;
}

static void start(void)
{
    struct coordinator_config config = {.store = "memory:",
                                        .listen = "inproc://requests",
                                        .publish = "inproc://updates",
                                        .name = "fuzz",
                                        .message_max = 1 << 20};
    struct error e;
    if (loop == NULL) {
        loop = ev_loop_new(EVFLAG_AUTO);
        log_set_fd(open("/dev/null", O_WRONLY | O_CLOEXEC));
    }
    if (coordinator_create(&coordinator, loop, &config, &e) != 0)
        abort();
    coordinator_start(coordinator, on_ready, coordinator);
    while (!coordinator->is_ready || !coordinator->leader.is_leader)
        ev_run(loop, EVRUN_ONCE);
    runs = 0;
}

/* The next message: as long as its tnetstring says, or the rest. */
static struct slice next(struct slice *rest)
{
    struct tns_reader r;
    struct tns_item item;
    tns_reader_init(&r, *rest);
    size_t len = tns_read(&r, &item) == TNS_ITEM ? (size_t)(r.at - rest->ptr) : rest->len;
    struct slice message = slice_of(rest->ptr, len);
    *rest = slice_from(*rest, len);
    return message;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice rest = slice_of(size > 0 ? (const void *)data : "", size);
    struct client from = {.peer = {{0, 1, 2, 3, 4}, 5}};
    if (coordinator == NULL)
        start();
    while (rest.len > 0) {
        struct slice message = next(&rest);
        char *exact = malloc(message.len > 0 ? message.len : 1); /* for the sanitizer */
        memcpy(exact, message.ptr, message.len);
        requests_take(&coordinator->requests, &from, slice_of(exact, message.len));
        free(exact);
        ev_run(loop, EVRUN_NOWAIT);
    }
    for (int i = 0; i < 3; i++)
        ev_run(loop, EVRUN_NOWAIT);
    if (coordinator->head.at.version > coordinator->counters.pushes)
        abort();
    if (++runs == RUNS_PER_COORDINATOR)
        coordinator_destroy(&coordinator);
    return 0;
}
