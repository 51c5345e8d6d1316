/* A push, the lease and catching up, as a model that spin searches through (tests/system/test_model.py).
 *
 * Two coordinators on one store, two nodes, a person who pushes twice. Whatever may fail does: messages
 * are lost, coordinators and nodes die and come back, the lease goes over while its old holder still
 * believes in it, the store has appended and cannot say so. Time is nothing but the order of steps, so a
 * deadline may pass at any moment.
 *
 * The states are those of coordinator/push.h and node/cluster/follow.h, by the same names. Left out are
 * PUSH_WAIT (nothing is published in it) and FOLLOW_NACKED (a node that cannot apply says no here). Nodes
 * do not heed the tokens of leaders here: what must hold holds without.
 *
 * What must hold (docs/reference/commits.md, "What always holds"):
 *   I1  a commit that was reported is in the store for ever, and the same
 *   I2  a node serves whole commits only, and none that is not in the store
 *   I3  a push that was taken back is in no store, and no node holds it in the end
 *   I4  in the end every node serves the head, holds nothing, and knows of no other history
 *   I5  whoever appends holds the newest token
 *   I6  no node goes back to an older commit while it runs
 * That applying a commit fails no request is the data plane's, and tests/system/test_a_push_drops_no_request.py.
 *
 * Each guard that makes one of them true can be switched off (NO_FENCE, EARLY_ACTIVATE, NO_BEAT,
 * BLIND_RESOLVE, FENCE_FIRST): then the search must find the failure. */

#define PUSHES 2
#ifndef COORDINATOR_DEATHS
#define COORDINATOR_DEATHS 1
#endif
#ifndef NODE_DEATHS
#define NODE_DEATHS 1
#endif
#ifndef TOKENS
#define TOKENS 2 /* how often the lease may change hands */
#endif
#define NODES        2
#define COORDINATORS 2

mtype = { PUSH_PREPARE, PUSH_STORE, PUSH_RESOLVE, PUSH_ACTIVATE, PUSH_DONE };
mtype = { FOLLOW_STEADY, FOLLOW_HOLDING, FOLLOW_FETCHING, FOLLOW_DIVERGED };
mtype = { prepare, activate, abort };

/* The store. Contents are numbered by the pushes, from 1. */
byte head = 0, token = 0;
byte chain[PUSHES + 1];

/* The world's memory, to judge by. */
byte pushed = 0;               /* how many pushes were begun */
byte reported[PUSHES + 1];     /* by version: the content that was reported as stored */
bool taken_back[PUSHES + 1];   /* by content */
byte coordinator_deaths = 0, node_deaths = 0;

/* Coordinators, as others see them in their beats. */
bool leads[COORDINATORS], stale[COORDINATORS];
byte my_token[COORDINATORS], known[COORDINATORS]; /* the head that it has read */
mtype push[COORDINATORS];
byte content[COORDINATORS];

/* Nodes. */
mtype follow[NODES];
byte serves[NODES], served[NODES];     /* version and content */
byte disk[NODES], disk_content[NODES]; /* the last known good */
byte holds[NODES], held[NODES];
byte ready[COORDINATORS * NODES]; /* the content that the node has said yes to */

chan box0 = [2] of { mtype, byte, byte, byte }; /* what, version, content, from */
chan box1 = [2] of { mtype, byte, byte, byte };

/* I1 and I3; after each step that could break them. */
inline judge_kept()
{
    assert(reported[1] == 0 || (head >= 1 && chain[1] == reported[1]));
    assert(reported[2] == 0 || (head >= 2 && chain[2] == reported[2]));
    assert(chain[1] == 0 || !taken_back[chain[1]]);
    assert(chain[2] == 0 || !taken_back[chain[2]])
}

/* Is lost, or waits in the node's socket. */
inline publish_to(box, what)
{
    if
    :: nfull(box) -> box!what, known[me] + 1, content[me], me
    :: skip
    fi
}

inline publish(what)
{
    publish_to(box0, what);
    publish_to(box1, what)
}

inline take_back()
{
    taken_back[content[me]] = true;
    judge_kept();
    publish(abort);
    push[me] = PUSH_DONE
}

#ifdef NO_FENCE
#define fenced true
#else
#define fenced (my_token[me] == token)
#endif
#define expected (head == known[me])
/* Sent again after a lost answer: what it has already counts as appended, whoever leads by now. */
#define kept (head > known[me] && chain[known[me] + 1] == content[me])
#ifdef BLIND_RESOLVE
#define is_there false
#else
#ifdef FENCE_FIRST
#define is_there (kept && my_token[me] == token)
#else
#define is_there kept
#endif
#endif

#ifdef EARLY_ACTIVATE
#define is_early true
#else
#define is_early false
#endif

/* One step of the store: 0 refused, 1 appended (or it was already). */
inline append(result)
{
    if
    :: is_there -> result = 1
    :: !is_there && (!fenced || !expected) -> result = 0
    :: !is_there && fenced && expected ->
        assert(my_token[me] == token); /* I5 */
        head = known[me] + 1;
        chain[head] = content[me];
        judge_kept();
        result = 1
    fi
}

inline stored()
{
    known[me]++;
    push[me] = PUSH_ACTIVATE
}

proctype coordinator(byte me)
{
    byte result;
end:
    do
    /* The lease: it has run out, whether its holder knows or not. */
    :: atomic { !leads[me] && token < TOKENS ->
           token++;
           my_token[me] = token;
           leads[me] = true;
           stale[me] = true }
    /* It learns that another has it. */
    :: atomic { leads[me] && my_token[me] != token && push[me] != PUSH_STORE && push[me] != PUSH_RESOLVE ->
           leads[me] = false;
           if
           :: push[me] == PUSH_PREPARE -> take_back()
           :: else -> push[me] = PUSH_DONE
           fi }
    /* The head is read: by a new leader before anything else, by a standby every second. */
    :: atomic { push[me] == PUSH_DONE && (stale[me] || known[me] != head) ->
           known[me] = head;
           stale[me] = false }
    /* A push. */
    :: atomic { leads[me] && !stale[me] && push[me] == PUSH_DONE && pushed < PUSHES ->
           pushed++;
           content[me] = pushed;
           push[me] = PUSH_PREPARE;
           ready[me * NODES] = 0;
           ready[me * NODES + 1] = 0;
           publish(prepare);
           if
           :: is_early -> publish(activate)
           :: else -> skip
           fi }
    :: atomic { push[me] == PUSH_PREPARE && ready[me * NODES] == content[me] &&
                ready[me * NODES + 1] == content[me] ->
           push[me] = PUSH_STORE }
    /* Refused, silent, or a person takes it back. */
    :: atomic { push[me] == PUSH_PREPARE -> take_back() }
    :: atomic { push[me] == PUSH_STORE || push[me] == PUSH_RESOLVE ->
           append(result);
           if
           :: result == 1 -> stored()
           :: result == 0 -> take_back(); stale[me] = true
           :: true -> push[me] = PUSH_RESOLVE /* the answer is lost */
           fi;
           result = 0 }
    /* The store never got it. */
    :: atomic { push[me] == PUSH_STORE -> push[me] = PUSH_RESOLVE }
    /* Whether it is stored will show. */
    :: atomic { push[me] == PUSH_RESOLVE -> push[me] = PUSH_DONE; stale[me] = true }
    :: atomic { push[me] == PUSH_ACTIVATE ->
           reported[known[me]] = content[me];
           judge_kept();
           known[me]--; /* publish() names the version behind the one that was known */
           publish(activate);
           known[me]++;
           push[me] = PUSH_DONE }
    /* kill -9, and a new process. */
    :: atomic { coordinator_deaths < COORDINATOR_DEATHS ->
           coordinator_deaths++;
           leads[me] = false;
           push[me] = PUSH_DONE;
           my_token[me] = 0;
           known[me] = 0;
           stale[me] = true }
    od
}

inline drop()
{
    holds[me] = 0;
    held[me] = 0
}

inline serve(version, what)
{
    assert(version > serves[me]);                            /* I6 */
    assert(version <= head && chain[version] == what);       /* I2 */
    serves[me] = version;
    served[me] = what;
    drop();
    follow[me] = FOLLOW_STEADY
}

/* The beat of coordinator c: what a node makes of it. */
inline hear(c)
{
    if
    :: holds[me] > 0 && holds[me] == known[c] && held[me] == chain[known[c]] -> serve(holds[me], held[me])
    :: else ->
        if
        :: known[c] > serves[me] -> drop(); follow[me] = FOLLOW_FETCHING
        :: known[c] == serves[me] ->
            if
            :: follow[me] == FOLLOW_DIVERGED -> follow[me] = FOLLOW_STEADY
            :: follow[me] != FOLLOW_DIVERGED && (leads[c] && !stale[c]) && holds[me] > 0 &&
               !((push[c] != PUSH_DONE) && content[c] == held[me] && known[c] + 1 == holds[me]) ->
                drop();
                follow[me] = FOLLOW_STEADY
            :: else -> skip
            fi
        :: known[c] < serves[me] && (leads[c] && !stale[c]) -> drop(); follow[me] = FOLLOW_DIVERGED
        :: else -> skip
        fi
    fi
}

/* Would the beat change anything? Else hearing it is no step: so that the search comes to an end. */
#define news(c) \
    (known[c] > serves[me] || (holds[me] > 0 && known[c] >= holds[me]) || \
     (follow[me] == FOLLOW_DIVERGED && known[c] == serves[me]) || \
     (follow[me] != FOLLOW_DIVERGED && (leads[c] && !stale[c]) && known[c] < serves[me]) || \
     ((leads[c] && !stale[c]) && holds[me] > 0 && known[c] == serves[me] && \
      !((push[c] != PUSH_DONE) && content[c] == held[me] && known[c] + 1 == holds[me])))

#define listens (follow[me] == FOLLOW_STEADY || follow[me] == FOLLOW_HOLDING)
#ifdef NO_BEAT
#define hears false
#else
#define hears (follow[me] != FOLLOW_FETCHING)
#endif

inline take_prepare()
{
    if
    :: version > serves[me] ->
        holds[me] = version;
        held[me] = what;
        follow[me] = FOLLOW_HOLDING;
        if
        :: ready[from * NODES + me] = what
        :: skip /* the answer is lost */
        fi
    :: version > serves[me] -> skip /* it cannot be applied here: no */
    :: else -> skip
    fi
}

inline take_activate()
{
    if
    :: holds[me] == version && held[me] == what -> serve(version, what)
    :: version > serves[me] && !(holds[me] == version && held[me] == what) ->
        drop();
        follow[me] = FOLLOW_FETCHING
    :: else -> skip
    fi
}

inline take_abort()
{
    if
    :: holds[me] == version && held[me] == what -> drop(); follow[me] = FOLLOW_STEADY
    :: else -> skip
    fi
}

proctype node(byte me; chan box)
{
    mtype kind;
    byte version, what, from;
end:
    do
    :: atomic { box?kind, version, what, from ->
           if
           :: listens && kind == prepare -> take_prepare()
           :: listens && kind == activate -> take_activate()
           :: listens && kind == abort -> take_abort()
           :: else -> skip /* what comes while it fetches is not for it */
           fi;
           kind = 0; version = 0; what = 0; from = 0 }
    :: atomic { hears && news(0) -> hear(0) }
    :: atomic { hears && news(1) -> hear(1) }
    /* The commit comes whole, from whoever has it; or nobody answers. */
    :: atomic { follow[me] == FOLLOW_FETCHING && known[0] > serves[me] -> serve(known[0], chain[known[0]]) }
    :: atomic { follow[me] == FOLLOW_FETCHING && known[1] > serves[me] -> serve(known[1], chain[known[1]]) }
    :: atomic { follow[me] == FOLLOW_FETCHING -> follow[me] = FOLLOW_STEADY }
    /* It writes what it runs. */
    :: atomic { disk[me] != serves[me] -> disk[me] = serves[me]; disk_content[me] = served[me] }
    /* kill -9, and a start from what is on the disk. */
    :: atomic { node_deaths < NODE_DEATHS ->
           node_deaths++;
           serves[me] = disk[me];
           served[me] = disk_content[me];
           drop();
           follow[me] = FOLLOW_STEADY }
    od
}

/* I4: when nothing is left to happen. */
proctype judge()
{
    timeout ->
        assert(serves[0] == head && serves[1] == head);
        assert(head == 0 || (served[0] == chain[head] && served[1] == chain[head]));
        /* only a leader says that a push is over */
        assert((!leads[0] && !leads[1]) || (holds[0] == 0 && holds[1] == 0));
        assert(follow[0] != FOLLOW_DIVERGED && follow[1] != FOLLOW_DIVERGED)
}

init
{
    atomic {
        push[0] = PUSH_DONE;
        push[1] = PUSH_DONE;
        stale[0] = true;
        stale[1] = true;
        follow[0] = FOLLOW_STEADY;
        follow[1] = FOLLOW_STEADY;
        run coordinator(0);
        run coordinator(1);
        run node(0, box0);
        run node(1, box1);
        run judge()
    }
}
