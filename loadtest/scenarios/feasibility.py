"""What of a scenario cannot be done on a cluster, or would not be what it says there."""

from dataclasses import dataclass

from loadtest.load import Load, Stream
from loadtest.scenarios import hot_key, retry_storm
from loadtest.scenarios.scenario import Scenario, Setting

MOST_PER_SECOND = 650
"""Requests that one generator sends, on a processor that it shares."""

LONGEST_SECONDS = 150.0
"""Of a scenario; one that has to fill a window first may take longer."""

HOT_PER_SECOND = 21.0
"""From twenty on anybody asks who sends most of it."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a scenario cannot be done: what it would do, and what would help where a cluster is somebody's."""

    scenario: str
    why: str
    help: str = ""

    def __str__(self) -> str:
        """From the scenario's name on."""
        return f"{self.scenario} {self.why}" + (f": {self.help}" if self.help else "")


def needs_processes(scenario: Scenario) -> bool:
    """Whether it has faults: signals to nodes, proxies on their way, settings of their own."""
    return any(step.faults for step in scenario.steps)


def why_not(scenario: Scenario, setting: Setting, *, takes_new_keys: bool) -> Reason | None:
    """The first reason; None where there is none."""
    loads = [step.load for step in scenario.steps]
    reasons = (
        _of_nodes(loads, setting),
        None if takes_new_keys else _of_keys(loads),
        _of_rates(scenario, loads, setting),
        _of_windows(scenario, setting),
    )
    return next((Reason(scenario.name, *told) for told in reasons if told is not None), None)


Told = tuple[str] | tuple[str, str] | None
"""Why not, and perhaps what would help."""


def _of_nodes(loads: list[Load], setting: Setting) -> Told:
    is_uneven = any(stream.node_weights for load in loads for stream in load.streams)
    if is_uneven and len(setting.node_ids) < 2:
        return ("takes two nodes or more that can be asked one by one",)
    return None


def _of_keys(loads: list[Load]) -> Told:
    if any(not stream.keys for load in loads for stream in load.streams):
        return ("sends keys that nobody had before, and this cluster takes registered ones only",)
    return None


def _of_rates(scenario: Scenario, loads: list[Load], setting: Setting) -> Told:
    most = scenario.most_per_second
    if round(most) > MOST_PER_SECOND:
        return (
            f"would send {most:,.0f} requests a second, where a client may send {setting.limit}, and "
            f"{MOST_PER_SECOND} are the most",
            "take a lower --rate, or clients with a lower limit",
        )
    if scenario.name == hot_key.NAME and most < HOT_PER_SECOND:
        return (
            f"would send {most:.0f} requests a second within a client's limit of {setting.limit}, which is "
            "hardly any",
            "take a higher --rate, or clients with a higher limit",
        )
    meant = {sign.id for sign in scenario.expected + scenario.allowed if sign.kind == "client"}
    for stream in (stream for load in loads for stream in load.streams):
        of_one = _of_one(stream)
        is_meant = any(client.id in meant for client in setting.clients if client.key in stream.keys[:1])
        if of_one > setting.bearable_per_second and not (is_meant and len(stream.keys) == 1):
            return (
                f"would have clients refused that it does not mean, as {of_one:.2g} requests a second are "
                f"more than a limit of {setting.limit} bears",
                "take a lower --rate, or more keys",
            )
    return None


def _of_one(stream: Stream) -> float:
    return stream.rate_per_second / len(stream.keys) if stream.keys else 0.0


def _of_windows(scenario: Scenario, setting: Setting) -> Told:
    steps = scenario.steps
    smallest = min(window.quota for window in setting.windows)
    burst = max(stream.burst for step in steps for stream in step.load.streams or (Stream(0.0, ()),))
    if burst > 1 and 2 * burst > smallest:
        return (f"sends {burst} requests at once, and a client's limit has a window of {smallest}",)
    if sum(step.seconds for step in steps) > LONGEST_SECONDS:
        return (f"would take minutes to fill a window of {setting.limit}",)
    if scenario.name == retry_storm.NAME:
        fill = setting.fill_seconds(steps[0].load.streams[-1].rate_per_second)
        if fill > retry_storm.SECONDS / 2:
            return (f"would take {fill:.0f} s to fill a window of {setting.limit}",)
    return None
