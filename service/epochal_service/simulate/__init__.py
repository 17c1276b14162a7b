"""The explorers: one file for each section of the journey, pure, spec in, result out.

They compute with the engine's own definitions, and say of every number where it comes from.
"""
