/* Opens many connections one after the other, asks for one answer on each, and holds them idle:
 * prints {"held":N}, waits for the end of stdin, prints {"closed":M}, those that the server closed
 * meanwhile. Whoever started it looks at the server's memory in between. */

#include "proto/base/args.h"
#include "tests/bench/programs/response.h"
#include "tests/bench/programs/tcp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#define WAIT_S 10 /* longest silence of the server */

static const struct args_option options[] = {
    {"port", "N", "Port of the server on 127.0.0.1."},
    {"connections", "N", "How many to hold."},
    {"path", "TEXT", "Path to ask for (/)."},
    {"help", NULL, "This text."},
    {NULL, NULL, NULL},
};

static int read_answer(int fd, struct error *e)
{
    char bytes[65536];
    struct response r;
    size_t have = 0;
    for (;;) {
        ssize_t n = recv(fd, bytes + have, sizeof(bytes) - have, 0);
        if (n <= 0)
            return error_set(e, ERROR_IO, "The server closed or stayed silent.");
        have += (size_t)n;
        enum response_result result = response_read(bytes, have, &r);
        if (result == RESPONSE_BAD ||
            (result == RESPONSE_DONE && (r.status != 200 || r.length < 0)))
            return error_set(e, ERROR_INVALID, "The server did not answer 200 with a length.");
        if (result == RESPONSE_DONE && have >= r.head_len + (size_t)r.length)
            return 0;
        if (have == sizeof(bytes))
            return error_set(e, ERROR_TOO_LARGE, "The answer is too large.");
    }
}

static int hold_one(uint16_t port, const char *request, struct error *e)
{
    struct timeval wait = {WAIT_S, 0};
    int fd = tcp_connect(port, e);
    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof(wait));
    if (send(fd, request, strlen(request), MSG_NOSIGNAL) == (ssize_t)strlen(request))
        return read_answer(fd, e) < 0 ? -1 : fd;
    return error_set_errno(e, "The request could not be sent");
}

static int64_t count_closed(const int *fds, int64_t count)
{
    int64_t closed = 0;
    char byte;
    for (int64_t i = 0; i < count; i++)
        closed += recv(fds[i], &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
    return closed;
}

static int hold_all(const struct args *a, struct error *e)
{
    int64_t port, count;
    char request[1024], ignored[64];
    if (args_get_int(a, "port", 1, 65535, 0, &port, e) < 0 ||
        args_get_int(a, "connections", 1, 1000000, 100, &count, e) < 0)
        return -1;
    snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n",
             args_get(a, "path", "/"));
    int *fds = calloc((size_t)count, sizeof(*fds));
    if (fds == NULL)
        return error_set(e, ERROR_NO_MEMORY, "There is no memory for the connections.");
    for (int64_t i = 0; i < count; i++) {
        fds[i] = hold_one((uint16_t)port, request, e);
        if (fds[i] < 0) {
            free(fds);
            return -1;
        }
    }
    printf("{\"held\":%lld}\n", (long long)count);
    fflush(stdout);
    while (read(STDIN_FILENO, ignored, sizeof(ignored)) > 0)
        ;
    printf("{\"closed\":%lld}\n", (long long)count_closed(fds, count));
    free(fds);
    return 0;
}

int main(int argc, char **argv)
{
    struct args a;
    struct error e;
    int status = 0;
    if (args_parse(&a, options, argc, argv, 1, &e) < 0 || hold_all(&a, &e) < 0) {
        fprintf(stderr, "hold: %s\n", e.text);
        status = 1;
    }
    args_fini(&a);
    return status;
}
