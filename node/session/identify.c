#include "node/session/identify.h"

#include "node/session/http1.h"
#include "node/session/jssocket.h"
#include "proto/http/socket_message.h"

bool identify(struct conn *c)
{
    bool is_socket = socket_message_begins(conn_input(c).ptr[0]);
    const struct session_ops *session = is_socket ? &session_jssocket : &session_http1;
    if (session == c->session)
        return false;
    c->session = session;
    session->input(c);
    return true;
}
