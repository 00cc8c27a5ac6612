"""MSL text: what the emitter prints with."""
