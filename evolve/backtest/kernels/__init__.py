"""The compiled passes of the simulation, and the reference they are held to."""
