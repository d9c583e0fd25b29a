"""``python -m forecourt.cli``: the same as the command ``forecourt``."""

from forecourt.cli import main

main()
