/* Tencent's queues: replies and reports that are posted nowhere wait here, and each is handed out once, to
 * whoever asks first. That they were handed out says nothing of whether the answer arrived. */
#include "simulator/sim_tencent.h"

#include "base/clock.h"
#include "base/json.h"
#include "simulator/sim.h"

enum { KEPT_MAX = 10000 };

bool sim_tencent_keep(struct sim *sim, const struct sim_reply *reply, const char **why) {
    struct buf BUF_AUTO nation = BUF_INIT(8), BUF_AUTO mobile = BUF_INIT(24);
    uint64_t number;
    *why = "from is no telephone number";
    if (!sim_number_parse(reply->from, &number))
        return false;
    *why = "too many replies are kept, and nobody asks for them";
    if (!sim->kept_replies)
        sim->kept_replies = json_array();
    if (json_array_size(sim->kept_replies) >= KEPT_MAX)
        return false;
    sim_tencent_split(number, &nation, &mobile);
    json_t *one =
        json_pack("{s:s, s:s%, s:s%, s:s%, s:s%, s:s%, s:I}", "ExtendCode", "", "CountryCode", nation.p,
                  nation.n, "PhoneNumber", reply->from.p, reply->from.n, "SubscriberNumber", mobile.p,
                  mobile.n, "SignName", reply->to.p, reply->to.n, "ReplyContent", reply->body.p,
                  reply->body.n, "ReplyTime", (json_int_t)(sim_now(sim) / US_PER_S));
    *why = "the texts are no UTF-8";
    if (!one || json_array_append_new(sim->kept_replies, one) != 0)
        return false;
    *why = "it is kept until it is asked for";
    return true;
}

void sim_tencent_pull_replies(struct sim *sim, size_t limit, struct buf *out) {
    for (size_t n = 0; n < limit && json_array_size(sim->kept_replies); n++) {
        char *text = json_dumps(json_array_get(sim->kept_replies, 0), JSON_COMPACT);
        ASSERT(text);
        buf_adds(out, n ? "," : "");
        buf_adds(out, text);
        free(text);
        json_array_remove(sim->kept_replies, 0);
        sim->stats.handed_out++;
    }
}

void sim_tencent_pull_reports(struct sim *sim, size_t limit, struct buf *out) {
    const struct store *s = &sim->store;
    uint8_t provider = sim_face_number(&sim_tencent);
    int64_t now = sim_now(sim);
    size_t n = 0;
    if (sim_receipt_url(sim, &sim_tencent).n)
        return; /* they are posted */
    for (uint64_t seq = s->first; seq < s->next && n < limit; seq++) {
        struct sim_message *m = store_get(s, seq);
        if (!m || m->provider != provider || m->handed_out || m->deleted ||
            !sim_tencent_reports(store_status(m, now)))
            continue;
        buf_adds(out, n++ ? "," : "");
        sim_tencent_write_report(sim, m, seq, out);
        m->handed_out = true;
        sim->stats.handed_out++;
    }
}
