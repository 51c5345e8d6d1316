// links: m2_node PkgConfig::CMOCKA
/* Request bodies of any framing on each way to a handler, in any steps and with any credit: what
 * the handler has in the end is what the framing says, nothing of a body that is not whole counts
 * as whole, and nothing is left. The first bytes of the input choose way, framing, step and credit.
 */

#include "proto/base/log.h"
#include "proto/http/body.h"
#include "tests/unit/node/target/handler_world.h"

#include <signal.h>

#define LIMIT 10 /* limits.content_length */

enum way { WAY_WHOLE, WAY_FILE, WAY_PARTS, WAYS };

static struct handler_world worlds[WAYS];
static char folder[] = "/tmp/m2-fuzz-body-XXXXXX", pattern[64];

static void remove_folder(void)
{
    for (int i = 0; i < WAYS; i++)
        handler_world_stop(&worlds[i]);
    rmdir(folder); /* fails when something is left: see check_nothing_is_left */
}

static void start(void)
{
    signal(SIGPIPE, SIG_IGN);
    log_set_fd(open("/dev/null", O_WRONLY | O_CLOEXEC));
    if (mkdtemp(folder) == NULL)
        abort();
    snprintf(pattern, sizeof pattern, "%s/up.XXXXXX", folder);
    const char *const limit = "limits.content_length", *const file = "upload.temp_store";
    handler_world_start(&worlds[WAY_WHOLE], (const char *[]){limit, "10", NULL});
    handler_world_start(&worlds[WAY_FILE], (const char *[]){limit, "10", file, pattern, NULL});
    handler_world_start(&worlds[WAY_PARTS],
                        (const char *[]){limit, "10", "upload.stream", "1", NULL});
    atexit(remove_folder);
}

/* What the framing says: the content, and where it ends. */
static enum parse_result read_reference(bool chunked, size_t length, struct slice in,
                                        struct buf *content, size_t *end)
{
    struct body b;
    struct slice piece;
    enum parse_result r;
    size_t used;
    *end = 0;
    body_init(&b, chunked, chunked ? -1 : (int64_t)length);
    while ((r = body_feed(&b, slice_from(in, *end), &used, &piece)) == PARSE_PIECE) {
        buf_append_slice(content, piece);
        *end += used;
    }
    *end += used;
    return r;
}

static void send_all(struct handler_world *w, struct slice bytes, size_t step, int64_t credit)
{
    for (size_t at = 0; at < bytes.len; at += step) {
        size_t len = bytes.len - at < step ? bytes.len - at : step;
        if (write(w->serving.client, bytes.ptr + at, len) != (ssize_t)len)
            return; /* it was refused */
        handler_world_turns(w);
        if (w->request != NULL)
            handler_world_credit(w, credit);
    }
}

/* The content of the file that the last message names; takes it away. */
static void take_file(const struct handler_world *w, struct buf *out)
{
    char path[64], bytes[4096];
    const char *at = strstr(buf_str(&w->message), folder);
    if (at == NULL)
        abort();
    snprintf(path, sizeof path, "%.*s", (int)strcspn(at, "\""), at);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    for (ssize_t got; (got = read(fd, bytes, sizeof bytes)) > 0;)
        buf_append(out, bytes, (size_t)got);
    close(fd);
    unlink(path);
}

static void check(struct handler_world *w, enum way way, bool whole, bool chunked,
                  struct slice content)
{
    bool large = content.len > LIMIT || (way == WAY_PARTS && chunked);
    struct buf got = BUF_INIT;
    if (way == WAY_FILE && w->parts > 0)
        take_file(w, &got);
    else if (way == WAY_PARTS && large)
        buf_append_slice(&got, buf_slice(&w->content));
    else if (w->requests > 0 && whole)
        buf_append_slice(&got, handler_world_body(&w->message));
    bool reached = way != WAY_WHOLE || !large;
    if (whole && reached && !slice_eq(buf_slice(&got), content))
        abort();
    if (!whole && (w->last_parts > 0 || (way == WAY_FILE && w->parts > 0)))
        abort();
    if (!slice_starts_with(content, buf_slice(&got)))
        abort();
    if (way == WAY_WHOLE && w->requests != (whole && !large))
        abort();
    buf_fini(&got);
}

static void check_nothing_is_left(struct handler_world *w)
{
    serving_disconnect(&w->serving);
    handler_world_turns(w);
    if (w->request != NULL || w->serving.worker.exchanges.in_use != 0 ||
        w->serving.worker.conns.count != 0)
        abort();
    if (rmdir(folder) != 0 || mkdir(folder, 0700) != 0)
        abort();
    w->requests = w->parts = w->last_parts = 0;
    buf_clear(&w->message);
    buf_clear(&w->content);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 4 || size > 4096)
        return 0;
    if (pattern[0] == '\0')
        start();
    enum way way = data[0] % WAYS;
    bool chunked = data[0] & 0x80;
    size_t length = 1 + data[3], end;
    struct handler_world *w = &worlds[way];
    struct slice in = slice_of(data + 4, size - 4);
    struct buf content = BUF_INIT, message = BUF_INIT;
    enum parse_result r = read_reference(chunked, length, in, &content, &end);
    buf_append_str(&message, "POST /x HTTP/1.1\r\nHost: a.test\r\n");
    if (chunked)
        buf_append_str(&message, "Transfer-Encoding: chunked\r\n\r\n");
    else
        buf_printf(&message, "Content-Length: %zu\r\n\r\n", length);
    buf_append(&message, in.ptr, r == PARSE_DONE ? end : in.len);
    serving_connect(&w->serving);
    send_all(w, buf_slice(&message), 1 + data[1], (int64_t)data[2] - 16);
    handler_world_turns(w);
    while (w->request != NULL && w->request->open && r == PARSE_DONE && way == WAY_PARTS)
        handler_world_credit(w, 1000);
    check(w, way, r == PARSE_DONE, chunked, buf_slice(&content));
    check_nothing_is_left(w);
    buf_fini(&content);
    buf_fini(&message);
    return 0;
}
