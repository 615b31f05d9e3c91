"""Worker processes that watch and score footage; they load neither torch nor Flower, which would double memory."""

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager

import cv2


@contextmanager
def site_pool(num_workers: int) -> Iterator[ProcessPoolExecutor]:
    """Starts workers of one core each; in the end, work not begun is dropped."""
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(num_workers, context, initializer=_use_one_core)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _use_one_core() -> None:
    cv2.setNumThreads(1)
