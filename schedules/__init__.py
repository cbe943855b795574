"""The scheduler, and the jobs that belong to no one plugin."""

from schedules.backup import BACKUP
from schedules.housekeeping import HOUSEKEEPING
from schedules.retrain import RETRAIN
from schedules.say import SAY

CORE_JOBS = (*HOUSEKEEPING, BACKUP, RETRAIN, SAY)
