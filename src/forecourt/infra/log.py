"""Logs: one event a line, keys and values, to standard error. Secrets never reach it."""

import logging
import re
import sys
from collections.abc import Mapping
from typing import Final, Literal

import structlog
from structlog.typing import EventDict, WrappedLogger

LEVELS: Final = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
# Whatever is logged under a name that holds one of these words is not shown.
SECRET_WORDS: Final = ("password", "secret", "authorization", "api_key", "digest")
HIDDEN: Final = "•••"
# Libraries that would have a line for each connection, whatever the root's level becomes.
CHATTY: Final = ("picows", "uvicorn", "litestar")
# scheme://user:password@host
_IN_URL: Final = re.compile(r"(://[^\s/:@]*:)[^\s/@]+@")


def hide_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """A processor that blanks values whose names say that they are secret, however deep they lie,
    and passwords within URLs.
    """
    return {name: _shown(name, value) for name, value in event.items()}


def _shown(name: object, value: object) -> object:
    if isinstance(name, str) and any(word in name.lower() for word in SECRET_WORDS):
        return HIDDEN
    if isinstance(value, str):
        return _IN_URL.sub(rf"\1{HIDDEN}@", value) if "://" in value else value
    if isinstance(value, Mapping):
        return {key: _shown(key, held) for key, held in value.items()}
    if isinstance(value, list | tuple):
        return [_shown(None, held) for held in value]
    return value


def configure(level: str, style: Literal["auto", "console", "json"]) -> None:
    """Set up logging for this process: structlog's, and what libraries log by the standard way."""
    pretty = style == "console" or (style == "auto" and sys.stderr.isatty())
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    # A plain trace: a pretty one shows what each variable held, passwords too.
    last: list[structlog.typing.Processor] = [structlog.processors.format_exc_info, hide_secrets]
    render: structlog.typing.Processor = (
        structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
        if pretty
        else structlog.processors.JSONRenderer(ensure_ascii=False)
    )
    structlog.configure(
        processors=[*shared, *last, render],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(processors=[*last, render], foreign_pre_chain=shared)
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
