"""Image networks that the papers compare with, each after its own paper."""
