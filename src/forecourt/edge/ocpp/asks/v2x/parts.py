"""OCPP 2.x: parts that many messages have."""

from forecourt.domain.stations import VariableName
from forecourt.protocol.ocpp import v21


def evse(evse_no: int | None, connector_no: int | None = None) -> v21.EVSE | None:
    """An EVSE, where one is meant."""
    return None if evse_no is None else v21.EVSE(id=evse_no, connector_id=connector_no)


def component(name: VariableName) -> v21.Component:
    """The component that a variable is of."""
    return v21.Component(
        name=name.component,
        instance=name.component_instance,
        evse=evse(name.evse, name.connector),
    )
