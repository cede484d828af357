"""What became of every item of a job, kept so that the job can be run again."""
