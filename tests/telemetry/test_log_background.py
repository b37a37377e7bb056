import threading

from telemetry.logs.background import BackgroundWorker


class Gathering:
    """Takes batches, and can be held up."""

    def __init__(self) -> None:
        self.items: list[int] = []
        self.errors: list[int] = []
        self.free = threading.Event()
        self.free.set()
        self.busy = threading.Event()

    def handle(self, batch: list[int]) -> None:
        self.busy.set()
        self.free.wait()
        if -1 in batch:
            raise RuntimeError("cannot")
        self.items.extend(batch)

    def worker(self, capacity: int = 1000, linger_s: float = 0.001) -> BackgroundWorker[int]:
        return BackgroundWorker(
            "gathering", self.handle, self.errors.append, capacity=capacity, linger_s=linger_s
        )


def test_worker_with_a_flush_has_handled_all_items_in_order() -> None:
    gathering = Gathering()
    worker = gathering.worker(10_000)
    for number in range(2000):
        assert worker.put(number)
    assert worker.flush(10)
    assert gathering.items == list(range(2000))
    assert worker.close(10)


def test_worker_with_a_full_queue_refuses_at_once() -> None:
    gathering = Gathering()
    gathering.free.clear()
    worker = gathering.worker(capacity=3)
    assert worker.put(0)
    assert gathering.busy.wait(10)
    assert [worker.put(number) for number in range(1, 6)] == [True, True, True, False, False]
    assert not worker.flush(0)
    gathering.free.set()
    assert worker.close(10)
    assert gathering.items == [0, 1, 2, 3]


def test_worker_with_a_handler_that_raises_counts_the_batch_and_lives_on() -> None:
    gathering = Gathering()
    worker = gathering.worker()
    worker.put(-1)
    worker.flush(10)
    worker.put(5)
    assert worker.close(10)
    assert (gathering.errors, gathering.items) == ([1], [5])


def test_worker_with_a_second_close_stays_closed() -> None:
    worker = Gathering().worker()
    assert worker.close(10)
    assert worker.close(10)
    assert not worker.flush(10)


def test_worker_that_lingers_handles_an_urgent_item_at_once_with_all_before_it() -> None:
    gathering = Gathering()
    worker = gathering.worker(linger_s=1000)
    worker.put(1)
    assert gathering.items == []
    worker.put(2, urgent=True)
    assert gathering.busy.wait(10)
    assert worker.close(10)
    assert gathering.items == [1, 2]


def test_worker_that_lingers_does_not_let_a_whole_batch_wait() -> None:
    gathering = Gathering()
    worker = gathering.worker(10_000, linger_s=1000)
    for number in range(600):
        worker.put(number)
    assert gathering.busy.wait(10)
    assert worker.close(10)
    assert gathering.items == list(range(600))
