"""What a station can be asked to do, in the domain's words, and how it answered.

One Struct for each command, by topic; the tag is the word that people and programs use for it. The
edge translates into the version that the station speaks.
"""

from typing import Final, get_args

from forecourt.domain.stations.commands.answers import (
    GOOD,
    SPOKEN,
    Answer,
    Details,
    Outcome,
    VariableResult,
)
from forecourt.domain.stations.commands.base import Ask, TokenType
from forecourt.domain.stations.commands.certificates import (
    CertificateHash,
    CertificateSigned,
    DeleteCertificate,
    GetInstalledCertificateIds,
    InstallCertificate,
    Installed,
    InstalledCertificates,
    InstalledUse,
    RootUse,
    StationUse,
)
from forecourt.domain.stations.commands.charging import (
    ChargingProfile,
    ChargingSchedule,
    ClearChargingProfile,
    CompositeSchedule,
    FreqWatt,
    GetChargingProfiles,
    GetCompositeSchedule,
    LimitAtSoc,
    Purpose,
    RateUnit,
    SchedulePeriod,
    SetChargingProfile,
    SetLimit,
    SignalWatt,
    UpdateDynamicSchedule,
    UsePriorityCharging,
)
from forecourt.domain.stations.commands.core import (
    Availability,
    ClearCache,
    DataTransfer,
    GetTransactionStatus,
    Reset,
    Start,
    Started,
    Stop,
    TransactionStatus,
    Trigger,
    Unlock,
)
from forecourt.domain.stations.commands.devices import (
    AdjustPeriodicEventStream,
    Apn,
    ChooseMonitors,
    ClearVariableMonitoring,
    EventStream,
    GetMonitoringReport,
    GetPeriodicEventStream,
    GetReport,
    GetVariables,
    Interface,
    Monitor,
    MonitorResult,
    MonitorResults,
    MonitorType,
    OpenStream,
    OpenStreams,
    Protocol,
    Selected,
    SetMonitoringLevel,
    SetNetworkProfile,
    SetVariableMonitoring,
    SetVariables,
    VariableName,
    VariableValue,
    Vpn,
)
from forecourt.domain.stations.commands.drivers import (
    CancelReservation,
    ClearDisplayMessage,
    CustomerInformation,
    DisplayText,
    GetDisplayMessages,
    GetLocalListVersion,
    ListEntry,
    LocalListVersion,
    Reserve,
    SendLocalList,
    SetDisplayMessage,
)
from forecourt.domain.stations.commands.files import (
    GetLog,
    LogFile,
    PublishFirmware,
    UnpublishFirmware,
    UpdateFirmware,
)
from forecourt.domain.stations.commands.grid import (
    AfrrSignal,
    ClearDerControl,
    ControlType,
    Curve,
    CurvePoint,
    EnterService,
    FixedPowerFactor,
    FixedVar,
    FreqDroop,
    GetDerControl,
    Gradient,
    Hysteresis,
    LimitMaxDischarge,
    NotifyAllowedEnergyTransfer,
    ReactivePowerParams,
    RequestBatterySwap,
    SetDerControl,
    Superseded,
    TransferMode,
    VoltageParams,
)
from forecourt.domain.stations.commands.raw import (
    Raw,
    RawResponse,
)
from forecourt.domain.stations.commands.recorded import (
    GIVEN_SORTS,
    GivenCommand,
    GivenFields,
    holds_secret,
    is_secret,
    recorded,
    without_secrets,
)
from forecourt.domain.stations.commands.tariffs import (
    ChangeTransactionTariff,
    ClearTariffs,
    Conditions,
    CostUpdated,
    EnergyPrice,
    EnergyPrices,
    FixedConditions,
    FixedPrice,
    FixedPrices,
    GetTariffs,
    NotifyWebPaymentStarted,
    Price,
    SetDefaultTariff,
    StationTariff,
    TariffCleared,
    TariffHeld,
    TariffsCleared,
    TariffsHeld,
    TaxRate,
    TimePrice,
    TimePrices,
)

ForMany = (
    Reset
    | Unlock
    | Availability
    | Trigger
    | DataTransfer
    | GetTransactionStatus
    | ClearCache
    | GetVariables
    | SetVariables
    | GetReport
    | SetVariableMonitoring
    | ClearVariableMonitoring
    | ChooseMonitors
    | SetMonitoringLevel
    | GetMonitoringReport
    | SetNetworkProfile
    | AdjustPeriodicEventStream
    | GetPeriodicEventStream
    | CertificateSigned
    | InstallCertificate
    | DeleteCertificate
    | GetInstalledCertificateIds
    | SetLimit
    | SetChargingProfile
    | ClearChargingProfile
    | GetChargingProfiles
    | GetCompositeSchedule
    | UpdateDynamicSchedule
    | UsePriorityCharging
    | AfrrSignal
    | NotifyAllowedEnergyTransfer
    | SetDerControl
    | GetDerControl
    | ClearDerControl
    | RequestBatterySwap
    | UpdateFirmware
    | PublishFirmware
    | UnpublishFirmware
    | GetLog
    | Reserve
    | CancelReservation
    | GetLocalListVersion
    | SendLocalList
    | SetDisplayMessage
    | GetDisplayMessages
    | ClearDisplayMessage
    | CustomerInformation
    | SetDefaultTariff
    | GetTariffs
    | ClearTariffs
    | ChangeTransactionTariff
    | CostUpdated
    | NotifyWebPaymentStarted
    | Raw
)
"""What may be asked of many stations at once."""
Direct = Start | ForMany
"""What is asked as it stands. (Who stops may name a session, which this room does not know.)"""
Command = Stop | Direct

COMMANDS: Final[tuple[type[Ask], ...]] = get_args(Command)

__all__ = [
    "COMMANDS",
    "GIVEN_SORTS",
    "GOOD",
    "SPOKEN",
    "AdjustPeriodicEventStream",
    "AfrrSignal",
    "Answer",
    "Apn",
    "Ask",
    "Availability",
    "CancelReservation",
    "CertificateHash",
    "CertificateSigned",
    "ChangeTransactionTariff",
    "ChargingProfile",
    "ChargingSchedule",
    "ChooseMonitors",
    "ClearCache",
    "ClearChargingProfile",
    "ClearDerControl",
    "ClearDisplayMessage",
    "ClearTariffs",
    "ClearVariableMonitoring",
    "Command",
    "CompositeSchedule",
    "Conditions",
    "ControlType",
    "CostUpdated",
    "Curve",
    "CurvePoint",
    "CustomerInformation",
    "DataTransfer",
    "DeleteCertificate",
    "Details",
    "Direct",
    "DisplayText",
    "EnergyPrice",
    "EnergyPrices",
    "EnterService",
    "EventStream",
    "FixedConditions",
    "FixedPowerFactor",
    "FixedPrice",
    "FixedPrices",
    "FixedVar",
    "ForMany",
    "FreqDroop",
    "FreqWatt",
    "GetChargingProfiles",
    "GetCompositeSchedule",
    "GetDerControl",
    "GetDisplayMessages",
    "GetInstalledCertificateIds",
    "GetLocalListVersion",
    "GetLog",
    "GetMonitoringReport",
    "GetPeriodicEventStream",
    "GetReport",
    "GetTariffs",
    "GetTransactionStatus",
    "GetVariables",
    "GivenCommand",
    "GivenFields",
    "Gradient",
    "Hysteresis",
    "InstallCertificate",
    "Installed",
    "InstalledCertificates",
    "InstalledUse",
    "Interface",
    "LimitAtSoc",
    "LimitMaxDischarge",
    "ListEntry",
    "LocalListVersion",
    "LogFile",
    "Monitor",
    "MonitorResult",
    "MonitorResults",
    "MonitorType",
    "NotifyAllowedEnergyTransfer",
    "NotifyWebPaymentStarted",
    "OpenStream",
    "OpenStreams",
    "Outcome",
    "Price",
    "Protocol",
    "PublishFirmware",
    "Purpose",
    "RateUnit",
    "Raw",
    "RawResponse",
    "ReactivePowerParams",
    "RequestBatterySwap",
    "Reserve",
    "Reset",
    "RootUse",
    "SchedulePeriod",
    "Selected",
    "SendLocalList",
    "SetChargingProfile",
    "SetDefaultTariff",
    "SetDerControl",
    "SetDisplayMessage",
    "SetLimit",
    "SetMonitoringLevel",
    "SetNetworkProfile",
    "SetVariableMonitoring",
    "SetVariables",
    "SignalWatt",
    "Start",
    "Started",
    "StationTariff",
    "StationUse",
    "Stop",
    "Superseded",
    "TariffCleared",
    "TariffHeld",
    "TariffsCleared",
    "TariffsHeld",
    "TaxRate",
    "TimePrice",
    "TimePrices",
    "TokenType",
    "TransactionStatus",
    "TransferMode",
    "Trigger",
    "Unlock",
    "UnpublishFirmware",
    "UpdateDynamicSchedule",
    "UpdateFirmware",
    "UsePriorityCharging",
    "VariableName",
    "VariableResult",
    "VariableValue",
    "VoltageParams",
    "Vpn",
    "holds_secret",
    "is_secret",
    "recorded",
    "without_secrets",
]
