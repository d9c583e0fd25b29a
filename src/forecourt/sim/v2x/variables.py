"""What a 2.x station does when its device model is read, written and reported."""

from functools import partial
from typing import Any, Final

from forecourt.sim.readings import moment
from forecourt.sim.v2x.controllers import ITEMS_MAX
from forecourt.sim.v2x.entry import Entry, Place
from forecourt.sim.v2x.model import Missing
from forecourt.sim.v2x.table import Commands, Speaker, pages

_ATTRIBUTES: Final = frozenset({None, "Actual"})
_TRUE_CRITERIA: Final = {"Active": "Active", "Available": "Available", "Enabled": "Enabled"}


def place_of(component: Any) -> Place:
    evse = component.evse
    return Place(
        component.name.lower(),
        component.instance,
        evse.id if evse is not None else None,
        evse.connector_id if evse is not None else None,
    )


def find(speaker: Speaker, component: Any, variable: Any) -> Entry | Missing:
    """The variable that a message means."""
    return speaker.model().find(place_of(component), variable.name, variable.instance)


# --- One by one -----------------------------------------------------------------------------------


def on_read(speaker: Speaker, request: Any) -> Any:
    words, results = speaker.words, []
    for asked in request.get_variable_data:
        entry = find(speaker, asked.component, asked.variable)
        value = None
        if isinstance(entry, str):
            status: str = entry
        elif asked.attribute_type not in _ATTRIBUTES:
            status = "NotSupportedAttributeType"
        elif entry.key.secret:
            status = "Rejected"
        else:
            status, value = "Accepted", speaker.value(entry)
        results.append(
            words.GetVariableResult(
                attribute_status=status,
                component=asked.component,
                variable=asked.variable,
                attribute_type=asked.attribute_type,
                attribute_value=value,
            )
        )
    return words.GetVariablesResponse(get_variable_result=tuple(results))


def on_write(speaker: Speaker, request: Any) -> Any:
    words, results = speaker.words, []
    for asked in request.set_variable_data:
        entry = find(speaker, asked.component, asked.variable)
        status = entry if isinstance(entry, str) else _write(speaker, entry, asked)
        results.append(
            words.SetVariableResult(
                attribute_status=status,
                component=asked.component,
                variable=asked.variable,
                attribute_type=asked.attribute_type,
            )
        )
    return words.SetVariablesResponse(set_variable_result=tuple(results))


def _write(speaker: Speaker, entry: Entry, asked: Any) -> str:
    station = speaker.station
    if asked.attribute_type not in _ATTRIBUTES:
        return "NotSupportedAttributeType"
    if not entry.writable:
        return "Rejected"
    priorities = entry.key.knob == "priorities"
    if priorities and not station.network.usable(asked.attribute_value):
        return "Rejected"  # B09.FR.05: every slot must hold a profile.
    if not entry.key.write(station.knobs, asked.attribute_value):
        return "Rejected"
    match entry.key.knob:
        case "heartbeat_s":
            station.arm_heartbeat()
        case "aligned_s":
            station.arm_aligned()
        case "ping_s":
            station.arm_ping()
        case "password":
            speaker.security_event("ReconfigurationOfSecurityParameters")
            station.talk.after_answer(station.reconnect)
        case "cache" if not station.knobs.cache:
            station.cards.cache.clear()
    return "RebootRequired" if priorities else "Accepted"


# --- Reports --------------------------------------------------------------------------------------


def on_base_report(speaker: Speaker, request: Any) -> Any:
    model = speaker.model()
    entries = list(model)
    if request.report_base == "ConfigurationInventory":
        entries = [entry for entry in entries if entry.writable]
    elif request.report_base == "SummaryInventory":
        entries = model.summary()
    speaker.station.talk.after_answer(partial(_report, speaker, request.request_id, entries))
    return speaker.words.GetBaseReportResponse(status="Accepted")


def on_report(speaker: Speaker, request: Any) -> Any:
    entries = list(speaker.model())
    if request.component_variable is not None:
        asked = request.component_variable
        entries = [e for e in entries if any(is_asked_for(e, one) for one in asked)]
    if request.component_criteria is not None:
        criteria = request.component_criteria
        entries = [e for e in entries if any(_meets(speaker, e, c) for c in criteria)]
    if not entries:
        return speaker.words.GetReportResponse(status="EmptyResultSet")
    speaker.station.talk.after_answer(partial(_report, speaker, request.request_id, entries))
    return speaker.words.GetReportResponse(status="Accepted")


def is_asked_for(entry: Entry, asked: Any) -> bool:
    """Whatever the request leaves open matches everything."""
    place, mine = place_of(asked.component), entry.place
    if place.name != mine.name or place.instance not in (None, mine.instance):
        return False
    if place.evse not in (None, mine.evse) or place.connector not in (None, mine.connector):
        return False
    variable = asked.variable
    if variable is None:
        return True
    same = variable.name.lower() == entry.variable.lower()
    return same and variable.instance in (None, entry.instance)


def _meets(speaker: Speaker, entry: Entry, criterion: str) -> bool:
    """B08.FR.09: a component without such a variable counts as active, available, enabled."""
    model = speaker.model()
    name = criterion if criterion == "Problem" else _TRUE_CRITERIA[criterion]
    judged = model.find(entry.place, name, None)
    if isinstance(judged, str):
        return criterion != "Problem"
    return speaker.value(judged) == "true"


def _report(speaker: Speaker, request_id: int, entries: list[Entry]) -> None:
    """In pages; what each says is looked up when its page goes out."""
    now = moment(speaker.station.world.now)
    for number, page, more in pages(list(entries), ITEMS_MAX):
        speaker.ask(
            speaker.words.NotifyReport(
                request_id=request_id,
                generated_at=now,
                seq_no=number,
                tbc=True if more else None,
                report_data=tuple(_data(speaker, entry) for entry in page),
            ),
            early=True,
        )


def component_of(words: Any, entry: Entry) -> Any:
    evse = None
    if entry.evse is not None:
        evse = words.EVSE(id=entry.evse, connector_id=entry.connector)
    return words.Component(name=entry.component, instance=entry.component_instance, evse=evse)


def variable_of(words: Any, entry: Entry) -> Any:
    return words.Variable(name=entry.variable, instance=entry.instance)


def _data(speaker: Speaker, entry: Entry) -> Any:
    words, key = speaker.words, entry.key
    mutability = "WriteOnly" if key.secret else "ReadWrite" if entry.writable else "ReadOnly"
    attribute = words.VariableAttribute(
        value=None if key.secret else speaker.value(entry),
        mutability=mutability if mutability != "ReadWrite" else None,
        persistent=True if entry.writable else None,
        constant=True if not entry.live and not entry.writable else None,
    )
    low, high = entry.limits
    values = entry.words or key.words
    is_list = entry.data_type in {"OptionList", "MemberList", "SequenceList"}
    return words.ReportData(
        component=component_of(words, entry),
        variable=variable_of(words, entry),
        variable_attribute=(attribute,),
        variable_characteristics=words.VariableCharacteristics(
            data_type=entry.data_type,
            unit=(entry.unit or key.unit) or None,
            min_limit=low,
            max_limit=high,
            values_list=",".join(values) if values and is_list else None,
            supports_monitoring=entry.monitored,
        ),
    )


COMMANDS: Final[Commands] = {
    "GetVariables": on_read,
    "SetVariables": on_write,
    "GetBaseReport": on_base_report,
    "GetReport": on_report,
}
