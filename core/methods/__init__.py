"""What turns codes into colours: one file for each method, and the registry of them all."""
