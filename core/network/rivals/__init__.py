"""Image networks that the papers compare with, each built as its own paper describes."""
