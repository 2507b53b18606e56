/* Leases and takeover (docs/decisions/0032), for one message, two nodes and one provider, in discrete time.
 *
 * Node A has the message. It may be paused between any two steps (it is just not scheduled while the clock goes on), cut off,
 * or dead for good. B takes over when A's lease has ended by the database's clock. What is one step here is one transaction, or
 * one look at a clock followed at once by what it allows.
 *
 * Always: the provider has the message at most once. At the end: it has it, and somebody knows.
 * Left out by -D, each of the three guards must show as an error: NO_FENCE, NO_GATE, NO_WAIT. And so must a clock of the database that jumps
 * over A's lease (JUMP): B takes over while A, if it does not get to its next transaction, believes in its lease by its own clock. */
#define LEASE 3    /* as the database grants it */
#define OWN (LEASE - 1) /* as the node counts it, from before it asked */
#define WIRE 3     /* a call ends by its time-outs */
#define ATTEMPT (WIRE + 1) /* an attempt nobody has an outcome of is lost after that */
#define TIME 13

mtype = { queued, sending, unknown, sent };

byte now = 0;
/* the database */
mtype state = queued;
bit owner = 0;      /* 0: A, 1: B */
byte due = 0;       /* of `sending` and `unknown` */
byte lease = LEASE; /* A's */
bool taken = false;
/* the provider and the wire */
byte has = 0;
bool wire[2] = false;
byte leaves_by[2] = 0; /* a call on the wire has arrived, or never does, by then */
bool a_ended = false, b_ended = false;

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

/* Time goes on unless a call would be on the wire for longer than its time-outs allow. */
active proctype clock() {
    do
    :: atomic { now < TIME && !(wire[0] && now >= leaves_by[0]) && !(wire[1] && now >= leaves_by[1]) -> now++ }
#ifdef JUMP
    :: atomic { lease >= now && now > 0 -> lease = now - 1 }
#endif
    :: now == TIME -> break
    :: b_ended && a_ended -> break
    od
}

active proctype provider() {
    do
    :: atomic { wire[0] -> wire[0] = false; has++; assert(has <= 1) }
    :: wire[0] -> wire[0] = false /* lost */
    :: atomic { wire[1] -> wire[1] = false; has++; assert(has <= 1) }
    :: b_ended && !wire[0] && !wire[1] && a_ended -> break
    od
}

active proctype A() {
    byte until = OWN, asked = 0;
    bool called = false;
    do
    :: /* renews */
        asked = now;
        if
        :: atomic { FENCE -> lease = now + LEASE }
            until = asked + OWN
        :: taken -> break /* it ends */
        fi
    :: !called -> /* claims */
        if
        :: atomic { FENCE && state == queued && owner == 0 -> state = sending; due = now + ATTEMPT }
            called = true;
            if
            :: atomic { GATE -> wire[0] = true; leaves_by[0] = now + WIRE }
            :: taken -> break
            :: now == TIME -> break
            fi
        :: taken -> break
        :: state != queued -> break
        fi
    :: called && !wire[0] -> /* writes the outcome down, if it heard of it */
        if
        :: atomic { FENCE && state == sending && owner == 0 && has > 0 -> state = sent }
        :: atomic { FENCE && state == sending && owner == 0 && now >= due -> state = unknown; due = now }
        :: taken -> break
        :: true
        fi;
        break
    :: break /* dies */
    :: now == TIME -> break
    od;
    a_ended = true
}

active proctype B() {
    bool resent = false;
    /* takes over, when it may */
    if
    :: atomic { now > lease -> taken = true }
    :: now == TIME -> goto end
    fi;
    atomic {
        owner = 1;
        if
#ifndef NO_WAIT
        :: state == sending -> due = now + ATTEMPT
#endif
        :: else
        fi
    }
    do
    :: atomic { state == sending && !resent && now >= due -> state = unknown; due = now }
    :: atomic { state == unknown && now >= due -> /* looks it up */
        if
        :: has > 0 -> state = sent
        :: else -> state = queued
        fi }
    :: atomic { state == queued && !resent && now + WIRE < TIME -> state = sending; resent = true; wire[1] = true;
        leaves_by[1] = now + WIRE }
    :: atomic { resent && !wire[1] -> state = sent; break }
    :: state == sent -> break
    :: now == TIME -> break
    od;
end:
    b_ended = true
}
