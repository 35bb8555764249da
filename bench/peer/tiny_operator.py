import time

import torch
from common import args, report

a = torch.tensor([1.0, 2.0, 3.0])


def measure(count):
    start = time.perf_counter()
    for _ in range(count):
        a.add(a)
    return (time.perf_counter() - start) / count


measure(100000)
report(min(measure(int(args["count"]) // 5) for _ in range(5)))
