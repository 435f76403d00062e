"""Entry point of `python -m sikoia_async`."""

from sikoia_async.cli.main import main

raise SystemExit(main())
