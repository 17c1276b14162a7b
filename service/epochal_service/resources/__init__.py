"""The resources of a spec: data sets, corruptions, and weights of other jobs."""
