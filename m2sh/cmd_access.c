/* access: an access log as people know access logs. The log holds one tnetstring list per line:
 * host name, address, port, time, method, path, version, status, size. */

#include "m2sh/base/xalloc.h"
#include "m2sh/cmd_table.h"
#include "proto/wire/tnetstring.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct entry {
    struct slice host, address, method, path, version;
    int64_t port, time, status, size;
};

static bool take_text(struct tns_reader *r, struct slice *out)
{
    struct tns_item item;
    if (tns_read(r, &item) != TNS_ITEM || item.type != TNS_STRING)
        return false;
    *out = item.bytes;
    return true;
}

static bool take_int(struct tns_reader *r, int64_t *out)
{
    struct tns_item item;
    if (tns_read(r, &item) != TNS_ITEM || item.type != TNS_INT)
        return false;
    *out = item.integer;
    return true;
}

static bool parse(struct slice line, struct entry *e)
{
    struct tns_reader outer, r;
    struct tns_item list;
    tns_reader_init(&outer, line);
    return tns_read(&outer, &list) == TNS_ITEM && list.type == TNS_LIST &&
           tns_enter(&outer, &list, &r) == 0 && take_text(&r, &e->host) &&
           take_text(&r, &e->address) && take_int(&r, &e->port) && take_int(&r, &e->time) &&
           take_text(&r, &e->method) && take_text(&r, &e->path) && take_text(&r, &e->version) &&
           take_int(&r, &e->status) && take_int(&r, &e->size);
}

static void print_json(const struct entry *e, struct buf *out)
{
    struct out_json j;
    out_json_init(&j, out);
    out_json_object(&j);
    out_json_pair_int(&j, "time", e->time);
    out_json_key(&j, "address");
    out_json_slice(&j, e->address);
    out_json_pair_int(&j, "port", e->port);
    out_json_key(&j, "host");
    out_json_slice(&j, e->host);
    out_json_key(&j, "method");
    out_json_slice(&j, e->method);
    out_json_key(&j, "path");
    out_json_slice(&j, e->path);
    out_json_key(&j, "version");
    out_json_slice(&j, e->version);
    out_json_pair_int(&j, "status", e->status);
    out_json_pair_int(&j, "size", e->size);
    out_json_end(&j);
    buf_append_char(out, '\n');
}

/* Paths come from clients: what would steer the terminal is not shown as it is. */
static void put_clean(struct buf *out, struct slice s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c < ' ' || c == 0x7f)
            buf_printf(out, "\\x%02x", c);
        else
            buf_append_char(out, (char)c);
    }
}

static void print_text(const struct entry *e, struct buf *out)
{
    buf_printf(out, "[%" PRId64 "] ", e->time);
    put_clean(out, e->address);
    buf_printf(out, ":%" PRId64 " ", e->port);
    put_clean(out, e->host);
    buf_append_str(out, " \"");
    put_clean(out, e->method);
    buf_append_char(out, ' ');
    put_clean(out, e->path);
    buf_append_char(out, ' ');
    put_clean(out, e->version);
    buf_printf(out, "\" %" PRId64 " %" PRId64 "\n", e->status, e->size);
}

static void print_line(const struct call *c, struct slice line, unsigned long number)
{
    struct entry entry;
    struct buf out = BUF_INIT;
    if (!parse(line, &entry)) {
        fprintf(stderr, "Malformed log line: %lu.\n", number);
        return;
    }
    if (c->json)
        print_json(&entry, &out);
    else
        print_text(&entry, &out);
    fwrite(xbuf_str(&out), 1, out.len, stdout);
    buf_fini(&out);
}

static enum status run(struct call *c)
{
    struct error e;
    const char *path = args_get(&c->args, "log", "logs/access.log");
    FILE *f = fopen(path, "rbe");
    if (f == NULL) {
        error_set_errno(&e, "Failed to open log file: %s", path);
        return cmd_fail(c, &e);
    }
    char *line = NULL;
    size_t room = 0;
    ssize_t len;
    for (unsigned long number = 1; (len = getline(&line, &room, f)) >= 0; number++)
        print_line(c, slice_of(line, (size_t)len), number);
    free(line);
    fclose(f);
    return STATUS_DONE;
}

const struct cmd cmd_access = {
    .name = "access",
    .help = "Prints the access log.",
    .arguments = "[-log FILE]",
    .more = "With -json one object per line.",
    .options = (const struct args_option[]){{"log", "FILE", "The log (logs/access.log)."},
                                            OPTION_END},
    .is_classic = true,
    .run = run,
};
