"""The same predictions in PyTorch's eager mode."""
import json
import os
import pathlib
import subprocess
import sys
import time

from common import args, densenet, median, report

import torch
from PIL import Image
from torchvision import transforms

weights = os.path.join(args["folder"], "model.pt")
root = pathlib.Path(os.environ.get("PLURAD_DATA", "../shared/data")) / "nih50-1024px" / "images"
files = sorted(root.iterdir()) if root.exists() else []
normalise = transforms.Normalize([0.5], [0.25])
size = args.get("size", 224)
transform = transforms.Compose(
    [transforms.Resize(size), transforms.CenterCrop(size), transforms.ToTensor(), normalise]
)


chest = sorted(pathlib.Path(args["folder"], args.get("chest", "chest")).glob("*"))


def read(path):
    """An image in 8 bits: of DICOM after its lookup table or window, black as 0."""
    if path.suffix != ".dcm":
        return Image.open(path).convert("L")
    import numpy
    import pydicom
    from pydicom.pixel_data_handlers.util import apply_modality_lut, apply_voi_lut

    data = pydicom.dcmread(path)
    values = apply_voi_lut(apply_modality_lut(data.pixel_array, data), data).astype(numpy.float32)
    if data.PhotometricInterpretation == "MONOCHROME1":
        values = values.max() - values
    values -= values.min()
    return Image.fromarray((values * (255 / values.max())).astype(numpy.uint8))


def load():
    model = densenet()
    model.load_state_dict(torch.load(weights))
    return model.eval()


class Radiographs(torch.utils.data.Dataset):
    def __init__(self, paths):
        self.paths = paths

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, i):
        return transform(read(self.paths[i]))


def loading(paths, workers, **more):
    return torch.utils.data.DataLoader(
        Radiographs(paths), batch_size=args.get("batch", 1), num_workers=workers, **more
    )


def predict(model, paths, workers):
    return through(model, loading(paths, workers))


def through(model, loader):
    with torch.inference_mode():
        return torch.cat([model(pixels).sigmoid() for pixels in loader])


def seconds(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if args["task"] == "model":
    torch.save(densenet().state_dict(), weights)
    report(0)
elif args["task"] == "decompress":
    import pydicom

    raw = pathlib.Path(args["folder"], "raw")
    raw.mkdir()
    for path in chest:
        data = pydicom.dcmread(path)
        data.decompress()
        data.save_as(raw / path.name)
    report(0)
elif args["task"] == "forward":
    model = load()
    x = torch.rand(args["batch"], 1, size, size)
    with torch.inference_mode():
        report(median([seconds(lambda: model(x).sigmoid().numpy()) for _ in range(args["runs"] + 2)][2:]))
elif args["task"] == "files":
    model = load()
    predict(model, files[:2], 0)
    report(seconds(lambda: predict(model, files, 2)))
elif args["task"] == "dicom":
    model = load()
    predict(model, chest[:2], 0)
    report(seconds(lambda: predict(model, chest, 2)))
elif args["task"] == "again":
    model = load()
    loader = loading(chest, 2, persistent_workers=True)
    through(model, loader)
    report(seconds(lambda: through(model, loader)))
elif args["task"] == "program":
    program = [sys.executable, __file__, json.dumps({**args, "task": "print"})]
    report(seconds(lambda: subprocess.run(program, check=True, stdout=subprocess.DEVNULL)))
elif args["task"] == "print":
    paths = (files if args["files"] == "png" else chest)[: args.get("most")]
    print(predict(load(), paths, 0 if len(paths) == 1 else 2).tolist())
