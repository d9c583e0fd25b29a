"""The driver's page as HTML: small, readable without a script, alive with one. Knows no route."""

import base64
from datetime import datetime
from hashlib import sha256
from html import escape
from typing import Final

from msgspec import Struct

from forecourt.domain.drivers import Charge, Freedom, Outlet, Stage, spelled
from forecourt.edge.http.driver.texts import Language, number, say

WH_PER_KWH: Final = 1000
NONE: Final = "\u2013"
W_PER_KW: Final = 1000
FINE_UNTIL_W: Final = 100_000

STYLE: Final = """
:root{color-scheme:light dark;--ink:light-dark(#15191e,#eceff2);
--soft:light-dark(#56606b,#a3adb8);--page:light-dark(#f7f8f9,#0e1114);
--card:light-dark(#fff,#15191d);--line:light-dark(#d5dade,#2c343b);
--good:light-dark(#137a3f,#4ccb83);--busy:light-dark(#1c56cf,#7fabff);
--bad:light-dark(#b3201f,#ff8f88);--wait:light-dark(#8f5b00,#e5b454);
--accent:light-dark(#0b7a75,#0b7a75)}*{box-sizing:border-box}body{margin:0;
background:var(--page);color:var(--ink);
font:17px/1.45 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}main{max-width:30rem;
margin:0 auto;padding:1rem 1rem 3rem}header{display:flex;gap:.5rem;align-items:baseline;
justify-content:space-between}h1{font-size:1rem;font-weight:500;color:var(--soft);
margin:.25rem 0}h1 b{color:var(--ink);font-family:ui-monospace,monospace;letter-spacing:.04em;
white-space:nowrap}.card{background:var(--card);border:1px solid var(--line);border-radius:14px;
padding:1.1rem;margin-top:.9rem}.state{font-size:1.5rem;font-weight:650;margin:0;display:flex;
gap:.6rem;align-items:center;letter-spacing:-.01em}.state svg{flex:none}.free,.charging,.ended{
color:var(--good)}.charging{color:var(--busy)}
.in_use,.reserved,.plugged,.waiting,.paused,.lapsed{color:var(--wait)}
.broken,.away,.unknown,.no{color:var(--bad)}
dl{display:grid;grid-template-columns:minmax(0,2fr) minmax(0,3fr);
gap:.4rem 1rem;margin:1rem 0 0}dt{color:var(--soft)}dd{margin:0;text-align:right;
font-variant-numeric:tabular-nums;overflow-wrap:anywhere}.big{font-size:2.6rem;font-weight:700;
letter-spacing:-.03em;font-variant-numeric:tabular-nums;margin:.6rem 0 0}label{display:block;
font-weight:600;margin-bottom:.35rem}small{color:var(--soft);display:block;margin:.4rem 0 .9rem}
input{width:100%;font:inherit;font-size:1.15rem;padding:.7rem .8rem;
border:1px solid var(--soft);border-radius:10px;background:var(--page);color:var(--ink)}button{
width:100%;min-height:3.2rem;font:inherit;font-weight:650;border:0;border-radius:10px;
background:var(--accent);color:#fff;cursor:pointer}button.stop{background:var(--bad);
color:light-dark(#fff,#15191e)}:focus-visible{outline:3px solid var(--busy);outline-offset:2px}
a{color:var(--accent);display:inline-block;padding:.3rem 0}@media(prefers-color-scheme:dark){a{
color:#4cc8c0}}.no{border:1px solid currentColor;border-radius:10px;padding:.7rem .8rem;
margin:0 0 1rem}[hidden]{display:none}p.soft{color:var(--soft);font-size:.9rem}
"""

# Figures come as texts, ready to show; a stage that changed is another page.
SCRIPT: Final = """
(function(){var z=document.querySelectorAll('time[datetime]');for(var i=0;i<z.length;i++){
z[i].textContent=new Date(z[i].dateTime).toLocaleString(document.documentElement.lang,
{dateStyle:'medium',timeStyle:'medium'})}
var f=document.querySelector('form[data-sure]');if(f)f.addEventListener('submit',function(e){
if(!confirm(f.dataset.sure))e.preventDefault()});
var m=document.querySelector('[data-live]');if(!m||!window.EventSource)return;
var s=new EventSource(m.dataset.live),l=document.getElementById('lost');
s.onopen=function(){l.hidden=true};s.onerror=function(){l.hidden=false;
if(s.readyState===2)setTimeout(function(){location.reload()},5000)};
s.addEventListener('state',function(e){var d=JSON.parse(e.data);l.hidden=true;
if(d.stage!==m.dataset.stage){s.close();location.reload();return}
for(var k in d){var n=document.querySelector('[data-f='+k+']');
if(n&&n.textContent!==d[k])n.textContent=d[k]}});
addEventListener('pagehide',function(){s.close()})})();
"""

_ICONS: Final = {
    "good": "M9 16.2 4.8 12l-1.4 1.4L9 19 21 7l-1.4-1.4z",
    "busy": "M11 21h-1l1-7H7.5c-.6 0-.8-.5-.5-1L13 3h1l-1 7h3.5c.6 0 .7.5.5 1z",
    "wait": "M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20m1 10.6 4 2.4-1 1.6-5-3V7h2z",
    "bad": "M12 2a10 10 0 1 0 0 20 10 10 0 0 0 0-20m1 15h-2v-2h2zm0-4h-2V7h2z",
}
_ICON_OF: Final = {
    Freedom.FREE: "good",
    Freedom.PLUGGED: "wait",
    Freedom.IN_USE: "busy",
    Freedom.RESERVED: "wait",
    Freedom.BROKEN: "bad",
    Freedom.AWAY: "bad",
    Freedom.UNKNOWN: "bad",
    Stage.WAITING: "wait",
    Stage.CHARGING: "busy",
    Stage.PAUSED: "wait",
    Stage.ENDED: "good",
    Stage.LAPSED: "wait",
}


def _hash(text: str) -> str:
    return base64.b64encode(sha256(text.encode()).digest()).decode()


# Whatever slipped through the escaping could still not run, and reach nobody.
POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_hash(STYLE)}'; script-src 'sha256-{_hash(SCRIPT)}';"
    " connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


class Frame(Struct, frozen=True):
    """What surrounds a page."""

    language: Language
    code: str = ""
    tail: str = ""
    """What every address carries on: the language, where it was chosen by hand."""
    refresh_s: int | None = None
    """Read again by itself, for those whose browser runs no script."""


def outlet_page(outlet: Outlet, frame: Frame, *, refused: str = "", card: str = "") -> str:
    """What is behind a code, and how to start."""
    t = frame.language
    kind = say(t, "connector_untold") if outlet.type is None else outlet.type.name
    facts = [(say(t, "connector"), kind)]
    if outlet.power_w_max is not None:
        power = say(t, "power_max", power=_power(t, outlet.power_w_max))
        facts.append((say(t, "power"), power))
    facts.append((say(t, "price"), say(t, "price_none")))
    parts = [
        _card(_state(t, outlet.freedom), _facts(facts)),
        _start(outlet, frame, refused=refused, card=card),
        f'<p><a href="/c/{outlet.code}{frame.tail}">{escape(say(t, "again"))}</a></p>',
    ]
    return _page(frame, "".join(parts))


def _start(outlet: Outlet, frame: Frame, *, refused: str, card: str) -> str:
    t = frame.language
    said = f'<p class="no" role="alert">{escape(refused)}</p>' if refused else ""
    if not outlet.may_start:
        return _card(said, f"<p>{escape(say(t, 'start_at_station'))}</p>")
    if outlet.freedom in {Freedom.BROKEN, Freedom.AWAY}:
        return _card(said) if said else ""
    return _card(
        said,
        f'<form method="post" action="/c/{outlet.code}/start{frame.tail}">'
        f'<label for="card">{escape(say(t, "card"))}</label>'
        f'<input id="card" name="card" value="{escape(card)}" required maxlength="255"'
        ' autocomplete="off" autocapitalize="characters" spellcheck="false" enterkeyhint="go"'
        ' aria-describedby="hint">'
        f'<small id="hint">{escape(say(t, "card_hint"))}</small>'
        f"<button>{escape(say(t, 'start'))}</button></form>",
    )


def charge_page(
    charge: Charge, frame: Frame, link: str, now: datetime, *, refused: str = ""
) -> str:
    """The driver's own session: alive, or its receipt."""
    t = frame.language
    if charge.stage is Stage.ENDED:
        return _page(frame, _receipt(charge, frame, now))
    figures = figures_of(charge, t, now)
    rows = "".join(
        f'<dt>{escape(say(t, key))}</dt><dd data-f="{key}">{escape(figures[key])}</dd>'
        for key in ("power", "soc", "time")
        if charge.session is not None
    )
    live = f'<p class="big" data-f="energy">{escape(figures["energy"])}</p><dl>{rows}</dl>'
    said = f'<p class="no" role="alert">{escape(refused)}</p>' if refused else ""
    lost = f'<p id="lost" class="no" role="status" hidden>{escape(say(t, "lost"))}</p>'
    stop = ""
    if charge.session is not None:
        stop = (
            f'<form method="post" action="{link}/stop{frame.tail}" class="card"'
            f' data-sure="{escape(say(t, "stop_sure"))}">{said}'
            f'<button class="stop">{escape(say(t, "stop"))}</button></form>'
        )
    body = _card(
        lost,
        f'<div data-live="{link}/live{frame.tail}" data-stage="{charge.stage.value}">'
        f"{_state(t, charge.stage)}{live if charge.session is not None else ''}</div>",
    )
    back = ""
    if charge.stage is Stage.LAPSED:
        back = f'<p><a href="/c/{frame.code}{frame.tail}">{escape(say(t, "again"))}</a></p>'
    return _page(frame, body + stop + back)


def figures_of(charge: Charge, language: Language, now: datetime) -> dict[str, str]:
    """What changes while it charges, as texts."""
    began = charge.since
    lasted = max(0, round(((charge.ended_at or now) - began).total_seconds())) if began else 0
    return {
        "stage": charge.stage.value,
        "energy": _energy(language, charge.energy_wh),
        "power": NONE if charge.power_w is None else _power(language, charge.power_w),
        "soc": NONE if charge.soc_pct is None else f"{number(language, charge.soc_pct, 0)} %",
        "time": f"{lasted // 3600}:{lasted // 60 % 60:02}:{lasted % 60:02}",
    }


def _receipt(charge: Charge, frame: Frame, now: datetime) -> str:
    t = frame.language
    figures = figures_of(charge, t, now)
    rows = [
        (say(t, "begun"), _moment(charge.started_at)),
        (say(t, "over"), _moment(charge.ended_at)),
    ]
    texts = [(say(t, "time"), figures["time"])]
    if charge.meter_start_wh is not None:
        texts.append((say(t, "meter_start"), _energy(t, charge.meter_start_wh)))
    if charge.meter_stop_wh is not None:
        texts.append((say(t, "meter_stop"), _energy(t, charge.meter_stop_wh)))
    if charge.exported_wh > 0:
        texts.append((say(t, "returned"), _energy(t, charge.exported_wh)))
    signed = say(t, "signed_some", n=charge.signed) if charge.signed else say(t, "signed_none")
    texts += [
        (say(t, "price"), _cost(charge, t)),
        (say(t, "signed"), signed),
        (say(t, "reference"), charge.session or ""),
    ]
    timed = "".join(f"<dt>{escape(name)}</dt><dd>{value}</dd>" for name, value in rows)
    return (
        _card(
            _state(t, charge.stage),
            f'<p class="big">{escape(figures["energy"])}</p>',
        )
        + f'<section class="card" aria-label="{escape(say(t, "receipt"))}"><b>'
        f"{escape(say(t, 'receipt'))}</b><dl>{timed}{_rows(texts)}</dl></section>"
        f'<p class="soft">{escape(say(t, "keep"))}</p>'
        f'<p><a href="/c/{frame.code}{frame.tail}">'
        f"{escape(say(t, 'title'))} {spelled(frame.code)}</a></p>"
    )


def said_page(frame: Frame, title: str, text: str) -> str:
    """A page that only says something."""
    t = frame.language
    body = f'<p class="state broken">{escape(say(t, title))}</p><p>{escape(say(t, text))}</p>'
    return _page(frame, _card(body))


def _page(frame: Frame, body: str) -> str:
    t = frame.language
    named = f"{say(t, 'title')} {spelled(frame.code)}" if frame.code else say(t, "title")
    head = (
        f"{escape(say(t, 'title'))} <b>{spelled(frame.code)}</b>" if frame.code else escape(named)
    )
    again = ""
    if frame.refresh_s is not None:
        again = f'<noscript><meta http-equiv="refresh" content="{frame.refresh_s}"></noscript>'
    other = "de" if t == "en" else "en"
    return (
        f'<!doctype html><html lang="{t}"><head><meta charset="utf-8">'
        f"<title>{escape(named)}</title>"
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<meta name="robots" content="noindex">{again}<style>{STYLE}</style></head>'
        f"<body><main><header><h1>{head}</h1>"
        f'<a href="?l={other}" hreflang="{other}" lang="{other}">'
        f"{escape(say(t, 'other'))}</a></header>"
        f"{body}</main><script>{SCRIPT}</script></body></html>"
    )


def _state(language: Language, state: Freedom | Stage) -> str:
    icon = _ICONS[_ICON_OF[state]]
    return (
        f'<p class="state {state.value}"><svg width="28" height="28" viewBox="0 0 24 24"'
        f' fill="currentColor" aria-hidden="true"><path d="{icon}"/></svg>'
        f"{escape(say(language, state.value))}</p>"
    )


def _card(*parts: str) -> str:
    return f'<div class="card">{"".join(parts)}</div>'


def _facts(facts: list[tuple[str, str]]) -> str:
    return f"<dl>{_rows(facts)}</dl>"


def _rows(facts: list[tuple[str, str]]) -> str:
    return "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in facts)


def _moment(at: datetime | None) -> str:
    if at is None:
        return NONE
    return f'<time datetime="{at.isoformat()}">{at:%Y-%m-%d %H:%M:%S} UTC</time>'


def _power(language: Language, watts: int) -> str:
    if abs(watts) < W_PER_KW:
        return f"{watts} W"
    decimals = 0 if abs(watts) >= FINE_UNTIL_W else 1
    return f"{number(language, watts / W_PER_KW, decimals)} kW"


def _energy(language: Language, watt_hours: int) -> str:
    return f"{number(language, watt_hours / WH_PER_KWH, 3)} kWh"


def _cost(charge: Charge, language: Language) -> str:
    cost = charge.cost
    amount = None if cost is None else cost.incl_tax if cost.incl_tax is not None else cost.excl_tax
    if cost is None or amount is None or cost.currency is None:
        return say(language, "price_none")
    return say(language, "price_station", amount=f"{amount} {cost.currency}")
