/* Servers: what they need to start, and what two of them cannot share. */

#include "proto/model/check_rules.h"
#include "proto/model/check_syntax.h"
#include "proto/model/describe.h"
#include "proto/model/settings.h"

static void check_not_empty(struct checking *c, const struct row *r, size_t column)
{
    struct slice text;
    if (check_has_text(r, column, &text) && text.len == 0)
        check_error(c, r, (int)column, "%s is empty", check_column_name(r, column));
}

static void check_port(struct checking *c, const struct row *r)
{
    if (slice_starts_with(row_text(r, SERVER_BIND_ADDR), SLICE("unix:")))
        return; /* a socket in the file system has none */
    check_range(c, r, SERVER_PORT, 1, 65535);
}

static void check_control_port(struct checking *c, const struct row *r)
{
    struct slice text;
    if (check_has_text(r, SERVER_CONTROL_PORT, &text) && text.len > 0)
        check_text(c, r, SERVER_CONTROL_PORT, syntax_endpoint);
}

static void check_tls(struct checking *c, const struct row *r)
{
    check_range(c, r, SERVER_USE_SSL, 0, 1);
    if (row_int(r, SERVER_USE_SSL) != 1)
        return;
    if (setting_text(c->model, SETTING_CERTDIR)[0] == '\0')
        check_error(c, r, SERVER_USE_SSL,
                    "use_ssl is 1, but the setting certdir does not say where the certificates "
                    "are");
    if (setting_bool(c->model, SETTING_SSL_VERIFY_REQUIRED) &&
        setting_text(c->model, SETTING_SSL_CA_CHAIN)[0] == '\0')
        check_error(c, r, SERVER_USE_SSL,
                    "clients must have a valid certificate "
                    "(ssl.verify_required), but the setting ssl.ca_chain does not say by whom");
}

/* The names of the server's hosts, for the message. */
static void put_hosts(struct buf *out, const struct model *m, const struct row *server)
{
    size_t shown = 0;
    for (size_t i = 0; i < model_count(m, TABLE_HOST); i++) {
        const struct row *h = model_row(m, TABLE_HOST, i);
        if (row_int(h, HOST_SERVER_ID) != row_id(server))
            continue;
        if (shown == 5) {
            buf_append_str(out, ", …");
            return;
        }
        buf_append_str(out, shown++ > 0 ? ", " : "");
        describe_text(out, row_text(h, HOST_NAME));
    }
}

static bool has_host(const struct model *m, const struct row *server, struct slice name)
{
    for (size_t i = 0; i < model_count(m, TABLE_HOST); i++) {
        const struct row *h = model_row(m, TABLE_HOST, i);
        if (row_int(h, HOST_SERVER_ID) == row_id(server) && slice_eq(row_text(h, HOST_NAME), name))
            return true;
    }
    return false;
}

static void check_default_host(struct checking *c, const struct row *r)
{
    struct slice name;
    if (!check_has_text(r, SERVER_DEFAULT_HOST, &name) || has_host(c->model, r, name))
        return;
    struct buf hosts = BUF_INIT, shown = BUF_INIT;
    put_hosts(&hosts, c->model, r);
    describe_text(&shown, name);
    if (hosts.len == 0)
        check_error(c, r, SERVER_DEFAULT_HOST, "default_host is %s, but the server has no hosts",
                    buf_str(&shown));
    else
        check_error(c, r, SERVER_DEFAULT_HOST,
                    "default_host is %s, but no host of the server has that name; its hosts: %s",
                    buf_str(&shown), buf_str(&hosts));
    buf_fini(&hosts);
    buf_fini(&shown);
}

static void check_one(struct checking *c, const struct row *r)
{
    check_text(c, r, SERVER_UUID, syntax_server_uuid);
    check_not_empty(c, r, SERVER_ACCESS_LOG);
    check_not_empty(c, r, SERVER_ERROR_LOG);
    check_not_empty(c, r, SERVER_PID_FILE);
    check_range(c, r, SERVER_ERROR_LOG_LEVEL, 0, 3);
    check_text(c, r, SERVER_BIND_ADDR, syntax_bind_address);
    check_port(c, r);
    check_control_port(c, r);
    check_tls(c, r);
    check_range(c, r, SERVER_PROXY_PROTOCOL, 0, 1);
    check_range(c, r, SERVER_REQUEST_TIMEOUT, 0, TIMEOUT_MAX_S);
    check_default_host(c, r);
    if (r->values[SERVER_NAME].kind == VALUE_TEXT && row_text(r, SERVER_NAME).len == 0)
        check_warning(c, r, SERVER_NAME, "name is empty; m2sh can select the server only by uuid");
}

/* Do two servers listen on one address? A wildcard meets every address of its family. */
static bool is_same_address(const struct row *a, const struct row *b)
{
    struct slice x = row_text(a, SERVER_BIND_ADDR), y = row_text(b, SERVER_BIND_ADDR);
    if (slice_starts_with(x, SLICE("unix:")) || slice_starts_with(y, SLICE("unix:")))
        return slice_eq(x, y);
    if (row_int(a, SERVER_PORT) != row_int(b, SERVER_PORT))
        return false;
    return slice_eq(x, y) || slice_eq(x, SLICE("0.0.0.0")) || slice_eq(y, SLICE("0.0.0.0"));
}

static const char *control_port_of(const struct checking *c, const struct row *r)
{
    const char *own = row_str(r, SERVER_CONTROL_PORT);
    return own[0] != '\0' ? own : setting_text(c->model, SETTING_CONTROL_PORT);
}

static bool is_same_text(const struct row *a, const struct row *b, size_t column)
{
    return row_text(a, column).len > 0 && slice_eq(row_text(a, column), row_text(b, column));
}

/* Files and endpoints of servers that live in one directory. */
static void check_neighbours(struct checking *c, const struct row *first, const struct row *r,
                             const char *other)
{
    if (is_same_text(first, r, SERVER_PID_FILE))
        check_warning(c, r, SERVER_PID_FILE,
                      "pid_file is also that of %s; only one of them can run on a machine", other);
    if (strcmp(control_port_of(c, first), control_port_of(c, r)) == 0)
        check_warning(c, r, SERVER_CONTROL_PORT,
                      "the control port %s is also that of %s; only one of them can be controlled "
                      "on a machine",
                      control_port_of(c, r), other);
}

static void check_pair(struct checking *c, const struct row *first, const struct row *r)
{
    bool uuid = is_same_text(first, r, SERVER_UUID), name = is_same_text(first, r, SERVER_NAME);
    bool address = is_same_address(first, r);
    bool chroot = slice_eq(row_text(first, SERVER_CHROOT), row_text(r, SERVER_CHROOT));
    if (!uuid && !name && !address && !chroot)
        return;
    struct buf other = BUF_INIT;
    describe_row(&other, c->model, first);
    if (uuid)
        check_error(c, r, SERVER_UUID, "uuid is also that of %s; each server needs its own",
                    buf_str(&other));
    if (name)
        check_warning(c, r, SERVER_NAME,
                      "name is also that of another server; m2sh -name and mongrel2 -server cannot "
                      "tell them apart");
    if (address)
        check_warning(c, r, SERVER_PORT,
                      "port and bind_addr are also those of %s; only one of them can run on a "
                      "machine",
                      buf_str(&other));
    if (chroot)
        check_neighbours(c, first, r, buf_str(&other));
    buf_fini(&other);
}

void check_servers(struct checking *c)
{
    size_t count = model_count(c->model, TABLE_SERVER);
    for (size_t i = 0; i < count; i++) {
        const struct row *r = model_row(c->model, TABLE_SERVER, i);
        check_one(c, r);
        for (size_t j = 0; j < i; j++)
            check_pair(c, model_row(c->model, TABLE_SERVER, j), r);
    }
    if (count == 0)
        check_warning(c, NULL, -1, "there is no server");
}
