"""Reads the same label table with pandas and one-hot encodes its labels, in a process of its own."""

import json
import resource
import sys
import time

import pandas

args = json.loads(sys.argv[1])
started, before = time.perf_counter(), time.process_time()
frame = pandas.read_csv(args["table"])
if args["layout"] == "nih":
    encoded = frame["Finding Labels"].str.get_dummies("|")
else:
    # CheXpert under U-Zeros: uncertain and not mentioned are absent. The patient, without whom nobody can split it,
    # stands in the path.
    patient = frame["Path"].str.extract(r"(patient\d+)/", expand=False)
    encoded = frame[args["labels"]].fillna(0).replace(-1, 0).astype("int8")
seconds, cpu = time.perf_counter() - started, time.process_time() - before
print(
    json.dumps(
        {
            "seconds": seconds,
            "cpuSeconds": cpu,
            "peakMb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
            "rows": len(frame),
            "positives": [int(encoded[label].sum()) for label in args["labels"]],
            "version": f"pandas {pandas.__version__} on python {sys.version.split()[0]}",
        }
    )
)
