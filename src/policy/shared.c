#include "policy/shared.h"

#include "base/clock.h"

#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <string.h>

enum {
    WORDS_MAX = 10 + 5 * SHARED_RULES_MAX + SHARED_DEBTS_MAX * (WINDOW_SLOTS + 2),
    EPOCH_MAX = 96,
    SHA_HEX = 40
};

/* A counter of a span (a day, a month) is its number, kept for 35 days. Any other is 76 bytes: the newest
 * slot as a double, then seventeen counts. As in base/window, and by integer arithmetic that doubles do
 * exactly. */
#define PRELUDE                                                                                              \
    "if redis.call('GET',KEYS[1])~=ARGV[1] then return {-1} end\n"                                           \
    "local F='<d'..string.rep('I4',17)\n"                                                                    \
    "local now=tonumber(ARGV[2])\n"                                                                          \
    "if now==0 then local t=redis.call('TIME') now=t[1]*1000000+t[2] end\n"                                  \
    "local function slot_us(p) local n=p+15 return (n-n%16)/16 end\n"                                        \
    "local function plain(key) return tonumber(redis.call('GET',key) or '0') or 0 end\n"                     \
    "local function store_plain(key,n)\n"                                                                    \
    " redis.call('SET',key,string.format('%.0f',n),'EX',3024000)\n"                                          \
    "end\n"                                                                                                  \
    "local function load(key,su)\n"                                                                          \
    " local slot,w,raw=(now-now%su)/su,{},redis.call('GET',key)\n"                                           \
    " for i=0,16 do w[i]=0 end\n"                                                                            \
    " w.n=slot w.su=su\n"                                                                                    \
    " if raw and #raw==76 then\n"                                                                            \
    "  local v={struct.unpack(F,raw)}\n"                                                                     \
    "  if slot-v[1]<17 then\n"                                                                               \
    "   for i=0,16 do w[i]=v[i+2] end\n"                                                                     \
    "   for s=v[1]+1,slot do w[s%17]=0 end\n"                                                                \
    "   if v[1]>slot then w.n=v[1] end\n"                                                                    \
    "  end\n"                                                                                                \
    " end\n"                                                                                                 \
    " return w\n"                                                                                            \
    "end\n"                                                                                                  \
    "local function store(key,w)\n"                                                                          \
    " local v={}\n"                                                                                          \
    " for i=0,16 do v[i+1]=math.min(w[i],4294967295) end\n"                                                  \
    " local ms=math.max(1,math.ceil(((w.n+17)*w.su-now)/1000))\n"                                            \
    " redis.call('SET',key,struct.pack(F,w.n,unpack(v)),'PX',string.format('%.0f',ms))\n"                    \
    "end\n"

/* ARGV: epoch, now, units at most, units at least; then of each rule: max, period, group. The tightest has
 * the least left, and of those that have as little the longest wait. */
static const char take_script[] =
    PRELUDE "local ws,tight={},{}\n"
            "local grant,least=tonumber(ARGV[3]),tonumber(ARGV[4])\n"
            "for i=2,#KEYS do\n"
            " local max,p,g=tonumber(ARGV[i*3-1]),tonumber(ARGV[i*3]),ARGV[i*3+1]\n"
            " local sum,wait=0,p\n"
            " if p==0 then\n"
            "  sum=plain(KEYS[i])\n"
            "  ws[i]=sum\n"
            " else\n"
            "  local su=slot_us(p)\n"
            "  local w=load(KEYS[i],su)\n"
            "  for s=w.n,w.n-16,-1 do\n"
            "   local c=w[s%17]\n"
            "   if c>0 then sum=sum+c wait=math.max(1,(s+17)*su-now) end\n"
            "  end\n"
            "  ws[i]=w\n"
            " end\n"
            " local left=math.max(0,max-sum)\n"
            " grant=math.min(grant,left)\n"
            " local t=tight[g]\n"
            " if not t or left<t[2] or (left==t[2] and wait>t[3]) then tight[g]={i-1,left,wait} end\n"
            "end\n"
            "for _,g in ipairs({'0','1'}) do\n"
            " local t=tight[g]\n"
            " if t and t[2]<least then return {0,t[1],t[2],t[3],now,0} end\n"
            "end\n"
            "local r={1,0,0,0,now,grant}\n"
            "for i=2,#KEYS do\n"
            " local w=ws[i]\n"
            " if type(w)=='number' then\n"
            "  store_plain(KEYS[i],w+grant)\n"
            "  r[#r+1]=w+grant\n"
            " else\n"
            "  w[w.n%17]=w[w.n%17]+grant\n"
            "  store(KEYS[i],w)\n"
            " end\n"
            "end\n"
            "local t=tight['1']\n"
            "if t then r[2]=t[1] r[3]=t[2]-grant r[4]=t[3] end\n"
            "return r\n";

/* ARGV: epoch, now, when it was counted, units; then of each rule its period. */
static const char give_back_script[] = PRELUDE "local at,n=tonumber(ARGV[3]),tonumber(ARGV[4])\n"
                                               "for i=2,#KEYS do\n"
                                               " local p=tonumber(ARGV[i+3])\n"
                                               " if p==0 then\n"
                                               "  store_plain(KEYS[i],math.max(0,plain(KEYS[i])-n))\n"
                                               " else\n"
                                               "  local su=slot_us(p)\n"
                                               "  local w,slot=load(KEYS[i],su),(at-at%su)/su\n"
                                               "  if slot<=w.n and w.n-slot<17 and w[slot%17]>0 then\n"
                                               "   w[slot%17]=math.max(0,w[slot%17]-n)\n"
                                               "   store(KEYS[i],w)\n"
                                               "  end\n"
                                               " end\n"
                                               "end\n"
                                               "return {1}\n";

/* ARGV: epoch, now; then of each counter its period and seventeen counts by age. The slots of two clocks do
 * not begin together: what is as old as n slots there belongs into one from n-1 to n+1 here; the latest of
 * these never frees too soon. */
static const char owed_script[] = PRELUDE "local r={1,0,0,0,0,0}\n"
                                          "for i=2,#KEYS do\n"
                                          " local a=(i-2)*18+3\n"
                                          " local p=tonumber(ARGV[a])\n"
                                          " if p==0 then\n"
                                          "  local n=plain(KEYS[i])+tonumber(ARGV[a+1])\n"
                                          "  n=math.max(n,tonumber(ARGV[a+2]))\n"
                                          "  store_plain(KEYS[i],n)\n"
                                          "  r[#r+1]=n\n"
                                          " else\n"
                                          "  local w=load(KEYS[i],slot_us(p))\n"
                                          "  for age=0,16 do\n"
                                          "   local c,s=tonumber(ARGV[a+1+age]),w.n-math.max(0,age-1)\n"
                                          "   if c>0 and s>=0 then w[s%17]=w[s%17]+c end\n"
                                          "  end\n"
                                          "  store(KEYS[i],w)\n"
                                          " end\n"
                                          "end\n"
                                          "return r\n";

/* ARGV: epoch, now, how long from now at least. */
static const char closed_script[] = PRELUDE "local at,mine=plain(KEYS[2]),tonumber(ARGV[3])\n"
                                            "if mine>0 and now+mine>at then\n"
                                            " at=now+mine\n"
                                            " store_plain(KEYS[2],at)\n"
                                            "end\n"
                                            "return {1,0,0,math.max(0,at-now),now,0}\n";

/* Which run of the server, since when. */
static const char hello_script[] = "local run=string.match(redis.call('INFO','server'),'run_id:(%x+)')\n"
                                   "local t=redis.call('TIME')\n"
                                   "local now=t[1]*1000000+t[2]\n"
                                   "local v=redis.call('GET',KEYS[1])\n"
                                   "local born,of=string.match(v or '','^(%d+) (%x+)$')\n"
                                   "if of~=run then\n"
                                   " born=string.format('%.0f',now)\n"
                                   " v=born..' '..run\n"
                                   " redis.call('SET',KEYS[1],v)\n"
                                   "end\n"
                                   "return {v,tonumber(born),now-tonumber(born)}\n";

static const char *const scripts[] = {[SHARED_TAKE] = take_script,
                                      [SHARED_GIVE_BACK] = give_back_script,
                                      [SHARED_OWED] = owed_script,
                                      [SHARED_HELLO] = hello_script,
                                      [SHARED_CLOSED] = closed_script};
enum { SCRIPTS = sizeof scripts / sizeof scripts[0] };

struct shared {
    struct redis *redis; /* owned */
    struct meters *meters;
    char prefix[80];
    char sha[SCRIPTS][SHA_HEX + 1];
    int64_t timeout_us;
    bool loaded;   /* the scripts, by this connection */
    int64_t epoch; /* 0: not known */
    char epoch_text[EPOCH_MAX];
    struct err trouble;
};

struct shared *shared_new(const struct redis_where *where, struct sv prefix, struct meters *meters,
                          struct err *e) {
    struct redis *r = redis_new(where, e);
    if (!r)
        return NULL;
    struct shared *s = calloc(1, sizeof *s);
    ASSERT(s);
    s->redis = r;
    s->meters = meters;
    s->timeout_us = (int64_t)where->timeout_ms * US_PER_MS;
    snprintf(s->prefix, sizeof s->prefix, "%.*s", SV_FMT(prefix));
    err_set(&s->trouble, ERR_OUTSIDE, "Redis was not asked yet");
    return s;
}

void shared_free(struct shared *s) {
    if (!s)
        return;
    redis_free(s->redis);
    free(s);
}

const struct err *shared_trouble(const struct shared *s) {
    return &s->trouble;
}

/* ---- words ---- */

/* A command as it grows; numbers are written into text. */
struct words {
    size_t n;
    struct sv at[WORDS_MAX];
    size_t used;
    char text[WORDS_MAX * 24];
};

static void add(struct words *w, struct sv v) {
    ASSERT(w->n < WORDS_MAX);
    w->at[w->n++] = v;
}

static __attribute__((format(printf, 2, 3))) void addf(struct words *w, const char *fmt, ...) {
    va_list ap;
    va_start(ap, fmt);
    char *p = w->text + w->used;
    int n = vsnprintf(p, sizeof w->text - w->used, fmt, ap);
    va_end(ap);
    ASSERT(n >= 0 && (size_t)n < sizeof w->text - w->used);
    w->used += (size_t)n + 1;
    add(w, sv_make(p, (size_t)n));
}

static void add_i64(struct words *w, int64_t x) {
    addf(w, "%" PRId64, x);
}

/* Up to the keys of counters. */
static void begin(struct shared *s, struct words *w, enum shared_kind kind, size_t counters) {
    w->n = w->used = 0;
    add(w, SV("EVALSHA"));
    add(w, sv_of(s->sha[kind]));
    add_i64(w, (int64_t)counters + 1);
    addf(w, "%s:epoch", s->prefix);
}

static void write_call(struct shared *s, const struct shared_call *c, struct words *w) {
    begin(s, w, c->kind, c->n);
    for (size_t i = 0; i < c->n; i++)
        addf(w, "%s:c:%016" PRIx64, s->prefix,
             c->kind == SHARED_OWED ? c->debts[i].counter : c->rules[i].counter);
    add(w, sv_of(s->epoch_text));
    add_i64(w, c->now);
    if (c->kind == SHARED_GIVE_BACK)
        add_i64(w, c->at);
    if (c->kind == SHARED_TAKE || c->kind == SHARED_GIVE_BACK)
        add_i64(w, c->units ? c->units : 1);
    if (c->kind == SHARED_TAKE)
        add_i64(w, c->least ? c->least : 1);
    if (c->kind == SHARED_CLOSED)
        add_i64(w, c->wait_us);
    for (size_t i = 0; i < c->n; i++) {
        switch (c->kind) {
        case SHARED_TAKE:
            add_i64(w, c->rules[i].max);
            add_i64(w, c->rules[i].period_us);
            add_i64(w, c->rules[i].group);
            break;
        case SHARED_GIVE_BACK: add_i64(w, c->rules[i].period_us); break;
        case SHARED_OWED:
            add_i64(w, c->debts[i].period_us);
            for (int age = 0; age < WINDOW_SLOTS; age++)
                add_i64(w, c->debts[i].by_age[age]);
            break;
        case SHARED_CLOSED: break;
        case SHARED_HELLO: BUG("has words of its own");
        }
    }
    redis_add(s->redis, w->at, w->n);
}

/* ---- replies ---- */

static bool trouble(struct shared *s, const struct err *e) {
    s->trouble = *e;
    s->epoch = 0;
    return false;
}

static int64_t number_at(const redisReply *r, size_t i) {
    return i < r->elements && r->element[i]->type == REDIS_REPLY_INTEGER ? r->element[i]->integer : 0;
}

/* The reply of a script; false: the call was not done. */
static bool read_reply(struct shared *s, const redisReply *r, struct shared_call *c) {
    struct err e = ERR_INIT;
    if (r->type == REDIS_REPLY_ERROR) {
        if (strncmp(r->str, "NOSCRIPT", 8) == 0)
            s->loaded = false;
        redis_refused(r, &e);
        return trouble(s, &e);
    }
    if (r->type != REDIS_REPLY_ARRAY || number_at(r, 0) < 0) {
        err_set(&e, ERR_OUTSIDE, "Redis was emptied, or another server has taken over");
        return trouble(s, &e);
    }
    c->result = number_at(r, 0) == 1 ? SHARED_DONE : SHARED_REFUSED;
    for (size_t i = 0; i < SHARED_SPANS_MAX; i++)
        c->span_used[i] = number_at(r, 6 + i);
    if (c->kind == SHARED_CLOSED)
        c->wait_us = number_at(r, 3);
    if (c->kind != SHARED_TAKE)
        return true;
    int64_t which = number_at(r, 1);
    c->tightest = which > 0 && (size_t)which <= c->n ? (uint32_t)which - 1 : (uint32_t)c->n;
    c->left = (uint32_t)number_at(r, 2);
    c->wait_us = number_at(r, 3);
    c->at = number_at(r, 4);
    c->granted = (uint32_t)number_at(r, 5);
    return true;
}

/* ---- the server is there ---- */

static bool load_scripts(struct shared *s, struct err *e) {
    for (size_t i = 0; i < SCRIPTS; i++) {
        redisReply *r;
        struct sv words[] = {SV("SCRIPT"), SV("LOAD"), sv_of(scripts[i])};
        if (!redis_call(s->redis, words, 3, &r, e))
            return false;
        bool ok = r->type == REDIS_REPLY_STRING && r->len == SHA_HEX;
        if (ok)
            memcpy(s->sha[i], r->str, SHA_HEX);
        freeReplyObject(r);
        if (!ok)
            return err_set(e, ERR_OUTSIDE, "Redis did not take a script");
    }
    s->loaded = true;
    return true;
}

static bool hello(struct shared *s, struct shared_call *c, struct words *w, struct err *e) {
    redisReply *r;
    if (!redis_is_open(s->redis))
        s->loaded = false;
    if (!redis_connect(s->redis, e) || (!s->loaded && !load_scripts(s, e)))
        return false;
    begin(s, w, SHARED_HELLO, 0);
    if (!redis_call(s->redis, w->at, w->n, &r, e)) {
        s->loaded = false;
        return false;
    }
    bool ok = r->type == REDIS_REPLY_ARRAY && r->elements == 3 && r->element[0]->type == REDIS_REPLY_STRING &&
              r->element[0]->len < EPOCH_MAX && number_at(r, 1) > 0;
    if (ok) {
        memcpy(s->epoch_text, r->element[0]->str, r->element[0]->len + 1);
        c->epoch = s->epoch = number_at(r, 1);
        int64_t age_us = number_at(r, 2);
        c->settled = age_us >= SHARED_SETTLE_US || age_us < 0;
    }
    freeReplyObject(r);
    return ok || err_set(e, ERR_OUTSIDE, "what Redis answers cannot be read");
}

static void run_hello(struct shared *s, struct shared_call *c, struct words *w) {
    struct err e = ERR_INIT;
    c->epoch = 0;
    c->settled = false;
    if (hello(s, c, w, &e)) {
        c->result = SHARED_DONE;
        s->trouble = ERR_INIT;
    } else if (e.kind != ERR_BUSY) { /* else what it failed of is known */
        trouble(s, &e);
    } else {
        s->epoch = 0;
    }
}

/* ---- calls ---- */

static bool may_ask(const struct shared *s, const struct shared_call *c) {
    return s->epoch && c->epoch == s->epoch && redis_is_open(s->redis) && s->loaded;
}

/* A stretch without a HELLO: out at once, and back in order. */
static void run_stretch(struct shared *s, struct shared_call **calls, size_t n, struct words *w) {
    struct shared_call *asked[SHARED_BATCH_MAX];
    size_t n_asked = 0;
    for (size_t i = 0; i < n; i++) {
        if (!may_ask(s, calls[i]))
            continue;
        write_call(s, calls[i], w);
        asked[n_asked++] = calls[i];
    }
    int64_t begun = clock_monotonic_us();
    for (size_t i = 0; i < n_asked; i++) {
        struct err e = ERR_INIT;
        redisReply *r;
        if (!redis_next(s->redis, begun + s->timeout_us, &r, &e)) {
            trouble(s, &e);
            return; /* the rest is away */
        }
        (void)read_reply(s, r, asked[i]);
        freeReplyObject(r);
    }
    if (n_asked && s->meters) {
        meter_time(s->meters, HIST_SHARED, clock_monotonic_us() - begun);
        meter_add(s->meters, COUNT_SHARED_CALLS, n_asked);
    }
}

void shared_run(struct shared *s, struct shared_call **calls, size_t n) {
    ASSERT(n <= SHARED_BATCH_MAX);
    struct words *w = malloc(sizeof *w);
    ASSERT(w);
    for (size_t i = 0; i < n; i++)
        calls[i]->result = SHARED_AWAY;
    for (size_t i = 0; i < n;) {
        size_t end = i;
        while (end < n && calls[end]->kind != SHARED_HELLO)
            end++;
        run_stretch(s, calls + i, end - i, w);
        if (end < n)
            run_hello(s, calls[end], w);
        i = end + 1;
    }
    if (s->meters)
        meter_set(s->meters, GAUGE_SHARED_UP, s->trouble.kind == ERR_NONE);
    free(w);
}
