"""Twilio's API, driven by Twilio's SDK."""
from datetime import datetime, timedelta, timezone

import pytest
import requests
from twilio.base.exceptions import TwilioRestException

from conftest import SENDER, SID, TOKEN

TO = "+15558675310"
SERVICE = "MG" + "0123456789abcdef" * 2


def test_create__gives_a_queued_message(sdk, sim):
    m = sdk.messages.create(to=TO, from_=SENDER, body='Grüße 世界 👋 "quoted" \\ \n & + = %')
    assert m.sid.startswith("SM") and len(m.sid) == 34
    assert m.status == "queued" and m.direction == "outbound-api" and m.error_code is None
    assert m.to == TO and m.from_ == SENDER and m.body == 'Grüße 世界 👋 "quoted" \\ \n & + = %'
    assert m.num_segments == "1" and m.account_sid == SID
    assert abs((m.date_created - datetime.now(timezone.utc)).total_seconds()) < 5
    assert sim.stats()["received"] == 1


def test_create__counts_segments(sdk):
    assert sdk.messages.create(to=TO, from_=SENDER, body="a" * 161).num_segments == "2"
    assert sdk.messages.create(to=TO, from_=SENDER, body="世" * 71).num_segments == "2"


def test_create__with_a_service_is_accepted_and_has_no_sender_yet(sdk):
    m = sdk.messages.create(to=TO, messaging_service_sid=SERVICE, body="hello")
    assert m.status == "accepted" and m.from_ is None and m.num_segments == "0"
    assert m.messaging_service_sid == SERVICE
    assert sdk.messages(m.sid).fetch().from_ is not None


def test_fetch__shows_the_final_status(sdk):
    sid = sdk.messages.create(to=TO, from_=SENDER, body="hello").sid
    m = sdk.messages(sid).fetch()
    assert m.sid == sid and m.status == "delivered" and m.date_sent is not None


def test_fetch__follows_time(sdk, sim):
    sim.profile(receipts={"delay_ms": 3600000})
    sid = sdk.messages.create(to=TO, from_=SENDER, body="hello").sid
    m = sdk.messages(sid).fetch()
    assert m.status == "queued" and m.date_sent is None


def test_fetch__of_an_unknown_message_is_20404(sdk):
    with pytest.raises(TwilioRestException) as e:
        sdk.messages("SM" + "0" * 32).fetch()
    assert e.value.status == 404 and e.value.code == 20404


def test_delete__takes_a_message_away(sdk):
    m = sdk.messages.create(to=TO, from_=SENDER, body="hello")
    assert m.delete()
    with pytest.raises(TwilioRestException):
        sdk.messages(m.sid).fetch()
    assert sdk.messages.list(to=TO) == []


def test_update__redacts_the_text(sdk):
    m = sdk.messages.create(to=TO, from_=SENDER, body="secret")
    assert m.update(body="").body == ""
    assert sdk.messages(m.sid).fetch().body == ""


def test_schedule__can_be_cancelled_once(sdk):
    at = datetime.now(timezone.utc) + timedelta(minutes=20)
    m = sdk.messages.create(to=TO, messaging_service_sid=SERVICE, body="later", schedule_type="fixed",
                            send_at=at.strftime("%Y-%m-%dT%H:%M:%SZ"))
    assert m.status == "scheduled"
    assert m.update(status="canceled").status == "canceled"
    with pytest.raises(TwilioRestException) as e:
        m.update(status="canceled")
    assert e.value.code == 30409


def test_list__is_newest_first_and_filters(sdk):
    sids = [sdk.messages.create(to=TO, from_=SENDER, body="n%d" % i).sid for i in range(3)]
    other = sdk.messages.create(to="+15558675311", from_="+15017250605", body="other").sid
    assert [m.sid for m in sdk.messages.list()] == [other] + sids[::-1]
    assert [m.sid for m in sdk.messages.list(to=TO)] == sids[::-1]
    assert [m.sid for m in sdk.messages.list(from_="+15017250605")] == [other]
    assert sdk.messages.list(to="+15558675312") == []
    assert sdk.messages.list(from_="+15017250606") == []


def test_list__by_date(sdk, sim):
    sid = sdk.messages.create(to=TO, from_=SENDER, body="hello").sid
    now = datetime.now(timezone.utc)
    day = timedelta(days=1)
    found = lambda **q: [m.sid for m in sdk.messages.list(**q)]
    assert found(date_sent=now) == [sid] and found(date_sent=now - day) == []
    assert found(date_sent_after=now - day) == [sid] and found(date_sent_before=now + day) == [sid]
    assert found(date_sent_after=now + day) == [] and found(date_sent_before=now - day) == []
    for query, n in (({"DateSent": now}, 1), ({"DateSent": now - day}, 0), ({"DateSent>": now}, 1),
                     ({"DateSent>": now + day}, 0), ({"DateSent<": now}, 1), ({"DateSent<": now - day}, 0)):
        query = {k: v.strftime("%Y-%m-%d") for k, v in query.items()}
        assert len(sim.api(SID + "/Messages.json", **query).json()["messages"]) == n


def test_list__pages_follow_one_another(sdk, sim):
    sids = [sdk.messages.create(to=TO, from_=SENDER, body="n%d" % i).sid for i in range(25)]
    assert [m.sid for m in sdk.messages.list(to=TO, page_size=10)] == sids[::-1]
    assert sim.stats()["lists"] == 3
    page = sim.api(SID + "/Messages.json", To=TO, PageSize=10, Page=1).json()
    assert (page["page"], page["start"], page["end"]) == (1, 10, 19)
    assert [m["sid"] for m in page["messages"]] == sids[::-1][10:20]
    assert "Page=0" in page["previous_page_uri"]
    last = requests.get(sim.url + page["next_page_uri"], auth=(SID, TOKEN), timeout=5).json()
    assert [m["sid"] for m in last["messages"]] == sids[::-1][20:] and last["next_page_uri"] is None


@pytest.mark.parametrize("query, code", [
    ({"PageSize": 1001}, 20007), ({"PageSize": 0}, 20422), ({"PageSize": "x"}, 20422),
    ({"DateSent": "yesterday"}, 20422), ({"PageToken": "PA1"}, 20422),
])
def test_list__refuses_bad_parameters(sim, query, code):
    r = sim.api(SID + "/Messages.json", **query)
    assert r.status_code == 400 and r.json()["code"] == code


def test_list__lags_when_told(sdk, sim):
    sim.profile(list_lag_ms=3600000)
    sid = sdk.messages.create(to=TO, from_=SENDER, body="hello").sid
    assert sdk.messages.list() == []
    assert sdk.messages(sid).fetch().sid == sid


def test_account_and_balance(sdk, sim):
    account = sdk.api.accounts(SID).fetch()
    assert account.sid == SID and account.status == "active"
    assert sim.api(SID + "/Balance.json").json() == {"account_sid": SID, "balance": "1000.00", "currency": "USD"}


def refusal(r):
    body = r.json()
    assert body["status"] == r.status_code and body["more_info"].endswith("/%d" % body["code"]) and body["message"]
    return r.status_code, body["code"]


@pytest.mark.parametrize("fields, code", [
    ({"To": None}, 21604), ({"To": ""}, 21604), ({"Body": None}, 21602), ({"Body": ""}, 21602),
    ({"From": None}, 21603), ({"To": "5558675310"}, 21211), ({"To": "+0123456789"}, 21211), ({"To": "+123"}, 21211),
    ({"To": "+1555867531012345"}, 21211), ({"To": "whatsapp:+15558675310"}, 21910),
    ({"From": "+1x"}, 21212), ({"From": "TwelveLetters"}, 21212), ({"From": "12"}, 21212),
    ({"From": "+15005550001"}, 21212), ({"From": "+15005550007"}, 21606), ({"From": "+15005550008"}, 21611),
    ({"Body": "x" * 1601}, 21617), ({"Body": "世" * 1601}, 21617), ({"Body": b"\xff"}, 20422),
    ({"StatusCallback": "ftp://x/"}, 21609), ({"StatusCallback": "http://x/ y"}, 21609),
    ({"StatusCallback": "http://x/" + "y" * 4000}, 21609),
    ({"MessagingServiceSid": "MG1"}, 21701), ({"ValidityPeriod": "0"}, 21624), ({"ValidityPeriod": "36001"}, 21624),
    ({"ScheduleType": "fixed"}, 35111), ({"ScheduleType": "fixed", "SendAt": "2099-01-01T00:00:00Z"}, 35118),
    ({"ScheduleType": "loose"}, 35126),
    ({"ScheduleType": "fixed", "SendAt": "2020-01-01T00:00:00Z", "MessagingServiceSid": SERVICE}, 35114),
])
def test_create__refuses_what_twilio_refuses(sim, fields, code):
    assert refusal(sim.create(**fields)) == (400, code)
    stats = sim.stats()
    assert stats["rejected"] == 1 and stats["received"] == 0


@pytest.mark.parametrize("fields", [
    {"Body": "x" * 1600}, {"Body": "世" * 1600}, {"From": "Hongyan"}, {"From": "12345"}, {"From": "+15005550006"},
    {"ValidityPeriod": "36000"}, {"StatusCallback": ""},
])
def test_create__takes_what_twilio_takes(sim, fields):
    assert sim.create(**fields).status_code == 201


def test_senders__others_are_refused_when_named(sim):
    sim.profile(senders=[SENDER, "Hongyan"])
    assert sim.create().status_code == 201 and sim.create(From="Hongyan").status_code == 201
    assert refusal(sim.create(From="+15017250605")) == (400, 21606)


@pytest.mark.parametrize("auth", [
    (SID, "wrong"), ("AC" + "f" * 32, TOKEN), (SID, ""), ("x", TOKEN),
])
def test_auth__wrong_credentials_are_20003(sim, auth):
    assert refusal(sim.create(auth=auth)) == (401, 20003)
    assert sim.stats()["auth_failures"] == 1 and sim.stats()["received"] == 0


def test_auth__none_is_20003(sim):
    r = requests.get(sim.url + "/2010-04-01/Accounts/%s.json" % SID, timeout=5)
    assert refusal(r) == (401, 20003) and r.headers["WWW-Authenticate"].startswith("Basic")


def test_auth__open_house_lets_any_account_in_but_keeps_them_apart(start):
    sim = start()
    other = ("AC" + "e" * 32, "other")
    sid = sim.create().json()["sid"]
    assert sim.create(auth=other).status_code == 201
    assert len(sim.api(SID + "/Messages.json").json()["messages"]) == 1
    assert refusal(sim.api("%s/Messages/%s.json" % (other[0], sid), auth=other)) == (404, 20404)


def test_routes__unknown_ones_are_20404(sim):
    for path in ("/Conferences.json", "/Messages/x.json", "/Messages/SM/Media.json", "x"):
        assert refusal(sim.api(SID + path)) in ((404, 20404), (401, 20003))
    assert refusal(sim.api(SID + "/Balance.json", method="DELETE")) == (405, 20004)
