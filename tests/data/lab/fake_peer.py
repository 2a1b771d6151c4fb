#!/usr/bin/env python3
"""A mock of the peer, not llama.cpp: takes the place of a Python interpreter (-c PROGRAM is ignored) and answers as
FAKE_PEER says. It speaks the protocol of src/lab/llama_cpp_driver.h."""
import json
import os
import sys
import time

how = os.environ.get("FAKE_PEER", "answers")
if how == "dies at once":
    sys.exit("ModuleNotFoundError: No module named 'llama_cpp'")
if how == "hangs at once":
    time.sleep(600)
print(json.dumps({"version": "fake 1"}), flush=True)
for line in sys.stdin:
    ask = json.loads(line)
    if ask["do"] == "load":
        print(json.dumps({"error": "cannot load " + ask["model"]} if how == "cannot load" else {"loaded": True}), flush=True)
    elif how == "hangs":
        time.sleep(600)
    elif how == "hangs at generation" and ask["do"] == "generate":
        with open(os.environ["FAKE_PEER_MARK"] + ".new", "w") as mark:
            mark.write(str(os.getpid()))
        os.rename(mark.name, os.environ["FAKE_PEER_MARK"])
        time.sleep(600)
    elif how == "dies":
        print("out of patience", file=sys.stderr)
        sys.exit(3)
    elif how == "is killed":
        os.kill(os.getpid(), 9)
    elif how == "prints garbage":
        print("\xff\x00 no JSON", flush=True)
    elif how == "answers zero":
        print(json.dumps({"seconds": 0}), flush=True)
    elif how == "never ends its line":
        while True:
            sys.stdout.write("x" * 65536)
    elif how == "spins":
        print(json.dumps({"seconds": 1.0}), flush=True)
        while True:
            pass
    else:  # the question, as a number that tells it from others
        seconds = ask["n"] + 1000 * ask["depth"] + 1e6 * ask.get("sequences", 1) + 1e9 * ask["threads"]
        print(json.dumps({"seconds": seconds}), flush=True)
