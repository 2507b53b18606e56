"""Gateways that share a Redis and a provider."""
import os

from harness.gateway import until


def sharing(make_gateway, n, server, lane=None, rates=(), profile=None, **settings):
    """n of them, running. One master key: without it they would not count the same."""
    sim = make_gateway.simulator(profile=profile)
    settings["redis"] = {"url": server.url, "nodes_expected": n, **settings.get("redis", {})}
    # A key of its own for each test: another test's counters are others, also in the same Redis.
    env = {"HONGYAN_MASTER_KEY": os.urandom(32).hex(), **settings.pop("env", {})}
    made = [make_gateway.gateway(provider_url=sim.url, env=env, lane=lane, limits={"rates": list(rates)}, **settings)
            for _ in range(n)]
    for g in made:
        g.sim = sim
        g.start()
    return made


def last_said(g):
    said = [line for line in g.log().splitlines() if "event=shared." in line]
    return said[-1] if said else ""


def together(*gateways):
    until(lambda: all("shared.together" in last_said(g) for g in gateways), 60, told="they do not count together")


def alone(*gateways):
    until(lambda: all("shared.alone" in last_said(g) for g in gateways), 60, told="they do not see that Redis is away")
