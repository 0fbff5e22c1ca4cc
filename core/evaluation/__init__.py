"""What restorations are worth: originals, styles, metrics, comparisons, tables."""
