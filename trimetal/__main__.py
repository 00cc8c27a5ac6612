"""`python -m trimetal`: the command line."""

import sys

from trimetal.cli import main

sys.exit(main())
