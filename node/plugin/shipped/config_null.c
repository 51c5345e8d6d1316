/* A configuration module that has no configuration: it begins for the URL "goodpath" only, and
 * gives nothing, so that the server does not start. The frame of a module, to copy from, and to see
 * whether modules work. */

#include <mongrel2/plugin.h>

#include <stdio.h>
#include <string.h>

M2_PLUGIN;

static const struct m2_bytes nothing = {NULL, 0};

int config_init(const struct m2_api *api, const char *url)
{
    char line[300];
    int is_good = strcmp(url, "goodpath") == 0;
    snprintf(line, sizeof line, "%s: %.200s", is_good ? "Got the good path" : "Got the bad path",
             url);
    api->log(is_good ? M2_LOG_INFO : M2_LOG_ERROR, line);
    return is_good ? 0 : -1;
}

void config_close(void)
{
}

struct m2_bytes config_load_settings(void)
{
    return nothing;
}

struct m2_bytes config_load_mimetypes(void)
{
    return nothing;
}

struct m2_bytes config_load_server(const char *uuid)
{
    (void)uuid;
    return nothing;
}

struct m2_bytes config_load_hosts(int64_t server_id)
{
    (void)server_id;
    return nothing;
}

struct m2_bytes config_load_routes(int64_t host_id, int64_t server_id)
{
    (void)host_id, (void)server_id;
    return nothing;
}

struct m2_bytes config_load_handler(int64_t handler_id)
{
    (void)handler_id;
    return nothing;
}

struct m2_bytes config_load_proxy(int64_t proxy_id)
{
    (void)proxy_id;
    return nothing;
}

struct m2_bytes config_load_dir(int64_t dir_id)
{
    (void)dir_id;
    return nothing;
}

struct m2_bytes config_load_filters(int64_t server_id)
{
    (void)server_id;
    return nothing;
}
