/* access: an access log as people know access logs. */

#include "m2sh/access_line.h"
#include "m2sh/base/xalloc.h"
#include "m2sh/cmd_table.h"

#include <inttypes.h>
#include <stdlib.h>

static void print_json(const struct access_line *e, struct buf *out)
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

static void print_text(const struct access_line *e, struct buf *out)
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
    struct access_line entry;
    struct arena arena;
    struct buf out = BUF_INIT;
    arena_init(&arena, 0);
    if (!access_line_parse(&entry, line, &arena))
        fprintf(stderr, "Malformed log line: %lu.\n", number);
    else if (c->json)
        print_json(&entry, &out);
    else
        print_text(&entry, &out);
    fwrite(xbuf_str(&out), 1, out.len, stdout);
    buf_fini(&out);
    arena_fini(&arena);
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
