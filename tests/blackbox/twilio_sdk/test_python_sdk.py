"""Twilio's Python SDK as it is, with another base address, against a running gateway whose provider is the simulator."""
import datetime
import time

import pytest
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.request_validator import RequestValidator
from twilio.rest import Client

SERVICE = "MG" + "0123456789abcdef" * 2
FINAL = ("delivered", "undelivered", "failed", "canceled")


def client_of(gateway, user, secret):
    client = Client(user, secret, account_sid=gateway.account)
    client.api.base_url = gateway.url
    return client


@pytest.fixture
def client(gateway):
    return client_of(gateway, gateway.account, gateway.auth_token)


def refusal(call, *args, **kwargs):
    """(HTTP status, Twilio's code) of what the SDK raises."""
    with pytest.raises(TwilioRestException) as caught:
        call(*args, **kwargs)
    assert caught.value.msg
    return caught.value.status, caught.value.code


def until_final(client, sid, timeout=15):
    end = time.monotonic() + timeout
    while True:
        message = client.messages(sid).fetch()
        if message.status in FINAL:
            return message
        assert time.monotonic() < end, message.status
        time.sleep(0.02)


def in_an_hour():
    return datetime.datetime.utcnow().replace(microsecond=0) + datetime.timedelta(hours=1)


def schedule(client, number, body="later", **kwargs):
    return client.messages.create(to=number, from_="Acme", body=body, schedule_type="fixed", send_at=in_an_hour(),
                                  **kwargs)


def test_create__is_delivered_and_can_be_fetched(client, gateway, number):
    made = client.messages.create(to=number, from_="Acme", body="Your code is 123456 你好")
    assert made.status == "queued"
    assert made.sid.startswith("SM") and len(made.sid) == 34
    assert made.account_sid == gateway.account
    assert made.api_version == "2010-04-01"
    assert made.direction == "outbound-api"
    assert (made.num_segments, made.num_media) == ("1", "0")
    assert made.date_created.tzinfo is not None
    assert abs((datetime.datetime.now(datetime.timezone.utc) - made.date_created).total_seconds()) < 60
    found = until_final(client, made.sid)
    assert found.status == "delivered"
    assert (found.to, found.from_, found.body) == (number, "Acme", "Your code is 123456 你好")
    assert found.date_sent >= found.date_created
    assert found.error_code is None and found.error_message is None
    assert found.uri == "/2010-04-01/Accounts/%s/Messages/%s.json" % (gateway.account, made.sid)


def test_create__by_an_api_key(gateway, number):
    user, secret = gateway.key.split(".", 1)
    assert client_of(gateway, user, secret).messages.create(to=number, body="x").sid


def test_create__with_a_messaging_service(client, number):
    made = client.messages.create(to=number, messaging_service_sid=SERVICE, body="x", validity_period=600,
                                  smart_encoded=True)
    assert made.status == "accepted"
    assert made.messaging_service_sid == SERVICE
    assert client.messages(made.sid).fetch().messaging_service_sid == SERVICE


@pytest.mark.parametrize("code, fields", [
    (21211, {"to": "12"}),
    (21211, {"to": "abc"}),
    (21604, {"to": ""}),
    (21602, {"body": ""}),
    (21617, {"body": "a" * 1601}),
    (21609, {"status_callback": "not an address"}),
    (21620, {"media_url": ["https://a.example/cat.png"]}),
    (21624, {"validity_period": 36001}),
    (35111, {"schedule_type": "fixed"}),
    (35126, {"send_at": "2030-01-01T00:00:00Z"}),
    (35114, {"schedule_type": "fixed", "send_at": "2020-01-01T00:00:00Z"}),
], ids=lambda v: str(v) if isinstance(v, int) else "-".join(v))
def test_create__refusals_have_twilios_codes(client, number, code, fields):
    assert refusal(client.messages.create, **{"to": number, "from_": "Acme", "body": "x", **fields}) == (400, code)


def test_auth__wrong_credentials_are_20003(gateway, number):
    client = client_of(gateway, gateway.account, "0" * 32)
    assert refusal(client.messages.create, to=number, body="x") == (401, 20003)


def test_auth__another_account_in_the_path_is_20404(gateway, number):
    user, secret = gateway.key.split(".", 1)
    client = Client(user, secret, account_sid="AC" + "0" * 32)
    client.api.base_url = gateway.url
    assert refusal(client.messages.create, to=number, body="x") == (404, 20404)


def test_fetch__what_is_not_there_is_20404(client):
    assert refusal(client.messages("SM" + "0" * 32).fetch) == (404, 20404)


def test_fetch__a_refused_message_carries_the_providers_code(client):
    """15005550004 is Twilio's magic number for a recipient who has opted out."""
    found = until_final(client, client.messages.create(to="+15005550004", from_="Acme", body="x").sid)
    assert (found.status, found.error_code) == ("failed", 21610)
    assert found.error_message == "Attempt to send to unsubscribed recipient"


def test_schedule__and_cancel(client, number):
    made = schedule(client, number, messaging_service_sid=SERVICE)
    assert made.status == "scheduled"
    assert made.date_sent is None
    assert client.messages(made.sid).update(status="canceled").status == "canceled"
    assert client.messages(made.sid).fetch().status == "canceled"


def test_cancel__what_was_sent_is_30409(client, number):
    sid = until_final(client, client.messages.create(to=number, from_="Acme", body="x").sid).sid
    assert refusal(client.messages(sid).update, status="canceled") == (409, 30409)


def test_redact__and_delete(client, number):
    sid = until_final(client, client.messages.create(to=number, from_="Acme", body="secret").sid).sid
    assert client.messages(sid).update(body="").body == ""
    assert client.messages(sid).fetch().body == ""
    assert client.messages(sid).delete() is True
    assert refusal(client.messages(sid).fetch) == (404, 20404)


def test_delete__what_is_unfinished_is_20009(client, number):
    made = schedule(client, number)
    assert refusal(client.messages(made.sid).delete) == (409, 20009)
    assert refusal(client.messages(made.sid).update, body="") == (409, 20009)


def test_list__follows_pages_newest_first(client, number):
    made = [schedule(client, number, body="m%d" % i).sid for i in range(7)]
    assert [m.sid for m in client.messages.list(to=number, page_size=3)] == made[::-1]
    assert [m.sid for m in client.messages.list(to=number, limit=5, page_size=2)] == made[:1:-1]
    assert [m.sid for m in client.messages.stream(to=number, page_size=1)] == made[::-1]


def test_list__pages_go_back_too(client, number):
    made = [schedule(client, number, body="m%d" % i).sid for i in range(5)][::-1]
    first = client.messages.page(to=number, page_size=2)
    assert [m.sid for m in first] == made[:2]
    assert first.previous_page_url is None
    second = first.next_page()
    assert [m.sid for m in second] == made[2:4]
    third = second.next_page()
    assert [m.sid for m in third] == made[4:]
    assert third.next_page() is None
    assert [m.sid for m in third.previous_page()] == made[2:4]


def test_list__filters_by_day_and_sender(client, number):
    sid = schedule(client, number).sid
    now = datetime.datetime.utcnow()
    day = datetime.timedelta(days=1)

    def found(**filters):
        return [m.sid for m in client.messages.list(to=number, **filters)]

    assert found(from_="Acme") == [sid]
    assert found(from_="Other") == []
    assert found(date_sent_after=now - day) == [sid]
    assert found(date_sent_after=now + day) == []
    assert found(date_sent_before=now + day) == [sid]
    assert found(date_sent_before=now - day) == []
    assert found(date_sent=now.date()) == [sid] or found(date_sent=(now - day).date()) == [sid]  # midnight
    assert found(date_sent=now - 2 * day) == []


def test_list__a_page_token_that_is_none(client, number):
    with pytest.raises(TwilioException, match='"code":20422'):  # of pages this SDK keeps the bare answer
        client.messages.page(to=number, page_token="PASM" + "0" * 32)


def test_account__can_be_fetched(client, gateway):
    account = client.api.accounts(gateway.account).fetch()
    assert (account.sid, account.status) == (gateway.account, "active")
    assert account.auth_token is None


def test_media__is_an_empty_list(client, number):
    sid = schedule(client, number).sid
    assert client.messages(sid).media.list() == []


def test_callbacks__are_signed_and_tell_the_whole_story(client, gateway, number, receiver):
    validator = RequestValidator(gateway.auth_token)
    url = receiver.url + "/status?order=1%202&x"
    sid = client.messages.create(to=number, from_="Acme", body="x", status_callback=url).sid
    posts = receiver.until("delivered")
    assert [p[1]["MessageStatus"] for p in posts] == ["sent", "delivered"]
    for at, params, headers in posts:
        assert at == url
        assert params["MessageSid"] == params["SmsSid"] == sid
        assert params["AccountSid"] == gateway.account
        assert (params["To"], params["From"]) == (number, "Acme")
        assert validator.validate(at, params, headers["X-Twilio-Signature"])
        assert not validator.validate(at, {**params, "To": "+1"}, headers["X-Twilio-Signature"])


def test_callbacks__of_whatsapp_have_whatsapp_addresses(client, gateway, number, receiver):
    client.messages.create(to="whatsapp:" + number, from_="whatsapp:+15005550006", body="hello", status_callback=receiver.url + "/w")
    for at, params, headers in receiver.until("delivered"):
        assert (params["To"], params["From"]) == ("whatsapp:" + number, "whatsapp:+15005550006")
        assert RequestValidator(gateway.auth_token).validate(at, params, headers["X-Twilio-Signature"])


def test_callbacks__tell_of_a_cancellation(client, gateway, number, receiver):
    made = schedule(client, number, status_callback=receiver.url + "/#rc=3")
    client.messages(made.sid).update(status="canceled")
    at, params, headers = receiver.until("canceled")[-1]
    assert at == receiver.url + "/"
    assert RequestValidator(gateway.auth_token).validate(at, params, headers["X-Twilio-Signature"])


def test_callbacks__carry_the_error_code(client, receiver):
    client.messages.create(to="+15005550004", from_="Acme", body="x", status_callback=receiver.url + "/")
    assert receiver.until("failed")[-1][1]["ErrorCode"] == "21610"


def test_create__a_whatsapp_address_is_a_number_on_another_channel(client, gateway, number):
    made = client.messages.create(to="whatsapp:" + number, from_="whatsapp:+15005550006", body="hello")
    assert (made.to, made.from_) == ("whatsapp:" + number, "whatsapp:+15005550006")
    fetched = client.messages(made.sid).fetch()
    assert (fetched.to, fetched.from_) == ("whatsapp:" + number, "whatsapp:+15005550006")
    assert [m.sid for m in client.messages.list(to="whatsapp:" + number)] == [made.sid]
    assert [m.sid for m in client.messages.list(to="whatsapp:" + number, from_="whatsapp:+15005550006")] == [made.sid]
    text = client.messages.create(to=number, from_="+15005550006", body="hello")
    assert text.sid not in [m.sid for m in client.messages.list(to="whatsapp:" + number)]
    assert refusal(client.messages.create, to="whatsapp:" + number, from_="+15005550006", body="hello")[0] == 400
    assert refusal(client.messages.create, to=number, from_="whatsapp:+15005550006", body="hello")[0] == 400
    assert refusal(client.messages.create, to="whatsapp:nobody", body="hello") == (400, 21211)
