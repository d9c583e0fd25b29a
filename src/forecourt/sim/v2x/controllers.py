"""The controller components of a 2.x station: what can be configured. Data, no behaviour."""

from typing import Final

from forecourt.sim.cards import LIST_MAX
from forecourt.sim.limits import LIMITS_MAX, PERIODS_MAX, STACK_MAX
from forecourt.sim.readings import MEASURANDS
from forecourt.sim.v2x.entry import Entry, fixed, free, knob, live

ITEMS_MAX: Final = 50
"""Of variables and monitors in one message, both ways."""
LIST_ITEMS_MAX: Final = 200
STREAM_ITEMS_MAX: Final = 100
MONITORS_MAX: Final = 60
MESSAGES_MAX: Final = 12

_BYTES: Final = "65000"
_POINTS: Final = ("EVConnected", "Authorized", "PowerPathClosed")

CONTROLLERS: Final[tuple[Entry, ...]] = (
    fixed("AlignedDataCtrlr", "Available", "true"),
    fixed("AlignedDataCtrlr", "Enabled", "true"),
    knob("AlignedDataCtrlr", "Interval", "aligned_s"),
    knob("AlignedDataCtrlr", "Measurands", "aligned_measurands", words=MEASURANDS),
    knob("AlignedDataCtrlr", "SendDuringIdle", "aligned_idle_only"),
    fixed("AlignedDataCtrlr", "SignReadings", "false"),
    knob("AlignedDataCtrlr", "TxEndedInterval", "end_aligned_s"),
    knob("AlignedDataCtrlr", "TxEndedMeasurands", "end_aligned_measurands", words=MEASURANDS),
    fixed("AuthCacheCtrlr", "Available", "true"),
    knob("AuthCacheCtrlr", "Enabled", "cache"),
    knob("AuthCacheCtrlr", "LifeTime", "cache_life_s"),
    fixed("AuthCacheCtrlr", "Policy", "LRU", type="OptionList", words=("LRU",)),
    free("AuthCacheCtrlr", "DisablePostAuthorize", "false"),
    live("AuthCacheCtrlr", "Storage", "cache_bytes", "integer", limits=(None, 50_000.0)),
    knob("AuthCtrlr", "Enabled", "auth"),
    fixed("AuthCtrlr", "AdditionalInfoItemsPerMessage", "4"),
    knob("AuthCtrlr", "AuthorizeRemoteStart", "authorize_remote"),
    knob("AuthCtrlr", "DisableRemoteAuthorization", "authorize_never"),
    knob("AuthCtrlr", "LocalAuthorizeOffline", "local_authorize_offline"),
    knob("AuthCtrlr", "LocalPreAuthorize", "local_pre_authorize"),
    knob("AuthCtrlr", "MasterPassGroupId", "master_group", length=(0, 36)),
    knob("AuthCtrlr", "OfflineTxForUnknownIdEnabled", "offline_unknown"),
    live("ClockCtrlr", "DateTime", "clock", "dateTime"),
    free("ClockCtrlr", "NtpServerUri", "", instance="1"),
    free("ClockCtrlr", "NtpSource", "DHCP", type="OptionList", words=("DHCP", "manual")),
    free("ClockCtrlr", "TimeAdjustmentReportingThreshold", "20"),
    free("ClockCtrlr", "TimeOffset", "+00:00"),
    free("ClockCtrlr", "TimeSource", "Heartbeat", type="SequenceList"),
    free("ClockCtrlr", "TimeZone", "Etc/UTC"),
    free("CustomizationCtrlr", "CustomImplementationEnabled", "true", instance="com.example"),
    fixed("CustomizationCtrlr", "CustomTriggers", "DoorLog", type="MemberList", newest=True),
    *(
        fixed("DeviceDataCtrlr", name, value, instance=message, limits=(None, float(value)))
        for name, value in (("BytesPerMessage", _BYTES), ("ItemsPerMessage", str(ITEMS_MAX)))
        for message in ("GetReport", "GetVariables", "SetVariables")
    ),
    fixed("DeviceDataCtrlr", "ConfigurationValueSize", "1000"),
    fixed("DeviceDataCtrlr", "ReportingValueSize", "2500"),
    fixed("DeviceDataCtrlr", "ValueSize", "2500"),
    fixed("DisplayMessageCtrlr", "Available", "true"),
    knob("DisplayMessageCtrlr", "Enabled", "display"),
    live(
        "DisplayMessageCtrlr", "DisplayMessages", "messages", "integer",
        limits=(None, float(MESSAGES_MAX)),
    ),
    fixed("DisplayMessageCtrlr", "PersonalMessageSize", "512"),
    fixed("DisplayMessageCtrlr", "SupportedFormats", "ASCII,UTF8", type="MemberList"),
    fixed(
        "DisplayMessageCtrlr", "SupportedPriorities", "AlwaysFront,InFront,NormalCycle",
        type="MemberList",
    ),
    fixed(
        "DisplayMessageCtrlr", "SupportedStates", "Charging,Faulted,Idle,Unavailable",
        type="MemberList",
    ),
    free("DisplayMessageCtrlr", "Language", "en", type="OptionList", words=("en", "de", "nl")),
    fixed("LocalAuthListCtrlr", "Available", "true"),
    fixed("LocalAuthListCtrlr", "BytesPerMessage", _BYTES),
    free("LocalAuthListCtrlr", "DisablePostAuthorize", "false"),
    knob("LocalAuthListCtrlr", "Enabled", "local_list"),
    live("LocalAuthListCtrlr", "Entries", "listed", "integer", limits=(None, float(LIST_MAX))),
    fixed("LocalAuthListCtrlr", "ItemsPerMessage", str(LIST_ITEMS_MAX)),
    live("LocalAuthListCtrlr", "Storage", "list_bytes", "integer", limits=(None, 100_000.0)),
    fixed("LocalAuthListCtrlr", "SupportsExpiryDateTime", "true"),
    fixed("MonitoringCtrlr", "Available", "true"),
    knob("MonitoringCtrlr", "Enabled", "monitoring"),
    *(
        fixed("MonitoringCtrlr", name, value, instance=message)
        for name, value in (("BytesPerMessage", _BYTES), ("ItemsPerMessage", str(ITEMS_MAX)))
        for message in ("SetVariableMonitoring", "ClearVariableMonitoring")
    ),
    live("MonitoringCtrlr", "ActiveMonitoringBase", "monitoring_base", "OptionList"),
    live("MonitoringCtrlr", "ActiveMonitoringLevel", "monitoring_level", "integer"),
    live("MonitoringCtrlr", "MonitoringBase", "monitoring_base", "OptionList"),
    live("MonitoringCtrlr", "MonitoringLevel", "monitoring_level", "integer"),
    free("MonitoringCtrlr", "OfflineQueuingSeverity", "4", high=9),
    live("OCPPCommCtrlr", "ActiveNetworkProfile", "network_slot", "integer"),
    fixed("OCPPCommCtrlr", "FileTransferProtocols", "HTTP,HTTPS,FTP,SFTP", type="MemberList"),
    knob("OCPPCommCtrlr", "HeartbeatInterval", "heartbeat_s", low=1),
    knob("OCPPCommCtrlr", "MessageAttempts", "tx_attempts", instance="TransactionEvent", low=1),
    knob(
        "OCPPCommCtrlr", "MessageAttemptInterval", "tx_retry_s", instance="TransactionEvent",
        low=1,
    ),
    knob("OCPPCommCtrlr", "MessageTimeout", "call_timeout_s", instance="Default", low=1),
    knob("OCPPCommCtrlr", "MinimumStatusDuration", "status_settle_s"),
    knob("OCPPCommCtrlr", "NetworkConfigurationPriority", "priorities", length=(1, 20)),
    knob("OCPPCommCtrlr", "NetworkProfileConnectionAttempts", "profile_attempts", low=1),
    knob("OCPPCommCtrlr", "OfflineThreshold", "offline_threshold_s"),
    free("OCPPCommCtrlr", "PublicKeyWithSignedMeterValue", "Never", type="OptionList",
         words=("Never", "OncePerTransaction", "EveryMeterValue")),
    free("OCPPCommCtrlr", "QueueAllMessages", "false"),
    free("OCPPCommCtrlr", "ResetRetries", "1"),
    knob("OCPPCommCtrlr", "RetryBackOffRandomRange", "backoff_random_s"),
    knob("OCPPCommCtrlr", "RetryBackOffRepeatTimes", "backoff_repeats"),
    knob("OCPPCommCtrlr", "RetryBackOffWaitMinimum", "backoff_wait_s", low=1),
    fixed("OCPPCommCtrlr", "UnlockOnEVSideDisconnect", "true"),
    knob("OCPPCommCtrlr", "WebSocketPingInterval", "ping_s"),
    fixed("ReservationCtrlr", "Available", "true"),
    knob("ReservationCtrlr", "Enabled", "reservations"),
    fixed("ReservationCtrlr", "NonEvseSpecific", "true"),
    fixed("SampledDataCtrlr", "Available", "true"),
    fixed("SampledDataCtrlr", "Enabled", "true"),
    fixed("SampledDataCtrlr", "RegisterValuesWithoutPhases", "true"),
    fixed("SampledDataCtrlr", "SignReadings", "false"),
    knob("SampledDataCtrlr", "TxEndedInterval", "end_sample_s"),
    knob("SampledDataCtrlr", "TxEndedMeasurands", "end_measurands", words=MEASURANDS),
    knob("SampledDataCtrlr", "TxStartedMeasurands", "start_measurands", words=MEASURANDS),
    knob("SampledDataCtrlr", "TxUpdatedInterval", "sample_s"),
    knob("SampledDataCtrlr", "TxUpdatedMeasurands", "measurands", words=MEASURANDS),
    fixed("SecurityCtrlr", "AdditionalRootCertificateCheck", "false"),
    fixed("SecurityCtrlr", "AllowSecurityProfileDowngrade", "false"),
    knob("SecurityCtrlr", "BasicAuthPassword", "password", secret=True, length=(16, 40)),
    knob("SecurityCtrlr", "CertSigningRepeatTimes", "csr_repeats"),
    knob("SecurityCtrlr", "CertSigningWaitMinimum", "csr_wait_s"),
    live("SecurityCtrlr", "CertificateEntries", "certificates", "integer", limits=(None, 20.0)),
    live("SecurityCtrlr", "Identity", "identity", "string"),
    fixed("SecurityCtrlr", "MaxCertificateChainSize", "10000"),
    knob("SecurityCtrlr", "OrganizationName", "organization", length=(1, 64)),
    live("SecurityCtrlr", "SecurityProfile", "security_profile", "integer"),
    fixed("SmartChargingCtrlr", "ACPhaseSwitchingSupported", "false"),
    fixed("SmartChargingCtrlr", "Available", "true"),
    knob("SmartChargingCtrlr", "Enabled", "smart_charging"),
    live(
        "SmartChargingCtrlr", "Entries", "profiles", "integer", instance="ChargingProfiles",
        limits=(None, float(LIMITS_MAX)),
    ),
    fixed("SmartChargingCtrlr", "ExternalControlSignalsEnabled", "true"),
    free("SmartChargingCtrlr", "LimitChangeSignificance", "1.0", type="decimal"),
    free("SmartChargingCtrlr", "NotifyChargingLimitWithSchedules", "true"),
    fixed("SmartChargingCtrlr", "PeriodsPerSchedule", str(PERIODS_MAX)),
    fixed("SmartChargingCtrlr", "Phases3to1", "false"),
    fixed("SmartChargingCtrlr", "ProfileStackLevel", str(STACK_MAX)),
    fixed("SmartChargingCtrlr", "RateUnit", "A,W", type="MemberList"),
    *(
        entry
        for instance in ("Tariff", "Cost")
        for entry in (
            fixed("TariffCostCtrlr", "Available", "true", instance=instance),
            knob("TariffCostCtrlr", "Enabled", "tariffs", instance=instance),
        )
    ),
    free("TariffCostCtrlr", "Currency", "EUR", length=(3, 3)),
    free("TariffCostCtrlr", "TariffFallbackMessage", "Ask your provider for the price."),
    free("TariffCostCtrlr", "TotalCostFallbackMessage", "Your provider will bill you."),
    fixed("TariffCostCtrlr", "MaxElements", "10", instance="Tariff", newest=True),
    fixed("TariffCostCtrlr", "ConditionsSupported", "true", instance="Tariff", newest=True),
    knob("TxCtrlr", "EVConnectionTimeOut", "connection_timeout_s", low=1),
    knob("TxCtrlr", "MaxEnergyOnInvalidId", "energy_on_invalid_wh"),
    fixed("TxCtrlr", "StopTxOnEVSideDisconnect", "true"),
    knob("TxCtrlr", "StopTxOnInvalidId", "stop_on_invalid"),
    fixed("TxCtrlr", "TxBeforeAcceptedEnabled", "true"),
    knob("TxCtrlr", "TxStartPoint", "starts_at", words=_POINTS),
    knob("TxCtrlr", "TxStopPoint", "stops_at", words=_POINTS),
)  # fmt: skip
