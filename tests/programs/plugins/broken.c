/* Plug-ins that must be refused: what is wrong with them is said when they are compiled. */

#include <mongrel2/plugin.h>

#include <stddef.h>

#if defined(OTHER_VERSION)
extern const uint32_t mongrel2_plugin_abi;
const uint32_t mongrel2_plugin_abi = M2_PLUGIN_ABI + 1;
#elif !defined(NO_VERSION)
M2_PLUGIN;
#endif

#if !defined(NO_INIT)
const int *filter_init(const struct m2_api *api, const char *path, int *count)
{
#if defined(BAD_EVENT)
    static const int events[] = {M2_OPEN, 99};
#else
    static const int events[] = {M2_OPEN};
#endif
    (void)api, (void)path;
    *count = sizeof events / sizeof events[0];
#if defined(REFUSES)
    return NULL;
#else
    return events;
#endif
}
#endif

#if !defined(NO_TRANSITION)
int filter_transition(int event, struct m2_conn *conn, const struct m2_value *settings)
{
    (void)conn, (void)settings;
    return event;
}
#endif

m2_xrequest *xrequest_init(const struct m2_api *api, const char *path,
                           const struct m2_value *settings, const char *const **keys, int *count)
{
    (void)api, (void)path, (void)settings, (void)keys;
    *count = 0;
    return NULL;
}
