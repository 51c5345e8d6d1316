/* All counters and gauges of the node, in one table with their help text (counters.c): everyone
 * counts, metrics.c and the control port read. Plain fields: one loop, no locks. */
#ifndef NODE_STATS_COUNTERS_H
#define NODE_STATS_COUNTERS_H

#include "proto/base/histogram.h"

#include <stddef.h>
#include <stdint.h>

/* name, help */
#define COUNTERS(X)                                                                              \
    X(connections_accepted, "Client connections accepted")                                       \
    X(connections_closed, "Client connections closed")                                           \
    X(accept_errors, "Failures of accept, such as no descriptors left")                          \
    X(bad_proxy_headers, "Connections closed for want of a PROXY protocol header")               \
    X(tls_handshakes, "TLS handshakes completed, resumed ones among them")                       \
    X(tls_resumed, "TLS handshakes that went on with an earlier session")                        \
    X(tls_failures, "Connections that began a TLS handshake and did not complete it")            \
    X(requests, "Requests whose head was complete")                                              \
    X(requests_bad, "Requests refused as malformed or over a limit")                             \
    X(responses_1xx, "Interim responses")                                                        \
    X(responses_2xx, "Responses with status 2xx")                                                \
    X(responses_3xx, "Responses with status 3xx")                                                \
    X(responses_4xx, "Responses with status 4xx")                                                \
    X(responses_5xx, "Responses with status 5xx")                                                \
    X(bytes_received, "Bytes read from clients")                                                 \
    X(bytes_sent, "Bytes written to clients")                                                    \
    X(handler_requests, "Requests handed to handlers")                                           \
    X(handler_replies, "Reply messages from handlers")                                           \
    X(handler_replies_bad, "Malformed reply messages, dropped")                                  \
    X(handler_deliveries, "Payloads given to listeners")                                         \
    X(handler_unknown_targets, "Listeners named in replies that were not there")                 \
    X(channel_sends, "Messages sent into channels")                                              \
    X(disconnect_notices, "Notices sent to handlers: disconnect, credits")                       \
    X(websockets, "WebSockets opened")                                                           \
    X(websocket_messages, "Messages and frames of WebSockets handed to handlers")                \
    X(websocket_faults, "WebSockets closed because of what the client or the handler did")       \
    X(socket_messages, "Messages of JSON and XML sockets handed to handlers")                    \
    X(socket_closes, "JSON and XML sockets closed because no handler took a message in time")    \
    X(uploads_begun, "Request bodies begun that go to a file or in parts")                       \
    X(uploads_done, "Of these, handed over whole")                                               \
    X(uploads_failed, "Of these, given up: the client or the handler gone, or an error")         \
    X(upload_bytes, "Bytes of such bodies")                                                      \
    X(upload_errors, "Files of uploads that could not be written, such as for want of space")    \
    X(timeouts, "Connections or requests that ran into a deadline")                              \
    X(output_limit_closes, "Connections closed because their unread output passed the limit")    \
    X(upstream_connects, "Connections opened to proxied servers")                                \
    X(upstream_errors, "Failures of proxied servers")                                            \
    X(pool_retries, "Requests given to another worker after one died")                           \
    X(pool_losses, "Requests lost with a worker")                                                \
    X(pool_queue_full, "Requests refused because a pool's queue was full")                       \
    X(pool_queue_timeouts, "Requests that waited too long in a pool's queue")                    \
    X(handler_keys_refused, "Connections of handlers refused for their key, or for want of one") \
    X(filter_closes, "Connections that a filter closed")                                         \
    X(config_swaps, "Configurations put in place")                                               \
    X(config_refused, "Configurations that could not be built")

struct counters {
#define X(name, help) uint64_t name;
    COUNTERS(X)
#undef X
    struct histogram latency; /* of exchanges: head complete to answer handed over, microseconds */
};

struct counter_info {
    const char *name;
    const char *help;
    size_t offset; /* of the uint64_t in struct counters */
};
extern const struct counter_info counter_table[];
extern const size_t counter_count;

/* Counts a final response of this status. */
void counters_response(struct counters *c, int status);

#endif
