"""The process of the service: logs, files, memory, its end, and a second process."""
