"""The configuration keys of OCPP 1.6, by name. Data for the 1.6 voice; no behaviour."""

from collections.abc import Mapping
from typing import Final

from forecourt.sim.knobs import Key
from forecourt.sim.limits import LIMITS_MAX

_FEATURES: Final = "Core,LocalAuthListManagement,SmartCharging,RemoteTrigger"

KEYS: Final[Mapping[str, Key]] = {
    "AllowOfflineTxForUnknownId": Key(knob="offline_unknown"),
    "AuthorizationCacheEnabled": Key(knob="cache"),
    "AuthorizationKey": Key(knob="password", secret=True),
    "AuthorizeRemoteTxRequests": Key(knob="authorize_remote"),
    "ChargeProfileMaxStackLevel": Key(fixed="9", readonly=True),
    "ChargingScheduleAllowedChargingRateUnit": Key(fixed="Current,Power", readonly=True),
    "ChargingScheduleMaxPeriods": Key(fixed="96", readonly=True),
    "ClockAlignedDataInterval": Key(knob="aligned_s"),
    "ConnectionTimeOut": Key(knob="connection_timeout_s", low=1),
    "ConnectorPhaseRotation": Key(fixed="0.RST", readonly=True),
    "GetConfigurationMaxKeys": Key(fixed="100", readonly=True),
    "HeartbeatInterval": Key(knob="heartbeat_s", low=1),
    "LocalAuthListEnabled": Key(knob="local_list"),
    "LocalAuthListMaxLength": Key(fixed="1000", readonly=True),
    "LocalAuthorizeOffline": Key(knob="local_authorize_offline"),
    "LocalPreAuthorize": Key(knob="local_pre_authorize"),
    "MaxChargingProfilesInstalled": Key(fixed=str(LIMITS_MAX), readonly=True),
    "MeterValueSampleInterval": Key(knob="sample_s"),
    "MeterValuesSampledData": Key(knob="measurands"),
    "ResetRetries": Key(fixed="1", readonly=True),
    "SecurityProfile": Key(fixed="1", readonly=True),
    "SendLocalListMaxLength": Key(fixed="200", readonly=True),
    "StopTransactionOnEVSideDisconnect": Key(fixed="true", readonly=True),
    "StopTransactionOnInvalidId": Key(knob="stop_on_invalid"),
    "SupportedFeatureProfiles": Key(fixed=_FEATURES, readonly=True),
    "TransactionMessageAttempts": Key(knob="tx_attempts", low=1),
    "TransactionMessageRetryInterval": Key(knob="tx_retry_s", low=1),
    "UnlockConnectorOnEVSideDisconnect": Key(fixed="true", readonly=True),
    "WebSocketPingInterval": Key(fixed="0", readonly=True),
}

# The specification does not say that names have one spelling; stations in the field differ.
BY_LOWER: Final[Mapping[str, str]] = {name.lower(): name for name in KEYS}
