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
from forecourt.domain.stations.commands.base import Ask
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
from forecourt.domain.stations.commands.core import (
    Availability,
    ClearCache,
    DataTransfer,
    Reset,
    Start,
    Stop,
    Trigger,
    Unlock,
)
from forecourt.domain.stations.commands.devices import (
    GetReport,
    GetVariables,
    SetVariables,
    VariableName,
    VariableValue,
)

Direct = (
    Start
    | Reset
    | Unlock
    | Availability
    | Trigger
    | GetVariables
    | SetVariables
    | GetReport
    | DataTransfer
    | ClearCache
    | CertificateSigned
    | InstallCertificate
    | DeleteCertificate
    | GetInstalledCertificateIds
)
"""What is asked as it stands. (Who stops may name a session, which this room does not know.)"""
Command = Stop | Direct

COMMANDS: Final[tuple[type[Ask], ...]] = get_args(Command)

__all__ = [
    "COMMANDS",
    "GOOD",
    "SPOKEN",
    "Answer",
    "Ask",
    "Availability",
    "CertificateHash",
    "CertificateSigned",
    "ClearCache",
    "Command",
    "DataTransfer",
    "DeleteCertificate",
    "Details",
    "Direct",
    "GetInstalledCertificateIds",
    "GetReport",
    "GetVariables",
    "InstallCertificate",
    "Installed",
    "InstalledCertificates",
    "InstalledUse",
    "Outcome",
    "Reset",
    "RootUse",
    "SetVariables",
    "Start",
    "StationUse",
    "Stop",
    "Trigger",
    "Unlock",
    "VariableName",
    "VariableResult",
    "VariableValue",
]
