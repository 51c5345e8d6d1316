/* A real redis-server for a test: on a free port of loopback, in a folder of its own, gone with the
 * test program. */
#ifndef TESTS_STORE_REDIS_SERVER_H
#define TESTS_STORE_REDIS_SERVER_H

#include <arpa/inet.h>
#include <hiredis/hiredis.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct redis_server {
    pid_t pid;
    int port;
    char folder[32];
};

static int redis_free_port(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&a, len) != 0 ||
        getsockname(fd, (struct sockaddr *)&a, &len) != 0)
        abort();
    close(fd);
    return ntohs(a.sin_port);
}

static redisContext *redis_ask(const struct redis_server *s)
{
    for (int tries = 0; tries < 500; tries++) {
        redisContext *c = redisConnect("127.0.0.1", s->port);
        if (c != NULL && c->err == 0)
            return c;
        redisFree(c);
        usleep(10000);
    }
    fprintf(stderr, "redis-server does not come up\n");
    abort();
}

/* One command; its answer is dropped. */
static void redis_do(const struct redis_server *s, const char *command)
{
    redisContext *c = redis_ask(s);
    redisReply *reply = redisCommand(c, command);
    if (reply == NULL)
        abort();
    freeReplyObject(reply);
    redisFree(c);
}

/* Starts it (again, on its port). `more`: an option and its value, or NULL. */
static void redis_run(struct redis_server *s, const char *option, const char *value)
{
    char port[12];
    snprintf(port, sizeof port, "%d", s->port);
    s->pid = fork();
    if (s->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        execlp("redis-server", "redis-server", "--port", port, "--bind", "127.0.0.1", "--dir",
               s->folder, "--save", "", "--logfile", "log", "--appendfsync", "always", option,
               value, (char *)NULL);
        _exit(127);
    }
    redisFree(redis_ask(s));
}

static void redis_kill(struct redis_server *s)
{
    if (s->pid > 0) {
        kill(s->pid, SIGKILL);
        waitpid(s->pid, NULL, 0);
    }
    s->pid = 0;
}

static void redis_create(struct redis_server *s)
{
    snprintf(s->folder, sizeof s->folder, "/tmp/m2-redis-XXXXXX");
    if (mkdtemp(s->folder) == NULL)
        abort();
    s->port = redis_free_port();
}

static int redis_destroy(struct redis_server *s)
{
    char command[64];
    redis_kill(s);
    snprintf(command, sizeof command, "rm -rf %s", s->folder);
    return system(command);
}

#endif
