"""The IR: typed SSA with locations, layouts as linear maps."""
