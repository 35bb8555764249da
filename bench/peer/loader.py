"""The same images as PIL, torchvision and torch's DataLoader read them."""
import json
import os
import pathlib
import resource
import sys
import time

import numpy
import PIL
import torch
import torchvision
from PIL import Image
from torchvision import transforms

args = json.loads(sys.argv[1])
size, passes = args["size"], args["passes"]
root = pathlib.Path(os.environ.get("PLURAD_DATA", "../shared/data")) / args["set"] / "images"
files = sorted(root.iterdir())
# Per CPU second, more threads an operation can only lose.
torch.set_num_threads(1)
transform = transforms.Compose([transforms.Resize(size), transforms.CenterCrop(size), transforms.ToTensor()])


def pil(file):
    image = Image.open(file).convert("L").resize((size, size), Image.BILINEAR)
    return numpy.asarray(image, dtype=numpy.float32) / 255


def tv(file):
    return transform(Image.open(file).convert("L"))


class Radiographs(torch.utils.data.Dataset):
    def __len__(self):
        return len(files)

    def __getitem__(self, i):
        return tv(files[i])


def cpu_seconds(processes=()):
    own = resource.getrusage(resource.RUSAGE_SELF)
    total = own.ru_utime + own.ru_stime
    for process in processes:
        # Fields 14 and 15: user and system time in clock ticks; the name before them may hold spaces.
        fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


def measure(one_pass, processes=lambda: ()):
    one_pass()
    cpu, start = cpu_seconds(processes()), time.perf_counter()
    for _ in range(passes):
        one_pass()
    images = passes * len(files)
    version = f"torch {torch.__version__} torchvision {torchvision.__version__} pillow {PIL.__version__}"
    print(
        json.dumps(
            {
                "perCpuSecond": images / (cpu_seconds(processes()) - cpu),
                "perSecond": images / (time.perf_counter() - start),
                "version": version,
            }
        )
    )


if args["task"] == "dataloader":
    loader = torch.utils.data.DataLoader(
        Radiographs(), batch_size=args["batch"], num_workers=args["workers"], persistent_workers=True
    )
    measure(lambda: sum(len(x) for x in loader), lambda: loader._iterator._workers)
else:
    read = {"pil": pil, "torchvision": tv}[args["task"]]
    measure(lambda: [read(file) for file in files])
