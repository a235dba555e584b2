"""Sentences that no source has any more but records have, and bits of English inside of sentences.

What a host or a service said is never written anew: a sentence that is worded otherwise today stays
as it was in the log and in the histories, and is shown in the reader's language all the same.
"""

from __future__ import annotations

# As earlier versions wrote them; `{0}`, `{1}` ... stand for the values.
FORMER = (
    "{0} put {1} into {2}.",
    "{0} took {1} out of {2}.",
    "{0} set policy of {1}.",
    "{0} removed policy of {1}.",
    "{0} froze {1} every week, {2} {3} to {4} {5} ({6}): {words7}.",
    "{0}: {1} may now request, under {2}.",
    "{0}: {1} may now approve, under {2}.",
    "{0}: {1} may now cancel, under {2}.",
    "{0}: {1} has no longer a grant to request, under {2}.",
    "{0}: {1} has no longer a grant to approve, under {2}.",
    "{0}: {1} has no longer a grant to cancel, under {2}.",
    "Container {0}: none → {1}.",
    "Container {0}: {1} → none.",
    "The worker was lost in mid-job; the host's journal will say what became of it.",
    "FORWARD by default: {0} → {1}.",
    "The plan is blocked: {0}.",
    "A part of this host that decides could not be looked at: {0}",
    "In to the containers",
    "{0} What was done is undone, last step first.",
    "{0} was {1}, now {2}.",
    "{0}: {1} was {2}, now {3}.",
    "Started again: {0}.",
    "Look at `docker ps -a` and `docker logs NAME`, then start the container by hand.",
    "{0} The host could not be brought back whole. Left to do by hand: {1}",
    "{0} {1} stopped but has the restart policy “always”: Docker starts such containers whenever "
    "it starts itself.",
    "{0}{1} has room for {2} containers beside the gateway, but {3} need an address of the default "
    "bridge. Ask for a /{4} or larger.",
    "Port {0}/{1} is open on {2}, for everybody who reaches it. Name one host_ip to narrow it.",
    "Ports that Dockernet publishes do not follow, since addresses are given anew: {0}. Publish "
    "them again after the change.",
    "The DNS server {0} ({1}) is inside {2}; names would no longer resolve. {3}.",
    "This host has a route to {0}, which overlaps {1}; one of the two would lose its "
    "packets. {2}, or accept “overlaps-route” if nothing in {3} is needed from this host.",
    "This host is a node of a swarm; while Docker restarts, its services are moved to other "
    "nodes. Drain the node first (docker node update --availability drain), or accept "
    "“swarm-node”.",
    "docker0 has {0} beside {1}. Exactly one address remains after the change: these are "
    "removed too, and come back only if the change is rolled back.",
    "{0} publishes {1}, on an address of the old subnet {2}: it cannot start once that "
    "address is gone. Create it anew without that address, or accept “host-ip-bound” and it "
    "stays stopped.",
    "{0} runs with --rm: Docker deletes it, with what is written in it, as soon as it "
    "stops. Start it again without --rm, wait until it is done, or accept "
    "“removes-container”.",
)

# What stands where a sentence has a value, and is neither a name nor a number.
PHRASES = (
    "NAT: {0}",
    "docker0 is up.",
    "docker0 is down.",
    "docker0 has {0}.",
    "docker0 lacks {0}.",
    "Every step is done and proved",
    # Sentences that stand at the beginning where another one was split off before them.
    "The host was booted again.",
    "The host goes back.",
    "The host is as it was.",
    "The host is as it was, but for what ran with --rm and is gone: {0}.",
    "The host could not be brought back whole.",
    "There is no way back: {0}",
    "The host goes on to the new state.",
    "There was no way back: {0}",
    "The host stays on the new state, which is whole and proved.",
    "The host stays on the new state, where Docker was not stopped again.",
    "What others changed meanwhile makes a difference: {0}",
    "To go back later, first run: {0}",
    "There was no way back ({0}), and the new state could not be proved.",
    "Left to do by hand: {0}",
    "Run: `{0}`.",
    "dockerd says: {words0}",
    "all that ran runs again",
    "all that ran runs again but {0}",
    "{0} is gone again.",
    "{0} is as it was, byte by byte.",
    "{0} was edited by others meanwhile: {1} alone was put back.",
    "Addresses of {0}",
    "Container {0}",
    "Dependent unit {0}",
    "DNS server {0}",
    "Docker network {0}",
    "Docker's setting {0}",
    "Firewall rule {0}",
    "Published port's target {0}",
    "Route {0}",
    "The site's address {0}",
    "line {0}, column {1}",
    "Expecting value",
    "Expecting property name enclosed in double quotes",
    "Expecting ',' delimiter",
    "Expecting ':' delimiter",
    "Extra data",
    "Unterminated string starting at",
    "Invalid control character at",
    "yes",
    "no",
    "every address of this host",
    "the public address {0}",
    "the default policy",
    "policy of {0}",
    "the policy of {0}",
    "the group {0}",
    "all environments",
    "hosts without an environment",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
)
