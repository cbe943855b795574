"""The scheduler, and the jobs that belong to no one plugin."""
