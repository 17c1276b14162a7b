"""The explorers: pure functions from a request to a reply, one file for each topic.

Each explorer first computes a plain record of numbers with the engine's own definitions, and then
builds the reply from the record, with the formula of each number.
"""
