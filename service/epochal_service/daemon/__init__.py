"""The commands of `epochald`, its preflight, and the processes that it starts."""
