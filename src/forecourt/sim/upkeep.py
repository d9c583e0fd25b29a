"""Firmware updates, publishing and log uploads of a station: their steps, one after the other.

Nothing is downloaded and nothing uploaded: the simulator knows no network but its central system's
socket. What is told, when, and what comes of it (a boot, a new version) is real. Knows no version.
"""

import re
from collections.abc import Callable
from functools import partial
from typing import Final, Literal

from msgspec import Struct

from forecourt.sim.luck import Luck
from forecourt.sim.station import Station
from forecourt.sim.timeline import Timer

Topic = Literal["firmware", "log", "publish"]
Tell = Callable[[Topic, str, "int | None"], None]
Taken = Literal["Accepted", "AcceptedCanceled"]

# In the world's seconds: as long as a slow mobile link and a careful installer take.
_DOWNLOAD_S: Final = (20.0, 90.0)
_INSTALL_S: Final = (30.0, 120.0)
_UPLOAD_S: Final = (5.0, 40.0)
_RETRY_S: Final = 60.0
_VERSION: Final = re.compile(r"\d+(?:\.\d+)+")
_LAST_NUMBER: Final = re.compile(r"\d+(?!.*\d)")


class Update(Struct, frozen=True, kw_only=True):
    """A firmware update that was asked for."""

    request_id: int | None
    location: str
    retrieve_at: float
    install_at: float | None = None
    retries: int = 0
    retry_s: float = _RETRY_S
    signature_ok: bool | None = None
    """None: it is not signed."""
    plain: bool = False
    """1.6 without its security extension has no words for what is only scheduled."""


class Job:
    """The steps of one topic; a new job ends the old one."""

    __slots__ = ("request_id", "status", "timer")

    def __init__(self) -> None:
        self.status = "Idle"
        self.request_id: int | None = None
        self.timer: Timer | None = None

    @property
    def running(self) -> bool:
        return self.timer is not None

    def cancel(self) -> None:
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None


class Upkeep:
    """All three topics of one station."""

    def __init__(self, station: Station, tell: Tell) -> None:
        self._station = station
        self._tell_out = tell
        self._luck: Luck = station.plan.luck("upkeep")
        self.jobs: dict[Topic, Job] = {"firmware": Job(), "log": Job(), "publish": Job()}
        self._installed: Update | None = None
        self.published: dict[str, str] = {}
        """By checksum: what a local controller has on offer for its neighbours."""

    def status(self, topic: Topic) -> tuple[str, int | None]:
        """For who asks again (a trigger): the job that runs, else idle."""
        job = self.jobs[topic]
        return (job.status, job.request_id) if job.running else ("Idle", None)

    def booted(self) -> None:
        """After the boot that ends an installation, it is told that it worked."""
        update, self._installed = self._installed, None
        if update is not None:
            self._say("firmware", "Installed", update.request_id)

    # --- Firmware ---------------------------------------------------------------------------------

    def update(self, update: Update) -> Taken:
        taken = self._begin("firmware", update.request_id)
        wait_s = max(0.0, update.retrieve_at - self._station.world.now)
        if wait_s > 0 and not update.plain:
            self._station.talk.after_answer(
                partial(self._say, "firmware", "DownloadScheduled", update.request_id)
            )
        self._after("firmware", max(wait_s, 1.0), partial(self._download, update, update.retries))
        return taken

    def _download(self, update: Update, tries: int) -> None:
        self._say("firmware", "Downloading", update.request_id)
        fails = self._fails()
        went = self._download_failed if fails else self._downloaded
        self._after("firmware", self._luck.between(*_DOWNLOAD_S), partial(went, update, tries))

    def _download_failed(self, update: Update, tries: int) -> None:
        self._say("firmware", "DownloadFailed", update.request_id)
        if tries > 0:
            again = partial(self._download, update, tries - 1)
            self._after("firmware", max(update.retry_s, 1.0), again)

    def _downloaded(self, update: Update, _tries: int) -> None:
        self._say("firmware", "Downloaded", update.request_id)
        if update.signature_ok is not None:
            self._after("firmware", 2.0, partial(self._verified, update))
        else:
            self._schedule_install(update)

    def _verified(self, update: Update) -> None:
        if not update.signature_ok:
            self._say("firmware", "InvalidSignature", update.request_id)
            self._station.voice.security_event("InvalidFirmwareSignature")
            return
        self._say("firmware", "SignatureVerified", update.request_id)
        self._schedule_install(update)

    def _schedule_install(self, update: Update) -> None:
        wait_s = (update.install_at or 0.0) - self._station.world.now
        if wait_s > 0 and not update.plain:
            self._say("firmware", "InstallScheduled", update.request_id)
        self._after("firmware", max(wait_s, 1.0), partial(self._install, update))

    def _install(self, update: Update) -> None:
        if any(outlet.tx is not None for outlet in self._station.outlets):
            # A good station lets people charge first.
            self._after("firmware", _RETRY_S, partial(self._install, update))
            return
        self._say("firmware", "Installing", update.request_id)
        went = self._install_failed if self._fails() else self._reboot
        self._after("firmware", self._luck.between(*_INSTALL_S), partial(went, update))

    def _install_failed(self, update: Update) -> None:
        self._say("firmware", "InstallationFailed", update.request_id)

    def _reboot(self, update: Update) -> None:
        if not update.plain:
            self._say("firmware", "InstallRebooting", update.request_id)
        self._station.firmware = next_version(update.location, self._station.firmware)
        self._installed = update
        self._station.reset("SoftReset", "FirmwareUpdate")

    # --- Logs -------------------------------------------------------------------------------------

    def upload(self, *, request_id: int | None, retries: int, retry_s: float) -> Taken:
        """Send a log somewhere, as far as anybody can tell."""
        old = self.jobs["log"]
        before = old.request_id if old.running else None
        taken = self._begin("log", request_id)
        if taken == "AcceptedCanceled":
            self._station.talk.after_answer(
                partial(self._tell_out, "log", "AcceptedCanceled", before)
            )
        again = partial(self._upload, request_id, retries, retry_s)
        self._after("log", 1.0, again)
        return taken

    def log_name(self, kind: str) -> str:
        """Follows from the station, the kind of log and the moment."""
        return f"{self._station.plan.serial}-{kind}-{int(self._station.world.now)}.log"

    def _upload(self, request_id: int | None, retries: int, retry_s: float) -> None:
        self._say("log", "Uploading", request_id)
        fails = self._fails()
        done = partial(self._uploaded, request_id, retries, retry_s, fails=fails)
        self._after("log", self._luck.between(*_UPLOAD_S), done)

    def _uploaded(
        self, request_id: int | None, retries: int, retry_s: float, *, fails: bool
    ) -> None:
        self._say("log", "UploadFailure" if fails else "Uploaded", request_id)
        if fails and retries > 0:
            again = partial(self._upload, request_id, retries - 1, retry_s)
            self._after("log", max(retry_s, 1.0), again)

    # --- A local controller's -------------------------------------------------------------------

    def publish(self, *, request_id: int, location: str, checksum: str, retries: int) -> None:
        self._begin("publish", request_id)
        again = partial(self._publish_download, request_id, location, checksum, retries)
        self._after("publish", 1.0, again)

    def _publish_download(
        self, request_id: int, location: str, checksum: str, retries: int
    ) -> None:
        self._say("publish", "Downloading", request_id)
        fails = self._fails()

        def done() -> None:
            self._say("publish", "DownloadFailed" if fails else "Downloaded", request_id)
            if not fails:
                self._after("publish", 1.0, partial(self._check, request_id, location, checksum))
            elif retries > 0:
                again = partial(self._publish_download, request_id, location, checksum, retries - 1)
                self._after("publish", _RETRY_S, again)

        self._after("publish", self._luck.between(*_DOWNLOAD_S), done)

    def _check(self, request_id: int, location: str, checksum: str) -> None:
        if re.fullmatch(r"[0-9a-fA-F]{32}", checksum) is None:  # Nothing has such an MD5.
            self._say("publish", "InvalidChecksum", request_id)
            return
        self._say("publish", "ChecksumVerified", request_id)
        name = location.rsplit("/", 1)[-1]
        self.published[checksum] = f"http://{self._station.plan.serial}.local/{name}"
        self._after("publish", 1.0, partial(self._say, "publish", "Published", request_id))

    def unpublish(self, checksum: str) -> Literal["DownloadOngoing", "NoFirmware", "Unpublished"]:
        if self.jobs["publish"].running:
            return "DownloadOngoing"
        if self.published.pop(checksum, None) is None:
            return "NoFirmware"
        return "Unpublished"

    # --- How --------------------------------------------------------------------------------------

    def _begin(self, topic: Topic, request_id: int | None) -> Taken:
        job = self.jobs[topic]
        taken: Taken = "AcceptedCanceled" if job.running else "Accepted"
        job.cancel()
        job.request_id = request_id
        job.status = "Idle"
        return taken

    def _after(self, topic: Topic, delay_s: float, do: Callable[[], None]) -> None:
        job = self.jobs[topic]

        def fire() -> None:
            if not self._station.powered:  # It goes on once there is power again.
                self._after(topic, _RETRY_S, do)
                return
            job.timer = None
            do()

        job.cancel()
        job.timer = self._station.world.after(delay_s, fire)

    def _say(self, topic: Topic, status: str, request_id: int | None) -> None:
        self.jobs[topic].status = status
        self._tell_out(topic, status, request_id)

    def _fails(self) -> bool:
        return self._luck.chance(self._station.knobs.fail_share)


def next_version(location: str, now: str) -> str:
    """The version that a file's name promises; else the running one, one higher."""
    name = location.rsplit("/", 1)[-1]
    found = _VERSION.findall(name)
    if found and found[-1] != now:
        return str(found[-1])
    return _LAST_NUMBER.sub(lambda digits: str(int(digits[0]) + 1), now)
