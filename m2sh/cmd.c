/* The frame around every command. */

#include "m2sh/cmd.h"

#include "m2sh/base/suggest.h"
#include "m2sh/base/xalloc.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct args_option common_options[] = {
    {"json", "[1]", "Print JSON, also for failures."},
    {"help", NULL, "Print this help."},
    OPTION_END,
};

const struct cmd *cmd_find(const char *name)
{
    for (size_t i = 0; cmd_table[i] != NULL; i++)
        if (strcmp(cmd_table[i]->name, name) == 0)
            return cmd_table[i];
    return NULL;
}

static size_t count_options(const struct args_option *options)
{
    size_t count = 0;
    while (options != NULL && options[count].name != NULL)
        count++;
    return count;
}

/* The command's options and the common ones in one table; to be freed. */
static struct args_option *all_options(const struct cmd *cmd)
{
    size_t own = count_options(cmd->options), common = count_options(common_options);
    struct args_option *all = xrealloc(NULL, own + common + 1, sizeof *all);
    if (own > 0)
        memcpy(all, cmd->options, own * sizeof *all);
    memcpy(all + own, common_options, (common + 1) * sizeof *all);
    return all;
}

void cmd_help(const struct cmd *cmd, struct buf *out)
{
    struct args_option *options = all_options(cmd);
    buf_printf(out, "usage: m2sh %s%s%s\n%s\n\n", cmd->name, *cmd->arguments != '\0' ? " " : "",
               cmd->arguments, cmd->help);
    args_help(options, out);
    if (cmd->more != NULL)
        buf_printf(out, "\n%s\n", cmd->more);
    free(options);
}

void cmd_print(struct buf *out)
{
    xbuf_str(out);
    if (out->len > 0)
        fwrite(out->data, 1, out->len, stdout);
    fflush(stdout);
    buf_fini(out);
}

enum status cmd_done(const struct call *c)
{
    if (c->json)
        puts("{\"done\":true}");
    return STATUS_DONE;
}

void cmd_print_table(const struct call *c, struct out_table *t)
{
    struct buf out = BUF_INIT;
    if (c->json) {
        struct out_json j;
        out_json_init(&j, &out);
        out_table_json(t, &j);
        buf_append_char(&out, '\n');
    } else {
        out_table_print(t, &c->term, &out);
    }
    cmd_print(&out);
    out_table_fini(t);
}

enum status cmd_status_of(enum error_code code)
{
    switch (code) {
    case ERROR_NONE: return STATUS_DONE;
    case ERROR_USAGE: return STATUS_USAGE;
    case ERROR_INVALID: return STATUS_INVALID;
    case ERROR_REFUSED: return STATUS_REFUSED;
    case ERROR_TIMEOUT: return STATUS_TIMEOUT;
    case ERROR_UNREACHABLE: return STATUS_UNREACHABLE;
    case ERROR_CONFLICT: return STATUS_MOVED;
    case ERROR_DENIED: return STATUS_DENIED;
    case ERROR_NO_MEMORY:
    case ERROR_INTERNAL: return STATUS_INTERNAL;
    default: return STATUS_NO;
    }
}

static void print_error_json(const struct error *e)
{
    struct buf out = BUF_INIT;
    struct out_json j;
    out_json_init(&j, &out);
    out_json_object(&j);
    out_json_key(&j, "error");
    out_json_object(&j);
    out_json_pair_str(&j, "code", error_code_name(e->code));
    out_json_pair_str(&j, "object", e->object);
    out_json_pair_str(&j, "text", e->text);
    out_json_end(&j);
    out_json_end(&j);
    buf_append_char(&out, '\n');
    cmd_print(&out);
}

enum status cmd_fail(const struct call *c, const struct error *e)
{
    struct out_term term;
    fflush(stdout);
    out_term_init(&term, STDERR_FILENO);
    fprintf(stderr, "%sm2sh%s%s:%s %s%s%s\n", out_term_begin(&term, OUT_BAD),
            c->cmd != NULL ? " " : "", c->cmd != NULL ? c->cmd->name : "",
            out_term_end(&term, OUT_BAD), e->object, e->object[0] != '\0' ? ": " : "", e->text);
    if (c->json)
        print_error_json(e);
    return cmd_status_of(e->code);
}

const char *cmd_db(const struct call *c)
{
    return args_get(&c->args, "db", "config.sqlite");
}

static char *join(int argc, char *const *argv)
{
    struct buf line = BUF_INIT;
    buf_append_str(&line, "m2sh");
    for (int i = 0; i < argc; i++)
        buf_printf(&line, " %s", argv[i]);
    xbuf_str(&line);
    return buf_take(&line);
}

static bool wants_help(int argc, char *const *argv)
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "-help") == 0 || strcmp(argv[i], "--help") == 0)
            return true;
    return false;
}

/* Is JSON asked for? Looked for before the command line is read, which may fail. */
static bool wants_json(int argc, char *const *argv)
{
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i] + (strncmp(argv[i], "--", 2) == 0);
        if (strncmp(word, "-json", 5) != 0 || (word[5] != '\0' && word[5] != '='))
            continue;
        const char *value = word[5] == '=' ? word + 6 : i + 1 < argc ? argv[i + 1] : "";
        return strcmp(value, "0") != 0;
    }
    return false;
}

static enum status refuse_unknown(const struct call *c, const char *name)
{
    struct error e;
    struct suggest s;
    suggest_init(&s, slice_str(name));
    for (size_t i = 0; cmd_table[i] != NULL; i++)
        suggest_offer(&s, slice_str(cmd_table[i]->name));
    if (s.best.len > 0)
        error_set(&e, ERROR_USAGE, "There is no command \"%s\"; did you mean \"%.*s\"?", name,
                  SLICE_ARG(s.best));
    else
        error_set(&e, ERROR_USAGE, "There is no command \"%s\"; m2sh help lists them.", name);
    return cmd_fail(c, &e);
}

static enum status parse_and_run(struct call *c, int argc, char *const *argv)
{
    struct error e;
    if (args_parse(&c->args, c->args.options, argc, argv, 1, &e) != 0)
        return cmd_fail(c, &e);
    if (c->args.rest_count > c->cmd->words_max) {
        error_set(&e, ERROR_USAGE, "The word \"%s\" belongs to no option; see m2sh %s -help.",
                  c->args.rest[c->cmd->words_max], c->cmd->name);
        return cmd_fail(c, &e);
    }
    return c->cmd->run(c);
}

enum status cmd_run(int argc, char *const *argv)
{
    struct call c = {.cmd = cmd_find(argv[0]), .json = wants_json(argc, argv)};
    enum status status;
    if (c.cmd == NULL)
        return refuse_unknown(&c, argv[0]);
    out_term_init(&c.term, STDOUT_FILENO);
    if (wants_help(argc, argv)) {
        struct buf out = BUF_INIT;
        cmd_help(c.cmd, &out);
        cmd_print(&out);
        return STATUS_DONE;
    }
    struct args_option *options = all_options(c.cmd);
    c.args.options = options;
    c.line = join(argc, argv);
    status = parse_and_run(&c, argc, argv);
    args_fini(&c.args);
    free(c.line);
    free(options);
    return status;
}
