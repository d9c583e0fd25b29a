"""What the driver's page says, in English and German. Knows no page."""

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

Language: TypeAlias = Literal["en", "de"]

TEXTS: Final[Mapping[str, tuple[str, str]]] = {
    "title": ("Charging point", "Ladepunkt"),
    "free": ("Free", "Frei"),
    "plugged": ("A cable is plugged in", "Ein Kabel steckt"),
    "in_use": ("In use", "Belegt"),
    "reserved": ("Reserved", "Reserviert"),
    "broken": ("Out of order", "Außer Betrieb"),
    "away": ("Not reachable now", "Zurzeit nicht erreichbar"),
    "unknown": ("State not known", "Zustand nicht bekannt"),
    "connector": ("Connector", "Stecker"),
    "connector_untold": ("see the label at the station", "siehe Aufkleber an der Station"),
    "power": ("Power", "Leistung"),
    "power_max": ("up to {power}", "bis {power}"),
    "price": ("Price", "Preis"),
    "price_none": ("price not published", "Preis nicht veröffentlicht"),
    "price_station": ("{amount}, as the station reckons", "{amount}, wie die Station rechnet"),
    "card": ("Number of your card or contract", "Nummer Ihrer Karte oder Ihres Vertrags"),
    "card_hint": (
        "If you charge here already, it brings you to your session.",
        "Wenn Sie hier schon laden, führt sie zu Ihrem Ladevorgang.",
    ),
    "start": ("Start charging", "Laden starten"),
    "start_at_station": (
        "Start with your card or app at the station.",
        "Starten Sie mit Ihrer Karte oder App an der Station.",
    ),
    "again": ("Look again", "Erneut nachsehen"),
    "waiting": (
        "The station is ready: plug in now",
        "Die Station ist bereit: jetzt einstecken",
    ),
    "charging": ("Charging", "Lädt"),
    "paused": ("Paused: no power flows", "Pause: es fließt kein Strom"),
    "ended": ("Finished", "Beendet"),
    "lapsed": ("Nothing was plugged in", "Es wurde nichts eingesteckt"),
    "energy": ("Energy", "Energie"),
    "soc": ("Battery", "Batterie"),
    "time": ("Time", "Dauer"),
    "stop": ("Stop charging", "Laden beenden"),
    "stop_sure": ("Stop charging now?", "Laden jetzt beenden?"),
    "receipt": ("Receipt", "Beleg"),
    "begun": ("Begun", "Begonnen"),
    "over": ("Ended", "Beendet"),
    "meter_start": ("Meter at the start", "Zählerstand am Anfang"),
    "meter_stop": ("Meter at the end", "Zählerstand am Ende"),
    "returned": ("Given back to the grid", "Ins Netz zurückgegeben"),
    "reference": ("Reference", "Vorgang"),
    "signed": ("Signed meter values", "Signierte Zählerwerte"),
    "signed_some": (
        "{n} kept as the meter signed them, under this reference; not checked here",
        "{n} aufbewahrt, wie der Zähler sie signiert hat, unter diesem Vorgang; hier nicht geprüft",
    ),
    "signed_none": ("the station sent none", "die Station hat keine gesandt"),
    "keep": (
        "This address is your receipt for 30 days. Whoever has it can see it.",
        "Diese Adresse ist 30 Tage lang Ihr Beleg. Wer sie hat, kann ihn sehen.",
    ),
    "lost": (
        "Connection lost. Charging goes on; the figures come back by themselves.",
        "Verbindung verloren. Es lädt weiter; die Werte kommen von selbst zurück.",
    ),
    "nowhere": ("This address leads nowhere", "Diese Adresse führt nirgendwohin"),
    "nowhere_text": (
        "Scan the code at the connector again, or type it as it is printed.",
        "Scannen Sie den Code am Stecker noch einmal, oder tippen Sie ihn ab.",
    ),
    "slow": ("Too many attempts", "Zu viele Versuche"),
    "slow_text": ("Wait a moment, then try again.", "Warten Sie kurz und versuchen Sie es erneut."),
    "refused_card": (
        "This card may not charge here: unknown, blocked or expired. Ask whoever gave it to you.",
        "Diese Karte darf hier nicht laden: unbekannt, gesperrt oder abgelaufen.",
    ),
    "refused_concurrent": (
        "This card charges elsewhere already.",
        "Mit dieser Karte wird schon anderswo geladen.",
    ),
    "refused_busy": (
        "Somebody else charges here, or the connector is out of order.",
        "Hier lädt schon jemand, oder der Stecker ist außer Betrieb.",
    ),
    "refused_station": (
        "The station did not agree. Try again, or use the reader at the station.",
        "Die Station hat abgelehnt. Versuchen Sie es erneut, oder am Leser der Station.",
    ),
    "refused_away": (
        "The station cannot be reached now. Use the reader at the station.",
        "Die Station ist zurzeit nicht erreichbar. Nutzen Sie den Leser an der Station.",
    ),
    "refused_off": (
        "The operator does not offer starting here. Use the reader at the station.",
        "Der Betreiber bietet den Start hier nicht an. Nutzen Sie den Leser an der Station.",
    ),
    "other": ("Deutsch", "English"),
}


def say(language: Language, key: str, **values: object) -> str:
    """One text."""
    text = TEXTS[key][0 if language == "en" else 1]
    return text.format(**values) if values else text


def preferred(accept: str) -> Language:
    """The first of our languages in an Accept-Language header; English where it names none."""
    weighed = []
    for place, part in enumerate(accept[:500].split(",")):
        name, _, weight = part.strip().partition(";q=")
        try:
            quality = float(weight or 1)
        except ValueError:
            quality = 0.0
        weighed.append((-quality, place, name[:2].lower()))
    for quality, _, name in sorted(weighed):
        if quality < 0 and name in {"en", "de"}:
            return "de" if name == "de" else "en"
    return "en"


def number(language: Language, value: float, decimals: int) -> str:
    """A figure as the language writes it."""
    text = f"{value:,.{decimals}f}"
    return text if language == "en" else text.translate(str.maketrans(",.", ".,"))
