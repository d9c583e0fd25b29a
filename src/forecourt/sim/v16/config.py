"""The configuration keys of OCPP 1.6 (chapter 9) and its security extension. Data, no behaviour."""

from collections.abc import Mapping
from typing import Final

from forecourt.sim.knobs import Key
from forecourt.sim.limits import LIMITS_MAX, PERIODS_MAX, STACK_MAX

KEYS_MAX: Final = 50
"""GetConfigurationMaxKeys: more at once are refused."""
LIST_ITEMS_MAX: Final = 200

_FEATURES: Final = (
    "Core,FirmwareManagement,LocalAuthListManagement,Reservation,SmartCharging,RemoteTrigger"
)
_MEASURANDS: Final = Key(fixed="12", readonly=True)

KEYS: Final[Mapping[str, Key]] = {
    # 9.1 Core
    "AllowOfflineTxForUnknownId": Key(knob="offline_unknown"),
    "AuthorizationCacheEnabled": Key(knob="cache"),
    "AuthorizeRemoteTxRequests": Key(knob="authorize_remote"),
    "BlinkRepeat": Key(free="BlinkRepeat", fixed="3", high=100),
    "ClockAlignedDataInterval": Key(knob="aligned_s"),
    "ConnectionTimeOut": Key(knob="connection_timeout_s", low=1),
    "ConnectorPhaseRotation": Key(free="ConnectorPhaseRotation", fixed="0.RST"),
    "ConnectorPhaseRotationMaxLength": Key(fixed="20", readonly=True),
    "GetConfigurationMaxKeys": Key(fixed=str(KEYS_MAX), readonly=True),
    "HeartbeatInterval": Key(knob="heartbeat_s", low=1),
    "LightIntensity": Key(free="LightIntensity", fixed="80", high=100),
    "LocalAuthorizeOffline": Key(knob="local_authorize_offline"),
    "LocalPreAuthorize": Key(knob="local_pre_authorize"),
    "MaxEnergyOnInvalidId": Key(knob="energy_on_invalid_wh"),
    "MeterValuesAlignedData": Key(knob="aligned_measurands"),
    "MeterValuesAlignedDataMaxLength": _MEASURANDS,
    "MeterValuesSampledData": Key(knob="measurands"),
    "MeterValuesSampledDataMaxLength": _MEASURANDS,
    "MeterValueSampleInterval": Key(knob="sample_s"),
    "MinimumStatusDuration": Key(knob="status_settle_s"),
    "ResetRetries": Key(free="ResetRetries", fixed="1"),
    # A cable that is pulled out of the car ends the session on every station here.
    "StopTransactionOnEVSideDisconnect": Key(
        free="StopTransactionOnEVSideDisconnect", fixed="true", type="string", words=("true",)
    ),
    "StopTransactionOnInvalidId": Key(knob="stop_on_invalid"),
    "StopTxnAlignedData": Key(knob="stop_aligned"),
    "StopTxnAlignedDataMaxLength": _MEASURANDS,
    "StopTxnSampledData": Key(knob="stop_sampled"),
    "StopTxnSampledDataMaxLength": _MEASURANDS,
    "SupportedFeatureProfiles": Key(fixed=_FEATURES, readonly=True),
    "SupportedFeatureProfilesMaxLength": Key(fixed="6", readonly=True),
    "TransactionMessageAttempts": Key(knob="tx_attempts", low=1),
    "TransactionMessageRetryInterval": Key(knob="tx_retry_s", low=1),
    "UnlockConnectorOnEVSideDisconnect": Key(
        free="UnlockConnectorOnEVSideDisconnect", fixed="true"
    ),
    "WebSocketPingInterval": Key(knob="ping_s"),
    # 9.2 Local lists
    "LocalAuthListEnabled": Key(knob="local_list"),
    "LocalAuthListMaxLength": Key(fixed="1000", readonly=True),
    "SendLocalListMaxLength": Key(fixed=str(LIST_ITEMS_MAX), readonly=True),
    # 9.3 Reservation
    "ReserveConnectorZeroSupported": Key(fixed="true", readonly=True),
    # 9.4 Smart charging
    "ChargeProfileMaxStackLevel": Key(fixed=str(STACK_MAX), readonly=True),
    "ChargingScheduleAllowedChargingRateUnit": Key(fixed="Current,Power", readonly=True),
    "ChargingScheduleMaxPeriods": Key(fixed=str(PERIODS_MAX), readonly=True),
    "ConnectorSwitch3to1PhaseSupported": Key(fixed="false", readonly=True),
    "MaxChargingProfilesInstalled": Key(fixed=str(LIMITS_MAX), readonly=True),
    # Security extension
    "AdditionalRootCertificateCheck": Key(fixed="false", readonly=True),
    # 16 bytes at least, written as hexadecimal digits or plainly.
    "AuthorizationKey": Key(knob="password", secret=True, length=(16, 40)),
    "CertificateSignedMaxChainSize": Key(fixed="10000", readonly=True),
    "CertificateStoreMaxLength": Key(fixed="20", readonly=True),
    "CpoName": Key(knob="organization", length=(1, 64)),
    "SecurityProfile": Key(knob="security_profile", low=1, high=3),
    "SupportedFileTransferProtocols": Key(fixed="HTTP,HTTPS", readonly=True),
}

# The specification does not say that names have one spelling; stations in the field differ.
BY_LOWER: Final[Mapping[str, str]] = {name.lower(): name for name in KEYS}
