/* The length and one byte single out at most one candidate; one comparison by whole words decides.
 * The words of the candidate are constants, made by the compiler from the literal. */

#include "proto/http/field_name.h"

#include "proto/http/scan.h"

#include <stdint.h>

static const struct slice names[FIELD_ID_COUNT] = {
    [FIELD_OTHER] = SLICE(""),
    [FIELD_ACCEPT] = SLICE("accept"),
    [FIELD_ACCEPT_ENCODING] = SLICE("accept-encoding"),
    [FIELD_ACCEPT_LANGUAGE] = SLICE("accept-language"),
    [FIELD_ACCEPT_RANGES] = SLICE("accept-ranges"),
    [FIELD_AUTHORIZATION] = SLICE("authorization"),
    [FIELD_CACHE_CONTROL] = SLICE("cache-control"),
    [FIELD_CONNECTION] = SLICE("connection"),
    [FIELD_CONTENT_ENCODING] = SLICE("content-encoding"),
    [FIELD_CONTENT_LENGTH] = SLICE("content-length"),
    [FIELD_CONTENT_RANGE] = SLICE("content-range"),
    [FIELD_CONTENT_TYPE] = SLICE("content-type"),
    [FIELD_COOKIE] = SLICE("cookie"),
    [FIELD_DATE] = SLICE("date"),
    [FIELD_ETAG] = SLICE("etag"),
    [FIELD_EXPECT] = SLICE("expect"),
    [FIELD_EXPIRES] = SLICE("expires"),
    [FIELD_FORWARDED] = SLICE("forwarded"),
    [FIELD_HOST] = SLICE("host"),
    [FIELD_IF_MATCH] = SLICE("if-match"),
    [FIELD_IF_MODIFIED_SINCE] = SLICE("if-modified-since"),
    [FIELD_IF_NONE_MATCH] = SLICE("if-none-match"),
    [FIELD_IF_RANGE] = SLICE("if-range"),
    [FIELD_IF_UNMODIFIED_SINCE] = SLICE("if-unmodified-since"),
    [FIELD_KEEP_ALIVE] = SLICE("keep-alive"),
    [FIELD_LAST_MODIFIED] = SLICE("last-modified"),
    [FIELD_LOCATION] = SLICE("location"),
    [FIELD_ORIGIN] = SLICE("origin"),
    [FIELD_PROXY_AUTHENTICATE] = SLICE("proxy-authenticate"),
    [FIELD_PROXY_AUTHORIZATION] = SLICE("proxy-authorization"),
    [FIELD_PROXY_CONNECTION] = SLICE("proxy-connection"),
    [FIELD_RANGE] = SLICE("range"),
    [FIELD_REFERER] = SLICE("referer"),
    [FIELD_SEC_WEBSOCKET_ACCEPT] = SLICE("sec-websocket-accept"),
    [FIELD_SEC_WEBSOCKET_EXTENSIONS] = SLICE("sec-websocket-extensions"),
    [FIELD_SEC_WEBSOCKET_KEY] = SLICE("sec-websocket-key"),
    [FIELD_SEC_WEBSOCKET_PROTOCOL] = SLICE("sec-websocket-protocol"),
    [FIELD_SEC_WEBSOCKET_VERSION] = SLICE("sec-websocket-version"),
    [FIELD_SERVER] = SLICE("server"),
    [FIELD_SET_COOKIE] = SLICE("set-cookie"),
    [FIELD_TE] = SLICE("te"),
    [FIELD_TRAILER] = SLICE("trailer"),
    [FIELD_TRANSFER_ENCODING] = SLICE("transfer-encoding"),
    [FIELD_UPGRADE] = SLICE("upgrade"),
    [FIELD_USER_AGENT] = SLICE("user-agent"),
    [FIELD_VARY] = SLICE("vary"),
    [FIELD_VIA] = SLICE("via"),
    [FIELD_X_FORWARDED_FOR] = SLICE("x-forwarded-for"),
    [FIELD_X_FORWARDED_HOST] = SLICE("x-forwarded-host"),
    [FIELD_X_FORWARDED_PROTO] = SLICE("x-forwarded-proto"),
};
_Static_assert(FIELD_ID_COUNT <= 64, "sets of field ids are uint64_t");

struct slice field_name_lower(enum field_id id)
{
    return (unsigned)id < FIELD_ID_COUNT ? names[id] : names[FIELD_OTHER];
}

static inline uint64_t word64(const char *p)
{
    uint64_t w;
    memcpy(&w, p, sizeof w);
    return w | UINT64_C(0x2020202020202020);
}

static inline uint32_t word32(const char *p)
{
    uint32_t w;
    memcpy(&w, p, sizeof w);
    return w | 0x20202020u;
}

/* Do n bytes of a token spell `lower` (letters and "-")? Setting bit 5 folds the case; of the other
 * token characters none is folded onto a letter or "-". `n` is a constant where this is called, so
 * that one branch remains. */
static inline __attribute__((always_inline)) bool spells(const char *p, const char *lower, size_t n)
{
    if (n < 4) {
        for (size_t i = 0; i < n; i++)
            if ((p[i] | 0x20) != lower[i])
                return false;
        return true;
    }
    if (n < 8)
        return ((word32(p) ^ word32(lower)) | (word32(p + n - 4) ^ word32(lower + n - 4))) == 0;
    uint64_t differ = (word64(p) ^ word64(lower)) | (word64(p + n - 8) ^ word64(lower + n - 8));
    if (n > 16)
        differ |= word64(p + 8) ^ word64(lower + 8);
    return differ == 0;
}

#define NAME(literal, id) return spells(p, literal, sizeof(literal) - 1) ? (id) : FIELD_OTHER

static enum field_id short_name_id(const char *p, size_t len)
{
    switch (len) {
    case 2: NAME("te", FIELD_TE);
    case 3: NAME("via", FIELD_VIA);
    case 4:
        switch (p[0] | 0x20) {
        case 'h': NAME("host", FIELD_HOST);
        case 'd': NAME("date", FIELD_DATE);
        case 'e': NAME("etag", FIELD_ETAG);
        case 'v': NAME("vary", FIELD_VARY);
        default: return FIELD_OTHER;
        }
    case 5: NAME("range", FIELD_RANGE);
    case 6:
        switch (p[0] | 0x20) {
        case 'a': NAME("accept", FIELD_ACCEPT);
        case 'c': NAME("cookie", FIELD_COOKIE);
        case 'e': NAME("expect", FIELD_EXPECT);
        case 'o': NAME("origin", FIELD_ORIGIN);
        case 's': NAME("server", FIELD_SERVER);
        default: return FIELD_OTHER;
        }
    case 7:
        switch (p[0] | 0x20) {
        case 'u': NAME("upgrade", FIELD_UPGRADE);
        case 't': NAME("trailer", FIELD_TRAILER);
        case 'r': NAME("referer", FIELD_REFERER);
        case 'e': NAME("expires", FIELD_EXPIRES);
        default: return FIELD_OTHER;
        }
    case 8:
        switch (p[3] | 0x20) {
        case 'm': NAME("if-match", FIELD_IF_MATCH);
        case 'r': NAME("if-range", FIELD_IF_RANGE);
        case 'a': NAME("location", FIELD_LOCATION);
        default: return FIELD_OTHER;
        }
    case 9: NAME("forwarded", FIELD_FORWARDED);
    case 10:
        switch (p[0] | 0x20) {
        case 'c': NAME("connection", FIELD_CONNECTION);
        case 'k': NAME("keep-alive", FIELD_KEEP_ALIVE);
        case 'u': NAME("user-agent", FIELD_USER_AGENT);
        case 's': NAME("set-cookie", FIELD_SET_COOKIE);
        default: return FIELD_OTHER;
        }
    default: return FIELD_OTHER;
    }
}

static enum field_id long_name_id(const char *p, size_t len)
{
    switch (len) {
    case 12: NAME("content-type", FIELD_CONTENT_TYPE);
    case 13:
        switch (p[1] | 0x20) {
        case 'f': NAME("if-none-match", FIELD_IF_NONE_MATCH);
        case 'a':
            if ((p[0] | 0x20) == 'c')
                NAME("cache-control", FIELD_CACHE_CONTROL);
            NAME("last-modified", FIELD_LAST_MODIFIED);
        case 'c': NAME("accept-ranges", FIELD_ACCEPT_RANGES);
        case 'u': NAME("authorization", FIELD_AUTHORIZATION);
        case 'o': NAME("content-range", FIELD_CONTENT_RANGE);
        default: return FIELD_OTHER;
        }
    case 14: NAME("content-length", FIELD_CONTENT_LENGTH);
    case 15:
        switch (p[7] | 0x20) {
        case 'e': NAME("accept-encoding", FIELD_ACCEPT_ENCODING);
        case 'l': NAME("accept-language", FIELD_ACCEPT_LANGUAGE);
        case 'r': NAME("x-forwarded-for", FIELD_X_FORWARDED_FOR);
        default: return FIELD_OTHER;
        }
    case 16:
        switch (p[0] | 0x20) {
        case 'x': NAME("x-forwarded-host", FIELD_X_FORWARDED_HOST);
        case 'p': NAME("proxy-connection", FIELD_PROXY_CONNECTION);
        case 'c': NAME("content-encoding", FIELD_CONTENT_ENCODING);
        default: return FIELD_OTHER;
        }
    case 17:
        switch (p[0] | 0x20) {
        case 'i': NAME("if-modified-since", FIELD_IF_MODIFIED_SINCE);
        case 't': NAME("transfer-encoding", FIELD_TRANSFER_ENCODING);
        case 's': NAME("sec-websocket-key", FIELD_SEC_WEBSOCKET_KEY);
        case 'x': NAME("x-forwarded-proto", FIELD_X_FORWARDED_PROTO);
        default: return FIELD_OTHER;
        }
    case 18: NAME("proxy-authenticate", FIELD_PROXY_AUTHENTICATE);
    case 19:
        if ((p[0] | 0x20) == 'i')
            NAME("if-unmodified-since", FIELD_IF_UNMODIFIED_SINCE);
        NAME("proxy-authorization", FIELD_PROXY_AUTHORIZATION);
    case 20: NAME("sec-websocket-accept", FIELD_SEC_WEBSOCKET_ACCEPT);
    case 21: NAME("sec-websocket-version", FIELD_SEC_WEBSOCKET_VERSION);
    case 22: NAME("sec-websocket-protocol", FIELD_SEC_WEBSOCKET_PROTOCOL);
    case 24: NAME("sec-websocket-extensions", FIELD_SEC_WEBSOCKET_EXTENSIONS);
    default: return FIELD_OTHER;
    }
}

enum field_id field_name_id(struct slice name)
{
    return name.len <= 10 ? short_name_id(name.ptr, name.len) : long_name_id(name.ptr, name.len);
}

bool field_name_is_token(struct slice s)
{
    return s.len > 0 && scan_token(s.ptr, s.ptr + s.len) == s.ptr + s.len;
}
