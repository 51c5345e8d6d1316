/* Parsed in place over a copy, from the back: options, path, login, hosts. What is wrong is named
 * by its part, not by quoting the URL, which may hold a password. */

#include "coordinator/store/redis_url.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    URL_MAX = 4096,
    PORT_REDIS = 6379,
    PORT_SENTINEL = 26379,
    REPLICAS_MAX = 16,
    DB_MAX = 65535,
    TIMEOUT_MIN_MS = 100,
    TIMEOUT_MAX_MS = 60000,
    TIMEOUT_MS = 2000,
};

static int bad(struct error *e, const char *what)
{
    return error_set(e, ERROR_USAGE,
                     "The store's URL: %s. Write redis://USER:PASSWORD@HOST:PORT/DB or "
                     "redis+sentinel://HOST:PORT,HOST:PORT/MASTER.",
                     what);
}

static int number(const char *text, int64_t min, int64_t max, int64_t *out)
{
    char *end;
    errno = 0;
    long long n = strtoll(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || n < min || n > max)
        return -1;
    *out = n;
    return 0;
}

/* Copies with %XX decoded; -1: malformed, or longer than `size` - 1. */
static int decode(const char *text, char *out, size_t size)
{
    size_t len = 0;
    for (; *text != '\0'; text++) {
        char c = *text;
        if (c == '%') {
            char hex[3] = {text[1], text[1] != '\0' ? text[2] : '\0', '\0'}, *end;
            c = (char)strtol(hex, &end, 16);
            if (end != hex + 2 || c == '\0')
                return -1;
            text += 2;
        }
        if (len + 1 >= size)
            return -1;
        out[len++] = c;
    }
    out[len] = '\0';
    return 0;
}

static int copy(char *out, size_t size, const char *text)
{
    int len = snprintf(out, size, "%s", text);
    return len > 0 && (size_t)len < size ? 0 : -1;
}

/* Cuts the string at the first (or last) `c`: what is behind it, or NULL. */
static char *cut(char *text, char c, bool last)
{
    char *at = last ? strrchr(text, c) : strchr(text, c);
    if (at == NULL)
        return NULL;
    *at = '\0';
    return at + 1;
}

/* ---- options ------------------------------------------------------------------------------ */

static int read_secret(const char *path, struct redis_login *login, struct error *e)
{
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return error_set_errno(e, "The store's password file %s", path);
    bool ok = fgets(login->password, sizeof login->password, f) != NULL;
    fclose(f);
    login->password[strcspn(login->password, "\r\n")] = '\0';
    if (!ok || login->password[0] == '\0')
        return error_set(e, ERROR_USAGE, "The store's password file %s is empty.", path);
    return 0;
}

static int set_prefix(struct redis_url *u, const char *value, struct error *e)
{
    if (strpbrk(value, "{} \t\r\n") != NULL || copy(u->prefix, sizeof u->prefix, value) != 0)
        return bad(e, "prefix is a short word without braces");
    return 0;
}

static int set_option(struct redis_url *u, const char *name, const char *value, struct error *e)
{
    int64_t n = 0;
    if (strcmp(name, "prefix") == 0)
        return set_prefix(u, value, e);
    if (strcmp(name, "password_file") == 0)
        return read_secret(value, &u->login, e);
    if (strcmp(name, "sentinel_password_file") == 0)
        return read_secret(value, &u->sentinel_login, e);
    if (strcmp(name, "replicas") == 0) {
        if (number(value, 0, REPLICAS_MAX, &n) != 0)
            return bad(e, "replicas is a number from 0 to 16");
        u->replicas = (unsigned)n;
        return 0;
    }
    if (strcmp(name, "timeout_ms") != 0)
        return bad(e, "its options are replicas, prefix, timeout_ms, password_file and "
                      "sentinel_password_file");
    if (number(value, TIMEOUT_MIN_MS, TIMEOUT_MAX_MS, &n) != 0)
        return bad(e, "timeout_ms is a number from 100 to 60000");
    u->timeout_ms = n;
    return 0;
}

static int set_options(struct redis_url *u, char *options, struct error *e)
{
    while (options != NULL && *options != '\0') {
        char *next = cut(options, '&', false);
        char *value = cut(options, '=', false);
        if (set_option(u, options, value != NULL ? value : "", e) != 0)
            return -1;
        options = next;
    }
    return 0;
}

/* ---- path, login, hosts ------------------------------------------------------------------- */

static int set_db(struct redis_url *u, const char *text, struct error *e)
{
    int64_t n = 0;
    if (text == NULL || *text == '\0')
        return 0;
    if (number(text, 0, DB_MAX, &n) != 0)
        return bad(e, "the database is a number");
    u->db = (unsigned)n;
    return 0;
}

static int set_path(struct redis_url *u, char *path, struct error *e)
{
    if (!u->sentinel)
        return set_db(u, path, e);
    char *db = path != NULL ? cut(path, '/', false) : NULL;
    if (path == NULL || *path == '\0' || decode(path, u->master, sizeof u->master) != 0)
        return bad(e, "behind the Sentinels comes /MASTER, the name by which they know it");
    return set_db(u, db, e);
}

static int set_login(struct redis_url *u, char *login, struct error *e)
{
    char *password = cut(login, ':', false);
    if (decode(login, u->login.user, sizeof u->login.user) != 0 ||
        (password != NULL && decode(password, u->login.password, sizeof u->login.password) != 0))
        return bad(e, "user or password are too long, or have a % that begins no %XX");
    return 0;
}

static int set_host(struct redis_url *u, char *text, struct error *e)
{
    if (u->host_count == REDIS_HOSTS_MAX)
        return bad(e, "it names too many hosts");
    struct redis_address *a = &u->hosts[u->host_count];
    char *port;
    if (*text == '[') {
        char *behind = cut(++text, ']', false);
        if (behind == NULL || (*behind != '\0' && *behind != ':'))
            return bad(e, "an address in brackets does not end");
        port = *behind == ':' ? behind + 1 : NULL;
    } else {
        port = cut(text, ':', true);
    }
    int64_t n = u->sentinel ? PORT_SENTINEL : PORT_REDIS;
    if (port != NULL && number(port, 1, 65535, &n) != 0)
        return bad(e, "a port is a number from 1 to 65535");
    if (copy(a->host, sizeof a->host, text) != 0)
        return bad(e, "a host is missing");
    a->port = (uint16_t)n;
    u->host_count++;
    return 0;
}

static int set_hosts(struct redis_url *u, char *hosts, struct error *e)
{
    while (hosts != NULL) {
        char *next = u->sentinel ? cut(hosts, ',', false) : NULL;
        if (set_host(u, hosts, e) != 0)
            return -1;
        hosts = next;
    }
    return 0;
}

int redis_url_parse(struct redis_url *out, bool sentinel, const char *rest, struct error *e)
{
    char url[URL_MAX];
    *out = (struct redis_url){.sentinel = sentinel, .prefix = "mongrel2", .timeout_ms = TIMEOUT_MS};
    if (strncmp(rest, "//", 2) != 0 || strlen(rest) >= sizeof url)
        return bad(e, "it begins with the scheme and //");
    memcpy(url, rest + 2, strlen(rest + 2) + 1);
    char *options = cut(url, '?', false);
    char *hosts = cut(url, '@', true);
    char *login = hosts != NULL ? url : NULL;
    if (hosts == NULL)
        hosts = url;
    char *path = cut(hosts, '/', false);
    if ((login != NULL && set_login(out, login, e) != 0) || set_hosts(out, hosts, e) != 0 ||
        set_path(out, path, e) != 0)
        return -1;
    return set_options(out, options, e);
}
