"""``python -m numsolve.cli``."""

from . import main

raise SystemExit(main())
