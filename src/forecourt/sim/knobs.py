"""What a central system may turn on a station, in our words and units. Each version names them anew."""

from dataclasses import dataclass, field


@dataclass(slots=True, kw_only=True)
class Knobs:
    """The settings of one station. Seconds of the wire unless it says otherwise."""

    heartbeat_s: int
    sample_s: int
    """In the world's seconds, as everything that has to do with energy and people."""
    aligned_s: int = 0
    connection_timeout_s: int = 90
    """World seconds between the card and the plug."""
    tx_attempts: int = 3
    tx_retry_s: int = 10
    call_timeout_s: int = 30
    backoff_wait_s: int = 3
    backoff_random_s: int = 5
    backoff_repeats: int = 5
    ping_s: int = 60
    authorize_remote: bool = False
    local_authorize_offline: bool = True
    local_pre_authorize: bool = False
    local_list: bool = True
    offline_unknown: bool = True
    cache: bool = True
    stop_on_invalid: bool = True
    stop_on_unplug: bool = True
    unlock_on_unplug: bool = True
    password: str = ""
    other: dict[str, str] = field(default_factory=dict)
    """What changes nothing here, but is kept for whoever asks again."""
