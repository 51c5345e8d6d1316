/* An m2_value is a tns_value under a name that outsiders may know. */

#include "node/plugin/values.h"

#include "proto/base/log.h"

static const struct tns_value *of(const struct m2_value *v)
{
    return (const struct tns_value *)(const void *)v;
}

static void put_log(enum m2_log_level level, const char *text)
{
    if ((unsigned)level <= M2_LOG_DEBUG)
        log_write((enum log_level)level, "plugin", "%s", text);
}

static enum m2_type get_type(const struct m2_value *v)
{
    return v != NULL ? (enum m2_type)of(v)->type : M2_NULL;
}

static struct m2_bytes get_string(const struct m2_value *v)
{
    if (get_type(v) != M2_STRING)
        return (struct m2_bytes){NULL, 0};
    return (struct m2_bytes){of(v)->string.ptr, of(v)->string.len};
}

static int64_t get_integer(const struct m2_value *v)
{
    return get_type(v) == M2_INTEGER ? of(v)->integer : 0;
}

static int get_boolean(const struct m2_value *v)
{
    return get_type(v) == M2_BOOLEAN && of(v)->boolean;
}

static size_t get_count(const struct m2_value *v)
{
    enum m2_type type = get_type(v);
    return type == M2_LIST ? of(v)->item_count : type == M2_DICT ? of(v)->pair_count : 0;
}

static const struct m2_value *get_at(const struct m2_value *v, size_t i)
{
    if (i >= get_count(v))
        return NULL;
    return plugin_value(get_type(v) == M2_LIST ? &of(v)->items[i] : &of(v)->pairs[i].value);
}

static struct m2_bytes get_key(const struct m2_value *v, size_t i)
{
    if (get_type(v) != M2_DICT || i >= of(v)->pair_count)
        return (struct m2_bytes){NULL, 0};
    struct slice key = of(v)->pairs[i].key;
    return (struct m2_bytes){key.ptr, key.len};
}

static const struct m2_value *get_member(const struct m2_value *v, const char *key)
{
    return get_type(v) == M2_DICT && key != NULL ? plugin_value(tns_get(of(v), key)) : NULL;
}

void plugin_api_values(struct m2_api *api)
{
    api->abi = M2_PLUGIN_ABI;
    api->size = sizeof *api;
    api->log = put_log;
    api->type = get_type;
    api->string = get_string;
    api->integer = get_integer;
    api->boolean = get_boolean;
    api->count = get_count;
    api->at = get_at;
    api->key = get_key;
    api->get = get_member;
}
