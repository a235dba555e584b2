"""Real Docker hosts on one machine, in namespaces: for the demo, the tests and the benchmarks.

Try it as root (Debian packages docker.io, iptables, iproute2, busybox-static; for systemd
hosts and for hosts of another release also debootstrap)::

    python3 -m lab up --sysv 1 --systemd 1     # boots, prints names and addresses, Ctrl-C ends
    python3 -m lab exec sysv1 -- docker ps     # in another terminal: a command inside a host
    python3 -m lab exec sysv1                  # a shell inside it
    python3 -m lab list                        # what runs
    python3 -m lab.cleanup                     # removes what a crashed run left
    python3 -m lab up --release forky          # Debian's next: bookworm, trixie, forky
    python3 -m lab.cleanup --cache             # and the root file systems that debootstrap made

In code::

    with Lab() as lab:
        host = lab.sysv("h1")                  # or lab.systemd("h2", release="forky")
        host.boot()                            # lab.boot(h1, h2) boots several at once
        host.wait_docker()
        host.load_image()
        host.start_container("web", restart="always", publish=["8080:80"])
        host.run(["docker", "exec", "web", "ping", "-c1", str(lab.segment.router_address)])
        lab.segment.run_outside(["busybox", "wget", "-qO-", f"http://{host.address}:8080/"])
        host.power_off(); host.boot()          # a power loss; the host's disk stays
        host.cut_uplink(); host.restore_uplink()

A site that listens on ``lab.segment.site_address`` in the root namespace is reached by the hosts
as over a real network. Nothing of a host's disk lands on the machine's own: its root is an
overlay, and only /var/lib/docker and /var/lib/containerd are plain folders of the run.
"""

from lab.command import LabError
from lab.lab import Lab
from lab.segment import Segment
from lab.systemd import SystemdHost
from lab.sysv import SysvHost

__all__ = ["Lab", "LabError", "Segment", "SystemdHost", "SysvHost"]
