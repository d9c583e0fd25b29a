"""Commands about the device model: variables, and reports of them."""

from typing import Annotated, Literal

from msgspec import Meta

from forecourt.domain.stations.commands.base import Ask, Name, Number, Part, Text


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


class GetReport(Ask, frozen=True, kw_only=True, tag="get_report"):
    """Ask for the whole device model; the station sends it in parts (1.6: all its keys at once)."""

    base: Literal["configuration", "full", "summary"] = "full"
