"""Both ways of writing rules, given hostile words, and others who write at the same moment."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lab.host import LabHost
from tests.root.nat_on_host import saved

HOSTILE = st.sampled_from(
    ["eth0 -j ACCEPT", "eth0\nCOMMIT\n*filter\n-P INPUT DROP", "$(reboot)", "`id`", "; id", '"',
     "'", "-F", "! eth0", "eth+", "\x00", "--modprobe=/bin/sh", "10.0.0.1\n-A INPUT -j DROP",
     "LOG", "QUEUE", "lo", "eth0"]
) | st.text(min_size=1, max_size=40)  # fmt: skip


def test_no_hostile_word_changes_a_table(bare: LabHost) -> None:
    """As every field of a specification, and as every part of a rule, given to each adapter."""
    bare.write("/tmp/hostile.py", HOSTILE_DRIVER)
    before = saved(bare)
    taken: list[int] = []

    @settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(HOSTILE, min_size=25, max_size=40))
    def feed(words: list[str]) -> None:
        argv = ["env", "PYTHONPATH=/opt/engine-under-test", "python3", "/tmp/hostile.py"]
        done = bare.run(argv, input=json.dumps(words))
        counts = json.loads(done.stdout.splitlines()[-1])
        assert counts["refused"] > len(words)
        taken.append(counts["taken"])
        assert saved(bare) == before

    feed()
    assert sum(taken) > 0, "no word ever reached an adapter"


HOSTILE_DRIVER = '''
"""Tries each word as everything that a specification or a rule is made of."""
import json, sys
from netops.engine.adapters import firewall_legacy, host_ports
from netops.engine.adapters.firewall_restore import rules_restore
from netops.engine.desired_nat import parse
from netops.engine.errors import DockernetError
from netops.engine.nat.edits import ChainDelete, ChainSet
from netops.engine.nat.rule import Rule

words, refused, taken = json.load(sys.stdin), 0, 0
ports = host_ports()
family = ports.firewall.observe().backend
CHAIN = "DOCKERNET-FORWARD"


def adapters():
    yield ports.firewall.edit
    yield lambda edits: rules_restore(f"/usr/sbin/iptables-{family}-restore", edits)


good = {"subnet": "172.17.0.0/16", "mode": "masquerade"}
for word in words:
    for spec in (
        {**good, "out_interface": word}, {**good, "subnet": word}, {**good, "mode": word},
        {**good, "mode": "snat", "to_source": word}, {**good, "exclude": [word]},
        {**good, "publish": [{"protocol": word, "host_port": 1, "to": "172.17.0.2:1"}]},
        {**good, "publish": [{"protocol": "tcp", "host_port": word, "to": "172.17.0.2:1"}]},
        {**good, "publish": [{"protocol": "tcp", "host_port": 1, "to": word}]},
    ):
        try:
            parse(spec)
        except DockernetError:
            refused += 1
    for more in ({"out_link": word}, {"in_link": word}, {"comment": word}, {"target": word},
                 {"source": word}, {"to": word}, {"protocol": word}, {"l4_port": word}):
        try:
            rule = Rule(**{"target": "ACCEPT", "comment": "c", **more})
        except ValueError:
            refused += 1
            continue
        for edit in adapters():
            try:
                edit({"filter": [ChainSet(CHAIN, (rule,))]})
            except DockernetError:
                continue  # No such target: the table is what it was.
            taken += 1
            edit({"filter": [ChainDelete(CHAIN)]})
print(json.dumps({"refused": refused, "taken": taken}))
'''


# iptables-nft takes one message for a table's edits and has no lock: there is no gap to write in.
legacy_alone = pytest.mark.parametrize("bare", ["legacy"], indirect=True)
VANDAL = """
import sys, time
sys.path.insert(0, "/usr/lib/python3/dist-packages")
import iptc
iptc.Rule.tables = property(lambda _: [iptc.Table("nat")])
end, written = time.monotonic() + 6, 0
while time.monotonic() < end:
    table = iptc.Table("nat", autocommit=False)
    try:
        table.refresh()
        chain = iptc.Chain(table, "POSTROUTING")
        rule = iptc.Rule()
        rule.src = "10.200.0.0/16"
        rule.create_target("RETURN")
        chain.insert_rule(rule)
        table.commit()
        table.refresh()
        iptc.Chain(table, "POSTROUTING").delete_rule(rule)
        table.commit()
        written += 1
    except iptc.IPTCError:
        pass
print(written)
"""
RACER = """
import json, time
from netops.engine.adapters import firewall_legacy, host_ports
from netops.engine.desired_nat import parse
from netops.engine.nat_keep import edit_to
from netops.engine.nat_setting import NatSetting, NatState
tries, again, waited = 0, firewall_legacy.time.sleep, []
firewall_legacy.time.sleep = lambda s: (waited.append(s), again(s))
one = NatSetting(parse({"subnet": "172.17.0.0/16", "mode": "masquerade"}).to_spec(), "docker0", 7)
ports, end = host_ports(), time.monotonic() + 4
while time.monotonic() < end:
    edit_to(ports, NatState(), [one])
    edit_to(ports, NatState((one,)), [])
    tries += 1
print(json.dumps([tries, len(waited)]))
"""


@legacy_alone
def test_python_iptables_tries_again_when_others_write_without_the_lock(bare: LabHost) -> None:
    before = saved(bare)
    vandal = bare.popen(["python3", "-c", VANDAL], stdout=-1, text=True)
    argv = ["env", "PYTHONPATH=/opt/engine-under-test", "python3", "-c", RACER]
    tries, waited = json.loads(bare.run(argv).stdout.splitlines()[-1])
    written = int(vandal.communicate(timeout=30)[0])
    assert tries > 5
    assert written > 5
    assert waited > 0, "the two never met"
    bare.run("iptables -t nat -F POSTROUTING")  # What the vandal could not take back.
    assert saved(bare) == before


@legacy_alone
def test_python_iptables_waits_for_the_lock(bare: LabHost) -> None:
    code = (
        "import json, time\nfrom netops.engine.adapters.firewall_legacy import xtables_lock\n"
        "from netops.engine.errors import OperationFailed\nbegun = time.monotonic()\n"
        "try:\n    with xtables_lock(wait_s=0.5): said = ''\n"
        "except OperationFailed as error: said = error.message\n"
        "print(json.dumps([said, time.monotonic() - begun]))"
    )
    argv = ["env", "PYTHONPATH=/opt/engine-under-test", "python3", "-c", code]
    assert json.loads(bare.run(argv).stdout)[0] == ""
    holder = bare.popen("exec flock --no-fork /run/xtables.lock sleep 5")
    try:
        bare.run("until ! flock -n /run/xtables.lock true; do sleep 0.05; done")
        said, took = json.loads(bare.run(argv).stdout)
    finally:
        holder.kill()
        holder.wait()
    assert "has held /run/xtables.lock for 0.5 s" in said
    assert 0.4 < took < 3
