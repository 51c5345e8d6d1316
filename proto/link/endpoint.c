/* The text is checked here and not left to libzmq, whose answer to a typo is "Invalid argument". */

#include "proto/link/endpoint.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zmq.h>

/* The parts of tcp://HOST:PORT. */
struct tcp {
    struct slice host; /* with brackets when IPv6 */
    struct slice port;
};

static bool parse_tcp(const char *spec, struct tcp *out)
{
    if (strncmp(spec, "tcp://", 6) != 0)
        return false;
    const char *host = spec + 6, *colon = strrchr(host, ':');
    if (colon == NULL || colon == host || colon[1] == '\0')
        return false;
    out->host = slice_of(host, (size_t)(colon - host));
    out->port = slice_str(colon + 1);
    if (host[0] == '[')
        return out->host.ptr[out->host.len - 1] == ']';
    return slice_find(out->host, ':') == out->host.len;
}

static bool is_port(struct slice port, enum endpoint_use use)
{
    if (slice_eq(port, SLICE("*")))
        return use == ENDPOINT_BIND;
    unsigned n = 0;
    for (size_t i = 0; i < port.len; i++) {
        if (!isdigit((unsigned char)port.ptr[i]) || i > 4)
            return false;
        n = n * 10 + (unsigned)(port.ptr[i] - '0');
    }
    return n <= 65535 && (n > 0 || use == ENDPOINT_BIND);
}

static bool is_wildcard(struct slice host)
{
    return slice_eq(host, SLICE("*")) || slice_eq(host, SLICE("0.0.0.0")) ||
           slice_eq(host, SLICE("[::]"));
}

int endpoint_check(const char *spec, enum endpoint_use use, struct error *e)
{
    struct tcp tcp;
    if (strlen(spec) >= ENDPOINT_MAX)
        return error_set(e, ERROR_USAGE, "An endpoint may have at most %d characters.",
                         ENDPOINT_MAX - 1);
    if (strncmp(spec, "ipc://", 6) == 0 && spec[6] != '\0')
        return 0;
    if (strncmp(spec, "inproc://", 9) == 0 && spec[9] != '\0')
        return 0;
    if (strncmp(spec, "tcp://", 6) != 0)
        return error_set(e, ERROR_USAGE,
                         "\"%s\" is no endpoint; write tcp://HOST:PORT or ipc://PATH.", spec);
    if (!parse_tcp(spec, &tcp) || !is_port(tcp.port, use))
        return error_set(e, ERROR_USAGE,
                         "\"%s\" is no endpoint; tcp:// is followed by HOST:PORT, and an IPv6 "
                         "address stands in brackets.",
                         spec);
    if (use == ENDPOINT_CONNECT && is_wildcard(tcp.host))
        return error_set(e, ERROR_USAGE, "\"%s\" names no host to connect to.", spec);
    return 0;
}

bool endpoint_is_local(const char *spec)
{
    struct tcp tcp;
    if (!parse_tcp(spec, &tcp))
        return strncmp(spec, "ipc://", 6) == 0 || strncmp(spec, "inproc://", 9) == 0;
    return slice_eq_nocase(tcp.host, SLICE("localhost")) || slice_eq(tcp.host, SLICE("[::1]")) ||
           (slice_starts_with(tcp.host, SLICE("127.")) &&
            strspn(tcp.host.ptr, "0123456789.") >= tcp.host.len);
}

static int set_key(void *socket, int option, const char *key, struct error *e)
{
    if (key == NULL || strlen(key) != 40 || zmq_setsockopt(socket, option, key, 41) != 0)
        return error_set(e, ERROR_USAGE, "A CURVE key must have 40 characters of Z85.");
    return 0;
}

static int secure(void *socket, const char *spec, enum endpoint_use use,
                  const struct link_security *security, struct error *e)
{
    const struct link_keys *keys = security != NULL ? security->keys : NULL;
    int on = 1;
    if (keys == NULL) {
        if (endpoint_is_local(spec) || (security != NULL && security->insecure))
            return 0;
        return error_set(e, ERROR_DENIED,
                         "%s leaves this machine: give -keys, use ipc:// or a loopback address, or "
                         "give -insecure to use it in the open.",
                         spec);
    }
    if (use == ENDPOINT_BIND) {
        if (zmq_setsockopt(socket, ZMQ_CURVE_SERVER, &on, sizeof on) != 0)
            return error_set(e, ERROR_UNSUPPORTED, "This libzmq has no CURVE.");
        if (security->zap_domain != NULL &&
            zmq_setsockopt(socket, ZMQ_ZAP_DOMAIN, security->zap_domain,
                           strlen(security->zap_domain)) != 0)
            return error_set(e, ERROR_UNSUPPORTED, "This libzmq asks nobody about keys.");
        return set_key(socket, ZMQ_CURVE_SECRETKEY, keys->secret_key, e);
    }
    if (set_key(socket, ZMQ_CURVE_SERVERKEY, keys->server_key, e) != 0 ||
        set_key(socket, ZMQ_CURVE_PUBLICKEY, keys->public_key, e) != 0)
        return -1;
    return set_key(socket, ZMQ_CURVE_SECRETKEY, keys->secret_key, e);
}

/* libzmq resolves no names without ZMQ_IPV6 for v6 addresses, and with it takes both kinds. */
static void allow_ipv6(void *socket, const char *spec)
{
    int on = 1;
    if (strncmp(spec, "tcp://[", 7) == 0)
        zmq_setsockopt(socket, ZMQ_IPV6, &on, sizeof on);
}

int endpoint_bind(void *socket, const char *spec, const struct link_security *security,
                  char *actual, struct error *e)
{
    size_t size = ENDPOINT_MAX;
    if (endpoint_check(spec, ENDPOINT_BIND, e) != 0 ||
        secure(socket, spec, ENDPOINT_BIND, security, e) != 0)
        return -1;
    allow_ipv6(socket, spec);
    if (zmq_bind(socket, spec) != 0)
        return error_set(e, ERROR_IO, "Cannot listen on %s: %s.", spec, zmq_strerror(zmq_errno()));
    if (actual != NULL && zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, actual, &size) != 0)
        snprintf(actual, ENDPOINT_MAX, "%s", spec);
    return 0;
}

int endpoint_connect(void *socket, const char *spec, const struct link_security *security,
                     struct error *e)
{
    if (endpoint_check(spec, ENDPOINT_CONNECT, e) != 0 ||
        secure(socket, spec, ENDPOINT_CONNECT, security, e) != 0)
        return -1;
    allow_ipv6(socket, spec);
    if (zmq_connect(socket, spec) != 0)
        return error_set(e, ERROR_IO, "Cannot connect to %s: %s.", spec, zmq_strerror(zmq_errno()));
    return 0;
}

int endpoint_resolve(struct slice advertised, const char *via, char out[ENDPOINT_MAX],
                     struct error *e)
{
    struct tcp there, here;
    if (advertised.len >= ENDPOINT_MAX)
        return error_set(e, ERROR_TOO_LARGE, "An advertised endpoint is too long.");
    memcpy(out, advertised.ptr, advertised.len);
    out[advertised.len] = '\0';
    if (!parse_tcp(out, &there) || !is_wildcard(there.host) || !parse_tcp(via, &here))
        return 0;
    char port[8];
    snprintf(port, sizeof port, "%.*s", SLICE_ARG(there.port));
    if (snprintf(out, ENDPOINT_MAX, "tcp://%.*s:%s", SLICE_ARG(here.host), port) >= ENDPOINT_MAX)
        return error_set(e, ERROR_TOO_LARGE, "An advertised endpoint is too long.");
    return 0;
}

bool endpoint_next(const char **list, char out[ENDPOINT_MAX])
{
    const char *p = *list;
    while (*p == ',' || isspace((unsigned char)*p))
        p++;
    size_t len = strcspn(p, ",");
    *list = p + len;
    while (len > 0 && isspace((unsigned char)p[len - 1]))
        len--;
    bool fits = len < ENDPOINT_MAX; /* what does not becomes "", which no check accepts */
    memcpy(out, p, fits ? len : 0);
    out[fits ? len : 0] = '\0';
    return len > 0;
}
