"""What is measured running: types of events for the portal's handlers, and the table into which work writes a row."""

NOTHING, NOTHING_ASYNC, ONE_ROW = "bench.nothing_v1", "bench.nothing_async_v1", "bench.one_row_v1"

CREATE_TABLE = (
    "CREATE TABLE bench_received (event_id varchar(64) PRIMARY KEY, event_type varchar(128) NOT NULL,"
    " payload text NOT NULL)"
)
INSERT = "INSERT INTO bench_received (event_id, event_type, payload) VALUES (%s, %s, %s)"
COUNT = "SELECT count(*) FROM bench_received"
