/* completion: a script that teaches a shell the commands and options of m2sh. Made from the tables
 * that run them, so that it is never behind. */

#include "m2sh/base/xalloc.h"
#include "m2sh/cmd_table.h"

#include <ctype.h>
#include <string.h>

/* What can be said of the value of an option. */
enum value {
    VALUE_NONE,  /* a flag */
    VALUE_FILE,  /* of a file there is */
    VALUE_WORDS, /* one of "a|b|c" */
    VALUE_OTHER, /* nobody can guess it */
};

static const struct args_option common[] = {{"json", NULL, "Results and failures as JSON."},
                                            {"help", NULL, "Shows the options."},
                                            {NULL, NULL, NULL}};

static bool is_words(const char *value)
{
    for (const char *p = value; *p != '\0'; p++)
        if (!islower((unsigned char)*p) && *p != '|')
            return false;
    return strchr(value, '|') != NULL;
}

static enum value value_of(const struct args_option *o)
{
    if (o->value == NULL || o->value[0] == '[')
        return VALUE_NONE;
    if (strcmp(o->value, "FILE") == 0 || strcmp(o->value, "DIR") == 0)
        return VALUE_FILE;
    return is_words(o->value) ? VALUE_WORDS : VALUE_OTHER;
}

/* The words of "a|b|c", separated by blanks. */
static void put_words(struct buf *out, const char *value)
{
    for (; *value != '\0'; value++)
        buf_append_char(out, *value == '|' ? ' ' : *value);
}

/* Inside quotes '…' of any of these shells; what is in `special` gets a backslash too. */
static void put_quoted(struct buf *out, const char *text, const char *special)
{
    for (; *text != '\0'; text++) {
        if (*text == '\'')
            buf_append_str(out, "'\\'");
        else if (strchr(special, *text) != NULL)
            buf_append_char(out, '\\');
        buf_append_char(out, *text);
    }
}

/* Calls `each` for every option of the command, those that all have included. */
static void each_option(struct buf *out, const struct cmd *cmd,
                        void (*each)(struct buf *out, const struct cmd *cmd,
                                     const struct args_option *o))
{
    for (const struct args_option *o = cmd->options; o != NULL && o->name != NULL; o++)
        each(out, cmd, o);
    for (const struct args_option *o = common; o->name != NULL; o++)
        each(out, cmd, o);
}

/* ---- bash --------------------------------------------------------------------------------- */

static void bash_name(struct buf *out, const struct cmd *cmd, const struct args_option *o)
{
    (void)cmd;
    buf_printf(out, " -%s", o->name);
}

static void bash_value(struct buf *out, const struct cmd *cmd, const struct args_option *o)
{
    enum value value = value_of(o);
    if (value == VALUE_NONE)
        return;
    buf_printf(out, "        '%s -%s') ", cmd->name, o->name);
    if (value == VALUE_FILE) {
        buf_append_str(out, "compopt -o filenames; COMPREPLY=($(compgen -f -- \"$word\")); ");
    } else if (value == VALUE_WORDS) {
        buf_append_str(out, "COMPREPLY=($(compgen -W '");
        put_words(out, o->value);
        buf_append_str(out, "' -- \"$word\")); ");
    }
    buf_append_str(out, "return ;;\n");
}

static void print_bash(struct buf *out)
{
    buf_append_str(out,
                   "# m2sh for bash, made by `m2sh completion bash`.\n"
                   "_m2sh() {\n"
                   "    local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
                   "    COMPREPLY=()\n"
                   "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
                   "        COMPREPLY=($(compgen -W '");
    for (size_t i = 0; cmd_table[i] != NULL; i++)
        buf_printf(out, "%s%s", i > 0 ? " " : "", cmd_table[i]->name);
    buf_append_str(out, "' -- \"$word\"))\n        return\n    fi\n"
                        "    case \"${COMP_WORDS[1]} $before\" in\n");
    for (size_t i = 0; cmd_table[i] != NULL; i++)
        each_option(out, cmd_table[i], bash_value);
    buf_append_str(out, "    esac\n    case ${COMP_WORDS[1]} in\n");
    for (size_t i = 0; cmd_table[i] != NULL; i++) {
        buf_printf(out, "        %s) COMPREPLY=($(compgen -W '", cmd_table[i]->name);
        each_option(out, cmd_table[i], bash_name);
        buf_append_str(out, "' -- \"$word\")) ;;\n");
    }
    buf_append_str(out, "    esac\n}\ncomplete -F _m2sh m2sh\n");
}

/* ---- zsh ---------------------------------------------------------------------------------- */

static void zsh_option(struct buf *out, const struct cmd *cmd, const struct args_option *o)
{
    (void)cmd;
    buf_printf(out, " \\\n            '-%s[", o->name);
    put_quoted(out, o->help, "[]:\\");
    buf_append_char(out, ']');
    switch (value_of(o)) {
    case VALUE_NONE: break;
    case VALUE_FILE: buf_append_str(out, ":file:_files"); break;
    case VALUE_WORDS:
        buf_append_str(out, ":word:(");
        put_words(out, o->value);
        buf_append_char(out, ')');
        break;
    case VALUE_OTHER: buf_append_str(out, ":value: "); break;
    }
    buf_append_char(out, '\'');
}

static void print_zsh(struct buf *out)
{
    buf_append_str(out, "#compdef m2sh\n# m2sh for zsh, made by `m2sh completion zsh`.\n"
                        "_m2sh() {\n    local -a commands=(\n");
    for (size_t i = 0; cmd_table[i] != NULL; i++) {
        buf_printf(out, "        '%s:", cmd_table[i]->name);
        put_quoted(out, cmd_table[i]->help, ":\\");
        buf_append_str(out, "'\n");
    }
    buf_append_str(out, "    )\n"
                        "    if (( CURRENT == 2 )); then\n"
                        "        _describe command commands\n"
                        "        return\n"
                        "    fi\n"
                        "    local command=$words[2]\n"
                        "    shift words\n"
                        "    (( CURRENT-- ))\n"
                        "    case $command in\n");
    for (size_t i = 0; cmd_table[i] != NULL; i++) {
        buf_printf(out, "        %s) _arguments", cmd_table[i]->name);
        each_option(out, cmd_table[i], zsh_option);
        buf_append_str(out, " ;;\n");
    }
    buf_append_str(
        out, "    esac\n}\n"
             "if [[ $funcstack[1] == _m2sh ]]; then _m2sh \"$@\"; else compdef _m2sh m2sh; fi\n");
}

/* ---- fish --------------------------------------------------------------------------------- */

static void fish_option(struct buf *out, const struct cmd *cmd, const struct args_option *o)
{
    buf_printf(out, "complete -c m2sh -n '__fish_seen_subcommand_from %s' -o %s -d '", cmd->name,
               o->name);
    put_quoted(out, o->help, "\\");
    buf_append_char(out, '\'');
    switch (value_of(o)) {
    case VALUE_NONE: break;
    case VALUE_FILE: buf_append_str(out, " -r -F"); break;
    case VALUE_WORDS:
        buf_append_str(out, " -x -a '");
        put_words(out, o->value);
        buf_append_char(out, '\'');
        break;
    case VALUE_OTHER: buf_append_str(out, " -x"); break;
    }
    buf_append_char(out, '\n');
}

static void print_fish(struct buf *out)
{
    buf_append_str(out, "# m2sh for fish, made by `m2sh completion fish`.\ncomplete -c m2sh -f\n");
    for (size_t i = 0; cmd_table[i] != NULL; i++) {
        buf_printf(out, "complete -c m2sh -n __fish_use_subcommand -a %s -d '", cmd_table[i]->name);
        put_quoted(out, cmd_table[i]->help, "\\");
        buf_append_str(out, "'\n");
        each_option(out, cmd_table[i], fish_option);
    }
}

/* ---- the command -------------------------------------------------------------------------- */

static const struct {
    const char *name;
    void (*print)(struct buf *out);
} shells[] = {{"bash", print_bash}, {"zsh", print_zsh}, {"fish", print_fish}};

static enum status run(struct call *c)
{
    struct error e;
    struct buf out = BUF_INIT;
    const char *name = c->args.rest_count > 0 ? c->args.rest[0] : "";
    for (size_t i = 0; i < sizeof shells / sizeof shells[0]; i++)
        if (strcmp(shells[i].name, name) == 0) {
            shells[i].print(&out);
            cmd_print(&out);
            return STATUS_DONE;
        }
    error_set(&e, ERROR_USAGE, "Say for which shell: bash, zsh or fish.");
    return cmd_fail(c, &e);
}

const struct cmd cmd_completion = {
    .name = "completion",
    .help = "Prints a script for a shell's Tab key.",
    .arguments = "bash | zsh | fish",
    .more = "For bash: source <(m2sh completion bash). Packages install them.",
    .options = (const struct args_option[]){OPTION_END},
    .words_max = 1,
    .run = run,
};
