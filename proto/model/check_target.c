/* What routes lead to, except handlers. */

#include "proto/model/check_rules.h"
#include "proto/model/check_syntax.h"
#include "proto/model/describe.h"
#include "proto/model/settings.h"

#define RETRIES_MAX 100

static void check_directory(struct checking *c, const struct row *r)
{
    struct slice base;
    int64_t limit = setting_int(c->model, SETTING_LIMITS_DIR_MAX_PATH);
    if (check_has_text(r, DIRECTORY_BASE, &base)) {
        if (base.len == 0 || base.ptr[base.len - 1] != '/')
            check_error(c, r, DIRECTORY_BASE, "base must end in '/'");
        if ((int64_t)base.len >= limit)
            check_error(c, r, DIRECTORY_BASE,
                        "base has %zu bytes; it must be shorter than the setting "
                        "limits.dir_max_path (%lld)",
                        base.len, (long long)limit);
    }
    check_text(c, r, DIRECTORY_DEFAULT_CTYPE, syntax_content_type);
    check_range(c, r, DIRECTORY_CACHE_TTL, 0, INT32_MAX);
}

static void check_upstreams(struct checking *c, const struct row *r, struct slice list)
{
    while (list.len > 0) {
        size_t end = slice_find(list, ' ');
        struct slice word = slice_of(list.ptr, end);
        const char *right = word.len > 0 ? syntax_upstream(word) : NULL;
        if (right != NULL) {
            struct buf shown = BUF_INIT;
            describe_text(&shown, word);
            check_error(c, r, PROXY_UPSTREAMS, "upstreams holds %s; each must be %s",
                        buf_str(&shown), right);
            buf_fini(&shown);
        }
        list = slice_from(list, end < list.len ? end + 1 : end);
    }
}

static void check_proxy_address(struct checking *c, const struct row *r)
{
    struct slice upstreams, addr;
    if (!check_has_text(r, PROXY_UPSTREAMS, &upstreams) || !check_has_text(r, PROXY_ADDR, &addr))
        return;
    if (upstreams.len > 0) {
        check_upstreams(c, r, upstreams);
        if (addr.len > 0)
            check_warning(c, r, PROXY_ADDR, "addr and port have no effect beside upstreams");
        return;
    }
    if (addr.len == 0)
        check_error(c, r, PROXY_ADDR, "addr is missing; give addr and port, or upstreams");
    else if (slice_find(addr, ' ') < addr.len || syntax_has_control(addr))
        check_error(c, r, PROXY_ADDR, "addr must be a host name or an address, without blanks");
    check_range(c, r, PROXY_PORT, 1, 65535);
}

static void check_proxy(struct checking *c, const struct row *r)
{
    struct slice path;
    check_proxy_address(c, r);
    check_words(c, r, PROXY_BALANCE, "least_conn round_robin hash");
    if (check_has_text(r, PROXY_CHECK, &path) && path.len > 0 &&
        (path.ptr[0] != '/' || slice_find(path, ' ') < path.len || syntax_has_control(path)))
        check_error(c, r, PROXY_CHECK, "check must be a path that begins with '/', without blanks");
    check_range(c, r, PROXY_TIMEOUT, 1, TIMEOUT_MAX_S);
    check_range(c, r, PROXY_RETRIES, 0, RETRIES_MAX);
}

static void check_redirect(struct checking *c, const struct row *r)
{
    int64_t status;
    check_text(c, r, REDIRECT_TO, syntax_location);
    if (check_has_int(r, REDIRECT_STATUS, &status) && status != 301 && status != 302 &&
        status != 303 && status != 307 && status != 308)
        check_error(c, r, REDIRECT_STATUS, "status is %lld; it must be 301, 302, 303, 307 or 308",
                    (long long)status);
}

void check_targets(struct checking *c)
{
    const struct model *m = c->model;
    for (size_t i = 0; i < model_count(m, TABLE_DIRECTORY); i++)
        check_directory(c, model_row(m, TABLE_DIRECTORY, i));
    for (size_t i = 0; i < model_count(m, TABLE_PROXY); i++)
        check_proxy(c, model_row(m, TABLE_PROXY, i));
    for (size_t i = 0; i < model_count(m, TABLE_REDIRECT); i++)
        check_redirect(c, model_row(m, TABLE_REDIRECT, i));
    for (size_t i = 0; i < model_count(m, TABLE_STATUS); i++)
        check_words(c, model_row(m, TABLE_STATUS, i), STATUS_WHAT,
                    "health metrics status dashboard");
}
