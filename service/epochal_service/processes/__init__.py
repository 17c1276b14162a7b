"""What a process of the service needs: logs, files, memory, its end, and a second one."""
