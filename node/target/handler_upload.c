/* Two messages: the first says where the file will be, and is sent when there is one; the body is
 * read when a handler has it, so that nothing is stored that nobody will take. The second says that
 * the file is whole.
 *
 * The file is the handler's from the moment that the second message has left the node. Until then
 * it is removed with the exchange, unless the message is already queued: then this object outlives
 * the exchange, and what becomes of the message decides. */

#include "node/exchange/raw_reply.h"
#include "node/exchange/reply.h"
#include "node/exchange/upload_file.h"
#include "node/target/handler_parts.h"

#include <stdlib.h>

struct handler_upload {
    struct exchange *x; /* NULL when it has ended */
    struct counters *counters;
    struct upload_file *file;
    struct backend_poster poster; /* of the second message */
    bool stored;
    bool posting;
    bool posted;
    int outcome; /* of the second message: 0, or a status; -1 not known yet */
};

static struct handler_state *state_of(const struct handler_upload *u)
{
    return u->x->state;
}

static void destroy(struct handler_upload *u)
{
    if (u->outcome == 0) {
        u->counters->uploads_done++;
        upload_file_keep(u->file);
    } else {
        u->counters->uploads_failed++;
        upload_file_discard(u->file);
    }
    backend_poster_fini(&u->poster);
    free(u);
}

/* --- the messages --- */

static void encode(const struct handler_upload *u, bool is_done, struct buf *out)
{
    struct slice path = upload_file_path(u->file);
    struct handler_message m;
    handler_message_of_request(&m, u->x, u->x->target->peer);
    handler_message_add(&m, SLICE("x-mongrel2-upload-start"), path);
    if (is_done)
        handler_message_add(&m, SLICE("x-mongrel2-upload-done"), path);
    buf_clear(out);
    handler_message_encode(out, &m, 0);
}

static void settle(struct handler_upload *u)
{
    struct exchange *x = u->x;
    int status = u->outcome;
    if (x != NULL)
        state_of(u)->upload = NULL;
    destroy(u);
    if (x != NULL && status == 0)
        raw_reply_body_done(x);
    else if (x != NULL)
        handler_give_up(x, status);
}

static void on_settled(struct backend_poster *p, int status)
{
    struct handler_upload *u = container_of(p, struct handler_upload, poster);
    u->outcome = status;
    if (!u->posting)
        settle(u);
}

static void send_done(struct handler_upload *u)
{
    struct exchange *x = u->x;
    struct buf *scratch = &x->worker->scratch;
    encode(u, true, scratch);
    state_of(u)->request.open = false;
    state_of(u)->request.retries_left = 0; /* another worker would get the first message alone */
    u->posting = u->posted = true;
    bool sent = !scratch->failed &&
                handler_send_part(x, &u->poster, buf_slice(scratch), SLICE_EMPTY);
    u->posting = false;
    if (!sent)
        u->outcome = 502;
    else if (u->outcome < 0 && u->poster.count == 0) /* a pool sends at once */
        u->outcome = 0;
    if (u->outcome >= 0)
        settle(u);
}

/* --- the body --- */

static void read_body(struct exchange *x)
{
    struct handler_state *s = x->state;
    bool is_begun = x->expects_body;
    s->reading = true;
    if (s->body.len > 0) {
        upload_file_write(s->upload->file, buf_slice(&s->body));
        buf_fini(&s->body);
    }
    if (is_begun)
        exchange_resume_body(x);
    else
        exchange_want_body(x);
}

static void on_taken(struct backend_request *r)
{
    struct handler_state *s = container_of(r, struct handler_state, request);
    struct handler_upload *u = s->upload;
    if (u == NULL || u->posted)
        return;
    if (u->stored)
        send_done(u);
    else if (!s->reading)
        read_body(s->x);
}

static void on_opened(void *arg)
{
    struct handler_upload *u = arg;
    struct handler_state *s = state_of(u);
    struct buf *scratch = &u->x->worker->scratch;
    encode(u, false, scratch);
    if (scratch->failed) {
        handler_give_up(u->x, 503);
        return;
    }
    s->request.open = true;
    s->request.on_taken = on_taken;
    u->x->body_held = true;
    handler_send(u->x, buf_slice(scratch), SLICE_EMPTY);
}

static void on_room(void *arg)
{
    struct handler_upload *u = arg;
    exchange_resume_body(u->x);
}

static void on_stored(void *arg)
{
    struct handler_upload *u = arg;
    u->stored = true;
    if (state_of(u)->request.taken)
        send_done(u);
}

static void on_failed(void *arg, int status)
{
    struct handler_upload *u = arg;
    handler_give_up(u->x, status);
}

static const struct upload_file_events file_events = {
    .opened = on_opened,
    .room = on_room,
    .stored = on_stored,
    .failed = on_failed,
};

static void upload_body(struct exchange *x, struct slice piece, bool last)
{
    struct handler_upload *u = ((struct handler_state *)x->state)->upload;
    u->counters->upload_bytes += piece.len;
    bool more = upload_file_write(u->file, piece);
    if (last)
        upload_file_finish(u->file);
    else if (!more)
        exchange_pause_body(x);
}

static void upload_release(struct exchange *x)
{
    struct handler_state *s = x->state;
    struct handler_upload *u = s->upload;
    if (u == NULL)
        return;
    s->upload = NULL;
    u->x = NULL;
    if (u->poster.count == 0)
        destroy(u);
}

static const struct handler_way upload_way = {
    .body = upload_body,
    .release = upload_release,
};

void handler_upload_begin(struct exchange *x)
{
    struct handler_state *s = x->state;
    const struct settings *settings = &x->snapshot->settings;
    struct handler_upload *u = calloc(1, sizeof *u);
    if (u != NULL)
        u->file = upload_file_open(x->worker, settings->upload_file, settings->upload_mode,
                                   &file_events, u);
    if (u == NULL || u->file == NULL) {
        free(u);
        handler_give_up(x, 503);
        return;
    }
    u->x = x;
    u->counters = &x->worker->counters;
    u->outcome = -1;
    backend_poster_init(&u->poster, on_settled);
    u->counters->uploads_begun++;
    u->counters->upload_bytes += s->body.len;
    s->upload = u;
    s->way = &upload_way;
    if (x->expects_body)
        exchange_pause_body(x);
}
