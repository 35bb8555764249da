import time

import torch
from common import args, densenet, median, report

model = densenet().eval()
x = torch.randn(args["batch"], 1, args["size"], args["size"])
seconds = []
with torch.inference_mode():
    for i in range(args["runs"] + 2):
        start = time.perf_counter()
        model(x).numpy()
        if i >= 2:
            seconds.append(time.perf_counter() - start)
report(median(seconds))
