"""Layout encodings of TTGIR (`#ttg.blocked<...>` and the rest), each turned into a LinearLayout."""
