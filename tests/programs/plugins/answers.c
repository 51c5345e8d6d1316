/* A configuration module whose URL is a folder: each answer is the content of URL/FUNCTION, or
 * URL/FUNCTION.NUMBER where the function is asked with one; no file, no answer. */

#include <mongrel2/plugin.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

M2_PLUGIN;

static char folder[200];
static char *last;

int config_init(const struct m2_api *api, const char *url)
{
    (void)api;
    snprintf(folder, sizeof folder, "%s", url);
    return strcmp(url, "refuse") == 0 ? -1 : 0;
}

void config_close(void)
{
    free(last); /* what was borrowed must be gone from the server by now */
    last = NULL;
    memset(folder, 0, sizeof folder);
}

static struct m2_bytes content_of(const char *path)
{
    FILE *f = fopen(path, "rb");
    free(last);
    last = NULL;
    if (f == NULL)
        return (struct m2_bytes){NULL, 0};
    fseek(f, 0, SEEK_END);
    long len = ftell(f);
    rewind(f);
    last = malloc((size_t)len + 1);
    if (last != NULL && fread(last, 1, (size_t)len, f) != (size_t)len)
        abort();
    fclose(f);
    return (struct m2_bytes){last, last != NULL ? (size_t)len : 0};
}

static struct m2_bytes answer(const char *function)
{
    char path[300];
    snprintf(path, sizeof path, "%s/%s", folder, function);
    return content_of(path);
}

static struct m2_bytes answer_to(const char *function, int64_t number)
{
    char path[300];
    snprintf(path, sizeof path, "%s/%s.%" PRId64, folder, function, number);
    return content_of(path);
}

struct m2_bytes config_load_settings(void)
{
    return answer("settings");
}

struct m2_bytes config_load_mimetypes(void)
{
    return answer("mimetypes");
}

struct m2_bytes config_load_server(const char *uuid)
{
    (void)uuid;
    return answer("server");
}

struct m2_bytes config_load_hosts(int64_t server_id)
{
    return answer_to("hosts", server_id);
}

struct m2_bytes config_load_routes(int64_t host_id, int64_t server_id)
{
    (void)server_id;
    return answer_to("routes", host_id);
}

struct m2_bytes config_load_handler(int64_t handler_id)
{
    return answer_to("handler", handler_id);
}

struct m2_bytes config_load_proxy(int64_t proxy_id)
{
    return answer_to("proxy", proxy_id);
}

struct m2_bytes config_load_dir(int64_t dir_id)
{
    return answer_to("dir", dir_id);
}

struct m2_bytes config_load_filters(int64_t server_id)
{
    return answer_to("filters", server_id);
}

#if !defined(ONLY_WHAT_MUST_BE)
struct m2_bytes config_load_xrequests(int64_t server_id)
{
    return answer_to("xrequests", server_id);
}

struct m2_bytes config_load_redirect(int64_t redirect_id)
{
    return answer_to("redirect", redirect_id);
}

struct m2_bytes config_load_status(int64_t status_id)
{
    return answer_to("status", status_id);
}
#endif
