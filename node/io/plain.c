/* The plain transport: the kernel's calls and nothing else. */

#include "node/io/conn.h"
#include "node/io/transport.h"

#include <sys/sendfile.h>
#include <sys/uio.h>
#include <unistd.h>

static ssize_t plain_read(struct conn *c, void *into, size_t room)
{
    return read(c->io.fd, into, room);
}

/* write(2) for the usual single vector saves the kernel the import of the vector array. */
static ssize_t plain_write(struct conn *c, const struct iovec *vectors, int count)
{
    if (count == 1)
        return write(c->io.fd, vectors[0].iov_base, vectors[0].iov_len);
    return writev(c->io.fd, vectors, count);
}

static ssize_t plain_sendfile(struct conn *c, int fd, off_t *from, size_t len)
{
    return sendfile(c->io.fd, fd, from, len);
}

const struct transport_ops transport_plain = {
    .name = "plain",
    .read = plain_read,
    .write = plain_write,
    .sendfile = plain_sendfile,
};
