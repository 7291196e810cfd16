"""Work on all cores gives the results of a loop, and changes nothing around it."""

import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import torch

from ganache.core.cores import map_on_cores


@pytest.fixture(params=[1, 2, 3])
def cores(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def test_results_are_those_of_a_loop_in_order(cores):
    items = list(torch.randn(20, 30, 30))
    assert map_on_cores(lambda item: float(item.sum()), items) == [float(item.sum()) for item in items]
    assert map_on_cores(str, []) == []


def test_a_weight_that_is_used_twice_has_one_gradient_whenever_another_thread_ends(cores):
    """Autocast's cache of cast weights is shared by all threads, and the first that ends empties it."""
    random = torch.Generator().manual_seed(0)
    w = torch.randn(64, 64, generator=random).requires_grad_()
    x, y = torch.randn(2, 64, 64, generator=random)

    def gradient_of_two_uses(wait):
        if not wait:
            return torch.zeros(())
        used = x @ w
        time.sleep(0.2)  # the other one has ended
        return torch.autograd.grad((used + y @ w).float().square().sum(), w)[0]

    with torch.autocast("cpu", torch.bfloat16):
        found, _ = map_on_cores(gradient_of_two_uses, [True, False])
    with torch.autocast("cpu", torch.bfloat16, cache_enabled=False):
        assert torch.equal(found, gradient_of_two_uses(True))
    with torch.autocast("cpu", torch.bfloat16):
        assert not torch.equal(found, gradient_of_two_uses(True)), "the cache makes a difference here"


def test_threads_share_the_cores_and_later_threads_compute_on_all_again(cores):
    assert map_on_cores(lambda _: torch.get_num_threads(), range(4)) == [1] * 4
    torch.set_num_threads(2 * cores)
    assert map_on_cores(lambda _: torch.get_num_threads(), range(cores)) == [2] * cores
    torch.set_num_threads(cores)
    found = []
    later = threading.Thread(target=lambda: found.append(torch.get_num_threads()))
    later.start()
    later.join()
    assert torch.get_num_threads() == cores
    assert found == [cores]


@pytest.mark.parametrize("recorded", [True, False])
def test_gradients_are_recorded_as_around_it(cores, recorded):
    weight = torch.ones(3, requires_grad=True)
    with torch.set_grad_enabled(recorded):
        sums = map_on_cores(lambda k: (k * weight).sum(), [1, 2, 3])
    assert [each.requires_grad for each in sums] == [recorded] * 3
    if recorded:
        torch.stack(sums).sum().backward()
        assert weight.grad.tolist() == [6, 6, 6]


@pytest.mark.parametrize("dtype", [None, torch.bfloat16, torch.float16])
def test_autocast_is_as_around_it(cores, dtype):
    x = torch.randn(4, 4)
    with torch.autocast("cpu", dtype, enabled=dtype is not None):
        products = map_on_cores(lambda item: item @ item, [x, x, x])
    assert {each.dtype for each in products} == {dtype or torch.float32}
    assert not torch.is_autocast_enabled("cpu")


def test_an_error_of_one_item_is_raised(cores):
    with pytest.raises(ZeroDivisionError):
        map_on_cores(lambda k: 1 / k, [2, 1, 0])
    assert torch.get_num_threads() == cores


@pytest.mark.skipif(not Path("/proc/self/schedstat").exists(), reason="only Linux tells how long threads waited")
@pytest.mark.slow
def test_time_on_cores_and_time_without_one() -> None:
    """Two processes on one core each wait for about half of the time."""
    code = (
        "import os, time; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); "
        "from ganache.core.cores import seconds_on_cores; end = time.monotonic() + 2\n"
        "while time.monotonic() < end: pass\n"
        "print(*seconds_on_cores())"
    )
    both = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    for process in both:
        ran, waited = map(float, process.communicate()[0].split())
        assert ran > 0.1
        assert waited > 0.1
