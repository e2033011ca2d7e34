"""``python -m maskwise`` is ``maskwise``."""

from maskwise.cli.main import main

main()
