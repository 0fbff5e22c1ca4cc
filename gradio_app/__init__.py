"""The web demo: expand a photo in the browser, watch the fixed point, compare methods."""
