"""One-time codes, by the real program: what the handset gets, what a guess is answered, and where the code is never found."""
import concurrent.futures
import json
import re

from harness.gateway import Gateway, call, until

CHINA, BRITAIN = "+8613800138000", "+447911123456"
ANY_RATE = ["1000/s per recipient"]
ON_THE_SPOT = {"resend_s": 0, "rates": ANY_RATE}


def begin(g, to=CHINA, status=201, headers=None, **more):
    a = g.post("/v1/verifications", {"to": to, **more}, headers)
    assert a.status == status, a
    return a.json


def texts(g, to):
    """What the handset got, oldest first; what is the same stands together."""
    return [m["body"] for m in sorted(g.sim.messages(), key=lambda m: m["seq"]) if m["to"] == to and m["provider"] == "twilio" for _ in range(m["times"])]


def text(g, to=CHINA, n=1):
    return until(lambda: texts(g, to)[n - 1:n], told="no text %d" % n)[0]


def code_of(said):
    return re.search(r"(?<![0-9A-Z#])[0-9A-Z]{4,10}(?![0-9A-Z])", said).group()


def check(g, v, code, headers=None):
    a = g.post("/v1/verifications/%s/check" % v["id"], {"code": code}, headers)
    assert a.status == 200, a
    return a.json


def wrong(code):
    return code[:-1] + ("1" if code[-1] != "1" else "2")


def everything_on_disk(g):
    return b"".join(p.read_bytes() for p in g.folder.rglob("*") if p.is_file() and "hongyan.db" in p.name)


def test_a_code_is_sent_in_chinese_and_approved_once(make_gateway):
    g = make_gateway()
    v = begin(g, brand="鸿雁")
    assert v["status"] == "pending" and v["attempts_left"] == 5 and v["channel"] == "sms"
    assert v["to"] == "+86*******8000" and CHINA not in json.dumps(v)
    said = text(g)
    code = code_of(said)
    assert said == "【鸿雁】您的验证码是 %s，10 分钟内有效，请勿告诉他人。" % code and re.fullmatch("[0-9]{6}", code)
    a = check(g, v, wrong(code))
    assert (a["valid"], a["status"], a["attempts_left"]) == (False, "pending", 4)
    a = check(g, v, " %s-%s " % (code[:3], code[3:]))
    assert (a["valid"], a["status"]) == (True, "approved")
    a = check(g, v, code)
    assert (a["valid"], a["status"]) == (False, "approved"), "a code is good once"
    assert g.get("/v1/verifications/" + v["id"]).json["status"] == "approved"
    seen = g.metrics()
    assert (seen["verifications_total"], seen["verifications_approved_total"], seen["verifications_wrong_total"]) == (1, 1, 2)


def test_other_numbers_get_other_languages_and_a_template_is_used_where_there_is_one(make_gateway, tmp_path):
    templates = tmp_path / "t"
    templates.mkdir()
    (templates / "login.txt").write_text("{{ brand }}: {{ code[:3] }} {{ code[3:] }}, {{ minutes }} min, {{ name }}")
    (templates / "login.fr.txt").write_text("Code {{ code }}")
    (templates / "mute.txt").write_text("Hello")
    g = make_gateway(templates={"dir": str(templates)}, verifications=ON_THE_SPOT)
    begin(g, BRITAIN, brand="Shop", expiry_s=61)
    assert re.fullmatch(r"\d{6} is your Shop code\. It is good for 2 min\. Do not share it\.", text(g, BRITAIN))
    begin(g, BRITAIN, language="zh-Hant-TW", code_length=4)
    assert re.fullmatch(r"您的驗證碼是 \d{4}，10 分鐘內有效，請勿告訴他人。", text(g, BRITAIN, 2))
    begin(g, BRITAIN, template="login", brand="Shop", vars={"name": "Li"})
    assert re.fullmatch(r"Shop: \d{3} \d{3}, 10 min, Li", text(g, BRITAIN, 3))
    begin(g, BRITAIN, template="login", language="fr-CA", vars={"name": "Li"})
    assert re.fullmatch(r"Code \d{6}", text(g, BRITAIN, 4))
    assert "{{ code }}" in begin(g, BRITAIN, 422, template="mute")["detail"]
    assert begin(g, BRITAIN, 400, code_length=3)["field"] == "code_length"


def test_handsets_can_read_the_code_by_themselves(make_gateway):
    g = make_gateway(verifications=ON_THE_SPOT)
    begin(g, BRITAIN, app_hash="FA+9qCX9VSu", brand="Shop")
    said = text(g, BRITAIN)
    assert re.fullmatch(r"<#> \d{6} is your Shop code\. It is good for 10 min\. Do not share it\.\nFA\+9qCX9VSu", said)
    assert len(said.encode()) <= 140
    begin(g, BRITAIN, web_domain="example.com")
    said = text(g, BRITAIN, 2)
    assert said.splitlines()[-1] == "@example.com #" + code_of(said)
    assert begin(g, BRITAIN, 422, app_hash="FA+9qCX9VSu", brand="S" * 60, language="fr")["field"] == "app_hash"
    assert begin(g, BRITAIN, 400, app_hash="short")["field"] == "app_hash"
    assert begin(g, BRITAIN, 400, app_hash="FA+9qCX9VSu", web_domain="example.com")["field"] == "web_domain"
    assert begin(g, BRITAIN, 400, web_domain="exa mple.com")["field"] == "web_domain"


def test_brand_and_template_follow_the_language_that_is_asked_for_or_the_numbers_country(make_gateway):
    g = make_gateway(verifications={**ON_THE_SPOT, "brand": "Goose", "brands": ["zh: 鸿雁", "de: Wildgans"]})
    admin = {"Authorization": "Bearer " + g.create_key(scopes="send,read,admin")["key"]}
    doc = {"en": {"sms": "{{ brand }}: {{ code }}"}, "zh": {"sms": "{{ brand }}验证码{{ code }}"}}
    assert g.post("/v1/templates", {"name": "login", "publish": True, "languages": doc}, admin).status == 201
    hash = "FA+9qCX9VSu"
    for n, (to, said, more) in enumerate((
            (CHINA, r"【鸿雁】您的验证码是 \d{6}，10 分钟内有效，请勿告诉他人。", {}), (BRITAIN, r"\d{6} is your Goose code\. .*", {}),
            (BRITAIN, r"\d{6} ist Ihr Wildgans-Code\. .*", {"language": "de-AT"}), (CHINA, r"【Yan】.*", {"brand": "Yan"}),
            (CHINA, r"鸿雁验证码\d{6}", {"template": "login"}), (BRITAIN, r"Goose: \d{6}", {"template": "login"}),
            (CHINA, r"<#> 鸿雁验证码\d{6}\n" + re.escape(hash), {"template": "login", "app_hash": hash}),
            (CHINA, r"<#> Goose: \d{6}\n" + re.escape(hash), {"template": "login", "app_hash": hash, "language": "en"}))):
        v = begin(g, to, purpose="p%d" % n, **more)
        g.wait(v["message_id"], "delivered")
        said_to = texts(g, to)
        assert re.fullmatch(said, said_to[-1], re.S), (more, said_to)
    refused = begin(g, CHINA, 422, template="login", language="fr", app_hash=hash)
    assert refused["field"] == "template" and "in en, zh" in refused["detail"], refused


def test_letters_that_look_alike_are_not_used_and_case_does_not_matter(make_gateway):
    g = make_gateway(verifications=ON_THE_SPOT)
    for n in range(1, 9):
        v = begin(g, BRITAIN, alphabet="alphanumeric", code_length=10)
        code = code_of(text(g, BRITAIN, n))
        assert re.fullmatch("[2-9A-HJKMNP-Z]{10}", code)
    assert check(g, v, code.lower())["valid"]


def test_the_code_is_found_nowhere_but_on_the_handset(make_gateway):
    g = make_gateway(verifications={**ON_THE_SPOT, "code_length": 10}, log={"level": "debug"})
    codes, sids = [], []
    for n in range(1, 4):
        v = begin(g, BRITAIN, purpose="p%d" % n, alphabet="alphanumeric")  # digits might stand somewhere by chance
        codes.append(code_of(text(g, BRITAIN, n)))
        sids.append(v["message_id"])
    check(g, v, wrong(codes[-1]))
    assert check(g, v, codes[-1])["valid"]
    g.settle()
    admin = {"Authorization": "Bearer " + g.create_key(scopes="send,read,admin")["key"]}
    assert len(g.get("/v1/verifications?status=approved", headers=admin).json["data"]) == 1
    shown = json.dumps([list(g.all()), [g.message(s) for s in sids], g.get("/v1/verifications", headers=admin).json])
    assert "**********" in g.message(sids[0])["body"]
    for code in codes:
        assert code not in shown and code not in g.log()
        assert code.encode() not in everything_on_disk(g), "the database, or its log"
    g.kill9()
    for code in codes:
        assert code.encode() not in everything_on_disk(g)


def test_twenty_connections_that_guess_get_five_guesses(make_gateway):
    g = make_gateway()
    v = begin(g)
    code = code_of(text(g))
    guesses = ["%06d" % n for n in range(200) if "%06d" % n != code]
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda guess: check(g, v, guess), guesses))
    assert sum(a["status"] == "pending" for a in answers) == 4, "the fifth was told that it was the last"
    assert not any(a["valid"] for a in answers)
    a = check(g, v, code)
    assert (a["valid"], a["status"], a["attempts_left"]) == (False, "max_attempts", 0)


def test_of_two_right_guesses_at_once_one_is_approved(make_gateway):
    g = make_gateway()
    v = begin(g)
    code = code_of(text(g))
    with concurrent.futures.ThreadPoolExecutor(20) as pool:
        answers = list(pool.map(lambda _: check(g, v, code), range(40)))
    assert sum(a["valid"] for a in answers) == 1 and {a["status"] for a in answers} == {"approved"}


def test_a_kill_between_guesses_gives_nobody_another_guess(make_gateway):
    g = make_gateway()
    v = begin(g)
    code = code_of(text(g))
    answered = 0
    for n in range(4):
        assert check(g, v, "%06d" % n if "%06d" % n != code else "999999")["status"] == "pending"
        answered += 1
        g.kill9()
        g.start()
        assert g.get("/v1/verifications/" + v["id"]).json["attempts_left"] == 5 - answered
    assert check(g, v, wrong(code))["status"] == "max_attempts"
    assert not check(g, v, code)["valid"]


def test_a_code_ends_with_its_time(make_gateway):
    g = make_gateway(verifications={"expiry_s": 6})
    v = begin(g)
    code = code_of(text(g))
    until(lambda: g.get("/v1/verifications/" + v["id"]).json["status"] == "expired")
    a = check(g, v, code)
    assert (a["valid"], a["status"], a["attempts_left"]) == (False, "expired", 0)
    assert g.post("/v1/verifications/%s/resend" % v["id"], {}).status == 409


def test_the_same_code_is_sent_anew_but_not_too_often(make_gateway):
    g = make_gateway(verifications={"resend_s": 6, "resends_max": 1, "rates": ANY_RATE})
    v = begin(g)
    path = "/v1/verifications/%s/resend" % v["id"]
    a = g.post(path, {})
    assert a.status == 429 and 1 <= int(a.headers["retry-after"]) <= 6, a
    a = until(lambda: (lambda b: b if b.status != 429 else None)(g.post(path, {})))
    assert a.status == 200 and a.json["resends_left"] == 0 and a.json["message_id"] != v["message_id"]
    assert code_of(text(g, n=1)) == code_of(text(g, n=2))
    a = g.post(path, {})
    assert a.status == 429 and int(a.headers["retry-after"]) > 60, a
    assert check(g, v, code_of(text(g)))["valid"]
    assert g.post(path, {}).status == 409


def test_a_newer_code_withdraws_the_one_before_for_this_purpose_only(make_gateway):
    g = make_gateway(verifications=ON_THE_SPOT)
    first = begin(g, purpose="login")
    one = code_of(text(g))
    other = begin(g, purpose="payment")
    second = begin(g, purpose="login")
    two, three = code_of(text(g, n=2)), code_of(text(g, n=3))
    a = check(g, first, one)
    assert (a["valid"], a["status"], a["reason"]) == (False, "canceled", "superseded")
    a = g.post("/v1/verifications/check", {"to": "13800138000", "purpose": "login", "code": three})
    assert a.json["valid"] and a.json["id"] == second["id"]
    a = g.post("/v1/verifications/check", {"to": CHINA, "purpose": "payment", "code": two})
    assert a.json["valid"] and a.json["id"] == other["id"]
    assert g.post("/v1/verifications/check", {"to": CHINA, "code": two}).status == 404


def test_beginning_again_at_once_is_refused_and_so_is_too_often(make_gateway):
    g = make_gateway(verifications={"resend_s": 30, "rates": ["3/h per source"]})
    begin(g)
    a = g.post("/v1/verifications", {"to": CHINA})
    assert a.status == 429 and 1 <= int(a.headers["retry-after"]) <= 30, a
    for n in range(3):
        begin(g, "+86138001381%02d" % n, client_ip="203.0.113.7")
        begin(g, "+86138001381%02d" % n, 429, client_ip="203.0.113.7")  # too soon, and no part of the rate
    a = g.post("/v1/verifications", {"to": "+8613800138077", "client_ip": "203.0.113.7"})
    assert a.status == 429 and int(a.headers["retry-after"]) > 30, a
    begin(g, "+8613800138077", client_ip="203.0.113.8")


def test_a_repeated_request_sends_no_second_code(make_gateway):
    g = make_gateway()
    key = {"Idempotency-Key": "k1"}
    v = begin(g, headers=key)
    again = g.post("/v1/verifications", {"to": CHINA}, key)
    assert again.status == 201 and again.json["id"] == v["id"] and again.headers["idempotency-replayed"] == "true"
    assert g.post("/v1/verifications", {"to": BRITAIN}, key).status == 422
    g.wait(v["message_id"], "delivered")
    assert len(texts(g, CHINA)) == 1


def test_another_accounts_verification_is_not_there(make_gateway):
    g = make_gateway()
    v = begin(g)
    code = code_of(text(g))
    other = {"Authorization": "Bearer " + g.create_key("other", "send,read,admin")["key"]}
    for answer in (g.get("/v1/verifications/" + v["id"], headers=other),
                   g.post("/v1/verifications/%s/check" % v["id"], {"code": code}, other),
                   g.post("/v1/verifications/%s/resend" % v["id"], {}, other),
                   g.post("/v1/verifications/%s/cancel" % v["id"], b"", other),
                   g.post("/v1/verifications/check", {"to": CHINA, "code": code}, other)):
        assert answer.status == 404, answer
    assert g.get("/v1/verifications", headers=other).json["data"] == []
    assert g.get("/v1/verifications/VE" + "0" * 32).status == 404
    assert check(g, v, code)["valid"]


def test_a_canceled_code_is_not_sent_any_more(make_gateway):
    g = make_gateway.gateway(profile={"latency_ms": 0})
    g.write(lanes=[g.lane("sim", g.provider_url, rates=["1/60s"])], verifications=ON_THE_SPOT)
    g.start()
    g.create(body="takes the lane's only place")
    v = begin(g)
    assert g.message(v["message_id"])["status"] == "queued"
    a = g.post("/v1/verifications/%s/cancel" % v["id"], b"")
    assert a.status == 200 and a.json["status"] == "canceled"
    assert g.post("/v1/verifications/%s/cancel" % v["id"], b"").status == 200
    g.write(lanes=[g.lane("sim", g.provider_url)], verifications=ON_THE_SPOT)
    g.term()
    g.start()
    assert g.wait(v["message_id"], "suppressed")["reason"] == "code_over"
    assert texts(g, CHINA) == []


def calls(g):
    """What was said on the telephone."""
    return [m["body"] for m in g.sim.messages() if m["provider"] == "twilio-voice"]


def voice_gateway(make_gateway, profile, **verifications):
    g = make_gateway.gateway(profile=profile)
    g.write(lanes=[g.lane("sim", g.provider_url), {**Gateway.lane("calls", g.sim.url), "provider": "twilio-voice"}],
            verifications={**ON_THE_SPOT, **verifications})
    return g.start()


def test_without_a_receipt_the_code_is_spoken(make_gateway):
    g = voice_gateway(make_gateway, {"receipts": {"none": 1}}, channels=["sms", "voice"], fallback_s=1)
    v = begin(g)
    code = code_of(text(g))
    spoken = until(lambda: calls(g), 30)[0]
    assert "，".join(code) in spoken, spoken
    assert check(g, v, code)["valid"]


def test_a_text_that_failed_is_followed_by_a_call_at_once_and_a_kill_makes_no_second(make_gateway):
    g = voice_gateway(make_gateway, {"receipts": {"undelivered": 1}}, channels=["sms", "voice"], fallback_s=600)
    v = begin(g)
    spoken = until(lambda: calls(g), 30)
    code = code_of(text(g))
    assert "，".join(code) in spoken[0]
    g.kill9()
    g.start()
    g.settle()
    assert len(calls(g)) == 1 and len(texts(g, CHINA)) == 1, g.sim.messages()
    assert check(g, v, code)["valid"]


def test_a_landline_that_takes_no_texts_is_called_the_next_time_too(make_gateway):
    """Its refusal makes the number a known invalid one: for texts."""
    g = make_gateway.gateway(profile={"errors": [{"share": 1, "status": 400, "code": 21614}]})
    phones = make_gateway.simulator()
    g.write(lanes=[g.lane("sim", g.provider_url), {**Gateway.lane("calls", phones.url), "provider": "twilio-voice"}], verifications=ON_THE_SPOT)
    g.start()
    for n in range(1, 3):
        begin(g, BRITAIN, channels=["sms", "voice"])
        until(lambda n=n: len(phones.messages()) == n, 30, told="call %d is not made" % n)
    begin(g, BRITAIN, channels=["voice"])
    until(lambda: len(phones.messages()) == 3, 30, told="the call alone is not made")
    m = g.message(g.create(to=BRITAIN, body="and a text"))
    assert (m["status"], m["reason"]) == ("suppressed", "known_invalid"), m


def test_whoever_gave_the_code_back_is_not_called(make_gateway):
    g = voice_gateway(make_gateway, {"receipts": {"none": 1}}, channels=["sms", "voice"], fallback_s=20)
    v = begin(g)
    code = code_of(text(g))
    g.wait(v["message_id"], "sent")
    assert check(g, v, code)["valid"]
    m = g.message(v["message_id"])
    assert (m["status"], m["reason"]) == ("delivered", "code_used")
    g.settle()
    assert calls(g) == []


def test_a_code_may_be_sent_anew_as_a_call(make_gateway):
    g = voice_gateway(make_gateway, None)
    v = begin(g, BRITAIN, alphabet="alphanumeric")
    code = code_of(text(g, BRITAIN))
    a = g.post("/v1/verifications/%s/resend" % v["id"], {"channel": "voice"})
    assert a.status == 200 and a.json["channel"] == "voice", a
    spoken = until(lambda: calls(g), 30)[0]
    assert all(c in spoken for c in code)
    assert len(texts(g, BRITAIN)) == 1


def test_nonsense_is_refused_by_name(make_gateway):
    g = make_gateway()
    for fields, field in (({}, "to"), ({"to": "no number"}, "to"), ({"to": CHINA, "channels": []}, "channels"),
                          ({"to": CHINA, "channels": ["fax"]}, "channels"), ({"to": CHINA, "channels": ["sms"] * 7}, "channels"),
                          ({"to": CHINA, "alphabet": "runes"}, "alphabet"), ({"to": CHINA, "expiry_s": 0}, "expiry_s"),
                          ({"to": CHINA, "purpose": "p" * 65}, "purpose"), ({"to": CHINA, "colour": "red"}, "colour")):
        a = g.post("/v1/verifications", fields)
        assert a.status in (400, 422) and a.json["field"] == field, (fields, a)
    v = begin(g)
    for code in ("", "123", "12345678901", "12345é", None, 123456):
        assert g.post("/v1/verifications/%s/check" % v["id"], {"code": code}).status == 400, code
    assert g.get("/v1/verifications/" + v["id"]).json["attempts_left"] == 5, "what cannot be a code is no guess"
    assert g.post("/v1/verifications", b"\0" * 60000).status == 400
