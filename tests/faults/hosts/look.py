"""Runs inside a lab host: prints, as JSON, all that a change may touch there. Its tools alone."""

import base64
import json
import subprocess
from pathlib import Path


def out(*argv):
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else ""


def addresses(text):
    return [
        f"{a['local']}/{a['prefixlen']}"
        for link in json.loads(text or "[]")
        if link.get("ifname") != "lo"
        for a in link.get("addr_info", [])
    ]


def file_state(path):
    try:
        data, about = Path(path).read_bytes(), Path(path).stat()
    except OSError:
        return None
    text = base64.b64encode(data).decode()
    return [oct(about.st_mode & 0o7777), about.st_uid, about.st_gid, text]


def containers():
    ids = out("docker", "ps", "-aq").split()
    found = {}
    for data in json.loads(out("docker", "inspect", *ids) or "[]") if ids else []:
        state, pid = data["State"], data["State"]["Pid"]
        bridge = data["NetworkSettings"]["Networks"].get("bridge", {})
        inside = out("nsenter", "-t", str(pid), "-n", "ip", "-j", "-4", "addr") if pid else ""
        found[data["Name"].lstrip("/")] = {
            "running": state["Running"],
            "paused": state["Paused"],
            "address": f"{bridge.get('IPAddress')}/{bridge.get('IPPrefixLen')}",
            "inside": addresses(inside),
            "networks": {
                network: f"{end['IPAddress']}/{end['IPPrefixLen']}" if end["IPAddress"] else ""
                for network, end in data["NetworkSettings"]["Networks"].items()
            },
        }
    return found


def recorded():
    data = json.loads(out("docker", "network", "inspect", "bridge") or "[]")
    return data[0]["IPAM"]["Config"][0]["Subnet"] if data else ""


def networks():
    """The networks beside those that Docker makes itself, with their subnets."""
    ids = out("docker", "network", "ls", "-q", "--filter", "type=custom").split()
    data = json.loads(out("docker", "network", "inspect", *ids) or "[]") if ids else []
    return {one["Name"]: one["IPAM"]["Config"][0]["Subnet"] for one in data}


def own_rules():
    """The rules of Dockernet's own, in order, with their table."""
    found, table = [], ""
    for line in out("iptables-save").splitlines():
        table = line[1:] if line.startswith("*") else table
        if "dockernet" in line.lower():
            found.append(
                table + " " + line.partition("[")[0].strip()
                if line[0] == ":"
                else table + " " + line
            )
    return found


folder = Path("/etc/docker")
files = {p.name: file_state(p) for p in sorted(folder.iterdir()) if p.name != "key.json"}
ip_forward = Path("/proc/sys/net/ipv4/ip_forward").read_text().strip()
print(
    json.dumps(
        {
            "docker0": addresses(out("ip", "-j", "-4", "addr", "show", "docker0")),
            "record": recorded(),
            "networks": networks(),
            "files": files,
            "default": file_state("/etc/default/docker"),
            "sysctl": file_state("/etc/sysctl.d/99-dockernet.conf"),
            "settings": file_state("/var/lib/dockernet/nat.json"),
            "rules": own_rules(),
            "ip_forward": ip_forward,
            "containers": containers(),
        }
    )
)
