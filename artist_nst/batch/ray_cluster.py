"""Workers on a Ray cluster: each job is a task, which Ray places where there is room.

Ray keeps the processes of tasks, so that a network is loaded once in each. It starts
nodes where tasks wait, if the cluster can grow, and ends them when none do.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from platformdirs import user_cache_path

from artist_nst._files import hash_file, write_bytes
from artist_nst.batch.inputs import place, place_job
from artist_nst.batch.plan import PlannedJob
from artist_nst.batch.tasks import Lost, Result, Task, WorkerState, Workplace
from artist_nst.batch.urls import get_mirror, to_url
from artist_nst.errors import ArtistNstError, UsageError, format_count
from artist_nst.painting.networks import Networks, locate_network

if TYPE_CHECKING:
    from artist_nst.batch.worker import Painter
    from artist_nst.painting.pipeline import Progress
    from artist_nst.recipes.recipe import Recipe

# Jobs in flight for each that can run: the next one waits beside its worker, and what
# waits tells a cluster that can grow to do so.
QUEUE_FACTOR = 2
CONNECT_SECONDS = 10.0
NODE_LETTERS = 16  # of a node's name in the display
PROGRESS_SECONDS = 2.0  # between two messages of a worker, at least

log = logging.getLogger(__name__)


class RayPool:
    """Tasks on a Ray cluster.

    Args:
        ray: The module, connected to the cluster.
        workplace: What the workers share; its folder is on all nodes, or behind a URL.
        weights: A file of weights, which goes to the nodes by Ray; None if none is
            needed.
    """

    def __init__(self, ray: Any, workplace: Workplace, weights: Path | None) -> None:
        self.ray = ray
        self.workplace = workplace
        self.gpus = gpus = workplace.gpus
        self._sha256 = "" if weights is None else hash_file(weights)
        # An array is not copied from Ray's memory by the tasks that read it.
        content = None if weights is None else np.fromfile(weights, np.uint8)
        self._weights = ray.put(content)
        # We count how often a job is tried. Processes with a GPU are kept, too.
        options = {"max_retries": 0, "max_calls": 0}
        resources = {"num_gpus": gpus} if gpus else {"num_cpus": 1}
        self._paint = ray.remote(**options, **resources)(paint_task)
        self._board = _Board(ray)
        self._running: dict[Any, PlannedJob] = {}
        self.capacity = self._measure_capacity()

    def submit(self, planned: PlannedJob) -> None:
        """Hand out a job."""
        task = Task(_make_absolute(planned))
        reference = self._paint.remote(
            task,
            self.workplace,
            get_mirror(),
            self._sha256,
            self._weights,
            self._board.actor,
        )
        self._running[reference] = planned

    def wait(self, seconds: float) -> Iterator[Result | Lost]:
        """Wait until a job is done or lost, but not longer than ``seconds``.

        Raises:
            ArtistNstError: The cluster does not answer any more.
        """
        try:
            done, _ = self.ray.wait([*self._running], timeout=seconds)
            self.capacity = self._measure_capacity()
        except self.ray.exceptions.RayError as error:
            raise ArtistNstError(
                f"the Ray cluster does not answer any more ({_describe(error)}): run "
                "the same command again when it is back"
            ) from error
        for reference in done:
            planned = self._running.pop(reference)
            try:
                yield self.ray.get(reference)
            except self.ray.exceptions.RayError as error:
                yield Lost(planned, f"its worker was lost: {_describe(error)}")

    def _measure_capacity(self) -> int:
        """Return how many jobs may be in flight, by what the cluster has now."""
        resources = self.ray.cluster_resources()
        slots = (
            resources.get("GPU", 0) / self.gpus
            if self.gpus
            else (resources.get("CPU", 0))
        )
        return QUEUE_FACTOR * max(1, int(slots))

    def list_states(self) -> Sequence[WorkerState]:
        """List what the workers said last, by node."""
        return self._board.list_states({p.job.out for p in self._running.values()})

    def close(self, *, kill: bool = False) -> None:
        """Leave the cluster; with ``kill``, end what runs."""
        del kill  # the end of the connection ends what runs
        self.ray.shutdown()


def open_ray_pool(
    address: str,
    jobs: Sequence[PlannedJob],
    workplace: Workplace,
    networks: Networks,
    gpus: float | None,
) -> RayPool:
    """Connect to a Ray cluster, or start one on this machine.

    Args:
        address: Of its head, ``auto`` for the one that this machine belongs to, or
            ``local`` for a new one.
        jobs: To be painted.
        workplace: What the workers share.
        networks: Tell where the weights are.
        gpus: Of each worker; 1 if the cluster has GPUs, by default.

    Raises:
        UsageError: Ray is not installed, or the address does not answer; the cluster
            has no GPUs, and they are asked for.
    """
    ray = _connect(address)
    resources = ray.cluster_resources()
    if gpus is None:
        is_cpu = workplace.compute.device == "cpu"
        gpus = 0.0 if is_cpu or not resources.get("GPU") else 1.0
    weights = {
        path
        for recipe in {planned.job.recipe for planned in jobs}
        if (path := _locate_weights(networks, recipe)) is not None
    }
    if len(weights) > 1:
        ray.shutdown()
        raise UsageError(
            "a batch on a Ray cluster is painted by one file of weights, and these "
            "jobs need several: divide them"
        )
    log.info(
        "Ray cluster of %s with %g CPUs and %g GPUs",
        format_count(len(ray.nodes()), "node"),
        resources.get("CPU", 0),
        resources.get("GPU", 0),
    )
    workplace = replace(workplace, gpus=gpus, fetches=True)
    return RayPool(ray, workplace, next(iter(weights), None))


def _locate_weights(networks: Networks, recipe: Recipe) -> Path | None:
    recipe = networks.resolve_auto(recipe)
    if recipe.network == "compact" and networks.compute.weights is None:
        return None  # all nodes have it
    return locate_network(recipe.network, networks.compute.weights)


def _connect(address: str) -> Any:
    # Read when Ray is loaded: nothing is reported to its makers.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError as error:
        raise UsageError(
            "--ray needs Ray: install it with `pip install 'artist-nst[cluster]'`"
        ) from error
    start = partial(ray.init, address, logging_level=logging.ERROR, log_to_driver=False)
    try:
        if address == "local":
            start(include_dashboard=False)
        else:
            _check_address(address)
            start()
    except Exception as error:
        raise UsageError(
            f"--ray {address}: no Ray cluster answers ({_describe(error)}): start one "
            "with `ray start --head`, or paint on this machine with --ray local"
        ) from error
    return ray


def _check_address(address: str) -> None:
    """Raise OSError if nothing listens there: Ray would try for minutes."""
    if address == "auto":
        return
    host, _, port = address.rpartition("://")[2].rpartition(":")
    if not host or not port.isdecimal():
        raise OSError("an address is HOST:PORT")
    socket.create_connection((host.strip("[]"), int(port)), CONNECT_SECONDS).close()


def paint_task(
    task: Task,
    workplace: Workplace,
    mirror: Path,
    sha256: str,
    weights: Any,
    board: Any,
) -> Result:
    """Paint one job in a process of the cluster.

    Args:
        task: The job.
        workplace: What the workers share.
        mirror: Of the driver, in which the job's pictures may be placed.
        sha256: Of the weights; empty if none are needed.
        weights: Their bytes.
        board: An actor that is told what is painted.
    """
    folder = place(workplace.folder, mirror)
    if to_url(folder) is None and not folder.is_dir():
        raise FileNotFoundError(f"{folder} is not on all nodes")
    corpora = workplace.corpora and place(workplace.corpora, mirror)
    workplace = replace(workplace, folder=folder, corpora=corpora)
    if sha256:
        compute = replace(workplace.compute, weights=_place_weights(sha256, weights))
        workplace = replace(workplace, compute=compute)
    job = place_job(task.planned.job, mirror)
    task = replace(task, planned=replace(task.planned, job=job))
    reporter = _Reporter(board, job.out)
    reporter.send(0.0)
    return _get_painter(workplace).paint(task, reporter.report)


class _States:
    """What the workers said last: an actor, which all of them reach."""

    def __init__(self) -> None:
        self.states: dict[str, WorkerState] = {}

    def note(self, state: WorkerState) -> None:
        """Note what a worker does."""
        self.states[state.name] = state

    def list_states(self) -> list[WorkerState]:
        """List what all workers do."""
        return [*self.states.values()]


class _Board:
    """The driver's side of the actor: it never waits for it."""

    def __init__(self, ray: Any) -> None:
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        self.ray = ray
        # Here, where no node is lost without the driver.
        node = ray.get_runtime_context().get_node_id()
        here = NodeAffinitySchedulingStrategy(node, soft=True)
        options = {"num_cpus": 0, "max_restarts": -1, "scheduling_strategy": here}
        self.actor = ray.remote(**options)(_States).remote()
        self._answer = self.actor.list_states.remote()
        self._states: list[WorkerState] = []

    def list_states(self, running: Collection[str]) -> list[WorkerState]:
        """List the workers whose jobs are among those that run, by node."""
        ready, _ = self.ray.wait([self._answer], timeout=0)
        if ready:
            # The display is not worth a failure.
            with suppress(self.ray.exceptions.RayError):
                self._states = self.ray.get(self._answer)
            self._answer = self.actor.list_states.remote()
        states = [state for state in self._states if state.out in running]
        return sorted(states, key=lambda state: state.name)


class _Reporter:
    """Tells the board how much of a painting is done."""

    def __init__(self, board: Any, out: str) -> None:
        self.board = board
        self.out = out
        self._next = 0.0

    def report(self, progress: Progress) -> None:
        """Tell the share that is done, now and then."""
        if time.monotonic() >= self._next:
            self.send(progress.step.iteration / progress.step.iterations)

    def send(self, share: float) -> None:
        """Tell the share that is done, without waiting for an answer."""
        self._next = time.monotonic() + PROGRESS_SECONDS
        # The end of a pod's name tells it from others.
        node = socket.gethostname().partition(".")[0][-NODE_LETTERS:]
        name = f"{node} {os.getpid()}"
        self.board.note.remote(WorkerState(name, self.out, share))


def _place_weights(sha256: str, weights: Any) -> Path:
    """Return the node's file of the weights, which is written once."""
    folder = user_cache_path("artist-nst", appauthor=False) / "weights"
    path = folder / sha256
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        write_bytes(path, memoryview(weights))
    return path


@cache
def _get_painter(workplace: Workplace) -> Painter:
    """Make the process's painter, for the first of its tasks."""
    from artist_nst.batch.worker import Painter
    from artist_nst.nst.machine import configure_process

    configure_process()  # Ray says how many threads
    logging.getLogger("artist_nst").setLevel(logging.INFO)
    if workplace.compute.max_memory is None:
        compute = replace(workplace.compute, max_memory=_choose_memory(workplace))
        workplace = replace(workplace, compute=compute)
    return Painter(workplace)


def _choose_memory(workplace: Workplace) -> int | None:
    """Choose the bytes that one of several workers may take where it computes."""
    import torch

    from artist_nst.nst.devices import choose_device
    from artist_nst.nst.machine import count_cores, free_memory

    device = choose_device(workplace.compute.device)
    if device.type == "cpu":
        return free_memory(device) // count_cores()
    if device.type == "cuda" and workplace.gpus < 1:
        return int(torch.cuda.mem_get_info(device)[1] * workplace.gpus)
    return None


def _make_absolute(planned: PlannedJob) -> PlannedJob:
    """Name the job's pictures by paths that hold in any folder."""
    return replace(planned, job=planned.job.place(Path.absolute))


def _describe(error: BaseException) -> str:
    """Put an error on one line: Ray's own have many, with a traceback."""
    cause = getattr(error, "cause", None) or error
    lines = [" ".join(line.split()) for line in str(cause).splitlines()]
    return next(filter(None, lines), "") or type(cause).__name__
