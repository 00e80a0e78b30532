"""Rows of standing by: ticks, many use cases, idle servers."""

from benchmarks.row import Row

OPERATION_ROWS = {
    "tick": Row(
        "a tick of the sensor with 50,000 waiting files (s)",
        "os.walk and os.stat over the same files",
        "operation.tick:50000",
        "operation.listing:50000",
        "seconds",
        "10 s at most; Dagster's limit is 60",
    ),
    "ticks": Row(
        "a look of every sensor of twenty use cases of 500 images, nothing new (s)",
        "of one",
        "operation.ticks:20",
        "operation.ticks:1",
        "seconds",
        "no mark; a sensor looks every 5 to 60 s",
    ),
    "use_cases": Row(
        "a code location of twenty use cases, load time (s)",
        "of one",
        "operation.use_cases:20",
        "operation.use_cases:1",
        "seconds",
        "<= 2",
    ),
    "use_cases_memory": Row(
        "the same, memory (MB)",
        "of one",
        "operation.use_cases:20",
        "operation.use_cases:1",
        "memory_mb",
        "<= 1.5",
    ),
    "backup": Row(
        "the first backup of 50,000 images of 20 kB, hashed and synced, MB/s",
        "cp -r, synced",
        "operation.backup:50000",
        "operation.copy:50000",
        "mb_per_s",
        ">= 0.5",
    ),
    "idle": Row(
        "all servers of one use case while nothing happens (cores)",
        "dagster dev with an empty project, mlflow server",
        "operation.idle:1",
        "operation.idle_plain",
        "cores",
        "<= 2",
    ),
    "idle_many": Row(
        "the same of twenty use cases (cores)",
        "dagster dev with an empty project, mlflow server",
        "operation.idle:20",
        "operation.idle_plain",
        "cores",
        "no mark",
    ),
}
