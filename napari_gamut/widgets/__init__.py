"""What people see in napari: one panel with a page for each thing to do, in Qt."""
