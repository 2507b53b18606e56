/* Leases and takeover (docs/decisions/0032, 0058), for one message, two nodes and one provider, in discrete time.
 *
 * Node A has the message. It may be paused between any two steps (it is just not scheduled while the clock goes on), cut off,
 * or dead for good. Then it is started again on its own data (R: the same row of `node`, another process), or B takes over when the lease has
 * ended by the database's clock, and of these -DWITHOUT_B or -DWITHOUT_R leaves one out. What is one step here is one transaction, or one look at a clock followed at
 * once by what it allows.
 *
 * A begins at once: while its attempt is on the way the message is due FAR, which is when it will be due after the usual outcome, and never
 * comes here. Who goes on with A's work has to make it due soon: B in the row that it takes over, R by the mark, which tells from where on to
 * look. Where the other node is of a version that would not (OLD), A begins nothing so.
 *
 * Always: the provider has the message at most once. At the end: an attempt whose process is gone is nowhere left as if it went on, and what
 * is said to be sent was sent.
 * Left out by -D, each of the guards must show as an error: NO_FENCE, NO_GATE, NO_WAIT, NO_SETTLING, NO_LINGER (a dead process' kernel sends on), NO_SOON (B
 * leaves what is far), NO_RESUME (R does), MARK_EARLY, NO_SEES (with OLD). And so must a clock of the database that jumps
 * over A's lease (JUMP): B takes over while A, if it does not get to its next transaction, believes in its lease by its own clock,
 * which is longer than the margins of an attempt and of a look-up (-DLEASE). */
#ifndef LEASE
#define LEASE 3    /* as the database grants it */
#endif
#define OWN (LEASE - 1) /* as the node counts it, from before it asked */
#define WIRE 4     /* a call ends by its time-outs */
#define ATTEMPT (WIRE + 1) /* an attempt nobody has an outcome of is lost after that */
#define TIME 15
#define FAR 255

mtype = { queued, sending, unknown, sent };

byte now = 0;
/* the database */
mtype state = queued;
bit owner = 0;      /* 0: A, and R after it, 1: B */
byte due = 0;       /* of `sending` and `unknown` */
byte lease = LEASE; /* of A's row */
bool taken = false;
bool above = false; /* the mark: R does not look at this message */
/* the provider and the wire: of A, B, R */
byte has = 0;
bool wire[3] = false;
byte leaves_by[3] = 0; /* a call on the wire has arrived, or never does, by then */
bool a_ended = false;
#ifdef WITHOUT_B
#define b_ended true
#else
bool b_ended = false;
#endif
#ifdef WITHOUT_R
#define r_ended true
#define BEGUN
#else
bool r_ended = false;
byte begun = 0; /* the latest attempt */
#define BEGUN begun = now;
#endif
bool followed = false; /* somebody went on with what A had */
bool resent = false;

#ifdef NO_FENCE
#define FENCE true
#else
#define FENCE !taken
#endif
#ifdef NO_GATE
#define GATE true
#else
#define GATE (now < until)
#endif
#ifdef NO_SETTLING
#define SETTLED now
#else
#define SETTLED (now + 1)
#endif
#if defined(OLD) && !defined(NO_SEES)
#define MAY_BE_FAR false
#else
#define MAY_BE_FAR (!above)
#endif
#if defined(NO_SOON) || defined(OLD)
#define NEAR (due < now + ATTEMPT)
#else
#define NEAR true
#endif
#ifdef NO_WAIT
#define LOST now
#else
#define LOST (now + ATTEMPT)
#endif
#define CALL(i) wire[i] = true; leaves_by[i] = now + WIRE
#ifdef NO_LINGER
#define ARRIVES(i) skip
#else
#define ARRIVES(i) leaves_by[i] = (leaves_by[i] > now -> now : leaves_by[i])
#endif
#define FLYING(i) (wire[i] && now >= leaves_by[i])

/* Time goes on unless a call would be on the wire for longer than its time-outs allow. */
active proctype clock() {
    do
    :: atomic { now < TIME && !FLYING(0) && !FLYING(1) && !FLYING(2) -> now++ }
#ifdef JUMP
    :: atomic { lease >= now && now > 0 -> lease = 0 }
#endif
    :: now == TIME -> break
    :: b_ended && a_ended && r_ended -> break
    od;
    (b_ended && a_ended && r_ended) -> assert(!(followed && state == sending && due == FAR));
    assert(!(state == sent && has == 0 && !resent))
}

active proctype provider() {
    byte i;
    do
    :: atomic {
        if
        :: wire[0] -> i = 0
        :: wire[1] -> i = 1
        :: wire[2] -> i = 2
        fi;
        wire[i] = false;
        if
        :: has++; assert(has <= 1)
        :: true /* lost */
        fi;
        i = 0 }
    :: b_ended && a_ended && r_ended && !wire[0] && !wire[1] && !wire[2] -> break
    od
}

active proctype A() {
    byte until = OWN, asked = 0;
    bool called = false, renewed = false;
    do
    :: atomic { !renewed -> /* renews: once, for fewer states */
        renewed = true;
        asked = now }
        if
        :: atomic { FENCE -> lease = now + LEASE }
            until = asked + OWN
        :: taken -> break /* it ends */
        fi
    :: atomic { !called && FENCE && state == queued && owner == 0 -> /* claims */
        state = sending;
        BEGUN
        due = (MAY_BE_FAR -> FAR : now + ATTEMPT);
        called = true }
    :: atomic { called && GATE -> CALL(0) }
        if
        :: !wire[0] -> /* it has an answer, or none in time */
            if
            :: atomic { FENCE && state == sending && owner == 0 && has > 0 -> state = sent }
            :: atomic { FENCE && state == sending && owner == 0 -> state = unknown; due = SETTLED }
            :: taken
            fi
        :: true /* dies */
        fi;
        break
#ifdef MARK_EARLY
    :: atomic { FENCE && !above -> above = true }
#else
    :: atomic { FENCE && !above && !called -> above = true } /* nothing that is below is under way */
#endif
    :: break /* dies, or is taken over */
    od;
    /* What the kernel still had is thrown away with its socket; what is in the network arrives now, or never. */
    atomic { a_ended = true; ARRIVES(0) }
}

/* Goes on with what `owner == who` has: looks up what is unknown, and sends again what the provider surely does not have. */
inline goes_on(who, call, ALIVE, MAY_SEND) {
    do
    :: atomic { ALIVE && state == sending && owner == who && !mine && due <= now -> state = unknown; due = SETTLED }
    :: ALIVE && state == unknown && owner == who && due <= now -> /* asks */
        absent = (has == 0);
        if
        :: atomic { ALIVE && state == unknown && owner == who -> state = (absent -> queued : sent) }
        :: !(ALIVE && owner == who) -> break
        fi
    :: atomic { ALIVE && state == queued && owner == who && !mine && now + WIRE < TIME -> /* claims; it waited, so it is not due far */
        state = sending;
        BEGUN
        due = now + ATTEMPT;
        mine = true }
        if
        :: atomic { MAY_SEND -> CALL(call); resent = true }
            !wire[call];
            if
            :: atomic { ALIVE && state == sending && owner == who -> state = sent }
            :: !(ALIVE && owner == who)
            fi
        :: true /* ends */
        fi;
        break
    :: state == sent || !(ALIVE && owner == who) -> break
    :: now == TIME -> break
    od
}

#ifndef WITHOUT_B
active proctype B() {
    bool mine = false, absent = false;
    /* takes over, when it may */
    if
    :: atomic { now > lease -> taken = true }
    :: a_ended && r_ended || now == TIME -> goto end
    fi;
    atomic {
        owner = 1;
        followed = true;
        if
        :: state == sending && NEAR -> due = LOST
        :: else
        fi
    }
    goes_on(1, 1, true, true);
end:
    b_ended = true
}
#endif

#ifndef WITHOUT_R
active proctype R() {
    byte until = 0;
    bool mine = false, absent = false;
    if
    :: atomic { a_ended && !taken -> lease = now + LEASE; until = now + OWN }
    :: a_ended -> goto end /* it is not, or comes too late */
    fi;
    atomic {
        if
        :: FENCE ->
            followed = true;
            if
#ifndef NO_RESUME
            :: state == sending && due == FAR && !above -> due = begun + ATTEMPT
#endif
            :: else
            fi
        :: taken -> goto end
        fi
    }
    goes_on(0, 2, (FENCE), (GATE));
end:
    atomic { r_ended = true; ARRIVES(2) }
}
#endif
