import json
import os
import sys

import torch
import torchvision

args = json.loads(sys.argv[1])
torch.set_num_threads(len(os.sched_getaffinity(0)))
torch.manual_seed(0)


def densenet():
    model = torchvision.models.densenet121()
    model.features.conv0 = torch.nn.Conv2d(1, 64, 7, 2, 3, bias=False)
    model.classifier = torch.nn.Linear(1024, 14)
    return model


def median(values):
    return sorted(values)[len(values) // 2]


def report(seconds):
    print(json.dumps({"seconds": seconds, "version": f"torch {torch.__version__} torchvision {torchvision.__version__}"}))
