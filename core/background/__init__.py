"""Work behind a request: notifying workers, retry schedules, pacing, concurrency limits, batching of writes."""
