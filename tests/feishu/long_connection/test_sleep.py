from feishu.long_connection.sleep import ASLEEP, JUMPED, SleepWatch


class Clocks:
    def __init__(self) -> None:
        self.awake, self.always, self.of_day = 1000.0, 5000.0, 1_700_000_000.0
        self.watch = SleepWatch(
            awake=lambda: self.awake, always=lambda: self.always, of_day=lambda: self.of_day
        )

    def run(self, seconds: float) -> None:
        self.awake += seconds
        self.always += seconds
        self.of_day += seconds


def test_time_that_passes_awake_is_no_sleep():
    clocks = Clocks()
    for seconds in (1, 1, 300, 0.1):
        clocks.run(seconds)
        assert clocks.watch.slept() == 0


def test_sleep_is_noticed_once_and_measured():
    clocks = Clocks()
    clocks.always += 3600
    clocks.of_day += 3600
    clocks.run(1)
    assert clocks.watch.slept() == 3600
    clocks.run(1)
    assert clocks.watch.slept() == 0


def test_nap_is_not_worth_a_new_connection():
    clocks = Clocks()
    clocks.always += ASLEEP - 1
    assert clocks.watch.slept() == 0


def test_paused_machine_is_told_by_the_time_of_day_and_a_corrected_clock_is_not():
    clocks = Clocks()
    clocks.of_day += JUMPED - 1
    assert clocks.watch.slept() == 0
    clocks.of_day -= 7200
    assert clocks.watch.slept() == 0
    clocks.of_day += 7200
    assert clocks.watch.slept() == 7200
