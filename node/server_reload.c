/* Reading takes as long as a disk or a network likes, so it is done on a side thread; what is built
 * from it, and the swap, are the loop's. */

#include "node/server_parts.h"
#include "node/tls/tls.h"
#include "proto/base/log.h"

/* ---- on the side thread ------------------------------------------------------------------- */

static void read_again(struct evwork_job *job)
{
    struct reload *r = container_of(job, struct reload, job);
    struct server *s = container_of(r, struct server, reload);
    error_clear(&r->error);
    source_load(&s->source, &r->model, &r->row, &r->error);
}

/* ---- on the loop -------------------------------------------------------------------------- */

static int put_in_place(struct server *s, struct error *e)
{
    struct reload *r = &s->reload;
    struct prepared *p;
    if (swap_prepare(&s->live, r->model, r->row, 0, "", &p, e) != 0)
        return -1;
    swap_activate(&s->live, p);
    return 0;
}

static void open_logs(struct server *s)
{
    struct error e;
    if ((s->worker.snapshot != NULL && server_open_access_log(s, &e) != 0) ||
        process_reopen_error_log(&s->process, &e) != 0)
        log_warn("server", "%s", e.text);
    if (s->worker.snapshot != NULL)
        log_set_level((enum log_level)row_int(s->worker.snapshot->server, SERVER_ERROR_LOG_LEVEL));
}

static void tell(const struct server *s, const struct error *e)
{
    if (e->code != ERROR_NONE)
        log_error("server", "reload refused, the running configuration stays: %s%s%s", e->object,
                  e->object[0] != '\0' ? ": " : "", e->text);
    else if (s->options.config != NULL)
        log_info("server", "configuration is in place again config=%s", s->options.config);
    else
        log_info("server", "logs are opened again");
}

/* The end of a reload, whatever became of it. */
static void finish(struct server *s)
{
    struct reload *r = &s->reload;
    if (s->worker.tls != NULL)
        tls_shared_forget_files(s->worker.tls);
    if (r->model != NULL)
        put_in_place(s, &r->error);
    model_unref(r->model);
    r->model = NULL;
    open_logs(s);
    tell(s, &r->error);
}

static void on_read(struct evwork_job *job)
{
    struct reload *r = container_of(job, struct reload, job);
    struct server *s = container_of(r, struct server, reload);
    if (r->is_over) {
        model_unref(r->model);
        return;
    }
    finish(s);
    r->is_running = false;
    if (r->done != NULL)
        r->done(r->arg, r->error.code != ERROR_NONE ? &r->error : NULL);
    if (r->is_wanted_again) {
        r->is_wanted_again = false;
        server_reload(s, r->next_done, r->next_arg, &r->error);
    }
}

int server_reload(struct server *s, server_reloaded *done, void *arg, struct error *e)
{
    struct reload *r = &s->reload;
    if (r->is_running) { /* what it reads may be older than what its caller has just written */
        r->is_wanted_again = true;
        r->next_done = done;
        r->next_arg = arg;
        return 1;
    }
    error_clear(&r->error);
    if (s->options.config == NULL ||
        (r->work == NULL && evwork_create(&r->work, s->worker.loop.ev, &r->error) != 0)) {
        finish(s);
        *e = r->error;
        return r->error.code == ERROR_NONE ? 0 : -1;
    }
    r->is_running = true;
    r->done = done;
    r->arg = arg;
    r->job = (struct evwork_job){.run = read_again, .done = on_read};
    evwork_submit(r->work, &r->job);
    return 1;
}

void server_reload_fini(struct server *s)
{
    s->reload.is_over = true;
    evwork_destroy(&s->reload.work);
}
