"""The host side: a lean worker that observes its host, plans, and carries out approved plans."""

VERSION = "0.1.0"
