"""The equilibrium network: solver, implicit gradients, LETNet, and its weights as files."""
