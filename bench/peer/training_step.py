import time

import torch
from common import args, densenet, median, report

fast = args["precision"] != "float32"
model = densenet().train()
x, y = torch.randn(args["batch"], 1, args["size"], args["size"]), torch.rand(args["batch"], 14)
if args["channelsLast"]:
    model, x = model.to(memory_format=torch.channels_last), x.contiguous(memory_format=torch.channels_last)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
seconds = []
for i in range(args["steps"] + args["warmup"]):
    start = time.perf_counter()
    optimizer.zero_grad(set_to_none=True)
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=fast):
        logits = model(x)
    loss = torch.nn.functional.binary_cross_entropy_with_logits(logits.float(), y)
    loss.backward()
    optimizer.step()
    loss.item()
    if i >= args["warmup"]:
        seconds.append(time.perf_counter() - start)
report(median(seconds))
