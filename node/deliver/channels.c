/* Two intrusive lists: a channel's members, for sending; a connection's memberships, for closing.
 * The latter is single and short, since a pointer per idle connection is all that it may cost. */

#include "node/deliver/channels.h"

#include <stdlib.h>
#include <string.h>

void channels_init(struct channels *cs)
{
    cs->by_name = MAP_INIT;
    cs->members = 0;
}

void channels_fini(struct channels *cs)
{
    map_fini(&cs->by_name, free);
}

struct channel *channels_find(const struct channels *cs, struct slice name)
{
    return map_get(&cs->by_name, name);
}

static struct channel *channel_create(struct channels *cs, struct slice name)
{
    struct channel *ch = malloc(sizeof *ch + name.len);
    if (ch == NULL)
        return NULL;
    list_init(&ch->members);
    ch->count = 0;
    ch->name_len = name.len;
    memcpy(ch->name, name.ptr, name.len);
    if (map_put(&cs->by_name, name, ch, NULL) == 0)
        return ch;
    free(ch);
    return NULL;
}

static void channel_release(struct channels *cs, struct channel *ch)
{
    if (ch->count > 0)
        return;
    map_remove(&cs->by_name, slice_of(ch->name, ch->name_len));
    free(ch);
}

/* Where the connection's list points to its membership in `ch`; to NULL when it is not in there. */
static struct membership **find(struct conn *c, const struct channel *ch, size_t *count)
{
    struct membership **at = &c->channels;
    for (*count = 0; *at != NULL && (*at)->channel != ch; at = &(*at)->next)
        ++*count;
    return at;
}

int channels_join(struct channels *cs, struct conn *c, struct slice name)
{
    size_t count;
    struct channel *ch = channels_find(cs, name);
    struct membership **at = find(c, ch, &count);
    if (*at != NULL)
        return 0;
    if (count >= CHANNELS_MOST || (ch == NULL && (ch = channel_create(cs, name)) == NULL))
        return -1;
    struct membership *m = malloc(sizeof *m);
    if (m == NULL) {
        channel_release(cs, ch);
        return -1;
    }
    *m = (struct membership){.conn = c, .channel = ch};
    *at = m;
    list_push_back(&ch->members, &m->link);
    ch->count++;
    cs->members++;
    return 0;
}

/* Takes the membership at *at out of both lists. */
static void leave(struct channels *cs, struct membership **at)
{
    struct membership *m = *at;
    struct channel *ch = m->channel;
    *at = m->next;
    list_remove(&m->link);
    free(m);
    cs->members--;
    ch->count--;
    channel_release(cs, ch);
}

void channels_leave(struct channels *cs, struct conn *c, struct slice name)
{
    size_t count;
    struct channel *ch = channels_find(cs, name);
    if (ch == NULL)
        return;
    struct membership **at = find(c, ch, &count);
    if (*at != NULL)
        leave(cs, at);
}

void channels_leave_all(struct channels *cs, struct conn *c)
{
    while (c->channels != NULL)
        leave(cs, &c->channels);
}
