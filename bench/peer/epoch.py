"""The usual PyTorch script: DataLoader with worker processes, torchvision transforms, default training step."""
import os
import pathlib
import time

import torch
from common import args, densenet, report
from PIL import Image
from torchvision import transforms

root = pathlib.Path(os.environ.get("PLURAD_DATA", "../shared/data")) / "nih50-1024px" / "images"
files = sorted(root.iterdir())
size = args["size"]


class Radiographs(torch.utils.data.Dataset):
    transform = transforms.Compose(
        [
            transforms.Resize(size),
            transforms.CenterCrop(size),
            transforms.ToTensor(),
            transforms.Normalize([0.5], [0.25]),
        ]
    )

    def __init__(self, order):
        self.order = order

    def __len__(self):
        return len(self.order)

    def __getitem__(self, i):
        return self.transform(Image.open(files[self.order[i]]).convert("L")), torch.zeros(14)


model = densenet().train()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)


def epoch(order):
    loader = torch.utils.data.DataLoader(Radiographs(order), batch_size=args["batch"], num_workers=args["workers"])
    for x, y in loader:
        loss = torch.nn.functional.binary_cross_entropy_with_logits(model(x), y)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        loss.item()


order = list(range(len(files)))
epoch(order[:32])
start = time.perf_counter()
for _ in range(args["repeats"]):
    epoch(order)
report((time.perf_counter() - start) / args["repeats"])
