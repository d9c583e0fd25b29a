"""Commands about the device model: variables, and reports of them."""

from typing import Annotated, Literal

from msgspec import Meta

from forecourt.domain.stations.commands.base import (
    Ask,
    DetailsPart,
    Name,
    Number,
    Part,
    Text,
    Whole,
)


class VariableName(Part, frozen=True, kw_only=True):
    """A variable of a component; a 1.6 key is a variable without a component."""

    variable: Name
    component: Annotated[str, Meta(max_length=50)] = ""
    evse: Number | None = None
    connector: Number | None = None
    instance: Annotated[str, Meta(max_length=50)] | None = None
    component_instance: Annotated[str, Meta(max_length=50)] | None = None
    attribute: Literal["Actual", "Target", "MinSet", "MaxSet"] = "Actual"


class VariableValue(VariableName, frozen=True, kw_only=True):
    """A variable, and what it shall be."""

    value: Text


class GetVariables(Ask, frozen=True, kw_only=True, tag="get_variables"):
    """Read variables; 1.6 reads all keys when none is named."""

    variables: Annotated[tuple[VariableName, ...], Meta(max_length=100)] = ()


class SetVariables(Ask, frozen=True, kw_only=True, tag="set_variables"):
    """Write variables."""

    variables: Annotated[tuple[VariableValue, ...], Meta(min_length=1, max_length=100)]


class Selected(Part, frozen=True, kw_only=True):
    """A component, or one variable of it."""

    component: Name
    variable: Name | None = None
    evse: Number | None = None
    connector: Number | None = None
    instance: Annotated[str, Meta(max_length=50)] | None = None
    component_instance: Annotated[str, Meta(max_length=50)] | None = None


class GetReport(Ask, frozen=True, kw_only=True, tag="get_report"):
    """Ask for the device model; the station sends it in parts (1.6: all its keys at once).

    The whole of it, or, where criteria or components are named, what fits them.
    """

    base: Literal["configuration", "full", "summary"] = "full"
    criteria: Annotated[
        tuple[Literal["active", "available", "enabled", "problem"], ...], Meta(max_length=4)
    ] = ()
    selected: Annotated[tuple[Selected, ...], Meta(max_length=100)] = ()


MonitorType = Literal[
    "upper_threshold",
    "lower_threshold",
    "delta",
    "periodic",
    "periodic_clock_aligned",
    "target_delta",
    "target_delta_relative",
]
Severity = Annotated[int, Meta(ge=0, le=9)]
"""0 is danger, 9 is debugging."""


class EventStream(Part, frozen=True, kw_only=True):
    """How a monitor's values are streamed: every so often, so many at once (2.1)."""

    interval_s: Whole | None = None
    values: Whole | None = None


class Monitor(Part, frozen=True, kw_only=True):
    """A watch on a variable."""

    component: Name
    variable: Name
    type: MonitorType
    value: float
    severity: Severity
    id: Whole | None = None
    """Replace the monitor of this number."""
    transaction: bool = False
    """Only while a session goes on."""
    evse: Number | None = None
    connector: Number | None = None
    instance: Annotated[str, Meta(max_length=50)] | None = None
    component_instance: Annotated[str, Meta(max_length=50)] | None = None
    stream: EventStream | None = None


class SetVariableMonitoring(Ask, frozen=True, kw_only=True, tag="set_variable_monitoring"):
    """Have a station watch variables, and report when they pass a value."""

    monitors: Annotated[tuple[Monitor, ...], Meta(min_length=1, max_length=100)]


class ClearVariableMonitoring(Ask, frozen=True, kw_only=True, tag="clear_variable_monitoring"):
    """Have a station watch no longer."""

    ids: Annotated[tuple[Whole, ...], Meta(min_length=1, max_length=100)]


class MonitorResult(Part, frozen=True, kw_only=True):
    """What the station says of one monitor."""

    status: str
    id: int | None = None
    component: str = ""
    variable: str = ""
    type: MonitorType | None = None
    severity: int | None = None
    reason: str = ""


class MonitorResults(DetailsPart, frozen=True, kw_only=True, tag="monitors"):
    """What the station says of each monitor."""

    monitors: tuple[MonitorResult, ...]


class ChooseMonitors(Ask, frozen=True, kw_only=True, tag="set_monitoring_base"):
    """Which monitors shall watch: all, those of the factory, or those that are built in."""

    base: Literal["all", "factory_default", "hard_wired_only"]


class SetMonitoringLevel(Ask, frozen=True, kw_only=True, tag="set_monitoring_level"):
    """Report what is this severe, or severer."""

    severity: Severity


class GetMonitoringReport(Ask, frozen=True, kw_only=True, tag="get_monitoring_report"):
    """Ask which monitors a station has; it reports them in parts."""

    criteria: Annotated[
        tuple[Literal["threshold", "delta", "periodic"], ...], Meta(max_length=3)
    ] = ()
    selected: Annotated[tuple[Selected, ...], Meta(max_length=100)] = ()


class Apn(Part, frozen=True, kw_only=True, omit_defaults=True):
    """How a station gets into a mobile network."""

    apn: Annotated[str, Meta(min_length=1, max_length=2000)]
    apn_authentication: Literal["PAP", "CHAP", "NONE", "AUTO"]
    apn_user_name: Annotated[str, Meta(max_length=50)] | None = None
    apn_password: Annotated[str, Meta(max_length=64)] | None = None
    sim_pin: Whole | None = None
    preferred_network: Annotated[str, Meta(max_length=6)] | None = None
    use_only_preferred_network: bool | None = None


class Vpn(Part, frozen=True, kw_only=True, omit_defaults=True):
    """The tunnel that a station shall use."""

    server: Annotated[str, Meta(min_length=1, max_length=2000)]
    user: Annotated[str, Meta(max_length=50)]
    password: Annotated[str, Meta(max_length=64)]
    key: Annotated[str, Meta(max_length=255)]
    type: Literal["IKEv2", "IPSec", "L2TP", "PPTP"]
    group: Annotated[str, Meta(max_length=50)] | None = None


Protocol = Literal["ocpp1.2", "ocpp1.5", "ocpp1.6", "ocpp2.0.1", "ocpp2.1"]
Interface = Literal[
    "Wired0",
    "Wired1",
    "Wired2",
    "Wired3",
    "Wireless0",
    "Wireless1",
    "Wireless2",
    "Wireless3",
    "Any",
]


class SetNetworkProfile(Ask, frozen=True, kw_only=True, tag="set_network_profile"):
    """Give a station a way to reach us; it uses it when its priorities say so."""

    slot: Number
    url: Annotated[str, Meta(min_length=1, max_length=2000)]
    protocol: Protocol = "ocpp2.0.1"
    interface: Interface = "Wired0"
    security_profile: Annotated[int, Meta(ge=0, le=3)]
    message_timeout_s: Annotated[int, Meta(ge=1, le=3600)] = 30
    identity: Annotated[str, Meta(min_length=1, max_length=48)] | None = None
    """Who the station shall say it is (2.1)."""
    password: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    """What it shall prove it by (2.1)."""
    apn: Apn | None = None
    vpn: Vpn | None = None


class AdjustPeriodicEventStream(Ask, frozen=True, kw_only=True, tag="adjust_periodic_event_stream"):
    """Have a station stream a monitor's values more often, or less."""

    stream: Whole
    interval_s: Whole | None = None
    values: Whole | None = None


class GetPeriodicEventStream(Ask, frozen=True, kw_only=True, tag="get_periodic_event_streams"):
    """Ask which streams are open."""


class OpenStream(Part, frozen=True, kw_only=True):
    """A stream of a monitor's values."""

    id: int
    monitor: int
    interval_s: int | None = None
    values: int | None = None


class OpenStreams(DetailsPart, frozen=True, kw_only=True, tag="streams"):
    """The streams that are open."""

    streams: tuple[OpenStream, ...]
