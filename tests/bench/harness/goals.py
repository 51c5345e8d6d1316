"""What ours is to reach, beside peers measured in the same run.

Only ratios: absolute figures belong to one machine and one day. Where a goal was first written as a
time, it is given here as its share of a peer's time in the same measurement."""

from dataclasses import dataclass

NOISE = 0.10  # differences below this are taken as nothing


@dataclass(frozen=True)
class Goal:
    """`key` of `label` is to be at most (at least) `factor` times that of `peer`."""
    level: str    # "first" or "then"
    key: str
    is_most: bool  # at most; otherwise at least
    factor: float
    peer: str      # label of another entry; empty: `factor` is the bound itself
    label: str = "ours"
    noise: float = NOISE

    def text(self):
        sign = "≤" if self.is_most else "≥"
        bound = f"{self.factor:g} × {self.peer}" if self.peer else f"{self.factor:g}"
        return f"{self.label}: {NAMES[self.key]} {sign} {bound}"

    def judge(self, figures):
        """(ratio or value, verdict) from {label: medians}; (None, "not measured")."""
        own, peer = figures.get(self.label), figures.get(self.peer)
        if not own or (self.peer and not peer) or self.key not in own:
            return None, "not measured"
        value = own[self.key] / peer[self.key] if self.peer else own[self.key]
        excess = value / self.factor if self.is_most else self.factor / value if value else 2
        if excess <= 1:
            return value, "met"
        return value, "within noise" if excess <= 1 + self.noise else "missed"


NAMES = {"cpu_us": "CPU", "rate": "rate", "p99_ms": "p99", "bytes": "bytes", "ready_ms": "time",
         "instructions": "instructions"}


def most(level, key, factor, peer="", **more):
    return Goal(level, key, True, factor, peer, **more)


def least(level, key, factor, peer="", **more):
    return Goal(level, key, False, factor, peer, **more)
