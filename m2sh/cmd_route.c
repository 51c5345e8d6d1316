/* route: does this pattern match that path or host name? Answered by the tables of the node. */

#include "m2sh/cmd_table.h"
#include "proto/route/route_explain.h"

static void print(struct call *c, const char *pattern, const char *text,
                  const struct route_explanation *x)
{
    struct buf out = BUF_INIT;
    if (c->json) {
        struct out_json j;
        out_json_init(&j, &out);
        out_json_object(&j);
        out_json_pair_bool(&j, "matches", x->matches);
        out_json_key(&j, "pattern");
        out_json_slice(&j, x->pattern);
        out_json_key(&j, "prefix");
        out_json_slice(&j, x->prefix);
        out_json_end(&j);
        buf_append_char(&out, '\n');
    } else if (x->matches) {
        buf_printf(&out,
                   "Match passed on '%s' against '%s'.\nROUTE: pattern='%.*s', prefix='%.*s'\n",
                   text, pattern, SLICE_ARG(x->pattern), SLICE_ARG(x->prefix));
    } else {
        buf_printf(&out, "Match FAILED on '%s' against '%s'.\n", text, pattern);
    }
    cmd_print(&out);
}

static int explain(struct route_explanation *x, struct call *c, struct arena *a, struct error *e)
{
    const char *pattern = args_get(&c->args, "pattern", NULL);
    const char *text = args_get(&c->args, "match", NULL);
    const char *matching = args_get(&c->args, "host_matching", "labels");
    int mode = host_matching_from_name(slice_str(matching));
    if (text == NULL)
        return error_set(e, ERROR_USAGE,
                         "You have to give something to match against with --match.");
    if (pattern == NULL)
        return error_set(e, ERROR_USAGE, "You have to give a pattern to use with --pattern.");
    if (mode < 0)
        return error_set(e, ERROR_USAGE,
                         "-host_matching is \"labels\" or \"upstream\", not \"%s\".", matching);
    if (args_has(&c->args, "reversed") || args_has(&c->args, "suffix"))
        return route_explain_host(x, slice_str(pattern), slice_str(text), (enum host_matching)mode,
                                  a, e);
    return route_explain_path(x, slice_str(pattern), slice_str(text), a, e);
}

static enum status run(struct call *c)
{
    struct error e;
    struct arena arena;
    struct route_explanation x;
    enum status status = STATUS_DONE;
    arena_init(&arena, 0);
    if (explain(&x, c, &arena, &e) != 0) {
        status = cmd_fail(c, &e);
    } else {
        print(c, args_get(&c->args, "pattern", ""), args_get(&c->args, "match", ""), &x);
        status = x.matches ? STATUS_DONE : STATUS_NO;
    }
    arena_fini(&arena);
    return status;
}

const struct cmd cmd_route = {
    .name = "route",
    .help = "Tests out routing patterns.",
    .arguments = "-pattern PATTERN -match TEXT [-reversed] [-suffix]",
    .more = "Exit status 0: it matches; 1: it does not; 3: the pattern is malformed.",
    .options =
        (const struct args_option[]){
            {"pattern", "PATTERN", "Route or, with -reversed, host pattern."},
            {"match", "TEXT", "Path or host name to try."},
            {"reversed", NULL, "The pattern is a host's, matched from its end."},
            {"suffix", NULL, "The text is a host name; goes with -reversed."},
            {"host_matching", "MODE", "labels (default) or upstream, as the setting says."},
            OPTION_END},
    .is_classic = true,
    .run = run,
};
