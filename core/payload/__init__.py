"""What travels inside an sRGB file to bring its colours back."""
