"""Measurements: ratios of things done in one run, because absolute figures of a shared machine say little."""
