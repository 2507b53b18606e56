"""One-time codes of several gateways on one database: guesses at all of them are counted together, and a code is taken once."""
import concurrent.futures

from harness.cluster import STEADY
from test_nodes import cluster  # noqa: F401
from test_nodes_events import database  # noqa: F401
from test_verifications import ON_THE_SPOT, begin, check, code_of, text, texts

CROWD = 12


def crowd(of):
    with concurrent.futures.ThreadPoolExecutor(CROWD) as pool:
        return list(pool.map(of, range(3 * CROWD)))


def test_code__is_guessed_at_and_taken_as_often_as_by_one_gateway(cluster, database):  # noqa: F811
    c = cluster(database=database, **STEADY, verifications=ON_THE_SPOT).start()

    def node(n):
        return c.nodes[n % len(c.nodes)]
    for i in range(4):
        guessed = begin(c.nodes[0], to="+1415555010%d" % i)
        code = code_of(text(c.nodes[0], "+1415555010%d" % i))
        guesses = [g for g in ("%06d" % n for n in range(50)) if g != code]
        answers = crowd(lambda n: check(node(n), guessed, guesses[n]))
        assert sum(a["status"] == "pending" for a in answers) == 4 and not any(a["valid"] for a in answers), [a["status"] for a in answers]
        taken = begin(c.nodes[1], to="+1415555020%d" % i)
        code = code_of(text(c.nodes[0], "+1415555020%d" % i))
        answers = crowd(lambda n: check(node(n), taken, code))
        assert sum(a["valid"] for a in answers) == 1 and {a["status"] for a in answers} == {"approved"}


def test_code__is_sent_anew_no_more_often_than_allowed(cluster, database):  # noqa: F811
    c = cluster(database=database, **STEADY, verifications={**ON_THE_SPOT, "resends_max": 3}).start()
    number = "+14155550300"
    v = begin(c.nodes[0], to=number)
    text(c.nodes[0], number)
    crowd(lambda n: c.nodes[n % 3].post("/v1/verifications/%s/resend" % v["id"], {}))
    c.settle(60)
    assert len(texts(c.nodes[0], number)) == 4


def test_code__begun_at_several_gateways_at_once_for_one_number_is_one(cluster, database):  # noqa: F811
    """The first for a number has no row yet that both would write."""
    c = cluster(database=database, **STEADY, verifications={**ON_THE_SPOT, "resend_s": 60}).start()
    for i in range(8):
        number = "+1415555040%d" % i
        answers = crowd(lambda n: c.nodes[n % len(c.nodes)].post("/v1/verifications", {"to": number, "purpose": "login"}))
        assert sorted(a.status for a in answers) == [201] + [429] * (3 * CROWD - 1), [(a.status, a.body) for a in answers]
    c.settle(60)
    for i in range(8):
        assert len(texts(c.nodes[0], "+1415555040%d" % i)) == 1
