/* The URL of a Redis store, taken apart:
 *
 *     redis://[USER[:PASSWORD]@]HOST[:PORT][/DB][?OPTIONS]
 *     redis+sentinel://[USER[:PASSWORD]@]HOST[:PORT][,HOST[:PORT]...]/MASTER[/DB][?OPTIONS]
 *
 * User and password are the Redis server's; %XX stands for a byte in them. The hosts of the second
 * form are Sentinels. Options, separated by "&": replicas=N (how many replicas must have a commit
 * before it counts as stored), prefix=NAME (of the keys), timeout_ms=N (of each call),
 * password_file=PATH and sentinel_password_file=PATH (the first line is the password; a URL can be
 * seen in the list of processes). docs/reference/stores.md. */
#ifndef COORDINATOR_STORE_REDIS_URL_H
#define COORDINATOR_STORE_REDIS_URL_H

#include "proto/base/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REDIS_HOSTS_MAX  16
#define REDIS_HOST_MAX   256
#define REDIS_SECRET_MAX 512

struct redis_address {
    char host[REDIS_HOST_MAX]; /* a name or an address, without brackets */
    uint16_t port;
};

/* Who we are to a server; empty: not said. */
struct redis_login {
    char user[128];
    char password[REDIS_SECRET_MAX];
};

struct redis_url {
    bool sentinel;
    struct redis_address hosts[REDIS_HOSTS_MAX]; /* one, or the Sentinels */
    size_t host_count;
    char master[128]; /* as the Sentinels call it */
    struct redis_login login, sentinel_login;
    unsigned db;
    unsigned replicas;
    char prefix[64];
    int64_t timeout_ms;
};

/* `rest` is the URL behind "redis:" or "redis+sentinel:". Reads the files that it names.
 * ERROR_USAGE, never with a password in its text; ERROR_IO. */
int redis_url_parse(struct redis_url *out, bool sentinel, const char *rest, struct error *e);

#endif
