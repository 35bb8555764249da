import time

import torch
import torchvision
from common import args, median, report

extra = {"image_size": args["size"]} if args["architecture"].startswith("vit") else {}
model = getattr(torchvision.models, args["architecture"])(num_classes=14, **extra).train()
x, y = torch.randn(args["batch"], 3, args["size"], args["size"]), torch.rand(args["batch"], 14)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
loss_of = torch.nn.functional.binary_cross_entropy_with_logits
seconds = []
for i in range(args["steps"] + args["warmup"]):
    start = time.perf_counter()
    optimizer.zero_grad(set_to_none=True)
    out = model(x)
    # Inception gives auxiliary logits where the images are large enough.
    loss = loss_of(out, y) if torch.is_tensor(out) else sum(loss_of(o, y) for o in out if o is not None)
    loss.backward()
    optimizer.step()
    loss.item()
    if i >= args["warmup"]:
        seconds.append(time.perf_counter() - start)
report(median(seconds))
