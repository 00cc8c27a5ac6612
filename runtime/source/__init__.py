"""Reading MSL text: tokens, what a file declares, and edits that keep lines in place."""
